"""The function of a sweep over points of its grid: one program, on all JAX devices."""

import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ...core.paths import with_values
from .grid import Grid

_STEP, _STEPS = 256, 8  # lanes of a step at most, steps of few points
_OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"  # how XLA says so


class Started(NamedTuple):
    """Points whose outputs the JAX devices are working on."""

    points: np.ndarray
    outputs: list[Any]


class Program:
    """Points in steps of so many lanes, the steps shared out to the JAX devices.

    The lanes of a step do not depend on how many devices there are, and so no bit of the results
    does; a step ends with its slowest lane, not with that of all points. On other platforms than
    the CPU a step is what a device has at once. Where the memory is not there half of the points
    go at once.

    Attributes:
        lanes: points at once, a multiple of the step and of the number of JAX devices.
        step: lanes of a step.
    """

    def __init__(self, function: Callable, grid: Grid, lanes: int):
        self.function, self.grid = function, grid
        self.devices = jax.device_count()
        wanted = min(lanes, grid.size)
        cpu = jax.default_backend() == "cpu"
        self.step = min(_STEP, -(-wanted // _STEPS)) if cpu else -(-wanted // self.devices)
        self.lanes = -(-wanted // (self.step * self.devices)) * self.step * self.devices
        self._mesh = _mesh()

    def start(self, points: np.ndarray) -> Started:
        """Begin with points (flat indices) of any number; the last lanes repeat the last point."""
        outputs = []
        for begin in range(0, len(points), self.lanes):
            part = points[begin : begin + self.lanes]
            part = np.pad(part, (0, self.lanes - len(part)), mode="edge")
            try:
                outputs.append(self._run(part))
            except Exception as error:
                if not _out_of_memory(error):
                    raise
                outputs.append(error)
        return Started(points, outputs)

    def fetch(self, started: Started) -> dict[str, np.ndarray]:
        """Outputs of the points, on the host.

        Raises:
            MemoryError: one point for each JAX device is too much.
        """
        try:
            parts = [_fetched(output) for output in started.outputs]
        except Exception as error:
            if not _out_of_memory(error):
                raise
            self._halve(error)
            return self.fetch(self.start(started.points))
        size = len(started.points)
        return {k: np.concatenate([part[k] for part in parts])[:size] for k in parts[0]}

    def __call__(self, points: np.ndarray) -> dict[str, np.ndarray]:
        return self.fetch(self.start(points))

    def _run(self, points):
        index = jnp.asarray(np.minimum(points, self.grid.size - 1)).reshape(-1, self.step)
        grid = self.grid
        return evaluate(self.function, grid.targets, grid.device, grid.values, index, self._mesh)

    def _halve(self, error: Exception) -> None:
        if self.lanes <= self.devices:
            raise MemoryError(
                "out of memory with a single point for each JAX device, whatever the chunk"
            ) from error
        steps = self.lanes // (self.step * self.devices)
        if steps > 1:
            half = steps // 2 * self.step * self.devices
        else:
            self.step //= 2
            half = self.step * self.devices
        print(
            f"sweep: out of memory with {self.lanes} points at once, goes on with {half}",
            file=sys.stderr,
        )
        self.lanes = half


def _fetched(output) -> dict[str, np.ndarray]:
    if isinstance(output, Exception):
        raise output
    return {k: np.asarray(v) for k, v in output.items()}


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or _OUT_OF_MEMORY in str(error)


@eqx.filter_jit
def evaluate(function, targets, device, values, index, mesh):
    """Named outputs of the points (step, lane)."""
    where = jnp.unravel_index(index, tuple(len(v) for v in values))

    def one(*position):
        members, chosen = [], []
        for axis, i, group in zip(values, position, targets, strict=True):
            members += [(target,) for target in group]
            chosen += list(axis[i]) if axis.ndim == 2 else [axis[i]] * len(group)
        return _named(function, function(with_values(device, members, chosen)))

    def run(*where):
        return jax.lax.map(lambda place: jax.vmap(one)(*place), where)

    # Each JAX device runs its own loop, one alone too: the same program, the same bits.
    spec = jax.sharding.PartitionSpec("points")
    run = jax.shard_map(run, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False)
    found = run(*where)
    return {k: v.reshape(-1, *v.shape[2:]) for k, v in found.items()}


def _named(function, output) -> dict[str, Any]:
    """The function's output as named arrays."""
    if hasattr(output, "as_dict"):
        return output.as_dict()
    if isinstance(output, Mapping):
        named = {}
        for key, value in output.items():
            inner = value.as_dict() if hasattr(value, "as_dict") else None
            named |= {f"{key}.{k}": v for k, v in inner.items()} if inner else {str(key): value}
        return {k: jnp.asarray(v) for k, v in named.items()}
    if jax.tree.structure(output) == jax.tree.structure(0.0):
        name = getattr(function, "__name__", "value")
        return {name if name.isidentifier() else "value": jnp.asarray(output)}
    raise ValueError(
        "function must return a number, an array, a dict of them or CriticalCurrents, "
        f"got {type(output).__name__}"
    )


def _mesh():
    """All JAX devices, side by side."""
    auto = (jax.sharding.AxisType.Auto,)
    return jax.make_mesh((jax.device_count(),), ("points",), axis_types=auto)
