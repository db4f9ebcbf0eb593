"""All static states and folds of a circuit."""

import numpy as np
import pytest

import jaxdiode as jd
from tests.circuits import networks
from tests.reference import two_junctions

B3 = (1.3, 0.7), (0.75, 0.75)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("critical", "inductance", "flux"), [(*B3, 0.24), ((1.0, 1.0), (0.1, 2.9), 0.3)]
)
def test_folds_are_those_of_an_exhaustive_search(critical, inductance, flux):
    found = jd.folds(networks.squid(critical, inductance, flux))
    expected = two_junctions.folds(critical, inductance, flux)
    np.testing.assert_allclose(found.current, [x for x, _ in expected], atol=1e-9)
    np.testing.assert_array_equal(found.stable, [stable for _, stable in expected])
    assert np.all(found.status == 0)


@pytest.mark.thorough
def test_static_states_balance():
    """Currents of the nodes and phases around the loop add up, and states lie between folds."""
    circuit = networks.squid(*B3, 0.24)
    states = jd.static_states(circuit, 0.1)
    assert len(states.energy) == 8
    folds = jd.folds(circuit)
    # Between two neighbouring folds the number of states changes by two.
    more = jd.static_states(circuit, 0.8)
    between = np.sum((folds.current > 0.1) & (folds.current < 0.8))
    assert abs(len(more.energy) - len(states.energy)) <= 2 * between
    np.testing.assert_allclose(states.junction_currents.sum(1), 0.1, atol=1e-10)
    around = (
        states.phases[:, 0]
        - states.phases[:, 1]
        + 2 * np.pi * (states.inductor_currents @ np.array([0.75, -0.75]))
    )
    turns = (around - 2 * np.pi * 0.24) / (2 * np.pi)
    np.testing.assert_allclose(turns, np.round(turns), atol=1e-9)
    assert np.all(np.diff(states.energy) >= 0)
    assert states.stable[0]


@pytest.mark.thorough
def test_save_and_load(tmp_path):
    circuit = networks.double_loop(0.2)
    states = jd.folds(networks.squid(*B3, 0.24))
    for name, thing in (("circuit", circuit), ("folds", states)):
        jd.save(tmp_path / f"{name}.json", thing)
        back = jd.load(tmp_path / f"{name}.json")
        assert repr(back) == repr(thing)
    assert jd.load(tmp_path / "circuit.json").graph() == circuit.graph()
