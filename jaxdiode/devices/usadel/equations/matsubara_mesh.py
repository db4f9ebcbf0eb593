"""The self-consistent gap: Newton's method on Δ(x), all frequencies solved at each step."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float

from ....numerics.continuation import swept
from ....numerics.matrices import complexified
from ....numerics.newton import Linearised, damped_newton, implicit_solution, solved
from ..layers import mesh as profile
from .frequencies import Frequencies
from .matsubara_uniform import Layers, current_of, real

_ACCURACY = 1e-9  # of Δ, in k_BT_c
_MOST = 12


class SelfConsistent(NamedTuple):
    """What a junction with a self-consistent gap is read from.

    Attributes:
        current: sum over frequencies of both spins' spectral currents, [2, lane].
        order_parameter: Δ in the frame of each superconductor, on the mesh from the outer end to
            the interface, [node, side, lane].
        converged: [lane].
        error: of the sum over frequencies.
    """

    current: Float[Array, "2 lanes"]
    order_parameter: Complex[Array, "nodes 2 lanes"]
    converged: Bool[Array, " lanes"]
    error: Float[Array, "2 lanes"]


def solve(
    layers: Layers,
    temperature: Float[Array, ""],
    frequencies: Frequencies,
    twist: Float[Array, "elements lanes"],
    steps: int,
    intervals: int,
) -> SelfConsistent:
    """Currents with Δ(x) = 2πT Σ F(x, ω)/[2πT Σ 1/Ω], cut off as in the bulk.

    Args:
        layers: the junction; its gap is that of the bulk.
        temperature: T.
        frequencies: falling, with weights.
        twist: of every element of the link, see `solver.solve`.
        steps: of the integration of half the link.
        intervals: of the mesh in each superconductor.
    """
    frozen, grid = jax.lax.stop_gradient((layers, frequencies))
    warm = jax.lax.stop_gradient(temperature)
    lanes = twist.shape[1]
    bulk = jnp.broadcast_to(complexified(frozen.gap), (intervals + 1, 2, lanes))
    started = _continued(frozen, grid.value, twist, bulk, steps)

    def jacobian_at(delta, known):
        return _gap_jacobian(delta, known, frozen, warm, grid, twist, steps)

    def improve(state):
        count, delta, known, jacobian, before, good = state
        found = _gap(delta, known, frozen, warm, grid, twist, steps)
        # As long as a Jacobian serves it is kept: it costs several evaluations.
        good &= found.converged
        size = jnp.max(jnp.abs(solved(jacobian, found.residual)), axis=0)
        stale = (count < 2) | jnp.any(good & (size > _ACCURACY) & (size > 0.1 * before))
        jacobian = jax.lax.cond(stale, jacobian_at, lambda *_: jacobian, delta, found.unknowns)
        change = -solved(jacobian, found.residual)
        size = jnp.max(jnp.abs(change), axis=0)
        good &= jnp.isfinite(size)
        # A lane that has failed must not spoil what the others know.
        delta = jnp.where(good, delta + change, delta)
        return count + 1, delta, found.unknowns, jacobian, size, good

    delta = _real(bulk)
    unit = jnp.broadcast_to(jnp.eye(delta.shape[0])[:, :, None], (*delta.shape[:1], *delta.shape))
    state = 0, delta, started, unit, jnp.full(lanes, jnp.inf), jnp.ones(lanes, bool)

    def running(state):
        return (state[0] < _MOST) & jnp.any(state[5] & (state[4] > _ACCURACY))

    _, delta, known, _, size, good = jax.lax.while_loop(running, improve, state)
    converged = good & (size <= _ACCURACY)

    parameters = layers, temperature, frequencies, twist
    delta = implicit_solution(
        partial(_gap_residual, steps=steps), partial(_gap_answer, steps=steps),
        (parameters, known), delta,
    )  # fmt: skip
    order = _complex(delta, layers, intervals)

    def current(pack):
        x, value = pack
        args = layers, value, twist, order
        x = _at(x, args, steps)
        return current_of(profile.unflattened(x, intervals).linear, layers, value)

    parts = jax.lax.map(jax.checkpoint(current), (known, frequencies.value))
    parts = jnp.where(converged, parts, jnp.nan)
    total = frequencies.total(parts)
    error = frequencies.error(parts) + 2 * jnp.abs(total) * _gap_error(known, order, parameters)
    return SelfConsistent(total, order, converged, error)


def _gap_error(known, order, parameters):
    """What the sum over frequencies leaves of Δ, over the bulk's: that of Δ/Ω − F."""
    layers, temperature, frequencies, _ = jax.lax.stop_gradient(parameters)
    intervals = order.shape[0] - 1

    def lacking(pack):
        x, frequency = pack
        whole = jnp.sqrt(frequency**2 + layers.gap**2)
        return _real(order) / whole - _amplitude(x, intervals)

    left = frequencies.error(jax.lax.map(lacking, (known, frequencies.value)))
    scale = _bulk_sum(layers, temperature, frequencies)
    return 2 * jnp.pi * temperature * jnp.max(left, axis=0) / (scale * layers.gap)


class _Gap(NamedTuple):
    residual: Array
    unknowns: Array
    converged: Array


