"""Diffusive hybrid junctions with spin-active interfaces (Usadel equation)."""
