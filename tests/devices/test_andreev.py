"""The nonequilibrium Andreev interferometer against the sheet and against independent code.

Tolerances. The sheet (shared/physics/andreev.md) prints η to 1e-10: so much in η/(1 + |η|). Both
methods of tests/reference/andreev.py agree to 1e-14 J₀, the Matsubara sum loses a digit where its
tail cancels: 2e-12 of the largest coefficient. What `coefficients` promises, 1e-12 J₀, is held
against the real axis.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

import jaxdiode as jd
from jaxdiode import AndreevInterferometer, Status, units
from tests import helpers
from tests.reference import andreev, dense_squid


def _flat(device):
    return jnp.stack([*device.coefficients()])


def _interferometer(spacing, voltage, temperature):
    return AndreevInterferometer(spacing, voltage, temperature=temperature)


def _lane(spacing, voltage, temperature):
    return _flat(_interferometer(spacing, voltage, temperature))


_coefficients = jax.jit(jax.vmap(_lane))
_slopes = jax.jit(jax.vmap(jax.jacfwd(_lane, argnums=(0, 1, 2))))


def coefficients(rows, function=_coefficients, lanes=200):
    """(constant, sine, cosine) for rows of spacing, voltage and temperature: one compilation."""
    rows = np.asarray(rows, float)
    padded = np.concatenate([rows, np.tile(rows[:1], (lanes - len(rows), 1))])
    return jax.tree.map(lambda x: np.asarray(x)[: len(rows)], function(*padded.T))


def critical_currents(rows, lanes=24):
    rows = np.asarray(rows, float)
    padded = np.concatenate([rows, np.tile(rows[:1], (lanes - len(rows), 1))])
    found = helpers.lanes(jax.vmap(_interferometer)(*jnp.asarray(padded.T)))
    return jax.tree.map(lambda x: x[: len(rows)], found)


def symmetric(spacing, voltage, temperature):
    """The reference on the real axis, for reservoirs at ±V/2."""
    return andreev.coefficients(spacing, (voltage / 2, -voltage / 2), (temperature, temperature))


def efficiency(coefficients):
    constant, sine, cosine = np.moveaxis(np.asarray(coefficients), -1, 0)
    return constant / np.hypot(sine, cosine)


def bounded(eta):
    """η squeezed into (−1, 1), to compare where it is large."""
    return eta / (1 + np.abs(eta))


# ---- The sheet

SPACINGS, VOLTAGES = (0.05, 0.1, 0.4, 0.8), (0.05, 0.24, 0.48, 1.0, 5.0, 20.0)
ETA = (
    (0.2196344916, 1.0544392736, 2.1100928857, 4.4072681637, 23.6940274152, 160.7501496458),
    (0.1006416607, 0.4831801275, 0.9669881208, 2.0203714346, 10.9601982850, 74.9458617048),
    (0.0120675922, 0.0579382461, 0.1159630611, 0.2423925993, 1.3359184593, 10.8197649927),
    (0.0006619169, 0.0031771715, 0.0063541579, 0.0132361366, 0.0660079416, 0.2768710960),
)
PERFECT = {0.05: 0.2276135197, 0.1: 0.4963568840, 0.2: 1.2074945153}


@pytest.fixture(scope="module")
def of_the_sheet():
    """Critical currents on the grid of the sheet's table."""
    return critical_currents([(x, v, 1e-3) for x in SPACINGS for v in VOLTAGES])


def test_efficiency_is_that_of_the_sheet(of_the_sheet):
    np.testing.assert_array_equal(of_the_sheet.status, Status.CONVERGED)
    found = np.reshape(of_the_sheet.efficiency, (len(SPACINGS), len(VOLTAGES)))
    helpers.assert_close(bounded(found), bounded(np.array(ETA)), absolute=1e-10)


def test_critical_currents_keep_their_sign_beyond_a_perfect_diode(of_the_sheet):
    """Eq. (18): η′ = η^{sgn(1 − |η|)}."""
    eta = np.ravel(ETA)
    beyond = eta > 1
    assert beyond.any()
    assert not beyond.all()
    np.testing.assert_array_equal(np.asarray(of_the_sheet.minus) < 0, beyond)
    assert (np.asarray(of_the_sheet.plus) > 0).all()
    expected = np.where(beyond, 1 / eta, eta)
    helpers.assert_close(of_the_sheet.bounded_efficiency, expected, absolute=1e-10)


