"""The critical set of two currents against a table, an exhaustive search and other circuits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.core.paths import elements_of, with_values
from jaxdiode.numerics.status import Status
from tests.circuits import networks
from tests.circuits.test_critical import PRINTED, TRIODE
from tests.reference import triode


def contours(flux, angles, origin=(0.0, 0.0)):
    """Of triodes at several fluxes, each along its own rays."""

    def one(flux, angles):
        return jd.critical_contour(networks.triode(0.0, flux), directions=angles, origin=origin)

    return jax.jit(jax.vmap(one))(jnp.asarray(flux), jnp.asarray(angles))


@pytest.mark.thorough
def test_table_of_the_triode():
    """Rays through the printed points, both signs: (I_B, f, I₊, I₋)."""
    control, flux, plus, minus = np.array(TRIODE).T
    points = np.stack([np.stack([plus, control], -1), np.stack([-minus, control], -1)], 1)
    found = contours(flux, np.arctan2(points[..., 1], points[..., 0]))
    np.testing.assert_array_equal(found.status, Status.CONVERGED)
    np.testing.assert_allclose(found.current, points, atol=2 * PRINTED)


@pytest.mark.thorough
def test_points_of_an_exhaustive_search():
    """Where the set is star-shaped each end at one I_B lies on the contour, else not beyond it."""
    flux, control = np.array([0.0, 0.2, 0.5]), np.linspace(-1.1, 1.1, 14)
    points = np.full((3, 28, 2), np.nan)
    for k, f in enumerate(flux):
        for n, i in enumerate(control):
            if any(stable for _, stable in triode.folds(i, f)):
                points[k, 2 * n : 2 * n + 2, 0] = triode.window(i, f)
                points[k, 2 * n : 2 * n + 2, 1] = i
    known = np.isfinite(points[..., 0])
    assert known[:2].all()
    assert known[2].sum() >= 12
    angles = np.nan_to_num(np.arctan2(points[..., 1], points[..., 0]))
    radius, distance = np.asarray(contours(flux, angles).radius), np.hypot(*points.T).T
    np.testing.assert_allclose(radius[:2], distance[:2], rtol=1e-9)
    assert np.all(radius[2][known[2]] > distance[2][known[2]] - 1e-9)


@pytest.mark.slow
def test_a_ray_is_a_shared_terminal_or_an_injected_current():
    """In every quadrant: shares (cos α, sin α)/(cos α + sin α), and lines of constant I_B."""
    elements = networks.triode(0.0, 0.2, inductance=(0.2, 0.3, 0.4)).elements
    angles = np.array([0.4, 1.1, 2.0, -0.5])

    def shared(angle):
        ray = {"A": np.cos(angle), "B": np.sin(angle)}
        total = sum(ray.values())
        circuit = jd.Circuit(elements, ({n: x / total for n, x in ray.items()}, "C"))
        pair = jd.critical_currents(circuit)
        ends = (pair.plus / total, pair.minus / total)
        return ends if total > 0 else (-ends[1], -ends[0])

    circuit = jd.Circuit(elements, ("A", "C"))
    both = jd.critical_contour(circuit, directions=np.concatenate([angles, angles + np.pi]))
    expected = np.array([shared(angle) for angle in angles[:3:2]]).T
    np.testing.assert_allclose(both.radius.reshape(2, -1)[:, :3:2], expected, rtol=1e-9)
    beside = jd.critical_contour(circuit, directions=[0.0, np.pi], origin=(0.0, 0.3))
    found = jd.critical_currents(networks.triode(0.3, 0.2, inductance=(0.2, 0.3, 0.4)))
    np.testing.assert_allclose(beside.radius, [found.plus, found.minus], rtol=1e-10)
    np.testing.assert_allclose(beside.current[:, 1], 0.3, rtol=1e-12)


@pytest.mark.slow
def test_reversed_currents_and_fluxes_and_other_units():
    def one(flux, control, scale):
        parts = {
            name: jd.Junction(*x.nodes, jd.TunnelJunction(x.relation.critical_current * scale),
                              offset=x.offset)
            for name, x in networks.triode(0.0, flux).elements.items()
        }  # fmt: skip
        lead = {"L": jd.Inductor("in", "A", 0.3 / scale)}
        circuit = jd.Circuit({**parts, **lead}, ("A", "C"), sources={"B": control * scale})
        found = jd.critical_contour(
            circuit, ("in", "B"), directions=8, origin=jnp.stack([flux, control]) * scale
        )
        return found.radius / scale, found.status

    flux, sign = 0.2, np.array([1.0, -1.0, 1.0, 1.0])
    scale = np.array([1.0, 1.0, 1e-9, 1e9])
    radius, status = jax.jit(jax.vmap(one))(flux * sign, 0.1 * sign, jnp.asarray(scale))
    np.testing.assert_array_equal(status, Status.CONVERGED)
    np.testing.assert_allclose(np.roll(radius[1], 4), radius[0], rtol=1e-10)
    np.testing.assert_allclose(radius[2:], np.tile(radius[0], (2, 1)), rtol=1e-11)


@pytest.mark.slow
def test_gradients():
    """In every parameter of the circuit, the origin and the angles, against differences."""
    circuit = networks.triode(0.2, 0.15, inductance=(0.2, 0.3, 0.4))
    around = jnp.array([0.3, 2.2, 4.1]), jnp.array([0.1, -0.1])

    def radius(circuit, angle, origin):
        return jd.critical_contour(circuit, directions=angle, origin=origin).radius

    slopes = jax.jit(jax.jacrev(radius, argnums=(0, 1, 2)))(circuit, *around)
    value = jax.jit(radius)
    given, rows = jax.tree.leaves(circuit), jax.tree.leaves(slopes[0])
    step = 1e-5
    for name, (leaf, index) in elements_of(circuit).items():
        here = float(jnp.ravel(given[leaf])[index])
        ahead, back = (
            value(with_values(circuit, [[(leaf, index)]], [here + h]), *around)
            for h in (step, -step)
        )
        np.testing.assert_allclose(
            rows[leaf].reshape(3, -1)[:, index], (ahead - back) / (2 * step), atol=1e-6,
            err_msg=name,
        )  # fmt: skip
    for argument in (0, 1):
        for k in range(around[argument].size):
            moved = [
                tuple(x.at[k].add(h) if n == argument else x for n, x in enumerate(around))
                for h in (step, -step)
            ]
            ahead, back = (value(circuit, *x) for x in moved)
            np.testing.assert_allclose(
                slopes[1 + argument][:, k], (ahead - back) / (2 * step), atol=1e-6
            )


@pytest.mark.slow
def test_an_origin_outside_of_the_set():
    """At I_B = .9, f = .2 the set lies at negative I_A: its far edge shows, the rest is NaN."""
    found = contours([0.2], [[0.0, np.pi / 2, np.pi]], (0.0, 0.9))
    none = Status.NO_ZERO_VOLTAGE_STATE
    np.testing.assert_array_equal(found.status[0], [none, none, Status.CONVERGED])
    np.testing.assert_array_equal(np.isnan(found.radius[0]), [True, True, False])
    np.testing.assert_allclose(found.current[0, 2, 0], triode.window(0.9, 0.2)[0], rtol=1e-10)


@pytest.mark.thorough
def test_criteria():
    """A triode's ramp comes to the largest currents; with a flux state to leave, first is less."""
    circuit = networks.triode(0.0, 0.2, inductance=(1.0, 1.0, 1.0))
    found = {
        criterion: jd.critical_contour(circuit, directions=12, criterion=criterion)
        for criterion in ("largest", "first")
    }
    largest, first = (np.asarray(x.radius) for x in found.values())
    assert np.all(first <= largest * (1 + 1e-9))
    assert np.any(first < 0.95 * largest)


