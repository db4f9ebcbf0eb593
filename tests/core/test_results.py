"""How results print."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd

FIELD = np.linspace(-1, 1, 301)
PLUS = 1 + 0.2 * np.cos(2 * np.pi * FIELD / 0.4 - 0.9)


def period() -> jd.results.AbstractResult:
    return jd.lab.flux_period((FIELD, PLUS, PLUS[::-1] - 0.1))


def scattered() -> jd.results.AbstractResult:
    robust = jd.robust(jd.diode_efficiency, jd.Spread({"branches": "5 %"}), samples=64)
    squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
    return robust.statistics(squid, key=1, samples=400)


@pytest.mark.parametrize(
    ("made", "kept"),
    [
        (period, f"plus=<301 values, from {PLUS.min():.6g} to {PLUS.max():.6g}>"),
        (scattered, "values=<400 values, from -0."),
    ],
)
def test_long_arrays_are_not_printed_number_by_number(made, kept):
    found = made()
    text = repr(found)
    assert text == str(found)
    assert kept in text
    assert len(text.splitlines()) < 40


def test_short_arrays_and_what_is_no_number_are_printed():
    class Mixed(jd.results.AbstractResult):
        few: jax.Array
        flags: np.ndarray
        status: jax.Array

    found = Mixed(jnp.arange(3.0), np.zeros(20, bool), jnp.zeros(20, jnp.int32))
    text = repr(found)
    assert "few=Array([0., 1., 2.], dtype=float64)" in text
    assert "flags=array([False" in text
    assert "status=<20 values, from 0 to 0>" in text
    traced = []
    jax.jit(lambda x: traced.append(repr(Mixed(x, x, x))))(jnp.zeros(50))
    assert "float64[50]" in traced[0]


def test_a_period_without_units_has_no_gap_in_its_words():
    text = period().summary()
    assert "  (" not in text
    assert " ," not in text
