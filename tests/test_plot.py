"""Figures: what is drawn, what it is called, and that it can be saved."""

import inspect

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

import jaxdiode as jd
from jaxdiode import plot

SQUID = jd.Squid([jd.TunnelJunction(3.0), jd.TunnelJunction(2.0)], [0.3])
PEAK = np.sqrt(13 + 12 * np.cos(0.6 * np.pi))  # |3 + 2 exp(−2πif)|


def check(figure, tmp_path, axes=1):
    assert isinstance(figure, Figure)
    assert len(figure.axes) == axes
    figure.savefig(tmp_path / "figure.png", dpi=40)
    assert (tmp_path / "figure.png").stat().st_size > 1000
    return figure.axes


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_current_phase(tmp_path):
    (axes,) = check(plot.current_phase(SQUID, unit="µA", title="mine"), tmp_path)
    assert axes.get_title() == "mine"
    assert axes.get_xlabel() == r"phase $\varphi/\pi$"
    assert axes.get_ylabel() == "current (µA)"
    assert len(axes.lines) == 2 + 1 + 2  # branches, total, I₊ and −I₋
    assert any("I_+" in text and f"{PEAK:.4g} µA" in text for text in labels(axes))
    total = axes.lines[2].get_ydata()
    assert np.allclose(total, sum(line.get_ydata() for line in axes.lines[:2]), atol=1e-12)
    assert np.allclose(axes.lines[3].get_ydata(), PEAK)
    assert np.allclose(axes.lines[4].get_ydata(), -PEAK)


def test_current_phase_of_a_single_junction(tmp_path):
    (axes,) = check(plot.current_phase(jd.TunnelJunction(3.0)), tmp_path)
    assert len(axes.lines) == 3
    assert "eta" in axes.get_title()


def test_critical_currents_along(tmp_path):
    x, plus, minus = np.arange(5.0), np.full(5, 3.0), np.full(5, 1.0)
    figure = plot.critical_currents_along(
        x, plus, minus, label="coil", unit="A", title="t", measured=(x[:2], plus[:2], minus[:2])
    )
    top, bottom = check(figure, tmp_path, axes=2)
    assert top.get_ylabel() == "critical current (A)"
    assert top.get_title() == "t"
    assert top.get_ylim()[0] == 0
    assert bottom.get_xlabel() == "coil"
    assert len(top.lines) == 4
    drawn = [line.get_ydata() for line in bottom.lines[:2]]
    assert np.array_equal(drawn[0], [0.5, 0.5])
    assert np.array_equal(drawn[1], np.full(5, 0.5))
    assert len(plot.critical_currents_along(x, plus, minus).axes[0].lines) == 2


CURRENTS = hypothesis.strategies.floats(0.4, 1.0)


@hypothesis.given(
    lowest=CURRENTS,
    exponent=hypothesis.strategies.integers(-9, 9),
    points=hypothesis.strategies.booleans(),
)
@hypothesis.settings(max_examples=20)
def test_axes_fit_the_data(lowest, exponent, points):
    """Whatever the unit, currents far from zero fill most of their axis, and lie inside it."""
    x = np.linspace(0, 1, 31)
    low, high = 10.0**exponent * lowest, 10.0**exponent
    plus = (low + high) / 2 + (high - low) / 2 * np.cos(7 * x)
    extra = {"measured": (x, plus, plus)} if points else {}
    top = plot.critical_currents_along(x, plus, plus, **extra).axes[0]
    bottom, ceiling = top.get_ylim()
    assert bottom <= plus.min()
    assert plus.max() <= ceiling
    if high - low > 1e-6 * high:
        assert np.ptp(plus) > 0.8 * (ceiling - bottom)


