"""Differentiable physics of superconducting diodes on JAX.

parameters → device → critical currents → objective: every arrow is a pure JAX function.
Importing sets nothing; switch JAX to double precision before building a device.
"""

from . import plot as plot
from . import units as units
from .core.cpr import CurrentPhaseRelation as CurrentPhaseRelation
from .core.cpr import current_phase_relation as current_phase_relation
from .core.critical import CriticalCurrents as CriticalCurrents
from .core.critical import critical_currents as critical_currents
from .core.critical import diode_efficiency as diode_efficiency
from .core.device import AbstractCurrentBiased as AbstractCurrentBiased
from .core.device import AbstractDevice as AbstractDevice
from .core.device import AbstractPhaseBiased as AbstractPhaseBiased
from .design import DesignResult as DesignResult
from .design import maximise as maximise
from .design import random_search as random_search
from .devices.andreev import AndreevInterferometer as AndreevInterferometer
from .devices.andreev import InterferometerCoefficients as InterferometerCoefficients
from .devices.kapitza.circuits import CircuitScale as CircuitScale
from .devices.kapitza.junction import KapitzaJunction as KapitzaJunction
from .devices.kapitza.limits import Limits as Limits
from .devices.kapitza.switching import SwitchingCurrents as SwitchingCurrents
from .devices.kapitza.switching import switching_currents as switching_currents
from .devices.kapitza.transport import IVCurve as IVCurve
from .devices.kapitza.transport import Trajectory as Trajectory
from .devices.kapitza.transport import iv_curve as iv_curve
from .devices.kapitza.transport import trajectory as trajectory
from .devices.phase_slip.cooper import CooperChannel as CooperChannel
from .devices.phase_slip.cooper import TightBindingBand as TightBindingBand
from .devices.phase_slip.cooper import cooper_bubble as cooper_bubble
from .devices.phase_slip.cooper import cooper_channel as cooper_channel
from .devices.phase_slip.cooper import valley_beta as valley_beta
from .devices.phase_slip.limits import WireLimits as WireLimits
from .devices.phase_slip.tdgl import WireSimulation as WireSimulation
from .devices.phase_slip.tdgl import simulate_wire as simulate_wire
from .devices.phase_slip.valley import ValleyPolarization as ValleyPolarization
from .devices.phase_slip.wire import PhaseSlipWire as PhaseSlipWire
from .devices.phase_slip.wire import WireState as WireState
from .devices.squid import CoilBiasedSquid as CoilBiasedSquid
from .devices.squid import Squid as Squid
from .devices.usadel.barrier import SpinBarrier as SpinBarrier
from .devices.usadel.contact import SpinActiveContact as SpinActiveContact
from .devices.usadel.diffusive import DiffusiveJunction as DiffusiveJunction
from .devices.usadel.hybrid import OrderParameter as OrderParameter
from .devices.usadel.model import SixHarmonicModel as SixHarmonicModel
from .devices.usadel.resolution import UsadelResolution as UsadelResolution
from .devices.usadel.spin import AbstractSpinResolved as AbstractSpinResolved
from .devices.usadel.spin import SpinDiode as SpinDiode
from .devices.usadel.spin import spin_diode as spin_diode
from .devices.usadel.spin import spin_diode_efficiency as spin_diode_efficiency
from .devices.usadel.spin_active import SpinActiveJunction as SpinActiveJunction
from .devices.usadel.torus import PhaseTorus as PhaseTorus
from .fit import FitResult as FitResult
from .fit import fit as fit
from .gates import Gate as Gate
from .gates import GateMap as GateMap
from .junctions import AndreevModes as AndreevModes
from .junctions import Harmonics as Harmonics
from .junctions import SeriesJunctions as SeriesJunctions
from .junctions import TunnelJunction as TunnelJunction
from .measurement import read_switching_currents as read_switching_currents
from .numerics.status import Status as Status
from .progress import LongRunWarning as LongRunWarning
from .space import Space as Space
from .space import parameter_names as parameter_names
from .sweep import sweep as sweep

__version__ = "0.1.0"
