"""The parts of the spin-active junction, each against independent code or a closed form.

Tolerances. Scattering matrices and matrix currents are direct solutions: 1e-12. Layers are held
against SciPy's integration of the Usadel equation at 1e-12 relative, whose errors grow with the
solution by e³ at most: 1e-10. The bulk gap: 1e-10, the reference's sum is cut at 10⁶ terms. Sums
over frequencies: what `matsubara` promises. Remainders of a limit: the ratio at two parameters.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jaxdiode as jd
from jaxdiode.devices.usadel import SixHarmonicModel, SpinBarrier
from jaxdiode.devices.usadel.equations.frequencies import algebraic, matsubara
from jaxdiode.devices.usadel.equations.gap import bcs_gap
from jaxdiode.devices.usadel.interfaces import base
from jaxdiode.devices.usadel.interfaces import matrix_current as interface
from jaxdiode.devices.usadel.layers import half_layer, link
from jaxdiode.devices.usadel.layers import uniform as superconductor
from jaxdiode.devices.usadel.torus import half_torus, whole_torus
from tests import helpers
from tests.reference import usadel as u
from tests.reference import usadel_limits as limits

POINTS = 6

# ---- Barriers

_segments = jax.jit(jd.usadel.SpinBarrier.channels, static_argnums=2)


def _drawn_barriers(count=8):
    """(barrier, reference barrier, exchange, potential); the last two have one band only."""
    rng = np.random.default_rng(3)
    for k in range(count):
        exchange, potential = rng.uniform(0, 0.5), rng.uniform(0, 0.4)
        if k >= count - 2:
            exchange = 1 - potential + rng.uniform(0.01, 0.3)
        polar, moment = rng.uniform(0, np.pi), rng.uniform(0, 0.5)
        height, widths = 1.05 + moment + rng.uniform(0, 1), rng.uniform(0.05, 1.0, 2)
        if k == 0:
            widths = np.array([3.0, 2.5])
        mine = SpinBarrier(
            height,
            moment,
            width_up=widths[0],
            width_down=widths[1],
            polar=polar,
            azimuth=rng.uniform(0, 6),
        )
        yield mine, u.Barrier(height, moment, tuple(widths), polar), exchange, potential


def _channels(mine, exchange, potential):
    return _segments(mine, jnp.array([1 - potential + exchange, 1 - potential - exchange]), POINTS)


@pytest.mark.parametrize("index", range(8))
def test_scattering_matrix(index):
    """Unitary, and the reference's where channels are open; its nodes and weights too."""
    mine, other, exchange, potential = list(_drawn_barriers())[index]
    nodes, weights = u.momentum_rule(exchange, potential, POINTS)
    found = [part for part in _channels(mine, exchange, potential) if part.weight.sum() > 1e-12]
    helpers.assert_close(np.concatenate([part.weight for part in found]), weights, absolute=1e-15)
    k = 0
    for part in found:
        matrices = np.moveaxis(np.asarray(part.matrix), -1, 0)
        n = matrices.shape[-1]
        for matrix in matrices:
            helpers.assert_close(matrix @ matrix.conj().T, np.eye(n), absolute=1e-12)
            expected = u.scattering_matrix(other, exchange, potential, nodes[k])
            helpers.assert_close(matrix, expected[:n, :n], absolute=1e-12)
            # What is left out is closed.
            helpers.assert_close(expected[n:, n:], np.eye(4 - n), absolute=0.5e-15)
            k += 1
    assert k == len(nodes)


def test_weights_cover_the_fermi_surface():
    """∫₀¹ d(k∥²) = 1, k∥² < k↓² sees both bands; beyond k↑² nothing is transmitted."""
    mine = SpinBarrier(1.5, 0.3, width_up=0.1, width_down=0.2, polar=0.8)
    found = _channels(mine, exchange=0.3, potential=0.2)
    shares = [float(part.weight.sum()) for part in found]
    helpers.assert_close(shares, [0.5, 0.5, 0.0], absolute=1e-3 * np.ones(3))
    helpers.assert_close(sum(shares), 1.0, absolute=1e-3)
    assert [part.matrix.shape[0] for part in found] == [4, 3, 2]


def test_azimuth_is_left_out_of_the_scattering_matrix():
    """S(φ) = e^{−iφσ_z/2} S(0) e^{iφσ_z/2} is the reference's for a turned moment."""
    mine = SpinBarrier(1.5, 0.3, width_up=0.1, width_down=0.2, polar=0.8, azimuth=1.3)
    other = u.Barrier(1.5, 0.3, (0.1, 0.2), 0.8, 1.3)
    nodes, _ = u.momentum_rule(0.2, 0.1, POINTS)
    turn = np.exp(-0.65j * np.array([1, -1, 1, -1]))
    matrix = np.asarray(_channels(mine, 0.2, 0.1)[0].matrix)[..., 2]
    expected = u.scattering_matrix(other, 0.2, 0.1, nodes[2])
    helpers.assert_close(turn[:, None] * matrix * turn.conj(), expected, absolute=1e-12)


# ---- Interfaces

