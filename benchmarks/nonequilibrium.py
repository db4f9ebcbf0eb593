"""Andreev interferometers and phase-slip wires by the hundred thousand, against loops over SciPy.

Matched accuracy: SciPy's adaptive rule and root finder are asked for 1e-9, which is also the error
allowed of us (we are closer; the largest difference between both is listed). A SciPy gradient is
central differences, two more evaluations per parameter. SciPy is timed on a sample spread over
the same grid and scaled up; one process, both warm.
"""

import time

import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq

import jaxdiode as jd
from benchmarks.environment import seconds, write

SAMPLE = 40
BETA = -1.2


def interferometers(count=100_000):
    spacing = np.linspace(0.02, 0.9, 50)
    voltage = np.linspace(0.02, 5.0, 50)
    temperature = np.geomspace(1e-3, 2.0, count // 2500)
    grid = np.stack(np.meshgrid(spacing, voltage, temperature, indexing="ij"), -1).reshape(-1, 3)

    def efficiency(x):
        return jd.diode_efficiency(jd.AndreevInterferometer(x[0], x[1], temperature=x[2]))

    return compared("interferometers", grid, in_batches(efficiency), scipy_efficiency)


def scipy_efficiency(spacing, voltage, temperature):
    """η by three calls of quad in √ε, with break points at the scales of the integrand."""
    mu, d = voltage / 2, 1 - spacing

    def propagators(root):
        z = (1 - 1j) * root
        below = -2 * z * np.expm1(-2 * z)
        half = -np.expm1(-z * spacing)
        return (
            half * -np.expm1(-z * (2 - spacing)) / below,
            half**2 * np.exp(-z * d) / below,
        )

    def steps(root):
        return (
            np.tanh((root**2 - mu) / (2 * temperature)),
            np.tanh((root**2 + mu) / (2 * temperature)),
        )

    def first(root):
        below, above = steps(root)
        return root * (above - below) * propagators(root)[0].real

    def second(root):
        below, above = steps(root)
        return root * (above - below) * propagators(root)[1].real

    def sine(root):
        below, above = steps(root)
        return root * (above + below) * propagators(root)[1].imag

    thermal = np.sqrt(mu + 40 * temperature)
    edges = np.sqrt(np.clip(mu + temperature * np.array([-20, -5, -1, 0, 1, 5, 20]), 0, None))
    options = dict(epsabs=1e-11, epsrel=1e-9, limit=400)
    points = np.unique(edges[(edges > 1e-9) & (edges < thermal)])
    j0 = d * quad(first, 1e-9, thermal, points=points, **options)[0]
    j2 = d * quad(second, 1e-9, thermal, points=points, **options)[0]
    end = thermal + 30 / d
    j1 = quad(sine, 1e-9, end, points=[*points, thermal], **options)[0]
    return j0 / np.hypot(j1, j2)


def wires(count=100_000):
    zero = np.linspace(0.5, 0.95, 10)
    coupling = np.linspace(0.02, 0.3, 20)
    current = np.concatenate(
        [-np.geomspace(0.4, 5, count // 400), np.geomspace(0.4, 5, count // 400)]
    )
    grid = np.stack(np.meshgrid(zero, coupling, current, indexing="ij"), -1).reshape(-1, 3)

    def voltage(x):
        wire = jd.PhaseSlipWire(valley=jd.wire.ValleyPolarization(x[0], x[1], beta=BETA))
        return wire.voltage(x[2])

    return compared("wire operating points", grid, in_batches(voltage), scipy_voltage)


def scipy_voltage(zero, coupling, current):
    """V(j) up to and past the flip: brentq on the polarisation, v(k) by quad."""
    direction = np.sign(current)
    pull = direction * coupling

    def residual(valley, pull):
        epsilon = max(0.0, 1 + BETA * valley**2)
        return valley * (1 - valley**2 / zero**2) - pull * plain_voltage(abs(current), epsilon)

    spinodal = zero / np.sqrt(3)
    if pull > 0 and residual(spinodal, pull) < 0:
        pull = -pull  # flipped: the mirror image
    far = zero * (1 + np.cbrt(abs(pull * current) / zero) + 1e-9)
    low, high = (spinodal, zero) if pull > 0 else (zero, far)
    valley = brentq(residual, low, high, args=(pull,), xtol=1e-12, rtol=1e-11)
    return direction * plain_voltage(abs(current), max(0.0, 1 + BETA * valley**2))


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_TOP = np.arctan(1 / np.sqrt(2))


def rise(d):
    return np.sqrt(2) * np.sin(2 * d) - np.sin(d) ** 2


def drop(d):
    e = (2 * np.sin(d / 2) ** 2 + np.sqrt(2) * np.sin(d)) / np.sqrt(3)
    return e**2 * (np.sqrt(3) - e)


def plain_voltage(current, epsilon):
    """ε^{3/2} v(j/ε^{3/2}) by quad in the variable that removes the square root at d = 0."""
    if epsilon == 0:
        return current
    strength = epsilon**1.5
    kappa = current / strength - 2 / (3 * np.sqrt(3))
    if kappa <= 0:
        return 0.0

    def square(d):
        x = d / 2 * (1 + _NODES)
        return d / 2 * np.dot(_WEIGHTS, rise(x) * (kappa + drop(x)))

    def integrand(t):
        d = np.sqrt(kappa) * np.sinh(t)
        return rise(d) / np.sqrt(square(d)) * np.sqrt(kappa) * np.cosh(t)

    last = np.arcsinh(_TOP / np.sqrt(kappa))
    below = quad(integrand, 1e-12, last, epsabs=0, epsrel=1e-10, limit=200)[0]
    return strength * 2 * np.sqrt(square(_TOP)) / below


def in_batches(function):
    """Values and gradients of all rows; batches keep the quadrature's arrays in the cache."""
    one = jax.value_and_grad(function)
    return jax.jit(lambda rows: jax.lax.map(one, rows, batch_size=64))


def compared(name, grid, ours, theirs):
    points = jnp.asarray(grid)
    spent = seconds(lambda: jax.block_until_ready(ours(points)), repeats=2)
    value, gradient = ours(points)
    chosen = np.random.default_rng(0).choice(len(grid), SAMPLE, replace=False)
    began = time.perf_counter()
    reference = np.array([theirs(*grid[k]) for k in chosen])
    scipy = (time.perf_counter() - began) / SAMPLE
    error = np.abs(np.asarray(value)[chosen] - reference) / (1 + np.abs(reference))
    steps = 1e-4 * np.maximum(np.abs(grid[chosen]), 1e-3)
    differences = np.array(
        [
            [
                (theirs(*(x + h * e)) - theirs(*(x - h * e))) / (2 * h)
                for h, e in zip(step, np.eye(3), strict=True)
            ]
            for x, step in zip(grid[chosen], steps, strict=True)
        ]
    )
    scale = np.max(np.abs(differences), axis=1, keepdims=True)
    slope_error = np.max(np.abs(np.asarray(gradient)[chosen] - differences) / scale, axis=1)
    count = len(grid)
    return {
        f"{count} {name}, values and gradients, first call (s)": round(spent["first"], 2),
        f"{name}, values and gradients, warm (s)": round(spent["warm"], 2),
        f"{name}, microseconds each": round(1e6 * spent["warm"] / count, 1),
        f"{name}, SciPy value (ms)": round(1e3 * scipy, 2),
        f"{name}, SciPy values alone (s, from {SAMPLE})": round(scipy * count),
        f"{name}, ratio, values of SciPy against values and gradients of ours": round(
            scipy * count / spent["warm"]
        ),
        f"{name}, ratio with SciPy's gradients by differences": round(
            7 * scipy * count / spent["warm"]
        ),
        f"{name}, largest difference |a − b|/(1 + |b|)": float(np.max(error)),
        f"{name}, median difference of gradients": float(np.median(slope_error)),
        f"{name}, not finite": int(np.sum(~np.isfinite(np.asarray(value)))),
    }


def simulation():
    """γ = 100 at j = .5 on three grids, each continuing the coarser one, cold."""
    figures, state = {}, None
    for spacing, duration in ((0.1, 1500.0), (0.05, 300.0), (0.025, 200.0)):
        began = time.perf_counter()
        state = jd.wire.simulate_wire(
            0.5, 18.3, gamma=100.0, spacing=spacing, duration=duration, frames=101, initial=state
        )
        voltage = float(state.mean_voltage)
        figures[f"ring, gamma 100, grid {spacing}: voltage, seconds with compilation"] = (
            round(voltage, 6),
            round(time.perf_counter() - began, 1),
        )
    figures["ring, theory for large gamma"] = round(float(jd.PhaseSlipWire().voltage(0.5)), 6)
    currents = np.linspace(0.36, 0.5, 8)
    spent = seconds(
        lambda: jax.block_until_ready(
            jd.wire.simulate_wire(currents, 5.8, gamma=10.0, duration=200.0, frames=11).mean_voltage
        ),
        repeats=1,
    )
    figures["8 rings, gamma 10, 200 time units, warm (s)"] = round(spent["warm"], 2)
    return figures


def main():
    write("nonequilibrium", {**interferometers(), **wires(), **simulation()})


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    main()
