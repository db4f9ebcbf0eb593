"""Fronts that are known, and those of a double loop against random devices and `maximise`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import Status
from tests import helpers

SMALL = {"key": 0, "points": 9, "starts": 4, "steps": 40, "polish": 60, "progress": False}


class Point(jd.AbstractPhaseBiased):
    x: jax.Array

    def current(self, phase):
        return jnp.sin(phase)


def plane(low=-2.0, high=2.0, count=2):
    return jd.Space(Point(jnp.zeros(count)), {"x": (low, high)})


@pytest.mark.thorough
@pytest.mark.parametrize("units", [(1.0, 1.0), (1e-9, 1e6), (1e9, 1e-12)])
def test_a_convex_front_in_any_units(units):
    """−x² − y² and −(x − 1)² − y²: the points between both maxima, evenly spaced."""
    one, two = units
    front = jd.pareto(
        [
            lambda d: -one * jnp.sum(d.x**2),
            lambda d: -two * jnp.sum((d.x - jnp.array([1.0, 0.0])) ** 2),
        ],
        plane(),
        **SMALL,
    )
    np.testing.assert_allclose(front.values[:, 0], np.linspace(1, 0, 9), atol=2e-5)
    # What is off the front counts by its square.
    np.testing.assert_allclose(front.values[:, 1], 0, atol=1e-4)
    distance = np.sqrt(np.maximum(-front.objectives / [one, two], 0)).sum(axis=1)
    np.testing.assert_allclose(distance, 1, atol=1e-8)
    t = np.linspace(1, 0, 9)
    np.testing.assert_allclose(front.objectives[:, 0] / one, -(t**2), atol=4e-5)
    np.testing.assert_allclose(front.objectives[:, 1] / two, -((1 - t) ** 2), atol=4e-5)
    assert np.all(front.status == Status.CONVERGED)
    assert np.all(np.diff(front.objectives[:, 0]) > 0)
    assert np.all(np.diff(front.objectives[:, 1]) < 0)


@pytest.mark.thorough
def test_a_front_that_is_not_convex():
    """Fonseca and Fleming: no weighted sum of the two has a maximum between the ends."""
    third = 1 / np.sqrt(2)
    front = jd.pareto(
        [lambda d: jnp.exp(-jnp.sum((d.x - third) ** 2)),
         lambda d: jnp.exp(-jnp.sum((d.x + third) ** 2))],
        plane(),
        **SMALL,
    )  # fmt: skip
    assert len(front.values) == 9
    np.testing.assert_allclose(front.values[:, 0], front.values[:, 1], atol=2e-5)
    first, last = 1.0, np.exp(-4)
    for k, (f, g) in enumerate(front.objectives):
        assert f == pytest.approx(np.exp(-((np.sqrt(-np.log(g)) - 2) ** 2)), abs=1e-6)
        # On the ray from its point of the line between the ends
        share = 1 - k / 8
        assert f - first - share * (last - first) == pytest.approx(
            g - last - share * (first - last), abs=1e-5
        )


@pytest.mark.thorough
def test_a_front_with_gaps():
    """x and 1 − x + 0.3 sin 6πx: only parts of the curve are not dominated."""

    def second(x):
        return 1 - x + 0.3 * np.sin(6 * np.pi * x)

    front = jd.pareto(
        [lambda d: d.x[0], lambda d: 1 - d.x[0] + 0.3 * jnp.sin(6 * jnp.pi * d.x[0])],
        plane(0.0, 1.0, 1),
        **(SMALL | {"points": 17}),
    )
    x = np.linspace(0, 1, 100001)
    for f, g in front.objectives:
        assert not np.any((x > f + 1e-4) & (second(x) > g + 1e-4))
        assert g == pytest.approx(second(f), abs=1e-9)
    assert 6 <= len(front.values) < 17
    assert np.all(np.diff(front.objectives[:, 1]) < 0)


def test_one_device_that_is_best_in_both():
    front = jd.pareto([lambda d: -jnp.sum(d.x**2), lambda d: 3 - jnp.sum(d.x**4)], plane(), **SMALL)
    assert len(front.values) == 1
    np.testing.assert_allclose(front.values, 0, atol=1e-2)
    assert front.plot().axes


# ---- The double loop

PAIRS = [(420.0, 64.73), (380.0, 65.27), (49.21, 49.21)]


def loop_space(unit=1.0):
    squid = jd.Squid.from_pairs([(unit * a, unit * b) for a, b in PAIRS], flux=[0.4, 0.4])
    bounds = {"branches.2": (20 * unit, 200 * unit), "flux": (0.3, 0.5)}
    return jd.Space(squid, bounds, ties=["flux"])


def loop_front(unit=1.0):
    return jd.pareto(
        None, loop_space(unit), key=0, points=6, starts=8, steps=60, polish=150, rounds=3,
        progress=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def front():
    return loop_front()


@pytest.mark.thorough
def test_points_are_what_their_devices_do(front):
    assert front.labels == ("efficiency", "plus")
    assert front.names == ("branches.2.first", "branches.2.second", "flux.0")
    for k, (efficiency, plus) in enumerate(front.objectives):
        expected = helpers.dense_reference(front.device(k))
        assert efficiency == pytest.approx(expected[2], abs=1e-9)
        assert plus == pytest.approx(expected[0], rel=1e-9)
    assert len(front.objectives) >= 5
    assert "efficiency" in front.summary()


@pytest.mark.thorough
@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_the_same_front_in_any_unit(unit, front):
    other = loop_front(unit)
    np.testing.assert_allclose(other.objectives[:, 0], front.objectives[:, 0], atol=2e-4)
    np.testing.assert_allclose(other.objectives[:, 1] / unit, front.objectives[:, 1], rtol=1e-3)


@helpers.slow
def test_no_random_device_dominates(front):
    space = loop_space()

    @jax.jit
    def both(key):
        keys = jax.random.split(key, 5000)
        found = jax.vmap(lambda k: jd.critical_currents(space.insert(space.sample(k))))(keys)
        return jnp.stack([found.efficiency, found.plus])

    chance = np.concatenate([both(jax.random.key(k)) for k in range(20)], axis=1)
    extent = np.ptp(front.objectives, axis=0)
    for own in front.objectives:
        better = np.all((chance.T - own) / extent > 1e-5, axis=1)
        assert not better.any()


@helpers.slow
def test_points_agree_with_maximise_under_a_constraint(front):
    for k in (1, 3):
        efficiency, plus = front.objectives[k]
        best = jd.maximise(
            jd.diode_efficiency,
            loop_space(),
            subject_to=lambda d, plus=plus: jd.critical_currents(d).plus - plus,
            key=1, starts=32, steps=60, polish=150, rounds=2, progress=False,
        )  # fmt: skip
        assert best.constraints_met
        assert efficiency == pytest.approx(best.value, abs=1e-5)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("objectives", "settings", "said"),
    [
        ("plus", {}, "objectives must be two names or functions"),
        (["plus"], {}, "objectives must be two names or functions"),
        (["plus", "minus", "efficiency"], {}, "objectives must be two names or functions"),
        (["plus", "mines"], {}, "unknown objective 'mines'; did you mean 'minus'"),
        (["plus", 3], {}, "objectives must be names or functions of a device, got 3"),
        (["plus", lambda d: d.x], {}, "must return one number per device"),
        (["plus", lambda d: jnp.nan * d.x[0]], {}, "objectives are NaN or infinite at every start"),
        (["plus", "minus"], {"points": 1}, "points must be a whole number, at least 2"),
        (["plus", "minus"], {"rounds": 1}, "rounds must be a whole number, at least 2"),
        (["plus", "minus"], {"starts": 0}, "starts must be a whole number, at least 1"),
        (["plus", "minus"], {"key": "a"}, "key must be"),
    ],
)
def test_what_is_refused(objectives, settings, said):
    with pytest.raises(ValueError, match=said):
        jd.pareto(objectives, plane(), **(SMALL | settings))


@pytest.mark.thorough
def test_infinite_bounds_and_points_that_are_not_there(front):
    with pytest.raises(ValueError, match="must be finite"):
        jd.pareto(None, plane(0.0, np.inf), **SMALL)
    with pytest.raises(ValueError, match="point must lie within 0 to"):
        front.device(99)
