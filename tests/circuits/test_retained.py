"""Flux states that are kept while a parameter changes: against motion in time, in closed form."""

import jax
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import root

import jaxdiode as jd

UP_AND_DOWN = np.concatenate([np.arange(0.05, 6, 0.3), np.arange(5.9, 0, -0.4)])
RAMPS = [((1.0, 1.0), (1.5, 1.5)), ((1.3, 0.7), (0.75, 0.75)), ((1.0, 0.4), (1.2, 0.1))]


def squid_of(currents, inductance):
    return jd.Squid(
        [jd.TunnelJunction(i) for i in currents], flux=[UP_AND_DOWN[0]], inductance=inductance
    )


def swept(device, axis, values, **settings):
    return jd.sweep(
        jd.continuation.RetainedFluxState(**settings), device, {axis: values}, along=axis
    )


def in_time(currents, inductance, fluxes):
    """Two overdamped junctions in a loop without bias, the flux changed in 200 steps a point."""
    first, second = currents
    loop = sum(inductance)

    def slope(phases, flux):
        around = (2 * np.pi * flux - (phases[0] - phases[1])) / (2 * np.pi * loop)
        return np.array([around - first * np.sin(phases[0]), -around - second * np.sin(phases[1])])

    phases, before, found = np.zeros(2), fluxes[0], []
    for flux in fluxes:
        for now in np.linspace(before, flux, 201)[1:]:
            motion = solve_ivp(
                lambda _, y, now=now: slope(y, now) + 1e-9, (0, 60), phases, method="LSODA",
                rtol=1e-8, atol=1e-10,
            )  # fmt: skip
            phases = motion.y[:, -1]
        before = flux
        phases = root(lambda y, flux=flux: slope(y, flux), phases, tol=1e-12).x
        turns = np.round((phases - np.angle(np.exp(1j * phases))) / (2 * np.pi))
        found.append([turns[0] - turns[1], first * np.sin(phases[0])])
    return np.array(found).T


def climbed(currents, inductance, flux, phases, sign):
    """The bias at which Newton's method loses a state of the pair, in steps of a thousandth.

    The phase in front of both inductors is θ_k + 2π f_k + 2π L_k i_k, f = (0, flux).
    """
    (first, second), (left, right) = currents, inductance
    offset = 2 * np.pi * np.array([0.0, flux])

    def balance(phases, bias):
        through = np.array([first * np.sin(phases[0]), second * np.sin(phases[1])])
        around = phases[0] - phases[1] + offset[0] - offset[1]
        around += 2 * np.pi * (left * through[0] - right * through[1])
        return [through.sum() - bias, np.mod(around + np.pi, 2 * np.pi) - np.pi]

    bias = 0.0
    while bias < 4:
        found = root(balance, phases, args=(sign * (bias + 1e-3),), tol=1e-11)
        if np.abs(found.fun).max() > 1e-8 or np.abs(found.x - phases).max() > 0.3:
            return bias
        phases, bias = found.x, bias + 1e-3
    raise AssertionError("no end")


@pytest.mark.parametrize(
    ("currents", "inductance"),
    [RAMPS[1], *(pytest.param(*ramp, marks=pytest.mark.thorough) for ramp in RAMPS[::2])],
)
def test_states_are_those_of_slow_motion(currents, inductance):
    squid = squid_of(currents, inductance)
    found = swept(squid, "flux", UP_AND_DOWN)
    turns, _ = in_time(currents, inductance, UP_AND_DOWN)
    assert np.array_equal(found["fluxoids"].values[:, 0], -turns)
    assert np.all(found["status"] == 0)
    assert len(set(turns)) > 3
    changed = np.abs(np.diff(turns, prepend=0))
    assert np.array_equal(found["falls"].values > 0, changed > 0)


@pytest.mark.parametrize(
    ("currents", "inductance"),
    [RAMPS[1], *(pytest.param(*ramp, marks=pytest.mark.thorough) for ramp in RAMPS[::2])],
)
def test_currents_end_at_folds_of_the_state(currents, inductance):
    squid = squid_of(currents, inductance)
    found = swept(squid, "flux", UP_AND_DOWN, criterion="first")
    for k in range(0, len(UP_AND_DOWN), 4):
        at = jd.replace(squid, {"flux": UP_AND_DOWN[k]}).circuit()
        folds = jd.folds(at)
        ends = folds.current[folds.stable]
        states = jd.static_states(at)
        mine = np.abs(states.energy - found["energy"].values[k]) < 1e-9
        assert np.any(
            mine & states.stable & (states.fluxoids == found["fluxoids"].values[k]).all(1)
        )
        for sign, name in ((1, "plus"), (-1, "minus")):
            assert np.min(np.abs(ends - sign * found[name].values[k])) < 1e-10
            here = int(np.argmax(mine & states.stable))
            reached = climbed(currents, inductance, UP_AND_DOWN[k], states.phases[here], sign)
            assert found[name].values[k] == pytest.approx(reached, abs=2e-3)


