"""Roots and their derivatives against inverse functions in closed form.

Value to 1e-14; each derivative of a two-step Newton polish loses about two digits: 1e-12 to the
third order.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxdiode.numerics.roots import (
    bracketed_root,
    implicit_root,
    increasing_root,
    value_and_slope,
)


def sinh_root(a, steps=12):
    return increasing_root(lambda x, t: jnp.sinh(x) - t, a, jnp.array(-9.0), jnp.array(8.0), steps)


@pytest.mark.thorough
@pytest.mark.parametrize("a", [-2.5, -1e-3, 0.0, 0.4, 30.0])
def test_derivatives_to_third_order(a):
    functions = [sinh_root]
    for _ in range(3):
        functions.append(jax.grad(functions[-1]))
    found = jax.jit(lambda x: [f(x) for f in functions])(a)
    r = 1 + a * a
    expected = [np.arcsinh(a), r**-0.5, -a * r**-1.5, (2 * a * a - 1) * r**-2.5]
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(found[1:], expected[1:], rtol=1e-12, atol=1e-12)


def test_mixed_second_derivative():
    """x³ + b x = a: ∂x/∂a = 1/D, ∂x/∂b = −x/D, ∂²x/∂a∂b = (6x² − D)/D³ with D = 3x² + b."""

    def root(args):
        f = lambda x, t: x**3 + t[1] * x - t[0]  # noqa: E731
        return increasing_root(f, args, jnp.array(-5.0), jnp.array(5.0))

    point = jnp.array([3.0, 2.0])  # x = 1
    functions = root, jax.grad(root), jax.hessian(root)
    value, gradient, hessian = jax.jit(lambda x: [f(x) for f in functions])(point)
    np.testing.assert_allclose(value, 1.0, rtol=1e-14)
    np.testing.assert_allclose(gradient, [0.2, -0.2], rtol=1e-12)
    np.testing.assert_allclose(hessian[0, 1], (6 - 5) / 125, rtol=1e-11)


@pytest.mark.parametrize("a", [0.0, 1e-7, 0.5, -0.9, 999.0, -1000.5])
def test_kink_of_slope_one_million(a):
    """Newton leaves the bracket on either side of a steep step; bisection brings it back."""

    def f(x, t):
        return x + 1e3 * jnp.tanh(1e3 * x) - t

    root = increasing_root(f, jnp.array(a), jnp.array(-3.0), jnp.array(3.0), 60)
    assert abs(f(root, a)) < 1e-9


@pytest.mark.parametrize("end", [-1.0, 2.0])
def test_root_at_the_end_of_the_bracket(end):
    root = increasing_root(
        lambda x, t: x**3 - t, jnp.array(end**3), jnp.array(-1.0), jnp.array(2.0), 60
    )
    np.testing.assert_allclose(root, end, rtol=1e-14)


def test_lanes_do_not_share_a_fate():
    targets = jnp.array([0.4, jnp.nan, 30.0])
    found = jax.vmap(sinh_root)(targets)
    assert np.isnan(found[1])
    np.testing.assert_allclose(found[jnp.array([0, 2])], np.arcsinh([0.4, 30.0]), rtol=1e-14)


def test_value_and_slope():
    value, slope = value_and_slope(jnp.sin, jnp.array(0.3))
    assert (value, slope) == pytest.approx((np.sin(0.3), np.cos(0.3)), rel=1e-15)


def cubic(x, args):
    a, b = args
    return x**3 + a * x - b


@pytest.mark.thorough
def test_implicit_root_to_third_order():
    """x³ + ax = b: derivatives in (a, b) against those of Cardano's formula."""

    def found(v):
        root = bracketed_root(cubic, (v[0], v[1]), jnp.zeros(()), jnp.asarray(3.0), steps=60)
        return implicit_root(cubic, (v[0], v[1]), root)

    def exact(v):
        a, b = v
        inner = jnp.sqrt(b**2 / 4 + a**3 / 27)
        return jnp.cbrt(b / 2 + inner) + jnp.cbrt(b / 2 - inner)

    v = jnp.array([1.3, 2.1])
    for order in (lambda f: f, jax.grad, jax.hessian, lambda f: jax.jacfwd(jax.hessian(f))):
        np.testing.assert_allclose(jax.jit(order(found))(v), order(exact)(v), rtol=0, atol=1e-12)


@pytest.mark.parametrize("start", [0.0, 0.9, 3.0])
def test_bracketed_root_ends_early_and_right(start):
    """Also where the Newton step leaves the bracket and where the slope is flat."""

    def steep(x, args):
        del args
        return jnp.tanh(40 * (x - 0.7))

    found = bracketed_root(
        steep, (), jnp.zeros(()), jnp.asarray(3.0), 80, jnp.asarray(start), tolerance=1e-8
    )
    assert abs(found - 0.7) < 1e-14


@pytest.mark.thorough
def test_implicit_root_has_no_derivative_where_the_slope_vanishes():
    def square(x, a):
        return (x - a) ** 2

    gradient = jax.grad(lambda a: implicit_root(square, a, jnp.asarray(0.5)))(jnp.asarray(0.5))
    assert gradient == 0
