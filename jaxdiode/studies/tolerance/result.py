"""How far parameters may go: the table of margins, and what it says."""

import itertools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import equinox as eqx
import numpy as np

from ...core.device import AbstractDevice
from ...core.paths import unit_of
from ...core.results import AbstractResult
from ...numerics.status import Status
from .boundary import NO_RESULT, NONE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDES = ("low", "high")
_LISTED = 5  # pairs in a summary


class Margin(NamedTuple):
    """One end of what a parameter may be: `value` still meets all, past it `ended_by` fails."""

    name: str
    side: str
    value: float
    relative: float
    share: float
    ended_by: str


class PairMargin(NamedTuple):
    """The nearest point of a pair's boundary on the rays that were followed."""

    names: tuple[str, str]
    values: tuple[float, float]
    share: float
    ended_by: str


class Margins(AbstractResult):
    """How far every parameter, and every pair, may go before a specification fails.

    The device meets the specification at `low` and `high`, and all the way there from its own
    value; 1e-10 of the reach further it does not.

    Attributes:
        device: whose margins they are.
        labels: the bounds of the specification.
        names, nominal: the parameters (of groups their first) and their values.
        factors: whether each moves by factors, else by distances.
        low, high: the margins, in the parameters' units; NaN where nothing fails within the reach.
        share: the same in units of the reach, (n, 2); of factors their logarithm counts.
        allowed: how far was searched, (n, 2) in units of the reach: ±1, less where the device
            allows no more.
        scale: what `relative` divides by: the nominal value, of fluxes 1 Φ₀.
        width: logarithm of the reach's factor, or its distance.
        fails: per margin the number of the bound that fails, −1 where none, −2 where the device
            has no result.
        angle: directions in the plane of two parameters, both in units of their reach.
        pair_share: how far each pair may go in these directions, NaN where nothing fails;
            (pairs, directions), pairs in the order of `itertools.combinations(names, 2)`.
        pair_reach: where the search of a pair ended.
        pair_fails: as `fails`.
        points: of the scan along each way.
        evaluations: devices evaluated, each with slopes.

    Example:
        >>> pair = jd.SeriesJunctions(100, 50)  # carries as much as the weaker of the two
        >>> found = jd.margins(pair, {"plus": (45, 60)}, points=16, progress=False)
        >>> print(found.low.round(6).tolist(), found.high.round(6).tolist())
        [nan, 45.0] [nan, 60.0]
        >>> print(found.critical.name, found.critical.side, found.critical.ended_by)
        second low plus ≥ 45
    """

    device: AbstractDevice
    labels: tuple[str, ...] = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    nominal: np.ndarray
    factors: tuple[bool, ...] = eqx.field(static=True)
    low: np.ndarray
    high: np.ndarray
    share: np.ndarray
    allowed: np.ndarray
    scale: np.ndarray
    width: np.ndarray
    fails: np.ndarray
    angle: np.ndarray
    pair_share: np.ndarray
    pair_reach: np.ndarray
    pair_fails: np.ndarray
    points: int = eqx.field(static=True)
    evaluations: int = eqx.field(static=True)

    @property
    def status(self) -> np.ndarray:
        """Of every margin, (n, 2): NONFINITE where the device has no result past it."""
        return np.where(self.fails == NO_RESULT, Status.NONFINITE, Status.CONVERGED).astype(
            np.int32
        )

    @property
    def reach(self) -> np.ndarray:
        """Values at which the search ended, (n, 2)."""
        return np.array([self.value(k, x) for k, x in enumerate(self.allowed)]).reshape(-1, 2)

    @property
    def relative(self) -> np.ndarray:
        """(margin − nominal)/scale, (n, 2)."""
        both = np.stack([self.low, self.high], axis=1)
        return (both - self.nominal[:, None]) / self.scale[:, None]

    @property
    def ended_by(self) -> tuple[tuple[str, str], ...]:
        """What ends each margin: a bound, "no result", the "reach", or a limit of the "device"."""
        return tuple((self._ended(k, 0), self._ended(k, 1)) for k in range(len(self.names)))

    @property
    def critical(self) -> Margin | None:
        """The smallest margin in units of the reach; None where nothing fails within it."""
        known = np.where(np.isnan(self.share), np.inf, self.share)
        k, side = divmod(int(np.argmin(known)), 2)
        return self._margin(k, side) if np.isfinite(known[k, side]) else None

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Names of the pairs, in the order of `pair_share`."""
        every = tuple(itertools.combinations(self.names, 2))
        return every if len(self.pair_share) else ()

    @property
    def nearest(self) -> tuple[PairMargin, ...]:
        """Of every pair that meets a boundary the nearest point of it, the smallest first."""
        found = []
        for k, (i, j) in enumerate(itertools.combinations(range(len(self.names)), 2)):
            if k >= len(self.pair_share) or np.all(np.isnan(self.pair_share[k])):
                continue
            ray = int(np.nanargmin(self.pair_share[k]))
            share = float(self.pair_share[k, ray])
            x, y = share * ray_of(self.angle[ray])
            values = self.value(i, x), self.value(j, y)
            ended = self._label(self.pair_fails[k, ray])
            found.append(PairMargin((self.names[i], self.names[j]), values, share, ended))
        return tuple(sorted(found, key=lambda pair: pair.share))

    def value(self, k: int, x: float | np.ndarray) -> Any:
        """What parameter k is at x in units of its reach."""
        way = x * self.width[k]
        found = self.nominal[k] * np.exp(way) if self.factors[k] else self.nominal[k] + way
        return found if np.ndim(found) else float(found)

    def as_dict(self) -> dict[str, Any]:
        rows = zip(self.names, self.nominal, self.low, self.high, self.relative, self.share,
                   self.reach, self.ended_by, strict=True)  # fmt: skip
        critical = self.critical
        return {
            "specification": self.labels,
            "parameters": {
                name: {"value": value, "low": low, "high": high, "relative": relative,
                       "share": share, "reach": reach, "ended_by": ended}
                for name, value, low, high, relative, share, reach, ended in rows
            },
            "critical": None if critical is None else critical._asdict(),
            "pairs": [pair._asdict() for pair in self.nearest],
            "angle": self.angle,
            "pair_share": self.pair_share,
            "resolution": 1 / self.points,
            "evaluations": self.evaluations,
            "low": self.low,
            "high": self.high,
            "status": self.status,
        }  # fmt: skip

    def plot(self) -> "Figure":
        from ... import plot

        return plot.margins(self)

    def summary(self, unit: str = "") -> str:
        """A table to print: every margin, the critical one, and what fails sooner in pairs."""
        lines = [f"margins of {', '.join(self.labels)}"]
        critical = self.critical
        width = max(12, *(len(name) for name in self.names))
        for k, name in enumerate(self.names):
            one, two = (self._cell(k, side, unit) for side in (0, 1))
            mark = "   critical" if critical is not None and critical.name == name else ""
            of = f"{self.nominal[k]:.6g} {unit_of(self.device, name, unit)}".rstrip()
            lines.append(f"  {name:<{width}s} {of:>14s}   {one:<36s} {two:<36s}".rstrip() + mark)
        if critical is None:
            lines.append("nothing fails within the reach")
        else:
            k = self.names.index(critical.name)
            lines.append(
                f"critical: {critical.name} {critical.side} at {critical.value:.6g} "
                f"{unit_of(self.device, critical.name, unit)}".rstrip()
                + f", {self._moved(k, SIDES.index(critical.side), unit)} ({critical.ended_by})"
            )
        alone = dict(zip(self.names, np.nanmin(self.share, axis=1, initial=np.inf), strict=True))
        together = [p for p in self.nearest if p.share < min(alone[name] for name in p.names)]
        for pair in together[:_LISTED]:
            at = ", ".join(
                f"{name} = {value:.6g} {unit_of(self.device, name, unit)}".rstrip()
                for name, value in zip(pair.names, pair.values, strict=True)
            )
            lines.append(f"pair: {at}, {pair.share:.3g} of the reach ({pair.ended_by})")
        return "\n".join(lines)

    def _margin(self, k: int, side: int) -> Margin:
        value = float((self.low, self.high)[side][k])
        return Margin(
            self.names[k], SIDES[side], value, float(self.relative[k, side]),
            float(self.share[k, side]), self._ended(k, side),
        )  # fmt: skip

    def _ended(self, k: int, side: int) -> str:
        if self.fails[k, side] != NONE:
            return self._label(self.fails[k, side])
        return "reach" if abs(self.allowed[k, side]) == 1 else "device"

    def _label(self, fails: Any) -> str:
        if fails == NO_RESULT:
            return "no result"
        return "reach" if fails == NONE else self.labels[int(fails)]

    def _moved(self, k: int, side: int, unit: str) -> str:
        """How far a margin is: in % of the value, or in the unit of what moves by differences."""
        if self.factors[k]:
            return f"{self.relative[k, side]:+.2%}"
        away = (self.low, self.high)[side][k] - self.nominal[k]
        return f"{away:+.4g} {unit_of(self.device, self.names[k], unit)}".rstrip()

    def _cell(self, k: int, side: int, unit: str) -> str:
        ended = self._ended(k, side)
        if ended == "device":
            return f"none up to its limit {self.reach[k, side]:.6g}"
        if ended != "reach":
            value = (self.low, self.high)[side][k]
            return f"{value:.6g} {self._moved(k, side, unit)} ({ended})"
        if self.factors[k]:
            return f"> factor {math.exp(self.width[k]):.4g}"
        own = unit_of(self.device, self.names[k], unit)
        return f"> {self.width[k]:.4g} {own}".rstrip()


def ray_of(angle: float) -> np.ndarray:
    """(cos, sin) of an angle, exactly 0 on the axes."""
    ray = np.array([math.cos(angle), math.sin(angle)])
    return np.where(np.abs(ray) < 1e-12, 0.0, ray)
