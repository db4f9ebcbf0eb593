"""Trajectories and current–voltage curves of a driven junction, by diffrax."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from equinox.internal import nondifferentiable
from jaxtyping import Array, Float, Int

from ... import _checks, progress
from ..._checks import Numbers
from ...numerics.lanes import lanewise
from ...numerics.means import BLOCKS
from ...numerics.status import Status
from .junction import KapitzaJunction
from .ramp import in_natural_units, rates, rounded_up
from .running import running_state
from .staying import State, Stay, stay

_TRAJECTORY_COST = 5e-6  # seconds per step, measured
_STAY_COST = 6e-7


class Trajectory(eqx.Module):
    """φ and φ' = V/(ħω_p/2e) at equidistant times (1/ω_p)."""

    time: Float[Array, " n"]
    phase: Float[Array, " n"]
    velocity: Float[Array, " n"]

    def __repr__(self) -> str:
        return eqx.tree_pformat(self, short_arrays=True)


class IVCurve(eqx.Module):
    """Mean voltage ⟨φ'⟩ (units of ħω_p/2e) against bias, swept up and then down.

    Attributes:
        current: increasing biases (I₀).
        up, down: mean voltage on the way up and down; they differ where the junction is
            hysteretic. Steps at multiples of Ω are Shapiro steps of the drive.
        up_error, down_error: their errors: 0 where the motion is locked to the drive or at rest,
            a bound where it is regular, a standard error where it is chaotic.
        up_status, down_status: CONVERGED where that is within the tolerance, NOT_CONVERGED where
            it was not within the longest stay (chaos, or a motion that almost locks; the error
            holds), NONFINITE with NaN where the integration failed.
    """

    current: Float[Array, "*lanes n"]
    up: Float[Array, "*lanes n"]
    down: Float[Array, "*lanes n"]
    up_error: Float[Array, "*lanes n"] | None = None
    down_error: Float[Array, "*lanes n"] | None = None
    up_status: Int[Array, "*lanes n"] | None = None
    down_status: Int[Array, "*lanes n"] | None = None

    def __repr__(self) -> str:
        return eqx.tree_pformat(self, short_arrays=True)


def trajectory(
    device: KapitzaJunction,
    current: Numbers,
    *,
    duration: Numbers = 200.0,
    start: Sequence[Numbers] | None = None,
    samples: int = 2001,
) -> Trajectory:
    """φ(τ) at constant bias.

    Args:
        device: the junction.
        current: bias i (I₀).
        duration: in plasma times 1/ω_p.
        start: (φ, φ') at τ = 0; without it the static minimum at rest.
        samples: equidistant times from 0 to `duration`.

    Raises:
        ValueError: a duration that is not positive or takes three days, fewer than two samples.
        LongRunWarning: more than a minute, with the time it takes.
    """
    _require(device)
    bias = _checks.real_array("current", current, ndim=0)
    length = _checks.positive("duration", duration)
    count = _checks.whole_number("samples", samples, at_least=2)
    if start is None:
        state = -device.static_phase(), jnp.zeros(())
    else:
        if len(start) != 2:
            raise ValueError(f"start must be (phase, velocity), got {start!r}")
        state = tuple(_checks.real_array(f"start[{k}]", start[k], ndim=0) for k in (0, 1))
    natural = rates(device)
    if natural is not None and all(_checks.is_concrete(x) for x in (bias, length)):
        root, frequency = natural
        oscillation = abs(float(bias)) / (3 * float(device.damping))
        steps = float(length) * max(20 * root, 20 * oscillation, 40 * frequency / (2 * np.pi))
        progress.announce(
            "trajectory", steps * _TRAJECTORY_COST, "duration", duration, "shorten duration"
        )
    return _trajectory(device, bias, length, state, count)