_current = jax.jit(interface.matrix_current)
_linearised = jax.jit(interface.linearised_current)


def _segment(*matrices):
    weight = np.full(len(matrices), 1 / len(matrices))
    matrix = jnp.asarray(np.stack(matrices, axis=-1)[..., None].astype(complex))
    return base.Segment(matrix, jnp.asarray(weight))


def _amplitudes(count, size, seed):
    """γ of both sides, [6, count]; norms of the order of `size`."""
    rng = np.random.default_rng(seed)
    return size * (rng.uniform(-1, 1, (6, count)) + 1j * rng.uniform(-1, 1, (6, count))) / 2


def _projected(current, gamma, tilde):
    """−½(1, γ) I (−γ; 1): what the flux of γ is for a matrix current I = g_o − g_i."""
    n = len(gamma)
    row = np.concatenate([np.eye(n), gamma], axis=1)
    return -row @ current @ np.concatenate([-gamma, np.eye(n)]) / 2


def _sides(amplitudes, partners):
    """(γ, γ̃) of the superconductor and of both bands, of one lane."""
    s = amplitudes[:4].reshape(2, 2), partners[:4].reshape(2, 2)
    return s, (np.diag(amplitudes[4:]), np.diag(partners[4:]))


def _spin_inactive(transmission):
    r, t = np.sqrt(1 - transmission), 1j * np.sqrt(transmission)
    return np.kron([[r, t], [t, r]], np.eye(2))


@pytest.mark.parametrize("transmission", [0.01, 0.4, 1.0])
def test_spin_inactive_channels_give_nazarov(transmission):
    """Also off the Matsubara axis, where γ̃ is a variable of its own."""
    pairs, partners = _amplitudes(5, 0.6, 1), _amplitudes(5, 0.6, 2)
    found = np.asarray(_current((_segment(_spin_inactive(transmission)),), pairs, partners))
    for lane in range(5):
        s, f = _sides(pairs[:, lane], partners[:, lane])
        own, other = u.green(*s), u.green(*f)
        expected = _projected(limits.nazarov(own, other, transmission), *s)
        helpers.assert_close(found[:4, lane], expected.ravel(), absolute=1e-12)
        expected = _projected(limits.nazarov(other, own, transmission), *f)
        helpers.assert_close(found[4:, lane], np.diag(expected), absolute=1e-12)


def test_opaque_channels_give_kupriyanov_and_lukichev():
    """T[G₁, G₂]/2; what is left is of second order in T."""
    pairs, partners = _amplitudes(1, 0.6, 3), _amplitudes(1, 0.6, 4)
    s, f = _sides(pairs[:, 0], partners[:, 0])
    own, other = u.green(*s), u.green(*f)
    linear = _projected((own @ other - other @ own) / 2, *s).ravel()
    left = []
    for transmission in (2e-3, 1e-3):
        found = _current((_segment(_spin_inactive(transmission)),), pairs, partners)
        left.append(np.asarray(found)[:4, 0] - transmission * linear)
    assert np.abs(left[1]).max() > 1e-9
    helpers.assert_close(left[0] / left[1], 4.0, absolute=0.02)


def test_reflecting_channels_mix_spins():
    """S = e^{iθm·σ/2} turns G by i(θ/2)[m·σ, G] to first order in θ, and transmits nothing."""
    pairs = _amplitudes(1, 0.6, 5)
    moment = np.array([0.48, -0.6, 0.64])
    x, y, z = moment
    sigma = np.array([[z, x - 1j * y], [x + 1j * y, -z]])
    s, _ = _sides(pairs[:, 0], -pairs[:, 0].conj())
    left = []
    for angle in (2e-3, 1e-3):
        matrix = np.cos(angle / 2) * np.eye(2) + 1j * np.sin(angle / 2) * sigma
        found = np.asarray(_current((_segment(matrix),), pairs, -pairs.conj()))
        np.testing.assert_array_equal(found[4:], 0)
        expected = _projected(limits.spin_mixing(u.green(*s), angle, moment), *s)
        assert np.abs(expected).max() > 0.1 * angle
        left.append(found[:4, 0] - expected.ravel())
    helpers.assert_close(left[0] / left[1], 4.0, absolute=0.02)


@pytest.fixture(scope="module")
def spin_active():
    """(channels, reference interface) of a barrier that does everything, κ/σ = 1 in S."""
    mine, other, exchange, potential = next(iter(_drawn_barriers(3)))
    mine = SpinBarrier(mine.height, mine.exchange, width_up=0.1, width_down=0.2, polar=mine.polar)
    other = other._replace(widths=(0.1, 0.2))
    junction = u.Junction(conductance=1.0, exchange=exchange, potential=potential)
    channels = tuple(
        base.Segment(part.matrix[..., None], part.weight)
        for part in _channels(mine, exchange, potential)
    )
    return channels, u.interface(junction, other, POINTS), u.wavenumbers(junction)


