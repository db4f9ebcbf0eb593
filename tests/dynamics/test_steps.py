"""Shapiro steps without capacitance against independent code, exact solutions and integration."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import Status

SINE = jd.TunnelJunction(1.0)
ONE = jd.Harmonics([1.0, 0.0], [0.0, 0.0])
D1 = jd.Harmonics([1.0, 0.0], [0.0, 0.5])
D2 = jd.Harmonics([1.0, 0.4 * np.cos(1)], [0.0, 0.4 * np.sin(1)])
# pair(1, .9) + sin(φ + 5π/4)/√2
L9 = jd.Squid([jd.SeriesJunctions(1.0, 0.9), jd.TunnelJunction(np.sqrt(0.5))], flux=[-5 / 8])

# (device, Ω, amplitudes, phases, {order: (lower, upper)}) by collocation and by time integration;
# of one structure, compiled once, but for the last.
EDGES = {
    "sine": (ONE, 0.5, [1.0, 0.0], [0.0, 0.0], {
        0: (-0.48630479991, 0.48630479991), 1: (0.5, 1.14293530615),
        2: (1.18484029317, 1.61593142220),
    }),
    "tied maxima": (D1, 0.5, [1.0, 0.0], [0.0, 0.0], {
        0: (-0.78808996630, 0.51547405516), 1: (0.52081242400, 1.02629723101),
        -1: (-1.39526374238, -0.79198653695), (1, 2): (0.51810417934, 0.52025920926),
    }),
    "two harmonics": (D2, 1.0, [1.5, 0.0], [0.0, 0.0], {
        0: (-0.65222814282, 0.61596682185), 1: (0.80252540994, 1.60059901030),
        -1: (-1.86241803219, -0.87958561421), (1, 2): (0.69208255444, 0.76198438879),
    }),
    "two tones": (D2, 0.8, [1.0, 0.5], [0.0, 0.7], {0: (-0.92459271381, 0.61745300354)}),
    "sharp turn": (L9, 1.0, [0.8], [0.0], {0: (-0.42536633424, 0.83163847206)}),
}  # fmt: skip


def driven(device, frequency, amplitude, phase=0.0):
    drive = jd.Drive(frequency=frequency, amplitude=amplitude, phase=phase)
    return jd.Shunted(device, damping=None, drive=drive)


@pytest.mark.thorough
@pytest.mark.parametrize("name", EDGES)
def test_edges_of_the_sheet(name):
    *arguments, expected = EDGES[name]
    orders = (4 * list(expected))[:4]
    found = jd.shapiro_steps(driven(*arguments), orders)
    edges = np.array([expected[n] for n in orders])
    np.testing.assert_allclose(found.lower, edges[:, 0], atol=1e-10)
    np.testing.assert_allclose(found.upper, edges[:, 1], atol=1e-10)
    assert np.all(found.status == Status.CONVERGED)
    ratio = [n if isinstance(n, int) else n[0] / n[1] for n in orders]
    np.testing.assert_allclose(found.voltage, np.array(ratio) * arguments[1])


@pytest.mark.thorough
def test_zero_step_are_the_critical_currents():
    *arguments, expected = EDGES["two tones"]
    found = jd.critical_currents(driven(*arguments))
    np.testing.assert_allclose([-found.minus, found.plus], expected[0], atol=1e-10)
    undriven = jd.Shunted(D2)
    plain = jd.critical_currents(D2)
    assert jd.critical_currents(undriven).plus == plain.plus
    still = jd.critical_currents(driven(D2, 0.7, 0.0))
    np.testing.assert_allclose([still.plus, still.minus], [plain.plus, plain.minus], rtol=1e-14)


@pytest.mark.thorough
@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_units(scale):
    """I, a, Ω → λ gives i → λi."""
    *arguments, expected = EDGES["two harmonics"]
    device = jd.Harmonics(scale * D2.sine, scale * D2.cosine)
    found = jd.shapiro_steps(
        driven(device, scale * arguments[1], scale * np.array(arguments[2])), list(expected)
    )
    edges = np.array(list(expected.values()))
    np.testing.assert_allclose(found.lower, scale * edges[:, 0], rtol=1e-9)
    np.testing.assert_allclose(found.upper, scale * edges[:, 1], rtol=1e-9)


@pytest.mark.thorough
def test_gradients_of_the_sheet():
    """∂a₁, ∂Ω and ∂S₁ of I₊: D2, Ω = 1, a = 1.5; and Euler's relation for all of them."""

    def upper(sine, frequency, amplitude):
        device = jd.Harmonics(sine, D2.cosine)
        return jd.shapiro_steps(driven(device, frequency, amplitude), [0]).upper[0]

    slopes = jax.jit(jax.grad(upper, (0, 1, 2)))(D2.sine, 1.0, jnp.array([1.5]))
    np.testing.assert_allclose(slopes[2][0], -0.265018818, atol=2e-9)
    np.testing.assert_allclose(slopes[1], 0.380155199, atol=2e-9)
    np.testing.assert_allclose(slopes[0][0], 0.542359536, atol=2e-9)