def test_coefficients_of_the_sheet():
    found = coefficients([(0.1, 0.24, 1e-3)])[0]
    expected = [5.129886114684e-3, 1.061349159908e-2, 2.698998873506e-4]
    helpers.assert_close(found, expected, absolute=[5.1e-16, 5.1e-15, 5.1e-17])


def test_voltage_of_the_perfect_diode():
    """η grows by 5 per E_T/e at most, and the sheet's voltages have ten digits."""
    found = coefficients([(spacing, voltage, 1e-3) for spacing, voltage in PERFECT.items()])
    helpers.assert_close(efficiency(found), 1.0, absolute=5e-10)


# ---- Independent references


def _drawn(count):
    rng = np.random.default_rng(11)
    spacing, voltage = rng.uniform(0.005, 0.995, count), rng.uniform(0, 50, count)
    return np.stack([spacing, voltage, 10 ** rng.uniform(-4, 1, count)], axis=1)


def test_coefficients_are_the_matsubara_sums():
    drawn = _drawn(200)
    found = coefficients(drawn)
    expected = np.array([andreev.matsubara(*row) for row in drawn])
    scale = np.max(np.abs(expected), axis=1, keepdims=True)
    helpers.assert_close(found, expected, absolute=2e-12 * scale)
    helpers.assert_close(bounded(efficiency(found)), bounded(efficiency(expected)), absolute=1e-11)


def test_coefficients_are_the_real_axis_integrals_at_the_edges():
    edges = np.array(
        [
            (0.995, 100, 1e-6),
            (0.995, 100, 10),
            (0.005, 100, 1e-6),
            (1e-6, 1, 0.1),
            (0.5, 1e-8, 1e-6),
            (0.1, 50, 10),
            *_drawn(30),
        ]
    )
    found = coefficients(edges)
    expected = np.array([symmetric(*row) for row in edges])
    helpers.assert_close(found, expected, absolute=1e-12)
    small = np.abs(expected) < 1e-3  # and no digits are lost to a scale of 1
    helpers.assert_close(found[small], expected[small], absolute=1e-11 * np.abs(expected[small]))


def test_digits_are_kept_far_out():
    """Where a current is exponentially small its digits count all the same: η is their ratio."""
    far = np.array(
        [
            (0.5, 1e3, 100.0),
            (0.02, 6e3, 100.0),
            (0.995, 1e4, 1e3),
            (0.3, 1e-3, 1e3),
            (1e-6, 1e4, 1.0),
            (0.5, 1e6, 1e-6),
            (0.995, 1e-8, 1e-6),
        ]
    )
    expected = np.array([andreev.matsubara(*row) for row in far])
    helpers.assert_close(coefficients(far), expected, absolute=2e-12 * np.abs(expected))


def test_critical_currents_follow_from_the_coefficients():
    """J₀ⁿ ± √(J₁² + J₂²), also where sin φ and cos φ weigh the same and in the π state."""
    drawn = np.array([(0.1, 0.24, 1e-3), (0.4, 8.0, 0.3), (0.1, 30.0, 1e-3), (0.9, 2.0, 2.0)])
    found = critical_currents(drawn)
    expected = np.array([andreev.matsubara(*row) for row in drawn])
    swing = np.hypot(*expected.T[1:])
    scale = np.max(np.abs(expected), axis=1)
    helpers.assert_close(found.plus, expected[:, 0] + swing, absolute=1e-11 * scale)
    helpers.assert_close(found.minus, swing - expected[:, 0], absolute=1e-11 * scale)


PHASE = np.array([0.0, 0.7, 2.0, -2.5])
_evaluated = jax.jit(lambda d: (_flat(d), d.current(jnp.asarray(PHASE)), d.drained_current(PHASE)))


@jax.jit
@jax.vmap
def _general(spacing, potentials, temperatures):
    device = AndreevInterferometer.from_reservoirs(
        spacing, [*potentials], temperatures=[*temperatures]
    )
    return _flat(device), device.current(jnp.asarray(PHASE)), device.drained_current(PHASE)


