"""Steps in time of C q'' + G q' + F(q, t) = 0 with matrices C and G of any rank.

Collocation at the five right Radau nodes (Radau IIA, order 9; Hairer and Wanner, J. Comput. Appl.
Math. 111, 93 (1999)), damps what is stiff. Where C has a null vector the equation is of first order
there, where G has the same one it is algebraic; neither need be known.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .dense import inverse
from .radau import shares

Scalar = Float[Array, ""]
Coordinates = Float[Array, " n"]
Stages = Float[Array, "stages n"]

STAGES = 5
_NEWTON = 1e-12  # last change of a coordinate (of order 1)
_ROUNDS = 14
_SLOWEST = 0.7  # rate of Newton's iterations that a step may have
_SMALLEST = 1e-9  # step, of the time to go


class State(NamedTuple):
    """Coordinates and their rates."""

    q: Coordinates
    v: Coordinates


class System(NamedTuple):
    """The equation of motion.

    Attributes:
        mass, friction: C and G.
        force: (q, t) → F.
        stiffness: q → ∂F/∂q.
        weight: of each coordinate in the error of a step.
    """

    mass: Float[Array, "n n"]
    friction: Float[Array, "n n"]
    force: Callable[[Coordinates, Scalar], Coordinates]
    stiffness: Callable[[Coordinates], Float[Array, "n n"]]
    weight: Coordinates


class Path(NamedTuple):
    """How far an integration has come.

    Attributes:
        done: it is at its end.
        failed: Newton's method found no state, whatever the step.
        steps: taken.
    """

    state: State
    time: Scalar
    size: Scalar
    done: Bool[Array, ""]
    failed: Bool[Array, ""]
    steps: Int[Array, ""]


def _coefficients():
    nodes = shares(STAGES)
    powers = np.arange(STAGES)
    vandermonde = nodes[:, None] ** powers
    antiderivative = nodes[:, None] ** (powers + 1) / (powers + 1)
    through = antiderivative @ np.linalg.inv(vandermonde)
    rates = np.linalg.inv(through)
    values, vectors = np.linalg.eig(rates)
    order = np.argsort(np.abs(np.imag(values)))
    real = order[0]
    pairs = [k for k in order[1:] if np.imag(values[k]) > 0]
    chosen = [real, *pairs]
    whole = np.concatenate([vectors[:, chosen], vectors[:, pairs].conj()], axis=1)
    back = np.linalg.inv(whole)[: len(chosen)]
    first = 1 / float(np.real(values[real]))
    # ŷ = y + h(γ₀ f(y) + Σ b̂_i f_i) of order STAGES, beside y₁ = y + h Σ b_i f_i.
    moments = 1 / (powers + 1.0)
    moments[0] -= first
    embedded = np.linalg.solve(vandermonde.T, moments)
    estimate = (embedded - through[-1]) @ rates / first
    return nodes, rates, values[chosen], vectors[:, chosen], back, estimate


NODES, _RATES, _VALUES, _VECTORS, _BACK, _ESTIMATE = _coefficients()
_FIRST = float(np.real(_VALUES[0]))
_POLYNOMIAL = np.linalg.inv(
    NODES[:, None] ** np.arange(1, STAGES + 1)
)  # from values at nodes to powers of time


def advance(
    system: System, state: State, span: tuple[Scalar, Scalar], first: Scalar, tolerance: float
) -> Path:
    """From one time to a later one by steps whose error estimates are below the tolerance.

    F must be smooth in between. NaN where no step is small enough.
    """
    begin, end = span
    path = Path(
        state, begin, jnp.minimum(first, end - begin), begin >= end, begin > end, jnp.zeros((), int)
    )
    none = jnp.zeros((STAGES, state.q.size))

    def unfinished(held):
        path, *_ = held
        return ~path.done & ~path.failed

    def one(held):
        path, last, old = held
        left = end - path.time
        # Two halves rather than a step and a remnant.
        last_size = path.size >= left * (1 - 1e-9)
        size = jnp.where(last_size, left, jnp.minimum(path.size, 0.5 * left))
        ratio = size / jnp.where(old > 0, old, 1.0)
        guess = jnp.where(old > 0, _extrapolated(last, ratio), size * NODES[:, None] * path.state.v)
        new, stages, error, solved = _step(system, path.state, path.time, size, guess)
        error = error / tolerance
        fine = solved & (error < 1.0)
        factor = 0.9 * jnp.maximum(error, 1e-12) ** (-1.0 / (STAGES + 1))
        factor = jnp.where(solved, jnp.clip(factor, 0.2, 4.0), 0.25)
        last_one = fine & (size >= left)
        time = jnp.where(fine, jnp.where(last_one, end, path.time + size), path.time)
        failed = ~fine & (size < _SMALLEST * (end - begin))
        state = jax.tree.map(lambda a, b: jnp.where(fine, a, b), new, path.state)
        # A step cut short at the end says nothing against longer ones.
        longer = jnp.where(last_one, jnp.maximum(path.size, size * factor), size * factor)
        after = Path(state, time, longer, last_one, failed, path.steps + fine.astype(int))
        return after, jnp.where(fine, stages, 0.0), jnp.where(fine, size, 0.0)

    path, *_ = jax.lax.while_loop(unfinished, one, (path, none, jnp.zeros(())))
    lost = jax.tree.map(lambda x: jnp.where(path.failed, jnp.nan, x), path.state)
    return path._replace(state=lost)


def made_consistent(system: System, state: State, time: Scalar, size: Scalar) -> State:
    """After a jump of F: what is algebraic jumps with it, and rates of first order do.

    Two steps of no length (a billionth of `size`), of whose errors nothing is asked.
    """
    short = 1e-9 * size
    for _ in range(2):
        guess = jnp.zeros((STAGES, state.q.size))
        new, _, _, solved = _step(system, state, time, short, guess)
        state = jax.tree.map(lambda a, b, ok=solved: jnp.where(ok, a, b), new, state)
    return state


def _extrapolated(stages: Stages, ratio: Scalar) -> Stages:
    """The polynomial of the last step at the stages of the next."""
    place = (1 + ratio * NODES)[:, None]
    powers = jnp.cumprod(jnp.broadcast_to(place, (STAGES, STAGES)), axis=1)
    return (powers @ _POLYNOMIAL) @ stages - stages[-1]


def _step(
    system: System, state: State, time: Scalar, size: Scalar, guess: Stages
) -> tuple[State, Stages, Scalar, Bool[Array, ""]]:
    """(the state a step later, q − q₀ at the stages, error of q, whether it was solved)."""
    mass, friction = system.mass, system.friction
    times = time + size * NODES
    stiff = system.stiffness(state.q + guess[STAGES // 2])
    first = _FIRST / size
    real = inverse(first**2 * mass + first * friction + stiff)
    turned = jnp.asarray(_VALUES[1:]) / size.astype(complex)
    heavy, damped, held = (x.astype(complex) for x in (mass, friction, stiff))
    pairs = jax.vmap(lambda x: inverse(x * x * heavy + x * damped + held))(turned)

    def rates_of(stages: Stages) -> Stages:
        return jnp.asarray(_RATES) @ stages / size

    def residual(stages: Stages) -> Stages:
        rates = rates_of(stages)
        turning = jnp.asarray(_RATES) @ (rates - state.v) / size
        forces = jax.vmap(system.force)(state.q + stages, times)
        return turning @ mass.T + rates @ friction.T + forces

    def newton(held):
        stages, change, _, k = held
        miss = residual(stages)
        along = real @ (jnp.asarray(np.real(_BACK[0])) @ miss)
        others = jnp.einsum("kij,kj->ki", pairs, jnp.asarray(_BACK[1:]) @ miss.astype(complex))
        move = jnp.asarray(np.real(_VECTORS[:, 0]))[:, None] * along
        move = move + 2 * (jnp.asarray(_VECTORS[:, 1:]) @ others).real
        now = jnp.max(jnp.abs(move) * system.weight)
        return stages - move, now, now / change, k + 1

    def unfinished(held):
        _, change, rate, k = held
        hopeless = (k > 2) & ((rate > _SLOWEST) | ~(change < 1e3))
        return (change > _NEWTON) & (k < _ROUNDS) & ~hopeless

    none = jnp.asarray(jnp.inf), jnp.zeros(()), 0
    stages, change, *_ = jax.lax.while_loop(unfinished, newton, (guess, *none))
    rates = rates_of(stages)
    spent = jnp.asarray(_ESTIMATE)
    moved = state.v + spent @ stages / size
    turned_by = spent @ (rates - state.v) / size
    held = friction @ state.v + system.force(state.q, time)
    pushed = mass @ (turned_by + first * moved) + friction @ moved - held
    error = jnp.max(jnp.abs(real @ pushed) * system.weight)
    solved = (change < 100 * _NEWTON) & jnp.all(jnp.isfinite(stages))
    return State(state.q + stages[-1], rates[-1]), stages, error, solved