def test_fit_of_1000_to_1400(tmp_path):
    """Points with error bars, a panel of residuals below, and error bars of η by propagation."""
    x = np.linspace(-1, 1, 41)
    plus, minus = 1200 + 200 * np.cos(3 * x), 1100 + 100 * np.cos(3 * x)
    noise = np.where(np.arange(41) % 2, 8.0, -8.0)
    figure = plot.critical_currents_along(
        x, plus, minus, unit="nA", measured=(x, plus + noise, minus), residuals=(noise, 0 * x),
        sigma=8.0,
    )  # fmt: skip
    top, middle, bottom = check(figure, tmp_path, axes=3)
    assert top.get_ylim()[0] > 950
    assert middle.get_ylabel() == "residual (nA)"
    drawn = [container.lines[0].get_ydata() for container in middle.containers]
    assert np.array_equal(drawn[0], noise)
    (bars,) = top.containers[0].lines[2]
    lengths = [segment[1][1] - segment[0][1] for segment in bars.get_segments()]
    assert np.allclose(lengths, 16)
    (bars,) = bottom.containers[0].lines[2]
    lengths = np.array([segment[1][1] - segment[0][1] for segment in bars.get_segments()]) / 2

    def efficiency(a, b):
        return (a - b) / (a + b)

    up = plus + noise
    slopes = [
        (efficiency(up + a, minus + b) - efficiency(up - a, minus - b)) / 2e-2
        for a, b in ((1e-2, 0.0), (0.0, 1e-2))
    ]
    assert np.allclose(lengths, 8 * np.hypot(*slopes), rtol=1e-6)
    assert top.get_xlim() == middle.get_xlim() == bottom.get_xlim()


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_a_reciprocal_device_shows_no_efficiency(scale):
    """η of ±1e-15 is neither a curve nor a sign."""
    x = np.linspace(0, 1, 51)
    plus = scale * (2 + np.cos(x))
    minus = plus * (1 + 1e-15 * np.cos(40 * x))
    bottom = plot.critical_currents_along(x, plus, minus).axes[1]
    assert not np.any(bottom.lines[0].get_ydata())
    assert np.ptp(bottom.get_ylim()) >= 1e-6
    squid = jd.Squid([jd.TunnelJunction(3 * scale), jd.TunnelJunction(2 * scale)], [0.3])
    assert plot.current_phase(squid).axes[0].get_title() == r"$\eta$ = +0.0000"
    noise = xarray.Dataset({"efficiency": (("x", "y"), 1e-15 * np.cos(np.outer(x, x)))})
    (mesh,) = [c for c in plot.dataset(noise).axes[0].collections if isinstance(c, QuadMesh)]
    assert not np.any(mesh.get_array())


@pytest.mark.thorough
def test_a_multivalued_relation_says_so(tmp_path):
    squid = jd.Squid([jd.TunnelJunction(3.0), jd.TunnelJunction(2.0)], [0.3], inductance=[0.1, 0.1])
    (axes,) = check(plot.current_phase(squid), tmp_path)
    assert "nan" not in axes.get_title()
    (reason,) = axes.texts
    assert "multivalued" in reason.get_text()
    assert " ".join(reason.get_text().split()) == jd.Status.MULTIVALUED.describe()


@pytest.mark.thorough
def test_figures_draw_and_compile_nothing(tmp_path):
    """From the results that the command line hands over."""
    found, curve = SQUID.report(), iv_curve()
    state = jd.PhaseSlipWire().trace(np.linspace(0.0, 1.0, 5))
    compiled = []

    def listen(event, duration, **_):
        if "backend_compile" in event:
            compiled.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        check(plot.current_phase(found, unit="nA"), tmp_path)
        check(plot.iv(curve, drive_frequency=0.3), tmp_path)
        check(plot.wire(state), tmp_path, axes=4)
        check(plot.dataset(grid(7)), tmp_path)
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert compiled == []


def test_critical_currents_along_with_failed_points(tmp_path):
    plus = np.array([1.0, np.nan, 2.0])
    check(plot.critical_currents_along(np.arange(3.0), plus, plus), tmp_path, axes=2)


def iv_curve():
    current = np.array([-1.0, 0.0, 1.0, 2.0])
    return jd.results.IVCurve(*(jnp.asarray(a) for a in (current, 2 * current, 2.5 * current)))


def test_iv(tmp_path):
    (axes,) = check(plot.iv(iv_curve(), title="mine"), tmp_path)
    assert axes.get_title() == "mine"
    assert axes.get_xlabel() == "bias ($I_0$)"
    assert "mean voltage" in axes.get_ylabel()
    assert labels(axes) == ["up", "down"]
    up, down = axes.lines
    assert np.array_equal(up.get_ydata(), [-2, 0, 2, 4])
    assert np.array_equal(down.get_ydata(), [-2.5, 0, 2.5, 5])


def test_iv_with_lines_at_multiples_of_the_drive_frequency(tmp_path):
    (axes,) = check(plot.iv(iv_curve(), drive_frequency=2.0), tmp_path)
    assert labels(axes) == [r"$n\Omega$", "up", "down"]
    levels = [line.get_ydata()[0] for line in axes.lines if len(line.get_xdata()) == 2]
    assert levels == [-2, 0, 2, 4]


