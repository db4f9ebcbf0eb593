"""The driven junction against the sheet, against independent code, and against its circuits.

Tolerances. The sheet (shared/physics/kapitza.md) prints currents of ramps with five digits, known
to a few 1e-6: 2e-5. Its fold, flip and gradient values have all their digits: one in the last
place. tests/reference/kapitza.py solves for the same orbits by other code, to 1e-11; its finite
differences are good to 1e-8. Exact symmetries and Bessel series hold to rounding.
"""

import csv
import dataclasses
import itertools
from functools import cache, partial
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.constants as codata
from scipy.special import jv

import jaxdiode as jd
from jaxdiode import Status
from tests import helpers
from tests.problems.kapitza import drive
from tests.reference import dense_squid, kapitza

HALF = np.pi / 2
SWITCHES = Status.CONVERGED
TWO, FLIP, RUNS = Status.PERIOD_TWO_FOLD, Status.PERIOD_DOUBLING, Status.NO_ZERO_VOLTAGE_STATE


def junction(a1, omega, beta=0.5, b=1.0, phi0=HALF, a0=1.0, **options):
    return jd.KapitzaJunction(
        beta,
        omega,
        mean_current=a0,
        drive_current=a1,
        static_current=b,
        phase_offset=phi0,
        **options,
    )


def _currents(device):
    found = device.limits()
    return jnp.stack([found.fold, found.period_two_fold, found.flip]), found


# (gradients of (fold, period-two fold, flip) in both directions, Limits): one compilation.
_explore = jax.jit(jax.jacrev(_currents, has_aux=True))


@cache
def explore(*arguments, **options):
    return _explore(junction(*arguments, **options))


def limits(*arguments, **options):
    return explore(*arguments, **options)[1]


def efficiency(plus, minus):
    return (plus - minus) / (plus + minus)


# ---- The table of the sheet: (a₁, Ω, β, b, φ₀) → (I₊, I₋, η, error of η)

FOLDS = [
    ((0.5, 2.0), 1.42630, 1.39702, 0.01037, 3e-6),
    ((1.0, 1.5), 1.48234, 1.29427, 0.06773, 6e-6),
    ((1.0, 2.0), 1.46234, 1.34668, 0.04117, 2e-6),
    ((1.0, 3.0), 1.43907, 1.38518, 0.01908, 1e-6),
    ((1.0, 10.0), 1.41669, 1.41170, 0.00176, 4e-6),
    ((2.0, 2.0, 1.0), 1.57481, 1.19584, 0.13678, 4e-5),
    ((3.0, 4.0), 1.54561, 1.27113, 0.09744, 2e-6),
    ((8.0, 5.0), 2.01637, 1.00701, 0.33385, 6e-6),
    ((1.0, 3.0, 0.5, 0.5), 1.13745, 1.09421, 0.01938, 5e-6),
    ((1.0, 3.0, 0.5, 1.0, 1.5 * HALF), 0.78485, 0.74714, 0.02461, 6e-6),
]


@pytest.mark.thorough
@pytest.mark.parametrize(("arguments", "plus", "minus", "eta", "error"), FOLDS)
def test_fold_is_the_ramp_of_the_sheet(arguments, plus, minus, eta, error):
    found = limits(*arguments)
    np.testing.assert_array_equal(found.status, SWITCHES)
    helpers.assert_close(found.fold, [plus, minus], absolute=2e-5)
    helpers.assert_close(efficiency(*found.fold), eta, absolute=error + 5e-6)
    low, high = found.ramp[:, 0], found.ramp[:, 1]
    # The coarse ramp may settle for a bias a step or two off the adiabatic one.
    assert (np.abs(found.fold - 0.5 * (low + high)) < 0.01).all()


