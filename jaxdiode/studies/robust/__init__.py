"""Designs that survive: scatter of fabrication, and objectives over it."""

from .members import Absolute as Absolute
from .members import Relative as Relative
from .objective import RobustObjective as RobustObjective
from .objective import robust as robust
from .spread import Spread as Spread