def test_iv_with_its_resistance(tmp_path):
    """Up V = I to 4 and 3I beyond, down 3I to 2 and I below; the switches are left out."""
    current = np.arange(8.0)
    up, down = (np.where(current > end, 3.0, 1.0) * current for end in (4, 2))
    curve = jd.results.IVCurve(*map(jnp.asarray, (current, up, down)), current_unit="mA")
    top, below = check(plot.iv(curve, resistance=True, title="mine"), tmp_path, axes=2)
    assert (top.get_title(), top.get_xlabel()) == ("mine", "")
    assert below.get_xlabel() == "bias (mA)"
    assert plot.iv(curve, unit="nA").axes[0].get_xlabel() == "bias (nA)"
    none = np.nan
    first, second = (line.get_ydata() for line in below.lines[:2])
    np.testing.assert_allclose(first, [none, none, 1, 1, none, none, 3, none])
    np.testing.assert_allclose(second, [none, none, none, none, 3, 3, 3, none])
    # A rise much steeper than V/I would hide all else.
    jump = jd.results.IVCurve(*map(jnp.asarray, (1.0 + 1e-3 * current, up := 0.1 + current, up)))
    assert np.isnan(plot.iv(jump, resistance=True).axes[1].lines[0].get_ydata()).all()


def test_iv_with_failed_points(tmp_path):
    none = jnp.full(2, jnp.nan)
    half = jd.results.IVCurve(jnp.arange(2.0), none, jnp.array([0.0, 1.0]))
    check(plot.iv(half, drive_frequency=1.0), tmp_path)


def ramps(plus, minus):
    return jd.results.SwitchingCurrents(
        *(jnp.asarray(a) for a in (plus, minus, np.zeros(2, np.int32)))
    )


def test_switching_histogram(tmp_path):
    found = ramps([1.5, 1.7, 1.7, 1.9], [1.0, 1.2, 1.0, 1.2])
    (axes,) = check(plot.switching_histogram(found, bins=9, unit="nA"), tmp_path)
    assert axes.get_xlabel() == "switching current (nA)"
    assert "eta" in axes.get_title()
    assert "+0.2143" in axes.get_title()  # 0.6/2.8
    assert ["1.7" in labels(axes)[0], "1.1" in labels(axes)[1]] == [True, True]
    assert [line.get_xdata()[0] for line in axes.lines] == pytest.approx([1.7, 1.1])
    heights = [[bar.get_height() for bar in bars] for bars in axes.containers]
    assert [sum(h) for h in heights] == [4, 4]
    assert len(heights[0]) == 9
    assert plot.switching_histogram(found, title="mine").axes[0].get_title() == "mine"


def test_switching_histogram_leaves_failed_ramps_out(tmp_path):
    (axes,) = check(plot.switching_histogram(ramps([np.nan, 1.0], [np.nan, np.nan])), tmp_path)
    assert len(axes.containers) == 1
    none = ramps([np.nan, np.nan], [np.nan, np.nan])
    assert plot.switching_histogram(none).axes[0].get_legend() is None


@pytest.mark.thorough
def test_switching_histogram_with_theory(tmp_path):
    """As many ramps under the lines as under the bars."""
    theory = jd.switching_distribution(jd.TunnelJunction(1.0), noise=0.02, rate=1e-4)
    rng = np.random.default_rng(0)
    found = ramps(*(rng.normal(theory.mean[0], theory.deviation[0], (2, 400)).tolist()))
    (axes,) = check(plot.switching_histogram(found, theory=theory, bins=20), tmp_path)
    assert axes.get_legend().get_texts()[-1].get_text() == "phase slip rate"
    width = axes.patches[0].get_width()
    lines = [line for line in axes.lines if len(line.get_xdata()) > 2]
    assert len(lines) == 2
    for line in lines:
        area = np.trapezoid(line.get_ydata(), line.get_xdata())
        np.testing.assert_allclose(area, 400 * width, rtol=0.01)
    lanes = jax.tree.map(lambda x: jnp.stack([x, x]), theory)
    with pytest.raises(ValueError, match=r"theory must be of one device, got shape \(2, 2\)"):
        plot.switching_histogram(found, theory=lanes)


