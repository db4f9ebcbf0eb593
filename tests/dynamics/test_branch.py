"""Branches of orbits: exact folds, independent code, and what proves nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.dynamics import branch, folds, locked_folds
from jaxdiode.dynamics.branch import Periodic, follow, leaves_at_once, turning_point
from jaxdiode.dynamics.direct import direct_fold
from jaxdiode.dynamics.locked_folds import direct_edge
from jaxdiode.dynamics.natural_units import in_natural_units
from jaxdiode.dynamics.ramp import turned_on
from jaxdiode.dynamics.strobe import locked
from jaxdiode.numerics.derivatives import differentiable_value
from jaxdiode.numerics.orbits import MarginalOrbit
from tests.problems.kapitza import drive
from tests.reference import kapitza


def still(damping, period):
    """φ'' + βφ' + sin φ = i, whose orbits are at rest and fold at i = 1, φ = π/2."""

    def force(time, x, v, bias):
        del time
        return bias - damping * v - jnp.sin(x)

    determinant = jnp.exp(jnp.asarray(-damping * period))
    numbers = (jnp.asarray(float(x)) for x in (period, 40.0, 0.0))
    return Periodic(force, *numbers, determinant)


@pytest.mark.thorough
@pytest.mark.parametrize(("damping", "period"), [(0.5, 2.0), (2.0, 3.0)])
def test_a_phase_at_rest_folds_at_its_critical_current(damping, period):
    motion = still(damping, period)
    found = follow(motion, jnp.zeros(3), branch.folds)
    assert found.good
    np.testing.assert_allclose(turning_point(found), [np.pi / 2, 0.0, 1.0], atol=2e-3)
    down = follow(
        motion, jnp.array([np.pi / 2, 0.0, 1.0]), lambda point: point.state[2] <= 0.2, way=-1.0
    )
    assert down.good
    np.testing.assert_allclose(jnp.sin(down.last.state[0]), down.last.state[2], atol=1e-5)
    assert jnp.cos(down.last.state[0]) > 0  # the stable side
    np.testing.assert_allclose(jnp.abs(down.first.tangent), [1, 0, 0], atol=1e-3)


def test_a_period_doubling_proves_nothing():
    """A phase shaken at twice its own frequency √cos φ, somewhere on the way."""
    motion = still(0.01, 1.02 * np.pi)

    def force(time, x, v, bias):
        stiffness = 1 + 0.3 * jnp.cos(2 * jnp.pi * time / motion.period)
        return bias - 0.01 * v - stiffness * jnp.sin(x)

    found = follow(motion._replace(force=force), jnp.zeros(3), branch.folds)
    assert not found.good


@pytest.mark.parametrize(("bias", "expected"), [(1.0, True), (0.9, False)])
def test_leaving_is_seen(bias, expected):
    """Past the fold the phase runs; at .9 the well holds it, whatever is said of a fold there."""
    state = jnp.array([np.arcsin(bias), 0.0, bias])
    null = jnp.array([1.0, 0.0])
    numbers = jnp.asarray(4.0), jnp.asarray(3e-4)
    assert leaves_at_once(still(0.5, 2.0), state, null, *numbers) == expected


def junction(a1, omega, beta=0.5):
    return jd.KapitzaJunction(
        beta, omega, mean_current=1.0, drive_current=a1, static_current=1.0, phase_offset=np.pi / 2
    )


@jax.jit
def _direct(device, direction):
    unit, size = in_natural_units(device)
    found = direct_fold(unit, direction, turned_on(unit), folds._restoring)
    return direction * size * found.fold.parameter, found.proven


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(1.0, 3.0), (3.0, 4.0), (2.0, 2.0, 1.0), (8.0, 5.0)])
def test_a_proven_fold_is_the_first_of_the_branch(arguments):
    device = junction(*arguments)
    for direction in (1, -1):
        current, proven = _direct(device, jnp.asarray(float(direction)))
        assert proven
        events = kapitza.branch(drive(device), direction, points=32)
        expected = next(event.current for event in events if event.kind == "fold")
        np.testing.assert_allclose(current, expected, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("beta", "omega", "a1"),
    [(0.11, 1.29, 0.63), (0.12, 0.6, 1.035), (0.08, 0.84, 0.17), (0.34, 1.82, 0.925)],
)
def test_narrow_windows_of_period_doubling_prove_nothing(beta, omega, a1):
    assert not _direct(junction(a1, omega, beta), jnp.ones(()))[1]


@pytest.mark.thorough
def test_without_a_zero_voltage_state_nothing_is_proven():
    assert not _direct(junction(3.0, 2.0), jnp.ones(()))[1]


@pytest.mark.slow
def test_an_adiabatic_ramp_of_independent_code_ends_at_a_proven_fold():
    """A coarse ramp is thrown onto another orbit here, past 1.5754; the adiabatic one is not.

    `tests.reference.kapitza.ramp` gives 1.5754486, its last step 1.2e-5.
    """
    device = jd.KapitzaJunction(
        0.1095, 0.6326, mean_current=1.0, drive_current=[0.5834, 0.0], static_current=1.0826,
        phase_offset=-1.314, quadrature_current=[0.5066, 0.0],
    )  # fmt: skip
    current, proven = _direct(device, -jnp.ones(()))
    assert proven
    np.testing.assert_allclose(current, 1.5754, atol=1e-3)


@pytest.mark.thorough
def test_a_phase_gets_ahead_past_the_edge_only():
    """sin φ + ½ sin(2φ + π/2), Ω = .5, a = 1: .51547405516 by independent code."""
    diode = jd.Harmonics([1.0, 0.0], [0.0, 0.5])
    one = jnp.ones(())
    problem = locked(diode.relation(), jd.Drive(0.5, 1.0), one, 0 * one)
    edge = direct_edge(problem, one, (65, 193))
    assert edge.proven
    np.testing.assert_allclose(edge.fold.parameter, 0.51547405516, atol=1e-10)
    orbit = MarginalOrbit(edge.fold.parameter - 1e-2, edge.fold.orbit, edge.fold.null)
    assert not locked_folds._gets_ahead(problem, one, orbit)


@pytest.mark.thorough
def test_each_order_has_its_own_function():
    """The value is as given, the gradient of the first function, the Hessian of the second."""

    def value(x):
        given = {"x": x, "fixed": 3}
        return differentiable_value(
            jnp.asarray(5.0),
            given,
            jnp.asarray(2.0),
            lambda args, found: found * jnp.sum(args["x"] ** 2),
            lambda args, found: found * jnp.sum(args["x"] ** 3),
        )

    x = jnp.array([0.5, -1.5])
    assert value(x) == 5.0
    np.testing.assert_allclose(jax.grad(value)(x), 4 * x)
    np.testing.assert_allclose(jax.hessian(value)(x), np.diag(12 * x))
    np.testing.assert_allclose(jax.jacrev(jax.grad(value))(x), np.diag(12 * x))
    np.testing.assert_allclose(jax.vmap(jax.grad(value))(jnp.stack([x, 2 * x])), [4 * x, 8 * x])
