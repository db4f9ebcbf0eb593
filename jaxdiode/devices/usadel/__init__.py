"""Diffusive hybrid junctions (`jaxdiode.SpinActiveJunction`, `DiffusiveJunction`) by the Usadel
equation: their interfaces, spin bands and resolution.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
