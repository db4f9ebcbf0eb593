"""What is known of parameters beside the data, as a density: bells of single ones, and rows."""

from typing import Any

import numpy as np

from ..fit.prior import Given, LogNormal, Normal, Term, gathered, require_left, selection
from ..space import Space
from .box import LOGNORMAL, NORMAL

Bells = dict[int, tuple[int, float, float]]  # {parameter: (kind, location, deviation)}


def sorted_out(space: Space, given: Given | None) -> tuple[Bells, tuple[Term, ...], tuple]:
    """Priors of single parameters as bells, all others as rows, and all of them in words.

    Raises:
        ValueError: as `fit` does; a weight that would have to come from the data, bounds that
            leave nothing of a prior, an infinite bound without a proper prior.
    """
    bells: Bells = {}
    rest: dict[str, list[Any]] = {}
    words: list[str] = []
    if given is not None and not hasattr(given, "items"):
        raise ValueError(f"prior must be {{name: prior}}, got {given!r}")
    for pattern, members in (given or {}).items():
        for member in members if isinstance(members, tuple | list) else (members,):
            if isinstance(member, Normal | LogNormal):
                words.append(f"{_worded(member)} of {pattern}")
                for name in _as_bells(space, pattern, member, bells):
                    rest.setdefault(name, []).append(member)
            else:
                rest.setdefault(pattern, []).append(member)
    further = gathered(space, rest) if rest else None
    for term in further.terms if further else ():
        if term.weight is None:
            raise ValueError(
                f"prior {term.words} must have a weight, got None: a density needs a known one "
                "(`fit` chooses it from the data)"
            )
        if not term.words.startswith(("Normal", "LogNormal")):
            words.append(f"{term.words}, weight {term.weight:.4g}")
    _require_proper(space, bells)
    return bells, further.terms if further else (), tuple(words)


def _as_bells(space: Space, pattern: str, member: Normal | LogNormal, bells: Bells) -> list[str]:
    """Gives every parameter named a bell; those that have one already are the answer.

    The first prior of a parameter is its density, each further one tells as a measurement does.
    """
    chosen = selection(space, pattern)[1]
    fitted = list(dict.fromkeys(int(np.argmax(row)) for row in chosen if np.any(row)))
    normal = isinstance(member, Normal)
    location = float(member.mean) if normal else float(np.log(member.median))
    spread = float(member.deviation)
    twice = [k for k in fitted if k in bells]
    require_left(space, pattern, member, chosen)
    for k in fitted:
        if k not in twice:
            bells[k] = (NORMAL if normal else LOGNORMAL, location, spread)
    return [space.names[k] for k in twice]


def _require_proper(space: Space, bells: Bells) -> None:
    for k, name in enumerate(space.names):
        low, high = float(space.lower[k]), float(space.upper[k])
        if k not in bells and not (np.isfinite(low) and np.isfinite(high)):
            raise ValueError(
                f"bounds of {name!r} must be finite, or it needs a prior Normal or LogNormal: a "
                f"flat one from {low:g} to {high:g} is no density"
            )


def _worded(member: Normal | LogNormal) -> str:
    if isinstance(member, Normal):
        return f"Normal({member.mean:g} ± {member.deviation:g})"
    return f"LogNormal({member.median:g}, deviation {member.deviation:g} of its logarithm)"
