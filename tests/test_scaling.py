"""Currents have no unit of their own: all of them × λ is the same device.

I± must become λ I± to rounding, η and its derivatives by dimensionless parameters stay, and with
them status and text. Fits, designs and spaces: test_fit_units; driven junctions:
devices/test_kapitza_scaling; figures: test_plot.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxdiode as jd
from tests import helpers
from tests.problems import THOROUGH, representatives

CURRENTS = {"sources", "critical_current", "first", "second", "amplitude", "sine", "cosine"}
PER_CURRENT = {"inductance", "mutual_inductance"}
SCALES = (1e-9, 1e-3, 1e9)


def scaled(device, factor):
    """The device with its currents × λ, and 1/λ for what is flux per current."""

    def one(path, leaf):
        names = {getattr(step, "name", None) for step in path}
        power = 1 if names & CURRENTS else -1 if names & PER_CURRENT else 0
        return leaf * float(factor) ** power

    return jax.tree_util.tree_map_with_path(one, device)


def assert_same(found, plain, factor):
    assert found.status == plain.status
    pairs = [(found.plus, plain.plus), (found.minus, plain.minus)]
    size = max(abs(float(x)) for _, x in pairs)
    for one, other in pairs:
        helpers.assert_close(one / factor, other, absolute=1e-12 * size + 1e-300)
    if plain.status == jd.Status.CONVERGED:
        helpers.assert_close(found.efficiency, plain.efficiency, absolute=1e-12)


def has_a_current_unit(problem):
    leaves = jax.tree_util.tree_leaves_with_path(problem.build())
    names = {getattr(step, "name", None) for path, _ in leaves for step in path}
    return bool(names & CURRENTS) and not {"driven", "diffusive", "resistive"} & problem.tags


def _how_long(problem):
    if "slow" in problem.tags:
        return pytest.mark.slow
    return pytest.mark.thorough if problem.name in THOROUGH else ()


every_problem = pytest.mark.parametrize(
    "problem",
    [
        pytest.param(p, id=p.name, marks=_how_long(p))
        for p in representatives()
        if has_a_current_unit(p)
    ],
)


@every_problem
def test_any_unit_of_current(problem):
    device = problem.build()
    slopes, plain = helpers.evaluate(device)
    for factor in SCALES:
        other, found = helpers.evaluate(scaled(device, factor))
        assert_same(found, plain, factor)
        if "tied" in problem.tags or plain.status != jd.Status.CONVERGED:
            continue  # one-sided slopes of one of the peaks, or none
        # Derivatives of (I₊, I₋, η) by p scale as λ/p, to rounding of I₊/p.
        units = scaled(jax.tree.map(jnp.ones_like, device), factor)
        trees = map(jax.tree.leaves, (other, slopes, device, units))
        for one, two, p, unit in zip(*trees, strict=True):
            sizes = np.array([factor, factor, 1.0]).reshape(3, *(1,) * np.ndim(p))
            known = np.abs(np.ravel(p)[np.ravel(p) != 0])
            natural = float(plain.plus) / np.min(known, initial=1.0)
            assert np.isfinite(two).all()
            np.testing.assert_allclose(one * unit / sizes, two, rtol=1e-9, atol=1e-9 * natural)


def branch():
    current = st.floats(0.01, 10.0)
    return st.one_of(
        st.builds(lambda a, b: ("pair", a, b), current, current),
        st.builds(lambda a: ("pair", a, a), current),
        st.builds(lambda a, b: ("pair", a, a * (1 + b)), current, st.sampled_from([1e-9, 1e-4])),
    )


@pytest.mark.slow
@settings(max_examples=6)
@given(
    branches=st.lists(branch(), min_size=3, max_size=3),
    flux=st.tuples(st.floats(0, 1), st.sampled_from([0.0, 0.5, 0.25, 0.4123])),
    mode=st.tuples(st.floats(0.1, 3.0), st.sampled_from([0.0, 0.5, 0.999, 1.0])),
    screening=st.sampled_from([0.0, 1e-3, 0.4, 3.0]),
    exponent=st.floats(-9, 9),
)
def test_any_squid_in_any_unit(branches, flux, mode, screening, exponent):
    """Pairs next to and at balance and one Andreev mode, with inductances to multivalued ones."""
    elements = [jd.SeriesJunctions(a, b) for _, a, b in branches[:2]]
    elements.append(jd.AndreevModes([mode[0]], [mode[1]], gap=1.0, temperature=0.1))
    largest = max(branches[0][1:])
    inductance = [screening / (2 * np.pi * largest), 0.0, 0.0]
    device = jd.Squid(elements, flux, inductance=np.maximum(inductance, 1e-3 / largest))
    factor = 10.0**exponent
    plain = helpers.values(device)
    found = helpers.values(scaled(device, factor))
    assert found.status == plain.status
    if plain.status != jd.Status.CONVERGED:
        return
    # One-sided slopes at a tie may differ; values may not. 1e-11 is what the search promises.
    size = max(abs(float(plain.plus)), abs(float(plain.minus)))
    for one, two in ((found.plus, plain.plus), (found.minus, plain.minus)):
        helpers.assert_close(one / factor, two, absolute=2e-11 * size)


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_from_a_fit_to_a_design_and_a_sweep(factor):
    """The whole way in amperes and in 1e-9 of them: the same device, the same best diode."""
    coil = np.linspace(-0.016, 0.016, 25)

    def chain(unit):
        truth, start = (
            jd.CoilBiasedSquid(
                jd.Squid.from_pairs(
                    [(unit * 3.0, unit * a), (unit * 1.1, unit * 3.2)], [0.0], [0.06 / unit, 0.0]
                ),
                turns=[65.0],
            )
            for a in (0.95, 0.8)
        )
        space = jd.Space(start, {"squid.branches.0.second": (0.2 * unit, 2.0 * unit)})
        data = _model(truth, coil)
        fitted = jd.fit(_model, space, (data.plus, data.minus), arguments=[coil], progress=False)
        design = jd.maximise(
            jd.diode_efficiency, jd.Space(fitted.device, {"coil_current": (0.001, 0.014)}),
            key=0, starts=4, steps=20, polish=20, rounds=1, progress=False,
        )  # fmt: skip
        table = jd.sweep(
            jd.critical_currents, design.device, {"coil_current": coil}, progress=False
        )
        return fitted, design, table

    (fitted, design, table), (one, best, plain) = chain(factor), chain(1.0)
    assert fitted.values[0] / factor == pytest.approx(one.values[0], rel=1e-8)
    assert (fitted.converged, fitted.at_bound) == (one.converged, one.at_bound)
    assert design.value == pytest.approx(best.value, abs=1e-9)
    np.testing.assert_allclose(table["plus"] / factor, plain["plus"], rtol=1e-7)
    np.testing.assert_array_equal(table["status"], plain["status"])


def _model(squid, coil):
    return squid.switching_currents(coil)
