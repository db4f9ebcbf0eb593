"""Networks with the thermal noise of their resistors.

    C φ'' + G φ' + F(φ) = s(t) + ξ,   ⟨ξξᵀ⟩ = 2γ G δ(τ − τ'),

ξ = A_R √G_R x with one white x per resistor: noises of two nodes that share one are correlated.
The trapezoidal rule takes linear modes to their exact variance whatever the step, and is of second
order in the others' means; it needs neither C nor G to be regular.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from equinox.internal import nondifferentiable
from jaxtyping import Array, Bool, Float, Int, Key

from ... import _checks, progress
from ...numerics.dense import inverse
from ..drive import off_the_jumps
from ..natural_units import rounded_up
from ..noise import BLOCK, stepping
from ..noisy_voltage import mean_velocity, status_of_sweeps
from ..voltage_curve import IVCurve
from .equations import AbstractNetwork, Network, Push

Scalar = Float[Array, ""]
Lanes = Float[Array, "lanes unknowns"]
Count = Int[Array, ""]

DURATION = 500.0  # of the network's own times
VOLTAGE_UNIT = r"$I_0R_0$"

_LARGEST = 0.2  # step, of the network's own time
_HALVINGS = 20
_CONTRACTS = 0.1  # rate of the iterations of a step
_TURN = 0.25  # radians of a running phase in a step
_ROUNDS = 6
_LANES = 2**12  # at once
_SETTLED = 1.5  # of the slowest time that settling must last
_COST, _STEP_COST = 5e-8, 2e-5  # seconds per step, of a lane and unknown, of a batch


class Steps(NamedTuple):
    """How a network is integrated.

    Attributes:
        size: of a step.
        count: steps in a period of the drive.
        solver: inverse of the linear part of a step.
        kick: noise of a step per x of unit variance.
        fine: whether steps are small enough.
    """

    size: Scalar
    count: Scalar
    solver: Float[Array, "unknowns unknowns"]
    kick: Float[Array, "nodes resistors"]
    fine: Bool[Array, ""]


def steps_of(network: Network, gamma: Scalar, bias: Scalar) -> Steps:
    """Steps for currents up to that bias."""
    steepest = network.relations.steepest()
    most = bias * jnp.abs(network.into) + jnp.abs(network.sources)
    if network.drive is not None:
        most = most + network.drive.largest_current() * jnp.abs(network.driven)
    most = most + jnp.abs(network.of_junctions) @ network.relations.largest()
    of, size = network.of_junctions, len(network.nodes)

    def fits(step: Scalar) -> Array:
        inner = _solver(network, step)[:size, :size]
        rate = jnp.max(jnp.sum(jnp.abs(inner @ (of * steepest) @ of.T), axis=1)) / 2
        free = _solver(network, step, inertia=1e-3)[:size, :size]
        turn = jnp.max(jnp.abs(of.T @ free) @ most)
        return (rate < _CONTRACTS) & (turn < _TURN)

    tried = _LARGEST * 0.5 ** jnp.arange(_HALVINGS, dtype=float)
    fine = jax.lax.map(fits, tried)
    step = tried[jnp.where(jnp.any(fine), jnp.argmax(fine), _HALVINGS - 1)]
    count = jnp.ones(())
    if network.drive is not None:
        period, pieces = 2 * jnp.pi / network.frequency, network.drive.pieces()
        least = 20.0 * network.drive.harmonics()
        count = pieces * rounded_up(jnp.maximum(period / step, least) / pieces)
        step = period / count
    kick = jnp.sqrt(2 * gamma / step) * network.resistors
    return Steps(step, count, _solver(network, step), kick, jnp.any(fine))


@eqx.filter_jit
def ramp_seconds(device: AbstractNetwork, gamma: Scalar, rate: Scalar, samples: int) -> Scalar:
    """What a ramp of both directions up to all critical currents takes."""
    network = device.network()
    total = network.sum_of_currents()
    steps = steps_of(network, gamma / network.current, 1.5 * total)
    count = 2 * total / (rate * network.time / network.current) / steps.size
    unknowns = len(network.nodes) + len(network.inductors)
    return 2 * count * (samples * _COST * unknowns + _STEP_COST * np.ceil(samples / _LANES))


def _solver(network: Network, step: Scalar, inertia: float = 1.0) -> Array:
    """Of 2C/h² + G/h beside the inductors, without the junctions' slopes."""
    inner = 2 * inertia * network.capacitance / step**2 + network.conductance / step
    of = network.of_inductors
    return inverse(jnp.block([[inner, of / 2], [of.T, -network.inductance]]))


def one_step(
    network: Network,
    steps: Steps,
    state: tuple[Lanes, Lanes],
    injected: Float[Array, "#lanes unknowns"],
    normals: Array,
) -> tuple[Lanes, Lanes]:
    """(q, v) a step later, for currents injected on average in it."""
    size = len(network.nodes)
    q, v = state
    internal = jax.vmap(network.internal)
    before = internal(q)[:, :size] / 2
    kick = normals @ steps.kick.T

    def miss(new: Lanes) -> Lanes:
        rate = (new - q)[:, :size] / steps.size
        turning = 2 * (rate - v[:, :size]) / steps.size
        found = internal(new)
        flow = turning @ network.capacitance + rate @ network.conductance + before
        flow = flow + found[:, :size] / 2 - injected[:, :size] - kick
        return jnp.concatenate([flow, found[:, size:]], axis=1)

    def solve(_: Array, new: Lanes) -> Lanes:
        return new - miss(new) @ steps.solver.T

    new = jax.lax.fori_loop(0, _ROUNDS, solve, q + steps.size * v)
    return new, 2 * (new - q) / steps.size - v


