"""Diffusive junctions, spin-active and others (shared/physics/usadel.md)."""

import math

from scipy.optimize import minimize_scalar

import jaxdiode as jd
from tests import helpers
from tests.problems.problem import Problem
from tests.reference import usadel, usadel_limits


def _diffusive(**fields):
    return Problem(reverse=helpers.negated("azimuth"), reference=None, **fields)


# ---- Spin-active junctions

_COARSE = jd.UsadelResolution(phases=12, terms=6, tail=6, steps=8, momenta=6)
# Peaks of tests/reference/usadel.py at 7 phases 0.1 apart, by polynomials of degree 4 and 6, which
# differ by 4e-9 I₀; 6 terms and 6 nodes of the resolution above leave 3.3e-4 of a current, twice
# as many 5e-6 of it.
_FROZEN = "tests/reference/usadel.py, frozen"


def _barrier(azimuth):
    return jd.SpinBarrier(1.4, 0.25, 0.14, 0.14, azimuth=azimuth)


def _set_a():
    return jd.SpinActiveJunction(
        0.1, 4.0, 1.0, 2.0, 0.25, 0.25, _barrier(0.0), _barrier(0.4 * math.pi),
        resolution=_COARSE,
    )  # fmt: skip


def _coplanar():
    return jd.SpinActiveJunction(
        0.3, 3.0, 0.8, 1.5, 0.3, 0.2,
        jd.SpinBarrier(1.5, 0.25, 0.1, 0.16, 1.1), jd.SpinBarrier(1.6, 0.35, 0.13, 0.19, 2.0),
        resolution=_COARSE,
    )  # fmt: skip


# ---- Kulik and Omelyanchuk's short wire


def _short_wire():
    """Rigid superconductors, transparent interfaces, ħD/L² = 6e6 T_c."""
    return jd.DiffusiveJunction(
        0.5, 1.0, 1e-3, 10.0, jd.SpinActiveContact(1.0), jd.SpinActiveContact(1.0),
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


_SHORT_WIRE = _kulik_omelyanchuk(0.5)

PROBLEMS = [
    _diffusive(
        name="spin-active junction, set A",
        tags={"smooth", "diffusive", "slow"},
        build=_set_a,
        plus=0.007032361,
        minus=0.010418703,
        efficiency=-0.194047,
        source=_FROZEN,
        current_tolerance=4e-4 * 0.010418703,
        efficiency_tolerance=2e-4,
    ),
    _diffusive(
        name="spin-active junction, coplanar",
        tags={"smooth", "diffusive", "slow", "time-reversal"},
        build=_coplanar,
        plus=0.022595986,
        minus=0.022595986,
        efficiency=0.0,
        source=_FROZEN,
        current_tolerance=4e-4 * 0.022595986,
        efficiency_tolerance=1e-10,
    ),
    _diffusive(
        name="short SNS junction",
        tags={"smooth", "diffusive", "slow", "time-reversal"},
        build=_short_wire,
        plus=_SHORT_WIRE,
        minus=_SHORT_WIRE,
        efficiency=0.0,
        source="Kulik and Omelyanchuk 1975",
        current_tolerance=1e-4 * _SHORT_WIRE,
        efficiency_tolerance=1e-10,
    ),
]