def test_switching_histogram_needs_repeated_ramps():
    with pytest.raises(ValueError, match=r"found must hold repeated ramps.*got shape \(\)"):
        plot.switching_histogram(ramps(1.0, 1.0))


def test_search(tmp_path):
    device = jd.Harmonics([1.0, 0.5])
    found = jd.random_search(
        lambda d: d.sine[0], jd.Space(device, {"sine.0": (0.0, 1.0)}),
        key=jax.random.key(0), samples=100, chunk=10,
    )  # fmt: skip
    (axes,) = check(plot.search({"one": found, "two": found}, reference=0.634), tmp_path)
    assert labels(axes)[:2] == [f"one: {found.value:.4f}", f"two: {found.value:.4f}"]
    assert labels(axes)[2] == "paper: 0.634"
    line = axes.lines[0]
    assert np.array_equal(line.get_ydata(), found.history)
    assert line.get_xdata()[-1] == 100
    assert axes.get_xscale() == "log"


def test_errors(tmp_path):
    figure = plot.errors(["a", "b", "c"], [1.0, -2.0, 0.0], [0.1, 0.2, 0.3], [1.1, -2.0, 0.5])
    (axes,) = check(figure, tmp_path)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b", "c"]
    (bars,) = axes.containers
    assert np.allclose(bars.lines[0].get_xdata(), [-1.0, 0.0, -5 / 3])


def test_correlations(tmp_path):
    """Of y = a + bx at x = 1, 2, 3: covariance σ²(XᵀX)⁻¹, correlation −6/√42."""
    design = np.stack([np.ones(3), np.arange(1.0, 4.0)], axis=1)
    covariance = 1e-18 * np.linalg.inv(design.T @ design)
    figure = plot.correlations(["a", "b"], [2e-9, 3e-9], covariance)
    axes, _ = check(figure, tmp_path, axes=2)
    shown = axes.images[0].get_array()
    assert np.allclose(shown, [[1, -6 / np.sqrt(42)], [-6 / np.sqrt(42), 1]])
    rows = [tick.get_text() for tick in axes.get_yticklabels()]
    assert rows == ["a = 2e-09 ± 1.5e-09   1", "b = 3e-09 ± 7.1e-10   2"]
    assert [t.get_text() for t in axes.texts] == ["1.00", "-0.93", "-0.93", "1.00"]
    unknown = plot.correlations(["a", "b"], [1.0, 1.0], np.full((2, 2), np.nan))
    assert not list(unknown.axes[0].texts)


def grid(*shape, low=-1.0):
    dims = "xyz"[: len(shape)]
    values = np.linspace(low, 1, int(np.prod(shape))).reshape(shape)
    coords = {d: np.arange(n) for d, n in zip(dims, shape, strict=True)}
    return xarray.Dataset({"other": (tuple(dims), values), "efficiency": (tuple(dims), values)},
                          coords)  # fmt: skip


def test_dataset_of_one_axis(tmp_path):
    (axes,) = check(plot.dataset(grid(7)), tmp_path)
    assert axes.get_xlabel() == "x"
    assert axes.get_ylabel() == "efficiency"
    assert np.array_equal(axes.lines[0].get_ydata(), np.linspace(-1, 1, 7))
    assert plot.dataset(grid(7), "other").axes[0].get_ylabel() == "other"


@pytest.mark.parametrize("low", [-1.0, 0.5])
def test_dataset_of_two_axes(tmp_path, low):
    axes, _ = check(plot.dataset(grid(4, 5, low=low)), tmp_path, axes=2)  # a map and its colours
    (mesh,) = [c for c in axes.collections if isinstance(c, QuadMesh)]
    assert mesh.get_array().size == 20
    # Centred on zero where η changes sign.
    assert mesh.get_clim() == pytest.approx((-1, 1) if low < 0 else (0.5, 1))


def test_dataset_over_an_axis_that_turns_back():
    squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
    axes = {"branches.0.first": [3.0, 2.0, 1.0], "flux": [0.0, 0.2, 0.4, 0.2, 0.1]}
    data = jd.sweep(jd.critical_currents, squid, axes)
    figure = jd.plot.dataset(data)
    assert "point along" in figure.axes[0].get_xlabel()
    assert "point" not in figure.axes[0].get_ylabel(), "falling is as good as rising"
    drawn = figure.axes[0].collections[0].get_array()
    assert np.allclose(drawn, data["efficiency"], rtol=0, atol=1e-12)
    both = {"branches.0.first": [1.0, 3.0, 2.0], "flux": [0.0, 0.2, 0.1]}
    drawn = jd.plot.dataset(jd.sweep(jd.critical_currents, squid, both)).axes[0]
    assert "point along" in drawn.get_xlabel()
    assert "point along" in drawn.get_ylabel()


