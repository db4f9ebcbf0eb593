"""A function and its slopes along the axes at scattered points: one program of few lanes."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ...core.paths import with_values
from ..sweep.program import Program, named_outputs
from .columns import SLOPE
from .lattice import Lattice


class SlopeProgram(Program):
    """`Program` at points given by their coordinates, with the exact slope of every output.

    Slopes are forward-mode derivatives, in the same run as the values.
    """

    def __init__(self, function: Any, lattice: Lattice, lanes: int):
        self.lattice = lattice
        super().__init__(function, lattice.grid, lanes)

    def _entry(self) -> Any:
        return evaluate_with_slopes

    def _first(self) -> np.ndarray:
        return np.tile([knots[0] for knots in self.lattice.knots], (self.lanes, 1))

    def _places(self, points: np.ndarray) -> list[np.ndarray]:
        return list(self.lattice.members(points))

    def _inputs(self):
        return self.function, self.grid.targets, self.grid.device


@eqx.filter_jit
def evaluate_with_slopes(function, targets, device, where):
    """Named outputs at these values of the parameters, and `_slope` of those that have one."""
    members = [(target,) for group in targets for target in group]

    def outputs(values):
        found = named_outputs(function, function(with_values(device, members, list(values))))
        smooth = {k: v for k, v in found.items() if jnp.issubdtype(v.dtype, jnp.inexact)}
        return smooth, {k: v for k, v in found.items() if k not in smooth}

    def one(values, along):
        def moved(direction):
            return jax.jvp(outputs, (values,), (direction,), has_aux=True)

        smooth, slopes, others = jax.vmap(moved, out_axes=(None, 0, None))(along)
        return {**smooth, **others, **{k + SLOPE: v for k, v in slopes.items()}}

    return jax.vmap(one)(*where)
