"""Long junctions: section 2 of shared/physics/field.md, symmetries, limits, exhaustive shooting."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.devices.extended.long import LongJunction
from tests.reference import long_junction


def junction(length, flux, **settings):
    return LongJunction(jd.TunnelJunction(1.0), length, flux, **settings)


ROWS = [
    (0.5, 0.3, 0.8584117940, 0.8583376519, 0.8428719373, 0.8736386305),
    (0.5, 0.7, 0.3681015406, 0.3680118806, 0.3582929145, 0.3782880811),
    (2.0, 0.3, 0.8625994231, 0.8446271625, 0.6336340362, 0.9887240359),
    (2.0, 0.7, 0.4114279645, 0.3928113121, 0.2834648996, 0.6398999202),
    (5.0, 0.5, 0.8022459812, 0.5400943078, 0.2775977512, 0.5219567254),
    (5.0, 1.0, 0.4779141760, 0.3024551155, 0.2094698957, 0.6431090258),
    (10.0, 0.8, 0.8365122438, 0.2994303287, 0.1531273759, 0.2502561999),
    (10.0, 2.4, 0.3046808940, 0.1142451419, 0.0814189558, 0.3507633587),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]:g} {row[1]:g}")
def test_table(row):
    length, flux, uniform, edges, plus, minus = row
    known = {"uniform": (uniform, uniform), "edges": (edges, edges), "right": (plus, minus)}
    for feed, currents in known.items():
        found = junction(length, flux, feed=feed).states()
        assert np.asarray(found.current) == pytest.approx(currents, abs=2e-10)
        assert not np.any(found.status)


def test_the_one_vortex_state_carries_the_largest_current():
    """.15313 where the vortex-free state ends at .1497."""
    assert junction(10.0, 0.8, feed="right").states().vortices[0] == 1


def test_without_field():
    known = {2.0: (0.9891054617, 0.8656258426), 5.0: (0.7571155171, 0.3998545883)}
    for length, (edges, right) in known.items():
        for feed, current in (("uniform", 1.0), ("edges", edges), ("right", right)):
            found = jd.critical_currents(junction(length, 0.0, feed=feed))
            assert float(found.plus) == pytest.approx(current, abs=2e-10)
            assert float(found.minus) == pytest.approx(current, abs=2e-10)


def test_a_short_one_has_the_fraunhofer_pattern():
    """To corrections of the order of ℓ²."""
    for flux in (0.3, 0.8, 1.4):
        found = jd.critical_currents(junction(0.1, flux, feed="edges"))
        assert float(found.plus) == pytest.approx(abs(np.sinc(flux)), abs=2e-3)


def test_symmetries():
    """φ → −φ: I₋(f) = I₊(−f); a mirror: f → −f and the feed turned round."""
    feed = (0.3, 0.1, 0.6)
    one = jd.critical_currents(junction(3.0, 0.6, feed=feed))
    turned = jd.critical_currents(junction(3.0, -0.6, feed=feed))
    mirror = jd.critical_currents(junction(3.0, -0.6, feed=(0.3, 0.6, 0.1)))
    assert float(one.plus) == pytest.approx(float(turned.minus), abs=1e-10)
    assert float(one.minus) == pytest.approx(float(turned.plus), abs=1e-10)
    assert float(one.plus) == pytest.approx(float(mirror.plus), abs=1e-10)
    even = jd.critical_currents(junction(3.0, 0.6, feed="edges"))
    assert abs(float(even.efficiency)) < 1e-11


def test_gradients():
    """d(I₊/ℓ)/df of the sheet, and of all parameters against differences."""
    mixed = {"feed": (0.4, 0.15, 0.45)}
    slopes = [(5.0, 0.5, mixed, -0.4174863507), (5.0, 1.0, {}, -0.7050822924)]
    for length, flux, settings, known in slopes:
        slope = jax.grad(lambda d: jd.critical_currents(d).plus)(junction(length, flux, **settings))
        assert float(slope.flux) == pytest.approx(known, abs=2e-9)

    def efficiency(values):
        profile = jnp.array([1.0, 1.0, 1.0]) + jnp.array([values[2], 0.0, -values[2]])
        device = LongJunction(
            jd.Harmonics([1.0, values[3]]), values[0], values[1], profile=profile, feed="right",
            points=44,
        )  # fmt: skip
        return jd.diode_efficiency(device)

    at, step = jnp.array([2.0, 0.4, 0.1, 0.1]), 1e-5
    slope = jax.grad(efficiency)(at)
    for k in range(at.size):
        ends = [efficiency(at.at[k].add(s * step)) for s in (1, -1)]
        assert float(slope[k]) == pytest.approx(float(ends[0] - ends[1]) / (2 * step), abs=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_no_static_state_carries_more(seed):
    rng = np.random.default_rng(seed)
    length, flux, feed = rng.uniform(0.5, 5.0), rng.uniform(-2.5, 2.5), rng.dirichlet(np.ones(3))
    found = junction(length, flux, feed=feed, points=60).states()
    for k, sign in enumerate((1.0, -1.0)):
        current, step = long_junction.largest(
            length, flux, feed, sign, starts=600, levels=60, steps=50
        )
        assert current - 1e-3 <= float(found.current[k]) <= current + step + 1e-3


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_units_of_current(factor):
    small = LongJunction(jd.TunnelJunction(factor), 2.0, 0.3, feed="right")
    assert float(jd.critical_currents(small).plus) == pytest.approx(0.6336340362 * factor)


@pytest.mark.usefixtures("unchecked")
def test_errors():
    with pytest.raises(ValueError, match="local must be phase-biased"):
        LongJunction(1.0, 2.0, 0.3)
    with pytest.raises(ValueError, match="length must be"):
        junction(-1.0, 0.3)
    with pytest.raises(ValueError, match="feed must add up to 1"):
        junction(1.0, 0.3, feed=(0.5, 0.1, 0.1))
    with pytest.raises(ValueError, match="unknown feed 'top'"):
        junction(1.0, 0.3, feed="top")
    with pytest.raises(ValueError, match="profile must"):
        junction(1.0, 0.3, profile=[1.0, -1.0])
    with pytest.raises(ValueError, match="points must be given"):
        jax.jit(lambda f: junction(1.0, f).flux)(0.3)
