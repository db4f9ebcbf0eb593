"""SNS and SFS junctions against closed forms, SciPy's solutions, and the symmetries they have.

Tolerances. Layers and matrix currents are held against Green functions in matrix form, integrated
by SciPy at 1e-12 relative. Limits: the rest of each limit, stated where it is used. Gradients:
Richardson's differences, 1e-6 of the largest component.
"""

import functools
import operator

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jaxdiode as jd
from jaxdiode import DiffusiveJunction, Status
from jaxdiode.devices.usadel import SpinActiveContact, SpinBarrier, UsadelResolution
from jaxdiode.devices.usadel.currents import summed
from jaxdiode.devices.usadel.equations.frequencies import matsubara
from jaxdiode.devices.usadel.equations.matsubara import solve
from jaxdiode.devices.usadel.equations.uniform import UniformGap
from jaxdiode.devices.usadel.interfaces import matrix_current as interface
from jaxdiode.devices.usadel.interfaces.base import Segment
from jaxdiode.devices.usadel.layers import link
from jaxdiode.devices.usadel.layers.conjugation import MatsubaraAxis
from jaxdiode.devices.usadel.layers.half_layer import halves
from tests import helpers
from tests.reference import usadel as u
from tests.reference import usadel_limits as limits

FINE = UsadelResolution(phases=16, terms=16, tail=16, steps=24)
RIGID = 1e-8  # σ_N/σ_S of superconductors that the link does not disturb


def wire(length, temperature, conductance, contact, field=0.0, resolution=FINE):
    """A normal wire between rigid superconductors."""
    return DiffusiveJunction(
        temperature, 1.0, link_length=length, conductance=conductance, left=contact, right=contact,
        exchange_field=field, conductivity=RIGID, resolution=resolution,
    )  # fmt: skip


@eqx.filter_jit
def _currents(device, phases):
    return summed(device, device.twist(phases))


def voltage(device, phases):
    """eR_N I/(k_BT_c) at `phases`, R_N of the link alone."""
    found = _currents(device, jnp.asarray(phases, float))
    assert found.converged.all()
    scale = np.pi / 2 * float(device.link_length / device.conductivity)
    return scale * np.asarray(found.current).sum(axis=0)


def transparent(length, temperature, **changes):
    """Interfaces without resistance beside the wire's L/σ."""
    return wire(length, temperature, 10.0, SpinActiveContact(1.0), **changes)


@functools.cache
def gap(temperature):
    return u.bcs_gap(temperature)


PHASES = np.array([0.4, 1.2, 2.0, 2.8])

# ---- Limits


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_short_junction_is_that_of_kulik_and_omelyanchuk(temperature):
    """Left: D/L² is 6e6 T_c, and a sum over frequencies good to 1e-5."""
    found = voltage(transparent(1e-3, temperature), PHASES)
    expected = [limits.kulik_omelyanchuk(x, temperature, gap(temperature)) for x in PHASES]
    helpers.assert_close(found / expected, 1.0, absolute=3e-5)


@helpers.slow
@pytest.mark.parametrize(("length", "temperature"), [(1.0, 0.2), (3.0, 0.1)])
def test_transparent_wire_is_that_of_scipy(length, temperature):
    found = voltage(transparent(length, temperature), PHASES)
    expected = [
        limits.sns(length, x, temperature, gap(temperature), terms=400 if length == 1 else 100)
        for x in PHASES
    ]
    helpers.assert_close(found, expected, absolute=1e-4 * np.abs(expected).max())


