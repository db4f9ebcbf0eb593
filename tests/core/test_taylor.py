"""Taylor series of energy and current against closed forms: derivatives of sines, and recurrences
for powers of a series.

Rounding is compared to 1e-12 of the device's current.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

import jaxdiode as jd
from jaxdiode import units
from jaxdiode.core import taylor as module
from tests import helpers
from tests.problems import PROBLEMS

ORDER = 6
PHASES = [0.0, 0.4, 1.7, -2.3, 3.0]


def close(actual, expected, scale=1.0, tolerance=1e-12):
    helpers.assert_close(actual, expected, absolute=tolerance * scale)


def sine_series(x, count, factor=1.0):
    """Coefficients of sin(factor (x + t)) in t."""
    return np.array(
        [
            factor**n * math.sin(factor * x + n * math.pi / 2) / math.factorial(n)
            for n in range(count)
        ]
    )


def power_series(base, exponent):
    """Coefficients of (Σ baseₙ tⁿ)^exponent, by J. C. P. Miller's recurrence."""
    found = [base[0] ** exponent]
    for n in range(1, len(base)):
        total = sum((exponent * k - (n - k)) * base[k] * found[n - k] for k in range(1, n + 1))
        found.append(total / (n * base[0]))
    return np.array(found)


def root_energy(x, transparency, count):
    """Coefficients of −√(1 − τ sin²((x + t)/2)), whose inside is 1 − τ/2 + (τ/2) cos(x + t)."""
    cosine = sine_series(x + math.pi / 2, count)
    inside = transparency / 2 * cosine
    inside[0] += 1 - transparency / 2
    return -power_series(inside, 0.5)


@pytest.mark.parametrize("phase", PHASES)
def test_tunnel_junction(phase):
    """U = −I_c cos φ."""
    series = jd.TunnelJunction(3.0).taylor(phase, ORDER)
    energy = -3.0 * sine_series(phase + math.pi / 2, ORDER + 1)
    energy[0] = 0.0
    close(series.energy, energy, 3.0)
    close(series.current, 3.0 * sine_series(phase, ORDER), 3.0)
    close(series.josephson_energy, 3.0 * math.cos(phase), 3.0)
    close(series.inductance, 1 / (2 * math.pi * 3.0 * math.cos(phase)), 0.1)
    assert series.status == jd.Status.CONVERGED


def test_units_of_a_transmon():
    """E_J = ħI_c/2e and c₄ = −1 of a tunnel junction: E_C = e²/2C is its anharmonicity −c₄E_C."""
    series = jd.TunnelJunction(30.0).taylor(0.0)  # nA
    energy = units.josephson_energy(series.josephson_energy, current="nA", energy="GHz")
    flux = units.hbar / (2 * units.elementary_charge)
    close(energy, flux * 30e-9 / units.planck / 1e9, 20.0)
    close(units.henry(series.inductance, current="nA"), flux / 30e-9, 1e-8)
    close(series.derivatives / series.josephson_energy, [0, 0, 1, 0, -1])


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("pair", [(1.0, 0.8), (100.0, 3.0)])
def test_series_pair(pair, phase):
    """U = −(a + b)√(1 − ρ sin²(φ/2)), ρ = 4ab/(a + b)²."""
    total, transparency = sum(pair), 4 * pair[0] * pair[1] / sum(pair) ** 2
    energy = total * root_energy(phase, transparency, ORDER + 1)
    energy[0] = 0.0
    series = jd.SeriesJunctions(*pair).taylor(phase, ORDER)
    # Near the kink of (1, 0.8) at π coefficients grow as 1/width^n: relative to them.
    close(series.energy, energy, np.max(np.abs(energy)))


@pytest.mark.parametrize("phase", PHASES)
def test_andreev_mode(phase):
    """U = −2A√(1 − τ sin²(φ/2)) at T = 0: c₄/c₂ = −1 + 3τ/4 at φ = 0."""
    energy = 2 * 3.0 * root_energy(phase, 0.7, ORDER + 1)
    energy[0] = 0.0
    series = jd.AndreevModes(3.0, 0.7).taylor(phase, ORDER)
    close(series.energy, energy, 3.0)
    bottom = jd.AndreevModes(3.0, 0.7).taylor(0.0).derivatives
    close(bottom[4] / bottom[2], -1 + 3 * 0.7 / 4)


@pytest.mark.parametrize("flux", [0.0, 0.2, 0.41, 0.5])
def test_snail(flux):
    """Two junctions against one of α: U/E_J = −α cos φ − 2 cos((φ − φ_ext)/2), at its minimum."""
    alpha, external = 0.2, 2 * math.pi * flux

    def current(x):
        return alpha * math.sin(x) + math.sin((x - external) / 2)

    minimum = brentq(current, external - 3.1, external + 3.1, xtol=1e-15)
    snail = jd.Squid([jd.TunnelJunction(alpha), jd.SeriesJunctions(1.0, 1.0)], flux=flux)
    series = snail.taylor(minimum, 4)
    half = (minimum - external) / 2
    c2 = alpha * math.cos(minimum) + math.cos(half) / 2
    c3 = -alpha * math.sin(minimum) - math.sin(half) / 4
    c4 = -alpha * math.cos(minimum) - math.cos(half) / 8
    close(series.derivatives, [0, 0, c2, c3, c4])
    close(series.energy[2:], [c2 / 2, c3 / 6, c4 / 24])
    close(series.current, [0, c2, c3 / 2, c4 / 6])