def test_matrix_current_of_a_spin_active_interface(spin_active):
    channels, side, k = spin_active
    pairs, partners = _amplitudes(7, 0.5, 6), _amplitudes(7, 0.5, 7)
    found = np.array(_current(channels, pairs, partners))
    found[4:] /= k[:, None] ** 3
    expected, _ = u.normal_slopes(pairs.T, partners.T, side)
    helpers.assert_close(found.T, expected, absolute=1e-12)


@pytest.mark.thorough
def test_linearised_current_is_the_derivative(spin_active):
    """Along directions in which γ and γ̃ change on their own, where flux and slopes agree."""
    channels, _, _ = spin_active
    pairs, partners = (jnp.asarray(_amplitudes(7, 0.5, k)) for k in (8, 9))
    changes, turned = (
        jnp.asarray(np.stack([_amplitudes(7, 1.0, k) for k in seeds]))
        for seeds in ((10, 11, 12), (13, 14, 15))
    )

    def along(change, turn):
        both = partial(interface.matrix_current, channels)
        return jax.jvp(both, (pairs, partners), (change, turn))

    expected, expected_rate = jax.jit(jax.vmap(along))(changes, turned)
    columns = (jnp.moveaxis(x, 0, 1) for x in (changes, turned))
    value, rate = _linearised(channels, pairs, partners, *columns, expected[0])
    helpers.assert_close(value, expected[0], absolute=1e-12)
    helpers.assert_close(jnp.moveaxis(rate, 1, 0), expected_rate, absolute=1e-12)


# ---- Superconductors

_layer = jax.jit(superconductor.layer)
GAP = 1.7


class _Layer:
    """γ and ∂γ of `layer` at a distance from the outer end, for one matrix p."""

    def __init__(self, frequency, p):
        self.frequency, self.p = frequency, p
        self.omega = np.hypot(frequency, GAP)
        self.k = np.sqrt(2 * self.omega / u.D_S)

    def at(self, length):
        slope = (2 * np.sinh(self.k * length) * self.p)[..., None]
        bulk = jnp.asarray(GAP / (self.frequency + self.omega))
        found = _layer(slope, -slope.conj(), bulk, jnp.asarray(self.k), jnp.asarray(length))
        gamma, rise, nome = (x[..., 0] for x in found)
        return np.asarray(gamma), np.asarray(rise), nome

    def carried(self, start, stop):
        """γ and ∂γ at `stop` by SciPy from those of `start`."""
        source = 1j * GAP * u.ISY

        def flow(_, y):
            gamma, slope = (y[:8] + 1j * y[8:]).reshape(2, 2, 2)
            bend = u.curvature(gamma, -gamma.conj(), slope, self.frequency, u.D_S, source, source)
            both = np.concatenate([slope.ravel(), bend.ravel()])
            return np.concatenate([both.real, both.imag])

        both = np.concatenate([x.ravel() for x in self.at(start)[:2]])
        end = solve_ivp(
            flow, (start, stop), np.concatenate([both.real, both.imag]),
            method="DOP853", rtol=1e-12, atol=1e-14,
        ).y[:, -1]  # fmt: skip
        return (end[:8] + 1j * end[8:]).reshape(2, 2, 2)


def _slope_matrix(size):
    """A generic 2 × 2 matrix of Frobenius norm `size`."""
    rng = np.random.default_rng(12)
    matrix = rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2))
    return size * matrix / np.linalg.norm(matrix)


@pytest.mark.parametrize(
    ("frequency", "length"), [(0.3, 4.0), (1.0, 4.0), (5.0, 4.0), (0.3, 0.3), (2.0, 0.3), (20, 1.0)]
)
def test_layer_solves_the_usadel_equation(frequency, length):
    k = np.sqrt(2 * np.hypot(frequency, GAP) / u.D_S)
    size = min(0.6 / (2 * np.sinh(k * length)), 0.5)  # γ stays below 1, the nome in its range
    here = _Layer(frequency, _slope_matrix(size))
    begin = max(0.2 * length, length - 3 / k)
    gamma, rise, nome = here.at(length)
    assert superconductor.within_series(nome)
    assert np.linalg.norm(gamma - here.at(begin)[0]) > 0.02
    expected = here.carried(begin, length)
    helpers.assert_close(np.stack([gamma, rise]), expected, absolute=1e-10)


def test_layer_is_bulk_at_its_outer_end():
    """γ − γ_b grows from 0 with the slope that `layer` says, 4k p to lowest order in p."""
    here = _Layer(0.3, _slope_matrix(1e-3))
    bulk, _ = u.bulk(0.3, GAP)
    (near, rise, _), (far, _, _) = here.at(1e-5), here.at(2e-5)
    assert np.abs(near - bulk).max() > 1e-9
    helpers.assert_close((far - bulk) / (near - bulk), 2.0, absolute=1e-4)
    helpers.assert_close((near - bulk) / 1e-5, rise, absolute=1e-4 * np.abs(rise).max())


