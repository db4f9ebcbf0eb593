"""NumPy/SciPy reference for critical currents of a parametrically driven Josephson junction.

    φ'' + βφ' + S(θ) sin φ + C(θ) cos φ + b sin(φ+φ₀) = i,   θ = Ωτ,
    S = a₀ + Σ_k a_k cos kθ,   C = Σ_k c_k cos kθ   (k = 1, 2, ...)

Two independent notions.  Collocation: u(θ) on an even grid over `turns` drive periods solves
R = Lu + f(u,θ) - i = 0 with L = Ω²D² + βΩD; it ends (fold) where J = L + f' has a periodic null
vector, and flips where J has an antiperiodic one (half-integer Fourier modes).  Ramp: the
adiabatic staircase in i, integrated in time.  Currents are magnitudes in the direction ±1.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

KICK = 1e-5


@dataclass(frozen=True)
class Drive:
    a0: float
    a: tuple
    b: float
    phi0: float
    omega: float
    beta: float
    c: tuple = ()


class Orbit(NamedTuple):
    """Where a branch or a ramp is: current (magnitude) and u on the grid."""

    kind: str
    current: float
    u: np.ndarray


def static(drive):
    """Return A, B of A sin φ + B cos φ, the drive-free part."""
    return drive.a0 + drive.b * np.cos(drive.phi0), drive.b * np.sin(drive.phi0)


def _series(coefficients, theta):
    return sum((x * np.cos(k * theta) for k, x in enumerate(coefficients, 1)), 0 * theta)


def _force(drive, u, turns):
    """Return f(u, θ) and f' = ∂f/∂u on the grid (f'' = -f)."""
    theta = _grid(len(u), turns)
    s, c = drive.a0 + _series(drive.a, theta), _series(drive.c, theta)
    shifted = u + drive.phi0
    f = s * np.sin(u) + c * np.cos(u) + drive.b * np.sin(shifted)
    return f, s * np.cos(u) - c * np.sin(u) + drive.b * np.cos(shifted)


def _grid(points, turns):
    return 2 * np.pi * turns * np.arange(points) / points


