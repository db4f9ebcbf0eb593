"""Current-voltage curve of a screened SQUID with capacitance, against SciPy at matched accuracy.

The loop is what one writes by hand: the node between the inductors eliminated, DOP853 from rest at
every bias, transients left out, and the time between two returns of the first junction.
"""

import time

import jax
import numpy as np
from scipy.integrate import solve_ivp

import jaxdiode as jd
from benchmarks.environment import seconds, write

FLUX, CAPACITANCE, INDUCTANCE = 0.25, 0.5, 0.25
BIASES = np.linspace(1.75, 3.5, 16)
KNOWN = {2.5: 0.82939429, 3.5: 1.51384004}  # shared/physics/circuits.md, table f
SETTLING, RELATIVE = 60.0, 1e-9


def squid() -> jd.Circuit:
    def junction(node, offset=0.0):
        return jd.Junction(
            node, "0", jd.TunnelJunction(1.0), resistance=1.0, capacitance=CAPACITANCE,
            offset=offset,
        )  # fmt: skip

    return jd.Circuit(
        {
            "J0": junction("1"),
            "J1": junction("2"),
            "L0": jd.Inductor("in", "1", INDUCTANCE),
            "L1": jd.Inductor("in", "2", INDUCTANCE, offset=-FLUX),
        },
        ("in", "0"),
    )


def by_scipy(bias: float, relative: float = RELATIVE) -> float:
    turn = 2 * np.pi

    def rates(_, y):
        phase, rate = y[:2], y[2:]
        shift = np.array([0.0, -turn * FLUX])
        node = bias * turn * INDUCTANCE / 2 + np.sum(phase - shift) / 2
        through = (node - phase + shift) / (turn * INDUCTANCE)
        return np.concatenate([rate, (through - rate - np.sin(phase)) / CAPACITANCE])

    settled = solve_ivp(
        rates, (0, SETTLING), np.zeros(4), method="DOP853", rtol=relative, atol=relative
    ).y[:, -1]

    def returns(_, y):
        return np.sin((y[0] - settled[0]) / 2)

    found = solve_ivp(
        rates, (0, 60.0), settled, method="DOP853", rtol=relative, atol=relative, events=returns
    )
    times = found.t_events[0]
    return turn / (times[2] - times[1])


def main() -> None:
    device = squid()

    def ours():
        return np.asarray(jax.block_until_ready(jd.iv_curve(device, BIASES).up))

    taken = seconds(ours)
    voltages = ours()
    began = time.perf_counter()
    theirs = np.array([by_scipy(bias) for bias in BIASES])
    loop = time.perf_counter() - began
    exact = np.array([by_scipy(bias, 1e-12) for bias in BIASES])
    shown = np.asarray(jd.iv_curve(device, list(KNOWN)).up)
    record = {
        "what": f"I-V of a dc SQUID with capacitance at {BIASES.size} biases, up and down again",
        "ours": taken,
        "seconds per bias and sweep": taken["warm"] / (2 * BIASES.size),
        "SciPy": "solve_ivp(DOP853), one sweep, node eliminated by hand",
        "SciPy seconds per bias": loop / BIASES.size,
        "ratio": loop / BIASES.size / (taken["warm"] / (2 * BIASES.size)),
        "largest error, ours": float(np.max(np.abs(voltages - exact))),
        "largest error, SciPy": float(np.max(np.abs(theirs - exact))),
        "largest difference from the sheet": float(np.max(np.abs(shown - list(KNOWN.values())))),
    }
    write("circuits-in-time", record)


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    main()
