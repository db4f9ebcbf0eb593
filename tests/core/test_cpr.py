"""Harmonics, energy and inductance against closed forms.

Gauss panels that end at every kink integrate a jump as well as a sine: 1e-12 of the largest
current, a hundred times the rounding of a few hundred added terms.
"""

import jax
import numpy as np
import pytest

import jaxdiode as jd
from tests import helpers

relation = jax.jit(jd.current_phase_relation)


def close(actual, expected, scale=1.0, tolerance=1e-12):
    helpers.assert_close(actual, expected, absolute=tolerance * scale)


def test_nodes_cover_one_period_in_order():
    cpr = relation(jd.SeriesJunctions(100.0, 100.1))
    assert (np.diff(cpr.phase) >= 0).all()  # equal where a kink repeats a panel edge
    assert cpr.phase[0] >= 0
    assert cpr.phase[-1] < 2 * np.pi
    close(np.sum(cpr.weight), 2 * np.pi)
    assert cpr.status == jd.Status.CONVERGED


def test_sine_has_one_harmonic():
    sine, cosine = relation(jd.TunnelJunction(3.0)).harmonics(3)
    close(sine, [3.0, 0.0, 0.0], 3.0)
    close(cosine, np.zeros(3), 3.0)


def test_harmonics_of_a_jump():
    """(2/π)∫₀^π sin(φ/2) sin nφ dφ = (−1)ⁿ⁺¹ 8n/π(4n² − 1), a tail of 1/n."""
    sine, cosine = relation(jd.SeriesJunctions(5.0, 5.0)).harmonics(20)
    n = np.arange(1, 21)
    close(sine, 5 * (-1.0) ** (n + 1) * 8 * n / (np.pi * (4 * n**2 - 1)), 5.0)
    close(cosine, np.zeros(20), 5.0)


@pytest.mark.parametrize("second", [5.0, 5.0 * (1 + 1e-6), 5.01, 8.0])
def test_energy_of_a_series_pair(second):
    """E(φ) − E(0) = (a + b)(1 − √(1 − ρ sin²(φ/2))), ρ = 4ab/(a + b)²."""
    cpr = relation(jd.SeriesJunctions(5.0, second))
    total = 5.0 + second
    # Without the cancellation of √(1 − ρ sin²) near ρ = 1.
    s, c = np.sin(cpr.phase / 2), np.cos(cpr.phase / 2)
    root = np.hypot(c, (5.0 - second) / total * s)
    close(cpr.energy, total * (1 - root), total)


def test_energy_of_an_andreev_mode():
    """At T = 0 a mode of amplitude A has the energy 2A(1 − √(1 − τ sin²(φ/2)))."""
    cpr = relation(jd.AndreevModes(3.0, 0.9))
    close(cpr.energy, 6 * (1 - np.sqrt(1 - 0.9 * np.sin(cpr.phase / 2) ** 2)), 6.0)


def test_slope_and_inductance_of_a_sine():
    cpr = relation(jd.TunnelJunction(3.0))
    close(cpr.current, 3 * np.sin(cpr.phase), 3.0)
    close(cpr.slope, 3 * np.cos(cpr.phase), 3.0)
    expected = 1 / (6 * np.pi * np.cos(cpr.phase))
    np.testing.assert_allclose(cpr.inductance, expected, rtol=1e-9)


def test_round_trip_through_harmonics():
    sine, cosine = np.array([1.0, -0.3, 0.1]), np.array([0.2, 0.05, -0.02])
    found = relation(jd.Harmonics(sine, cosine)).harmonics(3)
    close(found[0], sine)
    close(found[1], cosine)
    # A pair of ρ = 0.64 has harmonics that fall as ((1 − √(1−ρ))/(1 + √(1−ρ)))ⁿ = 4⁻ⁿ.
    cpr = relation(jd.SeriesJunctions(1.0, 4.0))
    series = jd.Harmonics(*cpr.harmonics(30))
    close(series.current(cpr.phase), cpr.current)


def test_kinks_of_an_interferometer_are_panel_edges():
    """Harmonics of a SQUID are those of its branches, shifted: sum of bₙ exp(inδ)."""
    flux = 0.37
    both = relation(jd.Squid.from_pairs([(5, 5), (2, 2)], [flux])).harmonics(12)
    n = np.arange(1, 13)
    jump = (-1.0) ** (n + 1) * 8 * n / (np.pi * (4 * n**2 - 1))
    turn = 2 * np.pi * flux * n
    close(both[0], jump * (5 + 2 * np.cos(turn)), 7.0)
    close(both[1], -2 * jump * np.sin(turn), 7.0)


def test_critical_currents_are_those_of_the_device():
    device = jd.TunnelJunction(3.0)
    found = jax.jit(lambda d: jd.current_phase_relation(d).critical_currents())(device)
    close(found.plus, 3.0, 3.0)


def test_multivalued_relation_says_so():
    device = jd.Squid([jd.TunnelJunction(3.0)], [], inductance=[0.2])
    assert relation(device).status == jd.Status.MULTIVALUED
