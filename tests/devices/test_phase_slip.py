"""The phase-slip wire against the sheet and against independent code.

Tolerances. The sheet (shared/physics/phase_slip.md) prints its numbers to one in the last place.
tests/reference/phase_slip.py agrees with mpmath to 6e-15 and takes ε₀ = 1: the scaling law gives
every other one. Currents and voltages are compared to 1e-11 of themselves, gradients to 1e-6 of
their largest component, against Richardson differences of the reference.
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

import jaxdiode as jd
from jaxdiode import PhaseSlipWire, Status
from jaxdiode.devices.wire import ValleyPolarization, universal
from tests import helpers
from tests.problems.wire import rescaled, wire_events, wire_parameters
from tests.reference import dense_squid
from tests.reference import phase_slip as reference

# Of the sheet: (ε₀, Φ₀, c₁, β, α₁).
ONE, ONE_STRONGER = (1.0, 0.7, 0.05, -1.2, -1.0), (1.0, 0.7, 0.1, -1.2, -1.0)
TWO, THREE = (1.0, 0.9, 0.25, -1.2, -1.0), (1.0, 0.95, 0.25, -1.2, -1.0)
REGIMES = (ONE, ONE_STRONGER, TWO, THREE)
SCALED = (1.3, 0.5, 0.3, -1.0, -2.0)
S_SHAPED = (1.0, 0.6, 2.0, -1.2, -1.0)  # no V = j/2 before the flip
JUMPING = (1.0, 0.6, 10.0, -1.2, -1.0)  # the voltage at the onset is beyond j/2, and ε = 0
FREE = (1.0, 0.7, 0.1, 0.0, -1.0)  # β = 0: no suppression
IDLE = (1.0, 0.7, 0.0, -1.2, -1.0)  # no back-action
COUPLED = (*REGIMES, SCALED, S_SHAPED, JUMPING, FREE)


def mirrored(p):
    """(Φ₀, c₁) → (−Φ₀, −c₁): the valleys exchange their names."""
    return p[0], -p[1], -p[2], *p[3:]


def turned(p):
    return p[0], -p[1], *p[2:]


BETA = -1.2


def wire(p, **options):
    epsilon, zero_current, coupling, beta, alpha = p
    return PhaseSlipWire(
        epsilon, ValleyPolarization(zero_current, coupling, beta=beta, alpha=alpha), **options
    )


def wires(several):
    return helpers.stacked([wire(p) for p in several])


# ---- The universal function

KAPPA = 10.0 ** np.arange(-16, 6.1, 0.5)


@cache
def exact():
    """v and v′ of the reference at k_c + KAPPA."""
    found = [reference.voltage_of_log(np.log(kappa)) for kappa in KAPPA]
    return np.array(found)[:, :, 0].T


_universal = jax.jit(jax.vmap(jax.value_and_grad(universal.voltage, argnums=(0, 1))))


def test_universal_function_of_the_sheet():
    k = np.array([0.385, 0.39, 0.4, 0.5, 1.0, 5.0])
    v = [0.04064547427709, 0.07472421122952, 0.09777638426675]
    v += [0.22326988718205, 0.73527301457050, 4.73915056779247]
    slope = [47.0855799, 3.15904927, 1.85276629, 1.09122988, 1.00652631, 1.00014448]
    found, (by_excess, _) = _universal(k - universal.CRITICAL, np.ones(6))
    helpers.assert_close(found, v, absolute=2e-14)
    helpers.assert_close(by_excess, slope, absolute=[5e-8, *[5e-9] * 5])
    helpers.assert_close(universal.CRITICAL, 2 / (3 * np.sqrt(3)), absolute=1e-16)


def test_universal_function_is_that_of_the_reference():
    """From where nothing is left beside k_c to where nothing is left of superconductivity."""
    v, slope = exact()
    found, (by_excess, by_strength) = _universal(KAPPA, np.ones(KAPPA.size))
    helpers.assert_close(found, v, absolute=1e-13 * v)
    helpers.assert_close(by_excess, slope, absolute=1e-12 * slope)
    # V(K, E) is homogeneous.
    expected = v - KAPPA * slope
    helpers.assert_close(by_strength, expected, absolute=1e-11 * v + 1e-15 * KAPPA)
    assert (np.asarray(by_excess)[KAPPA < 1e4] > 1).all()


def test_asymptotes_of_the_universal_function():
    kappa = 10.0 ** np.arange(-14, -5.0)
    found, _ = _universal(kappa, np.ones(kappa.size))
    expected = 0.3505 / (-0.5964 - np.log(kappa))
    helpers.assert_close(found, expected, absolute=2e-4 * expected)
    far = np.array([1e4, 1e5])
    found, _ = _universal(far - universal.CRITICAL, np.ones(2))
    near, further = far - np.asarray(found)  # what is left falls as 1/k
    helpers.assert_close((10 * further - near) / 9, 0.26016984, absolute=6e-9)


def test_below_the_onset_and_in_the_normal_state():
    excess, strength = np.array([-0.3, -1e-12, 0.0, 2.0]), np.array([1.0, 1.0, 1.0, 0.0])
    found, (by_excess, by_strength) = _universal(excess, strength)
    helpers.assert_close(found, [0.0, 0.0, 0.0, 2.0], absolute=1e-14)
    helpers.assert_close(by_excess, [0.0, 0.0, 0.0, 1.0], absolute=1e-14)
    # V = j − .26017 E and j = K + k_cE there.
    helpers.assert_close(by_strength[3], universal.CRITICAL - 0.26016984, absolute=6e-9)
    helpers.assert_close(by_strength[:3], 0.0, absolute=1e-14)


_inverse = jax.jit(jax.vmap(universal.excess_current))
_inverse_slopes = jax.jit(jax.vmap(jax.grad(universal.excess_current, argnums=(0, 1))))
_inverse_curvature = jax.jit(jax.vmap(jax.hessian(universal.excess_current, argnums=(0, 1))))


def test_inverse_of_the_universal_function():
    v, slope = exact()
    one = np.ones(v.size)
    helpers.assert_close(_inverse(v, one), KAPPA, absolute=1e-13 * KAPPA)
    helpers.assert_close(_inverse(2.5 * v, 2.5 * one), 2.5 * KAPPA, absolute=2.5e-13 * KAPPA)
    by_voltage, by_strength = _inverse_slopes(v, one)
    helpers.assert_close(by_voltage, 1 / slope, absolute=1e-12 / slope)
    expected = KAPPA - v / slope
    helpers.assert_close(by_strength, expected, absolute=1e-12 * (KAPPA + v / slope))
    found = _inverse(np.array([0.0, -1.0, 3.0]), np.array([1.0, 1.0, 0.0]))
    helpers.assert_close(found, [0.0, 0.0, 3.0], absolute=1e-14)


@pytest.mark.slow
def test_curvature_of_the_inverse():
    """K″ from differences of 1/v′ of the reference along ln v, to where K″ is lost in them."""
    v = exact()[0][KAPPA < 3]

    def slope(log):
        return 1 / reference.log_inverse(np.exp(log))[1][0]

    expected = np.array(
        [dense_squid.gradient(lambda x: slope(x[0]), [np.log(x)], 0.01)[0] / x for x in v]
    )
    one = np.ones(v.size)
    (by_voltage, mixed), (other, by_strength) = _inverse_curvature(v, one)
    helpers.assert_close(by_voltage, expected, absolute=1e-6 * expected)
    # Homogeneous of degree one.
    np.testing.assert_allclose(mixed, -v * by_voltage, rtol=1e-9)
    np.testing.assert_allclose(other, mixed, rtol=1e-9)
    np.testing.assert_allclose(by_strength, v**2 * by_voltage, rtol=1e-9)


# ---- Without valleys

_plain = jax.jit(
    jax.vmap(
        jax.value_and_grad(lambda e, j: PhaseSlipWire(e).state(j).voltage, argnums=(0, 1)),
    )
)


@pytest.mark.thorough
def test_scaling_law():
    """V(j; ε) = ε^{3/2} v(j/ε^{3/2}), odd in j, and its derivatives."""
    rng = np.random.default_rng(2)
    epsilon, k = rng.uniform(0.05, 4, 30), universal.CRITICAL + 10 ** rng.uniform(-8, 2, 30)
    k[:3] = 0.0, 0.3, 0.38
    sign = rng.choice([-1.0, 1.0], 30)
    v, slope = reference.universal_voltage(k)
    strength = epsilon**1.5
    found, (by_epsilon, by_current) = _plain(epsilon, sign * k * strength)
    rounding = 4e-16 * k * slope  # of k itself
    tolerance = 1e-12 + strength * (1e-12 * v + rounding)
    helpers.assert_close(found, sign * strength * v, absolute=tolerance)
    # κ of 1e-8 is known to 1e-8 of itself, and v′ ∝ 1/κ.
    known = 1e-10 + 1e-15 / np.maximum(k - universal.CRITICAL, 1e-8)
    helpers.assert_close(by_current, slope, absolute=2 * known * slope + 1e-14)
    expected = 1.5 * np.sqrt(epsilon) * (v - k * slope)
    helpers.assert_close(by_epsilon, sign * expected, absolute=3 * known * (1 + np.abs(expected)))


def test_wire_without_superconductivity_is_ohmic():
    found, (_, by_current) = _plain(np.zeros(30), np.linspace(-1, 1, 30))
    helpers.assert_close(found, np.linspace(-1, 1, 30), absolute=1e-15)
    helpers.assert_close(by_current, 1.0, absolute=1e-14)


@cache
def half_of_normal():
    """k with v(k) = k/2."""
    return brentq(lambda k: reference.universal_voltage(k)[0] - k / 2, 0.39, 1.0, xtol=1e-15)


@pytest.mark.thorough
def test_plain_wire_is_no_diode():
    found = jax.jit(jd.critical_currents)(PhaseSlipWire(2.0))
    assert found.status == Status.CONVERGED
    expected = 2.0**1.5 * half_of_normal()
    helpers.assert_close([found.plus, found.minus], expected, absolute=1e-12)
    assert found.efficiency == 0


@pytest.mark.slow
def test_everything_about_a_plain_wire():
    plain = PhaseSlipWire(2.0)
    scale = 2.0**1.5
    found = plain.limits()
    for name in ("onset", "retrap"):
        helpers.assert_close(getattr(found, name), scale * universal.CRITICAL, absolute=1e-13)
    helpers.assert_close(found.half, scale * half_of_normal(), absolute=1e-12)
    for name in ("ohmic", "flip", "flip_voltage", "reentrance"):
        assert np.isnan(getattr(found, name)).all(), name
    currents = scale * np.array([0.2, 0.5, 0.3, -0.5, 1.0])
    v, slope = reference.universal_voltage(currents / scale)
    traced = plain.trace(currents)
    helpers.assert_close(traced.voltage, scale * v, absolute=1e-12)
    helpers.assert_close(traced.slope, slope, absolute=1e-11)
    assert np.isnan(traced.valley).all()
    helpers.assert_close(traced.order_parameter, np.sqrt(2.0), absolute=1e-15)
    for sweep in ("up", "down"):
        helpers.assert_close(plain.voltage(currents, sweep), scale * v, absolute=1e-12)
    for j, volts in zip(currents, v, strict=True):
        states = plain.states(j)
        exists = np.isfinite(states.current)
        assert exists.sum() == 1
        helpers.assert_close(states.voltage[exists], scale * volts, absolute=1e-12)
        assert states.stable[exists].all()
    # With a tolerance, dV/dj = 1.05 is reached.
    tolerant = PhaseSlipWire(2.0, tolerance=0.05).limits().ohmic
    k = brentq(lambda k: reference.universal_voltage(k)[1] - 1.05, 0.4, 5.0, xtol=1e-14)
    helpers.assert_close(tolerant, scale * k, absolute=1e-10)


# ---- All criteria

_limits = jax.jit(jax.vmap(lambda device: device.limits()))
# Where rounding makes ε(Φ) at the end of superconductivity a little more or less than 0.
ENDING = (
    (1.2841315683784202, 0.39999280382006297, 0.09634361318642999, -1.909029144589133, -2.3742568),
    (1.4336818902113935, 0.5798442927777331, -1.262674228137443, -1.6990758660018164, -1.8896574),
)
CASES = (
    *COUPLED,
    *ENDING,
    IDLE,
    *map(mirrored, (ONE_STRONGER, SCALED)),
    *map(turned, (TWO, SCALED)),
)


@pytest.fixture(scope="module")
def limits():
    found = jax.tree.map(np.asarray, _limits(wires(CASES)))
    return {p: jax.tree.map(lambda x, n=n: x[n], found) for n, p in enumerate(CASES)}


NONE = np.nan
SHEET = {  # criterion: per regime, (+, −)
    "onset": [(0.10178738043,) * 2, (0.10178738043,) * 2, (0.00180337133,) * 2, (0.0, 0.0)],
    "retrap": [(NONE, 0.101645496), (NONE, 0.101477346), (NONE, 0.001798872), (NONE, NONE)],
    "ohmic": [
        (0.225276002, 12.792613),
        (0.183790224, 6.396307),
        (0.003432890, 0.105186774),
        (NONE, NONE),
    ],
    "half": [
        (0.146211117, 0.143013457),
        (0.147887137, 0.141486186),
        (0.002610181, 0.002515215),
        (NONE, NONE),
    ],
    "flip": [(5.57647265, NONE), (2.88248408, NONE), (1.53096633, NONE), (1.59609287, NONE)],
    "flip_voltage": [
        (5.38860251, NONE),
        (2.69430126, NONE),
        (1.38564065, NONE),
        (1.46262068, NONE),
    ],
}
LAST_PLACE = {"onset": 1e-11, "flip": 1e-8, "flip_voltage": 1e-8}


@pytest.mark.slow
@pytest.mark.parametrize("name", SHEET)
def test_limits_of_the_sheet(limits, name):
    for p, row in zip(REGIMES, SHEET[name], strict=True):
        found = getattr(limits[p], name)
        for value, expected in zip(found, row, strict=True):
            if np.isnan(expected):
                continue
            place = 1e-6 if name == "ohmic" and expected > 1 else LAST_PLACE.get(name, 1e-9)
            helpers.assert_close(value, expected, absolute=0.51 * place)


@pytest.mark.thorough
def test_regime_three_departs_from_ohm_at_its_reentrance(limits):
    helpers.assert_close(limits[THREE].reentrance[0], 0.280, absolute=5e-4)
    assert np.isnan(limits[THREE].reentrance[1])


@cache
def expected_limits(p):
    """Every row of `WireLimits` from the reference, with its definitions."""
    arguments, scale = rescaled(p)
    found = {k: scale * np.array(v) for k, v in reference.criteria(*arguments).items()}
    begin, end = found["onset"], found.pop("gapless")
    weakened = np.array([True, False]) if p[1] * p[2] > 0 else np.array([False, True])
    if p[2] == 0:
        weakened[:] = False
    # From the end of superconductivity on V = j; the reference's search for dV/dj = 1 before it
    # ends in rounding. Both criteria ask for a wire on the way up.
    found["ohmic"] = np.where(weakened, found["ohmic"], end)
    if p[3] == 0:
        found["ohmic"] = np.full(2, np.nan)  # dV/dj → 1 only
    # What the branch does not reach before its flip, the other valley's does (or at the jump).
    half = found["half"]
    found["half"] = np.where(np.isnan(half), np.maximum(found["flip"], half[::-1]), half)
    # dV/dj = 2/(k_c|dE/dw|) at the onset: below 1 it has fallen there at once.
    zero, coupling, beta, alpha = arguments
    strength = np.sqrt(max(1 + beta * zero**2, 0))
    at_once = abs(coupling / alpha * beta * zero) * strength > np.sqrt(3)
    found["ohmic"] = np.where(weakened & at_once, begin, found["ohmic"])
    for name in ("half", "ohmic"):
        found[name] = np.where(begin > 0, np.maximum(found[name], begin), begin)
    found["reentrance"] = np.where((begin == 0) & weakened, end, np.nan)
    return found


@pytest.mark.thorough
@pytest.mark.parametrize("p", CASES)
def test_limits_are_those_of_the_reference(limits, p):
    for name, expected in expected_limits(p).items():
        found = getattr(limits[p], name)
        tolerance = 1e-11 * np.nan_to_num(expected, nan=1.0)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected), name)
        on = np.isfinite(expected)
        helpers.assert_close(found[on], expected[on], absolute=tolerance[on] + 1e-300)


@pytest.mark.thorough
def test_strong_back_action_jumps_past_half_and_the_end(limits):
    """Half and ohmic are then the onset."""
    found, alone = limits[JUMPING], reference.criteria(*rescaled(JUMPING)[0])
    for name, raw in (("half", alone["half"][1]), ("ohmic", alone["gapless"][1])):
        assert raw < alone["onset"][1], name
        np.testing.assert_array_equal(getattr(found, name)[1], found.onset[1])
    # Half only after the flip: at the jump, or on the other valley's branch.
    here, other = limits[S_SHAPED], reference.criteria(*rescaled(S_SHAPED)[0])
    assert np.isnan(other["half"][0])
    expected = max(other["flip"][0], other["half"][1]) * rescaled(S_SHAPED)[1]
    helpers.assert_close(here.half[0], expected, absolute=1e-9)


@pytest.mark.thorough
def test_valleys_and_directions(limits):
    """(Φ₀, c₁) → (−Φ₀, −c₁) changes nothing; Φ₀ → −Φ₀ alone exchanges the directions."""
    for name in (*SHEET, "reentrance"):
        for p in (ONE_STRONGER, SCALED):
            same = getattr(limits[mirrored(p)], name)
            np.testing.assert_array_equal(same, getattr(limits[p], name), name)
        for p in (TWO, SCALED):
            swapped = getattr(limits[turned(p)], name)[::-1]
            np.testing.assert_array_equal(swapped, getattr(limits[p], name), name)


def _critical_currents(p, criterion):
    return jax.jit(jd.critical_currents, static_argnames="criterion")(wire(p), criterion=criterion)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "criterion",
    [
        "onset",
        "half",
        *[pytest.param(name, marks=pytest.mark.slow) for name in ("retrap", "ohmic")],
    ],
)
def test_critical_currents_per_criterion(criterion):
    found = _critical_currents(TWO, criterion)
    expected = expected_limits(TWO)[criterion]
    assert found.status == Status.CONVERGED
    helpers.assert_close([found.plus, found.minus], expected, absolute=1e-11 * expected)
    eta = (expected[0] - expected[1]) / expected.sum()
    helpers.assert_close(found.efficiency, eta, absolute=1e-10)
    if criterion == "onset":
        assert found.efficiency == 0
    if criterion == "ohmic":  # the sheet's numbers, against the paper's 96 % and 50
        helpers.assert_close(abs(eta), 0.937, absolute=5e-4)
        helpers.assert_close(expected[1] / expected[0], 31, absolute=0.5)
        stiff = _critical_currents((*TWO[:4], -2.08), criterion)
        helpers.assert_close(abs(stiff.efficiency), 0.9615, absolute=1e-4)
        helpers.assert_close(stiff.minus / stiff.plus, 51, absolute=0.5)


def test_flip_happens_in_one_direction():
    found = _critical_currents(TWO, "flip")
    helpers.assert_close(found.plus, 1.53096633, absolute=5.1e-9)
    assert np.isnan([found.minus, found.efficiency]).all()
    assert found.status == Status.NO_TRANSITION
    back = _critical_currents(turned(TWO), "flip")
    assert np.isnan(back.plus)
    assert back.minus == found.plus


def test_normal_wire_has_no_critical_current():
    """Regime III, ε(Φ₀) < 0."""
    for criterion in ("onset", "half"):
        found = _critical_currents(THREE, criterion)
        assert found.status == Status.NO_SUPERCURRENT, criterion
        assert np.isnan([found.plus, found.minus]).all()


# ---- Gradients of the criteria

GRADIENTS = (ONE_STRONGER, TWO, SCALED)


def _gradients(criterion, several=GRADIENTS):
    """((plus, minus, η) × parameters) per device."""

    def observables(vector):
        found = jd.critical_currents(wire(vector, criterion=criterion))
        return jnp.stack([found.plus, found.minus, found.efficiency])

    return jax.jit(jax.vmap(jax.jacfwd(observables)))(jnp.asarray(several))


def _check_gradients(criterion):
    for p, found in zip(GRADIENTS, _gradients(criterion), strict=True):
        device = wire(p, criterion=criterion)
        steps = 1e-3 * np.abs(np.array(p))
        expected, scale = helpers.reference_gradient(
            device, steps, tolerance=2e-7, reference=wire_events
        )
        rows = slice(0, 1) if criterion == "flip" else slice(None)
        helpers.assert_close(found[rows], expected[rows], absolute=1e-6 * scale[rows])


@pytest.mark.slow  # that of "half" in Regime I is in tests/test_contract.py
@pytest.mark.parametrize("criterion", ["onset", "retrap", "half", "ohmic"])
def test_gradients_of_the_criteria(criterion):
    _check_gradients(criterion)


def test_gradient_of_flip():
    """The other direction has no flip: its gradient is no number either."""
    for p, found in zip(GRADIENTS, _gradients("flip"), strict=True):

        def flip(vector):
            return wire_parameters(vector, "flip")[0]

        expected = dense_squid.gradient(flip, np.array(p), 4e-3 * np.abs(np.array(p)))
        helpers.assert_close(found[0], expected, absolute=1e-6 * np.max(np.abs(expected)))


@pytest.mark.slow
def test_hessian_of_half():
    device = wire(SCALED, criterion="half")
    found = helpers.hessian(device)
    steps = 1e-2 * np.abs(np.array(SCALED))
    expected = helpers.reference_hessian(device, steps, tolerance=1e-4, reference=wire_events)
    scale = np.max(np.abs(expected), axis=1, keepdims=True)
    helpers.assert_close(found, expected, absolute=1e-4 * scale)
    helpers.assert_close(found, found.T, absolute=1e-10 * scale)


# ---- States on the way up


def _voltage(vector, current):
    state = wire(vector).state(current)
    return state.voltage, state


# Voltage's gradient by (parameters, current), and the state.
_up = jax.jit(jax.vmap(jax.jacfwd(_voltage, argnums=(0, 1), has_aux=True)))
LANES = 32


@cache
def up(*pairs):
    """`_up` for (device, current) pairs: one compilation."""
    padded = [*pairs, *[pairs[0]] * (LANES - len(pairs))]
    vector, current = jnp.asarray([p for p, _ in padded]), jnp.asarray([j for _, j in padded])
    return jax.tree.map(lambda x: np.asarray(x)[: len(pairs)], _up(vector, current))


POINTS = {  # (Φ, V, dV/dj)
    (ONE_STRONGER, 0.3): (0.6884594, 0.22513601, 0.982811),
    (ONE_STRONGER, -0.3): (0.7114741, -0.23515522, 1.024786),
    (TWO, 0.1): (0.8876615, 0.09668733, 0.975311),
    (TWO, 1.0): (0.7424778, 0.94863637, 0.911201),
    (THREE, 0.8): (0.8308298, 0.78147446, 0.941286),
    (THREE, 1.4): (0.6814962, 1.32316116, 0.836018),
}


@pytest.mark.thorough
def test_points_of_the_sheet():
    (_, by_current), state = up(*POINTS)
    valley, volts, slope = np.array(list(POINTS.values())).T
    helpers.assert_close(state.valley, valley, absolute=0.51e-7)
    helpers.assert_close(state.voltage, volts, absolute=0.51e-8)
    helpers.assert_close(state.slope, slope, absolute=0.51e-6)
    helpers.assert_close(by_current, state.slope, absolute=1e-9)
    assert state.stable.all()
    order = np.sqrt(1 - 1.2 * valley**2)
    helpers.assert_close(state.order_parameter, order, absolute=5e-7)


def on_curve(p, current, low, high):
    """(Φ, V, dV/dj) on the reference's curve for Φ₀, c₁ > 0 between two Φ/Φ₀.

    Without `low` from where j has its maximum, a little past the spinodal.
    """
    (zero, coupling, beta, alpha), scale = rescaled(p)
    curve = reference.Curve(zero, coupling, beta, alpha)
    if low is None:
        low = brentq(curve.change, 0.2 * zero, zero / np.sqrt(3), xtol=1e-6) / zero

    def missing(phi):
        return curve.current(phi) - current / scale

    phi = brentq(missing, low * zero, high * zero, xtol=1e-16)
    return phi, scale * float(curve.voltage(phi)), float(curve.point(phi)[2][0])


def _near_flip(p, factor):
    return p, factor * expected_limits(p)["flip"][0]


@pytest.mark.slow
def test_gradients_of_the_voltage():
    """Generic, and 1e-6 below the flip, where dV/dj falls to 0."""
    pairs = [(SCALED, 1.1), (THREE, 0.8), _near_flip(TWO, 1 - 1e-6)]
    (by_parameters, by_current), state = up(*pairs)
    for n, (p, current) in enumerate(pairs):
        phi, volts, slope = on_curve(p, current, None, 1 - 1e-6)
        helpers.assert_close(state.valley[n], phi, absolute=1e-9)
        helpers.assert_close(state.voltage[n], volts, absolute=1e-11)

        def voltage(vector, current=current):
            return on_curve(vector, current, None, 1 - 1e-9)[1]

        vector, step = np.array(p), 5e-5 if p == TWO else 2e-3
        expected = dense_squid.gradient(voltage, vector, step * np.abs(vector))
        scale = np.max(np.abs(expected))
        helpers.assert_close(by_parameters[n], expected, absolute=1e-6 * scale)
        helpers.assert_close(by_current[n], slope, absolute=1e-6 * slope + 1e-9)
        helpers.assert_close(state.slope[n], by_current[n], absolute=1e-8)
    assert 0 < by_current[2] < 0.01 * min(by_current[:2])


@pytest.mark.thorough
def test_past_the_flip_the_other_valley_carries_the_current():
    pairs = [_near_flip(p, 1 + 1e-6) for p in (TWO, SCALED)]
    _, state = up(*pairs)
    assert (state.valley < 0).all()
    assert state.stable.all()
    for n, (p, current) in enumerate(pairs):
        # The curve at −j, mirrored: (Φ, j) → (−Φ, −j).
        phi, volts, slope = on_curve(p, -current, 1 + 1e-6, 30)
        helpers.assert_close(state.valley[n], -phi, absolute=1e-10)
        helpers.assert_close(state.voltage[n], -volts, absolute=1e-11)
        helpers.assert_close(state.slope[n], slope, absolute=1e-9)


def test_around_the_onset(limits):
    """Just above it dV/dj is finite or, without back-action, as steep as v′."""
    cases = [ONE_STRONGER, S_SHAPED, IDLE]
    begin = [float(limits[p].onset[0]) for p in cases]
    above = [(p, j * (1 + 1e-9)) for p, j in zip(cases, begin, strict=True)]
    back = [(p, -j * (1 + 1e-9)) for p, j in zip(cases, begin, strict=True)]
    at = [(p, s * j) for p, j in zip(cases, begin, strict=True) for s in (1, -1)]
    (by_parameters, by_current), state = up(*above, *back, *at)
    assert np.isfinite(by_parameters).all()
    assert np.isfinite(by_current).all()
    # Where the current weakens the polarisation the onset recedes as V grows.
    for n, (p, current) in enumerate(above[:2]):
        _, volts, slope = on_curve(p, current, 1 - 1e-3, 1 - 1e-13)
        helpers.assert_close(state.voltage[n], volts, absolute=1e-6 * volts)
        helpers.assert_close(by_current[n], slope, absolute=1e-6 * slope)
    # Where it strengthens it the voltage jumps.
    for n, (p, current) in enumerate(back[:2], 3):
        spread = 1.0 + 0.3 * p[2]
        fold = brentq(reference.Curve(*p[1:]).change, p[1] * (1 + 1e-9), p[1] * spread)
        phi, volts, slope = on_curve(p, current, fold / p[1], 20)
        helpers.assert_close(state.valley[n], phi, absolute=1e-10)
        helpers.assert_close(state.voltage[n], volts, absolute=1e-10)
        helpers.assert_close(by_current[n], slope, absolute=1e-6 * slope)
        assert -volts > 0.01 * -current
    # Without back-action.
    strength = (1 - 1.2 * 0.7**2) ** 1.5
    v, slope = reference.universal_voltage(above[2][1] / strength)
    for n in (2, 5):
        helpers.assert_close(np.abs(state.voltage[n]), strength * v, absolute=1e-7)
        helpers.assert_close(by_current[n], slope, absolute=1e-5 * slope)
    assert (by_current[:6] > 0).all()
    # At the onset itself nothing moves.
    for found in (state.voltage[6:], state.slope[6:], by_current[6:], by_parameters[6:]):
        np.testing.assert_array_equal(found, np.zeros_like(found))


def test_normal_state_is_ohmic():
    """Regime III in the direction that keeps it normal, and beyond the end of superconductivity."""
    pairs = [(THREE, -0.1), (THREE, -2.0), (THREE, 0.2), (TWO, -0.2), (ONE_STRONGER, -7.0)]
    (by_parameters, by_current), state = up(*pairs)
    helpers.assert_close(state.voltage, [j for _, j in pairs], absolute=1e-13)
    helpers.assert_close(state.slope, 1.0, absolute=1e-12)
    helpers.assert_close(by_current, 1.0, absolute=1e-12)
    helpers.assert_close(by_parameters, 0.0, absolute=1e-12)
    np.testing.assert_array_equal(state.order_parameter, np.zeros(len(pairs)))
    assert state.stable.all()


def test_directions_of_the_states():
    pairs = [(ONE_STRONGER, 0.3), (ONE_STRONGER, -0.3), (TWO, 1.0)]
    _, state = up(*pairs)
    _, mirror = up(*[(mirrored(p), j) for p, j in pairs])
    _, turn = up(*[(turned(p), -j) for p, j in pairs])
    np.testing.assert_array_equal(mirror.voltage, state.voltage)
    np.testing.assert_array_equal(mirror.valley, -state.valley)
    np.testing.assert_array_equal(turn.voltage, -state.voltage)
    np.testing.assert_array_equal(turn.valley, -state.valley)


@pytest.mark.slow
def test_states_up_and_down_are_the_quasi_static_ones():
    for p in (ONE_STRONGER, TWO, SCALED, S_SHAPED, turned(S_SHAPED)):
        arguments, scale = rescaled(p)
        known = reference.criteria(*arguments)
        backward = -1.0 if p[1] * p[2] > 0 else 1.0
        retrap, begin = np.min(known["retrap"]), known["onset"][0]
        inside = np.linspace(retrap, begin, 6)[1:-1]
        inside = backward * np.concatenate([inside, [0.9 * retrap, 1.3 * begin, 5.0 * begin]])
        device = wire(p)
        found = device.state(scale * inside.reshape(1, -1), "down")
        assert found.voltage.shape == (1, inside.size)
        expected = [reference.quasi_static([backward * 6 * begin, j], *arguments) for j in inside]
        volts, valley = np.array(expected)[:, :, 1].T
        helpers.assert_close(found.voltage[0], scale * volts, absolute=1e-11)
        helpers.assert_close(found.valley[0], valley, absolute=1e-10)
        assert (np.abs(volts[:4]) > 0.01 * begin).all()
        assert volts[4] == 0
        volts, valley = np.array([reference.quasi_static([j], *arguments) for j in inside]).T[0].T.T
        found = device.state(scale * inside.reshape(1, -1))
        helpers.assert_close(found.voltage[0], scale * volts, absolute=1e-11)
        assert (volts[:5] == 0).all()
        np.testing.assert_array_equal(device.voltage(scale * inside), found.voltage[0])


# ---- Histories

_trace = jax.jit(jax.vmap(lambda device, currents: device.trace(currents)))


def loop(p, steps):
    """0 → + → 0 → − → 0, past the flip and the onset, dense at small currents."""
    known = expected_limits(p)
    top = 1.3 * np.nanmax([*known["flip"], 2 * known["onset"][0]])
    rise = top * (1e-3 + 0.999 * np.linspace(0, 1, steps) ** 3)
    fall = rise[-2:0:-1] * 1.0007
    return np.concatenate([rise, fall, -rise, -fall])


def _check_traces(several, steps):
    currents = np.array([loop(p, steps) for p in several])
    found = jax.tree.map(np.asarray, _trace(wires(several), jnp.asarray(currents)))
    for n, p in enumerate(several):
        arguments, scale = rescaled(p)
        volts, valley = reference.quasi_static(currents[n] / scale, *arguments)
        helpers.assert_close(found.voltage[n], scale * volts, absolute=1e-11)
        helpers.assert_close(found.valley[n], valley, absolute=1e-10)
        if p[2] != 0:  # both valleys are visited
            assert np.ptp(np.sign(valley)) == 2
    return found


@pytest.mark.slow
def test_loops_are_the_quasi_static_ones():
    _check_traces((THREE, turned(S_SHAPED)), 10)


@pytest.mark.slow
def test_more_loops():
    _check_traces((*COUPLED, IDLE, mirrored(ONE_STRONGER), turned(ONE_STRONGER)), 24)


# ---- All states at a current

_states = jax.jit(jax.vmap(lambda device, current: device.states(current)))


def compare_states(found, expected):
    """The same states, whatever their order: count, Φ, V, dV/dj and stability."""
    exists = np.isfinite(found.current)
    assert exists.sum() == len(expected)
    for name in ("voltage", "slope", "valley", "order_parameter"):
        np.testing.assert_array_equal(np.isfinite(getattr(found, name)), exists)
    assert not found.stable[~exists].any()
    remaining = list(np.flatnonzero(exists))
    for phi, volts, slope, kind in expected:
        distance = [
            max(abs(found.valley[k] - phi), abs(found.voltage[k] - volts)) for k in remaining
        ]
        k = remaining.pop(int(np.argmin(distance)))
        # Next to a fold a state is known to the root of the rounding.
        helpers.assert_close(
            min(distance), 0.0, absolute=1e-12 * (10 + abs(slope)) * (1 + abs(phi))
        )
        helpers.assert_close(found.slope[k], slope, absolute=1e-6 * (1 + slope**2))
        assert found.stable[k] == (kind.endswith("minimum") and slope >= 0)


def _check_states(several, number):
    rng = np.random.default_rng(4)
    pairs = []
    for p in several:
        known = expected_limits(p)
        events = np.concatenate([known[name] for name in known if name != "flip_voltage"])
        events = events[np.isfinite(events) & (events > 0)]
        low, high = events.min(), events.max()
        near = rng.choice(events, number // 2) * (1 + rng.choice([1e-4, -1e-4, 1e-2], number // 2))
        spread = np.exp(rng.uniform(np.log(low / 2), np.log(2 * high), number - near.size))
        signs = rng.choice([-1.0, 1.0], number)
        pairs += [(p, j) for j in signs * np.concatenate([near, spread])]
    currents = jnp.asarray([j for _, j in pairs])
    found = jax.tree.map(np.asarray, _states(wires([p for p, _ in pairs]), currents))
    counts = []
    for n, (p, current) in enumerate(pairs):
        arguments, scale = rescaled(p)
        expected = [
            state._replace(voltage=scale * state.voltage)
            for state in reference.wire_states(current / scale, *arguments)
        ]
        compare_states(jax.tree.map(lambda x, n=n: x[n], found), expected)
        counts.append(len(expected))
    return counts


@pytest.mark.slow
def test_every_state_is_found_and_none_invented():
    counts = _check_states((*COUPLED[1:7], mirrored(ONE_STRONGER), turned(SCALED)), 5)
    assert len(counts) >= 40
    assert min(counts) == 1
    assert max(counts) >= 5


def _drawn(count):
    rng = np.random.default_rng(9)
    signs = rng.choice([-1.0, 1.0], (2, count))
    return np.stack(
        [
            rng.uniform(0.5, 2.0, count),
            signs[0] * rng.uniform(0.1, 0.85, count),
            signs[1] * 10 ** rng.uniform(-2, 0.5, count),
            -rng.uniform(0.2, 2.0, count),
            -rng.uniform(0.4, 3.0, count),
        ],
        axis=1,
    ).tolist()


@pytest.mark.slow
def test_every_state_of_random_wires():
    _check_states([*map(tuple, _drawn(30)), THREE, FREE, IDLE], 10)


@pytest.mark.slow
def test_limits_of_random_wires():
    drawn = [*map(tuple, _drawn(30))]
    found = jax.tree.map(np.asarray, _limits(wires(drawn)))
    for n, p in enumerate(drawn):
        for name, expected in expected_limits(p).items():
            np.testing.assert_allclose(getattr(found, name)[n], expected, rtol=1e-10, err_msg=name)


# ---- What is refused


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ValleyPolarization(0.0, 0.1), "zero_current must not be zero"),
        (lambda: ValleyPolarization(0.7, 0.1, beta=0.3), "beta must be at most 0"),
        (lambda: ValleyPolarization(0.7, 0.1, beta=-1.2, alpha=0.0), "alpha must be negative"),
        (lambda: ValleyPolarization(0.7, 0.1, beta=-1.2, alpha=1.0), "alpha must be negative"),
        (lambda: ValleyPolarization(0.7, np.nan), "coupling must be finite"),
        (lambda: PhaseSlipWire(-0.1), "epsilon must be at least 0"),
        (lambda: PhaseSlipWire(tolerance=-0.1), "tolerance must be .*at least 0"),
        (lambda: PhaseSlipWire(criterion="halve"), "unknown criterion 'halve'; did you mean"),
        (lambda: PhaseSlipWire().state(0.1, "sideways"), "unknown sweep 'sideways'"),
        (lambda: PhaseSlipWire().trace([]), "currents must hold at least one current"),
        (lambda: PhaseSlipWire().trace([[0.1, 0.2]]), "currents must be a list of numbers"),
        (lambda: PhaseSlipWire().states([0.1, 0.2]), "current must be a single number"),
        (lambda: jd.critical_currents(PhaseSlipWire(), criterion="knee"), "unknown criterion"),
    ],
)
def test_impossible_wires_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


# ---- Where strong back-action and normal wires are found out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("zero", "coupling", "alpha"), [(0.02, 0.25, -1e-3), (0.01, 0.25, -0.01), (0.05, 200.0, -1.0)]
)
def test_folds_of_strong_back_action(zero, coupling, alpha):
    """Where V grows as w³ long before the fold; j(w) by the reference on a dense grid."""
    found = wire((1.0, zero, coupling, BETA, alpha)).limits()
    pull = coupling / abs(alpha)
    w = np.geomspace(1e-9, 1.0, 20001)
    valley = zero + pull * w
    volts = w * (zero + pull * w) * (2 * zero + pull * w) / zero**2
    strength = np.maximum(1 + BETA * valley**2, 0) ** 1.5
    inside = (strength > 1e-3) & (volts > 0.012 * strength)
    current = strength[inside] * reference.inverse(volts[inside] / strength[inside])
    helpers.assert_close(found.retrap[1], current.min(), absolute=1e-6)
    assert found.retrap[1] < found.onset[1] * (1 - 1e-3)


@pytest.mark.thorough
def test_small_strength_is_the_same_problem():
    """ε₀ = 1e-12: all currents scale with ε₀^{3/2}."""
    scale = 1e-12
    small = wire((scale, 0.7 * scale**0.5, 0.1 / scale, BETA, -1.0)).limits()
    large = wire((1.0, 0.7, 0.1, BETA, -1.0)).limits()
    for name in ("onset", "retrap", "half", "ohmic"):
        found = np.asarray(getattr(small, name)) / scale**1.5
        np.testing.assert_allclose(found, getattr(large, name), rtol=1e-9)


@pytest.mark.thorough
def test_a_weakened_polarisation_can_be_ohmic_at_once():
    """dV/dj = 2/(k_c |dE/dw|) < 1 at the onset where p > 1.73/(√ε|β|Φ₀)."""
    found = wire((1.0, 0.7, 4.0, BETA, -1.0)).limits()
    assert found.ohmic[0] == found.onset[0]


@pytest.mark.slow
def test_normal_wires_at_no_current():
    for device in (
        jd.PhaseSlipWire(0.0),
        jd.PhaseSlipWire(valley=jd.wire.ValleyPolarization(0.95, 0.25)),
    ):
        assert device.state(0.0).slope == 1
        gradient, by_current = jax.grad(lambda d, j: d.voltage(j), (0, 1))(device, 0.0)
        assert by_current == 1
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
