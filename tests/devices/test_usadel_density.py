"""The density of states is compiled once, and its broadening has a smallest value."""

import jax
import numpy as np
import pytest

import jaxdiode as jd
from tests import helpers

CONTACT = jd.usadel.SpinActiveContact(0.5)
JUNCTION = jd.DiffusiveJunction(
    0.2,
    4.0,
    link_length=1.0,
    conductance=2.0,
    left=CONTACT,
    right=CONTACT,
    resolution=jd.usadel.UsadelResolution(steps=4),
)


@pytest.fixture
def events():
    """Names of what JAX traces and compiles."""
    seen = []

    def note(event, seconds, **options):
        del seconds
        if "compile" in event:
            seen.append((event.rsplit("/", 1)[-1], options.get("fun_name")))

    jax.monitoring.register_event_duration_secs_listener(note)
    yield seen
    jax.monitoring.unregister_event_duration_listener(note)


@pytest.mark.slow
def test_a_second_density_compiles_nothing(events):
    """Nor does another number of energies, whose values do not depend on what is beside them."""
    first = JUNCTION.ldos(np.linspace(0, 3, 11))
    assert events
    events.clear()
    again = JUNCTION.ldos(np.linspace(0, 3, 11))
    assert events == []
    np.testing.assert_array_equal(again, first)
    for count in (1, 6, 21):
        other = JUNCTION.ldos(np.linspace(0, 3, count), phase=0.0)
        assert other.shape == (2, count)
    compiled = [name for event, name in events if event == "backend_compile_duration"]
    assert compiled == []
    helpers.assert_close(other[:, ::2], first, absolute=1e-9)


@pytest.mark.slow
def test_smallest_broadening():
    """Nothing inside the minigap but the broadening's own tail, in proportion to it."""
    inside = np.array([0.0, 0.3])
    found = {blur: JUNCTION.ldos(inside, broadening=blur) for blur in (1e-5, 1e-6)}
    helpers.assert_close(found[1e-5] / found[1e-6], 10.0, absolute=0.05)


def test_no_broadening_below_the_smallest():
    with pytest.raises(ValueError, match=r"broadening must be at least 1e-06 .k_BT_c., got 1e-09"):
        JUNCTION.ldos([0.0], broadening=1e-9)
