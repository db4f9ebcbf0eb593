"""Interfaces: their scattering matrices, and what they do to pair amplitudes."""
