"""Margins against closed forms and, of a double loop, against the dense reference."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxdiode as jd
from jaxdiode.studies.tolerance.moves import moves_of
from tests import helpers

QUIET = {"progress": False}
ALONE = {"pairs": False, "progress": False}


def test_a_tunnel_junction():
    found = jd.margins(jd.TunnelJunction(100.0), {"plus": (80, 130)}, **QUIET)
    np.testing.assert_allclose([found.low[0], found.high[0]], [80, 130], rtol=1e-9)
    np.testing.assert_allclose(found.relative, [[-0.2, 0.3]], rtol=1e-8)
    np.testing.assert_allclose(found.share, [np.log([1 / 0.8, 1.3]) / np.log(2)], rtol=1e-8)
    assert found.ended_by == (("plus ≥ 80", "plus ≤ 130"),)
    assert found.critical.side == "low"
    assert found.critical.value == found.low[0]
    assert found.pairs == ()
    assert found.nearest == ()


def test_what_does_not_fail_is_not_known():
    found = jd.margins(jd.TunnelJunction(100.0), {"plus": 80}, **QUIET)
    assert np.isnan(found.high[0])
    assert found.ended_by == (("plus ≥ 80", "reach"),)
    assert "> factor 2" in found.summary("nA")
    assert "80 -20.00% (plus ≥ 80)" in found.summary("nA")
    nothing = jd.margins(jd.TunnelJunction(100.0), {"plus": 8}, **QUIET)
    assert nothing.critical is None
    assert "nothing fails within the reach" in nothing.summary()
    assert nothing.plot().axes


def test_the_end_of_a_range_is_the_limit_itself():
    """τ · exp(ln(1/τ)) rounds to more than 1 for many τ."""
    taus = np.linspace(0.5, 0.99, 50)
    ends, slopes = [], []
    device = jax.jit(lambda moves, x: moves.values(x))
    for tau in taus:
        moves, allowed = moves_of(jd.AndreevModes(1.0, tau), "transparency", (), None)
        end, slope = jax.jvp(lambda x: device(moves, x), (allowed[:, 1],), (np.ones(1),))  # noqa: B023
        ends.append(float(end[0]))
        slopes.append(float(slope[0]))
    assert max(ends) == 1
    assert min(ends) > 1 - 1e-15
    np.testing.assert_allclose(slopes, np.log(2), rtol=1e-12)  # as of one that moves freely


@pytest.mark.thorough
@pytest.mark.parametrize("tau", [0.91, 0.93, 0.9301])
def test_up_to_a_limit_that_the_parameter_may_take(tau):
    """τ · (1/τ) may round to more than 1, where the device has no result: none of it is asked for.

    At τ = 1 there is one, of branches sin φ and A/2 sin φ'/√(1 − sin²(φ'/2)); its slope is not
    finite there, which fails nothing.
    """
    phase = np.linspace(0, 2 * np.pi, 2_000_001)[:-1]
    moved = phase - 2 * np.pi * 0.6
    current = np.sin(phase) + 0.7 * np.sin(moved) / np.maximum(np.abs(np.cos(moved / 2)), 1e-9)
    eta = (current.max() + current.min()) / (current.max() - current.min())
    squid = jd.Squid([jd.TunnelJunction(1.0), jd.AndreevModes(1.4, tau)], flux=[0.6])
    options = {"names": ["branches.1.transparency"], "points": 8, **ALONE}
    found = jd.margins(squid, {"efficiency": 0.15}, **options)
    assert eta > 0.4
    assert np.isnan(found.high[0])
    assert found.ended_by[0][1] == "device"
    assert "none up to its limit 1" in found.summary()
    assert np.all(found.status == jd.Status.CONVERGED)
    ended = jd.margins(squid, {"efficiency": (0.15, eta - 1e-6)}, **options)
    assert ended.ended_by[0][1].startswith("efficiency ≤")


@pytest.mark.thorough
def test_the_weaker_of_two_in_series():
    """I₊ = min(a, b)."""
    found = jd.margins(jd.SeriesJunctions(100.0, 80.0), {"plus": (64, 90)}, **QUIET)
    np.testing.assert_allclose(found.low, [64, 64], rtol=1e-9)
    np.testing.assert_allclose(found.high, [np.nan, 90], rtol=1e-9)
    # The boundary of the pair: min(a, b) leaves (64, 90) along every ray.
    a0, b0, ln2 = 100.0, 80.0, np.log(2)
    for angle, share in zip(found.angle, found.pair_share[0], strict=True):
        s = np.linspace(0, np.sqrt(2), 200001)
        ends = [100.0 * np.exp(ln2 * s * np.cos(angle)), b0 * np.exp(ln2 * s * np.sin(angle))]
        weaker = np.minimum(*ends)
        inside = np.max(np.abs(np.log([ends[0] / a0, ends[1] / b0])), axis=0) <= ln2 * (1 + 1e-9)
        out = ((weaker < 64) | (weaker > 90)) & inside
        if out.any():
            assert share == pytest.approx(s[np.argmax(out)], abs=1e-5)
        else:
            assert np.isnan(share)


@pytest.mark.parametrize("unit", [1.0, 1e-9, 1e9])
def test_harmonics_in_any_unit(unit):
    """A sin φ + B cos 2φ, −A/4 ≤ B < 0: η = −B/A; a coefficient of 0 takes the others' size."""

    def of(unit):
        relation, asked = (
            jd.Harmonics([100 * unit], [0.0, -20 * unit]),
            {"efficiency": (0.15, 0.22)},
        )
        return jd.margins(relation, asked, names=["sine.0", "cosine"], directions=4, **QUIET)

    found = of(unit)
    assert found.names == ("sine.0", "cosine.0", "cosine.1")
    np.testing.assert_allclose(found.width / unit, [100, 100, 20], rtol=1e-12)
    low, high = found.low / unit, found.high / unit
    np.testing.assert_allclose([low[0], high[0]], [20 / 0.22, 20 / 0.15], rtol=1e-9)
    np.testing.assert_allclose([low[2], high[2]], [-22, -15], rtol=1e-9)
    np.testing.assert_allclose(-low[1], high[1], rtol=1e-8)
    np.testing.assert_allclose(found.share, of(1.0).share, rtol=1e-8)


