"""The self-consistent gap: Newton's method on Δ(x), all frequencies solved at each step."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float

from ....numerics.continuation import swept
from ....numerics.lanes import where_needed
from ....numerics.matrices import complexified
from ....numerics.newton import damped_newton, implicit_solution, solved
from ..layers import mesh
from ..layers.conjugation import MatsubaraAxis
from .base import Known, exact
from .frequencies import Frequencies
from .layout import Layers
from .matsubara import spectral_current
from .mesh import GapProfile

_ACCURACY = 1e-9  # of Δ, in k_BT_c
_MOST = 12
_FRESH = 2  # steps with a Jacobian of their own, without one from nearby


class SelfConsistent(NamedTuple):
    """What a junction with a self-consistent gap is read from.

    Attributes:
        current: sum over frequencies of both spins' spectral currents, [2, lane].
        order_parameter: Δ in the frame of each superconductor, on the mesh from the outer end to
            the interface, [node, side, lane].
        converged: [lane].
        error: of the sum over frequencies.
        located: what a junction nearby may go on from.
    """

    current: Float[Array, "2 lanes"]
    order_parameter: Complex[Array, "nodes 2 lanes"]
    converged: Bool[Array, " lanes"]
    error: Float[Array, "2 lanes"]
    located: "Located"


def solve(
    layers: Layers,
    temperature: Float[Array, ""],
    frequencies: Frequencies,
    twist: Float[Array, "elements lanes"],
    steps: int,
    intervals: int,
    known: Known | None = None,
) -> SelfConsistent:
    """Currents with Δ(x) = 2πT Σ F(x, ω)/[2πT Σ 1/Ω], cut off as in the bulk.

    Args:
        layers: the junction; its gap is that of the bulk.
        temperature: T.
        frequencies: falling, with weights.
        twist: of every element of the link, see `AbstractEquations`.
        steps: of the integration of half the link.
        intervals: of the mesh in each superconductor.
        known: solutions of two junctions nearby, from which it is looked for.
    """
    problem = GapEquation(layers, temperature, frequencies, twist, steps)
    frozen = jax.lax.stop_gradient(problem)
    if known is None:
        located = _located(frozen, intervals)
    else:
        located = _from_nearby(frozen, intervals, known)
    unknowns = located.unknowns
    delta = implicit_solution(_residual, _answer, (problem, unknowns), located.delta)
    order = problem.order_parameter(delta)

    def current(pack):
        x, frequency = pack
        equations = problem.at(frequency, order)
        return spectral_current(equations, exact(equations, x))

    parts = jax.lax.map(jax.checkpoint(current), (unknowns, frequencies.value))
    parts = jnp.where(located.converged, parts, jnp.nan)
    total = frequencies.total(parts)
    error = frequencies.error(parts)
    error += 2 * jnp.abs(total) * _sum_error(frozen, order, unknowns)
    return SelfConsistent(total, order, located.converged, error, located)


class GapEquation(eqx.Module):
    """C Δ = 2πT Σ F with C = 2πT Σ 1/Ω, for Δ as real numbers [n, lane], see `numbers`."""

    layers: Layers
    temperature: Float[Array, ""]
    frequencies: Frequencies
    twist: Float[Array, "elements lanes"]
    steps: int = eqx.field(static=True)

    def at(self, frequency: Float[Array, ""], order: Complex[Array, "nodes 2 lanes"]) -> GapProfile:
        """The equations at one frequency with a given Δ."""
        return GapProfile(self.layers, frequency, self.twist, MatsubaraAxis(), self.steps, order)

    def bulk_sum(self) -> Float[Array, ""]:
        """2πT Σ 1/Ω: what the bulk's own equation makes of ln T/T_c and the cut-off."""
        whole = jnp.sqrt(self.frequencies.value**2 + self.layers.gap**2)
        return 2 * jnp.pi * self.temperature * jnp.sum(self.frequencies.weight / whole)

    def balance(self, delta: Array, amplitudes: Array) -> Array:
        """C Δ − 2πT Σ F of the sum over frequencies, or both sides' derivatives."""
        return self.bulk_sum() * delta - 2 * jnp.pi * self.temperature * amplitudes

    def order_parameter(
        self, delta: Float[Array, "n lanes"], outer: Float[Array, ""] | None = None
    ) -> Complex[Array, "nodes 2 lanes"]:
        """The inverse of `numbers`, with the bulk's gap (or `outer`) at the outer end."""
        lanes = delta.shape[1]
        parts = jnp.moveaxis(delta.reshape(2, 2, -1, lanes), 0, 2)
        inner = jax.lax.complex(parts[0], parts[1])
        end = complexified(self.layers.gap if outer is None else outer)
        return jnp.concatenate([jnp.broadcast_to(end, (1, 2, lanes)), inner])