@pytest.mark.thorough
def test_long_wire():
    """L/ξ₀ = 15 at .5 T_c: e^{−L/L_T} is 2e-5, next harmonics are its square."""
    length, temperature = 15.0, 0.5
    found = voltage(transparent(length, temperature), PHASES)
    expected = limits.long_sns(length, temperature, gap(temperature))
    helpers.assert_close(found / expected, np.sin(PHASES), absolute=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("ratio", [0.5, 3.0])
def test_tunnelling_interfaces_are_those_of_kupriyanov_and_lukichev(ratio):
    """r = R_B/R_N of one interface; channels of T = 1e-6 leave as much."""
    length, temperature, open_part = 1.5, 0.2, 1e-6
    conductance = RIGID / (length * ratio * open_part)
    device = wire(length, temperature, conductance, SpinActiveContact(open_part))
    found = voltage(device, PHASES)
    expected = [
        limits.sns(length, x, temperature, gap(temperature), ratio=ratio, terms=200) for x in PHASES
    ]
    helpers.assert_close(found, expected, absolute=1e-4 * np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize("field", [0.0, 1.0, 4.0, 10.0])
def test_weak_ferromagnet_between_tunnelling_interfaces(field):
    """F is linear in 1/r; what is left is relatively of second order. h = 4 is a π junction."""
    length, temperature, open_part, left = 1.5, 0.3, 1e-8, []
    for ratio in (50.0, 100.0):
        conductance = RIGID / (length * ratio * open_part)
        device = wire(length, temperature, conductance, SpinActiveContact(open_part), field)
        found = voltage(device, np.full(4, np.pi / 2))[0]
        expected = limits.sinis(length, ratio, temperature, gap(temperature), exchange=field)
        left.append(found / expected - 1)
    assert np.sign(expected) == (-1 if field >= 4 else 1)
    assert abs(left[1]) < 0.01
    helpers.assert_close(left[0] / left[1], 4.0, absolute=0.3)


@helpers.slow
def test_minigap_of_a_long_wire():
    """Nothing below about 2.6 ħD/L², a peak above, as in SciPy's θ(x); no gap at Δχ = π."""
    length, blur = 6.0, 2e-3
    device = transparent(length, 0.1)
    energies = u.D_S / length**2 * np.array([2.0, 2.4, 2.8, 3.5, 6.0])
    found = np.asarray(device.ldos(energies, broadening=blur))
    expected = [limits.sns_density(length, x, gap(0.1), blur) for x in energies]
    assert expected[0] < 0.03 < 1.0 < expected[2]
    helpers.assert_close(found, expected, absolute=1e-4)
    closed = np.asarray(device.ldos(energies / 6, phase=3.1, broadening=blur))
    assert closed.min() > 0.3


@helpers.slow
@pytest.mark.parametrize("position", [0.0, 2.0])
def test_density_beside_the_interface_of_a_long_wire(position):
    """Does not know how long the wire is, also where its half is cut at 18 decay lengths."""
    plain = UsadelResolution(phases=16)
    layer = "link" if position else "left"
    found = {
        length: np.asarray(
            strongly_coupled(length, resolution=plain).ldos(
                [0.5, 1.2, 1.6], position, layer=layer, broadening=0.05
            )
        )
        for length in (40.0, 120.0, 400.0)
    }
    assert np.abs(found[40.0] - 1).max() > 0.02
    helpers.assert_close(found[120.0], found[40.0], absolute=2e-4)
    helpers.assert_close(found[400.0], found[120.0], absolute=2e-4)


@helpers.slow
@pytest.mark.parametrize(("temperature", "length"), [(0.01, 0.01), (0.1, 0.001), (0.5, 1.0)])
def test_error_of_the_frequency_sum_is_honest(temperature, length):
    contact = SpinActiveContact(0.1)
    plain, fine = (
        DiffusiveJunction(
            temperature,
            4.0,
            link_length=length,
            conductance=1.0,
            left=contact,
            right=contact,
            resolution=resolution,
        ).relation()
        for resolution in (UsadelResolution(4, 8, 8), UsadelResolution(4, 32, 32))
    )
    off = np.abs(np.asarray(plain.sine - fine.sine)).max()
    assert off < 4 * plain.frequency_error
    assert fine.frequency_error < 0.1 * plain.frequency_error


@helpers.slow
def test_density_in_an_exchange_field():
    """Each spin's; a field of the other sign exchanges them."""
    length, blur, field = 3.0, 0.02, 0.7
    energies = np.array([0.2, 0.7, 1.1, 1.9, 2.5])
    found = np.asarray(transparent(length, 0.1, field=field).ldos(energies, broadening=blur))
    for spin, sign in ((0, 1), (1, -1)):
        expected = [limits.sns_density(length, x, gap(0.1), blur, sign * field) for x in energies]
        helpers.assert_close(found[spin], expected, absolute=1e-4)
    assert np.abs(found[0] - found[1]).max() > 0.1


@helpers.slow
def test_self_consistent_gap():
    """Suppressed beside a transparent normal metal, the bulk's behind an opaque contact."""
    found = {}
    for open_part in (1.0, 1e-6):
        device = spin_active(
            left=SpinActiveContact(open_part), right=SpinActiveContact(open_part),
            exchange_field=0.0, self_consistent=True,
        )  # fmt: skip
        found[open_part] = device.order_parameter()
        assert found[open_part].status == Status.CONVERGED
    bulk = gap(0.15)
    assert np.all(np.diff(np.abs(found[1.0].left)) < 0)
    assert np.abs(found[1.0].left[-1]) < 0.8 * bulk
    helpers.assert_close(found[1e-6].left, bulk, absolute=1e-5 * bulk)


def strongly_coupled(length, temperature=0.5, **changes):
    contact = SpinActiveContact(1.0)
    return DiffusiveJunction(
        temperature,
        4.0,
        link_length=length,
        conductance=4.0,
        left=contact,
        right=contact,
        **changes,
    )


@helpers.slow
def test_self_consistent_gap_beside_a_long_wire():
    """.51191 (L = 20) and .51195 (L = 100) by Chebyshev collocation of all layers with frequencies
    up to 1e9 and more; 12 intervals leave 8e-4 of it. The gap's sum has no end set by the wire."""
    found = [
        strongly_coupled(length, self_consistent=True).order_parameter().left[-1]
        for length in (20.0, 100.0)
    ]
    helpers.assert_close(found, 0.51193, absolute=6e-4)
    helpers.assert_close(found[0], found[1], absolute=2e-5)


@helpers.slow
@pytest.mark.parametrize(
    ("temperature", "current", "gap"),
    [(0.5, 0.00582690, 0.50818 + 0.01241j), (0.1, 0.04563325, 0.64023 + 0.08117j)],
)
def test_self_consistent_current(temperature, current, gap):
    """At Δχ = 2, by the same collocation: 12 intervals leave 3e-4 of the current, 24 6e-5."""
    plain = strongly_coupled(5.0, temperature, self_consistent=True)
    phase = jnp.array([2.0])
    for device, allowed in ((plain, 4e-4), (plain.doubled(), 7e-5)):
        found = _currents(device, phase)
        helpers.assert_close(found.current.sum(), current, absolute=allowed * current)
    helpers.assert_close(device.order_parameter(2.0).left[-1], gap, absolute=3e-4)


@helpers.slow
def test_no_spin_diode_without_spin_currents():
    found = jd.usadel.spin_diode(transparent(1.0, 0.5))
    assert found.status == Status.NO_SUPERCURRENT
    assert np.isnan(found.efficiency)


# ---- Parts


def _amplitudes(count, size, seed):
    rng = np.random.default_rng(seed)
    return size * (rng.uniform(-1, 1, (8, count)) + 1j * rng.uniform(-1, 1, (8, count))) / 2


def test_matrix_current_with_all_pairs_beyond():
    """The general formula, 8 × 8 Green functions, of a unitary matrix drawn at random."""
    rng = np.random.default_rng(5)
    matrix = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0]
    pairs, partners = _amplitudes(6, 0.5, 6), _amplitudes(6, 0.5, 7)
    segment = Segment(jnp.asarray(matrix[..., None, None]), jnp.ones(1))
    found = np.asarray(jax.jit(interface.matrix_current)((segment,), pairs, partners))
    for lane in range(6):
        gamma, tilde = (np.zeros((4, 4), complex) for _ in range(2))
        for rows in (slice(0, 2), slice(2, 4)):
            part = slice(4 * (rows.start // 2), 4 * (rows.start // 2) + 4)
            gamma[rows, rows] = pairs[part, lane].reshape(2, 2)
            tilde[rows, rows] = partners[part, lane].reshape(2, 2)
        whole = u.matrix_current(u.green(gamma, tilde), u.nambu(matrix))
        row = np.concatenate([np.eye(4), gamma], axis=1)
        expected = -row @ whole @ np.concatenate([-gamma, np.eye(4)]) / 2
        expected = [expected[:2, :2].ravel(), expected[2:, 2:].ravel()]
        helpers.assert_close(found[:, lane], np.concatenate(expected), absolute=1e-12)


@pytest.mark.thorough
@pytest.mark.parametrize(("frequency", "field"), [(0.3, 0.0), (0.3, 2.0), (3.0, 5.0)])
def test_weak_ferromagnet_solves_the_usadel_equation(frequency, field):
    """Against D ∂(G∂G) = [ωτ₃ − ih diag(σ_z, σ_z), G] as G′ = GJ, J′ = …, in 4 × 4 matrices."""
    layer = link.WeakLink(*map(jnp.asarray, (1.4, 1.0, 0.7, field)))
    rng = np.random.default_rng(9)
    linear = 0.35 * (rng.normal(size=(2, 4, 1)) + 1j * rng.normal(size=(2, 4, 1)))
    axis = MatsubaraAxis()
    both = jax.jit(functools.partial(halves, steps=256, link=layer, conjugation=axis))
    found = both(jnp.asarray(linear)[None], frequency=jnp.asarray(frequency))
    value, slope, middle, rise = (np.asarray(x)[0, ..., 0] for x in found)
    matrix = np.diag([1, 1, -1, -1]) * frequency - 1j * field * np.diag([1, -1, 1, -1])
    diffusion = 0.7 * u.D_S

    def flow(_, y):
        green, flux = (y[:32] + 1j * y[32:]).reshape(2, 4, 4)
        change = (matrix @ green - green @ matrix) / diffusion
        both = np.concatenate([(green @ flux).ravel(), change.ravel()])
        return np.concatenate([both.real, both.imag])

    def start(gamma, ahead):
        gamma, ahead = gamma.reshape(2, 2), ahead.reshape(2, 2)
        green = u.green(gamma, -gamma.conj())
        return green, green @ u.green_slope(gamma, -gamma.conj(), ahead, -ahead.conj())

    both = np.concatenate([x.ravel() for x in start(middle, rise)])
    for side, sign in ((0, -1), (1, 1)):
        end = solve_ivp(
            flow, (0, sign * 0.7), np.concatenate([both.real, both.imag]),
            method="DOP853", rtol=1e-12, atol=1e-14,
        ).y[:, -1]  # fmt: skip
        expected = (end[:32] + 1j * end[32:]).reshape(2, 4, 4)
        found = np.stack(start(value[:, side], sign * slope[:, side]))
        helpers.assert_close(found, expected, absolute=1e-8)
        # Both spins' currents are the same everywhere, and the traces that they claim to be.
        current = np.asarray(layer.spectral_current(*map(jnp.asarray, (middle, rise))))
        trace = (1j * np.array([1, 1, -1, -1]) * np.diagonal(found[1])).real
        helpers.assert_close(current, trace[:2] + trace[2:], absolute=1e-8)


# ---- A junction with everything


def spin_active(azimuth=0.9, **changes):
    left = SpinActiveContact(0.4, 0.5, mixing=0.6, mixing_link=0.3, polar=1.1)
    right = SpinActiveContact(0.3, 0.3, mixing=-0.5, mixing_link=0.2, polar=2.0, azimuth=azimuth)
    values = {
        "temperature": 0.15, "superconductor_length": 3.0, "link_length": 1.2, "conductance": 1.5,
        "left": left, "right": right, "exchange_field": 1.3, "conductivity": 0.8,
        "diffusivity": 1.3, "resolution": UsadelResolution(phases=16),
    } | changes  # fmt: skip
    return DiffusiveJunction(**values)


@functools.cache
def relation(azimuth=0.9):
    found = spin_active(azimuth).relation()
    assert found.status() == Status.CONVERGED
    return found


@helpers.slow
def test_noncollinear_contacts_make_a_diode():
    """And a spontaneous current: a φ₀ junction. Coplanar moments make neither."""
    charge, _ = relation().spontaneous_currents()
    found = jd.critical_currents(relation())
    assert abs(charge) > 1e-3 * found.plus
    assert abs(found.efficiency) > 1e-3
    charge, _ = relation(0.0).spontaneous_currents()
    coplanar = jd.critical_currents(relation(0.0))
    helpers.assert_close(charge, 0.0, absolute=1e-13)
    helpers.assert_close(coplanar.efficiency, 0.0, absolute=1e-10)
    assert coplanar.plus > 0.01


@helpers.slow
def test_azimuth_rotates_the_contact():
    """S(φ) = U S U†, U = e^{−iφσ_z/2} on both sides, put in by hand beside phases without Δφ."""
    turn, phases = 0.9, jnp.array([0.3, 2.0])
    device = spin_active(azimuth=turn)
    layers = device.layers()
    half = np.exp(-0.5j * turn * np.array([1, -1, 1, -1]))
    both = np.stack([np.ones((4, 4)), half[:, None] * half.conj()], axis=-1)
    by_hand = tuple(
        part._replace(matrix=part.matrix * both[:, :, None, :, None]) for part in layers.channels
    )
    frequencies = jnp.array([3.0, 0.7])
    solved = jax.jit(lambda parts, twist: solve(parts, frequencies, twist, 24).current)
    found = solved(layers, device.twist(phases))
    expected = solved(layers._replace(channels=by_hand), jnp.stack([phases] * 4))
    size = np.abs(expected).max()
    helpers.assert_close(found, expected, absolute=1e-10 * size)
    mirrored = solved(layers, spin_active(azimuth=-turn).twist(phases))
    assert np.abs(mirrored - expected).max() > 0.1 * size


@helpers.slow
def test_reversed_phases_reverse_currents():
    phases = np.linspace(-3, 3, 7)
    there = relation().spin_currents(jnp.asarray(phases))
    back = relation(-0.9).spin_currents(jnp.asarray(-phases))
    helpers.assert_close(np.stack(there), -np.stack(back), absolute=1e-12)


@helpers.slow
def test_last_harmonics_are_small():
    finer = spin_active(resolution=UsadelResolution(phases=24)).relation()
    phases = jnp.linspace(0, 6, 40)
    off = np.abs(np.stack(finer.spin_currents(phases)) - np.stack(relation().spin_currents(phases)))
    assert off.max() < 20 * relation().truncation_error < 1e-4


@helpers.slow
def test_currents_are_conserved_at_the_interfaces():
    """Charge is what the superconductor carries; both spins' are those in the middle."""
    device = spin_active(resolution=UsadelResolution(phases=16, steps=192))
    layers, lanes = device.layers(), 8
    twist = device.twist(jnp.linspace(0, 5, lanes))
    rule = matsubara(device.temperature, jnp.asarray(0.5), 8, 8)
    found = eqx.filter_jit(solve)(layers, rule.value, twist, 192)
    assert found.converged.all()

    def sides(x, frequency):
        return UniformGap(layers, frequency, twist, MatsubaraAxis(), 192).ends(x)

    ends = jax.jit(jax.vmap(sides))(found.unknowns, rule.value)
    pairs, slopes = (np.asarray(x)[:, 0] for x in ends)
    for side, sign in ((0, -1), (1, 1)):
        totals = []
        for kinds, direction in ((slice(0, 4), sign), (slice(4, 8), -sign)):
            shape = (len(rule.value), lanes, 2, 2)
            gamma = np.moveaxis(pairs[:, kinds, side], 1, -1).reshape(shape)
            slope = np.moveaxis(slopes[:, kinds, side], 1, -1).reshape(shape)
            flux = u.green(gamma, -gamma.conj()) @ u.green_slope(
                gamma, -gamma.conj(), slope, -slope.conj()
            )
            traces = np.array([1, 1, -1, -1]) * np.diagonal(flux, axis1=-2, axis2=-1)
            totals.append(direction * (1j * traces).real)
        charges = [x.sum(axis=-1) for x in totals]
        assert np.abs(charges[0]).max() > 1e-2
        helpers.assert_close(charges[1], charges[0], absolute=1e-10)
        spins = np.moveaxis(totals[1][..., :2] + totals[1][..., 2:], -1, 1)
        helpers.assert_close(spins, found.current, absolute=1e-9)


@helpers.slow
def test_barriers_work_too():
    barrier = SpinBarrier(1.4, 0.25, width_up=0.14, width_down=0.14)
    other = SpinBarrier(1.4, 0.25, width_up=0.14, width_down=0.14, azimuth=1.0)
    device = spin_active(left=barrier, right=other, conductance=2.0)
    found = jd.critical_currents(device)
    assert found.status == Status.CONVERGED
    assert found.plus > 1e-3


PARAMETERS = (
    "temperature", "superconductor_length", "link_length", "conductance", "exchange_field",
    "conductivity", "diffusivity", "left.transmission", "left.polarization", "left.mixing",
    "left.mixing_link", "left.polar", "right.azimuth",
)  # fmt: skip


@helpers.slow
def test_gradients():
    """η and I₊ by every kind of parameter."""
    device = spin_active(resolution=UsadelResolution(phases=12))
    leaves = [operator.attrgetter(name) for name in PARAMETERS]
    start = jnp.stack([leaf(device) for leaf in leaves])

    @jax.jit
    def measured(values):
        here = eqx.tree_at(lambda d: [leaf(d) for leaf in leaves], device, list(values))
        found = jd.critical_currents(here)
        return jnp.stack([found.efficiency, 30 * found.plus])

    exact = np.asarray(jax.jit(jax.jacrev(measured))(start))
    for k in range(len(PARAMETERS)):
        slopes = []
        for step in (2e-3, 1e-3):
            move = step * np.eye(len(PARAMETERS))[k]
            ahead, behind = measured(start + 2 * move), measured(start - 2 * move)
            near = 8 * (measured(start + move) - measured(start - move))
            slopes.append(np.asarray(near - ahead + behind) / (12 * step))
        helpers.assert_close(exact[:, k], slopes[1], absolute=1e-6 * np.abs(exact).max())


@helpers.slow
def test_transmission_has_slopes_at_its_ends():
    """t and r are square roots of it, currents are not."""

    def current(value):
        device = spin_active(
            left=SpinActiveContact(value), right=SpinActiveContact(value), exchange_field=0.0
        )
        return summed(device, device.twist(jnp.array([1.0]))).current.sum()

    found = jax.jit(jax.value_and_grad(current))
    value, slope = found(1.0)
    differences = [(value - found(1 - step)[0]) / step for step in (2e-4, 1e-4)]
    helpers.assert_close(slope, 2 * differences[1] - differences[0], absolute=1e-5 * abs(slope))


# ---- Errors


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"link_length": -1.0}, "link_length must be positive, got -1"),
        ({"temperature": 1.2}, "temperature must be at most 0.999 T_c, got 1.2"),
        (
            {"right": SpinBarrier(1.4, 0.25, width_up=0.1, width_down=0.1)},
            "left and right must be interfaces of one",
        ),
        ({"diffusivity": 0.0}, "diffusivity must be positive, got 0"),
    ],
)
def test_junction_errors(changes, message):
    with pytest.raises(ValueError, match=message):
        spin_active(**changes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"phases": 7}, "phases must be even, got 7"), ({"steps": 0}, "steps must be a whole number")],
)
def test_resolution_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        UsadelResolution(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.2,), "transmission must be at most 1, got 1.2"),
        ((0.7, 0.5), "transmission 0.7 and polarization 0.5"),
        ((0.0,), "transmission must be positive, got 0"),
        ((0.2, 1.5), "polarization must be at most 1, got 1.5"),
    ],
)
def test_contact_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        SpinActiveContact(*arguments)
