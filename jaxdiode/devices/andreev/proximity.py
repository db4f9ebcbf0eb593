"""What a reservoir adds to the currents of an Andreev interferometer: sums over its frequencies.

The retarded F₁ and F₂ are analytic above the real axis, so that the poles of tanh alone count:
with ω_n = (2n + 1)πT and z² = 2ω − 2iμ at the energy μ + iω,

    ½ ∫ [tanh((ε + μ)/2T) − tanh((ε − μ)/2T)] F dε = 4πT Σ Im F(μ + iω_n),
    ½ ∫ [tanh((ε + μ)/2T) + tanh((ε − μ)/2T)] Im F dε = 4πT Σ Re F(μ + iω_n).

F varies on the scale of E_T at least, whatever T and μ are. The first terms are summed; the rest is
the integral from ω = 2πTN on, N = `EXPLICIT`, with what makes up for the difference at its end
(`numerics.matsubara`). In z the integrand is entire but for poles at iπk, and its parts that fall
slowest (as e^{−(1−ℓ)z}, or not at all) have integrals in closed form.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...numerics.matsubara import EXPLICIT, explicit_terms

Scalar = Float[Array, ""]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(18)
# Panels of z − z_N: half a width is below the distance of the poles, e^{−.7z} is 2e-14 at the end.
_EDGES = np.array([0.0, 4.0, 14.0, 45.0])
_WIDE = 0.3  # ℓ from which the slow parts of F₂ do not cancel each other
_SERIES = 1 / np.cumprod(np.arange(1.0, 20.0))[1:]  # 1/(k + 2)!


def _panels() -> tuple[np.ndarray, np.ndarray]:
    half = np.diff(_EDGES)[:, None] / 2
    middle = (_EDGES[1:] + _EDGES[:-1])[:, None] / 2
    return (middle + half * _NODES).ravel(), (half * _WEIGHTS).ravel()


_PLACES, _SUM = explicit_terms()
_AHEAD, _MEASURE = _panels()


class ReservoirSums(NamedTuple):
    """2πT Σ of a reservoir: Im F₁, Im F₂ and Re F₂, times 2; energies in E_T, F over α²L²."""

    biased_first: Scalar
    biased_second: Scalar
    sine: Scalar


class _Complex(NamedTuple):
    """Real and imaginary parts, of which one may be the same for all: so exponentials are saved."""

    real: Array
    imaginary: Array

    def __mul__(self, other: "_Complex") -> "_Complex":  # type: ignore[override]
        return _Complex(
            self.real * other.real - self.imaginary * other.imaginary,
            self.real * other.imaginary + self.imaginary * other.real,
        )

    def __truediv__(self, other: "_Complex") -> "_Complex":
        size = 1 / (other.real**2 + other.imaginary**2)
        return self * _Complex(other.real * size, -other.imaginary * size)

    def plus(self, other: "_Complex") -> "_Complex":
        return _Complex(self.real + other.real, self.imaginary + other.imaginary)

    def shifted(self, real: Array | float) -> "_Complex":
        return _Complex(self.real + real, self.imaginary)

    def scaled(self, factor: Array | float) -> "_Complex":
        return _Complex(factor * self.real, factor * self.imaginary)


def reservoir_sums(spacing: Scalar, potential: Scalar, temperature: Scalar) -> ReservoirSums:
    """The sums over the frequencies of one reservoir, to 1e-13 of F."""
    step = 2 * jnp.pi * temperature
    first, second = _terms(spacing, step * _PLACES, potential)
    start = step * EXPLICIT
    rest_first, rest_second, rest_sine = _rest(spacing, start, potential)
    total = [
        2 * (step * jnp.sum(_SUM * summand) + rest)
        for summand, rest in (
            (first.imaginary, rest_first),
            (second.imaginary, rest_second),
            (second.real, rest_sine),
        )
    ]
    return ReservoirSums(*total)


def _terms(spacing: Scalar, frequency: Array, potential: Scalar) -> tuple[_Complex, _Complex]:
    """F₁ and F₂ of Eqs. (10b), (10c) at energies μ + iω.

    With u = e^{−ℓz}, v = e^{−(1−ℓ)z}: F₁ = (1 − u)(1 − uv²)/[2z(1 − u²v²)] and
    F₂ = (1 − u)²v/[2z(1 − u²v²)]. No term grows, and every 1 − x keeps its digits as z → 0.
    """
    z = _root(frequency, potential)
    u, one_u, v, one_v = _decays(spacing, z)
    uv = u * v
    one_uv = one_u.plus(u * one_v)
    common = one_u / (z * one_uv * uv.shifted(1.0)).scaled(2.0)
    return common * one_uv.plus(uv * one_v), common * (one_u * v)


def _rest(spacing: Scalar, start: Scalar, potential: Scalar) -> tuple[Scalar, Scalar, Scalar]:
    """∫ F dω from `start` on: Im F₁, Im F₂, Re F₂; along z = z_N + t."""
    begin = _root(start, potential)
    u, one_u, v, one_v = _decays(spacing, _Complex(begin.real + _AHEAD, begin.imaginary))
    uv = u * v
    common = one_u * one_u / (one_u.plus(u * one_v) * uv.shifted(1.0)).scaled(2.0)
    wide = spacing >= _WIDE
    square = uv * uv
    kept = _Complex(jnp.where(wide, square.real, 1.0), jnp.where(wide, square.imaginary, 0.0))
    common = common * v
    first, second = common * uv, common * kept
    # The slow parts: (1 − u)/2 of zF₁, of which the imaginary part has a limit, and (1 − u)²v/2.
    at_end = _Complex(start, -potential) * _second_exponential(begin.scaled(spacing))
    u, _, v, _ = _decays(spacing, begin)
    bracket = u * (u.scaled(1 / (1 + spacing)).shifted(-2.0))
    slow = v * bracket.shifted(1 / (1 - spacing))
    return (
        -jnp.sum(_MEASURE * first.imaginary) - spacing * at_end.imaginary / 2,
        jnp.sum(_MEASURE * second.imaginary) + jnp.where(wide, slow.imaginary / 2, 0.0),
        jnp.sum(_MEASURE * second.real) + jnp.where(wide, slow.real / 2, 0.0),
    )


def _root(frequency: Array, potential: Scalar) -> _Complex:
    """z = √(2ω − 2iμ), whose imaginary part keeps its digits for small μ."""
    real = jnp.sqrt(frequency + jnp.hypot(frequency, potential))
    return _Complex(real, -potential / real)


def _decays(spacing: Scalar, z: _Complex) -> tuple[_Complex, _Complex, _Complex, _Complex]:
    return *_decay(z.scaled(spacing)), *_decay(z.scaled(1 - spacing))


def _decay(x: _Complex) -> tuple[_Complex, _Complex]:
    """e^{−x} and one minus it."""
    size, fall = jnp.exp(-x.real), jnp.expm1(-x.real)
    s, c = jnp.sin(x.imaginary / 2), jnp.cos(x.imaginary / 2)
    turned, imaginary = 2 * s * s, size * (2 * s * c)
    return (
        _Complex(size * (1 - turned), -imaginary),
        _Complex(size * turned - fall, imaginary),
    )


def _second_exponential(x: _Complex) -> _Complex:
    """ψ(x) = 2(e^{−x} − 1 + x)/x²; its series below |x| = 1."""
    size = x.real**2 + x.imaginary**2
    near = _Complex(*(jnp.where(size < 1, part, 0.0) for part in x))
    far = _Complex(jnp.where(size < 1, 1.0, x.real), jnp.where(size < 1, 0.0, x.imaginary))
    series = _Complex(jnp.zeros_like(size), jnp.zeros_like(size))
    for coefficient in _SERIES[::-1]:
        series = (near * series).scaled(-1.0).shifted(coefficient)
    _, one = _decay(far)
    direct = far.plus(one.scaled(-1.0)) / (far * far)
    parts = (jnp.where(size < 1, near, far) for near, far in zip(series, direct, strict=True))
    return _Complex(*parts).scaled(2.0)
