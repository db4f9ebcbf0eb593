"""γ and γ̃: one follows from the other on the Matsubara axis, both are free at real energies.

This is all that tells the two kinds of frequencies apart. Amplitudes have a leading axis "pair":
γ alone where γ̃ follows from it, else (γ, γ̃). An element of them is two numbers in which the
equations are differentiable, its parts: the real and the imaginary one of γ, or γ and γ̃.
"""

import abc
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Inexact

from ....numerics.matrices import complexified


class AbstractConjugation(eqx.Module):
    """How γ̃ follows from γ.

    Attributes:
        tildes: which of the axis "pair" are γ̃.
        dtype: of the numbers.
    """

    tildes: eqx.AbstractClassVar[tuple[bool, ...]]
    dtype: eqx.AbstractClassVar[type]

    @abc.abstractmethod
    def amplitudes(
        self, first: Inexact[Array, "*shape"], second: Inexact[Array, "*shape"]
    ) -> Complex[Array, "pair *shape"]:
        """γ, or γ and γ̃, of their parts."""

    @abc.abstractmethod
    def parts(self, amplitudes: Complex[Array, "pair *shape"]) -> Inexact[Array, "2 *shape"]:
        """The inverse of `amplitudes`."""

    @abc.abstractmethod
    def partners(
        self, amplitudes: Complex[Array, "pair *shape"]
    ) -> tuple[Complex[Array, "*shape"], ...]:
        """γ̃ of γ, and γ of γ̃."""


class MatsubaraAxis(AbstractConjugation):
    """γ̃ = −γ* at ω > 0."""

    tildes: ClassVar[tuple[bool, ...]] = (False,)
    dtype: ClassVar[type] = float

    def amplitudes(
        self, first: Inexact[Array, "*shape"], second: Inexact[Array, "*shape"]
    ) -> Complex[Array, "1 *shape"]:
        return jax.lax.complex(first, second)[None]

    def parts(self, amplitudes: Complex[Array, "1 *shape"]) -> Inexact[Array, "2 *shape"]:
        return jnp.stack([amplitudes[0].real, amplitudes[0].imag])

    def partners(
        self, amplitudes: Complex[Array, "1 *shape"]
    ) -> tuple[Complex[Array, "*shape"], ...]:
        return (-amplitudes[0].conj(),)


class RealEnergies(AbstractConjugation):
    """γ and γ̃ are independent at ω = broadening − i energy."""

    tildes: ClassVar[tuple[bool, ...]] = (False, True)
    dtype: ClassVar[type] = complex

    def amplitudes(
        self, first: Inexact[Array, "*shape"], second: Inexact[Array, "*shape"]
    ) -> Complex[Array, "2 *shape"]:
        return complexified(jnp.stack([first, second]))

    def parts(self, amplitudes: Complex[Array, "2 *shape"]) -> Inexact[Array, "2 *shape"]:
        return amplitudes

    def partners(
        self, amplitudes: Complex[Array, "2 *shape"]
    ) -> tuple[Complex[Array, "*shape"], ...]:
        return amplitudes[1], amplitudes[0]
