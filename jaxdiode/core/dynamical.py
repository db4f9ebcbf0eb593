"""What a device with an equation of motion tells of itself."""

import abc
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from .device import AbstractCurrentBiased

Scalar = Float[Array, ""]
Phases = Float[Array, " phases"]


class RunningState(NamedTuple):
    """The motion of a device without drive at one bias, in the bias's direction.

    Attributes:
        velocity: mean of |φ'|; 0 where there is no such motion.
        error: of that.
        exists: there is such a motion.
        alone: there is no state of rest beside it.
        finished: the calculation came to its end.
    """

    velocity: Scalar
    error: Scalar
    exists: Bool[Array, ""]
    alone: Bool[Array, ""]
    finished: Bool[Array, ""]


class AbstractDynamical(AbstractCurrentBiased):
    """A device of n phases with an equation of motion under a current i,

        φ_k'' = f_k(θ, φ, φ', i),   θ = Ωτ,   k = 1 … n.

    f is the same when all phases are turned by 2π, and does not change its form when currents and
    φ'' are multiplied by λ, rates by √λ (the plasma units of a junction). `trajectory`,
    `iv_curve` and `switching_currents` take any such device, critical currents as ends of folds
    those of one phase. A subclass defines the four methods below and has two fields or properties:

    Attributes:
        damping: β > 0 of all phases or of each; trajectories relax in max(2/β, 4β), and a
            running phase has φ' ~ i/β.
        drive_frequency: Ω > 0; None if f does not depend on θ.
    """

    damping: eqx.AbstractVar[Float[Array, "*phases"]]
    drive_frequency: eqx.AbstractVar[Float[Array, ""] | None]

    @abc.abstractmethod
    def equation_of_motion(
        self,
        drive_phase: Float[Array, "..."],
        phase: Float[Array, "*phases"],
        velocity: Float[Array, "..."],
        current: Scalar,
        drive: float | Scalar = 1.0,
    ) -> Float[Array, "*phases"]:
        """φ'' at the drive phase θ; `drive` from 0 to 1 turns the drive up.

        Of one phase it must be elementwise in θ, φ and φ', arrays of any shapes that broadcast.
        """

    @abc.abstractmethod
    def rest(self) -> Phases:
        """Phases of the stable state of rest at zero bias without drive."""

    @abc.abstractmethod
    def largest_current(self) -> Scalar:
        """No zero-voltage state carries more, and no |∂φ''/∂φ| is larger."""

    @abc.abstractmethod
    def rescaled(self, size: Scalar) -> "AbstractDynamical":
        """The same device, its currents in a unit `size` times larger, rates in √size."""

    def require_single_valued(self) -> None:
        """Raises ValueError where the device's parameters leave no equation of motion."""

    @property
    def is_overdamped(self) -> bool:
        """Without inertia, an equation of first order in place of the one above."""
        return False

    @property
    def voltage_unit(self) -> str:
        """What ⟨φ'⟩ is in, for figures."""
        return r"$I_0R$" if self.is_overdamped else r"$\hbar\omega_p/2e$"

    @property
    def phases(self) -> int:
        """n, known from shapes alone."""
        return 1

    def typical_current(self) -> Scalar:
        """Size of the critical currents, which steps of the bias are measured in."""
        return self.largest_current()

    def noise_intensity(self) -> Float[Array, "*phases"]:
        """S of ⟨φ_k'' φ_k''⟩ = Sγδ(τ) by thermal noise, γ = k_BT/E_J; 2β by Nyquist."""
        return 2 * self.damping

    def drive_harmonics(self) -> int:
        """Highest harmonic of Ω in f."""
        return 1

    def drive_velocity(self) -> Scalar:
        """No |φ'| that the drive alone gives a running phase is larger."""
        return jnp.zeros(())

    def drive_pieces(self) -> int:
        """Equal parts of the drive's period, from θ = 0, between which f may jump."""
        return 1

    def is_driven(self) -> bool | Bool[Array, ""]:
        """Whether f depends on θ; an array where that is known to a traced program only."""
        return self.drive_frequency is not None

    def running_states(self) -> Callable[[Scalar], RunningState] | None:
        """The motion without drive as a function of i, where better known than by integration."""
        return None
