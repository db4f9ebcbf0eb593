"""Short junctions at a temperature, in a field, with momentum (shared/physics/field.md)."""

import functools
import math

import numpy as np

import jaxdiode as jd
from jaxdiode import units
from tests import helpers
from tests.problems.problem import Problem, exact, printed
from tests.reference import short_junctions as reference

_SHEET = "shared/physics/field.md, section"


# ---- Junctions of a normal resistance, 100 Ω and T_c = 9.2 K

_UNIT = reference.RATIO * units.boltzmann * 9.2 / units.elementary_charge / 100.0  # Δ₀/eR_N (A)


def _resistive(device):
    kelvin, critical = float(device.temperature), float(device.critical_temperature)
    delta = reference.gap(kelvin / critical)
    warmth = kelvin / critical / (reference.RATIO * delta)
    volts = reference.RATIO * units.boltzmann * critical / units.elementary_charge * delta
    match device:
        case jd.AmbegaokarBaratoffJunction():
            plus = np.pi / 2 * math.tanh(1 / (2 * warmth))
        case jd.DiffusivePointContact():
            plus, _ = reference.extrema(lambda phase: reference.diffusive(phase, warmth))
        case jd.BallisticPointContact():
            plus, _ = reference.extrema(
                lambda x: np.pi * np.sin(x / 2) * np.tanh(np.cos(x / 2) / (2 * warmth))
            )
    plus = plus * volts / float(device.resistance)
    return helpers.with_efficiency(plus, plus)


def _of_a_resistance(name, kind, reduced, plus, tags=frozenset()):
    return printed(
        name=name,
        tags={"smooth", "thermal", "time-reversal", *tags},
        build=lambda: kind(100.0, 9.2, temperature=9.2 * reduced),
        plus=plus * _UNIT,
        minus=plus * _UNIT,
        efficiency=0.0,
        source=f"{_SHEET} 4",
        last_place=1e-8 * _UNIT,
        reference=_resistive,
    )


_WARM = [
    _of_a_resistance(
        "tunnel junction at T_c/2", jd.AmbegaokarBaratoffJunction, 0.5, 0.8936058017 * np.pi / 2
    ),
    _of_a_resistance("diffusive contact at T_c/2", jd.DiffusivePointContact, 0.5, 1.65906651),
    _of_a_resistance(
        "ballistic contact at T_c/5", jd.BallisticPointContact, 0.2, 0.86421204 * np.pi, {"slow"}
    ),
]


# ---- Momentum of the pairs


def _channels(device):
    warmth = 0.0
    if device.gap is not None:
        warmth = float(device.temperature) / float(device.gap)
    modes = list(
        zip(
            *(np.asarray(x) for x in (device.amplitude, device.transparency, device.momentum)),
            strict=True,
        )
    )

    def current(phase):
        return sum(a * reference.mode(phase, tau, d, warmth) for a, tau, d in modes)

    return helpers.with_efficiency(*reference.extrema(current))


_moving = functools.partial(
    Problem,
    reverse=helpers.negated("momentum"),
    reference=_channels,
    source=f"{_SHEET} 3",
    efficiency_tolerance=2e-10,
)


def _with_momentum(name, tags, plus, minus, tolerance, *arguments, **named):
    return _moving(
        name=name,
        tags=tags,
        build=lambda: jd.BallisticJunction(*arguments, **named),
        plus=plus,
        minus=minus,
        efficiency=(plus - minus) / (plus + minus),
        current_tolerance=tolerance,
    )


_MOVING = [
    _with_momentum(
        "ballistic mode with momentum", {"jump"},
        math.sqrt(1 - 0.3**2) + 0.6 / math.pi, 1 - 0.6 / math.pi, 2e-11, 1.0, 1.0, momentum=0.3,
    ),
    _with_momentum(
        "mode of 0.9 with momentum", {"kinked"},
        0.5409290872, 0.3731483399, 1e-10, 1.0, 0.9, momentum=0.9,
    ),
    _with_momentum(
        "warm mode with momentum", {"smooth", "thermal", "slow"},
        0.9151760998, 0.7767231191, 1e-10,
        1.0, 1.0, momentum=0.3, gap=1.0, temperature=0.1,
    ),
]  # fmt: skip


