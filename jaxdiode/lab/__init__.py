"""Measurements of the laboratory: files of acquisition programs, critical currents of raw maps."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
