"""A superconducting layer with a gap of any profile: the Usadel equation on a graded mesh.

A layer is γ and ∂ₓγ on the mesh as one array [node, 16, side, lane]: (γ, ∂ₓγ), both parts of the
amplitudes, four elements.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Inexact

from ....numerics.matrices import complexified, identity, inverse, product
from . import uniform
from .conjugation import AbstractConjugation
from .link import matrix_bend

_GRADING = 4.0  # the mesh is exp(4) times finer at the interface than at the outer end


class Profile(NamedTuple):
    """A superconducting layer, but for its amplitudes.

    Attributes:
        length: d_S.
        order_parameter: Δ at the nodes, from the outer end to the interface, for both sides.
        frequency: ω, real or complex.
        conjugation: how γ̃ follows from γ.
    """

    length: Float[Array, ""]
    order_parameter: Complex[Array, "nodes 2 lane"]
    frequency: Inexact[Array, "*lane"]
    conjugation: AbstractConjugation


def mesh(intervals: int) -> np.ndarray:
    """Nodes from the outer end 0 to the interface 1."""
    from_interface = np.expm1(_GRADING * np.linspace(1, 0, intervals + 1)) / np.expm1(_GRADING)
    return 1 - from_interface


def bulk_numbers(
    gap: Float[Array, ""], frequency: Inexact[Array, "*lane"], conjugation: AbstractConjugation
) -> Inexact[Array, "8 1 lane"]:
    """γ of the bulk as the first eight numbers of a node."""
    alike = jnp.asarray(np.stack([uniform.PAIRING] * len(conjugation.tildes)))
    beta = uniform.bulk(gap, frequency)[0]
    return beta * conjugation.parts(alike).reshape(8, 1, 1)


def pair_amplitude(
    layer: Inexact[Array, "nodes 16 2 lanes"], conjugation: AbstractConjugation
) -> Complex[Array, "nodes 2 lanes"]:
    """Singlet F = ½ Tr(−σ_y)·2(1 + γγ̃)⁻¹γ at the nodes; Δ/Ω in the bulk."""
    values, _ = _matrices(layer, conjugation)
    value, partner = values[0], conjugation.partners(values)[0]
    f = product(inverse(identity(value) + product(value, partner)), value)
    i = jax.lax.complex(0.0, 1.0)
    return i * f[1, 0] - i * f[0, 1]


def interpolated(
    layer: Inexact[Array, "nodes 16 lanes"], length: Float[Array, ""], distance: Float[Array, ""]
) -> Inexact[Array, "8 lanes"]:
    """γ of one side at a distance from the interface, by Hermite's cubic as in the equations."""
    nodes = length * jnp.asarray(mesh(layer.shape[0] - 1))
    at = length - distance
    k = jnp.clip(jnp.searchsorted(nodes, at) - 1, 0, layer.shape[0] - 2)
    h = nodes[k + 1] - nodes[k]
    t = (at - nodes[k]) / h
    weights = jnp.stack([(1 + 2 * t) * (1 - t) ** 2, t**2 * (3 - 2 * t)]).astype(layer.dtype)
    leans = jnp.stack([h * t * (1 - t) ** 2, h * t**2 * (t - 1)]).astype(layer.dtype)
    ends = jax.lax.dynamic_slice_in_dim(layer, k, 2)
    value = jnp.einsum("n,nvl->vl", weights, ends[:, :8])
    return value + jnp.einsum("n,nvl->vl", leans, ends[:, 8:])


def intervals(
    layer: Inexact[Array, "nodes 16 2 lanes"], profile: Profile
) -> Inexact[Array, "m 16 2 lanes"]:
    """Simpson's rule with the middle by Hermite's cubic (Lobatto IIIA, fourth order)."""
    return _between(layer[:-1], layer[1:], profile)


