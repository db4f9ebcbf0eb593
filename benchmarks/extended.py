"""Ten thousand (flux, temperature) points of an extended junction, against loops over SciPy quad.

Matched accuracy: `quad` is asked for 1e-10 with break points where the local relation turns, and
the extrema are found among 48 phases and polished by `minimize_scalar`; we are closer, and the
largest difference of both is listed. SciPy is timed on a sample spread over the same grid.
"""

import math
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

import jaxdiode as jd
from benchmarks.environment import in_turn, row

SAMPLE = 6
TRANSPARENCY = 0.9


def profile(x, exp=jnp.exp):
    return 1 + 4 * exp(-(x + 0.5) / 0.1) + exp(-(0.5 - x) / 0.1)


def ours(flux, temperature):
    modes = jd.AndreevModes(1.0, TRANSPARENCY, gap=1.0, temperature=temperature)
    found = jd.critical_currents(jd.ExtendedJunction(modes, profile, flux, harmonics=64))
    return found.plus, found.minus, found.status


def scipy_currents(flux, temperature):
    """(I₊, I₋) by quad at every phase that the search asks for."""
    norm = 1 + 0.5 * (1 - math.exp(-10))

    def integrand(x, phase):
        half = (phase + 2 * math.pi * flux * x) / 2
        s, c = math.sin(half), math.cos(half)
        r = math.sqrt(1 - TRANSPARENCY * s * s)
        local = TRANSPARENCY * s * c / r * math.tanh(r / (2 * temperature))
        return profile(x, math.exp) / norm * local

    def current(phase):
        turns = (math.pi - phase + 2 * math.pi * np.arange(-4, 5)) / (2 * math.pi * flux)
        inside = turns[np.abs(turns) < 0.5]
        points = inside if inside.size else None
        return quad(integrand, -0.5, 0.5, (phase,), epsabs=1e-10, epsrel=1e-10, points=points)[0]

    phases = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    values = np.array([current(phase) for phase in phases])
    found = []
    for sign in (1, -1):
        near = phases[np.argmax(sign * values)]
        bounds = near - phases[1], near + phases[1]
        done = minimize_scalar(
            lambda phase, sign=sign: -sign * current(phase),
            bounds=bounds, method="bounded", options={"xatol": 1e-6},
        )  # fmt: skip
        found.append(-done.fun)
    return found


def rows(side: int = 100) -> Iterator[dict]:
    flux = np.repeat(np.linspace(0.03, 2.9, side), side)
    temperature = np.tile(np.linspace(0.02, 0.5, side), side)
    run = jax.jit(jax.vmap(ours))
    chosen = np.linspace(0, flux.size - 1, SAMPLE).astype(int)
    kept = {}

    def loop():
        kept["both"] = np.array([scipy_currents(flux[k], temperature[k]) for k in chosen])

    mine, theirs = in_turn(lambda: run(flux, temperature), loop, rounds=3)
    plus, minus, status = run(flux, temperature)
    error = float(np.max(np.abs(np.stack([plus, minus], axis=1)[chosen] - kept["both"])))
    yield row(
        "critical currents of extended junctions", mine, flux.size, error,
        peer="SciPy, quad", theirs=theirs, peer_count=SAMPLE, peer_error=error,
        converged=int(np.sum(np.asarray(status) == jd.Status.CONVERGED)),
    )  # fmt: skip
