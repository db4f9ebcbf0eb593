"""Junctions extended in a field, and relations from tables (shared/physics/field.md, 1 and 5).

Numbers of the sheet were found by quadrature and by closed transforms of harmonics; the reference
of these tests is the second of the two, in NumPy. Currents are in units of the local amplitude.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize
from scipy.integrate import quad

import jaxdiode as jd
from jaxdiode.devices.extended.strip import strip_phase
from tests import helpers
from tests.reference import extended as reference

PAIR = jd.SeriesJunctions(1.0, 0.8)
AM9 = jd.AndreevModes(1.0, 0.9)
AM9T = jd.AndreevModes(1.0, 0.9, gap=1.0, temperature=0.3)
TILTED = [0.4, 1.6]  # 1 + 1.2x
T1, T2 = [6.0, 5.0, 1.0], [2.0, 7.0, 3.0]


def lopsided(x):
    """Profile A."""
    return 1 + 4 * jnp.exp(-(x + 0.5) / 0.1) + jnp.exp(-(0.5 - x) / 0.1)


def boxes(local, profile, flux, **options):
    return jd.ExtendedJunction(local, profile, flux, interpolation="boxes", **options)


def along(device, fluxes):
    """(I₊, I₋) at every flux, compiled once."""

    def at(flux):
        found = jd.critical_currents(jd.replace(device, {"flux": flux}))
        return found.plus, found.minus, found.status

    plus, minus, status = jax.jit(jax.vmap(at))(jnp.asarray(fluxes, float))
    assert np.all(np.asarray(status) == jd.Status.CONVERGED)
    return np.asarray(plus), np.asarray(minus)


# ---- The table of the sheet

TABLE = {
    "L, pair, .3": (PAIR, TILTED, 0.3, 0.71392548, 0.67399124, 0.02877279),
    "L, pair, .7": (PAIR, TILTED, 0.7, 0.41939610, 0.28441815, 0.19178065),
    "A, pair, .7": (PAIR, lopsided, 0.7, 0.14215578, 0.33607441, -0.40549223),
    "A, pair, 1.7": (PAIR, lopsided, 1.7, 0.10199932, 0.22209293, -0.37055381),
    "A, am9, .7": (AM9, lopsided, 0.7, 0.12072384, 0.24474844, -0.33935435),
    "A, am9T, .7": (AM9T, lopsided, 0.7, 0.11195526, 0.15793297, -0.17035834),
    "T1, pair, .7": (PAIR, T1, 0.7, 0.42761844, 0.49113222, -0.06913059),
    "T2, pair, .7": (PAIR, T2, 0.7, 0.39365617, 0.41504483, -0.02644817),
    "E, am9, 1.7": (AM9, "edges", 1.7, 0.11455947, 0.11455947, 0.0),
}


@pytest.mark.thorough
@pytest.mark.parametrize("name", TABLE)
def test_table(name):
    local, profile, flux, plus, minus, efficiency = TABLE[name]
    words = {"interpolation": "boxes"} if profile in (T1, T2) else {}
    found = helpers.values(jd.ExtendedJunction(local, profile, flux, **words))
    assert found.status == jd.Status.CONVERGED
    helpers.assert_close(found.plus, plus, absolute=6e-9)
    helpers.assert_close(found.minus, minus, absolute=6e-9)
    helpers.assert_close(found.efficiency, efficiency, absolute=1.1e-8)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("local", "profile", "flux", "largest"),
    [
        (PAIR, lopsided, 0.73108913, 0.50387633),
        (PAIR, TILTED, 1.13623006, 0.25521211),
        (AM9, lopsided, 0.73187468, 0.37031273),
    ],
)
def test_largest_efficiency(local, profile, flux, largest):
    """max|η| over 0 < f < 2.9, and where: stationary there, and nowhere larger."""
    device = jd.ExtendedJunction(local, profile)
    grid = np.concatenate([np.linspace(0.01, 2.9, 290), [flux, flux - 1e-3, flux + 1e-3]])
    plus, minus = along(device, grid)
    efficiency = np.abs((plus - minus) / (plus + minus))
    helpers.assert_close(efficiency[-3], largest, absolute=6e-9)
    assert np.max(efficiency) <= largest + 6e-9
    assert np.all(efficiency[-2:] < largest)


@pytest.mark.thorough
def test_slopes_against_flux():
    """The sheet's, to 2e-9; and ∫p i′ 2πx dx at the extrema by 3000 Gauss nodes and `brentq`."""
    device = jd.ExtendedJunction(PAIR, lopsided, 0.7)
    gradient, _ = helpers.evaluate(device)
    found = np.asarray(gradient.flux)[:2]
    helpers.assert_close(found, [-1.3235736904, -0.9288923420], absolute=2e-9)
    helpers.assert_close(found, [-1.3235736893561, -0.9288923408899], absolute=1e-11)


