"""Long junctions: section 2 of shared/physics/field.md, symmetries, limits, exhaustive shooting,
and slow ramps integrated in time (tests/reference/long_ramp.py).
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.devices.extended.long import LongJunction
from tests.reference import long_junction, long_ramp

pytestmark = pytest.mark.usefixtures("optimised")  # searches run longer than they compile


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


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]:g} {row[1]:g}")
def test_table(row):
    length, flux, uniform, edges, plus, minus = row
    known = {"uniform": (uniform, uniform), "edges": (edges, edges), "right": (plus, minus)}
    for feed, currents in known.items():
        found = junction(length, flux, feed=feed).states()
        assert np.asarray(found.current) == pytest.approx(currents, abs=2e-10)
        assert not np.any(found.status)


@pytest.mark.thorough
def test_the_one_vortex_state_carries_the_largest_current():
    """.15313 where the vortex-free state ends at .1497."""
    assert junction(10.0, 0.8, feed="right").states().vortices[0] == 1


@pytest.mark.slow
def test_without_field():
    known = {2.0: (0.9891054617, 0.8656258426), 5.0: (0.7571155171, 0.3998545883)}
    for length, (edges, right) in known.items():
        for feed, current in (("uniform", 1.0), ("edges", edges), ("right", right)):
            found = jd.critical_currents(junction(length, 0.0, feed=feed))
            assert float(found.plus) == pytest.approx(current, abs=2e-10)
            assert float(found.minus) == pytest.approx(current, abs=2e-10)


@pytest.mark.slow
def test_a_short_one_has_the_fraunhofer_pattern():
    """To corrections of the order of ℓ²."""
    for flux in (0.3, 0.8, 1.4):
        found = jd.critical_currents(junction(0.1, flux, feed="edges"))
        assert float(found.plus) == pytest.approx(abs(np.sinc(flux)), abs=2e-3)


@pytest.mark.thorough
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.thorough
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
    with pytest.raises(ValueError, match=r"unknown criterion 'first'.*largest, ramp"):
        junction(1.0, 0.3, criterion="first")
    with pytest.raises(ValueError, match="unknown criterion 'fold'"):
        jd.critical_currents(junction(1.0, 0.3), "fold")
    with pytest.raises(ValueError, match="unknown profile 'bump'"):
        junction(1.0, 0.3, profile="bump")
    with pytest.raises(ValueError, match="unknown interpolation 'cubic'"):
        junction(1.0, 0.3, profile=[1.0, 2.0], interpolation="cubic")
    with pytest.raises(ValueError, match="profile must have samples at both ends"):
        junction(1.0, 0.3, profile=[1.0])
    with pytest.raises(ValueError, match="profile must carry current"):
        junction(1.0, 0.3, profile=[0.0, 0.0])


# Extrapolated finite differences of long_ramp.critical_current, 60 and 120 points.
RAMPED = [
    (2.0, 0.7, (0.0, 0.0, 1.0), 0.2834649722, 0.6398999532),
    (5.0, 0.0, (1.0, 0.0, 0.0), 1.0, 1.0),
    (5.0, 0.5, (1.0, 0.0, 0.0), 0.8022460620, 0.8022460620),
    (5.0, 1.0, (1.0, 0.0, 0.0), 0.4779143333, 0.4779143333),
    (5.0, 1.0, (0.0, 0.5, 0.5), 0.3024552345, 0.3024552345),
    (6.0, 1.0, (-1.0, 0.0, 2.0), 0.1397152901, 0.3500988007),
    (10.0, 0.8, (0.0, 0.0, 1.0), 0.1531278610, 0.2502566973),
]


@pytest.mark.slow
def test_ramps_in_time():
    """The one of ℓ = 10 falls at .1497 and is caught with a vortex."""
    for length, flux, feed, plus, minus in RAMPED:
        found = junction(length, flux, feed=feed, points=78, criterion="ramp").states()
        assert not np.any(found.status)
        assert np.asarray(found.current) == pytest.approx((plus, minus), abs=2e-6)
    assert list(found.vortices) == [1, 0]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_random_ramps_in_time(seed):
    rng = np.random.default_rng(20 + seed)
    length, flux, feed = rng.uniform(1.0, 6.0), rng.uniform(-1.5, 1.5), rng.dirichlet(np.ones(3))
    values = rng.uniform(0.0, 1.0, 3)
    device = junction(length, flux, feed=feed, profile=values, interpolation="boxes")
    found = device.states("ramp")
    for k, sign in enumerate((1.0, -1.0)):
        known = long_ramp.critical_current(
            length, flux, feed, sign, profile=long_ramp.boxes(values)
        )
        assert float(found.current[k]) == pytest.approx(known, abs=5e-6)


@pytest.mark.slow
def test_no_ramp_passes_a_static_state():
    """Two searches that know nothing of each other: equal where all shares push one way."""
    rng = np.random.default_rng(3)
    for k in range(30):
        length, flux = np.exp(rng.uniform(np.log(0.05), np.log(7.0))), rng.uniform(-2.5, 2.5)
        feed = rng.dirichlet(np.ones(3))
        if k % 3 == 0:
            feed = feed + rng.permutation([0.7, -0.7, 0.0])
        device = junction(length, flux, feed=feed, points=72)
        ramp, largest = device.states("ramp"), device.states()
        assert not np.any(ramp.status)
        assert not np.any(largest.status)
        assert np.all(np.asarray(ramp.current) <= np.asarray(largest.current) * (1 + 1e-9))
        if np.all(feed >= 0):
            assert np.asarray(ramp.current) == pytest.approx(np.asarray(largest.current), rel=1e-9)


@pytest.mark.slow
def test_a_ramp_may_end_lower_where_a_share_is_negative():
    """Finite differences of long_ramp.critical_current, and shooting for the largest."""
    length, flux, feed = 3.4, -1.6, (2.8, 0.1, -1.9)
    device = junction(length, flux, feed=feed, points=60)
    ramp, largest = device.states("ramp"), device.states()
    assert np.asarray(ramp.current) == pytest.approx((0.1248677254, 0.1736220678), abs=2e-6)
    current, step = long_junction.largest(length, flux, feed, -1.0, starts=600, levels=60, steps=50)
    assert current - 1e-3 <= float(largest.current[1]) <= current + step + 1e-3
    assert not np.any(largest.status)
    assert float(largest.current[1]) > 4 * float(ramp.current[1])


@pytest.mark.slow
def test_ramps_of_short_ones_and_symmetries():
    for flux in (0.3, 0.8, 1.4):
        found = junction(0.1, flux, criterion="ramp", points=40).critical_currents()
        assert float(found.plus) == pytest.approx(abs(np.sinc(flux)), abs=2e-4)
    one, turned = (
        junction(3.0, f, feed=(0.3, 0.1, 0.6), criterion="ramp", points=40).states().current
        for f in (0.6, -0.6)
    )
    assert np.asarray(one) == pytest.approx(np.asarray(turned)[::-1], abs=1e-10)


@pytest.mark.slow
def test_ramps_under_transformations():
    """Gradient of the sheet, several fluxes side by side, any unit of current."""
    mixed = junction(5.0, 0.5, feed=(0.4, 0.15, 0.45), criterion="ramp")
    slope = jax.grad(lambda d: jd.critical_currents(d).plus)(mixed)
    assert float(slope.flux) == pytest.approx(-0.4174863507, abs=2e-9)

    def plus(flux, unit):
        device = LongJunction(jd.TunnelJunction(unit), 2.0, flux, feed="right", points=36)
        return jd.critical_currents(device, "ramp").plus

    units = jnp.array([1e-9, 1e9])
    found = jax.jit(jax.vmap(plus))(jnp.array([0.3, 0.7]), units) / units
    assert np.asarray(found) == pytest.approx([0.6336340362, 0.2834648996], abs=2e-10)


@pytest.mark.slow
def test_states_of_the_same_energy():
    """sin φ − .8 sin 2φ rests at ±φ₀; that matters only where a share is negative."""
    for feed, status in (
        ((0.0, -0.3, 1.3), jd.Status.GROUND_STATES_TIE), ((0.5, 0.0, 0.5), jd.Status.CONVERGED)
    ):  # fmt: skip
        device = LongJunction(jd.Harmonics([1.0, -0.8]), 1.0, 0.0, feed=feed, points=30)
        found = device.states("ramp")
        assert np.all(np.asarray(found.status) == status)
        assert np.all(np.isfinite(np.asarray(found.current)))


@pytest.mark.slow
def test_profiles_with_steps():
    """Finite differences of long_ramp.critical_current."""
    known = [
        (2.0, 0.7, "uniform", [6.0, 5.0, 1.0], 0.5086994489, 0.6665740967),
        (4.0, 0.4, "right", [0.0, 1.0, 1.0, 0.0, 0.0, 2.0], 0.6206406593, 0.7548775673),
    ]
    for criterion, row in zip(("ramp", "largest"), known, strict=True):
        length, flux, feed, profile, plus, minus = row
        found = junction(
            length, flux, feed=feed, profile=profile, interpolation="boxes", criterion=criterion
        ).states()
        assert not np.any(found.status)
        assert np.asarray(found.current) == pytest.approx((plus, minus), abs=3e-6)


@pytest.mark.slow
def test_profiles_in_words():
    """Only the shape matters, and equal shapes give equal currents."""
    settings = {"feed": "right", "points": 40}

    def current(profile, interpolation="linear"):
        device = junction(2.0, 0.7, profile=profile, interpolation=interpolation, **settings)
        return np.asarray(device.states().current)

    uniform = (0.2834648996, 0.6398999202)
    assert current([7.0, 7.0, 7.0]) == pytest.approx(uniform, abs=1e-9)
    assert current([3.0, 3.0], "boxes") == pytest.approx(uniform, abs=1e-9)
    edges = current("edges")
    own = current(lambda x: 5 + 15 * (jnp.exp(-10 * (x + 0.5)) + jnp.exp(10 * (x - 0.5))))
    assert edges == pytest.approx(own, abs=1e-12)
    assert abs(edges[0] - uniform[0]) > 1e-3


@pytest.mark.slow
def test_gradients_of_a_profile():
    def plus(values):
        device = junction(2.0, 0.7, profile=values, interpolation="boxes", points=40)
        return jd.critical_currents(device).plus

    at, step = jnp.array([6.0, 5.0, 1.0]), 1e-4
    slope = jax.grad(plus)(at)
    for k in range(3):
        ends = [float(plus(at.at[k].add(s * step))) for s in (1, -1)]
        assert float(slope[k]) == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-7)


@pytest.mark.slow
def test_local_relations():
    """Two harmonics against finite differences; what cannot be resolved says so."""
    top = long_ramp.two_harmonics(0.3)[0](np.pi / 2)  # 1/largest
    local = jd.Harmonics([1.0, 0.3])
    found = LongJunction(local, 3.0, -0.6, feed=(0.4, 0.15, 0.45)).states("ramp")
    known = (0.6085226376851398, 0.3877410570780437)
    assert np.asarray(found.current) * top == pytest.approx(known, abs=3e-6)
    jump = LongJunction(jd.AndreevModes(1.0, 1.0), 3.0, 0.6, feed="right").states()
    assert np.all(np.asarray(jump.status) == jd.Status.NOT_RESOLVED)
    assert np.all(np.isnan(np.asarray(jump.current)))
    few = junction(5.0, 0.5, profile=[6.0, 5.0, 1.0], interpolation="boxes", points=14)
    assert np.all(np.asarray(few.states("ramp").status) == jd.Status.NOT_RESOLVED)


@pytest.mark.slow
@pytest.mark.parametrize("length", [16.0, 20.0, 30.0])
def test_edges_that_end_together(length):
    """Their modes are degenerate to e^{−ℓ}; 4 − 32 e^{−ℓ} is the limit of the elliptic I_c(0)."""
    critical = jax.jit(
        lambda flux: jd.critical_currents(
            jd.LongJunction(jd.TunnelJunction(1.0), length, flux, feed="edges", points=180)
        )
    )
    found = critical(0.0)
    assert float(found.plus) * length == pytest.approx(4 - 32 * np.exp(-length), abs=1e-9)
    slope = float(critical(1e-3).plus) - float(found.plus)
    for flux in (1e-15, 1e-6, 3e-5):  # the edge that ends first, linear in the field
        expected = float(found.plus) + slope * flux / 1e-3
        assert float(critical(flux).plus) == pytest.approx(expected, abs=1e-9)
        assert int(critical(flux).status) == jd.Status.CONVERGED


@pytest.mark.slow
def test_very_short_ones():
    for flux in (0.3, -1.3, 10.3):
        found = junction(1e-3, flux, feed="right", points=66).states()
        assert not np.any(found.status)
        assert np.asarray(found.current) == pytest.approx(abs(np.sinc(flux)), abs=3e-7)
