"""Every stationary state of a wire at one current, stable or not."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...numerics.roots import bracketed_root, implicit_root
from .state import WireState, described, where_exists
from .universal import CRITICAL
from .valley import (
    Curve,
    curve,
    middle_with_slope,
    mirrored,
    modulus,
    orientation,
    strength,
    with_slope,
)

Scalar = Float[Array, ""]

_SAMPLES = 64  # of a branch, in each of two spacings
_TURNS, _ROOTS = 2, 3  # of j(w) on one branch
_SEARCH = 40


@eqx.filter_jit
def all_states(wire: Any, current: Scalar) -> WireState:
    """See `PhaseSlipWire.states`."""
    direction = jnp.where(current < 0, -1.0, 1.0)
    magnitude = direction * current
    c = curve(wire.epsilon, wire.valley, direction)
    ends = _ends(c, magnitude)
    side = orientation(wire.valley)
    found = [
        _resistive(with_slope, c, ends[0], magnitude, direction, side),
        _resistive(middle_with_slope, c, ends[1], magnitude, direction, side),
        _resistive(with_slope, mirrored(c), ends[2], magnitude, direction, -side),
        _superconducting(c, magnitude, direction, side),
    ]
    if wire.valley is None:  # no other valley, and no maximum in between
        none = [where_exists(jnp.zeros(x.stable.shape, bool), x) for x in found[1:3]]
        found = [found[0], *none, where_exists(jnp.array([True, False, False]), found[3])]
    return jax.tree.map(lambda *parts: jnp.concatenate(parts), *found)


def _ends(c: Curve, magnitude):
    """Largest w of the three branches: the spinodal, or where V certainly exceeds j."""
    weakens = c.pull != 0
    steep = jnp.where(weakens, jnp.abs(c.pull), 1.0)
    near = jnp.where(weakens, c.zero_current * (1 - 1 / math.sqrt(3)) / steep, jnp.inf)
    middle = jnp.where(weakens, c.zero_current / math.sqrt(3) / steep, jnp.inf)
    inner, outer = jnp.minimum(near, 1.1 * magnitude), 0.5 * magnitude
    forward = c.pull >= 0
    return (
        jnp.where(forward, inner, outer),
        jnp.minimum(middle, 1.5 * magnitude),
        jnp.where(forward, outer, inner),
    )


def _resistive(branch, c, last, magnitude, direction, side):
    """States on one branch: roots of j(w) = |j| between its turning points."""
    if branch is middle_with_slope:  # V and j grow with Φ of the sign of p
        side = side * jnp.where(c.pull < 0, -1.0, 1.0)
        c = c._replace(pull=jnp.abs(c.pull))

    def slope(w, c):
        return branch(w, c)[1].current

    def missing(w, args):
        c, magnitude = args
        return branch(w, c)[0].current - magnitude

    frozen = jax.lax.stop_gradient(c)
    end = jax.lax.stop_gradient(last)
    even = jnp.linspace(0.0, 1.0, _SAMPLES)
    grid = end * jnp.sort(jnp.concatenate([even[1:], 10.0 ** (6 * (even - 1))]))
    slopes = jax.vmap(slope, (0, None))(grid, frozen)
    turning = _sign_changes(slopes, _TURNS)
    turns = jax.vmap(lambda k: _bisected(slope, frozen, grid, slopes, k))(turning)
    nodes = jnp.sort(jnp.concatenate([jnp.zeros(1), grid, turns]))
    at = jax.lax.stop_gradient((c, magnitude))
    values = jax.vmap(missing, (0, None))(nodes, at)
    # w = 0 is the onset itself, a superconducting state.
    values = values.at[0].set(jnp.where(values[0] == 0, -values[1], values[0]))
    crossing = _sign_changes(values, _ROOTS)

    def state(k):
        exists = k >= 0
        args = jax.tree.map(
            lambda x: jnp.where(exists, x, jax.lax.stop_gradient(x)), (c, magnitude)
        )
        w = implicit_root(missing, args, _bisected(missing, at, nodes, values, k))
        found = described(branch(w, c), c, magnitude, jnp.ones((), bool), direction, side)
        return where_exists(exists, found)

    return jax.vmap(state)(crossing)


def _superconducting(c, magnitude, direction, side):
    """V = 0 at Φ₀, at its mirror image, and at Φ = 0."""
    valley = c.zero_current * jnp.array([1.0, -1.0, 0.0])
    epsilon = jnp.maximum(c.epsilon + c.beta * valley**2, 0.0)
    carries = CRITICAL * strength(epsilon) >= magnitude
    root = jnp.where(epsilon > 0, modulus(epsilon), 0.0)
    zero = jnp.zeros(3)
    minimum = jnp.array([True, True, False])
    current = direction * magnitude + zero
    slope = jnp.where(epsilon > 0, 0.0, 1.0)  # a normal wire, at j = 0
    return where_exists(carries, WireState(current, zero, slope, side * valley, root, minimum))


def _sign_changes(values, count):
    """Indices of the first `count` intervals in which a sampled function changes sign; −1."""
    changes = (values[:-1] < 0) != (values[1:] < 0)
    return jnp.nonzero(changes, size=count, fill_value=-1)[0]


def _bisected(f, args, nodes, values, k):
    """Root inside interval k, whichever way f crosses."""
    k = jnp.maximum(k, 0)
    sign = jnp.where(values[k + 1] > values[k], 1.0, -1.0)

    def rising(x, args):
        sign, args = args
        return sign * f(x, args)

    return bracketed_root(rising, (sign, args), nodes[k], nodes[k + 1], _SEARCH)
