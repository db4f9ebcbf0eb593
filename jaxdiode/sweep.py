"""The sweep verb: any function of a device over a grid of its parameters, in chunks."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from . import _checks
from ._checks import Numbers
from .core.device import AbstractDevice
from .progress import track
from .space import elements_of, match_names, require_range, with_values

if TYPE_CHECKING:
    import xarray

_LABELS = {
    "plus": "critical current I₊",
    "minus": "critical current I₋",
    "efficiency": "diode efficiency η",
    "diode_efficiency": "diode efficiency η",
    "flux": "flux",
}
_IN_FLIGHT = 2  # chunks computed while the previous one is fetched


def sweep(
    function: Callable[[Any], PyTree],
    device: AbstractDevice,
    axes: Mapping[str, Numbers],
    *,
    chunk: int = 8192,
    path: str | Path | None = None,
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
        path: netCDF file to write. Finished chunks are kept in a folder beside it until it
            is complete, and the same call after an interruption goes on from there.
        progress: show a bar when stderr is a terminal.

    Raises:
        ValueError: unknown names, axes empty, non-finite or outside what the device allows, a
            path that exists already, or left-overs at `path` of a sweep with other inputs.
    """
    _checks.whole_number("chunk", chunk)
    grid = _Grid(device, axes)
    shards = jax.device_count()
    chunk = -(-min(chunk, grid.size) // shards) * shards
    mesh = _mesh() if shards > 1 else None

    def compute(points):
        index = jnp.asarray(np.minimum(points, grid.size - 1))
        return _evaluate(function, grid.targets, device, grid.values, index, mesh)

    store = None
    if path is not None:
        sample = compute(np.linspace(0, grid.size - 1, chunk).astype(int))
        store = _Store(Path(path), grid, chunk, jax.tree.map(np.asarray, sample))
    results: dict[str, np.ndarray] = {}
    pending: list[tuple[int, Any]] = []

    def place_results(start, host):
        for k, v in host.items():
            whole = results.setdefault(k, np.empty((grid.size, *v.shape[1:]), v.dtype))
            whole[start : start + chunk] = v[: grid.size - start]

    def collect(start, output):
        host = {k: np.asarray(v) for k, v in output.items()}
        if store:
            store.save(start, host)
        place_results(start, host)

    starts = range(0, grid.size, chunk)
    if store and progress and (done := sum(store.has(start) for start in starts)):
        print(f"sweep: {done} of {len(starts)} chunks found in {store.folder}", file=sys.stderr)
    for start in track(starts, "sweep", len(starts), progress):
        if store and (saved := store.load(start)) is not None:
            place_results(start, saved)
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


class _Grid:
    """The axes: which parameters they set, their values, and the labels of the result."""

    def __init__(self, device, axes):
        if not isinstance(device, AbstractDevice):
            raise ValueError(f"device must be a jaxdiode device, got {type(device).__name__}")
        if not axes:
            raise ValueError("axes must name at least one parameter, got none")
        self.device = device
        elements = elements_of(device)
        targets, self.values, seen = [], [], set()
        self.names = tuple(axes)
        for name, given in axes.items():
            array = _checks.real_array(f"axes[{name!r}]", given)
            matched = match_names(elements, name)
            if array.ndim not in (1, 2) or array.size == 0:
                raise ValueError(f"axes[{name!r}] must be a non-empty list, got {array.shape}")
            if array.ndim == 2:
                _checks.require_length(
                    f"each row of axes[{name!r}]", array, len(matched), "parameters of that name"
                )
            if twice := seen & set(matched):
                raise ValueError(f"axes must set each parameter once, {min(twice)!r} came twice")
            for member in matched:
                low, high = float(jnp.min(array)), float(jnp.max(array))
                require_range(device, member, f"axes[{name!r}]", low, high)
            seen |= set(matched)
            targets.append(tuple(elements[m] for m in matched))
            self.values.append(array)
        self.targets = tuple(targets)
        self.shape = tuple(len(v) for v in self.values)
        self.size = int(np.prod(self.shape))

    def dataset(self, results):
        import xarray

        data = {}
        for key, flat in results.items():
            inner = [f"{key}_{i}" for i in range(flat.ndim - 1)]
            data[key] = ((*self.names, *inner), flat.reshape(*self.shape, *flat.shape[1:]))
        coords = {}
        for name, values in zip(self.names, self.values, strict=True):
            if values.ndim == 1:
                coords[name] = np.asarray(values)
            else:
                coords[f"{name}_values"] = ((name, f"{name}_component"), np.asarray(values))
        made = xarray.Dataset(data, coords, {"device": repr(self.device)})
        for name, text in _LABELS.items():
            if name in made.variables:
                made[name].attrs["long_name"] = text
        if "flux" in made.coords:
            made["flux"].attrs["units"] = "Φ₀"
        return made


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


class _Store:
    """Chunks on disk until the netCDF file is whole; every write is a rename.

    Two sweeps are the same when their axes and chunks are and when the function gives the
    same values on a sample of the grid: its name and code say nothing of what it closes over.
    """

    def __init__(self, path: Path, grid: _Grid, chunk: int, sample: dict[str, np.ndarray]):
        if path.exists():
            raise ValueError(
                f"path must not exist yet, {str(path)!r} does; xarray.open_dataset reads it, "
                "or move it away to sweep again"
            )
        self.path, self.folder = path, path.with_name(path.name + ".partial")
        label = self.folder / "inputs.npz"
        axes = {
            f"axis {name}": np.asarray(v) for name, v in zip(grid.names, grid.values, strict=True)
        }
        inputs = {"chunk": np.asarray(chunk), **axes, **sample}
        if not label.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            atomic_write(label, lambda p: np.savez(p, **inputs))  # pyright: ignore
        elif not _same(inputs, _load(label)):
            raise ValueError(
                f"path has left-overs of a sweep with other inputs in {str(self.folder)!r}; "
                "repeat that sweep or delete the folder"
            )

    def save(self, start: int, arrays: dict[str, np.ndarray]) -> None:
        atomic_write(self._file(start), lambda p: np.savez(p, **arrays))  # pyright: ignore

    def has(self, start: int) -> bool:
        return self._file(start).exists()

    def load(self, start: int) -> dict[str, np.ndarray] | None:
        return _load(self._file(start)) if self.has(start) else None

    def finish(self, dataset) -> None:
        atomic_write(self.path, lambda p: dataset.to_netcdf(p, engine="h5netcdf"))
        shutil.rmtree(self.folder)

    def _file(self, start: int) -> Path:
        return self.folder / f"{start:012d}.npz"


def _load(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as saved:
        return dict(saved)


def _same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    """Equal names, shapes and values (to rounding: another machine may go on)."""
    return list(one) == list(other) and all(map(_close, one.values(), other.values()))


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    size = np.nanmax(np.abs(a), initial=0.0)
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-7, atol=1e-9 * size, equal_nan=True)


def atomic_write(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make the file under another name in the same folder, then rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
