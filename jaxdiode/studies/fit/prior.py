"""What is known of parameters beside the data, as further rows of a least-squares problem."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks
from ..._checks import Numbers
from ...core.paths import elements_of, match_names, parameter_values
from ..space import Space

Given = Mapping[str, Any]  # {name: function of its parameters, or several in a tuple or list}

_HELD = 1e-4  # standard deviation of a mean that is held, of itself
_FAR = 12.0  # deviations of a prior from the bounds that leave nothing of it
_SILENT = 1e-6  # share of a prior's row that the data may change: less is nothing


@dataclasses.dataclass(frozen=True)
class Smooth:
    """Prior of parameters that follow each other smoothly: a profile in boxes, a curve in samples.

    Its rows are weight · D x/⟨|x|⟩ with D the differences of neighbours, of the second order
    x_{i−1} − 2x_i + x_{i+1} by default: 1/weight is how large such a difference is expected to be
    beside the mean, whatever the unit of x. A very large weight leaves a straight line, of order 1
    a constant.

    Args:
        weight: ≥ 0. None: from the data, by the evidence of the Gaussian approximation, which is
            largest where weight² · Σ (rows/weight)² is the number of combinations of parameters
            that the prior and not the data determine, n − γ (for an unknown σ of the noise also
            σ² = Σ r²/(N − γ)). Source: MacKay, Neural Computation 4, 415 (1992).
        order: of the differences, ≥ 1.

    Example:
        >>> x = np.linspace(0, 1, 9)  # nine unknown numbers, four of them measured
        >>> space = jd.Space(jd.Harmonics(np.ones(9)), {"sine": (0, 10)})
        >>> found = jd.fit(
        ...     lambda line: line.sine[::2][:4], space, 1 + x[::2][:4], sigma=0.01,
        ...     prior={"sine": jd.inverse.Smooth(weight=100)},
        ... )
        >>> print(f"{found.values[1]:.3f} {found.values[8]:.3f} {found.determined:.1f}")
        1.125 2.000 3.4
    """

    weight: float | int | None = None
    order: int = 2

    def __post_init__(self):
        _require_weight(self.weight)
        _checks.whole_number("order", self.order)

    def __call__(self, values: Float[Array, " n"]) -> Float[Array, " m"]:
        if values.size <= self.order:
            raise ValueError(
                f"Smooth of order {self.order} needs more than {self.order} parameters, "
                f"got {values.size}"
            )
        return jnp.diff(values, n=self.order) / jnp.mean(jnp.abs(values))


@dataclasses.dataclass(frozen=True)
class Normal:
    """Prior of parameters known from elsewhere: (x − mean)/deviation, one row each.

    Args:
        mean, deviation: one number each, in the parameters' unit; deviation > 0.

    Example:
        >>> space = jd.Space(jd.TunnelJunction(90), {"critical_current": (50, 150)})
        >>> prior = {"critical_current": jd.inverse.Normal(100, 2)}
        >>> found = jd.fit(jd.critical_currents, space, (106, 106), sigma=2.0, prior=prior)
        >>> print(f"{found.values[0]:.2f} ± {found.errors[0]:.2f}")  # as of three measurements
        104.00 ± 1.15
    """

    mean: float | int
    deviation: float | int

    def __post_init__(self):
        _checks.positive("deviation", self.deviation)

    def __call__(self, values: Float[Array, " n"]) -> Float[Array, " m"]:
        return (values - self.mean) / self.deviation


@dataclasses.dataclass(frozen=True)
class LogNormal:
    """Prior of positive parameters known up to a factor: (ln x − ln median)/deviation, a row each.

    `sample_posterior` takes it for the density of x that it is, 1/x included; a fit has no density,
    its best value is that of ln x.

    Args:
        median: > 0, in the parameters' unit.
        deviation: of ln x, > 0: 0.1 says "to 10 %".

    Example:
        >>> space = jd.Space(jd.TunnelJunction(90), {"critical_current": (0, np.inf)})
        >>> prior = {"critical_current": jd.inverse.LogNormal(100, 0.02)}
        >>> found = jd.fit(jd.critical_currents, space, (106, 106), sigma=2.0, prior=prior)
        >>> print(f"{found.values[0]:.2f} ± {found.errors[0]:.2f}")
        104.08 ± 1.17
    """

    median: float | int
    deviation: float | int

    def __post_init__(self):
        _checks.positive("median", self.median)
        _checks.positive("deviation", self.deviation)

    def __call__(self, values: Float[Array, " n"]) -> Float[Array, " m"]:
        return (jnp.log(values) - math.log(self.median)) / self.deviation


@dataclasses.dataclass(frozen=True)
class FixedMean:
    """Holds the mean of parameters, to 1e-4 of itself, where their common factor changes nothing.

    So it is with the profile of an `ExtendedJunction`, of which only the shape matters: without it
    that factor is a combination which the data do not see, and no number of the profile has an
    error bar.

    Args:
        mean: not zero, in the parameters' unit.

    Example:
        >>> hold = jd.inverse.FixedMean(1.0)
        >>> print(hold(jnp.array([0.5, 1.5])), hold(jnp.array([0.5, 1.5002])).round(6))
        [0.] [1.]
    """

    mean: float | int = 1.0

    def __post_init__(self):
        if not np.isfinite(self.mean) or self.mean == 0:
            raise ValueError(f"mean must be finite and not zero, got {self.mean!r}")

    def __call__(self, values: Float[Array, " n"]) -> Float[Array, " m"]:
        return (jnp.mean(values) / self.mean - 1)[None] / _HELD


class Term(NamedTuple):
    """One prior: what it is of, its program, and how its members follow from what is fitted."""

    words: str
    run: Callable
    weight: float | None  # None: from the data
    fixed: np.ndarray  # members whatever is fitted
    chosen: np.ndarray  # (members, fitted) of 0 and 1

    def at(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and slopes of weight one; slopes that are not finite pull nowhere."""
        rows, slopes = map(np.asarray, self.run(self.fixed + self.chosen @ values))
        finite = np.all(np.isfinite(slopes), axis=1)
        return rows, np.where(finite[:, None], slopes, 0.0) @ self.chosen


