"""How times grow: `python -m benchmarks.growth` measures and draws, `--small` tries it.

Six panels, each warm and in one process but the last: points of a sweep, branches of a SQUID,
harmonics in the drive of a Kapitza junction (whose orbits need finer steps for them), terms of a
Matsubara sum, nodes of a circuit, and the processes that share a sweep to a Zarr store, each on a
core of its own as far as there are any and without its start and compilation. Written are
growth-<machine>.json and .png in benchmarks/results; the slope is that of the line through the
upper half of the points, log–log: 1 is proportional, 0 does not matter, −1 is ideal for processes.
Times are CPU times but of the processes, where it is the clock's until the last has finished.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import jaxdiode as jd
from benchmarks.environment import RESULTS, clocks, describe, machine
from benchmarks.squid import grid

Point = tuple[int, float]


def warm(call: Callable[[], object], rounds: int = 3) -> float:
    """CPU seconds, the median after a call that compiles."""
    clocks(call)
    return float(np.median([clocks(call)[0] for _ in range(rounds)]))


def sweep_points(sizes) -> Iterator[Point]:
    for side in sizes:
        device, axes = grid(side)

        def run(device=device, axes=axes):
            return jd.sweep(jd.critical_currents, device, axes, progress=False)

        yield side**3, warm(run)


def branches(sizes, lanes) -> Iterator[Point]:
    flux = jnp.linspace(0.0, 1.0, lanes)
    run = jax.jit(
        jax.vmap(lambda f, d: jd.diode_efficiency(jd.replace(d, {"flux": f})), in_axes=(0, None))
    )
    for count in sizes:
        pairs = [(100.0 + 3 * k, 80.0 + 5 * k) for k in range(count)]
        one = jd.Squid.from_pairs(pairs, flux=[0.3] * (count - 1))
        yield count, warm(lambda one=one: run(flux, one))


def harmonics(sizes, repeats) -> Iterator[Point]:
    run = jax.jit(jd.critical_currents)
    for count in sizes:
        drive = 1.0 / np.arange(1, count + 1) ** 2
        one = jd.KapitzaJunction(0.5, 3.0, mean_current=1.0, drive_current=drive)

        def several(one=one):
            return [run(one) for _ in range(repeats)]

        yield count, warm(several) / repeats


def matsubara(sizes) -> Iterator[Point]:
    barrier = jd.usadel.SpinBarrier(1.4, 0.25, width_up=0.14, width_down=0.14)
    for terms in sizes:
        fine = jd.usadel.UsadelResolution(phases=4, terms=terms, tail=4, steps=6, momenta=4)
        one = jd.SpinActiveJunction(
            0.1, 4.0, ferromagnet_length=1.0, conductance=2.0, exchange=0.25, potential=0.25,
            left=barrier, right=barrier, resolution=fine,
        )  # fmt: skip
        yield terms, warm(lambda one=one: one.torus().current)


def nodes(sizes) -> Iterator[Point]:
    """A chain of junctions beside one junction with an inductance: a single flux state."""
    run = jax.jit(jd.critical_currents)
    for count in sizes:
        places = [f"n{k}" for k in range(count)] + ["0"]
        elements = {
            f"J{k}": jd.Junction(places[k], places[k + 1], jd.TunnelJunction(1.0 + 0.1 * k))
            for k in range(count)
        }
        elements["beside"] = jd.Junction("n0", "m", jd.TunnelJunction(1.5), offset=-0.2)
        elements["L"] = jd.Inductor("m", "0", 0.1)
        circuit = jd.Circuit(elements, terminals=("n0", "0"))
        if status := int(run(circuit).status):
            raise RuntimeError(f"{count} junctions: {jd.Status(status).name}, not to be compared")
        yield count + 1, warm(lambda c=circuit: run(c))


WORKER = """
import os, sys, time
share, count, folder, side = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
cores = sorted(os.sched_getaffinity(0))
os.sched_setaffinity(0, {cores[share % len(cores)]})
import jax
jax.config.update("jax_enable_x64", True)
import jaxdiode as jd
from benchmarks.squid import grid
device, axes = grid(side)
def part(store, shard):
    options = {"store": store, "shard": shard, "chunk": 256, "progress": False}
    jd.sweep(jd.critical_currents, device, axes, **options)
