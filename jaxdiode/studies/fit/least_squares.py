"""The verb: least squares over a `Space`, and what is said about the solution."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray, PyTree

from ... import _checks
from ..._checks import Numbers
from ...numerics.status import Status
from ...progress import track
from ..space import Space
from . import bootstrap as resampling
from . import diagnostics, errors, evidence, turning
from . import starts as starting
from .data import Rows, flat_like, lay_out, noise_of, require_finite, require_some
from .periods import seen as counted_periods
from .prediction import Prediction, Selected
from .prior import Given, gathered
from .result import FitResult
from .trust_region import LOSSES, Loss, Problem, Solution
from .uncertainty import Flat, determined, off_saddles, slopes, to_second_order

Model = Callable[..., PyTree]
_ON_BOUND = 1e-6  # of a parameter's scale


def fit(
    model: Model,
    space: Space,
    data: PyTree,
    sigma: PyTree = None,
    *,
    arguments: Sequence[PyTree] = (),
    along: PyTree = None,
    periods: str | Sequence[str] = (),
    prior: Given | None = None,
    loss: Loss = "linear",
    starts: int | Numbers | None = None,
    key: PRNGKeyArray | int | None = None,
    max_steps: int = 300,
    bootstrap: int | None = None,
    block: int | None = None,
    drop_missing: bool = False,
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
        prior: {name or pattern: prior} of parameters known beside the data: a function of the
            parameters named (one vector, in the device's order) whose rows, in standard deviations,
            are squared and added to χ², or a tuple of such. `jd.inverse` has `Smooth`, `Normal` and
            `FixedMean`; an attribute `weight` of a function multiplies its rows, and None has it
            chosen by the evidence of the data, as `Smooth` says. Errors are then those of the
            posterior; χ², `explained` and correlations stay those of the data alone, with
            N − `determined` degrees of freedom, and there may be fewer data than parameters.
            Either half of the data is read beside the whole prior.
        loss: "linear"; "soft_l1" and "cauchy" keep gross outliers from mattering, their
            scale being σ (estimated by the median absolute deviation when not given).
        starts: fits to run, all but the first from random points (finite bounds and `key`
            needed); the best is returned. Those where the model is NaN are left out and counted.
            None: where all bounds are finite, four, from the start and from the three most
            promising of 96 random points after short fits of sixteen; one where a bound is
            infinite. 1 saves the time where the start is known to be good. An array (starts,
            parameters) of values to start from beside the space's own, as `jd.guess` gives them:
            the most promising six after a few steps go on.
        key: `jax.random.key(seed)`, or the seed.
        max_steps: evaluations allowed to each fit.
        bootstrap: refits, 200 say, to data that hold the fit's residuals anew in blocks drawn
            along the axis; errors, covariance and percentile intervals are then in the result's
            `bootstrap`. They hold for correlated residuals (too small by 10 to 25 % where
            neighbours correlate by 0.7), curved models and robust losses, by the residuals' own
            size, also where σ is given. None: no refit.
        block: points of a block; None: from the correlations of the residuals, by the rule of
            Politis and White.
        drop_missing: leave out every value that is NaN in `data` (one direction of a row, say):
            the fit, its degrees of freedom, errors, bootstrap and all that is said of residuals
            are of the others alone, which are neighbours across the gap. `residuals` and `sigma`
            are NaN there, `missing` counts them. False: NaN is refused. In a bootstrap, rows with
            other gaps are drawn one by one.

    Raises:
        ValueError: no data, data not finite or of another structure than the prediction, σ ≤ 0,
            fewer points than parameters without a prior, a prior of what is not fitted, that the
            bounds leave nothing of, or whose rows are no finite vector, start outside the bounds,
            unknown loss, a model that is NaN at every start (the points are named), fewer than ten
            refits or points of a row to resample, a block longer than a third of a row.

    Example:
        >>> def model(squid, coil):
        ...     return squid.switching_currents(coil)
        >>> squid = jd.Squid([jd.TunnelJunction(90), jd.TunnelJunction(60)], flux=[0])
        >>> truth, coil = jd.CoilBiasedSquid(squid, turns=[65]), jnp.linspace(-0.01, 0.01, 21)
        >>> exact, random = model(truth, coil), np.random.default_rng(0)
        >>> data = [x + random.normal(0, 1, 21) for x in (exact.plus, exact.minus)]
        >>> space = jd.Space(truth, {"turns": (60, 70), "squid.branches.0": (50, 120)})
        >>> found = jd.fit(model, space, data, 1.0, arguments=[coil], along=coil)
        >>> print(*(f"{x:.3f} ± {e:.3f}" for x, e in zip(found.values, found.errors)))
        89.942 ± 0.178 65.096 ± 0.080
    """
    if loss not in LOSSES:
        raise _checks.unknown_name("loss", loss, LOSSES)
    given = starting.require_starts(space, starts, key)
    _checks.whole_number("max_steps", max_steps)
    first = starting.require_inside(space, np.asarray(space.values()))
    require_some(data)
    predict = Prediction(model, space, arguments)
    rows = lay_out(predict.template, predict.labels, along)
    flat = flat_like(predict.template, data, "data")
    kept = require_finite(flat, rows, drop_missing)
    sigmas = noise_of(predict.template, sigma, kept)
    rows, flat, predict = rows.only(kept), flat[kept], Selected(predict, kept)
    resampling.require_options(bootstrap, block, rows)
    priors = gathered(space, prior)
    if priors is None and flat.size <= len(space.names):
        raise ValueError(
            f"data must hold more points than parameters, got {flat.size} points "
            f"for {len(space.names)} parameters"
        )
    problem = Problem(predict, space, flat, sigmas, loss, max_steps, priors)
    candidates = [first, *starting.at_periods(space, periods, along, rows, flat)]
    if priors is not None:
        if sigmas is None:
            problem.assumed = np.full_like(flat, diagnostics.guessed_noise(flat, rows))
        evidence.first_weights(problem, first)
    origins = [problem.most_promising(candidates)]
    origins += starting.others(problem, starts, given, key, periods, rows)
    found: list[Solution] = []
    for origin in track(origins, "fit", len(origins), progress):
        if np.all(np.isfinite(problem.residual(origin))):
            found.append(problem.solve(origin, first))
    if not found:
        raise ValueError(where_invalid(predict, rows, first, len(origins)))
    best, agreeing = starting.best(problem, found)
    best, flat = off_saddles(problem, problem.polish(evidence.weighed(problem, best)))
    tried = Tried(len(origins), len(origins) - len(found), agreeing)
    result, steps = _result(problem, rows, best, flat, tried)
    result = dataclasses.replace(
        result,
        periods=counted_periods(space, periods, along, rows, best.values),
        rivals=tuple(starting.rivals(problem, found, best, result.sigma, result.errors)),
    )
    if bootstrap is None:
        return _among_missing(result, kept)
    known = np.isfinite(result.errors) | np.any(steps, axis=0)
    beside = best.values + np.sum(steps, axis=0)  # at a turning point no refit has a slope
    refits = resampling.refitted(
        problem, rows, best, known, result.degrees_of_freedom, count=bootstrap, block=block,
        key=key, progress=progress, start=np.clip(beside, problem.low, problem.high),
    )  # fmt: skip
    return _among_missing(dataclasses.replace(result, bootstrap=refits), kept)


