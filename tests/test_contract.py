"""What every device owes: exact values, one answer under every transformation, honest status.

Exact values are compared to the tolerance of each problem (`tests/problems`); transformations
to 1e-12 of the largest current (they reorder the rounding only); gradients to 1e-6 of their
largest component, which is a thousand times the error of the finite differences.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from tests import helpers
from tests.problems import KNOWN_FAILURES, PROBLEMS, TAGS, THOROUGH, representatives

ROUNDING = 1e-12

# Eager evaluation and Hessians cost up to a minute of tracing per structure: by default these
# only, all with `make test-all`.
QUICK = {"series pair", "two harmonics, tied"}
# Seconds to compile, and little that smaller structures do not show: with `make test-all`.
COSTLY = {"four branches", "mixed branches", "symmetric SQUID at half flux"}
COSTLY |= {"one live inductive branch"}
# Half a minute each to differentiate; tests/devices/test_phase_slip.py has their values.
SLOW = {"phase-slip wire, ohmic", "phase-slip wire, retrap"}
SLOW |= {problem.name for problem in PROBLEMS if "slow" in problem.tags}
# No patience compiles these twice differentiated; tests/numerics/test_newton.py does it in small.
NO_HESSIAN = {problem.name for problem in PROBLEMS if "diffusive" in problem.tags}


CASES: set[tuple[str, str]] = set()  # (name of a problem, contract test)


def _parametrised(problems, slow):
    """A decorator: the test for these problems, `slow` where that says so of a name."""

    def decorate(test):
        where = test.__name__.removeprefix("test_")
        CASES.update((problem.name, where) for problem in problems)
        params = []
        for problem in problems:
            marks = [
                pytest.mark.xfail(reason=why, strict=True)
                for *case, why in KNOWN_FAILURES
                if case == [problem.name, where]
            ]
            if slow(problem.name):
                marks.append(pytest.mark.slow)
            elif problem.name in THOROUGH:
                marks.append(pytest.mark.thorough)
            params.append(pytest.param(problem, id=problem.name, marks=marks))
        return pytest.mark.parametrize("problem", params)(test)

    return decorate


def _costly(name):
    return name in COSTLY | SLOW


def _not_quick(name):
    return name not in QUICK


every_problem = _parametrised(PROBLEMS, lambda name: name in SLOW)
every_structure = _parametrised(representatives(), _costly)
every_phase_biased_structure = _parametrised(
    [p for p in representatives() if isinstance(p.build(), jd.AbstractPhaseBiased)], _costly
)
referenced_structures = _parametrised([p for p in representatives() if p.reference], _costly)
quick_structures = _parametrised(representatives(), _not_quick)
quick_hessians = _parametrised(
    [p for p in representatives() if p.name not in NO_HESSIAN], _not_quick
)


def perturbed(device, count):
    """Generic neighbours of a device: no balance, no tie, nothing at the edge of its range."""
    rng = np.random.default_rng(7)
    vector = helpers.parameters(device)
    factors = rng.uniform(0.93, 0.99, (count, vector.size))
    vector = factors * np.where(vector == 0, 0.01, vector)
    return [helpers.with_parameters(device, row) for row in vector]


def lane_count(device):
    """As many lanes as `test_nan_is_flagged_in_its_lane_only` needs: `vmap` compiles once."""
    return helpers.parameters(device).size + 1


def compare(found, other):
    np.testing.assert_array_equal(found.status, other.status)
    scale = np.nanmax(np.abs([found.plus, found.minus]), initial=0.0)
    for one, two in ((found.plus, other.plus), (found.minus, other.minus)):
        np.testing.assert_allclose(one, two, rtol=0, atol=ROUNDING * scale, equal_nan=True)


def test_names_are_unique_and_every_tag_is_used():
    names = [problem.name for problem in PROBLEMS]
    assert len(names) == len(set(names))
    assert frozenset().union(*(problem.tags for problem in PROBLEMS)) == TAGS
    assert {problem.name for problem in representatives()} >= QUICK
    assert set(names) >= THOROUGH


def _stale(entries):
    """Those that name no problem, or no contract test of it."""
    return [(name, where) for name, where, _ in entries if (name, where) not in CASES]


def test_known_failures_exist():
    """That they fail is what xfail(strict=True) sees to."""
    assert _stale(KNOWN_FAILURES) == []
    gone = ("a problem of the past", "value"), ("series pair", "a_test_of_the_past")
    assert _stale([("series pair", "value", ""), *((*case, "") for case in gone)]) == [*gone]


@every_problem
def test_value(problem):
    found = helpers.critical_currents(problem.build())
    if "no-current" in problem.tags:
        assert found.status == jd.Status.NO_SUPERCURRENT
        assert found.plus == found.minus == 0
        assert np.isnan(found.efficiency)
        return
    assert found.status == jd.Status.CONVERGED
    currents = [found.plus, found.minus], [problem.plus, problem.minus]
    helpers.assert_close(*currents, absolute=problem.current_tolerance)
    helpers.assert_close(
        found.efficiency, problem.efficiency, absolute=problem.efficiency_tolerance
    )
    if "time-reversal" in problem.tags:
        assert problem.efficiency == 0


@pytest.mark.thorough
@every_problem
def test_odd_under_time_reversal(problem):
    device = problem.build()
    ahead = helpers.critical_currents(device)
    back = helpers.critical_currents(problem.reverse(device))
    swapped = jd.CriticalCurrents(back.minus, back.plus, back.status)
    # At a jump the phase of each side is known to 1e-13 only: its slope is of order I.
    compare(ahead, swapped)


@quick_structures
def test_jit_is_eager(problem):
    device = problem.build()
    compare(helpers.critical_currents(device), jd.critical_currents(device))


@pytest.mark.thorough
@every_structure
def test_vmap_is_a_loop(problem):
    device = problem.build()
    several = perturbed(device, lane_count(device))
    together = helpers.lanes(helpers.stacked(several))
    alone = helpers.stacked([helpers.critical_currents(each) for each in several])
    compare(together, alone)


@pytest.mark.thorough
@every_structure
def test_nan_is_flagged_in_its_lane_only(problem):
    device = problem.build()
    good = helpers.parameters(perturbed(device, 1)[0])
    lanes = np.tile(good, (good.size + 1, 1))
    lanes[np.arange(good.size), np.arange(good.size)] = np.nan
    several = [helpers.with_parameters(device, row) for row in lanes]
    found = helpers.lanes(helpers.stacked(several))
    flagged = np.asarray(found.status) != jd.Status.CONVERGED
    np.testing.assert_array_equal(np.isnan(found.plus), flagged)
    np.testing.assert_array_equal(np.isnan(found.minus), flagged)
    if "gated" in problem.name:  # a far point of a gate map need not matter
        np.testing.assert_array_equal(found.plus[~flagged], found.plus[-1])
        assert flagged.sum() >= good.size / 2
    else:
        assert flagged[:-1].all()
    assert found.status[-1] == jd.Status.CONVERGED
    last = jax.tree.map(lambda x: x[-1], found)
    compare(last, helpers.critical_currents(several[-1]))


@referenced_structures
def test_gradient_is_that_of_the_reference(problem):
    device = perturbed(problem.build(), 1)[0]
    vector = helpers.parameters(device)
    steps = 2e-3 * np.maximum(np.abs(vector), 0.1)
    expected, scale = helpers.reference_gradient(
        device, steps, tolerance=3e-7, reference=problem.reference
    )
    helpers.assert_close(helpers.flat_jacobian(device), expected, absolute=1e-6 * scale)


@every_structure
def test_gradient_has_the_structure_of_the_device(problem):
    device = problem.build()
    gradient, _ = helpers.evaluate(device)
    assert jax.tree.structure(gradient) == jax.tree.structure(device)
    for leaf, rows in zip(jax.tree.leaves(device), jax.tree.leaves(gradient), strict=True):
        assert rows.shape == (3, *leaf.shape)
        assert rows.dtype == jnp.float64
        assert np.isfinite(rows).all()


def _squid():
    return jd.Squid.from_pairs([(100, 100), (30, 50)], (0.2,))


@pytest.mark.thorough
def test_grad_of_diode_efficiency_reads_like_the_device():
    gradient = jax.grad(jax.jit(jd.diode_efficiency))(_squid())
    assert isinstance(gradient, jd.Squid)
    assert gradient.flux.shape == (1,)
    assert gradient.branches[1].second.shape == ()


@pytest.mark.thorough
@quick_hessians
def test_hessian_is_finite_and_symmetric(problem):
    device = perturbed(problem.build(), 1)[0]
    found = np.asarray(helpers.hessian(device))
    assert np.isfinite(found).all()
    # η of an odd device is 0 to rounding, and so is its Hessian.
    np.testing.assert_allclose(found, found.T, rtol=0, atol=1e-8 * np.max(np.abs(found)) + 1e-13)


@jax.jit
def _currents(device, phase):
    current = device.current
    return current(phase), current(phase + 2 * jnp.pi), current(phase[0]), current(phase[0, 0])


@pytest.mark.thorough
@every_phase_biased_structure
def test_current_is_periodic_and_elementwise(problem):
    device = problem.build()
    phase = jnp.array([[-2.9, -0.4, 0.1], [1.3, 2.6, 5.8]])
    plane, turned, row, point = _currents(device, phase)
    assert (plane.shape, row.shape, point.shape) == ((2, 3), (3,), ())
    scale = max(abs(problem.plus), abs(problem.minus))  # no phase lies within 0.05 of a jump
    helpers.assert_close(turned, plane, absolute=ROUNDING * scale)
    helpers.assert_close(row, plane[0], absolute=ROUNDING * scale)
    helpers.assert_close(point, plane[0, 0], absolute=ROUNDING * scale)


# ---- Status


def test_nothing_flows_without_branches_that_carry():
    """Zero devices of every kind."""
    for device in (
        jd.TunnelJunction(0.0),
        jd.SeriesJunctions(0.0, 0.0),
        jd.AndreevModes(3.0, 0.0),
        jd.Harmonics([0.0, 0.0]),
        jd.Squid.from_pairs([(0, 90), (380, 0), (0, 0)], (0.1, 0.2)),
    ):
        found = helpers.critical_currents(device)
        assert found.status == jd.Status.NO_SUPERCURRENT, device
        assert found.plus == found.minus == 0, device
        assert np.isnan(found.efficiency)


def test_cancelled_currents_are_no_diode():
    """sin φ + sin(φ − π) is rounding: its η must not be reported as a number."""
    for current in (1.0, 2.5, 3.0, 420.0):
        device = jd.Squid([jd.TunnelJunction(current), jd.TunnelJunction(current)], [0.5])
        slopes, found = helpers.evaluate(device)
        assert found.status == jd.Status.NO_SUPERCURRENT
        assert found.plus == found.minus == 0
        assert np.isnan(found.efficiency)
        assert np.isnan(slopes.flux).all()  # |I₁ − I₂| has a corner there


@pytest.mark.thorough
def test_there_is_no_relation_where_a_jump_meets_an_inductance():
    """A jump down in I(ψ) makes ψ + 2πL I(ψ) fall, however small L: currents are known still."""
    device = jd.Squid.from_pairs([(100, 100), (30, 50), (20, 50)], (0.2, 0.3), (1e-4, 0, 0))
    assert jd.current_phase_relation(device).status == jd.Status.MULTIVALUED
    without = jd.Squid.from_pairs([(100, 100), (30, 50), (20, 50)], (0.2, 0.3))
    found, near = jd.critical_currents(device), jd.critical_currents(without)
    assert found.status == jd.Status.CONVERGED
    assert abs(found.plus - near.plus) < 0.2 * near.plus


def test_nan_injected_by_tree_at_is_nonfinite():
    device = eqx.tree_at(lambda d: d.branches[1].first, _squid(), jnp.array(jnp.nan))
    assert helpers.critical_currents(device).status == jd.Status.NONFINITE


@pytest.mark.parametrize("status", list(jd.Status))
def test_every_status_says_what_it_means(status):
    text = status.describe()
    assert text
    assert "\n" not in text


def test_only_devices_have_critical_currents():
    for function in (jd.critical_currents, jd.current_phase_relation):
        with pytest.raises(Exception, match="device"):
            function(3.0)
