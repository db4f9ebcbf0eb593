"""Whatever is saved comes back: every problem, every kind of result, generated devices."""

import functools
import inspect
import json
import re
from dataclasses import fields, is_dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxdiode as jd
from jaxdiode._atomic import atomic_write
from jaxdiode.core.tables import from_table, to_table
from jaxdiode.files import device_file, device_of, with_units
from jaxdiode.files.types import resolve
from tests import helpers
from tests.problems import PROBLEMS

SQUID = jd.Squid.from_pairs([(420, 80), (380, 90), (80, 90)], (0.35, 0.35))


def same(one, other, where="") -> None:
    """Equal to the last bit, leaf by leaf and static field by static field."""
    array = jax.Array | np.ndarray | np.generic
    assert type(one) is type(other) or (isinstance(one, array) and isinstance(other, array)), where
    if is_dataclass(one):
        for field in fields(one):
            same(getattr(one, field.name), getattr(other, field.name), f"{where}.{field.name}")
    elif isinstance(one, dict):
        assert list(one) == list(other), where
        for key, value in one.items():
            same(value, other[key], f"{where}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), where
        for k, (a, b) in enumerate(zip(one, other, strict=True)):
            same(a, b, f"{where}[{k}]")
    elif isinstance(one, array):
        assert (one.dtype, one.shape) == (other.dtype, other.shape), where
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes(), where
    else:
        assert one == other or (one != one and other != other), where


def returned(thing, tmp_path, suffix=".json"):
    path = tmp_path / f"thing{suffix}"
    jd.save(path, thing)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    if suffix == ".json":  # JSON as others read it
        json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(word))
    return jd.load(path)


@pytest.mark.parametrize("suffix", [".json", ".toml"])
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name)
def test_every_problem(problem, suffix, tmp_path):
    device = problem.build()
    same(device, returned(device, tmp_path, suffix))


# ---- Results


def _fit():
    x = np.linspace(0.1, 3, 20)
    space = jd.Space(jd.Harmonics([1.0, 0.25], [0.5]), {"sine": (0.0, 3.0), "cosine.1": (-1, 1)})
    data = 1.3 * np.sin(x) + 0.2 * np.sin(2 * x) + 0.5 * np.cos(x) + 0.01 * np.cos(40 * x)
    return jd.fit(lambda d, at: d.current(at), space, data, arguments=[x], progress=False)


def _design():
    space = jd.Space(jd.Harmonics([1.0, 0.25], [0.5]), {"sine.1": (0.0, 1.0)})
    return jd.random_search(lambda d: d.sine[1], space, key=0, samples=50)


DRIVEN = jd.KapitzaJunction(
    0.5, 2.0, mean_current=1.0, drive_current=0.5, static_current=0.5, phase_offset=1.2
)
WIRE = jd.PhaseSlipWire(1.0, jd.wire.ValleyPolarization(0.7, 0.1))
TRIODE = jd.Circuit(
    {
        name: jd.Junction(*name, jd.TunnelJunction(current))
        for name, current in (("AC", 1.0), ("BC", 0.7), ("AB", 0.5))
    },
    ("A", "C"),
)
SIX = jd.usadel.SixHarmonicModel(0.2, 0.1, together=0.3)


def _extracted():
    """A map with one curve that does not switch."""
    current, field = np.linspace(-2, 2, 101), np.linspace(0, 3, 16)
    limit = 1 + 0.2 * np.cos(2 * np.pi * field)[:, None]
    voltage = np.where(np.abs(current) > limit, current, 0.0)
    voltage[5] = 0.0
    map = xarray.Dataset(
        {"V": (("B", "I"), voltage, {"units": "mV"})},
        {"B": ("B", field, {"units": "mT"}), "I": ("I", current, {"units": "nA"})},
    )
    return jd.lab.switching_currents(map, hysteretic=False)


