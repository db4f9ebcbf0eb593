"""The part of `jaxdiode design` that designs for scatter: sections [spread] and [robust]."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import _plain_checks as _checks
from .common import say

if TYPE_CHECKING:
    from ..studies.design import DesignResult
    from ..studies.robust import RobustObjective
    from ..studies.space import Space

_COUNTS = {"starts": 8, "steps": 60, "polish": 40, "rounds": 1}
_OPTIONS = ("risk", "level", "threshold", "width", "retune", "samples", "failed")
_SAMPLES, _SAMPLES_RETUNED = 1024, 256  # of the search
_FRESH, _FRESH_RETUNED = 20_000, 2000  # of what is reported


def require_sections(table: dict[str, Any]) -> None:
    """Refuse what [spread] and [robust] may not say, before anything is worked out."""
    if not table.get("spread"):
        raise ValueError("device file must have a [spread] section that says what scatters")
    written = table.get("robust", {})
    _checks.require_keys("robust", written, (*_OPTIONS, *_COUNTS))
    for name in _COUNTS:
        least = 0 if name in ("polish", "rounds") else 1
        _checks.whole_number(name, written.get(name, 1), at_least=least)


def objective(
    table: dict[str, Any], function: Callable, seed: int, space: "Space"
) -> "RobustObjective":
    """The statistic of an objective that a file asks for.

    Names that the device does not have are refused here, before any search.
    """
    from ..studies.robust import Spread, robust

    members = dict(table["spread"])
    pairs = members.pop("correlation", [])
    correlation = {}
    for pair in pairs if isinstance(pairs, list) else [pairs]:
        if not isinstance(pair, list) or len(pair) != 3:
            raise ValueError(
                f"correlation of [spread] must be [[name, name, number]], got {pair!r}"
            )
        correlation[pair[0], pair[1]] = pair[2]
    spread = Spread(members, correlation=correlation)
    options = {name: value for name, value in table.get("robust", {}).items() if name in _OPTIONS}
    samples = _SAMPLES_RETUNED if options.get("retune") else _SAMPLES
    made = robust(function, spread, **{"samples": samples, "key": seed, **options})
    made.program(space.device)  # places every random number and every knob
    spread.require_free(space)
    return made


def design(
    table: dict[str, Any],
    function: "RobustObjective",
    space: "Space",
    nominal: "DesignResult",
    seed: int,
) -> "DesignResult":
    """Climb the statistic, from the device that is best without scatter and from others."""
    from ..studies.design import maximise

    counts = {name: table.get("robust", {}).get(name, value) for name, value in _COUNTS.items()}
    return maximise(function, space, key=seed, initial=nominal.device, **counts)


def report(
    function: "RobustObjective",
    found: "DesignResult",
    nominal: "DesignResult",
    folder: Path,
    label: str,
    seed: int,
    **kept: Any,
) -> None:
    """Print both designs on the same fresh devices, and write what they do."""
    from .. import plot
    from ..files import save

    samples = _FRESH_RETUNED if function.retune else _FRESH
    both = function.compare(found.device, nominal.device, key=seed + 1, samples=samples)
    say(f"on {samples} fresh devices, {function.spread}:")
    say("first: designed for the scatter, second: designed without it")
    say(both.summary())
    save(folder / "nominal.json", nominal, **kept)
    save(folder / "scatter.json", both, **kept)
    designs = {"for the scatter": both.first, "without it": both.second}
    plot.scattered(designs, label=label).savefig(folder / "scatter.png")
