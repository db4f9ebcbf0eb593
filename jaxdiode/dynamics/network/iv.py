"""Current–voltage curves of networks."""

import equinox as eqx
import jax
import jax.numpy as jnp
from equinox.internal import nondifferentiable
from jaxtyping import Array, Float

from ... import _checks, progress
from ..._checks import Numbers
from ...numerics.lanes import lanewise
from ..stay import Asked, plan_of, status_of_means
from ..voltage_curve import IVCurve
from .asked import require_own_units
from .equations import AbstractNetwork, Network, Push
from .noise import DURATION, VOLTAGE_UNIT, noisy_curve
from .stay import Held, Rows, stay

Scalar = Float[Array, ""]
Times = tuple[Scalar | None, Scalar, Scalar | None, Scalar]  # as `Asked`, None for the usual ones

_STEPS, _LEAST_STEPS = 3.0, 4.0  # per natural time, and per period beside
_STEP_COST = 1e-5  # seconds, of a small network


def voltages(
    network: Network, rest: tuple[Array, Array], way: Float[Array, " n"], rows: Rows, asked: Asked
) -> tuple[Array, Array, Array]:
    """(mean, error, status) along a way of biases, in turns per period of the network.

    From rest the injected currents are turned up first, then the drive with the first bias.
    """
    plan = plan_of(network.frequency, 2 * network.relaxation(), asked)
    zero, ones = jnp.zeros(1), jnp.ones(way.size + 1)
    pushes = Push(jnp.concatenate([zero, way]), ones, ones.at[0].set(0.0))
    nothing = Push(*jnp.zeros(3))

    def step(held: Held, push: Push):
        return stay(network, held, push, rows, plan)

    start = Held(network.at_rest(*rest), nothing)
    _, found = jax.lax.scan(step, start, pushes)
    mean, error, status = (x[1:] for x in (found.mean, found.error, status_of_means(found)))
    return mean, error, status


def network_curve(
    device: AbstractNetwork,
    bias: Float[Array, " n"],
    times: tuple[Numbers | None, Scalar, Numbers | None, Scalar],
    warm: tuple[Array, int, Array] | None,
    between: tuple[str, str] | None,
) -> IVCurve:
    """See `iv_curve`; `times` are (duration, settle, longest, tolerance)."""
    device.require_motion()
    device.between(between)
    checked = checked_times(*times)
    if warm is not None:
        require_own_units(device)
        return noisy_curve(device, bias, warm, checked[:2], between)
    announce_network(device, "iv_curve", 2 * bias.size, checked)
    return curve(device, bias, checked, between)


def checked_times(
    duration: Numbers | None, part: Scalar, longest: Numbers | None, limit: Scalar
) -> Times:
    """Raises ValueError where one is not positive, or `longest` shorter."""
    length = None if duration is None else _checks.positive("duration", duration)
    most = None if longest is None else _checks.positive("longest", longest)
    if length is not None and most is not None:
        require_longest(most, length)
    return length, part, most, limit


def require_longest(most: Scalar, length: Scalar) -> None:
    if _checks.is_concrete(most) and _checks.is_concrete(length) and most < length:
        raise ValueError(f"longest must be at least duration ({length:g}), got {most:g}")


@eqx.filter_jit
def _periods_and_steps(device: AbstractNetwork, times: Times) -> tuple[Array, Array]:
    """(duration in periods, steps per period)."""
    network = device.network()
    length, *_ = usual_times(network, *times)
    period = 2 * jnp.pi / network.frequency
    return length / period, period * _STEPS + _LEAST_STEPS


def announce_network(device: AbstractNetwork, what: str, stays: int, times: Times) -> None:
    """Warn of long work, refuse a drive of another unit."""
    require_own_units(device)
    if not _checks.all_concrete((device, times)):
        return
    periods, steps = map(float, _periods_and_steps(device, times))
    seconds = stays * max(periods, 48.0) * steps * _STEP_COST
    progress.announce(
        f"{what} of a circuit at {stays} points", seconds, "duration",
        "its own" if times[0] is None else float(times[0]), "shorten duration, or take fewer",
        depth=5,
    )  # fmt: skip


@eqx.filter_jit
def curve(
    device: AbstractNetwork, bias: Float[Array, " n"], times: Times, between: tuple[str, str] | None
) -> IVCurve:
    device, bias = nondifferentiable((device, bias), name="iv_curve")
    network = device.network()
    rows = device.between(between)[None]
    asked = usual_times(network, *times)
    way = jnp.concatenate([bias, bias[::-1]]) / network.current
    mean, error, status = lanewise(voltages)(network, device.rest(), way, rows, asked)
    frequency = None if device.drive is None else device.drive.frequency
    rate = 1 / network.time if frequency is None else frequency
    half = bias.size
    ways = rate * mean[:, 0], rate * error[:, 0], status[:, 0]
    (up, down), errors, statuses = ((x[:half], x[half:][::-1]) for x in ways)
    return IVCurve(
        bias, up, down, *errors, *statuses, drive_frequency=frequency, voltage_unit=VOLTAGE_UNIT
    )


def usual_times(
    network: Network, duration: Scalar | None, part: Scalar, longest: Scalar | None, limit: Scalar
) -> Asked:
    """In the network's own units of time."""
    length = jnp.asarray(DURATION) if duration is None else duration / network.time
    most = 20 * length if longest is None else longest / network.time
    return length, part, most, limit
