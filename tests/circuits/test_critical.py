"""Critical currents of circuits against tables, an exhaustive search and closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.core.paths import elements_of, with_values
from jaxdiode.numerics.status import Status
from tests.circuits import networks
from tests.reference import triode, two_junctions

PRINTED = 1e-8

# critical currents, inductances, flux; I₊, I₋ largest = ramp; I₊, I₋ first
TWO = [
    ((1, 0.5), (0.25, 0.25), 0.1, 1.49580147, 1.22387789, 1.49580147, 1.22387789),
    ((1, 0.5), (0.25, 0.25), 0.3, 1.35333591, 0.77655902, 1.35333591, 0.77655902),
    ((1.3, 0.7), (0.75, 0.75), 0.1, 1.69578506, 1.63486854, 1.69578506, 1.47838869),
    ((1.3, 0.7), (0.75, 0.75), 0.3, 1.89792892, 1.82642162, 1.89792892, 1.25458104),
    ((1, 1), (0.1, 2.9), 0.1, 1.86732808, 1.79566956, 1.08302748, 1.14838087),
    # The sheet prints 1.21369972 for the last; the exhaustive search below gives …978.
    ((1, 1), (0.1, 2.9), 0.3, 1.97816451, 1.85846088, 1.01765510, 1.21369978),
]
SYMMETRIC = {
    0.5: (2, 1.90715944, 1.52620647, 1.02229899, 0.67198141),
    1.0: (2, 1.91683468, 1.63433202, 1.28940068, 1.04716362),
    5.0: (2, 1.95961095, 1.86939388, 1.77148951, 1.70423593),
}
FLUXES = (0.0, 0.1, 0.25, 0.4, 0.5)


def of_many(build, criterion, *arguments):
    """(I₊, I₋, status) of circuits of one topology, one compilation."""

    def one(*values):
        found = jd.critical_currents(build(*values), criterion)
        return found.plus, found.minus, found.status

    return tuple(map(np.asarray, jax.jit(jax.vmap(one))(*map(jnp.asarray, arguments))))


def columns(rows):
    return (np.array([row[k] for row in rows], float) for k in range(3))


@pytest.mark.slow
@pytest.mark.parametrize("criterion", ["largest", "ramp", "first"])
def test_two_junctions(criterion):
    """Tables a and b of the sheet."""
    rows = list(TWO)
    for beta, values in SYMMETRIC.items():
        for flux, value in zip(FLUXES, values, strict=True):
            if criterion != "first":
                rows.append(((1, 1), (beta / 4, beta / 4), flux, value, value))
    plus, minus, status = of_many(networks.squid, criterion, *columns(rows))
    skip = 2 if criterion == "first" else 0
    np.testing.assert_allclose(plus, [row[3 + skip] for row in rows], atol=PRINTED)
    np.testing.assert_allclose(minus, [row[4 + skip] for row in rows], atol=PRINTED)
    crossing = [row[2] == 0.5 for row in rows]
    tied = Status.LOBES_CROSS if criterion == "largest" else Status.GROUND_STATES_TIE
    np.testing.assert_array_equal(status, np.where(crossing, tied, Status.CONVERGED))


@pytest.mark.slow
def test_the_largest_of_random_squids_is_that_of_an_exhaustive_search():
    rng = np.random.default_rng(3)
    critical = rng.uniform(0.2, 1.5, (40, 2))
    inductance = 10 ** rng.uniform(-2, 0.3, (40, 2))
    flux = rng.uniform(-1, 1, 40)
    plus, minus, status = of_many(networks.squid, "largest", critical, inductance, flux)
    expected = [two_junctions.largest(*x) for x in zip(critical, inductance, flux, strict=True)]
    np.testing.assert_array_equal(status, Status.CONVERGED)
    np.testing.assert_allclose(np.stack([plus, minus], 1), expected, atol=1e-9)


@pytest.mark.slow
def test_gradients():
    """Of the sheet for b1, and every parameter of a bi-SQUID against differences."""

    def of_flux_current_inductance(x):
        circuit = networks.squid((x[1], 0.5), (x[2], 0.25), x[0])
        return jd.critical_currents(circuit).plus

    slope = jax.jit(jax.grad(of_flux_current_inductance))(jnp.array([0.2, 1.0, 0.25]))
    np.testing.assert_allclose(slope, [-0.8119670981, 1.1960305951, 0.8072686049], atol=1e-9)


@pytest.mark.thorough
@pytest.mark.parametrize("criterion", ["largest", pytest.param("ramp", marks=pytest.mark.slow)])
def test_gradients_of_a_network(criterion):
    """All kinds of parameters at once: I₊ jumps from one state to another between criteria."""
    circuit = jd.Circuit(
        networks.bi_squid(0.2, 0.15).elements,
        ("b", "0"),
        mutual={("L0", "L1"): 0.06},
        sources={"1": 0.2},
    )

    def both(circuit):
        found = jd.critical_currents(circuit, criterion)
        return jnp.stack([found.plus, found.minus])

    slopes = jax.tree.leaves(jax.jit(jax.jacrev(both))(circuit))
    value = jax.jit(both)
    given = jax.tree.leaves(circuit)
    for name, (leaf, index) in elements_of(circuit).items():
        here = float(jnp.ravel(given[leaf])[index])
        ahead, back = (
            value(with_values(circuit, [[(leaf, index)]], [here + h])) for h in (1e-5, -1e-5)
        )
        np.testing.assert_allclose(
            slopes[leaf].reshape(2, -1)[:, index], (ahead - back) / 2e-5, atol=1e-6, err_msg=name
        )


@pytest.mark.thorough
def test_networks_with_mutual_inductance():
    found = jd.critical_currents(networks.double_loop(0.2))
    np.testing.assert_allclose([found.plus, found.minus], [1.78284215, 1.80807441], atol=PRINTED)


@pytest.mark.slow
@pytest.mark.parametrize("criterion", ["largest", "ramp"])
def test_bi_squids(criterion):
    """Where both criteria differ although nothing has inertia."""
    rows = [
        (0.1, 0.0, 1.69353034, 1.63005238, 1.63005238),
        (0.2, 0.0, 1.69992059, 1.56938814, 1.56938814),
        (0.1, 0.15, 1.58660510, 1.43968445, 1.29735776),
        (0.2, 0.15, 1.52559094, 1.62126837, 1.19939156),
    ]
    flux, second = np.array(rows)[:, :2].T
    plus, minus, status = of_many(networks.bi_squid, criterion, flux, second)
    np.testing.assert_array_equal(status, Status.CONVERGED)
    np.testing.assert_allclose(plus, [row[2] for row in rows], atol=PRINTED)
    column = 3 if criterion == "largest" else 4
    np.testing.assert_allclose(minus, [row[column] for row in rows], atol=PRINTED)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("feed", "flux", "largest", "ramp", "minus"),
    [
        ("end", 0.1, 1.64253342, 1.46709617, 1.74391958),
        ("end", 0.2, 1.39693926, 1.19124644, 1.57893056),
        ("uniform", 0.2, 4.11870427, 4.11870427, 3.88206683),
    ],
)
def test_ladders(feed, flux, largest, ramp, minus):
    circuit = networks.ladder(flux, feed)
    for criterion, plus in (("largest", largest), ("ramp", ramp)):
        found = jd.critical_currents(circuit, criterion)
        np.testing.assert_allclose([found.plus, found.minus], [plus, minus], atol=PRINTED)


@pytest.mark.slow
def test_a_thousand_fluxes_of_a_ladder_in_one_call():
    flux = np.linspace(-0.5, 0.5, 1000)
    plus, minus, status = of_many(lambda f: networks.ladder(f, "end"), "largest", flux)
    known = np.isin(status, [Status.CONVERGED, Status.LOBES_CROSS])
    assert known.mean() >= 0.995
    assert np.isfinite(plus[known]).all()
    assert np.isnan(plus[~known]).all()
    np.testing.assert_allclose(plus, minus[::-1], atol=1e-9)  # time reversal


TRIODE = [
    (0.0, 0.0, 1.42312412, 1.42312412),
    (0.3, 0.0, 1.29819311, 1.48727946),
    (0.6, 0.0, 1.09244011, 1.49641447),
    (0.0, 0.2, 1.45660582, 1.13159314),
    (0.3, 0.2, 1.37148410, 1.24856308),
]


@pytest.mark.thorough
@pytest.mark.parametrize("criterion", ["largest", "ramp"])
def test_triode(criterion):
    control, flux, *expected = np.array(TRIODE).T
    plus, minus, status = of_many(networks.triode, criterion, control, flux)
    np.testing.assert_array_equal(status, Status.CONVERGED)
    np.testing.assert_allclose([plus, minus], expected, atol=PRINTED)


@pytest.mark.slow
def test_triode_with_inductors():
    rows = [(0.0, 1.35431435, 1.35431435), (0.3, 1.22581359, 1.46103562)]
    rows.append((0.6, 1.07089435, 1.47614303))
    control, *expected = np.array(rows).T
    plus, minus, _ = of_many(
        lambda c: networks.triode(c, 0.0, inductance=(0.2, 0.3, 0.4)), "largest", control
    )
    np.testing.assert_allclose([plus, minus], expected, atol=PRINTED)


@pytest.mark.slow
def test_a_window_of_currents_without_zero():
    """At I_B = .9 both ends are negative: the pair keeps its signs, and no ramp starts at zero."""
    circuit = networks.triode(0.9, 0.2)
    found = jd.critical_currents(circuit)
    assert found.status == Status.CONVERGED
    low, high = triode.window(0.9, 0.2)
    assert high < 0
    np.testing.assert_allclose([found.plus, found.minus], [high, -low], rtol=1e-10)
    assert found.efficiency < -1  # beyond a perfect diode; its inverse is within ±1
    ramp = jd.critical_currents(circuit, "ramp")
    assert ramp.status == Status.NO_ZERO_VOLTAGE_STATE
    assert np.isnan(ramp.plus)


@pytest.mark.slow
def test_narrow_windows_of_flux_states():
    """Near half a flux quantum tips of lobes hold stable states over parts of the range.

    Where all there is to find is narrower than 0.005 of 3.4 it may be missed: NaN, no wrong number.
    """
    rows = [(i, f) for f in (0.0, 0.2, 0.45, 0.5) for i in np.linspace(-1.18, 1.19, 40)]
    plus, minus, status = of_many(networks.triode, "largest", *np.array(rows).T)
    for k, (control, flux) in enumerate(rows):
        if any(stable for _, stable in triode.folds(control, flux)):
            low, high = triode.window(control, flux)
            for found, end in ((plus[k], high), (minus[k], -low)):
                missed = np.isnan(found) and high - low < 0.005
                assert missed or abs(found - end) < 1e-9, (control, flux)
        else:
            assert status[k] == Status.NO_ZERO_VOLTAGE_STATE
            assert np.isnan(plus[k])


C1 = (jd.SeriesJunctions(1, 0.9), 0.5), (0.15, 0.1)


@pytest.mark.parametrize(
    ("critical", "inductance", "flux", "plus", "minus", "first"),
    [
        (*C1, 0.3, 1.39108672, 0.62036518, 0.59070861),
        ((networks.AndreevWell(jnp.array(0.95)), 0.5), (0.5, 0.25), 0.45, 1.24160088, 1.12444723,
         0.43835303),
    ],
    ids=["series pair", "Andreev mode"],
)  # fmt: skip
@pytest.mark.slow
def test_multivalued_branches(critical, inductance, flux, plus, minus, first):
    """Table c."""
    circuit = networks.squid(critical, inductance, flux)
    found, early = (jd.critical_currents(circuit, c) for c in ("largest", "first"))
    np.testing.assert_allclose([found.plus, found.minus], [plus, minus], atol=PRINTED)
    np.testing.assert_allclose(early.minus, first, atol=PRINTED)


@pytest.mark.slow
def test_a_pair_is_two_junctions_and_a_node():
    """Unequal, nearly equal, and balanced, where the relation of the pair jumps."""

    def split(second):
        elements = {
            "Ja": networks.tunnel("1", "x", 1.0),
            "Jb": networks.tunnel("x", "0", second),
            "J1": networks.tunnel("2", "0", 0.5),
            "L0": jd.Inductor("in", "1", 0.15),
            "L1": jd.Inductor("in", "2", 0.1, offset=-0.3),
        }
        return jd.Circuit(elements, ("in", "0"))

    def pair(second):
        return networks.squid((jd.SeriesJunctions(1.0, second), 0.5), (0.15, 0.1), 0.3)

    second = np.array([0.9, 0.999, 1.0])
    of_pairs, of_splits = (of_many(build, "largest", second) for build in (pair, split))
    np.testing.assert_array_equal([of_pairs[2], of_splits[2]], Status.CONVERGED)
    np.testing.assert_allclose(of_pairs[:2], of_splits[:2], atol=1e-10)


@pytest.mark.thorough
def test_linear_links():
    """Every fluxoid state is a window of θ: its ends in closed form."""
    rows = [
        ((1.0, 1.0), (10.0, 10.0), 0.1),
        ((1.0, 0.6), (12.0, 7.0), 0.3),
        ((2.0, 0.5), (30.0, 3.0), 0.77),
        ((1.0, 0.3), (2.0, 2.5), 0.3),
    ]
    current, phase = (np.array([row[k] for row in rows]) for k in (0, 1))
    flux = np.array([row[2] for row in rows])
    plus, minus, _ = of_many(networks.links, "largest", current, phase, flux)
    for k, ((i, j), (a, b), f) in enumerate(rows):
        ends = []
        for n in range(-12, 13):
            shift = 2 * np.pi * (-f - n)
            low, high = max(-a, -b - shift), min(a, b - shift)
            if low <= high:
                ends.append([i / a * x + j / b * (x + shift) for x in (low, high)])
        low, high = np.array(ends).T
        np.testing.assert_allclose([plus[k], minus[k]], [high.max(), -low.min()], atol=1e-12)


@pytest.mark.slow
def test_other_units():
    scale = np.array([1.0, 1e-9, 1e9])
    critical, inductance = np.outer(scale, [1.3, 0.7]), np.outer(1 / scale, [0.75, 0.75])
    for criterion in ("largest", "ramp"):
        found = of_many(networks.squid, criterion, critical, inductance, np.full(3, 0.3))
        for current in found[:2]:
            np.testing.assert_allclose(current / scale, current[0], rtol=1e-11)


@pytest.mark.slow
def test_a_ramp_depends_on_the_shunts_but_not_on_their_unit():
    """Also a resistor in two parts; nodes without superconductor carry no current to the ground."""
    elements = networks.bi_squid(0.2, 0.15).elements

    def minus(scale, split):
        shunts = {
            name: jd.Junction(*x.nodes, x.relation, offset=x.offset, resistance=scale * r)
            for (name, x), r in zip(elements.items(), (1.0, 3.0, 0.5), strict=False)
        }
        rest = {name: x for name, x in elements.items() if name not in shunts}
        more = {"Ra": jd.Resistor("b", "0", 2 * scale)}
        if split:
            more = {"Ra": jd.Resistor("b", "x", scale), "Rb": jd.Resistor("x", "0", scale)}
        circuit = jd.Circuit({**shunts, **rest, **more}, ("b", "0"))
        return circuit.statics()

    one, other, parts = minus(1.0, False), minus(1e4, False), minus(1.0, True)
    np.testing.assert_allclose(other.conductance, one.conductance, rtol=1e-12)
    np.testing.assert_allclose(parts.conductance, one.conductance, rtol=1e-7)
    np.testing.assert_allclose(other.shunts, one.shunts, rtol=1e-12)


@pytest.mark.slow
def test_several_islands():
    """A resistor between islands leaves static currents alone; how a ramp falls is not known."""
    squid = networks.squid((1.0, 0.5), (0.25, 0.25), 0.1)
    island = {"K": networks.tunnel("far", "away", 1.0), "R": jd.Resistor("in", "far", 1.0)}
    circuit = jd.Circuit({**squid.elements, **island}, ("in", "0"))
    found, alone = jd.critical_currents(circuit), jd.critical_currents(squid)
    np.testing.assert_allclose(found.plus, alone.plus, rtol=1e-10)
    with pytest.raises(ValueError, match=r"criterion must be 'largest' .* several superconducting"):
        jd.critical_currents(circuit, "ramp")


@pytest.mark.slow
def test_inductances_and_fluxes_may_be_large():
    """Fluxoid states by the hundred, and 2πLI of 300 radians: against the exhaustive search."""
    rows = [
        ((1.0, 1.0), (12.0, 12.0), 0.3),
        ((1.0, 1.0), (20.0, 20.0), 0.3),
        ((1.0, 1.0), (50.0, 50.0), 0.3),
        ((1.0, 0.5), (20.0, 0.1), 0.3),
        ((1.0, 0.5), (100.0, 0.1), 0.3),
    ]
    plus, minus, status = of_many(networks.squid, "largest", *columns(rows))
    expected = np.array([two_junctions.largest(*row) for row in rows])
    known = status == Status.CONVERGED
    assert known[:2].all()
    np.testing.assert_allclose(np.stack([plus, minus], 1)[known], expected[known], atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("criterion", ["largest", "first"])
def test_periodic_in_every_flux(criterion):
    flux = np.array([0.1, 1.1, 8.1, 20.1])
    critical, inductance = np.ones((4, 2)), np.tile([0.1, 2.9], (4, 1))
    found = of_many(networks.squid, criterion, critical, inductance, flux)
    for current in found[:2]:
        np.testing.assert_allclose(current, current[0], rtol=1e-9)


@pytest.mark.thorough
def test_a_wire_around_the_junction_carries_any_current():
    circuit = jd.Circuit(
        {"J": networks.tunnel("1", "0", 1.0), "L": jd.Inductor("1", "0", 1.0)}, ("1", "0")
    )
    with pytest.raises(ValueError, match="inductors alone from '1' to '0'"):
        jd.critical_currents(circuit)


@pytest.mark.slow
def test_an_inductance_in_series_changes_nothing():
    def behind(lead):
        elements = networks.squid((1, 0.5), (0.25, 0.25), 0.3).elements
        return jd.Circuit({**elements, "lead": jd.Inductor("source", "in", lead)}, ("source", "0"))

    plus, minus, status = of_many(behind, "ramp", np.array([0.0, 5.0, 300.0]))
    np.testing.assert_array_equal(status, Status.CONVERGED)
    np.testing.assert_allclose(plus, 1.35333591, atol=PRINTED)
    np.testing.assert_allclose(minus, 0.77655902, atol=PRINTED)
