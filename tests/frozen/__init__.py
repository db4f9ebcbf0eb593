"""Numbers that a rebuilding of the package must not change."""
