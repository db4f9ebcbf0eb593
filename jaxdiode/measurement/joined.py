"""Switching currents of both directions out of a labelled dataset."""

from typing import Any, NamedTuple

import numpy as np

from .. import _plain_checks
from .columns import direction_of
from .currents import MeasuredCurrents
from .missing import missing_values


class _Pair(NamedTuple):
    name: str
    plus: Any  # DataArrays
    minus: Any


def joined_currents(dataset: Any, name: str | None = None) -> MeasuredCurrents:
    """As `jaxdiode.lab.directions` says."""
    import xarray

    if not isinstance(dataset, xarray.Dataset):
        raise ValueError(f"dataset must be an xarray.Dataset, got {type(dataset).__name__}")
    pairs = {pair.name: pair for pair in (*_along_a_dimension(dataset), *_by_name(dataset))}
    if not pairs:
        raise ValueError(
            "dataset must hold both directions: two quantities such as 'Ic+' and 'Ic-', or one "
            "along a dimension of two labels, lab.join(files, along='polarity', labels=['plus', "
            f"'minus']); got {', '.join(map(str, dataset.data_vars))} along "
            f"{', '.join(f'{d} ({n})' for d, n in dataset.sizes.items())}"
        )
    if name is None and len(pairs) > 1:
        raise ValueError(f"name must say which quantity is meant, there are {', '.join(pairs)}")
    if name is not None and name not in pairs:
        raise _plain_checks.unknown_name("quantity", name, pairs)
    return _columns(pairs[name] if name is not None else next(iter(pairs.values())))


def _along_a_dimension(dataset) -> list[_Pair]:
    found = []
    for dimension in dataset.dims:
        if dataset.sizes[dimension] != 2 or dimension not in dataset.coords:
            continue
        known = [direction_of(str(label)) for label in dataset[dimension].values]
        if set(known) != {"plus", "minus"}:
            continue
        for name, values in dataset.data_vars.items():
            if dimension in values.dims:
                one = {way: values.isel({dimension: k}) for k, way in enumerate(known)}
                found.append(_Pair(str(name), one["plus"], one["minus"]))
    return found


def _by_name(dataset) -> list[_Pair]:
    known: dict[str, list[str]] = {"plus": [], "minus": []}
    for name in dataset.data_vars:
        if way := direction_of(str(name)):
            known[way].append(name)
    if not known["plus"] or not known["minus"]:
        return []
    for way, names in known.items():
        if len(names) > 1:
            raise ValueError(
                f"dataset must have one quantity for {way}, got {', '.join(map(str, names))}"
            )
    plus, minus = known["plus"][0], known["minus"][0]
    return [_Pair(f"{plus} and {minus}", dataset[plus], dataset[minus])]


def _columns(pair: _Pair) -> MeasuredCurrents:
    long = [d for d, n in pair.plus.sizes.items() if n > 1]
    if len(long) != 1 or pair.plus.dims != pair.minus.dims:
        raise ValueError(
            f"{pair.name} must have one axis beside its directions, got "
            f"{', '.join(map(str, long)) or 'none'}: select others, dataset.isel(...)"
        )
    axis = pair.plus[long[0]]
    x, plus, minus = (np.asarray(v.values, float).ravel() for v in (axis, pair.plus, pair.minus))
    units = {way: v.attrs.get("units", "") for way, v in (("+", pair.plus), ("-", pair.minus))}
    if units["+"] != units["-"]:
        raise ValueError(
            f"{pair.name} must have one unit, got {units['+']!r} and {units['-']!r}; convert with "
            "lab.in_units"
        )
    gone = [missing_values(plus), missing_values(minus)]
    known = np.isfinite(x) & ~gone[0] & ~gone[1]
    order = np.flatnonzero(known)[np.argsort(x[known], kind="stable")]
    plus, minus = plus[order], minus[order]
    signs = [_sign(pair.name, way, v) for way, v in (("plus", plus), ("minus", minus))]
    if signs[0] < 0 < signs[1]:
        raise ValueError(
            f"{pair.name} look exchanged: the currents of plus are negative, those of minus are not"
        )
    return MeasuredCurrents(
        x[order], signs[0] * plus, signs[1] * minus, unit=units["+"],
        coil_unit=axis.attrs.get("units", ""),
        columns=(str(long[0]), f"{pair.name} (plus)", f"{pair.name} (minus)"),
        dropped=tuple(np.flatnonzero(~known).tolist()),
        lost=int(np.sum(np.isfinite(x) & (gone[0] ^ gone[1]))),
    )  # fmt: skip


def _sign(name: str, way: str, values: np.ndarray) -> float:
    """The sign of one direction's currents."""
    size = np.abs(values)
    if not np.any(size):
        raise ValueError(f"{name} must hold currents, those of {way} are all zero")
    typical = np.median(size[size > 0])
    sign = 1.0 if np.sum(np.clip(values, -typical, typical)) >= 0 else -1.0
    if np.any(sign * values < -0.5 * typical):
        raise ValueError(f"{name} must hold one bias direction in {way}, its sign changes")
    return sign
