"""Whether the rows of a table resolve what they tabulate."""

import warnings

import numpy as np

_FEW = 8  # rows of a period, from which on what lies between them can be told at all
_COARSE = 24  # rows, below which noise cannot be told from a fine structure
_OFF = 0.07  # of the range: from here on a row lies off the cubic through its neighbours
_FAR = 0.13  # the same where noise cannot be told
_NOISES = 8.0
_QUARTILE = 0.3186  # of |z| of a normal distribution


def warn_of_coarse(
    phase: np.ndarray, currents: np.ndarray, pieces: tuple[tuple[int, int], ...]
) -> None:
    """Warn where a spline through these rows says what they do not: too few, or a jump between two.

    A row is compared with the cubic through two rows to either side. At a jump that is not declared
    it lies off by half of it, where rows resolve a turn by little, and noise moves all rows alike.

    Args:
        phase: rows, the first of them once more at the end.
        currents: (rows,) or (rows, columns).
        pieces: first and last rows between declared jumps and corners; () if there are none.
    """
    if not pieces and phase.size - 1 < _FEW:
        warnings.warn(
            f"the table has {phase.size - 1} rows in a period: what lies between them is a guess "
            f"of the spline; give at least {_FEW}, or {2 * _FEW} for an error_estimate()",
            stacklevel=5,  # past equinox, to the line that builds it
        )
        return
    columns = currents.reshape(phase.size, -1)
    span = np.ptp(columns)
    if not span > 0:
        return
    found = []
    for first, last in pieces or ((0, phase.size - 1),):
        if last - first < _FEW:
            continue
        rows = np.arange(first, last + 1)
        places = phase[rows]
        if not pieces:  # a period goes on
            rows = np.r_[rows[-3:-1], rows, rows[1:3]]
            places = np.r_[places[-3:-1] - 2 * np.pi, places, places[1:3] + 2 * np.pi]
        off = np.abs(_off(places, columns[rows])) / span
        noise = np.quantile(off, 0.25, axis=0) / _QUARTILE
        bad = (off > _OFF) & (off > _NOISES * noise)
        bad |= (last - first < _COARSE) & (off > _FAR)
        k = np.unravel_index(np.argmax(np.where(bad, off, -1.0)), off.shape)
        if bad[k]:
            near = rows[k[0] : k[0] + 5]
            steps = np.abs(np.diff(columns[near, k[1]]))
            step = int(np.argmax(steps))
            found.append((off[k], sorted(near[step : step + 2].tolist()), steps[step]))
    if found:
        _, (before, after), step = max(found, key=lambda x: x[0])
        warnings.warn(
            f"the rows do not resolve the table between phases {phase[before]:.6g} and "
            f"{phase[after]:.6g}, where the current changes by {step:.4g} and neighbouring rows "
            "do not foretell it: a spline swings there; declare a jump (the phase twice, or "
            "corners) or give more rows",
            stacklevel=5,  # past equinox, to the line that builds it
        )


def _off(places: np.ndarray, values: np.ndarray) -> np.ndarray:
    """How far each row but two at either end lies off the cubic through two rows to either side."""
    count = places.size
    around = [np.arange(2 + k, count - 2 + k) for k in (-2, -1, 1, 2)]
    at = places[2:-2]
    made = np.zeros(values[2:-2].shape)
    for j, own in enumerate(around):
        weight = np.ones(at.size)
        for i, other in enumerate(around):
            if i != j:
                weight *= (at - places[other]) / (places[own] - places[other])
        made += weight[:, None] * values[own]
    return values[2:-2] - made
