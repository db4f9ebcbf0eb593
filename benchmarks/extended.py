"""Ten thousand (flux, temperature) points of an extended junction, against loops over SciPy quad.

Matched accuracy: `quad` is asked for 1e-10 with break points where the local relation turns, and
the extrema are found among 48 phases and polished by `minimize_scalar`; we are closer, and the
largest difference of both is listed. SciPy is timed on a sample spread over the same grid and
scaled up. CPU times of one process, which do not depend on what else the machine does.
"""

import math
import time

import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

import jaxdiode as jd
from benchmarks.environment import write

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


def main():
    flux = np.repeat(np.linspace(0.03, 2.9, 100), 100)
    temperature = np.tile(np.linspace(0.02, 0.5, 100), 100)
    began = time.perf_counter()
    run = jax.jit(jax.vmap(ours)).lower(flux, temperature).compile()
    compiled = time.perf_counter() - began
    times = []
    for _ in range(2):
        began = time.process_time()
        plus, minus, status = jax.block_until_ready(run(flux, temperature))
        times.append(time.process_time() - began)
    chosen = np.linspace(0, flux.size - 1, SAMPLE).astype(int) if SAMPLE else []
    began = time.process_time()
    others = np.array([scipy_currents(flux[k], temperature[k]) for k in chosen])
    theirs = (time.process_time() - began) * flux.size / SAMPLE
    mine = np.stack([plus, minus], axis=1)[chosen]
    write(
        "extended",
        {
            "points": flux.size,
            "converged": int(np.sum(np.asarray(status) == jd.Status.CONVERGED)),
            "seconds to compile": compiled,
            "CPU seconds": min(times),
            "CPU seconds of SciPy, scaled up": theirs,
            "ratio": theirs / min(times),
            "largest difference": float(np.max(np.abs(mine - others))),
        },
    )


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    main()
