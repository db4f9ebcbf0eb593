"""What speaks against taking a fit at its word."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .result import FitResult

_CORRELATED = 4.0  # standard deviations of a lag-1 correlation that are no chance
_CHANCE = 1e-6  # Ljung–Box probability that is none; few points make small ones too common
_FEW = 40  # independent points of a row below which a long-run variance is 20 % too small or more
_FAST = 5.0  # points; a line below is a missed signal, above what any smooth misfit looks like
_ROUGH = 1.5  # rms over noise from differences that says the model misses something
_POOR = 0.5  # share of variance below which a fit explains too little
_APART = 4.0  # robust standard errors between the halves of the data, at least
_LUCK = 1e-3  # how often any parameter may be further apart by chance
_CURVED = 1.0  # errors that the second order makes of one
_MANY = 0.05  # share of refits on a bound
_TENSE = 4.0  # standard deviations between a prior and the data that are no chance
_FEW_OUT = 0.1  # share of points beyond 5 σ up to which they are outliers
_NAMED = 6  # outliers in a text
_OFF = 5.0  # standard errors of the mean residual of a row that are no chance


def warnings(fit: "FitResult", axis: str = "", axis_unit: str = "") -> tuple[str, ...]:
    """What the residuals and the search say against the result."""
    return (
        *_of_quality(fit), *_of_outliers(fit, axis, axis_unit), *_of_priors(fit), *_of_means(fit),
        *_of_correlations(fit), *_of_periods(fit), *_of_rivals(fit), *_of_curvature(fit),
        *_of_parameters(fit), *_of_refits(fit),
    )  # fmt: skip


def are_outliers(fit: "FitResult") -> bool:
    """Whether the points beyond 5 σ are few enough to be faults of single points."""
    known = int(np.sum(np.isfinite(fit.residuals)))
    return 0 < fit.outliers <= max(_FEW_OUT * known, 1)


def outliers(fit: "FitResult", axis: str, axis_unit: str) -> str:
    """How many points lie beyond 5 σ, and the first of them."""
    count = fit.outliers
    text = "1 point lies" if count == 1 else f"{count} points lie"
    text += " beyond 5 σ"
    if fit.loss == "linear" and not fit.sigma_known and fit.outlying:
        text += ", σ of the others"
    named = []
    for words, off in fit.outlying[:_NAMED]:
        row, at, position = words.rpartition(" at ")
        if at and (axis or axis_unit):
            words = f"{row} at {axis + ' = ' if axis else ''}{position} {axis_unit}".rstrip()
        named.append(f"{words} ({off:+.3g} σ)")
    if named:
        text += f": {', '.join(named)}" + (", …" if count > len(named) else "")
    return text


def _of_outliers(fit: "FitResult", axis: str, axis_unit: str) -> list[str]:
    """Points that pull least squares away."""
    if fit.loss != "linear" or not are_outliers(fit):
        return []
    return [
        f"{outliers(fit, axis, axis_unit)}; they pull at every parameter: loss='soft_l1' or "
        "'cauchy' (--loss) keeps outliers from mattering"
    ]


def _of_refits(fit: "FitResult") -> list[str]:
    """What refits of the bootstrap did not do."""
    if fit.bootstrap is None:
        return []
    found, count = [], len(fit.bootstrap.samples)
    if fit.bootstrap.failed:
        found.append(
            f"{fit.bootstrap.failed} of {count} refits of the bootstrap failed: its errors leave "
            "them out and are rather too small"
        )
    if fit.bootstrap.on_bound > _MANY * count:
        found.append(
            f"{fit.bootstrap.on_bound} of {count} refits of the bootstrap ended on a bound: quote "
            "its interval(), not its errors"
        )
    return found


def _of_periods(fit: "FitResult") -> list[str]:
    """Fluxes of which the axis does not show one period."""
    short = {name: count for name, count in fit.periods.items() if count < 1}
    if not short:
        return []
    told = ", ".join(f"{count:.2g} of a period of {name}" for name, count in short.items())
    return [
        f"the data span {told}: none is seen whole, and the model alone tells it from the shape of "
        "that part, together with the other parameters"
    ]


def _of_rivals(fit: "FitResult") -> list[str]:
    """Minima elsewhere that are as good."""
    if not fit.rivals:
        return []
    more, values = fit.rivals[0]
    told = ", ".join(
        f"{name} = {x:.5g}"
        for name, x, own, error in zip(fit.names, values, fit.values, fit.errors, strict=True)
        if abs(x - own) > error
    )
    others = f" ({len(fit.rivals)} such minima)" if len(fit.rivals) > 1 else ""
    return [
        f"another minimum fits as well, χ² larger by {more:.2g}: {told}{others}; errors, and "
        "those of a bootstrap, are those of one of them: more data or a prior decides"
    ]


def _of_curvature(fit: "FitResult") -> list[str]:
    """Errors by a line where the model is none."""
    if fit.curved is None or not np.any(fit.curved > _CURVED):
        return []
    worst = [n for n, x in zip(fit.names, fit.curved, strict=True) if x > _CURVED]
    return [
        f"the model bends within an error of {', '.join(worst)} (by {np.nanmax(fit.curved):.2g} "
        "errors): these are no intervals; quote bootstrap=200 and its interval()"
    ]


def _of_means(fit: "FitResult") -> list[str]:
    """Rows whose residuals do not average to zero; opposite ones are an offset of the bias."""
    off = {label: mean for label, (mean, error) in fit.means.items() if abs(mean) > _OFF * error}
    if not off:
        return []
    told = ", ".join(f"{mean:+.3g} in {label}" for label, mean in off.items())
    text = f"residuals do not average to zero (model − data): {told}"
    if set(off) == {"plus", "minus"} and off["plus"] * off["minus"] < 0:
        offset = (off["minus"] - off["plus"]) / 2
        text += (
            f"; an offset of the bias current of {offset:.3g} would do that: let current_offset "
            "vary between bounds"
        )
    return [text]


def _of_quality(fit: "FitResult") -> list[str]:
    found = []
    if fit.stopped_at_edge:
        found.append("stopped where the model is NaN or infinite a step further")
    elif not fit.converged:
        found.append("NOT converged")
    if fit.explained < _POOR:
        found.append(
            f"the model explains only {fit.explained:.0%} of the variance: another start, "
            "other bounds or another model?"
        )
    within = "" if fit.loss == "linear" else " of the points within 5 σ"
    if fit.near_rms > _ROUGH * fit.successive_noise:
        ratio = fit.near_rms / fit.successive_noise
        found.append(
            f"the rms{within} is {ratio:.3g} times the noise from successive differences: the "
            "model misses something (or sits in a wrong minimum)"
        )
    chi = fit.chi_squared if fit.loss == "linear" else fit.robust_chi_squared
    if fit.sigma_known and chi > 1 + 5 * np.sqrt(2 / fit.degrees_of_freedom):
        found.append(
            f"χ²{within} is {chi:.3g} per degree of freedom: σ is too small "
            "or the model misses something"
        )
    return found


def _of_priors(fit: "FitResult") -> list[str]:
    return [
        f"the prior {words} contradicts the data: they lie {far:.3g} standard deviations of both "
        "apart; the result is a compromise that neither supports"
        for words, far in zip(fit.prior, fit.tensions, strict=False)
        if far > _TENSE
    ]


def _of_correlations(fit: "FitResult") -> list[str]:
    found = []
    worst = [
        label
        for (label, lag_one), length in zip(fit.correlation.items(), fit.row_lengths, strict=True)
        if abs(lag_one) * np.sqrt(length) > _CORRELATED or fit.chance[label] < _CHANCE
    ]
    if worst:
        found.append(
            f"residuals are correlated along {', '.join(worst)}: the model misses something, "
            "and plain errors do not hold; quote the larger of the two"
        )
    fast = [f"{label} {fit.period[label]:.2g}" for label in worst if fit.period[label] < _FAST]
    if fast:
        found.append(f"a period is left in the residuals, in points: {', '.join(fast)}")
    left = [
        length * (1 - lag_one) / (1 + lag_one)
        for lag_one, length in zip(fit.correlation.values(), fit.row_lengths, strict=True)
        if lag_one > 0
    ]
    if left and min(left) < _FEW:
        found.append(
            f"a row holds no more than about {max(min(left), 1):.0f} independent points, its "
            "residuals are correlated that far: robust errors are then too small as well, by "
            f"{'a fifth or more' if min(left) > _FEW / 3 else 'half or more'}"
        )
    if np.any(fit.halves > _apart(fit)):
        k = int(np.nanargmax(fit.halves))
        found.append(
            f"the halves of the data disagree by {fit.halves[k]:.2g} robust errors in "
            f"{fit.names[k]}"
        )
    return found


def _apart(fit: "FitResult") -> float:
    """Robust errors that the halves may lie apart in any parameter: by Student's distribution, as
    a half with few points beyond what they determine has errors from few of them."""
    from scipy.special import stdtrit

    count = min(fit.row_lengths, default=0) // 2
    tail = _LUCK / 2 / max(len(fit.names), 1)
    return max(_APART, float(-stdtrit(max(count - fit.determined, 1.0), tail)))


def _of_parameters(fit: "FitResult") -> list[str]:
    found = []
    if fit.at_bound:
        found.append(f"on a bound: {', '.join(fit.at_bound)}; errors are those of free parameters")
    if fit.unseen:
        found.append(f"the data do not see {', '.join(fit.unseen)}")
    found += [f"the data do not see {combination}" for combination in fit.indistinct]
    found += [
        f"the prediction turns round in {combination}: the data know the square of it alone, and "
        f"±{reach:.2g} fits within an error; the other errors hold that, its own parameters have "
        "none"
        for combination, reach in fit.turning
    ]
    if fit.unmoved:
        found.append(f"did not move from the start: {', '.join(fit.unmoved)}")
    if fit.no_slope:
        found.append(
            f"{len(fit.no_slope)} points have no slope there and enter no error: "
            f"{', '.join(fit.no_slope[:6])}" + (", …" if len(fit.no_slope) > 6 else "")
        )
    if fit.invalid_starts:
        found.append(
            f"{fit.invalid_starts} of {fit.starts} starts left out: "
            "the model is NaN or infinite there"
        )
    return found
