"""A million double-loop SQUIDs (two gates × flux): jaxdiode against vectorised NumPy.

Matched accuracy: the NumPy scan takes the coarsest uniform phase grid whose η is within
1e-4 of an independent dense evaluation on a set that includes exactly balanced pairs. It
runs on all cores by threads, in blocks that fit the cache. Both are timed warm.
"""

import os
import resource
import time
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np

import jaxdiode as jd
from benchmarks.environment import seconds, write
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


def main(side: int = 100) -> None:
    device = jd.Squid.from_pairs([*FIXED, (80.0, 90.0)], flux=(0.0, 0.0))
    gate = np.linspace(40.0, 120.0, side)
    axes = {
        "branches.2.first": gate,
        "branches.2.second": gate,
        "flux": np.linspace(0.0, 1.0, side, endpoint=False) + 0.5 / side,
    }
    traces = []

    def efficiency(device):
        traces.append(None)
        return jd.diode_efficiency(device)

    began = time.perf_counter()
    data = jd.sweep(efficiency, device, axes, progress=False)
    first = time.perf_counter() - began
    traced_first = len(traces)
    began = time.perf_counter()
    data = jd.sweep(efficiency, device, axes, progress=False)
    warm = time.perf_counter() - began
    count = side**3
    found = data["efficiency"].to_numpy()

    rng = np.random.default_rng(0)
    index = rng.integers(0, side, (300, 3))
    index[::3, 1] = index[::3, 0]  # a third of them exactly balanced, ρ = 1
    pair, flux = gate[index[:, :2]], axes["flux"][index[:, 2]]
    series = [("series", *p) for p in FIXED]
    exact = np.array(
        [
            dense_squid.efficiency([*series, ("series", *p)], (f, f))
            for p, f in zip(pair, flux, strict=True)
        ]
    )
    ours = float(np.max(np.abs(found[tuple(index.T)] - exact)))
    for points in GRIDS:
        theirs = float(np.max(np.abs(numpy_efficiency(pair, flux, points) - exact)))
        if theirs <= TOLERANCE:
            break
    timing = seconds(lambda: numpy_threaded(pair, flux, points))["warm"]
    per_device = timing / len(flux)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    write(
        f"sweep-{count}",
        {
            "devices": count,
            "jaxdiode first call (s)": round(first, 2),
            "jaxdiode warm (s)": round(warm, 2),
            "jaxdiode warm per device (us)": round(1e6 * warm / count, 2),
            "jaxdiode largest error in eta": ours,
            "traces of the function, first call": traced_first,
            "traces of the function, second call": len(traces) - traced_first,
            "peak resident memory (MiB)": peak,
            "numpy phase points": points,
            "numpy largest error in eta": theirs,
            "numpy per device, all cores (us)": round(1e6 * per_device, 1),
            "numpy, the same devices (s, from 300)": round(per_device * count, 1),
            "ratio at matched accuracy": round(per_device * count / warm, 1),
        },
    )


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    main()
