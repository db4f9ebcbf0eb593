"""What a spin-active interface does to pair amplitudes: the general matrix current.

Source: Eschrig, Cottet, Belzig and Linder, "General boundary conditions for quasiclassical theory
of superconductivity in the diffusive limit", New J. Phys. 17, 083037 (2015).
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex

from ...numerics.matrices import complexified, identity, inverse, product
from .barrier import Segment

# Pair amplitudes that exist: the superconductor's 2 × 2, and one per band of the ferromagnet.
ROWS = np.array([0, 0, 1, 1, 2, 3])
COLUMNS = np.array([0, 1, 0, 1, 2, 3])


def matrix_current(
    channels: tuple[Segment, ...],
    pairs: Complex[Array, "6 *lanes"],
    partners: Complex[Array, "6 *lanes"],
) -> Complex[Array, "6 *lanes"]:
    """Flux of pair amplitudes into the interface: σ ξ₀ ∂ₙγ = κ · this, n pointing away from it.

    With γ of both sides as one block-diagonal matrix over the channels, amplitudes come in as γ
    and go out as γ_o = S γ S*, which turns the conditions of the isotropisation zone into

        (1 + γγ̃) ⟨(1 + γ_oγ̃)⁻¹(γ − γ_o)⟩,   ⟨…⟩ = ∫₀¹ d(k∥²/k_F²), block by block.

    Spin-inactive channels give Nazarov's condition, weak ones Kupriyanov and Lukichev's.

    Args:
        channels: S-matrices and weights, [n, n, k, …] each; lanes broadcast behind k.
        pairs: γ, in the order of `ROWS` and `COLUMNS`.
        partners: γ̃, in the same order; −γ* on the Matsubara axis.
    """
    average = sum(_average(_Scattered(part, pairs, partners).answer, part) for part in channels)
    weight = _squared(pairs, partners)
    return _elements(product(weight, _embedded(average, 4)))


def linearised_current(
    channels: tuple[Segment, ...],
    pairs: Complex[Array, "6 *lanes"],
    partners: Complex[Array, "6 *lanes"],
    change: Complex[Array, "6 m *lanes"],
    turned: Complex[Array, "6 m *lanes"],
) -> tuple[Array, Array]:
    """`matrix_current` and its change along m directions (δγ, δγ̃) = (change, turned).

    Y = (1 + γ_oγ̃)⁻¹(γ − γ_o) = X(γ − γ_o) changes by X δγ − (XS) δγ S*(1 + γ̃Y) − (Xγ_o) δγ̃ Y: a
    product of rank one for each element of γ, averaged over momenta before any direction is taken.
    """
    average, along, against = 0.0, 0.0, 0.0
    for part in channels:
        n = part.matrix.shape[0]
        size = _count(n)
        here = _Scattered(part, pairs, partners)
        back = product(here.backward, identity(here.answer) + product(here.partner, here.answer))
        sent = product(here.inverted, part.matrix)
        mixed = product(here.inverted, here.outgoing)
        rows, columns = ROWS[:size], COLUMNS[:size]
        left, right = (rows[:, None], rows[None]), (columns[None], columns[:, None])
        same = (columns[:, None] == columns[None]).reshape((size, size) + (1,) * pairs.ndim)
        ahead = jnp.where(same, here.inverted[left], 0.0) - sent[left] * back[right]
        behind = -mixed[left] * here.answer[right]
        missing = [(0, 6 - size)] * 2 + [(0, 0)] * (pairs.ndim - 1)
        average = average + _average(here.answer, part)
        along = along + jnp.pad(_weighted(ahead, part), missing)
        against = against + jnp.pad(_weighted(behind, part), missing)
    response = _contracted(along, change) + _contracted(against, turned)
    pair, partner = _embedded(pairs, 4), _embedded(partners, 4)
    answer = _embedded(average, 4)
    move = product(_embedded(change, 4), partner[:, :, None])
    move += product(pair[:, :, None], _embedded(turned, 4))
    weight = _squared(pairs, partners)
    rate = product(move, answer[:, :, None]) + product(weight[:, :, None], _embedded(response, 4))
    return _elements(product(weight, answer)), _elements(rate)


class _Scattered:
    """γ, γ_o = S γ S*, X = (1 + γ_oγ̃)⁻¹ and Y = X(γ − γ_o) at every momentum of a segment."""

    def __init__(self, part: Segment, pairs, partners):
        n = part.matrix.shape[0]
        self.partner = _embedded(partners, n)[:, :, None]
        pair = _embedded(pairs, n)[:, :, None]
        self.backward = part.matrix.conj()
        self.outgoing = product(product(part.matrix, pair), self.backward)
        whole = product(self.outgoing, self.partner)
        self.inverted = inverse(identity(whole) + whole)
        self.answer = product(self.inverted, pair - self.outgoing)


def _count(n):
    """How many pair amplitudes live in the first n channels."""
    return int(np.sum(n > ROWS))


def _embedded(elements, n):
    """Elements as a matrix [n, n, …]; what does not exist is zero."""
    size = _count(n)
    empty = jnp.zeros((n, n, *elements.shape[1:]), elements.dtype)
    return empty.at[ROWS[:size], COLUMNS[:size]].set(elements[:size])


def _elements(matrix):
    return matrix[ROWS, COLUMNS]


def _squared(pairs, partners):
    whole = product(_embedded(pairs, 4), _embedded(partners, 4))
    return identity(whole) + whole


def _average(matrix, part):
    size = _count(matrix.shape[0])
    elements = _weighted(matrix[ROWS[:size], COLUMNS[:size]], part, axis=1)
    return jnp.pad(elements, [(0, 6 - size)] + [(0, 0)] * (elements.ndim - 1))


def _weighted(values, part, axis=2):
    """Average over momenta, which lie on `axis`."""
    shape = [1] * values.ndim
    shape[axis] = part.weight.size
    return jnp.sum(values * complexified(part.weight).reshape(shape), axis=axis)


def _contracted(tensor, vectors):
    return jnp.sum(tensor[:, :, None] * vectors[None], axis=1)
