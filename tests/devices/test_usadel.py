"""The spin-active junction against the sheet and against independent code.

Tolerances. What `UsadelResolution` promises: 2e-6 I₀ at the default, 5e-8 I₀ doubled; efficiencies
and harmonics follow from currents of 1e-2 I₀, and the sheet prints them with errors of its own.
Two solutions of one problem agree to what Newton's last step leaves, 1e-12 of amplitudes of order
one. Gradients: Richardson's differences of values solved to 1e-13, 1e-5 of the largest component.
"""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import SpinActiveJunction, Status
from jaxdiode.devices.usadel import SpinBarrier, UsadelResolution
from jaxdiode.devices.usadel.currents import slowest_fall
from jaxdiode.devices.usadel.equations.frequencies import matsubara
from jaxdiode.devices.usadel.equations.matsubara import solve
from jaxdiode.devices.usadel.equations.uniform import UniformGap
from jaxdiode.devices.usadel.layers.conjugation import MatsubaraAxis
from jaxdiode.devices.usadel.layers.link import scalar_current
from tests import helpers
from tests.reference import usadel as u
from tests.reference import usadel_limits as limits

DEFAULT = UsadelResolution()
PROMISED, PROMISED_DOUBLED = 2e-6, 5e-8
RIGHT_ANGLE = np.pi / 2


pytestmark = pytest.mark.usefixtures("optimised")


def of_sheet(width=0.14, azimuth=0.0, polar=RIGHT_ANGLE, moment=0.25):
    return SpinBarrier(1.4, moment, width_up=width, width_down=width, polar=polar, azimuth=azimuth)


def junction(left=None, right=None, resolution=DEFAULT, **changes):
    """Set A of the sheet, changed."""
    values = {
        "temperature": 0.1, "superconductor_length": 4.0, "ferromagnet_length": 1.0,
        "conductance": 2.0, "exchange": 0.25, "potential": 0.25,
    } | changes  # fmt: skip
    return SpinActiveJunction(
        **values, left=left or of_sheet(), right=right or of_sheet(), resolution=resolution
    )


# Unlike barriers, unequal widths, other angles.
UNLIKE = u.Junction(
    temperature=0.3,
    length_s=3.0,
    length_f=0.8,
    conductance=1.5,
    exchange=0.3,
    potential=0.2,
    left=u.Barrier(1.5, 0.25, (0.1, 0.16), alpha=1.1),
    right=u.Barrier(1.6, 0.35, (0.13, 0.19), alpha=2.0),
)


def from_reference(other, azimuths=(0.0, 0.0), **changes):
    """The package's junction with the parameters of a reference's."""
    left, right = (
        SpinBarrier(
            b.height,
            b.exchange,
            width_up=b.widths[0],
            width_down=b.widths[1],
            polar=b.alpha,
            azimuth=azimuth,
        )
        for b, azimuth in zip((other.left, other.right), azimuths, strict=True)
    )
    values = {
        "temperature": other.temperature,
        "superconductor_length": other.length_s,
        "ferromagnet_length": other.length_f,
        "conductance": other.conductance,
        "exchange": other.exchange,
        "potential": other.potential,
    }
    return junction(left, right, **(values | changes))


DEVICES = {
    "A": junction,
    "B": lambda: junction(right=of_sheet(0.5)),
    "A doubled": lambda: junction().doubled(),
    "B doubled": lambda: junction(right=of_sheet(0.5)).doubled(),
    "unlike": lambda: from_reference(UNLIKE),
    "unlike, mirrored": lambda: from_reference(
        UNLIKE._replace(left=UNLIKE.right, right=UNLIKE.left)
    ),
    "half-metal": lambda: junction(exchange=0.8),
    "equal bands": lambda: junction(exchange=0.0),
    "collinear": lambda: junction(of_sheet(polar=0.0), of_sheet(polar=0.0)),
    "spin-inactive": lambda: junction(of_sheet(moment=0.0), of_sheet(moment=0.0)),
    "d .3": lambda: junction(of_sheet(0.3), of_sheet(0.3)),
    "d .6": lambda: junction(of_sheet(0.6), of_sheet(0.6)),
    "d 1": lambda: junction(of_sheet(1.0), of_sheet(1.0)),
    "T .4": lambda: junction(temperature=0.4),
    "T .8": lambda: junction(temperature=0.8),
    "J .05": lambda: junction(exchange=0.05),
    "J .15": lambda: junction(exchange=0.15),
    "J .3": lambda: junction(exchange=0.3),
    "J .5": lambda: junction(exchange=0.5),
    "J .7": lambda: junction(exchange=0.7),
}


