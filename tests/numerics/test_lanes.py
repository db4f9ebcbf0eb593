"""`lanewise` changes how a search is run under vmap, not what it returns."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxdiode.numerics.lanes import lanewise


def _search(start, options):
    """Collatz-like: steps until x < limit, of very different number; (steps, {"end": x})."""
    limit, factor = options["limit"], options["factor"]

    def unfinished(state):
        return state[0] >= limit

    def step(state):
        return state[0] * factor, state[1] + 1

    end, steps = jax.lax.while_loop(unfinished, step, (start, jnp.zeros((), int)))
    return steps, {"end": end}


def expected(start, limit, factor):
    steps = 0
    while start >= limit:
        start, steps = start * factor, steps + 1
    return steps, start


search = lanewise(_search)
STARTS = np.array([0.5, 3.0, 1e9, 40.0])
LIMITS = np.array([1.0, 2.0, 1.0])


def check(found, starts, limits, factors):
    steps, rest = found
    starts, limits, factors = np.broadcast_arrays(starts, limits, factors)
    assert steps.shape == rest["end"].shape == starts.shape
    for index in np.ndindex(starts.shape):
        count, end = expected(starts[index], limits[index], factors[index])
        assert steps[index] == count
        np.testing.assert_allclose(rest["end"][index], end, rtol=1e-12)


def options(limit, factor):
    return {"limit": jnp.asarray(limit), "factor": jnp.asarray(factor)}


def test_without_vmap():
    check(search(jnp.asarray(40.0), options(1.0, 0.9)), 40.0, 1.0, 0.9)
    check(jax.jit(search)(jnp.asarray(40.0), options(1.0, 0.9)), 40.0, 1.0, 0.9)


def test_vmap_is_a_loop():
    factors = np.array([0.5, 0.9, 0.7, 0.3])
    limits = np.array([1.0, 2.0, 1.0, 5.0])
    found = jax.jit(jax.vmap(search))(jnp.asarray(STARTS), options(limits, factors))
    check(found, STARTS, limits, factors)


def test_unmapped_arguments():
    """An argument, or one leaf of one, that is the same in all lanes."""
    one = jax.vmap(search, (0, None))(jnp.asarray(STARTS), options(1.0, 0.9))
    check(one, STARTS, 1.0, 0.9)
    axes = {"limit": 0, "factor": None}
    leaf = jax.vmap(search, (None, axes))(jnp.asarray(40.0), options(LIMITS, 0.9))
    check(leaf, 40.0, LIMITS, 0.9)


def test_other_axes():
    """Lanes along the last axis, as vmap's in_axes and out_axes say."""
    starts = jnp.asarray(np.stack([STARTS, 2 * STARTS]))
    pair = lanewise(lambda x: (jnp.sum(x), x))
    total, same = jax.vmap(pair, in_axes=1, out_axes=(0, 1))(starts)
    np.testing.assert_allclose(total, 3 * STARTS)
    np.testing.assert_array_equal(same, starts)


def test_nested_vmap():
    """Over starts, and inside over limits."""
    inner = jax.vmap(search, (None, {"limit": 0, "factor": None}))
    outer = jax.jit(jax.vmap(inner, (0, None)))
    found = outer(jnp.asarray(STARTS), options(LIMITS, 0.9))
    check(found, STARTS[:, None], LIMITS, 0.9)


def test_one_lane():
    check(jax.vmap(search, (0, None))(jnp.array([40.0]), options(1.0, 0.9)), [40.0], 1.0, 0.9)


def test_frozen_inside_a_gradient():
    """As the devices use it: the search is frozen, what follows is differentiated."""

    def value(x):
        steps, _ = search(*jax.lax.stop_gradient((x, options(1.0, 0.5))))
        return x * steps.astype(float)

    slopes = jax.vmap(jax.grad(value))(jnp.asarray(STARTS))
    counts = [expected(start, 1.0, 0.5)[0] for start in STARTS]
    np.testing.assert_array_equal(slopes, counts)
