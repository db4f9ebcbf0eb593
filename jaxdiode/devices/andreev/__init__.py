"""The nonequilibrium Andreev interferometer."""
