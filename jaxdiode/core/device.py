"""What a device is: an immutable pytree of parameters with one observable."""

import abc
from typing import TYPE_CHECKING

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..numerics.status import Status
from .parameters import AbstractParameters

if TYPE_CHECKING:
    from .critical import CriticalCurrents


class AbstractDevice(AbstractParameters):
    """A superconducting device. Its leaves are its physical parameters, as float64 arrays.

    Fields may declare range, unit and label by `parameter`.
    """


class AbstractPhaseBiased(AbstractDevice):
    """A device whose supercurrent is a 2π-periodic function of the phase across it.

    A subclass defines `current`; critical currents, harmonics, energy, design, fit and
    sweep follow from it. The other methods tell the extremum search what it cannot see by
    sampling, and need overriding only by devices with sharp or fast features.
    """

    @abc.abstractmethod
    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        """Supercurrent at the given phase (radians), elementwise."""

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        """Phases at which the current turns sharply, and the phase width of each turn.

        Two arrays of one length (or two numbers). The width is the scale w of a turn like
        tanh(x/w) or x/√(x² + w²); 0 is a jump. The phases must be differentiable functions of
        the parameters: an extremum pinned to a jump moves with it.
        """
        return jnp.zeros(0), jnp.zeros(0)

    def prepared(self) -> "AbstractPhaseBiased":
        """The same relation with all that does not depend on the phase worked out once.

        Critical currents and relations are taken from it, with the same gradients, and so are
        `kinks`, `samples_per_period`, `magnitude` and `status`. Preparing twice must change
        nothing. Worth overriding where the current at one phase costs an integral or a boundary
        value problem.
        """
        return self

    def samples_per_period(self) -> int:
        """Uniform samples per period that separate all extrema away from the kinks."""
        return 64

    def magnitude(self) -> Float[Array, ""]:
        """Size of the largest term in the current: totals 1e-13 below it are rounding."""
        return jnp.zeros(())

    def status(self) -> Int[Array, ""]:
        """A `Status` known from the parameters alone, before any search."""
        return jnp.asarray(Status.CONVERGED, jnp.int32)


class AbstractCurrentBiased(AbstractDevice):
    """A device driven by a current: its critical currents are where its stated criterion is met.

    Usually the end of the zero-voltage state, as a fold, a root or a threshold: physics, so every
    such device brings its own.
    """

    @abc.abstractmethod
    def critical_currents(self, criterion: str | None = None) -> "CriticalCurrents":
        """I₊ and I₋ with their status, differentiable in the parameters.

        A device that offers several criteria takes the name of one; others may leave the
        argument out.
        """
