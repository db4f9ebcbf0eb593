"""Named, tagged exact cases for every device.

Tolerances. Sheet values (`tables`): the sheet promises its digits to ±1 in the last place, so one
such place or 1e-8 relative, whichever is larger. Everything else: what `critical_currents`
promises, 1e-11 of the largest current; η then follows to 1e-11 × 2/(I₊ + I₋)/max.

`reverse` maps a device to the same one in the opposite magnetic field, `reference` to its
(I₊, I₋, η) by code that shares nothing with jaxdiode, of which gradients are taken by differences.
It is None where such code takes minutes a value: tests/devices has those gradients then.

Tags:
    smooth         the extrema lie on smooth peaks
    kinked         an extremum within 0.2 of a near-kink (unequal series pair, transparency near 1)
    jump           I(φ) jumps: balanced pair, transparency 1 at T = 0
    tied           two peaks or valleys of one height; gradients are one-sided there
    inductive, thermal
    time-reversal  I(−φ) = −I(φ) up to a shift of φ, so η = 0
    dead           a branch carries nothing
    no-current     I(φ) = 0: NO_SUPERCURRENT
    driven         no I(φ): the zero-voltage state oscillates, and ends in a fold
    dissipative    a current between normal reservoirs drives it; I₊ or I₋ may be negative
    resistive      no I(φ): a criterion on V(j) defines its critical currents
    diffusive      I(φ) from a boundary value problem of the Usadel equation
    slow           contract tests of it take a minute: with `make test-all`
"""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from scipy.optimize import brentq, minimize_scalar

import jaxdiode as jd
from tests import helpers
from tests.reference import andreev, kapitza, phase_slip, usadel, usadel_limits

TAGS = {"smooth", "kinked", "jump", "tied", "inductive", "thermal"}
TAGS |= {"time-reversal", "dead", "no-current", "driven", "dissipative", "resistive", "diffusive"}
TAGS |= {"slow"}


class Problem(NamedTuple):
    name: str
    tags: frozenset[str]
    build: Callable[[], jd.AbstractDevice]
    plus: float
    minus: float
    efficiency: float | None
    source: str
    # Absolute errors allowed in I₊, I₋ and in η.
    current_tolerance: float
    efficiency_tolerance: float
    reverse: Callable[[jd.AbstractDevice], jd.AbstractDevice] = helpers.reversed_in_time
    reference: Callable[[jd.AbstractDevice], np.ndarray] | None = helpers.dense_reference


PROBLEMS: list[Problem] = []

# (name of a problem, test, reason): shown as expected failures, not hidden.
KNOWN_FAILURES: list[tuple[str, str, str]] = []


def _add(name, tags, build, plus, minus, efficiency=None, *, source, last_place=None):
    largest = max(abs(plus), abs(minus), 1e-300)
    if last_place is None:
        current = 1e-11 * largest
        eta = 2 * current / max(plus + minus, 1e-300)
    else:
        current = max(last_place, 1e-8 * largest)
        eta = 1e-8
    if efficiency is None and plus + minus > 0:
        efficiency = (plus - minus) / (plus + minus)
        eta = 2 * current / (plus + minus)
    tags = frozenset(tags.split())
    assert tags <= TAGS, tags - TAGS
    PROBLEMS.append(Problem(name, tags, build, plus, minus, efficiency, source, current, eta))


# ---- The sheet of the double-loop SQUID (shared/physics/squid.md), currents in nA

_SHEET = "shared/physics/squid.md, reference values"
TABLE_1 = ((420, 80), (380, 90), (80, 90))
TABLE_2 = ((420, 75), (380, 75), (58, 58))
TABLE_3 = ((420, 90), (380, 90), (360, 360))


def _sheet(name, tags, pairs, flux, plus, minus, efficiency):
    _add(
        name,
        tags,
        lambda: jd.Squid.from_pairs(pairs, flux),
        plus,
        minus,
        efficiency,
        source=_SHEET,
        last_place=1e-6,
    )


