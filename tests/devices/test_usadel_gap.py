"""Density of states and self-consistent gap of the spin-active junction.

Against the sheet's digits and tests/reference/usadel*.py (SciPy's collocation, in the other sign
of Δφ, with gaps by Anderson's iteration), frozen where it takes minutes.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import Status
from jaxdiode.devices.usadel import UsadelResolution, spectroscopy
from jaxdiode.devices.usadel.currents import summed
from jaxdiode.devices.usadel.equations import real
from jaxdiode.devices.usadel.equations.gap import bcs_gap
from jaxdiode.devices.usadel.equations.mesh import GapProfile
from jaxdiode.devices.usadel.layers.conjugation import RealEnergies
from tests import helpers
from tests.devices.test_usadel import UNLIKE, from_reference, junction, of_sheet
from tests.reference import usadel as u
from tests.reference import usadel_gap

# ---- Density of states


@pytest.mark.slow
def test_density_of_the_sheet():
    """A and B at no energy: a peak in the ferromagnet, both spins; the superconductor beside it."""
    for width, middle, side in ((0.14, (1.107, 1.120), 0.866), (0.5, (1.079, 1.087), 0.788)):
        device = junction(right=of_sheet(width))
        helpers.assert_close(device.ldos([0.0])[:, 0], middle, absolute=1e-3)
        beside = device.ldos([0.0], layer="right")[:, 0]
        helpers.assert_close(np.mean(beside), side, absolute=1e-3)


@helpers.slow
def test_density_of_unlike_barriers():
    """At energies below, near and above the gap, against SciPy's retarded functions."""
    energies, phase, twist = [0.4, 1.6, 3.0], 0.9, 0.6
    device = from_reference(UNLIKE, azimuths=(0.2, 0.2 + twist))
    inside = np.asarray(device.ldos(energies, phase=phase, position=0.2))
    beside = np.asarray(device.ldos(energies, phase=phase, layer="left")).mean(axis=0)
    other = UNLIKE._replace(gap=u.bcs_gap(UNLIKE.temperature))
    for k, energy in enumerate(energies):
        found = u.density(other, phase, twist, energy)
        expected = u.band_density(found, 0.2 / UNLIKE.length_f)
        helpers.assert_close(inside[:, k], expected, absolute=1e-4)
        helpers.assert_close(beside[k], u.layer_density(found, 0), absolute=1e-4)


@helpers.slow
def test_density_far_from_the_interface_is_that_of_the_bulk():
    device, energy, blur = junction(superconductor_length=8.0), 3.0, 0.1
    deep = device.ldos([energy], position=7.999, layer="right", broadening=blur)[:, 0]
    gap = u.bcs_gap(0.1)
    omega = blur - 1j * energy
    helpers.assert_close(deep, (omega / np.sqrt(omega**2 + gap**2)).real, absolute=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layer": "lead"}, "layer 'lead'"),
        ({"position": 1.5}, "position must lie between 0 and 1 .ξ₀., got 1.5"),
        ({"position": [0.5, -0.1]}, "position must lie between 0 and 1 .ξ₀., got -0.1"),
        ({"broadening": 0.0}, "broadening must be positive, got 0"),
    ],
)
def test_density_errors(changes, message):
    with pytest.raises(ValueError, match=message):
        junction().ldos([0.0], **changes)


# ---- Self-consistent gap

COARSE = UsadelResolution(8, 8, 8, 12, 8, 12)


def self_consistent(azimuth=0.0, resolution=COARSE, **changes):
    right = of_sheet(azimuth=azimuth)
    return junction(right=right, resolution=resolution, self_consistent=True, **changes)