@pytest.mark.slow
def test_quadrature_and_harmonics_agree():
    """Two routes that share the profile's coefficients only; the second follows any turn."""
    for local, profile, flux in ((PAIR, lopsided, 1.7), (AM9, TILTED, -2.4)):
        one = helpers.values(jd.ExtendedJunction(local, profile, flux))
        two = helpers.values(jd.ExtendedJunction(local, profile, flux, harmonics=0))
        helpers.assert_close(one.plus, two.plus, absolute=1e-11)
        helpers.assert_close(one.minus, two.minus, absolute=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("transparency", [0.99, 0.9999])
def test_sharp_relations_against_harmonics(transparency):
    """Turns 0.1 and 0.01 wide, across a profile of straight lines, at several flux quanta."""
    local = jd.AndreevModes(1.0, transparency)
    device = jd.ExtendedJunction(local, [1.0, 3.0, 0.5, 2.0], 2.4)
    assert device.harmonics == 0
    found = helpers.values(device)
    expected = reference.efficiency(device)
    helpers.assert_close(found.plus, expected[0], absolute=1e-10)
    helpers.assert_close(found.minus, expected[1], absolute=1e-10)


def _jumping(phase, flux, steps):
    """A ballistic mode, sin(φ/2) up to π, by its primitive between the steps of a profile."""
    edges = np.linspace(-0.5, 0.5, len(steps) + 1)
    at = phase + 2 * np.pi * flux * edges
    primitive = -2 * np.abs(np.cos(at / 2))
    share = np.asarray(steps) / np.mean(steps)
    return np.sum(share * np.diff(primitive)) / (2 * np.pi * flux)


@pytest.mark.slow
@pytest.mark.parametrize("flux", [0.4, 2.3])
def test_jump_by_its_primitive(flux):
    """Corners where the jump passes an edge or a step: the extremum sits on one."""
    steps = [1.0, 2.5, 0.7, 1.8]
    device = boxes(jd.AndreevModes(1.0, 1.0), steps, flux)
    phases = np.linspace(0.05, 6.2, 9)
    expected = [_jumping(phase, flux, steps) for phase in phases]
    helpers.assert_close(device.current(jnp.asarray(phases)), expected, absolute=1e-13)
    dense = np.linspace(0, 2 * np.pi, 20001)
    corners = np.pi - 2 * np.pi * flux * np.linspace(-0.5, 0.5, 5)
    values = [_jumping(phase, flux, steps) for phase in np.concatenate([dense, corners])]
    found = helpers.values(device)
    assert found.status == jd.Status.CONVERGED
    helpers.assert_close(found.plus, np.max(values), absolute=1e-7)  # of the dense grid
    helpers.assert_close(found.minus, -np.min(values), absolute=1e-7)
    assert found.plus >= np.max(values) - 1e-12


# ---- Symmetries


@pytest.mark.thorough
def test_even_profile_and_odd_relation_are_no_diode():
    fluxes = [0.3, 0.7, 1.2, 1.7, 2.6]
    for local, profile in ((PAIR, "uniform"), (AM9, "edges")):
        plus, minus = along(jd.ExtendedJunction(local, profile), fluxes)
        assert np.all(np.abs((plus - minus) / (plus + minus)) < 1e-12)


@pytest.mark.thorough
def test_sinusoidal_relation_is_no_diode_whatever_the_profile():
    rng = np.random.default_rng(3)
    for _ in range(4):
        profile = rng.uniform(0, 1, 11)
        for word in ("linear", "boxes"):
            device = jd.ExtendedJunction(jd.TunnelJunction(1.0), profile, interpolation=word)
            fluxes = np.linspace(0.2, 2.9, 7)
            plus, minus = along(device, fluxes)
            assert np.all(np.abs((plus - minus) / (plus + minus)) < 1e-12)
            expected = np.abs(reference.transform(profile, word, fluxes))
            helpers.assert_close(plus, expected, absolute=1e-13)


@pytest.mark.thorough
def test_opposite_field():
    for device in (jd.ExtendedJunction(PAIR, lopsided), boxes(AM9, T1, 0.0, harmonics=0)):
        ahead, back = along(device, [0.4, 1.3]), along(device, [-0.4, -1.3])
        helpers.assert_close(ahead[1], back[0], absolute=1e-12)
    mirrored = along(jd.ExtendedJunction(PAIR, TILTED[::-1]), [0.7])
    helpers.assert_close(mirrored[0], along(jd.ExtendedJunction(PAIR, TILTED), [-0.7])[0],
                         absolute=1e-12)  # fmt: skip


CUMULANTS = [
    (TILTED, "linear", -0.008),
    (lopsided, "linear", 0.0111080162),
    (T1, "boxes", 0.0062157064),
    (T2, "boxes", -0.0007287380),
]


@pytest.mark.slow
@pytest.mark.parametrize(("profile", "word", "third"), CUMULANTS)
def test_third_cumulant(profile, word, third):
    device = jd.ExtendedJunction(PAIR, profile, interpolation=word)

    def mean(g):
        options = {"points": [-1 / 6, 1 / 6], "epsabs": 1e-12, "limit": 200}
        return quad(lambda x: g(x) * float(device.density(x)), -0.5, 0.5, **options)[0]

    helpers.assert_close(mean(lambda x: 1.0), 1.0, absolute=1e-10)
    first = mean(lambda x: x)
    helpers.assert_close(mean(lambda x: (x - first) ** 3), third, absolute=1e-10)


@pytest.mark.thorough
@pytest.mark.parametrize(("profile", "word", "third"), CUMULANTS)
def test_cubic_law(profile, word, third):
    """η = (b₂/b₁) κ₃ (2πf)³ within 1 % at f = .02 for a weak second harmonic."""
    weak = jd.Harmonics([1.0, -1e-3])
    found = helpers.values(jd.ExtendedJunction(weak, profile, 0.02, interpolation=word))
    law = -1e-3 * third * (2 * np.pi * 0.02) ** 3
    assert abs(found.efficiency / law - 1) < 0.01


@pytest.mark.thorough
def test_cubic_law_of_a_strong_second_harmonic():
    """η = κ₃ (2πf)³ i‴/6i at the maximum of any odd i; corrections are of order (2πf/w)²."""
    mode = jd.AndreevModes(1.0, 0.5)
    top = jd.critical_currents(mode)

    def third(phase):
        return jax.grad(jax.grad(jax.grad(mode.current)))(phase)

    for flux, error in ((0.02, 0.01), (0.01, 0.0025)):
        found = helpers.values(jd.ExtendedJunction(mode, TILTED, flux))
        law = -0.008 * (2 * np.pi * flux) ** 3 * third(top.phase_plus) / (6 * top.plus)
        assert abs(found.efficiency / law - 1) < error


@pytest.mark.slow
def test_no_flux_is_the_local_device():
    for local in (PAIR, jd.AndreevModes(1.0, 1.0), jd.Harmonics([1.0, 0.3], [0.2])):
        device = jd.ExtendedJunction(local, [1.0, 2.0, 5.0])
        found, expected = helpers.values(device), helpers.values(local)
        helpers.assert_close(found.plus, expected.plus, absolute=1e-11)
        helpers.assert_close(found.minus, expected.minus, absolute=1e-11)


# ---- Nodes, resolution, gradients


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("local", "flux"), [(jd.TunnelJunction(1e-9), 2.0), (PAIR, 1.0), (jd.AndreevModes(1e9, 1.0), 1)]
)
def test_zero_current_is_known_and_its_efficiency_is_not(local, flux):
    found = helpers.values(jd.ExtendedJunction(local, flux=flux, largest_flux=3))
    assert found.status == jd.Status.NO_SUPERCURRENT
    assert found.plus == found.minus == 0
    assert np.isnan(found.efficiency)


