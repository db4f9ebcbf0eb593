"""What a sampler found: draws, how far they can be trusted, devices, and trees for ArviZ."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from ... import _checks
from ...core.device import AbstractDevice
from ...core.results import AbstractResult
from ...numerics.status import Status
from ..space import Space
from . import verdict
from .noise import Noise

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure


class Posterior(AbstractResult):
    """Draws from the posterior of a device's parameters and of the noise.

    Everything that is drawn has the axes (chain, draw).

    Attributes:
        space: the parameters, their bounds, and the device that holds all others.
        names: of what was sampled: parameters of the device, then unknowns of the noise.
        samples: (chain, draw, name).
        rhat: rank-normalised split R̂ of every name; above 1.01 chains have not mixed. NaN of a
            single run of particles, whose halves agree wherever it stands.
        bulk, tail: effective sample sizes of the middle and of the 5 % and 95 % quantiles.
        log_posterior: ln of prior times likelihood, per unit of the parameters.
        log_likelihood: ln of the data's density.
        divergent: draws whose trajectory lost its energy; `undefined` those among them that came
            where the model is NaN or infinite, which the posterior excludes.
        acceptance, energy, steps, step_size: of the trajectory of every draw (of tempered
            particles only the acceptance of their moves).
        data, sigma: measured values, flattened, and their σ (ones where it was sampled).
        labels, row, position: of the rows of the data, the row of each point, its place on the
            axis.
        prediction: (chain, kept, point) of the draws whose numbers are `kept`.
        noise: how points scatter, as it was asked for; `noise_words` says it.
        prior: each prior beside the bounds, in words.
        symmetries: changes of parameters that change no prediction, and what was done about each.
        correlation: {row: lag-1 correlation of the residuals of the mean prediction}.
        offsets: {row: mean of these residuals, model − data}.
        log_evidence, log_evidence_error: ln ∫ prior × likelihood, and its standard error between
            the runs; NaN where the method does not know it, and the error where one run does not
            tell it, or runs differ by factors.
        log_evidences: ln evidence of every run.
        temperatures: powers of the likelihood that tempered particles went through; 1 while the
            extra noise of an unknown σ goes.
        method: "nuts" or "smc".
        warmup: draws of every chain that adapted and were left out.

    Example:
        >>> x = jnp.linspace(0, 2 * np.pi, 21)
        >>> space = jd.Space(jd.TunnelJunction(90), {"critical_current": (50, 150)})
        >>> data = 100 * np.sin(x) + np.random.default_rng(0).normal(0, 1, 21)
        >>> found = jd.sample_posterior(
        ...     lambda device: device.current(x), space, data, sigma=1.0, key=0, draws=1000
        ... )
        >>> mean, deviation = found.parameters["critical_current"]
        >>> print(f"{mean:.1f} ± {deviation:.2f}", found.samples.shape)  # σ/√(Σ sin²) = 1/√10
        100.5 ± 0.3... (4, 1000, 1)
        >>> print([type(device).__name__ for device in found.devices(2)], found.warnings)
        ['TunnelJunction', 'TunnelJunction'] ()
    """

    space: Space
    samples: np.ndarray
    rhat: np.ndarray
    bulk: np.ndarray
    tail: np.ndarray
    log_posterior: np.ndarray
    log_likelihood: np.ndarray
    divergent: np.ndarray
    undefined: np.ndarray
    acceptance: np.ndarray
    energy: np.ndarray
    steps: np.ndarray
    step_size: np.ndarray
    data: np.ndarray
    sigma: np.ndarray
    row: np.ndarray
    position: np.ndarray
    kept: np.ndarray
    prediction: np.ndarray
    noise: Noise
    correlation: dict[str, float]
    offsets: dict[str, float]
    names: tuple[str, ...] = eqx.field(static=True)
    labels: tuple[str, ...] = eqx.field(static=True)
    noise_words: tuple[str, ...] = eqx.field(static=True)
    prior: tuple[str, ...] = eqx.field(static=True, default=())
    symmetries: tuple[str, ...] = eqx.field(static=True, default=())
    log_evidence: float = eqx.field(static=True, default=float("nan"))
    log_evidence_error: float = eqx.field(static=True, default=float("nan"))
    log_evidences: tuple[float, ...] = eqx.field(static=True, default=())
    temperatures: tuple[float, ...] = eqx.field(static=True, default=())
    method: str = eqx.field(static=True, default="nuts")
    warmup: int = eqx.field(static=True, default=0)

    @property
    def status(self) -> np.ndarray:
        """CHAINS_NOT_MIXED where R̂ > 1.01 of anything or is not known, else POSTERIOR_AT_BOUND
        where the posterior is piled up on a bound."""
        if not np.all(self.rhat <= verdict.MIXED):
            return np.asarray(Status.CHAINS_NOT_MIXED, np.int32)
        piled = verdict.at_bounds(self)
        return np.asarray(Status.POSTERIOR_AT_BOUND if piled else Status.CONVERGED, np.int32)

    @property
    def draws(self) -> dict[str, np.ndarray]:
        """{name: (chain, draw)}."""
        return {name: self.samples[:, :, k] for k, name in enumerate(self.names)}

    @property
    def flat(self) -> np.ndarray:
        """All draws of all chains, (draw, name)."""
        return self.samples.reshape(-1, len(self.names))

    @property
    def mean(self) -> np.ndarray:
        return np.mean(self.flat, axis=0)

    @property
    def deviation(self) -> np.ndarray:
        """Posterior standard deviations."""
        return np.std(self.flat, axis=0, ddof=1)

    @property
    def covariance(self) -> np.ndarray:
        return np.atleast_2d(np.cov(self.flat.T))

    @property
    def parameters(self) -> dict[str, tuple[float, float]]:
        """{name: (mean, standard deviation)}."""
        pairs = zip(map(float, self.mean), map(float, self.deviation), strict=True)
        return dict(zip(self.names, pairs, strict=True))

    def interval(self, name: str | None = None, level: float | int = 0.95) -> np.ndarray:
        """Interval between equal tails of one name, (2,), or of all, (names, 2).

        Raises:
            ValueError: no such name, a level outside (0, 1).
        """
        if isinstance(level, bool) or not 0 < level < 1:
            raise ValueError(f"level must lie between 0 and 1, got {level!r}")
        if name is not None and name not in self.names:
            raise _checks.unknown_name("parameter", name, self.names)
        both = np.quantile(self.flat, [0.5 - level / 2, 0.5 + level / 2], axis=0).T
        return both if name is None else both[self.names.index(name)]

    def device(self, chain: int, draw: int) -> AbstractDevice:
        """The device of one draw."""
        return self.space.insert(jnp.asarray(self.samples[chain, draw, : self._count]))

    def devices(self, count: int) -> list[AbstractDevice]:
        """Devices of draws spread evenly over all chains, for any verb.

        Raises:
            ValueError: more than there are draws.
        """
        return [self.space.insert(jnp.asarray(values)) for values in self._spread(count)]

    def predict(self, function: Callable[[Any], PyTree], count: int = 200) -> PyTree:
        """function(device) of that many draws, stacked on a first axis: whatever follows from the
        parameters, with its error.

        Example:
            >>> x = jnp.linspace(0, 6, 21)
            >>> pair = jd.SeriesJunctions(90, 60)
            >>> space = jd.Space(pair, {"first": (70, 120), "second": (40, 70)})
            >>> found = jd.sample_posterior(
            ...     lambda device: device.current(x), space, pair.current(x), sigma=1.0, key=0,
            ... )
            >>> plus = found.predict(jd.critical_currents).plus
            >>> print(f"{plus.mean():.0f}", plus.shape)
            60 (200,)
        """
        found = jax.jit(lambda many: jax.lax.map(lambda x: function(self.space.insert(x)), many))
        return jax.tree.map(np.asarray, found(jnp.asarray(self._spread(count))))

    def predictive(self, key: int = 0) -> np.ndarray:
        """Data that would be measured again, one set for every kept draw: (chain, kept, point)."""
        return verdict.measured_again(self, key)

    def to_datatree(
        self, *, predictive: bool = False, pointwise: bool = False
    ) -> "xarray.DataTree":
        """An xarray.DataTree, as ArviZ 1 takes it (ArviZ 0: `arviz.from_dict` of its groups).

        Groups posterior, sample_stats and observed_data with the dimensions chain and draw; of the
        kept draws also posterior_predictive and log_likelihood, where asked for.
        """
        from .tree import datatree

        return datatree(self, predictive, pointwise)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against taking the result at its word."""
        return verdict.warnings_of(self)

    def as_dict(self) -> dict[str, Any]:
        low, high = self.interval().T
        columns = self.mean, self.deviation, low, high, self.rhat, self.bulk, self.tail
        table = zip(self.names, *columns, strict=True)
        keys = ("mean", "deviation", "low", "high", "rhat", "ess_bulk", "ess_tail")
        return {
            "parameters": {name: dict(zip(keys, row, strict=True)) for name, *row in table},
            "covariance": self.covariance,
            "method": self.method,
            "noise": self.noise_words,
            "prior": self.prior,
            "chains": self.samples.shape[0],
            "draws": self.samples.shape[1],
            "warmup": self.warmup,
            "divergences": int(np.sum(self.divergent)),
            "undefined": int(np.sum(self.undefined)),
            "acceptance": float(np.mean(self.acceptance)),
            "step_size": self.step_size[:, -1],
            "log_evidence": self.log_evidence,
            "log_evidence_error": self.log_evidence_error,
            "log_evidences": self.log_evidences,
            "correlation": self.correlation,
            "offsets": self.offsets,
            "symmetries": self.symmetries,
            "warnings": self.warnings,
            "status": int(self.status),
        }

    def summary(self, unit: str = "") -> str:
        """A table to print: mean, sd, 95 % interval, R̂ and effective draws, then warnings."""
        return verdict.summary_of(self, unit)

    def plot(self) -> "Figure":
        from ... import plot

        return plot.posterior(self)

    @property
    def _count(self) -> int:
        return len(self.space.names)

    def _spread(self, count: int) -> np.ndarray:
        everything = self.flat[:, : self._count]
        _checks.whole_number("count", count)
        if count > len(everything):
            raise ValueError(f"count must be at most {len(everything)}, the draws, got {count}")
        return everything[np.linspace(0, len(everything) - 1, count).round().astype(int)]
