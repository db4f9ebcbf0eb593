"""What an interface is: its scattering matrices."""

import abc
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from ....core.parameters import AbstractParameters
from ....numerics.matrices import complexified


class Segment(NamedTuple):
    """Scattering at parallel momenta with one number of open channels.

    Attributes:
        matrix: S, unitary, channels (S↑, S↓, F↑, F↓) of which the last may be missing, [n, n, k].
        weight: of each momentum in ∫₀¹ d(k∥²), [k].
    """

    matrix: Complex[Array, "n n k"]
    weight: Float[Array, " k"]


class AbstractInterface(AbstractParameters):
    """What lies between a superconductor and a layer without a gap: a set of S-matrices.

    Attributes:
        azimuth: angle φ of its moment around the spin axis of that layer. It is left out of the
            S-matrices, as it only twists pair amplitudes, S(φ) = e^{−iφσ_z/2} S(0) e^{iφσ_z/2}.
    """

    azimuth: eqx.AbstractVar[Float[Array, ""]]

    @abc.abstractmethod
    def channels(self, squared_momenta: Float[Array, "2"], points: int) -> tuple[Segment, ...]:
        """S-matrices against parallel momentum.

        Args:
            squared_momenta: k↑² ≥ k↓² of the layer, in the superconductor's k_F².
            points: momenta wherever there is an integral over them.
        """


def rotation(polar: Float[Array, ""]) -> Complex[Array, "2 2"]:
    """Spin states along a direction in the x–z plane, as columns in the frame of z."""
    c, s = jnp.cos(polar / 2), jnp.sin(polar / 2)
    return complexified(jnp.array([[c, -s], [s, c]]))
