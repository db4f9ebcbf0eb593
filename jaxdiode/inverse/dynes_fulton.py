"""The profile of the critical current density from I_c(B) alone, by Dynes and Fulton."""

from typing import NamedTuple

import numpy as np

from .. import _checks
from .._checks import Numbers

_DIP = 0.1  # of the lower lobe beside it, below which a minimum is noise
_BESIDE = 2  # points either side of a minimum that tell how far it is lifted


class Profile(NamedTuple):
    """A profile: unpacks as (x, density).

    Attributes:
        x: −½ … ½, in widths.
        density: j_c(x) w in the unit of the critical current, so that its mean is the current at
            zero flux.
    """

    x: np.ndarray
    density: np.ndarray


def dynes_fulton(flux: Numbers, critical_current: Numbers, *, points: int = 101) -> Profile:
    """j_c(x) of a junction with a sinusoidal relation from I_c(f), f ≥ 0.

    I_c = |E + iO|, with E = ∫j_c cos(2πfx)dx of the even part of j_c and O, with the sine, of the
    odd part. E = ±√(I_c² − O²) changes its sign at every minimum of I_c (dips of less than a tenth
    are noise). O is ± what the minima are lifted to, of the other sign at every next one, and
    straight lines between them. Then j_c(x) = 2 ∫₀^F [E cos(2πfx) + O sin(2πfx)] df up to the
    largest measured flux F: details below 1/2F are missing, steps ring.

    Ambiguity. I_c(f) is |E + iO| and no phase: mirrored and shifted profiles have the same, and so
    do others that are no mirror images ("zero flips", such as (6, 5, 1) and (2, 7, 3) in three
    boxes). What comes out is one of them, exact (for F → ∞) where the profile is even and E changes
    its sign at every minimum; an asymmetric profile comes out wrong wherever O is no smooth curve
    through the minima, and in one of two orientations. Nothing warns of that: where the relation is
    not sinusoidal and I₊ and I₋ were measured, `fit_profile` needs no such assumption.

    Source: R. C. Dynes & T. A. Fulton, Phys. Rev. B 3, 3015 (1971).

    Args:
        flux: f = Φ/Φ₀ from 0 on, increasing, at least five points, several to a lobe.
        critical_current: I_c ≥ 0 there, in any unit.
        points: of x.

    Raises:
        ValueError: not finite, too few points, fluxes that do not begin at 0 or do not increase,
            another number of currents, a current below zero.

    Example:
        >>> flux = np.linspace(0, 10, 401)
        >>> x, density = jd.inverse.dynes_fulton(flux, 5 * abs(np.sinc(flux)))  # a uniform junction
        >>> print(f"{np.mean(density[30:71]):.2f}")
        5.00
    """
    f = np.asarray(_checks.real_array("flux", flux, ndim=1))
    current = np.asarray(
        _checks.real_array("critical_current", critical_current, ndim=1, at_least=0.0)
    )
    _checks.require_length("critical_current", current, f.size, "one for each flux")
    count = _checks.whole_number("points", points, at_least=2)
    if f.size < 5:
        raise ValueError(f"flux must hold at least 5 points, got {f.size}")
    if np.any(np.diff(f) <= 0) or abs(f[0]) > 1e-9 * f[-1]:
        raise ValueError(f"flux must increase from 0 on, got {f[0]:g} to {f[-1]:g}")
    places, lifted = _minima(f, current)
    sign = np.where(np.searchsorted(places, f) % 2 == 0, 1.0, -1.0)
    odd = np.zeros_like(f)
    if places.size:  # none at zero flux, where O = 0
        turned = lifted * (-1.0) ** np.arange(lifted.size)
        odd = np.interp(f, np.append(0.0, places), np.append(0.0, turned))
    odd = np.clip(odd, -current, current)
    even = sign * np.sqrt(current**2 - odd**2)
    x = np.linspace(-0.5, 0.5, count)
    angle = 2 * np.pi * np.multiply.outer(x, f)
    spectrum = even * np.cos(angle) + odd * np.sin(angle)
    return Profile(x, np.asarray(2 * np.trapezoid(spectrum, f, axis=-1)))


def _minima(f: np.ndarray, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where I_c is smallest between lobes, and how large it is there.

    I_c² is smooth where I_c has a corner: a polynomial through the points around each minimum.
    """
    from scipy.signal import find_peaks

    at, found = find_peaks(-current, prominence=0)
    depth = found["prominences"]
    at = at[depth > _DIP * (current[at] + depth)]
    places, lifted = [], []
    for k in at.tolist():
        around = slice(max(k - _BESIDE, 0), k + _BESIDE + 1)
        half = max(f[k + 1] - f[k], f[k] - f[k - 1])
        t = (f[around] - f[k]) / half
        series = np.polynomial.Polynomial.fit(t, current[around] ** 2, t.size - 1, domain=[-1, 1])
        turns = series.deriv().roots()
        real = turns[np.abs(turns.imag) < 1e-9].real
        inside = real[np.abs(real) <= 1]
        if inside.size:
            best = inside[np.argmin(series(inside))]
            places.append(f[k] + half * best)
            lifted.append(np.sqrt(max(float(series(best)), 0.0)))
        else:
            places.append(f[k])
            lifted.append(current[k])
    return np.array(places), np.array(lifted)
