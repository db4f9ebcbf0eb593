"""SQUIDs in the flux of a coil and of their own bias line.

Reference: the dense NumPy search of `tests.reference.dense_squid` at given fluxes; with a bias line
the first root of I − G(f + M I) on a fine scan of I, by SciPy's brentq.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

import jaxdiode as jd
from tests import helpers
from tests.reference import dense_squid

PAIRS = [(300.0, 95.0), (110.0, 320.0)]
TURNS, COIL = 65.0, 0.005


def coil_biased(mutual=None, coil=COIL, inductance=None, pairs=PAIRS):
    squid = jd.Squid.from_pairs(pairs, [0.0], inductance)
    return jd.CoilBiasedSquid(squid, [TURNS], coil_current=coil, mutual_inductance=mutual)


def dense(coil, inductance=None, pairs=PAIRS):
    return dense_squid.critical_currents([("series", *p) for p in pairs], TURNS * coil, inductance)


def first_crossings(mutual, coil, points=400):
    """(I₊, I₋): where a ramp from zero first meets what the SQUID carries at that flux."""
    found = []
    for direction in (1, -1):

        def excess(bias, direction=direction):
            both = dense(coil + direction * mutual * bias / TURNS)
            return bias - both[0 if direction > 0 else 1]

        bias = np.linspace(0, 206, points)
        values = np.array([excess(x) for x in bias])
        first = int(np.argmax(values >= 0))
        found.append(brentq(excess, bias[first - 1], bias[first], xtol=1e-12))
    return found


@functools.cache
def evaluate():
    return jax.jit(jax.value_and_grad(jd.diode_efficiency))


@pytest.mark.thorough
def test_operated_at_its_coil_current():
    found = helpers.values(coil_biased())
    helpers.assert_close([found.plus, found.minus], dense(COIL), absolute=1e-9)
    along = coil_biased().switching_currents([0.0, COIL])
    helpers.assert_close([along.plus[1], along.minus[1]], dense(COIL), absolute=1e-9)
    shifted = jd.CoilBiasedSquid(coil_biased().squid, [TURNS], offset=[0.002], coil_current=0.007)
    assert jd.diode_efficiency(shifted) == pytest.approx(float(found.efficiency), abs=1e-12)


@pytest.mark.thorough
def test_a_bias_line_of_no_inductance_changes_nothing():
    plain, with_line = (helpers.values(coil_biased(m)) for m in (None, [0.0]))
    helpers.assert_close(
        [with_line.plus, with_line.minus], [plain.plus, plain.minus], absolute=1e-10
    )


# Up to strong coupling: the ramp adds a quarter of a quantum at 3e-3, more than one at .02.
@pytest.mark.thorough
@pytest.mark.parametrize("mutual", [1e-4, -5e-4, 3e-3, 0.02])
def test_flux_of_the_bias_line(mutual):
    found = helpers.values(coil_biased([mutual]))
    assert found.status == jd.Status.CONVERGED
    helpers.assert_close([found.plus, found.minus], first_crossings(mutual, COIL), absolute=1e-9)


@pytest.mark.slow
def test_any_bias_line():
    """Generated: any coupling and coil current."""

    @settings(max_examples=40)
    @given(st.floats(-4e-3, 4e-3), st.floats(-0.01, 0.01))
    def run(mutual, coil):
        found = helpers.values(coil_biased([mutual], coil))
        wanted = first_crossings(mutual, coil)
        helpers.assert_close([found.plus, found.minus], wanted, absolute=1e-8)

    run()


@pytest.mark.slow
def test_gradient_through_the_bias_line():
    """Against differences of the dense reference: dI = (∂G/∂p)/(1 − M ∂G/∂f)."""

    def efficiency(x):
        plus, minus = first_crossings(x[0] * 1e-3, x[1] * 1e-3, 60)
        return (plus - minus) / (plus + minus)

    _, slope = evaluate()(coil_biased([5e-4]))
    wanted = dense_squid.gradient(efficiency, np.array([0.5, 5.0]), np.array([0.02, 0.02]))
    found = [slope.mutual_inductance[0] * 1e-3, slope.coil_current * 1e-3]
    helpers.assert_close(found, wanted, absolute=1e-7)


@pytest.mark.thorough
def test_too_much_flux_of_the_bias_line_is_flagged():
    found = helpers.values(coil_biased([30.0]))
    assert found.status == jd.Status.NOT_CONVERGED
    assert np.isnan([found.plus, found.minus]).all()


def test_a_constant_self_flux_is_refused():
    with pytest.raises(ValueError, match="self_flux must be left out: a flux that the bias makes"):
        jd.CoilBiasedSquid(jd.Squid.from_pairs(PAIRS, [0]), [TURNS], self_flux=[0.1])
    with pytest.raises(ValueError, match="mutual_inductance must have length 1"):
        coil_biased([1e-4, 1e-4])
    with pytest.raises(ValueError, match="offset must be one number or one per loop"):
        jd.CoilBiasedSquid(jd.Squid.from_pairs(PAIRS, [0]), [TURNS], offset=[0.0, 0.1])
    with pytest.raises(ValueError, match="criterion must be left out for a SQUID"):
        jd.critical_currents(coil_biased(), "fold")


@pytest.mark.slow
def test_fitted_device_is_designed_and_swept_with_all_its_physics():
    """From a fit to the best coil current: η with the branch's inductance, not without it."""
    inductance = [8e-4, 0.0]  # multivalued from 1.15e-3 on
    truth = coil_biased(inductance=inductance)
    coil = jnp.linspace(-0.016, 0.016, 41)

    def model(device):
        found = device.switching_currents(coil)
        return found.plus, found.minus

    start = coil_biased(inductance=[6e-4, 0.0], coil=0.004)
    space = jd.Space(start, {"squid.inductance.0": (0, 1.1e-3)})
    fitted = jd.fit(model, space, model(truth), progress=False).device
    assert float(fitted.squid.inductance[0]) == pytest.approx(8e-4, rel=1e-8)
    best = jd.maximise(
        jd.diode_efficiency, jd.Space(fitted, {"coil_current": (0.001, 0.014)}),
        key=0, starts=8, steps=30, polish=30, rounds=1, progress=False,
    )  # fmt: skip
    at = float(best.device.coil_current)
    data = jd.sweep(
        jd.critical_currents, best.device, {"coil_current": np.append(coil, at)}, progress=False
    )
    assert float(data["efficiency"].max()) == pytest.approx(best.value, abs=1e-9)
    plus, minus = dense(at, inductance)
    assert (plus - minus) / (plus + minus) == pytest.approx(best.value, abs=1e-8)
    # The SQUID without its inductance is another diode.
    bare_plus, bare_minus = dense(at)
    assert abs((bare_plus - bare_minus) / (bare_plus + bare_minus) - best.value) > 0.02
