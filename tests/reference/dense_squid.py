"""Dense NumPy reference for the critical currents of N Josephson branches in parallel.

The device carries I(phi) = sum_k I_k(phi + dphi_k) with dphi_0 = 0 and
dphi_k = -2 pi (f_1 + ... + f_k).  Wanted: plus = sup I and minus = -inf I, without Newton.

Where it is hard.  A series pair (a, b) or an Andreev mode of transparency near 1 drops steeply
where its own phase passes pi, over a width ~ |a - b|/sqrt(ab) that may be 0; the extrema sit close
by.  Everything is therefore a function of the offset x = phase - pi, where cos(phase/2) =
-sin(x/2) and sin(phase/2) = cos(x/2) lose no digits:

    series   I = -2ab cos(x/2) sin(x/2) / hypot(a - b, 2 sqrt(ab) sin(x/2))
    andreev  I = -(A/2) tau sin(x)/r tanh(gap r/2T),  r = hypot(sqrt(1-tau), sqrt(tau) sin(x/2))

A phase is stored as (j, t), the offset t from the kink of branch j; branch k then sits at x_k =
t + d_jk, d_jk = dphi_k - dphi_j reduced to [-pi, pi] (exactly 0 for k = j).

Why the search is complete.  The complex singularities of I_k lie above and below its kink (those
of tanh and of the square root; with inductance this is tested, not proved), so at a distance t
from the nearest kink I varies on the scale t or slower.  Each interval between neighbouring kinks
is sampled from both ends in geometric steps of 2^(1/8) from 1e-15 upwards, with the one-sided
limits at the kinks (t = +-1e-300) and an even grid fine enough for the highest harmonic; all
competitive local maxima are then shrunk by repeated zooms.

Why rounding is harmless.  At a maximum the slopes of the branches add up to 0 and the positive
ones are at most about the critical currents, so the negative ones are too: sup I changes by
O(current) x (change of d_jk), however steep the kinks are.

Inductance.  psi + 2 pi L I(psi) = theta is explicit and increasing in psi where psi is
single-valued (else ValueError): psi is bracketed by a table and found by false position.  The
kink stays at psi = theta = pi for the odd relations.
"""

import itertools
import math
from functools import partial

import numpy as np

_CUT = 1e-15  # innermost graded sample, as an offset from a kink
_LIMIT = 1e-300  # stands for the one-sided limit: survives adding an exact 0, unlike -0.0
_PER_OCTAVE = 8
_ZOOM_POINTS, _ZOOM_ROUNDS = 25, 11
_ROOT_STEPS = 40  # at most; 7 to 15 are used unless nearly multivalued


def offset_current(spec, offset):
    """Return the current of one branch at pi + offset; the sign of a zero offset picks the side.

    `spec` is ("tunnel", Ic), ("series", a, b), ("harmonics", sine, cosine) or
    ("andreev", amplitudes, transparencies, gap, temperature).
    """
    x = np.asarray(offset, float)
    kind, *args = spec
    if kind == "tunnel":
        return -args[0] * np.sin(x)
    if kind == "series":
        a, b = args
        s = np.sin(x / 2)
        root = np.hypot(a - b, 2 * math.sqrt(a * b) * s)
        limit = np.asarray(math.sqrt(a * b) * np.copysign(0.5, x))  # of ab s / root where root -> 0
        ratio = np.divide(a * b * s, root, out=limit, where=root > 0)
        return -2 * np.cos(x / 2) * ratio
    if kind == "andreev":
        amplitudes, transparencies, gap, temperature = args
        total = np.zeros_like(x)
        for amplitude, tau in zip(amplitudes, transparencies, strict=True):
            s = np.sin(x / 2)
            root = np.hypot(math.sqrt(1 - tau), math.sqrt(tau) * s)
            ratio = np.divide(s, root, out=np.asarray(np.copysign(1.0, x)), where=root > 0)
            thermal = np.tanh(gap * root / (2 * temperature)) if temperature > 0 else 1.0
            total -= amplitude * tau * np.cos(x / 2) * ratio * thermal
        return total
    if kind == "harmonics":
        sine, cosine = args
        total = np.zeros_like(x)
        for n, amplitude in enumerate(sine, 1):
            total += (-1) ** n * amplitude * np.sin(n * x)
        for n, amplitude in enumerate(cosine, 1):
            total += (-1) ** n * amplitude * np.cos(n * x)
        return total
    raise ValueError(f"unknown branch {kind!r}")


def branch_current(spec, phase):
    """Return the current of one branch at its junction phase; use `offset_current` close to pi."""
    return offset_current(spec, np.asarray(phase, float) - np.pi)


