"""Circuits in time: tables f to h of shared/physics/circuits.md, exact results, units."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.dynamics.network import noise as noises
from tests.circuits import networks
from tests.circuits.networks import with_shunts

B1 = (1.0, 0.5), (0.25, 0.25)
B3 = (1.3, 0.7), (0.75, 0.75)


def resistive(name="1", relation=None, **settings):
    """One junction with a shunt."""
    relation = jd.TunnelJunction(1.0) if relation is None else relation
    junction = jd.Junction(name, "0", relation, resistance=1.0)
    return jd.Circuit({"J": junction}, (name, "0"), **settings)


def in_units(circuit, factor):
    """Currents in a unit `factor` times smaller; those of time and C are as many times larger."""

    def turn(path, leaf):
        names = [getattr(step, "name", getattr(step, "key", None)) for step in path]
        last = names[-1]
        if "offset" in names or last in ("resistance", "phase"):
            return leaf
        if last in ("inductance", "capacitance"):
            return leaf / factor
        return leaf * factor

    return jax.tree_util.tree_map_with_path(turn, circuit)


SQUID_VOLTAGES = {
    0.0: {1.9: 0.0, 2.5: 0.85037498, 3.5: 1.56586027},
    0.25: {1.6: 0.0, 1.9: 0.45859721, 2.5: 0.82939429, 3.5: 1.51384004},
}


@pytest.mark.slow
@pytest.mark.parametrize("flux", SQUID_VOLTAGES)
def test_squid_with_capacitance_has_the_sheets_voltages(flux):
    squid = with_shunts(networks.squid((1.0, 1.0), (0.25, 0.25), flux), capacitance=0.5)
    known = SQUID_VOLTAGES[flux]
    curve = jd.iv_curve(squid, list(known))
    for voltage in (curve.up, curve.down):
        assert voltage == pytest.approx(list(known.values()), abs=2e-8)
    assert np.all(curve.status == 0)


@pytest.mark.slow
@pytest.mark.parametrize(("capacitance", "runs"), [(None, False), (10.0, False), (30.0, True)])
def test_past_its_first_fold_a_squid_is_caught_unless_it_is_heavy(capacitance, runs):
    squid = with_shunts(networks.squid(*B3, 0.24), capacitance=capacitance)
    # Up to the fold at −1.32217, then on: where a heavy phase is caught depends on how it falls.
    curve = jd.iv_curve(squid, [-1.326, -1.322, -1.3, -1.0, 0.0])
    assert float(curve.down[0]) == pytest.approx(-0.661 if runs else 0.0, abs=5e-4)


RECTIFIED = [
    (B1, 0.9, 0.02, -1),
    (B1, 1.1, 0.02, -3),
    (B1, 0.9, 0.1, 0),
    (B1, 1.1, 0.1, 0),
    (B3, 2.2, 0.02, -1),
]


@pytest.mark.slow
@pytest.mark.parametrize(("branches", "amplitude", "frequency", "slips"), RECTIFIED)
def test_a_screened_diode_rectifies_whole_slips(branches, amplitude, frequency, slips):
    drive = jd.Drive(frequency, 1.0, phase=-np.pi / 2)
    squid = with_shunts(networks.squid(*branches, 0.3), drive=drive)
    found = jd.rectified_voltage(squid, [amplitude])
    assert float(found.voltage[0]) / frequency == slips
    assert float(found.error[0]) == 0.0


@pytest.mark.thorough
def test_bridge_rectifier():
    curve = jd.iv_curve(networks.bridge(), [-2.0, -1.45, 1.45, 2.0], between=("1", "2"))
    assert curve.up == pytest.approx([-0.43179211, 0.0, 0.0, -0.43179211], abs=2e-8)
    found = jd.rectified_voltage(
        networks.bridge(drive=jd.Drive(0.05, 1.0)), [1.0, 2.0], between=("1", "2")
    )
    assert np.array_equal(found.voltage / 0.05, [0.0, -2.0])


@pytest.mark.thorough
def test_single_junction_is_exact():
    bias = np.array([0.5, 1.01, 1.5, 4.0])
    curve = jd.iv_curve(resistive(), bias)
    exact = np.sqrt(np.maximum(bias**2 - 1, 0.0))
    assert np.asarray(curve.up) == pytest.approx(exact, abs=1e-9)
    shunted = jd.iv_curve(jd.Shunted(jd.TunnelJunction(1.0), 0.5), [0.9, 1.2])
    circuit = with_shunts(resistive(), capacitance=4.0)  # β = 1/√β_c, times √β_c longer
    heavy = np.asarray(jd.iv_curve(circuit, [0.9, 1.2]).up)
    assert heavy == pytest.approx(np.asarray(shunted.up) / 2, abs=1e-7)


@pytest.mark.slow
def test_shapiro_steps_of_a_circuit_end_where_the_sheet_says():
    """Edges of i₀ at Ω = i₁ = 1: n = 0 up to .78268372838, n = 1 from exactly 1."""
    driven = resistive(drive=jd.Drive(1.0, 1.0))
    bias = [0.7825, 0.7829, 0.9999, 1.0001, 1.6535, 1.6539]
    curve = jd.iv_curve(driven, bias)
    locked = curve.up[np.array([0, 3, 4])]
    assert np.array_equal(locked, [0.0, 1.0, 1.0])
    between = np.array([1, 2, 5])
    assert np.all(np.abs(curve.up[between] - np.round(curve.up[between])) > 1e-3)


def _split(parts):
    """B3 with its first inductor in one piece, in two, or with a wire."""
    squid = with_shunts(networks.squid(*B3, 0.24))
    kept = {name: x for name, x in squid.elements.items() if name != "L0"}
    values = {1: (0.75,), 2: (0.25, 0.5), 3: (0.75, 0.0)}[parts]
    ends = ["in", *(f"x{k}" for k in range(len(values) - 1)), "1"]
    pieces = {f"L0{k}": jd.Inductor(ends[k], ends[k + 1], value) for k, value in enumerate(values)}
    return jd.Circuit(kept | pieces, ("in", "0"))


@pytest.mark.slow
def test_a_divided_inductor_changes_nothing():
    voltages = [np.asarray(jd.iv_curve(_split(k), [1.9, 2.2]).up) for k in (1, 2, 3)]
    for voltage in voltages[1:]:
        assert voltage == pytest.approx(voltages[0], abs=1e-9)
    short = _split(3)
    path = jd.trajectory(short, 2.2, duration=30.0)
    wire = path.nodes.index("x0"), path.nodes.index("1")
    apart = path.node_phase[:, wire[0]] - path.node_phase[:, wire[1]]
    assert np.max(np.abs(apart - apart[0])) < 1e-9


SINGULAR = {
    "every branch of a triode inductive": (
        lambda: networks.triode(0.3, 0.0, inductance=(0.2, 0.3, 0.4)), 1.22581359
    ),
    "bi-SQUID": (lambda: networks.bi_squid(0.1, 0.15), 1.58660510),
    "double loop with mutual inductances": (lambda: networks.double_loop(0.2), 1.78284215),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", SINGULAR)
def test_nodes_without_impedance_move_as_their_neighbours_let_them(name):
    """A voltage from the critical current of the sheet on, and the energy is balanced."""
    build, critical = SINGULAR[name]
    circuit = with_shunts(build())
    curve = jd.iv_curve(circuit, [critical - 2e-3, critical + 2e-3], tolerance=1e-3)
    assert float(curve.up[0]) == 0.0
    assert float(curve.up[1]) > 1e-2
    assert_energy_is_balanced(circuit, critical + 0.5)


def assert_energy_is_balanced(circuit, bias):
    """∫Iv dτ is what the shunts take and what is stored."""
    path = jd.trajectory(circuit, bias, duration=60.0, samples=6001)
    step = float(path.time[1])
    drops = np.asarray(circuit.network().of_junctions.T @ path.voltage.T).T
    spent = np.sum(drops**2, axis=1)
    into = np.asarray(circuit.network().into) * bias
    into = into + np.asarray(circuit.network().sources * circuit.network().current)
    given = np.asarray(path.voltage) @ into
    half = slice(3000, None)
    whole = [step * np.sum((x[half][1:] + x[half][:-1]) / 2) for x in (given, spent)]
    stored = _stored(circuit, path, -1) - _stored(circuit, path, 3000)
    assert whole[0] == pytest.approx(whole[1] + stored, rel=2e-5)


def _stored(circuit, path, k):
    matrix = 2 * np.pi * np.asarray(circuit.inductance_matrix())
    through = np.asarray(path.inductor_current)[k]
    junctions = circuit.named(jd.Junction)
    most = np.array([float(junctions[n].relation.critical_current) for n in path.junctions])
    return through @ matrix @ through / 2 + most @ (1 - np.cos(np.asarray(path.phase)[k]))


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_units_of_current_change_nothing(factor):
    squid = with_shunts(networks.squid(*B3, 0.24), capacitance=2.0)
    plain = jd.iv_curve(squid, [1.5, 2.2])
    scaled = in_units(squid, factor)
    curve = jd.iv_curve(scaled, factor * np.array([1.5, 2.2]))
    same = np.asarray(plain.up)
    assert np.asarray(curve.up) / factor == pytest.approx(same, rel=1e-9, abs=1e-12)


@pytest.mark.slow
def test_large_currents_see_the_resistors_alone():
    circuit = with_shunts(networks.squid(*B1, 0.3))
    assert float(jd.iv_curve(circuit, [200.0]).up[0]) == pytest.approx(100.0, rel=1e-4)


THERMAL = [
    (None, 0.1, {1.0: 0.36895324576, 1.5: 1.1244248923}),
    (None, 0.5, {0.3: 0.07629622306, 1.0: 0.62652318742}),
    ("diode", 0.1, {-0.9: -0.00789195374, 0.4: 5.118406456e-4, 0.9: 0.43297460978}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("relation", "noise", "known"), THERMAL)
def test_thermal_voltages_within_four_standard_errors(relation, noise, known):
    kind = None if relation is None else jd.Harmonics([1.0, 0.0], [0.0, 0.5])
    circuit = resistive(relation=kind)
    curve = jd.iv_curve(circuit, list(known), noise=noise, samples=400, duration=400.0, key=3)
    exact = np.array(list(known.values()))
    assert np.all(np.abs(curve.up - exact) < 4 * curve.up_error)
    assert np.all(curve.up_error < 0.02 * np.max(np.abs(exact)))


def _shared():
    """Two nodes with a resistor between them and a shunt at one."""
    return jd.Circuit(
        {
            "J": jd.Junction("1", "0", jd.TunnelJunction(0.01), resistance=2.0),
            "K": jd.Junction("2", "0", jd.TunnelJunction(0.01), capacitance=1.0),
            "R": jd.Resistor("1", "2", 0.5),
            "L1": jd.Inductor("1", "0", 0.2),
            "L2": jd.Inductor("2", "0", 0.3),
        },
        ("1", "0"),
    )


@pytest.mark.slow
def test_noise_of_a_shared_resistor_is_correlated():
    """⟨ξξᵀ⟩ = 2γG with −1/R between its nodes; and every inductor has 2πL⟨I²⟩ = γ."""
    circuit = _shared()
    network = circuit.network()
    assert circuit.nodes == ("1", "2")
    assert np.asarray(circuit.conductance_matrix()) == pytest.approx(
        np.array([[2.5, -2.0], [-2.0, 2.0]])
    )
    assert np.asarray(circuit.capacitance_matrix()) == pytest.approx(np.diag([0.0, 1.0]))
    gamma = 0.3 / network.current
    steps = noises.steps_of(network, gamma, jnp.zeros(()))
    normals = jax.random.normal(jax.random.key(0), (200_000, network.resistors.shape[1]))
    kicks = normals @ steps.kick.T
    drawn = kicks.T @ kicks / len(normals) * steps.size
    assert np.asarray(drawn) == pytest.approx(2 * np.asarray(gamma * network.conductance), rel=0.02)

    lanes = 4000
    start = network.at_rest(*circuit.rest())
    state = tuple(jnp.broadcast_to(x, (lanes, x.size)) for x in start)
    none = jnp.zeros((lanes, start.q.size))

    def step(state, key):
        x = jax.random.normal(key, (lanes, network.resistors.shape[1]))
        return noises.one_step(network, steps, state, none, x), None

    (q, _), _ = jax.lax.scan(step, state, jax.random.split(jax.random.key(1), 4000))
    through = np.asarray(q)[:, 2:] * float(network.current)
    stored = 2 * np.pi * np.array([0.2, 0.3]) * np.mean(through**2, axis=0)
    assert stored == pytest.approx(0.3, rel=4 * np.sqrt(2 / lanes))


@pytest.mark.thorough
def test_trajectory_of_three_nodes_against_scipy():
    """Bi-SQUID: node b eliminated by hand, an explicit equation for SciPy."""
    from scipy.integrate import solve_ivp

    circuit = with_shunts(networks.bi_squid(0.1, 0.15))
    bias, turn = 2.0, 2 * np.pi
    path = jd.trajectory(circuit, bias, duration=25.0, samples=26)
    conductance = np.array([[2.0, -1.0], [-1.0, 2.0]])  # J₀ and J₂ at 1, J₁ and J₂ at 2

    def rates(_, phase):
        one, two = phase
        # In b: I_a + I_b = bias, b − 1 = 2π·.4 I_a, b − 2 − 2π·.1 = 2π·.3 I_b.
        b = (bias + one / (turn * 0.4) + (two + turn * 0.1) / (turn * 0.3)) / (
            1 / (turn * 0.4) + 1 / (turn * 0.3)
        )
        first, second = (b - one) / (turn * 0.4), (b - two - turn * 0.1) / (turn * 0.3)
        middle = 0.5 * np.sin(one - two)
        out = np.array([np.sin(one) + middle, 0.7 * np.sin(two - turn * 0.15) - middle])
        return np.linalg.solve(conductance, np.array([first, second]) - out)

    places = [path.nodes.index(node) for node in "12"]
    start = np.asarray(path.node_phase)[0, places]
    exact = solve_ivp(rates, (0, 25), start, t_eval=path.time, rtol=1e-11, atol=1e-12)
    assert np.asarray(path.node_phase)[:, places] == pytest.approx(exact.y.T, abs=1e-7)


UNMOVED = [
    ("its phase jumps", {"J": jd.Junction("1", "0", jd.TunnelJunction(1.0))}),
    (
        "'7' floats",
        {
            "J": jd.Junction("1", "0", jd.TunnelJunction(1.0), resistance=1.0),
            "R": jd.Resistor("7", "8", 1.0),
        },
    ),
    (
        "slips",
        {"J": jd.Junction("1", "0", jd.LinearLink(1.0, 5.0), resistance=1.0)},
    ),
    (
        "hold '7'",
        {
            "J": jd.Junction("1", "0", jd.TunnelJunction(1.0), resistance=1.0),
            "C": jd.Capacitor("7", "1", 0.0),
        },
    ),
]


@pytest.mark.parametrize(("said", "elements"), UNMOVED)
def test_what_has_no_equation_of_motion_is_named(said, elements):
    circuit = jd.Circuit(elements, ("1", "0"))
    with pytest.raises(ValueError, match=said):
        jd.iv_curve(circuit, [1.0])
    with pytest.raises(ValueError, match=said):
        jd.trajectory(circuit, 1.0)


def test_errors_in_time():
    circuit = resistive()
    with pytest.raises(ValueError, match="node of between 'x'"):
        jd.iv_curve(circuit, [1.0], between=("1", "x"))
    with pytest.raises(ValueError, match="between must be left out"):
        jd.iv_curve(jd.Shunted(jd.TunnelJunction(1.0)), [1.0], between=("1", "0"))
    with pytest.raises(ValueError, match="without a drive"):
        jd.rectified_voltage(circuit, [1.0])
    with pytest.raises(ValueError, match=r"drive\.frequency must be between"):
        jd.iv_curve(resistive(drive=jd.Drive(1e9, 1.0)), [1.0])
    with pytest.raises(ValueError, match="drive must be None for critical currents"):
        jd.critical_currents(resistive(drive=jd.Drive(1.0, 1.0)))
    with pytest.raises(ValueError, match=r"start\[0\] must have length 1"):
        jd.trajectory(circuit, 1.0, start=([0.0, 0.0], [0.0, 0.0]))
    with pytest.raises(ValueError, match="longest must be at least duration"):
        jd.iv_curve(circuit, [1.0], duration=100.0, longest=10.0)