class Prior:
    """All priors of a fit, with their present weights."""

    def __init__(self, terms: tuple[Term, ...]):
        self.terms = terms
        self.weights = np.array([np.nan if t.weight is None else t.weight for t in terms])
        self.free = np.array([t.weight is None for t in terms], bool)

    def at(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and slopes of all terms, in standard deviations."""
        parts = [term.at(values) for term in self.terms]
        rows = [w * rows for w, (rows, _) in zip(self.weights, parts, strict=True)]
        slopes = [w * slopes for w, (_, slopes) in zip(self.weights, parts, strict=True)]
        return np.concatenate(rows), np.concatenate(slopes)

    def tensions(self, values: np.ndarray, covariance: np.ndarray) -> tuple[float, ...]:
        """How far each term lies from what data and other priors say, in deviations of both.

        Of a row r with the variance c at the fit of both together it is |r|/√(1 − c), the largest
        of all rows; its square is what χ² loses without that row. NaN where the data chose the
        weight; 0 where they say nothing of it.
        """
        found = []
        for term, weight, free in zip(self.terms, self.weights, self.free, strict=True):
            rows, slopes = term.at(values)
            left = 1 - weight**2 * np.sum((slopes @ covariance) * slopes, axis=1)
            said = left > _SILENT
            far = weight * np.abs(rows) / np.sqrt(np.where(said, left, 1.0))
            found.append(np.nan if free else float(np.max(np.where(said, far, 0.0), initial=0.0)))
        return tuple(found)

    def described(self) -> tuple[str, ...]:
        return tuple(
            f"{term.words}, weight {weight:.4g}" + (" (chosen from the data)" if free else "")
            for term, weight, free in zip(self.terms, self.weights, self.free, strict=True)
        )


def gathered(space: Space, given: Given | None) -> Prior | None:
    """The priors of a fit; those of weight zero are none.

    Raises:
        ValueError: no mapping, names that are not fitted, no functions, rows that are no finite
            vector, a weight below zero, bounds that leave nothing of a prior.
    """
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise ValueError(f"prior must be {{name: prior}}, got {given!r}")
    terms = []
    for pattern, members in given.items():
        fixed, chosen = selection(space, pattern)
        for member in members if isinstance(members, tuple | list) else (members,):
            if not callable(member):
                raise ValueError(
                    f"prior of {pattern!r} must be a function of its parameters that gives rows, "
                    f"got {member!r}"
                )
            weight = _require_weight(getattr(member, "weight", 1.0))
            if weight == 0:
                continue
            what = getattr(member, "__name__", type(member).__name__)
            own = slice(None)
            if isinstance(member, Normal | LogNormal):  # tied parameters are one
                own = _different(chosen)
                require_left(space, pattern, member, chosen)
            term = Term(f"{what} of {pattern}", _program(member), weight, fixed[own], chosen[own])
            _require_rows(term, pattern, np.asarray(space.values()))
            terms.append(term)
    return Prior(tuple(terms)) if terms else None


def require_left(
    space: Space, pattern: str, member: Normal | LogNormal, chosen: np.ndarray
) -> None:
    """Refuse a prior of which the bounds of a parameter leave nothing.

    Raises:
        ValueError: the bounds lie a dozen deviations away.
    """
    normal = isinstance(member, Normal)
    location = float(member.mean) if normal else math.log(member.median)
    for k in np.flatnonzero(chosen.any(axis=0)):
        low, high = float(space.lower[k]), float(space.upper[k])
        if not normal and high <= 0:
            raise ValueError(
                f"prior of {pattern!r} must leave something inside the bounds, got LogNormal for "
                f"{space.names[k]!r} in {low:g} to {high:g}"
            )
        with np.errstate(divide="ignore"):
            ends = np.array([low, high]) if normal else np.log(np.maximum([low, high], 0.0))
        gap = max(ends[0] - location, location - ends[1], 0.0) / float(member.deviation)
        if gap > _FAR:
            raise ValueError(
                f"prior of {pattern!r} must leave something inside the bounds, got {member} for "
                f"{space.names[k]!r} in {low:g} to {high:g}, {gap:.3g} deviations away"
            )


def _different(chosen: np.ndarray) -> np.ndarray:
    """The first member of every tie, and all that are fixed."""
    first = {int(np.argmax(row)): k for k, row in reversed(list(enumerate(chosen))) if row.any()}
    fixed = [k for k, row in enumerate(chosen) if not row.any()]
    return np.array(sorted([*first.values(), *fixed]), int)


def selection(space: Space, pattern: str) -> tuple[np.ndarray, np.ndarray]:
    """Members that a pattern names = fixed + chosen @ fitted values, ties included."""
    elements = elements_of(space.device)
    members = match_names(elements, pattern)
    groups = {name: k for k, group in enumerate(space.groups) for name in group}
    chosen = np.zeros((len(members), len(space.names)))
    for row, name in enumerate(members):
        if name in groups:
            chosen[row, groups[name]] = 1.0
    if not np.any(chosen):
        raise ValueError(
            f"prior must name parameters that are fitted ({', '.join(space.names)}), "
            f"got {pattern!r}"
        )
    known = parameter_values(space.device)
    present = [known[name] for name in members]
    return np.where(chosen.any(axis=1), 0.0, np.array(present, float)), chosen


def _require_weight(weight: Any) -> float | None:
    if weight is None:
        return None
    if isinstance(weight, bool) or np.ndim(weight) or not np.isfinite(weight) or weight < 0:
        raise ValueError(f"weight must be finite and at least 0, or None, got {weight!r}")
    return float(weight)


def _require_rows(term: Term, pattern: str, values: np.ndarray) -> None:
    members = jax.ShapeDtypeStruct(term.fixed.shape, float)
    shape = jax.eval_shape(term.run, members)[0].shape
    if len(shape) != 1:
        raise ValueError(f"prior of {pattern!r} must give one vector of rows, got shape {shape}")
    if not np.all(np.isfinite(term.at(values)[0])):
        raise ValueError(f"prior of {pattern!r} must be finite at the start, got NaN or infinity")


def _program(rows: Callable) -> Callable:
    try:
        return _kept(rows)
    except TypeError:  # not hashable
        return _compiled(rows)


def _compiled(rows: Callable) -> Callable:
    def both(members: Numbers):
        value = jnp.asarray(rows(jnp.asarray(members)), float)
        return value, jax.jacfwd(lambda x: jnp.asarray(rows(x), float))(jnp.asarray(members))

    return jax.jit(both)


_kept = functools.lru_cache(maxsize=32)(_compiled)
