"""The phase-slip wire: resistive superconductivity with valley polarisation under back-action.

Source: Banerjee and Scheurer, "Dissipation-enhanced non-reciprocal superconductivity: application
to multi-valley superconductors", arXiv:2501.01501, Eqs. (1)–(3); equation numbers are theirs.
"""

import math
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks
from ..._checks import Numbers
from ...core.critical import CriticalCurrents
from ...core.parameters import parameter
from ...core.report import Report
from ...core.stationary import AbstractStationary, StationaryVoltages
from ...numerics.lanes import lanewise
from ...numerics.roots import bracketed_root, implicit_root
from ...numerics.status import Status
from . import limits
from .branches import all_states
from .limits import WireLimits
from .state import WireState, described, with_errors
from .universal import voltage
from .valley import Curve, ValleyPolarization, curve, orientation, point, spinodal, with_slope

Scalar = Float[Array, ""]

_SWEEPS = ("up", "down")
_STEPS = 60  # steps of Newton or bisection


class PhaseSlipWire(AbstractStationary):
    """A long wire with phase-slip centres, in the limit γ ≫ 1 of slow amplitude relaxation.

    It is superconducting up to j_s0 = (2/3√3) ε^{3/2}. Beyond, phase slips make a voltage per
    length V = ε^{3/2} v(j/ε^{3/2}), with v the universal function of Eqs. (2a), (2b): V rises from
    0 with vertical slope, V ≃ .3505 ε^{3/2}/(−.5964 − ln(j/ε^{3/2} − k_c)), and tends to
    j − .26017 ε^{3/2}, with dV/dj > 1 throughout.

    With a `valley` polarisation Φ_V, ε = ε₀ + βΦ_V² (normal state where that is negative), and the
    normal current j_N = V acts back on Φ_V, Eq. (3): one direction weakens the polarisation, so
    that superconductivity grows, the other strengthens it and makes V(j) S-shaped and
    hysteretic. Without β and back-action there is no diode.

    A critical current needs a `criterion`; `limits()` reports all of them:

    - "onset": V > 0 on the way up. The same in both directions, η = 0.
    - "retrap": V = 0 on the way down, in the same valley.
    - "half": V reaches j/2 on the way up, at the latest by a jump at the onset or flip. Where V(j)
      only just reaches j/2 before the flip this current jumps with the parameters.
    - "ohmic": dV/dj falls to 1 + tolerance on the way up.
    - "flip": Φ_V turns over; one direction only, the other is NaN with a status.

    `iv_curve` sweeps V up and down, from j = 0 in valley Φ₀ to the first current, up, and down from
    where that ended, past a flip in the other valley. `trace` follows any history with Φ_V.

    The paper's η ≈ 96 % with j_c+ ≈ 50 j_c− for its Regime II (Φ₀ = .9, c₁ = .25) follows from none
    of them at α₁ = −1: "ohmic" gives |η| = .937 and a ratio of 31, with the smaller current in
    the direction that weakens the polarisation.

    Dimensionless, as Eq. (1): lengths in coherence lengths, currents such that V = j in the normal
    state. For how far γ is from infinite, see `simulate_wire`: at j = .5 a ring of the right length
    has V = .2425 for γ = 100 and .260 for γ = 30, where this has .2233.

    Args:
        epsilon: ε₀ ≥ 0, strength of superconductivity without polarisation.
        valley: `ValleyPolarization`, or None.
        criterion: "onset", "retrap", "half", "ohmic" or "flip".
        tolerance: ≥ 0, of "ohmic".

    Raises:
        ValueError: negative ε₀ or tolerance, unknown criterion.

    Example:
        >>> valley = jd.wire.ValleyPolarization(zero_current=0.7, coupling=0.1)
        >>> wire = jd.PhaseSlipWire(valley=valley)
        >>> print(f"{jd.diode_efficiency(wire, 'half'):.6f}")
        0.022120
        >>> print(*(f"{v:.6f}" for v in wire.voltage([0.3, -0.3])))
        0.225136 -0.235155
        >>> curve = jd.iv_curve(wire, [-0.3, 0.3, 3.0])  # past the flip at 2.88
        >>> print(*(f"{v:.6f}" for v in curve.up), curve.down_error.max() < 1e-12)
        -0.235155 0.225136 2.977089 True
        >>> print(*(f"{v:.6f}" for v in curve.down))  # back in the other valley
        -0.225136 0.235155 2.977089
    """

    papers: ClassVar[tuple[str, ...]] = ("banerjee2025", "kramer1978")

    epsilon: Float[Array, ""] = parameter(at_least=0.0, label="strength ε₀")
    valley: ValleyPolarization | None
    criterion: str = eqx.field(static=True)
    tolerance: float = eqx.field(static=True)

    def __init__(
        self,
        epsilon: Numbers = 1.0,
        valley: ValleyPolarization | None = None,
        *,
        criterion: str = "half",
        tolerance: float = 0.0,
    ):
        self.epsilon = self.checked("epsilon", epsilon)
        if valley is not None and not isinstance(valley, ValleyPolarization):
            raise ValueError(
                f"valley must be a ValleyPolarization or None, got {type(valley).__name__}"
            )
        self.valley = valley
        self.criterion = _known(criterion)
        if not 0 <= tolerance < math.inf:
            raise ValueError(f"tolerance must be finite and at least 0, got {tolerance}")
        self.tolerance = float(tolerance)

    def critical_currents(self, criterion: str | None = None) -> CriticalCurrents:
        return _critical_currents(self, _known(criterion or self.criterion))

    def limits(self) -> WireLimits:
        """Every criterion's current in both directions."""
        return _limits(self)

    def report(self) -> Report:
        critical, limits = jax.device_get(_critical_currents_and_limits(self))
        return Report(self, critical, None, {}, {"limits": limits})

    def iv(
        self, *, maximum: float | None = None, points: int = 201, duration: float | None = None
    ) -> WireState:
        """The state from zero to the maximum, to minus the maximum, and back to it.

        Without `maximum` 1.2 times the largest onset, half or flip current.
        """
        if duration is not None:
            raise ValueError(f"duration must be left out for a stationary wire, got {duration:g}")
        if maximum is None:
            limits = self.limits()
            largest = np.nanmax([limits.onset, limits.half, limits.flip], initial=0.0)
            maximum = 1.2 * float(largest) if largest > 0 else 1.2
        steps = np.linspace(-maximum, maximum, points)
        steps[np.abs(steps) < 1e-9 * maximum] = 0.0
        return self.trace(np.concatenate([steps[steps >= 0], steps[::-1], steps]))

    def voltage(self, current: Numbers, sweep: str = "up") -> Array:
        """V(j), elementwise and differentiable; see `state`."""
        return self.state(current, sweep).voltage

    def state(self, current: Numbers, sweep: str = "up") -> WireState:
        """The state at each current, elementwise and differentiable.

        Args:
            current: j, of either sign.
            sweep: "up": reached from j = 0 in valley Φ₀, past a flip if there was one. "down":
                still resistive below the onset, down to the retrapping current.

        Raises:
            ValueError: unknown sweep.
        """
        if sweep not in _SWEEPS:
            raise _checks.unknown_name("sweep", sweep, _SWEEPS)
        j = _checks.real_array("current", current)
        flat = _states(self, jnp.ravel(j), sweep)
        return jax.tree.map(lambda leaf: leaf.reshape(j.shape), flat)

    def trace(self, currents: Numbers) -> WireState:
        """The history of a wire taken slowly through a list of currents, from j = 0 in valley Φ₀.

        A state is left only where it ends: V = 0 at the onset, a voltage at the retrapping
        current or through j = 0, a valley at the flip.

        Args:
            currents: at least one, any order and signs; straight ramps in between.

        Raises:
            ValueError: no currents.
        """
        j = _checks.real_array("currents", currents, ndim=1)
        if j.size == 0:
            raise ValueError("currents must hold at least one current, got none")
        return _trace(self, j)

    @property
    def voltage_unit(self) -> str:
        """V per length is the current in the normal state."""
        return r"$\rho_Nj_0$"

    @property
    def current_unit(self) -> str:
        """j₀: without polarisation the wire depairs at j = (2/3√3) ε^{3/2} j₀."""
        return r"$j_0$"

    def stationary_voltages(self, currents: Float[Array, " n"]) -> StationaryVoltages:
        """V along `trace`, with its error: that of these equations, not of γ ≫ 1."""
        return with_errors(_trace(self, currents), self.epsilon)

    def states(self, current: Numbers) -> WireState:
        """All stationary states at one current, in both valleys, unstable ones too.

        Twelve entries, NaN where there are fewer states. A vertical scan of all branches: the
        superconducting ones, both valleys, and the maximum of the free energy between them.

        Args:
            current: j, one number.
        """
        return all_states(self, _checks.real_array("current", current, ndim=0))


