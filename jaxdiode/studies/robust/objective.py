"""Objectives of scattered devices: a statistic over what fabrication makes of a design."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ... import _checks
from ...core.device import AbstractDevice
from . import retune as tuning
from .spread import Placement, Spread
from .statistics import Risk, Values, of_sample, require_risk

if TYPE_CHECKING:
    from .result import SpreadComparison, SpreadStatistics

Objective = Callable[[AbstractDevice], Float[Array, ""]]


class RobustObjective:
    """A statistic of an objective over a `Spread`, itself an objective; made by `robust`.

    Example:
        >>> spread = jd.Spread({"critical_current": "10 %"})
        >>> worst = jd.robust(lambda junction: junction.critical_current, spread, risk="cvar")
        >>> print(f"{worst(jd.TunnelJunction(100.0)):.1f}")
        84.0
    """

    def __init__(
        self,
        objective: Objective,
        spread: Spread,
        *,
        risk: Risk,
        level: float,
        threshold: float | None,
        width: float | None,
        retune: Mapping[str, float],
        samples: int,
        key: int,
        failed: float | None,
        batch: int,
    ):
        self.objective, self.spread, self.risk = objective, spread, risk
        self.level, self.threshold, self.width = level, threshold, width
        self.retune, self.samples, self.key = dict(retune), samples, key
        self.failed, self.batch = failed, batch
        self._statistic = of_sample(risk, samples, level, threshold, width)

    def __call__(self, device: AbstractDevice) -> Float[Array, ""]:
        """The statistic of the sample that every device shares."""
        return self._statistic(self.values(device))

    def values(self, device: AbstractDevice) -> Values:
        """The objective of every device of the common sample, or what a failed one counts as."""
        numbers = self.spread.numbers(device, self.samples, self.key, even=True)
        return self.counted(self.values_at(device, jnp.asarray(numbers)))

    def counted(self, values: Values) -> Values:
        """What failed devices count as in place of NaN; NaN of a yield, where they are bad ones."""
        if self.failed is None or self.risk == "yield":
            return values
        return jnp.where(jnp.isnan(values), self.failed, values)

    def values_at(
        self, device: AbstractDevice, numbers: Float[Array, "devices numbers"]
    ) -> Float[Array, " devices"]:
        """The objective of devices with these random numbers; NaN of those that failed."""
        return self.program(device)(numbers, jnp.ones(len(numbers), bool))

    def program(
        self, device: AbstractDevice
    ) -> Callable[[Float[Array, "devices numbers"], Bool[Array, " devices"]], Array]:
        """(numbers, which devices scatter) → values, of one design."""
        placement, moved = self.spread.place(device), tuning.knobs(device, self.retune)
        return partial(_sampled, self.objective, self.batch, placement, moved, device)

    def statistics(
        self,
        device: AbstractDevice,
        *,
        key: int,
        samples: int = 20_000,
        threshold: float | None = None,
    ) -> "SpreadStatistics":
        """Mean, quantiles, mean of the worst and yield of one design, with their errors.

        On fresh independent devices and without any smoothing; the yield is counted.

        Args:
            device: the design.
            key: seed, a whole number other than that of the search.
            samples: devices.
            threshold: of the yield, the objective's own if left out.

        Raises:
            ValueError: a count below 2, names that the device does not have.

        Example:
            >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
            >>> eta = jd.robust(jd.diode_efficiency, jd.Spread({"branches": "5 %"}), samples=64)
            >>> found = eta.statistics(squid, key=1, samples=400, threshold=-0.15)
            >>> print(found.summary())
            400 devices, Spread({'branches': Relative(0.05)})
            without scatter        -0.116051
            mean                   -0.11607 ± 0.00161
            quantile 0.1           -0.15353 ± 0.00254
            mean of worst 0.1      -0.17122 ± 0.00357
            yield (at least -0.15) 0.8575 (0.8193 to 0.8903)
        """
        from .result import gathered

        return gathered(self, device, key, samples, threshold)

    def compare(
        self,
        device: AbstractDevice,
        other: AbstractDevice,
        *,
        key: int,
        samples: int = 20_000,
        threshold: float | None = None,
    ) -> "SpreadComparison":
        """How much better one design is than another, on the same random numbers.

        The errors are those of the differences, far smaller than those of either design.

        Example:
            >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
            >>> eta = jd.robust(jd.diode_efficiency, jd.Spread({"branches": "5 %"}), samples=64)
            >>> other = jd.replace(squid, {"flux": 0.55})
            >>> found = eta.compare(other, squid, key=1, samples=400)
            >>> print(f"{found.gains['mean']:.4f} ± {found.errors['mean']:.4f}")
            0.3071 ± 0.0034
        """
        from .result import compared

        return compared(self, device, other, key, samples, threshold)


def robust(
    objective: Objective,
    spread: Spread,
    *,
    risk: Risk = "mean",
    level: float = 0.1,
    threshold: float | None = None,
    width: float | None = None,
    retune: Mapping[str, float] | Sequence[str] = (),
    samples: int = 1024,
    key: int = 0,
    failed: float | None = None,
    batch: int = 32,
) -> RobustObjective:
    """A statistic of an objective over what fabrication makes of a design, as an objective itself.

        R(x) = mean, quantile, mean of the worst or yield of f(x₁ e^{s₁z₁}, x₂ + s₂z₂, …)

    All devices share one sample of random numbers z, so that R is a smooth function of the design
    with exact pathwise derivatives, and differences between designs are not those of luck. Its
    value is that of this sample: `statistics` of the result gives fresh ones with errors,
    `compare` the paired difference of two designs.

    Args:
        objective: scalar function of a device, as of `maximise`.
        spread: how devices scatter around the design.
        risk: "mean"; "quantile", the value that a share 1 − level of all devices exceeds, by
            Harrell and Davis' weights; "cvar", the mean of the worst share `level`; "yield", the
            share of devices at or above the threshold, each blurred by a normal distribution.
        level: of quantile and cvar, between 0 and 1.
        threshold: of the yield, in the objective's unit.
        width: of the blur, in the objective's unit; by default Silverman's, from the scatter of
            the values.
        retune: parameters that are set anew for every device, such as a flux: the objective is
            the largest within a reach of them, {name: reach in the parameter's unit}. A name of
            several parameters is one knob that moves all alike. A list of names takes six
            standard deviations of their own normal scatter.
        samples: devices of the common sample (a Sobol sequence: a power of two is best).
        key: seed of the sample, a whole number.
        failed: what a device without a result counts as, and one whose parameters are beyond
            their range. By default the statistic is then NaN, which `maximise` avoids. For a yield
            they are bad devices, whatever stands here.
        batch: devices computed at once, beside those of `maximise`.

    Raises:
        ValueError: an unknown risk, a level outside 0 to 1, a yield without a threshold, counts
            below 2, a reach that is neither given nor known.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.5])
        >>> spread = jd.Spread({"branches": "10 %", "flux": 0.02})
        >>> tenth = jd.robust(jd.diode_efficiency, spread, risk="quantile", samples=64)
        >>> best = jd.maximise(
        ...     tenth, jd.Space(squid, {"flux": (0, 1)}), key=0,
        ...     starts=4, steps=20, polish=10, rounds=1,
        ... )
        >>> print(f"{best.value:.3f} at flux {best.device.flux[0]:.3f}")
        0.026 at flux 0.622
        >>> trimmed = jd.robust(jd.diode_efficiency, spread, risk="quantile", samples=64,
        ...                     retune=["flux"])
        >>> print(f"{trimmed(best.device):.3f}")
        0.041
    """
    if not callable(objective):
        raise ValueError(f"objective must be a function of a device, got {objective!r}")
    if not isinstance(spread, Spread):
        raise ValueError(f"spread must be a Spread, got {spread!r}")
    level, threshold, width = require_risk(risk, level, threshold, width)
    for name, number, least in (("samples", samples, 2), ("batch", batch, 1), ("key", key, 0)):
        _checks.whole_number(name, number, at_least=least)
    if failed is not None and not np.isfinite(failed):
        raise ValueError(f"failed must be a finite number, got {failed!r}")
    return RobustObjective(
        objective, spread, risk=risk, level=level, threshold=threshold, width=width,
        retune=tuning.reaches(retune, spread), samples=samples, key=key,
        failed=None if failed is None else float(failed), batch=batch,
    )  # fmt: skip


@eqx.filter_jit
def _sampled(
    objective: Objective,
    batch: int,
    placement: Placement,
    moved: tuple[tuning.Knob, ...],
    device: AbstractDevice,
    numbers: Float[Array, "devices numbers"],
    scattered: Bool[Array, " devices"],
) -> Float[Array, " devices"]:
    """The values of devices that scatter, and of the design itself; one program for any scatter."""

    @jax.checkpoint  # a sample's intermediate values would not fit beside those of all others
    def one(row: tuple[Array, Array]) -> Float[Array, ""]:
        other, valid = placement.device(device, *row)
        value = tuning.largest(objective, other, moved)
        if getattr(value, "shape", None) != ():
            raise ValueError(f"objective must return one number per device, got {value}")
        return jnp.where(valid & jnp.isfinite(value), value, jnp.nan)

    return jax.lax.map(one, (numbers, scattered), batch_size=batch)
