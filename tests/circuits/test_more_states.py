"""Static states and folds with links and injected currents; a circuit through all verbs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.numerics.status import Status
from tests.circuits import networks
from tests.helpers import slow


@pytest.mark.thorough
def test_states_of_links_in_closed_form():
    """x i/a + (x + s) j/b = p in every window |x| ≤ a, |x + s| ≤ b of a fluxoid, all stable."""
    (i, j), (a, b), flux, level = (1.0, 0.6), (12.0, 7.0), 0.3, 0.2
    states = jd.static_states(networks.links((i, j), (a, b), flux), level)
    expected = []
    for n in range(-8, 9):
        shift = -2 * np.pi * (flux + n)
        x = (level - j / b * shift) / (i / a + j / b)
        if abs(x) <= a and abs(x + shift) <= b:
            expected.append((i / a * x, j / b * (x + shift)))
    found = states.junction_currents[np.argsort(states.junction_currents[:, 0])]
    np.testing.assert_allclose(found, sorted(expected), atol=1e-9)
    assert states.stable.all()
    energy = (np.array([a / i, b / j]) * states.junction_currents**2).sum(1) / 2
    np.testing.assert_allclose(states.energy, energy, atol=1e-9)


@pytest.mark.thorough
def test_folds_of_a_junction_beside_a_link():
    """cos x = −j/b, x + s within the link's critical phase: one fold each way per fluxoid."""
    j, b, flux = 1.0, 10.0, 0.1
    circuit = jd.Circuit(
        {
            "A": networks.tunnel("in", "0", 1.0),
            "B": jd.Junction("in", "0", jd.LinearLink(j, b), offset=-flux),
        },
        ("in", "0"),
    )
    folds = jd.folds(circuit)
    turn = np.arccos(-j / b)
    expected = []
    for n in range(-5, 6):
        for x in (turn, -turn):
            theta = x - 2 * np.pi * (flux + n)
            if abs(theta) <= b:
                expected.append(np.sin(x) + j / b * theta)
    np.testing.assert_allclose(folds.current, sorted(expected), atol=1e-9)
    assert folds.stable.all()


@pytest.mark.slow
def test_states_and_folds_with_injected_currents():
    """Currents of the nodes add up; the outermost stable folds are the critical currents."""
    circuit = networks.triode(0.3, 0.2)
    states = jd.static_states(circuit, 0.5)
    flows = dict(zip(states.junctions, states.junction_currents.T, strict=True))
    np.testing.assert_allclose(flows["AC"] + flows["AB"], 0.5, atol=1e-10)
    np.testing.assert_allclose(flows["BC"] - flows["AB"], 0.3, atol=1e-10)
    assert states.stable.any()
    folds = jd.folds(circuit)
    ends = folds.current[folds.stable]
    np.testing.assert_allclose([ends.max(), -ends.min()], [1.37148410, 1.24856308], atol=1e-8)


@slow
def test_a_search_cut_short():
    """More flux states than are looked at: values with a status, never CONVERGED."""
    circuit = networks.squid((1.0, 1.0), (3000.0, 3000.0), 0.3)
    found = jd.critical_currents(circuit)
    assert found.status == Status.SEARCH_CUT_SHORT
    assert 0 < found.plus <= 2
    with pytest.raises(ValueError, match="at most 4096 flux states"):
        jd.folds(circuit)


def chain(folder, unit):
    """η of a circuit saved, loaded and designed, over flux; inductances fitted back."""
    circuit = networks.squid((1.3 * unit, 0.7 * unit), (0.2 / unit, 0.1 / unit), 0.2)
    jd.save(folder / "circuit.json", circuit)
    circuit = jd.load(folder / "circuit.json")
    flux = np.linspace(0.05, 0.45, 5)
    data = jd.sweep(jd.critical_currents, circuit, {"elements.L1.offset": -flux}, progress=False)
    best = jd.maximise(
        lambda c: abs(jd.diode_efficiency(c)),
        jd.Space(circuit, {"elements.L1.offset": (-0.5, 0.0)}),
        key=0, starts=4, steps=10, polish=30, rounds=1, progress=False,
    )  # fmt: skip

    def model(circuit, flux):
        def at(x):
            moved = jd.Space(circuit, {"elements.L1.offset": (-1, 1)}).insert(-x[None])
            found = jd.critical_currents(moved)
            return jnp.stack([found.plus, found.minus])

        return jax.vmap(at)(flux)

    space = jd.Space(
        networks.squid((1.3 * unit, 0.7 * unit), (0.15 / unit, 0.15 / unit), 0.2),
        {f"elements.L{k}.inductance": (0.01 / unit, 0.4 / unit) for k in (0, 1)},
    )
    measured = np.stack([data["plus"], data["minus"]], -1)
    fitted = jd.fit(
        model, space, measured, 1e-3 * unit, arguments=[jnp.asarray(flux)], progress=False
    )
    return best.value, np.asarray(data["efficiency"]), fitted.values * unit


@slow
def test_a_chain_of_verbs_in_three_units(tmp_path):
    value, efficiency, inductance = chain(tmp_path, 1.0)
    np.testing.assert_allclose(inductance, [0.2, 0.1], atol=1e-6)
    for unit in (1e-9, 1e9):
        other = chain(tmp_path, unit)
        np.testing.assert_allclose(other[1], efficiency, atol=1e-9)
        np.testing.assert_allclose(other[2], [0.2, 0.1], atol=1e-6)
        np.testing.assert_allclose(other[0], value, atol=1e-9)