def test_dataset_with_an_axis_of_one_point():
    squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
    axes = {"branches.0.first": [3.0], "flux": [0.0, 0.2, 0.4]}
    data = jd.sweep(jd.critical_currents, squid, axes)
    assert len(jd.plot.dataset(data).axes[0].lines) == 1
    with pytest.raises(ValueError, match="more than one point to be drawn, got 0"):
        jd.plot.dataset(data.isel(flux=[0]))


NAN = np.nan


def partly_known():
    """Known at 0, 1, 4 and 7; the points between have two statuses, and the last has none."""
    values = [0.1, 0.2, NAN, NAN, 0.3, NAN, NAN, 0.4, NAN]
    status = np.array([0, 0, 6, 6, 0, 6, 2, 0, 0], np.int32)
    return xarray.Dataset({"efficiency": ("x", values), "status": ("x", status)},
                          {"x": np.arange(9.0)})  # fmt: skip


def spans(axes):
    """{label: [(from, to), …]} of what is shaded, in the order of the colours."""
    found = {}
    for patch in axes.patches:
        grey = patch.get_facecolor() if patch.get_fill() else patch.get_hatch()
        found.setdefault(grey, []).append((patch.get_x(), patch.get_x() + patch.get_width()))
    return list(found.values())


def test_dataset_shows_where_nothing_is_known_and_why(tmp_path):
    (axes,) = check(plot.dataset(partly_known()), tmp_path)
    line, dots = axes.lines
    assert np.array_equal(line.get_ydata(), partly_known()["efficiency"], equal_nan=True)
    assert np.array_equal(dots.get_xdata(), [4.0, 7.0]), "alone between two that are not known"
    assert dots.get_marker() == "."
    assert spans(axes) == [[(1.5, 3.5), (4.5, 5.5)], [(5.5, 6.5)], [(7.5, 8.0)]]
    assert labels(axes) == ["PERIOD_DOUBLING", "NONFINITE", "NaN"]
    assert axes.get_xlim()[1] >= 8.0, "also where the last points are not known"
    (bare,) = plot.dataset(partly_known().drop_vars("status")).axes
    assert labels(bare) == ["NaN"]
    assert spans(bare) == [[(1.5, 3.5), (4.5, 6.5), (7.5, 8.0)]]


def test_dataset_shows_it_on_maps(tmp_path):
    one = partly_known()
    both = xarray.concat([one, one.assign(status=0 * one["status"])], "y").assign_coords(y=[0, 1])
    axes, _ = check(plot.dataset(both), tmp_path, axes=2)
    _, grey = [c for c in axes.collections if isinstance(c, QuadMesh)]
    assert np.all(grey.get_array().mask == np.isfinite(both["efficiency"]))
    names = [text.get_text() for text in axes.figure.legends[0].get_texts()]
    assert names == ["NONFINITE", "NaN", "PERIOD_DOUBLING"]
    shown = np.where(grey.get_array().mask, -1, grey.get_array().data)
    assert np.array_equal(shown, [[-1, -1, 2, 2, -1, 2, 0, -1, 1], [-1, -1, 1, 1, -1, 1, 1, -1, 1]])


def test_dataset_up_and_down(tmp_path):
    way = np.repeat(["up", "down"], [3, 2])
    data = xarray.Dataset(
        {"plus": ("x", [1.0, 2, 3, NAN, 5]), "status": ("x", np.array([0, 0, 0, 6, 0], np.int32))},
        {"x": [0.0, 1, 2, 1, 0], "direction": ("x", way)},
    )
    (axes,) = check(plot.dataset(data), tmp_path)
    up, down, dots = axes.lines
    assert np.array_equal(up.get_xdata(), [0, 1, 2])
    assert np.array_equal(down.get_xdata(), [2, 1, 0]), "from where the way up ends"
    assert (up.get_linestyle(), down.get_linestyle()) == ("-", "--")
    assert labels(axes) == ["up", "down", "PERIOD_DOUBLING, down"]
    ((one, other),) = spans(axes)[0]
    assert {one, other} == {0.5, 1.5}
    assert np.array_equal(dots.get_ydata(), [5.0])


