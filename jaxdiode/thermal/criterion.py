"""The current at a voltage criterion: what a measurement of a critical current at temperature T is.

    ln v(i, γ) = ln v_c,   each direction by itself.

v(i) rises, and v ≥ i − max I, v ≤ i − ⟨I⟩ hold at every temperature, so the root lies between
⟨I⟩ + v_c and max I + v_c. It is sought as y ≥ 0 of i = ⟨I⟩ + v_c eʸ on ln v, which may fall by
thousands where the barrier is high, and vanishes in proportion to i where there is none.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import _checks
from .._checks import Numbers
from ..core.critical import CriticalCurrents, unless
from ..core.device import AbstractPhaseBiased
from ..numerics.lanes import lanewise
from ..numerics.roots import bracketed_root, implicit_root
from ..numerics.status import Status
from . import panels, stationary

Scalar = Float[Array, ""]

_TRACED_PANELS = 1024
_ACCURACY = 1e-7  # of ln v
_SEARCH, _FOUND = 80, 1e-9


def current_at_voltage(
    device: AbstractPhaseBiased, voltage: Numbers, *, noise: Numbers
) -> CriticalCurrents:
    """Critical currents as measured: the bias at which the mean voltage comes to a criterion.

        ⟨φ̇⟩(i₊) = v_c,   ⟨φ̇⟩(−i₋) = −v_c,   φ̇ = i − I(φ) + ξ,   ⟨ξξ⟩ = 2γδ,

    of an overdamped junction at temperature T, from the exact V(I) of `thermal_iv`. Unlike the
    extrema of I(φ) it has continuous derivatives in every parameter, also where several of them tie
    or a pair of junctions is balanced, and so has its efficiency: an objective without ridges, and
    what an experiment sees. Derivatives are exact, those in the criterion and the noise too.

    As γ → 0 it becomes the bias just above I± with that voltage; as v_c → 0 it becomes 0.

    Args:
        device: phase-biased.
        voltage: v_c = V/R > 0, in the device's unit of current.
        noise: γ > 0 in that unit, see `thermal_iv`.

    Returns:
        CriticalCurrents: magnitudes of both, with their efficiency. NOT_CONVERGED with NaN where
        panels of the phase do not resolve so small a noise (under jit only) or where no bias with
        that voltage was found, the relation's own status where it has one.

    Raises:
        ValueError: a device that is not phase-biased, voltage or noise not positive, noise too
            small.

    Example:
        >>> diode = jd.Harmonics([1.0, 0.0], [0.0, 0.5])  # sin φ + ½ sin(2φ + π/2): η = −1/3
        >>> found = jd.current_at_voltage(diode, 0.01, noise=0.02)
        >>> print(f"{found.plus:.6f} {found.minus:.6f} {found.efficiency:.6f}")
        0.637829 1.310573 -0.345280
    """
    if not isinstance(device, AbstractPhaseBiased):
        raise ValueError(
            "device must be phase-biased, with a current-phase relation in which the phase "
            f"diffuses, got {type(device).__name__} (of a Shunted device take its `device`)"
        )
    voltage, noise = _checks.positive("voltage", voltage), _checks.positive("noise", noise)
    relation = device.relation()
    count = panels.resolving_count(
        relation, noise, lambda largest: largest + voltage, traced=_TRACED_PANELS, where="",
        remedy="without noise take jaxdiode.critical_currents",
    )  # fmt: skip
    return _current_at_voltage(relation, voltage, noise, count)


def _bias(y: Scalar, args) -> Scalar:
    on, _, _, voltage, sign = args
    return sign * on.mean + voltage * jnp.exp(y)


def _excess(y: Scalar, args) -> Scalar:
    """ln v − ln v_c in a direction."""
    on, shared, g, voltage, sign = args
    log, _ = stationary.log_and_mean_velocity(on, shared, g, sign * _bias(y, args))
    return log - jnp.log(voltage)


@eqx.filter_jit
def _current_at_voltage(
    relation: AbstractPhaseBiased, voltage: Scalar, noise: Scalar, count: int
) -> CriticalCurrents:
    g = 1 / noise
    on = panels.on_panels(relation, count)
    shared = stationary.weights(on, g)

    @lanewise
    def search(args, high: Scalar):
        low = jnp.zeros_like(high)
        root = bracketed_root(_excess, args, low, high, _SEARCH, start=high, tolerance=_FOUND)
        return root, _excess(root, args)

    def one(sign: Scalar):
        args = on, shared, g, voltage, sign
        highest = jnp.log1p((jnp.max(sign * on.current) - sign * on.mean) / voltage)
        root, off = search(*jax.lax.stop_gradient((args, highest)))
        bias = _bias(implicit_root(_excess, args, root), args)
        largest = jnp.max(jnp.abs(on.current)) + jnp.abs(bias)
        fine = g * largest * jnp.max(on.length) <= panels.MOST_VARIATION
        return bias, fine & (jnp.abs(off) < _ACCURACY)

    (plus, minus), good = jax.lax.map(one, jnp.array([1.0, -1.0]))
    good = jnp.all(good) & (g * on.error <= _ACCURACY)
    status = jnp.where(good, Status.CONVERGED, Status.NOT_CONVERGED)
    status = jnp.where(jnp.isfinite(plus + minus), status, Status.NONFINITE)
    known = relation.status()
    status = jnp.where(known == Status.CONVERGED, status, known).astype(jnp.int32)
    plus, minus = (unless(status != Status.CONVERGED, jnp.nan, x) for x in (plus, minus))
    return CriticalCurrents(plus, minus, status)