RESULTS = {
    "critical currents": lambda: jd.critical_currents(SQUID),
    "of lanes": lambda: jax.vmap(lambda f: jd.critical_currents(jd.replace(SQUID, {"flux": f})))(
        jnp.linspace(0, 1, 5)
    ),
    "unknown": lambda: jd.CriticalCurrents(
        jnp.array([1 / 3, jnp.nan]), jnp.array([jnp.inf, -jnp.inf]), jnp.array([0, 2], jnp.int32)
    ),
    "relation": lambda: jd.current_phase_relation(SQUID),
    "Shapiro steps": lambda: jd.shapiro_steps(
        jd.Shunted(jd.TunnelJunction(1.0), drive=jd.Drive(1.0, 0.5)), [0]
    ),
    "thermal I-V": lambda: jd.thermal_iv(SQUID, [-80.0, 30.0], noise=5.0),
    "report": SQUID.report,
    "report of bands": SIX.report,
    "report of a driven junction": DRIVEN.report,
    "report of a wire": WIRE.report,
    "limits": DRIVEN.limits,
    "switching currents": lambda: jd.switching_currents(DRIVEN),
    "I-V": lambda: jd.iv_curve(DRIVEN, [-1.7, 0.3, 1.9], duration=100.0),
    "trajectory": lambda: jd.trajectory(DRIVEN, 0.4, duration=5.0, samples=11),
    "wire states": lambda: WIRE.trace(jnp.array([0.05, 0.2])),
    "wire simulation": lambda: jd.wire.simulate_wire(
        0.45, 10.0, duration=5.0, spacing=1.0, frames=3
    ),
    "Cooper channel": lambda: jd.wire.cooper_channel(
        jd.wire.TightBindingBand("square"),
        jd.wire.TightBindingBand("square").momenta(6),
        temperature=0.5,
    ),
    "coefficients": lambda: jd.AndreevInterferometer(0.1, 0.24).coefficients(),
    "spin diode": lambda: jd.usadel.spin_diode(SIX),
    "contour": lambda: jd.critical_contour(TRIODE, directions=4, origin=(0.1, 0.8)),
    "threshold curves": lambda: jd.threshold_curves(TRIODE, "elements.AB.offset", [0.1, 0.2]),
    "space": lambda: jd.Space(
        SQUID, {"branches.*": (1.0, np.inf), "flux": (0, 1)}, ties=["flux.*"]
    ),
    "fit": _fit,
    "design": _design,
    "margins": lambda: jd.margins(
        jd.SeriesJunctions(100.0, 80.0), {"plus": (64, 90)}, points=8, directions=4, progress=False
    ),
    "front": lambda: jd.pareto(
        ["plus", lambda d: -d.sine[1]],
        jd.Space(jd.Harmonics([1.0, 0.25], [0.5]), {"sine.1": (0.0, 1.0)}),
        key=0,
        points=3,
        starts=1,
        steps=2,
        polish=2,
        rounds=2,
        progress=False,
    ),
    "extracted currents": _extracted,
    "current histograms": lambda: jd.lab.histograms(_extracted(), "B"),
    "flux period": lambda: jd.lab.flux_period(_extracted()),
}


THOROUGH = {
    "threshold curves", "contour", "Shapiro steps", "front", "report of a wire", "report of bands",
    "wire simulation", "wire states", "report of a driven junction", "margins",
}  # seconds each  # fmt: skip


def _kinds(*without):
    return [
        pytest.param(name, marks=pytest.mark.thorough if name in THOROUGH else ())
        for name in RESULTS
        if name not in without
    ]


@functools.cache
def result(name):
    return RESULTS[name]()


@pytest.mark.parametrize("name", _kinds())
def test_every_result(name, tmp_path):
    thing = result(name)
    same(thing, returned(thing, tmp_path))
    if isinstance(thing, jd.results.AbstractResult):
        assert isinstance(np.asarray(thing.status).dtype.kind, str)
        assert thing.as_dict()
        assert isinstance(thing.summary("nA"), str)
        assert not np.any(np.isnan(np.asarray(thing.status, float)))


@pytest.mark.thorough
@pytest.mark.parametrize("name", _kinds("space", "unknown"))
def test_every_result_has_a_figure(name):
    thing = result(name)
    if name == "wire simulation" and np.ndim(thing.mean_voltage):
        thing = jax.tree.map(lambda x: x[0], thing)
    assert thing.plot().axes


