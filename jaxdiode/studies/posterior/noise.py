"""How measured points scatter about a prediction: likelihoods with unknown width, tails, memory."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, assert_never, get_args

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from jaxtyping import Array, Float, Int

from ... import _checks
from ..fit.data import Rows

Kind = Literal["normal", "student"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_WIDEST = 10.0  # largest unknown σ, in the standard deviation of the data
_NARROWEST = 1e-6  # smallest
_DEGREES = (1.0, 100.0)  # of Student's t, where they are sampled
_MEMORY = 0.999  # largest |correlation| of neighbours


class Noise(eqx.Module):
    """The noise of every point, given its own unknowns η.

    η holds ln σ (of all points or of each row), ln ν and ρ (likewise), as far as they are sampled.

    Attributes:
        sigma: standard deviation (normal) or scale (Student) of each point; ones where unknown.
        group: which unknown σ and ρ a point has.
        order, first: points row by row along the axis, and whether a row begins there.
        degrees: ν where it is known; infinite for normal noise.
        extra: standard deviation that is added to every unknown σ in square; 0 but for particles on
            their way.
        groups: how many unknown σ there are, 0 where it is known.
        memories: how many ρ, 0 for independent noise.
        free_degrees: whether ν is sampled.
    """

    sigma: Float[Array, " points"]
    group: Int[Array, " points"]
    order: Int[Array, " points"]
    first: Array
    degrees: Float[Array, ""]
    extra: Float[Array, ""]
    kind: Kind = eqx.field(static=True)
    groups: int = eqx.field(static=True)
    memories: int = eqx.field(static=True)
    free_degrees: bool = eqx.field(static=True)

    def split(self, unknowns: Float[Array, " m"]):
        """(σ of each point, ν, ρ of each point)."""
        sigma, degrees, memory = self.sigma, self.degrees, jnp.zeros_like(self.sigma)
        at = self.groups
        if self.groups:
            unknown = jnp.sqrt(jnp.exp(2 * unknowns[: self.groups]) + self.extra**2)
            sigma = sigma * unknown[self.group % self.groups]
        if self.free_degrees:
            degrees, at = jnp.exp(unknowns[at]), at + 1
        if self.memories:
            memory = unknowns[at:][self.group % self.memories]
        return sigma, degrees, memory

    def log_likelihood(
        self, residual: Float[Array, " points"], unknowns: Float[Array, " m"]
    ) -> Float[Array, " points"]:
        """ln of each point's density, of its row's points before it given."""
        sigma, degrees, memory = self.split(unknowns)
        off = residual / sigma
        width = sigma
        if self.memories:
            own, rho = off[self.order], memory[self.order]
            before = jnp.concatenate([jnp.zeros(1), own[:-1]])
            left = jnp.where(self.first, 1.0, jnp.sqrt(1 - rho**2))
            own = jnp.where(self.first, own, (own - rho * before) / left)
            off = jnp.zeros_like(own).at[self.order].set(own)
            width = sigma * jnp.ones_like(own).at[self.order].set(left)
        return _log_density(off, degrees, self.kind) - jnp.log(width)


def _log_density(off, degrees, kind: Kind):
    if kind == "normal":
        return -0.5 * off**2 - 0.5 * np.log(2 * np.pi)
    if kind != "student":
        assert_never(kind)
    top = gammaln((degrees + 1) / 2) - gammaln(degrees / 2) - 0.5 * jnp.log(np.pi * degrees)
    return top - (degrees + 1) / 2 * jnp.log1p(off**2 / degrees)


class Unknowns(NamedTuple):
    """Names of the noise's unknowns, the bounds of each η, and the noise in words."""

    names: tuple[str, ...]
    lower: np.ndarray
    upper: np.ndarray
    exponential: np.ndarray  # whether the number named is e^η
    words: tuple[str, ...]