class Located(NamedTuple):
    """Δ that solves the gap equation, the unknowns it came from at every frequency, and the
    Jacobian that was used last."""

    delta: Float[Array, "n lanes"]
    unknowns: Float[Array, "frequencies unknowns lanes"]
    jacobian: Float[Array, "n n lanes"]
    converged: Bool[Array, " lanes"]

    def place(self) -> tuple[Array, ...]:
        """What a straight line is laid through."""
        return self.delta, self.unknowns


class _Balance(NamedTuple):
    """C Δ − 2πT Σ F, and the solutions at every frequency it came from."""

    value: Float[Array, "n lanes"]
    unknowns: Float[Array, "frequencies unknowns lanes"]
    converged: Bool[Array, " lanes"]


class _Newton(NamedTuple):
    """A point of Newton's way to Δ: the last step's size, and which lanes have not failed."""

    count: int | Array
    delta: Float[Array, "n lanes"]
    unknowns: Float[Array, "frequencies unknowns lanes"]
    jacobian: Float[Array, "n n lanes"]
    size: Float[Array, " lanes"]
    good: Bool[Array, " lanes"]


def numbers(order: Complex[Array, "nodes 2 lanes"]) -> Float[Array, "n lanes"]:
    """Δ or F at the nodes that may vary: side, (real, imaginary), node, lane, as [n, lane]."""
    parts = jnp.stack([order[1:].real, order[1:].imag])
    return jnp.moveaxis(parts, 2, 0).reshape(-1, order.shape[-1])


def _from_nearby(problem: GapEquation, intervals: int, known: Known) -> Located:
    """With the Jacobian of the last junction; from the bulk's gap where lanes are lost so."""
    last, before = known
    delta, unknowns = (2 * a - b for a, b in zip(last.place(), before, strict=True))
    size = jnp.full_like(last.converged, jnp.inf, float)
    start = _Newton(_FRESH, delta, unknowns, last.jacobian, size, last.converged)
    found = _improved(problem, start)
    other = where_needed(
        ~jnp.all(found.converged), lambda problem: _located(problem, intervals), problem, found
    )
    return jax.tree.map(lambda a, b: jnp.where(found.converged, a, b), found, other)


def _located(problem: GapEquation, intervals: int) -> Located:
    """From the bulk's gap."""
    lanes = problem.twist.shape[1]
    bulk = jnp.broadcast_to(complexified(problem.layers.gap), (intervals + 1, 2, lanes))
    delta = numbers(bulk)
    unit = jnp.broadcast_to(jnp.eye(delta.shape[0])[:, :, None], (*delta.shape[:1], *delta.shape))
    started = _continued(problem, bulk)
    none = jnp.full(lanes, jnp.inf)
    return _improved(problem, _Newton(0, delta, started, unit, none, jnp.ones(lanes, bool)))


def _improved(problem: GapEquation, state: _Newton) -> Located:
    """By Newton's method, from a start."""

    def improve(state):
        found = _solved_at(problem, state.delta, state.unknowns)
        # As long as a Jacobian serves it is kept: it costs several evaluations.
        good = state.good & found.converged
        size = jnp.max(jnp.abs(solved(state.jacobian, found.value)), axis=0)
        late = jnp.any(good & (size > _ACCURACY) & (size > 0.1 * state.size))
        jacobian = jax.lax.cond(
            (state.count < _FRESH) | late,
            lambda delta, known: _jacobian(problem, delta, known),
            lambda *_: state.jacobian,
            state.delta,
            found.unknowns,
        )
        change = -solved(jacobian, found.value)
        size = jnp.max(jnp.abs(change), axis=0)
        good &= jnp.isfinite(size)
        # A lane that has failed must not spoil what the others know.
        delta = jnp.where(good, state.delta + change, state.delta)
        return _Newton(state.count + 1, delta, found.unknowns, jacobian, size, good)

    def running(state):
        return (state.count < _MOST) & jnp.any(state.good & (state.size > _ACCURACY))

    state = jax.lax.while_loop(running, improve, state)
    good = state.good & (state.size <= _ACCURACY)
    return Located(state.delta, state.unknowns, state.jacobian, good)