def test_the_values_beside_the_object(tmp_path):
    """For other programs: plain numbers, NaN as null."""
    jd.save(tmp_path / "a.json", RESULTS["unknown"](), unit="nA")
    table = json.loads((tmp_path / "a.json").read_text())
    assert table["unit"] == "nA"
    assert table["values"]["plus"] == [1 / 3, None]
    assert table["values"]["status"] == [0, 2]


# ---- Generated devices


def later(kind, *arguments):
    """A call, made by the test: hypothesis wants no programs of JAX inside its strategies."""
    return st.tuples(st.just(kind), *arguments)


def made(drawn):
    if isinstance(drawn, tuple) and callable(drawn[0]):
        kind, *arguments = drawn
        values = dict(zip(inspect.signature(kind).parameters, map(made, arguments), strict=False))
        return kind(**values)
    return [made(x) for x in drawn] if isinstance(drawn, list) else drawn


NUMBER = st.floats(1e-9, 1e9)
BRANCH = st.one_of(
    later(jd.TunnelJunction, NUMBER),
    later(jd.SeriesJunctions, NUMBER, NUMBER),
    later(
        jd.Harmonics, st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=3), st.just([0.5])
    ),
    later(jd.AndreevModes, st.lists(NUMBER, min_size=2, max_size=2), st.floats(0, 1)),
    later(
        lambda size, transparency, gap, warm: jd.AndreevModes(
            size, transparency, gap=gap, temperature=warm
        ),
        NUMBER, st.floats(0, 1), NUMBER, st.floats(0, 10),
    ),
    later(
        lambda a, b, v: jd.TunnelJunction(jd.Gate(jd.GateMap([-1.0, 0.5], sorted([a, b])), v)),
        NUMBER, NUMBER, st.floats(-1.0, 0.5),
    ),
)  # fmt: skip


@st.composite
def squids(draw):
    branches = draw(st.lists(BRANCH, min_size=1, max_size=4))
    flux = [draw(st.floats(-2, 2)) for _ in branches[1:]]
    inductance = [draw(st.floats(0, 1)) for _ in branches]
    return jd.Squid, branches, flux, draw(st.sampled_from([None, inductance]))


PARTS = later(
    jd.wire.ValleyPolarization,
    st.floats(0.1, 2),
    st.floats(-1, 1),
    st.floats(-2, 0),
    st.floats(-2, -0.1),
)
DEVICES = st.one_of(
    BRANCH,
    squids(),
    later(
        jd.KapitzaJunction, NUMBER, NUMBER, NUMBER, st.lists(NUMBER, min_size=1, max_size=3),
        NUMBER, st.floats(-4, 4), NUMBER, st.sampled_from(["fold", "switching", "stability"]),
    ),
    later(
        jd.AndreevInterferometer, st.floats(0.01, 0.9), st.floats(-9, 9), st.floats(1e-3, 9),
        st.none() | st.floats(-1, 1), st.none() | st.floats(-1e-3, 1e-3), NUMBER,
    ),
    later(
        jd.PhaseSlipWire, st.floats(0, 2), st.none() | PARTS,
        st.sampled_from(["onset", "half", "ohmic"]), st.floats(0, 1),
    ),
)  # fmt: skip


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore:.*2 pi L I_c:UserWarning")
@settings(max_examples=60)
@given(DEVICES)
def test_generated_devices_are_the_same_afterwards(drawn):
    """Through the text of the file, by JSON; and they print the same."""
    require_the_same_afterwards(made(drawn))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*2 pi L I_c:UserWarning")
@settings(max_examples=1000)
@given(DEVICES)
def test_a_thousand_generated_devices_are_the_same_afterwards(drawn):
    require_the_same_afterwards(made(drawn))


def require_the_same_afterwards(device):
    text = json.dumps(to_table(device), allow_nan=False)
    back = from_table(json.loads(text), resolve)
    same(device, back)
    assert jax.tree.structure(device) == jax.tree.structure(back)
    assert repr(device) == repr(back)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*2 pi L I_c:UserWarning")
