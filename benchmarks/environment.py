"""What a timing was taken on, how it was taken, and the row that it becomes.

Both sides run in one process, in turn (ours, theirs, ours, theirs, …) after a call each that is
not counted. What is compared is the median of the CPU time of the process, all threads together:
other programs on the machine disturb it less than the clock, which is written down beside it.
"""

import importlib.metadata
import importlib.util
import json
import os
import platform
import resource
import time
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

RESULTS = Path(__file__).parent / "results"
PEERS = ("scipy", "numba", "pyjjasim", "tdgl")


def describe() -> dict:
    """Hardware and versions."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [x.split(":")[1] for x in cpuinfo.read_text().splitlines() if "model name" in x]
        model = names[0].strip() if names else model
    installed = [name for name in PEERS if importlib.util.find_spec(name)]
    return {
        "device": jax.devices()[0].device_kind,
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "jax": jax.__version__,
        "numpy": np.__version__,
        **{name: importlib.metadata.version(name) for name in installed},
    }


def machine() -> str:
    """A file name's part: the device JAX runs on, with the processor's name where it is a CPU."""
    found = describe()
    name = found["processor"] if found["device"] == "cpu" else found["device"]
    words = "".join(c if c.isalnum() else " " for c in name.lower()).split()
    return "-".join([*words, str(found["cores"]), "cores"])


def require(peer: str) -> None:
    """Raises ModuleNotFoundError with the reason that is printed for what is skipped."""
    if importlib.util.find_spec(peer) is None:
        raise ModuleNotFoundError(f"{peer} is not installed: pip install -r benchmarks/peers.txt")


def clocks(call: Callable[[], object]) -> tuple[float, float]:
    """(CPU seconds of all threads, seconds on the clock) of one call."""
    cpu, clock = time.process_time(), time.perf_counter()
    jax.block_until_ready(call())
    return time.process_time() - cpu, time.perf_counter() - clock


def in_turn(*calls: Callable[[], object], rounds: int = 5) -> list[dict[str, float]]:
    """For every call: its first time on the clock, then medians of `rounds` warm ones in turn."""
    first = [clocks(call)[1] for call in calls]
    taken = np.array([[clocks(call) for call in calls] for _ in range(rounds)])
    cpu, clock = np.median(taken, axis=0).T
    return [
        {"first": f, "cpu": float(c), "clock": float(w)}
        for f, c, w in zip(first, cpu, clock, strict=True)
    ]


def seconds(call: Callable[[], object], repeats: int = 3) -> dict[str, float]:
    """First call (with compilation) and the median of warm ones, where there is no peer."""
    times = [clocks(call)[1] for _ in range(repeats + 1)]
    return {"first": times[0], "warm": float(np.median(times[1:]))}


def row(
    task: str,
    ours: dict[str, float],
    count: int,
    error: float | None,
    *,
    peer: str = "",
    theirs: dict[str, float] | None = None,
    peer_count: int = 1,
    peer_error: float | None = None,
    **more: float | str,
) -> dict:
    """One line of the table: microseconds of CPU for each of `count`, of the peer, their ratio."""
    found = {
        "task": task,
        "count": count,
        "us": 1e6 * ours["cpu"] / count,
        "us on the clock": 1e6 * ours["clock"] / count,
        "first call (s)": round(ours["first"], 2),
        "error": error,
    }
    if theirs is not None:
        each = 1e6 * theirs["cpu"] / peer_count
        found |= {
            "peer": peer, "peer us": each, "peer us on the clock": 1e6 * theirs["clock"]
            / peer_count, "peer error": peer_error, "ratio": each / found["us"],
        }  # fmt: skip
    return found | more


def peak() -> int:
    """MiB that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def write(name: str, figures: dict) -> Path:
    """Print the figures and keep them as benchmarks/results/<name>-<machine>.json."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{machine()}.json"
    text = json.dumps({"environment": describe(), **figures}, indent=2, ensure_ascii=False)
    path.write_text(text + "\n")
    if "rows" not in figures:  # those of the suite have been printed one by one
        for key, value in figures.items():
            print(f"  {key}: {value}")
    print(f"written to {path}")
    return path
