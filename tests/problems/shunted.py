"""Shunted devices under a drive (shared/physics/dynamics.md): both ends of the zero-voltage state.

Their gradients stand in tests/dynamics/test_steps.py.
"""

import numpy as np

import jaxdiode as jd
from tests import helpers
from tests.problems.problem import Problem

_reverse = helpers.negated("cosine", "flux", "amplitude")


def _of_the_sheet(name, tags, build, *, lower, upper, error):
    return Problem(
        name=name,
        tags={"driven", "shunted", *tags},
        build=build,
        plus=upper,
        minus=-lower,
        efficiency=(upper + lower) / (upper - lower),
        source="shared/physics/dynamics.md, reference edges",
        current_tolerance=error,
        efficiency_tolerance=2 * error / (upper - lower),
        reverse=_reverse,
        reference=None,
    )


def _skewed():
    """D2, sin φ + 0.4 sin(2φ + 1)."""
    return jd.Harmonics([1.0, 0.4 * np.cos(1.0)], [0.0, 0.4 * np.sin(1.0)])


PROBLEMS = [
    _of_the_sheet(
        "shunted junction without capacitance",
        set(),
        lambda: jd.Shunted(_skewed(), drive=jd.Drive(1.0, 1.5)),
        lower=-0.65222814282,
        upper=0.61596682185,
        error=1e-10,
    ),
    _of_the_sheet(
        "shunted junction with capacitance",
        {"slow"},
        lambda: jd.Shunted(_skewed(), damping=0.5, drive=jd.Drive(2.0, 1.5)),
        lower=-1.2945204968,
        upper=0.8766007117,
        error=2e-10,
    ),
]