def test_layer_at_the_largest_nome():
    """The theta series are exact to 1e-12 there, and `within_series` ends there."""
    p = _slope_matrix(1.0)
    size = np.linalg.norm(p @ p.conj())
    length = 0.4
    here = _Layer(1.0, p * np.sqrt(0.299 / size))
    gamma, rise, nome = here.at(length)
    helpers.assert_close(nome, 0.299, absolute=1e-9)
    assert superconductor.within_series(nome)
    helpers.assert_close(
        np.stack([gamma, rise]), here.carried(0.05 * length, length), absolute=1e-10
    )
    assert not superconductor.within_series(_Layer(1.0, p * np.sqrt(0.301 / size)).at(length)[2])


@pytest.mark.parametrize("frequency", [0.3, 5.0])
def test_long_layer_is_half_infinite(frequency):
    k = np.sqrt(2 * np.hypot(frequency, GAP) / u.D_S)
    here = _Layer(frequency, _slope_matrix(0.5) / (2 * np.sinh(20 * k)))
    gamma, rise, _ = here.at(20.0)
    green = u.green(gamma, -gamma.conj())
    flux = green @ u.green_slope(gamma, -gamma.conj(), -rise, rise.conj())
    expected = limits.semi_infinite(green, frequency, GAP)
    assert np.abs(expected).max() > 0.1
    helpers.assert_close(flux, expected, absolute=1e-11)


def test_bulk_layer_stays_bulk():
    gamma, rise, nome = _Layer(0.3, np.zeros((2, 2), complex)).at(4.0)
    helpers.assert_close(gamma, u.bulk(0.3, GAP)[0], absolute=1e-15)
    helpers.assert_close(np.stack([*rise.ravel(), np.asarray(nome)]), 0.0, absolute=1e-15)


# ---- Ferromagnets


def _matsubara(value, slope):
    return link.scalar_bend(value, slope, -value.conj())


_half_layers = jax.jit(partial(half_layer.half_layers, bend=_matsubara), static_argnums=3)
LINEAR = np.array([[[0.5 + 0.2j], [-0.3 + 0.4j]], [[-0.1 + 0.55j], [0.6 - 0.1j]]])
K = np.array([1.2, 2.1])


def _halves(length, steps, k=K, linear=LINEAR):
    """γ, γ′ outwards at both interfaces, [band, side], and in the middle, [band]."""
    found = _half_layers(jnp.asarray(linear), jnp.asarray(k), jnp.asarray(length), steps)
    return [np.asarray(x)[..., 0] for x in found]


def _carried(k, value, slope, length):
    def flow(_, y):
        gamma, rise = y[:2] + 1j * y[2:]
        bend = k**2 * gamma - 2 * gamma.conjugate() * rise**2 / (1 - abs(gamma) ** 2)
        return [rise.real, bend.real, rise.imag, bend.imag]

    start = np.array([value.real, slope.real, value.imag, slope.imag])
    end = solve_ivp(flow, (0, length), start, method="DOP853", rtol=1e-12, atol=1e-14).y[:, -1]
    return end[:2] + 1j * end[2:]


def test_halves_solve_the_scalar_equation_to_fourth_order():
    length, errors = 2.0, []
    for steps in (8, 16, 32):
        value, slope, middle, rise = _halves(length, steps)
        off = []
        for band in range(2):
            for side, sign in ((0, -1), (1, 1)):
                expected = _carried(K[band], middle[band], sign * rise[band], length / 2)
                off.append(np.array([value[band, side], slope[band, side]]) - expected)
        errors.append(np.abs(off).max())
    assert errors[2] > 1e-11  # above SciPy's
    assert errors[1] < 1e-5
    helpers.assert_close(np.divide(errors[:2], errors[1:]), 16.0, absolute=4.0)


def test_halves_are_exact_where_the_equation_is_linear():
    """Small amplitudes: those given, with the slopes of cosh and sinh, in a single step."""
    small, length = 1e-9 * LINEAR, 3.0
    value, slope, _, _ = _halves(length, 1, linear=small)
    left, right = small[..., 0]
    helpers.assert_close(value, np.stack([left, right], axis=1), absolute=1e-23)
    c, s = np.cosh(K * length), np.sinh(K * length)
    expected = np.stack([K * (c * left - right) / s, K * (c * right - left) / s], axis=1)
    helpers.assert_close(slope, expected, absolute=1e-22)


def test_current_is_the_same_everywhere():
    """Re i Tr τ₃G∂G, by matrices, at both interfaces and in the middle."""
    value, slope, middle, rise = _halves(1.5, 512)
    current = np.asarray(link.scalar_current(jnp.asarray(middle), jnp.asarray(rise)))
    assert np.abs(current).min() > 0.05
    for side, sign in ((0, -1), (1, 1)):
        for band in range(2):
            gamma, ahead = np.array([[value[band, side]]]), np.array([[sign * slope[band, side]]])
            flux = u.green(gamma, -gamma.conj()) @ u.green_slope(
                gamma, -gamma.conj(), ahead, -ahead.conj()
            )
            expected = (1j * (flux[0, 0] - flux[1, 1])).real
            helpers.assert_close(current[band], expected, absolute=1e-10)