_sheet("table 1, f 0.1", "kinked", TABLE_1, (0.1, 0.1), 198.799087, 242.926731, -0.09989827)
_sheet("table 1, f 0.35", "kinked", TABLE_1, (0.35, 0.35), 62.534985, 47.570348, 0.13591201)
_sheet("table 1, f 0.403", "kinked", TABLE_1, (0.403, 0.403), 97.612536, 29.505990, 0.53577199)
_sheet("table 1, two fluxes", "kinked", TABLE_1, (0.2, 0.3), 107.606946, 128.630074, -0.08899167)
_sheet("table 2, f 0.403", "jump", TABLE_2, (0.403, 0.403), 95.074372, 21.311181, 0.63378305)
_sheet("table 3, f 0.8055", "jump", TABLE_3, (0.8055, 0.8055), 498.749897, 221.374935, 0.38517622)
_sheet(
    "four branches",
    "jump",
    ((100, 60), (40, 45), (90, 20), (30, 30)),
    (0.31, 0.47 - 0.31, 0.83 - 0.47),  # the sheet gives δφ = −2π(0, .31, .47, .83)
    78.771512,
    54.038874,
    0.18622518,
)


# ---- Single junctions in closed form

_add(
    "tunnel junction",
    "smooth time-reversal",
    lambda: jd.TunnelJunction(420.0),
    420.0,
    420.0,
    0.0,
    source="max |sin| = 1",
)
for _name, _tags, _first, _second in (
    ("series pair", "smooth", 420.0, 80.0),
    ("series pair, imbalance 3e-2", "kinked", 100.0, 103.0),
    ("series pair, imbalance 1e-3", "kinked", 100.1, 100.0),
    ("series pair, imbalance 1e-9", "kinked", 100.0, 100.0 * (1 + 1e-9)),
    ("balanced pair", "jump", 58.0, 58.0),
):
    _add(
        _name,
        f"{_tags} time-reversal",
        lambda first=_first, second=_second: jd.SeriesJunctions(first, second),
        min(_first, _second),
        min(_first, _second),
        0.0,
        source="max |I| = min(a, b) exactly, squid.md",
    )
_add(
    "dead pair",
    "dead no-current",
    lambda: jd.SeriesJunctions(0.0, 80.0),
    0.0,
    0.0,
    source="min(0, b) = 0",
)
for _name, _tags, _tau in (
    ("Andreev mode, T 0", "smooth", 0.9),
    ("Andreev mode, near ballistic", "kinked", 1 - 1e-6),
    ("ballistic mode", "jump", 1.0),
):
    _height = 3.0 * _tau / (1 + math.sqrt(1 - _tau))  # = 3 (1 − √(1−τ)) without cancellation
    _add(
        _name,
        f"{_tags} time-reversal",
        lambda tau=_tau: jd.AndreevModes(3.0, tau),
        _height,
        _height,
        0.0,
        source="A (1 − √(1−τ)): the maximum of A τ sin φ / 2√(1 − τ sin²(φ/2))",
    )
for _name, _tags, _temperature, _height in (
    ("Andreev mode of the sheet, T 0", "smooth", 0.0, 0.68377223),
    ("Andreev mode of the sheet, T 0.1", "smooth thermal", 0.1, 0.67904385),
    ("Andreev mode of the sheet, T 0.5", "smooth thermal", 0.5, 0.38509054),
):
    _add(
        _name,
        f"{_tags} time-reversal",
        lambda temperature=_temperature: jd.AndreevModes(1.0, 0.9, 1.0, temperature),
        _height,
        _height,
        0.0,
        source=_SHEET,
        last_place=1e-8,
    )
_add(
    "two harmonics, tied",
    "smooth tied",
    lambda: jd.Harmonics([1.0, 0.0], [0.0, 0.5]),
    0.75,
    1.5,
    -1 / 3,
    source="sin φ + ½ sin(2φ + π/2) = ½ + s − s², s = sin φ: ¾ at s = ½ (twice), −3/2 at s = −1",
)
_add(
    "odd harmonics",
    "smooth time-reversal",
    lambda: jd.Harmonics([1.0, -0.25]),
    (3 + math.sqrt(3)) / 4 * math.sqrt(math.sqrt(3) / 2),
    (3 + math.sqrt(3)) / 4 * math.sqrt(math.sqrt(3) / 2),
    0.0,
    source="sin φ (1 − ½ cos φ): cos φ = (1 − √3)/2 at the maximum",
)


# ---- Interferometers in closed form


def _gated():
    one = jd.GateMap([-2.0, -1.0, 0.5], [1.0, 3.0, 3.5])
    two = jd.GateMap([-3.0, 1.0, 2.0], [7.0, 2.0, 0.0])
    return jd.Squid(
        [jd.TunnelJunction(jd.Gate(one, -1.0)), jd.TunnelJunction(jd.Gate(two, 1.0))], [0.3]
    )