@functools.cache
def torus(name):
    found = DEVICES[name]().torus()
    assert found.status == Status.CONVERGED, name
    return found


GRID = 33


@jax.jit
def _read(torus, twists):
    def one(twist):
        relation = torus.relation(twist)
        spin = jd.usadel.spin_diode(relation)
        return jd.critical_currents(relation).efficiency, spin.efficiency, spin.plus, spin.minus

    return jax.vmap(one)(twists)


def read(name, low=0.02, high=0.98):
    """Δφ/π on a grid; η_c, η_s and the spin currents at both critical currents."""
    twists = np.linspace(low, high, GRID)
    return twists, *map(np.asarray, _read(torus(name), jnp.asarray(np.pi * twists)))


def peak(name):
    """Largest |η_c| and its Δφ/π: a cusp, where two maxima of the current tie."""
    low, high = 0.02, 0.5
    for _ in range(3):
        twists, eta, *_ = read(name, low, high)
        best = np.argmax(np.abs(eta))
        step = twists[1] - twists[0]
        low, high = twists[best] - step, twists[best] + step
    return np.abs(eta[best]), twists[best]


def largest_efficiency(name):
    return np.abs(read(name, 0.02, 0.5)[1]).max()


def spin_roots(name, low, high):
    """Δφ/π at which a spin current at a critical charge current vanishes: η_s = ±1."""
    twists, _, _, *spins = read(name, low, high)
    found = []
    for spin in spins:
        change = np.abs(np.diff(spin))
        smooth = change < 10 * np.median(change)  # it jumps where critical currents tie
        for k in np.flatnonzero((spin[:-1] * spin[1:] < 0) & smooth):
            share = spin[k] / (spin[k] - spin[k + 1])
            found.append(twists[k] + share * (twists[k + 1] - twists[k]))
    return np.array(found)


# ---- The sheet

PHASES = np.pi * np.array([0, 0.25, 0.5, 0.75, 1, 1.5])
TABLE = {
    0.0: (
        (0, 0),
        (-7.595976, -5.008617),
        (-11.435205, -8.324079),
        (-8.687914, -6.767976),
        (0, 0),
        (11.435205, 8.324079),
    ),
    0.4: (
        (10.690950, -7.546702),
        (6.745239, -5.028389),
        (-4.864396, -1.676057),
        (-12.988580, 2.788326),
        (-11.096104, 8.331200),
        (2.523650, 3.595404),
    ),
}


def _table_errors(name):
    found = [torus(name).spin_currents(PHASES, np.pi * twist) for twist in TABLE]
    return np.moveaxis(np.array(found), 1, 2) - 1e-3 * np.array(list(TABLE.values()))


@pytest.mark.thorough
def test_currents_are_those_of_the_sheet():
    helpers.assert_close(_table_errors("A"), 0.0, absolute=PROMISED)


@pytest.mark.slow
def test_currents_are_those_of_the_sheet_at_twice_the_resolution():
    helpers.assert_close(_table_errors("A doubled"), 0.0, absolute=PROMISED_DOUBLED)


@pytest.mark.slow
def test_critical_currents_of_the_reference():
    """A at Δφ = .4 π: peaks of tests/reference/usadel.py at 7 phases 0.1 apart, by polynomials of
    degree 4 and 6, which differ by 4e-9 I₀ and 1e-5 in phase; η_s from its currents there. (The
    sheet's η_c = −.19410 and η_s = −.27101 are read from 40 phases.)"""
    relation = torus("A").relation(0.4 * np.pi)
    found = jd.critical_currents(relation)
    currents = [found.plus, found.minus]
    helpers.assert_close(currents, [7.032361e-3, 10.418703e-3], absolute=PROMISED)
    helpers.assert_close(found.efficiency, -0.194048, absolute=5e-5)
    helpers.assert_close(jd.usadel.spin_diode_efficiency(relation), -0.270870, absolute=5e-5)