@pytest.mark.slow
def test_hessian_is_the_difference_of_gradients():
    def upper(x):
        return jd.shapiro_steps(driven(D2, x[0], x[1:]), [1]).upper[0]

    at, step = jnp.array([1.0, 1.5]), 1e-4
    hessian = jax.hessian(upper)(at)
    slope = jax.jit(jax.grad(upper))
    for k in range(2):
        shift = step * jnp.eye(2)[k]
        np.testing.assert_allclose(
            hessian[k], (slope(at + shift) - slope(at - shift)) / (2 * step), atol=1e-6
        )


@pytest.mark.thorough
def test_efficiency_is_differentiable():
    def efficiency(device):
        return jd.diode_efficiency(device)

    device = driven(D2, 0.8, [1.0, 0.5], [0.0, 0.7])
    slopes = jax.grad(efficiency)(device)
    # A shift of time changes nothing: Σ k ∂η/∂θ_k = 0.
    assert slopes.drive is not None
    np.testing.assert_allclose(slopes.drive.phase @ np.array([1.0, 2.0]), 0, atol=1e-9)


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(6))
def test_a_drive_that_a_locked_phase_solves(seed):
    """f(θ) = I(nθ + x₀) is solved by φ = nθ + x₀ at i = nΩ, marginally: a fold exactly there."""
    rng = np.random.default_rng(seed)
    sine, cosine = rng.normal(size=(2, 2)) / [1, 2]
    n, start, frequency = int(rng.integers(1, 3)), rng.uniform(0, 6), rng.uniform(0.4, 2.0)
    amplitude, phase = np.zeros(2 * n), np.zeros(2 * n)
    for q in (1, 2):  # S sin qφ + C cos qφ at φ = nθ + x₀
        size, angle = np.hypot(sine[q - 1], cosine[q - 1]), np.arctan2(sine[q - 1], cosine[q - 1])
        amplitude[q * n - 1], phase[q * n - 1] = size, q * start - angle
    found = jd.shapiro_steps(driven(jd.Harmonics(sine, cosine), frequency, amplitude, phase), [n])
    assert found.status[0] == Status.CONVERGED
    assert min(abs(found.lower[0] - n * frequency), abs(found.upper[0] - n * frequency)) < 1e-9


def _turns(device, bias, periods):
    """Turns made in the second half of 2 × `periods` periods, by Runge–Kutta in NumPy."""
    drive = device.drive
    frequency = float(drive.frequency)
    sine, cosine = (np.asarray(x) for x in (device.device.sine, device.device.cosine))
    amplitude, phase = np.asarray(drive.amplitude), np.asarray(drive.phase)
    steps = int(2 * np.pi / frequency / 0.04)
    size = 2 * np.pi / steps / frequency

    def rate(time, x):
        current = sum(s * np.sin(k * x) for k, s in enumerate(sine, 1))
        current = current + sum(c * np.cos(k * x) for k, c in enumerate(cosine, 1))
        tones = zip(amplitude, phase, strict=True)
        push = sum(a * np.cos(k * frequency * time + p) for k, (a, p) in enumerate(tones, 1))
        return bias + push - current

    x, half = np.zeros_like(bias), None
    for k in range(2 * periods * steps):
        time = (k % steps) * size
        half = x if k == periods * steps else half
        a = rate(time, x)
        b = rate(time + size / 2, x + size / 2 * a)
        c = rate(time + size / 2, x + size / 2 * b)
        d = rate(time + size, x + size * c)
        x = x + size / 6 * (a + 2 * b + 2 * c + d)
    return (x - half) / (2 * np.pi)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tied maxima", "two harmonics", "two tones"])
