"""Every number as it was before the package was rebuilt."""

import json

import numpy as np
import pytest

from tests.frozen.cases import CASES
from tests.frozen.freeze import PATH

FROZEN = json.loads(PATH.read_text())


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_numbers_are_what_they_were(name, as_for_users):
    found = CASES[name]()
    assert set(found) == set(FROZEN[name])
    for key, old in FROZEN[name].items():
        before = np.array([float.fromhex(x) for x in old["hex"]]).reshape(old["shape"])
        now = np.asarray(found[key], float)
        assert now.shape == before.shape
        scale = np.max(np.abs(before[np.isfinite(before)]), initial=0.0)
        np.testing.assert_allclose(
            now, before, rtol=1e-12, atol=1e-12 * scale, equal_nan=True, err_msg=f"{name}: {key}"
        )
        if not np.array_equal(now, before, equal_nan=True):
            apart = np.nanmax(np.abs(now - before)) / scale
            print(f"{name}, {key}: {apart:.1e} of the largest")


def test_every_frozen_number_is_still_asked_for():
    assert set(FROZEN) == set(CASES)
