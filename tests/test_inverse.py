"""The profile of a junction from its critical currents: against data of independent code."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.inverse import dynes_fulton, fit_profile, model, twins
from tests import helpers
from tests.reference import profiles

NOISE = 1e-3
FLUX = np.linspace(0, 5, 101)
A = profiles.boxes_of_a(24)
T1, T2 = np.array([6.0, 5.0, 1.0]) / 4, np.array([2.0, 7.0, 3.0]) / 4
PAIR = (1.0, 0.8)


def measured(boxes, flux, energy, seed=0, sigma=NOISE):
    exact = profiles.critical_currents(boxes, flux, energy)
    return exact + sigma * np.random.default_rng(seed).normal(size=exact.shape)


def rms(x):
    return float(np.sqrt(np.mean(np.square(x))))


# ---- The reference itself


def test_the_reference_by_quadrature():
    """Primitives of the pair against Gauss–Legendre over x, and its relation with no flux."""
    x, weight = np.polynomial.legendre.leggauss(40)
    edges = np.linspace(-0.5, 0.5, 25)
    nodes = (edges[:-1, None] + edges[1:, None]) / 2 + x / 48
    for flux in (0.0, 0.7, 3.3):
        local = profiles.pair(profiles.PHASE[::64, None, None] + 2 * np.pi * flux * nodes)
        total = np.sum(local * weight / 48 * A[:, None], axis=(1, 2))
        found = profiles.relation(A, flux, profiles.pair_energy)[::64]
        assert np.allclose(found, total, atol=1e-9)


def test_the_reference_by_published_numbers():
    plus, minus = profiles.critical_currents(T1, [0.7], profiles.pair_energy)
    assert plus[0] == pytest.approx(0.42761844, abs=1e-8)
    assert minus[0] == pytest.approx(0.49113222, abs=1e-8)


LOCAL = jd.Harmonics([1.0, -0.3])


def two_harmonics(phase):
    return -np.cos(phase) + 0.15 * np.cos(2 * phase)


# ---- Twins


@pytest.mark.thorough
def test_twins_of_a_sinusoidal_relation():
    """|P| of both by its closed form, and by the devices; they are no mirror images."""
    k = np.linspace(-7, 7, 1001)
    turn = np.exp(2j * np.pi * k / 3)

    def size(p):
        return np.abs(np.sinc(k / 3) * (p[0] / turn + p[1] + p[2] * turn) / 3)

    assert np.max(np.abs(size(T1) - size(T2))) < 1e-12
    assert rms(T1 - T2[::-1]) > 0.3

    def currents(boxes, local):
        device = jd.ExtendedJunction(local, boxes, interpolation="boxes", largest_flux=7)
        flux = jnp.linspace(-6.9, 6.9, 31)
        return helpers.lanes(jax.vmap(lambda f: jd.replace(device, {"flux": f}))(flux))

    one, other = (currents(p, jd.TunnelJunction(1.0)) for p in (T1, T2))
    assert np.allclose(one.plus, other.plus, atol=1e-12)
    assert np.allclose(one.minus, other.minus, atol=1e-12)
    one, other = (currents(p, jd.SeriesJunctions(*PAIR)) for p in (T1, T2))
    assert np.max(np.abs(one.plus - other.plus)) > 0.03  # a pair tells them apart


def test_twins_are_found():
    assert np.allclose(twins(T1), [T2[::-1]], atol=1e-9)
    assert np.allclose(twins(1e-9 * T2), [1e-9 * T1[::-1]], atol=1e-18)
    assert twins(np.ones(7)).shape == (0, 7)  # all zeros on the unit circle
    assert np.allclose(twins([0.0, 6.0, 5.0, 1.0, 0.0]), [[0.0, 3.0, 7.0, 2.0, 0.0]], atol=1e-9)
    k = np.linspace(0, 9, 91)
    boxes = np.random.default_rng(3).uniform(0.5, 2, 8)
    found = twins(boxes)
    assert len(found) > 3
    size = [np.abs(np.exp(2j * np.pi * np.multiply.outer(k, np.arange(8)) / 8) @ p) for p in found]
    exact = np.abs(np.exp(2j * np.pi * np.multiply.outer(k, np.arange(8)) / 8) @ boxes)
    assert np.allclose(size, exact, atol=1e-8)
    assert np.all(found >= 0)
    with pytest.raises(ValueError, match="density must carry current somewhere"):
        twins(np.zeros(3))


@pytest.mark.thorough
def test_a_fit_meets_the_twin():
    """A sine: as good a fit, no mirror image. A pair: a bad one, and no warning."""
    flux = np.linspace(0, 4, 41)
    options = {"sigma": NOISE, "boxes": 3, "order": 1, "starts": 1, "progress": False}
    data = measured(T1, flux, profiles.sine_energy)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        found = fit_profile(jd.TunnelJunction(1.0), flux, *data, **options)
    assert found.densities.shape == (3, 3)
    assert np.all(found.chi_squared < 1.5)
    for p in (T1, T1[::-1], T2):
        apart = [min(rms(p - one), rms(p[::-1] - one)) for one in found.densities]
        assert min(apart) < 0.01
    data = measured(T1, flux, two_harmonics)
    found = fit_profile(LOCAL, flux, *data, **options)
    assert found.agree
    assert rms(found.density - T1) < 0.01


# ---- Fits


@helpers.slow
def test_a_pair_settles_the_profile():
    """Four starts, 24 boxes: as far from the truth as the prior smooths, in one orientation."""
    plus, minus = measured(A, FLUX, profiles.pair_energy)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit_profile(jd.SeriesJunctions(*PAIR), FLUX, plus, minus, sigma=NOISE)
    assert found.fit.converged
    assert found.agree
    assert found.notes == ()
    assert len(found.densities) >= 5  # four starts, the mirror image of the best, a twin
    assert np.all(found.chi_squared[:4] < 1.3)
    assert max(rms(density - A) for density in found.densities[:4]) < 0.03
    assert found.density[0] > 2 * found.density[-1]  # the orientation
    assert found.scale == pytest.approx(1.0, abs=5 * found.scale_error)
    assert np.mean(found.density) == pytest.approx(1.0, abs=1e-12)


@helpers.slow
def test_a_sine_leaves_the_orientation_open():
    """Four starts fit as well as each other, to one profile and its mirror image."""
    data = measured(A, FLUX, profiles.sine_energy)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = fit_profile(jd.TunnelJunction(1.0), FLUX, *data, sigma=NOISE)
    assert [str(warning.message) for warning in caught] == list(found.notes)
    assert len(found.notes) == 2
    assert not found.agree
    assert np.all((found.chi_squared > 0.7) & (found.chi_squared < 1.3))
    left, right = found.densities[0], found.densities[1]
    assert rms(left - right) > 0.4
    assert rms(left - right[::-1]) < 1e-3
    assert min(rms(found.densities[-1] - one) for one in (left, right)) > 0.3  # a zero flipped


# ---- A smaller problem: two harmonics, eight boxes

SKEWED = np.array([1.7, 1.5, 1.3, 1.0, 0.8, 0.7, 0.6, 0.4])
SKEWED = SKEWED / np.mean(SKEWED)
FEW = np.linspace(0, 3, 31)


def fitted(data, field=FEW, **options):
    given = {"sigma": NOISE, "boxes": 8, "starts": 1, "progress": False} | options
    return fit_profile(given.pop("local", LOCAL), field, *data, **given)


@pytest.fixture(scope="module")
def small():
    return measured(SKEWED, FEW, two_harmonics)


@pytest.fixture(scope="module")
def of_small(small):
    return fitted(small, starts=2)


@pytest.mark.thorough
def test_two_harmonics(of_small):
    assert of_small.agree
    assert of_small.notes == ()
    assert rms(of_small.density - SKEWED) < 0.03
    assert 0.5 < of_small.fit.chi_squared < 1.6


@pytest.mark.thorough
def test_the_fitted_device(of_small):
    """Its own critical currents are the model's; residuals are what is drawn."""
    found = of_small
    device = jd.replace(found.device, {"flux": FEW[13]})
    own = helpers.values(device)
    assert float(own.plus) == pytest.approx(found.model[0, 13], rel=1e-9)
    assert float(own.minus) == pytest.approx(found.model[1, 13], rel=1e-9)
    figure = jd.plot.profile(found, unit="µA", field_unit="mT")
    assert len(figure.axes) == len(found.plot().axes) == 3
    drawn = figure.axes[2].lines[0].get_ydata()
    assert np.allclose(drawn, found.model[0] - found.plus)


