"""Superconducting layers with a gap of any profile: Newton steps on a graded mesh."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Complex, Float

from ...numerics import shooting
from ...numerics.matrices import complexified, identity, inverse, product
from ...numerics.newton import solved
from . import solver
from .interface import linearised_current, matrix_current
from .solver import Layers

_GRADING = 4.0  # the mesh is exp(4) times finer at the interface than at the outer end


class Unknowns(NamedTuple):
    """Solution at one frequency.

    Attributes:
        layer: γ and ∂ₓγ (real parts, imaginary parts of each) on the mesh, which runs from the
            outer end to the interface, [node, 16, side, lane].
        linear: the link's, as real numbers, [4 × elements, lane].
    """

    layer: Float[Array, "nodes 16 2 lanes"]
    linear: Float[Array, "link lanes"]


def mesh(intervals: int) -> np.ndarray:
    """Nodes from the outer end 0 to the interface 1."""
    from_interface = np.expm1(_GRADING * np.linspace(1, 0, intervals + 1)) / np.expm1(_GRADING)
    return 1 - from_interface


class Factors(NamedTuple):
    """All that a Newton step needs of the Jacobian."""

    layers: shooting.Elimination
    value: Float[Array, "2 equations 8 lanes"]
    joined: Float[Array, "unknowns unknowns lanes"]


def bulk(gap: Array, frequency: Array) -> Array:
    """β of γ_b = −β σ_y."""
    return gap / (frequency + jnp.sqrt(frequency**2 + gap**2))


def uniform(layers: Layers, frequency: Array, nodes: int, lanes: int) -> Unknowns:
    """The bulk up to the interfaces, and nothing in the link."""
    gamma = bulk(layers.gap, frequency) * _PAIRING_PARTS
    layer = jnp.zeros((nodes, 16, 2, lanes)).at[:, :8].set(gamma[None, :, None, None])
    return Unknowns(layer, jnp.zeros((4 * layers.link.elements, lanes)))


def residual(
    x: Unknowns,
    order_parameter: Complex[Array, "nodes 2 lanes"],
    args: tuple,
    steps: int,
) -> tuple[Array, Array, Array]:
    """Equations: the given outer ends [8, side, lane], the intervals, the interfaces [n, lane]."""
    layers, frequency, _ = args
    outer = x.layer[0, :8] - (bulk(layers.gap, frequency) * _PAIRING_PARTS)[:, None, None]
    inner = intervals(x.layer, order_parameter, layers, frequency)
    pairs, slopes = _at_interfaces(x, args, steps)
    flux = matrix_current(layers.channels, pairs, -pairs.conj())
    return outer, inner, solver._real(slopes - complexified(layers.conductance) * flux)


def factors(
    x: Unknowns, order_parameter: Array, args: tuple, steps: int
) -> tuple[Factors, Bool[Array, " lanes"]]:
    layers, frequency, twist = args
    lanes = x.linear.shape[1]
    before, after = _interval_jacobians(x.layer, order_parameter, layers, frequency)
    layer = shooting.eliminate(before, after)

    pairs, _ = _at_interfaces(x, args, steps)
    directions = solver._directions(4).T[:, :, None, None]  # element, direction
    s_change = jnp.broadcast_to(directions, (4, 8, 2, lanes))
    _, (f_change, f_rise) = solver._link_pushforward(
        solver.elements(x.linear), layers, frequency, twist, steps
    )
    change = solver.columns(s_change, f_change)
    rise = solver.columns(jnp.zeros_like(s_change), f_rise)
    _, rate = linearised_current(layers.channels, pairs, -pairs.conj(), change, -change.conj())
    parts = solver.real_rates(rise - complexified(layers.conductance) * rate)
    value = parts[:, :, :8]
    # ∂ₙγ = −∂ₓγ towards the interface; the value moves with it by the layer's compliance.
    own = product(jnp.moveaxis(value, 0, 2), layer.compliance[-1])
    own = jnp.moveaxis(own, 2, 0) - _own_slope(len(pairs))[None, :, :, None]
    small = jnp.all(solver.physical(pairs), axis=0)
    return Factors(layer, value, solver.assembled(own, parts[:, :, 8:])), small


def answer(found: Factors, outer: Array, inner: Array, joint: Array) -> Unknowns:
    """J⁻¹ applied to a right-hand side with the parts of `residual`."""
    last, kept = shooting.reduced(found.layers, -inner, outer)
    shifted = jnp.sum(found.value * jnp.moveaxis(last, 1, 0)[:, None], axis=2)
    both = solved(found.joined, joint - shifted.reshape(joint.shape))
    lanes = both.shape[1]
    slope = jnp.moveaxis(both[:16].reshape(2, 8, lanes), 0, 1)
    return Unknowns(shooting.expanded(found.layers, kept, slope), both[16:])


def pair_amplitude(layer: Float[Array, "nodes 16 2 lanes"]) -> Complex[Array, "nodes 2 lanes"]:
    """Singlet F = ½ Tr(−σ_y)·2(1 + γγ̃)⁻¹γ at the nodes; Δ/Ω in the bulk."""
    value, _ = _matrices(layer)
    f = product(inverse(identity(value) - product(value, value.conj())), value)
    i = jax.lax.complex(0.0, 1.0)
    return i * f[1, 0] - i * f[0, 1]


def _matrices(layer):
    """γ and ∂ₓγ as [2, 2, node, side, lane]."""
    parts = jnp.moveaxis(layer, 1, 0).reshape(2, 2, 2, 2, layer.shape[0], *layer.shape[2:])
    return jax.lax.complex(parts[0, 0], parts[0, 1]), jax.lax.complex(parts[1, 0], parts[1, 1])


def _parts(matrix):
    """[2, 2, node, …] as [node, 8, …]."""
    flat = matrix.reshape(4, *matrix.shape[2:])
    return jnp.moveaxis(jnp.concatenate([flat.real, flat.imag]), 0, 1)


def _curvature(value, slope, order_parameter, frequency):
    """γ″ = 2γ′(1 + γ̃γ)⁻¹γ̃γ′ + [2ωγ − A + γBγ]/D with A = Δ(−σ_y), D = 2π."""
    partner = -value.conj()
    middle = inverse(identity(value) + product(partner, value))
    bend = 2 * product(product(slope, middle), product(partner, slope))
    pairing = jnp.array([[0, 1j], [-1j, 0]]).reshape(2, 2, 1, 1, 1)
    source = order_parameter * pairing
    back = order_parameter.conj() * pairing
    force = complexified(2 * frequency) * value - source + product(product(value, back), value)
    return bend + force / (2 * np.pi)


def _flow(layer, order_parameter, frequency):
    value, slope = _matrices(layer)
    curved = _curvature(value, slope, order_parameter, frequency)
    return jnp.concatenate([layer[:, 8:], _parts(curved)], axis=1)


def _middle_weights(nodes: np.ndarray) -> np.ndarray:
    """Interpolation from the nodes to the middles of intervals, cubic."""
    weights = np.zeros((nodes.size - 1, nodes.size))
    for k in range(nodes.size - 1):
        first = min(max(k - 1, 0), nodes.size - 4)
        used = np.arange(first, first + 4)
        at = (nodes[k] + nodes[k + 1]) / 2
        for j in used:
            others = nodes[used[used != j]]
            weights[k, j] = np.prod((at - others) / (nodes[j] - others))
    return weights


def _widths(start, layers):
    """Widths of the intervals, [m, 1, 1, 1]."""
    fractions = np.diff(mesh(start.shape[0]))
    return layers.superconductor * jnp.asarray(fractions)[:, None, None, None]


def _at_middles(order_parameter):
    weights = _middle_weights(mesh(order_parameter.shape[0] - 1))
    return jnp.einsum("kn,n...->k...", complexified(jnp.asarray(weights)), order_parameter)


def intervals(
    layer: Array, order_parameter: Array, layers: Layers, frequency: Array
) -> Float[Array, "m 16 2 lanes"]:
    """Simpson's rule with the middle by Hermite's cubic (Lobatto IIIA, fourth order)."""
    return _between(layer[:-1], layer[1:], order_parameter, layers, frequency)


def _between(start, end, order_parameter, layers, frequency):
    h = _widths(start, layers)
    first = _flow(start, order_parameter[:-1], frequency)
    last = _flow(end, order_parameter[1:], frequency)
    middle = (start + end) / 2 + h / 8 * (first - last)
    inside = _flow(middle, _at_middles(order_parameter), frequency)
    return end - start - h / 6 * (first + 4 * inside + last)


def _interval_jacobians(layer, order_parameter, layers, frequency):
    """Derivatives of `intervals` in both ends of each, [m, 16, 16, side, lane]."""
    start, end = layer[:-1], layer[1:]

    def along(before, after):
        moved = [jnp.broadcast_to(x[None, :, None, None], start.shape) for x in (before, after)]
        return jax.jvp(
            lambda a, b: _between(a, b, order_parameter, layers, frequency),
            (start, end),
            tuple(moved),
        )[1]

    unit, zero = jnp.eye(16), jnp.zeros((16, 16))
    both = jax.vmap(along, out_axes=2)(jnp.concatenate([unit, zero]), jnp.concatenate([zero, unit]))
    return both[:, :, :16], both[:, :, 16:]


def _at_interfaces(x, args, steps):
    layers, frequency, twist = args
    last = x.layer[-1]
    s_pairs = jax.lax.complex(last[:4], last[4:8])
    s_slopes = -jax.lax.complex(last[8:12], last[12:])
    f_pairs, f_slopes = solver._link(solver.elements(x.linear), layers, frequency, twist, steps)
    return jnp.concatenate([s_pairs, f_pairs]), jnp.concatenate([s_slopes, f_slopes])


def _own_slope(kinds):
    """How the real equations of one interface see the superconductor's slope there."""
    seen = np.zeros((2, kinds, 2, 4))
    seen[0, :4, 0], seen[1, :4, 1] = np.eye(4), np.eye(4)
    return seen.reshape(2 * kinds, 8)


# −σ_y as four real and four imaginary parts.
_PAIRING_PARTS = np.array([0, 0, 0, 0, 0, 1, -1, 0], float)