PEAKS = {"A": (0.29902, 0.44596), "B": (0.33122, 0.47088)}


@pytest.mark.slow
@pytest.mark.parametrize("name", PEAKS)
def test_peak_efficiency(name):
    helpers.assert_close(peak(name), PEAKS[name], absolute=3e-4)


@pytest.mark.thorough
@pytest.mark.parametrize(("name", "expected"), [("A", (0.1036, 0.8964)), ("B", (0.0339, 0.9661))])
def test_perfect_spin_diode(name, expected):
    for root in expected:
        found = spin_roots(name, root - 2e-3, root + 2e-3)
        assert len(found) == 1
        helpers.assert_close(found, root, absolute=3e-4)
        eta = read(name, found[0] - 1e-6, found[0] + 1e-6)[2]
        assert np.abs(eta).min() > 0.999


HARMONICS = {
    "A": (11.514, 8.335, 1.3569, 1.1504, -0.4077, -0.2388),
    "B": (2.518, 2.099, 0.0748, 0.9098, -0.0357, -0.0270),
}
LAST_PLACE = {"A": (1e-3, 1e-3, 1e-4, 1e-4, 1e-4, 1e-4), "B": (1e-3, 1e-3, *[1e-4] * 4)}


@pytest.mark.thorough
@pytest.mark.parametrize("name", HARMONICS)
def test_harmonics(name):
    """I₁₀, I₀₁, I₁₁, I₁,₋₁, I₂₀, I₀₂: 1e-3 relative, or one in the sheet's last place."""
    up, down = np.asarray(torus(name).harmonics_2d(2))
    found = np.array([up[3, 2], down[2, 3], up[3, 3], up[3, 1], up[4, 2], down[2, 4]])
    expected = np.array(HARMONICS[name])
    allowed = np.maximum(1e-3 * np.abs(expected), LAST_PLACE[name])
    helpers.assert_close(1e3 * found, expected, absolute=allowed)


SPONTANEOUS = {"A": (3.135, 0.336, 19.81, -1.00), "B": (0.419, 0.017, 4.62, -1.70)}


@pytest.mark.parametrize("name", SPONTANEOUS)
def test_spontaneous_currents(name):
    """sin Δφ and sin 2Δφ amplitudes at Δχ = 0, up to the sign of both charge and spin ones."""
    twists = 2 * np.pi * np.arange(32) / 32
    up, down = (np.asarray(x) for x in torus(name).spin_currents(0.0, twists))
    found = [
        2e3 / 32 * (current @ np.sin(n * twists)) for current in (up + down, up - down)
        for n in (1, 2)
    ]  # fmt: skip
    allowed = [1e-3, 1e-3, 1e-2, 1e-2]
    helpers.assert_close(np.abs(found), np.abs(SPONTANEOUS[name]), absolute=allowed)
    # Relative signs, as printed.
    assert np.sign(found[2] * found[3]) == -1


@pytest.mark.thorough
def test_model_of_six_harmonics():
    """Sec. V.4 of A: efficiency .2942 (full .2990), spin root .1050 π (.1036 π)."""
    model = jd.usadel.SixHarmonicModel.from_torus(torus("A"), RIGHT_ANGLE)
    helpers.assert_close(model.maximal_efficiency(), 0.2942, absolute=1e-4)
    phases = np.abs(np.asarray(model.perfect_spin_diode_phases()))
    helpers.assert_close(np.nanmin(phases) / np.pi, 0.1050, absolute=1e-4)


# ---- Independent reference

# tests/reference/usadel.py: currents(UNLIKE with bcs_gap(.3), Δχ, Δφ, tolerance=1e-7), 16 momenta,
# 8 exact terms and 12 nodes; with tolerance 1e-6 they change by 5e-11.
FROZEN = {
    (0.9, 0.6): (-0.005795759208115713, -0.00633033188673157),
    (2.2, -1.1): (0.0032215263225881955, -0.009253455554834021),
}


