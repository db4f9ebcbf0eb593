"""Wires in time against states that are known exactly and an independent integration.

A uniform state with phase θ per link has on the lattice |ψ|² = ε − (2 − 2cos θ)/h² and
j = |ψ|² sin θ/h. Between normal ends ψ is possible where the lowest mode grows,
ε > (2 − 2cos(πh/L))/h².
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

from jaxdiode.devices.wire.tdgl import simulate_wire
from jaxdiode.numerics.chebyshev import advance, stage_count
from jaxdiode.numerics.status import Status
from tests.reference.tdgl import ring

SLIPS = dict(gamma=10.0, spacing=0.2, duration=120.0, frames=401)  # one grid, one compilation


@pytest.fixture(scope="module")
def slipping():
    return simulate_wire(0.5, 5.8, **SLIPS)


def test_the_integrator_is_of_second_order_on_a_stiff_problem():
    """y' = −λ(y − cos t) − sin t with y = cos t; λΔ is up to 500."""
    stiffness = jnp.array([0.0, 1.0, 4.0, 1e4])

    @jax.jit
    def error(steps):
        step = 2 / steps
        stages = stage_count(1e4, step)

        def one(k, state):
            def field(part, state):
                time = (k + part) * step
                return -stiffness * (state - jnp.cos(time)) - jnp.sin(time)

            return advance(field, state, field(0.0, state), step, stages)

        end = jax.lax.fori_loop(0, steps.astype(int), one, jnp.ones(4))
        return jnp.abs(end - jnp.cos(2.0))

    coarse, fine = error(jnp.asarray(40.0)), error(jnp.asarray(80.0))
    order = np.log2(coarse / fine)
    assert np.all(fine < 3e-4)
    np.testing.assert_allclose(order[:3], 2.0, atol=0.15)
    assert order[3] > 0.9  # order reduction of any explicit stages, but no instability


@pytest.mark.thorough
@pytest.mark.parametrize("stages", [2, 5, 40, 300])
def test_the_integrator_is_stable_as_far_as_its_stages_say(stages):
    """|R(z)| < 1 up to the z for which this many are taken, and R = 1 + z + z²/2 + O(z³)."""
    limit = (stages**2 - 1) / 1.54
    assert stage_count(limit * (1 - 1e-9), 1.0) == stages
    z = jnp.concatenate([-limit * jnp.linspace(1e-3, 1, 2001), jnp.array([-1e-3])])
    growth = advance(lambda _, y: z * y, jnp.ones(z.shape), z, 1.0, jnp.asarray(float(stages)))
    assert np.all(np.abs(growth) < 1)
    assert abs(growth[-1] - (1 - 1e-3 + 5e-7)) < 2e-10


@pytest.mark.thorough
def test_below_depairing_the_current_flows_without_voltage():
    found = simulate_wire(0.3, 5.8, gamma=1.0, spacing=0.2, duration=150.0, frames=401)

    def excess(theta):
        return (1 - (2 - 2 * np.cos(theta)) / h**2) * np.sin(theta) / h - 0.3

    h = 0.2
    theta = brentq(excess, 0.0, 0.1)
    exact = np.sqrt(1 - (2 - 2 * np.cos(theta)) / h**2)
    np.testing.assert_allclose(found.magnitude[-1], exact, atol=1e-8)
    assert abs(found.voltage[-1]) < 1e-8
    assert abs(found.vector_potential + theta / h) < 1e-8  # positive current: D = ∂ − iA
    assert found.slips().shape == (0, 2)


@pytest.mark.thorough
@pytest.mark.parametrize(("current", "epsilon"), [(0.2, -1.0), (-0.7, -0.1)])
def test_normal_metal_is_ohmic(current, epsilon):
    found = simulate_wire(current, 5.8, epsilon=epsilon, **SLIPS)
    np.testing.assert_allclose(found.voltage, current, rtol=1e-12)
    np.testing.assert_allclose(found.mean_voltage, current, rtol=1e-12)
    assert found.mean_voltage_error <= 1e-12 * abs(current)
    assert np.max(found.magnitude) == 0


def test_a_large_current_destroys_superconductivity():
    found = simulate_wire(1.5, 5.8, **(SLIPS | dict(gamma=1.0)))
    assert np.max(found.magnitude[-1]) < 1e-3  # ten times the tolerance
    np.testing.assert_allclose(found.mean_voltage, 1.5, rtol=1e-5)


def test_explicit_integration_agrees():
    start = 1 - 0.5 * np.exp(-((0.2 * np.arange(29) - 2.9) ** 2) / 2)
    voltage, magnitude = ring(start, 0.5, 5.8, 10.0, 40.0, 0.5)
    found = simulate_wire(0.5, 5.8, **(SLIPS | dict(duration=40.0, tolerance=1e-5)))
    np.testing.assert_allclose(found.mean_voltage, voltage, rtol=5e-4)
    np.testing.assert_allclose(found.magnitude[-1], magnitude, atol=2e-3)