def test_edges_are_bracketed_by_integration(name):
    """Locked 1e-4 inside, not locked 1e-4 outside."""
    *arguments, expected = EDGES[name]
    edges = np.array(list(expected.values()))
    ratio = np.array([n if isinstance(n, int) else n[0] / n[1] for n in expected])[:, None]
    periods, inside = 100, np.array([1e-4, -1e-4])
    locked, free = (
        _turns(driven(*arguments), edges + sign * inside, periods) - ratio * periods
        for sign in (1, -1)
    )
    assert np.max(np.abs(locked)) < 1e-3
    assert np.min(np.abs(free)) > 0.1


@pytest.mark.slow
def test_a_squid_at_high_orders():
    """A voltage of two turns a period; by integration −2 is locked from −4.203 to −4.181."""
    squid = jd.Squid([jd.SeriesJunctions(0.7, 0.5), jd.TunnelJunction(0.55)], flux=[0.27])
    found = jd.shapiro_steps(driven(squid, 2.06783, 0.8), [-2, 2])
    assert np.all(found.status == Status.CONVERGED)
    np.testing.assert_allclose(found.lower, [-4.203, 4.186], atol=1e-3)
    np.testing.assert_allclose(found.upper, [-4.181, 4.214], atol=1e-3)


LANES = 1000


def random_devices():
    """S, C, Ω, amplitudes and phases of two-harmonic relations × two tones."""
    rng = np.random.default_rng(1)
    sine, cosine = rng.normal(size=(2, LANES, 2))
    size = np.abs(sine).sum(1) + np.abs(cosine).sum(1)
    frequency = size / 3 * np.exp(rng.uniform(np.log(0.3), np.log(3), LANES))
    amplitude = size[:, None] / 3 * rng.uniform(0, 2, (LANES, 2))
    return sine, cosine, frequency, amplitude, rng.uniform(0, 2 * np.pi, (LANES, 2))


# (device, step): upper edge. Neighbours of its orbit approach each other 10⁵-fold and more. By
# bisection in the bias in NumPy: min over starts and drive phases of φ(T) − φ(0) − 2πn, integrated
# by fixed steps of DOP853, on grids of starts refined around the lowest at each drive phase.
HARD = {
    (681, -1): -3.341613558843,
    (622, -1): -0.119911105167,
    (434, -2): -1.097123794606,
    (185, -1): -1.810737228427,
    (255, 1): 1.421179124255,
}


@pytest.mark.slow
def test_edges_where_neighbours_approach_each_other_a_millionfold():
    """And gradients: Euler's relation, shifts of time and of the phase."""
    orders = [-2, -1, 1]

    @jax.jit
    @jax.value_and_grad
    def edge(parameters, k):
        sine, cosine, *drive = parameters
        return jd.shapiro_steps(driven(jd.Harmonics(sine, cosine), *drive), orders).upper[k]

    everything = random_devices()
    for (i, n), expected in HARD.items():
        sine, cosine, frequency, amplitude, _ = parameters = tuple(x[i] for x in everything)
        found, slopes = edge(parameters, orders.index(n))
        np.testing.assert_allclose(found, expected, atol=1e-10)
        by_sine, by_cosine, by_frequency, by_amplitude, by_phase = slopes
        scaled = by_sine @ sine + by_cosine @ cosine + by_amplitude @ amplitude
        np.testing.assert_allclose(scaled + by_frequency * frequency, expected, atol=1e-9)
        order = np.array([1.0, 2.0])
        np.testing.assert_allclose(by_phase @ order, 0, atol=1e-9)
        np.testing.assert_allclose((by_cosine * sine - by_sine * cosine) @ order, 0, atol=1e-9)


