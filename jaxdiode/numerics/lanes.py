"""How vmap runs a long search whose lanes end at different times."""

from collections.abc import Callable

import jax
from jax.custom_batching import custom_vmap


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