@pytest.mark.slow
def test_gap_at_the_interface():
    """usadel_gap.self_consistent(SET_A, 0, 0) with 30 000 terms: .63000 k_BT_c, .35717 of the
    bulk's, on both sides (3000 terms: .62982)."""
    found = self_consistent().order_parameter()
    assert found.status == Status.CONVERGED
    bulk = u.bcs_gap(0.1)
    helpers.assert_close(found.left[0], bulk, absolute=1e-6)
    helpers.assert_close([found.left[-1] / bulk, found.right[-1] / bulk], 0.35717, absolute=5e-5)
    assert np.all(np.diff(np.abs(found.left)) < 0)
    helpers.assert_close(found.left, found.right, absolute=1e-9)


@pytest.mark.thorough
def test_gap_without_self_consistency_is_the_bulk_gap():
    found = junction().order_parameter()
    helpers.assert_close(found.left, u.bcs_gap(0.1, terms=10**6), absolute=1e-9)


@helpers.slow
def test_currents_with_a_self_consistent_gap():
    """The sheet: .308 at .449 π; usadel_gap.self_consistent on 8 phases: .30774 at .4487 π."""
    torus = self_consistent().torus()
    assert torus.status == Status.CONVERGED
    efficiency = jax.jit(lambda twist: jd.diode_efficiency(torus.relation(twist)))
    twists = np.pi * np.linspace(0.44, 0.456, 81)
    found = np.abs([float(efficiency(x)) for x in twists])
    helpers.assert_close(found.max(), 0.308, absolute=2e-3)
    helpers.assert_close(twists[found.argmax()] / np.pi, 0.449, absolute=1e-3)


@helpers.slow
@pytest.mark.parametrize("width", [0.14, 0.5], ids=["A", "B"])
def test_gradients_with_a_self_consistent_gap(width):
    """Of the currents at one phase, in parameters of every kind, by Richardson's differences."""
    small = UsadelResolution(8, 6, 6, 8, 4, 8)
    device = junction(right=of_sheet(width, azimuth=1.2), resolution=small, self_consistent=True)
    names = [
        lambda d: d.temperature, lambda d: d.superconductor_length, lambda d: d.ferromagnet_length,
        lambda d: d.conductance, lambda d: d.left.height, lambda d: d.left.exchange,
        lambda d: d.left.width_up, lambda d: d.left.width_down, lambda d: d.left.polar,
        lambda d: d.right.height, lambda d: d.right.width_up, lambda d: d.right.polar,
        lambda d: d.right.azimuth,
    ]  # fmt: skip
    start = jnp.stack([name(device) for name in names])

    @jax.jit
    def current(values):
        here = eqx.tree_at(lambda d: [name(d) for name in names], device, list(values))
        found = summed(here, here.twist(jnp.array([0.8])))
        return found.current[:, 0]

    exact = np.asarray(jax.jit(jax.jacfwd(current))(start))
    differences = []
    for k in range(len(names)):
        step = 2e-3 * max(0.1, float(start[k])) * np.eye(len(names))[k]
        near, far = (
            np.asarray(current(start + n * step) - current(start - n * step)) for n in (1, 2)
        )
        differences.append((8 * near - far) / (12 * step[k]))
    expected = np.stack(differences, axis=1)
    helpers.assert_close(exact, expected, absolute=1e-4 * np.abs(expected).max())


# ---- Density of states with a gap that varies


@helpers.slow
def test_density_on_the_mesh_is_the_exact_one_of_a_uniform_gap():
    """Fourth order in the intervals: 16 times less is left on twice as many."""
    energies, blur = jnp.array([0.0, 1.0, 1.76, 3.0]), jnp.asarray(0.02)
    device = junction(right=of_sheet(azimuth=0.7))
    exact = [device.ldos(energies, None, 0.9, layer, blur) for layer in ("link", "left")]
    layers, twist = device.layers(), device.twist(jnp.full(4, 0.9))
    frequency = jax.lax.complex(jnp.broadcast_to(blur, 4), -energies)
    left = []
    for intervals in (12, 24):
        order = jnp.full((intervals + 1, 2, 1), complex(layers.gap))
        equations = GapProfile(layers, frequency, twist, RealEnergies(), 12, order)
        found = real.solve(equations)
        assert found.converged.all()
        middle, here = layers.link.length / 2, jnp.asarray(0.0)
        densities = (
            real.link_density(equations, found.x, middle),
            real.superconductor_density(equations, found.x, here, 0),
        )
        pairs = zip(densities, exact, strict=True)
        left.append([np.abs(np.asarray(a) - np.asarray(b)).max() for a, b in pairs])
    assert np.max(left[1]) < 3e-6
    helpers.assert_close(np.divide(*left), 16, absolute=4)