def test_dataset_errors():
    with pytest.raises(ValueError, match="1 or 2 axes of more than one point to be drawn, got 3"):
        plot.dataset(grid(2, 2, 2))
    with pytest.raises(ValueError, match="variable must be one of other, efficiency, got 'eta'"):
        plot.dataset(grid(3), "eta")
    with pytest.raises(ValueError, match="variable must be one of"):
        plot.dataset(xarray.Dataset())


@pytest.mark.thorough
def test_every_figure_is_drawn_into_one_of_yours(tmp_path):
    """Into a part of a figure or a whole one, which is what comes back; nothing beside it moves."""
    for name in plot.__dict__:
        if callable(function := getattr(plot, name)) and not name.startswith("_"):
            assert "figure" in inspect.signature(function).parameters, name
    flat = jnp.linspace(0.0, 1.0, 5)
    state = jd.PhaseSlipWire().trace(flat)
    drawn = [
        (lambda figure: plot.iv(iv_curve(), resistance=True, figure=figure), 2),
        (lambda figure: plot.wire(state, title="mine", figure=figure), 4),
        (lambda figure: plot.critical_currents_along(flat, flat, 2 * flat, figure=figure), 2),
        (lambda figure: plot.dataset(grid(4, 5), figure=figure), 2),
        (lambda figure: plot.values(iv_curve(), figure=figure), 3),
        (lambda figure: plot.correlations(["a"], [1.0], [[0.1]], figure=figure), 2),
    ]
    whole = Figure(figsize=(9, 12), layout="constrained")
    parts = whole.subfigures(3, 2).ravel()
    for k, (draw, count) in enumerate(drawn):
        assert draw(parts[k]) is parts[k]
        assert [len(part.axes) for part in parts[k + 1 :]] == [0] * (5 - k)
        assert len(parts[k].axes) == count
    assert tuple(whole.get_size_inches()) == (9, 12)
    check(whole, tmp_path, axes=sum(count for _, count in drawn))
    own = Figure()
    assert plot.iv(iv_curve(), figure=own) is own
    with pytest.raises(ValueError, match="figure must be a matplotlib Figure or SubFigure, got Ax"):
        plot.iv(iv_curve(), figure=own.axes[0])


def test_wire(tmp_path):
    """A loop of currents: two legs up, one down, each in the order it was taken."""
    current = np.concatenate([np.linspace(0, 2, 5), np.linspace(2, -2, 9), np.linspace(-2, 2, 9)])
    flat = jnp.asarray(current)
    state = jd.wire.WireState(flat, flat**3, flat, flat + 1, flat + 2, jnp.ones(flat.shape, bool))
    axes = check(plot.wire(state), tmp_path, axes=4)
    assert labels(axes[0]) == ["up", "down"]
    legs = [line for line in axes[0].lines if line.get_label() in ("up", "down")]
    lengths = [len(leg.get_xdata()) for leg in legs]
    assert sum(lengths) == current.size + 2  # a turn belongs to the legs on both its sides
    start = lengths[0] - 1
    np.testing.assert_array_equal(legs[1].get_ydata(), current[start : start + lengths[1]] ** 3)
    with pytest.raises(ValueError, match="state"):
        plot.wire(jax.tree.map(lambda x: x[0], state))


def test_slips(tmp_path):
    """Two slips of a made-up ring, where and when its phase loses a turn."""
    time, position = jnp.linspace(0.0, 4.0, 5), jnp.arange(8, dtype=float)
    magnitude = jnp.ones((5, 8)).at[1:3, 3].set(0.1).at[3, 5].set(0.2)
    winding = jnp.array([0.0, 0.0, -1.0, -1.0, -2.0])
    one = jnp.ones(())
    simulation = jd.wire.WireSimulation(
        time, position, magnitude, time, winding, one, jnp.zeros((), jnp.int32), 8 * one,
        jax.lax.complex(position, position), one, "ring",
    )  # fmt: skip
    axes = check(plot.slips(simulation), tmp_path, axes=3)
    np.testing.assert_array_equal(np.array(axes[0].lines[0].get_data()).T, [[1.5, 3], [3.5, 5]])
    assert labels(axes[1]) == ["voltage", "mean 1"]
    with pytest.raises(ValueError, match="simulation"):
        plot.slips(jax.tree.map(lambda x: jnp.stack([x, x]), simulation))


