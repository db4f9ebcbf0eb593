"""Bounds and starts from the data alone."""

import jax
import numpy as np
import pytest
import xarray

import jaxdiode as jd
from jaxdiode.experiment import Axis, Experiment
from jaxdiode.experiment.search import symmetry

MODEL = jd.CoilBiasedSquid.switching_currents


def simulated(random, branches, points=101):
    """A SQUID of transparent junctions, its coil, and its noisy critical currents."""
    current = random.uniform(20, 200, branches)
    transparency = random.uniform(0.3, 0.95, branches)
    span = random.uniform(2, 6)
    turns = random.uniform(0.5, 1.5, branches - 1)
    x = np.linspace(-0.5, 0.5, points) * span + random.uniform(-0.3, 0.3)
    modes = [jd.AndreevModes(2 * i / t, [t]) for i, t in zip(current, transparency, strict=True)]
    squid = jd.Squid(modes, flux=[0.0] * (branches - 1))
    true = jd.CoilBiasedSquid(squid, turns, offset=random.uniform(-0.2, 0.2))
    found = true.switching_currents(x)
    exact = np.stack([found.plus, found.minus])
    sigma = random.uniform(0.01, 0.05) * np.mean(exact[0])
    return x, exact, exact + random.normal(0, sigma, exact.shape), sigma


def kind(branches):
    return jd.Squid([jd.AndreevModes(1, [0.6])] * branches, flux=[0.0] * (branches - 1))


def reaches_the_optimum(random, branches):
    x, exact, data, sigma = simulated(random, branches)
    space, starts = jd.guess(kind(branches), (x, *data))
    found = jd.fit(
        MODEL, space, tuple(data), sigma, arguments=[x], along=x, starts=starts, progress=False
    )
    noise = np.sqrt(np.mean((data - exact) ** 2))
    return found.rms < 1.005 * noise


@pytest.mark.thorough
def test_a_squid_is_found_without_any_start():
    assert reaches_the_optimum(np.random.default_rng(3), 2)


@pytest.mark.slow
def test_nearly_every_squid_is_found():
    """Fifty of two branches and fifty of three, noise of 1 to 5 %."""
    random = np.random.default_rng(7)
    reached = [reaches_the_optimum(random, 2 + k % 2) for k in range(100)]
    print("\nreached", np.sum(reached[::2]), np.sum(reached[1::2]))
    assert np.sum(reached) >= 95


def slow_beat():
    """Two small junctions in antiphase at the middle, 0.3 turns of their loop along the axis."""
    random = np.random.default_rng(2)
    current, transparency = (200, 180, 900), (0.7, 0.6, 0.7)
    modes = [jd.AndreevModes(2 * i / t, [t]) for i, t in zip(current, transparency, strict=True)]
    squid = jd.Squid(modes, flux=[0.0, 0.0])
    true = jd.CoilBiasedSquid(squid, [0.3, 6.0], offset=[0.5 / 0.3, 0.04])
    x = np.linspace(-0.5, 0.5, 121)
    found = true.switching_currents(x)
    exact = np.stack([found.plus, found.minus])
    return x, exact, exact + random.normal(0, 4.0, exact.shape)


@pytest.mark.slow
def test_a_beat_of_which_the_axis_shows_a_part():
    x, exact, data = slow_beat()
    space, starts = jd.guess(kind(3), (x, *data))
    low, high = space.bounds["offset.0"]
    assert low < -0.5 / 0.3 < 0.5 / 0.3 < high  # half a turn from the middle, either way
    found = jd.fit(
        MODEL, space, tuple(data), 4.0, arguments=[x], along=x, starts=starts, progress=False
    )
    print(f"\nrms {found.rms:.3f}, noise {np.sqrt(np.mean((data - exact) ** 2)):.3f}")
    assert found.rms < 1.005 * np.sqrt(np.mean((data - exact) ** 2))


@pytest.mark.slow
@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_units_do_not_matter(unit):
    x, _, data, _ = simulated(np.random.default_rng(4), 2)
    one, starts = jd.guess(kind(2), (x, *data))
    other, scaled = jd.guess(kind(2), (x, *(unit * data)))
    factor = np.array([unit if "amplitude" in name else 1.0 for name in one.names])
    np.testing.assert_allclose(other.lower, factor * one.lower, rtol=1e-12)
    np.testing.assert_allclose(other.upper, factor * one.upper, rtol=1e-12)
    np.testing.assert_allclose(scaled, factor * starts, rtol=1e-6)
    coil, currents = jd.guess(kind(2), (1e-6 * x, *data))
    assert np.asarray(coil.upper)[-2] == pytest.approx(1e6 * float(one.upper[-2]), rel=1e-6)
    assert currents.shape[1] == len(one.names)


