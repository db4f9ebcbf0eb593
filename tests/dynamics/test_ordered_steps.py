"""Steps of strongly damped phases: narrow ones too, on few and many points, with gradients."""

import jax
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.numerics.status import Status

SLOW = pytest.mark.slow
DIODE = jd.Harmonics([3.2, 0.576 * np.cos(1.1)], [0.0, 0.576 * np.sin(1.1)])
# Of SciPy: for each phase at the beginning the velocity and the bias of the orbit by shooting
# (DOP853, 1e-12), and the extremum of the bias over the phase.
EDGES = {
    "measured diode, half step": (
        (DIODE, 6.5397865499546155, 0.39699771, 6.32455532, (1, 2)), (0.8436018360, 0.8626603795)
    ),
    "sine, half step": ((jd.TunnelJunction(1.0), 3.0, 0.3, 1.0, (1, 2)),
                        (0.8099644207722473, 0.8201217394066943)),
    "sine, third step": ((jd.TunnelJunction(1.0), 3.0, 0.3, 1.0, (1, 3)),
                         (0.7771505518838053, 0.7802297932643836)),
    "two harmonics": ((jd.Harmonics([1.0, 0.3]), 4.0, 0.225, 0.9, (1, 2)),
                      (0.8674350449902636, 0.9242478433013016)),
}  # fmt: skip


def steps(device, damping, frequency, amplitude, order):
    drive = jd.Drive(frequency=frequency, amplitude=amplitude)
    return jd.shapiro_steps(jd.Shunted(device, damping=damping, drive=drive), [order])


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.thorough if name == "sine, half step" else SLOW)
     for name in EDGES],
)  # fmt: skip
def test_fractional_steps_that_no_ramp_resolves(name):
    arguments, expected = EDGES[name]
    found = steps(*arguments)
    assert found.status[0] == Status.CONVERGED
    accuracy = 2e-8 if "measured" in name else 1e-9  # of the drive that is rounded in the table
    np.testing.assert_allclose([found.lower[0], found.upper[0]], expected, atol=accuracy)


@pytest.mark.slow
def test_gradients_of_a_half_step_that_needs_many_points():
    def width(damping, amplitude):
        found = steps(DIODE, damping, 0.39699771, amplitude, (1, 2))
        return found.upper[0] - found.lower[0]

    at, small = (6.5397865499546155, 6.32455532), 1e-5
    value, slopes = jax.value_and_grad(width, (0, 1))(*at)
    np.testing.assert_allclose(value, 0.8626603795 - 0.8436018360, atol=2e-8)
    for k, slope in enumerate(slopes):
        ahead, behind = ([x + s * (j == k) for j, x in enumerate(at)] for s in (small, -small))
        np.testing.assert_allclose(slope, (width(*ahead) - width(*behind)) / 2 / small, rtol=1e-6)


@pytest.mark.slow
def test_without_capacitance_as_the_limit():
    """The difference is of order 1/β²; β = 1000 is far beyond where integration is of use."""
    device = jd.Harmonics([1.0, 0.3])
    massless = jd.Shunted(device, drive=jd.Drive(frequency=0.9, amplitude=0.9))
    for order in ((1, 2), 0):
        limit = jd.shapiro_steps(massless, [order])
        apart = []
        for damping in (100.0, 1000.0):
            found = steps(device, damping, 0.9 / damping, 0.9, order)
            assert found.status[0] == Status.CONVERGED
            apart.append(np.array([found.lower - limit.lower, found.upper - limit.upper])[:, 0])
        np.testing.assert_allclose(apart[0] / apart[1], 100.0, rtol=0.02)