def hand_made(radius, angle=None, origin=(0.0, 0.0)):
    radius = jnp.asarray(radius)
    angle = 2 * np.pi * np.arange(radius.size) / radius.size if angle is None else angle
    status = jnp.where(jnp.isnan(radius), Status.NOT_CONVERGED, Status.CONVERGED)
    return jd.results.CriticalContour(
        ("A", "B"), jnp.asarray(origin, float), jnp.asarray(angle), radius, status.astype(jnp.int32)
    )


@pytest.mark.thorough
def test_figure(tmp_path):
    """Closed, in equal steps of both currents, with a gap where a ray failed."""
    whole, gap = hand_made([1.0, 2.0, 1.0, 2.0]), hand_made([1.0, jnp.nan, 1.0, 2.0], None, (1, 1))
    figure = jd.plot.critical_contour({"one": whole, "two": gap}, unit="nA", title="mine")
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("current into A (nA)", "current into B (nA)")
    assert (axes.get_aspect(), axes.get_title()) == (1.0, "mine")
    first, second, cross = axes.lines[2:]
    expected = [[1, 0], [0, 2], [-1, 0], [0, -2], [1, 0]]
    np.testing.assert_allclose(np.array(first.get_data()).T, expected, atol=1e-12)
    assert np.isnan(second.get_ydata()).tolist() == [False, True, False, False, False]
    np.testing.assert_array_equal(np.ravel(cross.get_data()), [1, 1])
    part = hand_made([1.0, 2.0, 3.0], [0.0, 0.1, 0.2])
    assert len(part.plot().axes[0].lines[2].get_xdata()) == 3
    figure.savefig(tmp_path / "contour.png", dpi=40)
    with pytest.raises(ValueError, match="found must hold at least one contour"):
        jd.plot.critical_contour({})
    lanes = jax.tree.map(lambda x: jnp.stack([x, x]), whole)
    with pytest.raises(ValueError, match=r"found must be of one circuit each, got \(2, 4\)"):
        jd.plot.critical_contour(lanes)
