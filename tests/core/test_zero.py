"""Devices whose currents cancel: I± = 0 is known, only η is not."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxdiode as jd
from tests import helpers

current = st.floats(-9.0, 9.0).map(lambda x: float(10**x))


@settings(max_examples=15)
@given(current, st.integers(-3, 3))
def test_equal_junctions_at_half_a_flux_quantum(size, turns):
    """Largest current 2 I_c |cos πf| = 0: a corner in flux and in |a − b|, without a slope."""
    device = jd.Squid([jd.TunnelJunction(size)] * 2, [0.5 + turns])
    found = helpers.critical_currents(device)
    assert found.status == jd.Status.NO_SUPERCURRENT
    assert found.plus == found.minus == 0
    assert np.isnan(found.efficiency)
    assert np.isnan(helpers.flat_jacobian(device)).all()


@settings(max_examples=15)
@given(current, st.floats(-12.0, -1.0).map(lambda x: float(10**x)))
def test_nearly_equal_junctions_keep_their_difference(size, imbalance):
    """I± = |a − b|, to the rounding of a."""
    larger = size * (1 + imbalance)
    found = helpers.critical_currents(
        jd.Squid([jd.TunnelJunction(larger), jd.TunnelJunction(size)], [0.5])
    )
    assert found.status == jd.Status.CONVERGED
    helpers.assert_close([found.plus, found.minus], larger - size, absolute=1e-15 * size)


def test_zero_and_pi_junction():
    """A 0 and a π junction of one size at zero flux."""
    device = jd.Squid([jd.TunnelJunction(2.0), jd.Harmonics([-2.0])], [0.0])
    found = helpers.critical_currents(device)
    assert found.plus == found.minus == 0
    assert found.status == jd.Status.NO_SUPERCURRENT


def test_a_current_that_no_phase_changes_is_known():
    """I(φ) = 2: I₊ = 2 and I₋ = −2, an efficiency there is not."""

    class Constant(jd.AbstractPhaseBiased):
        def current(self, phase):
            return 2.0 + 0.0 * phase

    found = jd.critical_currents(Constant())
    assert found.status == jd.Status.NO_SUPERCURRENT
    assert (found.plus, found.minus) == (2.0, -2.0)
    assert np.isnan(found.efficiency)
    assert found.bounded_efficiency == 0
