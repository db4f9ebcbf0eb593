"""How one parameter scatters: by factors, or by differences."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from ... import _checks

_LARGEST_DEVIATION = 5.0  # of a logarithm: a factor 150


@dataclasses.dataclass(frozen=True)
class Relative:
    """Log-normal scatter: x e^{s z} with z a standard normal number, of x of either sign.

    Args:
        deviation: s, the standard deviation of ln x, ≥ 0: 0.05 says "5 %".
        common: all parameters named have one z, as of a wafer whose oxide is too thick
            everywhere; else each has its own.
        keep: what the scatter leaves at x: the "median" (the field's habit), or the "mean", with
            x e^{s z − s²/2}.

    Example:
        >>> spread = jd.Spread({"flux": 0.01, "branches": jd.tolerance.Relative(0.05)})
        >>> print(spread)
        Spread({'flux': Absolute(0.01), 'branches': Relative(0.05)})
    """

    deviation: float | int
    common: bool = False
    keep: Literal["median", "mean"] = "median"

    def __post_init__(self):
        _require_deviation(self.deviation, _LARGEST_DEVIATION)
        _checks.flag("common", self.common)
        if self.keep not in ("median", "mean"):
            raise ValueError(f"keep must be 'median' or 'mean', got {self.keep!r}")

    def __repr__(self) -> str:
        return _shown(self)


@dataclasses.dataclass(frozen=True)
class Absolute:
    """Normal scatter: x + s z with z a standard normal number.

    Args:
        deviation: s, in the parameter's unit, ≥ 0.
        common: all parameters named have one z; else each has its own.

    Example:
        >>> offset = jd.tolerance.Absolute(0.01, common=True)
        >>> print(jd.Spread({"flux": (offset, 0.002)}))
        Spread({'flux': (Absolute(0.01, common=True), Absolute(0.002))})
    """

    deviation: float | int
    common: bool = False

    def __post_init__(self):
        _require_deviation(self.deviation, np.inf)
        _checks.flag("common", self.common)

    def __repr__(self) -> str:
        return _shown(self)


Member = Relative | Absolute


def member_of(name: str, given: Any) -> Member:
    """The scatter that a number, "5 %", a table or a member itself says.

    Raises:
        ValueError: anything else, a deviation below 0.
    """
    if isinstance(given, Relative | Absolute):
        return given
    more: dict[str, Any] = {}
    if isinstance(given, Mapping):
        more = {k: v for k, v in given.items() if k != "deviation"}
        given = given.get("deviation")
    if isinstance(given, str):
        match = re.fullmatch(r"\s*([^%\s]+)\s*%\s*", given)
        try:
            percent = float(match[1]) if match else np.nan
        except ValueError:
            percent = np.nan
        if np.isnan(percent):
            raise ValueError(f"spread of {name!r} must be a number or like '5 %', got {given!r}")
        given, kind = percent / 100, Relative
    else:
        kind = Absolute
    allowed = [field.name for field in dataclasses.fields(kind)]
    for key in more:
        if key not in allowed:
            raise _checks.unknown_name(f"key of the spread of {name!r}", key, allowed)
    try:
        return kind(given, **more)
    except ValueError as error:
        raise ValueError(f"spread of {name!r}: {error}") from None


def _require_deviation(value: Any, largest: float) -> None:
    if not _checks.is_number(value) or not 0 <= value <= largest or not np.isfinite(value):
        limit = "" if np.isinf(largest) else f", at most {largest:g}"
        raise ValueError(f"deviation must be a number, at least 0{limit}, got {value!r}")


def _shown(member: Member) -> str:
    parts = [f"{member.deviation:g}"]
    for field in dataclasses.fields(member)[1:]:
        value = getattr(member, field.name)
        if value != field.default:
            parts.append(f"{field.name}={value!r}")
    return f"{type(member).__name__}({', '.join(parts)})"
