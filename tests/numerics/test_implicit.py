"""Implicit steps: order, stiff and algebraic parts, failures, lanes of different lengths."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiode.numerics.implicit import NODES, State, System, _step, advance, made_consistent


def pendulum(mass, friction=0.0, push=0.0):
    """m φ'' + g φ' + sin φ = push."""
    return System(
        jnp.full((1, 1), mass),
        jnp.full((1, 1), friction),
        lambda q, t: jnp.sin(q) - push + 0 * t,
        lambda q: jnp.diag(jnp.cos(q)),
        jnp.ones(1),
    )


def at(*values):
    return State(*(jnp.atleast_1d(jnp.asarray(x, float)) for x in values))


def over(system, state, end, tolerance=1e-6):
    return advance(system, state, (jnp.zeros(()), jnp.asarray(end)), jnp.asarray(0.1), tolerance)


def test_nodes_are_those_of_radau():
    """Zeros of P₅ − P₄ on (0, 1]."""
    difference = np.polynomial.legendre.legval(2 * NODES - 1, [0, 0, 0, 0, -1, 1])
    assert difference == pytest.approx(0, abs=1e-13)
    assert NODES[-1] == 1.0


@pytest.mark.thorough
def test_steps_are_of_order_nine():
    """φ' + φ = 0 over one time: halving the step divides the error by 2⁹."""
    decay = System(
        jnp.zeros((1, 1)), jnp.ones((1, 1)), lambda q, t: q + 0 * t, lambda q: jnp.eye(1),
        jnp.ones(1),
    )  # fmt: skip
    errors = []
    for count in (1, 2):
        state, size = at(1.0, -1.0), jnp.asarray(2.0 / count)
        for k in range(count):
            guess = jnp.zeros((NODES.size, 1))
            state, *_ = _step(decay, state, k * size, size, guess)
        errors.append(abs(float(state.q[0]) - np.exp(-2.0)))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(9, abs=0.3)


def test_energy_of_a_pendulum():
    path = over(pendulum(2.0), at(3.0, 0.0), 100.0, 1e-8)
    q, v = float(path.state.q[0]), float(path.state.v[0])
    assert v**2 - np.cos(q) == pytest.approx(-np.cos(3.0), abs=1e-9)
    assert not bool(path.failed)


@pytest.mark.parametrize("tolerance", [1e-4, 1e-6, 1e-8])
def test_errors_follow_the_tolerance(tolerance):
    """Ten periods of φ' + sin φ = 1.5, whose period is exact."""
    period = 2 * np.pi / np.sqrt(1.5**2 - 1)
    path = over(pendulum(0.0, 1.0, 1.5), at(0.0, 1.5), 10 * period, tolerance)
    assert float(path.state.q[0]) == pytest.approx(20 * np.pi, abs=tolerance)


@pytest.mark.parametrize("stiff", [1e3, 1e9])
def test_what_is_stiff_follows(stiff):
    """x' + k(x − sin t) = 0: x = sin t − cos t/k + …"""
    system = System(
        jnp.zeros((1, 1)), jnp.ones((1, 1)), lambda q, t: stiff * (q - jnp.sin(t)),
        lambda q: stiff * jnp.eye(1), jnp.ones(1),
    )  # fmt: skip
    path = over(system, at(0.0, 0.0), 5.0)
    exact = np.sin(5.0) - np.cos(5.0) / stiff
    assert float(path.state.q[0]) == pytest.approx(exact, abs=2 / stiff**2 + 1e-9)
    assert int(path.steps) < 200


def _with_a_wire():
    """Nodes 1 and 2 joined by a wire (current z), sin φ₁ at 1, a resistor at 2, 1.5 into 2."""
    wire = jnp.array([1.0, -1.0])

    def force(q, t):
        phase, z = q[:2], q[2]
        out = jnp.array([jnp.sin(phase[0]), -1.5]) + wire * z + 0 * t
        return jnp.append(out, wire @ phase)

    def stiffness(q):
        inner = jnp.diag(jnp.array([jnp.cos(q[0]), 0.0]))
        return jnp.block([[inner, wire[:, None]], [wire[None], jnp.zeros((1, 1))]])

    friction = jnp.diag(jnp.array([0.0, 1.0, 0.0]))
    return System(jnp.zeros((3, 3)), friction, force, stiffness, jnp.array([1.0, 1.0, 0.0]))


@pytest.mark.thorough
def test_algebraic_parts_hold_to_rounding():
    """As one node: φ' + sin φ = 1.5. The wire's current jumps to its value at once."""
    period = 2 * np.pi / np.sqrt(1.5**2 - 1)
    system = _with_a_wire()
    start = made_consistent(system, at([0.0, 0.0, 0.0], [0.0] * 3), jnp.zeros(()), jnp.ones(()))
    assert float(start.v[1]) == pytest.approx(1.5, abs=1e-6)
    path = over(system, start, 3 * period)
    assert np.asarray(path.state.q[:2]) == pytest.approx(6 * np.pi, abs=1e-8)
    assert float(path.state.q[0] - path.state.q[1]) == pytest.approx(0, abs=1e-12)
    assert float(path.state.q[2]) == pytest.approx(0.0, abs=1e-6)  # −sin φ₁


def test_no_number_where_the_equation_has_none():
    system = pendulum(1.0)._replace(force=lambda q, t: jnp.sqrt(q - 2.0) + 0 * t)
    path = over(system, at(1.0, 0.0), 1.0)
    assert bool(path.failed)
    assert np.isnan(float(path.state.q[0]))


@pytest.mark.thorough
def test_lanes_end_at_their_own_times():
    ends = jnp.array([0.5, 20.0, 3.0])

    def one(end):
        return over(pendulum(1.0, 0.2, 0.5), at(0.0, 0.0), end).state.q[0]

    together = jax.vmap(one)(ends)
    assert np.asarray(together) == pytest.approx([float(one(x)) for x in ends], abs=1e-12)
