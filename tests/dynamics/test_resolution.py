"""Steps of integrations resolve phases that run fast: small damping, strong and slow drives."""

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jaxdiode as jd

SINE = jd.TunnelJunction(1.0)


def mean_voltage(damping, frequency, amplitude, bias, periods, settle):
    """Of a junction that runs from the ohmic state on, by an adaptive method."""

    def field(t, y):
        return y[1], bias + amplitude * np.cos(frequency * t) - damping * y[1] - np.sin(y[0])

    period = 2 * np.pi / frequency
    ends = settle * period, (settle + periods) * period
    path = solve_ivp(
        field, (0, ends[1]), [0.0, bias / damping], method="DOP853", t_eval=ends,
        rtol=1e-10, atol=1e-10,
    )  # fmt: skip
    assert path.y is not None
    return (path.y[0, 1] - path.y[0, 0]) / (ends[1] - ends[0])


@pytest.mark.slow
def test_small_damping():
    """At β = .02 a phase turns by 15 to 65 radians in a plasma time."""
    driven = jd.Shunted(SINE, 0.02, drive=jd.Drive(1.0, 0.3))
    found = jd.shapiro_map(driven, [0.3, 1.1], [0.0], sweep="down")
    for k, bias in enumerate((0.3, 1.1)):
        wanted = mean_voltage(0.02, 1.0, 0.3, bias, periods=20, settle=100)
        assert found.voltage[0, k] == pytest.approx(wanted, abs=3e-3)
        assert found.voltage[0, k] <= bias / 0.02


@pytest.mark.slow
def test_strong_slow_drive():
    """a/|β + iΩ| = 383: the bias of 1.03 gives nearly its ohmic voltage."""
    driven = jd.Shunted(SINE, 1.0, drive=jd.Drive(0.3, 400.0))
    wanted = mean_voltage(1.0, 0.3, 400.0, 1.03, periods=60, settle=20)
    found = jd.rectified_voltage(driven, [400.0], bias=1.03)
    assert float(found.voltage[0]) == pytest.approx(wanted, abs=float(found.error[0]) + 1e-3)
    curve: Any = jd.iv_curve(driven, [1.03])
    assert float(curve.up[0]) == pytest.approx(wanted, abs=float(curve.up_error[0]) + 1e-3)


@pytest.mark.slow
def test_jumps_do_not_lock_falsely():
    """A balanced pair at i = 1.95: 1.56672(9) by turns in 4000 periods of 512 to 16384 steps.

    Eighty steps lock it at 38/17 Ω = 1.5647, 128 at 1.575.
    """
    driven = jd.Shunted(jd.SeriesJunctions(1.0, 1.0), drive=jd.Drive(0.7, 1.0))
    found = jd.shapiro_map(driven, [1.95], [0.0])
    assert found.voltage[0, 0] == pytest.approx(1.566723, abs=1e-4)
    assert found.error[0, 0] < 2e-4
    curve: Any = jd.iv_curve(driven, [1.95])
    error = float(curve.up_error[0])
    assert float(curve.up[0]) == pytest.approx(1.566723, abs=1e-4)
    assert error < 1e-3