@pytest.mark.slow
def test_all_of_a_thousand_random_devices_have_both_edges():
    """Two-harmonic relations × drives, Ω ≥ .3, n = −2 … 2: and they do not overlap."""
    sine, cosine, *_ = everything = random_devices()
    size = np.abs(sine).sum(1) + np.abs(cosine).sum(1)

    @jax.jit
    @jax.vmap
    def edges(sine, cosine, frequency, amplitude, phase):
        found = jd.shapiro_steps(
            driven(jd.Harmonics(sine, cosine), frequency, amplitude, phase), [-2, -1, 0, 1, 2]
        )
        return found.lower, found.upper, found.status

    lower, upper, status = edges(*everything)
    assert np.mean(status == Status.CONVERGED) == 1.0
    assert np.all(upper > lower)
    assert np.all(lower[:, 1:] - upper[:, :-1] > -1e-9 * size[:, None])


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: jd.shapiro_steps(jd.Shunted(SINE)), "device must be Shunted.*without one"),
        (lambda: jd.shapiro_steps(SINE), "device must be Shunted.*TunnelJunction"),
        (lambda: jd.shapiro_steps(driven(SINE, 1.0, 1.0), [0.5]), "orders must be whole numbers"),
        (lambda: jd.shapiro_steps(driven(SINE, 1.0, 1.0), []), "orders must name at least one"),
        (lambda: jd.Shunted(jd.PhaseSlipWire()), "device must be phase-biased"),
        (lambda: jd.Shunted(SINE, damping=0.0), "damping must be positive"),
        (lambda: jd.Shunted(SINE, damping=-1.0), "damping must be positive"),
        (lambda: jd.Drive(0.0, 1.0), "frequency must be positive"),
        (lambda: jd.Drive([1.0, 1.414], 1.0), "frequency must be one number.*incommensurate"),
        (lambda: jd.shapiro_steps(driven(SINE, 5e9, 1.0)), "drive.frequency must be between"),
        (lambda: jd.shapiro_steps(driven(SINE, 1.0, 1.0), 1), "orders must be a list"),
        (lambda: jd.Drive(1.0, [1.0, 2.0], phase=[0.0, 0.0, 0.0]), "phase must be one number or"),
        (lambda: jd.switching_currents(jd.Shunted(SINE), "quench"), "protocol must be 'ramp'"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


SLOW = (  # relation, Ω, amplitude, threshold at which the upper edge of step 0 is at zero bias
    ("half diode", jd.Harmonics([1.0, 0.0], [0.0, 0.5]), 0.1, 0.955482442),
    ("half diode", jd.Harmonics([1.0, 0.0], [0.0, 0.5]), 0.3, 1.337325597),
    ("skew", jd.Harmonics([1.0, 0.4 * np.cos(1)], [0.0, 0.4 * np.sin(1)]), 0.1, 1.020194151),
)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "relation", "frequency", "threshold"), SLOW)
def test_slow_drives(name, relation, frequency, threshold):
    """Thresholds of rectification, to the sheet's nine digits; gradients by differences."""
    del name

    def edge(amplitude):
        device = jd.Shunted(relation, drive=jd.Drive(frequency, amplitude))
        return jd.shapiro_steps(device, [0]).upper[0]

    assert abs(float(edge(threshold))) < 2e-9
    slope = jax.grad(edge)(threshold)
    step = 1e-4
    difference = (edge(threshold + step) - edge(threshold - step)) / (2 * step)
    assert float(slope) == pytest.approx(float(difference), rel=1e-6)


@pytest.mark.slow
def test_slower_drives_of_a_sine():
    """Ω = .05, a = 1: edges at ±Ω exactly, and the next one."""
    device = jd.Shunted(jd.TunnelJunction(1.0), drive=jd.Drive(0.05, 1.0))
    found = jd.shapiro_steps(device, [0, 1])
    np.testing.assert_allclose(found.upper, [0.05, 0.145337], atol=5e-7)
    np.testing.assert_allclose(found.lower, [-0.05, 0.05], atol=1e-9)
