"""Figures over field, temperature and angle: what they draw is what is known otherwise."""

import numpy as np
import pytest

import jaxdiode as jd
from tests import helpers

TWO = {"shift.1": [-1.0, 0.0, 0.4], "device.sine.1": [0.1, 0.3]}


def two_harmonics(**field):
    return jd.PhaseShiftedJunction([1.0, 0.3], [0.0, 0.7], **field)


def dense(second, shift):
    """(I₊, I₋) of sin φ + second sin(2φ + shift) on a dense grid."""
    phase = np.linspace(0, 2 * np.pi, 200001)
    current = np.sin(phase) + second * np.sin(2 * phase + shift)
    return current.max(), -current.min()


def mesh(figure):
    return figure.axes[0].collections[0].get_array().filled(np.nan)


def test_the_map_of_efficiencies():
    figure = jd.plot.efficiency_map(two_harmonics(), TWO, title="a map")
    expected = np.empty((2, 3))
    for k, second in enumerate(TWO["device.sine.1"]):
        for i, shift in enumerate(TWO["shift.1"]):
            plus, minus = dense(second, shift)
            expected[k, i] = (plus - minus) / (plus + minus)
    helpers.assert_close(mesh(figure), expected, absolute=1e-8)
    assert mesh(figure)[:, 1].tolist() == [0.0, 0.0]  # reciprocal
    low, high = figure.axes[0].collections[0].get_clim()
    assert low == -high
    data = jd.sweep(jd.critical_currents, two_harmonics(), TWO, progress=False)
    again = jd.plot.efficiency_map(data)
    helpers.assert_close(mesh(again), mesh(figure), absolute=1e-15)


@pytest.mark.thorough
def test_a_map_is_blank_where_nothing_flows():
    junction = jd.TemperatureScaledJunction(
        jd.Squid([jd.AndreevModes(1.0, 0.9), jd.TunnelJunction(1.0)], flux=0.2), 0.5
    )
    figure = jd.plot.efficiency_map(
        junction, {"device.flux": [0.0, 0.2], "temperature": [0.5, 1.0]}
    )
    assert mesh(figure)[0, 0] == 0.0
    assert mesh(figure)[0, 1] != 0.0
    assert np.isnan(mesh(figure)[1]).all()


@pytest.mark.parametrize("unit", [1.0, 1e-9])
def test_the_difference_of_both_currents(unit):
    device = jd.PhaseShiftedJunction([unit, 0.3 * unit], [0.0, 0.0])
    shifts = [-0.6, 0.0, 0.6]
    plus, minus = unit * np.transpose([dense(0.3, x) for x in shifts])
    figure = jd.plot.current_difference(
        device, {"shift.1": shifts}, measured=(shifts, plus, minus), sigma=0.1 * unit
    )
    line = figure.axes[0].lines[0].get_ydata()
    helpers.assert_close(line / unit, (plus - minus) / unit, absolute=1e-8)
    assert line[1] == 0.0
    bars = figure.axes[0].containers[0].lines[2][0].get_segments()
    helpers.assert_close(
        np.ptp([segment[:, 1] for segment in bars], axis=1) / unit, 0.2 * np.sqrt(2) * np.ones(3),
        absolute=1e-12,
    )  # fmt: skip
    several = jd.plot.current_difference(
        device, {"shift.1": shifts, "device.sine.1": [0.0, 0.3 * unit]}
    )
    helpers.assert_close(several.axes[0].lines[1].get_ydata(), line, absolute=1e-11 * unit)
    assert not several.axes[0].lines[0].get_ydata().any()


@pytest.mark.slow
def test_the_map_of_resistances():
    fluxes, currents = np.array([0.0, 0.5, 1.0]), np.linspace(-1.5, 1.5, 7)
    junction = jd.ExtendedJunction(jd.TunnelJunction(1.0))
    figure = jd.plot.fraunhofer_map(junction, fluxes, currents, noise=0.1)
    for k, critical in enumerate((1.0, 2 / np.pi)):  # I_c |sinc f| of a sinusoidal relation
        expected = jd.thermal_iv(jd.TunnelJunction(critical), currents, noise=0.1).resistance
        helpers.assert_close(mesh(figure)[1:-1, k], expected[1:-1], absolute=1e-8)
    helpers.assert_close(mesh(figure)[1:-1, 2], np.ones(5), absolute=1e-8)  # a resistor at a node
    upper, lower = (line.get_ydata() for line in figure.axes[0].lines)
    helpers.assert_close(upper, [1.0, 2 / np.pi, 0.0], absolute=1e-10)
    helpers.assert_close(lower, -upper, absolute=1e-10)


