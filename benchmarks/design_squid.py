"""The paper's design problems: gradient ascent against Monte Carlo at equal cost.

Every result is evaluated again by the independent dense reference; the cost counts CPR
evaluations, a gradient as three.
"""

import time

import jax
import numpy as np

import jaxdiode as jd
from benchmarks.environment import write
from tests.reference import dense_squid

PAIR = (100.0, 120.0)
LONG = ("double loop, equal fluxes", "three free branches", "four free branches")


def problems() -> dict[str, tuple[jd.Space, float, dict]]:
    """{name: (space, η that must be reached, settings)}."""
    constrained = jd.Squid.from_pairs([(420, 190), (380, 190), (190, 190)], flux=(0.5, 0.5))
    gates = ("branches.0.second", "branches.1.second", "branches.2")

    def free(n):
        return jd.Squid.from_pairs([PAIR] * n, flux=[0.5] * (n - 1))

    wide, flux = {"branches": (0.1, 1000)}, {"flux": (0, 1)}
    return {
        "constrained double loop": (
            jd.Space(constrained, {**dict.fromkeys(gates, (20, 360)), **flux}, ties=["flux"]),
            0.6374,
            {"rounds": 1},
        ),
        "single loop": (jd.Space(free(2), {**wide, **flux}), 0.4999, {}),
        "double loop, equal fluxes": (
            jd.Space(free(3), {**wide, **flux}, ties=["flux"]),
            0.6630,
            {"rounds": 6},
        ),
        "three free branches": (jd.Space(free(3), {**wide, **flux}), 0.6660, {"rounds": 5}),
        "four free branches": (jd.Space(free(4), {**wide, **flux}), 0.7650, {"rounds": 5}),
    }


def dense(device) -> float:
    pairs = [("series", float(b.first), float(b.second)) for b in device.branches]
    return dense_squid.efficiency(pairs, np.asarray(device.flux))


def main(seed: int = 0) -> None:
    table = {}
    for name, (space, target, settings) in problems().items():
        key, other = jax.random.split(jax.random.key(seed))
        times = []
        for _ in range(1 if name in LONG else 2):  # the second pass is the warm one
            began = time.perf_counter()
            found = jd.maximise(jd.diode_efficiency, space, key=key, progress=False, **settings)
            times.append(time.perf_counter() - began)
        chance = jd.random_search(
            jd.diode_efficiency, space, key=other, samples=found.evaluations, progress=False
        )
        table[name] = {
            "target": target,
            "gradient ascent, dense": round(dense(found.device), 6),
            "Monte Carlo, dense": round(dense(chance.device), 6),
            "evaluations": found.evaluations,
            "seconds, with compilation first": [round(t, 1) for t in times],
            "parameters": {k: float(f"{v:.6g}") for k, v in found.parameters.items()},
        }
        print(name, table[name], flush=True)
    write("design", table)


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    main()