def iv_curve(
    device: KapitzaJunction,
    currents: Numbers,
    *,
    duration: Numbers = 500.0,
    settle: Numbers = 0.5,
    longest: Numbers | None = None,
    tolerance: Numbers = 1e-6,
) -> IVCurve:
    """Mean voltage against bias, as an experimenter sweeps it: up, and down again.

    Each bias starts from the state that the one before left, and is approached within two
    relaxation times max(2/β, 4β), not at once; the first from rest at zero bias, while the drive is
    turned up. Every mean has its error:

    - Without drive the junction rests (V = 0) or runs: V = 2π/T of its limit cycle, to rounding,
      down to the current at which that ends (retrapping).
    - A state locked to the drive, φ(τ + mT) = φ(τ) + 2πn, has V = nΩ/m exactly; error 0. It is
      recognised by its return to 1e-10, m ≤ 12, and left at once.
    - Any other is averaged with a smooth weight over a window, then over one twice as long, until
      the error is below `tolerance`, or for `longest`. Where the phase stays within a turn the
      voltage is 0 and its error that of one slip in the time.

    Not differentiable: a running phase forgets its parameters or is chaotic.

    Args:
        device: the junction.
        currents: biases (I₀), increasing.
        duration: shortest stay at a bias where the motion is not locked, in 1/ω_p; at least 32
            drive periods are averaged over. Without drive it plays no role.
        settle: part of it before averaging begins, 0 to 0.9.
        longest: longest stay, 20 times `duration` unless given.
        tolerance: error asked for, relative to the voltage.

    Raises:
        ValueError: no biases, or biases that do not increase; `duration` too short for a
            drive period, or `longest` for `duration`; more than three days of work.
        LongRunWarning: more than a minute, with the time it takes.
    """
    _require(device)
    bias = _checks.real_array("currents", currents, ndim=1)
    if bias.size == 0:
        raise ValueError("currents must hold at least one bias, got none")
    if _checks.is_concrete(bias) and np.any(np.diff(bias) <= 0):
        raise ValueError("currents must increase; the way down is added by itself")
    length = _checks.positive("duration", duration)
    part = _checks.real_array("settle", settle, ndim=0, at_least=0.0, at_most=0.9)
    most = 20 * length if longest is None else _checks.positive("longest", longest)
    if _checks.is_concrete(most) and _checks.is_concrete(length) and most < length:
        raise ValueError(f"longest must be at least duration ({length:g}), got {most:g}")
    periods = length * device.drive_frequency / (2 * jnp.pi)
    moving = device.drive_current, device.quadrature_current
    driven = None
    if all(_checks.is_concrete(x) for x in moving):
        driven = any(np.any(np.asarray(x)) for x in moving)
    if driven is not False and _checks.is_concrete(periods) and periods * (1 - part) < 1:
        raise ValueError(
            f"duration must leave at least one drive period to average over, got {duration:g}"
        )
    limit = _checks.positive("tolerance", tolerance)
    unit, size = in_natural_units(device)
    relaxation = 2 * jnp.maximum(2 / unit.damping, 4 * unit.damping) / jnp.sqrt(size)
    plan = Stay(
        ramp=rounded_up(periods * jnp.minimum(relaxation / length, 0.5)),
        settle=rounded_up(periods * part),
        block=jnp.maximum(rounded_up(periods * (1 - part) / BLOCKS), 2.0),
        longest=periods * most / length,
        tolerance=limit,
    )
    natural = rates(device)
    if driven and natural is not None and all(map(_checks.is_concrete, (bias, length, most))):
        root, frequency = natural
        # Both ways; where transients outlast the shortest stay, most biases take the longest.
        stays = 2 * float(most) if 40 / device.damping > length else 4 * float(length)
        ohmic = np.abs(np.asarray(bias)) / float(device.damping)
        per_time = np.maximum(ohmic, max(3 * root, 0.4 * float(device.damping), 1.6 * frequency))
        seconds = stays * float(np.sum(per_time)) * _STAY_COST
        progress.announce(
            f"iv_curve of {bias.size} biases", seconds, "duration", duration,
            "shorten duration, or take fewer biases",
        )  # fmt: skip
    return _iv_curve(device, bias, plan, driven)


def solve(device, current, state, start, end, size, **options) -> Any:
    """diffrax solution of the equation of motion with a constant step."""
    import diffrax

    def field(time, state, args):
        device, current = args
        phase, velocity = state
        return velocity, device.acceleration(time, phase, velocity, current)

    return diffrax.diffeqsolve(
        diffrax.ODETerm(field),
        diffrax.Tsit5(),
        t0=start,
        t1=end,
        dt0=size,
        y0=state,
        args=(device, current),
        stepsize_controller=diffrax.ConstantStepSize(),
        throw=False,
        **options,
    )