# ---- Phases shifted


def _harmonics(device):
    shifts = np.asarray(device.shift, float)
    if device.field is not None:
        angle = 0.0 if device.field_angle is None else float(device.field_angle)
        field = float(device.field) * math.cos(angle)
        shifts = shifts + field * np.asarray(device.shift_per_field)
    sine, cosine = (np.asarray(x) for x in (device.device.sine, device.device.cosine))
    order = np.arange(1, sine.size + 1)

    def current(phase):
        angle = order * np.asarray(phase)[..., None] + shifts
        return (sine * np.sin(angle) + cosine * np.cos(angle)).sum(-1)

    return helpers.with_efficiency(*reference.extrema(current))


def _reversed(device):
    return helpers.negated("shift", "field", "cosine")(device)


def _two_harmonics(name, tags, build, plus, minus, efficiency):
    return Problem(
        name=name,
        tags=tags,
        build=build,
        plus=plus,
        minus=minus,
        efficiency=efficiency,
        current_tolerance=1e-10,
        efficiency_tolerance=1e-10,
        reverse=_reversed,
        reference=_harmonics,
        source=f"{_SHEET} 3",
    )


_SHIFTED = [
    _two_harmonics(
        "two shifted harmonics", {"smooth"},
        lambda: jd.PhaseShiftedJunction([1.0, 0.2], [0.4, 1.5]),
        0.9410643548, 1.1583958283, -0.1035177877,
    ),
    _two_harmonics(
        "harmonics shifted by a field", {"smooth", "slow"},
        lambda: jd.PhaseShiftedJunction(
            [1.0, 0.8], [0.5, 3.0], field=4.0, shift_per_field=[0.1, 0.45],
            field_angle=math.acos(0.5),
        ),
        1.3574026003, 1.7185032401, -0.1173965194,
    ),
    exact(
        name="series pair at a shifted phase",
        tags={"smooth", "time-reversal", "slow"},
        build=lambda: jd.PhaseShiftedJunction(jd.SeriesJunctions(42.0, 8.0), 0.7),
        plus=8.0,
        minus=8.0,
        efficiency=0.0,
        source="min(a, b), at any phase",
        reverse=_reversed,
        reference=lambda x: helpers.dense_reference(x.device),
    ),
]  # fmt: skip


# ---- One temperature for every part of a loop


def _loop_at_a_temperature(device):
    reduced = float(device.temperature) / float(device.critical_temperature)
    delta = reference.gap(reduced)
    warmth = reduced / (reference.RATIO * delta)
    modes, tunnel = device.device.branches
    flux = float(device.device.flux[0])

    def current(phase):
        shifted = np.asarray(phase) - 2 * np.pi * flux
        carried = sum(
            float(a) * delta * reference.mode(phase, float(tau), 0.0, warmth)
            for a, tau in zip(modes.amplitude, modes.transparency, strict=True)
        )
        critical = float(tunnel.critical_current) * delta * math.tanh(1 / (2 * warmth))
        return carried + critical * np.sin(shifted)

    return helpers.with_efficiency(*reference.extrema(current))


_AT_A_TEMPERATURE = Problem(
    name="loop at T_c/2",
    tags={"smooth", "thermal", "slow"},
    build=lambda: jd.TemperatureScaledJunction(
        jd.Squid([jd.AndreevModes(40.0, [0.9, 0.5]), jd.TunnelJunction(30.0)], flux=0.25),
        0.6,
        critical_temperature=1.2,
    ),
    plus=43.59042648,
    minus=37.49387341,
    efficiency=(43.59042648 - 37.49387341) / (43.59042648 + 37.49387341),
    current_tolerance=1e-8,
    efficiency_tolerance=1e-9,
    reverse=helpers.negated("flux"),
    reference=_loop_at_a_temperature,
    source="tests.reference.short_junctions: gap by its integral, modes by their Green function",
)

PROBLEMS = [*_WARM, *_MOVING, *_SHIFTED, _AT_A_TEMPERATURE]
