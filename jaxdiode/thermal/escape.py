"""Thermal escape from the wells of a current-biased junction."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .. import _checks
from .._checks import Numbers
from ..core.critical import unless
from ..core.device import AbstractPhaseBiased, Relation
from ..core.results import AbstractResult
from ..numerics.status import Status
from . import panels, stationary, tunnelling
from .rates import (
    CUSP,
    DAMPED_ONLY,
    FORMULAS,
    MELNIKOV,
    QUADRATURE,
    SLIPS,
    TUNNELLING,
    Escape,
    log_rate,
    number_of,
    sharpness_of,
)
from .wells import Directed, Well, landscape, rest, well_at

Scalar = Float[Array, ""]

_TRACED_PANELS = 512
_ACCURACY = 1e-6


class EscapeRate(AbstractResult):
    """The rate at which noise takes the phase out of its well.

    Attributes:
        current: biases i; + and − by their sign.
        rate: κ per 1/ω_p, or per ħ/2eI_sR without capacitance.
        log_rate: ln κ; finite where κ itself underflows.
        barrier: ΔU, in the device's unit of current (times Φ₀/2π); NaN where there is none.
        well_frequency: ω₀ = √I' at the bottom of the well, in √(unit of current).
        barrier_frequency: ω_b = √−I' on the barrier; ∞ where I(φ) jumps there.
        noise: γ in the unit of current.
        rule: which of the rate formulas was used, by number; see `formula`.
        crossover: γ* = λ[√(ω_b²+β²/4) − β/2]/2π with tunnelling, below which it prevails; NaN of a
            barrier that is a jump.
        action: B, the exponent of the tunnelling rate, damping included.
        status: CONVERGED; NO_WELL above the critical current (the phase slip rate is known there,
            others are NaN); WELL_ONLY_SLIPS where a higher barrier stands behind the one that is
            crossed; BARRIER_BELOW_TEMPERATURE where ΔU < γ, or with tunnelling below the zero-point
            energy λω₀/2, so that no rate means much;
            NO_ZERO_VOLTAGE_STATE, NOT_CONVERGED, NONFINITE and the relation's own, with NaN.

    Example:
        >>> found = jd.escape_rate(jd.TunnelJunction(1.0), [0.8, -0.8], noise=0.05, damping=0.5)
        >>> print(np.round(found.barrier, 6), found.formula)
        [0.170398 0.170398] Mel'nikov–Meshkov
    """

    current: Float[Array, "*currents"]
    rate: Float[Array, "*currents"]
    log_rate: Float[Array, "*currents"]
    barrier: Float[Array, "*currents"]
    well_frequency: Float[Array, "*currents"]
    barrier_frequency: Float[Array, "*currents"]
    noise: Float[Array, ""]
    rule: Int[Array, "*currents"]
    status: Int[Array, "*currents"]
    crossover: Float[Array, "*currents"] | None = None
    action: Float[Array, "*currents"] | None = None

    @property
    def formula(self) -> str:
        """The name of the formula used; several, with commas, where currents differ in it."""
        return formula_names(self.rule)


def escape_rate(
    device: AbstractPhaseBiased,
    currents: Numbers,
    *,
    noise: Numbers,
    damping: Numbers | None = None,
    start: Numbers | None = None,
    formula: str | None = None,
    plasma_quantum: Numbers | None = None,
) -> EscapeRate:
    """Rate κ of thermal escape from the well in which the phase sits, at any bias currents.

        φ'' + βφ' + I(φ) = i + ξ,  ⟨ξξ⟩ = 2βγδ;   without capacitance φ̇ + I(φ) = i + ξ, ⟨ξξ⟩ = 2γδ.

    Wells are zeros of i − I(φ) with I' > 0. The phase sits in the first one ahead of where it rests
    at zero bias. Formulas, of which the result names the one used:

    - "phase slip rate" v/2π, exact for one well per period without capacitance, at any bias;
    - "quadrature" γ/(∫_well e^{−U/γ} ∫_barrier e^{U/γ}), without capacitance, several wells;
    - "Mel'nikov–Meshkov" A(βS/γ) × Kramers, with capacitance, at any damping;
    - "cusp interpolation" of A × transition state theory and of quadrature/β, with capacitance and
      a barrier that is no parabola on the scale of the noise (4 %, empirical), passing over to
      the former as it becomes one;
    - on demand "Kramers", "transition state" and "Büttiker–Harris–Landauer".

    With `plasma_quantum` λ the phase tunnels as well, at the rate of T = 0,

        κ = ω₀/2π √(864πΔU/λω₀) e^{−B},   B = (1 + 0.87β/ω₀) (2/λ)∫√(2(U − U_min)) dφ,

    the integral exact, prefactor and damping those of a cubic potential (underdamped). Rates of
    both are added; the result is named "tunnelling" below γ* (of a cusp, which has none, where that
    is the faster), and after the thermal formula above. Around γ*, where each alone would do and
    both grow by quantum corrections that are left out, the sum is right within a small factor.

    Args:
        device: phase-biased.
        currents: biases of any shape in the device's unit of current; the sign is the direction.
        noise: γ = 2ek_BT/ħ > 0 in that unit.
        damping: β > 0 of that unit of current, or None for a negligible capacitance.
        start: a phase at zero bias, from which it slides into its well; the well of least energy
            if left out.
        formula: one of the names above (hyphens will do), in place of the one chosen.
        plasma_quantum: λ = ħω_p/E_s, E_s = Φ₀/2π times the unit of current; also 2eω_p in that
            unit (`jaxdiode.units.plasma_quantum`). None or 0: no tunnelling.

    Raises:
        ValueError: a device that is not phase-biased, noise or damping not positive, noise too
            small for the phase slip rate, an unknown formula, one that needs a damping, tunnelling
            without damping.

    Example:
        >>> junction = jd.TunnelJunction(1.0)
        >>> cold = jd.escape_rate(junction, 0.9, noise=1e-3, damping=0.01, plasma_quantum=0.05)
        >>> print(cold.formula, f"{cold.crossover:.4f} {cold.action:.2f}")
        tunnelling 0.0052 13.25
        >>> escape = jd.escape_rate(junction, [0.8, 0.9], noise=0.02, damping=0.2)
        >>> print(escape.formula)
        Mel'nikov–Meshkov
        >>> exact = 2 * np.sqrt(1 - 0.8**2) - 0.8 * (np.pi - 2 * np.arcsin(0.8))
        >>> print(bool(abs(escape.barrier[0] - exact) < 1e-12))
        True

    Sources: Kramers (1940); Mel'nikov and Meshkov, J. Chem. Phys. 85, 1018 (1986); Büttiker, Harris
    and Landauer, PRB 28, 1268 (1983); Ambegaokar and Halperin, PRL 22, 1364 (1969).
    """
    require_phase_biased(device)
    currents = _checks.real_array("currents", currents)
    noise, damping = _checks.positive("noise", noise), positive_or_none(damping)
    quantum = quantum_or_none(plasma_quantum, damping)
    formula = known_formula(formula, damping, quantum)
    start = None if start is None else _checks.real_array("start", start, ndim=0)
    relation = device.relation()
    largest = jnp.max(jnp.abs(currents), initial=0.0)
    slips = counts_slips(formula, damping)
    count = panel_count(relation, noise, lambda _: largest, slips)
    return _escape_rate(relation, currents, noise, (damping, quantum), start, formula, count)


@eqx.filter_jit
def _escape_rate(
    relation: Relation,
    currents: Float[Array, "*currents"],
    noise: Scalar,
    rates: tuple[Scalar | None, Scalar | None],
    start: Scalar | None,
    formula: str | None,
    count: int,
) -> EscapeRate:
    origin, held = rest(relation, start)
    slips, quantum = counts_slips(formula, rates[0]), rates[1]
    both = jax.vmap(lambda sign: prepared(relation, sign, origin, noise, rates, slips, count))
    escapes, fine = both(jnp.array([1.0, -1.0]))

    def at(bias: Scalar):
        side = jnp.where(bias < 0, 1, 0)
        of = jax.tree.map(lambda x: x[side], escapes)
        well = well_at(of.land, jnp.abs(bias))
        log, rule = chosen_log_rate(of, well, formula, bool(relation.kinks()[0].size))
        top = jnp.where(well.top.jump, 1.0, jnp.where(well.top.slope < 0, -well.top.slope, 1.0))
        omega = jnp.where(well.top.jump, jnp.inf, jnp.sqrt(top))
        base = jnp.sqrt(jnp.where(well.bottom.slope > 0, well.bottom.slope, 1.0))
        exact = rule == FORMULAS.index(SLIPS)
        low = well.barrier < (noise if quantum is None else jnp.maximum(noise, quantum * base / 2))
        status = jnp.where(low, Status.BARRIER_BELOW_TEMPERATURE, Status.CONVERGED)
        status = jnp.where(well.higher & ~exact, Status.WELL_ONLY_SLIPS, status)
        status = jnp.where(well.exists, status, Status.NO_WELL)
        known = jnp.isfinite(log) | exact
        status = jnp.where(known | ~well.exists, status, Status.NONFINITE)
        status = jnp.where(fine[side], status, Status.NOT_CONVERGED)
        lost = ~well.exists & ~exact
        values = (well.barrier, base, omega, *_quantum_values(of, well))
        values = (unless(~well.exists, jnp.nan, x) for x in values)
        return (unless(lost, jnp.nan, log), *values, rule, status)

    flat = jnp.ravel(currents)
    batch = panels.batch_size(flat.size, escapes.land.currents[0])
    *values, rule, status = jax.lax.map(at, flat, batch_size=batch)
    status = jnp.where(held, status, Status.NO_ZERO_VOLTAGE_STATE)
    own = relation.status()
    status = jnp.where(own == Status.CONVERGED, status, own).astype(jnp.int32)
    bad = unknown(status)
    log, *values = (unless(bad, jnp.nan, x).reshape(currents.shape) for x in values)
    rule, status = (x.reshape(currents.shape) for x in (rule, status))
    barrier, base, omega, *tunnels = values
    crossover, action = tunnels if quantum is not None else (None, None)
    return EscapeRate(
        currents, jnp.exp(log), log, barrier, base, omega, noise, rule, status, crossover, action
    )


def _quantum_values(of: Escape, well: Well) -> tuple[Scalar, ...]:
    """γ* and B, if the phase tunnels."""
    if of.quantum is None or of.damping is None:
        return ()
    crossover = tunnelling.crossover(well, of.quantum, of.damping)
    return crossover, tunnelling.exponent(of.land, well, of.quantum, of.damping)


def prepared(
    relation: Relation,
    sign: Scalar,
    origin: Scalar,
    noise: Scalar,
    rates: tuple[Scalar | None, Scalar | None],
    slips: bool,
    count: int,
) -> tuple[Escape, Bool[Array, ""]]:
    """One direction of a relation on its panels, and whether they resolve it.

    `rates` are the damping and the plasma quantum.
    """
    on = panels.on_panels(Directed(relation, sign, origin), count)
    g = 1 / noise
    shared = stationary.weights(on, g) if slips else None
    fine = g * on.error <= _ACCURACY
    if slips:
        variation = 2 * g * jnp.max(jnp.abs(on.current)) * jnp.max(on.length)
        fine = fine & (variation <= panels.MOST_VARIATION)
    return Escape(landscape(on), shared, g, *rates), fine


def chosen_log_rate(
    of: Escape, well: Well, formula: str | None, kinked: bool
) -> tuple[Scalar, Int[Array, ""]]:
    """ln κ and the number of its formula: the one named, or that which suits the well.

    The phase that can tunnel does both.
    """
    log, rule = _chosen(of, well, formula, kinked)
    if of.quantum is None or of.damping is None or formula == TUNNELLING:
        return log, rule
    quantum = log_rate(of, well, TUNNELLING)
    border = tunnelling.crossover(well, of.quantum, of.damping)
    below = jnp.where(jnp.isnan(border), quantum > log, 1 / of.g < border) & well.exists
    log = jnp.where(well.exists, jnp.logaddexp(log, quantum), log)
    return log, jnp.where(below, number_of(TUNNELLING), rule)


def _chosen(
    of: Escape, well: Well, formula: str | None, kinked: bool
) -> tuple[Scalar, Int[Array, ""]]:
    if formula is not None:
        return log_rate(of, well, formula), number_of(formula)
    if of.damping is None:
        second = well.several & well.exists
        log = jnp.where(second, *(log_rate(of, well, name) for name in (QUADRATURE, SLIPS)))
        return log, jnp.where(second, number_of(QUADRATURE), number_of(SLIPS))
    if not kinked:
        return log_rate(of, well, MELNIKOV), number_of(MELNIKOV)
    sharpness = sharpness_of(of, well)
    log = log_rate(of, well, CUSP, sharpness)
    return log, jnp.where(sharpness > 0, number_of(CUSP), number_of(MELNIKOV))


def panel_count(
    relation: Relation, noise: Array, largest_bias: Callable[[Array], Array], slips: bool
) -> int:
    """How many equal panels resolve I(φ), and with `slips` e^{U/γ} at the largest bias as well.

    The largest bias is a function of the largest current of the relation.
    """
    if not slips:
        return panels.panel_count(relation)
    return panels.resolving_count(
        relation, noise, largest_bias, traced=_TRACED_PANELS, where="for the phase slip rate ",
        remedy="formula='quadrature' takes less",
    )  # fmt: skip


def counts_slips(formula: str | None, damping: Scalar | None) -> bool:
    """Whether the phase slip rate is asked for, or chosen without capacitance."""
    return formula == SLIPS or (formula is None and damping is None)


def unknown(status: Int[Array, "..."]) -> Bool[Array, "..."]:
    """Where no number means anything."""
    return (status != Status.CONVERGED) & (status < Status.NO_WELL)


def formula_names(rule: Array | np.ndarray) -> str:
    numbers = np.unique(np.asarray(rule)).tolist()
    return ", ".join(FORMULAS[n] for n in numbers)


def require_phase_biased(device: object) -> None:
    if not isinstance(device, AbstractPhaseBiased):
        raise ValueError(
            "device must be phase-biased, with a current-phase relation whose wells hold the "
            f"phase, got {type(device).__name__}"
        )


def positive_or_none(damping: Numbers | None) -> Scalar | None:
    return None if damping is None else _checks.positive("damping", damping)


def quantum_or_none(value: Numbers | None, damping: Scalar | None) -> Scalar | None:
    """λ, None where it is none or 0."""
    if value is None:
        return None
    quantum = _checks.real_array("plasma_quantum", value, ndim=0, at_least=0.0)
    if _checks.is_concrete(quantum) and quantum == 0:
        return None
    if damping is None:
        raise ValueError(
            "damping must be a number for tunnelling (plasma_quantum), got None: without "
            "capacitance there is no plasma frequency"
        )
    return quantum


def known_formula(
    formula: str | None, damping: Scalar | None, quantum: Scalar | None
) -> str | None:
    """The formula's name as results have it."""
    if formula is None:
        return None
    name = str(formula).replace("-", "–")
    if name not in FORMULAS:
        raise _checks.unknown_name("formula", formula, FORMULAS)
    if damping is None and name in DAMPED_ONLY:
        raise ValueError(f"damping must be a number for the formula {name!r}, got None")
    if quantum is None and name == TUNNELLING:
        raise ValueError(f"plasma_quantum must be a positive number for the formula {name!r}")
    return name
