"""What is done with devices: design, fit, sweep, and the space of parameters they vary."""
