"""Thermal noise: exact current–voltage curves."""