def test_long_ferromagnets_are_cut():
    """Beyond 18 decay lengths a side sees itself only: γ′ = k γ √(1 − |γ|²)."""
    k = np.array([40.0, 400.0])
    value, slope, middle, rise = _halves(1.0, 200, k=k)
    assert np.isfinite([middle, rise]).all()
    expected = k[:, None] * value * np.sqrt(1 - np.abs(value) ** 2)
    helpers.assert_close(slope / expected, 1.0, absolute=1e-5)
    longer, _, _, _ = _halves(100.0, 200, k=k)
    helpers.assert_close(longer, value, absolute=1e-15)


# ---- Frequencies and gap


def _quick(function, decay, count):
    rule = matsubara(jnp.asarray(1 / (2 * np.pi)), jnp.asarray(decay), count, count)
    assert (np.diff(rule.value) < 0).all()
    return np.sum(np.asarray(rule.weight) * function(np.asarray(rule.value)))


def _left_over(decay, count):
    """Relative errors of sums that fall as exp(−a√n), and on a scale of their own besides."""
    n = np.arange(4_000_000) + 0.5
    functions = (
        lambda n: np.exp(-decay * np.sqrt(n)),
        lambda n: np.exp(-decay * np.sqrt(n)) / (1 + n / 2.8),
        lambda n: np.exp(-decay * np.sqrt(n)) / (2.8**2 + n**2),
    )
    return np.array([_quick(f, decay, count) / f(n).sum() - 1 for f in functions])


@pytest.mark.thorough
@pytest.mark.parametrize("decay", [0.1, 0.5, 2.0])
@pytest.mark.parametrize(("count", "allowed"), [(8, 7e-5), (16, 2.1e-7)])
def test_sums_over_frequencies(decay, count, allowed):
    """As measured: 8 terms and 8 nodes leave 6.1e-5, twice as many of each 2.0e-7."""
    helpers.assert_close(_left_over(decay, count), 0.0, absolute=allowed)


def test_sums_over_frequencies_that_hardly_fall():
    """a = .02, half the sum beyond n = 2800: 1.1e-3 with 8, but 2e-7 with 16."""
    helpers.assert_close(_left_over(0.02, 16), 0.0, absolute=2.1e-7)
    helpers.assert_close(_left_over(0.02, 8), 0.0, absolute=1.2e-3)