@pytest.mark.parametrize("phases", FROZEN)
def test_currents_of_unlike_barriers(phases):
    found = torus("unlike").spin_currents(*phases)
    helpers.assert_close(found, FROZEN[phases], absolute=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("phases", FROZEN)
def test_reference_is_as_frozen(phases):
    other = UNLIKE._replace(gap=u.bcs_gap(UNLIKE.temperature))
    helpers.assert_close(u.currents(other, *phases, tolerance=1e-7), FROZEN[phases], absolute=1e-10)


@pytest.mark.slow
def test_opaque_barriers_tunnel():
    """Linear in the bands, with their reflection into each other; the rest falls as |t|²."""
    left = []
    for name, width in (("d .6", 0.6), ("d 1", 1.0)):
        opaque = u.Barrier(widths=(width, width))
        other = u.SET_A._replace(left=opaque, right=opaque)
        expected = limits.tunnelling(other, 0.9, 0.6)
        found = np.array(torus(name).spin_currents(0.9, 0.6))
        left.append(np.abs(found / expected - 1).max())
    assert left[0] < 5e-3
    assert left[1] < 0.2 * left[0]


# ---- Exact structure


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["A", "B", "unlike"])
def test_no_charge_diode_at_multiples_of_a_right_angle(name):
    phase = np.linspace(0, 6, 9)
    for twist in (0.0, np.pi):
        ahead, back = (sum(torus(name).spin_currents(x, twist)) for x in (phase, -phase))
        helpers.assert_close(ahead, -back, absolute=1e-15)
    eta = np.asarray(_read(torus(name), np.pi / 2 * jnp.arange(float(GRID)))[0])
    assert np.abs(eta).max() < 1e-9


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["half-metal", "equal bands"])
def test_no_charge_diode_without_two_unlike_bands(name):
    eta = read(name)[1]
    helpers.assert_close(eta, 0.0, absolute=1e-9)
    assert np.abs(torus(name).current).max() > 1e-3


def test_a_half_metal_carries_one_band():
    np.testing.assert_array_equal(torus("half-metal").current[1], 0.0)
    current = np.asarray(torus("half-metal").current[0])
    helpers.assert_close(current, current[:, :1], absolute=1e-13)


@pytest.mark.parametrize(
    "name", ["collinear", pytest.param("spin-inactive", marks=pytest.mark.slow)]
)
def test_no_pairs_of_equal_spin_without_noncollinear_barriers(name):
    helpers.assert_close(torus(name).current, 0.0, absolute=1e-15)


@pytest.mark.parametrize(("name", "allowed"), [("A", 2e-7), ("B", 2e-7), ("unlike", 2e-7)])
def test_both_bands_have_one_free_energy(name, allowed):
    """Maxwell: n b↑_mn = m b↓_mn, and with it one I_mn; to what harmonics beyond M/2 fold back."""
    up, down = np.asarray(torus(name).harmonics_2d(3))
    orders = np.arange(-3, 4)
    both = (orders[:, None] != 0) & (orders[None] != 0)
    assert np.abs(up[both]).max() > 1e-5
    helpers.assert_close(up[both], down[both], absolute=allowed)


def test_phases_by_half_a_turn():
    """(Δχ + π, Δφ + π) is (Δχ, Δφ): neither θ↑ nor θ↓ changes, but by 2π."""
    phase, twist = np.linspace(0, 6, 7), 0.7
    here = torus("A").spin_currents(phase, twist)
    there = torus("A").spin_currents(phase + np.pi, twist + np.pi)
    helpers.assert_close(there, here, absolute=1e-15)


@pytest.mark.thorough
def test_currents_of_a_junction_are_those_of_its_torus():
    """And only the difference of the azimuths matters."""
    left, right = of_sheet(azimuth=0.5), of_sheet(azimuth=0.9)
    device = junction(left, right)
    helpers.assert_close(device.geometric_phase, 0.4, absolute=1e-15)
    phase = jnp.linspace(0, 6, 7)
    found = device.relation().spin_currents(phase)
    helpers.assert_close(found, torus("A").spin_currents(phase, 0.4), absolute=1e-14)


def test_mirror_image():
    """Left and right exchanged: both phases and the current turn, which is I(−θ) = −I(θ)."""
    found = torus("unlike, mirrored").current
    helpers.assert_close(found, torus("unlike").current, absolute=1e-11)


def test_truncation_error_is_honest():
    """16 phases keep |m|, |n| ≤ 7: the next harmonics of A are below what it says."""
    error = float(torus("A").truncation_error)
    assert 1e-9 < error < 1e-6