@pytest.mark.thorough
def test_what_is_not_resolved_says_so():
    ballistic = jd.ExtendedJunction(jd.AndreevModes(1.0, 0.999), TILTED, 0.5)
    beyond = helpers.values(jd.replace(ballistic, {"flux": 3.2}))
    assert beyond.status == jd.Status.NOT_RESOLVED
    assert np.isnan(beyond.plus)
    assert helpers.values(jd.replace(ballistic, {"flux": 3.0})).status == jd.Status.CONVERGED
    smooth = jd.ExtendedJunction(AM9, TILTED, 0.5)
    sharper = jd.replace(smooth, {"local.transparency": 0.9999})
    assert helpers.values(sharper).status == jd.Status.NOT_RESOLVED
    far = helpers.values(jd.replace(smooth, {"flux": 9.3}))  # harmonics: any flux
    expected = reference.efficiency(jd.replace(smooth, {"flux": 9.3}))
    helpers.assert_close(far.plus, expected[0], absolute=1e-12)


@pytest.mark.thorough
def test_gradients_over_a_profile():
    """24 boxes, by differences of the reference; η does not know the profile's size."""
    rng = np.random.default_rng(0)
    profile = rng.uniform(0.5, 1.5, 24)
    device = boxes(PAIR, profile, 0.7, focusing=1.2)
    expected, scale = helpers.reference_gradient(
        device, 2e-3 * np.ones(helpers.parameters(device).size), 3e-7, reference.efficiency
    )
    found = helpers.flat_jacobian(device)
    helpers.assert_close(found, expected, absolute=1e-7 * scale)
    helpers.assert_close(helpers.evaluate(device)[0].profile @ profile, 0.0, absolute=1e-11)


