"""Critical currents over all flux states, against a continuation loop in SciPy and pyjjasim.

The loop is what one writes by hand: for every fluxoid number a state at zero current by `root`, the
bias stepped up with warm starts and an analytic Jacobian until no state follows or the stiffness is
no longer positive, then bisection to the tolerance both are compared at.
"""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import root

import jaxdiode as jd
from benchmarks.environment import in_turn, require, row
from tests.reference import dense_squid, two_junctions

TOLERANCE = 1e-8
STEP = 0.02  # of the bias, no coarser finds all lobes


def devices(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    critical = rng.uniform(0.5, 1.5, (count, 2))
    inductance = rng.uniform(0.05, 1.0, (count, 2))
    return critical, inductance, rng.uniform(-0.5, 0.5, count)


def squid(critical, inductance, flux):
    branches = [jd.TunnelJunction(critical[k]) for k in range(2)]
    return jd.Squid(branches, flux[None], inductance=inductance).circuit()


def by_scipy(critical, inductance, flux):
    """(I₊, I₋), in the node phases of the two junctions and of the bias."""
    sides = 1 / (2 * np.pi * inductance)
    shift = np.array([0.0, -2 * np.pi * flux])

    def balance(x, bias):
        through = sides * (x[2] - x[:2])
        into = critical * np.sin(x[:2] + shift) - through
        return np.array([into[0], into[1], through.sum() - bias])

    def stiffness(x, bias):
        del bias
        kappa = critical * np.cos(x[:2] + shift)
        return np.array(
            [
                [kappa[0] + sides[0], 0, -sides[0]],
                [0, kappa[1] + sides[1], -sides[1]],
                [-sides[0], -sides[1], sides.sum()],
            ]
        )

    def state(start, bias, farthest=1.0):
        found = root(balance, start, bias, jac=stiffness, tol=1e-12)
        good = found.success and np.linalg.eigvalsh(stiffness(found.x, bias))[0] > 0
        return found.x if good and np.max(np.abs(found.x - start)) < farthest else None

    reach = int(np.ceil(np.sum(critical * inductance) + 1))
    best = []
    for sign in (1.0, -1.0):
        most = -np.inf
        for k in range(-reach, reach + 1):
            for begin in (0.0, 0.3 * critical.sum(), 0.6 * critical.sum()):
                spread = 2 * np.pi * k * inductance / inductance.sum()
                start = np.array([spread[0], spread[0] - 2 * np.pi * k, 0.0])
                x = state(start, sign * begin, np.inf)
                bias = begin
                while x is not None:
                    kept, bias = x, bias + STEP
                    x = state(kept, sign * bias)
                else:
                    if bias == begin:
                        continue
                low, high = bias - STEP, bias
                while high - low > TOLERANCE:
                    middle = (low + high) / 2
                    x = state(kept, sign * middle)
                    if x is None:
                        high = middle
                    else:
                        low, kept = middle, x
                most = max(most, low)
        best.append(most)
    return best


def rows(count: int = 200, loops: int = 10) -> Iterator[dict]:
    """`loops` of the devices are what SciPy does."""
    yield screened(count, loops)
    yield plaquettes(count)


def screened(count: int, loops: int) -> dict:
    critical, inductance, flux = devices(count)

    @jax.jit
    @jax.vmap
    def largest(critical, inductance, flux):
        found = jd.critical_currents(squid(critical, inductance, flux))
        return jnp.stack([found.plus, found.minus]), found.status

    arguments = tuple(map(jnp.asarray, (critical, inductance, flux)))
    kept = {}

    def loop():
        few = zip(critical[:loops], inductance[:loops], flux[:loops], strict=True)
        kept["both"] = np.array([by_scipy(*x) for x in few])

    mine, theirs = in_turn(lambda: largest(*arguments), loop, rounds=3)
    found = np.asarray(largest(*arguments)[0])
    exact = [two_junctions.largest(*x) for x in zip(critical, inductance, flux, strict=True)]
    apart = np.max(np.abs(kept["both"] - exact[:loops]), axis=1)
    return row(
        "critical currents of screened SQUIDs, all flux states", mine, count,
        float(np.max(np.abs(found - exact))), peer="SciPy, continuation by root", theirs=theirs,
        peer_count=loops, peer_error=float(np.max(apart[apart < 1e-6], initial=0.0)),
        **{"devices that the peer has right": f"{np.sum(apart < 1e-6)} of {loops}"},
    )  # fmt: skip


def plaquette(critical, flux):
    """Two junctions in each arm of a loop, no inductance."""

    def junction(start, end, k, offset=0.0):
        return jd.Junction(start, end, jd.TunnelJunction(critical[k]), offset=offset)

    return jd.Circuit(
        {
            "J0": junction("in", "1", 0), "J1": junction("1", "0", 1),
            "J2": junction("in", "2", 2, -flux), "J3": junction("2", "0", 3),
        },
        ("in", "0"),
    )  # fmt: skip


def by_pyjjasim(critical, flux):
    """(I₊, I₋): the largest over the vortex states of pyjjasim's maximal currents."""
    import pyjjasim  # pyright: ignore[reportMissingImports]

    array = pyjjasim.SquareArray(2, 2)
    place = {(0, 1): 0, (1, 3): 1, (0, 2): 2, (2, 3): 3}
    edges = zip(*array.get_junction_nodes(), strict=True)
    array.set_critical_current(np.array([critical[place[int(min(e)), int(max(e))]] for e in edges]))
    bias = pyjjasim.node_to_junction_current(array, np.array([1.0, 0.0, 0.0, -1.0]))
    found = []
    for sign in (1.0, -1.0):
        problems = [
            pyjjasim.StaticProblem(
                array, current_sources=sign * bias, external_flux=flux, vortex_configuration=n
            )
            for n in (-1, 0, 1)
        ]
        tried = [x.compute_maximal_current(lambda_tol=TOLERANCE)[0] for x in problems]
        found.append(max(x for x in tried if x is not None))
    return found


def plaquettes(count: int, loops: int = 5) -> dict:
    """pyjjasim 4.0 asks NumPy for `int`, which NumPy no longer has: it is put back for it."""
    require("pyjjasim")
    np.__dict__.setdefault("int", int)
    rng = np.random.default_rng(3)
    critical, flux = rng.uniform(0.5, 1.5, (count, 4)), rng.uniform(-0.5, 0.5, count)

    @jax.jit
    @jax.vmap
    def largest(critical, flux):
        found = jd.critical_currents(plaquette(critical, flux))
        return found.plus, found.minus

    kept = {}

    def loop():
        kept["both"] = np.array([by_pyjjasim(critical[k], flux[k]) for k in range(loops)])

    mine, theirs = in_turn(lambda: largest(critical, flux), loop, rounds=3)
    found = np.stack(largest(critical, flux), axis=1)
    exact = np.array([
        dense_squid.critical_currents([("series", *c[:2]), ("series", *c[2:])], (f,))[:2]
        for c, f in zip(critical, flux, strict=True)
    ])  # fmt: skip
    apart = np.min([
        np.max(np.abs(kept["both"][:, order] - exact[:loops]), axis=1)
        for order in ([0, 1], [1, 0])  # the sense of its flux
    ], axis=0)  # fmt: skip
    return row(
        "critical currents of square plaquettes, all flux states", mine, count,
        float(np.max(np.abs(found - exact))), peer="pyjjasim", theirs=theirs, peer_count=loops,
        peer_error=float(np.max(apart)),
    )  # fmt: skip