def _known(criterion: str) -> str:
    if criterion not in limits.CRITERIA:
        raise _checks.unknown_name("criterion", criterion, limits.CRITERIA)
    return criterion


def _curves(wire) -> Curve:
    """Both directions, stacked."""
    return jax.vmap(lambda s: curve(wire.epsilon, wire.valley, s))(jnp.array([1.0, -1.0]))


@eqx.filter_jit
def _critical_currents(wire, criterion):
    both = jax.vmap(lambda c: limits.limit(criterion, c, wire.tolerance))(_curves(wire))
    return _with_status(wire, both)


def _with_status(wire, both):
    leaves = jnp.stack(jax.tree.leaves(wire))
    status = jnp.where(jnp.max(both) > 0, Status.CONVERGED, Status.NO_SUPERCURRENT)
    status = jnp.where(jnp.all(jnp.isfinite(both)), status, Status.NO_TRANSITION)
    finite = jnp.all(jnp.isfinite(leaves))
    status = jnp.where(finite, status, Status.NONFINITE).astype(jnp.int32)
    known = (status == Status.CONVERGED) | (status == Status.NO_TRANSITION)
    plus, minus = jnp.where(known, both, jnp.nan)
    return CriticalCurrents(plus, minus, status)


@eqx.filter_jit
def _limits(wire):
    return limits.limits(_curves(wire), wire.tolerance)


