"""A phase without capacitance in time: its mean voltage, which has no hysteresis, and its path.

φ̇ + I(φ) = i + f(Ωs). The phase after a time rises with the phase before, so the mean voltage is a
function of the bias alone: quadrature without drive, and with it the rotation number of the map
from one period to the next.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from equinox.internal import nondifferentiable
from jaxtyping import Array, Float, Int

from .. import _checks
from ..core.dynamical import AbstractDynamical
from ..numerics.oscillator import dopri8
from ..numerics.status import Status
from .drive import off_the_jumps
from .natural_units import rounded_up, whole_pieces
from .path import path as path_in_time
from .quadrature import mean_velocity
from .shunted import Shunted, own_unit
from .stay import State, Stay, stay_with
from .voltage_curve import IVCurve

Scalar = Float[Array, ""]
Phases = Float[Array, " phases"]

_BLOCKS = 16
_RELAXED = 8.0  # relaxation times before averaging, in units of 1/max|I|
_STEP = 0.25  # of the integration of order 8, in units of the fastest rate
_FINER = 8.0  # more steps where turns are sharper than one: else false locking, 1e-3 of a voltage
_AT_TURNS = 3e-5  # relative error of a voltage whose phase crosses turns sharper than a step


def curve(
    device: AbstractDynamical, bias: Float[Array, " n"], asked: tuple[Scalar, ...]
) -> IVCurve:
    """Both sweeps, which are one; see `iv_curve`."""
    device = _shunted(device)
    driven = device.is_driven()
    moving = bool(driven) if _checks.is_concrete(driven) else True
    mean, error, status = _curve(device, bias, asked, moving)
    frequency = device.drive_frequency
    return IVCurve(bias, mean, mean, error, error, status, status, frequency, device.voltage_unit)


def _shunted(device: AbstractDynamical) -> Shunted:
    if not isinstance(device, Shunted):
        raise ValueError(
            f"device must be Shunted to be without inertia, got {type(device).__name__}"
        )
    return device


@eqx.filter_jit
def _curve(device: Shunted, bias: Float[Array, " n"], asked: tuple[Scalar, ...], moving: bool):
    device, bias = nondifferentiable((device, bias), name="iv_curve")
    size = own_unit(device)
    unit, bias = device.rescaled(size), bias / size
    found = _driven(unit, bias, asked, size) if moving else _undriven(unit, bias)
    mean, error, status = found
    known = device.device.status()
    status = jnp.where(known == Status.CONVERGED, status, known)
    status = jnp.where(jnp.isfinite(mean), status, Status.NONFINITE).astype(jnp.int32)
    bad = (status != Status.CONVERGED) & (status != Status.NOT_CONVERGED)
    return jnp.where(bad, jnp.nan, size * mean), size * error, status


def voltages(
    device: Shunted, bias: Float[Array, " n"], asked: tuple[Scalar, ...]
) -> tuple[Float[Array, " n"], Float[Array, " n"], Int[Array, " n"]]:
    """(mean, error, status) of a driven device whose relation is solved."""
    size = own_unit(device)
    mean, error, status = _driven(device.rescaled(size), bias / size, asked, size)
    return size * mean, size * error, jnp.asarray(status, jnp.int32)


def _undriven(unit: Shunted, bias: Float[Array, " n"]):
    ends = unit.device.critical_currents()
    rests = (bias <= ends.plus) & (bias >= -ends.minus)

    def one(bias: Scalar):
        return mean_velocity(unit.device, bias)

    # At rest the quadrature is done beside the edge, and left.
    beside = jnp.where(rests, ends.plus + 1.0, bias)
    speed, error = jax.lax.map(one, beside, batch_size=16)
    mean = jnp.where(rests, 0.0, jnp.sign(bias - (ends.plus - ends.minus) / 2) * speed)
    error = jnp.where(rests, 0.0, error)
    status = jnp.where(error <= 1e-6 * jnp.abs(mean), Status.CONVERGED, Status.NOT_CONVERGED)
    return mean, error, status


def _driven(unit: Shunted, bias: Float[Array, " n"], asked: tuple[Scalar, ...], size: Scalar):
    """By integration, each bias from the state that the one before left."""
    length, part, most, tolerance = asked
    assert unit.drive is not None
    frequency = unit.drive.frequency
    periods = size * length * frequency / (2 * jnp.pi)
    plan = Stay(
        ramp=rounded_up(jnp.minimum(_RELAXED * frequency / (2 * jnp.pi), 0.5 * periods)),
        settle=rounded_up(periods * part),
        block=jnp.maximum(rounded_up(periods * (1 - part) / _BLOCKS), 2.0),
        longest=periods * most / length,
        tolerance=tolerance,
    )
    kinks, widths = unit.device.kinks()
    zero = jnp.zeros_like(size)
    rest = unit.rest()
    start = State(rest, jnp.zeros_like(rest), zero, zero + 1)

    def one(state: State, current: Scalar):
        count = _steps_per_period(unit, current)
        end, found = stay_with(_one_period(unit, state, current, plan, count), state, current, plan)
        crossed = 2 * jnp.pi / count * jnp.max(jnp.abs(found.mean))
        sharp = jnp.any(widths < crossed) if kinks.size else jnp.zeros((), bool)
        turns = jnp.where(sharp, _AT_TURNS * jnp.abs(found.mean), 0.0)
        exact = found.met & (found.error == 0)
        # The rotation number of a monotone map is known to a turn over the time, at worst two.
        bound = 2 / (_BLOCKS * plan.block)
        error = jnp.minimum(found.error, bound) + jnp.where(exact, 0.0, turns)
        met = found.met & (error <= tolerance * jnp.abs(found.mean))
        return end, (found.mean[0], error[0], met[0] | exact[0])

    _, (mean, error, met) = jax.lax.scan(one, start, bias)
    status = jnp.where(met, Status.CONVERGED, Status.NOT_CONVERGED)
    return frequency * mean, frequency * error, status


def path(
    device: AbstractDynamical, bias: Scalar, length: Scalar, start: Phases | None, samples: int
) -> tuple[Float[Array, " n"], Float[Array, " n"], Float[Array, " n"]]:
    """(times, φ, φ') at constant bias; see `trajectory`."""
    device = _shunted(device)
    return _path(device, bias, length, start, samples)


@eqx.filter_jit
def _path(device: Shunted, bias: Scalar, length: Scalar, start: Phases | None, samples: int):
    size = own_unit(device)
    unit, current = device.rescaled(size), bias / size
    times = length * jnp.linspace(0.0, 1.0, samples)
    frequency, piece = jnp.zeros(()), jnp.asarray(jnp.inf)
    if unit.drive is not None:
        frequency = unit.drive.frequency
        piece = 2 * jnp.pi / (frequency * unit.drive_pieces())

    def rates(time: Scalar, phase: Phases) -> tuple[Phases]:
        return (unit.velocity(frequency * time, phase, current),)

    begin = unit.rest() if start is None else start
    fastest = unit.largest_current() + jnp.abs(current) + frequency * unit.drive_harmonics()
    (phase,) = path_in_time(rates, (begin,), size * times, _STEP / fastest, piece)
    phase = phase[:, 0]
    return times, phase, size * unit.velocity(frequency * size * times, phase, current)


def _steps_per_period(unit: Shunted, bias: Scalar) -> Scalar:
    assert unit.drive is not None
    frequency = unit.drive.frequency
    fastest = unit.largest_current() + jnp.abs(bias) + frequency * unit.drive_harmonics()
    count = jnp.maximum(rounded_up(2 * jnp.pi / frequency * fastest / _STEP), 16.0)
    turns, widths = unit.device.kinks()
    if turns.size:
        crossed = 2 * jnp.pi / (frequency * count) * (fastest + jnp.abs(bias))
        count = jnp.where(jnp.any(widths < 2 * crossed), _FINER * count, count)
    return whole_pieces(unit, count)


def _one_period(unit: Shunted, start: State, bias: Scalar, plan: Stay, count: Scalar):
    """(φ, φ', periods since the stay began) → (φ, φ') one period later; φ' is not used."""
    assert unit.drive is not None
    frequency = unit.drive.frequency
    period = 2 * jnp.pi / frequency
    size, smooth = period / count, unit.drive_pieces() == 1
    slope = (bias - start.bias) / (plan.ramp * period)

    def advance(x: Phases, v: Phases, periods: Scalar) -> tuple[Phases, Phases]:
        elapsed, ramping = periods * period, periods < plan.ramp

        def field(y, middle):
            time, x = y
            time = time if smooth else off_the_jumps(time, middle)
            along = jnp.where(ramping, elapsed + time, plan.ramp * period)
            current = start.bias + slope * along
            return jnp.ones_like(time), unit.velocity(frequency * time, x, current)

        def step(k, y):
            begin = size * jnp.asarray(k, float)
            return dopri8(lambda y: field(y, begin + size / 2), (begin, *y[1:]), size)

        _, x = jax.lax.fori_loop(0, count.astype(int), step, (jnp.zeros_like(period), x))
        return x, jnp.zeros_like(v)

    return advance
