"""Current–voltage curves of devices whose states are stationary."""

from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import Numbers
from ..core.stationary import AbstractStationary
from ..numerics.status import Status
from .voltage_curve import IVCurve


def stationary_curve(
    device: AbstractStationary,
    bias: Float[Array, " n"],
    tolerance: Float[Array, ""],
    given: Mapping[str, Numbers | None],
) -> IVCurve:
    """See `iv_curve`; `given` are arguments that such a device has no use for.

    Raises:
        ValueError: one of these is not None.
    """
    for name, value in given.items():
        none = name == "noise" and isinstance(value, int | float) and value == 0
        if value is not None and not none:
            raise ValueError(
                f"{name} must be left out for a {type(device).__name__}, whose states are "
                "stationary and without noise"
            )
    return _curve(device, bias, tolerance)


@eqx.filter_jit
def _curve(
    device: AbstractStationary, bias: Float[Array, " n"], tolerance: Float[Array, ""]
) -> IVCurve:
    found = device.stationary_voltages(jnp.concatenate([bias, bias[::-1]]))
    missed = (found.status == Status.CONVERGED) & (found.error > tolerance * jnp.abs(found.voltage))
    status = jnp.where(missed, Status.NOT_CONVERGED, found.status).astype(jnp.int32)
    voltage, error = found.voltage, jax.lax.stop_gradient(found.error)
    ways = (voltage, error, status, found.slope)
    (up, down), errors, statuses, slopes = ((x[: bias.size], x[bias.size :][::-1]) for x in ways)
    return IVCurve(
        bias, up, down, *errors, *statuses, voltage_unit=device.voltage_unit,
        up_slope=slopes[0], down_slope=slopes[1], current_unit=device.current_unit,
    )  # fmt: skip
