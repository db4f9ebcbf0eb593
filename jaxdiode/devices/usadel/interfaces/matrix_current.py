"""What a spin-active interface does to pair amplitudes: the general matrix current.

Source: Eschrig, Cottet, Belzig and Linder, "General boundary conditions for quasiclassical theory
of superconductivity in the diffusive limit", New J. Phys. 17, 083037 (2015).
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex

from ....numerics.matrices import complexified, identity, inverse, product
from .base import Segment

# Pair amplitudes that exist, by their number: the superconductor's 2 × 2, and beyond the interface
# one for each band of a strong ferromagnet, or another 2 × 2.
ROWS = {6: np.array([0, 0, 1, 1, 2, 3]), 8: np.array([0, 0, 1, 1, 2, 2, 3, 3])}
COLUMNS = {6: np.array([0, 1, 0, 1, 2, 3]), 8: np.array([0, 1, 0, 1, 2, 3, 2, 3])}

_SINGLET = np.array([[0.0, 1.0], [-1.0, 0.0]])
_FLOOR = 1e-9  # of transmission, where channels are closed


def matrix_current(
    channels: tuple[Segment, ...],
    pairs: Complex[Array, "pairs *lanes"],
    partners: Complex[Array, "pairs *lanes"],
) -> Complex[Array, "pairs *lanes"]:
    """Flux of pair amplitudes into the interface: σ ξ₀ ∂ₙγ = κ · this, n pointing away from it.

    With γ of both sides as one block-diagonal matrix over the channels, amplitudes come in as γ
    and go out as γ_o = S γ S*, which turns the conditions of the isotropisation zone into

        (1 + γγ̃) ⟨(1 + γ_oγ̃)⁻¹(γ − γ_o)⟩,   ⟨…⟩ = ∫₀¹ d(k∥²/k_F²), block by block.

    Spin-inactive channels give Nazarov's condition, weak ones Kupriyanov and Lukichev's.

    Args:
        channels: S-matrices and weights, [n, n, k, …] each; lanes broadcast behind k.
        pairs: γ, in the order of `ROWS` and `COLUMNS`, six or eight.
        partners: γ̃, in the same order; −γ* on the Matsubara axis.
    """
    kinds = len(pairs)
    average = sum(
        _average(_Scattered(part, pairs, partners).answer, part, kinds) for part in channels
    )
    weight = _squared(pairs, partners)
    return _elements(product(weight, _embedded(average, 4)), kinds)


def linearised_current(
    channels: tuple[Segment, ...],
    pairs: Complex[Array, "pairs *lanes"],
    partners: Complex[Array, "pairs *lanes"],
    change: Complex[Array, "pairs m *lanes"],
    turned: Complex[Array, "pairs m *lanes"],
    balance: Complex[Array, "pairs *lanes"],
) -> tuple[Array, Array]:
    """`matrix_current`, and its change along m directions (δγ, δγ̃) = (change, turned) for Newton.

    Y = (1 + γ_oγ̃)⁻¹(γ − γ_o) = X(γ − γ_o) changes by X δγ − (XS) δγ S*(1 + γ̃Y) − (Xγ_o) δγ̃ Y: a
    product of rank one for each element of γ, averaged over momenta before any direction is taken.

    In what multiplies Y here, ⟨Y⟩ is replaced by what the layers' slopes ask for, the same where
    the equations are solved: Newton's step is then that of the equations multiplied by
    ⟨X(γ − γ_o)⟩⁻¹ of a unit step between the sides. Their part with κ is linear in the amplitudes,
    and cancels in the sum of both sides however large κ is. Without that a step between well
    joined sides leaves a current out of nothing, κ times the square of the step.

    Args:
        channels, pairs, partners: as of `matrix_current`.
        change, turned: directions.
        balance: σ ξ₀ ∂ₙγ/κ of the layers, to which the flux is to be equal.
    """
    kinds = len(pairs)
    scattered = [_Scattered(part, pairs, partners) for part in channels]
    average = sum(
        _average(here.answer, part, kinds) for here, part in zip(scattered, channels, strict=True)
    )
    pair, partner = _embedded(pairs, 4), _embedded(partners, 4)
    weight = _squared(pairs, partners)
    answer = _embedded(average, 4)
    known = product(inverse(weight), _embedded(balance, 4))  # Y of the root, as the layers have it
    modes = [_mode(part, kinds) for part in channels]
    excited = [product(here.inverted, mode) for here, mode in zip(scattered, modes, strict=True)]
    reached = _embedded(
        sum(_average(x, part, kinds) for x, part in zip(excited, channels, strict=True)), 4
    )
    lacking = product(inverse(reached + _FLOOR * identity(reached)), known - answer)
    along, against = 0.0, 0.0
    for part, here, mode in zip(channels, scattered, excited, strict=True):
        n = part.matrix.shape[0]
        size = _count(n, kinds)
        expected = here.answer + product(mode, lacking[:n, :n, None])
        back = product(here.backward, identity(expected) + product(here.partner, expected))
        sent = product(here.inverted, part.matrix)
        mixed = product(here.inverted, here.outgoing)
        rows, columns = ROWS[kinds][:size], COLUMNS[kinds][:size]
        left, right = (rows[:, None], rows[None]), (columns[None], columns[:, None])
        same = (columns[:, None] == columns[None]).reshape((size, size) + (1,) * pairs.ndim)
        ahead = jnp.where(same, here.inverted[left], 0.0) - sent[left] * back[right]
        behind = -mixed[left] * expected[right]
        missing = [(0, kinds - size)] * 2 + [(0, 0)] * (pairs.ndim - 1)
        along = along + jnp.pad(_weighted(ahead, part), missing)
        against = against + jnp.pad(_weighted(behind, part), missing)
    response = _contracted(along, change) + _contracted(against, turned)
    move = product(_embedded(change, 4), partner[:, :, None])
    move += product(pair[:, :, None], _embedded(turned, 4))
    rate = product(move, known[:, :, None]) + product(weight[:, :, None], _embedded(response, 4))
    return _elements(product(weight, answer), kinds), _elements(rate, kinds)


def _mode(part: Segment, kinds: int) -> Array:
    """γ − γ_o of a difference between the sides, singlets (or one band) of each, by its column."""
    n = part.matrix.shape[0]
    own = np.zeros((4, 4))
    own[:2, :2] = _SINGLET
    beyond = np.zeros((4, 4))
    beyond[2:, 2:] = _SINGLET if kinds == 8 else np.eye(2)
    columns = []
    for probe in (own, beyond):
        gamma = jnp.asarray(probe[:n, :n], part.matrix.dtype)
        gamma = gamma.reshape((n, n) + (1,) * (part.matrix.ndim - 2))
        back = jnp.swapaxes(gamma, 0, 1)  # its inverse where it is not zero
        out = product(product(part.matrix, gamma), part.matrix.conj())
        columns.append(product(gamma - out, back))
    return columns[0] + columns[1]


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


def _count(n: int, kinds: int) -> int:
    """How many pair amplitudes live in the first n channels."""
    return int(np.sum((n > ROWS[kinds]) & (n > COLUMNS[kinds])))


def _embedded(elements, n: int) -> Array:
    """Elements as a matrix [n, n, …]; what does not exist is zero."""
    kinds = len(elements)
    size = _count(n, kinds)
    empty = jnp.zeros((n, n, *elements.shape[1:]), elements.dtype)
    return empty.at[ROWS[kinds][:size], COLUMNS[kinds][:size]].set(elements[:size])


def _elements(matrix: Complex[Array, "4 4 *lanes"], kinds: int) -> Array:
    return matrix[ROWS[kinds], COLUMNS[kinds]]


def _squared(pairs, partners):
    whole = product(_embedded(pairs, 4), _embedded(partners, 4))
    return identity(whole) + whole


def _average(
    matrix: Complex[Array, "n n k *lanes"], part: Segment, kinds: int
) -> Complex[Array, "{kinds} *lanes"]:
    size = _count(matrix.shape[0], kinds)
    elements = _weighted(matrix[ROWS[kinds][:size], COLUMNS[kinds][:size]], part, axis=1)
    return jnp.pad(elements, [(0, kinds - size)] + [(0, 0)] * (elements.ndim - 1))


def _weighted(values: Array, part: Segment, axis: int = 2) -> Array:
    """Average over momenta, which lie on `axis`."""
    shape = [1] * values.ndim
    shape[axis] = part.weight.size
    return jnp.sum(values * complexified(part.weight).reshape(shape), axis=axis)


def _contracted(tensor, vectors: Complex[Array, "kinds m *lanes"]) -> Array:
    return jnp.sum(tensor[:, :, None] * vectors[None], axis=1)
