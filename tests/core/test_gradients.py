"""First and second derivatives against Richardson differences of the dense NumPy evaluation.

Gradients to 1e-6 of the largest component of their kind, and componentwise where a component
exceeds 1e-3 of that; Hessians of η to 1e-4. The differences are extrapolated to two orders that
must agree three times better than that: a peak switch inside the stencil is an error of the test.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from tests import helpers
from tests.problems.junctions import TABLE_1, TABLE_2
from tests.reference import dense_squid


def near_kink(imbalance):
    pairs = [(420, 75), (380, 75 * (1 + imbalance)), (58, 58 * (1 - imbalance))]
    return jd.Squid.from_pairs(pairs, (0.39, 0.412))


def thermal(reflection):
    return jd.Squid(
        [
            jd.AndreevModes([1.0], [1 - reflection], gap=1.0, temperature=0.1),
            jd.AndreevModes([0.8], [0.6], gap=1.2, temperature=0.2),
        ],
        [0.35],
    )


# name: device, step relative to the parameter
DEVICES = {
    "generic": (jd.Squid.from_pairs(TABLE_1, (0.403, 0.39)), 2e-3),
    "imbalance 3e-2": (near_kink(0.03), 1e-3),
    "imbalance 1e-3": (near_kink(1e-3), 3e-5),
    "thermal Andreev": (thermal(0.05), 2e-3),
    "thermal Andreev, near ballistic": (thermal(1e-3), 5e-5),
    "inductive": (jd.Squid.from_pairs(TABLE_1, (0.403, 0.39), (1e-4, 2e-4, 0.5e-4)), 1e-3),
    "harmonics": (jd.Harmonics([1.0, 0.3], [0.1, 0.4]), 2e-3),
}


def kinds(device):
    """Slices of the parameter vector that belong together: energies, fluxes, inductances …"""
    paths = jax.tree_util.tree_leaves_with_path(device)
    names = [path[-1].name for path, leaf in paths for _ in range(leaf.size)]
    names = ["energy" if name in ("first", "second") else name for name in names]
    return {name: np.flatnonzero(np.array(names) == name) for name in names}


SLOW = {"inductive"}  # most of a minute


@pytest.mark.parametrize(
    "name", [pytest.param(x, marks=[pytest.mark.slow] * (x in SLOW)) for x in DEVICES]
)
def test_gradient(name):
    device, step = DEVICES[name]
    steps = step * np.abs(helpers.parameters(device))
    expected, _ = helpers.reference_gradient(device, steps, tolerance=3e-7)
    actual = helpers.flat_jacobian(device)
    for columns in kinds(device).values():
        for row in range(3):  # I₊, I₋, η
            found, wanted = actual[row, columns], expected[row, columns]
            largest = np.max(np.abs(wanted))
            assert largest > 0
            helpers.assert_close(found, wanted, absolute=1e-6 * largest)
            big = np.abs(wanted) > 1e-3 * largest
            helpers.assert_close(found[big], wanted[big], absolute=1e-6 * np.abs(wanted[big]))


def test_gradient_at_exact_balance():
    """The peak sits on a jump: against flux and common energy I± is smooth and follows it."""

    def function(x):
        specs = [("series", *pair) for pair in TABLE_2[:2]] + [("series", x[2], x[2])]
        return np.array(dense_squid.critical_currents(specs, x[:2]))

    point = np.array([0.403, 0.396, 58.0])
    expected = dense_squid.gradient(function, point, 2e-3 * point).T
    device = jd.Squid.from_pairs(TABLE_2, point[:2])
    rows = helpers.evaluate(device)[0]
    third = rows.branches[2]
    actual = np.column_stack([rows.flux, third.first + third.second])[:2]
    # The peak is read 1e-13 beside the jump; the finite difference is that of the limit.
    helpers.assert_close(actual, expected, absolute=1e-6 * np.abs(expected))


@pytest.mark.thorough
def test_peak_on_a_jump_is_the_one_sided_limit():
    """sin(φ/2) sgn cos(φ/2) + b sin(φ − 2πf): I₊ = 1 + b sin(π − 2πf), followed in b and f."""
    b, f = 0.3, -0.6
    device = jd.Squid([jd.SeriesJunctions(1.0, 1.0), jd.TunnelJunction(b)], [f])
    rows, found = helpers.evaluate(device)
    angle = np.pi - 2 * np.pi * f
    helpers.assert_close(found.plus, 1 + b * np.sin(angle), absolute=1e-11)
    helpers.assert_close(rows.flux[0, 0], -2 * np.pi * b * np.cos(angle), absolute=1e-9)
    helpers.assert_close(rows.branches[1].critical_current[0], np.sin(angle), absolute=1e-9)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "step"), [("generic", 3e-3), ("thermal Andreev", 3e-3), ("harmonics", 3e-3)]
)
def test_hessian(name, step):
    device, _ = DEVICES[name]
    steps = step * np.abs(helpers.parameters(device))
    expected = helpers.reference_hessian(device, steps, tolerance=3e-5)
    actual = np.asarray(helpers.hessian(device))
    # Each kind of parameter has its own unit, so each block is judged by its own largest entry.
    groups = list(kinds(device).values())
    for rows in groups:
        for columns in groups:
            wanted = expected[np.ix_(rows, columns)]
            largest = np.max(np.abs(wanted))
            helpers.assert_close(actual[np.ix_(rows, columns)], wanted, absolute=1e-4 * largest)


@pytest.mark.thorough
def test_hessian_sees_the_peak_move():
    """|a + b exp(iδ)|″ = b² sin²δ/I₊³ in a; at a frozen phase the current is linear in a: 0."""
    a, b, f = 3.0, 2.0, 0.3
    phase_of_peak = np.pi / 2 - np.angle(a + b * np.exp(-2j * np.pi * f))

    def device(first):
        return jd.Squid([jd.TunnelJunction(first), jd.TunnelJunction(b)], [f])

    def second(function):
        return float(jax.jit(jax.grad(jax.grad(function)))(a))

    plus = abs(a + b * np.exp(-2j * np.pi * f))
    expected = b**2 * np.sin(2 * np.pi * f) ** 2 / plus**3
    assert expected > 0.1
    helpers.assert_close(
        second(lambda x: jd.critical_currents(device(x)).plus), expected, absolute=1e-9
    )
    frozen = second(lambda x: device(x).current(jnp.asarray(phase_of_peak)))
    helpers.assert_close(frozen, 0.0, absolute=1e-12)