@eqx.filter_jit
def _critical_currents_and_limits(wire):
    found = _limits(wire)
    return _with_status(wire, getattr(found, wire.criterion)), found


@eqx.filter_jit
def _states(wire, currents, sweep):
    def one(j):
        direction = jnp.where(j < 0, -1.0, 1.0)
        c = curve(wire.epsilon, wire.valley, direction)
        magnitude = direction * j
        last = limits.flip(c)[0]
        flipped = magnitude > jnp.where(jnp.isnan(last), jnp.inf, last)
        c = c._replace(pull=jnp.where(flipped, -c.pull, c.pull))
        side = jnp.where(flipped, -1.0, 1.0) * orientation(wire.valley)
        begin = limits.onset(c)
        if sweep == "up":
            lower, resistive = jnp.zeros_like(j), ~(magnitude <= begin) | (begin <= 0)
        else:
            lower = jax.lax.stop_gradient(limits.retrap_position(c))
            end = jnp.where(c.pull < 0, point(lower, c).current, begin)
            resistive = ~(magnitude <= end) | (begin <= 0)
        return _state(c, magnitude, resistive, lower, direction, side)

    return jax.vmap(one)(currents)


@eqx.filter_jit
def _trace(wire, currents):
    curves = _curves(wire)  # of valley Φ₀; the other valley has them exchanged
    begin = jax.vmap(limits.onset)(curves)
    end = jax.vmap(lambda c: limits.flip(c)[0])(curves)
    end = jnp.where(jnp.isnan(end), jnp.inf, end)
    lowest = jax.vmap(limits.retrap_position)(curves)
    ends = jax.vmap(lambda w, c: point(w, c).current)(lowest, curves)

    def follow(state, j):
        before, valley, resistive = state
        direction = jnp.where(j < 0, -1.0, 1.0)
        resistive = resistive & (direction == before)
        k = jnp.where(direction == valley, 0, 1)
        magnitude = direction * j
        flips = magnitude > end[k]
        valley = jnp.where(flips, -valley, valley)
        k = jnp.where(flips, 1 - k, k)
        normal = begin[k] <= 0
        resistive = normal | ~(magnitude <= begin[k]) | (resistive & (magnitude > ends[k]))
        c = jax.tree.map(lambda x: x[k], curves)
        # The fold bounds the search only where the onset does not.
        lower = jnp.where(magnitude > begin[k], 0.0, lowest[k])
        found = _state(c, magnitude, resistive, lower, direction, valley * orientation(wire.valley))
        return (direction, valley, resistive), found

    currents = currents + 0 * jnp.cumsum(currents)  # after one that is NaN nothing is known
    one = jnp.ones(())
    return jax.lax.scan(follow, (one, one, jnp.zeros((), bool)), currents)[1]


def _state(c: Curve, magnitude, resistive, lower, direction, side) -> WireState:
    w = jnp.where(resistive, resistive_position(c, magnitude, lower), 0.0)
    return described(with_slope(w, c), c, magnitude, resistive, direction, side)


def resistive_position(c: Curve, magnitude: Scalar, lower: Scalar) -> Scalar:
    """w of the resistive state that carries a current, above the fold or onset at `lower`."""
    # V ≤ j bounds w: V ≥ 2w where the polarisation grows, V ≥ .91 w up to the spinodal.
    upper = jnp.minimum(spinodal(c), jnp.where(c.pull > 0, 1.1, 0.5) * magnitude)
    upper = jnp.maximum(upper, lower)
    first = point(jnp.zeros_like(magnitude), c)
    guess = 0.5 * voltage(magnitude - first.current, first.strength)
    frozen = jax.lax.stop_gradient(((c, magnitude), lower, upper, guess))
    return implicit_root(_missing, (c, magnitude), _search(*frozen))


@lanewise
def _search(args, lower, upper, guess):
    return bracketed_root(_missing, args, lower, upper, _STEPS, guess, tolerance=1e-9)


def _missing(w, args):
    c, magnitude = args
    return point(w, c).current - magnitude
