"""Phase-slip wires (shared/physics/phase_slip.md)."""

import functools
import math

from scipy.optimize import brentq

import jaxdiode as jd
from tests import helpers
from tests.problems.problem import Problem
from tests.reference import phase_slip


def rescaled(parameters):
    """(Φ₀, c₁, β, α₁) of the wire with ε₀ = 1 whose currents are those of this one over ε₀^{3/2}.

    ε = ε₀(1 + (β/ε₀)Φ²), and c₁V = c₁ε₀^{3/2} · V/ε₀^{3/2}.
    """
    epsilon, zero_current, coupling, beta, alpha = map(float, parameters)
    scale = epsilon**1.5
    return (zero_current, coupling * scale, beta / epsilon, alpha), scale


def wire_parameters(parameters, criterion):
    """(I₊, I₋) by roots on the reference's curve, ε₀, Φ₀, c₁ > 0 and moderate back-action."""
    (zero, coupling, beta, alpha), scale = rescaled(parameters)
    curve = phase_slip.Curve(zero, coupling, beta, alpha)
    end, critical = zero / math.sqrt(3), 1 / math.sqrt(-beta)
    near, far = 1 - 1e-7, 1 + 1e-7

    def between(function, low, high):
        at = brentq(function, low, high, xtol=1e-16, rtol=1e-15)
        return scale * abs(curve.current(at))

    def half(phi):
        return abs(curve.voltage(phi)) - _half_of_normal() / 2 * curve.strength(phi) ** 1.5

    def bend(phi):  # 1 − dj/dV
        return 1 - curve.change(phi) * curve.c / (1 - 3 * (phi / zero) ** 2)

    begin = scale * phase_slip.CRITICAL * curve.strength(zero) ** 1.5
    match criterion:
        case "onset":
            return float(begin), float(begin)
        case "half":
            return between(half, end, zero * near), between(half, zero * far, critical)
        case "ohmic":
            plus = between(bend, end * far, zero * near)
            return plus, scale * abs(float(curve.voltage(critical)))
        case "retrap":
            return float(begin), between(curve.change, zero * far, 0.99 * critical)
        case "flip":
            return scale * curve.current(end), math.nan
    raise ValueError(criterion)


@functools.cache
def _half_of_normal():
    """k with v(k) = k/2."""

    def missing(k):
        return float(phase_slip.universal_voltage(k)[0]) - k / 2

    return brentq(missing, 0.39, 1.0, xtol=1e-15)


def wire_events(device):
    """(I₊, I₋, η) of a wire by its criterion."""
    return helpers.with_efficiency(*wire_parameters(helpers.parameters(device), device.criterion))


def _in_regime_one(criterion, *, plus, minus, current_tolerance, efficiency_tolerance):
    return Problem(
        name=f"phase-slip wire, {criterion}",
        tags={"resistive"},
        build=lambda: jd.PhaseSlipWire(
            1.0, jd.wire.ValleyPolarization(0.7, 0.1), criterion=criterion
        ),
        plus=plus,
        minus=minus,
        efficiency=(plus - minus) / (plus + minus),
        source="shared/physics/phase_slip.md, Regime I",
        current_tolerance=current_tolerance,
        efficiency_tolerance=efficiency_tolerance,
        reverse=helpers.negated("zero_current"),
        reference=wire_events,
    )


PROBLEMS = [
    _in_regime_one(
        "half", plus=0.147887137, minus=0.141486186,
        current_tolerance=1e-9, efficiency_tolerance=1e-8,
    ),
    _in_regime_one(
        "ohmic", plus=0.183790224, minus=6.396307,
        current_tolerance=1e-6, efficiency_tolerance=1e-7,
    ),
    _in_regime_one(
        "retrap", plus=0.10178738043, minus=0.101477346,
        current_tolerance=1e-9, efficiency_tolerance=1e-8,
    ),
]  # fmt: skip
