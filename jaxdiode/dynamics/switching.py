"""Switching currents as they are measured: adiabatic ramps, quenches, thermal histograms."""

import math
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from equinox.internal import nondifferentiable
from jaxtyping import Array, Float, Int, PRNGKeyArray

from .. import _checks, progress
from .._checks import Numbers
from ..core.dynamical import AbstractDynamical
from ..core.results import AbstractResult
from ..numerics.status import Status
from .climb import SWITCHED, Schedule
from .langevin import NOISE_STEP, first_slips, noisy_ramps
from .natural_units import in_natural_units, rates, require_dynamical
from .network.equations import AbstractNetwork
from .network.switching import switched
from .noise import SETTLING, replicas, steps_of
from .ramp import staircase
from .shunted import Shunted, own_unit
from .trajectory import solve, step_size

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PROTOCOLS = ("ramp", "quench")
_BIASES = 256  # of a quench's first scan
_FIRST = 1 / 200  # first step of a ramp (I₁)
_NOISE_COST = 2e-7  # seconds per step and ramp, measured
_QUENCH_COST = 3e-7
_SLIP_COST, _SLIP_STEP_COST = 4e-8, 4e-6  # without capacitance, and seconds per step of them all


class SwitchingCurrents(AbstractResult):
    """Measured I₊ and I₋, magnitudes in their own direction; shape (samples,) with noise.

    NaN with the status NO_ZERO_VOLTAGE_STATE where the phase runs at zero bias.

    Example:
        >>> junction = jd.KapitzaJunction(damping=1, drive_frequency=4)
        >>> found = jd.switching_currents(junction, noise=0.02, rate=5e-3, samples=8, key=0)
        >>> print(found.plus.shape, f"{found.plus.mean():.1f}", found.status.tolist())
        (8,) 1.1 [0, 0, 0, 0, 0, 0, 0, 0]
    """

    plus: Float[Array, "..."]
    minus: Float[Array, "..."]
    status: Int[Array, "..."]

    def plot(self) -> "Figure":
        from .. import plot

        return plot.switching_histogram(self) if np.ndim(self.plus) == 1 else plot.values(self)

    @property
    def efficiency(self) -> Float[Array, "..."]:
        """η of the mean switching currents."""
        plus, minus = (x if x.ndim == 0 else jnp.mean(x, -1) for x in (self.plus, self.minus))
        return (plus - minus) / (plus + minus)