# ---- Trends


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "expected", "allowed"), [("T .4", 0.18, 0.01), ("T .8", 0.02, 0.005)]
)
def test_efficiency_falls_with_temperature(name, expected, allowed):
    helpers.assert_close(largest_efficiency(name), expected, absolute=allowed)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["d .3", "d .6"])
def test_thick_barriers_are_diodes_in_a_narrow_range(name):
    """As the model of six harmonics has it, to the harmonics beyond. (The sheet's .27 and .05 are
    what a scan over Δφ in steps of π/20 or so finds beside the cusp.)"""
    model = jd.usadel.SixHarmonicModel.from_torus(torus(name), RIGHT_ANGLE)
    eta, twist = peak(name)
    helpers.assert_close(eta, model.maximal_efficiency(), absolute=0.01)
    best = float(model.optimal_geometric_phase())
    helpers.assert_close(np.cos(np.pi * twist), np.cos(best), absolute=0.1 * np.cos(best))


@pytest.mark.slow
def test_opaque_barriers_are_no_diode():
    """d = 1: about 1e-4."""
    assert 3e-5 < largest_efficiency("d 1") < 3e-4


@pytest.mark.slow
def test_efficiency_peaks_in_exchange_near_three_tenths():
    found = [largest_efficiency(name) for name in ("J .05", "J .15", "J .3", "J .5", "J .7")]
    assert np.argmax(found) == 2
    assert found[0] < 0.5 * found[2]
    assert found[4] < 0.95 * found[2]


# ---- Inside the solver

LANES = 12


class Solved:
    """What `solve` finds for a device at 12 phases, and the two sides of its interfaces."""

    def __init__(self, device, twist):
        found, currents, pairs, slopes, sigma = _solved(device, jnp.asarray(twist))
        self.converged = np.asarray(found.converged)
        self.current, self.sums = np.asarray(found.current), np.asarray(currents)
        self.pairs, self.slopes, self.sigma = map(np.asarray, (pairs, slopes, sigma))

    def largest(self):
        """Largest ‖γ‖₂ of a superconductor and |γ| of a band."""
        matrices = np.moveaxis(self.pairs[:, :4], 1, -1).reshape(-1, 2, 2)
        return np.linalg.norm(matrices, 2, axis=(1, 2)).max(), np.abs(self.pairs[:, 4:]).max()


@eqx.filter_jit
def _solved(device, twist):
    fine = device.resolution
    layers = device.layers()
    fall = slowest_fall(layers, device.temperature)
    rule = matsubara(device.temperature, fall, fine.terms, fine.tail)
    found = solve(layers, rule.value, twist, fine.steps)

    def sides(x, frequency):
        return UniformGap(layers, frequency, twist, MatsubaraAxis(), fine.steps).ends(x)

    pairs, slopes = (x[:, 0] for x in jax.vmap(sides)(found.unknowns, rule.value))
    currents = device.temperature * jnp.sum(rule.weight[:, None, None] * found.current, axis=0)
    return found, currents, pairs, slopes, layers.link.conductivities()


def _twists(seed=21, count=LANES):
    return np.random.default_rng(seed).uniform(0, 2 * np.pi, (2, count))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["A", "unlike"])
def test_torus_interpolates_the_solver(name):
    """Currents of phases between its points, by the harmonics that it keeps."""
    up, down = _twists()
    expected = Solved(DEVICES[name](), (up, down)).sums
    found = torus(name).spin_currents((up + down) / 2, (down - up) / 2)
    allowed = 10 * torus(name).truncation_error
    helpers.assert_close(found, expected, absolute=allowed)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["A", "unlike"])
def test_charge_current_is_conserved_at_the_interfaces(name):
    """Σ_η σ_η Re i Tr τ₃G∂G of the bands is that of the superconductor, at both interfaces."""
    found = Solved(DEVICES[name](), _twists())
    assert found.converged.all()
    count = len(found.current)
    for side, sign in ((0, -1), (1, 1)):  # n points into the superconductor
        gamma = np.moveaxis(found.pairs[:, :4, side], 1, -1).reshape(count, LANES, 2, 2)
        slope = np.moveaxis(found.slopes[:, :4, side], 1, -1).reshape(count, LANES, 2, 2)
        flux = u.green(gamma, -gamma.conj()) @ u.green_slope(
            gamma, -gamma.conj(), slope, -slope.conj()
        )
        of_superconductor = sign * (1j * np.einsum("a,...aa", [1, 1, -1, -1], flux)).real
        values, rises = found.pairs[:, 4:, side], -sign * found.slopes[:, 4:, side]
        bands = np.asarray(scalar_current(jnp.asarray(values), jnp.asarray(rises)))
        assert np.abs(bands).max() > 1e-3
        helpers.assert_close(bands.sum(axis=1), of_superconductor, absolute=1e-10)
        # Inside the ferromagnet it is as constant as its integration is accurate.
        helpers.assert_close(bands, found.current, absolute=1e-5)


