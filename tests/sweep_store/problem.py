"""A sweep that costs little and has all kinds of outputs, and what its store must be."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import jaxdiode as jd

PAIRS = jd.Squid.from_pairs([(420, 80), (380, 90), (80, 90)], flux=(0.4, 0.3))
AXES = {"branches.0.first": np.linspace(1.0, 2.5, 6), "flux": np.linspace(0, 1, 25)}
CHUNK, COUNT = 50, 3  # two rows of six each


def weigh(device):
    """A number, one that is NaN in all of the first rows, a status, a truth, a list."""
    leaves = [jnp.sum(jnp.sin(jnp.asarray(leaf))) for leaf in jax.tree.leaves(device)]
    total = 0.1 * sum((k + 1.0) * leaf for k, leaf in enumerate(leaves))
    total += 3 * jnp.sin(9 * device.flux[0])
    first = device.branches[0].first
    return {
        "total": total,
        "partly": jnp.where(first < 1.5, jnp.log(-jnp.abs(total)), total),
        "status": jnp.asarray(jnp.where(total > 0, 2, 0), jnp.int32),
        "positive": total > 0,
        "both": device.flux * total,
    }


def heavier(device):
    return weigh(device) | {"total": 2 * weigh(device)["total"]}


def run(path, function=weigh, device=PAIRS, axes=AXES, **options):
    options = {"chunk": CHUNK, "progress": False} | options
    return jd.sweep(function, device, axes, store=path, **options)


def contents(path):
    """Every file of a store but what a killed process was writing."""
    path = Path(path)
    files = (p for p in path.rglob("*") if p.is_file() and not p.name.endswith(".partial"))
    return {str(p.relative_to(path)): p.read_bytes() for p in files}
