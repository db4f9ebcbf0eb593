"""Trajectories at constant bias, by diffrax."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .. import _checks, progress
from .._checks import Numbers
from ..core.dynamical import AbstractDynamical
from ..core.results import AbstractResult, status_of
from . import overdamped
from .natural_units import (
    acceleration,
    in_natural_units,
    rates,
    require_dynamical,
    rounded_up,
    smallest,
    strobe_period,
)
from .network.equations import AbstractNetwork
from .network.path import CircuitTrajectory, circuit_trajectory
from .path import path

Scalar = Float[Array, ""]
Phases = Float[Array, " phases"]

_TRAJECTORY_COST = 5e-6  # seconds per step, measured


class Trajectory(AbstractResult):
    """φ and φ' = V/(ħω_p/2e) at equidistant times (1/ω_p); of several phases along a last axis.

    Example:
        >>> junction = jd.KapitzaJunction(damping=1, drive_frequency=4)
        >>> path = jd.trajectory(junction, 0.0, duration=2, start=(0.1, 0.0), samples=3)
        >>> print(*(f"{x:.6f}" for x in path.phase), *(f"{x:.6f}" for x in path.velocity))
        0.100000 0.066015 0.015122 0.000000 -0.053299 -0.041941
        >>> print(f"{path.time[-1]:.1f}")
        2.0
    """

    time: Float[Array, " n"]
    phase: Float[Array, " n"] | Float[Array, "n phases"]
    velocity: Float[Array, " n"] | Float[Array, "n phases"]

    @property
    def status(self) -> Array | np.ndarray:
        """NONFINITE where the integration failed, at every time."""
        return status_of(self.velocity)


def trajectory(
    device: AbstractDynamical | AbstractNetwork,
    current: Numbers,
    *,
    duration: Numbers = 200.0,
    start: Sequence[Numbers] | None = None,
    samples: int = 2001,
) -> Trajectory | CircuitTrajectory:
    """φ(τ) at constant bias.

    Of a `Circuit` the phases, voltages and currents of all its nodes and elements, times in
    Φ₀/(2πI₀R₀); the bias and injected currents are there from τ = 0 on.

    Args:
        device: a driven junction, any device with an equation of motion, or a `Circuit`.
        current: bias i (I₀).
        duration: in plasma times 1/ω_p.
        start: (φ, φ') at τ = 0, lists where there are several phases; without it the static
            minimum at rest. Without capacitance φ' follows from φ, and the one given is not used.
            Of a circuit one number of each of `circuit.nodes`.
        samples: equidistant times from 0 to `duration`.

    Raises:
        ValueError: a duration that is not positive or takes three days, fewer than two samples.
        LongRunWarning: more than a minute, with the time it takes.

    Example:
        >>> junction = jd.KapitzaJunction(damping=1, drive_frequency=4)
        >>> path = jd.trajectory(junction, 0.5, duration=40, samples=5)
        >>> print(*(f"{x:.6f}" for x in path.phase / np.pi))  # comes to rest at arcsin(i) = π/6
        0.000000 0.166047 0.166675 0.166667 0.166667
    """
    if not isinstance(device, AbstractNetwork):
        require_dynamical(device)
    bias = _checks.real_array("current", current, ndim=0)
    length = _checks.positive("duration", duration)
    count = _checks.whole_number("samples", samples, at_least=2)
    if isinstance(device, AbstractNetwork):
        return circuit_trajectory(device, bias, length, start, count)
    state = None if start is None else _state(start, device.phases)
    if device.is_overdamped:
        first = None if state is None else state[0]
        return Trajectory(*overdamped.path(device, bias, length, first, count))
    natural = rates(device)
    if natural is not None and all(_checks.is_concrete(x) for x in (bias, length)):
        root, frequency = natural
        oscillation = abs(float(bias)) / (3 * float(np.min(device.damping)))
        steps = float(length) * max(20 * root, 20 * oscillation, 40 * frequency / (2 * np.pi))
        progress.announce(
            "trajectory", steps * _TRAJECTORY_COST, "duration", duration, "shorten duration"
        )
    return _trajectory(device, bias, length, state, count)


def _state(start: Sequence[Numbers], phases: int) -> tuple[Phases, Phases]:
    if len(start) != 2:
        raise ValueError(f"start must be (phase, velocity), got {start!r}")
    ndim = 0 if phases == 1 else 1
    x, v = (_checks.real_array(f"start[{k}]", start[k], ndim=ndim) for k in (0, 1))
    if ndim:
        for k, given in enumerate((x, v)):
            _checks.require_length(f"start[{k}]", given, phases, "one of each phase")
        return x, v
    return x[None], v[None]


def solve(
    device: AbstractDynamical,
    current: Scalar,
    state: tuple[Phases, Phases],
    start: Scalar,
    end: Scalar,
    size: Scalar,
    **options: Any,
) -> Any:
    """diffrax solution of the equation of motion with a constant step."""
    import diffrax

    def field(time, state, args):
        device, current = args
        phase, velocity = state
        return velocity, acceleration(device, time, phase, velocity, current)

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


def step_size(
    device: AbstractDynamical, current: Scalar, longest: float = 0.1, per_period: int = 20
) -> Scalar:
    """A step of Tsit5 that divides the drive period; by default mean voltages to 1e-6.

    It also resolves the Josephson oscillation, φ' ~ i/β: a coarser one locks to its own steps.
    """
    period = strobe_period(device)
    oscillation = (
        3 * longest * smallest(device.damping) / jnp.maximum(jnp.max(jnp.abs(current)), 1e-9)
    )
    return period / jnp.maximum(rounded_up(period / jnp.minimum(longest, oscillation)), per_period)


@eqx.filter_jit
def _trajectory(device, bias, length, state, count):
    import diffrax

    times = length * jnp.linspace(0.0, 1.0, count)
    unit, scale = in_natural_units(device)
    root = jnp.sqrt(scale)
    if state is None:
        rest = device.rest()
        state = rest, jnp.zeros_like(rest)
    end, bias = length * root, bias / scale
    if device.drive_pieces() > 1:
        phase, velocity = _by_pieces(unit, bias, (state[0], state[1] / root), times * root)
        phase, velocity = (x[:, 0] if device.phases == 1 else x for x in (phase, velocity))
        return Trajectory(times, phase, root * velocity)
    found = solve(
        unit, bias, (state[0], state[1] / root), jnp.zeros(()), end,
        step_size(unit, bias, 0.05, 40), saveat=diffrax.SaveAt(ts=times * root), max_steps=None,
        adjoint=diffrax.ForwardMode(),
    )  # fmt: skip
    phase, velocity = found.ys
    one = device.phases == 1
    phase, velocity = (x[:, 0] if one else x for x in (phase, velocity))
    return Trajectory(times, phase, root * velocity)


def _by_pieces(
    unit: AbstractDynamical,
    bias: Scalar,
    start: tuple[Phases, Phases],
    times: Float[Array, " n"],
) -> tuple[Float[Array, "n phases"], Float[Array, "n phases"]]:
    """(φ, φ') under a drive that jumps."""

    def rates(time: Scalar, phase: Phases, velocity: Phases) -> tuple[Phases, Phases]:
        return velocity, acceleration(unit, time, phase, velocity, bias)

    step, piece = step_size(unit, bias, 0.2, 10), strobe_period(unit) / unit.drive_pieces()
    phase, velocity = path(rates, start, times, step, piece)
    return phase, velocity
