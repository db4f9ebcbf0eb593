"""Newton's method in lanes on small systems with roots in closed form.

A last step below 1e-7 leaves its square: 1e-14, times the curvature of the systems here, 1e-13.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiode.numerics.newton import Linearised, damped_newton, implicit_solution, solved


def circle_and_line(x, args):
    """x² + y² = a, x = b y: y = √(a/(1 + b²)), x = b y; one system per lane."""
    a, b = args
    return jnp.stack([x[0] ** 2 + x[1] ** 2 - a, x[0] - b * x[1]])


def jacobian(function, x, args):
    """∂R/∂x, [n, n, lane]."""

    def lane(x, args):
        return jax.jacfwd(lambda y: function(y[:, None], args[:, None])[:, 0])(x)

    return jax.vmap(lane, in_axes=(1, 1), out_axes=2)(x, jnp.stack(args))


def linearised(function, args, admissible=lambda x: jnp.ones(x.shape[1:], bool)):
    def at(x):
        residual = function(x, args)
        return Linearised(residual, -solved(jacobian(function, x, args), residual), admissible(x))

    return at


def exact(args):
    a, b = map(np.asarray, args)
    y = np.sqrt(a / (1 + b**2))
    return np.stack([b * y, y])


ARGS = jnp.array([1.0, 4.0, 9.0, 0.5]), jnp.array([0.3, 1.0, 2.0, 0.0])
START = jnp.full((2, 4), 1.0)


def solution(function, args, start, predicted, **options):
    @jax.jit
    def run(args, start, predicted):
        allowed = options.get("admissible", lambda x: jnp.ones(x.shape[1:], bool))
        rest = {k: v for k, v in options.items() if k != "admissible"}
        return damped_newton(linearised(function, args, allowed), start, predicted, **rest)

    return run(args, start, predicted)


def test_roots_of_every_lane():
    found = solution(circle_and_line, ARGS, START, START)
    assert found.converged.all()
    np.testing.assert_allclose(found.x, exact(ARGS), rtol=0, atol=1e-13)


def test_an_exact_prediction_stays():
    root = jnp.asarray(exact(ARGS))
    found = solution(circle_and_line, ARGS, START, root, most=2)
    assert found.converged.all()
    np.testing.assert_allclose(found.x, root, rtol=0, atol=1e-15)


def test_overshooting_steps_are_shortened():
    """atan x = 0: Newton's own steps diverge from |x| > 1.39."""

    def residual(x, args):
        return jnp.arctan(x - args[0])

    args = jnp.array([0.0, 0.5, 3.0]), jnp.zeros(3)
    start = jnp.array([[8.0, -20.0, 3.5]])
    found = solution(residual, args, start, start)
    assert found.converged.all()
    np.testing.assert_allclose(found.x[0], args[0], rtol=0, atol=1e-13)


def test_inadmissible_predictions_are_approached():
    """1/x = a for x > 0 only, predicted at x < 0 and far beyond: the pole is never crossed."""
    seen = []

    def residual(x, args):
        jax.debug.callback(lambda v: seen.append(np.array(v)), x)
        return 1 / x - args[0]

    args = jnp.array([1.0, 4.0, 0.5]), jnp.zeros(3)
    start, predicted = jnp.array([[0.7, 0.2, 1.0]]), jnp.array([[-3.0, -0.1, 2.5]])
    found = solution(residual, args, start, predicted, admissible=lambda x: x[0] > 0)
    assert found.converged.all()
    np.testing.assert_allclose(found.x[0], 1 / args[0], rtol=0, atol=1e-13)
    jax.effects_barrier()
    assert min(v.min() for v in seen) < 0  # tried, not taken


