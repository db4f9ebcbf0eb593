"""The current–voltage curve of an overdamped junction at temperature T, without simulation."""

from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .. import _checks
from .._checks import Numbers
from ..core.critical import unless
from ..core.device import AbstractPhaseBiased
from ..core.results import AbstractResult
from ..numerics.status import Status
from . import panels, stationary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TRACED_PANELS = 1024
_ACCURACY = 1e-7


class ThermalIV(AbstractResult):
    """Mean voltage of a junction with thermal noise, exact.

    Attributes:
        current: biases i, in the device's unit of current.
        log_voltage: ln|V/R| (V/R in that unit); finite where the voltage itself underflows.
        voltage: V/R, with its sign.
        resistance: dV/dI in units of R.
        noise: γ = 2ek_BT/ħ in that unit.
        status: CONVERGED, the relation's own status, or NOT_CONVERGED where I(φ) was not resolved
            on the panels; NaN there.

    Example:
        >>> warm = jd.thermal_iv(jd.TunnelJunction(1.0), [0.0, 0.9], noise=0.05)
        >>> print(f"{warm.resistance[0]:.4e} {warm.resistance[1]:.6f}")
        5.2706e-16 1.468817
    """

    current: Float[Array, "*currents"]
    log_voltage: Float[Array, "*currents"]
    voltage: Float[Array, "*currents"]
    resistance: Float[Array, "*currents"]
    noise: Float[Array, ""]
    status: Int[Array, "*currents"]

    def plot(self) -> "Figure":
        from .. import plot

        return plot.thermal_iv(self)


def thermal_iv(device: AbstractPhaseBiased, currents: Numbers, *, noise: Numbers) -> ThermalIV:
    """V(I) of an overdamped junction of any current-phase relation with thermal noise.

        φ̇ = i − I(φ) + ξ,  ⟨ξ(t)ξ(t')⟩ = 2γδ(t − t'),  γ = 2ek_BT/ħ,  V/R = ⟨φ̇⟩,

    solved as the stationary Fokker–Planck equation by quadrature, jumps of I(φ) included, to 1e-11
    in ln V. All of it is differentiable in the bias, the noise and the device's parameters,
    also at and across the critical currents and where two peaks of I(φ) tie.

    Args:
        device: phase-biased; its relation may have a mean ⟨I⟩, at which the voltage is 0.
        currents: biases, of any shape, in the device's unit of current.
        noise: γ > 0, in that unit: `jaxdiode.units.thermal_current`, 41.95 nA/K. E_J/k_BT of a
            tunnel junction is I_c/γ.

    Returns:
        ThermalIV: ln|V/R|, V/R, dV/dI in units of R, status.

    At 2π(max|I| + max|i|)/γ above 7.3e4 it is refused. Under jit, where the number of panels cannot
    follow the noise, it takes many panels always, and biases at which that is above 1.8e4 are NaN
    with NOT_CONVERGED.

    Raises:
        ValueError: a device that is not phase-biased, noise not positive or too small, numbers
            not finite.

    Example:
        >>> diode = jd.Harmonics([1.0, 0.0], [0.0, 0.5])  # sin φ + ½ sin(2φ + π/2)
        >>> warm = jd.thermal_iv(diode, [0.5, -0.5], noise=0.05)
        >>> print(f"{warm.voltage[0]:.4e} {warm.voltage[1]:.4e}")
        1.5634e-04 -1.6454e-10
    """
    if not isinstance(device, AbstractPhaseBiased):
        raise ValueError(
            "device must be phase-biased, with a current-phase relation in which the phase "
            f"diffuses, got {type(device).__name__} (of a Shunted device take its `device`)"
        )
    currents = _checks.real_array("currents", currents)
    noise = _checks.real_array("noise", noise, ndim=0, above=0.0)
    relation = device.relation()
    largest = jnp.max(jnp.abs(currents), initial=0.0)
    count = panels.resolving_count(
        relation, noise, lambda _: largest, traced=_TRACED_PANELS, where="",
        remedy="without noise take the critical currents and jaxdiode.iv_curve",
    )  # fmt: skip
    return _thermal_iv(relation, currents, noise, count)


@eqx.filter_jit
def _thermal_iv(
    relation: AbstractPhaseBiased,
    currents: Float[Array, "*currents"],
    noise: Float[Array, ""],
    count: int,
) -> ThermalIV:
    g = 1 / noise
    on = panels.on_panels(relation, count)
    shared = stationary.weights(on, g)

    def at(bias: Float[Array, ""]):
        def velocity(i: Float[Array, ""]):
            log, mean = stationary.log_and_mean_velocity(on, shared, g, i)
            return mean, log

        one = jnp.ones_like(bias)
        voltage, slope, log = jax.jvp(velocity, (bias,), (one,), has_aux=True)
        return log, voltage, slope

    flat = jnp.ravel(currents)
    batch = panels.batch_size(flat.size, on.current)
    log, voltage, slope = jax.lax.map(at, flat, batch_size=batch)
    largest = jnp.max(jnp.abs(on.current)) + jnp.abs(flat)
    unresolved = (g * on.error > _ACCURACY) | (
        g * largest * jnp.max(on.length) > panels.MOST_VARIATION
    )
    status = jnp.where(unresolved, Status.NOT_CONVERGED, Status.CONVERGED)
    known = relation.status()
    status = jnp.where(known == Status.CONVERGED, status, known)
    status = jnp.where(jnp.isfinite(voltage), status, Status.NONFINITE).astype(jnp.int32)
    bad = status != Status.CONVERGED
    log, voltage, slope, status = (
        x.reshape(currents.shape)
        for x in (*(unless(bad, jnp.nan, x) for x in (log, voltage, slope)), status)
    )
    return ThermalIV(currents, log, voltage, slope, noise, status)