def test_general_reservoirs():
    rng = np.random.default_rng(12)
    spacing, mu = rng.uniform(0.02, 0.98, 40), rng.uniform(-8, 8, (40, 2))
    warm = 10 ** rng.uniform(-3, 0.5, (40, 2))
    warm[0], mu[1] = warm[0, 0], mu[1, 0]  # one bias at a time
    found, current, drained = _general(*map(jnp.asarray, (spacing, mu, warm)))
    waves = np.stack([np.ones(4), np.sin(PHASE), np.cos(PHASE)])
    arguments = list(zip(spacing, mu, warm, strict=True))
    expected = np.array([andreev.coefficients(*each) for each in arguments])
    helpers.assert_close(found, expected, absolute=1e-12)
    helpers.assert_close(current, expected @ waves, absolute=2e-12)
    lost = [(andreev.drained(*each), andreev.drained_sine(*each)) for each in arguments]
    lost = np.array([(steady, sine, cosine) for (steady, cosine), sine in lost])
    assert (np.max(np.abs(lost), axis=0) > 0.05).all()
    helpers.assert_close(drained, lost @ waves, absolute=4e-12)


def test_reservoirs_are_means_and_differences():
    two = AndreevInterferometer.from_reservoirs(
        0.3, (1.5, -0.9), temperatures=(0.2, 0.5), amplitude=2.0
    )
    helpers.assert_close(two.voltage, 2.4, absolute=1e-15)
    helpers.assert_close(two.mean_potential, 0.3, absolute=1e-15)
    helpers.assert_close(two.temperature, 0.35, absolute=1e-15)
    helpers.assert_close(two.temperature_difference, -0.3, absolute=1e-15)
    scaled = 2.0 * np.array(andreev.coefficients(0.3, (1.5, -0.9), (0.2, 0.5)))
    helpers.assert_close(_evaluated(two)[0], scaled, absolute=1e-12)


def test_symmetric_reservoirs_drain_nothing():
    found, current, drained = _evaluated(AndreevInterferometer(0.3, 2.0, temperature=0.1))
    np.testing.assert_array_equal(drained, np.zeros(4))
    two = AndreevInterferometer.from_reservoirs(0.3, (1.0, -1.0), temperatures=(0.1, 0.1))
    same, same_current, drained = _evaluated(two)
    helpers.assert_close(drained, 0.0, absolute=1e-14)
    helpers.assert_close(same, found, absolute=1e-14)
    helpers.assert_close(same_current, current, absolute=1e-14)


# ---- Limits and signs


@pytest.mark.parametrize("spacing", [0.05, 0.3, 0.9])
def test_low_voltage_and_temperature(spacing):
    """Eqs. (17a) corrected, (17b), (17c); what is left falls with the square of T and V."""
    voltage = 0.08 / np.array([1.0, 2.0, 4.0])
    found = coefficients([(spacing, v, 0.5 * v) for v in voltage])
    limit = np.array([andreev.low_limits(spacing, v) for v in voltage])
    ratio = found / limit
    off = ratio - 1
    assert (np.abs(off[0]) > 1e-6).all()
    helpers.assert_close(off[:-1] / off[1:], 4.0, absolute=0.05)
    helpers.assert_close((4 * ratio[1:] - ratio[:-1]) / 3, 1.0, absolute=0.05 * np.abs(off[:-1]))


def test_pi_state_at_large_voltage():
    """J₁ turns negative where the Matsubara sum does, and φ₀ goes from 0 to π."""
    turn = brentq(lambda v: andreev.matsubara(0.1, v, 1e-3)[1], 10.0, 60.0, xtol=1e-13)
    rows = [(0.1, v, 1e-3) for v in (0.1, turn, 1.3 * turn)]
    found = jd.andreev.InterferometerCoefficients(*jnp.asarray(coefficients(rows).T))
    expected = np.array([andreev.matsubara(*row) for row in rows])
    assert found.sine[0] > 0 > found.sine[2]
    helpers.assert_close(found.sine[1], 0.0, absolute=1e-13)
    anomalous = found.anomalous_phase
    helpers.assert_close(anomalous, np.arctan2(*expected.T[:0:-1]), absolute=1e-9)
    assert abs(anomalous[0]) < 0.02
    helpers.assert_close(np.abs(anomalous[1]), np.pi / 2, absolute=1e-9)
    assert abs(anomalous[2]) > np.pi / 2


