"""Threshold curves against exhaustive searches and the table of the sheet."""

import jax
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.numerics.status import Status
from tests.circuits import networks
from tests.reference import triode, two_junctions

B3 = (1.3, 0.7), (0.75, 0.75)
STABLE = (-1.77069169, -1.32216837, -0.77409566, -0.38867473, -0.18180001)
STABLE = (*STABLE, 0.72999633, 1.29042571, 1.84010757)
# The sheet marks the last as stable: by its own sign of κ₀ + κ₁ + 2/Λ (−.87) it is not.
UNSTABLE = (-1.24767588, -0.77675898, -0.06156517, 1.55764937)
FLUX = np.array([-0.44, -0.31, -0.24, -0.12, -0.02, 0.03, 0.1, 0.24, 0.35, 0.439])


def of_b3(flux):
    return jd.threshold_curves(networks.squid(*B3, 0.0), "elements.L1.offset", flux)


def require_exhaustive(found, row, expected):
    """Every fold and its stability; the outermost stable ones are the critical currents."""
    known = np.isfinite(found.current[row])
    current, stable = found.current[row][known], found.stable[row][known]
    np.testing.assert_allclose(current, [x for x, _ in expected], atol=1e-9)
    np.testing.assert_array_equal(stable, [ends for _, ends in expected])
    if stable.any():
        ends = [found.plus[row], -found.minus[row]]
        np.testing.assert_allclose(ends, [current[stable].max(), current[stable].min()], atol=1e-9)


@pytest.mark.slow
def test_every_fold_of_a_squid():
    """Those of narrow lobes too, which are found from the next flux; twelve by the sheet."""
    found = of_b3(FLUX)
    np.testing.assert_array_equal(found.status, Status.CONVERGED)
    for row, flux in enumerate(FLUX):
        require_exhaustive(found, row, two_junctions.folds(*B3, -flux))
    row = found.current[2], found.stable[2]
    np.testing.assert_allclose(row[0][row[1]], STABLE, atol=1e-8)
    np.testing.assert_allclose(row[0][~row[1] & np.isfinite(row[0])], UNSTABLE, atol=1e-8)
    assert found.label == "flux offset, elements.L1.offset"


@pytest.mark.slow
def test_against_a_control_current():
    """Also where the window does not contain zero, and where there is none."""
    control = np.array([-0.95, -0.54, -0.3, -0.19, -0.17, 0.05, 0.3, 0.55, 0.9, 1.25])
    for flux in (0.2, 0.45):
        found = jd.threshold_curves(networks.triode(0.0, flux), "sources.B", control)
        for row, value in enumerate(control):
            expected = triode.folds(value, flux)
            if any(stable for _, stable in expected):
                require_exhaustive(found, row, expected)
                assert found.status[row] == Status.CONVERGED
            else:
                assert not found.stable[row].any()
                assert found.status[row] == Status.NO_ZERO_VOLTAGE_STATE
                assert np.isnan([found.plus[row], found.minus[row]]).all()
        assert found.status[-1] == Status.NO_ZERO_VOLTAGE_STATE


@pytest.mark.slow
def test_no_value_compiles_anything():
    of_b3(FLUX[:2])
    compiled = []

    def listen(event, duration, **_):
        if "backend_compile" in event:
            compiled.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        of_b3(FLUX)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert compiled == []


@pytest.mark.thorough
def test_lobes_are_curves():
    """Folds of one number differ little from value to value and have one kind of stability."""
    found = of_b3(np.linspace(0.05, 0.3, 26))
    assert np.array_equal(found.lobe >= 0, np.isfinite(found.current))
    for number in range(found.lobe.max() + 1):
        row, column = np.nonzero(found.lobe == number)
        assert np.array_equal(row, np.arange(row[0], row[-1] + 1))
        assert np.ptp(found.stable[row, column].astype(int)) == 0
        assert np.all(np.abs(np.diff(found.current[row, column])) < 0.1)
    lasting = [np.sum(found.lobe == number) for number in range(found.lobe.max() + 1)]
    assert lasting.count(26) >= 8


@pytest.mark.thorough
def test_other_units():
    for scale in (1e-9, 1e9):
        critical, inductance = (np.array(B3[0]) * scale, np.array(B3[1]) / scale)
        circuit = networks.squid(critical, inductance, 0.0)
        found = jd.threshold_curves(circuit, "elements.L1.offset", FLUX[2:4])
        plain = of_b3(FLUX[2:4])
        np.testing.assert_allclose(found.current / scale, plain.current, rtol=1e-9)
        np.testing.assert_array_equal(found.status, plain.status)


@pytest.mark.thorough
def test_a_slip_is_no_fold():
    """Linear links end at their critical phase: no folds, and a known envelope."""
    found = jd.threshold_curves(
        networks.links((1.0, 0.6), (12.0, 7.0), 0.3), "elements.B.offset", [-0.3]
    )
    assert found.current.shape == (1, 0)
    assert found.status[0] == Status.CONVERGED
    assert found.plus[0] > 0


@pytest.mark.thorough
def test_figure(tmp_path):
    found = of_b3(FLUX)
    figure = jd.plot.threshold_curves(found, unit="nA", title="mine")
    (axes,) = figure.axes
    assert axes.get_xlabel() == "flux offset, elements.L1.offset (Φ₀)"
    assert (axes.get_ylabel(), axes.get_title()) == ("current (nA)", "mine")
    plus, minus = axes.lines[-2:]
    np.testing.assert_array_equal(plus.get_ydata(), found.plus)
    np.testing.assert_array_equal(minus.get_ydata(), -found.minus)
    drawn = np.concatenate([line.get_ydata() for line in axes.lines[1:-2]])
    np.testing.assert_allclose(np.sort(drawn), np.sort(found.current[found.lobe >= 0]))
    figure.savefig(tmp_path / "threshold.png", dpi=40)
