"""Layers: what lies between the interfaces, and the superconductors on either side."""
