"""The sweep verb: any function of a device over a grid of its parameters, in chunks."""

import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from ... import _checks
from ..._checks import Numbers
from ...core.device import AbstractDevice
from ...core.paths import with_values
from ...progress import track
from .grid import Grid
from .store import Store

if TYPE_CHECKING:
    import xarray

_IN_FLIGHT = 2  # chunks computed while the previous one is fetched


def sweep(
    function: Callable[[Any], PyTree],
    device: AbstractDevice,
    axes: Mapping[str, Numbers],
    *,
    chunk: int = 8192,
    path: str | Path | None = None,
    overwrite: bool = False,
    progress: bool = True,
) -> "xarray.Dataset":
    """function(device) on the grid spanned by the axes, as a labelled dataset.

    The grid is cut into chunks of one shape: one compilation, bounded memory, sharded over
    all JAX devices. A lane that fails is NaN with its status and leaves the others alone.

    Args:
        function: device → number, array, dict of them, or what has `as_dict()`, such as
            `CriticalCurrents`: plus, minus, efficiency and status.
        device: the device whose other parameters stay as they are.
        axes: {name: values}. A name is a path as in `Space`; if it covers several
            parameters ("flux", "branches.2") all get the same value. Values of shape
            (n, m) set the m parameters of the name one by one.
        chunk: grid points evaluated at once.
        path: netCDF file to write. Finished chunks are kept in a folder beside it, with their
            axes and the device, until it is complete; the same call after an interruption goes
            on from there, and `read_sweep(path)` reads what is there before. A chunk that is
            damaged is computed again. One process at a time may write to a path (network file
            systems need a working `flock` for that).
        overwrite: let the complete file take the place of one that is there.
        progress: show a bar on a terminal; elsewhere a line on stderr for every tenth of a sweep
            that takes more than ten seconds.

    Raises:
        ValueError: unknown names, axes empty, non-finite or outside what the device allows, a
            path that exists already or that another sweep is writing, or left-overs at `path`
            of a sweep with other inputs.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> axes = {"flux": np.linspace(0, 1, 5), "branches.1.first": [60, 80]}
        >>> data = jd.sweep(jd.critical_currents, squid, axes)
        >>> print(dict(data.sizes), sorted(data))
        {'flux': 5, 'branches.1.first': 2} ['efficiency', 'minus', 'plus', 'status']
        >>> print(f"{float(data['plus'].sel(flux=0.25)[1]):.6f}")
        75.310990
    """
    _checks.whole_number("chunk", chunk)
    grid = Grid(device, axes)
    shards = jax.device_count()
    chunk = -(-min(chunk, grid.size) // shards) * shards
    mesh = _mesh() if shards > 1 else None
    starts = range(0, grid.size, chunk)

    def compute(points):
        index = jnp.asarray(np.minimum(points, grid.size - 1))
        return _evaluate(function, grid.targets, device, grid.values, index, mesh)

    results: dict[str, np.ndarray] = {}
    pending: list[tuple[int, Any]] = []
    with nullcontext() if path is None else Store(Path(path), overwrite) as store:
        if store:
            sample = _fetch(compute(np.linspace(0, grid.size - 1, chunk).astype(int)))
            grid.require_outputs(sample)
            store.open(grid, chunk, sample)
            if progress and (done := store.count()):
                found = f"{done} of {len(starts)} chunks found in {store.folder}"
                print(f"sweep: {found}", file=sys.stderr)

        def collect(start, output):
            host = _fetch(output)
            if store:
                store.save(start, host)
            grid.place(results, start, host)

        for start in track(starts, "sweep", len(starts), progress):
            if store and (saved := store.load(start)) is not None:
                grid.place(results, start, saved)
                continue
            pending.append((start, compute(np.arange(start, start + chunk))))
            if len(pending) > _IN_FLIGHT:
                collect(*pending.pop(0))
        for item in pending:
            collect(*item)
        dataset = grid.dataset(results)
        if store:
            store.finish(dataset)
    return dataset


def _fetch(output) -> dict[str, np.ndarray]:
    return {k: np.asarray(v) for k, v in output.items()}


@eqx.filter_jit
def _evaluate(function, targets, device, values, index, mesh):
    where = jnp.unravel_index(index, tuple(len(v) for v in values))

    def one(*position):
        members, chosen = [], []
        for axis, i, group in zip(values, position, targets, strict=True):
            members += [(target,) for target in group]
            chosen += list(axis[i]) if axis.ndim == 2 else [axis[i]] * len(group)
        return _named(function, function(with_values(device, members, chosen)))

    run = jax.vmap(one)
    if mesh is not None:
        # Each JAX device runs its own loop: lanes that end early do not wait for the others'.
        spec = jax.sharding.PartitionSpec("points")
        run = jax.shard_map(run, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False)
    return run(*where)


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
