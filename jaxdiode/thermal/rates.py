"""Formulas for the rate at which noise takes the phase out of a well, as logarithms.

    TST ω₀/2π e^{−ΔU/γ};  Kramers [√(β²/4+ω_b²) − β/2]/ω_b × TST, ω_b × TST without capacitance;
    Mel'nikov–Meshkov A(Δ) × Kramers, Δ = βS/γ;  quadrature γ/(∫_well e^{−U/γ} ∫_barrier e^{U/γ});
    phase slip rate v/2π.

Sources: Kramers (1940); Büttiker, Harris, Landauer, PRB 28, 1268 (1983); Mel'nikov, Meshkov,
J. Chem. Phys. 85, 1018 (1986).
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from . import stationary
from .tunnelling import log_tunnelling
from .wells import GRADED, GRADED_WEIGHTS, Landscape, Well, action

Scalar = Float[Array, ""]

SLIPS, QUADRATURE, KRAMERS, TRANSITION_STATE, BUTTIKER, MELNIKOV, CUSP, TUNNELLING = (
    "phase slip rate",
    "quadrature",
    "Kramers",
    "transition state",
    "Büttiker–Harris–Landauer",
    "Mel'nikov–Meshkov",
    "cusp interpolation",
    "tunnelling",
)
FORMULAS = (SLIPS, QUADRATURE, KRAMERS, TRANSITION_STATE, BUTTIKER, MELNIKOV, CUSP, TUNNELLING)
DAMPED_ONLY = (TRANSITION_STATE, BUTTIKER, MELNIKOV, CUSP)
_CUSP_POWER = 1.75
_PARABOLA, _SHARP = 0.2, 0.5  # ln of a barrier's weight over that of its parabola

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_SQUARES = np.cos(np.pi / 4 * (1 + _POINTS)) ** 2


class Escape(NamedTuple):
    """What a rate is worked out of: one direction of a relation, its noise and damping.

    Attributes:
        land: wells and barriers.
        shared: weights of the stationary equation, where the phase slip rate is asked for.
        g: 1/γ.
        damping: β, or None without capacitance.
        quantum: λ = ħω_p/E_s, or None without tunnelling.
    """

    land: Landscape
    shared: stationary.Weights | None
    g: Scalar
    damping: Scalar | None
    quantum: Scalar | None = None


def depopulation(loss: Float[Array, "..."]) -> Float[Array, "..."]:
    """Mel'nikov's A(Δ) = exp[(1/2π)∫ ln(1 − e^{−Δ(x²+1/4)}) dx/(x²+1/4)], x = ½ tan θ."""
    exponent = loss[..., None] / (4 * _SQUARES)
    return jnp.exp(jnp.sum(jnp.log(-jnp.expm1(-exponent)) * _WEIGHTS, axis=-1) / 2)


def log_rate(of: Escape, well: Well, formula: str, sharpness: Scalar | None = None) -> Scalar:
    """ln κ by a named formula, per 1/ω_p, or per ħ/2eI_sR without capacitance.

    With `sharpness` the cusp interpolation where that is 1, Mel'nikov–Meshkov where it is 0.
    """
    g, damping = of.g, of.damping
    if formula == SLIPS:
        assert of.shared is not None
        log, _ = stationary.log_and_mean_velocity(of.land.panels, of.shared, g, well.bias)
        return log - np.log(2 * np.pi) - (0.0 if damping is None else jnp.log(damping))
    if formula == QUADRATURE:
        log = log_quadrature(of, well)
        return log if damping is None else log - jnp.log(damping)
    if formula == TUNNELLING:
        assert of.quantum is not None
        assert damping is not None
        return log_tunnelling(of.land, well, of.quantum, damping)
    transition = 0.5 * jnp.log(well.bottom.slope) - np.log(2 * np.pi) - g * well.barrier
    if formula == TRANSITION_STATE:
        return transition
    if formula == KRAMERS:
        return transition + _log_recrossing(well, damping)
    assert damping is not None
    loss = g * damping * action(of.land, well)
    if formula == BUTTIKER:
        return transition + jnp.log(4 / (jnp.sqrt(1 + 4 / loss) + 1) ** 2)
    low = transition + jnp.log(depopulation(loss))
    smooth = low + _log_recrossing(well, damping)
    if formula == MELNIKOV:
        return smooth
    high = log_quadrature(of, well) - jnp.log(damping)
    cusp = -jnp.logaddexp(-_CUSP_POWER * low, -_CUSP_POWER * high) / _CUSP_POWER
    if sharpness is None:
        return cusp
    smooth = jnp.where(jnp.isfinite(smooth), smooth, 0.0)  # of no weight at a jump
    return jnp.where(sharpness < 1, sharpness * cusp + (1 - sharpness) * smooth, cusp)


def sharpness_of(of: Escape, well: Well) -> Scalar:
    """From 0 for a barrier that is a parabola on the scale of the noise to 1 for a cusp."""
    smooth = (well.top.slope < 0) & ~well.top.jump
    curvature = jnp.where(smooth, -well.top.slope, 1.0)
    _, barrier = _log_weights(of, well)
    excess = jnp.abs(barrier - 0.5 * jnp.log(2 * np.pi / (of.g * curvature)))
    share = jnp.clip((excess - _PARABOLA) / (_SHARP - _PARABOLA), 0.0, 1.0)
    return jnp.where(smooth, share**2 * (3 - 2 * share), 1.0)


def log_quadrature(of: Escape, well: Well) -> Scalar:
    """ln κ without capacitance, no parabola assumed."""
    bottom, top = _log_weights(of, well)
    return -jnp.log(of.g) - bottom - top - of.g * well.barrier


def _log_weights(of: Escape, well: Well) -> tuple[Scalar, Scalar]:
    """ln ∫e^{−g(U−U_min)} over the well and ln ∫e^{g(U−U_b)} over the barrier."""
    peaks = (well.bottom, well.bottom, well.top, well.top)
    ends = (well.behind, well.top, well.bottom, well.ahead)
    peak = jnp.stack([x.phase for x in peaks])[:, None]
    energy = jnp.stack([x.energy for x in peaks])[:, None]
    length = jnp.stack([x.phase for x in ends])[:, None] - peak
    phase = peak + length * GRADED
    rise = of.land.at(phase)[0] - energy - well.bias * length * GRADED
    sign = np.array([-1.0, -1.0, 1.0, 1.0])[:, None]
    weight = jnp.sum(jnp.abs(length) * jnp.exp(of.g * sign * rise) * GRADED_WEIGHTS, axis=1)
    return jnp.log(weight[0] + weight[1]), jnp.log(weight[2] + weight[3])


def _log_recrossing(well: Well, damping: Scalar | None) -> Scalar:
    """ln of Kramers' factor over transition state theory; NaN of a barrier that is a jump."""
    smooth = (well.top.slope < 0) & ~well.top.jump
    square = jnp.where(smooth, -well.top.slope, 1.0)
    log = 0.5 * jnp.log(square)
    if damping is not None:
        log = log - jnp.log(jnp.sqrt(damping**2 / 4 + square) + damping / 2)
    return jnp.where(smooth, log, jnp.nan)


def number_of(formula: str) -> Int[Array, ""]:
    return jnp.asarray(FORMULAS.index(formula), jnp.int32)
