"""Errors of a fit by fits to data put together anew from blocks of its residuals."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from ... import _checks
from ...core.results import AbstractResult
from ...numerics.status import Status
from ...progress import track
from ..space import numpy_generator, random_key
from . import blocks
from .data import Rows
from .trust_region import LOSSES, Problem, Solution

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FEWEST = 10  # refits
_ENOUGH = 1e-7  # relative change of the cost that ends a refit, 1/100 of an error or less
_OWN_STREAM = 7  # of the key, beside that of the starts


class Bootstrap(AbstractResult):
    """Parameters of fits to data that a fit's own residuals, in blocks, were added to.

    Attributes:
        names: the fitted parameters.
        samples: values of every refit, (refits, parameters); NaN where it failed, and for
            parameters that the data do not know.
        blocks: {row: points of a block}; 1 for residuals without correlations.
        on_bound: refits that ended with a parameter on a bound.
        status: of every refit, CONVERGED or NOT_CONVERGED.

    Example:
        >>> x = np.linspace(0, 2 * np.pi, 101)
        >>> space = jd.Space(jd.TunnelJunction(90), {"critical_current": (50, 150)})
        >>> data = 100 * np.sin(x) + np.random.default_rng(0).normal(0, 1, 101)
        >>> model = lambda device: device.current(jnp.asarray(x))
        >>> found = jd.fit(model, space, data, bootstrap=300, progress=False)
        >>> print(f"{found.errors[0]:.2f} {found.bootstrap.errors[0]:.2f}", found.bootstrap.blocks)
        0.14 0.15 {'data': 2}
    """

    names: tuple[str, ...] = eqx.field(static=True)
    samples: np.ndarray
    blocks: dict[str, int]
    on_bound: int = eqx.field(static=True)
    status: np.ndarray

    @property
    def failed(self) -> int:
        """Refits without a result; everything here is of the others."""
        return int(np.sum(self.status != Status.CONVERGED))

    @property
    def covariance(self) -> np.ndarray:
        arrived = self.samples[self.status == Status.CONVERGED]
        if len(arrived) < 2:
            return np.full((len(self.names),) * 2, np.nan)
        return np.atleast_2d(np.cov(arrived.T))

    @property
    def errors(self) -> np.ndarray:
        """Standard deviations over the refits."""
        return np.sqrt(np.diag(self.covariance))

    def interval(
        self, name: str | float | int | None = None, level: float | int = 0.68
    ) -> np.ndarray:
        """Percentile interval of one parameter, (2,), or of all, (n, 2), as `FitResult.interval`.

        Raises:
            ValueError: no such parameter, a level outside (0, 1).
        """
        name, level = _checks.name_and_level(name, level, self.names)
        arrived = self.samples[self.status == Status.CONVERGED]
        if not len(arrived):
            arrived = np.full((1, len(self.names)), np.nan)
        both = np.quantile(arrived, [0.5 - level / 2, 0.5 + level / 2], axis=0).T
        return both if name is None else both[self.names.index(name)]

    def as_dict(self) -> dict[str, Any]:
        return {
            "errors": dict(zip(self.names, self.errors, strict=True)),
            "covariance": self.covariance,
            "intervals": dict(zip(self.names, self.interval(), strict=True)),
            "blocks": self.blocks,
            "refits": len(self.samples),
            "failed": self.failed,
            "on_bound": self.on_bound,
            "samples": self.samples,
            "status": self.status,
        }

    def said(self) -> str:
        """How many refits, of which blocks."""
        sizes = sorted(set(self.blocks.values()))
        length = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
        return f"{len(self.samples)} refits, blocks of {length} points"

    def summary(self, unit: str = "") -> str:
        """Errors and intervals of all parameters."""
        width = max(20, *(len(name) for name in self.names))
        rows = [f"bootstrap: {self.said()}, {self.failed} failed, {self.on_bound} on a bound"]
        table = zip(self.names, self.errors, self.interval(), strict=True)
        rows += [
            f"  {name:<{width}s} ± {error:.2g}, {low:.6g} to {high:.6g} (68 %) {unit}".rstrip()
            for name, error, (low, high) in table
        ]
        return "\n".join(rows)

    def plot(self) -> "Figure":
        from ... import plot

        mean = np.mean(self.samples[self.status == Status.CONVERGED], axis=0)
        return plot.correlations(self.names, mean, self.covariance)


def require_options(count: int | None, block: int | None, rows: Rows) -> None:
    """Raise where there are too few refits to tell an error from, a block without them, or rows
    too short for blocks."""
    if block is not None:
        _checks.whole_number("block", block)
        if count is None:
            raise ValueError(f"block must be left out without bootstrap, got {block}")
    if count is not None:
        _checks.whole_number("bootstrap", count, at_least=_FEWEST)
        blocks.require_rows(rows, block)


def refitted(
    problem: Problem, rows: Rows, best: Solution, known: np.ndarray, freedom: float | int, *,
    count: int, block: int | None, key: PRNGKeyArray | int | None, progress: bool,
    start: np.ndarray,
) -> Bootstrap:  # fmt: skip
    """Fits to a solution's prediction plus residuals drawn anew in blocks.

    Residuals are taken in units of σ, about the mean of their row as the loss weighs them (what a
    model misses on average is no scatter, outliers to one side are no shift), times
    √(N/degrees of freedom) for what the fit took of them. The scale of a loss and the weights of
    priors stay; what priors know scatters as it says.

    Args:
        known: which parameters the data know; the others are NaN.
        freedom: degrees of freedom of the fit.
        start: values that refits start from: the solution, or beside it.
    """
    prediction = problem.predict(best.values)[0]
    off = (problem.data - prediction) / best.noise
    weight = LOSSES[problem.loss][0](off**2)
    groups = blocks.together(rows, weight * off, block)
    for row in rows.sorted_rows():
        off[row] -= np.average(off[row], weights=weight[row])
    off *= np.sqrt(off.size / freedom)
    random = numpy_generator(jax.random.fold_in(random_key(0 if key is None else key), _OWN_STREAM))
    samples = np.full((count, best.values.size), np.nan)
    status = np.full(count, Status.NOT_CONVERGED, np.int32)
    on_bound = 0
    edge = 1e-6 * problem.scales(best.start)
    for k in track(range(count), "bootstrap", count, progress):
        data = prediction + best.noise * blocks.drawn(groups, off, random)
        prior = None if problem.prior is None else _Scattered(problem.prior, best.values, random)
        again = Problem(
            problem.predict, problem.space, data, best.noise, problem.loss, problem.max_steps,
            prior, ftol=_ENOUGH,
        )  # fmt: skip
        found = again.again(best._replace(values=start), best.noise)
        if found.converged:
            status[k] = Status.CONVERGED
            samples[k] = found.values
            gap = np.minimum(found.values - problem.low, problem.high - found.values)
            on_bound += bool(np.any(gap <= edge))
    samples[:, ~known] = np.nan
    lengths = {label: group.block for group in groups for label in group.labels}
    return Bootstrap(problem.space.names, samples, lengths, on_bound, status)


class _Scattered:
    """A prior whose rows, of unit deviation, are off by a draw of their own."""

    def __init__(self, prior, values: np.ndarray, random: np.random.Generator):
        self.prior = prior
        self.shift = random.normal(size=prior.at(values)[0].size)

    def at(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows, slopes = self.prior.at(values)
        return rows + self.shift, slopes