def test_every_slip_takes_one_turn(slipping):
    """Josephson relation: the slips counted, and where the perturbation put them."""
    assert np.allclose(slipping.winding, np.rint(slipping.winding), atol=1e-9)
    slips = slipping.slips()
    assert len(slips) == -round(float(slipping.winding[-1])) > 20
    assert np.all(np.abs(slips[:, 1] - 2.9) <= 0.2)
    late = slips[slips[:, 0] > 60, 0]
    rate = (len(late) - 1) / (late[-1] - late[0])
    np.testing.assert_allclose(slipping.slip_rate, rate, rtol=0.01)
    # A slower slip rate is not reached yet: both halves of the window say so.
    assert 0 < slipping.mean_voltage_error < 0.05 * slipping.mean_voltage


def test_turning_the_current_turns_voltage_and_slips(slipping):
    back = simulate_wire(-0.5, 5.8, **SLIPS)
    np.testing.assert_allclose(back.mean_voltage, -slipping.mean_voltage, rtol=1e-9)
    np.testing.assert_allclose(back.winding[-1], -slipping.winding[-1])
    assert len(back.slips()) == len(slipping.slips())


def test_tolerance_converges(slipping):
    tight = simulate_wire(0.5, 5.8, tolerance=1e-6, **SLIPS)
    loose = simulate_wire(0.5, 5.8, tolerance=1e-3, **SLIPS)
    near, far = (abs(float(x.mean_voltage - tight.mean_voltage)) for x in (slipping, loose))
    assert near < 5e-4
    assert near < far < 1e-2


def test_a_run_continues_where_one_ended(slipping):
    """Only gauge-invariant quantities are compared: the continued run has another gauge."""
    rest = simulate_wire(0.5, 5.8, initial=slipping, **SLIPS)
    np.testing.assert_allclose(rest.magnitude[0], slipping.magnitude[-1], atol=1e-12)
    np.testing.assert_allclose(rest.voltage[0], slipping.voltage[-1], atol=1e-10)
    whole = simulate_wire(0.5, 5.8, **(SLIPS | dict(duration=240.0)))
    np.testing.assert_allclose(rest.magnitude[-1], whole.magnitude[-1], atol=5e-3)
    turns = slipping.winding[-1] + rest.winding[-1] - rest.winding[0]
    np.testing.assert_allclose(turns, whole.winding[-1], atol=1e-9)


@pytest.mark.slow
def test_a_finer_grid_starts_from_the_coarse_state(slipping):
    fine = simulate_wire(
        0.5, 5.8, initial=slipping, **(SLIPS | dict(spacing=0.1, duration=2.0, settle=0.0))
    )
    np.testing.assert_allclose(fine.magnitude[0, ::2], slipping.magnitude[-1], atol=1e-12)
    np.testing.assert_allclose(fine.voltage[0], slipping.voltage[-1], atol=0.01)


@pytest.mark.slow
def test_a_list_of_currents_is_a_loop(slipping):
    currents = jnp.array([0.2, 0.5])
    both = simulate_wire(currents, 5.8, **SLIPS)
    assert both.magnitude.shape == (2, 401, 29)
    np.testing.assert_allclose(both.mean_voltage[1], slipping.mean_voltage, rtol=1e-9)
    np.testing.assert_allclose(both.magnitude[1], slipping.magnitude, atol=1e-6)
    assert abs(both.mean_voltage[0]) < 0.01
    with pytest.raises(ValueError, match="slips needs the simulation of a single current, got 2"):
        both.slips()
    one = jax.tree.map(lambda x: x[1], both)
    np.testing.assert_allclose(one.slips(), slipping.slips())


@pytest.mark.slow
@pytest.mark.parametrize(("excess", "superconducts"), [(0.95, False), (1.1, True)])
def test_normal_ends_forbid_short_wires(excess, superconducts):
    """Lowest mode sin(πx/L): the wire is longer or shorter than where it begins to grow."""
    h = 2 * np.sin(np.pi / 40) * excess
    found = simulate_wire(
        0.01, 20 * h, ends="normal", gamma=1.0, spacing=h, duration=400.0, frames=11
    )
    assert np.all(found.magnitude[:, [0, -1]] == 0)
    if superconducts:
        assert found.magnitude[-1, 10] > 0.2
        assert 0 < found.mean_voltage < 0.01
        np.testing.assert_allclose(found.magnitude[-1], found.magnitude[-1, ::-1], atol=1e-9)
    else:
        assert np.max(found.magnitude[-1]) < 1e-3
        np.testing.assert_allclose(found.mean_voltage, 0.01, rtol=1e-3)


