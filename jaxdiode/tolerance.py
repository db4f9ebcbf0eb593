"""How fabricated devices scatter: what `jd.Spread` is made of."""

from .studies.robust import Absolute as Absolute
from .studies.robust import Relative as Relative
from .studies.robust import RobustObjective as RobustObjective