@pytest.mark.thorough
@pytest.mark.parametrize("arguments", [row[0] for row in FOLDS])
def test_fold_is_that_of_the_reference(arguments):
    """The first fold of the branch from i = 0: there are others at a₁ = 8."""
    same = drive(junction(*arguments))
    for found, sign in zip(limits(*arguments).fold, (1, -1), strict=True):
        events = kapitza.branch(same, sign, points=32)
        expected = next(event.current for event in events if event.kind == "fold")
        helpers.assert_close(found, expected, absolute=1e-10)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ((1.0, 1.0), (SWITCHES, FLIP)),
        ((3.0, 1.1, 1.0), (TWO, FLIP)),
        # Chaotic from 1.30 on: only a fast ramp reaches the period-two fold at 1.35906.
        ((1.5, 1.0), (FLIP, FLIP)),
        ((0.5, 0.9, 0.1), (FLIP, SWITCHES)),  # its + fold leads to another orbit in the well
        ((1.0, 1.5), (SWITCHES, SWITCHES)),  # flips that restabilise before the fold
        ((3.0, 2.0), (RUNS, RUNS)),
    ],
)
def test_status_says_what_ends_the_state(arguments, status):
    found = limits(*arguments)
    np.testing.assert_array_equal(found.status, status)
    np.testing.assert_array_equal(np.isnan(found.fold), np.array(status) != SWITCHES)
    np.testing.assert_array_equal(np.isnan(found.period_two_fold), np.array(status) != TWO)
    np.testing.assert_array_equal(np.isnan(found.ramp).all(axis=1), np.array(status) == RUNS)


def test_fold_into_another_orbit_close_by():
    """The fold at 1.14543 leads to an orbit in the well, which ends at 1.14775 (reference.ramp)."""
    assert limits(0.5, 0.3).status[1] != SWITCHES


def test_flip_is_a_loss_of_stability():
    """Multipliers of the orbit at 0.2, 0.25, 1, 1.2: −1.10, −0.98, 0.36, −1.62."""
    flip = limits(3.0, 1.1, 1.0).flip[0]
    assert np.isnan(flip) or abs(flip - 1.1442976) < 1e-6


@pytest.mark.slow
def test_values_of_the_sheet_beyond_the_plain_fold():
    cascade = limits(1.0, 1.0)
    helpers.assert_close(cascade.flip[1], 0.61634, absolute=1e-5)
    helpers.assert_close(cascade.fold[0], 1.47915, absolute=2e-5)
    doubled = limits(3.0, 1.1, 1.0).period_two_fold[0]
    helpers.assert_close(doubled, 1.3411, absolute=1e-4)
    expected, _ = kapitza.period_two_fold(drive(junction(3.0, 1.1, 1.0)), 1)
    helpers.assert_close(doubled, expected, absolute=1e-8)


@pytest.mark.parametrize(
    ("beta", "omega", "a1", "direction", "flip"),
    [
        (0.11, 1.29, 0.63, 0, 1.3357),
        (0.12, 0.6, 1.035, 0, 0.9472),
        (0.08, 0.84, 0.17, 0, 1.3909),
        (0.34, 1.82, 0.925, 0, 0.767),
    ],
)
def test_narrow_windows_of_period_doubling_are_not_stepped_over(beta, omega, a1, direction, flip):
    """An adiabatic ramp switches inside them; the branch has a fold beyond, up to 8 % on."""
    found = limits(a1, omega, beta)
    assert found.status[direction] == FLIP
    assert np.isnan(found.fold[direction])
    helpers.assert_close(found.flip[direction], flip, absolute=5e-4)


