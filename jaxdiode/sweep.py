"""The sweep verb: any function of a device over a grid of its parameters, in chunks."""

import hashlib
import json
import os
import shutil
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
from .core.critical import CriticalCurrents
from .core.device import AbstractDevice
from .progress import track
from .space import elements_of, match_names

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
    progress: bool = True,
) -> "xarray.Dataset":
    """function(device) on the grid spanned by the axes, as a labelled dataset.

    The grid is cut into chunks of one shape: one compilation, bounded memory, sharded over
    all JAX devices. A lane that fails is NaN with its status and leaves the others alone.

    Args:
        function: device → number, array, dict of them, or `CriticalCurrents`, which becomes
            the variables plus, minus, efficiency and status.
        device: the device whose other parameters stay as they are.
        axes: {name: values}. A name is a path as in `Space`; if it covers several
            parameters ("flux", "branches.2") all get the same value. Values of shape
            (n, m) set the m parameters of the name one by one.
        chunk: grid points evaluated at once.
        path: netCDF file to write. Finished chunks are kept in a folder beside it until it
            is complete, and the same call after an interruption goes on from there.
        progress: show a bar when stderr is a terminal.

    Raises:
        ValueError: unknown names, empty or non-finite axes, a path that exists already, or
            left-overs at `path` of a sweep with other inputs.
    """
    _checks.positive_int("chunk", chunk)
    grid = _Grid(device, axes)
    shards = jax.device_count()
    chunk = min(chunk, grid.size)
    chunk = -(-chunk // shards) * shards
    store = None
    if path is not None:
        store = _Store(Path(path), _fingerprint(function, device, grid, chunk))
    place = _placement()
    shapes = eqx.filter_eval_shape(lambda d: _named(function, function(d)), device)
    results = {k: np.empty((grid.size, *s.shape), s.dtype) for k, s in shapes.items()}
    pending: list[tuple[int, Any]] = []

    def collect(start, output):
        host = {k: np.asarray(v) for k, v in output.items()}
        if store:
            store.save(start, host)
        for k, v in host.items():
            results[k][start : start + chunk] = v[: grid.size - start]

    starts = range(0, grid.size, chunk)
    for start in track(starts, "sweep", len(starts), progress):
        if store and (saved := store.load(start)) is not None:
            for k, v in saved.items():
                results[k][start : start + chunk] = v[: grid.size - start]
            continue
        index = place(np.minimum(np.arange(start, start + chunk), grid.size - 1))
        pending.append((start, _evaluate(function, grid.targets, device, grid.values, index)))
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
                coords[f"{name} values"] = ((name, f"{name} component"), np.asarray(values))
        return xarray.Dataset(data, coords)


@eqx.filter_jit
def _evaluate(function, targets, device, values, index):
    leaves, structure = jax.tree.flatten(device)
    where = jnp.unravel_index(index, tuple(len(v) for v in values))

    def one(*position):
        changed = list(leaves)
        for axis, i, group in zip(values, position, targets, strict=True):
            for m, (leaf, k) in enumerate(group):
                value = axis[i] if axis.ndim == 1 else axis[i, m]
                flat = jnp.ravel(changed[leaf]).at[k].set(value)
                changed[leaf] = flat.reshape(jnp.shape(changed[leaf]))
        return _named(function, function(jax.tree.unflatten(structure, changed)))

    return jax.vmap(one)(*where)


def _named(function, output) -> dict[str, Any]:
    """The function's output as named arrays."""
    if isinstance(output, CriticalCurrents):
        return {k: getattr(output, k) for k in ("plus", "minus", "efficiency", "status")}
    if isinstance(output, Mapping):
        return {str(k): jnp.asarray(v) for k, v in output.items()}
    if jax.tree.structure(output) == jax.tree.structure(0.0):
        name = getattr(function, "__name__", "value")
        return {name if name.isidentifier() else "value": jnp.asarray(output)}
    raise ValueError(
        "function must return a number, an array, a dict of them or CriticalCurrents, "
        f"got {type(output).__name__}"
    )


def _placement():
    """How an index array is spread over the JAX devices."""
    if jax.device_count() == 1:
        return jnp.asarray
    mesh = jax.make_mesh(
        (jax.device_count(),), ("points",), axis_types=(jax.sharding.AxisType.Auto,)
    )
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("points"))
    return lambda index: jax.device_put(index, sharding)


def _fingerprint(function, device, grid, chunk) -> str:
    """What makes two sweeps the same: function, device, axes and chunk size."""
    digest = hashlib.sha256()
    code = getattr(function, "__code__", None)
    parts = [getattr(function, "__qualname__", repr(function)), chunk, grid.names, grid.targets]
    parts += [code.co_code, code.co_consts] if code else []
    parts += [jax.tree.structure(device)]
    digest.update(repr(parts).encode())
    for array in (*jax.tree.leaves(device), *grid.values):
        digest.update(np.asarray(array).tobytes())
    return digest.hexdigest()


class _Store:
    """Chunks on disk until the netCDF file is whole; every write is a rename."""

    def __init__(self, path: Path, fingerprint: str):
        if path.exists():
            raise ValueError(f"path must not exist yet, {str(path)!r} does; move or delete it")
        self.path, self.folder = path, path.with_name(path.name + ".partial")
        label = self.folder / "sweep.json"
        if label.exists():
            if json.loads(label.read_text())["fingerprint"] != fingerprint:
                raise ValueError(
                    f"path has left-overs of a sweep with other inputs in {str(self.folder)!r}; "
                    "repeat that sweep or delete the folder"
                )
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        atomic_write(label, lambda p: p.write_text(json.dumps({"fingerprint": fingerprint})))

    def save(self, start: int, arrays: dict[str, np.ndarray]) -> None:
        atomic_write(self._file(start), lambda p: np.savez(p, **arrays))  # pyright: ignore

    def load(self, start: int) -> dict[str, np.ndarray] | None:
        if not self._file(start).exists():
            return None
        with np.load(self._file(start)) as saved:
            return dict(saved)

    def finish(self, dataset) -> None:
        atomic_write(self.path, lambda p: dataset.to_netcdf(p, engine="h5netcdf"))
        shutil.rmtree(self.folder)

    def _file(self, start: int) -> Path:
        return self.folder / f"{start:012d}.npz"


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
