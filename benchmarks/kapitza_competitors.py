"""Competitors of the driven-junction solvers: SciPy and numba, as well written as we can.

    φ'' + βφ' + (a₀ + a₁ cos Ωτ) sin φ + b sin(φ+φ₀) = i

Ramp: adiabatic staircase in i, its step halved at every escape.  (Bisection below the lowest i that
escaped is no faster and wrong where the jump, not the current, caused the escape: near flips.)
Its cost is the time a hold takes, so a hold ends
as soon as it is decided: escaped when |Δφ| > 4π, held when (φ, φ') repeats after two periods.
The drift just above a fold is about (i - i_c)/β per unit time, so 0.1·accuracy/β is small enough.
A hold starts with φ moved by √accuracy/2, less than the distance to the unstable orbit where that
matters, lest an orbit past a flip passes for a held one.
Undecided after `hold`, by default six times the escape time πβ/√(εI₁/2) at ε = accuracy, is held.
"""

import math
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from scipy.integrate import ode, solve_ivp

FAR = 4 * math.pi


@dataclass(frozen=True)
class Drive:
    a0: float
    a1: float
    b: float
    phi0: float
    omega: float
    beta: float

    @property
    def static(self):
        """A, B of A sin φ + B cos φ."""
        return self.a0 + self.b * math.cos(self.phi0), self.b * math.sin(self.phi0)

    @property
    def period(self):
        return 2 * math.pi / self.omega


def _times(drive, accuracy, hold):
    """Return the ramp and hold times in whole periods and the drift that counts as held."""
    if hold is None:
        hold = 6 * math.pi * drive.beta / math.sqrt(accuracy * math.hypot(*drive.static) / 2)
    periods = (math.ceil(x / drive.period) for x in (10 / drive.beta, hold))
    return (*periods, 0.1 * accuracy / drive.beta * 2 * drive.period)


def scipy_ramp_pair(drive, accuracy=1e-6, step=0.1, rtol=3e-7, hold=None, method="ode"):
    """Return (I₊, I₋) by SciPy; NaN where the i = 0 state runs.

    Method "ode" is the compiled DOP853 of scipy.integrate.ode, any other that of solve_ivp, ten
    times slower.  An escape is looked for after pieces of about 40 time units: an event function
    costs more than it saves.
    """
    rising, holding, settled = _times(drive, accuracy, hold)
    period, omega, beta = drive.period, drive.omega, drive.beta
    a, b = drive.static
    cos, sin, a1 = math.cos, math.sin, drive.a1
    chunk = max(2, round(40 / period))

    def motion(t, y, current, slope, gain, growth):
        x, v = y.tolist()
        s = a + (gain + growth * t) * a1 * cos(omega * t)
        return v, current + slope * t - beta * v - s * sin(x) - b * cos(x)

    compiled = ode(motion).set_integrator("dop853", rtol=rtol, atol=rtol, nsteps=10**6)

    def solve(y, periods, *args):
        """The state after whole periods, where the drive has phase 0 again."""
        if method == "ode":
            compiled.set_f_params(*args).set_initial_value(y, 0.0)
            return compiled.integrate(periods * period)
        span = (0.0, periods * period)
        return solve_ivp(motion, span, y, method, span[1:], args=args, rtol=rtol, atol=rtol).y[:, 0]

    def leg(state, current, change, gain=1.0):
        time = rising * period
        y = solve(state, rising, current, change / time, gain, (1 - gain) / time)
        y = y + np.array([math.sqrt(accuracy) / 2, 0.0])
        for _ in range(0, holding, chunk):
            if chunk > 2:
                y = solve(y, chunk - 2, current + change, 0.0, 1.0, 0.0)
            before, y = y, solve(y, 2, current + change, 0.0, 1.0, 0.0)
            if abs(y[0] - state[0]) > FAR:
                return None
            if np.abs(y - before).max() < settled:
                break
        return y

    start = leg(np.array([-math.atan2(b, a), 0.0]), 0.0, 0.0, 0.0)
    if start is None:
        return math.nan, math.nan
    found = []
    for sign in (1, -1):
        state, current, size = start, 0.0, step
        while size > accuracy:
            ahead = leg(state, sign * current, sign * size)
            if ahead is None:
                size /= 2
            else:
                state, current = ahead, current + size
        found.append(current + size / 2)
    return tuple(found)