# ---- The double loop

PAIRS = [(420.0, 64.73), (380.0, 65.27), (49.21, 49.21)]


def double_loop(unit=1.0):
    return jd.Squid.from_pairs([(unit * a, unit * b) for a, b in PAIRS], flux=[0.4077, 0.4077])


def its_margins(unit=1.0, **settings):
    asked = {"efficiency": 0.5, "plus": (60 * unit, 100 * unit)}
    return jd.margins(double_loop(unit), asked, ties=["flux"], **(QUIET | settings))


@pytest.fixture(scope="module")
def found():
    return its_margins(points=32, directions=8)


def reference_meets(values):
    """By the dense evaluation of tests/reference."""
    at = dict(values)
    if "flux.0" in at:
        at["flux.1"] = at["flux.0"]
    plus, _, efficiency = helpers.dense_reference(jd.replace(double_loop(), at))
    return efficiency >= 0.5 and 60 <= plus <= 100


EPS = 1e-8  # of the reach


@pytest.mark.thorough
def test_every_margin_by_the_reference(found):
    assert found.names[-1] == "flux.0"
    seen = 0
    for k, side in itertools.product(range(7), (0, 1)):
        share, sign = found.share[k, side], (-1, 1)[side]
        if np.isnan(share):
            for x in np.linspace(0, 1, 11):
                assert reference_meets({found.names[k]: found.value(k, sign * x)})
            continue
        seen += 1
        assert found.value(k, sign * share) == (found.low, found.high)[side][k]
        for x in (*np.linspace(0, share - EPS, 6), share + EPS):
            assert reference_meets({found.names[k]: found.value(k, sign * x)}) == (x < share)
    assert seen == 10
    assert found.critical.name == "flux.0"
    assert found.critical.value == pytest.approx(0.4296, abs=1e-4)


