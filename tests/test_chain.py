"""Junctions in series against a minimisation by brute force (tests/reference/chain.py).

Currents to 1e-10 of the chain's largest, away from phases where two states tie to 1e-9.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from tests import helpers
from tests.reference import chain as reference

PHASES = np.linspace(-3.1, 3.1, 23)


def device(specs):
    return jd.JunctionChain([_one(spec) for spec in specs])


def _one(spec):
    kind, *args = spec
    if kind == "tunnel":
        return jd.TunnelJunction(args[0])
    if kind == "harmonics":
        return jd.Harmonics(*args)
    if kind == "shifted":
        return jd.PhaseShiftedJunction(_one(args[0]), args[1])
    amplitude, tau, gap, temperature = args
    return jd.AndreevModes(amplitude, tau, gap=gap, temperature=temperature)


@jax.jit
def curve(chain, phase):
    relation = chain.relation()
    return relation.current(phase), relation.status()


UNLIKE = (
    ("tunnel", 0.7),
    ("andreev", 3.0, 0.9, 1.0, 0.1),
    ("shifted", ("harmonics", [1.3, 0.2], []), 0.4),
)
FALLING = (
    ("harmonics", [0.5, 0.1], [0.0, 0.08]),
    ("tunnel", 1.0),
    ("andreev", 3.0, 0.9, 1.0, 0.0),
)


@pytest.mark.slow
@pytest.mark.parametrize("specs", [UNLIKE, FALLING], ids=["jumps", "falls"])
def test_currents_of_the_ground_state(specs):
    found, status = curve(device(specs), jnp.asarray(PHASES))
    assert status == jd.Status.CONVERGED
    expected = reference.relation(specs, PHASES, 24)
    helpers.assert_close(found, expected, absolute=1e-10 * np.abs(expected).max())


@pytest.mark.slow
def test_three_equal_junctions():
    """I = sin(φ/3) up to π, where it jumps."""
    chain = jd.JunctionChain([1.0, 1.0, 1.0])
    near = np.pi - np.array([1e-3, 1e-8, 1e-12])
    phase = np.concatenate([PHASES, near, -near])
    found, _ = curve(chain, jnp.asarray(phase))
    helpers.assert_close(found, np.sin(phase / 3), absolute=1e-12)
    kinks, widths = chain.kinks()
    helpers.assert_close(np.mod(kinks[widths == 0], 2 * np.pi), np.pi, absolute=1e-12)
    critical = jd.critical_currents(chain)
    assert critical.status == jd.Status.METASTABLE_STATES
    helpers.assert_close([critical.plus, critical.minus], np.sqrt(0.75), absolute=1e-12)
    for criterion in ("largest", "ramp"):
        biased = jd.critical_currents(chain, criterion)
        helpers.assert_close([biased.plus, biased.minus], 1.0, absolute=1e-10)


@pytest.mark.parametrize("second", [1.0, 1.0 + 1e-9, 1.001, 1.5, 80.0])
def test_two_sinusoidal_junctions(second):
    """The closed form, also next to π."""
    phase = jnp.asarray([*PHASES, np.pi, *(np.pi + 10.0 ** np.arange(-12.0, 0))])
    found, _ = curve(jd.JunctionChain([1.0, second]), phase)
    expected = jd.SeriesJunctions(1.0, second).current(phase)
    helpers.assert_close(found, expected, absolute=1e-14)


@pytest.mark.thorough
@pytest.mark.parametrize("second", [1.01, 1.5, 80.0])
def test_two_harmonics_are_two_sinusoidal_junctions(second):
    """What holds in closed form, found by the search."""
    pair = jd.JunctionChain([jd.Harmonics([1.0]), jd.Harmonics([second])])
    phase = jnp.asarray([*PHASES, np.pi, *(np.pi + 10.0 ** np.arange(-12.0, 0))])
    found, status = curve(pair, phase)
    assert status == jd.Status.CONVERGED
    # Rounding of the phases, where I(φ) falls as 1/|a − b|.
    expected = jd.SeriesJunctions(1.0, second).current(phase)
    helpers.assert_close(found, expected, absolute=1e-15 / (second - 1) + 1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("specs", [UNLIKE, FALLING], ids=["jumps", "falls"])
def test_slopes_by_every_parameter(specs):
    """Of I(φ) at one phase and of both critical currents, by central differences."""

    def values(chain):
        critical = jd.critical_currents(chain)
        return jnp.stack([chain.current(jnp.array(1.3)), critical.plus, critical.minus])

    chain = device(specs)
    slopes = jax.jit(jax.jacfwd(values))(chain)
    back = jax.jit(jax.jacrev(values))(chain)
    compiled, vector = jax.jit(values), helpers.parameters(chain)
    exact = np.concatenate([np.reshape(x, (3, -1)) for x in jax.tree.leaves(slopes)], axis=1)
    other = np.concatenate([np.reshape(x, (3, -1)) for x in jax.tree.leaves(back)], axis=1)
    helpers.assert_close(other, exact, absolute=1e-11)
    for k in range(vector.size):
        step = 1e-4 * np.eye(vector.size)[k]
        ends = [compiled(helpers.with_parameters(chain, vector + x)) for x in (
            2 * step, step, -step, -2 * step)]  # fmt: skip
        difference = (-ends[0] + 8 * ends[1] - 8 * ends[2] + ends[3]) / 12e-4
        if vector[k] - 2e-4 >= 0 or k:
            helpers.assert_close(exact[:, k], difference, absolute=1e-7)


def test_what_a_chain_refuses():
    with pytest.raises(ValueError, match="junctions must be at least two, got 1"):
        jd.JunctionChain([1.0])
    with pytest.raises(ValueError, match=r"junctions\[1\] must be a phase-biased device"):
        jd.JunctionChain([1.0, "a"])
    inside = jd.TunnelJunction(1.0)
    with pytest.raises(ValueError, match=r"first must be a critical current.*JunctionChain"):
        jd.SeriesJunctions(inside, 2.0)


@pytest.mark.slow
def test_nothing_flows_through_a_dead_junction():
    found = jd.critical_currents(jd.JunctionChain([1.0, 0.0, jd.AndreevModes(2.0, 0.5)]))
    assert found.status == jd.Status.NO_SUPERCURRENT
    assert found.plus == found.minus == 0


class Leaking(jd.AbstractPhaseBiased):
    """A current over a period: no energy."""

    size: jax.Array

    def current(self, phase):
        return jnp.sin(phase) + self.size


@pytest.mark.slow
def test_a_mean_current_has_no_energy():
    found = jd.critical_currents(jd.JunctionChain([Leaking(jnp.array(0.1)), 2.0]))
    assert found.status == jd.Status.NO_PERIODIC_ENERGY
    assert np.isnan(found.plus)


@pytest.mark.slow
def test_a_shift_of_one_junction_shifts_the_relation():
    plain = device(FALLING)
    shifted = device((("shifted", FALLING[0], 0.7), *FALLING[1:]))
    found, _ = curve(shifted, jnp.asarray(PHASES))
    expected, _ = curve(plain, jnp.asarray(PHASES + 0.7))
    helpers.assert_close(found, expected, absolute=1e-12)


def _mean_of_thirds(phase, flux):
    """∫ sin(x/3) over phase ± πf, jumps at odd multiples of π, over 2πf."""
    ends = phase - np.pi * flux, phase + np.pi * flux

    def antiderivative(x):
        turned = x - 2 * np.pi * np.floor((x + np.pi) / (2 * np.pi))
        return -3 * np.cos(turned / 3)  # continuous: even about every jump

    return (antiderivative(ends[1]) - antiderivative(ends[0])) / (2 * np.pi * flux)


@helpers.slow
def test_chain_is_a_junction_like_any_other():
    """Local relation of a wide junction, branch of a SQUID, part of a circuit."""
    chain = jd.JunctionChain([1.0, 1.0, 1.0])
    wide = jd.ExtendedJunction(chain, flux=0.3)
    phase = jnp.array([0.5, 2.5, 3.0, 4.0])
    found = jax.jit(lambda d, x: d.relation().current(x))(wide, phase)
    expected = [_mean_of_thirds(x, 0.3) for x in np.asarray(phase)]
    helpers.assert_close(found, np.array(expected), absolute=1e-11)
    squid = jd.Squid([chain, jd.TunnelJunction(0.5)], [0.25])
    found = jax.jit(lambda d, x: d.relation().current(x))(squid, phase[:2])
    expected = np.sin(phase[:2] / 3) + 0.5 * np.sin(phase[:2] - np.pi / 2)
    helpers.assert_close(found, expected, absolute=1e-12)


def test_chain_in_files(tmp_path):
    chain = device(FALLING)
    for name in ("chain.json", "chain.toml"):
        jd.save(tmp_path / name, chain)
        assert jd.load(tmp_path / name) == chain
    text = '[device]\ntype = "JunctionChain"\njunctions = [1.0, { type = "TunnelJunction", '
    (tmp_path / "written.toml").write_text(text + "critical_current = 2.0 }]\n")
    assert jd.load(tmp_path / "written.toml") == jd.JunctionChain([1.0, 2.0])
