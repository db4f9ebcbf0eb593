"""Equations of states in series whose solutions are differentiated."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..circuits.relations import Relations, grouped
from ..core.device import AbstractPhaseBiased
from .chain_energy import energies, turns_of
from .chain_newton import solved

Scalar = Float[Array, ""]


def relations_of(junctions: tuple[AbstractPhaseBiased, ...], unit: Scalar) -> Relations:
    return Relations(*grouped(junctions), unit)


def _balance(x: Array, args: tuple) -> Array:
    """One current through all junctions, phases that add up; x = (θ, I)."""
    junctions, unit, phase = args
    relations = relations_of(junctions, unit)
    current = jax.vmap(relations.current, 1, 1)(x[:-1])
    return jnp.concatenate([current - x[-1], (jnp.sum(x[:-1], axis=0) - phase)[None]])


@jax.custom_jvp
def ground_state(junctions: Any, unit: Array, phase: Array, x: Array) -> Array:
    """A located state (θ, I) of every lane as an exact function of junctions and phase."""
    del junctions, unit, phase
    return x


def _ground_state_jvp(primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    """By the implicit function theorem; what does not change costs nothing."""
    junctions, unit, phase, x = primals
    root = ground_state(junctions, unit, phase, x)
    changes = jax.tree.leaves(tangents[0], is_leaf=_is_still)
    pushed = _filled(tangents[2])
    over = jnp.zeros_like(root[:-1])
    if not all(map(_is_still, changes)):
        along = jax.tree.map(_filled, tangents[0], is_leaf=_is_still)
        _, over = jax.jvp(
            lambda given: jax.vmap(relations_of(given, unit).current, 1, 1)(root[:-1]),
            (junctions,),
            (along,),
        )
    relations = relations_of(junctions, unit)

    def one(state: Array, over: Array, pushed: Scalar) -> Array:
        found = solved(relations.with_slope(state)[1], 1.0, -over, pushed)
        return jnp.append(found.change, found.current)

    return root, jax.vmap(one, (1, 1, 0), 1)(root[:-1], over, pushed)


ground_state.defjvp(_ground_state_jvp, symbolic_zeros=True)


def _is_still(tangent: Any) -> bool:
    return isinstance(tangent, jax.custom_derivatives.SymbolicZero)


def _filled(tangent: Any) -> Any:
    if not _is_still(tangent):
        return tangent
    if tangent.dtype == jax.dtypes.float0:
        return np.zeros(tangent.shape, jax.dtypes.float0)
    return jnp.zeros(tangent.shape, tangent.dtype)


def tied(x: Array, args: tuple) -> Array:
    """x = (θ, I) before, (θ, I) behind, φ, at which both balance and have one energy."""
    junctions, unit = args
    relations = relations_of(junctions, unit)
    samples = max(one.samples_per_period() for one in junctions)
    table = energies(relations, turns_of(relations), 2 * samples)
    half = len(junctions) + 1
    parts = [_balance(part, (junctions, unit, x[-1])) for part in (x[:half], x[half:-1])]
    own = jax.vmap(table.at, 1, 1)
    apart = jnp.sum(own(x[: half - 1]) - own(x[half : 2 * half - 1]), axis=0)
    return jnp.concatenate([*parts, apart[None]])


def solve_tied(x: Array, args: tuple, right: Array) -> Array:
    junctions, unit = args
    relations = relations_of(junctions, unit)
    half = len(junctions) + 1

    def one(x: Array, right: Array) -> Array:
        before, behind = x[:half], x[half:-1]
        one, other = right[:half], right[half:-1]
        fall = before[-1] - behind[-1]
        fall = jnp.where(jnp.abs(fall) > 1e-12 * jnp.abs(before[-1]), fall, 1.0)
        phase = (right[-1] - before[-1] * one[-1] + behind[-1] * other[-1]) / fall
        changes = []
        for state, side in ((before, one), (behind, other)):
            _, slope = relations.with_slope(state[:-1])
            found = solved(slope, 1.0, side[:-1], side[-1] + phase)
            changes.extend((found.change, found.current))
        return jnp.concatenate([jnp.ravel(part) for part in (*changes, phase)])

    return jax.vmap(one, 1, 1)(x, right)


def currents(x: Array, args: tuple) -> Array:
    return jax.vmap(relations_of(*args).current, 1, 1)(x)


def solve_currents(x: Array, args: tuple, right: Array) -> Array:
    _, slope = jax.vmap(relations_of(*args).with_slope, 1, 1)(x)
    return right / jnp.where(jnp.abs(slope) > 1e-12, slope, jnp.inf)
