"""Andreev interferometers and phase-slip wires by the thousand, against loops over SciPy.

Matched accuracy: SciPy's adaptive rule and root finder are asked for 1e-9 and finer; the errors of
both are those against a third program (Gauss panels around the poles, `tests/reference/andreev.py`;
the wire's equation backwards from Φ, `tests/reference/phase_slip.py`). All rows are values with
gradients in three parameters: a SciPy gradient is central differences, six more evaluations.
SciPy is timed on a sample spread over the same grid, which is also where errors are measured.
"""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq

import jaxdiode as jd
from benchmarks.environment import in_turn, row
from tests.reference import andreev, phase_slip

SAMPLE = 12
BETA = -1.2


def rows(count: int = 10_000) -> Iterator[dict]:
    warm = np.geomspace(1e-3, 2.0, max(count // 1250, 2))
    for name, temperature in (("", warm), (" at T = .05 E_T", np.array([0.05]))):
        side = max(round((count / temperature.size) ** 0.5), 2)
        axes = np.linspace(0.02, 0.9, side), np.linspace(0.02, 5.0, side), temperature
        yield compared(
            f"η of Andreev interferometers{name}", axes, efficiency, scipy_efficiency,
            exact_efficiency,
        )  # fmt: skip
    half = np.geomspace(0.4, 5, max(count // 400, 1))
    axes = np.linspace(0.5, 0.95, 10), np.linspace(0.02, 0.3, 20), np.concatenate([-half, half])
    yield compared("V of phase-slip wires", axes, voltage, scipy_voltage, exact_voltage)


def efficiency(x):
    return jd.diode_efficiency(jd.AndreevInterferometer(x[0], x[1], temperature=x[2]))


def voltage(x):
    wire = jd.PhaseSlipWire(valley=jd.wire.ValleyPolarization(x[0], x[1], beta=BETA))
    return wire.voltage(x[2])


def exact_efficiency(spacing, voltage, temperature):
    potentials = voltage / 2, -voltage / 2
    j0, j1, j2 = andreev.coefficients(spacing, potentials, (temperature, temperature))
    return j0 / np.hypot(j1, j2)


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


def exact_voltage(zero, coupling, current):
    return phase_slip.quasi_static([current], zero, coupling, BETA)[0][0]


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


def with_differences(function, x):
    """The value, and its slopes by central differences."""
    steps = 1e-4 * np.maximum(np.abs(x), 1e-3)
    slopes = [
        (function(*(x + h * e)) - function(*(x - h * e))) / (2 * h)
        for h, e in zip(steps, np.eye(x.size), strict=True)
    ]
    return np.array([function(*x), *slopes])


def compared(name, axes, ours, scipy, exact):
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    # Batches keep the quadrature's arrays in the cache.
    run = jax.jit(lambda x: jax.lax.map(jax.value_and_grad(ours), x, batch_size=64))
    points = jnp.asarray(grid)
    chosen = np.random.default_rng(0).choice(len(grid), min(SAMPLE, len(grid)), replace=False)
    kept = {}

    def loop():
        kept["SciPy"] = np.array([with_differences(scipy, x) for x in grid[chosen]])

    mine, theirs = in_turn(lambda: run(points), loop, rounds=3)
    value, gradient = map(np.asarray, run(points))
    true = np.array([exact(*x) for x in grid[chosen]])
    slopes = kept["SciPy"][:, 1:]
    apart = np.abs(gradient[chosen] - slopes) / np.max(np.abs(slopes), axis=1, keepdims=True)
    return row(
        f"{name}, with gradient", mine, len(grid), float(np.max(np.abs(value[chosen] - true))),
        peer="SciPy, quad, differences", theirs=theirs, peer_count=len(chosen),
        peer_error=float(np.max(np.abs(kept["SciPy"][:, 0] - true))),
        **{
            "median difference of gradients": float(np.median(apart)),
            "not finite": int(np.sum(~np.isfinite(value))),
        },
    )  # fmt: skip
