"""The driven junction: both folds with a gradient against compiled ramps, and an I–V curve.

Matched accuracy. The numba ramp is RK4, tuned by hand (`kapitza_competitors`), with steps that
shrink with the accuracy asked for: it gets the cheapest of three at which its largest error against
independent collocation is 1e-8. Our fold is exact to 1e-12. Beside η with its gradient in six
parameters stand central differences of ramps: thirteen pairs, and slopes that are good to 1e-5.

The curve is compared with `solve_ivp` for all biases at once, one way, over 500 plasma times; ours
goes up and down. Most of its points are locked to the drive or at rest, where means converge
fast. Errors are medians over the biases at which up and down agree, against 8000 plasma times from
rest; at how many of them the motion from rest is another one than the curve's is in the JSON.
"""

import math
from collections.abc import Iterator
from dataclasses import fields, replace

import jax
import jax.numpy as jnp
import numpy as np

import jaxdiode as jd
from benchmarks import kapitza_competitors as competitors
from benchmarks.environment import in_turn, require, row
from tests.reference import kapitza as reference

A1, OMEGA, BETA = 1.0, 3.0, 0.5
TOLERANCE = 1.5e-8


def device(drive_current=A1, drive_frequency=OMEGA):
    return jd.KapitzaJunction(
        BETA,
        drive_frequency,
        mean_current=1.0,
        drive_current=drive_current,
        static_current=1.0,
        phase_offset=np.pi / 2,
    )


def rows(biases: int = 64, side: int = 16) -> Iterator[dict]:
    yield curve(biases)
    yield many(side)
    require("numba")
    yield from folds()


def folds(calls: int = 20) -> Iterator[dict]:
    one, other = device(), competitors.Drive(1.0, A1, 1.0, np.pi / 2, OMEGA, BETA)
    found = jd.critical_currents(one)
    drive = reference.Drive(1.0, (A1,), 1.0, np.pi / 2, OMEGA, BETA)
    exact = np.array([reference.fold(drive, direction)[0] for direction in (1, -1)])
    for accuracy in (1e-6, 1e-7, 1e-8):
        finer = (1e-6 / accuracy) ** 0.25
        options = {"longest": 0.08 / finer, "per_period": math.ceil(24 * finer)}

        def ramp(drive=other, accuracy=accuracy, options=options):
            return np.array(competitors.numba_ramp_pair(drive, accuracy, **options))

        error = float(np.max(np.abs(ramp() - exact)))
        if error <= TOLERANCE:
            break

    def differences():
        ramp()
        for field in fields(other):
            for change in (-1e-3, 1e-3):
                ramp(replace(other, **{field.name: getattr(other, field.name) + change}))

    ours_error = float(np.max(np.abs(np.array([found.plus, found.minus]) - exact)))
    alone = jax.jit(jd.diode_efficiency)
    slope = jax.jit(jax.value_and_grad(jd.diode_efficiency))
    for task, function, peer, theirs in (
        ("η", alone, "numba, RK4 ramps", ramp),
        ("η and its gradient", slope, "numba, RK4 ramps, differences", differences),
    ):

        def ours(function=function):
            for _ in range(calls):  # one is too short for the clock
                jax.block_until_ready(function(one))

        mine, others = in_turn(ours, theirs, rounds=5)
        yield row(
            f"both folds of a Kapitza junction, {task}", mine, calls, ours_error,
            peer=peer, theirs=others, peer_error=error,
        )  # fmt: skip


def curve(count: int) -> dict:
    biases, one = np.linspace(-2.0, 2.0, count), device()
    other = competitors.Drive(1.0, A1, 1.0, np.pi / 2, OMEGA, BETA)
    kept = {}

    def ours():
        kept["ours"] = jax.block_until_ready(jd.iv_curve(one, biases))

    def scipy():
        kept["SciPy"] = competitors.scipy_iv(other, biases, 500.0)

    mine, theirs = in_turn(ours, scipy, rounds=3)
    up, down = np.asarray(kept["ours"].up), np.asarray(kept["ours"].down)
    single = np.flatnonzero(np.abs(up - down) < 1e-6)
    exact = competitors.scipy_iv(other, biases[single], 8000.0, rtol=1e-9)
    other_motion = int(np.sum(np.abs(up[single] - exact) > 1e-2))
    return row(
        "voltages of a Kapitza junction, a bias", mine, 2 * count,
        float(np.median(np.abs(up[single] - exact))), peer="SciPy, DOP853, all biases at once",
        theirs=theirs, peer_count=count,
        peer_error=float(np.median(np.abs(kept["SciPy"][single] - exact))),
        **{"biases with another motion from rest": f"{other_motion} of {single.size}"},
    )  # fmt: skip


def many(side: int) -> dict:
    """A map, some of whose states end by period doubling, which costs most."""
    grid = [
        jnp.asarray(x)
        for x in np.meshgrid(np.linspace(0, 3, side + 1)[1:], np.geomspace(0.3, 10.0, side))
    ]
    call = jax.jit(jax.vmap(jax.vmap(lambda a, w: jd.critical_currents(device(a, w)))))
    (mine,) = in_turn(lambda: call(*grid), rounds=3)
    codes, counts = np.unique(np.asarray(call(*grid).status), return_counts=True)
    status = ", ".join(f"{jd.Status(int(c)).name} {n}" for c, n in zip(codes, counts, strict=True))
    return row("critical currents of Kapitza junctions, a map", mine, side**2, None, status=status)
