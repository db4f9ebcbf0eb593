"""What a device whose states do not move tells of its voltage."""

import abc
from typing import NamedTuple

from jaxtyping import Array, Float, Int

from .device import AbstractCurrentBiased


class StationaryVoltages(NamedTuple):
    """Voltages along a list of currents.

    Attributes:
        voltage: V, NaN where it is not known.
        error: of V as the device's equations give it, 0 where it is exact.
        slope: dV/di of the branch that V is on, after a jump that of the new one.
        status: CONVERGED, NOT_CONVERGED where the equations were not solved, NONFINITE.
    """

    voltage: Float[Array, " n"]
    error: Float[Array, " n"]
    slope: Float[Array, " n"]
    status: Int[Array, " n"]


class AbstractStationary(AbstractCurrentBiased):
    """A device whose equations give the voltage at a current without any motion in time.

    `iv_curve` takes it. Voltages are in a unit of the device's own, currents too:

    Attributes:
        voltage_unit, current_unit: these, for figures.
    """

    @property
    @abc.abstractmethod
    def voltage_unit(self) -> str: ...

    @property
    @abc.abstractmethod
    def current_unit(self) -> str: ...

    @abc.abstractmethod
    def stationary_voltages(self, currents: Float[Array, " n"]) -> StationaryVoltages:
        """V of a device taken slowly from its state at no current through a list of currents.

        Straight ramps in between; where several states carry a current it is in the one that the
        ramp leads to.
        """
