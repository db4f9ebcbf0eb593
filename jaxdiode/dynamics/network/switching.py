"""Switching currents of networks: slow ramps with inertia, and ramps with thermal noise."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from ...numerics.lanes import lanewise
from ...numerics.status import Status
from ..noise import BLOCK, stepping
from .asked import announce_ramps, require_own_units
from .equations import AbstractNetwork, Network, Push
from .noise import Steps, injected_at, one_step, steps_of
from .stay import Held, hold_at

Scalar = Float[Array, ""]
Row = Float[Array, " nodes"]
Found = tuple[Float[Array, "2 *samples"], Int[Array, "2 *samples"]]

_FIRST = 0.01  # first step of a ramp, of the sum of all critical currents
_SETTLING = 20.0  # relaxation times before a ramp with noise
_MOST = 3.0  # of the sum of all critical currents, where no ramp goes


class _Climb(NamedTuple):
    held: Held
    step: Scalar
    switched: Scalar
    status: Int[Array, ""]
    done: Bool[Array, ""]


def _limit(network: Network, total: Scalar) -> Scalar:
    """Radians of the terminals' phase that only a running state advances by.

    Without a voltage it moves by less than half a turn of every junction on the way, what single
    slips of these add, and the inductors' phases.
    """
    most = jnp.pi * (4 + len(network.junctions))
    return most + 2 * total * jnp.sum(jnp.abs(network.inductance))


def switched(
    device: AbstractNetwork,
    protocol: str,
    accuracy: float,
    warm: tuple[Array, Array, int, Array] | None,
) -> Found:
    """See `switching_currents`; `warm` is (γ, rate, samples, key)."""
    device.require_motion()
    if protocol != "ramp":
        raise ValueError(f"protocol must be 'ramp' for a circuit, got {protocol!r}")
    require_own_units(device)
    row = device.between(None)
    if warm is None:
        return ramped(device, row, accuracy)
    announce_ramps(device, *warm[:3])
    return noisy_ramps(device, row, *warm)


@eqx.filter_jit
def ramped(device: AbstractNetwork, row: Row, accuracy: float) -> Found:
    """(|current|, status) in both directions, without noise."""
    network = device.network()
    rest = device.rest()

    def one(network: Network, rest: tuple[Array, Array], row: Row, sign: Scalar):
        return _staircase(network, rest, row, sign, accuracy)

    signs = jnp.array([1.0, -1.0])
    current, status = jax.vmap(lambda s: lanewise(one)(network, rest, row, s))(signs)
    return network.current * current, status


def _staircase(
    network: Network, rest: tuple[Array, Array], row: Row, sign: Scalar, accuracy: float
) -> tuple[Scalar, Int[Array, ""]]:
    total = network.sum_of_currents()
    limit = _limit(network, total)
    nothing, fed = Push(*jnp.zeros(3)), Push(jnp.zeros(()), jnp.ones(()), jnp.ones(()))
    begin, runs, known = hold_at(network, Held(network.at_rest(*rest), nothing), fed, row, limit)
    status = jnp.where(known, Status.CONVERGED, Status.NOT_CONVERGED)
    status = jnp.where(runs, Status.NO_ZERO_VOLTAGE_STATE, status).astype(jnp.int32)
    first = _FIRST * total
    start = _Climb(begin, first, jnp.asarray(jnp.inf), status, runs | ~known)

    def raise_bias(s: _Climb) -> _Climb:
        ahead = s.held.push.bias + sign * s.step
        after, runs, known = hold_at(network, s.held, s.held.push._replace(bias=ahead), row, limit)
        fine = known & ~runs
        held = jax.tree.map(lambda a, b: jnp.where(fine, a, b), after, s.held)
        switched = jnp.where(runs, sign * ahead, s.switched)
        # Below a switch, steps are halved; before the first they stay.
        step = jnp.where(fine & (switched == jnp.inf), s.step, s.step / 2)
        finished = (step < accuracy * total) | (jnp.abs(ahead) > _MOST * total)
        status = jnp.where(known, Status.CONVERGED, Status.NOT_CONVERGED)
        status = jnp.where(switched == jnp.inf, Status.NOT_CONVERGED, status)
        return _Climb(held, step, switched, status.astype(jnp.int32), finished)

    found = jax.lax.while_loop(lambda s: ~s.done, raise_bias, start)
    middle = (sign * found.held.push.bias + found.switched) / 2
    good = (found.status == Status.CONVERGED) & jnp.isfinite(middle)
    return jnp.where(good, middle, jnp.nan), found.status


@eqx.filter_jit
def noisy_ramps(
    device: AbstractNetwork,
    row: Row,
    gamma: Scalar,
    rate: Scalar,
    samples: int,
    key: Key[Array, ""],
) -> Found:
    """Biases at which replicas begin to run, the bias growing at a constant rate."""
    network = device.network()
    gamma, rate = gamma / network.current, rate * network.time / network.current
    total = network.sum_of_currents()
    steps = steps_of(network, gamma, 1.5 * total)
    rest = network.at_rest(*device.rest())
    keys = jax.random.split(key, 2)

    def one(sign: Scalar, key: Key[Array, ""]):
        ramp = _Ramp(network, steps, row, sign, rate, total)
        return ramp.switched(rest.q, samples, key)

    current, status = jax.vmap(one)(jnp.array([1.0, -1.0]), keys)
    return network.current * current, status


class _Ramp(NamedTuple):
    network: Network
    steps: Steps
    row: Row
    sign: Scalar
    rate: Scalar
    total: Scalar

    def switched(
        self, rest: Array, samples: int, key: Key[Array, ""]
    ) -> tuple[Float[Array, " samples"], Int[Array, " samples"]]:
        network, steps = self.network, self.steps
        settling = (_SETTLING * network.relaxation() / steps.size).astype(int)
        last = settling + (_MOST * self.total / (self.rate * steps.size)).astype(int)
        limit = _limit(network, self.total)
        shape = samples, network.resistors.shape[1]
        q = jnp.broadcast_to(rest, (samples, rest.size))
        begin = q[:, : self.row.size] @ self.row

        def step(k: Array, state: tuple[Array, Array, Array], normals: Array):
            q, v, at = state
            past = jnp.maximum(k - settling, 0).astype(float)
            bias = self.sign * self.rate * steps.size * jnp.where(k >= settling, past + 0.5, 0.0)
            share = jnp.minimum(2.0 * k.astype(float) / jnp.maximum(settling, 1).astype(float), 1.0)
            injected = injected_at(network, steps, k, Push(bias, share, share))
            q, v = one_step(network, steps, (q, v), injected[None], normals)
            runs = jnp.abs(q[:, : self.row.size] @ self.row - begin) > limit
            at = jnp.where(runs & jnp.isinf(at), jnp.abs(bias), at)
            return q, v, at

        def unfinished(state: tuple[Array, tuple[Array, Array, Array]]):
            first, (q, _, at) = state
            return (first < last) & jnp.any(jnp.isinf(at)) & jnp.any(jnp.isfinite(q))

        def block(state: tuple[Array, tuple[Array, Array, Array]]):
            first, held = state
            return first + BLOCK, stepping(step, held, first, first + BLOCK, key, shape)

        none = jnp.full(samples, jnp.inf)
        start = jnp.zeros((), int), (q, jnp.zeros_like(q), none)
        _, (_, _, at) = jax.lax.while_loop(unfinished, block, start)
        known = jnp.isfinite(at) & steps.fine
        status = jnp.where(known, Status.CONVERGED, Status.NOT_CONVERGED)
        status = jnp.where(at == 0, Status.NO_ZERO_VOLTAGE_STATE, status).astype(jnp.int32)
        known = status == Status.CONVERGED
        return jnp.where(known, at, jnp.nan), status