def hand_made_torus(known=True):
    """I↑ = −3 sin θ↑ + 0.5 sin(θ↑ + θ↓), I↓ = −sin θ↓ + 0.5 sin(θ↑ + θ↓)."""
    up, down = np.meshgrid(*[2 * np.pi * np.arange(8) / 8] * 2, indexing="ij")
    both = 0.5 * np.sin(up + down)
    currents = np.stack([-3 * np.sin(up) + both, -np.sin(down) + both])
    status = jd.Status.CONVERGED if known else jd.Status.NOT_CONVERGED
    return jd.usadel.PhaseTorus(
        jnp.asarray(currents), jnp.full((8, 8), known), jnp.zeros(()), jnp.asarray(int(status))
    )


def test_torus(tmp_path):
    figure = plot.torus(hand_made_torus(), points=31, unit="nA", title="mine")
    axes = check(figure, tmp_path, axes=4)  # two maps and their colours
    assert figure.get_suptitle() == "mine"
    assert [a.get_xlabel() for a in axes[:2]] == [r"phase difference $\Delta\chi/\pi$"] * 2
    assert axes[0].get_ylabel() == r"geometric phase $\Delta\varphi/\pi$"
    assert [a.get_xlabel() for a in axes[2:]] == ["charge current (nA)", "spin current (nA)"]
    phase, twist = np.pi * np.linspace(0, 2, 61), np.pi * np.linspace(0, 1, 31)[:, None]
    up, down = -3 * np.sin(phase - twist), -np.sin(phase + twist)
    crossed = np.sin(2 * phase) + 0 * twist
    for ax, expected in zip(axes, (up + down + crossed, up - down), strict=False):
        (mesh,) = [c for c in ax.collections if isinstance(c, QuadMesh)]
        np.testing.assert_allclose(mesh.get_array(), expected, atol=1e-12)
        largest = np.abs(expected).max()
        assert mesh.get_clim() == pytest.approx((-largest, largest))
        assert ax.get_xlim() == pytest.approx((0, 2), abs=0.02)
        assert ax.get_ylim() == pytest.approx((0, 1), abs=0.02)


def test_torus_that_was_not_solved(tmp_path):
    axes = check(plot.torus(hand_made_torus(known=False), points=5), tmp_path, axes=4)
    assert all(np.ma.getmaskarray(a.collections[0].get_array()).all() for a in axes[:2])
    assert axes[3].get_xlabel() == "spin current ($I_0$)"


class Junction:
    """What the figures of a diffusive junction ask for, with known answers."""

    def order_parameter(self, phase):
        turn = np.exp(0.1j * np.array([0.0, 1.0, 2.0]))
        left = np.array([2.0, 1.5, 1.0]) * turn
        distance = np.array([4.0, 1.0, 0.0])
        return jd.usadel.OrderParameter(*map(jnp.asarray, (distance, left, left.conj(), 0)))

    def ldos(self, energy, position=0.5):
        return jnp.stack([jnp.cos(energy), jnp.sin(energy)])[(...,) + (None,) * np.ndim(position)]


def test_order_parameter(tmp_path):
    axes = check(plot.order_parameter(Junction(), 1.0), tmp_path, axes=2)
    left, right = axes[0].lines
    np.testing.assert_allclose(left.get_xdata(), [-4, -1, 0])
    np.testing.assert_allclose(right.get_xdata(), [4, 1, 0])
    np.testing.assert_allclose(left.get_ydata(), [2, 1.5, 1])
    # The phase falls by 1 from the right outer end to the left one.
    np.testing.assert_allclose(axes[1].lines[0].get_ydata(), np.array([-0.5, -0.4, -0.3]) / np.pi)
    np.testing.assert_allclose(axes[1].lines[1].get_ydata(), np.array([0.5, 0.4, 0.3]) / np.pi)


def test_ldos(tmp_path):
    energy = np.linspace(0, 1, 5)
    (axes,) = check(plot.ldos(Junction(), energy, title="mine"), tmp_path, axes=1)
    mean, up, down = axes.lines
    np.testing.assert_allclose(mean.get_ydata(), (np.cos(energy) + np.sin(energy)) / 2)
    np.testing.assert_allclose(up.get_ydata(), np.cos(energy))
    np.testing.assert_allclose(down.get_ydata(), np.sin(energy))
    assert axes.get_title() == "mine"
    with pytest.raises(ValueError, match="position one number"):
        plot.ldos(Junction(), energy, position=[0.1, 0.2])
