"""Junctions of a normal resistance: shared/physics/field.md, section 4, and the limits of modes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import units
from tests import helpers
from tests.reference import short_junctions as reference

OHM, KELVIN = 50.0, 1.2
VOLT = reference.RATIO * units.boltzmann * KELVIN / units.elementary_charge  # Δ₀/e
KINDS = (jd.AmbegaokarBaratoffJunction, jd.DiffusivePointContact, jd.BallisticPointContact)
kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)

TABLE = np.array(
    [  # T/T_c, AB/(πΔ₀/2e), KO-1 in Δ₀/e, KO-2 in πΔ₀/e
        (0.2, 0.9995808423, 2.06782405, 0.86421204),
        (0.5, 0.8936058017, 1.65906651, 0.58709200),
        (0.8, 0.4656781166, 0.77471741, 0.25428475),
        (0.95, 0.1289635924, 0.20529614, 0.06579161),
    ]
)


@pytest.mark.thorough
@kinds
def test_critical_currents_of_the_sheet(kind):
    column = KINDS.index(kind)

    @jax.jit
    @jax.vmap
    def plus(t):
        found = jd.critical_currents(kind(OHM, KELVIN, temperature=KELVIN * t))
        return jnp.stack([found.plus, found.minus, found.status.astype(float)])

    unit = (np.pi / 2, 1.0, np.pi)[column] * VOLT / OHM
    found = plus(TABLE[:, 0])
    last = (1e-10, 1e-8, 1e-8)[column]
    helpers.assert_close(found[:, 0] / unit, TABLE[:, 1 + column], absolute=last)
    helpers.assert_close(found[:, 1], found[:, 0], absolute=1e-12 * unit)
    assert (found[:, 2] == 0).all()
    ends = plus(jnp.array([0.0, 1.0, 1.5]))
    cold = (1.0, 2.0820698574, 1.0)[column]
    helpers.assert_close(ends[0, 0] / unit, cold, absolute=1e-10)
    assert (ends[1:, :2] == 0).all()
    assert (ends[1:, 2] == jd.Status.NO_SUPERCURRENT).all()


@pytest.mark.thorough
@kinds
def test_any_unit_of_current(kind):
    """Ohms to gigaohms: amperes to nanoamperes."""
    plain, other = (helpers.values(kind(r, KELVIN, temperature=0.7)) for r in (OHM, 1e9 * OHM))
    helpers.assert_close(1e9 * other.plus / plain.plus, 1.0, absolute=1e-12)
    assert other.status == plain.status == jd.Status.CONVERGED


@pytest.mark.thorough
def test_phase_of_the_diffusive_contact():
    found = helpers.values(jd.DiffusivePointContact(OHM, KELVIN))
    helpers.assert_close(found.phase_plus, 1.9710294724, absolute=2e-7)  # a flat maximum


@pytest.mark.thorough
def test_diffusive_contacts_are_dorokhov_averages():
    phase = np.linspace(-3.0, 3.0, 25)
    for t in (0.3, 0.6, 0.9):
        found = jd.DiffusivePointContact(OHM, KELVIN, temperature=t * KELVIN)
        delta = reference.gap(t)
        expected = VOLT * delta / OHM * reference.diffusive(phase, t / (reference.RATIO * delta))
        helpers.assert_close(
            found.current(jnp.asarray(phase)), expected, absolute=1e-11 * VOLT / OHM
        )
    cold = jd.DiffusivePointContact(OHM, KELVIN)
    s, c = np.sin(phase / 2), np.cos(phase / 2)
    helpers.assert_close(
        cold.current(jnp.asarray(phase)), VOLT / OHM * np.pi * c * np.arctanh(s),
        absolute=1e-12 * VOLT / OHM,
    )  # fmt: skip


@pytest.mark.thorough
def test_tunnel_and_ballistic_limits_of_modes():
    """A mode's resistance is h/2e²τ: eR_N A τ = πΔ in eΔ/ħ = A."""
    phase = jnp.linspace(0.1, 6.2, 13)
    for t in (0.0, 0.4, 0.8):
        many = jd.AndreevModes(1.0, 1e-9).at_reduced_temperature(t)
        tunnel = jd.AmbegaokarBaratoffJunction(OHM, KELVIN, temperature=t * KELVIN)
        unit = np.pi * VOLT / OHM
        helpers.assert_close(
            1e9 * many.current(phase) * unit, tunnel.current(phase), absolute=2e-9 * unit
        )
        one = jd.AndreevModes(1.0, 1.0).at_reduced_temperature(t)
        contact = jd.BallisticPointContact(OHM, KELVIN, temperature=t * KELVIN)
        helpers.assert_close(
            one.current(phase) * unit, contact.current(phase), absolute=1e-13 * unit
        )


@pytest.mark.thorough
@kinds
def test_slopes(kind):
    """dI/dT, dI/dT_c and dI/dR at a phase, against differences; 0 in T at T = 0."""
    phase = jnp.array(1.3)

    @jax.jit
    def current(x):
        return kind(x[0], x[1], temperature=x[2]).current(phase)

    at, h = np.array([OHM, KELVIN, 0.7]), 1e-4
    found = jax.jit(jax.grad(current))(jnp.asarray(at))
    for k in range(3):
        step = h * at[k] * np.eye(3)[k]
        expected = (current(at + step) - current(at - step)) / (2 * h * at[k])
        helpers.assert_close(found[k], expected, absolute=1e-7 * VOLT / OHM)
    assert jax.grad(current)(jnp.array([OHM, KELVIN, 0.0]))[2] == 0.0


def test_one_temperature_for_a_loop():
    one, two = (jd.AmbegaokarBaratoffJunction(r, KELVIN, temperature=0.2) for r in (OHM, 80.0))
    squid = jd.Squid([one, two], flux=[0.3])
    warm = jd.replace(squid, {"branches.*.temperature": 0.9})
    plus = [float(b.magnitude()) for b in warm.branches]
    expected = np.abs(plus[0] + plus[1] * np.exp(-0.6j * np.pi))
    helpers.assert_close(helpers.values(warm).plus, expected, absolute=1e-11 * expected)


def test_arguments():
    with pytest.raises(ValueError, match="resistance must be positive, got 0"):
        jd.AmbegaokarBaratoffJunction(0.0, 1.2)
    with pytest.raises(ValueError, match="critical_temperature must be positive"):
        jd.DiffusivePointContact(1.0, -1.2)
    with pytest.raises(ValueError, match=r"^temperature must be at least 0, got -1"):
        jd.BallisticPointContact(1.0, 1.2, temperature=-1.0)


def test_gap_voltage():
    junction = jd.AmbegaokarBaratoffJunction(OHM, KELVIN, temperature=0.8 * KELVIN)
    helpers.assert_close(junction.gap_voltage, 0.7110430424 * VOLT, absolute=1e-10 * VOLT)
    helpers.assert_close(1e-3 * units.zero_temperature_gap(KELVIN), VOLT, absolute=1e-15)


@pytest.mark.thorough
@kinds
def test_power_series(kind):
    """Of what is left when the temperature is worked out: no other rule is in its way."""
    junction = kind(OHM, KELVIN, temperature=0.6)
    found = junction.taylor(0.7, 3).current
    current = junction.current
    slope = jax.grad(current)
    phase = jnp.array(0.7)
    expected = [current(phase), slope(phase), jax.grad(slope)(phase) / 2]
    helpers.assert_close(found, np.array(expected), absolute=1e-12 * VOLT / OHM)