def test_current_of_the_wire_turns_the_diode_around():
    rows = np.array([(0.1, 0.24, 1e-3), (0.1, 20, 1), (0.4, 3, 1), (0.8, 3, 1)])
    ahead, back = critical_currents(rows), critical_currents(rows * [1, -1, 1])
    helpers.assert_close(back.efficiency, -ahead.efficiency, absolute=1e-11 * ahead.efficiency)
    helpers.assert_close(back.plus, ahead.minus, absolute=1e-11)


# ---- Gradients


def _differences(row, steps, function):
    return dense_squid.gradient(lambda x: function(andreev.matsubara(*x)), row, steps)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "row",
    [
        (0.1, 0.24, 1e-3),
        (0.1, 0.4963568840, 1e-3),  # perfect
        (0.1, 0.24, 1e-4),
        (0.6, 7.0, 1e-4),
        (0.3, 12.0, 0.7),
        (0.05, 40.0, 5.0),
        (0.4, 0.0, 0.05),
    ],
)
def test_gradients_are_those_of_the_reference(row):
    """Of the coefficients and, through the extrema of J(φ), of η."""
    spacing, voltage, temperature = row
    steps = [0.02 * min(spacing, 1 - spacing), 0.02 * max(voltage, 1.0), 0.2 * temperature]
    device = AndreevInterferometer(spacing, voltage, temperature=temperature)
    found = np.concatenate(coefficients([row], _slopes, lanes=1)).T
    for k in range(3):
        expected = _differences(row, steps, lambda c, k=k: c[k])
        helpers.assert_close(found[k], expected, absolute=1e-6 * np.max(np.abs(expected)))
    gradient, plain = helpers.evaluate(device)
    found = np.array([gradient.spacing[2], gradient.voltage[2], gradient.temperature[2]])
    expected = _differences(row, steps, efficiency)
    helpers.assert_close(found, expected, absolute=1e-6 * np.max(np.abs(expected)))
    # The temperature weighs little against the others.
    helpers.assert_close(found[2], expected[2], absolute=1e-6 * np.abs(expected[2]) + 1e-9)
    assert plain.status == Status.CONVERGED
    helpers.assert_close(gradient.amplitude[2], 0.0, absolute=1e-11 * (1 + plain.efficiency**2))


def test_without_voltage_there_is_no_diode():
    """η = 0 with the slope of Eqs. (17a, b) at low temperature."""
    gradient, found = helpers.evaluate(AndreevInterferometer(0.2, 0.0, temperature=1e-3))
    helpers.assert_close(found.efficiency, 0.0, absolute=1e-14)
    constant, sine, _ = andreev.low_limits(0.2, 1.0)
    helpers.assert_close(gradient.voltage[2], constant / sine, absolute=1e-4 * constant / sine)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_gradients_of_general_reservoirs():
    def build(v):
        return AndreevInterferometer.from_reservoirs(v[0], [v[1], v[2]], temperatures=[v[3], v[4]])

    row = np.array([0.3, 1.2, -0.4, 0.05, 0.2])
    found = jax.jit(jax.jacfwd(lambda v: _flat(build(v))))(jnp.asarray(row))
    for k in range(3):
        expected = dense_squid.gradient(
            lambda x, k=k: andreev.coefficients(x[0], x[1:3], x[3:])[k], row, 0.02 * np.abs(row)
        )
        helpers.assert_close(found[k], expected, absolute=1e-6 * np.max(np.abs(expected)))


# ---- Laboratory units

HBAR, CHARGE, BOLTZMANN = 1.054571817e-34, 1.602176634e-19, 1.380649e-23  # CODATA 2018


def test_from_si():
    """1 µm, 100 cm²/s: E_T = 1.0546e-24 J = 6.5821 µeV."""
    device = AndreevInterferometer.from_si(
        1e-6,
        6e-7,
        diffusion=1e-2,
        conductance=0.05,
        transparency=0.3,
        voltage=1e-5,
        temperature=0.1,
    )
    thouless = 1.054571817e-24
    assert device.mean_potential is None
    expected = [
        (device.spacing, 0.4),
        (device.voltage, 1e-5 / (thouless / CHARGE)),
        (device.temperature, BOLTZMANN * 0.1 / thouless),
        (device.amplitude, 0.05 * 6.582119569e-6 * 0.09),
    ]
    for found, value in expected:
        np.testing.assert_allclose(found, value, rtol=1e-9)
    in_amperes = _evaluated(device)[0]
    reference = andreev.matsubara(0.4, 1.5192674487, 1.3092032)
    scale = 0.05 * 6.582119569e-6 * 0.09
    np.testing.assert_allclose(in_amperes, scale * np.array(reference), rtol=1e-7)