@pytest.mark.thorough
def test_many_phases_under_jit_and_vmap():
    device, phases = jd.SeriesJunctions(1.0, 0.5), jnp.linspace(-3, 3, 12).reshape(3, 4)
    series = jax.jit(lambda x, p: x.taylor(p, 5))(device, phases)
    assert series.energy.shape == (3, 4, 6)
    assert series.current.shape == (3, 4, 5)
    assert series.status.shape == (3, 4)
    one_by_one = jax.vmap(jax.vmap(lambda p: device.taylor(p, 5)))(phases)
    close(series.energy, one_by_one.energy)
    close(series.current * np.ones(5), series.energy[..., 1:] * np.arange(1.0, 6.0))
    lists = device.taylor([0.1, 0.2])
    close(lists.energy, jnp.stack([device.taylor(p).energy for p in (0.1, 0.2)]))


def test_gradient_in_parameters_and_phase():
    """c₃ of a pair against differences of its closed form."""

    def independent(x):
        a, b, phase = x
        return (a + b) * root_energy(phase, 4 * a * b / (a + b) ** 2, 4)[3] * 6

    def ours(x):
        return jd.SeriesJunctions(x[0], x[1]).taylor(x[2]).derivatives[3]

    at = np.array([1.0, 0.7, 0.9])
    step = 1e-5
    slope = [(independent(at + h) - independent(at - h)) / (2 * step) for h in step * np.eye(3)]
    close(jax.grad(ours)(jnp.asarray(at)), slope, tolerance=1e-8)


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_any_unit_of_current(factor):
    plain = jd.Squid.from_pairs([(1.0, 0.7), (0.6, 0.5)], flux=0.3).taylor(0.5)
    other = jd.Squid.from_pairs([(factor, 0.7 * factor), (0.6 * factor, 0.5 * factor)], flux=0.3)
    close(other.taylor(0.5).energy / factor, plain.energy)


def test_a_jump_has_no_series():
    pair = jd.SeriesJunctions(1.0, 1.0)
    series = pair.taylor([np.pi, -np.pi, 3 * np.pi, 3.0])
    assert list(series.status) == [jd.Status.NONFINITE] * 3 + [jd.Status.CONVERGED]
    assert np.isnan(series.energy[:3]).all()
    close(series.current[3], sine_series(3.0, 4, 0.5))
    unequal = jd.SeriesJunctions(1.0, 0.9).taylor(np.pi)
    close(unequal.josephson_energy, -9.0, 9.0)  # −ab/|a − b|


def test_a_multivalued_device_has_none():
    junctions = [jd.TunnelJunction(100), jd.TunnelJunction(60)]
    squid = jd.Squid(junctions, flux=[0.3], inductance=[0.01, 0.01])
    series = squid.taylor(0.2)
    assert series.status == jd.Status.MULTIVALUED
    assert np.isnan(series.energy).all()


def test_inductive_branches():
    """A junction with an inductance: dI/dφ = κ/(1 + 2πLκ), by hand also d²I/dφ²."""
    L, phase = 0.05, 0.8
    squid = jd.Squid([jd.TunnelJunction(1.0)], flux=[], inductance=[L])
    inner = brentq(lambda x: x + 2 * math.pi * L * math.sin(x) - phase, -4, 4, xtol=1e-15)
    stretch = 1 + 2 * math.pi * L * math.cos(inner)
    series = squid.taylor(phase, 3)
    close(series.current[1], math.cos(inner) / stretch)
    close(series.current[2], -math.sin(inner) / stretch**3 / 2)


def kinds():
    """One problem for each phase-biased class; those of the Usadel equation cost half a minute."""
    found = {}
    for problem in PROBLEMS:
        device = problem.build()
        if isinstance(device, jd.AbstractPhaseBiased):
            found.setdefault(type(device), problem)
    slow = {"slow", "diffusive"}
    # The jit inside of a chain's current leaks a tracer where it is differentiated four times.
    leaks = pytest.mark.xfail(reason="UnexpectedTracerError", strict=True)
    return [
        pytest.param(
            x,
            id=kind.__name__,
            marks=[
                *([pytest.mark.slow] if slow & set(x.tags) else []),
                *([leaks] if kind is jd.JunctionChain else []),
            ],
        )
        for kind, x in found.items()
    ]


@pytest.mark.thorough
@pytest.mark.parametrize("problem", kinds())
def test_every_kind_of_device(problem):
    """Against differences of its current, of fourth order: step⁴ and rounding leave 1e-6."""
    device, step = problem.build(), 3e-3
    current = np.asarray(device.relation().current(0.7 + step * jnp.arange(-2.0, 3.0)))
    slope = current @ [1, -8, 0, 8, -1] / (12 * step)
    bend = current @ [-1, 16, -30, 16, -1] / (12 * step**2)
    series = device.taylor(0.7)
    assert series.status == jd.Status.CONVERGED
    expected = np.array([current[2], slope, bend / 2])
    close(series.current[:3], expected, np.max(np.abs(expected)), 1e-6)


def test_functions_that_taylor_arithmetic_does_not_know(monkeypatch):
    def unknown(*args):
        raise NotImplementedError

    expected = module.derivatives(jnp.sin, jnp.array([0.3, 0.7]), 5)
    monkeypatch.setattr(module.jet, "jet", unknown)
    close(module.derivatives(jnp.sin, jnp.array([0.3, 0.7]), 5), expected)


@pytest.mark.thorough
def test_wrong_arguments():
    with pytest.raises(ValueError, match=r"^order must be a whole number, at least 2, got 1"):
        jd.TunnelJunction(1.0).taylor(0.1, 1)
    with pytest.raises(ValueError, match=r"^phase must be finite, got nan"):
        jd.TunnelJunction(1.0).taylor(np.nan)