def test_saved(of_small, tmp_path):
    jd.save(tmp_path / "profile.json", of_small)
    again = jd.load(tmp_path / "profile.json")
    assert again.summary("µA") == of_small.summary("µA")
    assert np.array_equal(again.errors, of_small.errors)


@pytest.mark.thorough
@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_currents_in_any_unit(small, of_small, scale):
    local = jd.Harmonics(scale * np.array([1.0, -0.3]))
    found = fitted(scale * small, local=local, sigma=scale * NOISE)
    assert np.allclose(found.density, of_small.density, atol=1e-6)
    assert np.allclose(found.errors, of_small.errors, rtol=1e-3)
    assert found.scale == pytest.approx(of_small.scale, rel=1e-6)
    # The local device in another unit than the data: the factor takes it.
    found = fitted(scale * small, sigma=scale * NOISE)
    assert np.allclose(found.density, of_small.density, atol=1e-6)
    assert found.scale == pytest.approx(scale * of_small.scale, rel=1e-6)


@pytest.mark.thorough
def test_mirrored_field_and_profile(small, of_small):
    """I₋(f) = I₊(−f) of an odd relation: exchanged directions are the mirror image."""
    found = fitted(small[::-1], starts=2)
    assert np.allclose(found.density, of_small.density[::-1], atol=1e-3)


