"""Fits of awkward inputs: invalid starts and points, idle parameters, lists as data, refits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import jaxdiode as jd
from jaxdiode.studies.fit import prediction

X = np.linspace(-1.0, 2.0, 30)
LINE = jd.Harmonics([1.0, 0.0], [0.0, 0.0])


def line(device, x):
    return device.sine[0] * x + device.sine[1]


def straight(sigma=0.1, seed=0):
    return 1.7 * X - 0.4 + sigma * np.random.default_rng(seed).normal(size=X.size)


# ---- Starts and steps where the model is NaN


def loops(squid, flux):
    """Extrema of I(φ) of a loop with inductance: none (NaN) beyond 2πLI_c = 1, multivalued."""

    def at(x):
        loop = jd.Squid(squid.branches, x[None], inductance=squid.inductance)
        return jd.AbstractPhaseBiased.critical_currents(loop)

    return jax.vmap(at)(flux)


@pytest.mark.slow
def test_an_invalid_random_start_is_left_out():
    """Junctions of 1 and 0.7, inductances 0 to 0.4: SciPy refused the first NaN of six starts."""
    flux = np.linspace(0.05, 0.95, 12)
    branches = [jd.TunnelJunction(1.0), jd.TunnelJunction(0.7)]
    truth = jd.Squid(branches, [0.0], inductance=[0.14, 0.0])
    found = loops(truth, jnp.asarray(flux))
    space = jd.Space(
        jd.Squid(branches, [0.0], inductance=[0.05, 0.0]), {"inductance.0": (0.0, 0.4)}
    )
    fitted = jd.fit(
        loops, space, found, arguments=[flux], starts=6, key=0, along=flux, progress=False
    )
    assert fitted.values[0] == pytest.approx(0.14, rel=1e-8)
    assert fitted.starts == 6
    assert 1 <= fitted.invalid_starts <= 5
    assert f"{fitted.invalid_starts} of 6 starts left out" in fitted.summary()
    nowhere = jd.Space(
        jd.Squid(branches, [0.0], inductance=[0.3, 0.0]), {"inductance.0": (0.25, 0.4)}
    )
    message = r"at all 3 starts; at the first, at 24 of 24 points: plus\[0\].*multivalued"
    with pytest.raises(ValueError, match=message):
        jd.fit(loops, nowhere, found, arguments=[flux], starts=3, key=0)


def edged(device, x, edge):
    return jnp.where(device.sine[0] > edge, jnp.nan, line(device, x))


@pytest.mark.thorough
@settings(max_examples=20)
@given(edge=st.floats(1.75, 6.0), start=st.floats(-4.0, 1.7), starts=st.integers(1, 5))
def test_any_edge_is_survived(edge, start, starts):
    """A model that is NaN beyond an edge: random starts there count, steps there are taken back."""

    space = jd.Space(jd.Harmonics([start, 0.0]), {"sine.0": (-5.0, 50.0), "sine.1": (-5.0, 5.0)})
    found = jd.fit(
        edged, space, straight(0.001), arguments=[X, edge * np.ones(())], starts=starts, key=1
    )
    assert found.converged
    assert found.values[0] == pytest.approx(1.7, abs=1e-2)
    assert found.starts == starts


def test_a_stop_at_the_edge_is_said():
    def model(device, x):
        return jnp.where(device.sine[0] > 1.5, jnp.nan, line(device, x))

    space = jd.Space(LINE, {"sine": (-5.0, 5.0)})
    found = jd.fit(model, space, straight(), arguments=[X])
    assert not found.converged
    assert found.values[0] == pytest.approx(1.5, abs=1e-3)
    assert "NaN or infinite a step further" in found.summary()


@pytest.mark.thorough
def test_a_failing_start_names_points_and_status():
    branches = [jd.TunnelJunction(1.0), jd.TunnelJunction(0.7)]
    squid = jd.Squid(branches, [0.0], inductance=[0.3, 0.0])
    space = jd.Space(squid, {"inductance.0": (0.25, 0.4)})
    with pytest.raises(ValueError, match=r"24 of 24 points: plus\[0\].*status: .*multivalued"):
        jd.fit(loops, space, (np.ones(12), np.ones(12)), arguments=[np.linspace(0, 1, 12)])
    bad = X.copy()
    bad[[3, 7]] = np.nan
    with pytest.raises(ValueError, match=r"at 2 of 30 points: data\[3\], data\[7\]; check"):
        jd.fit(line, jd.Space(LINE, {"sine": (-5.0, 5.0)}), X, arguments=[bad])


def test_points_without_a_slope_are_named():
    """|x| at 0 through a square root: the value is right, its slope NaN."""

    def model(device, x):
        return jnp.stack([line(device, x), device.sine[0] * jnp.sqrt((x - x[4]) ** 2)])

    def kinked(device, x):
        return model(device, x).at[1, 4].set(jnp.sqrt((device.sine[0] * 0.0) ** 2))

    space = jd.Space(LINE, {"sine": (-5.0, 5.0)})
    data = np.stack([straight(), 1.7 * np.abs(X - X[4])])
    found = jd.fit(kinked, space, data, arguments=[X])
    assert found.converged
    assert found.no_slope == ("data[1][4]",)
    assert np.all(np.isfinite(found.errors))
    assert "1 points have no slope there and enter no error: data[1][4]" in found.summary()


# ---- Parameters the data do not see


def parabola(device, x, which):
    values = jnp.concatenate([device.sine, device.cosine])[which]
    return values[0] + values[1] * x + values[2] * x**2


@settings(max_examples=20)
@given(idle=st.integers(0, 3), unit=st.floats(-9, 9), known=st.booleans())
def test_an_idle_parameter_costs_the_others_nothing(idle, unit, known):
    """Of four numbers one has no influence: it is named, the errors are those without it."""
    size = 10.0**unit
    order = [k for k in range(4) if k != idle]

    device = jd.Harmonics(size * np.array([0.5, 0.4]), size * np.array([0.3, 0.2]))
    space = jd.Space(device, {"*": (-np.inf, np.inf)})
    data = size * (straight() + X**2)
    sigma = 0.1 * size if known else None
    found = jd.fit(parabola, space, data, sigma, arguments=[X, np.array(order)])
    design = np.stack([np.ones_like(X), X, X**2], 1)
    values, rss, *_ = np.linalg.lstsq(design, data)
    noise = sigma or np.sqrt(float(rss[0]) / (30 - 4))
    expected = noise * np.sqrt(np.diag(np.linalg.inv(design.T @ design)))
    assert np.allclose(found.values[order], values, rtol=1e-7, atol=1e-7 * size)
    assert np.allclose(found.errors[order], expected, rtol=1e-7)
    assert np.isfinite(found.robust_errors[order]).all()
    assert np.isnan(found.errors[idle])
    assert found.unseen == found.unmoved == (found.names[idle],)
    assert f"the data do not see {found.names[idle]}" in found.summary()


def test_indistinguishable_parameters_are_named():
    def model(device, x):
        sine = device.sine
        return (sine[0] + 2 * sine[1]) * x + device.cosine[0]

    space = jd.Space(LINE, {"sine": (-10.0, 10.0), "cosine.0": (-10.0, 10.0)})
    found = jd.fit(model, space, straight(), sigma=0.1, arguments=[X])
    assert np.array_equal(np.isnan(found.errors), [True, True, False])
    design = np.stack([X, np.ones_like(X)], 1)
    assert found.errors[2] == pytest.approx(
        0.1 * np.sqrt(np.linalg.inv(design.T @ design)[1, 1]), rel=1e-9
    )
    (combination,) = found.indistinct
    assert combination == "a common change of +1 in sine.0, -0.5 in sine.1"
    assert combination in found.summary()


# ---- Reading data and results


def two(device, x):
    return line(device, x), -line(device, x)


@pytest.mark.parametrize("kind", [list, tuple, np.asarray, lambda x: [y.tolist() for y in x]])
def test_lists_are_data(kind):
    y = straight()
    space = jd.Space(LINE, {"sine": (-5.0, 5.0)})
    found = jd.fit(two, space, kind([y, -y]), arguments=[X])
    expected = np.polyfit(X, y, 1)
    assert np.allclose(found.values, expected, rtol=1e-8)
    stacked = jd.fit(lambda d, x: jnp.stack(two(d, x)), space, kind([y, -y]), arguments=[X])
    assert np.allclose(stacked.values, expected, rtol=1e-8)


UNREADABLE = {
    "one row": (X, r"data must look like the prediction, 2 parts of shapes \(30,\), \(30,\), got"),
    "short": ([X[:-1], X], r"data\[0\] must look like the prediction.*\(30,\), got an array of sh"),
    "ragged": ([[1.0, [2.0]], X], r"data\[0\] must be an array of numbers of shape \(30,\)"),
    "text": (["a", "b"], r"data\[0\] must be an array of numbers"),
    "dict": ({"plus": X}, "data must look like the prediction, 2 parts.*got a dict of plus"),
    "nothing": (None, "data must look like the prediction"),
    "nan": ([X, np.where(X > 1.9, np.nan, X)], r"got 1 NaN or infinite values \(data\[1\]\[29\]\)"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNREADABLE)
def test_unreadable_data(case):
    data, message = UNREADABLE[case]
    with pytest.raises(ValueError, match=message) as raised:
        jd.fit(two, jd.Space(LINE, {"sine": (-5.0, 5.0)}), data, arguments=[X])
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("data", [(np.zeros(0), np.zeros(0)), (), [], np.zeros((2, 0))])
def test_no_data(data):
    squid = jd.Squid([jd.TunnelJunction(1.0), jd.TunnelJunction(0.7)], [0.0])
    space = jd.Space(jd.CoilBiasedSquid(squid, [1.0]), {"turns": (0.5, 2.0)})
    model = jd.CoilBiasedSquid.switching_currents
    given = dict(arguments=[np.zeros(0)], along=np.zeros(0), progress=False)
    with pytest.raises(ValueError, match="data must hold points, got a"):
        jd.fit(model, space, data, **given)
    pytest.importorskip("blackjax")
    with pytest.raises(ValueError, match="data must hold points, got a"):
        jd.sample_posterior(model, space, data, key=0, **given)


def test_intervals_by_name_and_level():
    found = jd.fit(line, jd.Space(LINE, {"sine": (-5.0, 5.0)}), straight(), arguments=[X])
    both = found.interval()
    assert np.array_equal(found.interval("sine.1"), both[1])
    assert np.array_equal(found.interval(0.95), found.interval(level=0.95))
    half = stats.t.ppf(0.975, 28) * found.errors[0]
    assert np.allclose(found.interval("sine.0", 0.95) - found.values[0], [-half, half])
    robust = found.interval("sine.0", robust=True) - found.values[0]
    assert robust[1] == pytest.approx(stats.t.ppf(0.84, 28) * found.robust_errors[0])
    with pytest.raises(ValueError, match=r"unknown parameter 'sine'; did you mean 'sine\.\d'"):
        found.interval("sine")
    for level in (0, 1.0, -0.5):
        with pytest.raises(ValueError, match="level must lie between 0 and 1"):
            found.interval("sine.0", level)


# ---- A model is compiled once


def test_arguments_are_not_traced_again():
    traces = []

    def model(device, x):
        traces.append(1)
        return line(device, x)

    space = jd.Space(LINE, {"sine": (-5.0, 5.0)})
    for shift in (0.0, 0.3, 0.7):
        found = jd.fit(model, space, straight() + shift, arguments=[X + shift])
        assert np.allclose(found.values, np.polyfit(X + shift, straight() + shift, 1), rtol=1e-7)
    assert len(traces) == 1


@pytest.mark.thorough
def test_a_new_closure_is_not_compiled_again():
    """Not even with other constants, and what an inner jit closes over is never mistaken."""
    space = jd.Space(LINE, {"sine": (-5.0, 5.0)})

    def fitted(x, inner):
        @jax.jit
        def slope(value):
            return value * jnp.asarray(inner)

        return jd.fit(lambda d: slope(line(d, jnp.asarray(x))), space, straight())

    for x, inner in ((X, 1.0), (X, 1.0), (X + 0.3, 1.0)):
        found = fitted(x, inner)
        known = set(prediction._by_program)
        assert np.allclose(found.values, np.polyfit(x, straight(), 1), rtol=1e-7)
    fitted(X, 1.0)
    assert set(prediction._by_program) == known
    for inner in (2.0, 4.0 + 0 * X, 1.0 + np.arange(30) % 2):
        values = fitted(X, inner).values
        design = np.stack([X, np.ones_like(X)], 1) * np.broadcast_to(inner, X.shape)[:, None]
        assert np.allclose(values, np.linalg.lstsq(design, straight())[0], rtol=1e-7)
