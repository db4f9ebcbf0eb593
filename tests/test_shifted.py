"""Shifted phases: two harmonics of shared/physics/field.md, section 3, and any device."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from tests import helpers


@jax.jit
@jax.vmap
def two(r, delta):
    found = jd.critical_currents(jd.PhaseShiftedJunction(jnp.stack([1.0, r]), [0.0, delta]))
    return jnp.stack([found.plus, found.minus, found.efficiency])


def test_two_harmonics_of_the_sheet():
    found = two(jnp.array([0.2, 0.8]), jnp.array([0.7, 2.5]))
    expected = [
        [0.9410643548, 1.1583958283, -0.1035177877],
        [1.3574026003, 1.7185032401, -0.1173965194],
    ]
    helpers.assert_close(found, np.array(expected), absolute=1e-10)


def test_bound_of_two_harmonics():
    """|η| ≤ 1/3, at r = ½ and δ = ±π/2 alone."""
    found = two(jnp.array([0.5, 0.5]), jnp.array([np.pi / 2, -np.pi / 2]))
    expected = np.array([[0.75, 1.5, -1 / 3], [1.5, 0.75, 1 / 3]])
    helpers.assert_close(found, expected, absolute=1e-11)
    r, delta = np.meshgrid(np.linspace(0.05, 3.0, 30), np.linspace(-np.pi, np.pi, 32))
    assert np.max(np.abs(two(r.ravel(), delta.ravel())[:, 2])) < 1 / 3


def test_a_weak_second_harmonic():
    """η = −r sin δ + O(r³), the sign of the sheet."""
    found = two(jnp.full(3, 1e-3), jnp.array([0.4, -1.1, 3.0]))[:, 2]
    helpers.assert_close(found, -1e-3 * np.sin([0.4, -1.1, 3.0]), absolute=1e-8)


def _in_field(field, slopes, angle=None):
    return jd.PhaseShiftedJunction(
        [1.0, 0.3], [0.0, 0.0], field=field, shift_per_field=slopes, field_angle=angle
    )


def test_field():
    slopes = [1 / 200, 1 / 20]
    ahead, back = (helpers.values(_in_field(b, slopes)) for b in (50.0, -50.0))
    direct = helpers.values(jd.PhaseShiftedJunction([1.0, 0.3], [0.25, 2.5]))
    helpers.assert_close([ahead.plus, ahead.minus], [direct.plus, direct.minus], absolute=1e-12)
    helpers.assert_close([back.plus, back.minus], [ahead.minus, ahead.plus], absolute=1e-12)
    turned = helpers.values(_in_field(100.0, slopes, np.pi / 3))
    helpers.assert_close(turned.efficiency, ahead.efficiency, absolute=1e-12)
    # φ₂ = 2φ₁ is one shift of the phase: no diode, said by a list or by a number.
    for same in ([0.01, 0.02], 0.01):
        found = helpers.values(_in_field(50.0, same))
        helpers.assert_close(found.efficiency, 0.0, absolute=1e-12)


@pytest.mark.thorough
def test_any_device_at_a_shifted_phase():
    modes = jd.AndreevModes([3.0, 1.0], [1.0, 0.7])
    shifted = jd.PhaseShiftedJunction(modes, 0.4)
    phase = jnp.linspace(0.0, 6.0, 9)
    helpers.assert_close(shifted.current(phase), modes.current(phase + 0.4), absolute=1e-14)
    plain, found = helpers.values(modes), helpers.values(shifted)
    helpers.assert_close(found.plus, plain.plus, absolute=1e-11)
    turn = found.phase_plus - plain.phase_plus
    helpers.assert_close(turn, -0.4, absolute=1e-7)


def test_it_is_a_series_of_harmonics():
    device = jd.PhaseShiftedJunction(jd.Harmonics([1.0, -0.2], [0.3, 0.1]), [0.4, -0.9])
    phase = np.linspace(0, 6, 11)
    expected = sum(
        a * np.sin(n * phase + x) + b * np.cos(n * phase + x)
        for n, a, b, x in ((1, 1.0, 0.3, 0.4), (2, -0.2, 0.1, -0.9))
    )
    helpers.assert_close(device.harmonics().current(jnp.asarray(phase)), expected, absolute=1e-14)
    helpers.assert_close(device.current(jnp.asarray(phase)), expected, absolute=1e-14)
    together = jd.PhaseShiftedJunction(device.device, 0.4)
    helpers.assert_close(
        together.harmonics().current(jnp.asarray(phase)),
        device.device.current(jnp.asarray(phase + 0.4)),
        absolute=1e-14,
    )


def test_arguments():
    with pytest.raises(ValueError, match=r"shift must have length 2 \(one per harmonic\), got 3"):
        jd.PhaseShiftedJunction([1.0, 0.3], [0.0, 1.0, 2.0])
    with pytest.raises(ValueError, match="shift must be one number for a TunnelJunction"):
        jd.PhaseShiftedJunction(jd.TunnelJunction(1.0), [0.0, 1.0])
    with pytest.raises(ValueError, match="must come together, got field alone"):
        jd.PhaseShiftedJunction([1.0, 0.3], 0.0, field=1.0)
    with pytest.raises(ValueError, match="must come together, got shift_per_field alone"):
        jd.PhaseShiftedJunction([1.0, 0.3], 0.0, shift_per_field=1.0)
    with pytest.raises(ValueError, match="field_angle must be left out without a field, got 1"):
        jd.PhaseShiftedJunction([1.0, 0.3], 0.0, field_angle=1.0)
    with pytest.raises(ValueError, match="device must be Harmonics, got TunnelJunction"):
        jd.PhaseShiftedJunction(jd.TunnelJunction(1.0), 0.2).harmonics()