@pytest.mark.thorough
def test_no_start_fits(small):
    """Data of another relation: a warning, not only a large χ²."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = fitted(small, local=jd.Harmonics([1.0, -0.05]))
    assert "no start fits (χ²" in found.notes[0]
    assert str(caught[0].message) == found.notes[0]


@pytest.mark.slow
def test_boxes_too_wide_for_the_data_are_noticed():
    """A bump narrower than a box, in noise that shows it: χ² is more than 3σ too large."""
    relation = two_harmonics
    fine = np.full(48, 1.0)
    fine[9:14] += [0.3, 0.9, 1.4, 0.9, 0.3]
    data = measured(fine, FEW, relation)
    with pytest.warns(UserWarning, match="more boxes"):
        fitted(data, boxes=6)


@pytest.mark.thorough
def test_field_in_millitesla(small, of_small):
    """Period and offset of the field are fitted with the profile."""
    field = 0.4 * FEW + 0.013
    with pytest.warns(UserWarning, match="as good as the width of the profile"):
        found = fitted(small, field, flux_per_field=(1.5, 4.0), offset=(-0.05, 0.05))
    parameters = found.fit.parameters
    for name, truth in (("focusing", 2.5), ("flux", 0.013)):
        value, error = parameters[name]
        assert error > 0
        assert abs(value - truth) < 5 * error + 0.02 * truth
    assert found.offset == parameters["flux"][0]
    assert rms(found.density - SKEWED) < 0.1
    assert float(found.device.flux) == 0.0


@helpers.slow
def test_currents_of_the_local_device_fitted(small):
    """By name, with the profile's mean held, or known."""
    found = fitted(small, free={"local.sine.0": (0.5, 2.0), "local.sine.1": (-0.9, -0.1)})
    assert found.scale == 1.0
    assert found.scale_error == 0.0
    assert np.all(found.errors > 0)
    assert found.fit.parameters["local.sine.0"][0] == pytest.approx(1.0, abs=0.01)
    assert rms(found.density - SKEWED) < 0.05
    with pytest.warns(UserWarning, match="starts that fit equally well end in different"):
        fitted(small, free={"local.sine": (-3.0, 3.0)})  # b₂ → −b₂ mirrors the profile
    known = fitted(small, known_current=True)
    assert rms(known.density - SKEWED) < 0.03
    assert not known.fit.indistinct