@lru_cache
def _derivatives(points, turns, shift):
    """Return D, D² on the Fourier modes (integer + shift)/turns; shift ½ is antiperiodic."""
    modes = (np.arange(points) - points // 2 + shift) / turns
    waves = np.exp(1j * np.outer(_grid(points, turns), modes))
    slope = 1j * modes
    if shift == 0 and points % 2 == 0:
        slope[0] = 0  # the derivative of the Nyquist cosine vanishes on the grid
    back = waves.conj().T / points
    return ((waves * slope) @ back).real, -((waves * modes**2) @ back).real


def _linear(drive, points, turns, shift=0.0):
    d1, d2 = _derivatives(points, turns, shift)
    return drive.omega**2 * d2 + drive.beta * drive.omega * d1


def _newton(system, z, iterations=40, tolerance=1e-11):
    """Solve system(z) = (G, G_z) by damped Newton; None where it fails."""
    g, slope = system(z)
    for _ in range(iterations):
        size = np.linalg.norm(g)
        try:
            change = np.linalg.solve(slope, -g)
        except np.linalg.LinAlgError:
            return None
        for damping in 0.5 ** np.arange(10):
            g, slope = system(z + damping * change)
            if np.linalg.norm(g) < size or size < 1e-8:
                break
        else:
            return None
        z = z + damping * change
        if damping == 1 and np.abs(change).max() < tolerance * (1 + np.abs(z).max()):
            return z if np.abs(g).max() < 1e-7 else None
    return None


def _null(matrix):
    return np.linalg.svd(matrix)[2][-1]


def _moore_spence(drive, u, turns, shift):
    """Return the system (R, Jw, ℓ·w - 1) in (u, w, i) and its start from the orbit u."""
    n = len(u)
    periodic, other = _linear(drive, n, turns), _linear(drive, n, turns, shift)
    f, fu = _force(drive, u, turns)
    direction = _null(other + np.diag(fu))

    def system(z):
        u, w, i = z[:n], z[n:-1], z[-1]
        f, fu = _force(drive, u, turns)
        g = np.concatenate([periodic @ u + f - i, other @ w + fu * w, [direction @ w - 1]])
        slope = np.zeros((2 * n + 1, 2 * n + 1))
        slope[:n, :n], slope[:n, -1] = periodic + np.diag(fu), -1
        slope[n:-1, :n], slope[n:-1, n:-1] = np.diag(-f * w), other + np.diag(fu)
        slope[-1, n:-1] = direction
        return g, slope

    return system, np.concatenate([u, direction, [np.mean(f)]])


def _singular(drive, direction, u, turns, shift):
    system, start = _moore_spence(drive, np.asarray(u, float), turns, shift)
    z = _newton(system, start)
    if z is None:
        return np.nan, np.full(len(u), np.nan)
    return direction * z[-1], z[: len(u)]


def small_orbit(drive, x, stiffness, points, turns=1):
    """X + ξ, ξ'' + βξ' + κξ = -Σ_k (a_k sin X + c_k cos X) cos kθ."""
    theta = _grid(points, turns)
    u = np.full(points, float(x))
    for k in range(1, max(len(drive.a), len(drive.c)) + 1):
        force = sum(
            y[k - 1] * g(x) for y, g in ((drive.a, np.sin), (drive.c, np.cos)) if y[k - 1 :]
        )
        w = k * drive.omega
        u -= force * (np.exp(1j * k * theta) / (stiffness - w**2 + 1j * drive.beta * w)).real
    return u


def fold(drive, direction, points=64, seed=None):
    """Saddle-node of the T-periodic orbit: (current, u).  Seed: u on the grid, or X_c + ξ(κ=0)."""
    if seed is None:
        a, b = static(drive)
        seed = small_orbit(drive, direction * np.pi / 2 - np.arctan2(b, a), 0.0, points)
    return _singular(drive, direction, seed, 1, 0.0)


def flip(drive, direction, points=64, seed=None):
    """Period doubling of the T-periodic orbit: (current, u).  Seed: u, or the branch's first."""
    if seed is None:
        found = [x.u for x in branch(drive, direction, points=points) if x.kind == "flip"]
        if not found:
            return np.nan, np.full(points, np.nan)
        seed = found[0]
    return _singular(drive, direction, seed, 1, 0.5)


def period_two_fold(drive, direction, points=128, seed=None):
    """Saddle-node of a 2T-periodic orbit, u on 0 ≤ θ < 4π: (current, u).  Seed: u, or the ramp's.

    NaN where Newton falls back on a T-periodic orbit.
    """
    if seed is None:
        seed = ramp(drive, direction, points=points // 2).u
    current, u = _singular(drive, direction, seed, 2, 0.0)
    same = np.abs(u - np.roll(u, len(u) // 2)).max() < 1e-6
    return (np.nan, np.full(len(u), np.nan)) if same else (current, u)


def gradient(function, drive, direction, **options):
    """Return d(current)/dp as a Drive, function one of fold, flip, period_two_fold.

    Folds: ψᵀR_p/Σψ, Jᵀψ = 0.  Flip: -λ·G_p with G_zᵀλ = e_i of the whole Moore-Spence system.
    """
    _, u = function(drive, direction, **options)
    n, turns = len(u), 2 if function is period_two_fold else 1
    shift = 0.5 if function is flip else 0.0
    theta, one = _grid(n, turns), np.ones(n)
    if function is flip:
        system, start = _moore_spence(drive, u, turns, shift)
        slope = system(start)[1]
        w = start[n:-1]
        adjoint = np.linalg.solve(slope.T, -np.eye(2 * n + 1)[-1])
        left, right = adjoint[:n], adjoint[n:-1]
    else:
        left = _null((_linear(drive, n, turns) + np.diag(_force(drive, u, turns)[1])).T)
        left, right, w = left / left.sum(), 0 * one, 0 * one

    def total(of_u, of_w):
        return direction * float(left @ of_u + right @ of_w)

    def tuned(p, q):
        """The term p(θ)·(sin u) or its like, q its slope in u."""
        return total(p, q * w)

    (d1, d2), (h1, h2) = _derivatives(n, turns, 0.0), _derivatives(n, turns, shift)
    s, c, shifted = np.sin(u), np.cos(u), u + drive.phi0
    waves = [np.cos((k + 1) * theta) for k in range(max(len(drive.a), len(drive.c)))]
    return Drive(
        a0=tuned(s, c),
        a=tuple(tuned(x * s, x * c) for x in waves[: len(drive.a)]),
        b=tuned(np.sin(shifted), np.cos(shifted)),
        phi0=tuned(drive.b * np.cos(shifted), -drive.b * np.sin(shifted)),
        omega=total(
            2 * drive.omega * (d2 @ u) + drive.beta * (d1 @ u),
            2 * drive.omega * (h2 @ w) + drive.beta * (h1 @ w),
        ),
        beta=total(drive.omega * (d1 @ u), drive.omega * (h1 @ w)),
        c=tuple(tuned(x * c, -x * s) for x in waves[: len(drive.c)]),
    )


def branch(drive, direction, points=64, turns=1, seed=None, stride=0.05, steps=400, top=np.inf):
    """Follow the orbit by pseudo-arclength from i = 0 (or the orbit `seed`) and return its events.

    First comes the start as "stable" or "unstable", then the events in order: "fold" (di/ds
    changes sign) and "flip" (det J on half-integer modes changes sign), refined by Moore-Spence.
    Ends below i = -0.5 or above `top`.
    """
    linear, half = (_linear(drive, points, turns, shift) for shift in (0.0, 0.5))
    a, b = static(drive)
    u = seed
    if u is None:
        current = 0.0
        for part in np.linspace(0, 1, 21):
            weak = replace(drive, a=tuple(part * x for x in drive.a),
                           c=tuple(part * x for x in drive.c))  # fmt: skip
            if part == 0:
                u = small_orbit(weak, -np.arctan2(b, a), np.hypot(a, b), points, turns)

            def rest(u, weak=weak):
                f, fu = _force(weak, u, turns)
                return linear @ u + f, linear + np.diag(fu)

            u = _newton(rest, u)
            if u is None:
                return []
    else:
        current = direction * float(np.mean(_force(drive, u, turns)[0]))
    z = np.append(u, current)
    root = np.sqrt(points)
    tangent = np.append(np.zeros(points), 1.0)
    events, signs, ds = [], None, stride
    for _ in range(steps):
        fu = _force(drive, z[:-1], turns)[1]
        bordered = np.vstack(
            [np.column_stack([linear + np.diag(fu), np.full(points, -direction)]), tangent]
        )
        fresh = np.linalg.solve(bordered, np.append(np.zeros(points), 1.0))
        tangent = fresh / np.hypot(np.linalg.norm(fresh[:-1]) / root, fresh[-1])
        now = np.sign(tangent[-1]), np.linalg.slogdet(half + np.diag(fu))[0]
        if signs is not None:
            for kind, old, new, shift in zip(("fold", "flip"), signs, now, (0.0, 0.5), strict=True):
                if old != new:
                    events.append(Orbit(kind, *_singular(drive, direction, z[:-1], turns, shift)))
        else:
            stable = now[1] > 0 > (-1) ** points * np.linalg.slogdet(bordered[:-1, :-1])[0]
            events.append(Orbit("stable" if stable else "unstable", abs(z[-1]), z[:-1]))
        signs = now
        if not -0.5 < z[-1] < top:
            break
        weights = np.append(tangent[:-1] / points, tangent[-1])
        while ds > 1e-6:

            def arc(x, z=z, weights=weights, ds=ds):
                f, fu = _force(drive, x[:-1], turns)
                g = np.append(linear @ x[:-1] + f - direction * x[-1], weights @ (x - z) - ds)
                left = np.vstack([linear + np.diag(fu), weights[:-1]])
                return g, np.column_stack(
                    [left, np.append(np.full(points, -direction), weights[-1])]
                )

            ahead = _newton(arc, z + ds * tangent, iterations=6)
            if ahead is not None and np.abs(ahead - z).max() < 6 * ds:
                break
            ds /= 2
        else:
            break
        z, ds = ahead, min(1.5 * ds, stride)
    return events


def _motion(drive, gain, current, slope):
    """Return y' of y = (φ, φ'), with a, c times gain(τ) and i = current + slope·τ."""
    a, b = static(drive)
    terms = [(k * drive.omega, x, y) for k, (x, y) in enumerate(_pairs(drive), 1)]

    def motion(t, y):
        s, c, g = a, b, gain(t)
        for w, x, z in terms:
            wave = g * np.cos(w * t)
            s, c = s + x * wave, c + z * wave
        pull = s * np.sin(y[0]) + c * np.cos(y[0])
        return y[1], current + slope * t - drive.beta * y[1] - pull

    return motion


def _pairs(drive):
    n = max(len(drive.a), len(drive.c))
    return zip(*([*x, *[0.0] * (n - len(x))] for x in (drive.a, drive.c)), strict=True)


def ramp(
    drive, direction, *, step=0.1, halvings=14, ramp_time=50, hold=5000, rise=200, settled=1e-8,
    top=np.inf, points=64, rtol=1e-10,
):  # fmt: skip
    """Adiabatic staircase: an Orbit of kind "1", "2", "other" (times T) or "running" (i = 0 runs).

    From X*, i = 0, a and c are turned up over `rise` and held.  Then i is ramped by `step` within
    `ramp_time` and held for `hold` (all rounded up to whole periods); |Δφ| > 4π means switched:
    back to the last held state with half the step, `halvings` times.  A hold starts with a `KICK`
    of φ, lest an orbit that has become unstable is followed on; it ends early where (φ, φ')
    repeats within `settled` after two periods.  Returns the last held current + half the last step,
    and u of that state on two periods from θ = 0 (2·points values).  Stops early at `top`.

    Escape at ε above a fold takes about πβ/√(εI₁/2), several times that where every slip by 2π ends
    in the same bottleneck; hence the long hold.  Above a subcritical flip it takes ln(1/KICK) over
    a rate linear in ε, so the ramp can overshoot by 1e-3 there: `flip` is the answer.
    """
    period = 2 * np.pi / drive.omega
    a, b = static(drive)
    stretch = period * np.ceil(100 / period)

    def leg(y, duration, gain, current, slope, origin, save=None):
        def far(t, x):
            return 4 * np.pi - abs(x[0] - origin)

        far.terminal = True
        return solve_ivp(
            _motion(drive, gain, current, slope), (0, duration), y, "DOP853", save,
            events=far, rtol=rtol, atol=rtol,
        )  # fmt: skip

    def held(y, gain, current, change, rising):
        """Ramp gain or current while rising, hold; the final state or None."""
        rising, origin = period * np.ceil(rising / period), y[0]
        slopes = change / rising
        out = leg(y, rising, lambda t: gain + (1 - gain) * t / rising, current, slopes, origin)
        out.y[0, -1] += KICK
        for _ in range(int(np.ceil(hold / (stretch + 2 * period)))):
            for duration in (stretch, 2 * period):
                if out.status:
                    return None
                y = out.y[:, -1]
                out = leg(y, duration, lambda t: 1.0, current + change, 0.0, origin)
            if not out.status and np.abs(out.y[:, -1] - y).max() < settled:
                break
        return None if out.status else out.y[:, -1]

    state, current, level = held((-np.arctan2(b, a), 0.0), 0.0, 0.0, 0.0, rise), 0.0, 0
    if state is None:
        return Orbit("running", np.nan, np.full(2 * points, np.nan))
    while level <= halvings and current < top:
        size = min(step / 2**level, top - current)
        after = held(state, 1.0, direction * current, direction * size, ramp_time)
        if after is None:
            level += 1
        else:
            state, current = after, current + size
    times = 2 * period * np.arange(2 * points + 1) / (2 * points)
    u = leg(state, times[-1], lambda t: 1.0, direction * current, 0.0, state[0], times).y[0]
    near = [np.abs(u[k] - u[0]) < 1e-3 for k in (points, 2 * points)]
    kind = "1" if near[0] else "2" if near[1] else "other"
    return Orbit(kind, current + (step / 2**level if level > halvings else 0.0), u[:-1])


def _advance(lanes, state, steps, gain, rise, current, slope):
    """RK4 over `steps` for state = (φ, φ', θ), with gain + rise·n and current + slope·n."""
    x, v, angle = state
    h, beta, turn = lanes["h"], lanes["beta"], lanes["turn"]
    half, sixth = h / 2, h / 6
    n = np.arange(2 * steps + 1)[:, None] / 2
    theta, g = angle + n * turn, gain + n * rise
    s, c, i = lanes["A"] + 0 * theta, lanes["B"] + 0 * theta, current + n * slope
    for k, (p, q) in enumerate(zip(lanes["a"], lanes["c"], strict=True), 1):
        wave = g * np.cos(k * theta)
        s += p * wave
        c += q * wave
    for m in range(0, 2 * steps, 2):
        s1, c1, i1 = s[m + 1], c[m + 1], i[m + 1]
        k1 = i[m] - beta * v - s[m] * np.sin(x) - c[m] * np.cos(x)
        v2, y = v + half * k1, x + half * v
        k2 = i1 - beta * v2 - s1 * np.sin(y) - c1 * np.cos(y)
        v3, y = v + half * k2, x + half * v2
        k3 = i1 - beta * v3 - s1 * np.sin(y) - c1 * np.cos(y)
        v4, y = v + h * k3, x + h * v3
        k4 = i[m + 2] - beta * v4 - s[m + 2] * np.sin(y) - c[m + 2] * np.cos(y)
        x = x + sixth * (v + 2 * (v2 + v3) + v4)
        v = v + sixth * (k1 + 2 * (k2 + k3) + k4)
    return np.array([x, v, (angle + steps * turn) % (2 * np.pi)])


def _lanes(drives, longest, per_period, block):
    wide = max(1, *(max(len(d.a), len(d.c)) for d in drives))
    a, c = (
        np.array([[*x, *[0.0] * (wide - len(x))] for x in y]).T
        for y in ([d.a for d in drives], [d.c for d in drives])
    )
    fixed = np.array([[*static(d), d.beta, d.omega] for d in drives]).T
    period = 2 * np.pi / fixed[3]
    blocks = np.ceil(np.maximum(period / longest, per_period) / block)
    h = period / (blocks * block)
    names = {"A": fixed[0], "B": fixed[1], "beta": fixed[2], "h": h, "turn": h * fixed[3]}
    return names | {"blocks": blocks, "period": period, "a": a, "c": c}


def _select(lanes, which):
    return {k: x[..., which] for k, x in lanes.items()}


def ramp_many(
    drives, directions, *, step=0.1, halvings=14, ramp_time=50, hold=5000, rise=200, settled=1e-8,
    longest=0.08, per_period=28, block=32,
):  # fmt: skip
    """Run the algorithm of `ramp` for many lanes in fixed-step RK4: (currents, periods).

    A lane takes a multiple of `block` steps per drive period, at least `per_period`, none longer
    than `longest`.  Current NaN where the i = 0 state runs.  Period of the last held state, strobed
    from the middle of its hold (the end may be on its way out), in T: 1, 2, or 0 (other).
    """
    sign = np.asarray(directions, float)
    everything = lanes = _lanes(drives, longest, per_period, block)
    legs = [np.ceil(t / lanes["period"]) * lanes["blocks"] for t in (rise, hold, ramp_time)]
    x0 = -np.arctan2(lanes["B"], lanes["A"])
    state = np.array([x0, 0 * x0, 0 * x0])
    runs = np.zeros(len(drives), bool)
    for n in range(int((legs[0] + np.minimum(legs[1], 10 * legs[0])).max())):
        slope = (n < legs[0]) / (block * legs[0])
        gain = np.minimum(n / legs[0], 1)
        state = np.where(runs, state, _advance(lanes, state, block, gain, slope, 0.0, 0.0))
        runs |= np.abs(state[0] - x0) > 4 * np.pi
    currents, last = np.full(len(drives), np.nan), state.copy()
    index = np.flatnonzero(~runs)
    work = dict.fromkeys(("saved", "state", "middle", "strobe", "calm"), state)
    work |= dict.fromkeys(("held", "level", "n"), 0 * x0)
    work |= {"sign": sign, "rising": legs[2], "total": legs[1] + legs[2]}
    work, lanes = _select(work, index), _select(lanes, index)
    while len(index):
        size = work["sign"] * step / 2 ** work["level"]
        part = np.minimum(work["n"] / work["rising"], 1)
        slope = size * (work["n"] < work["rising"]) / (block * work["rising"])
        now = work["sign"] * work["held"] + size * part
        work["state"] = _advance(lanes, work["state"], block, 1.0, 0.0, now, slope)
        work["n"] = work["n"] + 1
        work["state"][0] += KICK * (work["n"] == work["rising"])
        even = (work["n"] - work["rising"]) % (2 * lanes["blocks"]) == 0
        close = np.abs(work["state"] - work["strobe"])[:2].max(0) < settled
        quiet = even & close & (work["n"] > work["rising"])
        work["strobe"] = np.where(even, work["state"], work["strobe"])
        middle = work["n"] == np.ceil((work["rising"] + work["total"]) / 2)
        work["middle"] = np.where(middle | quiet, work["state"], work["middle"])
        away = np.abs(work["state"][0] - work["saved"][0]) > 4 * np.pi
        stays = ~away & (quiet | (work["n"] >= work["total"]))
        work["held"] = work["held"] + stays * np.abs(size)
        work["saved"] = np.where(stays, work["state"], work["saved"])
        work["calm"] = np.where(stays, work["middle"], work["calm"])
        work["state"] = np.where(away, work["saved"], work["state"])
        work["level"] = work["level"] + away
        work["n"] = np.where(away | stays, 0.0, work["n"])
        done = work["level"] > halvings
        if done.any():
            currents[index[done]] = work["held"][done] + step / 2.0 ** (halvings + 1)
            last[:, index[done]] = work["calm"][:, done]
            work, lanes, index = _select(work, ~done), _select(lanes, ~done), index[~done]
    return currents, _periods(everything, last, sign * currents)


def _periods(lanes, state, current, points=256):
    """Strobe the held states: 1 or 2 drive periods, else 0."""
    turn = 2 * np.pi / points
    lanes = lanes | {"h": lanes["h"] * turn / lanes["turn"], "turn": turn}
    strobes = [state]
    for _ in range(2):
        strobes.append(_advance(lanes, strobes[-1], points, 1.0, 0.0, current, 0.0))
    one, two = (np.abs(x[0] - state[0]) < 1e-3 for x in strobes[1:])
    return np.where(np.isnan(current), 0, np.where(one, 1, np.where(two, 2, 0)))


def random_points(seed=20, count=200):
    """Return drives with a₀ = b = 1, φ₀ = π/2, β = ½, log-uniform Ω, uniform a₁."""
    rng = np.random.default_rng(seed)
    omegas = np.exp(rng.uniform(np.log(0.3), np.log(10), count))
    amplitudes = 3 * (1 - rng.random(count))
    pairs = zip(amplitudes.tolist(), omegas.tolist(), strict=True)
    return [Drive(1.0, (a,), 1.0, np.pi / 2, omega, 0.5) for a, omega in pairs]
