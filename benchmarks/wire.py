"""Phase slips of a wire between normal banks, against a strip in `tdgl` (pyTDGL).

Both solve the same equation (Kramer and Watts-Tobin, γ = 10, u = 5.79), ours along the wire, tdgl
in two dimensions. Without its own magnetic field, as both are, a strip that is fed over its whole
width has nothing that depends on the place across it, so that its voltage is that of the wire, not
only close to it: 10 ξ long, ψ = 0 at both ends, ψ = 1 elsewhere at the beginning, V averaged over
the second half of 100 units of time with weight sin⁴. Ends alone make a voltage; slips in the
middle more.

tdgl is given what costs it least: a strip half a coherence length wide, a coarse mesh (edges of at
most .4 ξ), neither file nor progress bar, and 1e-3 in place of 1e-6 for `dt_init`, by which its
steps are as large as it can make them stably, .009 in the mean; smaller ones leave V as it is to
1e-3. Ours has the coarsest grid of three whose error is no larger than that of tdgl. Errors are
against explicit NumPy steps on two finer grids, extrapolated (`tests/reference/tdgl.py`), in units
of ρj₀ (V of the normal state is the current).
"""

import io
import logging
from collections.abc import Iterator
from contextlib import redirect_stderr

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxdiode as jd
from benchmarks.environment import in_turn, require, row
from tests.reference import tdgl as reference

LENGTH, WIDTH, GAMMA, EDGE = 10.0, 0.5, 10.0, 0.4
SPACINGS = (0.5, 0.25, 0.125)
CURRENTS = (0.5, 0.65, 0.8)


def rows(duration: float = 100.0, finer: tuple[int, int] = (50, 100)) -> Iterator[dict]:
    require("tdgl")
    exact = extrapolated(duration, finer)
    kept = {}
    device = strip()

    def theirs():
        kept["tdgl"] = np.array([by_tdgl(device, current, duration) for current in CURRENTS])

    theirs()
    worst = float(np.max(np.abs(kept["tdgl"] - exact)))
    for spacing in SPACINGS:
        start = at_rest(spacing)

        def ours(spacing=spacing, start=start):
            kept["ours"] = simulated(spacing, duration, start).mean_voltage

        ours()
        error = float(np.max(np.abs(np.asarray(kept["ours"]) - exact)))
        if error <= worst:
            break
    mine, other = in_turn(ours, theirs, rounds=3)
    yield row(
        "voltages of a wire with phase slips in time, a current", mine, len(CURRENTS), error,
        peer="tdgl, a strip", theirs=other, peer_count=len(CURRENTS), peer_error=worst,
        **{"grid step, ours": spacing, "points of the mesh, tdgl": len(device.mesh.sites)},
    )  # fmt: skip


def extrapolated(duration, cells):
    coarse, fine = (
        reference.bridge(CURRENTS, LENGTH, GAMMA, duration, 0.5, cells=n) for n in cells
    )
    return fine + (fine - coarse) / ((cells[1] / cells[0]) ** 2 - 1)


def simulated(spacing, duration, start=None):
    return jd.wire.simulate_wire(
        CURRENTS, LENGTH, gamma=GAMMA, spacing=spacing, duration=duration, settle=0.5,
        ends="normal", frames=2, initial=start,
    )  # fmt: skip


def at_rest(spacing):
    """ψ = 1 but at the ends, where tdgl begins, too."""
    state = simulated(spacing, 1e-3)
    ones = jnp.ones_like(state.order_parameter).at[..., jnp.array([0, -1])].set(0.0)
    state = eqx.tree_at(lambda s: s.order_parameter, state, ones)
    return jax.tree.map(jnp.asarray, state)


def strip():
    import tdgl  # pyright: ignore[reportMissingImports]

    for name in ("solver", "device", "tdgl.device", "finite_volume"):
        logging.getLogger(name).setLevel(logging.WARNING)
    layer = tdgl.Layer(
        coherence_length=1.0, london_lambda=2.0, thickness=0.1, gamma=GAMMA, u=reference.U
    )
    perimeter = 2 * (LENGTH + WIDTH)
    outline = tdgl.geometry.box(LENGTH, WIDTH, points=round(perimeter / EDGE) + 2)
    banks = [
        tdgl.Polygon(name, points=tdgl.geometry.box(0.01, 1.01 * WIDTH, center=(x, 0)))
        for name, x in (("source", -LENGTH / 2), ("drain", LENGTH / 2))
    ]
    device = tdgl.Device(
        "strip", layer=layer, film=tdgl.Polygon("film", points=outline), terminals=banks,
        probe_points=[(-LENGTH / 2, 0), (LENGTH / 2, 0)], length_units="um",
    )  # fmt: skip
    with redirect_stderr(io.StringIO()):  # a progress bar
        device.make_mesh(max_edge_length=EDGE)
    return device


def by_tdgl(device, current, duration):
    """The weighted mean of μ between both ends, by length."""
    import tdgl  # pyright: ignore[reportMissingImports]

    total = current * WIDTH * device.K0.to("uA/um").magnitude / 4  # K₀ is 4 units of current
    options = tdgl.SolverOptions(
        solve_time=duration, dt_init=1e-3, terminal_psi=0.0, current_units="uA",
        save_every=10**6, progress_interval=10**9,
    )  # fmt: skip
    currents = {"source": total, "drain": -total}
    with redirect_stderr(io.StringIO()):
        found = tdgl.solve(device, options, terminal_currents=currents)
    seen = found.dynamics
    weight = seen.dt * np.sin(np.pi * np.clip(2 * seen.time / duration - 1, 0, 1)) ** 4
    return np.sum(weight * (seen.mu[0] - seen.mu[1])) / np.sum(weight) / LENGTH