@pytest.mark.thorough
def test_fewer_points_than_boxes(small):
    some = slice(0, 31, 5)
    found = fitted(small[:, some], FEW[some], boxes=20)
    assert found.fit.determined < 14
    assert np.all(found.errors > 0)
    assert rms(found.density.reshape(10, 2).mean(1) - np.interp(
        np.arange(10) / 10 - 0.45, np.arange(8) / 8 - 0.4375, SKEWED)) < 0.15  # fmt: skip


def test_noise_that_is_not_known(small, of_small):
    found = fitted(small, sigma=None)
    assert found.fit.sigma[0] == pytest.approx(NOISE, rel=0.3)
    assert rms(found.density - of_small.density) < 0.02


@pytest.mark.thorough
def test_a_sinusoidal_relation_warns():
    data = measured(SKEWED, FEW, profiles.sine_energy)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = fitted(data, local=jd.TunnelJunction(1.0))
    assert "the local relation is sinusoidal: I_c gives only" in found.notes[0]
    assert [str(warning.message) for warning in caught] == list(found.notes)
    assert {warning.category for warning in caught} == {UserWarning}
    assert f"WARNING: {found.notes[0]}" in found.summary()
    assert not found.agree  # the mirror image fits as well
    assert np.all(found.chi_squared[[1, np.argmin(found.chi_squared)]] < 1.5)


def test_harmonics_below_the_noise_warn():
    data = measured(SKEWED, FEW, profiles.sine_energy)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted(data, local=jd.Harmonics([1.0, -1e-6]))
    assert "is sinusoidal within the noise" in str(caught[0].message)


@pytest.mark.thorough
def test_odd_harmonics_leave_the_mirror_image():
    """I(φ + π) = −I(φ): no diode, so that the mirror image fits as well; the starts tell."""

    def energy(phase):
        return -np.cos(phase) + 0.1 * np.cos(3 * phase)

    data = measured(SKEWED, FEW, energy)
    with pytest.warns(UserWarning, match="starts that fit equally well end in different profiles"):
        found = fitted(data, local=jd.Harmonics([1.0, 0.0, -0.3]))
    assert len(found.notes) == 1
    for density in found.densities[:2]:
        apart = (rms(density - other) for other in (found.density, found.density[::-1]))
        assert min(apart) < 0.01


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"plus": None}, "plus must be measured as well, got None"),
        ({"minus": None}, "minus must be measured as well, got None: one direction alone"),
        ({"minus": np.zeros(31)}, "minus must carry current, got zeros"),
        ({"minus": -np.ones(31)}, "minus must be magnitudes"),
        ({"plus": np.full(31, np.nan)}, "plus must be finite"),
        ({"plus": np.ones(30)}, "plus must have length 31"),
        ({"field": np.ones(31)}, "field must hold at least 5 points, got 1"),
        ({"sigma": np.ones(30)}, "sigma must be one number"),
        ({"sigma": 0.0}, "sigma must be positive"),
        ({"boxes": 2}, "boxes must be a whole number, at least 3"),
        ({"flux_per_field": -1.0}, "flux_per_field must be positive"),
        ({"offset": (1.0, 0.0)}, "offset must be a number or"),
        ({"free": {"profile": (0, 1)}}, "free must name parameters of the local device"),
        ({"free": {"local.third": (0, 1)}}, "unknown parameter 'local.third'"),
    ],
)
def test_errors(change, message):
    given = {"field": FEW, "plus": np.ones(31), "minus": np.ones(31), "sigma": NOISE} | change
    with pytest.raises(ValueError, match=message):
        fit_profile(LOCAL, progress=False, **given)


def test_a_local_device_whose_current_has_no_factor(small):
    """Ω and K: no parameter is a current."""
    local = jd.AmbegaokarBaratoffJunction(1000, 1.2, temperature=0.6)  # pyright: ignore
    with pytest.raises(ValueError, match="must be a device whose currents have a common factor"):
        fitted(small, local=local)


@pytest.mark.thorough
def test_a_factor_on_all_currents():
    """Of a table as of parameters; nothing else changes."""
    phase = np.linspace(0, 2 * np.pi, 65)
    table = jd.TabulatedRelation(phase, np.sin(phase) - 0.3 * np.sin(2 * phase))
    for local in (table, jd.AndreevModes(3.0, 0.9), jd.SeriesJunctions(1.0, 0.8)):
        model.require_factor(local)
        twice = model.times(local, 2.0)
        assert float(twice.current(jnp.array(1.1))) == pytest.approx(
            2 * float(local.current(jnp.array(1.1)))
        )
    assert np.array_equal(model.times(table, 2.0).phase, table.phase)