def injected_at(network: Network, steps: Steps, k: Count, push: Push) -> Float[Array, " unknowns"]:
    """The mean of both ends of step k."""
    begin = steps.size * jnp.mod(k.astype(float), steps.count)
    ends = off_the_jumps(begin + steps.size * jnp.array([0.0, 1.0]), begin + steps.size / 2)
    angles = network.frequency * ends
    return jnp.mean(jax.vmap(lambda x: network.injected(push, x))(angles), axis=0)


def noisy_curve(
    device: AbstractNetwork,
    bias: Float[Array, " n"],
    warm: tuple[Array, int, Array],
    times: tuple[Scalar | None, Scalar],
    between: tuple[str, str] | None,
) -> IVCurve:
    """See `iv_curve`; `warm` is (γ, replicas, key), times are (duration, part before averaging)."""
    gamma, samples, key = warm
    if _checks.all_concrete((device, bias, gamma, times)):
        steps, unknowns = _work(device, bias, gamma, times)
        lanes = 2 * samples * bias.size
        seconds = float(steps) * (lanes * _COST * unknowns + _STEP_COST * np.ceil(lanes / _LANES))
        progress.announce(
            f"iv_curve of {bias.size} biases with {samples} samples", seconds, "duration",
            "its own" if times[0] is None else float(times[0]),
            "shorten duration, or take fewer biases or samples", depth=6,
        )  # fmt: skip
    return _noisy_curve(device, bias, gamma, times, samples, key, between)


@eqx.filter_jit
def _work(device: AbstractNetwork, bias: Array, gamma: Scalar, times) -> tuple[Array, int]:
    """(steps, unknowns)."""
    network = device.network()
    _, settling, lasting = _lengths(network, bias, gamma, times)
    return settling + lasting, len(network.nodes) + len(network.inductors)


def _lengths(
    network: Network, bias: Array, gamma: Scalar, times: tuple[Scalar | None, Scalar]
) -> tuple[Steps, Count, Count]:
    """Steps, how many settle and how many last, whole periods of the drive each."""
    length = jnp.asarray(DURATION) if times[0] is None else times[0] / network.time
    steps = steps_of(network, gamma / network.current, jnp.max(jnp.abs(bias)) / network.current)
    settling, lasting = (
        (steps.count * jnp.maximum(rounded_up(x / (steps.size * steps.count)), 1.0)).astype(int)
        for x in (length * times[1], length * (1 - times[1]))
    )
    return steps, settling, lasting


@eqx.filter_jit
def _noisy_curve(device, bias, gamma, times, samples, key, between):
    device, bias = nondifferentiable((device, bias), name="iv_curve")
    network = device.network()
    row = device.between(between)
    steps, settling, lasting = _lengths(network, bias, gamma, times)
    rest = device.rest()

    def one(at: tuple[Array, Array]):
        k, current = at
        own = jax.random.fold_in(key, k)
        moved = _advances(network, steps, rest, current, own, row, (settling, lasting), samples)
        return mean_velocity(moved, lasting.astype(float) * steps.size)

    batch = max(1, min(bias.size, _LANES // (2 * samples)))
    numbered = jnp.arange(bias.size), bias / network.current
    mean, error = jax.lax.map(one, numbered, batch_size=batch)
    mean, error = mean / network.time, error / network.time
    settles = _SETTLED * network.slowest() < settling.astype(float) * steps.size
    up, down = (mean[:, 0], error[:, 0]), (mean[:, 1], error[:, 1])
    status = status_of_sweeps(up, down, settles & steps.fine)
    frequency = None if device.drive is None else device.drive.frequency
    return IVCurve(
        bias, up[0], down[0], up[1], down[1], status, status, frequency, VOLTAGE_UNIT,
        jnp.asarray(gamma),
    )  # fmt: skip


def _advances(
    network: Network,
    steps: Steps,
    rest: tuple[Array, Array],
    bias: Scalar,
    key: Key[Array, ""],
    row: Float[Array, " nodes"],
    counts: tuple[Count, Count],
    samples: int,
) -> Float[Array, "starts samples"]:
    """How far Pφ comes after settling, (2, samples): from rest, and from higher currents."""
    settling, lasting = counts
    size = len(network.nodes)
    start = network.at_rest(*rest)
    full = 2 * samples, start.q.size
    state = jnp.broadcast_to(start.q, full), jnp.broadcast_to(start.v, full)
    above = bias + jnp.sign(bias) * 2 * network.sum_of_currents()
    shape = 2 * samples, network.resistors.shape[1]
    one = jnp.ones(())

    def step(k: Count, state: tuple[Lanes, Lanes], normals: Array):
        share = jnp.minimum(2 * k / jnp.maximum(settling, 1), 1.0)
        up = injected_at(network, steps, k, Push(bias * share, share, share))
        down = injected_at(network, steps, k, Push(bias + (above - bias) * (1 - share), one, one))
        injected = jnp.repeat(jnp.stack([up, down]), samples, axis=0)
        return one_step(network, steps, state, injected, normals)

    def along(first: Count, last: Count, state: tuple[Lanes, Lanes]):
        def block(n: Array, state: tuple[Lanes, Lanes]):
            begin = first + n * BLOCK
            return stepping(step, state, begin, jnp.minimum(begin + BLOCK, last), key, shape)

        return jax.lax.fori_loop(0, (last - first + BLOCK - 1) // BLOCK, block, state)

    settled = along(jnp.zeros_like(settling), settling, state)
    ended = along(settling, settling + lasting, settled)
    return ((ended[0] - settled[0])[:, :size] @ row).reshape(2, samples)
