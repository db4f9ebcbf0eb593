"""A refined map as a dataset: its points, and the cells that interpolate between them."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ...numerics.hermite_cells import KINDS
from ..sweep.labels import long_name
from .columns import SLOPE
from .lattice import Lattice
from .refinement import FLAGS, Leaves
from .study import dimensions_of

if TYPE_CHECKING:
    import xarray

ERROR, KIND = "_error", "_kind"
LOW, SIZE, NODES, FLAG = "cell_low", "cell_size", "cell_point", "flag"


def point_dataset(
    lattice: Lattice, places: np.ndarray, outputs: Mapping[str, np.ndarray]
) -> "xarray.Dataset":
    """Scattered points: coordinates, outputs and slopes."""
    import xarray

    about = lattice.grid.about()
    names = list(lattice.grid.axes)
    coordinates = lattice.coordinates(places)
    data = {
        name: (("point", *dimensions_of(name, values, list(outputs))), values)
        for name, values in outputs.items()
    }
    coords = {name: ("point", coordinates[:, k]) for k, name in enumerate(names)}
    kept = {k: v for k, v in about.items() if v and k != "axes"}
    made = xarray.Dataset(data, coords | {"axis": names}, kept)
    for name in outputs:
        if name.endswith(SLOPE) and (text := long_name(name.removesuffix(SLOPE))):
            made[name].attrs["long_name"] = f"slope of the {text}"
    for name, (text, unit) in json.loads(about["axes"]).items():
        made[name].attrs |= {"long_name": text} | ({"units": unit} if unit else {})
    return made


def cell_dataset(
    lattice: Lattice,
    leaves: Leaves,
    parts: Mapping[str, slice],
    outputs: Mapping[str, np.ndarray],
) -> "xarray.Dataset":
    """Cells: where they lie, their points, kind of interpolation and error of every output."""
    import xarray

    data: dict[str, Any] = {
        LOW: (("cell", "axis"), leaves.low),
        SIZE: (("cell", "axis"), leaves.size),
        NODES: (("cell", "node"), leaves.nodes),
        FLAG: ("cell", leaves.flag.astype(np.int8)),
    }
    for name, part in parts.items():
        values = outputs[name]
        inner, dimensions = values.shape[1:], dimensions_of(name, values, list(outputs))
        pair = 2 if values.dtype.kind == "c" else 1
        error = leaves.error[:, part].reshape(len(leaves.low), *inner, pair)
        kind = leaves.kind[:, part].reshape(len(leaves.low), *inner, pair)
        data[name + ERROR] = (("cell", *dimensions), np.linalg.norm(error, axis=-1))
        if pair == 1:
            data[name + KIND] = (("cell", *dimensions), kind[..., 0].astype(np.int8))
        else:
            data[name + KIND] = (("cell", *dimensions, f"{name}_parts"), kind.astype(np.int8))
    made = xarray.Dataset(data)
    made[FLAG].attrs |= {
        "flag_values": list(range(len(FLAGS))), "flag_meanings": " ".join(FLAGS)
    }  # fmt: skip
    for name in parts:
        made[name + KIND].attrs |= {
            "flag_values": list(range(len(KINDS))), "flag_meanings": " ".join(KINDS)
        }  # fmt: skip
    knots = {n: k.tolist() for n, k in zip(lattice.grid.axes, lattice.knots, strict=True)}
    made.attrs["cells"] = json.dumps(
        {"knots": knots, "bits": lattice.bits, "points": int(leaves.nodes.max()) + 1}
    )
    return made