def _drawn(rng):
    polar, azimuth = rng.uniform(0, np.pi, 2), rng.uniform(0, 2 * np.pi, 2)
    barriers = []
    for k in range(2):
        moment = rng.uniform(0, 0.5)
        height = 1.05 + moment + rng.uniform(0, 1)
        up, down = rng.uniform(0.05, 1.0, 2)
        barriers.append(
            SpinBarrier(
                height, moment, width_up=up, width_down=down, polar=polar[k], azimuth=azimuth[k]
            )
        )
    device = junction(
        *barriers,
        temperature=rng.uniform(0.03, 0.9),
        superconductor_length=rng.uniform(2, 6),
        ferromagnet_length=rng.uniform(0.3, 4),
        conductance=np.exp(rng.uniform(np.log(0.1), np.log(8))),
        exchange=rng.uniform(0, 0.9),
        potential=rng.choice([0.0, rng.uniform(0, 0.4)]),
    )
    return device, rng.uniform(0, 2 * np.pi, (2, LANES))


def _robust(count):
    """Share of (phase, frequency) pairs that converge, and the largest amplitudes."""
    rng = np.random.default_rng(2024)
    good, whole = 0, 0
    for _ in range(count):
        found = Solved(*_drawn(rng))
        good, whole = good + found.converged.sum(), whole + found.converged.size
        matrix, band = found.largest()
        assert matrix < 1
        assert band < 1
        for each in range(2):
            np.testing.assert_array_equal(np.isfinite(found.current[:, each]), found.converged)
    return good / whole


@pytest.mark.slow
def test_a_dozen_random_junctions_are_solved():
    assert _robust(12) == 1.0


@pytest.mark.slow
def test_random_junctions_are_solved():
    """99.5 % of all phases and frequencies of 300."""
    assert _robust(300) >= 0.995


# ---- Gradients

COARSE = UsadelResolution(phases=8, terms=4, tail=4, steps=6, momenta=4)


def _observables(device):
    """η_c and η_s at Δφ, I₁₀, I₀₁, I₁₁, I₁,₋₁ (10³ I₀)."""
    torus = device.torus()
    relation = torus.relation(device.geometric_phase)
    up, down = 1e3 * torus.harmonics_2d(1)
    return jnp.stack(
        [
            jd.diode_efficiency(relation), jd.usadel.spin_diode_efficiency(relation),
            up[2, 1], down[1, 2], up[2, 2], down[2, 0],
        ]
    )  # fmt: skip


def _moved(device, shifts):
    leaves, structure = jax.tree.flatten(device)
    return jax.tree.unflatten(structure, [x + d for x, d in zip(leaves, shifts, strict=True)])


@eqx.filter_jit
def _along(device, directions):
    """Values, and derivatives along each of many directions in the space of parameters."""

    def one(direction):
        tangent = jax.tree.unflatten(jax.tree.structure(device), list(direction))
        return jax.jvp(_observables, (device,), (tangent,))[1]

    return jax.lax.map(one, directions)


_values = eqx.filter_jit(_observables)


def _difference(device, direction, step):
    """Richardson's extrapolation of three central differences."""

    def ratio(h):
        up, down = (_values(_moved(device, s * h * direction)) for s in (1, -1))
        return np.asarray(up - down) / (2 * h)

    one, two, four = ratio(step), ratio(2 * step), ratio(4 * step)
    fine, coarse = (4 * one - two) / 3, (4 * two - four) / 3
    return (16 * fine - coarse) / 15


_OF_BARRIER = ("height", "exchange", "width_up", "width_down", "polar", "azimuth")
NAMES = [
    *("temperature", "superconductor_length", "ferromagnet_length", "conductance"),
    *("exchange", "potential"),
    *(f"{side}.{name}" for side in ("left", "right") for name in _OF_BARRIER),
]


