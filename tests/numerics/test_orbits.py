"""Folds and flips of orbits with closed forms.

- A shaken pendulum, g = k² sin(x − s) − (s̈ + βṡ): in the frame y = x − s(θ) it hangs still, so its
  fold lies at p = k² with the orbit π/2 + s and a constant null vector.
- g = x²/2 + ε cos θ (x − c) has the orbit x = c at p = c²/2, with the stiffness c + ε cos θ: a flip
  where that is a boundary of Mathieu's equation for antiperiodic solutions,
  c = Ω² a/4 with a = a₁(q) or b₁(q), q = 2ε/Ω² (no damping).

Collocation on 32 points resolves these orbits to rounding; Newton stops at steps of 1e-11, and a
fold squares that.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import mathieu_a, mathieu_b

from jaxdiode.numerics import orbits

N = 32
BETA, OMEGA = jnp.asarray(0.3), jnp.asarray(1.7)


def _shaken(theta, x, args):
    k, size, beta, omega, turns = args
    wave = theta / turns
    rate = omega / turns
    s, slope, bend = size * jnp.cos(wave), -size * jnp.sin(wave), -size * jnp.cos(wave)
    return k**2 * jnp.sin(x - s) - rate**2 * bend - beta * rate * slope


def _softened(theta, x, args):
    size, c = args
    return x**2 / 2 + size * jnp.cos(theta) * (x - c)


find = jax.jit(orbits.find_marginal_orbit, static_argnames=("restoring", "flip", "iterations"))


def shaken(k, size, turns=1.0, seed=0.1):
    args = tuple(jnp.asarray(x) for x in (k, size, 0.3, 1.7, turns))
    theta = 2 * np.pi * np.arange(N) / N
    expected = np.pi / 2 + size * np.cos(theta)
    start = jnp.asarray(expected - seed * (1 + np.sin(theta)))
    found = find(_shaken, args, BETA, OMEGA, start, jnp.asarray(k**2 - seed), turns=turns)
    return args, expected, *found


@pytest.mark.parametrize(
    ("k", "size", "turns"), [(1.0, 0.0, 1.0), (1.3, 0.4, 1.0), (1.3, 0.4, 2.0)]
)
def test_fold_of_a_pendulum(k, size, turns):
    """Undriven, driven, and driven with twice the period."""
    _, expected, found, converged = shaken(k, size, turns)
    assert converged
    np.testing.assert_allclose(found.parameter, k**2, atol=1e-12)
    np.testing.assert_allclose(found.orbit, expected, atol=1e-8)
    np.testing.assert_allclose(found.null, 1.0, atol=1e-8)


def test_derivatives_of_a_fold():
    """p = k²: first and second derivative, and none in what moves the frame only."""
    args, _, found, _ = shaken(1.3, 0.4)

    def current(vector):
        size, beta, omega = vector[1], vector[2], vector[3]
        changed = (vector[0], size, beta, omega, args[4])
        return orbits.differentiable(_shaken, changed, beta, omega, found).parameter

    vector = jnp.array([1.3, 0.4, 0.3, 1.7])
    gradient, second = jax.jit(lambda v: (jax.grad(current)(v), jax.hessian(current)(v)))(vector)
    np.testing.assert_allclose(gradient, [2.6, 0, 0, 0], atol=1e-10)
    np.testing.assert_allclose(second, np.diag([2.0, 0, 0, 0]), atol=1e-8)


@pytest.mark.parametrize("boundary", [mathieu_a, mathieu_b])
def test_flip_at_a_boundary_of_mathieu(boundary):
    size, omega = 0.5, 1.7
    c = omega**2 / 4 * boundary(1, 2 * size / omega**2)
    args = jnp.asarray(size), jnp.asarray(c)
    seed = c + 0.03 * np.cos(2 * np.pi * np.arange(N) / N)
    found, converged = find(
        _softened, args, jnp.asarray(0.0), OMEGA, jnp.asarray(seed), jnp.asarray(c**2 / 2 + 0.02),
        flip=True,
    )  # fmt: skip
    assert converged
    np.testing.assert_allclose(found.parameter, c**2 / 2, atol=1e-10)
    np.testing.assert_allclose(found.orbit, c, atol=1e-10)
    # With + ε cos θ the sign of q is turned, which swaps the even and the odd solution.
    theta = 2 * np.pi * np.arange(N) / N
    even, odd = (abs(np.asarray(found.null) @ f(theta / 2)) for f in (np.cos, np.sin))
    assert (even > 100 * odd) if boundary is mathieu_b else (odd > 100 * even)


def test_nothing_to_find():
    """A spring has no fold; a seed of NaN leads nowhere."""
    args = tuple(jnp.asarray(x) for x in (0.5, 1.0))
    spring = find(
        _spring, args, BETA, OMEGA, jnp.full(N, 0.1), jnp.asarray(0.2)
    )  # fmt: skip
    assert not spring[1]
    args, _, _, good = shaken(1.0, 0.2)
    assert good
    lost = find(_shaken, args, BETA, OMEGA, jnp.full(N, jnp.nan), jnp.asarray(1.0), turns=1.0)
    assert not lost[1]


def _spring(theta, x, args):
    return args[1] * x + args[0] * jnp.cos(theta)


def test_velocity():
    """Of cos 3θ + sin θ over two periods: harmonics are of Ω/2."""
    wave = 2 * np.pi * np.arange(N) / N
    expected = 0.85 * (-3 * np.sin(3 * wave) + np.cos(wave))
    found = orbits.velocity(jnp.asarray(np.cos(3 * wave) + np.sin(wave)), OMEGA, 2.0)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_tail():
    """Harmonics 12 to 15 of 32 points are the highest quarter."""
    wave = 2 * np.pi * np.arange(N) / N
    for size, order, expected in ((1e-3, 13, 1e-3), (1e-3, 5, 0.0)):
        orbit = 2 + np.cos(wave) + size * np.sin(order * wave)
        np.testing.assert_allclose(orbits.tail(jnp.asarray(orbit)), expected, atol=1e-13)


@pytest.mark.parametrize("antiperiodic", [False, True])
def test_interpolation(antiperiodic):
    """Exact for what 16 points resolve."""
    shift = 0.5 if antiperiodic else 0.0

    def wave(points):
        theta = 2 * np.pi * np.arange(points) / points
        return np.cos((3 + shift) * theta + 0.3) + 0.2 * np.sin((5 + shift) * theta)

    found = orbits.interpolate(jnp.asarray(wave(16)), 64, antiperiodic=antiperiodic)
    np.testing.assert_allclose(found, wave(64), atol=1e-13)


@pytest.mark.thorough
def test_lanes_are_a_loop():
    currents = []
    for k in (1.0, 1.3):
        _, _, found, _ = shaken(k, 0.4)
        currents.append(found.parameter)
    theta = 2 * np.pi * np.arange(N) / N
    start = jnp.asarray(np.pi / 2 + 0.4 * np.cos(theta) - 0.1 * (1 + np.sin(theta)))

    def one(k):
        args = (k, *(jnp.asarray(x) for x in (0.4, 0.3, 1.7, 1.0)))
        solve = partial(orbits.find_marginal_orbit, _shaken, args, BETA, OMEGA)
        return solve(start, k**2 - 0.1)[0].parameter

    found = jax.jit(jax.vmap(one))(jnp.array([1.0, 1.3]))
    np.testing.assert_allclose(found, currents, atol=1e-12)
