"""Current–voltage curves, swept up and down, each mean voltage with its error."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from equinox.internal import nondifferentiable
from jaxtyping import Array, Float, Int, PRNGKeyArray

from .. import _checks, progress
from .._checks import Numbers
from ..core.dynamical import AbstractDynamical
from ..core.stationary import AbstractStationary
from ..numerics.lanes import lanewise
from ..numerics.status import Status
from . import overdamped
from .limit_cycle import limit_cycle
from .natural_units import (
    in_natural_units,
    rates,
    relaxation_time,
    require_dynamical,
    strobe_frequency,
)
from .network.equations import AbstractNetwork
from .network.iv import network_curve, require_longest
from .noise import replicas
from .noisy_voltage import noisy_curve
from .shunted import usual_duration
from .stay import Asked, State, Stay, Voltage, arrive, plan_of, status_of_means, stay
from .swept import stationary_curve
from .voltage_curve import IVCurve as IVCurve

Scalar = Float[Array, ""]
Biases = Float[Array, " n"]
Sweeps = tuple[Float[Array, "2 ..."], Float[Array, "2 ..."], Int[Array, "2 ..."]]

_STAY_COST = 6e-7


def iv_curve(
    device: AbstractDynamical | AbstractStationary | AbstractNetwork,
    currents: Numbers,
    *,
    duration: Numbers | None = None,
    settle: Numbers = 0.5,
    longest: Numbers | None = None,
    tolerance: Numbers = 1e-6,
    noise: Numbers | None = None,
    samples: int = 64,
    key: PRNGKeyArray | int | None = None,
    between: tuple[str, str] | None = None,
) -> IVCurve:
    """Mean voltage against bias, as an experimenter sweeps it: up, and down again.

    Each bias starts from the state that the one before left, and is approached within two
    relaxation times max(2/β, 4β), not at once; the first from rest at zero bias, while the drive is
    turned up. Every mean has its error:

    - Without drive one phase rests (V = 0) or runs: V = 2π/T of its limit cycle, to the error of
      the integration, down to the current at which that ends (retrapping).
    - Without capacitance (`Shunted` with damping None) both sweeps are one: V = 2π/∮dφ/(i − I)
      without drive, the rotation number with it; `duration` is in ħ/2eI₀R, voltages in I₀R.
    - A state locked to the drive, φ(τ + mT) = φ(τ) + 2πn, has V = nΩ/m exactly; error 0. It is
      recognised by its return to 1e-10, m ≤ 12, and left at once.
    - Any other is averaged with a smooth weight over a window, then over one twice as long, until
      the error is below `tolerance`, or for `longest`. Where the phase stays within a turn the
      voltage is 0 and its error that of one slip in the time.

    With `noise` of correlator 2βγδ(τ) (2γδ(τ) without capacitance) `samples` replicas move side
    by side at every bias for `duration`, by stochastic Heun. The error is the standard error by
    their scatter, at least that of one slip in all. With capacitance `up` starts from rest, bias
    and drive being turned up, `down` from a running phase: they differ where `duration` is too
    short to forget it. Without capacitance and drive `thermal_iv` is exact.

    Where states do not move in time, as in a phase-slip wire, V and dV/dI follow from the device's
    equations, each with its rounding error; nothing is averaged, and all of it is differentiable.

    A `Circuit` moves as a whole: it rests, is locked or runs periodically (V = 2π·turns/T, errors
    0), or is averaged; a path that is in motion stays at each bias as others do. With `noise` every
    resistor has its own. Times are in Φ₀/(2πI₀R₀), voltages in I₀R₀.

    Not differentiable otherwise: a running phase forgets its parameters or is chaotic.

    Args:
        device: a driven junction, `Shunted`, any device with an equation of motion, a `Circuit`,
            or one whose equations give the voltage.
        currents: biases (I₀), increasing.
        duration: shortest stay at a bias where the motion is not locked, in 1/ω_p (500 unless
            given, of a shunted device in units of its own time); at least 32 drive periods are
            averaged over. Without drive it plays no role.
        settle: part of it before averaging begins, 0 to 0.9.
        longest: longest stay, 20 times `duration` unless given.
        tolerance: error asked for, relative to the voltage. With noise these two play no role.
        noise: γ = 2ek_BT/ħ in the unit of current (k_BT/E_J), None or 0 for none.
        samples: replicas with noise, at least 2.
        key: `jax.random.key(seed)` or the seed; needed with noise.
        between: of a circuit, the nodes whose voltage is meant; the terminals if left out.

    Raises:
        ValueError: no biases, or biases that do not increase; `duration` too short for a
            drive period, or `longest` for `duration`; negative noise, noise without key; these
            three for stationary states; more than three days of work.
        LongRunWarning: more than a minute, with the time it takes.

    Example:
        >>> junction = jd.KapitzaJunction(damping=5, drive_frequency=4)  # not driven, overdamped
        >>> curve = jd.iv_curve(junction, [0.5, 1.5, 2.0])
        >>> print(*(f"{v:.6f}" for v in curve.up))
        0.000000 0.223760 0.346668
        >>> print(*(f"{np.sqrt(i**2 - 1) / 5:.6f}" for i in (1.5, 2.0)))  # without capacitance
        0.223607 0.346410
        >>> shunted = jd.Shunted(jd.TunnelJunction(1.0))
        >>> warm = jd.iv_curve(shunted, [0.9], noise=0.2, duration=100.0, key=0)
        >>> exact = jd.thermal_iv(shunted.device, [0.9], noise=0.2).voltage
        >>> print(bool(abs(warm.up - exact)[0] < 4 * warm.up_error[0]))
        True
    """
    if not isinstance(device, AbstractStationary | AbstractNetwork):
        require_dynamical(device)
    if between is not None and not isinstance(device, AbstractNetwork):
        raise ValueError(f"between must be left out for a {type(device).__name__}, got {between}")
    bias = _checks.real_array("currents", currents, ndim=1)
    if bias.size == 0:
        raise ValueError("currents must hold at least one bias, got none")
    if _checks.is_concrete(bias) and np.any(np.diff(bias) <= 0):
        raise ValueError("currents must increase; the way down is added by itself")
    if isinstance(device, AbstractStationary):
        given = {"duration": duration, "longest": longest, "noise": noise}
        return stationary_curve(device, bias, _checks.positive("tolerance", tolerance), given)
    part = _checks.real_array("settle", settle, ndim=0, at_least=0.0, at_most=0.9)
    limit, warm = _checks.positive("tolerance", tolerance), _noise(noise, samples, key)
    if isinstance(device, AbstractNetwork):
        return network_curve(device, bias, (duration, part, longest, limit), warm, between)
    duration = usual_duration(device) if duration is None else duration
    length = _checks.positive("duration", duration)
    most = 20 * length if longest is None else _checks.positive("longest", longest)
    require_longest(most, length)
    if warm is not None:
        gamma, samples, key = warm
        return noisy_curve(device, bias, gamma, length, part, samples, key)
    if device.is_overdamped:
        return overdamped.curve(device, bias, (length, part, most, limit))
    driven = device.is_driven()
    driven = bool(driven) if _checks.is_concrete(driven) else None
    by_integration = driven is not False or device.running_states() is None
    periods = length * strobe_frequency(device) / (2 * jnp.pi)
    if by_integration and _checks.is_concrete(periods) and periods * (1 - part) < 1:
        raise ValueError(
            f"duration must leave at least one drive period to average over, got {duration:g}"
        )
    if driven is not None and by_integration:
        _announce(device, bias, length, most, duration)
    return _iv_curve(device, bias, (length, part, most, limit), driven)


def _noise(
    noise: Numbers | None, samples: int, key: PRNGKeyArray | int | None
) -> tuple[Array, int, Array] | None:
    """(γ, replicas, key), None without noise."""
    if noise is None or (isinstance(noise, int | float) and noise == 0):
        return None
    gamma = _checks.real_array("noise", noise, ndim=0, at_least=0.0)
    return gamma, *replicas(samples, key, at_least=2)


def _announce(
    device: AbstractDynamical, bias: Array, length: Array, most: Array, duration: Numbers
) -> None:
    natural = rates(device)
    if natural is None or not all(map(_checks.is_concrete, (bias, length, most))):
        return
    root, frequency = natural
    damping = np.asarray(device.damping)
    least, largest = float(damping.min()), float(damping.max())
    # Both ways; where transients outlast the shortest stay, most biases take the longest.
    stays = 2 * float(most) if 40 / least > length else 4 * float(length)
    ohmic = np.abs(np.asarray(bias)) / least
    per_time = np.maximum(ohmic, max(3 * root, 0.4 * largest, 1.6 * frequency))
    seconds = stays * float(np.sum(per_time)) * _STAY_COST
    progress.announce(
        f"iv_curve of {bias.size} biases", seconds, "duration", duration,
        "shorten duration, or take fewer biases", depth=4,
    )  # fmt: skip


def _stay_plan(device: AbstractDynamical, asked: Asked) -> Stay:
    unit, size = in_natural_units(device)
    ramp = 2 * relaxation_time(unit) / jnp.sqrt(size)
    return plan_of(strobe_frequency(device), ramp, asked)


@eqx.filter_jit
def _iv_curve(
    device: AbstractDynamical,
    bias: Biases,
    asked: Asked,
    driven: bool | None,
) -> IVCurve:
    device, bias = nondifferentiable((device, bias), name="iv_curve")
    plan = _stay_plan(device, asked)
    if device.running_states() is None:
        driven = True
    if driven is None:

        def sweep(device, bias, plan, moving):
            return jax.lax.cond(moving, _driven_sweep, _undriven_sweep, device, bias, plan)

        found = lanewise(sweep)(device, bias, plan, device.is_driven())
    else:
        found = lanewise(_driven_sweep if driven else _undriven_sweep)(device, bias, plan)
    up, down = (tuple(x[k] for x in found) for k in (0, 1))
    return IVCurve(
        bias, up[0], down[0], up[1], down[1], up[2], down[2], device.drive_frequency
    )  # fmt: skip


def _driven_sweep(device: AbstractDynamical, bias: Biases, plan: Stay) -> Sweeps:
    """(mean, error, status) of both sweeps, by integration."""
    return _both_ways(*_along(device, jnp.concatenate([bias, bias[::-1]]), plan))


def voltages(device: AbstractDynamical, bias: Biases, asked: Asked) -> tuple[Array, Array, Array]:
    """(mean, error, status), each bias from the state that the one before left."""
    mean, error, status, unit = _along(device, bias, _stay_plan(device, asked))
    return unit * mean, unit * error, status.astype(jnp.int32)


def _along(
    device: AbstractDynamical, way: Biases, plan: Stay
) -> tuple[Array, Array, Array, Scalar]:
    """(mean, error, status, unit of the voltages) along a way, by integration from rest."""
    unit, size = in_natural_units(device)
    zero, rest = jnp.zeros_like(size), device.rest()
    start = State(rest, jnp.zeros_like(rest), zero, zero)

    def one(state, current):
        if device.phases > 1 or device.drive_frequency is not None:
            return stay(unit, state, current, plan)
        return _undriven_stay(unit, state, current, plan)

    _, found = jax.lax.scan(one, start, way / size)
    if device.phases == 1:
        found = jax.tree.map(lambda x: x[:, 0], found)
    return found.mean, found.error, status_of_means(found), strobe_frequency(device)


def _undriven_stay(unit, state: State, current: Scalar, plan: Stay) -> tuple[State, Voltage]:
    """On the limit cycle to which the phase comes, if it runs; else as with a drive."""
    there = arrive(unit, state, current, plan)
    cycle = limit_cycle(unit, there.phase[0], there.velocity[0], current)

    def runs():
        mean = jnp.sign(current) * 2 * jnp.pi / cycle.period / strobe_frequency(unit)
        error = cycle.error / strobe_frequency(unit)
        found = Voltage(mean[None], error[None], (error <= plan.tolerance * jnp.abs(mean))[None])
        return there._replace(velocity=cycle.speed[None]), found

    return jax.lax.cond(cycle.found, runs, lambda: stay(unit, there, current, plan))


def _undriven_sweep(device: AbstractDynamical, bias: Biases, plan: Stay) -> Sweeps:
    """The same without drive: at rest or in the running state that the device knows."""
    del plan
    running_states = device.running_states()
    assert running_states is not None
    way = jnp.concatenate([bias, bias[::-1]])
    found = jax.lax.map(running_states, way)
    direction = jnp.sign(way)

    def one(running, here):
        sign, able, alone = here
        running = jnp.where(alone | (able & (running == sign)), sign, 0.0)
        return running, running

    zero = jnp.zeros_like(way[0])
    _, running = jax.lax.scan(one, zero, (direction, found.exists, found.alone))
    mean, error = running * found.velocity, jnp.abs(running) * found.error
    status = jnp.where(found.finished, Status.CONVERGED, Status.NOT_CONVERGED)
    mean, error = (jnp.where(found.finished, x, jnp.nan) for x in (mean, error))
    return _both_ways(mean, error, status, zero + 1)


def _both_ways(mean: Array, error: Array, status: Array, unit: Scalar) -> Sweeps:
    """From one way up and down to arrays of shape (2, n)."""
    half = mean.shape[0] // 2
    ways = (unit * mean, unit * error, status.astype(jnp.int32))
    up_and_down = (jnp.stack([x[:half], x[half:][::-1]]) for x in ways)
    mean, error, status = up_and_down
    return mean, error, status
