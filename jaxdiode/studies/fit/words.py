"""What is printed of a fit."""

import re
from typing import TYPE_CHECKING

import numpy as np

from ...core.paths import unit_of
from . import verdict
from .diagnostics import factor_of_errors

if TYPE_CHECKING:
    from .result import FitResult

_OF_AXIS = re.compile(r"(coil|axis) unit|unit of the axis")


def summary(fit: "FitResult", unit: str, axis: str, axis_unit: str) -> str:
    """As `FitResult.summary` says."""
    warnings = verdict.warnings(fit, axis, axis_unit)
    return "\n".join(
        [
            *_of_quality(fit, axis, axis_unit),
            *_table(fit, unit, axis_unit),
            *(f"WARNING: {text}" for text in warnings),
        ]
    )


def _of_quality(fit: "FitResult", axis: str, axis_unit: str) -> list[str]:
    robust = fit.loss != "linear"
    noise = "not known" if np.isnan(fit.successive_noise) else f"{fit.successive_noise:.4g}"
    within = f" ({fit.near_rms:.4g} of the points within 5 σ)" if robust else ""
    head = [
        f"rms {fit.rms:.4g}{within}, noise from successive differences {noise}, "
        f"{fit.explained:.2%} of the variance explained, "
        f"{_counted(fit.degrees_of_freedom)} degrees of freedom"
    ]
    if robust:
        head.append(
            f"loss {fit.loss}: noise from differences, variance explained and correlations are "
            "those of the points within 5 σ"
        )
    if fit.missing:
        known = fit.residuals.size - fit.missing
        head.append(f"{_values(fit.missing)} missing (NaN) and left out, {known} fitted")
    if fit.prior:
        head.append(
            f"prior: {'; '.join(fit.prior)}; the data determine {fit.determined:.1f} of "
            f"{len(fit.names)} parameters"
        )
    if fit.sigma_known:
        sigma = float(np.nanmedian(fit.sigma))
        within = f", {fit.robust_chi_squared:.3g} of the points within 5 σ" if robust else ""
        head.append(
            f"noise σ = {sigma:.4g} (given), χ² per degree of freedom {fit.chi_squared:.3g}{within}"
        )
    if fit.correlation:
        lags = ", ".join(
            f"{label} {x:+.2f} (errors × {factor_of_errors(x):.2f})"
            for label, x in fit.correlation.items()
        )
        head.append(f"correlation of neighbouring residuals: {lags}")
    if fit.periods:
        counted = ", ".join(f"{x:.3g} of {name}" for name, x in fit.periods.items())
        head.append(f"periods along the axis: {counted}")
    if fit.starts > 1 and fit.agreeing_starts:
        head.append(f"{fit.agreeing_starts} of {fit.starts} starts came to this minimum")
    if fit.outliers and (robust or not verdict.are_outliers(fit)):
        head.append(verdict.outliers(fit, axis, axis_unit))
    return head


def _table(fit: "FitResult", unit: str, axis_unit: str) -> list[str]:
    width = max(28, *(len(name) for name in fit.names))
    table = zip(fit.names, fit.values, fit.errors, fit.robust_errors, strict=True)
    told = f"± robust error, correlations to lag {fit.lag}"
    third = [""] * len(fit.names)
    if fit.bootstrap is not None:
        told += f"; ± bootstrap, {fit.bootstrap.said()}"
        third = [f"; ± {error:.2g}" for error in fit.bootstrap.errors]
    rows = [f"  {'':<{width}s} value ± error ({told})"]
    rows += [
        f"  {name:<{width}s} {value:.6g} ± {error:.2g} (± {robust:.2g}{more}) "
        f"{with_axis(unit_of(fit.device, name, unit), axis_unit)}".rstrip()
        + ("   at its bound" if name in fit.at_bound else "")
        for (name, value, error, robust), more in zip(table, third, strict=True)
    ]
    return rows


def with_axis(unit: str, axis_unit: str) -> str:
    """A unit with that of the axis, where it is known: "Φ₀/mA" of "Φ₀/coil unit"."""
    return _OF_AXIS.sub(lambda _: axis_unit, unit) if axis_unit else unit


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values"


def _counted(number: int | float) -> str:
    return str(number) if isinstance(number, int) else f"{number:.1f}"