_add(
    "two tunnel junctions",
    "smooth time-reversal",
    lambda: jd.Squid([jd.TunnelJunction(3.0), jd.TunnelJunction(2.0)], [0.3]),
    math.sqrt(13 + 12 * math.cos(0.6 * math.pi)),
    math.sqrt(13 + 12 * math.cos(0.6 * math.pi)),
    0.0,
    source="|3 + 2 exp(−2πif)|, f = 0.3",
)
_add(
    "single-loop supremum",
    "jump tied",
    lambda: jd.Squid([jd.SeriesJunctions(1.0, 1.0), jd.TunnelJunction(math.sqrt(0.5))], [-0.625]),
    1.5,
    0.5,
    0.5,
    source="sin(φ/2) sgn cos(φ/2) + sin(φ + 5π/4)/√2: 1 + ½ before the jump, −1 + ½ after it",
)
_add(
    "symmetric SQUID at half flux",
    "jump tied time-reversal",
    lambda: jd.Squid.from_pairs([(80, 80), (80, 80)], [0.5]),
    80.0,
    80.0,
    0.0,
    source="80 (sin(φ/2) − cos(φ/2)) on (0, π), period π",
)
_add(
    "SQUID with a dead branch",
    "kinked dead time-reversal",
    lambda: jd.Squid.from_pairs([(420, 80), (0, 90), (0, 0)], (0.2, 0.3)),
    80.0,
    80.0,
    0.0,
    source="one live branch: min(a, b), whatever the flux",
)
_add(
    "one live inductive branch",
    "smooth inductive dead time-reversal",
    lambda: jd.Squid.from_pairs([(420, 80), (0, 90), (0, 0)], (0.2, 0.3), (5e-4, 1e-4, 1e-4)),
    80.0,
    80.0,
    0.0,
    source="inductance moves the maximum of a lone branch and leaves its height",
)
_add(
    "equal inductive branches",
    "smooth inductive time-reversal",
    lambda: jd.Squid.from_pairs([(42, 8), (84, 16), (21, 4)], (0, 1), (2e-3, 1e-3, 4e-3)),
    28.0,
    28.0,
    0.0,
    source="whole flux quanta, equal ratios, equal L I: all branches reach their maxima at once",
)
_add(
    "gated tunnel junctions",
    "smooth time-reversal",
    _gated,
    math.sqrt(13 + 12 * math.cos(0.6 * math.pi)),
    math.sqrt(13 + 12 * math.cos(0.6 * math.pi)),
    0.0,
    source="two tunnel junctions again; the gate maps have a point at 3 and at 2",
)


# ---- Frozen: `dense_squid.critical_currents`, NumPy 2.x, all digits printed

_FROZEN = "tests/reference/dense_squid.py, frozen"


def _frozen(name, tags, build, plus, minus):
    _add(name, tags, build, plus, minus, source=_FROZEN)


def _mixed():
    return jd.Squid(
        [
            jd.SeriesJunctions(100.0, 60.0),
            jd.AndreevModes([30.0, 20.0], [0.99, 0.4], 1.0, 0.05),
            jd.Harmonics([25.0, -6.0], [0.0, 3.0]),
            jd.TunnelJunction(40.0),
        ],
        (0.31, 0.16, 0.36),
    )


_frozen(
    "Andreev SQUID, thermal",
    "smooth thermal",
    lambda: jd.Squid(
        [jd.AndreevModes([1.0], [0.95], 1.0, 0.1), jd.AndreevModes([0.8], [0.6], 1.0, 0.2)], [0.35]
    ),
    0.7919013843735616,
    0.48435948938265017,
)
_frozen("mixed branches", "smooth thermal", _mixed, 48.847531887556684, 56.42944804814709)
_frozen(
    "table 1, inductive",
    "kinked inductive",
    lambda: jd.Squid.from_pairs(TABLE_1, (0.403, 0.403), (1e-4, 2e-4, 0.5e-4)),
    102.77426113011103,
    35.375044366100056,
)
_frozen(
    "near-balanced, inductive",
    "kinked inductive",
    lambda: jd.Squid.from_pairs(
        ((420, 75), (380, 75), (58, 60)), (0.403, 0.35), (2e-4, 1e-4, 0.5e-5)
    ),
    69.96330545234999,
    29.336922754784716,
)


# ---- Driven junctions (shared/physics/kapitza.md)


def drive(device):
    """A `KapitzaJunction` as tests/reference/kapitza.py takes it."""
    return kapitza.Drive(
        float(device.mean_current),
        tuple(np.ravel(device.drive_current).tolist()),
        float(device.static_current),
        float(device.phase_offset),
        float(device.drive_frequency),
        float(device.damping),
        tuple(np.ravel(device.quadrature_current).tolist()),
    )


