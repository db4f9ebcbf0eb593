"""I–V of undriven junctions with capacitance: limit cycles of any relation, with sharp turns."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import jaxdiode as jd
from jaxdiode.numerics.status import Status

TWO_WELLS = jd.Harmonics([1.0, 1.5], [0.0, 0.4])


def voltage(relation, damping, bias, turns=((0.0, 2 * np.pi),)):
    """V of the cycle at i > 0 over the phase: E' = i − I(φ) − β√(2E), E the same after a turn."""

    def once(energy):
        time = 0.0
        for span in turns:

            def slope(x, y):
                speed = np.sqrt(2 * max(y[0], 1e-12))
                return [bias - relation(x) - damping * speed, 1 / speed]

            found = solve_ivp(slope, span, [energy, 0.0], method="DOP853", rtol=1e-12, atol=1e-13)
            energy, time = found.y[0, -1], time + found.y[1, -1]
        return energy, time

    def gain(energy):
        return once(energy)[0] - energy

    top = (3 * bias / damping + 3) ** 2 / 2
    ladder = top * 0.8 ** np.arange(40)
    below = next(k for k, energy in enumerate(ladder) if gain(energy) > 0)
    energy = brentq(gain, ladder[below], ladder[below - 1], xtol=1e-14)
    return 2 * np.pi / once(energy)[1]


def swept(device, damping, biases):
    return jd.iv_curve(jd.Shunted(device, damping=damping), biases)


@pytest.mark.thorough
def test_two_wells_both_ways():
    """Down to the current at which running ends; against SciPy over fifty turns in time."""
    biases = [-2.0, -0.5, -0.25, 0.5, 0.75, 2.0, 3.0]
    curve = swept(TWO_WELLS, 0.3, np.array(biases))
    assert np.all(curve.status == Status.CONVERGED)
    down = [0.0, 0.0, 0.0, 1.53797154628, 2.45736229609, 6.66404798381, 9.99921032361]
    np.testing.assert_allclose(curve.down, down, atol=1e-9)
    assert np.all(np.asarray(curve.down_error) < 1e-9)
    ends = jd.retrapping_currents(jd.Shunted(TWO_WELLS, damping=0.3))
    assert 0.25 < float(ends.plus) < 0.5


@pytest.mark.thorough
def test_as_a_kapitza_junction_without_drive():
    biases = np.array([-1.2, 0.2, 0.26, 0.5, 0.9, 1.001, 1.1])
    curve = swept(jd.TunnelJunction(1.0), 0.2, biases)
    other = jd.iv_curve(jd.KapitzaJunction(damping=0.2, drive_frequency=4), biases)
    np.testing.assert_allclose(curve.up, other.up, atol=1e-10)
    np.testing.assert_allclose(curve.down, other.down, atol=1e-10)


@pytest.mark.thorough
@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
def test_in_other_units(size):
    """β in 1/√size, voltages in √size."""
    curve = swept(jd.TunnelJunction(size), 0.2 * size**0.5, size * np.array([0.26, 0.5, 1.1]))
    expected = [voltage(np.sin, 0.2, i) for i in (0.26, 0.5, 1.1)]
    np.testing.assert_allclose(np.asarray(curve.down) / size**0.5, expected, rtol=1e-9)
    assert np.all(curve.status == Status.CONVERGED)


@pytest.mark.thorough
@pytest.mark.parametrize("transparency", [1.0, 0.999, 0.9])
def test_sharp_turns(transparency):
    device = jd.AndreevModes([1.0], [transparency])
    most = float(device.current(jnp.asarray(1e-6))) / 1e-6

    def relation(x):
        root = np.sqrt(np.maximum(1 - transparency * np.sin(x / 2) ** 2, 1e-300))
        return most * np.sin(x) / root if transparency < 1 else 2 * most * np.sin(x / 2)

    curve = swept(device, 0.5, np.array([-1.5, 0.9, 1.5]))
    turns = ((-np.pi, 0.0), (0.0, np.pi))
    assert np.all(curve.status == Status.CONVERGED)
    expected = [-voltage(relation, 0.5, 1.5, turns), *(voltage(relation, 0.5, i, turns)
                for i in (0.9, 1.5))]  # fmt: skip
    np.testing.assert_allclose(curve.down, expected, rtol=2e-9)
    assert np.all(np.asarray(curve.down_error) < 1e-8)
