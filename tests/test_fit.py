"""The fit verb: measured data, honest error bars, robustness, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxdiode as jd

# ---- A straight line, whose least-squares solution and errors are in every textbook

X = np.linspace(-1.0, 2.0, 30)
LINE = jd.Harmonics([1.0, 0.0], [0.0, 0.0])  # slope, offset, and two numbers without influence


def line(device):
    return device.sine[0] * X + device.sine[1]


def noisy_line(sigma, seed=0):
    return 1.7 * X - 0.4 + sigma * np.random.default_rng(seed).normal(size=X.size)


@pytest.fixture(scope="module")
def space():
    return jd.Space(LINE, {"sine": (-10.0, 10.0)})


def textbook(y):
    design = np.stack([X, np.ones_like(X)], 1)
    values = np.linalg.solve(design.T @ design, design.T @ y)
    return values, np.linalg.inv(design.T @ design), np.sum((design @ values - y) ** 2)


def test_line_with_unknown_noise(space):
    y = noisy_line(0.2)
    found = jd.fit(line, space, y)
    values, inverse, rss = textbook(y)
    assert found.converged
    assert found.at_bound == ()
    assert found.degrees_of_freedom == 28
    assert np.allclose(found.values, values, atol=1e-9)
    assert np.allclose(found.covariance, inverse * rss / 28, rtol=1e-9)
    assert np.allclose(found.errors**2, np.diag(found.covariance))
    assert np.allclose(found.sigma, np.sqrt(rss / 28))
    assert found.rms == pytest.approx(np.sqrt(rss / 30))
    assert found.chi_squared == pytest.approx(1.0)  # by construction
    assert np.allclose(found.residuals, line(found.device) - y)
    half = stats.t.ppf(0.975, 28) * found.errors
    assert np.allclose(found.interval(0.95), np.stack([values - half, values + half], 1))
    assert found.parameters["sine.0"] == pytest.approx((values[0], found.errors[0]))
    assert "sine.1" in found.summary()
    assert "NOT" not in found.summary()


def test_line_with_known_noise(space):
    y = noisy_line(0.2)
    values, inverse, rss = textbook(y)
    found = jd.fit(line, space, y, sigma=0.2)
    assert np.allclose(found.values, values, atol=1e-9)
    assert np.allclose(found.covariance, 0.04 * inverse, rtol=1e-9)
    assert found.chi_squared == pytest.approx(rss / 0.04 / 28)
    half = stats.norm.ppf(0.84) * found.errors
    assert np.allclose(found.interval(), np.stack([values - half, values + half], 1))
    double = jd.fit(line, space, y, sigma=0.4)
    assert np.allclose(double.values, found.values, atol=1e-9)
    assert np.allclose(double.errors, 2 * found.errors)
    assert double.chi_squared == pytest.approx(found.chi_squared / 4)


def test_sigma_per_point(space):
    y, sigma = noisy_line(0.2), np.linspace(0.1, 0.5, X.size)
    found = jd.fit(line, space, y, sigma=sigma)
    design = np.stack([X, np.ones_like(X)], 1) / sigma[:, None]
    assert np.allclose(found.values, np.linalg.lstsq(design, y / sigma)[0], atol=1e-9)
    assert np.allclose(found.covariance, np.linalg.inv(design.T @ design), rtol=1e-9)


@pytest.mark.thorough
def test_chi_squared_is_about_one(space):
    values = [
        jd.fit(line, space, noisy_line(0.2, seed), sigma=0.2).chi_squared for seed in range(40)
    ]
    # Mean of 40 × 28 squared normal deviates: 1 ± √(2/1120), 4 standard deviations.
    assert abs(np.mean(values) - 1) < 4 * np.sqrt(2 / 1120)


def test_at_bound():
    space = jd.Space(LINE, {"sine.0": (0.0, 1.5), "sine.1": (-10.0, 10.0)})
    found = jd.fit(line, space, noisy_line(0.01), sigma=0.01)
    assert found.at_bound == ("sine.0",)
    assert found.parameters["sine.0"][0] == pytest.approx(1.5, abs=1e-5)
    assert found.summary().count("at its bound") == 1


def test_one_sided_bound_is_reported_too():
    space = jd.Space(LINE, {"sine.0": (2.0, np.inf), "sine.1": (-10.0, 10.0)})
    start = jd.Space(
        space.insert(jnp.array([3.0, 0.0])), {"sine.0": (2.0, np.inf), "sine.1": (-9, 9)}
    )
    found = jd.fit(line, start, noisy_line(0.01), sigma=0.01)
    assert found.parameters["sine.0"][0] == pytest.approx(2.0, abs=1e-5)
    assert found.at_bound == ("sine.0",)


@pytest.mark.parametrize("sigma", [None, 0.1])
def test_a_parameter_without_influence_has_no_error(sigma):
    space = jd.Space(LINE, {"sine": (-10.0, 10.0), "cosine.0": (-10.0, 10.0)})
    found = jd.fit(line, space, noisy_line(0.1), sigma=sigma)
    assert np.isnan(found.errors[2])
    assert found.values[0] == pytest.approx(1.7, abs=0.2)


def test_two_parameters_in_one_have_no_error():
    """Only their sum matters: the data cannot tell them apart."""

    def model(device):
        return (device.sine[0] + device.sine[1]) * X

    space = jd.Space(LINE, {"sine": (-10.0, 10.0)})
    found = jd.fit(model, space, noisy_line(0.1) + 0.4, sigma=0.1)
    assert np.all(np.isnan(found.errors))
    assert np.sum(found.values) == pytest.approx(1.7, abs=0.1)


@pytest.mark.thorough
def test_more_starts_find_the_deeper_minimum():
    def model(device):  # many local minima in the frequency
        return jnp.sin(device.sine[0] * jnp.asarray(X))

    space = jd.Space(jd.Harmonics([1.0]), {"sine.0": (0.5, 30.0)})
    data = np.sin(11.3 * X)
    one = jd.fit(model, space, data, sigma=0.1, starts=1)
    assert one.chi_squared > 10
    usual = jd.fit(model, space, data, sigma=0.1)
    assert usual.values[0] == pytest.approx(11.3, abs=1e-6)
    assert usual.starts == 4
    assert "of 4 starts came to this minimum" in usual.summary()
    many = jd.fit(model, space, data, sigma=0.1, starts=60, key=jax.random.key(0))
    assert many.values[0] == pytest.approx(11.3, abs=1e-6)
    again = jd.fit(model, space, data, sigma=0.1, starts=60, key=jax.random.key(0))
    assert np.array_equal(again.values, many.values)


@pytest.mark.parametrize("loss", ["soft_l1", "cauchy"])
def test_robust_losses_agree_with_least_squares_on_clean_data(space, loss):
    y = noisy_line(0.1)
    clean, robust = jd.fit(line, space, y), jd.fit(line, space, y, loss=loss)
    assert np.all(np.abs(robust.values - clean.values) < clean.errors)
    # Their efficiency under normal noise is at least 60 %.
    assert np.all(robust.errors < 1.5 * clean.errors)
    assert np.all(robust.errors > 0.6 * clean.errors)


NAN = np.where(np.arange(X.size) == 3, np.nan, 0.0)
REFUSED = {
    "NaN": (dict(data=NAN), "data must be finite, got 1 NaN"),
    "shape": (dict(data=X[:-1]), "data must look like the prediction"),
    "structure": (dict(data=(X, X)), "data must look like the prediction"),
    "sigma zero": (dict(sigma=0.0), "sigma must be positive, got 0"),
    "sigma negative": (dict(sigma=-1.0 * np.ones_like(X)), "sigma must be positive, got -1"),
    "sigma NaN": (dict(sigma=np.nan), "sigma must be positive"),
    "sigma shape": (dict(sigma=np.ones(3)), "sigma must be one number or have the structure"),
    "no key": (dict(starts=2), "key must be given when starts > 1"),
    "starts": (dict(starts=0), "starts must be a whole number, at least 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_errors(space, case):
    arguments, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        jd.fit(line, space, **({"data": noisy_line(0.1)} | arguments))


def test_more_errors(space):
    with pytest.raises(ValueError, match=r"more points than parameters, got 2 points for 2"):
        jd.fit(lambda d: d.sine[:2], space, np.ones(2))
    outside = jd.Space(LINE, {"sine.0": (2.0, 10.0), "sine.1": (-10.0, 10.0)})
    with pytest.raises(ValueError, match=r"'sine.0' must start inside its bounds, got 1 outside"):
        jd.fit(line, outside, noisy_line(0.1))
    with pytest.raises(ValueError, match="model is NaN or infinite at the start"):
        jd.fit(lambda d: d.sine[0] * jnp.log(-jnp.ones(5)), space, np.ones(5))
    endless = jd.Space(LINE, {"sine.0": (0.0, np.inf)})
    with pytest.raises(ValueError, match="finite to draw starts"):
        jd.fit(line, endless, noisy_line(0.1), starts=2, key=jax.random.key(0))
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        jd.fit(line, space, noisy_line(0.1)).interval(1.0)


# ---- A simulated two-branch SQUID

COIL = jnp.linspace(-0.55, 0.65, 40)
TRUE = jd.CoilBiasedSquid(
    jd.Squid.from_pairs([(120, 60), (90, 35)], flux=[0.0]), turns=[1.1], offset=0.07
)
BOUNDS = {
    "squid.branches.*.first": (40.0, 300.0),
    "squid.branches.*.second": (10.0, 85.0),
    "turns": (0.9, 1.3),
    "offset": (-0.3, 0.3),
}


@jax.jit  # so that 400 fits trace it once
def switching(device):
    critical = device.switching_currents(COIL)
    return jnp.stack([critical.plus, critical.minus])


@pytest.fixture(scope="module")
def clean():
    return np.asarray(switching(TRUE))


@pytest.mark.thorough
def test_a_balanced_start_is_no_trap(clean):
    """I± is not smooth where first = second, and the gradient there is one-sided."""
    balanced = jd.CoilBiasedSquid(
        jd.Squid.from_pairs([(60, 60), (50, 50)], flux=[0.0]), turns=[1.12], offset=0.05
    )
    found = jd.fit(switching, jd.Space(balanced, BOUNDS), clean, sigma=0.1)
    assert found.converged
    assert found.rms < 1e-4
    pairs = [sorted((float(b.first), float(b.second))) for b in found.device.squid.branches]
    assert np.allclose(pairs, [[60, 120], [35, 90]], rtol=1e-4)


@pytest.mark.slow
def test_coverage(clean):
    """200 simulated measurements: 68 % intervals hold the truth in 60 to 76 % of them.

    Noise 0.3 on currents of 35 to 95: errors of the pairs are a few per cent of their imbalance
    and those of the flux axis 1e-3, so the model is linear over an error bar. (Within an error
    bar of balance, where I± has a cusp, linearised errors do not hold.) Binomial: 68 ± 3.3 %
    for one parameter.
    """
    space = jd.Space(TRUE, BOUNDS)
    truth = np.asarray(space.values())
    rng = np.random.default_rng(12345)
    held = {"known": [], "estimated": []}
    for _ in range(200):
        data = clean + 0.3 * rng.normal(size=clean.shape)
        for name, sigma in (("known", 0.3), ("estimated", None)):
            found = jd.fit(switching, space, data, sigma)
            low, high = found.interval(0.68).T
            held[name].append((low <= truth) & (truth <= high))
    for name, inside in held.items():
        each = np.mean(inside, axis=0)
        print(f"\ncoverage, sigma {name}: {np.mean(inside):.3f}, each {np.round(each, 3)}")
        assert 0.60 <= np.mean(inside) <= 0.76
        assert np.all((each >= 0.60) & (each <= 0.76))


# ---- Measured: the graphene double SQUID of shared/data/README.md (Messelot et al., PRL 133)


class GrapheneSquid(jd.AbstractDevice):
    """Three junctions, T₃ = 0.7; the large third one drives flux into the second loop."""

    critical: jax.Array
    transparency: jax.Array
    turns: jax.Array
    inductance: jax.Array
    offset: jax.Array

    def squid(self, field, sign):
        current, tau = self.critical, jnp.append(self.transparency, 0.7)
        branches = [jd.AndreevModes(2 * current[k] / tau[k], tau[k]) for k in (2, 1, 0)]
        second = field * self.turns[1] + sign * self.inductance * current[2]
        return jd.Squid(branches, -jnp.stack([second, field * self.turns[0]]))


# The fit of shared/data/README.md by independent code: value, standard error.
PUBLISHED = {
    "critical.0": (284.5, 3.8),
    "critical.1": (319.6, 3.4),
    "critical.2": (1111.2, 1.1),
    "transparency.0": (0.587, 0.019),
    "transparency.1": (0.653, 0.014),
    "turns.0": (0.009782, 0.000017),
    "turns.1": (0.19633, 0.00007),
    "inductance": (2.91e-5, 0.08e-5),
    "offset": (-0.581, 0.018),
}


class Graphene:
    def __init__(self, table):
        table = table[(table[:, 0] >= 0.003 - 1e-9) & (table[:, 0] <= 0.009 + 1e-9)]
        self.data = np.stack([table[:, 2], -table[:, 1]])
        field = jnp.asarray(8700 * table[:, 0])

        def model(device):
            def one(x):
                up, down = (jd.critical_currents(device.squid(x, sign)) for sign in (1.0, -1.0))
                return jnp.stack([up.plus, down.minus])

            return jax.vmap(one, out_axes=1)(field - device.offset)

        model = jax.jit(model)
        start = GrapheneSquid(
            *map(jnp.array, ([300.0, 300.0, 1100.0], [0.5, 0.5], [0.0098, 0.196], 3e-5, -0.5))
        )
        bounds = {
            "critical": (50.0, 2000.0),
            "transparency": (0.0, 1.0),
            "turns.0": (0.0095, 0.0101),
            "turns.1": (0.19, 0.20),
            "inductance": (0.0, 1e-4),
            "offset": (-3.0, 3.0),
        }
        self.model, self.space = model, jd.Space(start, bounds)
        self.clean = self.fit(self.data)

    def fit(self, data, **options):
        return jd.fit(self.model, self.space, data, **options)


@pytest.fixture(scope="module")
def graphene(shared):
    path = shared / "data/graphene_double_squid/CPR_id12-13-11-14.csv"
    return Graphene(np.loadtxt(path, skiprows=1))


@pytest.mark.thorough
def test_graphene(graphene):
    found = graphene.clean
    print(f"\n{found.summary()}")
    assert found.residuals.size == 342
    assert found.converged
    assert found.at_bound == ()
    assert found.rms <= 24.5
    assert np.sqrt(np.sum(found.residuals**2) / 333) <= 24.5
    for name, (value, error) in PUBLISHED.items():
        fitted, fitted_error = found.parameters[name]
        assert abs(fitted - value) <= error, name
        assert abs(fitted_error / error - 1) <= 0.15, name


@pytest.fixture(scope="module")
def spoilt(graphene):
    """5 % of the points thrown off by 400 to 800 nA, either way."""
    rng = np.random.default_rng(1)
    data = graphene.data.ravel().copy()
    where = rng.choice(data.size, 17, replace=False)
    data[where] += rng.choice([-1, 1], 17) * rng.uniform(400, 800, 17)
    return data.reshape(2, -1)


def off_by(graphene, found):
    return np.abs(found.values - graphene.clean.values) / graphene.clean.errors


@pytest.mark.thorough
@pytest.mark.parametrize("loss", ["soft_l1", "cauchy"])
def test_robust_losses_withstand_outliers(graphene, spoilt, loss):
    found = graphene.fit(spoilt, loss=loss)
    assert found.converged
    assert np.all(off_by(graphene, found) < 3), dict(
        zip(found.names, off_by(graphene, found), strict=True)
    )
    assert np.all(np.isfinite(found.errors))


@pytest.mark.thorough
def test_least_squares_does_not(graphene, spoilt):
    assert np.max(off_by(graphene, graphene.fit(spoilt))) > 3