@pytest.mark.thorough
def test_the_symmetry_of_the_data():
    x = np.linspace(-1, 1.4, 121)
    squid = jd.Squid([jd.TunnelJunction(90), jd.AndreevModes(80, [0.9])], flux=[0])
    found = jd.CoilBiasedSquid(squid, [1.3], offset=0.17).switching_currents(x)
    place = symmetry(x, np.asarray(found.plus), np.asarray(found.minus), 1.3)
    nearest = 0.17 + np.arange(-4, 5) * 0.5 / 1.3
    assert np.min(np.abs(place - nearest)) < 0.01


@pytest.mark.thorough
def test_any_device_by_its_axis():
    """A junction in a field, its flux driven by an axis of its own name."""
    true = Experiment(
        jd.ExtendedJunction(jd.TunnelJunction(50.0), "uniform", 0.0), {"B": Axis("flux", 0.9)}
    )
    x = np.linspace(-3, 3, 61)
    exact = true.switching_currents(x)
    unknown = Experiment(
        jd.ExtendedJunction(jd.TunnelJunction(1.0), "uniform", 0.0), {"B": Axis("flux", 1.0)}
    )
    space, starts = jd.guess(unknown, (x, exact.plus, exact.minus), vary=["device.local", "axes"])
    assert space.names[0] == "device.local.critical_current"
    found = jd.fit(
        Experiment.switching_currents, space, exact, arguments=[x], along=x, starts=starts,
        progress=False,
    )  # fmt: skip
    assert found.values[0] == pytest.approx(50, rel=1e-6)
    assert abs(found.parameters["axes.B.scale.0"][0]) == pytest.approx(0.9, rel=1e-6)


@pytest.mark.thorough
def test_a_reversed_coil_and_currents_that_are_known():
    x = np.linspace(-0.02, 0.02, 81)
    squid = jd.Squid([jd.TunnelJunction(120), jd.AndreevModes(40, 0.95)], flux=[0])
    exact = jd.CoilBiasedSquid(squid, [-65.0], offset=0.002).switching_currents(x)
    space, starts = jd.guess(squid, (x, exact.plus, exact.minus), vary=["turns", "offset"])
    assert float(space.device.squid.branches[0].critical_current) == 120
    found = jd.fit(MODEL, space, exact, arguments=[x], along=x, starts=starts, progress=False)
    assert found.values[0] == pytest.approx(-65, rel=1e-6)


def two_tunnel_junctions(offset=0.0):
    """x, I₊, I₋ of 90 and 60 nA in a coil, and the kind of device."""
    x = np.linspace(-0.02, 0.02, 41)
    squid = jd.Squid([jd.TunnelJunction(90), jd.TunnelJunction(60)], flux=[0])
    true = jd.CoilBiasedSquid(squid, [65.0], offset=1e-3, current_offset=offset)
    found = true.switching_currents(x)
    return (x, found.plus, found.minus), squid


@pytest.mark.thorough
def test_currents_of_a_map():
    """What was found in a map is guessed at as its three columns are."""
    (x, plus, minus), squid = two_tunnel_junctions()
    bias = np.linspace(-200, 200, 401)
    limit = np.where(bias > 0, np.asarray(plus)[:, None], np.asarray(minus)[:, None])
    voltage = np.sign(bias) * np.sqrt(np.maximum(bias**2 - limit**2, 0))
    map = xarray.Dataset({"V": (("coil", "I"), voltage)}, {"coil": x, "I": bias})
    found = jd.lab.switching_currents(map)
    space, starts = jd.guess(squid, found)
    by_hand, others = jd.guess(squid, (x, found.plus, found.minus))
    assert space.bounds == by_hand.bounds
    np.testing.assert_array_equal(starts, others)
    several = jd.lab.switching_currents(map.expand_dims(gate=2))
    with pytest.raises(ValueError, match=r"found must have one axis, it has gate, coil"):
        jd.guess(squid, several)