@pytest.mark.slow
def test_fluxes_beyond_what_the_device_resolves():
    """Figures ask for the nodes that their axes need; a sweep leaves the device as it is."""
    short = jd.ExtendedJunction(jd.AndreevModes(1.0, 0.99), [0.4, 1.6], 0.3)
    warm = jd.TemperatureScaledJunction(short, 0.3)
    fluxes = [0.5, 1.3 * short.largest_flux]
    figure = jd.plot.current_difference(warm, {"device.flux": fluxes})
    expected = jd.critical_currents(
        jd.ExtendedJunction(short.local, [0.4, 1.6], fluxes[1]).at_reduced_temperature(0.3)
    )
    helpers.assert_close(
        figure.axes[0].lines[0].get_ydata()[1], expected.plus - expected.minus, absolute=1e-10
    )
    top = jd.plot.fraunhofer(warm, fluxes, name="device.flux").axes[0]
    helpers.assert_close(top.lines[0].get_ydata()[1], expected.plus, absolute=1e-10)


def test_measured_points_beside_the_pattern():
    junction = jd.ExtendedJunction(jd.TunnelJunction(1.0))
    points = ([0.0, 0.5], [1.01, 0.63], [0.99, 0.64])
    figure = jd.plot.fraunhofer(junction, [0.0, 0.25, 0.5], measured=points, sigma=0.01)
    drawn = figure.axes[0].containers[0].lines[0]
    assert drawn.get_xdata().tolist() == points[0]
    assert drawn.get_ydata().tolist() == points[1]


