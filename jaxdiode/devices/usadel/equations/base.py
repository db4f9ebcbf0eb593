"""The boundary value problem of a junction at one frequency, of many phases side by side."""

import abc
import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import equinox as eqx
from jaxtyping import Array, Complex, Float, Inexact, PyTree

from ....numerics.newton import Linearised, implicit_solution
from ..layers.conjugation import AbstractConjugation
from .layout import Layers

_Equations = TypeVar("_Equations", bound="AbstractEquations")


class Known(NamedTuple):
    """What was found of the last junction of a continuation, and where of the one before it.

    Attributes:
        last: a `Located`, of either kind of gap.
        before: its `place`.
    """

    last: Any
    before: tuple[Array, ...]


class AbstractEquations(eqx.Module):
    """Equations R(x) = 0 of the unknowns x [n, lane] of a junction.

    Attributes:
        layers: the junction.
        frequency: ω > 0 on the Matsubara axis, or broadening − i energy of every lane.
        twist: of every element of the link from left to right, radians; (θ↑, θ↓) =
            (Δχ − Δφ, Δχ + Δφ) for pairs of equal spin, Δχ for pairs of opposite spins.
        conjugation: how γ̃ follows from γ.
        steps: of the integration of half the link.
    """

    layers: eqx.AbstractVar[Layers]
    frequency: eqx.AbstractVar[Inexact[Array, "*lane"]]
    twist: eqx.AbstractVar[Float[Array, "elements lanes"]]
    conjugation: eqx.AbstractVar[AbstractConjugation]
    steps: eqx.AbstractVar[int]

    @property
    @abc.abstractmethod
    def size(self) -> int:
        """n."""

    @abc.abstractmethod
    def residual(self, x: Inexact[Array, "n lanes"]) -> Inexact[Array, "n lanes"]:
        """R(x)."""

    @abc.abstractmethod
    def linearised(self, x: Inexact[Array, "n lanes"]) -> Linearised:
        """R(x) and Newton's step."""

    @abc.abstractmethod
    def factors(self, x: Inexact[Array, "n lanes"]) -> PyTree:
        """The Jacobian ∂R/∂x at x, as `answer` takes it."""

    @abc.abstractmethod
    def answer(
        self, factors: PyTree, vector: Inexact[Array, "n lanes"]
    ) -> Inexact[Array, "n lanes"]:
        """(∂R/∂x)⁻¹ vector."""

    def chord(self, factors: PyTree) -> Callable[[Array], Array]:
        """x → −(∂R/∂x)⁻¹R(x) with given derivatives."""
        return lambda x: -self.answer(factors, self.residual(x))

    @abc.abstractmethod
    def link(self, x: Inexact[Array, "n lanes"]) -> Complex[Array, "pair 2 elements lanes"]:
        """γ at both ends of the link, were its equation linear."""

    @abc.abstractmethod
    def superconductor(
        self, x: Inexact[Array, "n lanes"], distance: Float[Array, ""], side: int
    ) -> Complex[Array, "pair 2 2 lanes"]:
        """γ of one superconductor at a distance from its interface."""


def at_frequency(equations: _Equations, frequency: Inexact[Array, "*lane"]) -> _Equations:
    """The same equations at another frequency."""
    return dataclasses.replace(equations, frequency=frequency)


def exact(equations: AbstractEquations, x: Inexact[Array, "n lanes"]) -> Inexact[Array, "n lanes"]:
    """Located roots as exact functions of all that the equations are made of."""
    return implicit_solution(_residual, _solved, equations, x)


def _residual(x: Array, equations: AbstractEquations) -> Array:
    return equations.residual(x)


def _solved(x: Array, equations: AbstractEquations, vector: Array) -> Array:
    return equations.answer(equations.factors(x), vector)