@pytest.mark.parametrize("direction", [1, -1])
def test_flip_is_that_of_the_reference(direction):
    device = junction(1.0, 1.0)
    expected, _ = kapitza.flip(drive(device), direction)
    helpers.assert_close(limits(1.0, 1.0).flip[(1 - direction) // 2], expected, absolute=1e-9)


# ---- Other criteria


@pytest.mark.slow
def test_criterion_switching_adds_period_two_folds():
    find = helpers.critical_currents
    assert find(junction(1.5, 1.0)).status == FLIP  # the other direction ends in a cascade
    assert find(junction(1.0, 1.0, criterion="switching")).status == FLIP
    found = find(junction(1.0, 3.0, criterion="switching"))
    assert found.status == SWITCHES
    helpers.assert_close([found.plus, found.minus], limits(1.0, 3.0).fold, absolute=1e-10)
    for arguments in ((1.853908962073766, 1.1273856707801728),):
        ends = limits(*arguments)
        assert set(np.asarray(ends.status).tolist()) <= {SWITCHES, TWO}
        assert TWO in np.asarray(ends.status)
        assert find(junction(*arguments)).status == TWO
        found = find(junction(*arguments, criterion="switching"))
        assert found.status == SWITCHES
        expected = np.where(ends.status == TWO, ends.period_two_fold, ends.fold)
        helpers.assert_close([found.plus, found.minus], expected, absolute=1e-10)


@pytest.mark.slow
def test_criterion_stability_takes_the_first_flip_or_fold():
    for arguments in ((1.0, 1.0), (1.0, 1.5), (1.0, 3.0)):
        ends = limits(*arguments)
        expected = np.where(np.isnan(ends.flip), ends.fold, ends.flip)
        found = helpers.critical_currents(junction(*arguments, criterion="stability"))
        assert found.status == SWITCHES
        helpers.assert_close([found.plus, found.minus], expected, absolute=1e-9)
    helpers.assert_close(
        helpers.critical_currents(junction(1.0, 1.0, criterion="stability")).minus,
        0.61634,
        absolute=1e-5,
    )
    running = helpers.critical_currents(junction(3.0, 2.0, criterion="stability"))
    assert running.status == RUNS
    assert np.isnan(running.plus)


# ---- Gradients

GRADIENTS = {
    (0.5, 2.0): (0.0413906079, -0.0097013635),
    (1.0, 3.0): (0.0380979221, -0.0123329095),
    (3.0, 4.0): (0.0646237263, -0.0474686405),
}


@pytest.mark.parametrize("arguments", GRADIENTS)
def test_gradient_of_the_efficiency_is_that_of_the_sheet(arguments):
    gradient, found = explore(*arguments)
    plus, minus = found.fold
    for leaf, expected in zip(
        (gradient.drive_current, gradient.drive_frequency), GRADIENTS[arguments], strict=True
    ):
        slope = 2 * (minus * leaf[0, 0] - plus * leaf[0, 1]) / (plus + minus) ** 2
        helpers.assert_close(slope, expected, absolute=1e-8)


def test_gradient_of_the_flip_current():
    """Finite differences of the independent flip, good to 1e-8."""
    device = junction(1.0, 1.0)
    _, seed = kapitza.flip(drive(device), -1, points=48)

    def flip(vector):
        changed = drive(helpers.with_parameters(device, vector))
        return kapitza.flip(changed, -1, points=48, seed=seed)[0]

    expected = dense_squid.gradient(flip, helpers.parameters(device), 4e-3, 3)
    gradient, _ = explore(1.0, 1.0)
    found = [leaf[2, 1] for leaf in jax.tree.leaves(gradient)]
    helpers.assert_close(np.stack(found), expected, absolute=1e-6)


@pytest.mark.slow
def test_hessian_of_the_efficiency():
    """Finite differences of the independent fold: their orders agree to 3e-6 of the largest."""
    device = junction(1.0, 2.0, phi0=1.3)

    def reference(other):
        found = [kapitza.fold(drive(other), sign, points=24)[0] for sign in (1, -1)]
        return helpers.with_efficiency(*found)

    expected = helpers.reference_hessian(device, 0.02, tolerance=1e-5, reference=reference)
    scale = np.max(np.abs(expected), axis=1, keepdims=True)
    helpers.assert_close(helpers.hessian(device), expected, absolute=2e-5 * scale)


# ---- Symmetries and limits


def test_offset_of_the_other_sign_swaps_the_directions():
    helpers.assert_close(
        limits(1.0, 2.0, phi0=-HALF).fold, limits(1.0, 2.0).fold[::-1], absolute=1e-12
    )


@pytest.mark.parametrize("factor", [0.25, 6.0])
def test_scaling_of_currents_and_times(factor):
    """(a₀, a₁, b, i) → λ·, (β, Ω) → √λ·."""
    root = np.sqrt(factor)
    scaled = limits(factor * 2.0, root * 2.0, root, factor, a0=factor)
    helpers.assert_close(scaled.fold, factor * limits(2.0, 2.0, 1.0).fold, absolute=1e-11 * factor)


@pytest.mark.parametrize("offset", [0.0, np.pi])
def test_no_diode_without_phase_offset(offset):
    plus, minus = limits(1.0, 2.0, b=0.4, phi0=offset).fold
    assert abs(plus - minus) < 1e-12
    assert 0.1 < plus < 2.4


def test_slow_drive_is_no_diode():
    """Slowly driven, both directions switch at the smallest amplitude, √((a₀ − a₁)² + b²) = 1."""
    faster, slower = (limits(1.0, omega).fold for omega in (0.6, 0.3))
    assert 0 < efficiency(*slower) < 0.5 * efficiency(*faster)
    assert np.abs(slower - 1).max() < 0.75 * np.abs(faster - 1).max()


# Ω: the sheet's (fold, corrected formula, paper's formula) for η/a₁²
WEAK = {
    0.6: (0.289719, 0.289798, -0.1551),
    1.0: (0.141420, 0.141421, -0.1737),
    2.0: (0.041595, 0.041595, 0.05947),
    4.0: (0.010879, 0.010879, 0.01190),
}


@pytest.mark.parametrize("omega", WEAK)
def test_weak_drive(omega):
    """η/a₁² = 1/[4√2 (Ω² + β²)] + O(a₁²), the next two orders removed.

    The sheet's fold at Ω = 0.6 is that of a₁ = 0.005, 3e-4 from the limit.
    """
    ratios = [efficiency(*limits(a1, omega).fold) / a1**2 for a1 in (0.04, 0.02, 0.01)]
    first = [(4 * fine - coarse) / 3 for coarse, fine in itertools.pairwise(ratios)]
    found = (16 * first[1] - first[0]) / 15
    exact = 1 / (4 * np.sqrt(2) * (omega**2 + 0.25))
    helpers.assert_close(found, exact, absolute=1e-5 * exact)
    fold, corrected, paper = WEAK[omega]
    helpers.assert_close(exact, corrected, absolute=5e-7)
    helpers.assert_close(found, fold, absolute=3e-4 * exact)
    device = junction(1.0, omega)
    for form, value, place in (("corrected", corrected, 1e-6), ("paper", paper, 1e-4)):
        relation = device.averaged(form)
        helpers.assert_close(relation.sine[1] / np.sqrt(2), value, absolute=place)


@pytest.mark.parametrize("form", ["corrected", "paper"])
def test_averaged_relation(form):
    """Eq. (6) of the paper and its correction, typed anew; each harmonic of the drive adds one."""
    beta, omega, a0, b, phi0 = 0.3, 1.7, 1.2, 0.7, 0.8
    drives = [0.9, -0.4]
    relation = junction(drives, omega, beta, b, phi0, a0).averaged(form)
    a, c = a0 + b * np.cos(phi0), b * np.sin(phi0)
    second = 0.0
    for k, a_k in enumerate(drives, 1):
        fast, kappa = (k * omega) ** 2, np.sqrt(a**2 + c**2)
        if form == "corrected":
            second += a_k**2 / (4 * (fast + beta**2))
        else:
            second -= a_k**2 / 4 * (kappa - fast) / ((kappa - fast) ** 2 + beta**2 * fast)
    helpers.assert_close(relation.sine, [a, second], absolute=1e-14)
    helpers.assert_close(relation.cosine, [c, 0.0], absolute=1e-14)


def test_averaged_relation_of_a_strong_drive():
    """Its exact extrema give η within 0.7 % (sheet; 0.71 %) of the fold."""
    relation = junction(8.0, 5.0).averaged()
    phase = np.linspace(0, 2 * np.pi, 100_001)
    order = np.arange(1, 3)[:, None]
    current = relation.sine @ np.sin(order * phase) + relation.cosine @ np.cos(order * phase)
    found = efficiency(current.max(), -current.min())
    helpers.assert_close(found, efficiency(*limits(8.0, 5.0).fold), absolute=0.0075 * 0.33385)


# ---- 200 frozen ramps


@pytest.fixture(scope="module")
def ramps():
    path = Path(__file__).parents[1] / "reference" / "kapitza_ramp.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()[1:]))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


@pytest.mark.slow
def test_folds_are_the_frozen_ramps(ramps):
    """Where a fold is reported and the ramps agree among themselves, 98 % within 2e-4.

    A ramp overshoots its fold by its last step and the wait there, 4e-5 at most; the other 2 %
    are for ramps that another machine's rounding sends to another branch.
    """
    devices = [junction(a1, w) for a1, w in zip(ramps["a1"], ramps["omega"], strict=True)]
    stacked = helpers.stacked(devices)
    found = jax.tree.map(np.asarray, jax.jit(jax.vmap(lambda device: device.limits()))(stacked))
    fold = np.asarray(found.fold)
    measured = np.stack([ramps["ramp_plus"], ramps["ramp_minus"]], axis=1)
    spread = np.stack([ramps["spread_plus"], ramps["spread_minus"]], axis=1)
    compared = (found.status == SWITCHES) & np.isfinite(measured) & (spread < 1e-3)
    error = np.abs(fold - measured)
    far = compared & ~(error < 2e-4)
    for k, j in np.argwhere(far):
        where = {name: float(ramps[name][k]) for name in ("a1", "omega")}
        print(f"{where} {'+-'[j]} fold {fold[k, j]:.6f} ramp {measured[k, j]:.6f}")
    print(f"{compared.sum()} compared, {far.sum()} far, median {np.median(error[compared]):.1e}")
    assert compared.sum() > 200
    assert far.sum() <= 0.02 * compared.sum()
    two = (found.status == TWO) & np.isfinite(measured) & (spread < 1e-3)
    assert two.any()
    helpers.assert_close(np.asarray(found.period_two_fold)[two], measured[two], absolute=2e-4)
    # What runs at zero bias has no critical current; a chaotic state there may be seen to stay.
    runs, held = np.asarray(found.status == RUNS), np.isfinite(measured)
    assert not (runs & held).any()
    undefined = ~held.any(axis=1) & np.isnan(spread).all(axis=1)
    assert runs[undefined].mean() > 0.6
    assert not (found.status[undefined] == SWITCHES).all(axis=1).any()
    # Lanes are the devices alone.
    for k in range(0, 200, 9):
        alone = limits(ramps["a1"][k].item(), ramps["omega"][k].item())
        np.testing.assert_array_equal(found.status[k], alone.status)
        helpers.assert_equal_where_finite(fold[k], alone.fold, absolute=1e-11)
        helpers.assert_equal_where_finite(found.flip[k], alone.flip, absolute=1e-9)


# ---- Circuits

OHM = 1000.0


@pytest.mark.parametrize(
    ("amperes", "farads", "gigahertz"),
    [(10e-9, 1e-12, 0.88), (10e-9, 10e-15, 8.77), (100e-9, 10e-15, 27.7)],
)
def test_plasma_frequency_of_the_sheet(amperes, farads, gigahertz):
    scale = jd.kapitza.CircuitScale(amperes, farads, resistance=OHM)
    place = 0.1 if gigahertz > 10 else 0.01
    helpers.assert_close(1e-9 * scale.plasma_frequency, gigahertz, absolute=0.5 * place)


def test_conversions():
    amperes, farads = 3e-8, 2e-14
    scale = jd.kapitza.CircuitScale(amperes, farads, resistance=OHM)
    quantum = codata.h / (2 * codata.e)
    omega_p = np.sqrt(2 * np.pi * amperes / (quantum * farads))
    pairs = [
        (scale.plasma_frequency, omega_p / (2 * np.pi)),
        (scale.damping, 1 / (OHM * farads * omega_p)),
        (scale.amperes(1.3), 1.3 * amperes),
        (scale.volts(0.7), 0.7 * codata.hbar * omega_p / (2 * codata.e)),
        (scale.seconds(5.0), 5.0 / omega_p),
        (scale.hertz(2.5), 2.5 * omega_p / (2 * np.pi)),
        (scale.noise(0.05), codata.k * 0.05 * 2 * np.pi / (quantum * amperes)),
    ]
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert scale.amperes([1.0, 2.0]).shape == (2,)


SCALE = jd.kapitza.CircuitScale(2e-8, 1e-13, resistance=OHM)
RNG = np.random.default_rng(3)
PHASE, TURN = RNG.uniform(-7, 7, (2, 50))  # φ and ωt


def assert_same_circuit(device, amperes, frequency, *, absolute=1e-12):
    """The device's current at random (φ, t), and its time scale, are those of the circuit."""
    found = 2e-8 * device.supercurrent(jnp.asarray(TURN), jnp.asarray(PHASE))
    helpers.assert_close(found / 2e-8, amperes / 2e-8, absolute=absolute)
    np.testing.assert_allclose(device.drive_frequency, frequency / SCALE.plasma_frequency)
    np.testing.assert_allclose(device.damping, SCALE.damping)


def test_gated_squid_is_its_circuit():
    mean, swing, other, flux, offset = 1.7e-8, 1.1e-8, 0.6e-8, 0.31, 0.4
    device = jd.KapitzaJunction.gated_squid(
        SCALE,
        mean,
        drive_current=swing,
        static_current=other,
        frequency=5e9,
        flux=flux,
        phase_offset=offset,
    )
    gated = (mean + swing * np.cos(TURN)) * np.sin(PHASE)
    amperes = gated + other * np.sin(PHASE + offset - 2 * np.pi * flux)
    assert_same_circuit(device, amperes, 5e9)


def _three_branches(outer, middle, offset, dc, ac):
    upper, lower = (2 * np.pi * (f + g * np.cos(TURN)) for f, g in zip(dc, ac, strict=True))
    return (
        outer[0] * np.sin(PHASE + upper)
        + middle * np.sin(PHASE + offset)
        + outer[1] * np.sin(PHASE - lower)
    )


@pytest.mark.parametrize(
    ("outer", "dc", "ac"),
    [
        ((1e-8, 1e-8), (0.21, 0.21), (0.1, 0.1)),
        ((1.2e-8, 0.7e-8), (0.21, 0.21), (0.2, 0.2)),
        ((1.2e-8, 0.7e-8), (0.11, -0.23), (0.2, 0.13)),
    ],
    ids=["symmetric", "unequal junctions", "unequal loops and junctions"],
)
def test_double_loop_is_its_circuit(outer, dc, ac):
    """With 14 harmonics: the next Bessel function of 2π · 0.2 is below 1e-13."""
    device = jd.KapitzaJunction.double_loop(
        SCALE,
        outer,
        middle_current=0.9e-8,
        phase_offset=1.1,
        dc_flux=dc,
        ac_flux=ac,
        frequency=4e9,
        harmonics=14,
    )
    assert_same_circuit(device, _three_branches(outer, 0.9e-8, 1.1, dc, ac), 4e9)


def test_double_loop_takes_one_number_for_both_loops():
    short = jd.KapitzaJunction.double_loop(
        SCALE,
        1e-8,
        middle_current=0.9e-8,
        phase_offset=1.1,
        dc_flux=0.21,
        ac_flux=0.1,
        frequency=4e9,
    )
    long = jd.KapitzaJunction.double_loop(
        SCALE,
        (1e-8, 1e-8),
        middle_current=0.9e-8,
        phase_offset=1.1,
        dc_flux=(0.21, 0.21),
        ac_flux=(0.1, 0.1),
        frequency=4e9,
    )
    for one, two in zip(jax.tree.leaves(short), jax.tree.leaves(long), strict=True):
        np.testing.assert_array_equal(one, two)


def test_symmetric_double_loop_has_bessel_coefficients():
    """a₀ = J₀ cos θ_dc, a₁ = −2J₁ sin θ_dc, a₂ = −2J₂ cos θ_dc, in units of 2I_c."""
    dc, ac = 0.17, 0.3
    device = jd.KapitzaJunction.double_loop(
        SCALE,
        1e-8,
        middle_current=0.5e-8,
        phase_offset=0.9,
        dc_flux=dc,
        ac_flux=ac,
        frequency=4e9,
        harmonics=3,
    )
    theta, swing = 2 * np.pi * dc, 2 * np.pi * ac
    helpers.assert_close(device.mean_current, jv(0, swing) * np.cos(theta), absolute=1e-14)
    expected = [
        -2 * jv(1, swing) * np.sin(theta),
        -2 * jv(2, swing) * np.cos(theta),
        2 * jv(3, swing) * np.sin(theta),
    ]
    helpers.assert_close(device.drive_current, expected, absolute=1e-14)
    helpers.assert_close(device.quadrature_current, 0.0, absolute=1e-14)
    helpers.assert_close(device.static_current, 0.25, absolute=1e-14)
    helpers.assert_close(device.phase_offset, 0.9, absolute=1e-14)


def test_weak_drive_of_a_double_loop():
    """Symmetric: a₀ = cos θ_dc, a₁ = −θ_ac sin θ_dc. Otherwise the first order of the circuit."""
    dc, ac = 0.17, 0.01
    build = partial(jd.KapitzaJunction.double_loop, SCALE, frequency=4e9, weak=True)
    device = build(outer_current=1e-8, middle_current=0.5e-8, phase_offset=0.9, dc_flux=dc,
                   ac_flux=ac)  # fmt: skip
    helpers.assert_close(device.mean_current, np.cos(2 * np.pi * dc), absolute=1e-14)
    expected = -2 * np.pi * ac * np.sin(2 * np.pi * dc)
    helpers.assert_close(device.drive_current, expected, absolute=1e-14)
    outer, dcs, acs = (1.2e-8, 0.7e-8), (0.11, -0.23), (2e-4, 1e-4)
    device = build(outer_current=outer, middle_current=0.9e-8, phase_offset=1.1, dc_flux=dcs,
                   ac_flux=acs)  # fmt: skip
    amperes = _three_branches(outer, 0.9e-8, 1.1, dcs, acs)
    second_order = (2 * np.pi * 2e-4) ** 2
    assert_same_circuit(device, amperes, 4e9, absolute=second_order)


def test_supercurrent_is_that_of_the_equation():
    """Harmonics of both kinds, as the reference writes them."""
    device = jd.KapitzaJunction(
        0.3,
        2.0,
        mean_current=1.1,
        drive_current=[0.4, -0.2],
        static_current=0.7,
        phase_offset=0.9,
        quadrature_current=[0.3, 0.1, -0.5],
    )
    same = drive(device)
    assert dataclasses.astuple(same) == (1.1, (0.4, -0.2), 0.7, 0.9, 2.0, 0.3, (0.3, 0.1, -0.5))
    static = 1.1 * np.sin(PHASE) + 0.7 * np.sin(PHASE + 0.9)
    sine = 0.4 * np.cos(TURN) - 0.2 * np.cos(2 * TURN)
    cosine = 0.3 * np.cos(TURN) + 0.1 * np.cos(2 * TURN) - 0.5 * np.cos(3 * TURN)
    expected = static + sine * np.sin(PHASE) + cosine * np.cos(PHASE)
    found = device.supercurrent(jnp.asarray(TURN), jnp.asarray(PHASE))
    helpers.assert_close(found, expected, absolute=1e-14)
    helpers.assert_close(device.largest_current(), 1.1 + 0.6 + 0.9 + 0.7, absolute=1e-14)
    assert np.abs(static).max() <= device.static_critical_current()


@pytest.mark.slow
@pytest.mark.parametrize(("damping", "frequency"), [(0.1, 1e-6), (1e-6, 1.0), (np.nan, 1.0)])
def test_what_no_ramp_can_reach_is_flagged_at_once(damping, frequency):
    """Holds of 10⁷ steps and more, or of NaN steps: no loop may begin."""
    device = jd.KapitzaJunction(0.1, 1.0, mean_current=1.0, drive_current=0.5)
    leaves = lambda d: (d.damping, d.drive_frequency)  # noqa: E731
    device = eqx.tree_at(leaves, device, (jnp.array(damping), jnp.array(frequency)))
    found = helpers.critical_currents(device)
    assert found.status == (jd.Status.NONFINITE if np.isnan(damping) else jd.Status.NOT_CONVERGED)
    assert np.isnan([found.plus, found.minus]).all()
