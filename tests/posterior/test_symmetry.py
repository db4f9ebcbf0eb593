"""Interchangeable parameters: found exactly, told, and never averaged over."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.inverse import Normal, interchangeable
from jaxdiode.studies.posterior import symmetry

COIL = jnp.linspace(-0.02, 0.02, 15)


def by_words(found):
    return {one.words: one for one in found}


# ---- Parallel tunnel junctions: I± of a coil, in closed form, so that nothing takes long


def parallel(device, coil):
    """|Σ I_k e^{iδ_k}| with δ from loop to loop: the critical current of tunnel junctions."""
    squid = device.squid
    current = jnp.stack([branch.critical_current for branch in squid.branches])
    flux = device.turns * (coil[:, None] - device.offset)
    phase = jnp.concatenate([jnp.zeros((coil.size, 1)), 2 * jnp.pi * jnp.cumsum(flux, 1)], axis=1)
    total = jnp.sum(current.astype(complex) * jnp.exp(1j * phase.astype(complex)), axis=1)
    return jnp.abs(total)


def coil_biased(currents, turns):
    junctions = [jd.TunnelJunction(x) for x in currents]
    return jd.CoilBiasedSquid(jd.Squid(junctions, np.zeros(len(turns))), turns=turns, offset=0.001)


BOUNDS = {"squid.branches": (10.0, 300.0), "turns": (-200.0, 200.0)}


def test_two_branches():
    """The flux of one loop turns its sign, which a modulus does not see at all."""
    space = jd.Space(coil_biased([100.0, 60.0], [65.0]), BOUNDS)
    found = by_words(interchangeable(parallel, space, [COIL]))
    both = "squid.branches.0 ↔ squid.branches.1"
    assert set(found) == {both, f"{both}, turns.0 → −turns.0"}
    assert found[both].broken_by == ()


def test_three_branches():
    """Every pair, each with its own change of the loops between branches."""
    space = jd.Space(coil_biased([100.0, 60.0, 80.0], [65.0, 40.0]), BOUNDS)
    found = by_words(interchangeable(parallel, space, [COIL]))
    expected = {
        "squid.branches.0 ↔ squid.branches.1, turns.0 → −turns.0, turns.1 → turns.0 + turns.1",
        "squid.branches.1 ↔ squid.branches.2, turns.0 → turns.0 + turns.1, turns.1 → −turns.1",
    }
    assert expected <= set(found)
    coil = np.asarray(COIL)
    for one in found.values():
        values = np.asarray(space.values())
        before = parallel(space.insert(jnp.asarray(values)), coil)
        after = parallel(space.insert(jnp.asarray(one.matrix @ values)), coil)
        assert np.allclose(before, after, rtol=1e-10)


def test_bounds_break_it():
    bounds = BOUNDS | {"turns": (10.0, 70.0)}
    space = jd.Space(coil_biased([100.0, 60.0, 80.0], [65.0, 40.0]), bounds)
    found = by_words(interchangeable(parallel, space, [COIL]))
    name = "squid.branches.0 ↔ squid.branches.1, turns.0 → −turns.0, turns.1 → turns.0 + turns.1"
    assert found[name].broken_by == ("turns.0", "turns.1")


@pytest.mark.thorough
def test_none_where_branches_differ():
    """Junctions of two kinds, and a flux that is not varied."""
    squid = jd.Squid([jd.TunnelJunction(90), jd.Harmonics([50.0, 20.0])], flux=[0.3])
    space = jd.Space(squid, {"branches": (1, 200)})
    assert interchangeable(jd.critical_currents, space) == ()
    squid = jd.Squid([jd.AndreevModes([90], [0.8]), jd.TunnelJunction(50)], flux=[0.3])
    assert interchangeable(jd.critical_currents, jd.Space(squid, {"flux": (0, 1)})) == ()


@pytest.mark.thorough
def test_fixed_flux_forbids_the_change():
    """Two tunnel junctions at one fixed flux: I± does not see which is which."""
    squid = jd.Squid([jd.TunnelJunction(90), jd.TunnelJunction(50)], flux=[0.3])
    free = jd.Space(squid, {"branches": (1, 200), "flux": (-1, 1)})
    words = set(by_words(interchangeable(jd.critical_currents, free)))
    assert "branches.0 ↔ branches.1, flux.0 → −flux.0" in words
    three = [jd.SeriesJunctions(90, 40), jd.SeriesJunctions(70, 30)]
    squid = jd.Squid(three, flux=[0.3])
    fixed = jd.Space(squid, {"branches": (1, 200)})
    words = set(by_words(interchangeable(jd.critical_currents, fixed)))
    assert words == {f"branches.{k}.first ↔ branches.{k}.second" for k in (0, 1)}


@pytest.mark.thorough
def test_ties():
    squid = jd.Squid([jd.SeriesJunctions(90, 40), jd.SeriesJunctions(70, 30)], flux=[0.3])
    tied = jd.Space(squid, {"branches": (1, 200)}, ties=["branches.*.first"])
    assert interchangeable(jd.critical_currents, tied) == ()  # one first, two seconds


# ---- Draws


def pair(device, x):
    """first and second enter by their sum and product alone."""
    return (device.first + device.second) * x + device.first * device.second / 100 * (1 - x)


X = np.linspace(0, 1, 20)
DEVICE = jd.SeriesJunctions(90.0, 60.0)


def sampled(bounds, **options):
    pytest.importorskip("blackjax")
    data = np.asarray(pair(DEVICE, X)) + np.random.default_rng(0).normal(size=X.size)
    given = dict(arguments=[X], key=1, draws=300, warmup=100, progress=False) | options
    return jd.sample_posterior(pair, jd.Space(DEVICE, bounds), data, 1.0, **given)


@pytest.mark.thorough
def test_draws_are_ordered():
    """Chains that began about both modes agree once the first is the smaller."""
    found = sampled({"first": (1.0, 200.0), "second": (1.0, 200.0)})
    assert np.all(found.samples[..., 0] <= found.samples[..., 1])
    assert found.symmetries == ("interchangeable: first ↔ second; labelled so that first ≤ second",)
    assert found.mean[0] == pytest.approx(60, abs=3)
    assert found.mean[1] == pytest.approx(90, abs=3)
    assert found.symmetries[0] in found.summary()


@pytest.mark.thorough
def test_bounds_leave_one_label():
    found = sampled({"first": (75.0, 200.0), "second": (1.0, 74.0)})
    assert found.mean[0] == pytest.approx(90, abs=3)
    assert found.symmetries == (
        "interchangeable: first ↔ second; the bounds of first, second leave one of the two",
    )


@pytest.mark.thorough
def test_a_prior_tells_labels_apart():
    found = sampled(
        {"first": (1.0, 200.0), "second": (1.0, 200.0)}, prior={"first": Normal(90.0, 5.0)}
    )
    assert found.mean[0] == pytest.approx(90, abs=3)
    assert found.symmetries == ("interchangeable but for the prior: first ↔ second",)


def test_order_of_several_labels():
    """Three alike: every draw ends sorted, whatever labels it came with."""

    def model(device):
        return jnp.stack([jnp.sum(device.sine**k) for k in (1, 2, 3)])

    space = jd.Space(jd.Harmonics([1.0, 2.0, 3.0]), {"sine": (0.0, 10.0)})
    found = interchangeable(model, space)
    assert {one.words for one in found} >= {"sine.0 ↔ sine.1", "sine.1 ↔ sine.2", "sine.0 ↔ sine.2"}
    draws = np.random.default_rng(0).uniform(0, 10, (2, 50, 3))
    made, _ = symmetry.ordered(draws, found, space, lambda x: 0.0)
    assert np.array_equal(made, np.sort(draws, axis=-1))


@pytest.mark.thorough
def test_nine_parameters():
    """The measured SQUID's model (shared/physics/thermal.md), without its data: few fields."""
    from tests.test_fit import GrapheneSquid

    field = jnp.linspace(30.0, 70.0, 5)

    @jax.jit
    def model(device):
        def one(x):
            up, down = (jd.critical_currents(device.squid(x, sign)) for sign in (1.0, -1.0))
            return jnp.stack([up.plus, down.minus])

        return jax.vmap(one, out_axes=1)(field - device.offset)

    device = GrapheneSquid(
        *map(jnp.array, ([284.0, 319.0, 1111.0], [0.59, 0.65], [0.0098, 0.196], 3e-5, -0.58))
    )
    bounds = {
        "critical": (50.0, 2000.0), "transparency": (0.0, 1.0), "turns.0": (0.0095, 0.0101),
        "turns.1": (0.19, 0.20), "inductance": (0.0, 1e-4), "offset": (-3.0, 3.0),
    }  # fmt: skip
    (found,) = interchangeable(model, jd.Space(device, bounds))
    assert found.words == (
        "critical.0 ↔ critical.1, transparency.0 ↔ transparency.1, "
        "turns.0 → −turns.0, turns.1 → turns.0 + turns.1"
    )
    assert found.broken_by == ("turns.0", "turns.1")
