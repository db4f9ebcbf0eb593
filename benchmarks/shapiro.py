"""A Shapiro map against a Runge–Kutta loop in numba that averages as long as its error needs.

    φ' + I(φ) = i + f(Ωs),  I = sin φ + .4 sin(2φ + 1),  f = a cos θ

The loop integrates every pixel in the same order and with the same steps, on all processors, and
counts turns: its mean after N periods is known to a turn in N, N = Ω/tolerance. A second one takes
smooth means over the number of periods after which its errors against ours are those that it was
asked for. Errors of all three are measured on a sample of pixels against integration of order 8.
"""

import math
import os
import time

import jax
import numpy as np

import jaxdiode as jd
from benchmarks.environment import write

FREQUENCY, TOLERANCE, PIXELS = 0.7, 1e-4, 200
SECOND, SHIFT = 0.4, 1.0


def loop(smooth: bool):
    """The compiled loop: (biases, amplitudes, periods, steps) → voltages."""
    from numba import njit, prange  # pyright: ignore[reportMissingImports]

    @njit(parallel=True, fastmath=True, cache=False)
    def run(bias, amplitude, settle, periods, steps):
        found = np.empty((amplitude.size, bias.size))
        size = 2 * math.pi / FREQUENCY / steps
        for pixel in prange(found.size):
            row, column = pixel // bias.size, pixel % bias.size
            i, a, x = bias[column], amplitude[row], 0.0
            begun, total, weights = 0.0, 0.0, 0.0
            for period in range(settle + periods):
                if period == settle:
                    begun = x
                last = x
                for k in range(steps):
                    angle = 2 * math.pi * k / steps
                    half = angle + math.pi / steps
                    f0 = i + a * math.cos(angle)
                    f1 = i + a * math.cos(half)
                    f2 = i + a * math.cos(angle + 2 * math.pi / steps)
                    k1 = f0 - math.sin(x) - SECOND * math.sin(2 * x + SHIFT)
                    y = x + size / 2 * k1
                    k2 = f1 - math.sin(y) - SECOND * math.sin(2 * y + SHIFT)
                    y = x + size / 2 * k2
                    k3 = f1 - math.sin(y) - SECOND * math.sin(2 * y + SHIFT)
                    y = x + size * k3
                    k4 = f2 - math.sin(y) - SECOND * math.sin(2 * y + SHIFT)
                    x += size / 6 * (k1 + 2 * (k2 + k3) + k4)
                if smooth and period >= settle:
                    weight = math.sin(math.pi * (period - settle + 0.5) / periods) ** 4
                    total += weight * (x - last)
                    weights += weight
            if smooth:
                found[row, column] = FREQUENCY * total / weights / (2 * math.pi)
            else:
                found[row, column] = FREQUENCY * (x - begun) / periods / (2 * math.pi)
        return found

    return run


def timed(call):
    began = time.perf_counter()
    found = call()
    return found, time.perf_counter() - began


def main() -> None:
    bias, power = np.linspace(-2.0, 2.0, PIXELS), np.linspace(-20.0, 12.0, PIXELS)
    relation = jd.Harmonics([1.0, SECOND * math.cos(SHIFT)], [0.0, SECOND * math.sin(SHIFT)])
    driven = jd.Shunted(relation, drive=jd.Drive(FREQUENCY, 1.0))

    def ours():
        return jd.shapiro_map(driven, bias, power, tolerance=TOLERANCE)

    _, first = timed(ours)
    found, warm = timed(ours)
    amplitude = 10.0 ** (power / 20)
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(0, PIXELS, 24), rng.integers(0, PIXELS, 24)
    exact = np.empty(rows.size)
    for k, (row, column) in enumerate(zip(rows, columns, strict=True)):
        curve = jd.iv_curve(found.at(int(row)), [bias[column]], tolerance=1e-7, longest=2e5)
        exact[k] = float(curve.up[0])

    def errors(voltage):
        apart = np.abs(voltage[rows, columns] - exact)
        return {"largest": float(apart.max()), "rms": float(np.sqrt(np.mean(apart**2)))}

    steps = int(np.ceil(2 * np.pi / FREQUENCY * (1.8 + 2.0 + amplitude.max()) / 0.4))
    figures = {
        "pixels": PIXELS**2, "tolerance": TOLERANCE, "first": first, "warm": warm,
        "largest_claimed": float(np.max(found.error)), "ours": errors(found.voltage),
        "processors": len(os.sched_getaffinity(0)),
    }  # fmt: skip
    part = slice(None, None, 40)  # five powers: their time times forty
    for name, smooth, periods in (
        ("turns", False, math.ceil(FREQUENCY / TOLERANCE)),
        ("smooth", True, 512),
    ):
        run = loop(smooth)
        run(bias[:2], amplitude[:2], 1, 1, steps)
        share = amplitude[part] if not smooth else amplitude
        voltage, seconds = timed(lambda r=run, s=share, p=periods: r(bias, s, 16, p, steps))
        seconds *= amplitude.size / share.size
        figures[name] = {"periods": periods, "seconds": seconds, "ratio": seconds / warm}
        if smooth:
            figures[name] |= errors(voltage)
    write("shapiro-map", figures)


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    main()
