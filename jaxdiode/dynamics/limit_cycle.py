"""The running state of one phase without drive: its limit cycle, from a state that runs.

    φ'' + βφ' + I(φ) = i.  Over a turn E = φ'²/2 changes by 2πi − β∮φ'dφ, and a small change of it
    shrinks by exp(−βT):

Newton's method for E needs no derivatives; where it goes too low for a whole turn, the energy after
the last one is next. There is one cycle at most, and a state that makes a turn comes to it if there
is one. V = 2π/T, a mean over whole turns. Steps get shorter towards sharp turns of I.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..core.dynamical import AbstractDynamical
from ..numerics.oscillator import dopri8
from .shunted import Shunted

Scalar = Float[Array, ""]

_STEP = 0.4  # radians or units of the fastest time, whichever passes first
_CLOSEST = 1e-9  # radians from a sharp turn, the shortest step
_RESTS = 1e-12  # speed, in natural units
_MOST_STEPS = 100_000
_MOST_TURNS = 60
_ACCURATE = 1e-11  # relative change of E after which a cycle is found
_ROUNDED = 1e-7  # the same where rounding, or steps that sharp turns shorten, allow no better


class Cycle(NamedTuple):
    """A cycle at the phase from which it was looked for.

    Attributes:
        speed: φ' there.
        period: T.
        error: of 2π/T.
        found: there is one, and the state comes to it.
    """

    speed: Scalar
    period: Scalar
    error: Scalar
    found: Bool[Array, ""]


class _Path(NamedTuple):
    x: Scalar
    v: Scalar
    time: Scalar
    last: Bool[Array, ""]
    steps: Array


def limit_cycle(device: AbstractDynamical, x: Scalar, v: Scalar, bias: Scalar) -> Cycle:
    """From a state, of a device in natural units; twice, with steps of which one is half."""
    sign, size_at = jnp.sign(bias), _steps_near(device)
    end = x + sign * 2 * jnp.pi
    fastest = device.largest_current() + device.damping**2 / 16

    def field(state: tuple, to_section: Bool[Array, ""]):
        x, v, _ = state
        # By its own clock until the turn is nearly complete, then along x, to end there.
        along = jnp.where(v == 0, jnp.ones_like(v), jnp.abs(v))
        clock = jnp.where(to_section, 1 / along, 1 / jnp.sqrt(fastest + v**2))
        zero = jnp.zeros_like(x)
        return v * clock, device.equation_of_motion(zero, x, v, bias) * clock, clock

    def turn(v: Scalar, size: Scalar, steps: Array) -> _Path:
        def unfinished(s: _Path):
            runs = (sign * (s.x - end) < 0) & (sign * s.v > _RESTS)
            return runs & (s.steps < _MOST_STEPS)

        def step(s: _Path) -> _Path:
            before = s.x, s.v, s.time
            length = jnp.where(s.last, jnp.abs(end - s.x), size * size_at(s.x))
            after = dopri8(lambda y: field(y, s.last), before, length)
            beyond = ~s.last & (sign * (after[0] - end) >= 0)
            new = (jnp.where(beyond, a, b) for a, b in zip(before, after, strict=True))
            now, speed, time = new
            return _Path(jnp.where(s.last, end, now), speed, time, beyond, s.steps + 1)

        return jax.lax.while_loop(
            unfinished, step, _Path(x, v, jnp.zeros_like(x), jnp.zeros((), bool), steps)
        )

    def look(size: Scalar):
        def unfinished(state: tuple):
            _, _, _, change, k, _, going = state
            return going & (change > _ACCURATE) & (k < _MOST_TURNS)

        def newton(state: tuple):
            v, after, period, _, k, steps, _ = state
            path = turn(v, size, steps)
            whole = (sign * (path.x - end) >= 0) & (sign * path.v > 0)
            energy, image = v**2 / 2, path.v**2 / 2
            more = (image - energy) / -jnp.expm1(-device.damping * path.time)
            following = jnp.where(energy + more > 0, energy + more, image)
            # Too low for a turn: on from where the last one ended, if that was not just tried.
            retry = ~whole & (after > 0) & (after != energy)
            following = jnp.where(whole, following, after)
            now = jnp.where(whole, jnp.abs(more) / (energy + jnp.abs(more)), jnp.inf)
            period = jnp.where(whole, path.time, period)
            speed = sign * jnp.sqrt(2 * jnp.maximum(following, 0.0))
            after = jnp.where(whole, image, after)
            return speed, after, period, now, k + 1, path.steps, whole | retry

        begins = (sign != 0) & (sign * v > _RESTS)
        far, none = jnp.full_like(v, jnp.inf), jnp.zeros_like(v)
        start = v, none, jnp.ones_like(v), far, 0, 0, begins
        found = jax.lax.while_loop(unfinished, newton, start)
        speed, _, period, change, _, steps, going = found
        done = going & (change <= _ROUNDED) & (steps < _MOST_STEPS)
        return speed, period, change, done

    speeds, periods, changes, done = jax.lax.map(look, _STEP * jnp.array([1.0, 0.5]))
    mean = 2 * jnp.pi / periods
    error = jnp.abs(mean[1] - mean[0]) + (1e-14 + jnp.max(changes)) * mean[1]
    return Cycle(speeds[1], periods[1], error, jnp.all(done))


def _steps_near(device: AbstractDynamical) -> Callable[[Scalar], Scalar]:
    """The longest step at a phase, in units of the usual one."""
    if not isinstance(device, Shunted):
        return jnp.ones_like
    turns, widths = (jnp.ravel(jnp.asarray(x, float)) for x in device.device.kinks())
    if not turns.size:
        return jnp.ones_like

    def longest(phase: Scalar) -> Scalar:
        away = jnp.abs(jnp.mod(phase - turns + jnp.pi, 2 * jnp.pi) - jnp.pi)
        nearest = jnp.min(jnp.maximum(away, widths / 2))
        return jnp.clip(nearest, _CLOSEST, 1.0)

    return longest
