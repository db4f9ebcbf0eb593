"""Designs under equality constraints, where the optimum is known in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import TypeCheckError
from scipy.optimize import minimize

import jaxdiode as jd
from jaxdiode import Status

SMALL = {"starts": 8, "steps": 30, "polish": 40, "rounds": 1, "progress": False}


def circle(unit=1.0, scale=1.0, **settings):
    """a + 2b on a² + b² = 2: √10 at (√(2/5), 2√(2/5))."""
    relation = jd.Harmonics([unit, 0.3 * unit])
    space = jd.Space(relation, {"sine": (0.01 * unit, 3 * unit)})
    return jd.maximise(
        lambda d: d.sine[0] + 2 * d.sine[1],
        space,
        subject_to=lambda d: scale * (jnp.sum(d.sine**2) - 2 * unit**2),
        key=0,
        **(SMALL | settings),
    )


@pytest.mark.thorough
@pytest.mark.parametrize(("unit", "scale"), [(1.0, 1.0), (1e-9, 1.0), (1e9, 1.0), (1.0, -1e7)])
def test_on_a_circle_in_any_unit(unit, scale):
    found = circle(unit, scale)
    assert found.value / unit == pytest.approx(np.sqrt(10), rel=1e-12)
    expected = unit * np.sqrt(0.4) * np.array([1, 2])
    np.testing.assert_allclose(found.values[0], expected, rtol=1e-6)
    assert abs(found.constraints[0]) <= 1e-14 * unit**2 * abs(scale)
    assert (found.constraints_met, found.status) == (True, Status.CONVERGED)
    assert found.evaluations == 3 * (8 * 31 + 2 * 47 + 7 * 10)
    # Climbs that were not polished end on the circle as well, or last.
    np.testing.assert_allclose(np.sum(found.values[:8] ** 2, axis=1) / unit**2, 2, rtol=1e-9)
    assert np.all(np.diff(found.scores[:8]) <= 0)
    assert found.history[-1] == pytest.approx(found.value, rel=1e-9)
    assert "constraints at" in found.summary()
    assert found.as_dict()["constraints"] == found.constraints


@pytest.mark.thorough
def test_a_constraint_that_nothing_meets():
    found = jd.maximise(
        lambda d: d.sine[0],
        jd.Space(jd.Harmonics([1.0, 0.3]), {"sine": (0.1, 1.0)}),
        subject_to=[lambda d: jnp.sum(d.sine**2) - 9],
        key=0,
        **SMALL,
    )
    assert (found.constraints_met, found.status) == (False, Status.CONSTRAINT_NOT_MET)
    assert -7.01 < found.constraints[0] < -6.9  # the nearest corner
    assert "NOT MET" in found.summary()


class Valley(jd.AbstractPhaseBiased):
    x: jax.Array

    def current(self, phase):
        return jnp.sin(phase)


@pytest.mark.slow
def test_two_constraints_in_a_bent_valley_against_slsqp():
    def depth(d):
        a, b, c, e = d.x
        return -(100 * (b - a**2) ** 2 + (1 - a) ** 2 + (c - e) ** 2 + 0.1 * c**4)

    rules = [lambda d: d.x[0] + d.x[2] ** 2 - 1.5, lambda d: jnp.sin(d.x[3]) - 0.3 * d.x[1]]
    space = jd.Space(Valley(jnp.ones(4)), {"x": (-3.0, 3.0)})
    found = jd.maximise(depth, space, subject_to=rules, key=0, **(SMALL | {"polish": 120}))
    other = minimize(
        lambda x: -depth(Valley(jnp.asarray(x))),
        np.array([1.2, 1.44, 0.55, 0.45]),
        constraints=[
            {"type": "eq", "fun": lambda x, rule=rule: rule(Valley(jnp.asarray(x)))}
            for rule in rules
        ],
        method="SLSQP",
        options={"ftol": 1e-13},
    )
    assert found.value >= -other.fun - 1e-9
    np.testing.assert_allclose(found.values[0], other.x, atol=1e-4)
    assert np.max(np.abs(found.constraints)) < 1e-13


@pytest.mark.slow
def test_on_a_ridge():
    """η = ∓1/3 lies on a tie of two maxima: here with the first harmonic held by a constraint."""
    space = jd.Space(
        jd.Harmonics([1.0, 0.0], [0.0, 0.4]), {"sine": (0.3, 2.0), "cosine.1": (-1.0, -0.1)},
    )  # fmt: skip
    found = jd.maximise(
        jd.diode_efficiency,
        space,
        subject_to=[lambda d: d.sine[0] - 1, lambda d: d.sine[1] - 0.5],
        key=0,
        **(SMALL | {"polish": 60}),
    )
    phase = np.linspace(0, 2 * np.pi, 4001)

    def efficiency(b):
        current = np.sin(phase) + 0.5 * np.sin(2 * phase) + b * np.cos(2 * phase)
        return (current.max() + current.min()) / (current.max() - current.min())

    assert found.value >= max(map(efficiency, np.linspace(-1, -0.1, 181))) - 1e-6
    assert np.max(np.abs(found.constraints)) < 1e-12


def test_what_subject_to_must_be():
    space = jd.Space(jd.Harmonics([1.0, 0.3]), {"sine": (0.1, 1.0)})
    with pytest.raises((ValueError, TypeCheckError), match="subject_to"):
        jd.maximise(jd.diode_efficiency, space, subject_to=[3.0], key=0)
    with pytest.raises(ValueError, match="subject_to must return one number"):
        jd.maximise(jd.diode_efficiency, space, subject_to=lambda d: d.sine, key=0, **SMALL)