def noise_model(
    kind: Kind,
    rows: Rows,
    data: np.ndarray,
    sigma: np.ndarray | None,
    *,
    sigma_range: Sequence[float | int] | None,
    per_row: bool,
    correlated: bool,
    degrees: float | int | None,
    taken: tuple[str, ...],
) -> tuple[Noise, Unknowns]:
    """The noise that was asked for, and what of it is sampled.

    Raises:
        ValueError: an unknown kind, ν ≤ 0, a range that is none or beside a known σ.
    """
    if kind not in KINDS:
        raise _checks.unknown_name("noise", kind, KINDS)
    if sigma is not None and sigma_range is not None:
        raise ValueError(f"sigma_range must be left out where sigma is known, got {sigma_range!r}")
    per_row, correlated = _checks.flag("per_row", per_row), _checks.flag("correlated", correlated)
    if degrees is not None:
        _checks.positive("degrees", degrees)
    labels = rows.labels
    several = per_row and len(labels) > 1
    stems = [f".{label}" for label in labels] if several else [""]
    free, words = kind == "student" and degrees is None, []
    names, lower, upper, exponential = [], [], [], []

    def add(name, low, high, grows):
        names.append(f"noise.{name}" if name in taken else name)
        lower.append(low)
        upper.append(high)
        exponential.append(grows)

    what = "σ" if kind == "normal" else "scale"
    if sigma is None:
        low, high = _range(sigma_range, data, rows)
        for stem in stems:
            add(f"sigma{stem}", np.log(low), np.log(high), True)
        words.append(f"{what} unknown, prior 1/{what} from {low:.4g} to {high:.4g}")
    else:
        words.append(f"{what} known")
    if kind == "student":
        least, most = _DEGREES
        told = f"ν unknown, prior 1/ν from {least:g} to {most:g}" if free else f"ν = {degrees:g}"
        words.insert(0, f"Student's t, {told}")
        if free:
            add("degrees", np.log(least), np.log(most), True)
    elif kind == "normal":
        words.insert(0, "normal")
    else:
        assert_never(kind)
    if correlated:
        for stem in stems:
            add(f"correlation{stem}", -_MEMORY, _MEMORY, False)
        words.append("neighbours of a row correlated (first-order autoregression)")
    ordered = rows.sorted_rows()
    order = np.concatenate(ordered)
    first = np.zeros(order.size, bool)
    first[np.cumsum([0, *(row.size for row in ordered[:-1])])] = True
    noise = Noise(
        sigma=jnp.ones(data.size) if sigma is None else jnp.asarray(sigma),
        group=jnp.asarray(rows.row),
        order=jnp.asarray(order),
        first=jnp.asarray(first),
        degrees=jnp.asarray(np.inf if kind == "normal" else float(degrees or 1.0), float),
        extra=jnp.zeros(()),
        kind=kind,
        groups=0 if sigma is not None else len(stems),
        memories=len(stems) if correlated else 0,
        free_degrees=free,
    )
    found = Unknowns(
        tuple(names), np.array(lower, float), np.array(upper, float),
        np.array(exponential, bool), tuple(words),
    )  # fmt: skip
    return noise, found


def _range(given, data: np.ndarray, rows: Rows) -> tuple[float, float]:
    """Of an unknown σ: as given, or from the scatter of the data about the mean of their row."""
    if given is None:
        parts = [data[row] - np.mean(data[row]) for row in rows.sorted_rows()]
        size = float(np.sqrt(np.mean(np.concatenate(parts) ** 2)))
        size = size or float(np.sqrt(np.mean(data**2))) or 1.0
        return _NARROWEST * size, _WIDEST * size
    try:
        low, high = (float(end) for end in given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"sigma_range must be (lowest, highest), got {given!r}") from error
    if not 0 < low < high < np.inf:
        raise ValueError(
            f"sigma_range must satisfy 0 < lowest < highest, both finite, got {low:g} and {high:g}"
        )
    return low, high
