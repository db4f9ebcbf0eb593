"""Numbers that instruments and programs write where they have none."""

import numpy as np

_TOO_LARGE = 1e30  # in any unit; the overflow of SCPI instruments is 9.9e37, not-a-number 9.91e37
_NINES = [10.0**k - 1 for k in range(3, 11)] + [999.9, 999.99, 9999.9, 9999.99]
_CODES = np.array([s * v for v in _NINES for s in (1, -1)]
                  + [32767.0, -32768.0, 65535.0, 2147483647.0, -2147483648.0])  # fmt: skip
_FAR = 3  # times the largest other number, for a known code
_VERY_FAR = 100  # for any number that repeats


def missing_values(values: np.ndarray) -> np.ndarray:
    """Which numbers of a column stand for none: not finite, too large, codes outside the rest.

    A code such as -9999 counts where it lies outside the range of the other numbers by more than
    the width of that range, and is 3 times larger than all of them or the only one of its sign.
    """
    missing = ~(np.abs(values) < _TOO_LARGE)
    coded = ~missing & np.isin(values, _CODES)
    rest = values[~missing & ~coded]
    if rest.size == 0:  # nothing but codes
        return missing | coded
    low, high = rest.min(), rest.max()
    size = max(-low, high)
    outside = np.maximum(low - values, values - high) > high - low
    only_sign = ((values < 0) & (low > 0)) | ((values > 0) & (high < 0))
    missing |= coded & outside & ((np.abs(values) > _FAR * size) | only_sign)
    return missing | _repeated(values, missing)


def overloads(values: np.ndarray) -> np.ndarray:
    """Which numbers are no quantity in any unit, as the 9.9e37 of an instrument out of range."""
    return np.isfinite(values) & (np.abs(values) >= _TOO_LARGE)


def _repeated(values, missing) -> np.ndarray:
    found = np.zeros(values.shape, bool)
    known, count = np.unique(values[~missing], return_counts=True)
    for value in known[count > 1]:
        rest = values[~missing & ~found & (values != value)]
        size = np.max(np.abs(rest), initial=0.0)
        if rest.size >= 5 and size > 0 and abs(value) > _VERY_FAR * size:
            found |= values == value
    return found
