"""Retrapping currents against independent shooting, time integration and limits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import jaxdiode as jd
from jaxdiode import Status

pytestmark = pytest.mark.slow  # an example in the docstring stands for them in short runs

SINE = jd.TunnelJunction(1.0)
D1 = jd.Harmonics([1.0, 0.0], [0.0, 0.5])
D2 = jd.Harmonics([1.0, 0.4 * np.cos(1)], [0.0, 0.4 * np.sin(1)])
GENERIC = jd.Harmonics([1.0, 0.3 * np.cos(1)], [0.0, 0.3 * np.sin(1)])

# (device, β, i_r in + and −, how many digits): homoclinic orbits by independent code
TABLE = [
    (SINE, 0.1, 0.1270088598, 0.1270088598, 1e-9),
    (SINE, 0.3, 0.3734743858, 0.3734743858, 1e-9),
    (SINE, 0.5, 0.5973832003, 0.5973832003, 1e-9),
    (SINE, 0.8, 0.8591111050, 0.8591111050, 1e-9),
    (D1, 0.1, 0.1337598279, 0.1367636026, 1e-9),
    (D1, 0.3, 0.3834378963, 0.4116589844, 1e-9),
    (D1, 0.5, 0.5911611081, 0.6769600316, 1e-9),
    (GENERIC, 0.2, 0.238079, 0.251828, 1e-6),
    (GENERIC, 0.5, 0.520417, 0.619339, 1e-6),
]


@jax.jit
def retrapping(device, damping):
    return jd.retrapping_currents(jd.Shunted(device, damping=damping))


@jax.jit
def gradients(device, damping):
    def plus(device, damping):
        return jd.retrapping_currents(jd.Shunted(device, damping=damping)).plus

    return jax.grad(plus, (0, 1))(device, damping)


def current_of(sine, cosine):
    """I(φ) of a Fourier series and its derivative, in NumPy."""
    order = np.arange(1, len(sine) + 1)

    def current(phase):
        return sine @ np.sin(order * phase) + cosine @ np.cos(order * phase)

    def slope(phase):
        return (order * sine) @ np.cos(order * phase) - (order * cosine) @ np.sin(order * phase)

    return current, slope


def pair(first, second):
    """I(φ) of two junctions in series, and its derivative by differences."""

    def current(phase):
        half = np.sin(phase / 2), np.cos(phase / 2)
        root = np.sqrt((first - second) ** 2 + 4 * first * second * half[1] ** 2)
        return 2 * first * second * half[0] * half[1] / root

    def slope(phase):
        step = 1e-4
        near, far = (current(phase + k * step) - current(phase - k * step) for k in (1, 2))
        return (8 * near - far) / (12 * step)

    return current, slope


def shooting(relation, damping, guess, top, bottom, room=1e-4):
    """i_r by SciPy: E = p²/2 over φ from the saddle and from its copy, equal in the middle."""
    current, slope = relation

    def gap(bias):
        saddle = brentq(lambda x: current(x) - bias, top, bottom, xtol=1e-15)
        fall, bend = slope(saddle), (slope(saddle + 1e-5) - slope(saddle - 1e-5)) / 2e-5
        energies = []
        for side in (1, -1):
            rate = -damping / 2 + side * np.sqrt(damping**2 / 4 - fall)
            away = side * 2e-5
            velocity = rate * away - bend / (2 * (3 * rate + damping)) * away**2
            start = saddle + away + (0 if side > 0 else 2 * np.pi)
            energies.append(
                solve_ivp(
                    lambda x, e: bias - current(x) - damping * np.sqrt(2 * np.maximum(e, 0)),
                    (start, saddle + np.pi), [velocity**2 / 2],
                    method="DOP853", rtol=1e-12, atol=1e-16, max_step=0.05,
                ).y[0, -1]
            )  # fmt: skip
        return energies[0] - energies[1]

    return brentq(gap, guess - room, guess + room, xtol=1e-13)


def runs(relation, damping, bias):
    """Whether a phase that runs fast comes through ten periods, by integration in time."""
    current, _ = relation

    def rate(_, state):
        return [state[1], bias - current(state[0]) - damping * state[1]]

    def through(_, state):
        return state[0] - 20 * np.pi

    def stopped(_, state):
        return state[1]

    through.terminal = stopped.terminal = True
    found = solve_ivp(
        rate, (0, 3000), [0.0, 2.0], method="DOP853", rtol=1e-10, atol=1e-12,
        events=[through, stopped],
    )  # fmt: skip
    return found.t_events[0].size > 0


@pytest.mark.parametrize(("device", "damping", "plus", "minus", "accuracy"), TABLE)
def test_homoclinic_orbits(device, damping, plus, minus, accuracy):
    found = retrapping(device, damping)
    np.testing.assert_allclose([found.plus, found.minus], [plus, minus], atol=accuracy)
    assert found.status == Status.CONVERGED
    assert np.all(found.hysteretic)


def test_tied_maxima_latch_up_to_strong_damping():
    """sin φ + ½ cos 2φ at β = 0.8 runs down to a bias a thousandth below its I₊ of 3/4."""
    found = retrapping(D1, 0.8)
    relation = current_of(np.array([1.0, 0.0]), np.array([0.0, 0.5]))
    assert not runs(relation, 0.8, float(found.plus) - 1e-5)
    assert runs(relation, 0.8, float(found.plus) + 1e-5)
    expected = shooting(relation, 0.8, float(found.plus), 5 * np.pi / 6, 3 * np.pi / 2)
    np.testing.assert_allclose(found.plus, expected, atol=1e-10)
    np.testing.assert_allclose(found.minus, 1.0305188993, atol=1e-9)


@pytest.mark.parametrize(
    ("device", "direction", "onset"),
    [(SINE, 0, 1.193), (D1, 0, 0.823), (D1, 1, 1.633), (D2, 0, 1.469), (D2, 1, 1.587)],
)
def test_hysteresis_ends_at_a_damping(device, direction, onset):
    critical = jd.critical_currents(device)
    largest = (critical.plus, critical.minus)[direction]
    for damping, latches in ((onset - 2e-3, True), (onset + 2e-3, False)):
        found = retrapping(device, damping)
        assert found.status == Status.CONVERGED
        assert found.hysteretic[direction] == latches
        below = largest - (found.plus, found.minus)[direction]
        assert 1e-8 < below < 1e-4 if latches else below == 0


@pytest.mark.parametrize("imbalance", [0.9, 0.99])
@pytest.mark.parametrize("damping", [0.2, 0.6])
def test_sharp_turns(imbalance, damping):
    found = retrapping(jd.SeriesJunctions(1.0, imbalance), damping)
    relation = pair(1.0, imbalance)
    top = np.arccos(-imbalance)  # where I = min(a, b): cos φ = −b/a
    expected = shooting(relation, damping, float(found.plus), top, np.pi - 1e-9)
    np.testing.assert_allclose([found.plus, found.minus], expected, atol=1e-9)
    assert found.status == Status.CONVERGED


@pytest.mark.parametrize("damping", [0.2, 0.6])
def test_jump(damping):
    """I = sin(φ/2) on (−π, π): E from rest behind the jump comes to rest just before the next."""

    def end(bias):
        def rate(phase, energy):
            return bias - np.sin(phase / 2) - damping * np.sqrt(2 * np.maximum(energy, 0))

        start = 1e-8  # with E = (1 + i)x − (2/3)β√(2(1 + i)) x^(3/2) behind the jump
        first = (1 + bias) * start - 2 / 3 * damping * np.sqrt(2 * (1 + bias)) * start**1.5
        return solve_ivp(
            rate, (start - np.pi, np.pi - start), [first], method="DOP853", rtol=1e-12, atol=1e-15
        ).y[0, -1] - (1 - bias) * start  # fmt: skip

    balanced = jd.SeriesJunctions(1.0, 1.0)
    found = retrapping(balanced, damping)
    assert found.status == Status.CONVERGED
    expected = brentq(end, float(found.plus) - 0.01, float(found.plus) + 0.01, xtol=1e-13)
    np.testing.assert_allclose([found.plus, found.minus], expected, atol=1e-9)


def test_gradients_against_differences_of_shooting():
    sine, cosine = np.array([1.0, 0.4 * np.cos(1)]), np.array([0.0, 0.4 * np.sin(1)])
    damping = 0.7
    device, slope = gradients(D2, damping)
    found = [*np.asarray(device.sine), *np.asarray(device.cosine), float(slope)]
    guess, values = float(retrapping(D2, damping).plus), []
    for k in range(5):
        pair_of = []
        for step in (1e-4, -1e-4):
            x = np.append(np.concatenate([sine, cosine]), damping)
            x[k] += step
            relation = current_of(x[:2], x[2:4])
            grid = np.linspace(0, 2 * np.pi, 4001)
            sampled = np.array([relation[0](y) for y in grid])
            top, bottom = grid[np.argmax(sampled)], grid[np.argmin(sampled)]
            pair_of.append(shooting(relation, x[4], guess, top, bottom, 1e-3))
        values.append((pair_of[0] - pair_of[1]) / 2e-4)
    np.testing.assert_allclose(found, values, atol=1e-6)


def test_gradients_of_the_table():
    for device, damping, expected in ((SINE, 0.3, 1.188343), (SINE, 0.8, 0.680722),
                                      (D1, 0.3, 1.163973)):  # fmt: skip
        np.testing.assert_allclose(gradients(device, damping)[1], expected, atol=1e-6)
    flipped = jd.Harmonics([1.0, 0.0], [0.0, -0.5])
    np.testing.assert_allclose(gradients(flipped, 0.3)[1], 1.361348, atol=1e-6)


def test_gradients_in_a_moving_turn():
    def plus(imbalance):
        device = jd.SeriesJunctions(1.0, imbalance)
        return jd.retrapping_currents(jd.Shunted(device, damping=0.4)).plus

    def reference(imbalance):
        top = np.arccos(-imbalance)
        guess = float(retrapping(jd.SeriesJunctions(1.0, imbalance), 0.4).plus)
        return shooting(pair(1.0, imbalance), 0.4, guess, top, np.pi - 1e-9)

    expected = (reference(0.95 + 1e-4) - reference(0.95 - 1e-4)) / 2e-4
    np.testing.assert_allclose(jax.jit(jax.grad(plus))(0.95), expected, atol=2e-6)


@pytest.mark.parametrize(
    ("device", "expected"), [(SINE, 4 / np.pi), (D1, 1.3560059), (D2, 1.2475986)]
)
def test_weak_damping_is_reciprocal(device, expected):
    found = retrapping(device, 1e-6)
    np.testing.assert_allclose([found.plus, found.minus], expected * 1e-6, rtol=1e-6)


@pytest.mark.parametrize("size", [1e-9, 1e9])
def test_units(size):
    scaled = jd.Harmonics(np.array([1.0, 0.0]) * size, np.array([0.0, 0.5]) * size)
    for damping in (0.3, 0.9):
        found, plain = retrapping(scaled, damping * np.sqrt(size)), retrapping(D1, damping)
        np.testing.assert_allclose(found.plus, size * plain.plus, rtol=1e-11)
        np.testing.assert_allclose(found.minus, size * plain.minus, rtol=1e-11)
        assert np.array_equal(found.hysteretic, plain.hysteretic)


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
def test_a_difference_within_the_error_is_no_hysteresis(size):
    """The hysteresis of sin φ ends at β = 1.1931: 6e-6 I_c wide at 1.1906, 8e-10 at 1.193018."""
    device = jd.TunnelJunction(size)
    wide = retrapping(device, 1.190625 * np.sqrt(size))
    np.testing.assert_allclose(1 - wide.plus / size, 5.8e-6, atol=1e-7)
    assert np.all(wide.hysteretic)
    narrow = retrapping(device, 1.193018 * np.sqrt(size))
    assert 1e-10 < 1 - narrow.plus / size < 1e-9
    assert narrow.status == Status.CONVERGED
    assert not np.any(narrow.hysteretic)


def test_lanes_and_derivatives_beyond_the_first():
    dampings = jnp.array([0.1, 0.5, 0.8, 1.3])
    lanes = jax.jit(jax.vmap(retrapping, (None, 0)))(D1, dampings)
    for k, damping in enumerate(dampings):
        one = retrapping(D1, damping)
        np.testing.assert_allclose(lanes.plus[k], one.plus, rtol=1e-12)
        assert np.array_equal(lanes.hysteretic[k], one.hysteretic)

    def plus(damping):
        return retrapping(D1, damping).plus

    assert np.isnan(jax.grad(jax.grad(plus))(0.3))
    # The critical current where there is no hysteresis: no slope in the damping.
    assert gradients(D1, 1.3)[1] == 0
    forward = jax.jacfwd(plus)(0.3)
    np.testing.assert_allclose(forward, gradients(D1, 0.3)[1], rtol=1e-12)


def test_what_is_not_known_is_nan():
    creeping = retrapping(jd.SeriesJunctions(1.0, 1.0), 0.8)
    assert creeping.status == Status.NOT_CONVERGED
    assert np.isnan(creeping.plus)
    assert not creeping.hysteretic[0]
    branches = [SINE, SINE]
    multivalued = jd.Squid(branches, flux=[0.2], inductance=[0.5, 0.0])
    found = retrapping(multivalued, 0.2)
    assert found.status == Status.MULTIVALUED
    assert np.isnan(found.plus)
    nothing = retrapping(jd.TunnelJunction(0.0), 0.2)
    assert nothing.status == Status.NO_SUPERCURRENT
    assert nothing.plus == nothing.minus == 0
    modes = retrapping(jd.AndreevModes([1.0], [0.95]), 0.5)
    assert modes.status == Status.CONVERGED
    assert 0 < modes.plus < 0.7


def test_opposite_field_swaps_directions():
    flipped = jd.Harmonics([1.0, 0.4 * np.cos(1)], [0.0, -0.4 * np.sin(1)])
    one, other = retrapping(D2, 0.4), retrapping(flipped, 0.4)
    np.testing.assert_allclose([one.plus, one.minus], [other.minus, other.plus], rtol=1e-12)
    np.testing.assert_allclose(one.efficiency, -other.efficiency, rtol=1e-9)


@pytest.mark.usefixtures("unchecked")
def test_errors_say_what_is_allowed():
    with pytest.raises(ValueError, match="damping must be a number, got None: a phase without"):
        jd.retrapping_currents(jd.Shunted(SINE))
    drive = jd.Drive(1.0, 0.1)
    with pytest.raises(ValueError, match=r"drive must be None .* got a Drive"):
        jd.retrapping_currents(jd.Shunted(SINE, damping=0.3, drive=drive))
    with pytest.raises(ValueError, match=r"device must be Shunted.* got TunnelJunction"):
        jd.retrapping_currents(SINE)
