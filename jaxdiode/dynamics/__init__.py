"""Dynamics of devices with an equation of motion: trajectories, I–V curves, ramps, noise, folds."""
