"""The currents at which something happens to a resistive wire, one criterion each."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ...core.results import AbstractLimits, status_of
from ...numerics.lanes import lanewise
from ...numerics.roots import bracketed_root, implicit_root
from .universal import HALF
from .valley import Curve, mirrored, point, spinodal, with_slope

Scalar = Float[Array, ""]

CRITERIA = ("onset", "retrap", "half", "ohmic", "flip")
_SAMPLES = 160
_STEPS = 60  # steps of Newton or bisection


class WireLimits(AbstractLimits):
    """All that happens to a wire in valley Φ₀, one entry per direction of the current (+, −).

    Magnitudes of the current, NaN where there is no such event; 0 for the first four where the
    wire is normal at zero current.

    Attributes:
        onset: a voltage appears as the current grows, k_cE(Φ₀).
        retrap: it vanishes as the current falls, in the same valley; below the onset where the
            current strengthens the polarisation.
        half: the voltage reaches half its normal value, |V| = |j|/2, as the current grows.
        ohmic: the differential resistance falls to its normal value (plus the tolerance).
        flip: the polarisation loses its local minimum and turns over.
        flip_voltage: |V| there.
        reentrance: a normal wire (ε(Φ₀) < 0) becomes a dissipative superconductor.

    Example:
        >>> valley = jd.wire.ValleyPolarization(zero_current=0.7, coupling=0.1)
        >>> wire = jd.PhaseSlipWire(valley=valley)
        >>> limits = wire.limits()
        >>> print(*(f"{x:.6f}" for x in (*limits.onset, *limits.half)))
        0.101787 0.101787 0.147887 0.141486
        >>> print(*(f"{x:.6f}" for x in limits.flip))  # one direction only
        2.882484 nan
    """

    onset: Float[Array, "*lanes 2"]
    retrap: Float[Array, "*lanes 2"]
    half: Float[Array, "*lanes 2"]
    ohmic: Float[Array, "*lanes 2"]
    flip: Float[Array, "*lanes 2"]
    flip_voltage: Float[Array, "*lanes 2"]
    reentrance: Float[Array, "*lanes 2"]

    @property
    def status(self) -> Array | np.ndarray:
        """NONFINITE where a parameter is not finite; which events there are, the numbers say."""
        return status_of(self.onset)


def onset(c: Curve) -> Scalar:
    return point(jnp.zeros_like(c.pull), c).current


def flip(c: Curve) -> tuple[Scalar, Scalar]:
    """Current and voltage of the spinodal, NaN where the current strengthens the polarisation."""
    last = spinodal(c)
    exists = jnp.isfinite(last)
    end = point(jnp.where(exists, last, 1.0), c)
    return jnp.where(exists, end.current, jnp.nan), jnp.where(exists, end.voltage, jnp.nan)


def retrap_position(c: Curve) -> Scalar:
    """w of the smallest current with a voltage: a fold of j(w), or the onset, w = 0."""
    w, exists, _ = _first_crossing(lambda w, c: with_slope(w, c)[1].current, c)
    return jnp.where((c.pull < 0) & exists, w, 0.0)


def retrap(c: Curve) -> Scalar:
    return point(retrap_position(c), c).current


def half(c: Curve) -> Scalar:
    """Where V reaches j/2 on the way up: v(k) = k/2, or the jump that leads beyond it.

    That is the onset where V(j) is S-shaped, or the flip to the other valley.
    """

    def missing(w, c):
        at = point(w, c)
        return at.voltage - 0.5 * HALF * at.strength

    def reached(c):
        w, exists, _ = _first_crossing(missing, c)
        return jnp.where(exists, jnp.maximum(point(w, c).current, begin), jnp.nan)

    begin = onset(c)
    here, there = jax.vmap(reached)(jax.tree.map(lambda *x: jnp.stack(x), c, mirrored(c)))
    found = jnp.where(jnp.isnan(here), jnp.maximum(flip(c)[0], there), here)
    return jnp.where(begin > 0, found, begin)


def ohmic(c: Curve, tolerance: float) -> Scalar:
    """Where dV/dj falls to 1 + tolerance on the way up.

    Without back-action dV/dj stays above 1. Where the current weakens the polarisation it
    crosses 1; where it strengthens it, it equals 1 from the end of superconductivity on, ε = 0.
    """

    def missing(w, c):
        slope = with_slope(w, c)[1]
        return (1 + tolerance) * slope.current - slope.voltage

    w, exists, below = _first_crossing(missing, c)
    begin = onset(c)
    # Strong back-action can hold dV/dj below 1 from the onset on.
    at_once = below & (c.pull > 0)
    w, exists = jnp.where(at_once, 0.0, w), exists | at_once
    if tolerance == 0:
        end = _end_of_superconductivity(c)
        strengthened = c.pull < 0
        w = jnp.where(strengthened, jnp.where(jnp.isfinite(end), end, 1.0), w)
        exists = jnp.where(strengthened, jnp.isfinite(end), exists & (c.pull > 0))
    found = jnp.where(exists, jnp.maximum(point(w, c).current, begin), jnp.nan)
    return jnp.where(begin > 0, found, begin)


def reentrance(c: Curve) -> Scalar:
    """V = j where ε(Φ) = 0 on the way to a smaller Φ."""
    w = _distance_to_normal(c)
    exists = (c.pull > 0) & (w > 0) & (w < spinodal(c)) & (c.epsilon > 0)
    return jnp.where(exists, point(jnp.where(exists, w, 1.0), c).voltage, jnp.nan)


def limit(criterion: str, c: Curve, tolerance: float) -> Scalar:
    if criterion == "ohmic":
        return ohmic(c, tolerance)
    if criterion == "flip":
        return flip(c)[0]
    return {"onset": onset, "retrap": retrap, "half": half}[criterion](c)


def limits(both: Curve, tolerance: float) -> WireLimits:
    """All limits of the stacked curves of both directions."""

    def one(c):
        current, volts = flip(c)
        found = onset(c), retrap(c), half(c), ohmic(c, tolerance), current, volts, reentrance(c)
        return jnp.stack(found)

    return WireLimits(*jnp.unstack(jax.vmap(one, out_axes=1)(both)))


def _distance_to_normal(c):
    """(Φ_c − Φ₀)/(−p) along w, Φ_c = √(ε₀/−β); infinite if there is no such point."""
    ends = (c.beta < 0) & (c.epsilon > 0) & (c.pull != 0)
    ratio = jnp.where(ends, c.epsilon, 1.0) / jnp.where(ends, -c.beta, 1.0)
    distance = (jnp.sqrt(ratio) - c.zero_current) / jnp.where(ends, -c.pull, 1.0)
    return jnp.where(ends, distance, jnp.inf)


def _end_of_superconductivity(c):
    end = _distance_to_normal(c)
    return jnp.where((c.pull < 0) & (end > 0), end, jnp.inf)


def _first_crossing(missing, c) -> tuple[Scalar, Bool[Array, ""], Bool[Array, ""]]:
    """First w at which `missing(w, c)` turns from negative to positive, as far as Φ goes.

    Also whether there is one, and whether `missing` is positive from the first sample on.
    """
    w, exists, at_once = lanewise(partial(_search, missing))(jax.lax.stop_gradient(c))
    # A lane without a crossing must not send NaN gradients through the branch not taken.
    c = jax.tree.map(lambda x: jnp.where(exists, x, jax.lax.stop_gradient(x)), c)
    return implicit_root(missing, c, w), exists, at_once


def _search(missing, c):
    """Sampled evenly in ln w, from where the voltage is exponentially faint, then bracketed."""
    power = point(jnp.zeros_like(c.pull), c).strength
    power = jnp.where(power > 0, power, 1.0)  # else there is nothing to be found
    last = jnp.minimum(spinodal(c), _end_of_superconductivity(c))
    last = jnp.minimum(last, 1e6 * power)
    # V < .01 E there, also where strong back-action makes V = p²w³/Φ₀².
    strong = jnp.cbrt(4e-3 * power * (c.zero_current / jnp.where(c.pull < 0, c.pull, 1.0)) ** 2)
    first = jnp.where(c.pull < 0, jnp.minimum(2e-3 * power, strong), 2e-3 * power)
    first = jnp.minimum(first, 0.5 * last)
    grid = first * (last / first) ** jnp.linspace(0.0, 1.0, _SAMPLES)
    value = jax.vmap(missing, (0, None))(grid, c)
    turns = (value[:-1] < 0) & (value[1:] >= 0)
    k = jnp.argmax(turns)
    found = bracketed_root(missing, c, grid[k], grid[k + 1], _STEPS, tolerance=1e-9)
    return found, jnp.any(turns), value[0] >= 0