def switching_currents(
    device: AbstractDynamical | AbstractNetwork,
    protocol: str = "ramp",
    *,
    accuracy: float = 1e-5,
    duration: Numbers = 500.0,
    noise: Numbers = 0.0,
    rate: Numbers = 5e-4,
    samples: int = 256,
    key: PRNGKeyArray | int | None = None,
    start: Numbers | None = None,
) -> SwitchingCurrents:
    """The measurement of I₊ and I₋. For design use `critical_currents`: this has no gradients.

    - "ramp", without noise: from the static minimum at zero bias the drive is turned up, then the
      bias raised in steps of 0.5 % of I₁, each ramped during two relaxation times max(2/β, 4β) and
      held until the motion repeats, or for 40 relaxation times where it is chaotic (800
      next to a fold). At a switch (the phase advances by more than 4π at one bias) the ramp
      goes back and halves the step, down to `accuracy`. The adiabatic limit of an experiment;
      out of chaotic states the result depends on how long one holds.
    - "ramp" with `noise`: the bias grows at a constant `rate`, with current noise of correlator
      2βγδ(τ); Euler–Heun with steps of 0.05/ω_p at most. Switched when the phase is 4π from where
      it started.
    - "quench": each bias is switched on at τ = 0 with φ = φ' = 0 and held for `duration`;
      the lowest that switches counts. **It finds a diode where there is none**: the start is
      not the minimum unless φ₀ = 0, and how far the phase overshoots depends on the sign of the
      bias (η = 0.276 at β = 0.1 without any drive).

    A `Circuit` is ramped ("ramp", the injected currents first) in steps of 1 % of all its critical
    currents, halved below a switch down to `accuracy` times their sum: switched is what runs with a
    voltage at the terminals, not what falls into another flux state. Where a heavy junction passes
    the end of its state, it depends on the way it came whether another state catches it.

    Args:
        device: a driven junction, `Shunted`, any device with an equation of motion, or a `Circuit`.
        protocol: "ramp" or "quench".
        accuracy: of a ramp without noise, relative to the larger of I₁ and a quarter of all
            amplitudes; of a quench, relative to the sum of all amplitudes.
        duration: of each bias of a quench (1/ω_p).
        noise: γ = k_BT/E_J (see `CircuitScale.noise`), for "ramp".
        rate: di/dτ of a ramp with noise.
        samples: ramps with noise, in each direction.
        key: `jax.random.key(seed)` or the seed; needed with noise.
        start: of a `Shunted` device with noise a phase at zero bias, from which it slides into its
            well; the well of least energy if left out.

    Raises:
        ValueError: unknown protocol, negative noise, noise without key or with "quench",
            numbers that are not positive, a start of another device or without noise, more than
            three days of work.
        LongRunWarning: more than a minute, with the time it takes.

    Example:
        >>> junction = jd.KapitzaJunction(  # not driven
        ...     damping=0.3, drive_frequency=4, static_current=0.5, phase_offset=0.7
        ... )
        >>> found = jd.switching_currents(junction)
        >>> print(f"{found.plus:.4f} {found.minus:.4f} {abs(1 + 0.5 * np.exp(0.7j)):.4f}")
        1.4195 1.4195 1.4195
        >>> shunted = jd.Shunted(jd.Harmonics([1.0, 0.0], [0.0, 0.5]))  # no capacitance
        >>> print(np.round(jd.switching_currents(shunted).plus, 6))
        0.75
        >>> found = jd.switching_currents(shunted, noise=0.02, rate=1e-2, samples=64, key=0)
        >>> print(f"{found.plus.mean():.1f} {found.minus.mean():.1f}")
        0.9 1.5
    """
    network = isinstance(device, AbstractNetwork)
    if not network:
        require_dynamical(device)
    if not network and device.drive_pieces() > 1 and not device.is_overdamped:
        raise ValueError(
            "drive must be without jumps for simulated ramps with a capacitance, got a "
            "SquareWave: iv_curve and rectified_voltage take it"
        )
    if protocol not in _PROTOCOLS:
        raise _checks.unknown_name("protocol", protocol, _PROTOCOLS)
    for name, value in (("accuracy", accuracy), ("duration", duration), ("rate", rate)):
        _checks.positive(name, value)
    gamma = _checks.real_array("noise", noise, ndim=0, at_least=0.0)
    noisy = not isinstance(noise, int | float) or noise > 0
    if start is not None:
        if not noisy or not isinstance(device, Shunted):
            raise ValueError("start must be left out but for ramps with noise of a Shunted device")
        start = _checks.real_array("start", start, ndim=0)
    original, device = device, nondifferentiable(device, name="switching_currents")
    if isinstance(device, AbstractNetwork):
        warm = (gamma, jnp.asarray(rate, float), *replicas(samples, key)) if noisy else None
        return SwitchingCurrents(*_pair(*switched(device, protocol, float(accuracy), warm)))
    if protocol == "quench" and device.is_overdamped:
        raise ValueError(
            "protocol must be 'ramp' without capacitance (damping None), got 'quench': where "
            "each bias starts plays no role there"
        )
    if protocol == "quench":
        if noisy:
            raise ValueError("noise must be 0 with protocol 'quench'; use 'ramp'")
        _announce_quench(original, duration)
        return _quench(device, float(accuracy), jnp.asarray(duration, float))
    if not noisy and device.is_overdamped:
        found = device.critical_currents()
        return SwitchingCurrents(found.plus, found.minus, found.status)
    if not noisy:
        halvings = max(1, math.ceil(math.log2(_FIRST / accuracy)))
        return _ramp(device, halvings)
    samples, key = replicas(samples, key)
    if isinstance(device, Shunted) and device.is_overdamped:
        _announce_slips(original, rate, samples)
        return _first_slips(device, gamma, jnp.asarray(rate, float), key, samples, start)
    _announce_ramps(original, rate, samples)
    keys = jax.random.split(key, samples)
    return _noisy_ramps(device, gamma, jnp.asarray(rate, float), keys, start)


def _pair(currents: Array, status: Array) -> tuple[Array, Array, Array]:
    """Both directions, and the worse status."""
    return currents[0], currents[1], jnp.max(status, axis=0).astype(jnp.int32)


def _announce_quench(device, duration):
    natural = rates(device)
    if natural is not None and _checks.is_concrete(duration):
        root, frequency = natural
        steps = 2 * _BIASES * float(duration) * max(10 * root, 20 * frequency / (2 * np.pi))
        progress.announce(
            "a quench", steps * _QUENCH_COST, "duration", duration, "shorten duration", depth=4
        )


