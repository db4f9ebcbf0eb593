"""I(φ; f) = Re Σ C_n P(nf) e^{inφ}: the harmonics of a smooth local relation through a profile.

P(k) = ∫ p e^{2πikx} dx is known in closed form for every Legendre polynomial on a panel, so that
the flux needs no resolution, and a phase costs a few sines in place of an integral.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..._checks import Numbers
from ...core.device import AbstractPhaseBiased, Relation
from ...numerics.status import Status

MOST = 256  # harmonics that turns of a width of 0.2 need, with room for half of it
_OVERSAMPLING = 4
_ROUNDING = 100.0  # as by quadrature, totals 1e-11 of the local current count as none
_TAIL = 1e-11  # of all harmonics, that those left out may be
_TURNING = 12.0  # below it j_l by quadrature, above it by its recurrence, stable for l < 12
_WHERE, _WEIGHT = np.polynomial.legendre.leggauss(24)


class SpectralRelation(Relation):
    """I(φ) = Re Σ_{n≥0} (real + i·imaginary)_n e^{inφ}.

    Attributes:
        real, imaginary: coefficients, n = 0, 1, …
        largest: what the current is measured against for cancellation.
        code: `Status` of the local relation and of its harmonics.
        samples: per period that separate its extrema.
    """

    real: Float[Array, " n"]
    imaginary: Float[Array, " n"]
    largest: Float[Array, ""]
    code: Int[Array, ""]
    samples: int = eqx.field(static=True)

    def __init__(
        self, real: Numbers, imaginary: Numbers, largest: Numbers, code: Numbers, samples: int
    ):
        self.real, self.imaginary = jnp.asarray(real), jnp.asarray(imaginary)
        self.largest, self.code = jnp.asarray(largest), jnp.asarray(code)
        self.samples = samples

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        # n = block · step + rest: the square root of as many sines, and products of them.
        step = math.ceil(math.sqrt(self.real.size))
        blocks = math.ceil(self.real.size / step)
        room = (0, blocks * step - self.real.size)
        real, imaginary = (
            jnp.pad(x, room).reshape(blocks, step) for x in (self.real, self.imaginary)
        )
        phase = jnp.asarray(phase)[..., None]
        inner = phase * jnp.arange(step, dtype=float)
        outer = phase * (step * jnp.arange(blocks, dtype=float))
        c, s = jnp.cos(inner)[..., None, :], jnp.sin(inner)[..., None, :]
        cosine = jnp.sum(real * c - imaginary * s, axis=-1)
        sine = jnp.sum(real * s + imaginary * c, axis=-1)
        return jnp.sum(cosine * jnp.cos(outer) - sine * jnp.sin(outer), axis=-1)

    def samples_per_period(self) -> int:
        return self.samples

    def magnitude(self) -> Float[Array, ""]:
        return self.largest

    def status(self) -> Int[Array, ""]:
        return self.code


def through_profile(
    local: AbstractPhaseBiased, series: Float[Array, "panels order"], flux, count: int
) -> SpectralRelation:
    """The relation of the whole junction by `count` harmonics of the local one."""
    samples = _OVERSAMPLING * max(count, 8)
    phase = jnp.asarray(2 * np.pi * np.arange(samples) / samples)
    found = jnp.fft.rfft(local.current(phase)) * (2 / samples)
    size = jnp.abs(found)
    left_out = jnp.sum(jnp.where(jnp.arange(size.size) > count, size, 0.0))
    own = local.status()
    unresolved = (left_out > _TAIL * jnp.sum(size)) & (own == Status.CONVERGED)
    code = jnp.where(unresolved, Status.NOT_RESOLVED, own).astype(jnp.int32)
    coefficients = found[: count + 1].at[0].multiply(0.5)
    seen = coefficients * transform(series, flux * jnp.arange(count + 1, dtype=float))
    largest = _ROUNDING * jnp.maximum(local.magnitude(), jnp.sum(size))
    # No ladders lead to turns here, which are wider than 28 over the number of harmonics.
    least = min(max(count, 64), 128)
    return SpectralRelation(
        seen.real, seen.imag, largest, code, max(local.samples_per_period(), least)
    )


def transform(series: Float[Array, "panels order"], k: Float[Array, " n"]):
    """P(k) = ∫ p(x) e^{2πikx} dx of a piecewise polynomial on equal panels of −½ … ½."""
    panels, order = series.shape
    centres = jnp.asarray((np.arange(panels) + 0.5) / panels - 0.5)
    angle = 2 * jnp.pi * k[:, None] * centres
    bessel = spherical_bessel(jnp.pi * k / panels, order)  # (order, n)
    turns = np.array([1, 1j, -1, -1j])[np.arange(order) % 4]  # i^l
    turned = series.astype(complex) * turns
    own = jnp.sum(turned[None] * bessel.T[:, None, :].astype(complex), axis=-1)
    return jnp.sum(own * jax.lax.complex(jnp.cos(angle), jnp.sin(angle)), axis=1) / panels


def spherical_bessel(a: Float[Array, " n"], order: int) -> Float[Array, "order n"]:
    """j_l(a), l = 0 … order − 1 ≤ 11, of any sign of a."""
    legendre = np.polynomial.legendre.legvander(_WHERE, order - 1)  # (nodes, order)
    small = jnp.abs(a) < _TURNING
    near = jnp.where(small, a, 0.0)[:, None] * _WHERE
    # ½ ∫ P_l(t) e^{iat} dt = i^l j_l(a): the cosine for even l, the sine for odd ones.
    weighted = jnp.asarray(legendre * _WEIGHT[:, None] / 2)
    even, odd = jnp.cos(near) @ weighted, jnp.sin(near) @ weighted
    signs = np.array([1.0, 1.0, -1.0, -1.0])[np.arange(order) % 4]
    inside = jnp.where(np.arange(order) % 2 == 0, even, odd) * signs
    far = jnp.where(small, _TURNING, a)
    known = [jnp.sin(far) / far, jnp.sin(far) / far**2 - jnp.cos(far) / far]
    for k in range(2, order):
        known.append((2 * k - 1) / far * known[-1] - known[-2])
    return jnp.where(small, inside.T, jnp.stack(known[:order]))