@pytest.mark.thorough
def test_every_pair_by_the_reference(found):
    planes = list(itertools.combinations(range(7), 2))
    assert found.pair_share.shape == (21, 8)
    for k, ray in itertools.product(range(21), range(8)):
        i, j = planes[k]
        direction = np.round([np.cos(found.angle[ray]), np.sin(found.angle[ray])], 15)
        share = found.pair_share[k, ray]

        def meets(s, i=i, j=j, direction=direction):
            names = found.names[i], found.names[j]
            values = (found.value(m, s * d) for m, d in zip((i, j), direction, strict=True))
            return reference_meets(dict(zip(names, values, strict=True)))

        if np.isnan(share):
            assert meets(found.pair_reach[k, ray] * (1 - 1e-12))
        else:
            assert meets(share - EPS)
            assert not meets(share + EPS)


@pytest.mark.thorough
def test_the_nearest_of_a_pair(found):
    first = found.nearest[0]
    assert [p.share for p in found.nearest] == sorted(p.share for p in found.nearest)
    assert first.share <= np.nanmin(found.share)
    assert reference_meets(
        {name: value + 1e-9 * (d - value) for (name, value), d in zip(
            zip(first.names, first.values, strict=True),
            [float(found.nominal[found.names.index(n)]) for n in first.names], strict=True)}
    )  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_the_same_margins_in_any_unit(unit, found):
    other = its_margins(unit, points=32, directions=8)
    np.testing.assert_allclose(other.share, found.share, atol=1e-9)
    np.testing.assert_allclose(other.pair_share, found.pair_share, atol=1e-8)
    np.testing.assert_allclose(other.relative, found.relative, atol=1e-9)
    np.testing.assert_array_equal(other.fails, found.fails)


@pytest.mark.thorough
def test_figures_and_table(found, tmp_path):
    assert len(jd.plot.margin_pairs(found).axes) == 21
    assert len(jd.plot.margin_pairs(found, ["flux.0", "branches.2.first"]).axes) == 1
    widths = [bar.get_width() for bar in found.plot().axes[0].patches]
    known = 100 * found.relative.ravel()
    np.testing.assert_allclose(np.array(widths)[~np.isnan(known)], known[~np.isnan(known)])
    table = found.as_dict()
    assert table["parameters"]["flux.0"]["ended_by"] == ("efficiency ≥ 0.5", "efficiency ≥ 0.5")
    assert table["critical"]["name"] == "flux.0"
    assert "critical: flux.0 high at 0.4296" in found.summary("nA")
    with pytest.raises(ValueError, match="unknown parameter 'x'"):
        jd.plot.margin_pairs(found, ["x", "flux.0"])
    with pytest.raises(ValueError, match="at least two"):
        jd.plot.margin_pairs(found, ["flux.0"])
    with pytest.raises(ValueError, match="must hold pairs"):
        jd.plot.margin_pairs(jd.margins(jd.TunnelJunction(1.0), {"plus": 0.9}, **ALONE))


# ---- What a scan could miss


class Valley(jd.AbstractPhaseBiased):
    """A slack of any form along x, with nothing in between."""

    x: jax.Array
    shape: jax.Array = jd.parameter(table=True)

    def current(self, phase):
        return jnp.sin(phase)


def valley(*shape):
    return Valley(jnp.array(0.0), jnp.array(shape))


def smooth_dip(device):
    at, half = device.shape
    return (device.x - at) ** 2 - half**2


def corner(device):
    at, half = device.shape
    return jnp.abs(device.x - at) - half


def cusp(device):
    at, half = device.shape
    return jnp.sqrt(jnp.abs(device.x - at)) - jnp.sqrt(half)


@pytest.mark.parametrize("slack", [smooth_dip, corner, cusp])
@pytest.mark.parametrize("half", [1e-3, 1e-5])
@pytest.mark.parametrize("at", [0.5039, -0.7301, 0.2345])
def test_a_narrow_failing_dip(slack, half, at):
    """A hundredth to a thousandth of a step wide."""
    found = jd.margins(valley(at, half), {slack: 0.0}, **ALONE)
    edge = at - np.sign(at) * half
    side = int(at > 0)
    assert found.share[0, side] == pytest.approx(abs(edge), abs=1e-9)
    assert np.isnan(found.share[0, 1 - side])


def test_a_dip_of_a_bound_that_is_not_the_tightest_beside_it():
    asked = {smooth_dip: 0.0, (lambda d: 1e-6 + 0 * d.x): 0.0}
    found = jd.margins(valley(0.5039, 1e-4), asked, **ALONE)
    assert found.high[0] == pytest.approx(0.5038, abs=1e-9)
    assert found.ended_by[0] == ("reach", "smooth_dip ≥ 0")


