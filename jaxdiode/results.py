"""What the verbs return; `AbstractResult` says what all of them can do."""

from .circuits.contour import CriticalContour as CriticalContour
from .circuits.states import Folds as Folds
from .circuits.states import StaticStates as StaticStates
from .circuits.threshold import ThresholdCurves as ThresholdCurves
from .core.cpr import CurrentPhaseRelation as CurrentPhaseRelation
from .core.report import Report as Report
from .core.results import AbstractResult as AbstractResult
from .core.taylor import TaylorSeries as TaylorSeries
from .devices.extended.long import LongStates as LongStates
from .dynamics.network.path import CircuitTrajectory as CircuitTrajectory
from .dynamics.rectification import RectifiedVoltage as RectifiedVoltage
from .dynamics.retrapping import RetrappingCurrents as RetrappingCurrents
from .dynamics.shapiro_map import ShapiroMap as ShapiroMap
from .dynamics.steps import ShapiroSteps as ShapiroSteps
from .dynamics.switching import SwitchingCurrents as SwitchingCurrents
from .dynamics.trajectory import Trajectory as Trajectory
from .dynamics.voltage_curve import IVCurve as IVCurve
from .inverse.result import ProfileFit as ProfileFit
from .measurement import MeasuredCurrents as MeasuredCurrents
from .studies.design import DesignResult as DesignResult
from .studies.fit import FitResult as FitResult
from .thermal.escape import EscapeRate as EscapeRate
from .thermal.histogram import SwitchingDistribution as SwitchingDistribution
from .thermal.iv import ThermalIV as ThermalIV
