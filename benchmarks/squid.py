"""A million double-loop SQUIDs (two gates × flux): jaxdiode against vectorised NumPy.

Matched accuracy: the NumPy scan takes the coarsest uniform phase grid whose η is within
1e-4 of an independent dense evaluation on a set that includes exactly balanced pairs. It
runs on all cores by threads, in blocks that fit the cache, for 300 devices of the same grid.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np

import jaxdiode as jd
from benchmarks.environment import in_turn, peak, row
from tests.reference import dense_squid

TOLERANCE = 1e-4
GRIDS = (2_000, 5_000, 10_000, 15_000, 20_000, 30_000, 50_000, 100_000)
FIXED = ((420.0, 80.0), (380.0, 90.0))


def numpy_efficiency(pair, flux, points):
    """η of many devices from a uniform phase grid; pair (n, 2), flux (n,)."""
    phase = (np.arange(points) + 0.5) * (2 * np.pi / points)
    total = np.zeros((len(flux), points))
    for k, (a, b) in enumerate([*FIXED, (pair[:, :1], pair[:, 1:])]):
        half = (phase - 2 * np.pi * k * flux[:, None]) / 2
        s, c = np.sin(half), np.cos(half)
        total += 2 * a * b * s * c / np.sqrt((a - b) ** 2 + 4 * a * b * c**2)
    plus, minus = total.max(axis=1), -total.min(axis=1)
    return (plus - minus) / (plus + minus)


def numpy_threaded(pair, flux, points):
    block = max(1, 200_000 // points)
    starts = range(0, len(flux), block)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        parts = pool.map(
            lambda i: numpy_efficiency(pair[i : i + block], flux[i : i + block], points), starts
        )
        return np.concatenate(list(parts))


def grid(side: int) -> tuple[jd.Squid, dict[str, np.ndarray]]:
    device = jd.Squid.from_pairs([*FIXED, (80.0, 90.0)], flux=(0.0, 0.0))
    gate = np.linspace(40.0, 120.0, side)
    flux = np.linspace(0.0, 1.0, side, endpoint=False) + 0.5 / side
    return device, {"branches.2.first": gate, "branches.2.second": gate, "flux": flux}


def sample(axes, count: int = 300):
    """Indices of some devices, a third of them exactly balanced, and their η by dense scans."""
    gate, flux = axes["branches.2.first"], axes["flux"]
    index = np.random.default_rng(0).integers(0, len(gate), (count, 3))
    index[::3, 1] = index[::3, 0]
    pair, at = gate[index[:, :2]], flux[index[:, 2]]
    series = [("series", *p) for p in FIXED]
    exact = [
        dense_squid.efficiency([*series, ("series", *p)], (f, f))
        for p, f in zip(pair, at, strict=True)
    ]
    return tuple(index.T), pair, at, np.array(exact)


def rows(side: int = 100, sampled: int = 300) -> Iterator[dict]:
    device, axes = grid(side)
    traces, kept = [], {}

    def efficiency(device):
        traces.append(None)
        return jd.diode_efficiency(device)

    def ours():
        kept["data"] = jd.sweep(efficiency, device, axes, progress=False)

    index, pair, flux, exact = sample(axes, sampled)
    for points in GRIDS:
        error = float(np.max(np.abs(numpy_efficiency(pair, flux, points) - exact)))
        if error <= TOLERANCE:
            break
    mine, theirs = in_turn(ours, lambda: numpy_threaded(pair, flux, points), rounds=2)
    found = kept["data"]["efficiency"].to_numpy()[index]
    yield row(
        "η of double-loop SQUIDs, a sweep", mine, side**3, float(np.max(np.abs(found - exact))),
        peer=f"NumPy, {points} phases", theirs=theirs, peer_count=len(flux), peer_error=error,
        **{"traces of the function": len(traces), "peak resident memory (MiB)": peak()},
    )  # fmt: skip
    yield gradients(device, axes, side)


def gradients(device, axes, side):
    """η and its gradient in all eight parameters, beside η alone."""
    random = np.random.default_rng(1)
    chosen = random.integers(0, side, (min(20_000, side**3), 3))
    where = [jnp.asarray(v[chosen[:, k]]) for k, v in enumerate(axes.values())]

    def at(first, second, flux):
        each = dict(zip(axes, (first, second, flux), strict=True))
        return jd.replace(device, each)

    def in_batches(function):
        return jax.jit(lambda *x: jax.lax.map(lambda y: function(at(*y)), x, batch_size=500))

    value = in_batches(jd.diode_efficiency)
    slope = in_batches(jax.value_and_grad(jd.diode_efficiency))
    both, alone = in_turn(lambda: slope(*where), lambda: value(*where), rounds=3)
    return row(
        "η of double-loop SQUIDs, with its gradient", both, len(chosen), None,
        peer="η alone, ours", theirs=alone, peer_count=len(chosen),
    )  # fmt: skip