def _unit(name):
    """The direction of one parameter, or of both band parameters at once."""
    names = ("exchange", "potential") if name == "bands" else (name,)
    return np.array([float(each in names) for each in NAMES])


def _graded(right=0.14, exchange=0.25):
    left = of_sheet(azimuth=0.1)
    return junction(left, of_sheet(right, azimuth=0.1 + 0.4 * np.pi), COARSE, exchange=exchange)


def _compare_gradients(device, names):
    directions = np.array([_unit(name) for name in names])
    padded = np.zeros((len(NAMES), len(NAMES)))  # one compilation
    padded[: len(names)] = directions
    found = np.asarray(_along(device, jnp.asarray(padded)))[: len(names)]
    values = np.concatenate([np.ravel(x) for x in jax.tree.leaves(device)])
    steps = [2e-3 * max(0.1, np.abs(values[d > 0]).min()) for d in directions]
    expected = np.array([_difference(device, *x) for x in zip(directions, steps, strict=True)])
    assert np.isfinite(found).all()
    scale = np.max(np.abs(expected), axis=0)
    helpers.assert_close(found, expected, absolute=1e-5 * scale)


def test_parameters_are_in_this_order():
    paths = jax.tree_util.tree_leaves_with_path(_graded())
    assert [jax.tree_util.keystr(path).lstrip(".") for path, _ in paths] == NAMES


# The majority band's momentum is that of the superconductor in both sets: its square root has a
# kink along `exchange` and along `potential`, but not where both move together.
BANDS = ("exchange", "potential")
SMOOTH = [name for name in NAMES if name not in BANDS]


@pytest.mark.slow
@pytest.mark.parametrize("right", [0.14, 0.5], ids=["A", "B"])
def test_gradients(right):
    _compare_gradients(_graded(right), [*SMOOTH, "bands"])


@pytest.mark.slow
def test_gradients_in_the_band_parameters():
    _compare_gradients(_graded(exchange=0.3), [*BANDS])


# ---- What is refused, and what is flagged


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("where", "value"),
    [
        pytest.param(lambda d: d.temperature, np.nan, id="temperature"),
        pytest.param(lambda d: d.left.height, 0.9, id="barrier"),
        pytest.param(lambda d: d.right.polar, np.inf, id="angle", marks=pytest.mark.slow),
        pytest.param(lambda d: d.ferromagnet_length, np.nan, id="length", marks=pytest.mark.slow),
        pytest.param(lambda d: d.conductance, -2.0, id="conductance", marks=pytest.mark.slow),
        pytest.param(lambda d: d.exchange, -0.2, id="exchange", marks=pytest.mark.slow),
    ],
)
def test_parameters_outside_their_range_are_flagged(where, value):
    found = eqx.tree_at(where, junction(), jnp.asarray(value, float)).torus()
    assert found.status != Status.CONVERGED
    relation = found.relation(0.3)
    assert relation.status() == found.status
    assert np.isnan(relation.spin_currents(jnp.asarray([0.3, 1.0]))).all()
    assert np.isnan(found.spin_currents(0.3, 0.1)).all()
    assert np.isnan(jd.critical_currents(relation).plus)


@pytest.mark.thorough
def test_nothing_flows_above_the_critical_temperature():
    found = eqx.tree_at(lambda d: d.temperature, junction(), jnp.asarray(1.2, float)).torus()
    np.testing.assert_array_equal(found.current, 0.0)
    assert jd.critical_currents(found.relation(0.3)).status == Status.NO_SUPERCURRENT


@pytest.mark.slow
def test_temperatures_side_by_side():
    def one(temperature):
        device = eqx.tree_at(lambda d: d.temperature, junction(), temperature)
        return device.torus().current, device.torus().status

    current, status = jax.jit(jax.vmap(one))(jnp.array([0.1, np.nan, 0.4]))
    np.testing.assert_array_equal(status == Status.CONVERGED, [True, False, True])
    assert np.isnan(current[1]).all()
    helpers.assert_close(current[0], torus("A").current, absolute=1e-12)
    helpers.assert_close(current[2], torus("T .4").current, absolute=1e-12)
