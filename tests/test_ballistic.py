"""Short ballistic junctions with pair momentum: shared/physics/field.md, section 3, all digits."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from tests import helpers
from tests.reference import short_junctions as reference


def junction(tau, d, temperature):
    return jd.BallisticJunction(1.0, tau, momentum=d, gap=1.0, temperature=temperature)


@jax.jit
@jax.vmap
def extrema(tau, d, temperature):
    found = jd.critical_currents(junction(tau, d, temperature))
    return found.plus, found.minus, found.status


@jax.jit
@jax.vmap
def slope(tau, d, temperature):
    """dη/dd."""
    return jax.grad(lambda x: jd.diode_efficiency(junction(tau, x, temperature)))(d)


@jax.jit
def currents(tau, d, temperature, phase):
    return junction(tau, d, temperature).current(phase)


TABLE = np.array(
    [  # τ, d, T/Δ, I₊, I₋
        (1.0, 0.3, 0.0, 1.1449251331, 0.8090140683),
        (1.0, 0.9, 0.0, 1.0088476895, 0.4270422049),
        (0.9, 0.3, 0.0, 0.7052960919, 0.6188543633),
        (0.9, 0.9, 0.0, 0.5409290872, 0.3731483399),
        (0.5, 0.3, 0.0, 0.2902340230, 0.2780485059),
        (0.5, 0.9, 0.0, 0.2129736397, 0.1900740634),
        (1.0, 0.3, 0.1, 0.9151760998, 0.7767231191),
        (1.0, 0.9, 0.1, 0.6219155383, 0.4342678639),
        (1.0, 0.3, 0.3, 0.5989575826, 0.5760105790),
        (1.0, 0.9, 0.3, 0.4594742981, 0.4185249985),
        (1.0, 1.2, 0.0, 0.3416579430, 0.2854830596),
    ]
)


@pytest.mark.thorough
def test_critical_currents_of_the_sheet():
    tau, d, temperature, *expected = TABLE.T
    plus, minus, status = extrema(tau, d, temperature)
    assert (status == jd.Status.CONVERGED).all()
    helpers.assert_close(plus, expected[0], absolute=1e-10)
    helpers.assert_close(minus, expected[1], absolute=1e-10)
    other = extrema(tau, -d, temperature)  # q turned round swaps the directions
    helpers.assert_close(other[0], minus, absolute=1e-12)
    helpers.assert_close(other[1], plus, absolute=1e-12)


@pytest.mark.slow
def test_largest_efficiencies_over_the_momentum():
    """max η and its d, where dη/dd = 0: a Newton step from the printed d does not leave it."""
    tau, temperature, largest, at, last = np.array(
        [
            (1.0, 0.0, 0.40528473, 0.90603670, 1e-8),
            (0.99, 0.0, 0.30317291, 0.8998, 1e-4),
            (0.9, 0.0, 0.18364751, 0.8922, 1e-4),
            (1.0, 0.1, 0.18088911, 0.8288, 1e-4),
            (1.0, 0.3, 0.04953070, 1.158, 1e-3),
        ]
    ).T
    h = 1e-3
    d = at
    for _ in range(2):
        bend = (slope(tau, d + h, temperature) - slope(tau, d - h, temperature)) / (2 * h)
        assert (bend < 0).all()
        d = d - slope(tau, d, temperature) / bend
    helpers.assert_close(d, at, absolute=last)
    plus, minus, _ = extrema(tau, d, temperature)
    helpers.assert_close((plus - minus) / (plus + minus), largest, absolute=1e-8)


@pytest.mark.thorough
def test_the_best_diode_is_found():
    """τ = 1, T = 0: 4/π² at d = 4π/(π² + 4)."""
    space = jd.Space(jd.BallisticJunction(1.0, 1.0, momentum=0.5), {"momentum": (0.0, 0.99)})
    best = jd.maximise(
        jd.diode_efficiency, space, key=0, starts=2, steps=40, polish=40, rounds=1, progress=False
    )
    helpers.assert_close(best.value, 4 / np.pi**2, absolute=1e-10)
    helpers.assert_close(best.values[0], 4 * np.pi / (np.pi**2 + 4), absolute=1e-6)


def test_currents_of_the_sheet():
    phase = jnp.array([0.7, 1.9, 3.3])
    expected = np.array([0.7009965688, 0.3071129689, -0.6130743109])
    helpers.assert_close(currents(1.0, 0.6, 0.1, phase), expected, absolute=1e-10)
    expected = np.array([0.2785633976, -0.1280249756, -0.2952213975])
    helpers.assert_close(currents(1.0, 1.2, 0.1, phase), expected, absolute=1e-10)


@pytest.mark.slow
def test_slopes_of_the_sheet():
    def pair(x):
        found = jd.critical_currents(junction(*x))
        return jnp.stack([found.plus, found.minus])

    found = jax.jit(jax.jacrev(pair))(jnp.array([0.9, 0.6, 0.1]))
    expected = [[1.505586, -0.300731, -0.788494], [0.869488, -0.407376, -0.047145]]
    helpers.assert_close(found, np.array(expected), absolute=1e-6)


@pytest.mark.parametrize("temperature", [0.0, 1e-7, 1e-3, 0.02, 0.1, 0.7, 30.0])
def test_against_the_complex_sum(temperature):
    """Any transparency and momentum, gapless ones too; T < 0.01 by T = 0, gapped (e^{−Δ/T})."""
    phase = np.linspace(-2, 7, 37)
    for tau, d in ((1.0, 0.4), (0.97, -0.7), (0.6, 0.95), (0.1, 0.2), (1.0, 1.4), (0.8, -1.1)):
        if 0 < temperature < 0.01 and abs(d) > 0.9:
            continue
        colder = 0.0 if temperature < 0.01 else temperature
        expected = reference.mode(phase, tau, d, colder)
        size = np.max(np.abs(expected))
        found = currents(tau, d, temperature, jnp.asarray(phase))
        helpers.assert_close(found, expected, absolute=1e-12 + 1e-11 * size)


def test_without_momentum_it_is_that_of_andreev_modes():
    phase = jnp.linspace(0.0, 6.28, 101)
    for tau in (1.0, 1 - 1e-7, 0.9, 0.3, 0.0):
        for temperature in (0.0, 1e-3, 0.1, 1.0):
            modes = jd.AndreevModes(1.0, tau, gap=1.0, temperature=temperature)
            found = currents(tau, 0.0, temperature, phase)
            helpers.assert_close(found, modes.current(phase), absolute=1e-12)


def test_the_mean_current_vanishes():
    @jax.jit
    def mean(device):
        relation = jd.current_phase_relation(device)
        return jnp.sum(relation.weight * relation.current)

    for tau, d, temperature in ((1.0, 0.6, 0.0), (0.9, 0.8, 0.0), (1.0, 0.6, 0.1), (0.5, 0.9, 0.3)):
        helpers.assert_close(mean(junction(tau, d, temperature)), 0.0, absolute=1e-12)


@pytest.mark.slow
def test_second_derivatives_at_transparency_one():
    """A level in closed form must change with τ as the sum does, on both sides of where it ends."""
    phase = jnp.array(1.2)

    def current(x):
        return junction(x[0], x[1], x[2]).current(phase)

    hessian = jax.jit(jax.hessian(current))
    for temperature in (0.0124, 0.0126):  # (1 − d)/40 = 0.0125
        found = hessian(jnp.array([1.0, 0.5, temperature]))
        near = hessian(jnp.array([1.0 - 1e-7, 0.5, temperature]))
        helpers.assert_close(found, near, absolute=1e-4 * np.max(np.abs(near)))
    h = 1e-5
    for k in range(3):
        step = h * np.eye(3)[k]
        at = np.array([1.0 - 2 * h, 0.5, 0.2])
        slope = jax.grad(current)
        expected = (slope(jnp.asarray(at + step)) - slope(jnp.asarray(at - step))) / (2 * h)
        helpers.assert_close(hessian(jnp.asarray(at))[k], expected, absolute=1e-6)


@pytest.mark.slow
def test_all_angles():
    """2D, τ = 1, T = 0: I₊ = √(1−d²) + d/2, I₋ = 1 − d/2, η = t(1−t), t = tan(½ arcsin d)."""
    for d in (0.3, 0.8):
        found = helpers.values(jd.BallisticJunction.planar(1.0, 1.0, momentum=d, channels=10))
        helpers.assert_close(found.plus, np.sqrt(1 - d**2) + d / 2, absolute=1e-10)
        helpers.assert_close(found.minus, 1 - d / 2, absolute=1e-10)
        t = np.tan(np.arcsin(d) / 2)
        helpers.assert_close(found.efficiency, t * (1 - t), absolute=1e-10)
    helpers.assert_close(found.efficiency, 0.25, absolute=1e-10)  # the largest


@pytest.mark.thorough
def test_channels_add_up():
    phase = jnp.linspace(0.0, 6.0, 13)
    taus, momenta, weights = [0.5, 1.0], [0.3, -0.6], [2.0, 0.5]
    both = jd.BallisticJunction(weights, taus, momentum=momenta, gap=2.0, temperature=0.2)
    alone = [w * currents(*x, 0.1, phase) for w, *x in zip(weights, taus, momenta, strict=True)]
    helpers.assert_close(both.current(phase), sum(alone), absolute=1e-13)


def test_a_momentum_beyond_the_gap_is_noticed():
    with pytest.warns(UserWarning, match=r"momentum 1\.2 is beyond 1: the superconductor is gap"):
        jd.BallisticJunction(1.0, 1.0, momentum=-1.2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jd.BallisticJunction(1.0, 1.0, momentum=1.0)
    with pytest.raises(
        ValueError, match=r"transparency must have length 3 \(one per mode\), got 2"
    ):
        jd.BallisticJunction(1.0, [0.5, 0.6], momentum=[0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="gap must be given with a temperature"):
        jd.BallisticJunction(1.0, 0.9, momentum=0.1, temperature=0.05)


@pytest.mark.thorough
def test_at_the_edge_of_the_gap():
    """|d| = 1, T = 0: the level touches 0 at φ = 0, where I₊ = 2/π; status says what is known."""
    plus, minus, status = extrema(jnp.ones(2), jnp.array([1.0, 1 - 1e-9]), jnp.zeros(2))
    helpers.assert_close(plus, np.array([2, 2]) / np.pi + [0, np.sqrt(2e-9)], absolute=1e-9)
    helpers.assert_close(minus, 1 - 2 / np.pi, absolute=1e-9)
    assert (status == jd.Status.CONVERGED).all()


@pytest.mark.slow
def test_at_reduced_temperatures():
    """Amplitude, gap and d = ħv_F q/2Δ follow the gap; from T_c on nothing flows."""
    cold = jd.BallisticJunction(3.0, 0.95, momentum=0.5)
    t = 0.6
    delta = jd.bcs_gap(t)
    expected = jd.BallisticJunction(
        3.0 * delta, 0.95, momentum=0.5 / delta, gap=delta * jd.units.bcs_gap_ratio, temperature=t
    )
    found = cold.at_reduced_temperature(t)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        helpers.assert_close(one, other, absolute=1e-14)

    @jax.jit
    @jax.vmap
    def warm(t):
        found = jd.critical_currents(cold.at_reduced_temperature(t))
        return found.plus, found.status

    plus, status = warm(jnp.array([0.0, 0.3, 0.9, 1.0, 1.4]))
    assert (status[:3] == jd.Status.CONVERGED).all()
    assert (status[3:] == jd.Status.NO_SUPERCURRENT).all()
    assert (np.diff(plus[:4]) < 0).all()
    assert (plus[3:] == 0).all()
