"""Which variable of a dataset is the voltage, which axis the bias, and the curves they make."""

import itertools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..measurement.missing import overloads
from .roles import POINT, bias_of, listed, quantity_of, unit_of

if TYPE_CHECKING:
    from xarray import Dataset

SWEEP, DIRECTION = "sweep", "direction"
_DIRECTIONS = {"up": 1, "down": -1}
_MOST_LEGS = 8


class Leg(NamedTuple):
    """Curves over one monotone way of the bias; it increases here, `direction` says how it went."""

    values: np.ndarray
    current: np.ndarray
    direction: int


class Curves(NamedTuple):
    """All curves of a dataset.

    Attributes:
        legs: each with rows for all of the other axes together.
        axes: coordinates of the other axes, by name.
        shape: their lengths.
        quantity: "voltage" or "resistance".
        name: of the variable.
        current: name of the bias.
        unit: of the bias.
        value_unit: of the variable.
        units: of the other axes.
        chosen: which names were taken for bias and voltage, and why.
    """

    legs: list[Leg]
    axes: dict[str, np.ndarray | tuple[str, ...]]
    shape: tuple[int, ...]
    quantity: str
    name: str
    current: str
    unit: str
    value_unit: str
    units: dict[str, str]
    chosen: str


def curves(
    dataset: "Dataset",
    current: str | None,
    voltage: str | None,
    resistance: str | None,
    direction: str | None = None,
) -> Curves:
    """The curves of a dataset.

    Raises:
        ValueError: no dataset, unknown names, none or several candidates, complex numbers.
    """
    import xarray

    if not isinstance(dataset, xarray.Dataset):
        raise ValueError(f"dataset must be an xarray.Dataset, got {type(dataset).__name__}")
    if voltage is not None and resistance is not None:
        raise ValueError(
            f"voltage and resistance must not both be given, got {voltage!r} and {resistance!r}"
        )
    bias, by = bias_of(dataset, current, voltage or resistance)
    along = dataset[bias].dims[0]
    if along == POINT:
        apart = [
            str(n)
            for n, x in dataset.coords.items()
            if n != bias and x.dims == (POINT,) and np.unique(x.values).size > 1
        ]
        if apart:
            raise ValueError(
                f"dataset must be a grid over {listed(apart)}, its points are scattered: select "
                "one curve, or interpolate them"
            )
    name, quantity, why = quantity_of(dataset, along, bias, voltage, resistance)
    array = dataset[name]
    if np.iscomplexobj(array.values):
        raise ValueError(f"{quantity} must be real, {name!r} is complex: take its .real")
    way = np.asarray(dataset[bias].values, float)
    sweep = SWEEP if SWEEP in array.dims else None
    others = [str(d) for d in array.dims if d not in (along, sweep)]
    array = array.transpose(*([sweep] if sweep else []), *others, along)
    shape = tuple(array.sizes[d] for d in others)
    rows = max(1, int(np.prod(shape)))
    values = np.asarray(array.values, float)
    bad = overloads(values)
    parts = np.where(bad, np.nan, values).reshape(-1, rows, way.size)
    if direction is not None and (sweep or DIRECTION in dataset.coords):
        raise ValueError(
            f"direction must be left out where the dataset says it, by {sweep or DIRECTION!r}, got "
            f"{direction!r}"
        )
    labels = _labels(dataset, len(parts)) if sweep else [_DIRECTIONS.get(direction or "", 0)]
    if not sweep and DIRECTION in dataset.coords:
        parts, labels = _by_line(dataset, parts[0], others)
    legs = [
        leg
        for label, part in zip(labels, parts, strict=True)
        for leg in _legs(part, way, label, bias)
    ]
    return Curves(
        legs,
        {d: _coordinate(dataset, d) for d in others},
        shape, quantity, name, bias,
        unit_of(dataset, bias),
        unit_of(dataset, name),
        {d: unit_of(dataset, d) if d in dataset.coords else "" for d in others},
        f"bias from {bias!r} ({by}), {'V' if quantity == 'voltage' else 'dV/dI'} from {name!r} "
        f"({why})"
        + (f"; {np.sum(bad)} of {bad.size} samples are overloads, left out" if bad.any() else ""),
    )  # fmt: skip


def _coordinate(dataset: "Dataset", name: str) -> np.ndarray | tuple[str, ...]:
    if name not in dataset.coords:
        return np.arange(dataset.sizes[name])
    values = np.asarray(dataset[name].values)
    return values if values.dtype.kind in "fiu" else tuple(map(str, values))


def _labels(dataset: "Dataset", count: int) -> list[int]:
    named = SWEEP
    if DIRECTION in dataset.coords and dataset[DIRECTION].dims == (SWEEP,):
        named = DIRECTION
    labels = [str(x) for x in dataset[named].values] if named in dataset.coords else []
    if len(labels) != count or not set(labels) <= set(_DIRECTIONS):
        raise ValueError(
            f"the dimension 'sweep' must be labelled 'up' or 'down' (of the bias), got "
            f"{listed(labels) or 'no labels'}"
        )
    return [_DIRECTIONS[x] for x in labels]


def _by_line(
    dataset: "Dataset", rows: np.ndarray, others: list[str]
) -> tuple[np.ndarray, list[int]]:
    """Rows of one way each, as lines that go up and down in turn: NaN in the other's place."""
    way = dataset[DIRECTION]
    if not set(map(str, way.dims)) <= set(others):
        raise ValueError(
            f"'direction' must lie along the map's other axes ({listed(others) or 'none'}), got "
            f"{way.dims}"
        )
    sizes = {d: dataset.sizes[d] for d in others}
    words = np.broadcast_to(
        way.transpose(*(d for d in others if d in way.dims)).values.reshape(
            [sizes[d] if d in way.dims else 1 for d in others]
        ),
        tuple(sizes.values()),
    ).ravel()
    return (
        np.stack([np.where((words == word)[:, None], rows, np.nan) for word in _DIRECTIONS]),
        list(_DIRECTIONS.values()),
    )


def _legs(values: np.ndarray, way: np.ndarray, label: int, name: str) -> list[Leg]:
    known = np.isfinite(way)
    if not known.all():
        values, way = values[:, known], way[known]
    if way.size < 2:
        raise ValueError(f"current must have at least two known points, {name!r} has {way.size}")
    if label:
        order = np.argsort(way, kind="stable")  # a turn would mix two ways
        if not np.all(order == np.arange(way.size)) and not np.all(
            order[::-1] == np.arange(way.size)
        ):
            raise ValueError(
                f"current must run one way with 'sweep' or direction=…, {name!r} turns round"
            )
        return [Leg(values[:, order], way[order], label)]
    turn = np.sign(np.diff(way))
    moving = np.flatnonzero(turn)
    if moving.size == 0:
        raise ValueError(f"current must change along the axis, {name!r} is {way[0]:g} everywhere")
    turn = turn[moving[np.maximum(np.searchsorted(moving, np.arange(turn.size), "right") - 1, 0)]]
    ends = [0, *(np.flatnonzero(turn[1:] != turn[:-1]) + 1), way.size - 1]
    if len(ends) - 1 > _MOST_LEGS:
        raise ValueError(
            f"current must run up and down at most {_MOST_LEGS} times, {name!r} turns "
            f"{len(ends) - 2} times: is it the set value? sort it otherwise"
        )
    legs = []
    for first, last in itertools.pairwise(ends):
        direction = int(turn[first])
        part = slice(first, last + 1)
        legs.append(Leg(values[:, part][:, ::direction], way[part][::direction], direction))
    return legs