@pytest.mark.thorough
def test_bounds_beside_the_guess():
    """They take the place of those guessed, and what they name is fitted too."""
    data, squid = two_tunnel_junctions(offset=-3.0)
    free, _ = jd.guess(squid, data)
    space, starts = jd.guess(squid, data, bounds={"current_offset": (-10, 10), "turns": (62, 68)})
    assert set(space.names) == {*free.names, "current_offset"}
    given = {"current_offset": (-10, 10), "turns.0": (62, 68)}
    assert space.bounds == free.bounds | given
    turns = starts[:, space.names.index("turns.0")]
    assert np.all((turns > 62) & (turns < 68))  # none at an end, where draws would be cut off
    found = jd.fit(
        MODEL, space, data[1:], arguments=[data[0]], along=data[0], starts=starts, progress=False
    )
    assert found.parameters["current_offset"][0] == pytest.approx(-3, rel=1e-6)
    some, _ = jd.guess(
        squid, data, vary="squid.branches", bounds={"current_offset": (-10, 10)}
    )  # fmt: skip
    branches = [name for name in free.names if name.startswith("squid.branches")]
    assert list(some.names) == [*branches, "current_offset"]


@pytest.mark.slow
def test_starts_lie_inside_and_differ():
    x, _, data, _ = simulated(np.random.default_rng(5), 2)
    space, starts = jd.guess(kind(2), (x, *data), key=jax.random.key(3))
    assert np.all(starts >= np.asarray(space.lower)) & np.all(starts <= np.asarray(space.upper))
    assert len(np.unique(starts, axis=0)) == len(starts) > 3
    np.testing.assert_array_equal(starts[0], space.values())
    again = jd.guess(kind(2), (x, *data), key=3)
    np.testing.assert_array_equal(again.starts, starts)


X = np.linspace(0, 1, 20)
ERRORS = {
    "three columns": (lambda: jd.guess(kind(2), (X, X)), "three columns"),
    "few": (lambda: jd.guess(kind(2), (X[:5], X[:5], X[:5])), "8 points or more"),
    "one place": (lambda: jd.guess(kind(2), (0 * X, X, X)), "along an axis"),
    "zero": (lambda: jd.guess(kind(2), (X, 0 * X, 0 * X)), "all of them are zero"),
    "lengths": (lambda: jd.guess(kind(2), (X, X[:9], X)), "one length"),
    "device": (lambda: jd.guess(jd.TunnelJunction(1.0), (X, X, X)), "must be a Squid"),
    "bounds": (
        lambda: jd.guess(kind(2), (X, X, X), bounds={"current_offset": (0, np.inf)}),
        "bounds must be finite where starts are searched for",
    ),
    "bounds of nothing": (
        lambda: jd.guess(kind(2), (X, X, X), bounds={"branches": (0, 1)}), "'branches'"
    ),
    "vary": (lambda: jd.guess(kind(2), (X, X, X), vary="coil_current"), "have a scale for"),
    "starts": (
        lambda: jd.fit(
            lambda d: d.current(X), jd.Space(jd.TunnelJunction(1.0), {"critical_current": (0, 2)}),
            X, starts=[[3.0]],
        ),
        "row 0 does not",
    ),
}  # fmt: skip


@pytest.mark.thorough
@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    make, message = ERRORS[case]
    with pytest.raises(ValueError, match=message):
        make()


def test_directions_measured_in_turn():
    """I₊ at every other coil current, I₋ at those between."""
    x, random = np.linspace(-1.5, 1.5, 121), np.random.default_rng(3)
    squid = jd.Squid([jd.TunnelJunction(90.0), jd.TunnelJunction(60.0)], flux=[0.0])
    exact = jd.CoilBiasedSquid(squid, turns=[1.0], offset=0.1).switching_currents(x)
    data = np.stack([exact.plus, exact.minus]) + random.normal(0, 1, (2, 121))
    data[0, ::2] = data[1, 1::2] = np.nan
    space, starts = jd.guess(jd.Squid([jd.TunnelJunction(1.0)] * 2, flux=[0.0]), (x, *data))
    found = jd.fit(
        MODEL, space, tuple(data), 1.0, arguments=[x], along=x, starts=starts, progress=False,
        drop_missing=True,
    )  # fmt: skip
    value = {name: abs(v) for name, (v, _) in found.parameters.items()}
    currents = sorted(v for name, v in value.items() if "critical_current" in name)
    assert found.missing == 121
    np.testing.assert_allclose(currents, [60, 90], atol=1.5)
    np.testing.assert_allclose(value["turns.0"], 1.0, atol=0.01)
