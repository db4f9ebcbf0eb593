"""Josephson junctions: what sits in the branches of an interferometer.

Each is a phase-biased device of its own, and any phase-biased device can be a branch.
"""

from .andreev import AndreevModes as AndreevModes
from .ballistic import BallisticJunction as BallisticJunction
from .chain import JunctionChain as JunctionChain
from .elements import Harmonics as Harmonics
from .elements import SeriesJunctions as SeriesJunctions
from .elements import TunnelJunction as TunnelJunction
from .resistive import AmbegaokarBaratoffJunction as AmbegaokarBaratoffJunction
from .resistive import BallisticPointContact as BallisticPointContact
from .resistive import DiffusivePointContact as DiffusivePointContact
from .shifted import PhaseShiftedJunction as PhaseShiftedJunction
from .temperature import TemperatureScaledJunction as TemperatureScaledJunction