def step_size(device, current, longest=0.1, per_period=20):
    """A step of Tsit5 that divides the drive period; by default mean voltages to 1e-6.

    It also resolves the Josephson oscillation, φ' ~ i/β: a coarser one locks to its own steps.
    """
    period = 2 * jnp.pi / device.drive_frequency
    oscillation = 3 * longest * device.damping / jnp.maximum(jnp.max(jnp.abs(current)), 1e-9)
    return period / jnp.maximum(rounded_up(period / jnp.minimum(longest, oscillation)), per_period)


@eqx.filter_jit
def _trajectory(device, bias, length, state, count):
    import diffrax

    times = length * jnp.linspace(0.0, 1.0, count)
    unit, scale = in_natural_units(device)
    root = jnp.sqrt(scale)
    end, bias = length * root, bias / scale
    found = solve(
        unit, bias, (state[0], state[1] / root), jnp.zeros(()), end,
        step_size(unit, bias, 0.05, 40), saveat=diffrax.SaveAt(ts=times * root), max_steps=None,
        adjoint=diffrax.ForwardMode(),
    )  # fmt: skip
    phase, velocity = found.ys
    return Trajectory(times, phase, root * velocity)


@eqx.filter_jit
def _iv_curve(device, bias, plan, driven):
    device, bias = nondifferentiable((device, bias), name="iv_curve")
    if driven is None:
        moving = jnp.any(device.drive_current != 0) | jnp.any(device.quadrature_current != 0)

        def sweep(device, bias, plan, moving):
            return jax.lax.cond(moving, _driven_sweep, _undriven_sweep, device, bias, plan)

        found = lanewise(sweep)(device, bias, plan, moving)
    else:
        found = lanewise(_driven_sweep if driven else _undriven_sweep)(device, bias, plan)
    up, down = (tuple(x[k] for x in found) for k in (0, 1))
    return IVCurve(bias, up[0], down[0], up[1], down[1], up[2], down[2])


def _driven_sweep(device, bias, plan):
    """(mean, error, status) of both sweeps, each of shape (2, n)."""
    unit, size = in_natural_units(device)
    zero = jnp.zeros_like(size)
    start = State(-device.static_phase(), zero, zero, zero)

    def one(state, current):
        return stay(unit, state, current, plan)

    way = jnp.concatenate([bias, bias[::-1]]) / size
    _, found = jax.lax.scan(one, start, way)
    status = jnp.where(found.met, Status.CONVERGED, Status.NOT_CONVERGED)
    status = jnp.where(jnp.isfinite(found.mean), status, Status.NONFINITE)
    return _both_ways(found.mean, found.error, status, device.drive_frequency)


def _undriven_sweep(device, bias, plan):
    """The same without drive: at rest or on the limit cycle."""
    del plan
    most = device.static_critical_current()
    flows = most > 0
    size = jnp.where(flows, most, 1.0)
    root = jnp.sqrt(size)
    way = jnp.concatenate([bias, bias[::-1]]) / size
    found = jax.lax.map(lambda j: running_state(device.damping / root, j), jnp.abs(way))
    direction = jnp.sign(way)

    def one(running, here):
        sign, able, forced = here
        running = jnp.where(forced | (able & (running == sign)), sign, 0.0)
        return running, running

    forced = jnp.abs(way) > 1 + 1e-14
    _, running = jax.lax.scan(one, jnp.zeros_like(size), (direction, found.exists, forced))
    ohmic = way * root / device.damping
    mean = jnp.where(flows, running * found.velocity, ohmic)
    error = jnp.where(flows, jnp.abs(running) * found.error, 1e-15 * jnp.abs(ohmic))
    met = found.finished | ~flows
    status = jnp.where(met, Status.CONVERGED, Status.NOT_CONVERGED)
    mean, error = (jnp.where(met, x, jnp.nan) for x in (mean, error))
    return _both_ways(mean, error, status, root)


def _both_ways(mean, error, status, unit):
    ways = (unit * mean, unit * error, status.astype(jnp.int32))
    return tuple(jnp.stack([x[: x.size // 2], x[x.size // 2 :][::-1]]) for x in ways)


def _require(device):
    if not isinstance(device, KapitzaJunction):
        raise ValueError(
            f"device must be a KapitzaJunction, got {type(device).__name__}"
            " (a PhaseSlipWire has trace() and state())"
        )
