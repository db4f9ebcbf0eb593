"""Devices, current-phase relations and critical currents, whatever the physics behind them."""
