"""Andreev interferometers (shared/physics/andreev.md)."""

import math

import numpy as np

import jaxdiode as jd
from tests import helpers
from tests.problems.problem import Problem
from tests.reference import andreev as reference


def _swing(device):
    """J₀ⁿ ± √(J₁² + J₂²)."""
    mean = 0.0 if device.mean_potential is None else float(device.mean_potential)
    warmer = 0.0 if device.temperature_difference is None else float(device.temperature_difference)
    half, temperature = float(device.voltage) / 2, float(device.temperature)
    constant, sine, cosine = float(device.amplitude) * np.array(
        reference.coefficients(
            float(device.spacing),
            (mean + half, mean - half),
            (temperature + warmer / 2, temperature - warmer / 2),
        )
    )
    swing = np.hypot(sine, cosine)
    return helpers.with_efficiency(swing + constant, swing - constant)


def _interferometer(**fields):
    return Problem(
        tags={"smooth", "dissipative"},
        current_tolerance=1e-13,
        reverse=helpers.negated("voltage", "temperature_difference"),
        reference=_swing,
        **fields,
    )


_CONSTANT, _SINE, _COSINE = 5.129886114684e-3, 1.061349159908e-2, 2.698998873506e-4

PROBLEMS = [
    _interferometer(
        name="interferometer, dissipative",
        build=lambda: jd.AndreevInterferometer(0.1, 0.24),
        plus=math.hypot(_SINE, _COSINE) + _CONSTANT,
        minus=math.hypot(_SINE, _COSINE) - _CONSTANT,
        efficiency=0.4831801275,
        source="shared/physics/andreev.md, reference values: J₀ⁿ ± √(J₁² + J₂²)",
        efficiency_tolerance=1e-10,
    ),
    _interferometer(
        name="interferometer beyond a perfect diode",
        build=lambda: jd.AndreevInterferometer(0.1, 1.0, temperature=0.001),
        plus=0.03194249594019542,
        minus=-0.01079112655949459,
        efficiency=2.0203714346,
        source="tests/reference/andreev.py (coefficients), frozen; η of the sheet",
        efficiency_tolerance=1e-10,
    ),
    _interferometer(
        name="interferometer between unlike reservoirs",
        build=lambda: jd.AndreevInterferometer.from_reservoirs(
            0.3, (1.5, -0.9), temperatures=(0.2, 0.5)
        ),
        plus=0.20432028355509957,
        minus=-0.007213849220224236,
        efficiency=1.0731975010817578,
        source="tests/reference/andreev.py (coefficients), frozen",
        efficiency_tolerance=1e-12,
    ),
]
