"""Devices in experiments: axes that drive parameters, observables, saved and used by every verb."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.core.paths import parameter_values
from jaxdiode.experiment import (
    Axis,
    DensityOfStates,
    Experiment,
    ObservedCurrents,
    ShapiroEdges,
    SwitchingHistogram,
    VoltageCurve,
)
from jaxdiode.experiment.experiment import axis_of_path
from jaxdiode.experiment.search import is_bias_offset

FIELD = np.linspace(-1.2, 1.3, 13)


def squid():
    return jd.Squid([jd.TunnelJunction(90), jd.AndreevModes(80, [0.9])], flux=[0])


@pytest.mark.thorough
def test_a_coil_is_that_of_a_coil_biased_squid():
    coil = jd.CoilBiasedSquid(squid(), [0.7], offset=0.1, current_offset=3.0)
    setup = Experiment(squid(), {"B": Axis("flux", 0.7, offset=0.1)}, ObservedCurrents(3.0))
    one, other = coil.switching_currents(FIELD), setup.switching_currents(FIELD)
    np.testing.assert_allclose(other.plus, one.plus, rtol=1e-13)
    np.testing.assert_allclose(other.minus, one.minus, rtol=1e-13)
    assert np.array_equal(setup.predict({"B": FIELD}).plus, other.plus)


@pytest.mark.thorough
def test_two_axes_drive_parameters_of_their_own():
    axes = {"B": Axis("flux", 2.0, offset=0.3), "T": Axis("reduced_temperature", 1 / 1.2)}
    setup = Experiment(squid(), axes)
    found = setup.predict({"B": [0.35, 0.4], "T": [0.0, 0.6]})
    for k, (b, t) in enumerate([(0.35, 0.0), (0.4, 0.6)]):
        device = jd.replace(squid(), {"flux": 2 * (b - 0.3)}).at_reduced_temperature(t / 1.2)
        assert float(found.plus[k]) == pytest.approx(float(jd.critical_currents(device).plus))


@pytest.mark.slow
def test_it_is_operated_at_the_values_of_its_axes():
    setup = Experiment(squid(), {"B": Axis("flux", 2.0, value=0.12)})
    at = jd.critical_currents(jd.replace(squid(), {"flux": 0.24}))
    assert float(jd.critical_currents(setup).plus) == pytest.approx(float(at.plus))
    space = jd.Space(setup, {"axes.B.value": (0.0, 0.5)})
    found = jd.maximise(
        jd.diode_efficiency, space, key=0, starts=8, steps=60, polish=40, progress=False
    )
    direct = jd.Space(squid(), {"flux": (0.0, 1.0)})
    known = jd.maximise(
        jd.diode_efficiency, direct, key=0, starts=8, steps=60, polish=40, progress=False
    )
    assert found.value == pytest.approx(known.value, abs=1e-6)
    swept = jd.sweep(jd.diode_efficiency, setup, {"axes.B.value": np.linspace(0, 0.5, 5)})
    assert all(np.isfinite(swept[name]).all() for name in swept.data_vars)


SQUID_IN_A_COIL = jd.CoilBiasedSquid(
    jd.Squid([jd.TunnelJunction(90), jd.TunnelJunction(80)], flux=[0.3]), [65.0]
)


@pytest.mark.parametrize(
    ("setup", "driven"),
    [
        (SQUID_IN_A_COIL, "squid.flux"),
        (Experiment(SQUID_IN_A_COIL.squid, {"coil": Axis("flux", 65.0)}), "device.flux"),
        (Experiment(SQUID_IN_A_COIL, {"B": Axis("coil_current")}), "device.coil_current"),
        (Experiment(SQUID_IN_A_COIL, {"B": Axis("coil_current")}), "device.squid.flux.0"),
    ],
)
def test_no_verb_varies_what_the_device_sets_itself(setup, driven):
    for verb in (
        lambda: jd.Space(setup, {driven: (0, 1)}),
        lambda: jd.replace(setup, {driven: 0.2}),
        lambda: jd.Spread({driven: 0.01}).place(setup),
        lambda: jd.sweep(jd.diode_efficiency, setup, {driven: [0.1, 0.2]}),
        lambda: jd.margins(
            setup, jd.tolerance.Specification({"efficiency": (0, 1)}), names=[driven]
        ),
    ):
        with pytest.raises(ValueError, match=f"parameter '{driven}' is set by the device around"):
            verb()
    names = jd.parameter_names(setup)
    assert names
    assert not any(name.startswith(driven) for name in names)
    assert jd.Space(setup, {names[0]: (1, 200)}).names == (names[0],)


@pytest.mark.thorough
def test_what_is_driven_out_of_its_range_is_no_number():
    modes = jd.AndreevModes(80, [0.9])
    setup = Experiment(modes, {"g": Axis("transparency", 1.0)})
    found = setup.predict({"g": [0.5, 1.2]})
    assert np.isfinite(found.plus[0])
    assert np.isnan(found.plus[1])
    assert int(found.status[1]) == jd.Status.NONFINITE


@pytest.mark.thorough
def test_temperatures_below_zero_are_none():
    found = Experiment(squid(), {"T": Axis("reduced_temperature")}).predict({"T": [-0.1, 0.0]})
    assert np.isnan(found.plus[0])
    assert np.isfinite(found.plus[1])


@pytest.mark.thorough
def test_robust_errors_of_steps_along_an_axis():
    """The scanned axis is the last one, along which residuals are neighbours."""
    power = np.linspace(0.4, 1.6, 8)
    driven = jd.Shunted(jd.TunnelJunction(1.0), drive=jd.Drive(0.6, 1.0))
    setup = Experiment(driven, {"power": Axis("drive.amplitude", 1.1)}, ShapiroEdges([0]))
    lower, upper = setup.predict({"power": power})
    assert lower.shape == upper.shape == (1, 8)
    random = np.random.default_rng(0)
    data = tuple(np.asarray(x) + random.normal(0, 0.01, x.shape) for x in (lower, upper))
    space = jd.Space(setup, {"device.device.critical_current": (0.5, 2.0)})
    found = jd.fit(
        Experiment.predict, space, data, arguments=[{"power": power}], along=power, starts=1,
        progress=False,
    )  # fmt: skip
    assert found.robust_errors[0] > 0.2 * found.errors[0]


def test_tied_parameters_have_one_prior():
    device = jd.Squid([jd.TunnelJunction(90), jd.TunnelJunction(90)], flux=[0.1])
    space = jd.Space(device, {"branches": (10, 400)}, ties=["branches"])
    known = jd.inverse.Normal(90, 5)
    one, both = (
        jd.fit(
            jd.critical_currents, space, (170.0, 170.0), sigma=20.0, prior={name: known},
            starts=1, progress=False,
        )
        for name in ("branches.0", "branches")
    )  # fmt: skip
    assert both.errors == pytest.approx(one.errors, rel=1e-9)


@pytest.mark.thorough
def test_a_robust_loss_prefers_what_is_exact():
    x = np.linspace(0, 3, 40)
    space = jd.Space(jd.Harmonics([1.0]), {"sine.0": (0.5, 30.0)})
    found = jd.fit(
        lambda device: jnp.sin(device.sine[0] * x), space, np.sin(11.3 * x), loss="soft_l1",
        starts=40, key=0, progress=False,
    )  # fmt: skip
    assert found.values[0] == pytest.approx(11.3, abs=1e-6)


@pytest.mark.parametrize("suffix", [".json", ".toml"])
def test_it_is_saved_and_comes_back(tmp_path, suffix):
    edges = np.linspace(60, 95, 8)
    observables = [
        ObservedCurrents(2.5),
        VoltageCurve([1.0, 2.0], noise=0.1, resistance=3.0, lead_resistance=0.2),
        SwitchingHistogram(edges, noise=2.0, rate=1e-3, ramps=50, damping=0.4),
        ShapiroEdges([1, (1, 2)], current_offset=0.2),
        DensityOfStates([0.1, 0.5], broadening=0.02, layer="left"),
    ]
    for observable in observables:
        setup = Experiment(squid(), {"B": Axis("flux", 0.7, value=0.3)}, observable)
        jd.save(tmp_path / f"setup{suffix}", setup)
        back = jd.load(tmp_path / f"setup{suffix}")
        assert jax.tree.structure(back) == jax.tree.structure(setup)
        for one, other in zip(jax.tree.leaves(back), jax.tree.leaves(setup), strict=True):
            assert np.array_equal(one, other)


@pytest.mark.thorough
@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_units_of_currents_do_not_matter(unit):
    def setup(first, offset):
        device = jd.Squid([jd.TunnelJunction(first), jd.TunnelJunction(60 * unit)], flux=[0])
        return Experiment(device, {"B": Axis("flux", 1.0)}, ObservedCurrents(offset))

    data = setup(90 * unit, 4 * unit).switching_currents(FIELD)
    bounds = {"device.branches.0": (40 * unit, 200 * unit)}
    bounds["observable.current_offset"] = (-20 * unit, 20 * unit)
    space = jd.Space(setup(70 * unit, 0.0), bounds)
    found = jd.fit(
        Experiment.predict, space, data, arguments=[{"B": FIELD}], along=FIELD, starts=1,
        progress=False,
    )  # fmt: skip
    np.testing.assert_allclose(found.values / unit, [90, 4], rtol=1e-8)


@pytest.mark.thorough
def test_a_forgotten_offset_of_the_bias_is_named():
    true = jd.CoilBiasedSquid(squid(), [0.7], current_offset=5.0)
    x = np.linspace(-2, 2, 101)
    exact = true.switching_currents(x)
    random = np.random.default_rng(1)
    data = [np.asarray(y) + random.normal(0, 1, x.size) for y in (exact.plus, exact.minus)]
    start = jd.CoilBiasedSquid(squid(), [0.7])
    bounds = {"squid.branches": (0, 1e3), "turns": (0.6, 0.8), "offset": (-0.2, 0.2)}
    bounds = {"squid.branches.0": (10, 300), "squid.branches.1.amplitude": (10, 300)} | {
        name: bounds[name] for name in ("turns", "offset")
    }
    model = jd.CoilBiasedSquid.switching_currents
    options = {"arguments": [x], "along": x, "starts": 1, "progress": False}
    found = jd.fit(model, jd.Space(start, bounds), data, 1.0, **options)
    (warning,) = (text for text in found.warnings if "average to zero" in text)
    assert "current_offset" in warning
    assert found.means["minus"][0] - found.means["plus"][0] == pytest.approx(10, abs=1)
    free = jd.Space(start, bounds | {"current_offset": (-50, 50)})
    better = jd.fit(model, free, data, 1.0, **options)
    assert better.parameters["current_offset"][0] == pytest.approx(5, abs=0.5)
    assert not [text for text in better.warnings if "average to zero" in text]


ERRORS = {
    "no such parameter": (lambda: Experiment(squid(), {"B": Axis("flvx")}), "unknown parameter"),
    "driven twice": (
        lambda: Experiment(squid(), {"B": Axis("flux"), "C": Axis("flux.0")}),
        "must drive each parameter once, 'flux.0' follows 'B' and 'C'",
    ),
    "scales": (
        lambda: Experiment(squid(), {"B": Axis("flux", [1.0, 2.0])}),
        "scale must be one number or 1, one for each of flux.0, got 2",
    ),
    "no law": (
        lambda: Experiment(jd.Harmonics([1.0, 0.2]), {"T": Axis("reduced_temperature")}),
        "must have a known law of temperature.* a Harmonics has none",
    ),
    "warm already": (
        lambda: Experiment(
            jd.Squid([jd.AndreevModes(4, 0.9, gap=1.0, temperature=0.3)] * 2, flux=0.1),
            {"B": Axis("flux"), "T": Axis("reduced_temperature")},
        ),
        r"must be given as at T = 0, its branches\.0\.temperature is 0\.3",
    ),
    "path of an axis": (
        lambda: Experiment(squid(), {"B": Axis("flux")}).path_of_axis("A"), "unknown axis 'A'",
    ),
    "dot": (lambda: Experiment(squid(), {"B.x": Axis("flux")}), "must hold no dot"),
    "device": (lambda: Experiment(3.0), "must be a jaxdiode device"),
    "observable": (lambda: Experiment(squid(), observable=3.0), "must be one of"),
    "edges": (
        lambda: SwitchingHistogram([1.0, 0.5], noise=1, rate=1, ramps=3), "edges must increase",
    ),
    "noise": (lambda: VoltageCurve([1.0], noise=0.0, resistance=1), "noise must be positive"),
    "lengths": (
        lambda: Experiment(squid(), {"B": Axis("flux"), "T": Axis("reduced_temperature")}).predict(
            {"B": [0.0, 1.0], "T": [0.1]}
        ),
        "must have one length",
    ),
    "axis": (
        lambda: Experiment(squid(), {"B": Axis("flux")}).predict({"A": [0.0]}), "unknown axis 'A'",
    ),
    "missing": (
        lambda: Experiment(squid(), {"B": Axis("flux")}).predict({}) and None, "",
    ),
    "shapiro": (lambda: ShapiroEdges([1]).of(squid()), "needs a Shunted device"),
    "curve": (
        lambda: VoltageCurve([1.0], noise=1, resistance=1).of(
            jd.Shunted(squid(), drive=jd.Drive(0.5, 1.0))
        ),
        "needs a phase-biased device",
    ),
}  # fmt: skip


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("case", [name for name in ERRORS if name != "missing"])
def test_errors(case):
    make, message = ERRORS[case]
    with pytest.raises(ValueError, match=message):
        make()


def test_a_column_of_every_axis_is_needed():
    setup = Experiment(squid(), {"B": Axis("flux"), "T": Axis("reduced_temperature")})
    with pytest.raises(ValueError, match="T is missing"):
        setup.predict({"B": [0.1, 0.2]})
    with pytest.raises(ValueError, match="needs one axis"):
        setup.switching_currents([0.1])


def test_the_path_of_an_axis():
    """As the parameters are named, and back."""
    setup = Experiment(squid(), {"B (mT)": Axis("flux", 2.0, offset=0.3, value=0.7)})
    values = parameter_values(setup)
    for field, value in (("value", 0.7), ("offset", 0.3), ("scale.0", 2.0)):
        path = setup.path_of_axis("B (mT)", field)
        assert values[path] == value
        assert axis_of_path(path, field) == "B (mT)"
    for other in ("axes.B (mT).offset", "device.flux.0", "axes.value", "value", "axes.a.b.value"):
        assert axis_of_path(other) is None


def test_an_offset_of_the_bias_is_told_by_its_name():
    names = ("current_offset", "observable.current_offset", "flux", "own_current_offset")
    assert [is_bias_offset(name) for name in names] == [True, True, False, False]


# ---- The other observables recover what made the data


def coverage(run, count, seed):
    """Share of parameters whose 68 % interval holds the truth."""
    random = np.random.default_rng(seed)
    held = [run(random) for _ in range(count)]
    return np.mean(held, axis=0)


def inside(found, truth):
    low, high = found.interval(0.68).T
    return (low <= truth) & (truth <= high)


@pytest.mark.slow
def test_currents_and_voltages_recover_the_junction():
    bias = np.linspace(-2.5, 2.5, 61)
    truth = np.array([1.0, 0.3, 0.08, 2.0])

    def setup(values):
        first, second, noise, resistance = values
        device = jd.Harmonics([first, 0.0], [0.0, second])
        return Experiment(device, observable=VoltageCurve(bias, noise=noise, resistance=resistance))

    exact = np.asarray(setup(truth).predict())
    bounds = {
        "device.sine.0": (0.5, 2), "device.cosine.1": (0, 1), "observable.noise": (0.02, 0.3),
        "observable.resistance": (1, 4),
    }  # fmt: skip
    space = jd.Space(setup([0.9, 0.2, 0.1, 1.8]), bounds)

    def run(random):
        data = exact + random.normal(0, 0.02, bias.size)
        found = jd.fit(Experiment.predict, space, data, 0.02, starts=1, progress=False)
        return inside(found, truth)

    share = coverage(run, 100, 3)
    print("\ncurrent-voltage curve", share)
    assert np.all(share >= 0.55)
    assert 0.60 <= np.mean(share) <= 0.76


@pytest.mark.slow
def test_histograms_recover_the_junction():
    ramps, truth = 2000, np.array([1.0, 0.02])
    edges = np.linspace(0.5, 1.05, 45)

    def setup(values):
        observed = SwitchingHistogram(edges, noise=values[1], rate=1e-4, ramps=ramps)
        return Experiment(jd.TunnelJunction(values[0]), observable=observed)

    known = setup(truth)
    shares = [(np.asarray(x) / 2) ** 2 - 0.375 for x in known.predict()]
    middle = (edges[1:] + edges[:-1]) / 2
    bounds = {"device.critical_current": (0.8, 1.2), "observable.noise": (0.005, 0.06)}
    space = jd.Space(setup([0.97, 0.025]), bounds)

    def run(random):
        events = [random.choice(middle, ramps, p=np.maximum(x, 0) / np.sum(x)) for x in shares]
        data = known.observable.data(*events)
        found = jd.fit(Experiment.predict, space, data, 1.0, starts=1, progress=False)
        return inside(found, truth)

    share = coverage(run, 100, 5)
    print("\nhistograms", share)
    assert np.all(share >= 0.55)
    assert 0.58 <= np.mean(share) <= 0.78


@pytest.mark.slow
def test_shapiro_edges_recover_the_junction():
    amplitudes = np.linspace(0.3, 2.0, 9)
    truth = np.array([1.0, 0.25, 1.3])

    def setup(values):
        first, second, scale = values
        driven = jd.Shunted(jd.Harmonics([first, 0.0], [0.0, second]), drive=jd.Drive(0.6, 1.0))
        axes = {"power": Axis("drive.amplitude", scale)}
        return Experiment(driven, axes, ShapiroEdges([0, 1]))

    columns = {"power": amplitudes}
    exact = jax.tree.map(np.asarray, setup(truth).predict(columns))
    bounds = {
        "device.device.sine.0": (0.7, 1.4), "device.device.cosine.1": (0.05, 0.6),
        "axes.power.scale.0": (1.0, 1.7),
    }  # fmt: skip
    space = jd.Space(setup([0.95, 0.3, 1.25]), bounds)

    def run(random):
        data = jax.tree.map(lambda x: x + random.normal(0, 0.01, x.shape), exact)
        found = jd.fit(
            Experiment.predict, space, data, 0.01, arguments=[columns], starts=1, progress=False
        )
        return inside(found, np.array([1.0, 0.25, 1.3]))

    share = coverage(run, 100, 7)
    print("\nShapiro edges", share)
    assert np.all(share >= 0.55)
    assert 0.58 <= np.mean(share) <= 0.78


@pytest.mark.thorough
def test_a_prediction_is_differentiable():
    setup = Experiment(squid(), {"B": Axis("flux", 0.7)})

    def total(scale):
        moved = jd.replace(setup, {"axes.B.scale": scale})
        return jnp.sum(moved.predict({"B": FIELD}).plus)

    step = 1e-6
    difference = (total(0.7 + step) - total(0.7 - step)) / (2 * step)
    assert float(jax.grad(total)(0.7)) == pytest.approx(float(difference), rel=1e-6)