def _folds(device):
    # 24 points resolve these drives to 1e-12.
    found = [kapitza.fold(drive(device), sign, points=24)[0] for sign in (1, -1)]
    return helpers.with_efficiency(*found)


def _driven(name, tags, build, plus, minus, efficiency, source, currents, eta):
    reverse = helpers.negated("phase_offset", "quadrature_current")
    PROBLEMS.append(
        Problem(
            name, frozenset(tags.split()), build, plus, minus, efficiency, source, currents, eta,
            reverse, _folds,
        )
    )  # fmt: skip


# The sheet's currents are ramps with five digits; those of η carry an error of their own.
for _a1, _omega, _plus, _minus, _eta, _error in (
    (0.5, 2.0, 1.42630, 1.39702, 0.01037, 3e-6),
    (1.0, 2.0, 1.46234, 1.34668, 0.04117, 2e-6),
    (1.0, 3.0, 1.43907, 1.38518, 0.01908, 1e-6),
    (3.0, 4.0, 1.54561, 1.27113, 0.09744, 2e-6),
):
    _driven(
        f"driven junction, a1 {_a1:g}, frequency {_omega:g}",
        "driven",
        lambda a1=_a1, omega=_omega: jd.KapitzaJunction(0.5, omega, 1.0, a1, 1.0, math.pi / 2),
        _plus,
        _minus,
        _eta,
        "shared/physics/kapitza.md, reference values",
        2e-5,
        _error + 5e-6,
    )
_driven(
    "driven junction without drive",
    "driven time-reversal",
    lambda: jd.KapitzaJunction(0.5, 2.0, 1.0, 0.0, 1.0, math.pi / 3),
    math.sqrt(3),
    math.sqrt(3),
    0.0,
    "|1 + exp(iπ/3)|",
    1e-11,
    1e-11,
)


# ---- Andreev interferometers (shared/physics/andreev.md)


def _swing(device):
    """J₀ⁿ ± √(J₁² + J₂²)."""
    mean = 0.0 if device.mean_potential is None else float(device.mean_potential)
    warmer = 0.0 if device.temperature_difference is None else float(device.temperature_difference)
    half, temperature = float(device.voltage) / 2, float(device.temperature)
    constant, sine, cosine = float(device.amplitude) * np.array(
        andreev.coefficients(
            float(device.spacing),
            (mean + half, mean - half),
            (temperature + warmer / 2, temperature - warmer / 2),
        )
    )
    swing = np.hypot(sine, cosine)
    return helpers.with_efficiency(swing + constant, swing - constant)


def _interferometer(name, build, plus, minus, efficiency, source, current, eta):
    reverse = helpers.negated("voltage", "temperature_difference")
    PROBLEMS.append(
        Problem(
            name, frozenset({"smooth", "dissipative"}), build, plus, minus, efficiency, source,
            current, eta, reverse, _swing,
        )
    )  # fmt: skip


_CONSTANT, _SINE, _COSINE = 5.129886114684e-3, 1.061349159908e-2, 2.698998873506e-4
_interferometer(
    "interferometer, dissipative",
    lambda: jd.AndreevInterferometer(0.1, 0.24),
    math.hypot(_SINE, _COSINE) + _CONSTANT,
    math.hypot(_SINE, _COSINE) - _CONSTANT,
    0.4831801275,
    "shared/physics/andreev.md, reference values: J₀ⁿ ± √(J₁² + J₂²)",
    1e-13,
    1e-10,
)
_interferometer(
    "interferometer beyond a perfect diode",
    lambda: jd.AndreevInterferometer(0.1, 1.0, 0.001),
    0.03194249594019542,
    -0.01079112655949459,
    2.0203714346,
    "tests/reference/andreev.py (coefficients), frozen; η of the sheet",
    1e-13,
    1e-10,
)
_interferometer(
    "interferometer between unlike reservoirs",
    lambda: jd.AndreevInterferometer.from_reservoirs(0.3, (1.5, -0.9), (0.2, 0.5)),
    0.20432028355509957,
    -0.007213849220224236,
    1.0731975010817578,
    "tests/reference/andreev.py (coefficients), frozen",
    1e-13,
    1e-12,
)


# ---- Phase-slip wires (shared/physics/phase_slip.md)


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


