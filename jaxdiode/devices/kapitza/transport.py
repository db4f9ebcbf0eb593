"""Trajectories and current–voltage curves of a driven junction, by diffrax."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from equinox.internal import nondifferentiable
from jaxtyping import Array, Float

from ... import _checks
from ..._checks import Numbers
from .junction import KapitzaJunction


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
    """

    current: Float[Array, " n"]
    up: Float[Array, " n"]
    down: Float[Array, " n"]

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
        ValueError: a duration that is not positive, fewer than two samples.
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
    return _trajectory(device, bias, length, state, count)


def iv_curve(
    device: KapitzaJunction, currents: Numbers, *, duration: Numbers = 500.0, settle: Numbers = 0.5
) -> IVCurve:
    """Mean voltage against bias, as an experimenter sweeps it: up, and down again.

    Each bias starts from the state that the one before left. The voltage is averaged over whole
    drive periods, so that a locked state has exactly a rational multiple of Ω. Not
    differentiable: a running phase forgets its parameters or is chaotic.

    Args:
        device: the junction.
        currents: biases (I₀), increasing.
        duration: time at each bias, in 1/ω_p.
        settle: part of it before averaging begins, 0 to 0.9.

    Raises:
        ValueError: no biases, or biases that do not increase; `duration` too short for a
            drive period.
    """
    _require(device)
    bias = _checks.real_array("currents", currents, ndim=1)
    if bias.size == 0:
        raise ValueError("currents must hold at least one bias, got none")
    if _checks.is_concrete(bias) and np.any(np.diff(bias) <= 0):
        raise ValueError("currents must increase; the way down is added by itself")
    length = _checks.positive("duration", duration)
    part = _checks.real_array("settle", settle, ndim=0, at_least=0.0, at_most=0.9)
    periods = length * device.drive_frequency / (2 * jnp.pi)
    if _checks.is_concrete(periods) and periods * (1 - part) < 1:
        raise ValueError(
            f"duration must leave at least one drive period to average over, got {duration:g}"
        )
    return _iv_curve(device, bias, periods, part)


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
    return period / jnp.maximum(jnp.ceil(period / jnp.minimum(longest, oscillation)), per_period)


@eqx.filter_jit
def _trajectory(device, bias, length, state, count):
    import diffrax

    times = length * jnp.linspace(0.0, 1.0, count)
    found = solve(
        device, bias, state, jnp.zeros(()), length, step_size(device, bias, 0.05, 40),
        saveat=diffrax.SaveAt(ts=times), max_steps=None, adjoint=diffrax.ForwardMode(),
    )  # fmt: skip
    phase, velocity = found.ys
    return Trajectory(times, phase, velocity)


@eqx.filter_jit
def _iv_curve(device, bias, periods, part):
    import diffrax

    device, bias = nondifferentiable((device, bias), name="iv_curve")
    period = 2 * jnp.pi / device.drive_frequency
    before, averaged = jnp.ceil(periods * part), jnp.maximum(jnp.floor(periods * (1 - part)), 1.0)
    size = step_size(device, bias)

    def hold(state, current, count):
        found = solve(
            device, current, state, jnp.zeros(()), count * period, size,
            saveat=diffrax.SaveAt(t1=True), max_steps=None, adjoint=diffrax.ForwardMode(),
        )  # fmt: skip
        return jax.tree.map(lambda leaf: leaf[-1], found.ys)

    def one(state, current):
        phase, velocity = hold(state, current, before)
        # The phase modulo 2π keeps its digits over a long sweep.
        reduced = jnp.mod(phase, 2 * jnp.pi)
        after = hold((reduced, velocity), current, averaged)
        mean = (after[0] - reduced) / (averaged * period)
        return after, mean

    rest = -device.static_phase(), jnp.zeros(())
    state, up = jax.lax.scan(one, rest, bias)
    _, down = jax.lax.scan(one, state, bias[::-1])
    return IVCurve(bias, up, down[::-1])


def _require(device):
    if not isinstance(device, KapitzaJunction):
        raise ValueError(
            f"device must be a KapitzaJunction, got {type(device).__name__}"
            " (a PhaseSlipWire has trace() and state())"
        )
