"""α_q, α'_q and α''_q of Appendix B against differences of Γ_q in extended precision."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from tests.reference import cooper

BANDS = {
    "square": dict(lattice="square", hopping=1.0, chemical_potential=-0.7),
    "half filled": dict(lattice="square", hopping=1.0, chemical_potential=0.0),  # ξ₊ + ξ₋ = 0 lines
    "triangular": dict(lattice="triangular", hopping=1.0, chemical_potential=-1.3),
    "warped": dict(lattice="triangular", hopping=1.0, chemical_potential=-1.3, warping=0.2),
}
VECTORS = {
    "square": [(1.0, 0.0), (0.0, 1.0)],
    "triangular": [(math.cos(x), math.sin(x)) for x in (0, 2 * math.pi / 3, 4 * math.pi / 3)],
}
POINTS = 40


def dispersion(lattice, hopping, chemical_potential, warping=0.0):
    """The same band in NumPy."""

    def energy(kx, ky):
        total = -chemical_potential
        for x, y in VECTORS[lattice]:
            angle = x * kx + y * ky
            total = total - 2 * hopping * np.cos(angle) + 2 * warping * np.sin(angle)
        return total

    return energy


@jax.jit
def channel(band, momenta, temperature, q):
    found = jd.wire.cooper_channel(band, momenta, temperature=temperature, pair_momentum=q)
    return jnp.stack([found.constant, found.linear, found.quadratic])


def cell(lattice):
    """Momenta of a primitive cell, from a and its dual."""
    a = np.array(VECTORS[lattice][:2])
    part = (np.arange(POINTS) + 0.5) / POINTS - 0.5
    grid = np.stack(np.meshgrid(part, part, indexing="ij"), axis=-1).reshape(-1, 2)
    return 2 * np.pi * grid @ np.linalg.inv(a).T


@pytest.mark.parametrize("name", BANDS)
def test_momenta_fill_a_cell(name):
    band = jd.wire.TightBindingBand(**BANDS[name])
    found = np.asarray(band.momenta(POINTS))
    phases = np.exp(1j * found @ np.array(VECTORS[band.lattice][:2]).T)
    assert len(np.unique(np.round(phases, 9), axis=0)) == POINTS**2
    np.testing.assert_allclose(band(*found.T), dispersion(**BANDS[name])(*found.T), atol=1e-13)


@pytest.mark.thorough
@pytest.mark.parametrize("temperature", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("name", BANDS)
def test_coefficients_are_derivatives_of_the_bubble(name, temperature):
    momenta = cell(BANDS[name]["lattice"])
    for q in ((0.0, 0.0), (0.15, 0.0), (0.3, -0.2)):
        expected = cooper.coefficients_by_differences(
            dispersion(**BANDS[name]), momenta, q, temperature
        )
        found = channel(jd.wire.TightBindingBand(**BANDS[name]), momenta, temperature, np.array(q))
        np.testing.assert_allclose(found, np.array(expected, float), rtol=0, atol=1e-11)


@pytest.mark.parametrize("valley", [0.0, 0.2, -1.5])
def test_bubble(valley):
    momenta, q = cell("triangular"), (0.3, 0.1)
    band = jd.wire.TightBindingBand(**BANDS["warped"])
    found = jd.wire.cooper_bubble(band, momenta, temperature=0.1, pair_momentum=q, valley=valley)
    expected = cooper.cooper_bubble(dispersion(**BANDS["warped"]), momenta, q, 0.1, valley)
    np.testing.assert_allclose(found, float(expected), rtol=1e-13)


def test_linear_term_needs_warping():
    """Zero for ξ(k) = ξ(−k); with warping of third order in q, with the angle of the warping."""
    q = np.array([0.2, 0.0])
    turn = np.array([[0.5, -math.sqrt(3) / 2], [math.sqrt(3) / 2, 0.5]])  # by 60°
    even, warped = (
        [
            channel(jd.wire.TightBindingBand(**BANDS[n]), cell("triangular"), 1.0, x)[1]
            for x in directions
        ]
        for n, directions in (("triangular", (q,)), ("warped", (q, -q, q / 2, turn @ q)))
    )
    assert abs(even[0]) < 1e-15
    ahead, behind, shorter, turned = warped
    assert abs(ahead) > 1e-6
    np.testing.assert_allclose(behind, -ahead, rtol=1e-9)
    np.testing.assert_allclose(turned, -ahead, rtol=1e-9)
    assert 7 < ahead / shorter < 9


@pytest.mark.thorough
def test_gradients():
    """In the parameters of the band, T and q, where lines of E₊ + E₋ = 0 cross the zone too."""
    momenta = cell("square")
    band = jd.wire.TightBindingBand("square", 1.0, chemical_potential=0.0, warping=0.1)

    def total(x):
        leaves = eqx.tree_at(
            lambda b: (b.hopping, b.chemical_potential, b.warping), band, tuple(x[:3])
        )
        return channel(leaves, momenta, x[3], x[4:])

    x = jnp.array([1.0, 0.0, 0.1, 0.3, 0.2, 0.1])
    found = jax.jacrev(total)(x)

    def reference(x):
        given = dict(lattice="square", hopping=x[0], chemical_potential=x[1], warping=x[2])
        return np.array(cooper.coefficients(dispersion(**given), momenta, x[4:], x[3]), float)

    for k in range(6):
        step = 1e-3 * np.eye(6)[k]
        coarse, fine = (
            (reference(np.asarray(x) + h * step) - reference(np.asarray(x) - h * step)) / (2e-3 * h)
            for h in (1.0, 0.5)
        )
        np.testing.assert_allclose(found[:, k], (4 * fine - coarse) / 3, rtol=0, atol=1e-7)


def test_beta_suppresses():
    """ε(Φ) = [Γ(Φ, T) − Γ(0, T_c)]/[Γ(0, T) − Γ(0, T_c)] for small Φ."""
    band = jd.wire.TightBindingBand(**BANDS["warped"])
    momenta = cell("triangular")
    beta = jd.wire.valley_beta(band, momenta, temperature=0.2, critical_temperature=0.25)
    assert beta < 0
    bubble = [
        float(cooper.cooper_bubble(dispersion(**BANDS["warped"]), momenta, (0, 0), t, phi))
        for t, phi in ((0.2, 1e-2), (0.2, 0.0), (0.25, 0.0))
    ]
    strength = (bubble[0] - bubble[2]) / (bubble[1] - bubble[2])
    np.testing.assert_allclose((strength - 1) / 1e-4, beta, rtol=3e-3)  # next order: Φ²/T²


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: jd.wire.TightBindingBand("hexagonal"), "lattice"),
        (lambda: jd.wire.TightBindingBand("square").momenta(0), "points"),
        (
            lambda: jd.wire.cooper_channel(
                jd.wire.TightBindingBand("square"), [1.0, 2.0], temperature=0.1
            ),
            "momenta",
        ),
        (
            lambda: jd.wire.cooper_channel(
                jd.wire.TightBindingBand("square"), [[1.0, 2.0]], temperature=0
            ),
            "temperature",
        ),
        (
            lambda: jd.wire.cooper_channel(
                jd.wire.TightBindingBand("square"),
                [[1.0, 2.0]],
                temperature=0.1,
                pair_momentum=[0.1],
            ),
            "pair_momentum",
        ),
        (
            lambda: jd.wire.valley_beta(
                jd.wire.TightBindingBand("square"),
                [[1.0, 2.0]],
                temperature=0.2,
                critical_temperature=0.1,
            ),
            "critical_temperature",
        ),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
