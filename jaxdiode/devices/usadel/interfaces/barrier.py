"""Ferromagnetic insulators between superconductor and ferromagnet: their scattering matrices.

Units: E_F and k_F of the superconductor are 1 and 2m = 1, so that a band is E = k² + V ∓ J.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .... import _checks
from ...._checks import Numbers
from ....core.parameters import parameter
from ....numerics.matrices import complexified
from .base import AbstractInterface, Segment, rotation

_SMALLEST = 1e-14  # of a squared wave number


class SpinBarrier(AbstractInterface):
    """A ferromagnetic insulator of box shape, with its own height and width for each spin.

    Spin ↑ is along the barrier's moment and sees the lower barrier, V_I − J_I.

    Args:
        height: V_I, in Fermi energies of the superconductor.
        exchange: J_I, in the same unit; V_I − |J_I| must exceed 1 (an insulator).
        width_up: d↑, in Fermi wavelengths λ_F = 2π/k_F of the superconductor.
        width_down: d↓.
        polar: angle α of the moment from the magnetisation of the ferromagnet (radians).
        azimuth: angle φ of the moment around that magnetisation; only the difference of two
            barriers matters, the geometric phase.

    Raises:
        ValueError: a barrier below the Fermi energy, a width that is not positive.

    Example:
        >>> barrier = jd.usadel.SpinBarrier(1.4, exchange=0.25, width_up=0.14, width_down=0.14)
        >>> print(*(f"{barrier.height - s * barrier.exchange:.2f}" for s in (1, -1)))  # ↑ and ↓
        1.15 1.65
        >>> jd.usadel.SpinBarrier(1.2, exchange=0.25, width_up=0.14, width_down=0.14)
        Traceback (most recent call last):
            ...
        ValueError: height must exceed 1 + |exchange|...
    """

    height: Float[Array, ""] = parameter(search=(1.0, math.inf), unit="E_F", label="barrier height")
    exchange: Float[Array, ""] = parameter(unit="E_F", label="exchange of the barrier")
    width_up: Float[Array, ""] = parameter(above=0.0, unit="λ_F", label="width for spin ↑")
    width_down: Float[Array, ""] = parameter(above=0.0, unit="λ_F", label="width for spin ↓")
    polar: Float[Array, ""] = parameter(unit="rad", label="polar angle")
    azimuth: Float[Array, ""] = parameter(unit="rad", label="azimuth")

    def __init__(
        self,
        height: Numbers,
        exchange: Numbers,
        *,
        width_up: Numbers,
        width_down: Numbers,
        polar: Numbers = np.pi / 2,
        azimuth: Numbers = 0.0,
    ):
        self.height = self.checked("height", height)
        self.exchange = self.checked("exchange", exchange)
        self.width_up = self.checked("width_up", width_up)
        self.width_down = self.checked("width_down", width_down)
        self.polar = self.checked("polar", polar)
        self.azimuth = self.checked("azimuth", azimuth)
        lowest = self.height - abs(self.exchange)
        if _checks.is_concrete(lowest) and lowest <= 1:
            raise ValueError(
                "height must exceed 1 + |exchange|, so that both spins tunnel through an "
                f"insulator, got height {self.height:g} and exchange {self.exchange:g}"
            )

    def channels(self, squared_momenta: Float[Array, "2"], points: int) -> tuple[Segment, ...]:
        """With both bands of the layer open, one, none (total reflection).

        A band is empty where its squared momentum is negative. Gauss nodes in each segment, placed
        so that the square roots at its ends are smooth.
        """
        nodes, weights = np.polynomial.legendre.leggauss(points)
        turn = np.pi * (nodes + 1) / 4
        up, down = jnp.clip(squared_momenta, 0.0, 1.0)
        edges = jnp.stack([jnp.zeros(()), down, up, jnp.ones(())])
        low, width = edges[:-1, None], jnp.diff(edges)[:, None]
        parallel = low + width * np.sin(turn) ** 2
        weight = width * (np.pi / 4 * weights * np.sin(2 * turn))
        bands = np.repeat(np.array([2, 1, 0]), points)
        every = jax.vmap(_scattering, in_axes=(None, None, 0, 0), out_axes=-1)
        matrix = every(self, squared_momenta, parallel.ravel(), bands).reshape(4, 4, 3, points)
        two, one, none = (Segment(matrix[:n, :n, k], weight[k]) for k, n in enumerate((4, 3, 2)))
        return two, one, none


def _scattering(barrier, squared_momenta, parallel, bands):
    """Plane waves on both sides, ψ and ψ′ continuous, amplitudes normalised by velocity.

    Inside, decaying waves connect values and slopes at the two faces, for each spin along the
    moment: ψ′ = q(−coth(qd) ψ + csch(qd) ψ_F) at the superconductor's face, and the like at the
    ferromagnet's. No growing exponential appears, however thick the barrier.
    """
    spin = jnp.array([1.0, -1.0])
    height, width = barrier.height - spin * barrier.exchange, _stacked(barrier)
    decay = jnp.sqrt(height - 1 + parallel)
    reach = decay * width
    diagonal = complexified(decay / jnp.tanh(reach))
    across = complexified(decay / jnp.sinh(reach))
    axes = rotation(barrier.polar)  # columns: barrier spins in the frame of the ferromagnet

    speed = jnp.sqrt(jnp.sqrt(jnp.maximum(1 - parallel, _SMALLEST)))
    travel = speed**2 * width
    there = jax.lax.complex(jnp.cos(travel), jnp.sin(travel))
    left_value, left_slope = complexified(1 / speed), _imaginary(speed)

    squared = jnp.abs(squared_momenta - parallel)
    wave = jnp.sqrt(jnp.sqrt(jnp.where(squared > _SMALLEST, squared, 1.0)))
    open_band = jnp.arange(2) < bands
    # An empty band only decays: one amplitude, and nothing comes in.
    out_value = complexified(jnp.where(open_band, 1 / wave, 1.0))
    out_slope = jnp.where(open_band, _imaginary(wave), complexified(-(wave**2)))
    in_value = complexified(jnp.where(open_band, 1 / wave, 0.0))
    in_slope = jnp.where(open_band, -_imaginary(wave), jnp.zeros_like(out_slope))

    dagger = axes.T.conj()
    coupling = across[:, None] * dagger
    response = axes @ (diagonal[:, None] * dagger)
    outgoing = jnp.block(
        [
            [jnp.diag(there * (diagonal * left_value - left_slope)), -coupling * out_value],
            [axes * across * (there * left_value), jnp.diag(out_slope) - response * out_value],
        ]
    )
    incoming = -jnp.block(
        [
            [jnp.diag(there.conj() * (diagonal * left_value + left_slope)), -coupling * in_value],
            [
                axes * across * (there.conj() * left_value),
                jnp.diag(in_slope) - response * in_value,
            ],
        ]
    )
    matrix = jnp.linalg.solve(outgoing, incoming)
    frame = jnp.eye(4, dtype=matrix.dtype).at[:2, :2].set(axes)
    return frame @ matrix @ frame.T.conj()


def _stacked(barrier):
    return 2 * jnp.pi * jnp.stack([barrier.width_up, barrier.width_down])


def _imaginary(x):
    return jax.lax.complex(jnp.zeros_like(x), x)