def _bound(spec):
    """Upper bound of |I| of one branch."""
    kind, *args = spec
    if kind == "tunnel":
        return abs(args[0])
    if kind == "series":
        return min(args)
    if kind == "andreev":
        return float(np.sum(np.abs(args[0])))
    return float(np.sum(np.abs(args[0])) + np.sum(np.abs(args[1])))


def _phase_table(spec, inductance):
    """Tabulate theta = x + 2 pi L I(pi + x), on x graded towards a kink; check it increases."""
    if spec[0] == "harmonics":
        x = np.linspace(-np.pi, np.pi, 4001)
    else:
        octaves = math.ceil(math.log2(np.pi / _CUT))
        graded = np.geomspace(_CUT, np.pi, 16 * octaves)
        half = np.unique(np.concatenate([[_LIMIT], graded, np.linspace(0.005, 3.14, 1000)]))
        x = np.concatenate([-half[::-1], half])
    theta = x + 2 * np.pi * inductance * offset_current(spec, x)
    if np.any(np.diff(theta) <= 0):
        raise ValueError(f"inductance {inductance} makes the phase of {spec} multivalued")
    return x, theta


def _junction_offset(spec, inductance, table, offset):
    """Solve x + 2 pi L I(pi + x) = offset: bracket from the table, then bracketed false position.

    The Illinois rule halves the residual of an end that stays, so both ends close in.
    """
    x, theta = table
    turns = 2 * np.pi * np.floor((offset - theta[0]) / (2 * np.pi))
    target = offset - turns
    index = np.clip(np.searchsorted(theta, target), 1, x.size - 1)
    old, new = x[index - 1], x[index]
    f_old, f_new = theta[index - 1] - target, theta[index] - target
    for _ in range(_ROOT_STEPS):
        rise = f_new - f_old
        step = np.divide(f_new * (new - old), rise, out=np.zeros_like(rise), where=rise != 0)
        middle = new - step
        f = middle + 2 * np.pi * inductance * offset_current(spec, middle) - target
        same = np.sign(f) == np.sign(f_new)
        old, f_old = np.where(same, old, new), np.where(same, f_old / 2, f_new)
        new, f_new = middle, f
        if np.all(np.abs(step) <= 4e-16 * np.abs(middle)):
            break
    return new + turns


def _prepare(branches, flux, inductance):
    """Return the fluxes, one per loop, and for each branch x -> current at device offset x."""
    flux = np.broadcast_to(np.asarray(flux, float), (len(branches) - 1,))
    inductance = np.broadcast_to(0.0 if inductance is None else inductance, (len(branches),))
    currents = []
    for spec, one in zip(branches, inductance.tolist(), strict=True):
        if one == 0:
            currents.append(partial(offset_current, spec))
        else:
            solve = partial(_junction_offset, spec, one, _phase_table(spec, one))
            currents.append(lambda x, spec=spec, solve=solve: offset_current(spec, solve(x)))
    return flux, currents


def total_current(branches, flux, phase, inductance=None):
    """Return I(phi) plainly, at the phase of branch 0 (loses digits close to kinks)."""
    flux, currents = _prepare(branches, flux, inductance)
    shifts = -2 * np.pi * np.concatenate([[0.0], np.cumsum(flux)])
    phase = np.asarray(phase, float)
    return sum(one(phase - np.pi + shift) for one, shift in zip(currents, shifts, strict=True))


def _shifts(flux):
    """d_jk = dphi_k - dphi_j in [-pi, pi]: at the kink of j, branch k is d_jk past its own."""
    count = len(flux) + 1
    turns = np.zeros((count, count))
    for j in range(count):
        for k in range(j + 1, count):
            turn = math.fsum(flux[j:k])
            turns[j, k] = -(turn - round(turn))
            turns[k, j] = -turns[j, k]
    return 2 * np.pi * turns


def _grid(shifts, order):
    """Return kink indices (S,) and offsets (S, n): both sides of each kink, past mid-interval."""
    position = np.mod(-shifts[0], 2 * np.pi)
    _, kinks = np.unique(position, return_index=True)
    gaps = np.diff(position[kinks], append=position[kinks[0]] + 2 * np.pi)
    kinks = np.concatenate([kinks, kinks])
    reach = 0.6 * np.concatenate([gaps, np.roll(gaps, 1)])[:, None]
    sign = np.repeat([1.0, -1.0], len(gaps))[:, None]
    octaves = math.log2(0.6 * 2 * np.pi / _CUT)
    graded = np.linspace(0, 1, math.ceil(_PER_OCTAVE * octaves))
    first = np.minimum(_CUT, 1e-3 * reach)
    even = np.linspace(0, 1, 48 * order + 1)[1:-1]
    offsets = np.concatenate([first * (reach / first) ** graded, reach * even], axis=1)
    offsets = np.concatenate([np.full_like(reach, _LIMIT), np.sort(offsets, axis=1)], axis=1)
    return kinks, sign * offsets