def test_the_polar_figure():
    angles = np.linspace(0, 2 * np.pi, 9)
    device = two_harmonics(field=1.0, shift_per_field=[0.0, 0.8], field_angle=0.0)
    figure = jd.plot.polar(device, angles, unit="nA")
    expected = [dense(0.3, 0.7 + 0.8 * np.cos(x)) for x in angles]
    for line, values in zip(figure.axes[0].lines, np.transpose(expected), strict=True):
        helpers.assert_close(line.get_ydata(), values, absolute=1e-8)
    assert figure.axes[0].name == figure.axes[1].name == "polar"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: jd.plot.efficiency_map(d, {"shift.1": [0.0]}), "axes must be .* of 2, got"),
        (lambda d: jd.plot.efficiency_map(d), "axes must be .* of 2, got None"),
        (lambda d: jd.plot.current_difference(d, {}), "axes must be .* of 1 or 2, got"),
        (lambda d: jd.plot.polar(d, [0.0, 1.0]), "unknown parameter 'field_angle'"),
        (lambda d: jd.plot.fraunhofer_map(d, [0.0], [0.0], noise=0.1), "unknown parameter 'flux'"),
        (lambda d: jd.plot.efficiency_map(3.0, TWO), "device must be a device with axes"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_what_cannot_be_drawn_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(two_harmonics())


@pytest.mark.thorough
def test_a_field_in_millitesla():
    """An axis of an experiment makes the flux of a field, and gives the figure its name."""
    pair, profile = jd.Harmonics([1.0, -0.3]), [0.4, 1.6]
    axis = jd.experiment.Axis("flux", scale=0.5, offset=0.2)
    setup = jd.experiment.Experiment(jd.ExtendedJunction(pair, profile), {"field (mT)": axis})
    fields = np.array([-1.4, 0.2, 9.0])
    figure = jd.plot.fraunhofer(setup, fields, name="field (mT)")
    assert figure.axes[1].get_xlabel() == "field (mT)"
    x = (np.arange(4000) + 0.5) / 4000 - 0.5
    phase = np.linspace(0, 2 * np.pi, 4001)
    for field, plus in zip(fields, figure.axes[0].lines[0].get_ydata(), strict=True):
        p = [
            np.mean((1 + 1.2 * x) * np.exp(2j * np.pi * n * 0.5 * (field - 0.2) * x))
            for n in (1, 2)
        ]
        current = (p[0] * np.exp(1j * phase) - 0.3 * p[1] * np.exp(2j * phase)).imag
        assert plus == pytest.approx(current.max(), abs=1e-5)
    other = jd.plot.current_difference(setup, {"field (mT)": fields})
    assert other.axes[0].get_xlabel() == "field (mT)"
    sharp = jd.ExtendedJunction(jd.AndreevModes(1.0, 0.999), profile)
    far = jd.plot.fraunhofer(
        jd.experiment.Experiment(sharp, {"field": axis}), [6.4 + 0.2], name="field"
    )
    expected = jd.critical_currents(jd.ExtendedJunction(sharp.local, profile, 3.2)).plus
    assert far.axes[0].lines[0].get_ydata()[0] == pytest.approx(float(expected), rel=1e-10)


def test_an_axis_that_is_called_flux():
    """Of a squid in a coil, sin φ twice: |cos(π · 2 (x − 0.1))|, whatever the axis is called."""
    squid = jd.Squid([jd.TunnelJunction(1.0), jd.TunnelJunction(1.0)], flux=[0.0])
    axis = jd.experiment.Axis("flux", scale=2.0, offset=0.1)
    places = np.array([-0.3, 0.0, 0.2])
    figure = jd.plot.fraunhofer(jd.experiment.Experiment(squid, {"flux": axis}), places)
    top, below = figure.axes
    expected = 2 * np.abs(np.cos(2 * np.pi * (places - 0.1)))
    np.testing.assert_allclose(top.lines[0].get_ydata(), expected, rtol=1e-9)
    assert below.get_xlabel() == "flux"
    with pytest.raises(ValueError, match="must have a flux, a Experiment has none"):
        jd.plot.fraunhofer(jd.experiment.Experiment(squid, {"field": axis}), places)


@pytest.mark.thorough
@pytest.mark.parametrize("driven", [False, True])
def test_a_long_junction_has_points_for_the_largest_flux(driven):
    """Built at f = 0, as one that is built at each flux by itself."""
    still = jd.LongJunction(jd.TunnelJunction(1.0), 1.0, 0.0, feed="right")
    assert still.points < still.resolving(8.0).points == still.resolving(-8.0).points
    assert still.resolving(8.0).resolving(3.0).points == still.resolving(8.0).points
    device, name = still, "flux"
    if driven:
        axis = jd.experiment.Axis("flux", scale=2.0)
        device, name = jd.experiment.Experiment(still, {"mT": axis}), "mT"
    flux = np.array([0.0, 8.3])
    figure = jd.plot.fraunhofer(device, flux / 2 if driven else flux, name=name)
    own = [
        float(jd.critical_currents(jd.LongJunction(still.local, 1.0, f, feed="right")).plus)
        for f in flux
    ]
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), own, rtol=1e-7)


@pytest.mark.thorough
def test_the_map_of_resistances_in_a_field_in_millitesla():
    """I_c |sinc f| with f = (B − 0.2 mT)/(2 mT)."""
    local = jd.ExtendedJunction(jd.TunnelJunction(1.0))
    setup = jd.experiment.Experiment(local, {"B (mT)": jd.experiment.Axis("flux", 0.5, offset=0.2)})
    bias = np.linspace(-1.5, 1.5, 5)
    figure = jd.plot.fraunhofer_map(setup, [0.2, 1.2], bias, noise=0.1, name="B (mT)")
    assert figure.axes[0].get_xlabel() == "B (mT)"
    for k, critical in enumerate((1.0, 2 / np.pi)):
        expected = jd.thermal_iv(jd.TunnelJunction(critical), bias, noise=0.1).resistance
        helpers.assert_close(mesh(figure)[1:-1, k], expected[1:-1], absolute=1e-8)


def test_axes_are_named_with_their_units():
    figure = jd.plot.efficiency_map(two_harmonics(), TWO)
    assert "rad" in figure.axes[0].get_xlabel() + figure.axes[0].get_ylabel()
    assert (
        jd.plot.fraunhofer(jd.ExtendedJunction(jd.TunnelJunction(1.0)), [0.0, 0.5])
        .axes[1]
        .get_xlabel()
        == r"flux ($\Phi_0$)"
    )
