"""What a timing was taken on, and how."""

import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

RESULTS = Path(__file__).parent / "results"


def describe() -> dict:
    """Hardware and versions."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [x.split(":")[1] for x in cpuinfo.read_text().splitlines() if "model name" in x]
        model = names[0].strip() if names else model
    return {
        "device": jax.devices()[0].device_kind,
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "jax": jax.__version__,
        "numpy": np.__version__,
    }


def seconds(call: Callable[[], object], repeats: int = 3) -> dict[str, float]:
    """First call (with compilation) and the median of warm calls."""
    times = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return {"first": times[0], "warm": float(np.median(times[1:]))}


def write(name: str, figures: dict) -> None:
    """Print the figures and keep them as benchmarks/results/<name>-<device>.json."""
    device = "".join(c if c.isalnum() else "-" for c in jax.devices()[0].device_kind.lower())
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{device}.json"
    path.write_text(json.dumps({"environment": describe(), **figures}, indent=2) + "\n")
    print(f"\n{name}")
    for key, value in figures.items():
        print(f"  {key}: {value}")
    print(
        f"  written to {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}"
    )
