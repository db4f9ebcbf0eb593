"""The designs to beat: within their bounds, and their scores are what the package computes."""

import jax
import numpy as np
import pytest

import jaxdiode as jd
from docs.challenges.problems import CHALLENGES, table

IDS = [challenge.name for challenge in CHALLENGES]


def test_there_are_five():
    assert len(CHALLENGES) == 5
    assert len(set(IDS)) == 5
    assert all(f"{challenge.record:.4f}" in table() for challenge in CHALLENGES)


@pytest.mark.thorough
@pytest.mark.parametrize("challenge", CHALLENGES, ids=IDS)
def test_design_has_its_score(challenge):
    score = float(jax.jit(challenge.score)(challenge.device()))
    assert abs(score - challenge.record) <= challenge.tolerance


@pytest.mark.parametrize("challenge", CHALLENGES, ids=IDS)
def test_design_is_allowed(challenge):
    """Every value within the bounds of the space, and nothing else changed."""
    space, device = challenge.space, challenge.device()
    values = space.values(device)
    for value, (low, high) in zip(values, space.bounds.values(), strict=True):
        assert low <= value <= high
    again = jax.tree.leaves(space.insert(values))
    for one, other in zip(again, jax.tree.leaves(device), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.thorough
def test_a_broken_rule_has_no_score():
    """The rectifier's limit on its critical currents: a stronger diode counts for nothing."""
    (rectifier,) = [challenge for challenge in CHALLENGES if challenge.name == "rectifier"]
    device = rectifier.device()
    sine = jax.tree.leaves(device.device.sine)[0]
    stronger = jd.replace(device, {"device.sine.0": 1.5 * float(np.abs(sine).max())})
    assert np.isnan(rectifier.score(stronger))