@cache
def _compiled():
    """Compile the staircase; numba is needed only here."""
    import numba

    jit = partial(numba.njit, fastmath=True, nogil=True)

    @jit(inline="always")
    def turned(s, c, d):
        """sin and cos of x + d from those of x, |d| < 1/4: error below 1e-11."""
        q = d * d
        sine = d * (1 + q * (-1 / 6 + q * (1 / 120 - q / 5040)))
        less = q * (-1 / 2 + q * (1 / 24 + q * (-1 / 720 + q / 40320)))
        return s + s * less + c * sine, c + c * less - s * sine

    @jit
    def advance(x, v, current, slope, stiff, b, beta, h):
        """RK4 over one drive period; stiff is S at every half step."""
        half, sixth = h / 2, h / 6
        s, c = math.sin(x), math.cos(x)
        for m in range(0, len(stiff) - 1, 2):
            middle = current + slope * half
            k1 = current - beta * v - stiff[m] * s - b * c
            v2 = v + half * k1
            s2, c2 = turned(s, c, half * v)
            k2 = middle - beta * v2 - stiff[m + 1] * s2 - b * c2
            v3 = v + half * k2
            s2, c2 = turned(s, c, half * v2)
            k3 = middle - beta * v3 - stiff[m + 1] * s2 - b * c2
            v4 = v + h * k3
            s2, c2 = turned(s, c, h * v3)
            current += slope * h
            k4 = current - beta * v4 - stiff[m + 2] * s2 - b * c2
            d = sixth * (v + 2 * (v2 + v3) + v4)
            x += d
            v += sixth * (k1 + 2 * (k2 + k3) + k4)
            s, c = turned(s, c, d)
        return x, v

    @jit
    def leg(x, v, current, change, gain, fixed):
        """Ramp, then hold: (φ, φ', held)."""
        a, wave, b, beta, h, rising, holding, settled, kick = fixed
        origin, time = x, rising * h * (len(wave) // 2)
        for n in range(rising):
            part = (n + np.arange(len(wave)) / (len(wave) - 1)) / rising
            stiff = a + (gain + (1 - gain) * part) * wave
            x, v = advance(x, v, current + change * n / rising, change / time, stiff, b, beta, h)
        stiff = a + wave
        x += kick
        for _ in range(0, holding, 2):
            x0, v0 = x, v
            for _ in range(2):
                x, v = advance(x, v, current + change, 0.0, stiff, b, beta, h)
            if abs(x - origin) > FAR:
                return x, v, False
            if abs(x - x0) < settled and abs(v - v0) < settled:
                break
        return x, v, True

    @jit
    def pair(fixed, accuracy, step):
        rest = -math.atan2(fixed[2], fixed[0])
        found = np.full(2, np.nan)
        x0, v0, held = leg(rest, 0.0, 0.0, 0.0, 0.0, fixed)
        if not held:
            return found
        for way in range(2):
            sign = 1 - 2 * way
            x, v, current, size = x0, v0, 0.0, step
            while size > accuracy:
                y, w, held = leg(x, v, sign * current, sign * size, 1.0, fixed)
                if held:
                    x, v, current = y, w, current + size
                else:
                    size /= 2
            found[way] = current + size / 2
        return found

    return pair


def numba_ramp_pair(drive, accuracy=1e-6, step=0.1, longest=0.08, per_period=24, hold=None):
    """Return (I₊, I₋) by compiled RK4 steps; NaN where the i = 0 state runs.

    The first call compiles (seconds).  Releases the GIL: drives can be mapped over threads.
    The default steps suffice for 1e-6 at a₁ = 1, Ω = 3; per_period = 40 at a₁ = 3, Ω = 4.
    """
    rising, holding, settled = _times(drive, accuracy, hold)
    n = math.ceil(max(per_period, drive.period / longest))
    wave = drive.a1 * np.cos(math.pi * np.arange(2 * n + 1) / n)
    a, b = drive.static
    h, kick = drive.period / n, math.sqrt(accuracy) / 2
    fixed = (a, wave, b, drive.beta, h, rising, holding, settled, kick)
    return tuple(_compiled()(fixed, accuracy, step).tolist())


def _voltages(drive, duration, rtol, method, start, currents):
    period = drive.period
    half = math.ceil(duration / 2 / period)
    a, b = drive.static
    n = len(currents)

    def motion(t, y):
        x, v = y[:n], y[n:]
        s = a + drive.a1 * math.cos(drive.omega * t)
        return np.concatenate([v, currents - drive.beta * v - s * np.sin(x) - b * np.cos(x)])

    times = [half * period, 2 * half * period]
    state = np.concatenate([np.full(n, float(start[0])), np.full(n, float(start[1]))])
    y = solve_ivp(motion, (0, times[1]), state, method, times, rtol=rtol, atol=rtol).y[:n]
    return (y[:, 1] - y[:, 0]) / (half * period)


def scipy_iv(
    drive, currents, duration, pool=None, chunk=None, rtol=1e-6, method="DOP853", start=(0.0, 0.0)
):
    """Return the mean voltage ⟨φ'⟩ of every bias over whole drive periods in the second half.

    `chunk` biases share one solve_ivp; chunks are mapped over `pool`, any Executor.
    """
    currents = np.asarray(currents, float)
    pieces = np.array_split(currents, math.ceil(len(currents) / (chunk or len(currents))))
    one = partial(_voltages, drive, duration, rtol, method, start)
    return np.concatenate(list((pool.map if pool else map)(one, pieces)))
