"""Shapiro steps with capacitance: folds of the sheet, flips, and motion seen by integration."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import Status
from jaxdiode.dynamics.folds import fold_limit

SINE = jd.TunnelJunction(1.0)
D2 = jd.Harmonics([1.0, 0.4 * np.cos(1)], [0.0, 0.4 * np.sin(1)])

# (device, β, Ω, a₁, {order: (lower, upper)}) by collocation and by time integration
EDGES = {
    "sine": (SINE, 0.5, 2.0, 2.0, {
        0: (-0.9423421019, 0.9423421019), 1: (0.7939948488, 1.2574896635),
        2: (1.9761707702, 2.0340245608),
    }),
    "two harmonics": (D2, 0.5, 2.0, 1.5, {
        0: (-1.2945204968, 0.8766007117), 1: (0.8433463420, 1.1702171470),
        -1: (-1.2294452452, -0.8694305523),
    }),
}  # fmt: skip


def driven(device, damping, frequency, amplitude, phase=0.0):
    drive = jd.Drive(frequency=frequency, amplitude=amplitude, phase=phase)
    return jd.Shunted(device, damping=damping, drive=drive)


@pytest.mark.slow
@pytest.mark.parametrize("name", EDGES)
def test_edges_of_the_sheet(name):
    *arguments, expected = EDGES[name]
    found = jd.shapiro_steps(driven(*arguments), list(expected))
    edges = np.array(list(expected.values()))
    np.testing.assert_allclose(found.lower, edges[:, 0], atol=1e-9)
    np.testing.assert_allclose(found.upper, edges[:, 1], atol=1e-9)
    assert np.all(found.status == Status.CONVERGED)
    critical = jd.critical_currents(driven(*arguments))
    np.testing.assert_allclose([-critical.minus, critical.plus], edges[0], atol=1e-9)


@pytest.mark.slow
def test_gradients_of_the_sheet():
    """D2, β = .5: ∂a₁, ∂Ω, ∂β of both upper edges."""

    def upper(damping, frequency, amplitude):
        return jd.shapiro_steps(driven(D2, damping, frequency, amplitude), [0, 1]).upper

    slopes = jax.jit(jax.jacrev(upper, (2, 1, 0)))(0.5, 2.0, 1.5)
    zero, one = np.array(slopes).T
    np.testing.assert_allclose(zero, [-0.058153413, 0.083636710, 0.009987777], atol=2e-9)
    np.testing.assert_allclose(one, [0.085722628, 0.359998038, 2.021580337], atol=2e-9)


@pytest.mark.thorough
def test_two_tones():
    """sin, β = .5, Ω = 2, a = (1.5, 1): the phase of the second tone."""
    for phase, edges in (
        (0.6, (-0.9668442, 0.9658558)),
        (-0.6, (-0.9667433, 0.9659563)),
        (np.pi / 2, (-0.9664388, 0.9662605)),
    ):
        found = jd.shapiro_steps(driven(SINE, 0.5, 2.0, [1.5, 1.0], [0.0, phase]), [0])
        np.testing.assert_allclose([found.lower[0], found.upper[0]], edges, atol=6e-8)


@pytest.mark.slow
def test_of_two_wells_the_higher_fold_counts():
    """sin φ + ½ sin(2φ + π/2) at Ω = 2: .703637 is a fold too, of the other well."""
    diode = jd.Harmonics([1.0, 0.0], [0.0, 0.5])
    device = driven(diode, 0.5, 2.0, 1.5)
    found = jd.critical_currents(device)
    traced = jax.jit(jd.critical_currents)(device)
    np.testing.assert_allclose([found.plus, traced.plus], 0.70512437, atol=1e-8)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        sine, cosine = rng.normal(size=(2, 2)) * [1, 0.4]
        device = driven(
            jd.Harmonics(sine, cosine), rng.uniform(0.3, 1), rng.uniform(1, 4), rng.uniform(0, 2)
        )
        folds = [fold_limit(device, jnp.asarray(sign)) for sign in (1.0, -1.0)]
        found = jd.shapiro_steps(device, [0])
        for edge, (current, status, _) in zip((found.upper, -found.lower), folds, strict=True):
            if status == Status.CONVERGED:
                np.testing.assert_allclose(edge[0], current, atol=1e-9)
            else:
                assert np.isnan(edge[0])


@pytest.mark.thorough
def test_a_fold_that_a_ramp_does_not_reach():
    """At β = Ω = 1 the lower fold of D2 lies past period doublings, in which the phase is lost."""
    found = jd.shapiro_steps(driven(D2, 1.0, 1.0, 1.0), [0])
    np.testing.assert_allclose(found.folds[:, 0], [-1.1371892549, 0.7866680857], atol=1e-9)
    np.testing.assert_allclose(found.upper, 0.7866680857, atol=1e-9)
    assert np.isnan(found.lower[0])
    assert found.status[0] == Status.PERIOD_DOUBLING


@pytest.mark.thorough
def test_a_flip_ends_the_zero_step():
    """sin, β = .5, Ω = 1, a = 1.5: chaos beyond .1477."""
    device = driven(SINE, 0.5, 1.0, 1.5)
    critical = jd.critical_currents(device)
    assert critical.status == Status.PERIOD_DOUBLING
    assert np.isnan(critical.plus)
    found = jd.iv_curve(device, [0.0, 0.1, 0.3], duration=300.0)
    np.testing.assert_array_equal(found.up[:2], 0)


@pytest.mark.thorough
def test_reversal_and_units():
    *arguments, expected = EDGES["two harmonics"]
    _, damping, frequency, amplitude = arguments
    mirrored = jd.Harmonics(D2.sine, -D2.cosine)
    back = jd.shapiro_steps(driven(mirrored, damping, frequency, -amplitude), [0, -1, 1])
    for (low, high), lower, upper in zip(expected.values(), back.lower, back.upper, strict=True):
        np.testing.assert_allclose([-upper, -lower], [low, high], atol=1e-9)
    for scale in (1e-9, 1e9):
        device = jd.Harmonics(scale * D2.sine, scale * D2.cosine)
        root = np.sqrt(scale)
        found = jd.shapiro_steps(
            driven(device, root * damping, root * frequency, scale * amplitude), [0, 1, -1]
        )
        edges = scale * np.array(list(expected.values()))
        np.testing.assert_allclose(found.lower, edges[:, 0], rtol=3e-9)
        np.testing.assert_allclose(found.upper, edges[:, 1], rtol=3e-9)


@pytest.mark.slow
def test_vmap_and_design():
    """η of a driven device over its drive, in one program, and its gradient."""

    @jax.jit
    @jax.vmap
    def both(amplitude):
        def efficiency(a):
            return jd.diode_efficiency(driven(D2, 0.5, 2.0, a))

        return jax.value_and_grad(efficiency)(amplitude)

    amplitude = jnp.array([0.5, 1.0, 1.5])
    value, slope = both(amplitude)
    step = 1e-4
    ahead, behind = (both(amplitude + s * step)[0] for s in (1, -1))
    np.testing.assert_allclose(slope, (ahead - behind) / (2 * step), atol=1e-7)
    plus, minus = 0.8766007117, 1.2945204968
    np.testing.assert_allclose(value[2], (plus - minus) / (plus + minus), atol=1e-9)
