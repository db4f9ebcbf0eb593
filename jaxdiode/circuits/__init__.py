"""Josephson circuits of any topology: elements, static states, folds, critical currents."""
