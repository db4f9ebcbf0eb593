"""Which column of a table is meant, and the unit its name carries."""

import re
import unicodedata
from pathlib import Path

from .. import _plain_checks

_PREFIX = {"": 0, "G": 9, "M": 6, "k": 3, "m": -3, "u": -6, "μ": -6, "n": -9, "p": -12, "f": -15}
_BASE = ("A", "T", "G", "Oe", "V", "Wb", "Φ0", "phi0", "Phi0")
_SCALED = rf"(?:[kmuμnpf]?(?:{'|'.join(_BASE)}))"
_UNIT = rf"{_SCALED}|a\.\s?u\.|arb\. ?u(?:nits|\.)|%|rad|deg"
_WITH_UNIT = re.compile(
    rf"(?P<name>.+?)(?:\s*\(\s*(?P<round>{_UNIT})\s*\)|\s*\[\s*(?P<square>{_UNIT})\s*\]"
    rf"|\s*/\s*(?P<slash>{_SCALED})|[_ ](?P<end>[kmuμnpf](?:A|T)))",
)
# Quantities beside currents and fields: a mark such as "(s)" is a unit there, but not of a current.
_MORE = ("Ohm", "ohm", "Ω", "Hz", "K", "W", "S", "s", "m", "eV", "J", "Pa", "bar")
_PREFIXED = rf"[GMkmuμnpf]?(?:{'|'.join(_BASE + _MORE)})"
_ANY_UNIT = rf"{_UNIT}|{_PREFIXED}|{_PREFIXED}/{_PREFIXED}|dBm?|°C|Torr|\d?e(?:\^?2)/h|1|V\^2/Hz"
_WITH_ANY_UNIT = re.compile(
    rf"(?P<name>.+?)(?:\s*\(\s*(?P<round>{_ANY_UNIT})\s*\)|\s*\[\s*(?P<square>{_ANY_UNIT})\s*\]"
    rf"|\s*/\s*(?P<slash>{_SCALED})|\s+/\s+(?P<apart>{_PREFIXED})"
    rf"|[_ ](?P<end>[kmuμnpf](?:A|T|V|K|W)|[GMkm]?(?:Ohm|Hz)))",
)

# Units in words and with prefixes in words: recognised so as to be refused, never read as none.
_WORDED = re.compile(
    r"((?i:pico|nano|micro|milli|kilo|mega)|[fpnuμmkM])?\s*"
    r"(A|T|G|Oe|V|Wb|(?i:amps?|amperes?|tesla|gauss|oersted|volts?|webers?))"
)
_BRACKET = re.compile(r"(?P<name>.+?)\s*[(\[]\s*(?P<unit>[^()\[\]]+?)\s*[)\]]")

_SAME = {"phi0": "Φ0", "Phi0": "Φ0", "ohm": "Ohm", "Ω": "Ohm", "G": "T"}  # a gauss is 1e-4 T

_CURRENT = r"(i|ic|isw|is|switching|switchingcurrent|crit|critcurrent|criticalcurrent)"
_USUAL = {
    "coil": re.compile(
        r"i?(coil|mag|magnet|magnetcoil|coilmagnet)(current)?|current(in)?(coil|magnet)|flux|field"
        r"|magneticfield|b|[xyz]field|b[xyz]"
    ),
    "plus": re.compile(
        rf"{_CURRENT}?(\+|plus|positive)|{_CURRENT}(pos|p)|(\+|plus|pos|positive){_CURRENT}"
    ),
    "minus": re.compile(
        rf"{_CURRENT}?(-|minus|negative)|{_CURRENT}(neg|m)|(-|minus|neg|negative){_CURRENT}"
    ),
}
_EXAMPLES = {
    "coil": "coil, magnet, I_mag, field, flux, B",
    "plus": "plus, I+, Ic+, Ic (+), crit_current_pos",
    "minus": "minus, I-, Ic-, Ic (-), crit_current_neg",
}
_ERROR = r"(errors?|err|stderr|sigma|σ|std|sd|uncertainty|unc)"
_LISTED = 12