@pytest.mark.parametrize("loop", [0.8, pytest.param(3.0, marks=pytest.mark.thorough)])
def test_where_an_equal_pair_lets_a_flux_quantum_in(loop):
    """sin θ around the loop and θ = π/2: f − k = L I + ½, of L in Φ₀/I."""
    squid = squid_of((1.0, 1.0), (loop / 2, loop / 2))
    gate = loop + 0.5
    values = [0.0, gate - 1e-5, gate + 1e-5, gate + 1 - 1e-5, gate + 1 + 1e-5, 0.0]
    found = swept(squid, "flux", values)
    assert np.array_equal(np.abs(found["fluxoids"].values[:-1, 0]), [0, 0, 1, 1, 2])
    assert np.array_equal(found["falls"].values[:-1], [0, 0, 1, 0, 1])
    back = found["fluxoids"].values[-1, 0]
    assert abs(back) == np.floor(min(2, loop + 0.5)), "on the way back until f − k = −L − ½"


@pytest.mark.thorough
def test_one_way_is_the_other_in_a_mirror():
    squid = squid_of((1.3, 0.7), (0.75, 0.75))
    up, down = (swept(squid, "flux", s * np.arange(0.0, 3.0, 0.25)) for s in (1, -1))
    assert np.array_equal(up["fluxoids"], -down["fluxoids"])
    np.testing.assert_allclose(up["plus"], down["minus"], rtol=1e-9)
    np.testing.assert_allclose(up["energy"], down["energy"], rtol=1e-9)


