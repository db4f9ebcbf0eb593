"""A refined map has the error that it states, against the function itself at random points."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd

from . import problem
from .problem import DEVICE, axes, exact, random_points, together

RESOLVED, STEEP, JUMP, BOUNDARY, UNFINISHED = range(5)


def refine(function, over, **options):
    return jd.refine(function, DEVICE, over, progress=False, **options)


def compared(data, function, over, name="value", seed=0):
    """Errors at random points, those that are stated, flags."""
    where = random_points(over, seed=seed)
    found = jd.results.refined_map(data, together(where))
    truth = exact(function, where)
    truth = truth[name] if isinstance(truth, dict) else truth
    name = name if name in found else function.__name__
    return (
        np.abs(found[name].data - truth),
        found[f"{name}_error"].data,
        found["flag"].data,
        found,
    )


@pytest.mark.thorough
@pytest.mark.parametrize("function", [problem.smooth, problem.turns, problem.cusp])
@pytest.mark.parametrize("count", [1, 2])
def test_stated_errors_hold(function, count):
    over = axes(count)
    data = refine(function, over, tolerance={function.__name__: 1e-3}, finest=1 / 4096)
    error, stated, flag, _ = compared(data, function, over)
    assert np.mean(error <= stated) >= 0.99
    assert np.mean(error[flag == RESOLVED] <= 1e-3) >= 0.998
    assert np.mean(flag == RESOLVED) > 0.97
    assert np.all(stated[flag == RESOLVED] <= 1e-3)
    if function is not problem.cusp:
        assert np.all(data["flag"] == RESOLVED)


@pytest.mark.thorough
def test_three_axes():
    over = axes(3)
    data = refine(problem.smooth, over, tolerance={"smooth": 3e-3})
    error, stated, flag, _ = compared(data, problem.smooth, over)
    assert np.all(flag == RESOLVED)
    assert np.mean(error <= stated) >= 0.99
    assert np.max(error) < 3e-3
    assert data.sizes["node"] == 27


@pytest.mark.parametrize("count", [1, 2])
def test_a_jump_is_flagged(count):
    """Everything that is wrong lies in cells of the smallest size, and they say so."""
    over = axes(count)
    data = refine(problem.jumps, over, tolerance={"jumps": 1e-3}, finest=1 / 512)
    error, stated, flag, _ = compared(data, problem.jumps, over)
    assert np.mean(error <= stated) >= 0.99
    assert np.mean(error[flag == RESOLVED] <= 1e-3) >= 0.998
    assert np.mean(flag == RESOLVED) > 0.97
    flagged = data.isel(cell=np.flatnonzero(data["flag"] == JUMP))
    assert flagged.sizes["cell"] >= (1 if count == 1 else 100)
    bits = np.log2(data["cell_size"]).max()
    assert np.all(np.sum(np.log2(flagged["cell_size"]), axis=1) <= count * (bits - 4))
    # all of the circle is in flagged cells: the radius there is 0.8, or no further than their size
    rest = np.array([problem.DEVICE.sine[k] for k in range(count, 3)]) + 0.05
    points = np.stack([data[name].data for name in over], 1) + 0.05
    radius = np.sqrt(np.sum(points**2, 1) + np.sum(rest**2))
    nodes = flagged["cell_point"].data
    assert np.max(np.abs(radius[nodes] - 0.8)) < 4 / 512
    lowest = points[nodes, 0].min(axis=1) - 0.05  # the jump is as high as its first coordinate
    assert np.all(flagged["jumps_error"] >= 0.9 * lowest)


def test_regions():
    """NaN and statuses end where they end, other outputs are smooth there."""
    over = axes(2)
    data = refine(problem.regions, over, finest=1 / 256)
    where = random_points(over)
    found, truth = jd.results.refined_map(data, together(where)), exact(problem.regions, where)
    flag = found["flag"].data
    inside = flag == RESOLVED
    assert set(np.unique(data["flag"])) == {RESOLVED, BOUNDARY}
    assert 0.95 < np.mean(inside) < 1.0
    for name in ("status", "large"):
        assert found[name].dtype == truth[name].dtype
        assert np.array_equal(found[name].data[inside], truth[name][inside])
    assert np.array_equal(np.isnan(found["value"].data[inside]), np.isnan(truth["value"][inside]))
    assert np.all(np.isinf(found["value_error"].data[flag == BOUNDARY]))
    for name, largest in (("value", 1.1), ("both", 1.0), ("turning", 2.0)):
        error = np.abs(found[name].data - truth[name])[inside]
        known = np.isfinite(truth[name][inside])
        assert np.mean(error[known] <= found[f"{name}_error"].data[inside][known]) > 0.99
        assert np.mean(error[known] <= 1e-3 * largest) > 0.998
    assert found["both"].dims == ("sample", "both_0")
    assert found["turning"].dtype == np.complex128
    assert data["both_slope"].dims == ("point", "axis", "both_0")


@pytest.mark.thorough
@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_units(scale):
    """Currents in any unit: the same cells, all errors in that unit."""
    squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
    scaled = jd.Squid.from_pairs([(100 * scale, 50 * scale), (80 * scale, 60 * scale)], flux=[0.3])
    key = "branches.1.second"
    one, other = (
        jd.refine(
            jd.critical_currents,
            device,
            {"flux": np.linspace(0, 1, 9), key: np.linspace(40, 80, 3) * unit},
            tolerance=3e-3,
            progress=False,
        )
        for device, unit in ((squid, 1.0), (scaled, scale))
    )
    assert abs(one.sizes["point"] - other.sizes["point"]) <= 0.01 * one.sizes["point"]
    a, b = jd.results.refined_map(one, 33), jd.results.refined_map(other, 33)
    for name, unit in (("plus", scale), ("efficiency", 1.0)):
        far = np.abs(a[name].data - b[name].data / unit)
        assert np.max(far) < 6e-3 * (80 if name == "plus" else 1)
        allowed = 3e-3 * unit * (float(other["plus"].max()) / scale if name == "plus" else 1)
        good = b["flag"].data == RESOLVED
        assert np.all(b[f"{name}_error"].data[good] <= allowed * (1 + 1e-9))


def test_rows_and_names():
    """Rows set several parameters, a name that covers several sets all."""
    rows = np.array([[0.0, 1.0], [0.5, 0.6], [1.0, 0.2]])
    device = jd.Squid([jd.Harmonics([0.3, 0.4]), jd.Harmonics([0.5, 0.1])], flux=0.2)
    names = [n for n in jd.parameter_names(device) if n.startswith("branches.0")]
    over = {"branches.0": np.pad(rows, [(0, 0), (0, len(names) - 2)]), "flux": [0.0, 0.5, 1.0]}

    def bilinear(squid):
        return squid.branches[0].sine[0] * squid.flux[0] + squid.branches[0].sine[1]

    data = jd.refine(bilinear, device, over, tolerance=1e-6, progress=False)
    line = jd.results.refined_map(data, {"branches.0": [0.0, 1.0, 2.0], "flux": [0.25]})
    assert np.allclose(line["bilinear"][:, 0], [1.0, 0.725, 0.45], atol=1e-6)
    assert np.array_equal(np.unique(data["branches.0"])[[0, -1]], [0.0, 2.0])
    slope = data["bilinear_slope"].sel(axis="flux")
    assert np.allclose(slope, data["branches.0"] / 2, atol=1e-12)  # of the row's first number


def test_slopes_are_exact():
    over = axes(2)
    data = refine(problem.smooth, over, tolerance=1e-2)
    where = {name: data[name].data for name in over}
    step = 1e-6
    for name in over:
        high, low = (exact(problem.smooth, where | {name: where[name] + s * step}) for s in (1, -1))
        slope = data["smooth_slope"].sel(axis=name)
        assert np.allclose(slope, (high - low) / (2 * step), rtol=0, atol=1e-8)
    assert np.allclose(data["smooth"], exact(problem.smooth, where), rtol=0, atol=1e-14)
    assert len(np.unique(np.stack(list(where.values()), 1), axis=0)) == data.sizes["point"]


def test_compiles_once():
    traced = []

    def counted(device):
        traced.append(1)
        return problem.turns(device)

    data = refine(counted, axes(2), tolerance=1e-3, chunk=32)
    assert data.sizes["point"] > 200
    assert len(traced) == 1


def test_a_budget():
    """It stops there, says which cells are not finished, and their errors hold."""
    over = axes(2)
    data = refine(problem.jumps, over, tolerance=1e-3, points=300)
    assert data.sizes["point"] == 300
    assert UNFINISHED in data["flag"]
    error, stated, flag, _ = compared(data, problem.jumps, over)
    assert np.mean(error <= stated) >= 0.97
    assert np.mean(error[flag == RESOLVED] <= 1e-3) >= 0.97
    more = refine(problem.jumps, over, tolerance=1e-3, points=600)
    assert np.array_equal(more["jumps"][:300], data["jumps"])
    with pytest.raises(ValueError, match="points must be at least 81, those of the coarse grid"):
        refine(problem.jumps, over, points=80)


@pytest.mark.thorough
def test_fewer_points_than_a_grid():
    """Of the same error in a narrow band along a cusp, by more than eight times; along a turn."""
    over = axes(2)
    for function in (problem.cusp, problem.turns):
        name = function.__name__
        data = refine(function, over, tolerance={name: 1e-3}, finest=1e-5)
        where = random_points(over, seed=5)
        near = 1e-3 * np.random.default_rng(6).uniform(-1, 1, 3000)
        curve = problem.cusp_at if function is problem.cusp else problem.turn_at
        where["sine.0"] = curve(where["sine.1"]) + near
        truth = exact(function, where)
        found = jd.results.refined_map(data, together(where))
        assert np.mean(np.abs(found[name] - truth) <= found[f"{name}_error"]) >= 0.99
        assert np.quantile(np.abs(found[name] - truth), 0.99) <= 1e-3
        side = int(np.sqrt(8 * data.sizes["point"]))
        grid = {key: np.linspace(0, 1, side) for key in over}
        read = jd.sweep(function, DEVICE, grid)[name].interp(together(where)).data
        assert np.quantile(np.abs(read - truth), 0.99) > 1e-3


def test_on_a_grid():
    over = axes(2)
    data = refine(problem.smooth, over)
    grid = jd.results.refined_map(
        data, {"sine.0": np.linspace(0, 1, 11), "sine.1": [0.0, 0.5, 1.0]}
    )
    assert grid["smooth"].dims == ("sine.0", "sine.1")
    swept = jd.sweep(problem.smooth, DEVICE, {n: grid[n].data for n in over})
    assert float(abs(grid["smooth"] - swept["smooth"]).max()) < 1e-3
    assert jd.results.refined_map(data)["smooth"].shape == (201, 201)
    assert jd.results.refined_map(data, 5)["flag"].shape == (5, 5)
    corner = jd.results.refined_map(data, {"sine.0": [1.0], "sine.1": [1.0]})["smooth"]
    truth = exact(problem.smooth, {"sine.0": np.ones(1), "sine.1": np.ones(1)})
    assert np.allclose(corner, truth, atol=1e-14)
    for at, message in (
        ({"sine.0": [0.5]}, "at must have the axes sine.0, sine.1, got sine.0"),
        ({"sine.0": [0.5], "sine.1": [1.5]}, r"at\['sine.1'\] must lie from 0 to 1"),
        (1, "at must be a whole number, at least 2, got 1"),
    ):
        with pytest.raises(ValueError, match=message):
            jd.results.refined_map(data, at)
    with pytest.raises(ValueError, match="data must be a finished map that refine has made"):
        jd.results.refined_map(swept)


REFUSED = [
    ({"sine.0": [0.5]}, {}, r"axes\['sine.0'\] must have at least 2 values to refine between"),
    ({"sine.0": [0.5, 0.1]}, {}, r"axes\['sine.0'\] must increase"),
    ({"sines": [0.0, 1.0]}, {}, "sines"),
    (axes(1), {"tolerance": 0.0}, "tolerance must be"),
    (axes(1), {"tolerance": {"other": 1.0}}, "tolerance must be of the function's outputs smooth"),
    (axes(1), {"tolerance": {}}, "tolerance must name at least one output"),
    (axes(1), {"finest": 2.0}, "finest must be a share of the axis, at most 1, got 2"),
    (axes(3), {"finest": 1e-9}, "finest must be larger for so many axes"),
    (axes(1), {"points": 0}, "points must be a whole number"),
    (axes(1), {"chunk": 0}, "chunk must be a whole number"),
]


@pytest.mark.parametrize(("over", "options", "message"), REFUSED)
def test_refused(over, options, message):
    with pytest.raises(ValueError, match=message):
        refine(problem.smooth, over, **options)


def test_names_of_the_map_itself():
    for name in ("flag", "known", "sine.0"):
        with pytest.raises(ValueError, match=f"function must not name an output.*{name}"):
            refine(lambda device, name=name: {name: device.sine[0]}, axes(1))


def test_a_lane_that_fails_leaves_the_others_alone():
    """Infinite slopes at the end of a square root, NaN beyond."""

    def root(device):
        return jnp.sqrt(device.sine[0] - 1 / 3)

    data = refine(root, axes(1), tolerance={"root": 1e-2}, finest=1e-5)
    where = {"sine.0": np.linspace(0, 1, 1001)}
    found = jd.results.refined_map(data, where)
    truth = exact(root, where)
    good = found["flag"].data == RESOLVED
    assert np.mean(good) > 0.995
    assert np.array_equal(np.isnan(found["root"].data[good]), np.isnan(truth[good]))
    assert np.nanmax(np.abs(found["root"].data - truth)[good]) < 1e-2


def test_figure():
    for count in (1, 2):
        data = refine(problem.jumps, axes(count), finest=1 / 64)
        figure = jd.plot.refined(data)
        assert len(figure.axes) == (1 if count == 1 else 3)
    with pytest.raises(ValueError, match="variable must be one of jumps, got 'eta'"):
        jd.plot.refined(data, "eta")
    with pytest.raises(ValueError, match="data must be of one number over 1 or 2 axes"):
        jd.plot.refined(refine(problem.smooth, axes(3), tolerance=0.3))


@pytest.mark.parametrize("cores", [1, 3])
def test_bits_do_not_depend_on_cores(monkeypatch, cores):
    from jaxdiode.studies.sweep import program

    truth = refine(problem.turns, axes(2), chunk=32)
    monkeypatch.setattr(program, "devices_and_threads", lambda: (jax.local_devices()[:1], cores))
    assert truth.equals(refine(problem.turns, axes(2), chunk=32))
