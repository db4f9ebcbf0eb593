"""From a measurement back to the device: profiles of the critical current density, and priors."""

from ..studies.fit import FixedMean as FixedMean
from ..studies.fit import LogNormal as LogNormal
from ..studies.fit import Normal as Normal
from ..studies.fit import Smooth as Smooth
from ..studies.posterior import interchangeable as interchangeable
from .dynes_fulton import dynes_fulton as dynes_fulton
from .profile import fit_profile as fit_profile
from .twins import twins as twins
