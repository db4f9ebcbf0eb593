"""How vmap runs a long search whose lanes end at different times."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Bool, PyTree


def lanewise(function: Callable) -> Callable:
    """`function` of arrays, such that vmap on a CPU takes one lane after the other.

    A vectorised while loop runs until its slowest lane is done and masks the others; on a CPU,
    where scalar loops are as fast per lane, that costs several times the work. On other
    platforms lanes run side by side. Not differentiable: call it on frozen arguments.
    """

    function = jax.jit(function)  # traced once for all the places below

    @custom_vmap
    def call(*args):
        return function(*args)

    @call.def_vmap
    def _(axis_size, batched, *args):
        del axis_size
        leaves, structure = jax.tree.flatten(args)
        lanes = jax.tree.leaves(batched)
        mapped = [leaf for leaf, lane in zip(leaves, lanes, strict=True) if lane]

        def one(function, mapped):
            rest = iter(mapped)
            whole = [next(rest) if x else leaf for leaf, x in zip(leaves, lanes, strict=True)]
            return function(*jax.tree.unflatten(structure, whole))

        def in_turn(mapped):
            return jax.lax.map(lambda lane: one(call, lane), mapped)

        def side_by_side(mapped):
            return jax.vmap(lambda lane: one(function, lane))(mapped)

        if jax.default_backend() == "cpu":  # nothing else is there: no need to trace both
            found = in_turn(mapped)
        else:
            found = jax.lax.platform_dependent(mapped, cpu=in_turn, default=side_by_side)
        return found, jax.tree.map(lambda _: True, found)

    return call


def where_needed(
    needed: Bool[Array, ""], function: Callable[[PyTree], PyTree], args: PyTree, otherwise: PyTree
) -> PyTree:
    """function(args) where it is needed, else what is there.

    Under vmap it runs if any lane needs it; `cond` would run it always.
    """

    def turn(state):
        _, args, _ = state
        # Arguments that a loop leaves alone are computed with before it, needed or not.
        spent = jax.tree.map(lambda x: x if x.dtype == bool else -x, args)
        return jnp.zeros((), bool), spent, function(args)

    state = needed, args, otherwise
    return jax.lax.while_loop(lambda state: state[0], turn, state)[2]


def lanes_last(function: Callable) -> Callable:
    """`function` of arrays that have one more axis, the last: one lane, or all those of vmap.

    Loops over short arrays then run along the lanes, which vector units of a CPU and an
    accelerator ask for; vmap itself would put the lanes first. An argument that is the same in all
    lanes has a last axis of size 1; results have all lanes. Not differentiable: call it on frozen
    arguments.
    """

    @custom_vmap
    def call(*args):
        return function(*args)

    @call.def_vmap
    def _(axis_size, batched, *args):
        leaves, structure = jax.tree.flatten(args)
        mapped = jax.tree.leaves(batched)
        lanes = max((x.shape[-1] for x in leaves), default=1)

        def merged(x, new):
            """The new axis, which is the first where there is one, joined with that of lanes."""
            if not new and x.shape[-1] == lanes == 1:
                return x
            x = jnp.moveaxis(x, 0, -2) if new else x[..., None, :]
            whole = jnp.broadcast_to(x, (*x.shape[:-2], axis_size, lanes))
            return whole.reshape(*x.shape[:-2], axis_size * lanes)

        whole = [merged(x, new) for x, new in zip(leaves, mapped, strict=True)]
        found = call(*jax.tree.unflatten(structure, whole))

        def parted(x):
            return jnp.moveaxis(x.reshape(*x.shape[:-1], axis_size, lanes), -2, 0)

        return jax.tree.map(parted, found), jax.tree.map(lambda _: True, found)

    def alone(*args):
        found = call(*jax.tree.map(lambda x: jnp.asarray(x)[..., None], args))
        return jax.tree.map(lambda x: x[..., 0], found)

    return alone
