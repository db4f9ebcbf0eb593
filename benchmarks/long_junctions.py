"""A thousand junctions of five Josephson lengths in one vmap: both critical currents of each.

Fluxes of −2 to 2 Φ₀ and every feed from all over the length to one end. CPU times of one process:
vmap takes one lane after the other on a CPU, so that two processes (or `jd.sweep`, which keeps all
cores busy) need half of it each.
"""

import time

import jax
import jax.numpy as jnp
import numpy as np

import jaxdiode as jd
from benchmarks.environment import write

LENGTH, COUNT = 5.0, 1000
POINTS = 57  # what the largest flux asks for


def ours(flux, share):
    feed = jnp.stack([1 - share, jnp.zeros_like(share), share])
    junction = jd.LongJunction(jd.TunnelJunction(1.0), LENGTH, flux, feed=feed, points=POINTS)
    found = jd.critical_currents(junction)
    return found.plus, found.minus, found.status


def main():
    flux = np.linspace(-2, 2, COUNT)
    share = np.random.default_rng(0).uniform(0, 1, COUNT)
    began = time.process_time()
    run = jax.jit(jax.vmap(ours)).lower(flux, share).compile()
    compiled, began = time.process_time() - began, time.process_time()
    plus, minus, status = map(np.asarray, jax.block_until_ready(run(flux, share)))
    spent = time.process_time() - began
    assert np.all(np.isfinite(plus) == (status == jd.Status.CONVERGED))
    write(
        "long-junctions",
        {
            "junctions": COUNT,
            "share converged": float(np.mean(status == jd.Status.CONVERGED)),
            "CPU seconds to compile": compiled,
            "CPU seconds": spent,
            "CPU seconds of each of two cores": spent / 2,
            "largest efficiency": float(np.nanmax(np.abs((plus - minus) / (plus + minus)))),
        },
    )


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    main()
