"""The spin-active junction against SciPy's `solve_bvp`, and the cost of a gradient.

Matched accuracy: 2e-6 I₀ in the currents. SciPy solves one phase point with the frequencies,
momenta and tolerance that reach it most cheaply of those tried (`tests/reference/usadel.py`, which
shares no code with the package); both are measured against the same with more of all. A torus holds
256 points, of which 144 are solved and the others follow by symmetry.
"""

from collections.abc import Iterator

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxdiode as jd
from benchmarks.environment import in_turn, row
from tests.reference import usadel as reference

ACCURACY = 2e-6
POINTS = ((np.pi / 4, 0.4 * np.pi), (np.pi / 2, 0.0), (2.2, 0.9))


def junction(azimuth=0.4 * np.pi, width=0.14, **options):
    """Set A; B with a right width of 0.5."""
    left = jd.usadel.SpinBarrier(1.4, 0.25, width_up=0.14, width_down=0.14)
    right = jd.usadel.SpinBarrier(1.4, 0.25, width_up=width, width_down=width, azimuth=azimuth)
    return jd.SpinActiveJunction(
        0.1,
        4.0,
        ferromagnet_length=1.0,
        conductance=2.0,
        exchange=0.25,
        potential=0.25,
        left=left,
        right=right,
        **options,
    )


def rows(points: int = 2, rounds: int = 3, **options) -> Iterator[dict]:
    device = junction(**options)
    yield torus(device, points, rounds)
    yield gradient(device, rounds)


def torus(device, count, rounds):
    """All phase points at once, beside points one by one."""
    solve = eqx.filter_jit(lambda d: d.torus().current)
    few = POINTS[:count]
    grid = [jnp.asarray(x) for x in np.array(few).T]
    exact = np.array([reference.currents(reference.SET_A, *point) for point in few]).T
    ours = np.array(device.torus().spin_currents(*grid))
    scipy, error = cheapest(few, exact)
    mine, theirs = in_turn(lambda: solve(device), scipy, rounds=rounds)
    size = int(np.prod(solve(device).shape[-2:]))
    return row(
        "all phases of a spin-active Usadel junction, a point", mine, size,
        float(np.abs(ours - exact).max()), peer="SciPy, solve_bvp", theirs=theirs, peer_count=count,
        peer_error=error,
    )  # fmt: skip


def cheapest(few, exact):
    """SciPy's loop over points, as coarse as the accuracy allows, and its error."""
    for (terms, nodes, count), points, tolerance in (
        ((6, 8, 200), 8, 1e-3),
        ((6, 8, 200), 10, 1e-4),
        ((8, 10, 400), 10, 1e-4),
        ((8, 12, 400), 10, 1e-5),
    ):
        rule = reference.matsubara_rule(0.1, terms, nodes, count)

        def loop(rule=rule, tolerance=tolerance, points=points):
            return [
                reference.currents(reference.SET_A, *point, rule, tolerance, points)
                for point in few
            ]

        error = float(np.abs(np.array(loop()).T - exact).max())
        if error <= ACCURACY:
            break
    return loop, error


def gradient(device, rounds):
    efficiency = eqx.filter_jit(jd.diode_efficiency)
    slope = eqx.filter_jit(eqx.filter_value_and_grad(jd.diode_efficiency))
    both, alone = in_turn(lambda: slope(device), lambda: efficiency(device), rounds=rounds)
    count = len(jax.tree.leaves(device))
    return row(
        f"η of a spin-active Usadel junction, with its gradient in {count} parameters", both, 1,
        None, peer="η alone, ours", theirs=alone,
    )  # fmt: skip
