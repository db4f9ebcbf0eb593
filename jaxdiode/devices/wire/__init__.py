"""Wires with phase-slip centres: their voltage, valley polarisation, and direct simulation."""
