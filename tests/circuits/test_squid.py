"""A SQUID is a circuit: where its relation is not single-valued, the circuit's numbers count."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.numerics.status import Status
from tests.reference import two_junctions


def squid(inductance, flux=0.1):
    branches = [jd.TunnelJunction(1.3), jd.TunnelJunction(0.7)]
    return jd.Squid(branches, flux=[flux], inductance=[inductance, inductance])


@pytest.mark.slow
def test_across_the_single_valued_limit():
    """The same program for both sides, against an exhaustive search; gradients too."""
    inductance = jnp.array([0.02, 0.08, 0.13, 0.3, 0.75])  # 2πL·1.3 = 1 at .122

    def both(inductance):
        found = jd.critical_currents(squid(inductance))
        return jnp.stack([found.plus, found.minus]), found.status

    values, status = jax.jit(jax.vmap(both))(inductance)
    slopes = jax.jit(jax.vmap(jax.jacrev(lambda x: both(x)[0])))(inductance)
    np.testing.assert_array_equal(status, Status.CONVERGED)

    def expected(x):
        return np.array(two_junctions.largest((1.3, 0.7), (x, x), 0.1))

    for value, slope, x in zip(values, slopes, np.asarray(inductance), strict=True):
        np.testing.assert_allclose(value, expected(x), atol=1e-9)
        difference = (expected(x + 1e-5) - expected(x - 1e-5)) / 2e-5
        np.testing.assert_allclose(slope, difference, atol=1e-6)


@pytest.mark.slow
def test_eager_and_compiled_are_one():
    device = squid(0.75)
    eager, compiled = jd.critical_currents(device), jax.jit(jd.critical_currents)(device)
    np.testing.assert_allclose(eager.plus, compiled.plus, rtol=1e-13)
    assert device.report().critical.status == Status.CONVERGED
    assert jd.current_phase_relation(device).status == Status.MULTIVALUED


@pytest.mark.thorough
@pytest.mark.parametrize("criterion", ["largest", pytest.param("ramp", marks=pytest.mark.slow)])
def test_without_inductance_all_criteria_agree(criterion):
    device = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
    found, other = jd.critical_currents(device), jd.critical_currents(device, criterion)
    np.testing.assert_allclose([other.plus, other.minus], [found.plus, found.minus], rtol=1e-10)


def test_unknown_criterion():
    with pytest.raises(ValueError, match="unknown criterion 'smallest'"):
        jd.critical_currents(squid(0.1), "smallest")
