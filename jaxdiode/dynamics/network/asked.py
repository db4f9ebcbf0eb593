"""What a user asks of a network: drives in its own units, and the time that it will take."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ... import _checks, progress
from .equations import AbstractNetwork
from .noise import ramp_seconds

Scalar = Float[Array, ""]

_SLOWEST = 1e-3  # of the circuit's own rate, and its inverse
_STEPS, _STEP_COST = 3.0, 1e-4  # of a trajectory per natural time, and seconds


@eqx.filter_jit
def _time_of(device: AbstractNetwork) -> Scalar:
    return device.network().time


def require_own_units(device: AbstractNetwork) -> None:
    """Raises ValueError where the drive's frequency is a thousand times off the circuit's rate."""
    if device.drive is None or not _checks.all_concrete(device):
        return
    own = _time_of(device)
    if not _checks.is_concrete(own):  # inside a jit
        return
    rate, frequency = 1 / float(own), float(device.drive.frequency)
    if not _SLOWEST * rate <= frequency <= rate / _SLOWEST:
        raise ValueError(
            f"drive.frequency must be between {_SLOWEST * rate:.3g} and {rate / _SLOWEST:.3g}, "
            "a thousandth and a thousand times the circuit's own rate, got "
            f"{frequency:.3g}: it is in units of 2πI₀R₀/Φ₀"
        )


def announce_path(device: AbstractNetwork, duration: Scalar) -> None:
    """Of a trajectory; refuses a drive in other units too."""
    require_own_units(device)
    own = _time_of(device)
    if _checks.all_concrete((own, duration)):
        length = float(duration) / float(own)
        progress.announce(
            "trajectory of a circuit", length * _STEPS * _STEP_COST, "duration", float(duration),
            "shorten duration", depth=5,
        )  # fmt: skip


def announce_ramps(device: AbstractNetwork, gamma: Scalar, rate: Scalar, samples: int) -> None:
    """Of ramps with noise."""
    if _checks.all_concrete((device, gamma, rate)):
        seconds = ramp_seconds(device, gamma, jnp.asarray(rate), samples)
        if not _checks.is_concrete(seconds):  # inside a jit
            return
        progress.announce(
            f"switching_currents of {samples} samples of a circuit", float(seconds), "rate",
            float(rate), "raise rate (mean currents move with its logarithm) or take fewer samples",
            depth=5,
        )  # fmt: skip