@settings(max_examples=5)
@given(squids())
def test_generated_devices_evaluate_to_the_same(drawn):
    device = made(drawn)
    back = from_table(to_table(device), resolve)
    for one, two in zip(*(jax.jit(jd.critical_currents)(d).as_dict().values()
                          for d in (device, back)), strict=True):  # fmt: skip
        assert np.array_equal(one, two, equal_nan=True)


# ---- What is wrong is told with the file and the field


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "squid.json"
    jd.save(path, SQUID)
    return path


def refused(path, text):
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(str(path))) as error:
        jd.load(path)
    return str(error.value)


def test_truncated_at_every_length(saved):
    text = saved.read_text()
    for length in range(0, len(text.rstrip()), 7):
        assert "JSON" in refused(saved, text[:length])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"format": 1', '"format": 2', "format 2, this jaxdiode .* reads up to 1"),
        ('"format": 1', '"format": "x"', "format must be a whole number"),
        ('"type": "Squid"', '"type": "Squib"', "unknown type 'Squib'; did you mean 'Squid'"),
        ('"first": 420.0', '"first": -1.0', "first must be at least 0, got -1"),
        ('"first": 420.0', '"first": "a"', "first must be a real number"),
        ('"first": 420.0', '"frist": 420.0', "unknown argument of SeriesJunctions 'frist'"),
        ('"flux"', '"fluxes"', "unknown argument of Squid 'fluxes'"),
        ('"content"', '"contents"', "must be a file that jaxdiode.save wrote"),
        ('"type": "Squid"', '"type": "os.path.join"', "must be a device"),
        ('"type": "Squid"', '"type": "nowhere.Squid"', "cannot be imported"),
    ],
)
def test_edited(saved, old, new, said):
    text = saved.read_text()
    assert old in text
    assert re.search(said, refused(saved, text.replace(old, new, 1)))


def test_edited_result(tmp_path):
    path = tmp_path / "fit.json"
    jd.save(path, RESULTS["fit"]())
    text = path.read_text()
    for old, new, said in (
        ('"array": "float64"', '"array": "text"', "must be an array as it was written"),
        ('"robust_covariance"', '"covariances"', "unknown field of FitResult 'covariances'"),
        ('"converged": true,\n', "", "needs the field 'converged'"),
    ):
        head, _, tail = text.partition('"content"')
        assert old in tail
        assert said in refused(path, head + '"content"' + tail.replace(old, new, 1))


