"""Which axis of a dataset is the bias and which variable its voltage, by their units and names."""

import re
from typing import TYPE_CHECKING, Any

from .. import _plain_checks as _checks
from ..measurement.columns import dimension, split_unit, unit_ratio

if TYPE_CHECKING:
    from xarray import Dataset

POINT = "point"

_CURRENT = re.compile(r"i|ib|idc|ibias|biascurrent|current|biasi|dccurrent|bias|isd|sourcecurrent")
_VOLTAGE = re.compile(r"v|vdc|vj|voltage|dcvoltage|vsd|vsample|junctionvoltage")
_RESISTANCE = re.compile(r"r|rdiff|dvdi|dv/di|resistance|differentialresistance|rxx")
_DRIVEN = re.compile(r"coil|magnet|mag|field|flux|gate|^b[xyz]?$")  # something else than the bias
_FIELD = re.compile(r"coil|magnet|mag|field|flux|^b[xyz]?$")  # of it, what makes a flux
_OHM = re.compile(r"[GMkmuµμn]?(Ω|Ω|[Oo]hms?)|[kmuµμn]?V/[kmuµμnp]?A")


def unit_of(dataset: "Dataset", name: str) -> str:
    """From the attributes, else from the name."""
    unit = str(dataset[name].attrs.get("units", "") or "").strip()
    return unit or split_unit(name)[1]


def is_field(name: str, unit: str) -> bool:
    """Whether an axis makes a flux, by its unit or, where this says nothing else, its name."""
    if _measures(unit, "T"):
        return True
    known = _measures_another(unit, "T") and not _measures(unit, "A")
    return not known and bool(_FIELD.search(_plain(name)))


def bias_of(dataset: "Dataset", given: str | None, variable: str | None) -> tuple[str, str]:
    """The axis of the bias, and why it is that one.

    Raises:
        ValueError: none, several, or one whose unit and name say different things.
    """
    one = [str(n) for n in dataset.variables if dataset[n].ndim == 1 and n != POINT]
    one = [n for n in one if dataset[n].dtype.kind in "fiu"]
    if given is not None:
        if given not in dataset.variables:
            raise _checks.unknown_name("current", given, map(str, dataset.variables))
        if given not in one:
            raise ValueError(
                f"current must be an axis of numbers, {given!r} has {dataset[given].dims}"
            )
        return given, "as asked"
    axes = [n for n in one if n in dataset.dims or dataset[n].dims == (POINT,)]
    if variable is not None and variable in dataset.variables:
        axes = [n for n in axes if dataset[n].dims[0] in dataset[variable].dims and n != variable]
    units = {n: unit_of(dataset, n) for n in axes}
    named = [n for n in axes if _CURRENT.fullmatch(_plain(n))]
    by_unit = [n for n in axes if _measures(units[n], "A")]
    others = [n for n in by_unit if _DRIVEN.search(_plain(n))]
    wrong = [n for n in named if n not in by_unit and _measures_another(units[n], "A")]
    own = [n for n in by_unit if n not in others]
    both = [n for n in own if n in named]
    own = both if len(both) == 1 else own
    if len(own) == 1 and (both or not wrong):
        return own[0], f"its unit is {units[own[0]]}"
    by_name = [n for n in named if not units[n]]
    if not own and len(by_name) == 1:
        return by_name[0], "its name; it has no unit"
    if wrong or (others and not own and not by_name and len(axes) > 1):
        raise ValueError(_contradiction(units, wrong, own, others))
    if found := own or by_name or others:
        if len(found) == 1:
            return found[0], f"the only axis; its unit is {units[found[0]]}"
        raise ValueError(f"current must be one axis, {listed(found)} may be; say current=…")
    raise ValueError(
        f"dataset has no axis that looks like a bias current (unit A, or a name like I, bias); "
        f"it has {listed(axes) or 'none'}: say current=…"
    )


def _contradiction(units: dict[str, str], wrong: list[str], own: list[str], others: list[str]):
    said = [f"{n!r} is called like one but is in {units[n]}" for n in wrong]
    said += [f"{n!r} is in {units[n]} but not called like a bias" for n in own]
    said += [f"{n!r} is in {units[n]} but called like a coil, a field or a gate" for n in others]
    first = (wrong or others)[0]
    return (
        f"current must be the axis of the bias, and units and names disagree: {', '.join(said)}; "
        f"say current={first!r} (--current {first}), or mend the file's header"
    )


def quantity_of(
    dataset: "Dataset", along: Any, bias: str, voltage: str | None, resistance: str | None
) -> tuple[str, str, str]:
    """The variable that is compared with a threshold, its quantity, and why it is that one.

    Raises:
        ValueError: none, several, or one whose unit and name say different things.
    """
    held = [str(n) for n in dataset.data_vars if along in dataset[n].dims and n != bias]
    for quantity, given in (("voltage", voltage), ("resistance", resistance)):
        if given is not None:
            if given not in held:
                raise _checks.unknown_name(f"{quantity} over {bias!r}", given, held)
            return given, quantity, "as asked"
    held = [n for n in held if dataset[n].dtype.kind in "fiuc"]
    units = {n: unit_of(dataset, n) for n in held}
    kinds = (("voltage", _is_voltage, _RESISTANCE), ("resistance", _is_resistance, _VOLTAGE))
    for quantity, fits, other in kinds:
        found = [n for n in held if fits(units[n], n)]
        if len(found) > 1:
            raise ValueError(
                f"{quantity} must be one variable, {listed(found)} may be; say {quantity}=…"
            )
        if found:
            (name,) = found
            if units[name] and other.fullmatch(_plain(name)):
                raise ValueError(
                    f"{quantity} must be one by unit and name, {name!r} is in {units[name]} but "
                    f"called otherwise: say voltage={name!r} or resistance={name!r} (--voltage, "
                    "--resistance), or mend the file's header"
                )
            return (
                name,
                quantity,
                f"its unit is {units[name]}" if units[name] else ("its name; it has no unit"),
            )
    raise ValueError(
        f"dataset has no voltage or dV/dI over {bias!r} that its unit or name tells; it has "
        f"{_with_units(units) or 'none'}: say voltage=… or resistance=…"
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


def _measures_another(unit: str, base: str) -> bool:
    """Whether a unit is known and none of `base`; arbitrary ones contradict nothing."""
    return dimension(unit) not in (base, None)


def _plain(name: str) -> str:
    bare = re.sub(r"\s*[\[(].*", "", split_unit(name)[0])
    return re.sub(r"[\s_\-]", "", bare).casefold()


def _with_units(units: dict[str, str]) -> str:
    return ", ".join(f"{name!r}{f' in {unit}' if unit else ''}" for name, unit in units.items())


def listed(names: list[str]) -> str:
    return ", ".join(map(repr, names))