def test_thouless_energy():
    joule = HBAR * 1e-2 / 1e-12
    for unit, size in (("J", 1.0), ("ueV", 1e-6 * CHARGE), ("mK", 1e-3 * BOLTZMANN)):
        found = units.thouless_energy(1e-2, 1e-6, energy=unit)
        np.testing.assert_allclose(found, joule / size, rtol=1e-9)
    np.testing.assert_allclose(units.thouless_energy(1e-2, 1e-6, energy="ueV"), 6.58, rtol=1e-3)
    np.testing.assert_allclose(units.thouless_energy(1e-2, 1e-6, energy="mK"), 76, rtol=1e-2)


# ---- What is refused


def _si(**changes):
    arguments = {
        "length": 1e-6,
        "interface_distance": 6e-7,
        "diffusion": 1e-2,
        "conductance": 0.05,
        "transparency": 0.3,
        "voltage": 1e-5,
        "temperature": 0.1,
    }
    return lambda: AndreevInterferometer.from_si(**(arguments | changes))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: AndreevInterferometer(0.0, 1.0), "spacing must be positive"),
        (lambda: AndreevInterferometer(-0.1, 1.0), "spacing must be positive"),
        (lambda: AndreevInterferometer(0.996, 1.0), "spacing must be at most 0.995"),
        (lambda: AndreevInterferometer(np.nan, 1.0), "spacing must be finite"),
        (lambda: AndreevInterferometer([0.1, 0.2], 1.0), "spacing must be a single number"),
        (lambda: AndreevInterferometer(0.1, np.inf), "voltage must be finite"),
        (
            lambda: AndreevInterferometer(0.1, 1.0, temperature=0.0),
            "temperature must be at least 1e-06",
        ),
        (
            lambda: AndreevInterferometer(0.1, 1.0, temperature=-1.0),
            "temperature must be at least 1e-06",
        ),
        (
            lambda: AndreevInterferometer(
                0.1, 1.0, temperature=0.1, mean_potential=0.0, temperature_difference=0.3
            ),
            "temperature_difference must",
        ),
        (
            lambda: AndreevInterferometer(
                0.1, 1.0, temperature=0.1, mean_potential=0.0, temperature_difference=-0.2
            ),
            "temperature_difference must",
        ),
        (lambda: AndreevInterferometer(0.1, 1.0, amplitude=-1.0), "amplitude must be at least 0"),
        (
            lambda: AndreevInterferometer.from_reservoirs(
                0.1, (1.0, 2.0, 3.0), temperatures=(0.1, 0.1)
            ),
            "potentials must have length 2",
        ),
        (
            lambda: AndreevInterferometer.from_reservoirs(0.1, (1.0, 2.0), temperatures=(0.1,)),
            "temperatures must have length 2",
        ),
        (
            lambda: AndreevInterferometer.from_reservoirs(0.1, (1.0, 2.0), temperatures=(0.1, 0.0)),
            "temperature_difference must",
        ),
        (_si(interface_distance=1e-6), "interface_distance must be below length"),
        (_si(interface_distance=2e-6), "interface_distance must be below length"),
        (_si(interface_distance=0.0), "interface_distance must be positive"),
        (_si(temperature=0.0), "temperature must be positive"),
        (_si(transparency=-0.3), "transparency must be positive"),
    ],
)
def test_impossible_interferometers_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_without_amplitude_nothing_flows():
    found = helpers.critical_currents(AndreevInterferometer(0.1, 0.24, amplitude=0.0))
    assert found.status == Status.NO_SUPERCURRENT
    assert found.plus == found.minus == 0
    assert np.isnan(found.efficiency)


def test_only_wires_take_a_criterion():
    with pytest.raises(ValueError, match="criterion must be left out for a phase-biased device"):
        jd.critical_currents(AndreevInterferometer(0.1, 0.24), criterion="half")