@pytest.mark.thorough
@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_units_of_current_do_not_matter(scale):
    one = helpers.values(boxes(jd.AndreevModes(1.0, 0.99), T1, 0.7, largest_flux=1))
    other = helpers.values(boxes(jd.AndreevModes(scale, 0.99), T1, 0.7, largest_flux=1))
    helpers.assert_close(other.plus / scale, one.plus, absolute=1e-14)
    helpers.assert_close(other.efficiency, one.efficiency, absolute=1e-13)


def test_in_field_and_focusing():
    device = jd.ExtendedJunction.in_field(
        PAIR, TILTED, field=2e-3, width=5e-6, length=150e-9, focusing=1.5
    )
    flux = 1.5 * 2e-3 * 5e-6 * 150e-9 / jd.units.flux_quantum
    one, two = helpers.values(device), helpers.values(jd.ExtendedJunction(PAIR, TILTED, flux))
    helpers.assert_close(one.plus, two.plus, absolute=1e-13)


# ---- Thin banks


@pytest.mark.slow
def test_a_field_that_turns():
    """What goes through the junction is f cos θ, what shifts phases B cos of the local angle."""

    def device(angle, flux):
        rashba = jd.PhaseShiftedJunction(
            [1.0, 0.3], [0.0, 0.0], field=1.0, shift_per_field=[0.0, 0.9],
            field_angle=angle - np.pi / 2,
        )  # fmt: skip
        return jd.ExtendedJunction(rashba, TILTED, flux, field_angle=angle)

    turning = device(0.0, 1.3)
    for angle in (0.0, 0.7, np.pi / 2, 2.5, -1.0):
        turned = jd.replace(turning, {"field_angle": angle, "local.field_angle": angle - np.pi / 2})
        shifted = jd.PhaseShiftedJunction([1.0, 0.3], [0.0, 0.9 * np.sin(angle)])
        plain = jd.ExtendedJunction(shifted, TILTED, 1.3 * np.cos(angle))
        found, expected = jd.critical_currents(turned), jd.critical_currents(plain)
        helpers.assert_close(found.plus, expected.plus, absolute=1e-11)
        helpers.assert_close(found.minus, expected.minus, absolute=1e-11)
    slope = jax.grad(jd.diode_efficiency)(device(0.4, 1.3)).field_angle
    step = 1e-5
    ahead, behind = (
        jd.diode_efficiency(jd.replace(device(0.4, 1.3), {"field_angle": 0.4 + k}))
        for k in (step, -step)
    )
    helpers.assert_close(slope, (ahead - behind) / (2 * step), absolute=1e-8)


