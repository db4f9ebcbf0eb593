"""Fronts of two objectives: closed forms, convex and not, in any unit, and a double loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd

FEW = {"key": 0, "points": 7, "starts": 4, "steps": 40, "polish": 60, "progress": False}


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_fronts_that_are_known(power, scale):
    """First a, then (1 − a^p)^(1/p): bulging outwards, straight and hollow; b ≠ .3 only costs."""
    space = jd.Space(jd.Harmonics([0.5, 0.4]), {"sine.0": (0.01, 0.99), "sine.1": (0.0, 1.0)})

    def first(device):
        return scale * device.sine[0] * (1 - (device.sine[1] - 0.3) ** 2)

    def second(device):
        left = 1 - device.sine[0] ** power
        return left ** (1 / power) * (1 - (device.sine[1] - 0.3) ** 2)

    front = jd.pareto([first, second], space, **FEW)
    a, b = front.values.T
    x, y = front.objectives[:, 0] / scale, front.objectives[:, 1]
    assert len(a) == 7
    assert np.all(np.diff(x) > 0)
    np.testing.assert_allclose(b, 0.3, atol=2e-3)
    np.testing.assert_allclose(x**power + y**power, 1, atol=1e-5)
    np.testing.assert_allclose([x[0], x[-1]], [0.01, 0.99], atol=1e-4)


def test_no_random_device_dominates_a_single_loop():
    squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
    space = jd.Space(squid, {"flux": (0.5, 1), "branches.1.second": (20, 120)})
    front = jd.pareto(None, space, **FEW)
    values = jax.vmap(space.sample)(jax.random.split(jax.random.key(5), 4096))

    def both(x):
        found = jd.critical_currents(space.insert(x))
        return jnp.stack([found.efficiency, found.plus])

    chance = np.asarray(jax.lax.map(jax.jit(both), values, batch_size=256))
    extent = np.ptp(front.objectives, axis=0)
    for own in front.objectives:
        assert not np.any(np.all(chance > own + 1e-4 * extent, axis=1))
    for k in range(2):
        assert np.max(chance[:, k]) <= np.max(front.objectives[:, k]) + 1e-6 * extent[k]
    found = jd.critical_currents(front.device(3))
    np.testing.assert_allclose(front.objectives[3], [found.efficiency, found.plus], rtol=1e-9)


@pytest.mark.slow
def test_double_loop_against_constraints():
    """Points of the front are the largest η at their I₊, by the machinery of constraints."""
    loop = jd.Squid.from_pairs([(420, 64.73), (380, 65.27), (49.21, 49.21)], flux=[0.4077] * 2)
    bounds = {"branches.0.second": (20, 360), "branches.1.second": (20, 360),
              "branches.2": (20, 360), "flux": (0.3, 0.5)}  # fmt: skip
    space = jd.Space(loop, bounds, ties=["flux"])
    front = jd.pareto(None, space, key=0, points=8, starts=8, progress=False)
    eta, plus = front.objectives[len(front.values) // 2]
    best = jd.maximise(
        jd.diode_efficiency, space, key=1, starts=32, rounds=2, progress=False,
        subject_to=lambda device: jd.critical_currents(device).plus / plus - 1,
    )  # fmt: skip
    assert abs(best.value - eta) < 2e-3


def test_a_front_comes_back_from_a_file(tmp_path):
    space = jd.Space(jd.Harmonics([0.5, 0.2]), {"sine.1": (-1, 2)})
    parabolas = [lambda d: -(d.sine[1] ** 2), lambda d: -((d.sine[1] - 1) ** 2)]
    front = jd.pareto(
        parabolas, space, key=0, points=3, starts=2, steps=5, polish=20, progress=False
    )
    jd.save(tmp_path / "front.json", front)
    again = jd.load(tmp_path / "front.json")
    assert again.summary() == front.summary()
    assert np.array_equal(again.objectives, front.objectives)
    assert again.device(1).sine[1] == front.device(1).sine[1]
    assert front.plot().axes


@pytest.mark.parametrize(
    ("objectives", "options", "message"),
    [
        (("efficiency",), {}, "must be two names"),
        (("efficiency", "pluss"), {}, "unknown objective 'pluss'"),
        (("efficiency", 3), {}, "names or functions"),
        (None, {"points": 1}, "points must be a whole number, at least 2"),
        (None, {"rounds": 1}, "rounds must be a whole number, at least 2"),
    ],
)
def test_what_cannot_be_asked(objectives, options, message, unchecked):
    space = jd.Space(jd.Harmonics([0.5, 0.2]), {"sine.1": (-1, 2)})
    with pytest.raises(ValueError, match=message):
        jd.pareto(objectives, space, key=0, **options)
