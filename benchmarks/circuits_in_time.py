"""Current-voltage curve of a screened SQUID with capacitance, against SciPy at matched accuracy.

The loop is what one writes by hand: the node between the inductors eliminated, DOP853 from rest at
every bias, transients left out, and the time between two returns of the first junction. Its
tolerance of 1e-9 leaves an error above ours; both are measured against the same loop at 1e-12. We
follow the curve up and down again, the loop goes one way.
"""

from collections.abc import Iterator

import numpy as np
from scipy.integrate import solve_ivp

import jaxdiode as jd
from benchmarks.environment import in_turn, row

FLUX, CAPACITANCE, INDUCTANCE = 0.25, 0.5, 0.25
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


def rows(count: int = 16) -> Iterator[dict]:
    device, biases, kept = squid(), np.linspace(1.75, 3.5, count), {}

    def ours():
        kept["ours"] = np.asarray(jd.iv_curve(device, biases).up)

    def loop():
        kept["SciPy"] = np.array([by_scipy(bias) for bias in biases])

    mine, theirs = in_turn(ours, loop, rounds=3)
    exact = np.array([by_scipy(bias, 1e-12) for bias in biases])
    yield row(
        "voltages of a SQUID with inductance and capacitance, a bias", mine, 2 * count,
        float(np.max(np.abs(kept["ours"] - exact))), peer="SciPy, DOP853", theirs=theirs,
        peer_count=count, peer_error=float(np.max(np.abs(kept["SciPy"] - exact))),
    )  # fmt: skip
