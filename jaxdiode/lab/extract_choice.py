"""Which variable of a dataset is the voltage, which axis the bias, and the curves they make."""

import itertools
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import _plain_checks as _checks
from ..measurement.columns import split_unit, unit_ratio

if TYPE_CHECKING:
    from xarray import Dataset

SWEEP, POINT, DIRECTION = "sweep", "point", "direction"
_DIRECTIONS = {"up": 1, "down": -1}
_MOST_LEGS = 8

_CURRENT = re.compile(r"i|ib|idc|ibias|biascurrent|current|biasi|dccurrent|bias|isd|sourcecurrent")
_VOLTAGE = re.compile(r"v|vdc|vj|voltage|dcvoltage|vsd|vsample|junctionvoltage")
_RESISTANCE = re.compile(r"r|rdiff|dvdi|dv/di|resistance|differentialresistance|rxx")
_OHM = re.compile(r"[GMkmuµμn]?(Ω|Ω|[Oo]hms?)|[kmuµμn]?V/[kmuµμnp]?A")


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
    bias = _bias(dataset, current, voltage or resistance)
    along = dataset[bias].dims[0]
    if along == POINT:
        apart = [
            str(n)
            for n, x in dataset.coords.items()
            if n != bias and x.dims == (POINT,) and np.unique(x.values).size > 1
        ]
        if apart:
            raise ValueError(
                f"dataset must be a grid over {_list(apart)}, its points are scattered: select one "
                "curve, or interpolate them"
            )
    name, quantity = _quantity(dataset, along, bias, voltage, resistance)
    array = dataset[name]
    if np.iscomplexobj(array.values):
        raise ValueError(f"{quantity} must be real, {name!r} is complex: take its .real")
    way = np.asarray(dataset[bias].values, float)
    sweep = SWEEP if SWEEP in array.dims else None
    others = [str(d) for d in array.dims if d not in (along, sweep)]
    array = array.transpose(*([sweep] if sweep else []), *others, along)
    shape = tuple(array.sizes[d] for d in others)
    rows = max(1, int(np.prod(shape)))
    parts = np.asarray(array.values, float).reshape(-1, rows, way.size)
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
    )  # fmt: skip


def unit_of(dataset: "Dataset", name: str) -> str:
    """From the attributes, else from the name."""
    unit = str(dataset[name].attrs.get("units", "") or "").strip()
    return unit or split_unit(name)[1]


def _bias(dataset: "Dataset", given: str | None, variable: str | None) -> str:
    one = [str(n) for n in dataset.variables if dataset[n].ndim == 1 and n != POINT]
    one = [n for n in one if dataset[n].dtype.kind in "fiu"]
    if given is not None:
        if given not in dataset.variables:
            raise _checks.unknown_name("current", given, map(str, dataset.variables))
        if given not in one:
            raise ValueError(
                f"current must be an axis of numbers, {given!r} has {dataset[given].dims}"
            )
        return given
    axes = [n for n in one if n in dataset.dims or dataset[n].dims == (POINT,)]
    if variable is not None and variable in dataset.variables:
        axes = [n for n in axes if dataset[n].dims[0] in dataset[variable].dims and n != variable]
    by_unit = [n for n in axes if _measures(unit_of(dataset, n), "A")]
    unitless = [n for n in axes if not unit_of(dataset, n)]
    by_name = [n for n in unitless if _CURRENT.fullmatch(_plain(n))]
    for found in (by_unit, by_name):
        biases = [n for n in found if not re.search(r"coil|magnet|mag", n, re.IGNORECASE)]
        found = biases or found
        named = [n for n in found if _CURRENT.fullmatch(_plain(n))]
        found = named if len(named) == 1 else found
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(f"current must be one axis, {_list(found)} may be; say current=…")
    raise ValueError(
        f"dataset has no axis that looks like a bias current (unit A, or a name like I, bias); "
        f"it has {_list(axes) or 'none'}: say current=…"
    )


def _quantity(
    dataset: "Dataset", along: Any, bias: str, voltage: str | None, resistance: str | None
) -> tuple[str, str]:
    held = [str(n) for n in dataset.data_vars if along in dataset[n].dims and n != bias]
    for quantity, given in (("voltage", voltage), ("resistance", resistance)):
        if given is not None:
            if given not in held:
                raise _checks.unknown_name(f"{quantity} over {bias!r}", given, held)
            return given, quantity
    held = [n for n in held if dataset[n].dtype.kind in "fiuc"]
    for quantity, fits in (("voltage", _is_voltage), ("resistance", _is_resistance)):
        found = [n for n in held if fits(unit_of(dataset, n), n)]
        if len(found) == 1:
            return found[0], quantity
        if found:
            raise ValueError(
                f"{quantity} must be one variable, {_list(found)} may be; say {quantity}=…"
            )
    raise ValueError(
        f"dataset has no voltage or dV/dI over {bias!r} that its unit or name tells; it has "
        f"{_list(held) or 'none'}: say voltage=… or resistance=…"
    )


def _is_voltage(unit: str, name: str) -> bool:
    return _measures(unit, "V") or (not unit and bool(_VOLTAGE.fullmatch(_plain(name))))


def _is_resistance(unit: str, name: str) -> bool:
    if unit:
        return bool(_OHM.fullmatch(unit.replace(" ", "")))
    return bool(_RESISTANCE.fullmatch(_plain(name)))


def _measures(unit: str, base: str) -> bool:
    try:
        unit_ratio(unit, base)
    except ValueError:
        return False
    return True


def _plain(name: str) -> str:
    bare = re.sub(r"\s*[\[(].*", "", split_unit(name)[0])
    return re.sub(r"[\s_\-]", "", bare).casefold()


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
            f"{_list(labels) or 'no labels'}"
        )
    return [_DIRECTIONS[x] for x in labels]


def _by_line(
    dataset: "Dataset", rows: np.ndarray, others: list[str]
) -> tuple[np.ndarray, list[int]]:
    """Rows of one way each, as lines that go up and down in turn: NaN in the other's place."""
    way = dataset[DIRECTION]
    if not set(map(str, way.dims)) <= set(others):
        raise ValueError(
            f"'direction' must lie along the map's other axes ({_list(others) or 'none'}), got "
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


def _list(names: list[str]) -> str:
    return ", ".join(map(repr, names))