def find_columns(path: Path, header: list[str], named: dict[str, str | None]) -> dict[str, int]:
    """{role: column}, for the roles in `named`; those without a name are found by usual names.

    A name is compared letter by letter first, then without regard to case, blanks and underscores,
    at last with the unit that a column's name carries left out. What fits several columns is
    refused, as are one column for two roles and a unit that is not known.
    """
    found = {
        role: _named(path, header, role, name) for role, name in named.items() if name is not None
    }
    for role, name in named.items():
        if name is None:
            found[role] = _usual(path, header, role, set(found.values()))
    for role, k in found.items():
        match = _BRACKET.fullmatch(_plain(header[k]))
        if match and _WORDED.fullmatch(match["unit"]) and not split_unit(header[k], of_any=True)[1]:
            raise _unknown_unit(path, header[k], role, match["unit"])
    roles = list(named)
    for i, role in enumerate(roles):
        for other in roles[i + 1 :]:
            if found[role] == found[other]:
                raise ValueError(
                    f"{role} and {other} must be different columns of data file {str(path)!r}, "
                    f"both name {header[found[role]]!r}; it has {_list(header)}"
                )
    return {role: found[role] for role in roles}


def error_column(header: list[str], k: int) -> int | None:
    """The column that by its name holds standard errors of column k: "plus_error" of "plus".

    Of "plus_error" and "plus_total_error", the first.
    """
    bare = re.escape(_squeezed(split_unit(header[k])[0]))
    names = [_squeezed(split_unit(h)[0]) for h in header]
    for kind in ("(standard|std)?", "total"):
        pattern = re.compile(rf"{bare}{kind}{_ERROR}|{_ERROR}(of|in)?{kind}{bare}")
        found = [n for n, name in enumerate(names) if pattern.fullmatch(name) and n != k]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def direction_of(name: str) -> str | None:
    """ "plus" or "minus" where a name of a column or a label says so."""
    bare = _squeezed(split_unit(name)[0])
    if bare in ("pos", "neg"):
        return "plus" if bare == "pos" else "minus"
    ways = [way for way in ("plus", "minus") if _USUAL[way].fullmatch(bare)]
    return ways[0] if len(ways) == 1 else None


def split_unit(name: str, *, of_any: bool = False) -> tuple[str, str]:
    """A column's name and the unit it carries: "plus (nA)", "plus / nA", "plus_nA"; "" if none.

    Units are those of currents, fields and fluxes, or of any quantity a laboratory measures.
    """
    match = (_WITH_ANY_UNIT if of_any else _WITH_UNIT).fullmatch(_plain(name))
    if not match:
        return name, ""
    unit = next(v for k, v in match.groupdict().items() if k != "name" and v is not None)
    return match["name"], unit


def units_in(cells: list[str]) -> list[str] | None:
    """The units of a line that holds one for each column, "" where a cell is empty; None if not."""
    bare = ["" if cell.strip() == "-" else cell.strip().strip("()[]").strip() for cell in cells]
    if any(unit and not split_unit(f"x ({unit})", of_any=True)[1] for unit in bare):
        return None
    return bare if any(unit not in ("", "1") for unit in bare) else None


def unit_ratio(unit: str, wanted: str) -> float:
    """What a number in `unit` is multiplied by to be in `wanted`.

    Raises:
        ValueError: they do not measure the same.
    """
    if _plain(unit) == _plain(wanted):
        return 1.0
    power, base = _scale(unit)
    target, target_base = _scale(wanted)
    if base is None or base != target_base:
        raise ValueError(f"{unit!r} cannot be turned into {wanted!r}")
    return 10.0 ** (power - target) if power >= target else 1 / 10.0 ** (target - power)


def dimension(unit: str) -> str | None:
    """The unit without its prefix, None where it is none that is known ("a.u.")."""
    return _scale(unit)[1]


