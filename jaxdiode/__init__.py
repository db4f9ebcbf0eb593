"""Differentiable physics of superconducting diodes on JAX.

parameters → device → critical currents → objective: every arrow is a pure JAX function.
Importing sets nothing; switch JAX to double precision before building a device.

The public names are listed in `__init__.pyi` and loaded when they are first used, so that what
needs no JAX, such as the help of the command line, does not wait for it.
"""

import lazy_loader

from ._version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