@pytest.mark.parametrize("decay", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("count", [8, 16])
def test_error_of_sums_over_frequencies(decay, count):
    """At most four times too small, and small itself where the sum is good."""
    n = np.arange(4_000_000) + 0.5
    for function in (
        lambda n: np.exp(-decay * np.sqrt(n)),
        lambda n: np.exp(-decay * np.sqrt(n)) / (2.0**2 + n**2),
        lambda n: np.exp(-decay * np.sqrt(n)) / (0.3**2 + n**2),
    ):
        rule = matsubara(jnp.asarray(1 / (2 * np.pi)), jnp.asarray(decay), count, count)
        values = function(np.asarray(rule.value))
        exact = function(n).sum()
        left = abs(rule.total(jnp.asarray(values)) - exact)
        found = rule.error(jnp.asarray(values))
        assert left < 4 * found
        assert found < (0.1 if count == 8 else 2e-5) * exact


@pytest.mark.parametrize(("tail", "allowed"), [(12, 8.7e-5), (20, 2.5e-7)])
def test_sums_that_fall_as_a_power(tail, allowed):
    """Σ (n + ½)^{−3/2} = (2^{3/2} − 1) ζ(3/2), with a bend at n = 3, and Σ exp(−√n); as measured.

    The second sum's rest beyond 2·10⁶ terms is ∫ n^{−3/2}.
    """
    rule = algebraic(jnp.asarray(1 / (2 * np.pi)), tail - 4, tail)
    n = np.asarray(rule.value)  # 2πT n
    many = np.arange(2_000_000) + 0.5
    for summand, expected in (
        (n**-1.5, (2**1.5 - 1) * 2.612375348685488),
        (n**-0.5 / (3 + n), np.sum(many**-0.5 / (3 + many)) + 2 / np.sqrt(many.size)),
        (np.exp(-np.sqrt(n)), np.sum(np.exp(-np.sqrt(many)))),
    ):
        helpers.assert_close(rule.total(jnp.asarray(summand)), expected, absolute=allowed)
        off = np.abs(rule.total(jnp.asarray(summand)) - expected)
        assert off < 4 * rule.error(jnp.asarray(summand))


def test_matsubara_frequencies():
    rule = matsubara(jnp.asarray(0.3), jnp.asarray(0.5), 8, 4)
    assert rule.value.shape == (12,)
    expected = np.pi * 0.3 * (2 * np.arange(8) + 1)[::-1]
    helpers.assert_close(rule.value[4:], expected, absolute=1e-14)


TEMPERATURES = (0.1, 0.3, 0.6, 0.9, 0.99)
_gap = jax.jit(bcs_gap)
_gap_slope = jax.jit(jax.grad(bcs_gap))


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_gap_is_that_of_the_sum(temperature):
    expected = u.bcs_gap(temperature, terms=1_000_000)
    helpers.assert_close(_gap(temperature), expected, absolute=1e-10)


def test_gap_of_the_sheet_and_without_temperature():
    helpers.assert_close(_gap(0.1), 1.763877, absolute=5e-7)
    helpers.assert_close(_gap(0.02), np.pi * np.exp(-np.euler_gamma), absolute=1e-12)
    helpers.assert_close([_gap(1.0), _gap(1.3)], 0.0, absolute=1e-300)


def test_gap_falls_as_a_square_root_at_the_critical_temperature():
    """Δ² = 8π²T_c²(1 − T)/(7ζ(3)) + O((1 − T)²): 3.0633…√(1 − T)."""
    slope = np.sqrt(8 * np.pi**2 / (7 * 1.2020569031595942))
    left = [float(_gap(1 - x)) / (slope * np.sqrt(x)) - 1 for x in (2e-3, 1e-3)]
    assert abs(left[0]) < 2e-3
    helpers.assert_close(left[0] / left[1], 2.0, absolute=0.01)


@pytest.mark.parametrize("temperature", [0.3, 0.6, 0.99])
def test_gap_slope(temperature):
    """Against Richardson's differences of the reference's gap."""
    h = 0.02 * (1 - temperature)

    def ratio(h):
        up, down = (u.bcs_gap(temperature + s * h, terms=200_000) for s in (1, -1))
        return (up - down) / (2 * h)

    one, two, four = ratio(h), ratio(2 * h), ratio(4 * h)
    fine, coarse = (4 * one - two) / 3, (4 * two - four) / 3
    expected = (16 * fine - coarse) / 15
    helpers.assert_close(_gap_slope(temperature), expected, absolute=1e-6 * abs(expected))


# ---- The torus of phases


def test_half_a_torus_is_a_torus():
    up, down = np.meshgrid(*[2 * np.pi * np.arange(8) / 8] * 2, indexing="ij")
    odd = lambda a, b: np.sin(2 * a + b) + 0.3 * np.sin(a - 3 * b)  # noqa: E731
    half = np.asarray(half_torus(8))
    assert half.shape == (2, 40)
    whole = whole_torus(jnp.asarray(odd(*half))[None], 8, -1)[0]
    helpers.assert_close(whole, odd(up, down), absolute=1e-14)
    even = whole_torus(jnp.asarray(np.cos(half[0] + 2 * half[1])), 8, 1)
    helpers.assert_close(even, np.cos(up + 2 * down), absolute=1e-14)
    flags = whole_torus(jnp.asarray(half[0] < 1), 8, 1)
    np.testing.assert_array_equal(flags, (up < 1) | (up > 2 * np.pi - 1))


def _torus_of(up, down, points=8):
    """A torus with I_η = Σ s^η_mn sin(mθ↑ + nθ↓) for dictionaries of (m, n)."""
    a, b = np.meshgrid(*[2 * np.pi * np.arange(points) / points] * 2, indexing="ij")
    current = [sum(s * np.sin(m * a + n * b) for (m, n), s in x.items()) for x in (up, down)]
    whole = jnp.ones((points, points), bool)
    return jd.usadel.PhaseTorus(
        jnp.asarray(np.stack(current)), whole, jnp.zeros(()), jnp.asarray(0)
    )


def test_torus_reads_its_own_harmonics():
    """I_η = Σ m_η I_mn sin(mχ↑ + nχ↓), χ = θ + π, over half of the orders."""
    wanted = {(1, 0): 0.7, (0, 1): 0.4, (1, 1): 0.2, (1, -1): -0.15, (2, 0): 0.1, (2, 1): 0.05}
    sign = {o: (-1) ** sum(o) for o in wanted}
    torus = _torus_of(
        {o: o[0] * sign[o] * v for o, v in wanted.items()},
        {o: o[1] * sign[o] * v for o, v in wanted.items()},
    )
    found = np.asarray(torus.harmonics_2d(2))
    for m in range(-2, 3):
        for n in range(-2, 3):
            expected = wanted.get((m, n), wanted.get((-m, -n), 0.0))
            for band, order in enumerate((m, n)):
                value = found[band, 2 + m, 2 + n]
                assert np.isnan(value) if order == 0 else abs(value - expected) < 1e-14
    assert abs(float(torus.truncation_error)) < 1e-14


def test_relation_is_a_cut_through_the_torus():
    torus = _torus_of({(1, 0): 0.3, (2, -1): 0.2, (1, -3): 0.1}, {(0, 1): 0.5, (1, 1): -0.2})
    phase, twist = np.linspace(-3, 7, 11), 0.7
    a, b = phase - twist, phase + twist
    up = 0.3 * np.sin(a) + 0.2 * np.sin(2 * a - b) + 0.1 * np.sin(a - 3 * b)
    down = 0.5 * np.sin(b) - 0.2 * np.sin(a + b)
    relation, phase = torus.relation(twist), jnp.asarray(phase)
    helpers.assert_close(relation.spin_currents(phase), (up, down), absolute=1e-14)
    helpers.assert_close(torus.spin_currents(phase, twist), (up, down), absolute=1e-14)
    helpers.assert_close(relation.current(phase), up + down, absolute=1e-14)
    helpers.assert_close(relation.spin_current(phase), up - down, absolute=1e-14)
    size_up, size_down = np.abs(up), np.abs(down)
    expected = (size_up - size_down) / (size_up + size_down)
    helpers.assert_close(relation.polarization(phase), expected, absolute=1e-13)
    expected = relation.current(jnp.zeros(())), relation.spin_current(jnp.zeros(()))
    helpers.assert_close(relation.spontaneous_currents(), expected, absolute=1e-15)


# ---- The model of six harmonics

# Set A of the sheet, in 1e-3 I₀.
OF_A = (11.514, 8.335, 1.3569, 1.1504, -0.4077, -0.2388)


def of_a(**options):
    """The six-harmonic model of set A."""
    names = ("up", "down", "together", "opposed", "double_up", "double_down")
    return SixHarmonicModel(**dict(zip(names, OF_A, strict=True)), **options)


def test_model_is_the_closed_form_of_the_sheet():
    """Eqs. (47)–(50); the sheet's Δφ has the opposite sign."""
    up, down, both, against, two_up, two_down = OF_A
    phase, twist = np.linspace(0, 6, 9), 0.7
    found = of_a(geometric_phase=-twist)
    at = jnp.asarray(phase)
    p, q = up + down, up - down
    total, rest = 2 * (two_up + two_down), 2 * (two_up - two_down)
    charge = -p * np.sin(phase) * np.cos(twist) - q * np.cos(phase) * np.sin(twist)
    charge += (2 * both + total * np.cos(2 * twist)) * np.sin(2 * phase)
    charge += rest * np.cos(2 * phase) * np.sin(2 * twist)
    spin = -q * np.sin(phase) * np.cos(twist) - p * np.cos(phase) * np.sin(twist)
    spin += (2 * against + total * np.cos(2 * phase)) * np.sin(2 * twist)
    spin += rest * np.sin(2 * phase) * np.cos(2 * twist)
    helpers.assert_close(found.current(at), charge, absolute=1e-13)
    helpers.assert_close(found.spin_current(at), spin, absolute=1e-13)
    helpers.assert_close(found.spontaneous_currents(), (charge[0], spin[0]), absolute=1e-13)


def _model(q, coupling=1.0, total=1.0, ratio=0.0):
    """With given q = Q/4K₁, K₁, P and r = K₂/K₁, without double pairs."""
    difference = 4 * q * coupling
    return SixHarmonicModel(
        (total + difference) / 2,
        (total - difference) / 2,
        together=coupling,
        opposed=ratio * coupling,
    )


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        (1 / np.sqrt(2), 1 / 3),
        (np.sqrt(2), 1 / 4),
        (np.sqrt(2) * (1 - 1e-9), 1 / 4),
        (np.sqrt(2) * (1 + 1e-9), 1 / 4),
        (2.0, 1 / (4 * np.sqrt(2))),
        (-0.5, 0.5 * (2 * np.sqrt(2) - 0.5) / (np.sqrt(2) + 0.5) ** 2),
        (0.0, 0.0),
    ],
)
def test_maximal_efficiency(q, expected):
    helpers.assert_close(_model(q).maximal_efficiency(), expected, absolute=2e-9)