def test_a_dip_that_does_not_fail():
    found = jd.margins(valley(0.5039, 1e-5), {lambda d: smooth_dip(d) + 2e-10: 0.0}, **ALONE)
    assert np.isnan(found.share).all()
    assert found.evaluations < 1000


def waves(device):
    """Up to ten periods within the reach."""
    level, *rest = device.shape
    a, p = jnp.stack(rest[:5]), jnp.stack(rest[5:])
    order = 2 * jnp.pi * jnp.array([1.0, 2.0, 4.0, 7.0, 10.0])
    return level + jnp.sum(a * (jnp.cos(order * device.x + p) - jnp.cos(p)))


@pytest.mark.thorough
@settings(max_examples=60)
@given(
    st.floats(1e-3, 2.0),
    st.lists(st.floats(-1, 1), min_size=5, max_size=5),
    st.lists(st.floats(0, 6.28), min_size=5, max_size=5),
)
def test_first_failures_of_any_wave(level, amplitude, phase):
    found = jd.margins(valley(level, *amplitude, *phase), {waves: 0.0}, **ALONE)
    x = np.linspace(0, 1, 400001)[:, None]
    order = 2 * np.pi * np.array([1.0, 2.0, 4.0, 7.0, 10.0])
    for side, sign in enumerate((-1, 1)):
        terms = np.cos(sign * order * x + phase) - np.cos(phase)
        value = level + np.sum(amplitude * terms, axis=1)
        share = found.share[0, side]
        if np.any(value < 0):
            assert share == pytest.approx(float(x[np.argmax(value < 0), 0]), abs=5e-6)
        elif not np.isnan(share):  # between two points of the grid
            k = int(share * 400000)
            assert np.min(value[k - 1 : k + 3]) < 1e-7


def test_no_result_is_a_failure():
    found = jd.margins(
        valley(0.3, 0.0),
        {lambda d: jnp.where(d.x > d.shape[0], jnp.nan, 1.0): 0.0},
        **ALONE,
    )
    assert found.high[0] == pytest.approx(0.3, abs=1e-9)
    assert found.ended_by == (("reach", "no result"),)
    assert found.status.tolist() == [[0, jd.Status.NONFINITE]]


def test_at_the_edge_already():
    found = jd.margins(jd.TunnelJunction(100.0), {lambda d: d.critical_current: 100.0}, **ALONE)
    assert found.low[0] == 100.0
    assert found.share[0, 0] == 0.0
    assert found.critical.relative == 0.0


# ---- Which parameters move, and how far


def test_no_further_than_the_device_allows():
    modes = jd.AndreevModes(40.0, [0.9])
    found = jd.margins(modes, {"plus": 20}, **ALONE)
    k = found.names.index("transparency.0")
    assert found.ended_by[k][1] == "device"
    assert found.reach[k, 1] == pytest.approx(1.0, abs=1e-12)
    assert "none up to its limit 1" in found.summary()
    full = jd.margins(jd.AndreevModes(40.0, [1.0]), {"plus": 20}, **ALONE)
    assert full.ended_by[k][1] == "device"
    assert full.allowed[k, 1] == 0.0


@pytest.mark.thorough
def test_a_gate_goes_as_far_as_its_map():
    """Linear, 10 at −1 V and 40 at 0.5 V: 30 at 0 V."""
    gate = jd.Gate(jd.GateMap([-1.0, 0.5], [10.0, 40.0]), 0.0)
    found = jd.margins(jd.TunnelJunction(gate), {"plus": 15}, **ALONE)
    assert found.names == ("critical_current.voltage",)
    assert found.low[0] == pytest.approx(-0.75, abs=1e-9)
    assert found.ended_by == (("plus ≥ 15", "device"),)
    assert found.reach[0].tolist() == [-1.0, 0.5]


