"""The parametrically driven junction: its equation, its circuits, and its limits."""
