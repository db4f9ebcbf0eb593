"""What a fit found, how far it can be trusted, and what it did not explain."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np

from ... import _checks
from ...core.device import AbstractDevice
from ...core.results import AbstractResult
from ...numerics.status import Status
from . import diagnostics, verdict, words
from .bootstrap import Bootstrap
from .errors import roots

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class FitResult(AbstractResult):
    """A fitted device with the covariance of its parameters and a verdict on the residuals.

    Attributes:
        device: the fitted device; hand it on to `maximise` or `sweep`.
        names: the fitted parameters, in the order of every array here.
        values, errors: best values and standard errors (one sigma) for independent noise.
        covariance: their covariance, square.
        robust_errors, robust_covariance: the same for residuals that are correlated along the
            axis (Newey–West sandwich); quote these where `warnings` speaks of correlations.
        lag: the longest distance, in points, over which correlations were counted.
        residuals: model − data, flattened, in the data's unit; NaN where data were missing.
        sigma: standard deviation of the noise: as given, or estimated from the residuals.
        successive_noise: noise of one point by second differences of neighbours, which a model
            that misses something slow does not enter; NaN for fewer than five points a row.
        explained: share of the data's variance about its mean that the model explains.
        correlation: {row: lag-1 correlation of its residuals}, 0 for independent noise.
        chance: {row: probability that independent noise is as correlated over its first lags}
            (Ljung–Box test).
        period: {row: period, in points, of the strongest line in its residuals}.
        periods: {parameter that counts periods along the axis, as turns do: periods that the data
            span}.
        curved: how much the model's second order changes each parameter within an error, in its
            errors: these are those of a line, and mean little from about one on.
        rivals: (χ² more than here, values) of other minima that starts came to, as good within
            noise, elsewhere by more than four errors.
        halves: how far the values that the first and the last half of the data want lie apart,
            in robust standard errors of that difference; by one linear step, without a fit.
        rms: root mean square of the residuals.
        degrees_of_freedom: data points minus parameters, or minus `determined` beside a prior.
        converged: the optimiser's own verdict, and no stop at the edge of where the model exists.
        at_bound: parameters that ended on a bound; their error bars mean nothing.
        unseen: parameters of no influence on the prediction.
        indistinct: combinations of parameters that the prediction does not change with.
        turning: (combination or parameter, how far it may go within an error) of those in which
            the prediction turns round, as in the difference of two equal junctions: it changes with
            the square. They have no symmetric error; the errors of all others hold that square.
        unmoved: parameters that ended where they started.
        no_slope: points whose Jacobian is not finite at the solution; they enter no error.
        invalid_starts: starts at which the model was NaN or infinite; they were left out.
        starts: fits that were run.
        agreeing_starts: how many of them came to this minimum; 0 where that is not known.
        prior: each prior that was used, in words; errors and covariances are then those of the
            posterior, and hold no bias that the prior brings.
        weights: of these, chosen from the data or given.
        determined: how many parameters the data determine; all of them without a prior.
        tensions: how far each prior lies from what data and other priors say, in standard
            deviations of both, of its rows the largest; NaN where the data chose its weight.
        loss: of the fit. Of a robust one, `successive_noise`, `explained` and what is said of
            correlations are those of the points within 5 σ, where these are most of them.
        missing: values that were NaN and left out.
        outlying: (row and position along the axis, (data − model)/σ) of up to twenty `outliers`,
            the farthest first.
        beyond: how many there are; None in results of older versions.
        bootstrap: errors, covariance and intervals by refits to resampled residuals, where asked.

    Example:
        >>> x = jnp.linspace(0, 2 * np.pi, 21)
        >>> space = jd.Space(jd.TunnelJunction(90), {"critical_current": (50, 150)})
        >>> data = 100 * np.sin(x) + np.random.default_rng(0).normal(0, 1, 21)
        >>> found = jd.fit(lambda device: device.current(x), space, data, sigma=1.0)
        >>> print(f"{found.values[0]:.4f} ± {found.errors[0]:.4f}")  # σ/√(Σ sin²) = 1/√10
        100.5132 ± 0.3162
        >>> print(found.converged, found.degrees_of_freedom, found.at_bound)
        True 20 ()
    """

    device: AbstractDevice
    names: tuple[str, ...] = eqx.field(static=True)
    values: np.ndarray
    errors: np.ndarray
    covariance: np.ndarray
    robust_covariance: np.ndarray
    residuals: np.ndarray
    sigma: np.ndarray
    halves: np.ndarray
    correlation: dict[str, float]
    chance: dict[str, float]
    period: dict[str, float]
    sigma_known: bool = eqx.field(static=True)
    degrees_of_freedom: int | float = eqx.field(static=True)
    converged: bool = eqx.field(static=True)
    lag: int = eqx.field(static=True, default=0)
    successive_noise: float = eqx.field(static=True, default=float("nan"))
    explained: float = eqx.field(static=True, default=float("nan"))
    row_lengths: tuple[int, ...] = eqx.field(static=True, default=())
    row_means: tuple[tuple[float, float], ...] = eqx.field(static=True, default=())
    at_bound: tuple[str, ...] = eqx.field(static=True, default=())
    unseen: tuple[str, ...] = eqx.field(static=True, default=())
    indistinct: tuple[str, ...] = eqx.field(static=True, default=())
    turning: tuple[tuple[str, float], ...] = eqx.field(static=True, default=())
    unmoved: tuple[str, ...] = eqx.field(static=True, default=())
    no_slope: tuple[str, ...] = eqx.field(static=True, default=())
    stopped_at_edge: bool = eqx.field(static=True, default=False)
    invalid_starts: int = eqx.field(static=True, default=0)
    starts: int = eqx.field(static=True, default=1)
    agreeing_starts: int = eqx.field(static=True, default=0)
    prior: tuple[str, ...] = eqx.field(static=True, default=())
    weights: tuple[float, ...] = eqx.field(static=True, default=())
    determined: float = eqx.field(static=True, default=float("nan"))
    tensions: tuple[float, ...] = eqx.field(static=True, default=())
    bootstrap: Bootstrap | None = None
    periods: dict[str, float] = eqx.field(static=True, default_factory=dict)
    curved: np.ndarray | None = None
    rivals: tuple[tuple[float, tuple[float, ...]], ...] = eqx.field(static=True, default=())
    loss: str = eqx.field(static=True, default="linear")
    missing: int = eqx.field(static=True, default=0)
    beyond: int | None = eqx.field(static=True, default=None)
    outlying: tuple[tuple[str, float], ...] = eqx.field(static=True, default=())

    @property
    def status(self) -> np.ndarray:
        """NOT_CONVERGED where the optimiser did not arrive."""
        return np.asarray(Status.CONVERGED if self.converged else Status.NOT_CONVERGED, np.int32)

    def as_dict(self) -> dict[str, Any]:
        table = zip(self.names, self.values, self.errors, self.robust_errors, strict=True)
        found: dict[str, Any] = {
            "parameters": {
                name: {"value": value, "error": error, "robust_error": robust}
                for name, value, error, robust in table
            },
            "covariance": self.covariance,
            "robust_covariance": self.robust_covariance,
            "lag": self.lag,
            "sigma": float(np.nanmedian(self.sigma)),
            "sigma_known": self.sigma_known,
            "rms": self.rms,
            "successive_noise": self.successive_noise,
            "explained": self.explained,
            "correlation": self.correlation,
            "means": self.means,
            "chance": self.chance,
            "periods": self.periods,
            "curved": None
            if self.curved is None
            else dict(zip(self.names, self.curved, strict=True)),
            "rivals": [
                {"chi_squared_more": more, **dict(zip(self.names, values, strict=True))}
                for more, values in self.rivals
            ],
            "halves": dict(zip(self.names, self.halves, strict=True)),
            "chi_squared_per_degree": self.chi_squared,
            "robust_chi_squared_per_degree": self.robust_chi_squared,
            "loss": self.loss,
            "outliers": self.outliers,
            "outlying": [{"point": words, "off": off} for words, off in self.outlying],
            "missing": self.missing,
            "degrees_of_freedom": self.degrees_of_freedom,
            "converged": self.converged,
            "at_bound": self.at_bound,
            "unseen": self.unseen,
            "indistinct": self.indistinct,
            "turning": dict(self.turning),
            "no_slope": self.no_slope,
            "stopped_at_edge": self.stopped_at_edge,
            "residuals": self.residuals,
            "unmoved": self.unmoved,
            "warnings": self.warnings,
            "starts": self.starts,
            "invalid_starts": self.invalid_starts,
            "agreeing_starts": self.agreeing_starts,
        }
        if self.bootstrap is not None:
            found["bootstrap"] = self.bootstrap.as_dict()
        if self.prior:
            found |= {"prior": self.prior, "determined": self.determined, "tensions": self.tensions}
        return found

    def plot(self) -> "Figure":
        from ... import plot

        return plot.correlations(self.names, self.values, self.covariance)

    @property
    def parameters(self) -> dict[str, tuple[float, float]]:
        """{name: (value, standard error)}."""
        pairs = zip(map(float, self.values), map(float, self.errors), strict=True)
        return dict(zip(self.names, pairs, strict=True))

    @property
    def robust_errors(self) -> np.ndarray:
        return roots(self.robust_covariance)

    @property
    def means(self) -> dict[str, tuple[float, float]]:
        """{row: (mean of its residuals, its standard error)}, of the rows in `correlation`."""
        return dict(zip(self.correlation, self.row_means, strict=False))

    @property
    def rms(self) -> float:
        return float(np.sqrt(np.nanmean(self.residuals**2)))

    @property
    def near_rms(self) -> float:
        """The same of the points within 5 σ for a robust loss, of all points otherwise."""
        return float(np.sqrt(np.mean(self._near(robust=self.loss != "linear")[0] ** 2)))

    def _near(self, robust: bool) -> tuple[np.ndarray, np.ndarray]:
        """Residuals and σ of the points by which a fit of this loss is judged."""
        known = np.isfinite(self.residuals)
        residual, sigma = self.residuals[known], self.sigma[known]
        near = diagnostics.near(residual, sigma, robust)
        return residual[near], sigma[near]

    @property
    def chi_squared(self) -> float:
        """Σ (residual/σ)² per degree of freedom: about 1 when σ is right and the model holds.

        One by construction where σ was estimated from the residuals.
        """
        if np.any(self.sigma <= 0):
            return float("nan")  # estimated from residuals that are all zero
        return float(np.nansum((self.residuals / self.sigma) ** 2) / self.degrees_of_freedom)

    @property
    def robust_chi_squared(self) -> float:
        """χ² per degree of freedom of the points within 5 σ, by which a robust loss is judged.

        `chi_squared` where most points lie farther.
        """
        residual, sigma = self._near(robust=True)
        left = int(np.sum(np.isfinite(self.residuals))) - residual.size
        if np.any(self.sigma <= 0) or not self.degrees_of_freedom > left:
            return self.chi_squared
        return float(np.sum((residual / sigma) ** 2) / (self.degrees_of_freedom - left))

    @property
    def outliers(self) -> int:
        """How many points lie more than 5 σ off.

        Where least squares estimated σ, this σ is the rms of the others.
        """
        if self.beyond is not None:
            return self.beyond
        return int(np.sum(np.abs(self.residuals) > diagnostics.FAR * self.sigma))

    def interval(
        self,
        name: str | float | int | None = None,
        level: float | int = 0.68,
        *,
        robust: bool = False,
    ) -> np.ndarray:
        """Confidence interval of one parameter, (2,), or of all, (n, 2).

        `interval("turns.0")`, `interval("turns.0", 0.95)`, `interval(0.95)` and `interval()`.
        Student's t where σ was estimated, normal where given; `robust` takes `robust_errors`.

        Raises:
            ValueError: no such parameter, a level outside (0, 1).
        """
        from scipy import stats

        name, level = _checks.name_and_level(name, level, self.names)
        tail = 0.5 + level / 2
        factor = (
            stats.norm.ppf(tail) if self.sigma_known else stats.t.ppf(tail, self.degrees_of_freedom)
        )
        errors = self.robust_errors if robust else self.errors
        both = self.values[:, None] + factor * errors[:, None] * np.array([-1.0, 1.0])
        return both if name is None else both[self.names.index(name)]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the residuals and the search say against taking the result at its word."""
        return verdict.warnings(self)

    def summary(self, unit: str = "", *, axis: str = "", axis_unit: str = "") -> str:
        """A table to print: the fit's quality, values ± plain and robust errors, warnings.

        Args:
            unit: of the device's currents.
            axis: what was scanned, a word for the positions of outliers.
            axis_unit: of it, in place of "coil unit" and the like.
        """
        return words.summary(self, unit, axis, axis_unit)