def test_what_cannot_be_written(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.json or \.toml"):
        jd.save(tmp_path / "a.txt", SQUID)
    with pytest.raises(ValueError, match=r"must end in \.json for what is no device"):
        jd.save(tmp_path / "a.toml", jd.critical_currents(SQUID))
    with pytest.raises(ValueError, match="thing must be a device"):
        jd.save(tmp_path / "a.json", 3)  # pyright: ignore
    with pytest.raises(ValueError, match="must be a file"):
        jd.load(tmp_path / "none.json")
    assert not list(tmp_path.iterdir())


def test_a_class_that_no_file_can_name():
    class Local(jd.TunnelJunction):
        pass

    with pytest.raises(ValueError, match="must be defined at the top of a module"):
        to_table(Local(1.0))


def test_units_of_a_sweep():
    data = jd.sweep(jd.critical_currents, SQUID, {"branches.0.first": [1.0, 2.0], "flux.1": [0.0]})
    shown = with_units(data, SQUID, "nA")
    assert shown["branches.0.first"].attrs["units"] == shown["plus"].attrs["units"] == "nA"
    assert shown["flux.1"].attrs["units"] == "Φ₀"
    assert "units" not in data["plus"].attrs


def test_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "result.json"
    jd.save(path, SQUID)

    def fail(temporary):
        temporary.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        atomic_write(path, fail)
    same(SQUID, jd.load(path))
    assert [p.name for p in tmp_path.iterdir()] == ["result.json"]


# ---- Sweeps


@pytest.mark.thorough
def test_sweep_through_netcdf(tmp_path):
    device = jd.Harmonics([1.0, 0.25], [0.5])
    axes = {"cosine.0": [0.0, 0.5], "sine": [[1.0, 0.1], [1.0, 0.2], [1.0, 0.3]]}

    def function(device):
        return {"total": device.sine.sum() + device.cosine[0], "both": device.sine}

    data = jd.sweep(function, device, axes, path=tmp_path / "sweep.nc")
    xarray.testing.assert_identical(data, jd.load(tmp_path / "sweep.nc"))
    same(device, device_of(jd.load(tmp_path / "sweep.nc")))
    assert data["cosine.0"].attrs["long_name"] == "coefficient of cos nφ, cosine.0"
    flux = jd.sweep(jd.diode_efficiency, SQUID, {"flux": [0.1, 0.2]})
    assert flux["flux"].attrs == {"long_name": "flux", "units": "Φ₀"}
    with pytest.raises(ValueError, match="has none"):
        device_of(flux.drop_attrs())


# ---- From one verb to the next


@pytest.mark.thorough
@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_fit_save_load_design_save_load_sweep(unit, tmp_path):
    """In any unit of the currents: the same η, and no step loses anything."""
    coil = np.linspace(-0.9, 0.9, 41)

    def measured(squid, coil):
        return squid.switching_currents(coil)

    branches = [jd.TunnelJunction(3.0 * unit), jd.AndreevModes(2.0 * unit, 0.9)]
    start = jd.CoilBiasedSquid(jd.Squid(branches, flux=[0.0]), [1.0], offset=0.05)
    true = jd.replace(
        start, {"squid.branches.0": 2.5 * unit, "squid.branches.1": [2.2 * unit, 0.8]}
    )
    found = jd.fit(
        measured,
        jd.Space(start, {"squid.branches.0": (0.0, 9 * unit),
                         "squid.branches.1.amplitude": (0.0, 9 * unit),
                         "squid.branches.1.transparency": (0.0, 1.0)}),
        measured(true, coil),
        arguments=[coil],
        progress=False,
    )  # fmt: skip
    jd.save(tmp_path / "fit.json", found, unit="nA")
    fitted = jd.load(tmp_path / "fit.json").device
    same(found.device, fitted)
    space = jd.Space(fitted, {"coil_current": (0.0, 0.5), "squid.branches.0": (unit, 5 * unit)})
    best = jd.maximise(
        lambda d: jd.diode_efficiency(d) ** 2, space, key=0, starts=4, steps=30, polish=40,
        rounds=1, progress=False,
    )  # fmt: skip
    jd.save(tmp_path / "design.json", best)
    again = jd.load(tmp_path / "design.json")
    same(best, again)
    data = jd.sweep(
        jd.critical_currents, again.device, {"coil_current": [float(again.device.coil_current)]},
        path=tmp_path / "sweep.nc", progress=False,
    )  # fmt: skip
    assert float(data["efficiency"][0] ** 2) == pytest.approx(best.value, rel=1e-12)
    same(again.device, device_of(jd.load(tmp_path / "sweep.nc")))
    device = again.device
    assert best.value == pytest.approx(
        helpers.dense_reference(device.at(device.coil_current))[2] ** 2, rel=1e-8
    )


@pytest.mark.parametrize("suffix", [".json", ".toml"])
def test_sections_are_kept(tmp_path, suffix):
    """A device with its bounds is what the command line designs and sweeps."""
    path = tmp_path / f"device{suffix}"
    bounds = {"flux": (0.0, np.float64(0.5)), "branches.0": [10, 300]}
    sections = {"bounds": bounds, "sweep": {"flux.0": {"start": 0, "stop": 1, "points": 3}}}
    jd.save(path, SQUID, unit="uA", sections=sections)
    table = device_file.read(path)
    assert table["bounds"] == {"flux": [0.0, 0.5], "branches.0": [10, 300]}
    assert table["sweep"] == sections["sweep"]
    assert device_file.unit(table) == "uA"
    same(device_file.device(table), SQUID)


@pytest.mark.parametrize(
    ("name", "sections"),
    [
        ("a.json", {"bound": {"flux": [0, 1]}}),
        ("a.toml", {"device": {}}),
        ("a.toml", {"bounds": {"flux": [0, np.nan]}}),
    ],
)
def test_sections_that_no_file_has(tmp_path, name, sections):
    with pytest.raises(ValueError, match="sections must"):
        jd.save(tmp_path / name, SQUID, sections=sections)
    assert not list(tmp_path.iterdir())
