"""Named, bounded parameters: names, patterns, ties, and the maps to and from the line."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd

INF = np.inf
# A map from a bounded value to the line and back is exact to rounding, relative to the width.
ROUND_TRIP = 1e-10


@pytest.fixture(scope="module")
def device():
    return jd.Squid.from_pairs([(420, 80), (380, 90), (80, 90)], flux=(0.4, 0.3))


NAMES = (
    "branches.0.first",
    "branches.0.second",
    "branches.1.first",
    "branches.1.second",
    "branches.2.first",
    "branches.2.second",
    "flux.0",
    "flux.1",
)


def test_parameter_names(device):
    assert jd.parameter_names(device) == NAMES
    mixed = jd.Squid([jd.AndreevModes([1.0, 2.0], 0.5, gap=1.0), jd.TunnelJunction(1.0)], [0.1])
    assert jd.parameter_names(mixed) == (
        "branches.0.amplitude.0",
        "branches.0.amplitude.1",
        "branches.0.transparency.0",
        "branches.0.transparency.1",
        "branches.0.gap",
        "branches.0.temperature",
        "branches.1.critical_current",
        "flux.0",
    )


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("branches.2", NAMES[4:6]),
        ("branches.*.second", NAMES[1:6:2]),
        ("branches", NAMES[:6]),
        ("flux", NAMES[6:]),
        ("flux.*", NAMES[6:]),
        ("flux.1", NAMES[7:]),
        ("*.1", ("branches.1.first", "branches.1.second", "flux.1")),
    ],
)
def test_patterns(device, pattern, names):
    space = jd.Space(device, {pattern: (0.01, 500.0)})
    assert space.names == names
    assert np.array_equal(space.lower, np.full(len(names), 0.01))
    assert np.array_equal(space.upper, np.full(len(names), 500.0))


def test_names_follow_the_device_not_the_bounds(device):
    space = jd.Space(device, {"flux.1": (0.0, 1.0), "branches.0.second": (20.0, 360.0)})
    assert space.names == ("branches.0.second", "flux.1")
    assert np.array_equal(space.values(), [80.0, 0.3])
    other = jd.Squid.from_pairs([(1, 2), (3, 4), (5, 6)], flux=(0.7, 0.8))
    assert np.array_equal(space.values(other), [2.0, 0.8])


def test_insert_changes_only_the_named(device):
    space = jd.Space(device, {"branches.1.first": (1.0, 900.0), "flux.0": (0.0, 1.0)})
    changed = space.insert(jnp.array([77.0, 0.125]))
    assert jax.tree.structure(changed) == jax.tree.structure(device)
    expected = [420.0, 80.0, 77.0, 90.0, 80.0, 90.0, 0.125, 0.3]
    assert np.array_equal(np.concatenate([np.ravel(x) for x in jax.tree.leaves(changed)]), expected)
    assert np.array_equal(space.values(), [380.0, 0.4])  # the space itself is untouched


def test_ties(device):
    space = jd.Space(
        device,
        {
            "flux.*": (0.0, 1.0),
            "branches.0.first": (10.0, 500.0),
            "branches.2.first": (50.0, 600.0),
        },
        ties=["flux", ("branches.0.first", "branches.2.first")],
    )
    assert space.names == ("branches.0.first", "flux.0")
    # Tied bounds are the overlap of what was given.
    assert np.array_equal(space.lower, [50.0, 0.0])
    assert np.array_equal(space.upper, [500.0, 1.0])
    changed = space.insert(jnp.array([123.0, 0.625]))
    expected = [123.0, 80.0, 380.0, 90.0, 123.0, 90.0, 0.625, 0.625]
    assert np.array_equal(np.concatenate([np.ravel(x) for x in jax.tree.leaves(changed)]), expected)


def test_one_bound_serves_a_tie(device):
    space = jd.Space(device, {"flux.1": (0.0, 1.0)}, ties=[("flux.0", "flux.1")])
    assert np.array_equal(space.insert(jnp.array([0.25])).flux, [0.25, 0.25])


@pytest.mark.parametrize(
    "bounds",
    [(0.0, 1.0), (-3.0, 5.0), (0.4, 0.6), (-INF, 0.9), (-0.1, INF), (-INF, INF), (0.01, 10.0)],
)
def test_round_trip(device, bounds):
    space = jd.Space(device, {"flux": bounds})
    low, high = max(bounds[0], -50.0), min(bounds[1], 50.0)
    for fraction in (1e-6, 0.01, 0.3, 0.5, 0.99, 1 - 1e-6):
        values = low + (high - low) * jnp.array([fraction, 1 - fraction])
        coordinates = space.unbounded(values)
        assert np.all(np.isfinite(coordinates))
        error = np.abs(space.bounded(coordinates) - values)
        assert np.all(error <= ROUND_TRIP * (high - low))


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-INF, 0.9), (-0.1, INF), (0.01, 10.0)])
def test_any_coordinate_lies_inside(device, bounds):
    space = jd.Space(device, {"flux": bounds})
    far = jnp.linspace(-30.0, 30.0, 61)
    values = jax.vmap(lambda z: space.bounded(jnp.stack([z, -z])))(far)
    assert np.all(values >= bounds[0])
    assert np.all(values <= bounds[1])
    # Monotone as long as the bound is further away than rounding.
    moves = np.diff(np.asarray(values[20:41, 0]))
    assert np.all(moves * moves[0] > 0)


def test_wide_positive_bounds_are_logarithmic(device):
    wide = jd.Space(device, {"flux": (0.01, 100.0)})
    middle = wide.bounded(jnp.zeros(2))
    assert np.allclose(middle, 1.0, rtol=1e-14)  # geometric mean
    narrow = jd.Space(device, {"flux": (1.0, 9.0)})
    assert np.allclose(narrow.bounded(jnp.zeros(2)), 5.0, rtol=1e-14)  # arithmetic mean
    samples = jax.vmap(wide.sample)(jax.random.split(jax.random.key(0), 400))
    # Half of them lie below the geometric mean: binomial, 5 standard deviations.
    assert abs(int(np.sum(samples[:, 0] < 1.0)) - 200) < 50


PAIRS = {
    "both free": ({"branches.0": (0.1, 1000.0)}, ()),
    "both free, linear": ({"branches.0": (20.0, 100.0)}, ()),
    "first fixed": ({"branches.0.second": (0.1, 1000.0)}, ()),
    "second fixed": ({"branches.0.first": (20.0, 700.0)}, ()),
    "tied": ({"branches.0": (0.1, 1000.0)}, ["branches.0"]),
    "tied across pairs": (
        {"branches.0.first": (0.1, 1000.0), "branches.1.first": (0.1, 1000.0)},
        [("branches.0.first", "branches.1.first")],
    ),
}


@pytest.mark.parametrize("case", PAIRS)
def test_cusp_round_trip(case):
    pair = jd.Squid.from_pairs([(70, 60), (50, 90)], flux=[0.2])
    space = jd.Space(pair, *PAIRS[case])
    for factor in (0.8, 1 - 1e-6, 1 - 1e-12, 1 + 1e-12, 1 + 1e-6, 1.2):
        values = space.values()
        values = values.at[-1].set(70.0 * factor)  # around branches.0.first
        back = space.bounded(space.unbounded(values))
        assert np.all(np.abs(back - values) <= ROUND_TRIP * np.abs(values))


@pytest.mark.parametrize("case", ["both free", "first fixed"])
def test_cusp_coordinate_straightens_the_peak(case):
    """first − second grows as the cube of the distance from balance, the same on both sides."""
    space = jd.Space(jd.SeriesJunctions(70.0, 70.0), _shorten(PAIRS[case][0]))
    balanced = space.unbounded(space.values())
    move = jnp.zeros(len(space.names)).at[-1].set(1.0)

    def log_ratio(step):
        return float(jnp.log(space.bounded(balanced + step * move)[-1] / 70.0))

    for sign in (1, -1):
        small, large = log_ratio(sign * 1e-3), log_ratio(sign * 1e-2)
        assert np.sign(small) == sign
        # The sigmoid around it is linear to the step, 1 %.
        assert abs(large / small - 1e3) < 30


def _shorten(bounds):
    return {name.removeprefix("branches.0.").replace("branches.0", "*"): v
            for name, v in bounds.items()}  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize("case", PAIRS)
def test_jacobian_is_finite_at_balance(case):
    pair = jd.Squid.from_pairs([(70, 70), (70, 90)], flux=[0.2])
    space = jd.Space(pair, *PAIRS[case])
    coordinates = space.unbounded(space.values())
    assert np.all(np.isfinite(coordinates))
    jacobian = jax.jacfwd(space.bounded)(coordinates)
    assert np.all(np.isfinite(jacobian))
    assert np.all(np.isfinite(jax.jacrev(space.bounded)(coordinates)))


def test_bounded_jacobian_is_the_derivative(device):
    space = jd.Space(
        device, {"branches.0": (0.1, 1000.0), "flux.0": (0.0, 1.0), "flux.1": (-INF, INF)}
    )
    z = jnp.array([0.3, -0.7, 0.2, 1.1])
    moves = 1e-6 * np.eye(4)
    numeric = np.stack([(space.bounded(z + m) - space.bounded(z - m)) / 2e-6 for m in moves], 1)
    exact = jax.jacfwd(space.bounded)(z)
    # Central differences: curvature 1e-12, rounding 1e-10 of values up to 1000.
    assert np.allclose(exact, numeric, rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize("case", PAIRS)
def test_sample_stays_inside(case):
    pair = jd.Squid.from_pairs([(70, 60), (50, 90)], flux=[0.2])
    space = jd.Space(pair, *PAIRS[case])
    samples = np.asarray(jax.vmap(space.sample)(jax.random.split(jax.random.key(1), 2000)))
    assert np.all(samples >= space.lower)
    assert np.all(samples <= space.upper)
    assert np.all(np.std(samples, axis=0) > 0.05 * (space.upper - space.lower))
    again = jax.vmap(space.sample)(jax.random.split(jax.random.key(1), 2000))
    assert np.array_equal(samples, again)


def test_value_on_a_bound_is_taken_just_inside(device):
    space = jd.Space(device, {"flux": (0.4, 1.0)})
    coordinates = space.unbounded(jnp.array([0.4, 1.0]))
    assert np.all(np.isfinite(coordinates))
    assert np.allclose(space.bounded(coordinates), [0.4, 1.0], atol=1e-8)


ERRORS = {
    "no bounds": ({}, (), "at least one parameter"),
    "unknown name": ({"branch.0": (0, 1)}, (), "unknown parameter 'branch.0'; did you mean"),
    "unknown end": ({"flux.2": (0, 1)}, (), "unknown parameter 'flux.2'; did you mean 'flux"),
    "too long": ({"flux.0.0": (0, 1)}, (), "unknown parameter"),
    "reversed": ({"flux": (1, 0)}, (), r"'flux' must satisfy lower < upper, got \(1, 0\)"),
    "equal": ({"flux": (0.5, 0.5)}, (), "lower < upper"),
    "NaN": ({"flux": (0.0, np.nan)}, (), "lower < upper"),
    "named twice": ({"flux.0": (0, 1), "flux": (0, 1)}, (), "'flux.0' came twice"),
    "tie of one": ({"flux.0": (0, 1)}, ["flux.0"], "at least two parameters"),
    "tie unknown": ({"flux.0": (0, 1)}, ["fluks"], "unknown parameter 'fluks'"),
    "tie twice": ({"flux": (0, 1)}, ["flux", ("flux.0", "branches.0")], "came twice"),
    "tie without bounds": ({"flux": (0, 1)}, ["branches.0"], "ties need bounds"),
    "tied bounds apart": (
        {"flux.0": (0, 1), "flux.1": (2, 3)}, ["flux"], "do not overlap"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS)
def test_errors(device, case):
    bounds, ties, message = ERRORS[case]
    with pytest.raises(ValueError, match=message):
        jd.Space(device, bounds, ties)


@pytest.mark.parametrize("bounds", [(0.0, INF), (-INF, 1.0), (-INF, INF)])
def test_infinite_bounds_cannot_be_sampled(device, bounds):
    space = jd.Space(device, {"flux.1": bounds})
    with pytest.raises(ValueError, match=r"bounds of 'flux.1' must be finite"):
        space.sample(jax.random.key(0))


def test_double_precision_is_asked_for(device):
    jax.config.update("jax_enable_x64", False)
    try:
        with pytest.raises(ValueError, match="jax_enable_x64"):
            jd.Space(device, {"flux": (0, 1)})
    finally:
        jax.config.update("jax_enable_x64", True)


@pytest.mark.parametrize(
    ("device", "bounds"),
    [
        (jd.TunnelJunction(3.0), {"critical_current": (-1, 5)}),
        (jd.AndreevModes(1.0, 0.5), {"transparency": (0.5, 1.5)}),
        (jd.SeriesJunctions(jd.Gate(jd.GateMap([-1, 0], [0, 5]), -0.5), 3), {"first": (-2, 0)}),
    ],
)
def test_bounds_outside_the_model_are_refused(device, bounds):
    with pytest.raises(ValueError, match="must stay within"):
        jd.Space(device, bounds)


def test_measured_gate_maps_are_no_parameters():
    device = jd.TunnelJunction(jd.Gate(jd.GateMap([-1, 0], [0, 5]), -0.5))
    assert jd.parameter_names(device) == ("critical_current.voltage",)
