"""Valley polarisation under the back-action of the normal current, as one smooth curve.

Source: Banerjee and Scheurer, Eq. (3). The local minimum of the free energy
F = α₁Φ² + α₂Φ⁴ + 2c₁j_NΦ, α₂ = −α₁/2Φ₀², obeys (c₁/|α₁|) V = Φ(1 − Φ²/Φ₀²) with j_N = V. It
is parametrised by w ≥ 0, with p = ±c₁/|α₁| positive where the current weakens the polarisation:

    Φ = Φ₀ − pw,   V = (Φ₀ − pw)(2Φ₀ − pw) w/Φ₀²,   j = k_cE + K(V, E),   E = (ε₀ + βΦ²)^{3/2},

regular without back-action (p = 0), at the spinodal pw = (1 − 1/√3)Φ₀, and at the onset w = 0.
"""

import math
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from ... import _checks
from ..._checks import Numbers
from ...core.parameters import AbstractParameters, parameter
from .universal import CRITICAL, excess_current, excess_slopes

Scalar = Float[Array, ""]


class ValleyPolarization(AbstractParameters):
    """Imbalance Φ_V of two valleys that suppresses superconductivity and feels the current.

    Args:
        zero_current: Φ₀ ≠ 0 without current; its sign says which valley is fuller.
        coupling: c₁ of the normal current to Φ_V.
        beta: β ≤ 0 in ε(Φ_V) = ε₀ + βΦ_V²; see `cooper_channel` for a microscopic value.
        alpha: α₁ < 0 of the free energy. The paper does not give it; α₁ = −1 puts its
            Regime III where it says (departure from Ohm at j ≈ .3).

    Raises:
        ValueError: Φ₀ = 0, β > 0, α₁ ≥ 0.

    Example:
        >>> valley = jd.wire.ValleyPolarization(zero_current=0.7, coupling=0.1)
        >>> wire = jd.PhaseSlipWire(valley=valley)
        >>> print(*(f"{x:.6f}" for x in wire.state([0.0, 0.3, -0.3]).valley))
        0.700000 0.688459 0.711474
    """

    zero_current: Scalar = parameter(label="polarisation Φ₀ without current")
    coupling: Scalar = parameter(label="coupling c₁")
    beta: Scalar = parameter(at_most=0.0, label="β")
    alpha: Scalar = parameter(below=0.0, search=(-math.inf, -1e-9), label="α₁")

    def __init__(
        self,
        zero_current: Numbers,
        coupling: Numbers,
        *,
        beta: Numbers = -1.2,
        alpha: Numbers = -1.0,
    ):
        self.zero_current = self.checked("zero_current", zero_current)
        if _checks.is_concrete(self.zero_current) and self.zero_current == 0:
            raise ValueError("zero_current must not be zero, got 0: leave `valley` out instead")
        self.coupling = self.checked("coupling", coupling)
        self.beta = self.checked("beta", beta)
        self.alpha = self.checked("alpha", alpha)


class Curve(NamedTuple):
    """The model on one branch: ε₀, |Φ₀|, β and the signed back-action p."""

    epsilon: Scalar
    zero_current: Scalar
    beta: Scalar
    pull: Scalar


class Point(NamedTuple):
    """Where w lies on a curve: |Φ|, V, ε, E = ε^{3/2}, and the current j that belongs to it."""

    valley: Scalar
    voltage: Scalar
    epsilon: Scalar
    strength: Scalar
    current: Scalar


def curve(epsilon: Scalar, valley: ValleyPolarization | None, direction) -> Curve:
    """The curve that starts at Φ₀, for one direction of the current."""
    zero = jnp.zeros_like(epsilon)
    if valley is None:
        return Curve(epsilon, zero + 1.0, zero, zero)
    pull = orientation(valley) * direction * valley.coupling / jnp.abs(valley.alpha)
    return Curve(epsilon, jnp.abs(valley.zero_current), valley.beta, pull)


def orientation(valley: ValleyPolarization | None) -> Scalar:
    """Sign of Φ₀; NaN for a wire without valleys."""
    if valley is None:
        return jnp.full((), jnp.nan)
    return jnp.where(valley.zero_current < 0, -1.0, 1.0)


def mirrored(c: Curve) -> Curve:
    """The curve of the other valley, for the same current."""
    return c._replace(pull=-c.pull)


def point(w: Scalar, c: Curve) -> Point:
    part = c.pull * w / c.zero_current
    valley = c.zero_current * (1 - part)
    return _point(c, valley, w * (1 - part) * (2 - part))


def strength(epsilon: Float[Array, "..."]) -> Float[Array, "..."]:
    """E = max(0, ε)^{3/2}.

    No two tests of ε > 0 here: where ε is 0 to rounding the compiler may work it out twice,
    differently, and both would not agree.
    """
    return jnp.maximum(epsilon, 0.0) * modulus(epsilon)


def modulus(epsilon: Float[Array, "..."]) -> Float[Array, "..."]:
    """√max(0, ε), with a finite derivative at 0."""
    return jnp.sqrt(jnp.maximum(epsilon, 1e-300))


def _point(c, valley, volts):
    epsilon = jnp.maximum(c.epsilon + c.beta * valley**2, 0.0)
    power = strength(epsilon)
    return Point(valley, volts, epsilon, power, CRITICAL * power + excess_current(volts, power))


def with_slope(w: Scalar, c: Curve) -> tuple[Point, Point]:
    """A point and its derivative along w, written out: it is differentiated again."""
    part = c.pull * w / c.zero_current
    valley = c.zero_current * (1 - part)
    volts = w * (1 - part) * (2 - part)
    along = (1 - part) * (2 - part) - part * (3 - 2 * part)
    return _with_slope(c, valley, volts, -c.pull, along)


def middle_with_slope(w: Scalar, c: Curve) -> tuple[Point, Point]:
    """The same on the unstable branch through Φ = 0, Φ = pw: a maximum of the free energy."""
    valley = c.pull * w
    square = (valley / c.zero_current) ** 2
    return _with_slope(c, valley, w * (1 - square), c.pull, 1 - 3 * square)


def _with_slope(c, valley, volts, turning, rising):
    here = _point(c, valley, volts)
    superconducting = here.epsilon > 0
    epsilon = jnp.where(superconducting, 2 * c.beta * valley * turning, 0.0)
    power = 1.5 * modulus(here.epsilon) * epsilon
    excess = excess_current(volts, here.strength)
    by_voltage, by_strength = excess_slopes(excess, volts, here.strength)
    current = CRITICAL * power + by_voltage * rising + by_strength * power
    return here, Point(turning, rising, epsilon, power, current)


def spinodal(c: Curve) -> Scalar:
    """w where the local minimum ends, Φ = Φ₀/√3; infinite where the current strengthens Φ."""
    weakens = c.pull > 0
    last = c.zero_current * (1 - 1 / math.sqrt(3)) / jnp.where(weakens, c.pull, 1.0)
    return jnp.where(weakens, last, jnp.inf)
