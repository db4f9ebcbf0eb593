"""Timings against honest competitors: same accuracy, same process, compilation apart."""
