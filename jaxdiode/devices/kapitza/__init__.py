"""The parametrically driven junction: its equation, its limits, and its measurement."""
