"""Sweeps that follow an axis, each point going on from the one before."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd


class LargestSoFar(jd.continuation.AbstractContinuation):
    scale: jax.Array

    def start(self, device):
        return jnp.asarray(-jnp.inf), jnp.zeros((), int)

    def advance(self, device, state):
        found = jd.critical_currents(device)
        largest, count = jnp.maximum(state[0], self.scale * found.efficiency), state[1] + 1
        return {"here": found, "largest": largest, "count": count}, (largest, count)


FOLLOW = LargestSoFar(jnp.asarray(2.0))
SQUID = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
AXES = {
    "flux": np.linspace(0, 1, 7),
    "branches.1.first": np.linspace(10, 90, 11),
    "branches.0.second": [1.0, 2.0, 3.0],
}


def expected(axes, along):
    every = jd.sweep(jd.critical_currents, SQUID, axes)["efficiency"]
    every = every.transpose(*[name for name in axes if name != along], along)
    return every, np.maximum.accumulate(2 * every.values, axis=-1)


@pytest.mark.parametrize("along", list(AXES))
@pytest.mark.parametrize("chunk", [None, 1, 20, 1000])
def test_rows_are_followed(along, chunk):
    found = jd.sweep(FOLLOW, SQUID, AXES, along=along, chunk=chunk)
    every, largest = expected(AXES, along)
    assert found["largest"].dims == every.dims
    np.testing.assert_allclose(found["here.efficiency"], every, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(found["largest"], largest, rtol=1e-11, atol=1e-13)
    assert np.all(found["count"] == np.arange(1, len(AXES[along]) + 1))


def test_an_axis_alone_and_of_several_parameters():
    values = np.array([[0.1, 30.0], [0.4, 60.0], [0.2, 20.0]])
    squid = jd.Squid.from_pairs([(100, 50), (80, 60), (30, 20)], flux=[0.3, 0.1])
    found = jd.sweep(FOLLOW, squid, {"flux": values}, along="flux")
    for k, flux in enumerate(values):
        here = jd.diode_efficiency(jd.replace(squid, {"flux.0": flux[0], "flux.1": flux[1]}))
        assert found["here.efficiency"][k] == pytest.approx(float(here), rel=1e-12)
    assert found.sizes["flux"] == 3


@pytest.mark.parametrize("chunk", [None, 5, 21])
def test_files_hold_whole_rows(tmp_path, chunk):
    here = jd.sweep(FOLLOW, SQUID, AXES, along="flux", chunk=chunk)
    options = {"along": "flux", "chunk": chunk}
    stored = jd.sweep(FOLLOW, SQUID, AXES, store=tmp_path / "map.zarr", **options)
    filed = jd.sweep(FOLLOW, SQUID, AXES, path=tmp_path / "map.nc", **options)
    for name in here:
        assert np.array_equal(stored[name], here[name]), name
        assert np.array_equal(filed[name], here[name]), name
    assert np.array_equal(jd.load(tmp_path / "map.nc")["largest"], here["largest"])


def test_shares_and_what_is_missing(tmp_path):
    whole = jd.sweep(FOLLOW, SQUID, AXES, along="flux", chunk=21)
    store, options = tmp_path / "map.zarr", {"along": "flux", "chunk": 21}
    part = jd.sweep(FOLLOW, SQUID, AXES, store=store, shard="1/2", **options)
    done = part["finished"].values
    assert np.all(done.any(axis=-1) == done.all(axis=-1)), "a row is there or not"
    assert 0 < done.sum() < done.size
    both = jd.sweep(FOLLOW, SQUID, AXES, store=store, **options)
    assert "finished" not in both
    assert np.array_equal(both["largest"], whole["largest"])


def test_stores_of_other_ways_are_refused(tmp_path):
    store = tmp_path / "map.zarr"
    jd.sweep(FOLLOW, SQUID, AXES, along="flux", store=store)
    with pytest.raises(ValueError, match="holds another sweep"):
        jd.sweep(FOLLOW, SQUID, AXES, along="branches.0.second", store=store)
    with pytest.raises(ValueError, match="holds another sweep"):
        jd.sweep(LargestSoFar(jnp.asarray(3.0)), SQUID, AXES, along="flux", store=store)
    last = {**{k: v for k, v in AXES.items() if k != "flux"}, "flux": AXES["flux"]}
    with pytest.raises(ValueError, match="a continuation along 'flux', got no continuation"):
        jd.sweep(jd.critical_currents, SQUID, last, store=store)


@pytest.mark.parametrize(
    ("function", "along", "words"),
    [
        (FOLLOW, None, "along must name the axis that LargestSoFar follows"),
        (jd.critical_currents, "flux", "along is the axis of a continuation"),
        (LargestSoFar, "flux", r"function must be a continuation, LargestSoFar\(\), got the class"),
        (FOLLOW, "fluxx", "unknown along .fluxx.; did you mean .flux."),
    ],
)
def test_refusals(function, along, words):
    with pytest.raises(ValueError, match=words):
        jd.sweep(function, SQUID, {"flux": [0.1, 0.2]}, along=along)


class Wrong(jd.continuation.AbstractContinuation):
    what: str = eqx.field(static=True)

    def start(self, device):
        return jnp.zeros(2)

    def advance(self, device, state):
        wrong = {"no pair": state, "shape": (state[0], state[:1]), "type": (state[0], state > 0)}
        return wrong[self.what]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("no pair", r"advance of Wrong must return \(output, what is carried\), got"),
        ("shape", r"Wrong must carry arrays of the same .*, got float64\[1\] after float64\[2\]"),
        ("type", r"Wrong must carry arrays of the same .*, got bool\[2\] after float64\[2\]"),
    ],
)
def test_what_advance_must_return(what, words):
    with pytest.raises(ValueError, match=words):
        jd.sweep(Wrong(what), SQUID, {"flux": [0.1, 0.2]}, along="flux")


def test_the_result_says_what_was_followed():
    follow = jd.continuation.RetainedFluxState("first")
    squid = jd.Squid([jd.TunnelJunction(1.0)] * 2, flux=[0.1], inductance=[0.4, 0.4])
    found = jd.sweep(follow, squid, {"flux": [0.1, 0.2]}, along="flux")
    assert found.attrs["along"] == "flux"
    assert found.attrs["continuation"] == "RetainedFluxState(criterion='first')"
    assert found["falls"].attrs["long_name"] == "falls into another flux state"


def test_memory_that_does_not_suffice_halves_the_rows(monkeypatch, capsys):
    from jaxdiode.studies.sweep import program

    run, asked = program.Program._run, []

    def fails_at_first(self, compiled, where):
        asked.append(self.lanes)
        if self.lanes > 4:
            raise MemoryError
        return run(self, compiled, where)

    monkeypatch.setattr(program.Program, "_run", fails_at_first)
    found = jd.sweep(FOLLOW, SQUID, AXES, along="flux")
    assert "rows at once, goes on with" in capsys.readouterr().err
    assert max(asked) > 4
    np.testing.assert_allclose(found["largest"], expected(AXES, "flux")[1], rtol=1e-11, atol=1e-13)


FINE = jd.usadel.UsadelResolution(phases=8, terms=4, tail=4, steps=6, momenta=4, intervals=6)


def diffusive(**settings):
    left, right = (
        jd.usadel.SpinActiveContact(0.4, 0.6, mixing=0.8, polar=np.pi / 2, azimuth=x)
        for x in (0.0, 1.2)
    )
    given = {"link_length": 1, "conductance": 2, "exchange_field": 1.0, "resolution": FINE}
    return jd.DiffusiveJunction(0.2, 4, left=left, right=right, **given | settings)


def spin_active():
    barriers = [
        jd.usadel.SpinBarrier(1.4, exchange=0.25, width_up=0.14, width_down=0.14, azimuth=x)
        for x in (0.0, 0.7)
    ]
    fine = jd.usadel.UsadelResolution(phases=8, terms=4, tail=4, steps=6, momenta=4)
    return jd.SpinActiveJunction(
        0.2, 4, ferromagnet_length=1, conductance=2, exchange=0.25, potential=0.25,
        left=barriers[0], right=barriers[1], resolution=fine,
    )  # fmt: skip


def compared(junction, axes, along, loose):
    found = jd.sweep(jd.continuation.CurrentContinuation(), junction, axes, along=along)
    every = jd.sweep(jd.critical_currents, junction, axes).transpose(*found["plus"].dims)
    assert np.array_equal(found["status"], every["status"])
    size = np.nanmax(np.abs(every["plus"].values))
    for name in ("plus", "minus"):
        np.testing.assert_allclose(found[name], every[name], rtol=loose, atol=loose * size)


def test_warm_starts_of_a_diffusive_junction():
    temperature = {"temperature": np.linspace(0.1, 0.9, 9)}
    compared(diffusive(), temperature, "temperature", 1e-11)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("junction", "axes", "along"),
    [
        (diffusive(), {"temperature": [0.9, 0.02, 0.5, 0.05]}, "temperature"),  # far apart
        (
            diffusive(),
            {"exchange_field": [0.0, 20.0, 0.1], "temperature": [0.1, 0.4]},
            "exchange_field",
        ),
        (diffusive(link_length=0.1), {"conductance": np.geomspace(1e-2, 1e3, 6)}, "conductance"),
        (spin_active(), {"left.azimuth": np.linspace(0, 2, 4)}, "left.azimuth"),
        (spin_active(), {"exchange": [0.1, 0.15, 0.2]}, "exchange"),
    ],
)
def test_warm_starts_of_many_kinds(junction, axes, along):
    compared(junction, axes, along, 1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [[0.3, 0.32, 0.35], [0.9, 0.1]])
def test_warm_starts_of_a_self_consistent_gap(temperature):
    junction = diffusive(self_consistent=True)
    compared(junction, {"temperature": temperature}, "temperature", 1e-8)


def test_a_lane_that_is_lost_does_not_lose_the_next(monkeypatch):
    """And is looked for from the beginning; those that are not lost never are."""
    from jaxdiode.devices.usadel.equations import matsubara

    cold, plain = [], matsubara.swept

    def counted(*arguments):
        jax.debug.callback(lambda: cold.append(1))
        return plain(*arguments)

    monkeypatch.setattr(matsubara, "swept", counted)
    junction = diffusive()
    follow = jd.continuation.CurrentContinuation()
    advance = jax.jit(follow.advance)
    state, asked, lost = follow.start(junction), [], {"b": False, "f": np.nan}
    for value in (0.2, 0.21, 0.22, None, 0.23, 0.24):
        if value is None:
            state = jax.tree.map(lambda x: jnp.full(x.shape, lost[x.dtype.kind], x.dtype), state)
            continue
        here = jd.replace(junction, {"temperature": value})
        output, state = jax.block_until_ready(advance(here, state))
        asked.append(len(cold))
        assert int(output["status"]) == 0
        assert float(output["plus"]) == pytest.approx(
            float(jd.critical_currents(here).plus), rel=1e-11
        )
        cold.clear()
    assert asked == [1, 0, 0, 1, 0]


def driven(**settings):
    given = {"drive_frequency": 4, "drive_current": 3, "static_current": 1}
    return jd.KapitzaJunction(0.5, phase_offset=np.pi / 2, **given | settings)


@pytest.mark.thorough
def test_folds_of_driven_junctions():
    axes = {"drive_current": np.linspace(1, 6, 51), "static_current": [0.8, 1.0]}
    found = jd.sweep(jd.continuation.FoldContinuation(), driven(), axes, along="drive_current")
    every = jd.sweep(lambda device: jd.critical_currents(device, "fold"), driven(), axes)
    every = every.transpose("static_current", "drive_current")
    assert np.all(every["status"] == 0)
    assert np.array_equal(found["followed"].values[:, :1], np.zeros((2, 1, 2), bool))
    assert found["followed"].values[:, 1:].all()
    for side, name in enumerate(("plus", "minus")):
        np.testing.assert_allclose(found["fold"][..., side], every[name], rtol=1e-10)


@pytest.mark.thorough
def test_folds_past_a_period_doubling():
    """Where a ramp meets no fold the fold is still there: it comes back as the end of the state."""
    device = jd.replace(driven(drive_frequency=1.5), {"damping": 0.3})
    axes = {"drive_current": np.linspace(0.2, 2.0, 37)}
    found = jd.sweep(jd.continuation.FoldContinuation(), device, axes, along="drive_current")
    every = jd.sweep(lambda device: jd.critical_currents(device, "fold"), device, axes)
    known = every["status"].values == 0
    assert known[:8].all()
    assert not known.all()
    assert np.all(found["status"] == 0)
    np.testing.assert_allclose(found["fold"][known, 0], every["plus"][known], rtol=1e-10)
    along = found["fold"].values
    assert np.abs(np.diff(along, 2, axis=0)).max() < 2e-3, "smooth also where it ends nothing"
    back = jd.sweep(
        jd.continuation.FoldContinuation(), device, {"drive_current": axes["drive_current"][::-1]},
        along="drive_current",
    )  # fmt: skip
    first = np.argmax(back["followed"].values[:, 0])
    assert first > 1, "begins where there is none to follow"
    np.testing.assert_allclose(back["fold"][first:, 0], along[::-1][first:, 0], rtol=1e-10)


@pytest.mark.thorough
def test_slopes_of_followed_folds():
    follow = jd.continuation.FoldContinuation()

    def fold(drive):
        state = follow.start(driven())
        for value in (2.9, 2.95):
            _, state = follow.advance(driven(drive_current=value), state)
        output, _ = follow.advance(jd.replace(driven(), {"drive_current": drive}), state)
        return output["fold"][0], output["followed"]

    value, followed = fold(3.0)
    assert followed.all()
    plain = jax.grad(
        lambda drive: jd.critical_currents(jd.replace(driven(), {"drive_current": drive})).plus
    )(3.0)
    slope = jax.grad(lambda drive: fold(drive)[0])(3.0)
    assert float(value) == pytest.approx(float(jd.critical_currents(driven()).plus), rel=1e-11)
    assert float(slope) == pytest.approx(float(plain), rel=1e-9)


def test_what_has_no_continuation():
    with pytest.raises(ValueError, match="device must be a driven junction"):
        jd.sweep(jd.continuation.FoldContinuation(), SQUID, {"flux": [0.1, 0.2]}, along="flux")
    with pytest.raises(ValueError, match="device must be a DiffusiveJunction"):
        jd.sweep(jd.continuation.CurrentContinuation(), SQUID, {"flux": [0.1, 0.2]}, along="flux")