def _gap(delta, known, layers, temperature, frequencies, twist, steps) -> _Gap:
    """C Δ − 2πT Σ F at the nodes, and the solutions it came from."""
    intervals = delta.shape[0] // 4
    order = _complex(delta, layers, intervals)

    def one(total, pack):
        x, frequency, weight = pack
        args = layers, frequency, twist, order
        found = damped_newton(partial(_linearise, args=args, steps=steps), x, x)
        value, good = total
        value += weight * _amplitude(found.x, intervals)
        return (value, good & found.converged), found.x

    start = jnp.zeros_like(delta), jnp.ones(twist.shape[1], bool)
    (value, good), unknowns = jax.lax.scan(
        one, start, (known, frequencies.value, frequencies.weight)
    )
    scale = _bulk_sum(layers, temperature, frequencies)
    return _Gap(scale * delta - 2 * jnp.pi * temperature * value, unknowns, good)


def _gap_jacobian(delta, known, layers, temperature, frequencies, twist, steps):
    """Derivative of C Δ − 2πT Σ F in Δ, [n, n, lane]."""
    intervals = delta.shape[0] // 4
    order = _complex(delta, layers, intervals)
    lanes = twist.shape[1]
    basis = jnp.eye(delta.shape[0])[:, :, None]

    def moved(direction):
        inner = jnp.broadcast_to(direction, (delta.shape[0], lanes))
        return _complex(inner, layers, intervals, outer=0.0)

    def one(slope, pack):
        x, frequency, weight = pack
        here = profile.unflattened(x, intervals)
        factors, _ = profile.factors(here, order, (layers, frequency, twist), steps)

        def column(direction):
            _, force = jax.jvp(
                lambda d: profile.intervals(here.layer, d, layers, frequency),
                (order,),
                (moved(direction),),
            )
            outer = jnp.zeros((8, 2, lanes))
            change = profile.answer(factors, outer, -force, jnp.zeros((layers.unknowns, lanes)))
            _, rate = jax.jvp(profile.pair_amplitude, (here.layer,), (change.layer,))
            return _real(rate)

        return slope + weight * jax.vmap(column, out_axes=1)(basis), None

    start = jnp.zeros((*delta.shape[:1], *delta.shape))
    slope, _ = jax.lax.scan(one, start, (known, frequencies.value, frequencies.weight))
    scale = _bulk_sum(layers, temperature, frequencies)
    return scale * basis - 2 * jnp.pi * temperature * slope


def _amplitude(x, intervals):
    return _real(profile.pair_amplitude(profile.unflattened(x, intervals).layer))


def _gap_residual(delta, args, *, steps):
    (layers, temperature, frequencies, twist), known = args
    intervals = delta.shape[0] // 4
    order = _complex(delta, layers, intervals)

    def amplitude(pack):
        x, frequency, weight = pack
        x = _at(x, (layers, frequency, twist, order), steps)
        return weight * _amplitude(x, intervals)

    parts = jax.lax.map(jax.checkpoint(amplitude), (known, frequencies.value, frequencies.weight))
    scale = _bulk_sum(layers, temperature, frequencies)
    return scale * delta - 2 * jnp.pi * temperature * jnp.sum(parts, axis=0)


def _gap_answer(delta, args, vector, *, steps):
    (layers, temperature, frequencies, twist), known = args
    jacobian = _gap_jacobian(delta, known, layers, temperature, frequencies, twist, steps)
    return solved(jacobian, vector)


def _bulk_sum(layers, temperature, frequencies):
    """2πT Σ 1/Ω: what the bulk's own equation makes of ln T/T_c and the cut-off."""
    whole = jnp.sqrt(frequencies.value**2 + layers.gap**2)
    return 2 * jnp.pi * temperature * jnp.sum(frequencies.weight / whole)


def _continued(layers, values, twist, order, steps):
    """Solutions at every frequency for one Δ(x), from high to low."""
    intervals, lanes = order.shape[0] - 1, twist.shape[1]

    def linearise(x, root):
        return _linearise(x, (layers, root**2, twist, order), steps)

    first = profile.flattened(profile.uniform(layers, values[0], intervals + 1, lanes))
    return swept(linearise, first, jnp.sqrt(values)).x


def _at(x, args, steps):
    return implicit_solution(
        partial(_residual, steps=steps), partial(_answer, steps=steps), args, x
    )


def _residual(x, args, *, steps):
    unknowns = profile.unflattened(x, args[3].shape[0] - 1)
    parts = profile.residual(unknowns, args[3], args[:3], steps)
    return jnp.concatenate([part.reshape(-1, x.shape[1]) for part in parts])


def _answer(x, args, vector, *, steps):
    unknowns = profile.unflattened(x, args[3].shape[0] - 1)
    factors, _ = profile.factors(unknowns, args[3], args[:3], steps)
    return profile.flattened(profile.answer(factors, *profile.split(vector, args[3].shape[0] - 1)))


def _linearise(x, args, steps) -> Linearised:
    intervals = args[3].shape[0] - 1
    unknowns = profile.unflattened(x, intervals)
    factors, inside = profile.factors(unknowns, args[3], args[:3], steps)
    residual = _residual(x, args, steps=steps)
    step = profile.answer(factors, *profile.split(-residual, intervals))
    return Linearised(residual, profile.flattened(step), inside)


def _real(order):
    """Δ or F at the nodes that may vary: side, (real, imaginary), node, lane, as [n, lane]."""
    return real(order[1:])


def _complex(delta, layers, intervals, outer=None):
    """The inverse of `_real`, with the bulk's gap (or `outer`) at the outer end."""
    lanes = delta.shape[1]
    parts = jnp.moveaxis(delta.reshape(2, 2, intervals, lanes), 0, 2)
    inner = jax.lax.complex(parts[0], parts[1])
    end = complexified(layers.gap if outer is None else jnp.asarray(outer, float))
    return jnp.concatenate([jnp.broadcast_to(end, (1, 2, lanes)), inner])