def _scale(unit: str) -> tuple[int, str | None]:
    plain = _plain(unit)
    for base in _BASE + _MORE:
        if plain.endswith(base) and plain[: -len(base)] in _PREFIX:
            power = _PREFIX[plain[: -len(base)]] - (4 if base == "G" else 0)
            return power, _SAME.get(base, base)
    return 0, None


def matching(header: list[str], name: str, *, of_any: bool = False):
    """Columns that `name` may mean: letter by letter, loosely, and without their units."""
    yield [k for k, h in enumerate(header) if h == name]
    yield [k for k, h in enumerate(header) if _loose(h) == _loose(name)]
    bare = [split_unit(h, of_any=of_any)[0] for h in header]
    yield [k for k, h in enumerate(bare) if _loose(h) == _loose(name)]


def _named(path, header, role, name) -> int:
    if not isinstance(name, str):
        raise ValueError(f"{role} must be the name of a column, got {name!r}")
    for matches in matching(header, name):
        if len(matches) > 1:
            raise _several(path, header, role, matches, f"{name!r} fits")
        if matches:
            return matches[0]
    raise _plain_checks.unknown_name(f"column in {str(path)!r}", name, map(_show, header))


def _usual(path, header, role, taken) -> int:
    matches = [
        k
        for k, h in enumerate(header)
        if k not in taken and _USUAL[role].fullmatch(_squeezed(split_unit(h)[0]))
    ]
    if len(matches) > 1:
        raise _several(path, header, role, matches, f"its usual names ({_EXAMPLES[role]}) fit")
    if matches:
        return matches[0]
    close = [
        (name, match["unit"])
        for k, name in enumerate(header)
        if (match := _BRACKET.fullmatch(_plain(name)))
        and k not in taken
        and _USUAL[role].fullmatch(_squeezed(match["name"]))
    ]
    if len(close) == 1:
        raise _unknown_unit(path, close[0][0], role, close[0][1])
    one = ""
    if len(header) == 2 or (role != "coil" and _has_one_direction(header)):
        one = (
            " (one file for each direction? put both side by side); one direction alone is fitted "
            "in Python, jd.fit with a model of it"
        )
    raise ValueError(
        f"data file {str(path)!r} has no column for {role} (looked for {_EXAMPLES[role]}; "
        f"found {_list(header)}); name it with {role}=... or --{role}{one}"
    )


def _unknown_unit(path, name, role, unit) -> ValueError:
    return ValueError(
        f"column {_show(name)!r} ({role}) of data file {str(path)!r} has the unknown unit "
        f"{unit!r}; write A, T, G, Oe, V, Wb or Φ0 after a prefix k, m, µ, u, n, p or f, as in "
        f"'(µA)'; if it is no unit, name another column with {role}=... or --{role}, or rename it"
    )


def _has_one_direction(header) -> bool:
    ways = {direction_of(name) for name in header} - {None}
    return len(ways) == 1


def _several(path, header, role, matches, what) -> ValueError:
    listed = " and ".join(f"{_show(header[k])!r} (column {k + 1})" for k in matches[:_LISTED])
    same = len({header[k] for k in matches}) == 1
    remedy = "rename all but one" if same else f"give the whole name with {role}=... or --{role}"
    return ValueError(
        f"{role} must be one column of data file {str(path)!r}, {what} {listed}; {remedy}"
    )


def _plain(name: str) -> str:
    """One way to write what looks the same: ₊ and +, both µ, both minus signs."""
    return unicodedata.normalize("NFKC", name).replace("−", "-").strip()


def _loose(name: str) -> str:
    return re.sub(r"[\s_]+", "_", _plain(name)).casefold()


def _squeezed(name: str) -> str:
    return re.sub(r"[\s_^{}()\[\].|,]", "", _plain(name)).casefold()


def _show(name: str) -> str:
    text = "".join(c if c.isprintable() else "?" for c in name)
    return text if len(text) <= 40 else text[:39] + "…"


def _list(header: list[str]) -> str:
    more = f" and {len(header) - _LISTED} more" if len(header) > _LISTED else ""
    return ", ".join(map(_show, header[:_LISTED])) + more
