"""`iv_curve` of a phase-slip wire against independent code, and its errors against exact numbers.

tests/reference/phase_slip.py follows a history through all stationary states; its voltages agree
with mpmath to 6e-15. Next to the onset, where V rises vertically, the last digits of the current
decide: there the distance j − k_c is worked out in 40 digits, and the error that the curve states
must cover what is left.
"""

import decimal
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import Status
from tests.devices.test_phase_slip import (
    ONE_STRONGER,
    S_SHAPED,
    SCALED,
    THREE,
    TWO,
    on_curve,
    turned,
    wire,
)
from tests.files.test_saved import returned, same
from tests.problems.wire import rescaled
from tests.reference import dense_squid
from tests.reference import phase_slip as reference

POINTS = 14


def biases(p):
    """Through both onsets and the flip, and both zero and a bias inside the hysteresis of TWO."""
    arguments, scale = rescaled(p)
    known = reference.criteria(*arguments)
    top = 1.3 * scale * np.nanmax([*known["flip"], 2 * known["onset"][0]])
    rise = np.linspace(0, 1, POINTS // 2 + 1)[1:] ** 3 * top
    return np.concatenate([-1.07 * rise[::-1], [0.0], rise])


@cache
def swept(p):
    return jd.iv_curve(wire(p), biases(p))


def polished(arguments, current, state):
    """V of a state by Newton steps in δ = Φ₀ − Φ: roots in Φ leave 1e-14 of Φ, 1e-13 of V."""
    zero, coupling, beta, alpha = arguments
    zero, side = abs(zero), np.sign(state.polarization)
    if state.voltage == 0:
        return 0.0
    curve = reference.Curve(zero, coupling, beta, alpha)
    delta = zero - side * state.polarization
    for step in range(3):
        volts = delta * (2 * zero - delta) * (zero - delta) / zero**2 / curve.c
        strength = float(curve.strength(zero - delta)) ** 1.5
        found = abs(volts)
        if strength > 0:
            found = strength * float(reference.inverse(found / strength))
        missing = np.sign(volts) * found - side * current
        if step < 2:
            delta += missing / curve.change(zero - delta)
    return side * volts


@cache
def expected(p):
    """(V, dV/dj) of both sweeps, (2, n) each."""
    arguments, scale = rescaled(p)
    j = biases(p) / scale
    way = np.concatenate([j, j[::-1]])
    volts, valley = reference.quasi_static(way, *arguments)
    slopes = []
    for n, (current, v, phi) in enumerate(zip(way, volts, valley, strict=True)):
        states = reference.wire_states(current, *arguments)
        near = min(states, key=lambda s: abs(s.voltage - v) + abs(s.polarization - phi))
        slopes.append(near.slope)
        volts[n] = polished(arguments, current, near)
    return tuple(
        np.stack([x[: j.size], x[j.size :][::-1]]) for x in (scale * volts, np.array(slopes))
    )


CASES = (ONE_STRONGER, TWO, THREE, SCALED, S_SHAPED, turned(S_SHAPED))


@pytest.mark.thorough
@pytest.mark.parametrize("p", CASES)
def test_both_sweeps_are_the_quasi_static_ones(p):
    curve, (volts, slopes) = swept(p), expected(p)
    assert isinstance(curve, jd.results.IVCurve)
    for found, error, v in zip(
        (curve.up, curve.down), (curve.up_error, curve.down_error), volts, strict=True
    ):
        missed = np.abs(np.asarray(found) - v)
        assert (missed <= np.asarray(error) + 6e-15 * np.abs(v)).all()  # and the reference's
        assert (np.asarray(error) <= 1e-11 * np.abs(v)).all()
        assert (np.asarray(error)[v == 0] == 0).all()
    np.testing.assert_allclose(np.stack(curve.resistance()), slopes, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(curve.status, np.full(curve.current.size, Status.CONVERGED))


@pytest.mark.slow
def test_the_sweeps_differ_where_the_valley_has_flipped():
    """Regime II flips at j = 1.53 and not on the way back: at −1 and 1 both valleys are seen."""
    curve = jd.iv_curve(wire(TWO), [-1.0, 1.0, 1.7])
    np.testing.assert_allclose(curve.up, [-1.0, 0.94863637, 1.7], atol=1e-8)
    np.testing.assert_allclose(curve.down, [-0.94863637, 1.0, 1.7], atol=1e-8)


@pytest.mark.slow
def test_hysteresis_between_retrapping_and_onset():
    """Of the sheet: Regime I with c₁ = .1, the direction that strengthens the polarisation."""
    retrap, onset = 0.101477346, 0.10178738043
    inside = np.linspace(retrap, onset, 5)[1:-1]
    curve = jd.iv_curve(wire(turned(ONE_STRONGER)), [0.999 * retrap, *inside, 1.001 * onset])
    np.testing.assert_array_equal(np.asarray(curve.up) > 0, [False, False, False, False, True])
    np.testing.assert_array_equal(np.asarray(curve.down) > 0, [False, True, True, True, True])
    weakened = jd.iv_curve(wire(ONE_STRONGER), [0.999 * retrap, *inside, 1.001 * onset])
    np.testing.assert_array_equal(weakened.up, weakened.down)


def test_next_to_the_onset_the_errors_hold():
    """A plain wire at k_c(1 + 10⁻ⁿ): V ≃ .3505/(−.5964 − ln κ) with κ = j − k_c of the float j."""
    with decimal.localcontext(prec=40):
        three = decimal.Decimal(3)
        critical = 2 / (3 * three.sqrt())
        currents = float(critical) * (1 + 10.0 ** -np.arange(15.0, 0.0, -1.0))
        kappa = [float(decimal.Decimal(float(j)) - critical) for j in currents]
    exact, _ = reference.voltage_of_log(np.log(kappa))
    curve = jd.iv_curve(jd.PhaseSlipWire(), currents)
    missed, error = np.abs(np.asarray(curve.up) - exact), np.asarray(curve.up_error)
    assert (missed <= error + 1e-14 * exact).all()
    np.testing.assert_array_equal(curve.up, curve.down)
    # What the curve calls accurate is, and where the last digit decides it says so.
    vague = np.asarray(curve.status) == Status.NOT_CONVERGED
    np.testing.assert_array_equal(vague, error > 1e-6 * np.asarray(curve.up))
    assert vague[0]
    assert not vague[6:].any()
    assert (error < 300 * np.maximum(missed, 1e-16 * exact / kappa)).all()
    assert f"{vague.sum()} of 15 biases have errors above" in curve.summary()
    looser = jd.iv_curve(jd.PhaseSlipWire(), currents, tolerance=1e-3)
    few = np.asarray(looser.status) == Status.NOT_CONVERGED
    np.testing.assert_array_equal(few, error > 1e-3 * np.asarray(curve.up))
    assert few.sum() < vague.sum()


@pytest.mark.thorough
@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_units_of_current(factor):
    """ε^{3/2}, β^{3/2} and 1/c₁ are currents; V too."""
    epsilon, zero, coupling, beta, alpha = TWO
    root = factor ** (2 / 3)
    other = jd.iv_curve(
        wire((root * epsilon, zero, coupling / factor, root * beta, alpha)), factor * biases(TWO)
    )
    one = swept(TWO)
    for name in ("up", "down"):
        np.testing.assert_allclose(getattr(other, name), factor * getattr(one, name), rtol=1e-11)
        np.testing.assert_array_less(getattr(other, f"{name}_error"), 3e-12 * factor)
    np.testing.assert_allclose(other.resistance(), one.resistance(), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(other.status, one.status)


@pytest.mark.slow
def test_lanes_and_gradients():
    """Lanes are single wires; gradients against differences of the reference's curve."""
    j = jnp.asarray([-0.9, 0.5, 1.1])

    def up(vector, j):
        curve = jd.iv_curve(wire(vector), j)
        return curve.up, curve

    several = jnp.asarray([SCALED, (1.1, *SCALED[1:])])
    derivatives = jax.jit(jax.vmap(jax.jacfwd(up, argnums=(0, 1), has_aux=True), (0, None)))
    (by_parameters, by_current), curves = derivatives(several, j)
    for lane, p in enumerate(several):
        np.testing.assert_allclose(curves.up[lane], jd.iv_curve(wire(p), j).up, rtol=1e-12)
        slopes = curves.resistance()[0][lane]
        np.testing.assert_allclose(by_current[lane], np.diag(slopes), rtol=1e-8, atol=1e-9)

    def volts(vector):
        return on_curve(vector, 1.1, None, 1 - 1e-9)[1]

    vector = np.array(SCALED)
    expected = dense_squid.gradient(volts, vector, 2e-3 * np.abs(vector))
    largest = np.max(np.abs(expected))
    np.testing.assert_allclose(by_parameters[0, 2], expected, atol=1e-6 * largest)


@pytest.mark.slow
def test_what_is_not_known_is_nan():
    """Parameters and currents that are NaN inside a program: never a voltage of 0."""
    j = jnp.asarray([0.2, 0.9])
    curve = jax.jit(lambda e: jd.iv_curve(jd.PhaseSlipWire(e), j))(jnp.nan)
    for name in ("up", "down", "up_error", "down_error"):
        assert np.isnan(getattr(curve, name)).all(), name
    np.testing.assert_array_equal(curve.status, [Status.NONFINITE] * 2)
    curve = jax.jit(lambda j: jd.iv_curve(jd.PhaseSlipWire(), j))(jnp.asarray([0.2, jnp.nan, 0.9]))
    np.testing.assert_array_equal(np.isnan(curve.up), [False, True, True])
    assert np.isnan(curve.down).all()  # the way down begins after it
    state = jax.jit(lambda e: jd.PhaseSlipWire(e).state(j))(jnp.nan)
    assert np.isnan(state.voltage).all()
    assert not np.any(state.status == Status.CONVERGED)
    state = jax.jit(lambda j: jd.PhaseSlipWire().state(j))(jnp.asarray([0.2, jnp.nan]))
    np.testing.assert_array_equal(np.isnan(state.voltage), [False, True])


def test_saved_drawn_and_in_words(tmp_path):
    curve = swept(TWO)
    same(curve, returned(curve, tmp_path))
    figure = curve.plot()
    (axes,) = figure.axes
    assert axes.get_xlabel() == "bias ($j_0$)"
    assert axes.get_ylabel() == r"mean voltage ($\rho_Nj_0$)"
    assert len(jd.plot.iv(curve, resistance=True).axes) == 2
    assert curve.summary().startswith("no voltage on the way up from ")
    names = {f"{what}_{way}" for what in ("voltage", "error", "status", "slope")
             for way in ("up", "down")}  # fmt: skip
    assert set(curve.as_dict()) == {"current"} | names


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"duration": 100.0}, "duration must be left out for a PhaseSlipWire, whose states are st"),
        ({"longest": 100.0}, "longest must be left out for a PhaseSlipWire"),
        ({"noise": 0.1, "key": 0}, "noise must be left out for a PhaseSlipWire"),
        ({"tolerance": 0.0}, "tolerance must be positive, got 0"),
    ],
)
def test_what_a_stationary_wire_does_not_take(options, said):
    with pytest.raises(ValueError, match=said):
        jd.iv_curve(jd.PhaseSlipWire(), [0.5], **options)


@pytest.mark.thorough
def test_biases_are_checked():
    for currents, said in (([], "at least one bias"), ([1.0, 0.5], "currents must increase")):
        with pytest.raises(ValueError, match=said):
            jd.iv_curve(jd.PhaseSlipWire(), currents)
    assert jd.iv_curve(jd.PhaseSlipWire(), [0.5], noise=0).up[0] > 0