for _criterion, _plus, _minus in (
    ("half", 0.147887137, 0.141486186),
    ("ohmic", 0.183790224, 6.396307),
    ("retrap", 0.10178738043, 0.101477346),
):
    PROBLEMS.append(
        Problem(
            f"phase-slip wire, {_criterion}",
            frozenset({"resistive"}),
            lambda criterion=_criterion: jd.PhaseSlipWire(
                1.0, jd.ValleyPolarization(0.7, 0.1), criterion
            ),
            _plus,
            _minus,
            (_plus - _minus) / (_plus + _minus),
            "shared/physics/phase_slip.md, Regime I",
            1e-6 if _criterion == "ohmic" else 1e-9,
            1e-7 if _criterion == "ohmic" else 1e-8,
            helpers.negated("zero_current"),
            wire_events,
        )
    )


# ---- Spin-active junctions (shared/physics/usadel.md)

_COARSE = jd.UsadelResolution(phases=12, terms=6, tail=6, steps=8, momenta=6)


def _of_sheet(azimuth):
    return jd.SpinBarrier(1.4, 0.25, 0.14, 0.14, azimuth=azimuth)


# Peaks of tests/reference/usadel.py at 7 phases 0.1 apart, by polynomials of degree 4 and 6, which
# differ by 4e-9 I₀; 6 terms and 6 nodes of the resolution above leave 3.3e-4 of a current, twice
# as many 5e-6 of it.
for _name, _tags, _build, _plus, _minus, _eta, _error in (
    (
        "spin-active junction, set A",
        "",
        lambda: jd.SpinActiveJunction(
            0.1, 4.0, 1.0, 2.0, 0.25, 0.25, _of_sheet(0.0), _of_sheet(0.4 * math.pi),
            resolution=_COARSE,
        ),
        0.007032361,
        0.010418703,
        -0.194047,
        2e-4,
    ),
    (
        "spin-active junction, coplanar",
        "time-reversal",
        lambda: jd.SpinActiveJunction(
            0.3, 3.0, 0.8, 1.5, 0.3, 0.2,
            jd.SpinBarrier(1.5, 0.25, 0.1, 0.16, 1.1), jd.SpinBarrier(1.6, 0.35, 0.13, 0.19, 2.0),
            resolution=_COARSE,
        ),
        0.022595986,
        0.022595986,
        0.0,
        1e-10,
    ),
):  # fmt: skip
    PROBLEMS.append(
        Problem(
            _name, frozenset({"smooth", "diffusive", "slow", *_tags.split()}),
            _build, _plus, _minus, _eta,
            "tests/reference/usadel.py, frozen", 4e-4 * _minus, _error, helpers.negated("azimuth"),
            None,
        )
    )  # fmt: skip


# ---- Diffusive junctions


def _short_wire(temperature):
    """Kulik and Omelyanchuk's: rigid superconductors, transparent interfaces, ħD/L² = 6e6 T_c."""
    return jd.DiffusiveJunction(
        temperature, 1.0, 1e-3, 10.0, jd.SpinActiveContact(1.0), jd.SpinActiveContact(1.0),
        conductivity=1e-8, resolution=jd.UsadelResolution(16, 12, 12, 12),
    )  # fmt: skip


def _kulik_omelyanchuk(temperature):
    """Their critical current in I₀ = (2/π)(σ_N ξ₀/σ_S L) k_BT_c/eR_N."""
    gap = usadel.bcs_gap(temperature)
    found = minimize_scalar(
        lambda phase: -usadel_limits.kulik_omelyanchuk(phase, temperature, gap),
        bounds=(1.0, 3.0),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return -found.fun * 2 / math.pi * 1e-8 / 1e-3


PROBLEMS.append(
    Problem(
        "short SNS junction", frozenset({"smooth", "diffusive", "slow", "time-reversal"}),
        lambda: _short_wire(0.5), _kulik_omelyanchuk(0.5), _kulik_omelyanchuk(0.5), 0.0,
        "Kulik and Omelyanchuk 1975", 1e-4 * _kulik_omelyanchuk(0.5), 1e-10,
        helpers.negated("azimuth"), None,
    )
)  # fmt: skip


def representatives():
    """One problem per pytree structure: what is compiled once, is tested once."""
    first = {}
    for problem in sorted(PROBLEMS, key=lambda p: "dead" in p.tags):
        leaves, structure = jax.tree.flatten(problem.build())
        first.setdefault((structure, tuple(leaf.shape for leaf in leaves)), problem)
    return list(first.values())