@helpers.slow
def test_density_at_the_edge_of_the_gap():
    """Transparent contacts: the closed form's series end there, and allow other solutions too."""
    contact = jd.usadel.SpinActiveContact(1.0)
    device = jd.DiffusiveJunction(
        0.1, 4.0, link_length=1.0, conductance=10.0, left=contact, right=contact
    )
    edge = float(bcs_gap(device.temperature))
    energies = edge + np.array([-0.01, -0.002, -4e-4, -8e-5, 0.0, 1e-4, 8e-4, 0.01])
    found = np.asarray(device.ldos(energies, phase=0.5, broadening=5e-4))
    fine = device.at_resolution(UsadelResolution(intervals=48))
    equations, solution = spectroscopy.solved_on_mesh(
        fine, fine.order_parameter(), jnp.asarray(energies), jnp.asarray(0.5), jnp.asarray(5e-4)
    )
    assert solution.converged.all()
    expected = real.link_density(equations, solution.x, jnp.asarray(0.5))
    helpers.assert_close(found, expected, absolute=3e-4)


@helpers.slow
def test_density_at_several_positions_and_many_energies():
    energies, positions = np.linspace(0.1, 3.3, 40).reshape(8, 5), [0.2, 0.9]
    device = junction(right=of_sheet(azimuth=0.7))
    for layer in ("link", "right"):
        found = np.asarray(device.ldos(energies, positions, 0.9, layer, 0.02))
        assert found.shape == (2, 8, 5, 2)
        alone = np.asarray(device.ldos(energies[6, 3], positions[1], 0.9, layer, 0.02))
        helpers.assert_close(found[:, 6, 3, 1], alone, absolute=1e-12)


@helpers.slow
def test_density_with_a_self_consistent_gap():
    """Against SciPy's retarded functions with the same Δ(x), which is held against SciPy above."""
    energies, phase, twist = [0.4, 1.2, 3.0], 0.9, 0.6
    fine = UsadelResolution(intervals=24)
    device = from_reference(
        UNLIKE, azimuths=(0.2, 0.2 + twist), self_consistent=True, resolution=fine
    )
    order = device.order_parameter(phase)
    assert order.status == Status.CONVERGED
    assert np.abs(order.left[-1]) < 0.9 * np.abs(order.left[0])
    inside = np.asarray(device.ldos(energies, phase=phase, position=0.2))
    beside = np.asarray(device.ldos(energies, phase=phase, layer="left")).mean(axis=0)
    deep = np.asarray(device.ldos(energies, 1.0, phase=phase, layer="right")).mean(axis=0)
    grid = 1 - np.asarray(order.distance) / UNLIKE.length_s
    turned = np.asarray(order.left), np.asarray(order.right) * np.exp(1j * phase)
    gaps = usadel_gap.interpolants(grid, turned)
    other = UNLIKE._replace(gap=u.bcs_gap(UNLIKE.temperature))
    uniform = u.layer_density(u.density(other, phase, twist, energies[1]), 0)
    assert abs(beside[1] - uniform) > 0.01
    for k, energy in enumerate(energies):
        found = u.density(other, phase, twist, energy, gaps=gaps)
        expected = u.band_density(found, 0.2 / UNLIKE.length_f)
        helpers.assert_close(inside[:, k], expected, absolute=1e-4)
        helpers.assert_close(beside[k], u.layer_density(found, 0), absolute=1e-4)
        expected = u.layer_density(found, 1, 1 - 1.0 / UNLIKE.length_s)
        helpers.assert_close(deep[k], expected, absolute=1e-3)