def test_ties_move_together_by_one_factor():
    squid = jd.Squid([jd.TunnelJunction(60.0), jd.TunnelJunction(40.0)], flux=[0.0])
    found = jd.margins(squid, {"plus": (90, 120)}, ties=["branches"], **ALONE)
    assert found.names == ("branches.0.critical_current", "flux.0")
    np.testing.assert_allclose(found.low[0], 54, rtol=1e-9)  # 54 + 36
    np.testing.assert_allclose(found.high[0], 72, rtol=1e-9)
    # I₊² = 60² + 40² + 2·60·40 cos 2πf = 90²
    flux = np.arccos((8100 - 5200) / 4800) / (2 * np.pi)
    np.testing.assert_allclose([found.low[1], found.high[1]], [-flux, flux], rtol=1e-8)


def test_the_reach_may_be_chosen():
    squid = jd.Squid([jd.TunnelJunction(60.0), jd.TunnelJunction(40.0)], flux=[0.0])
    found = jd.margins(squid, {"plus": 90}, names="flux", reach={"flux": 0.1}, **ALONE)
    assert np.isnan(found.share).all()
    assert "> 0.1 Φ₀" in found.summary()
    wide = jd.margins(
        jd.TunnelJunction(100.0), {"plus": 30}, reach={"critical_current": 4}, **ALONE
    )
    assert wide.low[0] == pytest.approx(30, rel=1e-9)
    assert "> factor 4" in wide.summary()


@pytest.mark.thorough
def test_zero_inductances_and_angles():
    """A parameter of 0 takes the size of others of its unit, or of the currents."""
    junction = jd.PhaseShiftedJunction([100.0, 30.0], [0.0, 0.7])
    found = jd.margins(junction, {"plus": 80}, names="shift", **ALONE)
    np.testing.assert_allclose(found.width, np.pi)
    squid = jd.Squid([jd.TunnelJunction(60.0), jd.TunnelJunction(40.0)], [0.1], inductance=[0, 0])
    found = jd.margins(squid, {"plus": 60}, names="inductance", reach={"inductance": 1e-4}, **ALONE)
    assert found.allowed[:, 0].tolist() == [0.0, 0.0]
    assert found.ended_by[0] == ("device", "reach")


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"specification": {"plus": 101}},
            "must meet the specification plus ≥ 101, got plus = 100",
        ),
        ({"specification": {lambda d: jnp.nan * d.critical_current: 1}}, "got <lambda> = nan"),
        ({"specification": 3}, "specification must be a Specification"),
        ({"specification": {}}, "must ask for something"),
        ({"device": 3}, "device must be a jaxdiode device, got int"),
        ({"names": ["flux"]}, "unknown parameter 'flux'"),
        ({"names": []}, "names must name at least one"),
        ({"names": 3}, "names must be a list"),
        ({"ties": 3}, "ties must be a list"),
        ({"ties": [3]}, "ties must be names"),
        ({"ties": ["critical_current"]}, "ties must join at least two"),
        ({"reach": 3}, "reach must be"),
        ({"reach": {"critical_current": 1}}, "must be a factor above 1, got 1"),
        ({"reach": {"critical_current": "a"}}, "must be a real number"),
        ({"reach": {"flux": 2}}, "unknown parameter 'flux'"),
        ({"points": 1}, "points must be a whole number, at least 2"),
        ({"directions": 6}, "directions must be a multiple of 4, got 6"),
        ({"directions": 0}, "directions must be a whole number, at least 4"),
        ({"pairs": 1}, "pairs must be True or False"),
    ],
)
def test_what_is_refused(settings, said):
    given = {"device": jd.TunnelJunction(100.0), "specification": {"plus": 50}} | settings
    device, asked = given.pop("device"), given.pop("specification")
    with pytest.raises(ValueError, match=said):
        jd.margins(device, asked, **QUIET, **given)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ties": [("flux", "branches.0")]}, "all move by factors"),
        ({"ties": ["branches", "branches.0.*", "*"]}, "ties must name each parameter once|two"),
        ({"reach": {"flux": 0.0}}, "must be a distance above 0, got 0"),
        ({"reach": {"flux": 0.1, "*": 3.0}}, "reach must name each parameter once"),
        ({"names": "flux", "reach": {"branches": 3.0}}, "reach must be of parameters that move"),
    ],
)
def test_what_is_refused_of_several(settings, said):
    squid = jd.Squid([jd.TunnelJunction(60.0), jd.TunnelJunction(40.0)], flux=[0.0])
    with pytest.raises(ValueError, match=said):
        jd.margins(squid, {"plus": 50}, **ALONE, **settings)