def _announce_ramps(device, rate, samples):
    natural = rates(device)
    if natural is not None and _checks.is_concrete(rate):
        root, frequency = natural
        damping = np.asarray(device.damping) / root
        settling = float(np.max(np.maximum(1 / damping, damping)))
        climb = np.sqrt(2.0) * root**2 / float(rate)  # to about I₁
        time = 20 * settling / root + climb
        steps = time * max(root / NOISE_STEP, 20 * frequency / (2 * np.pi))
        progress.announce(
            f"switching_currents of {samples} samples",
            2 * max(samples, 4) * steps * _NOISE_COST,
            "rate",
            rate,
            "raise rate (mean currents move with its logarithm) or take fewer samples",
            depth=4,
        )


def _announce_slips(device, rate, samples):
    if _checks.all_concrete((device, rate)):
        size = float(own_unit(device))
        unit = device.rescaled(jnp.asarray(size))
        steps = steps_of(unit, jnp.zeros(()), jnp.zeros(()))
        climb = 2 * SETTLING + size**2 / float(rate)
        progress.announce(
            f"switching_currents of {samples} samples",
            2 * climb / float(steps.size) * (_SLIP_STEP_COST + samples * _SLIP_COST),
            "rate",
            rate,
            "raise rate (mean currents move with its logarithm) or take fewer samples",
            depth=4,
        )


def _both(function, size):
    """function(direction) → (current, status) in both directions, in currents of a unit `size`."""
    currents, status = jax.vmap(function)(jnp.array([1.0, -1.0]))
    return SwitchingCurrents(*_pair(size * currents, status))


@eqx.filter_jit
def _ramp(device, halvings):
    device, size = in_natural_units(device)
    schedule = Schedule(
        first=_FIRST, halvings=halvings, patience=400, restless=20, repeats=1e-7, step=0.05
    )

    def one(direction):
        found = staircase(device, direction, schedule)
        current = 0.5 * direction * (found.held.current + found.switched)
        bad = jnp.where(found.running, Status.NO_ZERO_VOLTAGE_STATE, Status.CONVERGED)
        return jnp.where(found.running, jnp.nan, current), bad

    return _both(one, size)


@eqx.filter_jit
def _quench(device, accuracy, duration):
    import diffrax

    device, unit = in_natural_units(device)
    duration = duration * jnp.sqrt(unit)
    most, still = device.largest_current(), jnp.zeros(device.phases)

    def switches(bias):
        ran = diffrax.Event(lambda t, y, args, **_: jnp.max(jnp.abs(y[0])) > SWITCHED)
        found = solve(
            device, bias, (still, still), jnp.zeros(()), duration, step_size(device, jnp.zeros(())),
            saveat=diffrax.SaveAt(t1=True), max_steps=None, event=ran,
        )  # fmt: skip
        return ~(jnp.max(jnp.abs(found.ys[0][-1])) <= SWITCHED)

    grid = most * jnp.linspace(0.0, 1.0, _BIASES + 1)
    rounds = max(1, math.ceil(-math.log2(accuracy * _BIASES)))

    def one(direction):
        ran = jax.vmap(lambda bias: switches(direction * bias))(grid)
        first = jnp.argmax(ran)

        def halve(_, bracket):
            low, high = bracket
            middle = 0.5 * (low + high)
            above = switches(direction * middle)
            return jnp.where(above, low, middle), jnp.where(above, middle, high)

        start = grid[jnp.maximum(first - 1, 0)], grid[first]
        low, high = jax.lax.fori_loop(0, rounds, halve, start)
        none = jnp.where(ran[0], Status.NO_ZERO_VOLTAGE_STATE, Status.CONVERGED)
        none = jnp.where(jnp.any(ran), none, Status.NOT_CONVERGED)
        return jnp.where(none == Status.CONVERGED, 0.5 * (low + high), jnp.nan), none

    return _both(one, unit)


@eqx.filter_jit
def _noisy_ramps(device, gamma, rate, keys, start):
    device, unit = in_natural_units(device)
    rest = _rest(device, start)
    ramps = noisy_ramps(device, gamma / unit, rate / (unit * jnp.sqrt(unit)), keys, rest)
    return _both(ramps, unit)


@eqx.filter_jit
def _first_slips(device: Shunted, gamma, rate, key, samples: int, start):
    unit = own_unit(device)
    device = device.rescaled(unit)
    rest = _rest(device, start)
    return _both(first_slips(device, gamma / unit, rate / unit**2, key, samples, rest), unit)


def _rest(device: AbstractDynamical, start: Array | None) -> Array:
    return (
        device.slid(start) if isinstance(device, Shunted) and start is not None else device.rest()
    )
