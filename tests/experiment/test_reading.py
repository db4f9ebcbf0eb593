"""Measurements in text files as observables predict them."""

import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.experiment import read_observable


def write(path, text):
    path.write_text(text)
    return path


def test_a_curve_in_other_units_and_order(tmp_path):
    path = write(tmp_path / "iv.csv", "I (uA),V (uV)\n2,3.5\n1,0.1\n3,5.6\n")
    columns = {"current": "I", "voltage": "V"}
    options = {"noise": 50.0, "resistance": 2e-3}
    found = read_observable(path, "VoltageCurve", options, unit="nA", columns=columns)
    np.testing.assert_allclose(found.observable.current, [1000, 2000, 3000])
    np.testing.assert_allclose(found.data, [0.1, 3.5, 5.6])


def test_edges_of_steps(tmp_path):
    text = "power,lower 1,upper 1,lower 1/2,upper 1/2\n0.5,0.4,0.6,0.2,0.25\n1,0.3,0.7,0.1,0.2\n"
    path = write(tmp_path / "steps.csv", text)
    found = read_observable(path, "ShapiroEdges", {"orders": [1, (1, 2)]}, axes=("power",))
    np.testing.assert_allclose(found.data[0], [[0.4, 0.3], [0.2, 0.1]])
    np.testing.assert_allclose(found.data[1], [[0.6, 0.7], [0.25, 0.2]])
    np.testing.assert_allclose(found.along, [0.5, 1])


def test_events_become_counts(tmp_path):
    random = np.random.default_rng(0)
    events = random.normal([90.0, -80.0], 1.0, (500, 2))
    np.savetxt(tmp_path / "events.csv", events, header="plus,minus", delimiter=",")
    options = {"noise": 1.0, "rate": 1e-3}
    found = read_observable(tmp_path / "events.csv", "SwitchingHistogram", options, bins=30)
    for roots in found.data:
        assert np.sum((roots / 2) ** 2 - 0.375) == pytest.approx(500)
    assert found.sigma == 1.0
    assert isinstance(found.observable, jd.experiment.SwitchingHistogram)


CURVE = {"noise": 1.0, "resistance": 1.0}
ERRORS = {
    "kind": (("Voltage", {}), "unknown observable 'Voltage'"),
    "axes": (("VoltageCurve", CURVE, {"axes": ("B",)}), "axes must be left out"),
    "option": (("VoltageCurve", {**CURVE, "noize": 1}), "unknown argument of VoltageCurve"),
    "needed": (("VoltageCurve", {"noise": 1.0}), "needs the argument 'resistance'"),
    "read": (("VoltageCurve", {**CURVE, "current": [1.0]}), "is read from the file"),
    "orders": (("ShapiroEdges", {}), "needs 'orders'"),
    "no list": (("ShapiroEdges", {"orders": 3}), "orders must be a list"),
    "rows": (("ShapiroEdges", {"orders": [1]}), "must hold one row without axes, got 3"),
    "missing": (("VoltageCurve", CURVE, {"columns": {"voltage": "odd"}}), "line 3"),
    "energies": (
        (
            "DensityOfStates",
            {"broadening": 0.1},
            {"columns": {"energy": "energy (meV)", "density": "odd"}},
        ),
        "must hold energy in units of k_BT_c, got meV",
    ),
    "bins": (("SwitchingHistogram", {"noise": 1, "rate": 1}, {"bins": 0}), "bins"),
}


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("case", ERRORS)
def test_errors(tmp_path, case):
    header = "current,voltage,odd,lower 1,upper 1,plus,minus,energy (meV)\n"
    rows = "1,0,1,0.1,0.2,5,5,1\n2,1,9.9e37,0.1,0.2,6,6,2\n3,2,3,0.1,0.2,7,7,3\n"
    path = write(tmp_path / "data.csv", header + rows)
    (kind, options, *further), message = ERRORS[case]
    with pytest.raises(ValueError, match=message):
        read_observable(path, kind, options, **(further[0] if further else {}))
