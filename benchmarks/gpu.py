"""What gains on a GPU: `python -m benchmarks.gpu`, at most 8 minutes, `--small` for a try on a CPU.

One JSON on stdout and in benchmarks/results/gpu-<machine>.json: for every row how many devices
went into one call, seconds of compilation (the first call less a warm one), and how many a second
when warm, on the clock. The file is written after each row. A row that fails is its reason, and so
is one that would begin after the time is up; the others go on.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxdiode as jd
from benchmarks.circuits import devices, squid
from benchmarks.environment import RESULTS, clocks, describe, machine
from benchmarks.nonequilibrium import efficiency
from benchmarks.squid import grid
from benchmarks.usadel import junction

LIMIT = 420.0  # seconds after which no row begins
COARSE = jd.usadel.UsadelResolution(12, 6, 6, 8, 6)


def random(count: int, *bounds: tuple[float, float]) -> list[jax.Array]:
    source = np.random.default_rng(0)
    return [jnp.asarray(source.uniform(*each, count)) for each in bounds]


def batched(function, arguments, size):
    """One program for all lanes, `size` at a time."""
    run = jax.jit(lambda *x: jax.lax.map(lambda y: function(*y), x, batch_size=size))
    return lambda: run(*arguments)


def sweep(count):
    device, axes = grid(round(count ** (1 / 3)))
    total = int(np.prod([len(v) for v in axes.values()]))
    return total, lambda: jd.sweep(jd.critical_currents, device, axes, progress=False)["plus"].data


def with_gradient(count):
    device, axes = grid(2)
    both = jax.value_and_grad(jd.diode_efficiency)

    def at(*values):
        return both(jd.replace(device, dict(zip(axes, values, strict=True))))

    return count, batched(at, random(count, (40, 120), (40, 120), (0, 1)), 16384)


def kapitza(count):
    def at(drive, frequency):
        one = jd.KapitzaJunction(
            0.5, frequency, mean_current=1.0, drive_current=drive, static_current=1.0,
            phase_offset=np.pi / 2,
        )  # fmt: skip
        return jd.critical_currents(one).plus

    return count, batched(at, random(count, (0.1, 1.5), (2.5, 6.0)), 8192)


def andreev(count):
    def at(*x):
        return jax.value_and_grad(efficiency)(jnp.stack(x))

    return count, batched(at, random(count, (0.02, 0.9), (0.02, 5.0), (0.01, 2.0)), 16384)


def usadel(count):
    run = eqx.filter_jit(jax.vmap(lambda t: jd.diode_efficiency(junction(t, resolution=COARSE))))
    azimuth = jnp.linspace(0.1, 1.5, count)
    return count, lambda: run(azimuth)


def screened(count):
    def at(critical, inductance, flux):
        return jd.critical_currents(squid(critical, inductance, flux)).plus

    return count, batched(at, list(map(jnp.asarray, devices(count))), 4096)


def thermal(count):
    diode = jd.Harmonics([1.0, 0.0], [0.0, 0.5])
    biases = jnp.linspace(-1.5, 1.5, count)
    return count, lambda: jd.thermal_iv(diode, biases, noise=0.05).voltage


def in_time(count):
    diode = jd.Harmonics([1.0, 0.0], [0.0, 0.5])
    shunted = jd.Shunted(diode, 0.5, drive=jd.Drive(frequency=0.7, amplitude=0.4))
    biases = np.linspace(-2.0, 2.0, count)
    return count, lambda: jd.iv_curve(shunted, biases).up


ROWS: tuple[tuple[str, Callable, int, int], ...] = (
    ("η of double-loop SQUIDs, a sweep", sweep, 100_000, 27),
    ("η of double-loop SQUIDs, a sweep of a million", sweep, 1_000_000, 64),
    ("η of double-loop SQUIDs, with gradient", with_gradient, 100_000, 16),
    ("η of Andreev interferometers, with gradient", andreev, 100_000, 16),
    ("voltages of a warm junction", thermal, 20_000, 8),
    ("critical currents of screened SQUIDs, all flux states", screened, 10_000, 2),
    ("critical currents of Kapitza junctions", kapitza, 10_000, 4),
    ("voltages of a driven junction in time, up and down", in_time, 512, 4),
    ("η of spin-active Usadel junctions", usadel, 16, 1),
)


def measured(task: str, make: Callable, count: int) -> dict:
    """A row, or the reason why there is none."""
    try:
        count, call = make(count)
        first = clocks(call)[1]
        spent = [clocks(call)[1]]
        while len(spent) < 3 and sum(spent) < 20.0:
            spent.append(clocks(call)[1])
        finite = np.mean([np.mean(np.isfinite(x)) for x in jax.tree.leaves(call())])
    except Exception as error:
        text = str(error).strip() or "no message"
        return {"task": task, "failed": f"{type(error).__name__}: {text.splitlines()[0][:300]}"}
    warm = float(np.median(spent))
    return {
        "task": task, "count": count, "compilation (s)": round(max(first - warm, 0.0), 2),
        "warm (s)": warm, "per second": count / warm, "finite": float(finite),
    }  # fmt: skip


def run(path: Path, small: bool, limit: float = LIMIT, rows=ROWS) -> dict:
    began, found = time.perf_counter(), []
    figures = {"environment": describe(), "rows": found}
    for task, make, large, tiny in rows:
        if time.perf_counter() - began > limit:
            found.append({"task": task, "failed": f"not begun: {limit:g} s were over"})
        else:
            found.append(measured(task, make, tiny if small else large))
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n")
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="tiny sizes, as a test takes them")
    parser.add_argument("--out", type=Path, help="another file than that of benchmarks/results")
    asked = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    path = asked.out or RESULTS / f"gpu-{machine()}.json"
    print(json.dumps(run(path, asked.small), indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
