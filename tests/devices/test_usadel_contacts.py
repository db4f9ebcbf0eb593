"""Nearly perfect contacts: any conductance of the interfaces converges, to a layer without any.

Tolerances. The limit of no interfaces is SciPy's solution of all three layers with γ and σ∂γ
continuous; what is left of it falls as 1/κ.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_bvp

import jaxdiode as jd
from jaxdiode import DiffusiveJunction, Status
from jaxdiode.devices.usadel import SpinActiveContact, UsadelResolution
from jaxdiode.devices.usadel.currents import summed
from jaxdiode.devices.usadel.equations.matsubara import solve
from jaxdiode.devices.usadel.torus import SpinResolvedRelation
from tests import helpers
from tests.reference import usadel as u

OPEN = SpinActiveContact(1.0)
PHASES = 2 * np.pi * np.arange(8, 16) / 32  # the largest current of a wire lies among them
FINE = UsadelResolution(phases=32)


def cold(conductance, contact=OPEN):
    """σ_N = σ_S at .05 T_c."""
    return DiffusiveJunction(
        0.05,
        10.0,
        link_length=1.0,
        conductance=conductance,
        left=contact,
        right=contact,
        resolution=FINE,
    )


def rigid(conductance, contact=OPEN):
    """A wire that hardly disturbs its superconductors, at .2 T_c."""
    return DiffusiveJunction(
        0.2,
        4.0,
        link_length=1.0,
        conductance=conductance,
        left=contact,
        right=contact,
        conductivity=1e-3,
        resolution=FINE,
    )


@eqx.filter_jit
def _summed(device):
    return summed(device, device.twist(jnp.asarray(PHASES)))


def largest(device):
    """Of the charge current at all phases, which are all solved."""
    found = _summed(device)
    assert found.converged.all()
    assert found.status() == Status.CONVERGED
    return float(jnp.max(found.current.sum(axis=0)))


def without_interfaces(frequency, phase, gap, all_lengths=(10.0, 1.0), conductivity=1.0):
    """Re i Tr τ₃ (σ/σ_S) G ξ₀∂G of S | N | S: γ = c·iσ_y, three layers side by side on [0, 1]."""
    outer, inner = all_lengths
    lengths, gaps = (outer, inner, outer), (gap, 0.0, gap)
    turns = (1.0, 1.0, np.exp(1j * phase))
    sigma = (1.0, conductivity, 1.0)

    def split(y):
        return y[0::4] + 1j * y[1::4], y[2::4] + 1j * y[3::4]

    def flow(_, y):
        value, slope = split(y)
        found = np.empty_like(y)
        for k in range(3):
            c, d = value[k], slope[k]
            force = 2 * frequency * c
            force -= 1j * gaps[k] * (turns[k] + turns[k].conjugate() * c**2)
            bend = 2 * d**2 * c.conj() / (1 + abs(c) ** 2) + lengths[k] ** 2 * force / u.D_S
            found[4 * k : 4 * k + 4] = d.real, d.imag, bend.real, bend.imag
        return found

    bulk = 1j * gap / (frequency + np.hypot(frequency, gap))

    def ends(a, b):
        (va, sa), (vb, sb) = split(a), split(b)
        flux = [sigma[k] / lengths[k] for k in range(3)]
        rest = [
            va[0] - bulk, vb[2] - bulk * turns[2], vb[0] - va[1], vb[1] - va[2],
            flux[0] * sb[0] - flux[1] * sa[1], flux[1] * sb[1] - flux[2] * sa[2],
        ]  # fmt: skip
        return np.array([part for r in rest for part in (r.real, r.imag)])

    nodes = np.linspace(0, 1, 61)
    guess = np.zeros((12, nodes.size))
    for k, c in enumerate((bulk, 0.5 * bulk * (1 + turns[2]), bulk * turns[2])):
        guess[4 * k], guess[4 * k + 1] = c.real, c.imag
    found = solve_bvp(flow, ends, nodes, guess, tol=1e-9, max_nodes=20000)
    assert found.success, found.message
    value, slope = split(found.y)
    c, d = value[1], slope[1] / inner
    return conductivity * np.mean(16 * (c.conj() * d).imag / (1 + abs(c) ** 2) ** 2)


@eqx.filter_jit
def _spectral(device, frequencies, phases):
    layers = device.layers()
    return solve(layers, frequencies, device.twist(phases), 48)


@helpers.slow
def test_perfect_contacts_are_none():
    """Off by a/κ: at 10⁴ less than 1e-3 is left, ten times less than at 10³, and .1 % of it."""
    gap, phases = u.bcs_gap(0.05), [0.7, 2.0]
    frequencies = np.pi * 0.05 * np.array([31.0, 11.0, 5.0, 3.0, 1.0])
    expected = np.array([[without_interfaces(w, x, gap) for x in phases] for w in frequencies])
    off = {}
    for kappa in (1e2, 1e3, 1e4):
        found = _spectral(cold(kappa), jnp.asarray(frequencies), jnp.asarray(phases))
        assert found.converged.all()
        off[kappa] = np.asarray(found.current.sum(axis=1)) / expected - 1
    assert np.abs(off[1e4]).max() < 1e-3
    helpers.assert_close(off[1e3] / off[1e4], 10.0, absolute=0.1)
    helpers.assert_close(off[1e2] / off[1e4], 100.0, absolute=5.0)
    helpers.assert_close((10 * off[1e4] - off[1e3]) / 9, 0.0, absolute=2e-6)


@helpers.slow
def test_nearly_perfect_contacts():
    """.4828 at κ = 30, .49 at 100, and on monotonically; NaN from 50 on before."""
    found = [largest(cold(kappa)) for kappa in (30.0, 50.0, 100.0, 1e3, 1e4)]
    helpers.assert_close(found[0], 0.4828, absolute=1e-4)
    helpers.assert_close(found[2], 0.49, absolute=3e-3)
    assert np.all(np.diff(found) > 0)
    steps = np.diff(found)[2:] / (1 / np.array([100.0, 1e3]) - 1 / np.array([1e3, 1e4]))
    helpers.assert_close(steps[0] / steps[1], 1.0, absolute=0.1)  # linear in 1/κ
    half = largest(cold(2e4, SpinActiveContact(0.5)))
    helpers.assert_close(half, found[-1], absolute=2e-4)


@pytest.mark.thorough
@pytest.mark.parametrize("transmission", [1.0, pytest.param(0.5, marks=pytest.mark.slow)])
def test_rigid_superconductors(transmission):
    """10, 31, 32 of 32 phases failed at κ = 50, 100, 1000."""
    found = [
        largest(rigid(kappa, SpinActiveContact(transmission))) for kappa in (50.0, 100.0, 1e3, 1e4)
    ]
    helpers.assert_close(np.array(found) / found[-1], 1.0, absolute=1e-3)


@eqx.filter_jit
def _slope(device):
    def current(conductance, length):
        moved = eqx.tree_at(lambda d: (d.conductance, d.link_length), device, (conductance, length))
        return summed(moved, moved.twist(jnp.asarray(PHASES))).current[:, 2].sum()

    return jax.grad(current, argnums=(0, 1))(device.conductance, device.link_length)


@helpers.slow
def test_gradients_of_nearly_perfect_contacts():
    device, found = cold(1e3), _slope(cold(1e3))
    for name, slope, step in zip(("conductance", "link_length"), found, (20.0, 1e-3), strict=True):
        values = [
            _summed(
                eqx.tree_at(
                    lambda d, name=name: getattr(d, name), device, getattr(device, name) + k * step
                )
            ).current[:, 2].sum()
            for k in (-2, -1, 1, 2)
        ]  # fmt: skip
        expected = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step)
        helpers.assert_close(slope / expected, 1.0, absolute=1e-5)


def _logarithmic(low, high):
    return st.floats(low, high).map(lambda x: 10.0**x)


@st.composite
def contacts(draw):
    transmission = draw(st.just(1.0) | _logarithmic(-2, 0))
    most = min(1.0, 1 / transmission - 1)
    mixing = st.just(0.0) | st.floats(-3, 3)
    polarization = draw(st.just(0.0) | st.floats(-most, most))
    return SpinActiveContact(
        transmission,
        polarization,
        mixing=draw(mixing),
        mixing_link=draw(mixing),
        polar=draw(st.floats(0, 3.1)),
        azimuth=draw(st.floats(0, 6.3)),
    )


def junctions(lowest):
    """Conductances from 10^`lowest`."""
    return st.builds(
        DiffusiveJunction,
        temperature=st.floats(0.05, 0.9),
        superconductor_length=_logarithmic(-0.3, 1.3),
        link_length=_logarithmic(-2, 1),
        conductance=_logarithmic(lowest, 4),
        left=contacts(),
        right=contacts(),
        exchange_field=st.just(0.0) | st.floats(0, 10),
        conductivity=_logarithmic(-3, 1),
        diffusivity=_logarithmic(-1, 1),
        resolution=st.just(FINE),
    )


@helpers.slow
@given(device=junctions(2))
@settings(max_examples=12)
def test_random_contacts_converge(device):
    assert _summed(device).converged.all()


@helpers.slow
@given(device=junctions(-3))
@settings(max_examples=300)
def test_many_random_contacts_converge(device):
    assert _summed(device).converged.all()


@pytest.mark.thorough
def test_status_names_what_applies():
    text = Status.EQUATIONS_NOT_SOLVED.describe()
    assert "Usadel equation" in text
    for cause in ("orbit", "simulation", "extremum"):
        assert cause not in text
    assert "boundary value" not in Status.NOT_CONVERGED.describe()
    relation = SpinResolvedRelation(
        jnp.full((2, 4), jnp.nan), jnp.full((2, 4), jnp.nan),
        jnp.asarray(Status.EQUATIONS_NOT_SOLVED, jnp.int32), jnp.zeros(()), jnp.zeros(()),
    )  # fmt: skip
    assert jd.critical_currents(relation).status == Status.EQUATIONS_NOT_SOLVED
