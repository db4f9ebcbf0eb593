"""What devices must do, and how fabricated ones scatter: what `Spread` and `margins` are told."""

from .studies.robust import Absolute as Absolute
from .studies.robust import Relative as Relative
from .studies.robust import RobustObjective as RobustObjective
from .studies.tolerance import Specification as Specification
