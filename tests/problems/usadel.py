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

_COARSE = jd.usadel.UsadelResolution(phases=12, terms=6, tail=6, steps=8, momenta=6)
# Peaks of tests/reference/usadel.py at 7 phases 0.1 apart, by polynomials of degree 4 and 6, which
# differ by 4e-9 I₀; 6 terms and 6 nodes of the resolution above leave 3.3e-4 of a current, twice
# as many 5e-6 of it.
_FROZEN = "tests/reference/usadel.py, frozen"


def _barrier(azimuth):
    return jd.usadel.SpinBarrier(1.4, 0.25, width_up=0.14, width_down=0.14, azimuth=azimuth)


def _set_a():
    return jd.SpinActiveJunction(
        0.1,
        4.0,
        ferromagnet_length=1.0,
        conductance=2.0,
        exchange=0.25,
        potential=0.25,
        left=_barrier(0.0),
        right=_barrier(0.4 * math.pi),
        resolution=_COARSE,
    )


def _coplanar():
    return jd.SpinActiveJunction(
        0.3,
        3.0,
        ferromagnet_length=0.8,
        conductance=1.5,
        exchange=0.3,
        potential=0.2,
        left=jd.usadel.SpinBarrier(1.5, 0.25, width_up=0.1, width_down=0.16, polar=1.1),
        right=jd.usadel.SpinBarrier(1.6, 0.35, width_up=0.13, width_down=0.19, polar=2.0),
        resolution=_COARSE,
    )


# ---- Kulik and Omelyanchuk's short wire


def _short_wire():
    """Rigid superconductors, transparent interfaces, ħD/L² = 6e6 T_c."""
    return jd.DiffusiveJunction(
        0.5,
        1.0,
        link_length=1e-3,
        conductance=10.0,
        left=jd.usadel.SpinActiveContact(1.0),
        right=jd.usadel.SpinActiveContact(1.0),
        conductivity=1e-8,
        resolution=jd.usadel.UsadelResolution(16, 12, 12, 12),
    )


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