def test_phase_along_a_thin_strip():
    n = np.arange(1, 40001, 2)
    for x in (-0.5, -0.31, 0.0, 0.1, 0.49, 0.5):
        terms = (-1.0) ** ((n - 1) // 2) * np.sin(n * np.pi * x) / n**3
        helpers.assert_close(strip_phase(x), 8 / np.pi**3 * np.sum(terms), absolute=1e-10)
    helpers.assert_close(strip_phase(0.5), 7 * 1.2020569031595942854 / np.pi**3, absolute=1e-15)


@pytest.mark.slow
def test_thin_banks():
    """Signed I_c(b), and its zeros, of a sine: I at φ = π/2."""
    device = jd.ExtendedJunction(jd.TunnelJunction(1.0), banks="thin", largest_flux=7)
    signed = jax.jit(
        jax.vmap(lambda b: jd.replace(device, {"flux": b}).current(jnp.array(np.pi / 2)))
    )
    values = signed(jnp.array([0.5, 1.0, 3.0]))
    helpers.assert_close(values, [0.8424949483, 0.4475011519, -0.1580268685], absolute=6e-11)
    zeros = jnp.array([1.5058104356, 3.3236068030, 5.1560338111, 6.9926601774])
    assert np.all(signed(zeros - 1e-9) * signed(zeros + 1e-9) < 0)
    found = helpers.values(jd.replace(device, {"flux": 3.0}))
    helpers.assert_close(found.minus, 0.1580268685, absolute=6e-11)
    sharp = jd.ExtendedJunction(jd.AndreevModes(1.0, 0.999), flux=0.5, banks="thin")
    assert helpers.values(sharp).status == jd.Status.NOT_RESOLVED


# ---- Errors


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"profile": "gaussian"}, "unknown profile 'gaussian'"),
        ({"profile": [1.0, -0.1]}, "profile must be at least 0"),
        ({"profile": [1.0]}, "at least 2, got 1"),
        ({"profile": []}, "profile must"),
        ({"profile": [0.0, 0.0]}, "profile must carry current"),
        ({"profile": [1.0, np.nan]}, "profile must be finite"),
        ({"profile": lambda x: jnp.abs(x) < 0.2}, "profile must be smooth"),
        ({"profile": np.ones(13), "interpolation": "smooth"}, "12 numbers a panel"),
        ({"profile": T1, "interpolation": "steps"}, "unknown interpolation 'steps'"),
        ({"banks": "tin"}, "did you mean 'thin'"),
        ({"flux": [0.1, 0.2]}, "flux must be a single number"),
        ({"largest_flux": 0}, "largest_flux must be a whole number"),
        ({"focusing": 0.0}, "focusing must be positive"),
        ({"banks": "thin", "harmonics": 8}, "harmonics must be 0 between thin banks"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        jd.ExtendedJunction(**({"local": PAIR} | arguments))


# ---- The figure


@pytest.mark.slow
def test_figure():
    odd = jd.plot.fraunhofer(jd.ExtendedJunction(AM9, "edges"), np.linspace(0.1, 2.9, 15))
    assert np.all(odd.axes[1].lines[0].get_ydata() == 0)
    tilted = jd.plot.fraunhofer(jd.ExtendedJunction(PAIR, TILTED), [0.3, 0.7], unit="nA")
    helpers.assert_close(
        tilted.axes[1].lines[0].get_ydata(), [0.02877279, 0.19178065], absolute=1.1e-8
    )
    assert tilted.axes[0].get_ylabel() == "critical current (nA)"
    with pytest.raises(ValueError, match="must have a flux, a TunnelJunction has none"):
        jd.plot.fraunhofer(jd.TunnelJunction(1.0), [0.1])


def boxes_in_closed_form(profile, flux, transparency):
    """I(φ) = Σ p_k [E(φ + 2πf x_{k+1}) − E(φ + 2πf x_k)]/2πf, E = −2√(1 − τ sin²(φ/2))."""
    p = np.asarray(profile) / np.mean(profile)
    shift = 2 * np.pi * flux * np.linspace(-0.5, 0.5, p.size + 1)

    def current(phase):
        angle = (np.asarray(phase)[..., None] + shift) / 2
        energy = -2 * np.sqrt(1 - transparency * np.sin(angle) ** 2)
        return np.sum(p * np.diff(energy, axis=-1), axis=-1) / (2 * np.pi * flux)

    return current


@pytest.mark.thorough
def test_slopes_where_a_turn_of_the_relation_crosses_a_step_of_the_profile():
    """The panels follow the turns: at φ = π ± w/2 an edge of theirs stands on a step."""
    junction = jd.ExtendedJunction(
        jd.AndreevModes(1, 0.999), [1, 2, 5, 0.5], -2.37, interpolation="boxes"
    )
    current = boxes_in_closed_form([1, 2, 5, 0.5], -2.37, 0.999)
    turns = np.pi + 2 * np.pi * 2.37 * np.linspace(-0.5, 0.5, 5)
    distances = np.sqrt(1 - 0.999) * np.array([-0.5, 0.0, 0.5])
    phases = np.ravel(turns[:, None] + distances)
    slope = jax.jit(jax.vmap(jax.grad(junction.current)))
    step = 1e-5
    expected = (current(phases + step) - current(phases - step)) / (2 * step)
    helpers.assert_close(slope(jnp.asarray(phases)), expected, absolute=1e-6)


@pytest.mark.thorough
def test_sharp_relations_through_boxes():
    random = np.random.default_rng(0)

    @jax.jit
    def critical(profile, flux, transparency):
        local = jd.AndreevModes(1.0, transparency)
        found = jd.critical_currents(
            jd.ExtendedJunction(local, profile, flux, interpolation="boxes", largest_flux=4)
        )
        return found.plus, found.minus

    grid = np.linspace(0, 2 * np.pi, 20001)
    for _ in range(60):
        profile = random.uniform(0.05, 2, 3)
        flux, transparency = random.uniform(-3, 3), 1 - 10 ** random.uniform(-5, -2.7)
        current = boxes_in_closed_form(profile, flux, transparency)
        found = critical(jnp.asarray(profile), flux, transparency)
        for sign, own in zip((1, -1), found, strict=True):

            def falls(x, sign=sign, current=current):
                return -sign * float(current(x))

            near = grid[np.argsort(-sign * current(grid))[:6]]
            best = min(
                optimize.minimize_scalar(
                    falls, bounds=(a - 4e-4, a + 4e-4), method="bounded", options={"xatol": 1e-13}
                ).fun
                for a in near
            )
            assert float(own) == pytest.approx(-best, rel=1e-9)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("profile", "flux"),
    [
        ([0.81975796, 0.97453772, 1.93891175, 1.21201732], -1.6879478478034744),
        ([0.34638264, 1.77541086, 1.89507108, 0.67135523], -3.415290090294651),
    ],
)
def test_gradients_where_a_jump_stands_on_a_step(profile, flux):
    def minus(flux):
        local = jd.AndreevModes(1.0, 1.0)
        junction = jd.ExtendedJunction(
            local, jnp.array(profile), flux, interpolation="boxes", largest_flux=4
        )
        return jd.critical_currents(junction).minus

    step = 1e-6
    difference = (minus(flux + step) - minus(flux - step)) / (2 * step)
    assert float(jax.grad(minus)(flux)) == pytest.approx(float(difference), rel=1e-6)