@pytest.mark.slow
def test_superconducting_ends_carry_a_current_or_slip():
    """Resting: div j_s = 0, one current everywhere. Slipping: whole turns between the banks."""
    common = dict(ends="superconducting", gamma=5.0, spacing=0.25, frames=401)
    epsilon = jnp.full(21, 0.8)
    rest = simulate_wire(0.1, 5.0, epsilon=epsilon, duration=300.0, **common)
    assert abs(rest.voltage[-1]) < 1e-6
    psi, link = np.asarray(rest.order_parameter), np.exp(-0.25j * float(rest.vector_potential))
    np.testing.assert_allclose((psi[:-1].conj() * link * psi[1:]).imag / 0.25, 0.1, atol=1e-6)
    slips = simulate_wire(0.6, 5.0, epsilon=epsilon, duration=100.0, initial=rest, **common)
    np.testing.assert_allclose(np.abs(slips.magnitude[:, [0, -1]]), np.sqrt(0.8), rtol=1e-12)
    np.testing.assert_allclose(slips.winding, np.rint(slips.winding), atol=1e-9)
    late = slips.slips()[:, 0]
    late = late[late > 50]
    rate = (len(late) - 1) / (late[-1] - late[0])
    np.testing.assert_allclose(slips.slip_rate, rate, rtol=0.02)


@pytest.mark.slow
def test_benchmark_value():
    """h = .1, 400 time units, the window in which the note's explicit runs have .32746."""
    found = simulate_wire(0.5, 5.8, **(SLIPS | dict(spacing=0.1, duration=400.0)))
    np.testing.assert_allclose(found.mean_voltage, 0.32746, rtol=0.01)


def test_a_run_that_fails_is_nan():
    found = simulate_wire(0.5, 5.8, tolerance=1e-30, **SLIPS)
    assert found.status == Status.NOT_CONVERGED
    assert np.isnan(found.mean_voltage)
    assert np.all(np.isnan(found.voltage[1:]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(current=[[0.1]]), r"current must be a number or a list of them, got shape \(1, 1\)"),
        (dict(current=[]), "current must be a number or a list"),
        (dict(current=np.nan), "current must be finite"),
        (dict(length=-1.0), "length must be positive, got -1"),
        (dict(spacing=0.0), "spacing must be positive"),
        (dict(spacing=1.0), "spacing must leave at least 8 cells of the length 5.8, got 1"),
        (dict(ends="periodic"), "unknown ends 'periodic'.*allowed: ring"),
        (dict(epsilon=[1.0, 1.0]), r"length 29 \(one per grid point\), got shape \(2,\)"),
        (dict(epsilon=-1.0, ends="superconducting"), "epsilon must be positive at supercond"),
        (dict(gamma=-1.0), "gamma must be at least 0, got -1"),
        (dict(relaxation=0.0), "relaxation must be positive"),
        (dict(duration=0.0), "duration must be positive"),
        (dict(settle=0.95), "settle must be at most 0.9"),
        (dict(frames=1), "frames must be a whole number, at least 2, got 1"),
        (dict(tolerance=0.0), "tolerance must be positive"),
    ],
)
def test_bad_arguments_are_named(change, message):
    good = dict(current=0.5, length=5.8, spacing=0.2)
    with pytest.raises(ValueError, match=message):
        simulate_wire(**(good | change))


def test_bad_starts_are_named(slipping):
    with pytest.raises(ValueError, match="initial must have ends 'normal', got 'ring'"):
        simulate_wire(0.5, 5.8, ends="normal", initial=slipping)
    lanes = jax.tree.map(lambda x: jnp.stack([x, x]), slipping)
    with pytest.raises(ValueError, match=r"initial must hold one current.*got shape \(2,\)"):
        simulate_wire(0.5, 5.8, initial=lanes)


@pytest.mark.slow
def test_strong_inelastic_limit_converges_with_the_grid():
    """γ = 100: 1 % between the last two grids, 10 % from the theory of γ ≫ 1, V = .22327."""
    common = dict(gamma=100.0, settle=0.5)
    found = simulate_wire(0.5, 18.3, spacing=0.1, duration=1500.0, **common)
    values = [found.mean_voltage]
    for spacing in (0.05, 0.025):
        found = simulate_wire(0.5, 18.3, spacing=spacing, duration=200.0, initial=found, **common)
        values.append(found.mean_voltage)
    assert abs(values[2] - values[1]) < 0.01 * values[2]
    assert abs(values[2] - 0.22327) < 0.1 * 0.22327
