"""Driven junctions (shared/physics/kapitza.md)."""

import math

import numpy as np

import jaxdiode as jd
from tests import helpers
from tests.problems.problem import Problem
from tests.reference import kapitza as reference


def drive(device):
    """A `KapitzaJunction` as tests/reference/kapitza.py takes it."""
    return reference.Drive(
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
    found = [reference.fold(drive(device), sign, points=24)[0] for sign in (1, -1)]
    return helpers.with_efficiency(*found)


_reverse = helpers.negated("phase_offset", "quadrature_current")


def _of_the_sheet(a1, omega, *, plus, minus, efficiency, error):
    """Its currents are ramps with five digits; those of η carry an error of their own."""
    return Problem(
        name=f"driven junction, a1 {a1:g}, frequency {omega:g}",
        tags={"driven"},
        build=lambda: jd.KapitzaJunction(
            0.5,
            omega,
            mean_current=1.0,
            drive_current=a1,
            static_current=1.0,
            phase_offset=math.pi / 2,
        ),
        plus=plus,
        minus=minus,
        efficiency=efficiency,
        source="shared/physics/kapitza.md, reference values",
        current_tolerance=2e-5,
        efficiency_tolerance=error + 5e-6,
        reverse=_reverse,
        reference=_folds,
    )


PROBLEMS = [
    _of_the_sheet(0.5, 2.0, plus=1.42630, minus=1.39702, efficiency=0.01037, error=3e-6),
    _of_the_sheet(1.0, 2.0, plus=1.46234, minus=1.34668, efficiency=0.04117, error=2e-6),
    _of_the_sheet(1.0, 3.0, plus=1.43907, minus=1.38518, efficiency=0.01908, error=1e-6),
    _of_the_sheet(3.0, 4.0, plus=1.54561, minus=1.27113, efficiency=0.09744, error=2e-6),
    Problem(
        name="driven junction without drive",
        tags={"driven", "time-reversal"},
        build=lambda: jd.KapitzaJunction(
            0.5,
            2.0,
            mean_current=1.0,
            drive_current=0.0,
            static_current=1.0,
            phase_offset=math.pi / 3,
        ),
        plus=math.sqrt(3),
        minus=math.sqrt(3),
        efficiency=0.0,
        source="|1 + exp(iπ/3)|",
        current_tolerance=1e-11,
        efficiency_tolerance=1e-11,
        reverse=_reverse,
        reference=_folds,
    ),
]
