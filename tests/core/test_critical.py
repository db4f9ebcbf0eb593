"""Critical currents against the dense NumPy evaluation, over random and adversarial devices.

Tolerance: 1e-9 in η, and what `critical_currents` promises, 1e-11 of the largest
current. Imbalances from 0 to 3 % place the extrema at distances 1e-13 … 1 from a kink; fluxes of
exactly 0, 1/2 and 1e-7 make kinks coincide, peaks tie and two kinks share one grid cell.
"""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxdiode as jd
from tests import helpers

IMBALANCES = [0.0, *(sign * x for x in (1e-9, 1e-6, 1e-3, 0.03) for sign in (1, -1))]

energy = st.floats(1.0, 400.0)
pair = st.one_of(
    st.tuples(energy, st.sampled_from(IMBALANCES)).map(lambda x: (x[0], x[0] * (1 + x[1]))),
    st.tuples(energy, energy),
)
flux = st.one_of(
    st.sampled_from([0.0, 0.5, -0.5, 1e-7, 0.25]), st.floats(-1.0, 1.0).map(lambda x: round(x, 10))
)


def check(device):
    found = helpers.values(device)
    plus, minus, efficiency = helpers.dense_reference(device)
    assert int(found.status) == jd.Status.CONVERGED
    scale = 1e-11 * max(plus, minus)
    helpers.assert_close([found.plus, found.minus], [plus, minus], absolute=scale)
    helpers.assert_close(found.efficiency, efficiency, absolute=1e-9)


@pytest.mark.thorough
@pytest.mark.parametrize("count", [2, 3, 4, 8])
def test_series_pairs(count):
    @settings(max_examples=75)
    @given(
        st.lists(pair, min_size=count, max_size=count),
        st.lists(flux, min_size=count - 1, max_size=count - 1),
    )
    def run(pairs, fluxes):
        check(jd.Squid.from_pairs(pairs, fluxes))

    run()


@pytest.mark.thorough
@pytest.mark.parametrize("count", [3, 4, 8])
def test_nearly_regular_array(count):
    """Equal branches at fluxes close to 1/N: as many peaks as branches, all nearly tied."""

    @settings(max_examples=40)
    @given(
        energy,
        st.lists(st.floats(-1, 1), min_size=3 * count, max_size=3 * count),
        st.sampled_from([0.0, 1e-9, 1e-6, 1e-4, 1e-2]),
        st.sampled_from([0.0, 1e-6, 1e-3, 0.1, 1.0]),
    )
    def run(size, noise, spread, imbalance):
        noise = np.round(np.reshape(noise, (3, count)), 3)
        first = size * (1 + spread * noise[0])
        pairs = np.stack([first, first * (1 + imbalance * noise[1] / 2)], axis=1)
        check(jd.Squid.from_pairs(list(map(tuple, pairs)), 1 / count + spread * noise[2][1:]))

    run()


@pytest.mark.thorough
@pytest.mark.parametrize("flux", [1 / 8, 3 / 64, 0.2, 0.1237])
def test_exactly_balanced_array(flux):
    """Eight jumps: more local maxima at jumps than candidates are polished."""
    rng = np.random.default_rng(5)
    for sizes in rng.uniform(0.5, 1.5, (20, 8)):
        check(jd.Squid.from_pairs([(x, x) for x in sizes], np.full(7, flux)))


@pytest.mark.thorough
@pytest.mark.parametrize("order", [2, 5, 8])
def test_nearly_periodic_harmonics(order):
    """One strong harmonic and weak others: `order` nearly tied peaks on a uniform grid."""

    @settings(max_examples=40)
    @given(
        st.lists(st.floats(-1, 1), min_size=16, max_size=16),
        st.sampled_from([0.0, 1e-8, 1e-6, 1e-4, 1e-2, 0.3]),
    )
    def run(weak, size):
        sine, cosine = size * np.reshape(weak, (2, 8))
        sine[order - 1] += 1.0
        check(jd.Harmonics(sine, cosine))

    run()


@pytest.mark.thorough
def test_modes_of_many_scales():
    """Transparencies from tunnel to ballistic in one branch, hot and cold."""

    @settings(max_examples=60)
    @given(
        st.floats(0.1, 10.0),
        st.one_of(st.sampled_from([0.5, 1e-2, 1e-4, 1e-8, 1e-12, 0.0]), st.floats(0.0, 1.0)),
        st.sampled_from([0.0, 1e-4, 1e-2, 0.1, 1.0]),
        flux,
    )
    def run(amplitude, reflection, temperature, applied):
        cold = jd.AndreevModes([amplitude], [1 - reflection], gap=1.0, temperature=temperature)
        warm = jd.AndreevModes([1.0], [0.7], gap=1.3, temperature=0.2)
        check(jd.Squid([cold, warm], [applied]))

    run()


@pytest.mark.thorough
def test_flux_of_one_quantum_changes_nothing():
    device = jd.Squid.from_pairs([(420, 80), (380, 90), (80, 90)], (0.403, 0.403))
    turned = jd.Squid.from_pairs([(420, 80), (380, 90), (80, 90)], (1.403, -1.597))
    one, two = map(helpers.values, (device, turned))
    helpers.assert_close(two.efficiency, one.efficiency, absolute=1e-12)


@pytest.mark.thorough
def test_efficiency_of_signed_currents():
    """A supra-perfect diode keeps the sign of its currents, and |η| exceeds 1."""
    found = jd.CriticalCurrents(jnp.array(3.0), jnp.array(-1.0), jnp.array(0))
    assert found.efficiency == 2.0