def test_lanes_that_fail_leave_others_alone():
    """No root (x² + 1), NaN, and a root that may not be reached."""

    def residual(x, args):
        a, _ = args
        return x**2 - a

    good = jnp.array([4.0, 4.0, 4.0, 2.0]), jnp.zeros(4)
    bad = jnp.array([4.0, -1.0, jnp.nan, 2.0]), jnp.zeros(4)
    start = jnp.full((1, 4), 1.0)
    alone = solution(residual, good, start, start)
    found = solution(residual, bad, start, start)
    np.testing.assert_array_equal(found.converged, [True, False, False, True])
    np.testing.assert_array_equal(found.x[:, [0, 3]], alone.x[:, [0, 3]])
    np.testing.assert_allclose(alone.x[0], np.sqrt(good[0]), rtol=0, atol=1e-14)
    walled = solution(residual, good, start, start, admissible=lambda x: x[0] < 1.5)
    np.testing.assert_array_equal(walled.converged, [False, False, False, True])


def test_evaluations_are_limited():
    found = solution(circle_and_line, ARGS, 100 * START, 100 * START, most=3)
    assert not found.converged.any()


def test_complex_systems():
    """z² = a + ib, the root of positive real part."""

    def residual(x, args):
        return x**2 - args[0]

    squares = jnp.array([2j, -3.0 + 4j])
    start = jnp.full((1, 2), 1.0 + 0.5j)

    def at(x):
        value = residual(x, (squares,))
        return Linearised(value, -value / (2 * x), jnp.ones(2, bool))

    found = jax.jit(lambda s: damped_newton(at, s, s))(start)
    assert found.converged.all()
    np.testing.assert_allclose(found.x[0], [1 + 1j, 1 + 2j], rtol=0, atol=1e-14)


def test_solved_is_the_inverse_times_a_vector():
    rng = np.random.default_rng(5)
    matrix, vector = rng.normal(size=(3, 3, 6)), rng.normal(size=(3, 6))
    found = jax.jit(solved)(jnp.asarray(matrix), jnp.asarray(vector))
    expected = np.linalg.solve(np.moveaxis(matrix, -1, 0), vector.T[..., None])[..., 0].T
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def _implicit(args):
    root = jnp.stack([args[1] * jnp.sqrt(args[0] / (1 + args[1] ** 2)),
                      jnp.sqrt(args[0] / (1 + args[1] ** 2))])  # fmt: skip
    located = jax.lax.stop_gradient(root)

    def answer(x, args, vector):
        return solved(jacobian(circle_and_line, x, args), vector)

    return implicit_solution(circle_and_line, answer, args, located)


def _closed(args):
    y = jnp.sqrt(args[0] / (1 + args[1] ** 2))
    return jnp.stack([args[1] * y, y])


@pytest.mark.parametrize("order", [0, 1, 2])
def test_implicit_solution_to_second_order(order):
    """Value, Jacobian and Hessian against y = √(a/(1 + b²)), x = b y; lanes do not mix."""

    def of(function):
        def flat(v):
            return function((v[:2], v[2:]))

        for _ in range(order):
            flat = jax.jacfwd(flat)
        return jax.jit(flat)

    point = jnp.array([1.3, 4.0, 0.3, -2.0])
    found, expected = of(_implicit)(point), of(_closed)(point)
    assert found.shape == (2, 2, *[4] * order)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


@pytest.mark.thorough
def test_implicit_solution_in_reverse():
    """The gradient of x y, by transposition, and its Hessian forward over reverse."""

    def of(function):
        def product(v):
            x = function((v[:1], v[1:]))
            return x[0, 0] * x[1, 0]

        return jax.jit(jax.grad(product)), jax.jit(jax.hessian(product))

    point = jnp.array([2.0, 0.7])  # x y = a b/(1 + b²)
    for found, expected in zip(of(_implicit), of(_closed), strict=True):
        np.testing.assert_allclose(found(point), expected(point), rtol=0, atol=1e-13)
    a, b = 2.0, 0.7
    gradient = [b / (1 + b**2), a * (1 - b**2) / (1 + b**2) ** 2]
    np.testing.assert_allclose(of(_implicit)[0](point), gradient, rtol=0, atol=1e-14)
