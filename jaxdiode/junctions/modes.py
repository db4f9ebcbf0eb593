"""What junctions carried by modes have in common: one number per mode, a gap, a temperature."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .. import _checks
from .._checks import Numbers
from ..core.device import AbstractPhaseBiased
from ..gap import bcs_gap
from ..units import bcs_gap_ratio


def per_mode(owner: AbstractPhaseBiased, **values: Numbers) -> list[Float[Array, " modes"]]:
    """Numbers, or lists over modes, checked as fields of the owner and of one length."""
    names = " and ".join([", ".join(list(values)[:-1]), list(values)[-1]])
    if max(map(np.ndim, values.values())) > 1:
        raise ValueError(f"{names} must be numbers or lists over modes")
    arrays = {
        name: jnp.atleast_1d(owner.checked(name, value, np.ndim(value)))
        for name, value in values.items()
    }
    modes = max(array.size for array in arrays.values())
    for name, array in arrays.items():
        if array.size not in (1, modes):
            _checks.require_length(name, array, modes, "one per mode")
    if min(array.size for array in arrays.values()) == 0:
        raise ValueError("transparency must hold at least one mode, got none")
    return [jnp.broadcast_to(array, (modes,)) for array in arrays.values()]


def gap_and_temperature(
    owner: AbstractPhaseBiased, gap: Numbers | None, temperature: Numbers
) -> tuple[Array | None, Array | None]:
    """Both checked, or neither at T = 0, where the gap does not matter."""
    warmth = owner.checked("temperature", temperature)
    if gap is not None:
        return owner.checked("gap", gap), warmth
    if not (_checks.is_concrete(temperature) and np.all(np.asarray(temperature) == 0)):
        raise ValueError(
            f"gap must be given with a temperature, whose unit it sets, got None beside "
            f"{temperature}"
        )
    return None, None


def warmed(
    gap: Float[Array, ""] | None, reduced_temperature: Numbers
) -> tuple[Array, Array, Array, Array]:
    """(Δ/Δ₀ of the amplitudes, the same or 1 above T_c to divide by, Δ, k_BT) at t = T/T_c.

    Without a gap Δ₀ energies are in k_BT_c. Above T_c no current flows whatever the gap is.
    """
    t = _checks.real_array("reduced_temperature", reduced_temperature, ndim=0, at_least=0.0)
    zero = jnp.asarray(bcs_gap_ratio) if gap is None else gap
    share = bcs_gap(t)
    safe = jnp.where(share > 0, share, 1.0)
    return share, safe, zero * safe, zero * t / bcs_gap_ratio
