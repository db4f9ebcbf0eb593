"""The distribution of switching currents of a ramped junction, by formula."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .. import _checks
from .._checks import Numbers
from ..core.critical import efficiency_of, rounded_efficiency, unless
from ..core.device import AbstractPhaseBiased, Relation
from ..core.extrema import slope_unless
from ..core.results import AbstractResult
from ..numerics.status import Status
from .escape import (
    chosen_log_rate,
    counts_slips,
    formula_names,
    known_formula,
    panel_count,
    positive_or_none,
    prepared,
    quantum_or_none,
    require_phase_biased,
    unknown,
)
from .panels import ANTIDERIVATIVE, NODES, SHARE, WEIGHTS, batch_size
from .rates import SLIPS, Escape
from .tunnelling import lowest_barrier
from .wells import bias_of_barrier, rest, retrapping_current, splitting_current, well_at

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Scalar = Float[Array, ""]
LogHazard = Callable[[Float[Array, " n"]], Float[Array, " n"]]

_TAIL, _BODY, _HELD = 3, 5, 2  # panels of currents: few switch, most do, the rate is held
_SPARSE = 8  # nodes per panel where ln κ is worked out; it is smoother than κ
_FIRST, _KNEE, _LAST = -26.0, -3.0, 3.7  # ln ∫κ/r where a histogram begins, rises and ends
_COARSE, _STAGES = 24, 2  # currents and rounds of the search for these
_HOLD = 0.25  # of k_BT: the barrier from which on the rate is held
_RETRAP = 3.0  # standard deviations
_JUMP = 1e-6  # width of a turn that is one


_POINTS, _POINT_WEIGHTS = np.polynomial.legendre.leggauss(_SPARSE)
_SPARSE_SHARE = (1 + _POINTS) / 2
_BASIS = np.polynomial.legendre.legvander(_POINTS, _SPARSE - 1)
_DENSE = (
    np.polynomial.legendre.legvander(2 * SHARE - 1, _SPARSE - 1) * (np.arange(_SPARSE) + 0.5)
) @ (_BASIS.T * _POINT_WEIGHTS)  # values at the nodes of a panel from those at sparse ones


class SwitchingDistribution(AbstractResult):
    """Switching currents of a ramp in both directions (index 0 is +, 1 is −), as magnitudes.

    Attributes:
        mean, deviation, skewness: of the switching current; the device's unit of current.
        current: biases on which the density is known, increasing.
        density: P(i), per unit of current.
        retrapping: (β/2π)∮√(2(E_max−E))dφ, first order in β; NaN without capacitance.
        noise, rate: γ and r of the ramp.
        rule: which of the rate formulas was used, by number; see `formula`.
        status: CONVERGED; with values of the first escape RETRAPS, WELL_ONLY_SLIPS and
            BARRIER_BELOW_TEMPERATURE; with NaN NO_ZERO_VOLTAGE_STATE, NOT_CONVERGED, NONFINITE and
            the relation's own.

    Example:
        >>> found = jd.switching_distribution(jd.TunnelJunction(1.0), noise=0.02, rate=1e-4)
        >>> print(f"{found.efficiency:.6f} {found.formula}")
        0.000000 phase slip rate
    """

    mean: Float[Array, "2"]
    deviation: Float[Array, "2"]
    skewness: Float[Array, "2"]
    current: Float[Array, "2 points"]
    density: Float[Array, "2 points"]
    retrapping: Float[Array, "2"]
    noise: Float[Array, ""]
    rate: Float[Array, ""]
    rule: Int[Array, "2"]
    status: Int[Array, "2"]

    @property
    def formula(self) -> str:
        """The name of the rate formula; both, with a comma, where directions differ in it."""
        return formula_names(self.rule)

    @property
    def plus(self) -> Float[Array, ""]:
        """⟨i⟩ of the direction +."""
        return self.mean[0]

    @property
    def minus(self) -> Float[Array, ""]:
        """⟨i⟩ of the direction −."""
        return self.mean[1]

    @property
    def efficiency(self) -> Float[Array | np.ndarray, ""]:
        """η of the means."""
        return efficiency_of(self.mean[0], self.mean[1])

    def summary(self, unit: str = "") -> str:
        """Mean, deviation and formula of each direction, η of the means."""
        if np.ndim(self.mean) != 1:
            return super().summary(unit)
        lines = []
        for k, name in enumerate("+-"):
            status = Status(int(self.status[k]))
            told = f"{float(self.mean[k]):.8g} ± {float(self.deviation[k]):.4g} {unit}".rstrip()
            skew, rule = float(self.skewness[k]), formula_names(self.rule[k])
            told += f", skewness {skew:+.3f}, {rule}, {status.describe()}"
            lines.append(f"I{name}   {told}" if np.isfinite(self.mean[k]) else
                         f"I{name}   {status.describe()}")  # fmt: skip
        return "\n".join([*lines, f"eta  {rounded_efficiency(self.efficiency):+.8f} of the means"])

    def plot(self) -> "Figure":
        from .. import plot

        return plot.switching_distribution(self)


def switching_distribution(
    device: AbstractPhaseBiased,
    *,
    noise: Numbers,
    rate: Numbers,
    damping: Numbers | None = None,
    start: Numbers | None = None,
    formula: str | None = None,
    plasma_quantum: Numbers | None = None,
) -> SwitchingDistribution:
    """Switching currents of a junction with thermal noise whose bias is ramped up from 0.

        P(i) = κ(i)/r exp(−∫₀^i κ/r),   r = di/dτ,

    with the escape rate κ of `escape_rate`, τ in 1/ω_p with a damping and in ħ/2eI_sR without, and
    quadrature of P for the moments. Without capacitance κ is the phase slip rate v/2π, which counts
    full periods whatever the wells in between; its widths are too large where the ramp is so fast
    that slips near I± follow each other in time (a quarter at γ = .02, r = 1e-3). Other formulas
    belong to one well, that of the phase at zero bias; their rate is held from ΔU = γ/4 on, where
    they lose their meaning, with tunnelling from ΔU = λω₀/7.2 on if that is earlier.

    All moments are differentiable in noise, rate, damping and the device's parameters; where I(φ)
    jumps, of the phase slip rate only, else derivatives are NaN.

    Args:
        device: phase-biased.
        noise: γ = 2ek_BT/ħ > 0 in the device's unit of current (`jaxdiode.units.thermal_current`).
        rate: r > 0, in that unit per unit of time.
        damping: β > 0 of that unit, or None for a negligible capacitance.
        start: a phase at zero bias, from which it slides into its well; the well of least energy
            if left out.
        formula: of the rate, in place of the one chosen; see `escape_rate`.
        plasma_quantum: λ = ħω_p/E_s, with which the phase tunnels as well; see `escape_rate`.

    A latched histogram does not exist where the junction retraps: RETRAPS where the first-order
    retrapping current is above ⟨i⟩ − 3σ. WELL_ONLY_SLIPS where a higher barrier of the same period
    stands behind that of the well. Several wells: a histogram for each start, weighted by how often
    the phase is there.

    Raises:
        ValueError: a device that is not phase-biased, noise, rate or damping not positive, noise
            too small for the phase slip rate, an unknown formula, one that needs a damping,
            tunnelling without damping.

    Example:
        >>> diode = jd.Harmonics([1.0, 0.3 * np.cos(1.0)], [0.0, 0.3 * np.sin(1.0)])
        >>> found = jd.switching_distribution(diode, noise=0.02, rate=1e-4, damping=0.2)
        >>> print(np.round(found.mean, 3), found.formula)
        [0.774 1.124] Mel'nikov–Meshkov

    Sources: Kurkijärvi, PRB 6, 832 (1972); Fulton and Dunkleberger, PRB 9, 4760 (1974).
    """
    require_phase_biased(device)
    noise, rate = _checks.positive("noise", noise), _checks.positive("rate", rate)
    damping = positive_or_none(damping)
    quantum = quantum_or_none(plasma_quantum, damping)
    formula = known_formula(formula, damping, quantum)
    start = None if start is None else _checks.real_array("start", start, ndim=0)
    relation = device.relation()
    slips = counts_slips(formula, damping)
    count = panel_count(relation, noise, lambda x: x + _overshoot(rate, damping), slips)
    rates = damping, quantum
    return _switching_distribution(relation, noise, rate, rates, start, formula, count)


def _overshoot(rate: Scalar, damping: Scalar | None) -> Scalar:
    """How far past the critical current ∫v dτ/2π has come to 40 at the latest."""
    slower = rate if damping is None else rate * damping
    return jnp.sqrt(160 * jnp.pi * slower)


@eqx.filter_jit
def _switching_distribution(
    relation: Relation,
    noise: Scalar,
    rate: Scalar,
    rates: tuple[Scalar | None, Scalar | None],
    start: Scalar | None,
    formula: str | None,
    count: int,
) -> SwitchingDistribution:
    origin, held = rest(relation, start)
    slips = counts_slips(formula, rates[0])
    kinked = bool(relation.kinks()[0].size)

    def one(sign: Scalar):
        of, fine = prepared(relation, sign, origin, noise, rates, slips, count)
        return (*_one_direction(of, rate, SLIPS if slips else formula, kinked), fine)

    moments, current, density, back, rule, status, fine = jax.vmap(one)(jnp.array([1.0, -1.0]))
    finite = jnp.all(jnp.isfinite(moments), axis=1)
    status = jnp.where(finite, status, Status.NONFINITE)
    status = jnp.where(fine, status, Status.NOT_CONVERGED)
    status = jnp.where(held, status, Status.NO_ZERO_VOLTAGE_STATE)
    own = relation.status()
    status = jnp.where(own == Status.CONVERGED, status, own).astype(jnp.int32)
    bad = unknown(status)
    widths = jnp.ravel(jnp.asarray(relation.kinks()[1], float))
    if widths.size and not slips:  # the barrier may pass from the jump to a smooth maximum
        moments = slope_unless(jnp.any(widths < _JUMP), moments)
    moments, current, density = (
        unless(bad[:, None], jnp.nan, x) for x in (moments, current, density)
    )
    mean, deviation, skewness = jnp.unstack(moments, axis=1)
    back = unless(bad, jnp.nan, back)
    return SwitchingDistribution(
        mean, deviation, skewness, current, density, back, noise, rate, rule, status
    )


def _one_direction(of: Escape, rate: Scalar, formula: str | None, kinked: bool):
    land = of.land
    if formula == SLIPS:
        hold = jax.lax.stop_gradient(jnp.max(land.currents) + _overshoot(rate, of.damping))
    else:
        hold = bias_of_barrier(land, _lowest_barrier(of))

    def log_hazard(of: Escape, bias: Scalar) -> Scalar:
        log, _ = chosen_log_rate(of, well_at(of.land, bias), formula, kinked)
        return log - jnp.log(rate)

    def at(of: Escape, biases: Float[Array, " n"]) -> Float[Array, " n"]:
        batch = batch_size(biases.size, of.land.currents)
        return jax.lax.map(lambda i: log_hazard(of, jnp.minimum(i, hold)), biases, batch_size=batch)

    frozen, top = jax.lax.stop_gradient((of, hold))
    first, knee, last = _window(lambda x: jax.lax.stop_gradient(at(frozen, x)), top)
    middle = jnp.clip(top, first, last)
    split = splitting_current(frozen.land)  # an empty panel at zero bias would hold ln 0
    split = jnp.where(split > first, jnp.minimum(split, middle), middle)
    body = jnp.linspace(jnp.minimum(knee, middle), middle, _BODY + 1)
    tail = jnp.linspace(first, body[0], _TAIL + 1)
    edges = jnp.sort(jnp.concatenate([tail[:-1], body, split[None]]))
    moments, current, density = _moments(lambda x: at(of, x), edges, last)
    back = jnp.full_like(top, jnp.nan)
    if of.damping is not None:
        back = retrapping_current(land, of.damping)
    mean, deviation = moments[0], moments[1]
    at_ends = jnp.stack([jnp.minimum(mean, hold), jnp.zeros_like(mean)])
    wells = jax.vmap(lambda i: well_at(land, i))(at_ends)
    well = jax.tree.map(lambda x: x[0], wells)
    _, rule = chosen_log_rate(of, well, formula, kinked)
    status = jnp.where(back > mean - _RETRAP * deviation, Status.RETRAPS, Status.CONVERGED)
    if formula != SLIPS:
        status = jnp.where(well.higher, Status.WELL_ONLY_SLIPS, status)
    low = wells.barrier[1] < 1 / of.g
    status = jnp.where(low, Status.BARRIER_BELOW_TEMPERATURE, status)
    return moments, current, density, back, rule, status


def _lowest_barrier(of: Escape) -> Scalar:
    """ΔU from which on the rate is held."""
    thermal = _HOLD / of.g
    if of.quantum is None:
        return thermal
    frozen: Escape = jax.lax.stop_gradient(of)
    assert frozen.quantum is not None
    height = lowest_barrier(well_at(frozen.land, jnp.zeros_like(thermal)), frozen.quantum)
    there = well_at(frozen.land, bias_of_barrier(frozen.land, height))  # softer: ω₀ ∝ ΔU^(1/6)
    return jnp.maximum(thermal, lowest_barrier(there, frozen.quantum))


def _window(log_hazard: LogHazard, top: Scalar) -> tuple[Scalar, Scalar, Scalar]:
    """Where a histogram begins, rises and ends; past `top` the rate does not change."""

    def stage(ends: tuple[Scalar, Scalar], _: None):
        x = jnp.linspace(ends[0], ends[1], _COARSE)
        y = log_hazard(x)
        gap = jnp.maximum(jnp.abs(jnp.diff(y)), 1e-9)
        cells = jnp.maximum(y[1:], y[:-1]) + jnp.log(-jnp.expm1(-gap) / gap * jnp.diff(x))
        total = jax.lax.cumlogsumexp(cells)  # up to the end of each cell
        low = jnp.maximum(jnp.sum(total < _FIRST) - 1, 0)
        knee = x[jnp.minimum(jnp.sum(total < _KNEE), _COARSE - 1)]
        high = jnp.minimum(jnp.sum(total < _LAST) + 1, _COARSE - 1)
        left = jnp.where(total[-1] < _LAST, np.exp(_LAST) - jnp.exp(total[-1]), 0.0)
        return (x[low], x[high]), (knee, left * jnp.exp(-y[-1]))

    ends = (jnp.zeros_like(top), top)
    (first, last), (knees, later) = jax.lax.scan(stage, ends, length=_STAGES)
    return first, knees[-1], last + later[-1]


def _moments(log_hazard: LogHazard, rising: Float[Array, " edges"], last: Scalar):
    """Mean, deviation and skewness of P, and P, on Gauss panels between edges and on to `last`.

    The rate is held past the last edge, at that of infinite bias.
    """
    first, middle, count = rising[0], rising[-1], rising.size - 1
    edges = jnp.concatenate([rising, jnp.linspace(middle, last, _HELD + 1)[1:]])
    length = jnp.diff(edges)[:, None]
    current = edges[:-1, None] + length * SHARE
    sparse = rising[:-1, None] + length[:count] * _SPARSE_SHARE
    log = log_hazard(jnp.concatenate([sparse.ravel(), jnp.full(1, jnp.inf)]))
    log_rising = log[:-1].reshape(count, _SPARSE) @ _DENSE.T
    hazard = jnp.exp(jnp.concatenate([log_rising, jnp.full((_HELD, NODES), log[-1])]))
    whole = jnp.cumsum(length[:, 0] * (hazard @ WEIGHTS))
    before = jnp.concatenate([jnp.zeros(1), whole[:-1]])
    density = hazard * jnp.exp(-before[:, None] - length * (hazard @ ANTIDERIVATIVE.T))
    weight = density * length * WEIGHTS
    weight = weight / jnp.sum(weight)
    offset = current - first
    mean = jnp.sum(weight * offset)
    second, third = (jnp.sum(weight * (offset - mean) ** n) for n in (2, 3))
    moments = jnp.stack([first + mean, jnp.sqrt(second), third / second**1.5])
    return moments, current.ravel(), density.ravel()
