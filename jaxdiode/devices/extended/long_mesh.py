"""Points across a long junction, with weights that know the steps of its profile.

A profile is a Legendre series on each of equal pieces. ∫ p g is taken as Σ g(x_i) ∫ p L_i, exact
for the polynomials that the basis L spans, whatever p does between the points.
"""

import functools
import itertools
from typing import NamedTuple

import numpy as np

_LEGENDRE = np.polynomial.legendre
_MOST = 32  # elements
_EXTRA = 2  # points of each further element
_LEAST = 4  # order of an element


class Mesh(NamedTuple):
    """Elements of Gauss–Lobatto points, or evenly spaced points.

    Attributes:
        x: −½ to ½.
        weight: of each point, adding up to 1.
        stiffness: A of ∫ φ'²/2 = φAφ/2 for a junction of length 1.
        profile: ∫ L_i P_k for the Legendre polynomials of every piece [point, piece, order].
        tail: rows that give the last two Legendre coefficients of each element.
    """

    x: np.ndarray
    weight: np.ndarray
    stiffness: np.ndarray
    profile: np.ndarray
    tail: np.ndarray


def elements_of(pieces: int, order: int) -> int:
    """How many elements follow a profile; one where that is smooth."""
    return min(pieces, _MOST) if order <= 2 else 1


def ends_at_pieces(pieces: int, order: int) -> bool:
    """Whether several elements follow a profile, each of which is smooth."""
    return 1 < elements_of(pieces, order) == pieces


def more_points(pieces: int, order: int) -> int:
    """How many points the elements of a profile add."""
    return _EXTRA * (elements_of(pieces, order) - 1)


@functools.lru_cache(maxsize=32)
def collocation(points: int, pieces: int, order: int) -> Mesh:
    """At least so many points; where there are several elements they meet at ends of pieces."""
    count = elements_of(pieces, order)
    edges = np.round(np.arange(count + 1) * pieces / count) / pieces - 0.5
    degree = max(_LEAST, -(-(points - 1) // count))
    t, weight, slope = lobatto(degree + 1)
    own = (slope.T * weight) @ slope
    own -= np.diag(own.sum(axis=1))  # a constant is not stretched
    series = np.linalg.inv(_LEGENDRE.legvander(t, degree))
    size = count * degree + 1
    mesh = Mesh(
        np.zeros(size), np.zeros(size), np.zeros((size, size)), np.zeros((size, pieces, order)),
        np.zeros((2 * count, size)),
    )  # fmt: skip
    for k, (left, right) in enumerate(itertools.pairwise(edges)):
        here = slice(k * degree, (k + 1) * degree + 1)
        half = (right - left) / 2
        mesh.x[here] = (left + right) / 2 + half * t
        mesh.weight[here] += half * weight
        mesh.stiffness[here, here] += own / half
        mesh.tail[2 * k : 2 * k + 2, here] = series[-2:]

        def basis(x: np.ndarray, left: float = left, half: float = half) -> np.ndarray:
            return _LEGENDRE.legvander((x - left) / half - 1, degree) @ series

        inside = np.arange(pieces + 1) / pieces - 0.5
        cuts = np.concatenate([[left], inside[(inside > left) & (inside < right)], [right]])
        mesh.profile[here] += _projected(basis, cuts, pieces, order, degree)
    mesh.x[[0, -1]] = -0.5, 0.5
    return mesh


@functools.lru_cache(maxsize=32)
def even(count: int, pieces: int, order: int) -> np.ndarray:
    """∫ L_i P_k for hat functions L on evenly spaced points."""
    x = np.linspace(-0.5, 0.5, count)
    cuts = np.unique(np.concatenate([x, np.arange(pieces + 1) / pieces - 0.5]).round(14))

    def hats(places: np.ndarray) -> np.ndarray:
        return np.maximum(0.0, 1 - np.abs(places[:, None] - x) * (count - 1))

    return _projected(hats, cuts, pieces, order, 1)


def _projected(basis, cuts: np.ndarray, pieces: int, order: int, degree: int) -> np.ndarray:
    """∫ L_i P_k over the intervals between cuts, each within one piece."""
    t, weight = _LEGENDRE.leggauss((degree + order) // 2 + 1)
    total = 0.0
    for left, right in itertools.pairwise(cuts):
        half, middle = (right - left) / 2, (left + right) / 2
        x = middle + half * t
        piece = int(np.clip(np.floor((middle + 0.5) * pieces), 0, pieces - 1))
        own = _LEGENDRE.legvander(2 * ((x + 0.5) * pieces - piece) - 1, order - 1)
        values = basis(x)
        part = np.zeros((values.shape[1], pieces, order))
        part[:, piece] = (half * weight[:, None] * values).T @ own
        total = total + part
    return np.asarray(total)


@functools.lru_cache(maxsize=32)
def lobatto(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nodes on [−1, 1], weights and the matrix of derivatives."""
    order = count - 1
    legendre = np.zeros(count)
    legendre[-1] = 1.0
    inner = np.sort(_LEGENDRE.legroots(_LEGENDRE.legder(legendre)).real)
    x = np.concatenate([[-1.0], inner, [1.0]])
    value = _LEGENDRE.legval(x, legendre)
    weight = 2 / (order * (order + 1) * value**2)
    apart = x[:, None] - x + np.eye(count)
    slope = value[:, None] / (value * apart)
    np.fill_diagonal(slope, 0.0)
    slope[0, 0], slope[-1, -1] = -order * (order + 1) / 4, order * (order + 1) / 4
    return x, weight, slope