@pytest.mark.thorough
def test_finer_points_change_nothing():
    squid = squid_of((1.3, 0.7), (0.9, 0.4))
    coarse, fine = (
        swept(squid, "flux", [0, 1.0, 2.0, 3.0]),
        swept(squid, "flux", np.arange(31) / 10),
    )
    for name in ("plus", "minus", "fluxoids", "energy"):
        np.testing.assert_allclose(coarse[name], fine[name][::10], rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("size", [1e-9, pytest.param(1e9, marks=pytest.mark.thorough)])
def test_units_of_current(size):
    plain = swept(squid_of((1.3, 0.7), (0.75, 0.75)), "flux", UP_AND_DOWN)
    squid = squid_of((1.3 * size, 0.7 * size), (0.75 / size, 0.75 / size))
    found = swept(squid, "flux", UP_AND_DOWN)
    assert np.array_equal(found["fluxoids"], plain["fluxoids"])
    for name in ("plus", "minus", "energy"):
        np.testing.assert_allclose(found[name] / size, plain[name], rtol=1e-9)


@pytest.mark.thorough
def test_a_current_that_falls_lets_quanta_out():
    """Two quanta in a ring of L I = 3: with falling I they leave where |f − k| = L I + ½."""
    squid = squid_of((1.0, 1.0), (1.5, 1.5))
    held = swept(squid, "flux", [2.0, 0.0])
    assert np.array_equal(np.abs(held["fluxoids"].values[:, 0]), [2, 2])

    class Cooled(jd.continuation.AbstractContinuation):
        """The flux is taken away, then both critical currents fall."""

        inner: jd.continuation.RetainedFluxState

        def start(self, device):
            begun = self.inner.start(jd.replace(device, {"flux": 2.0}))
            return self.inner.advance(jd.replace(device, {"flux": 2.0}), begun)[1]

        def advance(self, device, state):
            return self.inner.advance(device, state)

    empty = jd.replace(squid, {"flux": 0.0})
    falling = [1.0, 0.501, 0.499, 0.1675, 0.1660, 0.01]
    axes = {"branches": np.stack([falling, falling], axis=1)}
    found = jd.sweep(Cooled(jd.continuation.RetainedFluxState()), empty, axes, along="branches")
    assert np.array_equal(np.abs(found["fluxoids"].values[:, 0]), [2, 2, 1, 1, 0, 0])


def rings(coupling, offset=(0.0, 0.0)):
    """Two equal rings of a junction and an inductor each, and a junction that is biased."""
    return jd.Circuit(
        {
            "J0": jd.Junction("in", "0", jd.TunnelJunction(1.0)),
            "J1": jd.Junction("1", "0", jd.TunnelJunction(1.0)),
            "L1": jd.Inductor("1", "0", 1.0, offset=offset[0]),
            "J2": jd.Junction("2", "0", jd.TunnelJunction(1.0)),
            "L2": jd.Inductor("2", "0", 1.0, offset=offset[1]),
        },
        terminals=("in", "0"), mutual={("L1", "L2"): coupling},
    )  # fmt: skip


class BothOffsets(jd.continuation.AbstractContinuation):
    """The same flux in both rings: the parameter is that of the first."""

    inner: jd.continuation.RetainedFluxState = jd.continuation.RetainedFluxState()

    def both(self, device):
        return jd.replace(device, {"elements.L2.offset": device.elements["L1"].offset})

    def start(self, device):
        return self.inner.start(self.both(device))

    def advance(self, device, state):
        return self.inner.advance(self.both(device), state)


@pytest.mark.parametrize("coupling", [-0.3, 0.3])
def test_a_fall_with_two_ends_is_said(coupling):
    """Rings that repel each other's quanta: one of them is first, nothing says which."""
    values = [0.0, 0.5, 1.0, 1.5, 2.0]
    axis = "elements.L1.offset"
    found = jd.sweep(BothOffsets(), rings(coupling), {axis: values}, along=axis)
    undecided = found["status"].values == jd.Status.FALL_UNDECIDED
    fallen = np.cumsum(found["falls"].values) > 0
    assert fallen.any()
    if coupling < 0:
        assert np.array_equal(undecided, fallen), (found["falls"].values, found["status"].values)
        assert np.all(np.isfinite(found["plus"]))
    else:
        assert not undecided.any()


def test_a_way_that_is_lost_stays_lost(monkeypatch):
    from jaxdiode.circuits import retained

    monkeypatch.setattr(retained, "_MOST", 12)
    jax.clear_caches()
    squid = squid_of((1.0, 1.0), (0.4, 0.4))
    found = swept(squid, "flux", [0.0, 0.5, 1.0, 2.0, 2.05, 2.1])
    jax.clear_caches()
    status = found["status"].values
    first = np.argmax(status != 0)
    assert 0 < first < 5
    assert np.all(status[:first] == 0)
    assert np.all(status[first:] == jd.Status.NOT_CONVERGED)
    assert np.all(np.isnan(found["plus"].values[first:]))
    assert np.all(np.isnan(found["fluxoids"].values[first:]))


def beside_a_jump(source):
    """A junction beside a small one that jumps; sin θ + 0.02 sin(θ_A/2) is the source."""
    shift = -(np.pi + 1.2) / (2 * np.pi)
    return jd.Circuit(
        {
            "J": jd.Junction("in", "0", jd.TunnelJunction(1.0)),
            "J0": jd.Junction("1", "0", jd.TunnelJunction(1.0)),
            "JA": jd.Junction("1", "0", jd.AndreevModes(0.02, 1.0), offset=shift),
        },
        terminals=("in", "0"), sources={"1": source},
    )  # fmt: skip


@pytest.mark.parametrize("steps", [1, 60])
def test_a_state_before_a_jump_is_kept_up_to_it(steps):
    """Behind it another is stable already, from where the source is less by twice the jump."""
    end = np.sin(1.2) - 0.02  # down from above θ = 1.2, where the small junction jumps
    values = np.concatenate([[0.0, 0.5, 0.955], np.linspace(0.955, end + 0.002, steps + 1)[1:]])
    found = swept(beside_a_jump(0.0), "sources.1", [*values, end - 0.002])
    kept = root(lambda x: np.sin(x) - 0.02 * np.cos((x - 1.2) / 2) - end - 0.002, 1.22).x[0]
    energy = 1 - np.cos(kept) + 0.04 * (1 - np.sin((kept - 1.2) / 2))
    assert np.all(found["status"] == 0)
    assert float(found["energy"][-2]) == pytest.approx(energy, abs=1e-9)
    assert np.array_equal(np.flatnonzero(found["falls"]), [2, len(values)]), "both ends, no other"


def test_falls_over_jumps_are_counted():
    ring = jd.Circuit(
        {
            "J0": jd.Junction("in", "0", jd.TunnelJunction(1.0)),
            "J": jd.Junction("1", "0", jd.AndreevModes(1.0, 1.0)),
            "L": jd.Inductor("1", "0", 0.005, offset=0.0),
        },
        terminals=("in", "0"),
    )
    found = swept(ring, "elements.L.offset", [0, 1.3, 2.7, 0])
    assert np.array_equal(np.abs(found["fluxoids"].values[:, 0]), [0, 1, 3, 0])
    assert np.array_equal(found["falls"], [0, 1, 2, 3])


@pytest.mark.thorough
def test_far_steps_of_the_axis():
    """Fifty quanta at once; cos θ = −1/(2πL) ends a state of a ring, at f − k = 2.256."""
    ring = jd.Circuit(
        {
            "J0": jd.Junction("in", "0", jd.TunnelJunction(1.0)),
            "J": jd.Junction("1", "0", jd.TunnelJunction(1.0)),
            "L": jd.Inductor("1", "0", 2.0, offset=0.0),
        },
        terminals=("in", "0"),
    )
    theta = np.arccos(-1 / (4 * np.pi))
    edge = 2 * np.sin(theta) + theta / (2 * np.pi)
    found = swept(ring, "elements.L.offset", [0.0, 50.0, 100.0, 98.6, 98.6, 300.0, 0.0])
    wanted = [0, np.ceil(50 - edge), np.ceil(100 - edge)]
    wanted += [wanted[-1]] * 2 + [np.ceil(300 - edge), np.floor(edge)]
    assert np.all(found["status"] == 0)
    assert np.array_equal(np.abs(found["fluxoids"].values[:, 0]), wanted)


def test_the_criterion_of_a_circuit():
    squid = squid_of((1.3, 0.7), (0.75, 0.75))
    for criterion, wanted in (("first", "first"), ("ramp", "ramp"), ("largest", "ramp")):
        circuit = squid.circuit()
        made = jd.Circuit(circuit.elements, circuit.terminals, criterion=criterion)
        assert made.continuation().criterion == wanted


@pytest.mark.thorough
def test_sources_are_injected_first():
    """A ring with a junction: a current into its node is as a flux −L i."""

    def ring(source, flux):
        return jd.Circuit(
            {
                "J0": jd.Junction("in", "0", jd.TunnelJunction(1.0)),
                "J": jd.Junction("1", "0", jd.TunnelJunction(1.0)),
                "L": jd.Inductor("1", "0", 2.0, offset=flux),
            },
            terminals=("in", "0"), sources={"1": source},
        )  # fmt: skip

    values = np.array([0.0, 0.8, 1.4, 2.0, 3.1])
    by_source = swept(ring(0.0, 0.0), "sources.1", values)
    by_flux = swept(ring(0.0, 0.0), "elements.L.offset", -2.0 * values)
    assert np.array_equal(by_source["fluxoids"], by_flux["fluxoids"])
    begun = swept(ring(3.1, 0.0), "sources.1", [3.1])
    assert np.array_equal(begun["fluxoids"][0], by_source["fluxoids"][-1])
    assert len(np.unique(by_source["fluxoids"])) > 1


@pytest.mark.thorough
def test_slopes_are_those_of_folds():
    squid = jd.replace(squid_of((1.3, 0.7), (0.75, 0.75)), {"flux": 1.1})
    follow = jd.continuation.RetainedFluxState()

    def plus(flux):
        device = jd.replace(squid, {"flux": flux})
        state = follow.start(jd.replace(squid, {"flux": 0.1}))
        return follow.advance(device, state)[0]["plus"]

    slope, step = float(jax.grad(plus)(1.1)), 1e-5
    assert slope == pytest.approx(float(plus(1.1 + step) - plus(1.1 - step)) / (2 * step), rel=1e-7)


def test_a_current_without_state_and_what_is_no_circuit():
    ring = jd.Circuit({"J": jd.Junction("1", "0", jd.TunnelJunction(1.0))}, terminals=("1", "0"),
                      sources={"1": 0.0})  # fmt: skip
    found = swept(ring, "sources.1", [0.0, 0.5, 1.5, 0.0])
    assert np.array_equal(found["status"][:2], [0, 0])
    np.testing.assert_allclose(found["plus"][:2], [1.0, 0.5], atol=1e-9)
    lost = found["status"].values[2:]
    assert np.all(lost == jd.Status.NO_ZERO_VOLTAGE_STATE)
    assert np.all(np.isnan(found["plus"][2:]))
    assert np.all(np.isnan(found["energy"][2:]))
    with pytest.raises(ValueError, match="unknown criterion"):
        jd.continuation.RetainedFluxState("largest")
    with pytest.raises(ValueError, match="device must be a Circuit"):
        swept(jd.TunnelJunction(1.0), "critical_current", [1.0, 2.0])
