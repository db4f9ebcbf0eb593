"""Least squares over a `Space` by a trust region, in coordinates without units."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray, PyTree

from .. import _checks
from ..numerics.status import Status
from ..progress import track
from ..space import Space, random_key
from . import diagnostics, errors, periods
from .data import Rows, flat_like, lay_out, noise_of, require_finite
from .prediction import Prediction
from .result import FitResult, _roots

Model = Callable[..., PyTree]
Loss = Literal["linear", "soft_l1", "cauchy"]

# First and second derivative of ρ(z), z a squared residual in units of σ (SciPy's definitions).
_LOSSES: dict[str, tuple[Callable, Callable]] = {
    "linear": (lambda z: np.ones_like(z), lambda z: np.zeros_like(z)),
    "soft_l1": (lambda z: (1 + z) ** -0.5, lambda z: -0.5 * (1 + z) ** -1.5),
    "cauchy": (lambda z: 1 / (1 + z), lambda z: -1 / (1 + z) ** 2),
}
_POLISH = 3  # Gauss–Newton steps at the end
_HEATS = ((4, 4), (8, 1))  # (evaluations given to each period, how many go on)
_SCALE_ROUNDS = 4  # re-estimates of an unknown noise scale in a robust fit
_ON_BOUND = 1e-6  # of a parameter's scale
_LAST = 8  # evaluations before a stop in which a point where the model is NaN is its cause
_SILENT = 1e-12  # change of the prediction over a parameter's scale that counts as none


class _Fit(NamedTuple):
    values: np.ndarray
    cost: float
    noise: np.ndarray
    converged: bool
    at_edge: bool
    start: np.ndarray


def fit(
    model: Model,
    space: Space,
    data: PyTree,
    sigma: PyTree = None,
    *,
    arguments: Sequence[PyTree] = (),
    along: PyTree = None,
    periods: str | Sequence[str] = (),
    loss: Loss = "linear",
    starts: int = 1,
    key: PRNGKeyArray | int | None = None,
    max_steps: int = 300,
    progress: bool = True,
) -> FitResult:
    """Least-squares fit of model(device, *arguments) to data over a `Space` (SciPy's TRF).

    The Jacobian is exact, bounds are kept, and nothing depends on the unit of the currents.
    Plain errors are σ²(JᵀJ)⁻¹ (for a robust loss the sandwich A⁻¹BA⁻¹ of M-estimation): local, and
    right for independent noise. `robust_errors` also hold where neighbouring residuals are
    correlated, as they are when the model misses something: (JᵀJ)⁻¹ S (JᵀJ)⁻¹ with the
    Newey–West S along the axis, all points measured together summed first. The result's
    `summary` says how much is explained and warns.

        def model(squid, coil):
            return squid.switching_currents(coil)

        jd.fit(model, space, (plus, minus), arguments=[coil], along=coil, periods="turns")

    Compilation is kept: a `model` defined once, with what changes between fits in `arguments`,
    is compiled at the first fit; a new closure is traced again but compiled only if it computes
    something new.

    Args:
        model: device, *arguments → prediction: an array, a tree of arrays, or
            `CriticalCurrents`, which stands for (plus, minus) and whose status is reported where
            it is NaN.
        space: parameters to fit, with bounds; the fit starts at its device's values.
        data: measured values, finite, of the structure and shapes of the prediction (lists will
            do for arrays and tuples).
        sigma: standard deviation of the noise, one number or a tree like `data`. None: the
            same unknown σ for all points, estimated from the residuals.
        arguments: what the model takes besides the device, arrays or trees of them.
        along: positions on the axis that was scanned, e.g. coil currents: one for each point of
            a row, or a tree like `data`. Points at equal positions count as measured together.
            None: points follow each other in every row (the last axis of a leaf), and the i-th
            points of all rows of one length belong together.
        periods: fitted parameters that are flux periods (periods per unit of `along`, as
            `turns`): the fit also starts from the peaks of the data's own periodogram.
        loss: "linear"; "soft_l1" and "cauchy" keep gross outliers from mattering, their
            scale being σ (estimated by the median absolute deviation when not given).
        starts: fits to run, all but the first from random points (finite bounds and `key`
            needed); the best is returned. Those where the model is NaN are left out and counted.
        key: `jax.random.key(seed)`, or the seed.
        max_steps: evaluations allowed to each fit.

    Raises:
        ValueError: data not finite or of another structure than the prediction, σ ≤ 0, fewer
            points than parameters, start outside the bounds, unknown loss, a model that is NaN
            at every start (the points are named).
    """
    if loss not in _LOSSES:
        raise _checks.unknown_name("loss", loss, _LOSSES)
    _checks.whole_number("starts", starts)
    _checks.whole_number("max_steps", max_steps)
    if starts > 1 and key is None:
        raise ValueError("key must be given when starts > 1, got None")
    first = _first(space)
    predict = Prediction(model, space, arguments)
    rows = lay_out(predict.template, predict.labels, along)
    flat = flat_like(predict.template, data, "data")
    require_finite(flat, rows)
    sigmas = noise_of(predict.template, sigma, flat.size)
    freedom = flat.size - len(space.names)
    if freedom < 1:
        raise ValueError(
            f"data must hold more points than parameters, got {flat.size} points "
            f"for {len(space.names)} parameters"
        )
    problem = _Problem(predict, space, flat, sigmas, loss, max_steps)
    candidates = [first, *_period_starts(space, periods, along, rows, flat)]
    origins = [problem.most_promising(candidates)]
    if starts > 1:
        key = random_key(key)
        origins += [np.asarray(space.sample(k)) for k in jax.random.split(key, starts - 1)]
    found: list[_Fit] = []
    for origin in track(origins, "fit", starts, progress):
        if np.all(np.isfinite(problem.residual(origin))):
            found.append(problem.solve(origin, first))
    if not found:
        raise ValueError(_where_invalid(predict, rows, first, starts))
    best = problem.polish(min(found, key=lambda one: one.cost))
    return _result(problem, rows, best, starts, starts - len(found))


class _Problem:
    """Residuals of one data set, and the search for their least squares."""

    def __init__(self, predict, space, data, sigma, loss, max_steps):
        self.predict, self.space, self.data = predict, space, data
        self.sigma, self.loss, self.max_steps = sigma, loss, max_steps
        self.low, self.high = np.asarray(space.lower), np.asarray(space.upper)

    def residual(self, values) -> np.ndarray:
        return self.predict(values)[0] - self.data

    def jacobian(self, values) -> np.ndarray:
        """Rows that are not finite are zero: those points pull nowhere."""
        jacobian = self.predict(values)[1]
        return np.where(np.all(np.isfinite(jacobian), axis=1)[:, None], jacobian, 0.0)

    def scales(self, start) -> np.ndarray:
        """A size of each parameter that changes with its unit: the width of its bounds, its
        start's distance from one, its start, or what changes the prediction by its own size."""
        low, high = np.isfinite(self.low), np.isfinite(self.high)
        edge = np.where(low, self.low, np.where(high, self.high, 0.0))
        column = np.sqrt(np.sum(self.jacobian(start) ** 2, axis=0))
        size = np.sqrt(np.sum(self.data**2)) or np.sqrt(np.sum(self.residual(start) ** 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = size / column
            width = np.where(low & high, self.high - self.low, 0.0)
        scale = 1.0 * np.ones_like(start)
        for candidate in (reach, np.abs(edge), np.abs(start), np.abs(start - edge), width):
            usable = np.isfinite(candidate) & (candidate > 0)
            scale = np.where(usable, candidate, scale)
        return scale

    def most_promising(self, candidates: list[np.ndarray]) -> np.ndarray:
        """Where the best of some short fits arrived, most of them stopped early."""
        usable = [c for c in candidates if np.all(np.isfinite(self.residual(c)))]
        if len(candidates) == 1 or not usable:
            return candidates[0]
        longest = self.max_steps
        for steps, kept in _HEATS:
            self.max_steps = min(steps, longest)
            tried = [self.solve(candidate, candidates[0]) for candidate in usable]
            usable = [one.values for one in sorted(tried, key=lambda one: one.cost)[:kept]]
        self.max_steps = longest
        return usable[0]

    def solve(self, start: np.ndarray, first: np.ndarray) -> _Fit:
        """One fit; an unknown noise scale is re-estimated between rounds of a robust loss.

        The result remembers the user's own start, `first`.
        """
        scale = self.scales(start)
        known = self.sigma is not None
        noise = self.sigma if known else np.ones_like(self.data)
        rounds = 1 if known or self.loss == "linear" else _SCALE_ROUNDS
        values, cost, converged, at_edge = start, 0.0, True, False
        for _ in range(rounds):
            if rounds > 1:
                noise = np.full_like(self.data, self._typical_deviation(values))
            unit = np.sqrt(np.mean((self.residual(values) / noise) ** 2))
            if not unit > 0:
                return _Fit(values, 0.0, noise, True, False, first)
            values, cost, converged, at_edge = self._descend(values, scale, noise, unit)
        return _Fit(values, cost, noise, converged, at_edge, first)

    def _typical_deviation(self, values) -> float:
        """σ by the median absolute deviation, above the rounding of an exact fit."""
        residual = np.abs(self.residual(values))
        deviation = 1.4826 * float(np.median(residual))
        return max(deviation, 1e-9 * float(np.sqrt(np.mean(residual**2)))) or 1.0

    def _descend(self, start, scale, noise, unit):
        """Trust region in coordinates u = (x − bound)/scale and residuals of rms 1 at the start.

        SciPy compares gradients and distances with absolute numbers, so none has a unit here;
        its gradient test is left out, steps and costs are compared with themselves. It steps
        back from points where the model is not finite.
        """
        from scipy.optimize import least_squares

        origin = np.where(
            np.isfinite(self.low), self.low, np.where(np.isfinite(self.high), self.high, 0.0)
        )
        weight = 1 / (noise * unit)
        defined: list[bool] = []

        def values(u):
            return np.clip(origin + scale * u, self.low, self.high)

        def residual(u):
            found = self.residual(values(u)) * weight
            defined.append(bool(np.all(np.isfinite(found))))
            return found

        low, high = (self.low - origin) / scale, (self.high - origin) / scale
        found = least_squares(
            residual,
            np.clip((start - origin) / scale, low, high),
            jac=lambda u: self.jacobian(values(u)) * weight[:, None] * scale,  # pyright: ignore
            bounds=(low, high),
            x_scale="jac",
            loss=self.loss,
            f_scale=1 / unit,
            max_nfev=self.max_steps,
            xtol=1e-10,
            ftol=1e-12,
            gtol=None,  # pyright: ignore
        )
        at_edge = not all(defined[-_LAST:]) and _falls(found)
        converged = found.status > 0 and not at_edge
        return values(found.x), float(found.cost) * unit**2, converged, at_edge

    def polish(self, fit: _Fit) -> _Fit:
        """Idle parameters back at their start, then Gauss–Newton steps while they help.

        The trust region creeps where some combination of parameters has no influence.
        """
        if self.loss != "linear" or fit.at_edge:
            return fit
        scale = self.scales(fit.start)

        def cost(values):
            found = np.sum((self.residual(values) / fit.noise) ** 2)
            return found if np.isfinite(found) else np.inf

        values, lowest = fit.values, cost(fit.values)
        for step in range(_POLISH + 1):
            columns = self.jacobian(values) / fit.noise[:, None] * scale
            if step == 0:
                idle = ~np.any(columns, axis=0)
                trial = np.where(idle, fit.start, values)
            else:
                right = -self.residual(values) / fit.noise
                size = np.sqrt(np.sum(columns**2, axis=0))
                size = np.where(size > 0, size, 1.0)
                move = np.linalg.lstsq(columns / size, right, rcond=1e-7)[0] / size
                trial = values + scale * move
            inside = np.all((trial >= self.low) & (trial <= self.high))
            if not inside or cost(trial) > lowest * (1 + 1e-14):
                if step == 0:
                    continue
                break
            values, lowest = trial, min(lowest, cost(trial))
        return fit._replace(values=values)


def _falls(found) -> bool:
    """Whether the cost still falls at a stop, by a linear step."""
    step = np.linalg.lstsq(found.jac, -found.fun, rcond=1e-10)[0]
    return bool(-found.grad @ step > 1e-6 * max(found.cost, np.finfo(float).tiny))


def _first(space) -> np.ndarray:
    first = np.asarray(space.values())
    for name, x, low, high in zip(space.names, first, space.lower, space.upper, strict=True):
        if not low <= x <= high:
            raise ValueError(
                f"{name!r} must start inside its bounds, got {x:g} outside {low:g} to {high:g}"
            )
    return first


def _period_starts(space, names, along, rows: Rows, flat) -> list[np.ndarray]:
    if not names:
        return []
    if along is None:
        raise ValueError("along must be given with periods: the axis they are counted on, got None")
    return periods.period_starts(space, names, rows, flat)


def _where_invalid(predict, rows: Rows, first, starts: int) -> str:
    value, _, status = predict(first)
    bad = np.flatnonzero(~np.isfinite(value))
    codes = sorted({int(code) for code in status[bad]} - {int(Status.CONVERGED)})
    why = f" (status: {'; '.join(Status(code).describe() for code in codes)})" if codes else ""
    where = "at the start" if starts == 1 else f"at all {starts} starts; at the first"
    return (
        f"model is NaN or infinite {where}, at {bad.size} of {value.size} points: "
        f"{rows.listed(bad)}{why}; check the device it starts from, or leave these points out"
    )


def _result(problem: _Problem, rows: Rows, best: _Fit, starts: int, invalid: int) -> FitResult:
    space, values, noise = problem.space, best.values, best.noise
    residual, jacobian = problem.residual(values), problem.jacobian(values)
    flat_slope = ~np.all(np.isfinite(problem.predict(values)[1]), axis=1)
    freedom = residual.size - values.size
    if problem.sigma is None and problem.loss == "linear":
        noise = np.full_like(residual, np.sqrt(np.sum(residual**2) / freedom))
    scale = problem.scales(best.start)
    size = np.sqrt(np.sum(problem.data**2)) or np.sqrt(np.sum(residual**2))
    silent = np.sqrt(np.sum(jacobian**2, axis=0)) * scale <= _SILENT * size
    jacobian = np.where(silent, 0.0, jacobian)
    weight = 1 / noise if np.all(noise > 0) else np.ones_like(noise)
    r, rows_of = residual * weight, jacobian * weight[:, None]
    first, second = (derivative(r**2) for derivative in _LOSSES[problem.loss])
    scores = (first * r)[:, None] * rows_of
    bent = rows_of.T @ ((first + 2 * r**2 * second)[:, None] * rows_of)
    if problem.loss != "linear" and np.linalg.eigvalsh(_unit_diagonal(bent))[0] < 0:
        bent = rows_of.T @ (first[:, None] * rows_of)  # most points are outliers to this loss
    curvature = errors.invert(bent)
    plain = (
        curvature.inverse
        if problem.loss == "linear"
        else errors.sandwich(curvature, scores.T @ scores)
    )
    middle, lag = errors.long_run(scores, rows)
    robust = errors.sandwich(curvature, middle)
    both = errors.halves(np.sqrt(first) * r, np.sqrt(first)[:, None] * rows_of, rows)
    apart = np.full(values.size, np.nan)
    if not np.all(noise > 0):  # an exact fit leaves no noise to estimate errors from
        plain, robust = np.zeros_like(plain), np.zeros_like(robust)
    elif both is not None:
        spread = _roots(both[1])
        apart = np.abs(both[0]) / np.where(spread > 0, spread, np.nan)
    gap = np.minimum(values - problem.low, problem.high - values)
    still = np.abs(values - best.start) <= 1e-6 * np.maximum(np.abs(values), np.abs(best.start))
    correlation = diagnostics.lag_one(residual, rows)
    return FitResult(
        device=space.insert(jnp.asarray(values)),
        names=space.names,
        values=values,
        errors=_roots(plain),
        covariance=plain,
        robust_covariance=robust,
        residuals=residual,
        sigma=noise,
        halves=apart,
        sigma_known=problem.sigma is not None,
        degrees_of_freedom=freedom,
        converged=best.converged,
        lag=lag,
        successive_noise=diagnostics.successive_noise(problem.data, residual, rows),
        explained=diagnostics.share_explained(problem.data, residual, noise, rows),
        correlation=correlation,
        row_lengths=tuple(
            int(row.size)
            for label, row in zip(rows.labels, rows.sorted_rows(), strict=True)
            if label in correlation
        ),
        at_bound=_named(space, gap <= _ON_BOUND * scale),
        unseen=_named(space, curvature.idle),
        indistinct=tuple(_combination(space, d) for d in curvature.directions),
        unmoved=_named(space, still),
        no_slope=tuple(rows.name(k) for k in np.flatnonzero(flat_slope).tolist()),
        stopped_at_edge=best.at_edge,
        invalid_starts=invalid,
        starts=starts,
    )


def _unit_diagonal(matrix):
    scale = np.sqrt(np.abs(np.diag(matrix)))
    scale = np.where(scale > 0, scale, 1.0)
    return matrix / np.outer(scale, scale)


def _named(space, chosen) -> tuple[str, ...]:
    return tuple(name for name, one in zip(space.names, chosen, strict=True) if one)


def _combination(space, direction) -> str:
    """A direction of parameter space in words, largest parts first."""
    order = [k for k in np.argsort(-np.abs(direction)) if abs(direction[k]) > 0]
    lead = direction[order[0]]
    parts = [f"{direction[k] / lead:+.3g} in {space.names[k]}" for k in order]
    return f"a common change of {', '.join(parts)}"