# ---- Dynes and Fulton


def band_limited(transform, x, largest):
    """2 ∫₀^F Re[P(f) e^{−2πifx}] df by a fine Gauss rule in every half flux quantum."""
    nodes, weight = np.polynomial.legendre.leggauss(30)
    panels = np.arange(0, largest, 0.5)
    f = np.ravel(panels[:, None] + (nodes + 1) / 4)
    weights = np.tile(weight / 4, panels.size)
    turned = transform(f) * np.exp(-2j * np.pi * np.multiply.outer(x, f))
    return 2 * np.real(turned) @ weights


def uniform(f):
    return np.sinc(f)


def parabola(f):
    """Of p = 3/2 − 6x², even: ∫ p cos 2πfx dx in closed form."""
    a = np.pi * np.where(f == 0, 1.0, f)
    return np.where(f == 0, 1.0, 3 * (np.sin(a) - a * np.cos(a)) / a**3)


@pytest.mark.parametrize("transform", [uniform, parabola])
def test_dynes_fulton_of_even_profiles(transform):
    """What the measured range can say of them, exactly."""
    flux = np.linspace(0, 8, 641)
    x, density = dynes_fulton(flux, 7e-9 * np.abs(transform(flux)), points=81)
    assert np.max(np.abs(density / 7e-9 - band_limited(transform, x, 8))) < 2e-3
    exact = np.ones(81) if transform is uniform else 1.5 - 6 * x**2
    assert rms((density / 7e-9 - exact)[10:-10]) < 0.05


def test_dynes_fulton_fails_where_it_says():
    """Twins have one I_c: two profiles cannot both come out; the asymmetric one does not."""
    flux = np.linspace(0, 8, 641)
    x = np.linspace(-0.5, 0.5, 99)
    found = []
    for boxes in (T1, T2):

        def transform(f, p=boxes):
            turn = np.exp(2j * np.pi * f / 3)
            return np.sinc(f / 3) * (p[0] / turn + p[1] + p[2] * turn) / 3

        density = dynes_fulton(flux, np.abs(transform(flux)), points=99).density
        found.append(density)
        exact = band_limited(transform, x, 8)
        assert min(rms(density - exact), rms(density[::-1] - exact)) > 0.1
    assert np.allclose(*found, atol=1e-9)


def test_dynes_fulton_of_a_small_odd_part():
    """1 + 0.3x: lifted minima give the odd part of either orientation."""

    def transform(f):
        a = np.pi * np.where(f == 0, 1.0, f)
        odd = 0.3 * (np.sin(a) - a * np.cos(a)) / (2 * a**2)
        return np.sinc(f) + 1j * np.where(f == 0, 0.0, odd)

    flux = np.linspace(0, 8, 641)
    x, density = dynes_fulton(flux, np.abs(transform(flux)), points=99)
    odd = (density - density[::-1]) / 2
    inside = slice(15, -15)
    slope = np.polyfit(x[inside], odd[inside], 1)[0]
    assert abs(slope) == pytest.approx(0.3, rel=0.35)


@pytest.mark.parametrize(
    ("flux", "current", "message"),
    [
        ([0, 1, 2], [1, 1, 1], "at least 5 points"),
        ([0, 1, 1, 2, 3], [1, 1, 1, 1, 1], "must increase from 0 on"),
        ([1, 2, 3, 4, 5], [1, 1, 1, 1, 1], "must increase from 0 on"),
        ([0, 1, 2, 3, 4], [1, 1, 1, 1], "must have length 5"),
        ([0, 1, 2, 3, 4], [1, 1, -1, 1, 1], "must be at least 0"),
        ([0, 1, 2, 3, 4], [1, 1, np.nan, 1, 1], "must be finite"),
    ],
)
def test_errors_of_dynes_fulton(flux, current, message):
    with pytest.raises(ValueError, match=message):
        dynes_fulton(np.array(flux, float), np.array(current, float))