def _continued(
    problem: GapEquation, order: Complex[Array, "nodes 2 lanes"]
) -> Float[Array, "frequencies unknowns lanes"]:
    """Solutions at every frequency for one Δ(x), from high to low."""
    values = problem.frequencies.value
    first = problem.at(values[0], order).bulk()

    def linearised(x, root):
        return problem.at(root**2, order).linearised(x)

    return swept(linearised, first, jnp.sqrt(values)).x


def _solved_at(
    problem: GapEquation,
    delta: Float[Array, "n lanes"],
    known: Float[Array, "frequencies unknowns lanes"],
) -> _Balance:
    """C Δ − 2πT Σ F, and the solutions it came from, from `known` ones nearby."""
    order = problem.order_parameter(delta)

    def one(total, pack):
        x, frequency, weight = pack
        equations = problem.at(frequency, order)
        found = damped_newton(equations.linearised, x, x)
        value, good = total
        value += weight * _amplitude(equations, found.x)
        return (value, good & found.converged), found.x

    start = jnp.zeros_like(delta), jnp.ones(delta.shape[1], bool)
    frequencies = problem.frequencies
    (value, good), unknowns = jax.lax.scan(
        one, start, (known, frequencies.value, frequencies.weight)
    )
    return _Balance(problem.balance(delta, value), unknowns, good)


def _amplitude(equations: GapProfile, x: Float[Array, "unknowns lanes"]) -> Array:
    return numbers(mesh.pair_amplitude(equations.layer(x), equations.conjugation))


def _jacobian(
    problem: GapEquation,
    delta: Float[Array, "n lanes"],
    known: Float[Array, "frequencies unknowns lanes"],
) -> Float[Array, "n n lanes"]:
    """Derivative of C Δ − 2πT Σ F in Δ."""
    order = problem.order_parameter(delta)
    basis = jnp.eye(delta.shape[0])[:, :, None]

    def one(slope, pack):
        x, frequency, weight = pack
        equations = problem.at(frequency, order)
        factors, layer = equations.factors(x), equations.layer(x)

        def intervals(order):
            return mesh.intervals(layer, problem.at(frequency, order).profile)

        def amplitude(layer):
            return mesh.pair_amplitude(layer, equations.conjugation)

        def column(direction):
            moved = problem.order_parameter(
                jnp.broadcast_to(direction, delta.shape), outer=jnp.zeros(())
            )
            _, force = jax.jvp(intervals, (order,), (moved,))
            rest = equations.equations.unpack(jnp.zeros_like(x))
            change = equations.changes(factors, rest._replace(intervals=-force))
            _, rate = jax.jvp(amplitude, (layer,), (change.layer,))
            return numbers(rate)

        return slope + weight * jax.vmap(column, out_axes=1)(basis), None

    start = jnp.zeros((*delta.shape[:1], *delta.shape))
    frequencies = problem.frequencies
    slope, _ = jax.lax.scan(one, start, (known, frequencies.value, frequencies.weight))
    return problem.balance(basis, slope)


def _residual(delta: Float[Array, "n lanes"], args: tuple[GapEquation, Array]) -> Array:
    problem, known = args
    order, frequencies = problem.order_parameter(delta), problem.frequencies

    def amplitude(pack):
        x, frequency, weight = pack
        equations = problem.at(frequency, order)
        return weight * _amplitude(equations, exact(equations, x))

    parts = jax.lax.map(jax.checkpoint(amplitude), (known, frequencies.value, frequencies.weight))
    return problem.balance(delta, jnp.sum(parts, axis=0))


def _answer(
    delta: Float[Array, "n lanes"], args: tuple[GapEquation, Array], vector: Array
) -> Array:
    problem, known = args
    return solved(_jacobian(problem, delta, known), vector)


def _sum_error(
    problem: GapEquation,
    order: Complex[Array, "nodes 2 lanes"],
    known: Float[Array, "frequencies unknowns lanes"],
) -> Float[Array, " lanes"]:
    """What the sum over frequencies leaves of Δ, over the bulk's: that of Δ/Ω − F."""

    def lacking(pack):
        x, frequency = pack
        whole = jnp.sqrt(frequency**2 + problem.layers.gap**2)
        return numbers(order) / whole - _amplitude(problem.at(frequency, order), x)

    left = problem.frequencies.error(jax.lax.map(lacking, (known, problem.frequencies.value)))
    scale = problem.bulk_sum() * problem.layers.gap
    return 2 * jnp.pi * problem.temperature * jnp.max(left, axis=0) / scale