def test_maximal_efficiency_of_set_a():
    """The sheet prints .2942."""
    helpers.assert_close(of_a().maximal_efficiency(), 0.2942, absolute=5e-5)


def _efficiencies(model, twists, points=4000):
    """η against Δφ from currents on a fine grid, by formulas of this file."""
    phase = 2 * np.pi * np.arange(points) / points
    found = []
    for twist in twists:
        a, b = phase - twist, phase + twist
        up, down, both = float(model.up), float(model.down), float(model.together)
        current = -up * np.sin(a) - down * np.sin(b) + 2 * both * np.sin(a + b)
        found.append((current.max() + current.min()) / (current.max() - current.min()))
    return np.abs(found)


@pytest.mark.parametrize("q", [0.3, 0.7, 1.2, 1.5, 2.5])
def test_maximal_efficiency_is_that_at_the_optimal_geometric_phase(q):
    """Where P is the largest by far, so that cos Δφ stays small."""
    model = _model(q, coupling=1e-3)
    best = float(model.optimal_geometric_phase())
    helpers.assert_close(np.cos(best), 4 * q * 1e-3, absolute=1e-12)
    found = _efficiencies(model, [best])[0]
    helpers.assert_close(found, model.maximal_efficiency(), absolute=2e-5)


@pytest.mark.parametrize("q", [0.3, 0.7, 1.2])
def test_maximal_efficiency_is_the_largest(q):
    """For q < √2; beyond, Eqs. (60), (61) are not the maximum: at q = 2.5 it is 6 % higher."""
    model = _model(q, coupling=1e-3)
    best = float(model.optimal_geometric_phase())
    twists = np.pi / 2 - (np.pi / 2 - best) * np.linspace(0.1, 3, 291)
    found = _efficiencies(model, twists)
    helpers.assert_close(found.max(), model.maximal_efficiency(), absolute=2e-5)
    helpers.assert_close(twists[found.argmax()], best, absolute=0.011 * (np.pi / 2 - best))


