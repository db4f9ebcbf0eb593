"""Measurements of acquisition programs as labelled datasets. Nothing that reads needs JAX."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
