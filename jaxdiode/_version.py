"""The version, for whatever layer writes it into a file."""

__version__ = "0.1.0"
