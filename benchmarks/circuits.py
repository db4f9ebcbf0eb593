"""Critical currents of screened SQUIDs over all flux states, against a continuation loop in SciPy.

The loop is what one writes by hand: for every fluxoid number a state at zero current by `root`, the
bias stepped up with warm starts and an analytic Jacobian until no state follows or the stiffness is
no longer positive, then bisection to the tolerance both are compared at.
"""

import time

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import root

import jaxdiode as jd
from benchmarks.environment import seconds, write
from tests.reference import two_junctions

TOLERANCE = 1e-8
DEVICES = 200  # of which the loop does a few
LOOPS = 10
STEP = 0.02  # of the bias, no coarser finds all lobes


def devices(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    critical = rng.uniform(0.5, 1.5, (count, 2))
    inductance = rng.uniform(0.05, 1.0, (count, 2))
    return critical, inductance, rng.uniform(-0.5, 0.5, count)


def squid(critical, inductance, flux):
    branches = [jd.TunnelJunction(critical[k]) for k in range(2)]
    return jd.Squid(branches, flux[None], inductance=inductance).circuit()


def by_scipy(critical, inductance, flux):
    """(I₊, I₋), in the node phases of the two junctions and of the bias."""
    sides = 1 / (2 * np.pi * inductance)
    shift = np.array([0.0, -2 * np.pi * flux])

    def balance(x, bias):
        through = sides * (x[2] - x[:2])
        into = critical * np.sin(x[:2] + shift) - through
        return np.array([into[0], into[1], through.sum() - bias])

    def stiffness(x, bias):
        del bias
        kappa = critical * np.cos(x[:2] + shift)
        return np.array(
            [
                [kappa[0] + sides[0], 0, -sides[0]],
                [0, kappa[1] + sides[1], -sides[1]],
                [-sides[0], -sides[1], sides.sum()],
            ]
        )

    def state(start, bias, farthest=1.0):
        found = root(balance, start, bias, jac=stiffness, tol=1e-12)
        good = found.success and np.linalg.eigvalsh(stiffness(found.x, bias))[0] > 0
        return found.x if good and np.max(np.abs(found.x - start)) < farthest else None

    reach = int(np.ceil(np.sum(critical * inductance) + 1))
    best = []
    for sign in (1.0, -1.0):
        most = -np.inf
        for k in range(-reach, reach + 1):
            for begin in (0.0, 0.3 * critical.sum(), 0.6 * critical.sum()):
                spread = 2 * np.pi * k * inductance / inductance.sum()
                start = np.array([spread[0], spread[0] - 2 * np.pi * k, 0.0])
                x = state(start, sign * begin, np.inf)
                bias = begin
                while x is not None:
                    kept, bias = x, bias + STEP
                    x = state(kept, sign * bias)
                else:
                    if bias == begin:
                        continue
                low, high = bias - STEP, bias
                while high - low > TOLERANCE:
                    middle = (low + high) / 2
                    x = state(kept, sign * middle)
                    if x is None:
                        high = middle
                    else:
                        low, kept = middle, x
                most = max(most, low)
        best.append(most)
    return best


def main() -> None:
    critical, inductance, flux = devices(DEVICES)

    @jax.jit
    @jax.vmap
    def largest(critical, inductance, flux):
        found = jd.critical_currents(squid(critical, inductance, flux))
        return jnp.stack([found.plus, found.minus]), found.status

    @jax.jit
    @jax.vmap
    def slopes(critical, inductance, flux):
        def value(flux):
            return jd.diode_efficiency(squid(critical, inductance, flux))

        return jax.value_and_grad(value)(flux)

    arguments = tuple(map(jnp.asarray, (critical, inductance, flux)))
    ours = seconds(lambda: jax.block_until_ready(largest(*arguments)))
    gradient = seconds(lambda: jax.block_until_ready(slopes(*arguments)))
    found, status = map(np.asarray, largest(*arguments))
    began = time.perf_counter()
    few = zip(critical[:LOOPS], inductance[:LOOPS], flux[:LOOPS], strict=True)
    theirs = np.array([by_scipy(*x) for x in few])
    loop = (time.perf_counter() - began) / LOOPS
    exact = np.array(
        [two_junctions.largest(*x) for x in zip(critical, inductance, flux, strict=True)]
    )
    each = ours["warm"] / DEVICES
    write(
        "circuits",
        {
            "devices": DEVICES,
            "converged": int(np.sum(status == 0)),
            "jaxdiode first call (s)": round(ours["first"], 1),
            "jaxdiode per device, both directions (ms)": round(1e3 * each, 3),
            "with the gradient in the flux (ms)": round(1e3 * gradient["warm"] / DEVICES, 3),
            "jaxdiode largest error": float(np.max(np.abs(found - exact))),
            "SciPy per device (ms)": round(1e3 * loop, 1),
            "SciPy devices right": int(np.sum(np.max(np.abs(theirs - exact[:LOOPS]), 1) < 1e-6)),
            "SciPy devices": LOOPS,
            "ratio": round(loop / each, 1),
        },
    )


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    main()
