"""Profiles that a sinusoidal junction cannot tell apart."""

import itertools

import numpy as np

from .. import _checks
from .._checks import Numbers

_ALL = 12  # pairs of zeros up to which every choice of them is tried, beyond it one or two
_ROUNDING = 1e-9  # of the mean, for |P| and for a density of zero
_SAME = 1e-3  # of the mean, for two profiles: a multiple zero is not known better


def twins(density: Numbers) -> np.ndarray:
    """Other profiles in equal boxes with the same |P(f)| at every flux, P = ∫p e^{2πifx}dx.

    P is a polynomial Σ p_j z^j of z = e^{2πif/n} times one factor that all share, and |P| does not
    change when a zero is replaced by its mirror image in the unit circle, 1/z̄ (both of a complex
    pair). All zeros together give the mirrored profile; others are twins if no p_j is negative. I_c
    of a sinusoidal relation is the same for all of them; I± of another relation is not.

    Args:
        density: p_j ≥ 0 in boxes of equal width, in any unit.

    Returns:
        (twins, boxes), of the same mean, the most different first; of two mirror images the one
        that is more like the given. Of more than twelve zeros or pairs only those with one or two
        replaced are tried.

    Raises:
        ValueError: a density below zero, or zero everywhere.

    Example:
        >>> print(jd.inverse.twins([6, 5, 1]).round(6))
        [[3. 7. 2.]]
    """
    given = np.asarray(_checks.real_array("density", density, ndim=1, at_least=0.0))
    if not np.any(given):
        raise ValueError("density must carry current somewhere, got zeros")
    filled = np.flatnonzero(given)
    first, last = int(filled[0]), int(filled[-1]) + 1
    inner = given[first:last] / np.mean(given)
    found: list[np.ndarray] = []
    for roots in _flipped(_groups(np.roots(inner[::-1]))):
        other = np.real(np.poly(roots))[::-1]
        other = other * np.sum(inner) / np.sum(other)
        if np.min(other) < -_ROUNDING or not np.allclose(
            _size(other), _size(inner), atol=_ROUNDING
        ):
            continue
        other = np.clip(_nearer(other, inner), 0.0, None)
        if all(np.max(np.abs(other - one)) > _SAME for one in (inner, *found)):
            found.append(other)
    found.sort(key=lambda one: -float(np.sum((one - inner) ** 2)))
    placed = np.zeros((len(found), given.size))
    for row, one in zip(placed, found, strict=True):
        row[first:last] = one * np.mean(given)
    return placed


def _nearer(one: np.ndarray, given: np.ndarray) -> np.ndarray:
    """A twin or its mirror image, whichever is more alike."""
    other = one[::-1]
    return one if np.sum((one - given) ** 2) <= np.sum((other - given) ** 2) else other


def _groups(roots: np.ndarray) -> list[np.ndarray]:
    """Real zeros alone, complex ones in pairs; those on the unit circle are their own image."""
    height = np.imag(roots)
    paired = [np.array([r, np.conj(r)]) for r in roots[height > 0]]
    return paired + [r[None] for r in roots[height == 0]]


def _flipped(groups: list[np.ndarray]):
    """Zeros with some groups replaced; the first never is, which leaves mirror images out."""
    count = len(groups)
    most = count - 1 if count <= _ALL else 2
    for size in range(1, most + 1):
        for chosen in itertools.combinations(range(1 if count <= _ALL else 0, count), size):
            parts = [1 / np.conj(g) if k in chosen else g for k, g in enumerate(groups)]
            yield np.concatenate(parts)


def _size(density: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.rfft(density, 4 * density.size)) / density.size
