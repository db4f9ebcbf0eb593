"""Circuits as text that other programs read: JoSIM netlists, scqubits and SQcircuit input.

`jaxdiode.to_netlist` and `jaxdiode.from_netlist` are JoSIM's; the others' are here.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