part(f"{folder}/warm{share}.zarr", (0, max(side**3 // 256, 1)))
print("ready", flush=True)
sys.stdin.readline()
began = time.perf_counter()
part(f"{folder}/shared.zarr", (share, count))
print(time.perf_counter() - began, flush=True)
"""


def processes(sizes, side) -> Iterator[Point]:
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            told = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            begun = [
                subprocess.Popen(
                    [sys.executable, "-c", WORKER, str(k), str(count), folder, str(side)],
                    env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, **told,
                )
                for k in range(count)
            ]  # fmt: skip
            for process in begun:
                process.stdout.readline()
            for process in begun:
                process.stdin.write("\n")
                process.stdin.flush()
            yield count, max(float(process.communicate()[0]) for process in begun)


def panels(small: bool) -> dict[str, Iterator[Point]]:
    if small:
        return {
            "points of a sweep": sweep_points([3, 4]),
            "branches of a SQUID": branches([2, 4], 8),
            "harmonics of the drive": harmonics([1, 2], 1),
            "Matsubara terms": matsubara([4, 5]),
            "nodes of a circuit": nodes([2, 3]),
            "processes": processes([1, 2], 8),
        }
    shares = [2**k for k in range(min(5, max(2, len(os.sched_getaffinity(0)).bit_length())))]
    return {
        "points of a sweep": sweep_points([10, 16, 25, 35, 50]),
        "branches of a SQUID": branches([2, 3, 4, 6, 8, 12, 16], 1000),
        "harmonics of the drive": harmonics([1, 2, 4, 8, 16], 10),
        "Matsubara terms": matsubara([4, 8, 16, 32]),
        "nodes of a circuit": nodes([2, 4, 8, 16, 32]),
        "processes": processes(shares, 40),
    }


def slope(points: list[Point]) -> float:
    """Of the straight line through the upper half of the points, at least two."""
    upper = np.log(points[-max(2, (len(points) + 1) // 2) :])
    return float(np.polyfit(upper[:, 0], upper[:, 1], 1)[0])


def draw(figures: dict, path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(9, 5.4), layout="constrained")
    for axis, (name, found) in zip(axes.flat, figures.items(), strict=True):
        sizes, taken = np.array(found["sizes"], float), np.array(found["seconds"])
        axis.loglog(sizes, taken, "o", color="tab:blue")
        half = slice(-max(2, (len(sizes) + 1) // 2), None)
        level = np.mean(np.log(taken[half]) - found["slope"] * np.log(sizes[half]))
        axis.loglog(sizes, np.exp(level) * sizes ** found["slope"], color="tab:orange", lw=1)
        axis.set_title(f"slope {found['slope']:.2f}", fontsize=10)
        if sizes[-1] < 100 * sizes[0]:  # else powers of ten do
            axis.set_xticks(sizes, [f"{s:g}" for s in sizes], minor=False)
            axis.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
        axis.set_xlabel(name)
    for axis in axes[:, 0]:
        axis.set_ylabel("time (s)")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def measure(small: bool) -> dict:
    figures = {}
    for name, points in panels(small).items():
        found = list(points)
        sizes, taken = map(list, zip(*found, strict=True))
        figures[name] = {"sizes": sizes, "seconds": taken, "slope": slope(found)}
        print(f"{name}: {', '.join(f'{n}: {t:.3g} s' for n, t in found)}", flush=True)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="tiny sizes, as a test takes them")
    parser.add_argument("--out", type=Path, default=RESULTS, help="another folder")
    asked = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    figures = measure(asked.small)
    asked.out.mkdir(exist_ok=True)
    path = asked.out / f"growth-{machine()}.json"
    text = json.dumps({"environment": describe(), **figures}, indent=2, ensure_ascii=False)
    path.write_text(text + "\n")
    draw(figures, path.with_suffix(".png"))
    print(f"written to {path} and {path.with_suffix('.png').name}")


if __name__ == "__main__":
    main()