def _supremum(current, kinks, offsets, values, scale):
    """Return the largest of all sampled values after zooming into each competitive local maximum.

    A maximum that stands out by less than 1e-14 of the scale hides no more than that.
    """
    best = values.max()
    inner, left, right = values[:, 1:-1], values[:, :-2], values[:, 2:]
    peak = (inner >= left) & (inner >= right) & (inner > best - 0.1 * scale)
    peak &= inner - np.minimum(left, right) > 1e-14 * scale
    row, column = np.nonzero(peak)
    if row.size == 0:
        return best
    low, high = offsets[row, column], offsets[row, column + 2]
    fraction = np.linspace(0, 1, _ZOOM_POINTS)
    each = np.arange(row.size)
    for _ in range(_ZOOM_ROUNDS):
        points = low[:, None] + (high - low)[:, None] * fraction
        sampled = current(kinks[row], points)
        best = max(best, sampled.max())
        top = sampled.argmax(axis=1)
        low = points[each, np.maximum(top - 1, 0)]
        high = points[each, np.minimum(top + 1, _ZOOM_POINTS - 1)]
    return best


def critical_currents(branches, flux, inductance=None):
    """Return (sup I, -inf I) of the device, to 1e-15 of the sum of branch currents.

    `flux` in flux quanta, one per loop (a number serves all loops); `inductance` in flux quanta
    per unit current, one per branch, only where every junction phase is single-valued.
    """
    flux, currents = _prepare(branches, flux, inductance)
    shifts = _shifts(flux)

    def current(kink, t):
        return sum(one(t + shifts[kink, k, None]) for k, one in enumerate(currents))

    orders = [len(part) for spec in branches if spec[0] == "harmonics" for part in spec[1:]]
    kinks, offsets = _grid(shifts, max(orders, default=1))
    values = current(kinks, offsets)
    scale = sum(map(_bound, branches))
    plus = _supremum(current, kinks, offsets, values, scale)
    minus = _supremum(lambda j, t: -current(j, t), kinks, offsets, -values, scale)
    return float(plus), float(minus)


def efficiency(branches, flux, inductance=None):
    """Diode efficiency (plus - minus)/(plus + minus)."""
    plus, minus = critical_currents(branches, flux, inductance)
    return (plus - minus) / (plus + minus)


def _richardson(estimate, levels):
    """Extrapolate estimate(h), whose error is even in h, from h = 1, 1/2, 1/4, ... to h = 0."""
    table = [estimate(0.5**level) for level in range(levels)]
    for power in range(1, levels):
        weight = 4.0**power
        pairs = itertools.pairwise(table)
        table = [(weight * fine - coarse) / (weight - 1) for coarse, fine in pairs]
    return table[0]


def gradient(fun, x, steps, levels=4):
    """Gradient of a scalar function of a vector; `steps` are the largest steps, per component.

    Error ~ steps^(2 levels) f^(2 levels + 1) plus noise(f) * 2^levels / steps.
    """
    x = np.asarray(x, float)
    moves = np.diag(np.broadcast_to(np.asarray(steps, float), x.shape))

    def estimate(h):
        return np.array([(fun(x + h * m) - fun(x - h * m)) / (2 * h * m.sum()) for m in moves])

    return _richardson(estimate, levels)


def hessian(fun, x, steps, levels=3):
    """Hessian likewise, from central second differences; noise(f) * 4^levels / steps^2."""
    x = np.asarray(x, float)
    steps = np.broadcast_to(np.asarray(steps, float), x.shape)
    moves = np.diag(steps)
    centre = fun(x)

    def estimate(h):
        second = np.empty((x.size, x.size))
        for i in range(x.size):
            u = h * moves[i]
            second[i, i] = fun(x + u) - 2 * centre + fun(x - u)
            for j in range(i):
                v = h * moves[j]
                mixed = fun(x + u + v) - fun(x + u - v) - fun(x - u + v) + fun(x - u - v)
                second[i, j] = second[j, i] = mixed / 4
        return second / (h * h * np.outer(steps, steps))

    return _richardson(estimate, levels)
