"""The fit verb: parameters of a device from measured data, with honest error bars."""

from .bootstrap import Bootstrap as Bootstrap
from .least_squares import fit as fit
from .periods import period_candidates as period_candidates
from .prior import FixedMean as FixedMean
from .prior import LogNormal as LogNormal
from .prior import Normal as Normal
from .prior import Smooth as Smooth
from .result import FitResult as FitResult
from .trust_region import Loss as Loss