def interval_jacobians(
    layer: Inexact[Array, "nodes 16 2 lanes"], profile: Profile
) -> tuple[Inexact[Array, "m 16 16 2 lanes"], Inexact[Array, "m 16 16 2 lanes"]]:
    """Derivatives of `intervals` in both ends of each, [m, equation, number, side, lane]."""
    start, end = layer[:-1], layer[1:]

    def along(before, after):
        moved = [jnp.broadcast_to(x[None, :, None, None], start.shape) for x in (before, after)]
        return jax.jvp(lambda a, b: _between(a, b, profile), (start, end), tuple(moved))[1]

    unit = jnp.eye(16, dtype=layer.dtype)
    zero = jnp.zeros_like(unit)
    both = jax.vmap(along, out_axes=2)(jnp.concatenate([unit, zero]), jnp.concatenate([zero, unit]))
    return both[:, :, :16], both[:, :, 16:]


def _between(
    start: Inexact[Array, "m 16 2 lanes"], end: Inexact[Array, "m 16 2 lanes"], profile: Profile
) -> Inexact[Array, "m 16 2 lanes"]:
    order, nodes = profile.order_parameter, mesh(start.shape[0])
    h = profile.length * jnp.asarray(np.diff(nodes))[:, None, None, None]
    h = h.astype(start.dtype)
    first = _flow(start, order[:-1], profile)
    last = _flow(end, order[1:], profile)
    middle = (start + end) / 2 + h / 8 * (first - last)
    weights = complexified(jnp.asarray(_middle_weights(nodes)))
    inside = _flow(middle, jnp.einsum("kn,n...->k...", weights, order), profile)
    return end - start - h / 6 * (first + 4 * inside + last)


def _flow(
    layer: Inexact[Array, "nodes 16 2 lanes"],
    order_parameter: Complex[Array, "nodes 2 lane"],
    profile: Profile,
) -> Inexact[Array, "nodes 16 2 lanes"]:
    """∂ₓ of all numbers of a layer."""
    conjugation = profile.conjugation
    values, slopes = _matrices(layer, conjugation)
    partners = conjugation.partners(values)
    curved = []
    for k, tilde in enumerate(conjugation.tildes):  # for γ̃: γ ↔ γ̃, Δ ↔ Δ*
        order = order_parameter.conj() if tilde else order_parameter
        curved.append(_curvature(values[k], partners[k], slopes[k], order, profile.frequency))
    parts = conjugation.parts(jnp.stack(curved))
    flat = jnp.moveaxis(parts.reshape(8, *parts.shape[3:]), 0, 1)
    return jnp.concatenate([layer[:, 8:], flat], axis=1)


def _curvature(
    value: Complex[Array, "2 2 nodes 2 lanes"],
    partner: Complex[Array, "2 2 nodes 2 lanes"],
    slope: Complex[Array, "2 2 nodes 2 lanes"],
    order_parameter: Complex[Array, "nodes 2 lane"],
    frequency: Inexact[Array, "*lane"],
) -> Complex[Array, "2 2 nodes 2 lanes"]:
    """γ″ = 2γ′(1 + γ̃γ)⁻¹γ̃γ′ + [2ωγ − A + γBγ]/D with A = Δ(−σ_y), B = Δ*(−σ_y), D = 2π."""
    pairing = uniform.pairing(value)
    source = order_parameter * pairing
    back = order_parameter.conj() * pairing
    force = complexified(2 * frequency) * value - source + product(product(value, back), value)
    return matrix_bend(value, slope, partner) + force / (2 * np.pi)


def _matrices(
    layer: Inexact[Array, "nodes 16 2 lanes"], conjugation: AbstractConjugation
) -> tuple[Complex[Array, "pair 2 2 nodes 2 lanes"], Complex[Array, "pair 2 2 nodes 2 lanes"]]:
    """Amplitudes and their derivatives as matrices."""
    parts = jnp.moveaxis(layer, 1, 0).reshape(2, 2, 2, 2, layer.shape[0], *layer.shape[2:])
    return conjugation.amplitudes(*parts[0]), conjugation.amplitudes(*parts[1])


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
