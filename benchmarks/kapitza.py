"""The driven junction: folds against ramps, an I–V curve and a map, on one machine.

Matched accuracy. The fold is exact to 1e-12; a ramp costs more the more digits it is asked for, so
the ratio is listed for several. The finite differences that a ramp would need for a gradient are
not counted. The numba ramp is RK4, tuned by hand (`kapitza_competitors`), with steps that shrink
with the accuracy asked for.
"""

import math
import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import jax
import jax.numpy as jnp
import numpy as np

import jaxdiode as jd
from benchmarks import kapitza_competitors as competitors
from benchmarks.environment import seconds, write
from tests.reference import kapitza as reference

A1, OMEGA, BETA = 1.0, 3.0, 0.5


def device(drive_current=A1, drive_frequency=OMEGA):
    return jd.KapitzaJunction(
        BETA,
        drive_frequency,
        mean_current=1.0,
        drive_current=drive_current,
        static_current=1.0,
        phase_offset=np.pi / 2,
    )


def timed(call):
    began = time.perf_counter()
    result = call()
    return time.perf_counter() - began, result


def folds():
    value_and_gradient = jax.jit(jax.value_and_grad(jd.diode_efficiency))
    one = device()
    ours = seconds(lambda: jax.block_until_ready(value_and_gradient(one)), repeats=21)
    found = jd.critical_currents(one)
    drive = reference.Drive(1.0, (A1,), 1.0, np.pi / 2, OMEGA, BETA)
    exact = [reference.fold(drive, direction)[0] for direction in (1, -1)]
    error = np.max(np.abs(np.array([found.plus, found.minus]) - exact))
    figures = {
        "fold, eta and gradient, first call (s)": round(ours["first"], 2),
        "fold, eta and gradient, warm (ms)": round(1e3 * ours["warm"], 3),
        "fold, error of the currents against independent collocation": float(error),
    }
    other = competitors.Drive(1.0, A1, 1.0, np.pi / 2, OMEGA, BETA)
    competitors.numba_ramp_pair(other, 1e-3)  # compiles
    for accuracy in (1e-6, 1e-7, 1e-8, 1e-9):
        finer = (1e-6 / accuracy) ** 0.25
        pair = timed(
            lambda a=accuracy, f=finer: competitors.numba_ramp_pair(
                other, a, longest=0.08 / f, per_period=math.ceil(24 * f)
            )
        )
        miss = np.max(np.abs(np.array(pair[1]) - exact))
        figures[f"numba ramp pair to {accuracy:g} (ms), its error"] = (
            round(1e3 * pair[0], 2),
            float(miss),
        )
        figures[f"ratio to numba at {accuracy:g}"] = round(pair[0] / ours["warm"], 1)
    for method in ("ode", "DOP853"):
        spent, pair = timed(lambda m=method: competitors.scipy_ramp_pair(other, 1e-6, method=m))
        name = "scipy.integrate.ode" if method == "ode" else "solve_ivp"
        figures[f"{name} ramp pair to 1e-06 (s), its error"] = (
            round(spent, 2),
            float(np.max(np.abs(np.array(pair) - exact))),
        )
        figures[f"ratio to {name} at 1e-06"] = round(spent / ours["warm"])
    return figures


def current_voltage():
    biases = np.linspace(-2.0, 2.0, 256)
    one = device()
    ours = seconds(lambda: jax.block_until_ready(jd.iv_curve(one, biases)))
    curve = jd.iv_curve(one, biases)
    other = competitors.Drive(1.0, A1, 1.0, np.pi / 2, OMEGA, BETA)
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), mp_context=get_context("spawn")) as pool:
        list(pool.map(abs, range(8)))  # starts the processes
        spent, theirs = timed(
            lambda: competitors.scipy_iv(other, biases, 500.0, pool=pool, chunk=1)
        )
        together, _ = timed(
            lambda: competitors.scipy_iv(other, biases, 500.0, pool=pool, chunk=128)
        )
    # Where the curve has one branch only, both must agree.
    single = np.abs(curve.up - curve.down) < 1e-6
    differ = np.abs(theirs - np.asarray(curve.up))[single]
    return {
        "I-V, 256 biases x 500 plasma times, up and down, warm (s)": round(ours["warm"], 2),
        "I-V, one way: solve_ivp, a bias at a time, all cores (s)": round(spent, 2),
        "I-V, one way: solve_ivp, 128 biases at a time, all cores (s)": round(together, 2),
        "I-V, ratio per bias": round(2 * spent / ours["warm"], 1),
        "I-V, ratio per bias, biases at a time": round(2 * together / ours["warm"], 1),
        "I-V, median difference where there is one branch": float(np.median(differ)),
    }


def efficiency_map(side=128):
    frequency = np.geomspace(0.3, 10.0, side)
    drive = np.linspace(0.0, 3.0, side + 1)[1:]
    grid = [jnp.asarray(x) for x in np.meshgrid(drive, frequency)]

    def critical(a, w):
        return jd.critical_currents(device(a, w))

    call = jax.jit(jax.vmap(jax.vmap(critical)))
    spent, found = timed(lambda: jax.block_until_ready(call(*grid)))
    codes, counts = np.unique(found.status, return_counts=True)
    return {
        f"map {side} x {side}, one vmapped call with compilation (s)": round(spent, 1),
        "map, ms per device": round(1e3 * spent / side**2, 2),
        "map, devices by status": {
            jd.Status(int(c)).name: int(n) for c, n in zip(codes, counts, strict=True)
        },
        "map, largest efficiency": float(np.nanmax(found.efficiency)),
    }


def main():
    write("kapitza", {**folds(), **current_voltage()})
    write("kapitza-map", efficiency_map())


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    main()
