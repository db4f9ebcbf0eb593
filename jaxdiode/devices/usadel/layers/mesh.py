"""Superconducting layers with a gap of any profile: Newton steps on a graded mesh.

A layer is γ and ∂ₓγ on the mesh as one array [node, 16, side, lane]. On the Matsubara axis, where
γ̃ = −γ*, it is real: real and imaginary parts of the four elements of each. At real energies γ and
γ̃ are independent and it is complex: their elements, of which the equations are holomorphic.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Complex, Inexact

from ....numerics import shooting
from ....numerics.matrices import complexified, identity, inverse, product
from ....numerics.newton import solved
from ..equations import matsubara_uniform as solver
from ..equations.matsubara_uniform import Layers
from ..interfaces.matrix_current import linearised_current, matrix_current
from . import uniform as superconductor
from .link import matrix_bend

_GRADING = 4.0  # the mesh is exp(4) times finer at the interface than at the outer end


class Unknowns(NamedTuple):
    """Solution at one frequency.

    Attributes:
        layer: γ and ∂ₓγ on the mesh, which runs from the outer end to the interface.
        linear: the link's unknowns, real or complex likewise, [4 × elements, lane].
    """

    layer: Inexact[Array, "nodes 16 2 lanes"]
    linear: Inexact[Array, "link lanes"]


def mesh(intervals: int) -> np.ndarray:
    """Nodes from the outer end 0 to the interface 1."""
    from_interface = np.expm1(_GRADING * np.linspace(1, 0, intervals + 1)) / np.expm1(_GRADING)
    return 1 - from_interface


class Factors(NamedTuple):
    """All that a Newton step needs of the Jacobian."""

    layers: shooting.Elimination
    value: Inexact[Array, "2 equations 8 lanes"]
    joined: Inexact[Array, "unknowns unknowns lanes"]


def uniform(layers: Layers, frequency: Array, nodes: int, lanes: int) -> Unknowns:
    """The bulk up to the interfaces, and nothing in the link."""
    gamma = superconductor.bulk(layers.gap, frequency)[0] * _PAIRING_PARTS
    layer = jnp.zeros((nodes, 16, 2, lanes)).at[:, :8].set(gamma[None, :, None, None])
    return Unknowns(layer, jnp.zeros((layers.link.unknowns, lanes)))


def residual(
    x: Unknowns,
    order_parameter: Complex[Array, "nodes 2 lanes"],
    args: tuple,
    steps: int,
) -> tuple[Array, Array, Array]:
    """Equations: the given outer ends [8, side, lane], the intervals, the interfaces [n, lane]."""
    layers, frequency, _ = args
    outer = x.layer[0, :8]
    outer -= (superconductor.bulk(layers.gap, frequency)[0] * _PAIRING_PARTS)[:, None, None]
    inner = intervals(x.layer, order_parameter, layers, frequency)
    pairs, slopes = _at_interfaces(x, args, steps)
    flux = matrix_current(layers.channels, pairs, -pairs.conj())
    return outer, inner, solver.real(slopes - complexified(layers.conductance) * flux)


def factors(
    x: Unknowns, order_parameter: Array, args: tuple, steps: int
) -> tuple[Factors, Bool[Array, " lanes"]]:
    layers, frequency, twist = args
    lanes = x.linear.shape[1]
    pairs, slopes = _at_interfaces(x, args, steps)
    kappa = complexified(layers.conductance)
    directions = solver.directions(4).T[:, :, None, None]  # element, direction
    s_change = jnp.broadcast_to(directions, (4, 8, 2, lanes))
    _, (f_change, f_rise) = solver.link_pushforward(
        solver.link_values(x.linear), layers, frequency, twist, steps
    )
    change = solver.columns(s_change, f_change)
    rise = solver.columns(jnp.zeros_like(s_change), f_rise)
    _, rate = linearised_current(
        layers.channels, pairs, -pairs.conj(), change, -change.conj(), slopes / kappa
    )
    rates = solver.real_rates(rise - kappa * rate)
    small = jnp.all(solver.physical(pairs), axis=0)
    return factorised(x.layer, rates, order_parameter, layers, frequency), small


def factorised(
    layer: Array, rates: Array, order_parameter: Array, layers: Layers, frequency: Array
) -> Factors:
    """The intervals eliminated, and what is left at the interfaces.

    Args:
        layer: of `Unknowns`.
        rates: derivatives of the interfaces' equations along the values of the own superconductor
            (8) and the link's unknowns, [side, equation, 8 + m, lane].
        order_parameter: Δ at the nodes.
        layers: the junction.
        frequency: ω.
    """
    found = shooting.eliminate(*_interval_jacobians(layer, order_parameter, layers, frequency))
    value = rates[:, :, :8]
    # ∂ₙγ = −∂ₓγ towards the interface; the value moves with it by the layer's compliance.
    own = product(jnp.moveaxis(value, 0, 2), found.compliance[-1])
    sees = jnp.asarray(_own_slope(rates.shape[1] // 2), rates.dtype)
    own = jnp.moveaxis(own, 2, 0) - sees[None, :, :, None]
    return Factors(found, value, solver.assembled(own, rates[:, :, 8:]))


def answer(found: Factors, outer: Array, inner: Array, joint: Array) -> Unknowns:
    """J⁻¹ applied to a right-hand side with the parts of `residual`."""
    last, kept = shooting.reduced(found.layers, -inner, outer)
    shifted = jnp.sum(found.value * jnp.moveaxis(last, 1, 0)[:, None], axis=2)
    both = solved(found.joined, joint - shifted.reshape(joint.shape))
    lanes = both.shape[1]
    slope = jnp.moveaxis(both[:16].reshape(2, 8, lanes), 0, 1)
    return Unknowns(shooting.expanded(found.layers, kept, slope), both[16:])


def flattened(x: Unknowns) -> Inexact[Array, "n lanes"]:
    return jnp.concatenate([x.layer.reshape(-1, x.layer.shape[-1]), x.linear])


def intervals_of(unknowns: int, layers: Layers) -> int:
    """Of the mesh, from the number of unknowns."""
    return (unknowns - layers.link.unknowns) // 32 - 1


def unflattened(x: Inexact[Array, "n lanes"], intervals: int) -> Unknowns:
    size = 32 * (intervals + 1)
    return Unknowns(x[:size].reshape(intervals + 1, 16, 2, x.shape[1]), x[size:])


def split(vector: Inexact[Array, "n lanes"], intervals: int) -> tuple[Array, Array, Array]:
    """Values of all equations as the parts of `residual`."""
    lanes = vector.shape[1]
    outer = vector[:16].reshape(8, 2, lanes)
    size = 16 + 32 * intervals
    return outer, vector[16:size].reshape(intervals, 16, 2, lanes), vector[size:]


def pair_amplitude(layer: Inexact[Array, "nodes 16 2 lanes"]) -> Complex[Array, "nodes 2 lanes"]:
    """Singlet F = ½ Tr(−σ_y)·2(1 + γγ̃)⁻¹γ at the nodes; Δ/Ω in the bulk."""
    (value, partner), _ = matrices(layer)
    f = product(inverse(identity(value) + product(value, partner)), value)
    i = jax.lax.complex(0.0, 1.0)
    return i * f[1, 0] - i * f[0, 1]


def matrices(layer: Inexact[Array, "nodes 16 2 lanes"]) -> tuple[tuple, tuple]:
    """(γ, γ̃) and (∂ₓγ, ∂ₓγ̃), each [2, 2, node, side, lane]."""
    parts = jnp.moveaxis(layer, 1, 0).reshape(2, 2, 2, 2, layer.shape[0], *layer.shape[2:])
    if jnp.iscomplexobj(layer):
        return tuple(parts[0]), tuple(parts[1])
    value, slope = (jax.lax.complex(x[0], x[1]) for x in parts)
    return (value, -value.conj()), (slope, -slope.conj())


def _curvature(values, slopes, order_parameter, frequency):
    """γ″ = 2γ′(1 + γ̃γ)⁻¹γ̃γ′ + [2ωγ − A + γBγ]/D with A = Δ(−σ_y), B = Δ*(−σ_y), D = 2π."""
    (value, partner), (slope, _) = values, slopes
    pairing = superconductor.pairing(value)
    source = order_parameter * pairing
    back = order_parameter.conj() * pairing
    force = complexified(2 * frequency) * value - source + product(product(value, back), value)
    return matrix_bend(value, slope, partner) + force / (2 * np.pi)


def _flow(layer, order_parameter, frequency):
    values, slopes = matrices(layer)
    curved = _curvature(values, slopes, order_parameter, frequency)
    if jnp.iscomplexobj(layer):  # for γ̃: γ ↔ γ̃, Δ ↔ Δ*
        back = _curvature(values[::-1], slopes[::-1], order_parameter.conj(), frequency)
        parts = curved, back
    else:
        parts = curved.real, curved.imag
    flat = jnp.concatenate([x.reshape(4, *x.shape[2:]) for x in parts])
    return jnp.concatenate([layer[:, 8:], jnp.moveaxis(flat, 0, 1)], axis=1)


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
    widths = layers.superconductor_length * jnp.asarray(fractions)[:, None, None, None]
    return widths.astype(start.dtype)


def _at_middles(order_parameter):
    weights = _middle_weights(mesh(order_parameter.shape[0] - 1))
    return jnp.einsum("kn,n...->k...", complexified(jnp.asarray(weights)), order_parameter)


def intervals(
    layer: Array, order_parameter: Array, layers: Layers, frequency: Array
) -> Inexact[Array, "m 16 2 lanes"]:
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

    unit = jnp.eye(16, dtype=layer.dtype)
    zero = jnp.zeros_like(unit)
    both = jax.vmap(along, out_axes=2)(jnp.concatenate([unit, zero]), jnp.concatenate([zero, unit]))
    return both[:, :, :16], both[:, :, 16:]


def _at_interfaces(x, args, steps):
    layers, frequency, twist = args
    last = x.layer[-1]
    s_pairs = jax.lax.complex(last[:4], last[4:8])
    s_slopes = -jax.lax.complex(last[8:12], last[12:])
    f_pairs, f_slopes = solver.at_link_ends(
        solver.link_values(x.linear), layers, frequency, twist, steps
    )
    return jnp.concatenate([s_pairs, f_pairs]), jnp.concatenate([s_slopes, f_slopes])


def _own_slope(kinds):
    """How the real equations of one interface see the superconductor's slope there."""
    seen = np.zeros((2, kinds, 2, 4))
    seen[0, :4, 0], seen[1, :4, 1] = np.eye(4), np.eye(4)
    return seen.reshape(2 * kinds, 8)


# −σ_y as four real and four imaginary parts.
_PAIRING_PARTS = np.stack(
    [np.real(superconductor.PAIRING), np.imag(superconductor.PAIRING)]
).ravel()