def test_no_optimum_where_one_band_carries_too_much():
    assert np.isnan(SixHarmonicModel(1.0, -0.2, together=0.1).optimal_geometric_phase())


def _missed(phases, q, r):
    """min over signs of |x[1 + r(1 − x²)] ∓ q| for the roots that exist."""
    x = np.sin(np.asarray(phases)[np.isfinite(phases)])
    cubic = x * (1 + r * (1 - x**2))
    return np.minimum(np.abs(cubic - q), np.abs(cubic + q))


@pytest.mark.parametrize(
    ("q", "r", "count"),
    [
        (0.3, 0.5, 1),  # x = …: the other two roots lie outside [−1, 1]
        (0.6, 3.0, 1),
        (1.2, 3.0, 2),  # two roots in (0, 1) of one sign
        (-1.2, 3.0, 2),
        (0.3, -0.4, 1),
        (0.3, -2.5, 3),
        (0.4, 0.0, 1),
        (0.4, 1e-12, 1),
        (1.7, 0.0, 0),
        (2.9, 3.0, 0),
    ],
)
def test_perfect_spin_diode_phases(q, r, count):
    """All roots of ±q = x[1 + r(1 − x²)] in [−1, 1], counted by sign changes."""
    found = np.asarray(_model(q, ratio=r).perfect_spin_diode_phases())
    assert found.shape == (6,)
    helpers.assert_close(_missed(found, abs(q), r), 0.0, absolute=1e-12)
    x = np.linspace(-1, 1, 20_001)
    changes = np.diff(np.sign(x * (1 + r * (1 - x**2)) - q)) != 0
    assert changes.sum() == count
    assert np.isfinite(found[:3]).sum() == count
    assert np.isfinite(found[3:]).sum() == count
    roots = x[:-1][changes]
    helpers.assert_close(np.sort(np.sin(found[:3]))[:count], roots, absolute=1.001e-4)


def test_perfect_spin_diode_phase_of_set_a():
    """The sheet prints .1050 π, of harmonics rounded to four digits."""
    found = np.asarray(of_a().perfect_spin_diode_phases())
    smallest = np.nanmin(np.abs(found))
    helpers.assert_close(smallest / np.pi, 0.1050, absolute=5e-5)


def test_spin_current_vanishes_at_a_critical_current_of_a_perfect_spin_diode():
    """|cos Δφ| ≫ |Q/P|: what is left of η_s = 1 falls with (Q/P)²."""
    left = []
    for coupling in (1e-3, 1e-4):
        model = _model(0.4, coupling=coupling, ratio=0.5)
        phase = float(np.nanmin(np.abs(model.perfect_spin_diode_phases())))
        turned = SixHarmonicModel(
            model.up,
            model.down,
            together=model.together,
            opposed=model.opposed,
            geometric_phase=phase,
        )
        left.append(1 - abs(float(jd.usadel.spin_diode_efficiency(turned))))
    assert left[0] < 0.05
    helpers.assert_close(left[0] / left[1], 100.0, absolute=1.0)


@pytest.mark.parametrize("r", [0.6, 1.0, 3.0])
def test_spin_diode_threshold_is_where_two_roots_merge(r):
    """The maximum of x[1 + r(1 − x²)] lies at x² = (1 + r)/3r < 1 for r > 1/2."""
    top = float(_model(0.5, ratio=r).spin_diode_threshold())
    x = np.sqrt((1 + r) / (3 * r))
    helpers.assert_close(top, x * (1 + r * (1 - x**2)), absolute=1e-14)
    below, above = (
        np.asarray(_model(f * top, ratio=r).perfect_spin_diode_phases())[:3]
        for f in (1 - 1e-4, 1 + 1e-4)
    )
    assert np.isfinite(below).sum() == 2
    assert not np.isfinite(above).any()
    helpers.assert_close(np.sin(below[np.isfinite(below)]), x, absolute=0.02)


@pytest.mark.parametrize("r", [0.0, -0.5])
def test_no_threshold_without_a_maximum(r):
    assert np.isnan(_model(0.5, ratio=r).spin_diode_threshold())


@pytest.mark.thorough
def test_model_of_a_torus():
    wanted = dict(zip([(1, 0), (0, 1), (1, 1), (1, -1), (2, 0), (0, 2)], OF_A, strict=True))
    torus = _torus_of(
        {o: o[0] * (-1) ** sum(o) * v for o, v in wanted.items()},
        {o: o[1] * (-1) ** sum(o) * v for o, v in wanted.items()},
    )
    found = SixHarmonicModel.from_torus(torus, 0.3)
    np.testing.assert_allclose(jax.tree.leaves(found), [*OF_A, 0.3], rtol=1e-13)
    phase = jnp.linspace(0, 6, 7)
    helpers.assert_close(
        found.spin_currents(phase), torus.spin_currents(phase, 0.3), absolute=1e-13
    )
