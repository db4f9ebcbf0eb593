"""Mean voltages of driven and undriven junctions by SciPy and NumPy.

Undriven: v = 2π/T between passages of φ = 0 (mod 2π), by event location, once T repeats. Driven:
strobed by the drive and averaged with the weight sin⁴; chaotic: an ensemble of starts, by RK4.
Arguments as of tests.reference.kapitza.Drive.
"""

import numpy as np
from scipy.integrate import solve_ivp


def cycle_voltage(drive, current, method="LSODA", tolerance=1e-11):
    """⟨φ'⟩ of the running state without drive at a positive current above I₁."""
    a, b = drive.a0 + drive.b * np.cos(drive.phi0), drive.b * np.sin(drive.phi0)

    def motion(t, y):
        return y[1], current - drive.beta * y[1] - a * np.sin(y[0]) - b * np.cos(y[0])

    def passage(t, y):
        return y[0] - 2 * np.pi

    passage.terminal, passage.direction = True, 1
    velocity, period = current / drive.beta, np.inf
    for _ in range(1000):
        run = solve_ivp(
            motion, (0, 1e7), (0.0, velocity), method, events=passage,
            rtol=tolerance, atol=1e-2 * tolerance,
        )  # fmt: skip
        last, period, velocity = period, run.t_events[0][0], run.y_events[0][0][1]
        if abs(last - period) < 1e-9 * period:
            return 2 * np.pi / period
    raise AssertionError("no cycle")


def driven_voltage(drive, current, start, skip, periods):
    """⟨φ'⟩ over whole drive periods with the weight sin⁴, from a state, by DOP853."""

    def motion(t, y):
        gain = drive.a0 + sum(x * np.cos(k * drive.omega * t) for k, x in enumerate(drive.a, 1))
        flowing = gain * np.sin(y[0]) + drive.b * np.sin(y[0] + drive.phi0)
        return y[1], current - drive.beta * y[1] - flowing

    period = 2 * np.pi / drive.omega
    times = period * np.arange(skip, skip + periods + 1)
    run = solve_ivp(motion, (0, times[-1]), start, "DOP853", times, rtol=1e-10, atol=1e-10)
    weight = np.sin(np.pi * (np.arange(periods) + 0.5) / periods) ** 4
    return weight @ np.diff(run.y[0]) / period / weight.sum()


def ensemble_voltage(drive, current, lanes=256, skip=100, periods=1000, steps=160, seed=0):
    """(⟨φ'⟩, standard error) of many starts, by RK4 in NumPy."""
    rng = np.random.default_rng(seed)
    x, v = rng.uniform(-np.pi, np.pi, lanes), rng.normal(0, 1, lanes)
    period = 2 * np.pi / drive.omega
    h = period / steps

    def force(t, x, v):
        gain = drive.a0 + sum(c * np.cos(k * drive.omega * t) for k, c in enumerate(drive.a, 1))
        return current - drive.beta * v - gain * np.sin(x) - drive.b * np.sin(x + drive.phi0)

    for k in range(skip + periods):
        if k == skip:
            begin = x
        for n in range(steps):
            t = n * h
            a1 = force(t, x, v)
            v2 = v + h / 2 * a1
            a2 = force(t + h / 2, x + h / 2 * v, v2)
            v3 = v + h / 2 * a2
            a3 = force(t + h / 2, x + h / 2 * v2, v3)
            v4 = v + h * a3
            a4 = force(t + h, x + h * v3, v4)
            x = x + h / 6 * (v + 2 * v2 + 2 * v3 + v4)
            v = v + h / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
    voltages = (x - begin) / (periods * period)
    return voltages.mean(), voltages.std(ddof=1) / np.sqrt(lanes)
