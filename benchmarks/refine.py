"""Points of refined maps of η against those of uniform grids of the same error.

`python -m benchmarks.refine` prints, for each map at an error of 1e-3: points and cells, how many
of 4000 random points lie within the stated error, and the points of the first uniform grid of
2^k steps a side of which as large a share lies within 1e-3, interpolated linearly, as users do it,
and by the same Hermite element. Cells that are flagged are left out on both sides.
"""

import jax
import numpy as np
import xarray

jax.config.update("jax_enable_x64", True)

import jaxdiode as jd  # noqa: E402
from jaxdiode.numerics.hermite_cells import HERMITE, LINEAR, corners_of, predict  # noqa: E402
from jaxdiode.studies.refine.lattice import Lattice  # noqa: E402
from jaxdiode.studies.refine.program import SlopeProgram  # noqa: E402
from jaxdiode.studies.sweep import Grid  # noqa: E402

ERROR, SAMPLE, FEW, FINEST = 1e-3, 4000, 800, 4096


def maps():
    double = jd.Squid.from_pairs([(420, 80), (380, 90), (80, 90)], flux=(0.403, 0.403))
    half, whole = np.linspace(0, 0.5, 9), np.linspace(0, 1, 9)
    yield "double loop, flux × gate", double, {
        "flux": half, "branches.2.first": np.linspace(40.0, 120.0, 5)
    }, 1e-3  # fmt: skip
    yield "double loop, two fluxes", double, {"flux.0": whole, "flux.1": whole}, 1e-3
    two = jd.Squid([jd.AndreevModes(100, 0.95), jd.TunnelJunction(60)], flux=0.3)
    yield "two junctions, flux × I₂", two, {
        "flux": whole, "branches.1.critical_current": np.linspace(20.0, 140.0, 5)
    }, 1e-3  # fmt: skip
    wire = jd.PhaseSlipWire(valley=jd.wire.ValleyPolarization(zero_current=0.7, coupling=0.1))
    yield "wire, where its criterion ends", wire, {
        "valley.zero_current": np.linspace(0.0, 1.2, 9), "valley.coupling": np.linspace(0, 0.5, 5)
    }, 1 / 256  # fmt: skip


def compare(device, axes, finest):
    data = jd.refine(
        jd.critical_currents, device, axes, tolerance={"efficiency": ERROR}, finest=finest,
        progress=False,
    )  # fmt: skip
    random = np.random.default_rng(0)
    where = np.stack([random.uniform(v[0], v[-1], SAMPLE) for v in axes.values()], axis=1)
    names = dict(zip(axes, where.T, strict=True))
    found = jd.results.refined_map(
        data, {name: xarray.DataArray(v, dims="sample") for name, v in names.items()}
    )
    program = SlopeProgram(jd.critical_currents, Lattice(Grid(device, axes), 1.0), 64)
    truth = program(where)["efficiency"]
    good = found["flag"].data == 0
    error = _error(found["efficiency"].data, truth)
    within = np.mean(error[good] <= found["efficiency_error"].data[good])
    share = np.mean(error[good] <= ERROR)
    points = data.sizes["point"]
    print(f"  {points} points, {data.sizes['cell']} cells, {np.mean(good):.4f} of the area;"
          f" {within:.4f} within the stated error, {share:.4f} within {ERROR:g}")  # fmt: skip
    few = random.choice(np.flatnonzero(good), FEW, replace=False)
    for name, kind in (("linear", LINEAR), ("Hermite", HERMITE)):
        side = 16
        while side < FINEST:
            side *= 2
            read = _uniform(program, axes, where[few], side, kind)
            if (reached := np.mean(_error(read, truth[few]) <= ERROR)) >= min(share, 0.9975):
                break
        count = (side + 1) ** len(axes)
        print(f"  uniform, {name}: {count} points, {count / points:.1f} times as many; "
              f"{reached:.4f} within {ERROR:g}")  # fmt: skip


def _error(read, truth):
    """NaN where there is none is right, elsewhere infinitely wrong."""
    both = np.isfinite(read) & np.isfinite(truth)
    same = np.isfinite(read) == np.isfinite(truth)
    return np.where(both, np.abs(np.where(both, read - truth, 0.0)), np.where(same, 0.0, np.inf))


def _uniform(program, axes, where, side, kind):
    """A uniform grid read at points: only the corners of their cells are computed."""
    low, high = (np.array([v[end] for v in axes.values()]) for end in (0, -1))
    step = (high - low) / side
    cell = np.clip(np.floor((where - low) / step), 0, side - 1)
    corners = low + (cell[:, None] + corners_of(len(axes))) * step
    found = program(np.minimum(corners, high).reshape(-1, len(axes)))
    shape = (len(where), 2 ** len(axes))
    slopes = found["efficiency_slope"].reshape(*shape, len(axes), 1) * step[:, None]
    values = found["efficiency"].reshape(*shape, 1)
    return predict((where - low) / step - cell, values, slopes).value[:, kind, 0]


if __name__ == "__main__":
    for title, *each in maps():
        print(title, flush=True)
        compare(*each)