def _among_missing(result: FitResult, kept: np.ndarray) -> FitResult:
    """The result with NaN for what was missing."""
    if kept.all():
        return result
    full = np.full((2, kept.size), np.nan)
    full[:, kept] = result.residuals, result.sigma
    return dataclasses.replace(result, residuals=full[0], sigma=full[1], missing=int(np.sum(~kept)))


def where_invalid(predict, rows: Rows, first, starts: int) -> str:
    """The sentence for a model that is NaN at a start, with the points where it is."""
    value, _, status = predict(first)
    bad = np.flatnonzero(~np.isfinite(value))
    codes = sorted({int(code) for code in status[bad]} - {int(Status.CONVERGED)})
    why = f" (status: {'; '.join(Status(code).describe() for code in codes)})" if codes else ""
    where = "at the start" if starts == 1 else f"at all {starts} starts; at the first"
    return (
        f"model is NaN or infinite {where}, at {bad.size} of {value.size} points: "
        f"{rows.listed(bad)}{why}; check the device it starts from, or leave these points out"
    )


class Tried(NamedTuple):
    """Fits that were run, those without a number at their start, those in the best minimum."""

    starts: int
    invalid: int
    agreeing: int


def _result(
    problem: Problem, rows: Rows, best: Solution, flat: Flat, tried: Tried
) -> tuple[FitResult, np.ndarray]:
    """The result, and steps off each turning point that the prediction has there."""
    space, values, noise = problem.space, best.values, best.noise
    residual, jacobian = problem.residual(values), slopes(problem, best)
    flat_slope = ~np.all(np.isfinite(problem.predict(values)[1]), axis=1)
    scale = problem.scales(best.start)
    prior = None if problem.prior is None else problem.beside(values)[1]
    freedom = residual.size - values.size
    if problem.sigma is None and problem.loss == "linear":
        if prior is not None:  # of the noise that the evidence found
            freedom = residual.size - determined(jacobian / noise[:, None], prior)
        noise = np.full_like(residual, np.sqrt(np.sum(residual**2) / freedom))
    known, turns = to_second_order(problem, rows, best, flat, residual, jacobian, noise)
    curvature, plain, robust = known.curvature, known.plain, known.robust
    if prior is not None:
        freedom = residual.size - known.determined
    joint = curvature.pseudo if np.all(noise > 0) else np.zeros_like(plain)
    gap = np.minimum(values - problem.low, problem.high - values)
    still = np.abs(values - best.start) <= 1e-6 * np.maximum(np.abs(values), np.abs(best.start))
    near = diagnostics.near(residual, noise, robust=problem.loss != "linear")
    seen = problem.data[near], residual[near], rows.only(near)
    beyond, outlying = diagnostics.outliers(problem, residual, noise, rows)
    found = FitResult(
        device=space.insert(jnp.asarray(values)),
        names=space.names,
        values=values,
        errors=errors.roots(plain),
        covariance=plain,
        robust_covariance=robust,
        residuals=residual,
        sigma=noise,
        halves=known.apart,
        sigma_known=problem.sigma is not None,
        degrees_of_freedom=freedom,
        converged=best.converged,
        lag=known.lag,
        successive_noise=diagnostics.successive_noise(*seen),
        explained=diagnostics.share_explained(*seen[:2], noise[near], seen[2]),
        **_of_rows(*seen[1:]),
        at_bound=_named(space, gap <= _ON_BOUND * scale),
        unseen=_named(space, turns.idle if prior is None else ~np.any(jacobian, axis=0)),
        indistinct=turns.unseen,
        turning=turns.found,
        curved=_curved(problem, values, plain, jacobian, noise),
        unmoved=_named(space, still),
        no_slope=tuple(rows.name(k) for k in np.flatnonzero(flat_slope).tolist()),
        stopped_at_edge=best.at_edge,
        invalid_starts=tried.invalid,
        starts=tried.starts,
        agreeing_starts=tried.agreeing,
        prior=() if problem.prior is None else problem.prior.described(),
        weights=() if problem.prior is None else tuple(map(float, problem.prior.weights)),
        determined=known.determined,
        loss=problem.loss,
        beyond=beyond,
        outlying=outlying,
        tensions=() if problem.prior is None else problem.prior.tensions(values, joint),
    )
    return found, turns.steps


def _curved(problem: Problem, values, covariance, jacobian, noise) -> np.ndarray | None:
    if not np.all(noise > 0):
        return None
    return turning.curved(
        lambda x: problem.predict(x)[0], values, covariance, jacobian, noise, problem.low,
        problem.high,
    )  # fmt: skip


def _of_rows(residual: np.ndarray, rows: Rows) -> dict[str, Any]:
    """What the residuals of every row show, of those long enough."""
    correlation = diagnostics.lag_one(residual, rows)
    own = {
        label: residual[row]
        for label, row in zip(rows.labels, rows.sorted_rows(), strict=True)
        if label in correlation
    }
    return {
        "correlation": correlation,
        "chance": diagnostics.chance(residual, rows),
        "period": {x: diagnostics.strongest_period(residual, rows, x) for x in correlation},
        "row_lengths": tuple(int(values.size) for values in own.values()),
        "row_means": tuple(diagnostics.mean_and_error(values) for values in own.values()),
    }


def _named(space, chosen) -> tuple[str, ...]:
    return tuple(name for name, one in zip(space.names, chosen, strict=True) if one)
