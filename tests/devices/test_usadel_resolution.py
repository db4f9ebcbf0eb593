"""What a resolution leaves out is the default of the junction it is given to."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

import jaxdiode as jd
from jaxdiode.core.tables import to_table
from jaxdiode.devices.usadel import UsadelResolution
from jaxdiode.files import device_file

OWN = {
    "DiffusiveJunction": dict(phases=32, terms=12, tail=16, steps=12, momenta=8, intervals=12),
    "SpinActiveJunction": dict(phases=16, terms=8, tail=8, steps=12, momenta=8, intervals=12),
}
KINDS = sorted(OWN)
NUMBERS = st.fixed_dictionaries(
    {},
    optional={
        "phases": st.integers(2, 40).map(lambda n: 2 * n), "terms": st.integers(4, 40),
        "tail": st.integers(1, 40), "steps": st.integers(1, 40), "momenta": st.integers(1, 20),
        "intervals": st.integers(4, 40),
    },
)  # fmt: skip


def junction(kind, **options):
    if kind == "DiffusiveJunction":
        contact = jd.usadel.SpinActiveContact(0.5)
        return jd.DiffusiveJunction(
            0.2, 4.0, link_length=1.0, conductance=2.0, left=contact, right=contact, **options
        )
    barrier = jd.usadel.SpinBarrier(1.4, 0.25, width_up=0.14, width_down=0.14)
    return jd.SpinActiveJunction(
        0.1,
        4.0,
        ferromagnet_length=1.0,
        conductance=2.0,
        exchange=0.25,
        potential=0.25,
        left=barrier,
        right=barrier,
        **options,
    )


def numbers(device):
    return dataclasses.asdict(device.resolution)


def test_more_phases_change_nothing_else():
    fine = junction("DiffusiveJunction", resolution=UsadelResolution(phases=64)).resolution
    assert (fine.phases, fine.terms, fine.tail) == (64, 12, 16)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@given(changes=NUMBERS)
def test_what_is_left_out_is_the_junctions_own(kind, changes):
    own, given_some = OWN[kind], UsadelResolution(**changes)
    device = junction(kind, resolution=given_some)
    assert numbers(device) == own | changes
    assert numbers(junction(kind).at_resolution(given_some)) == own | changes
    assert numbers(junction(kind)) == own

    twice = {name: 2 * n for name, n in (own | changes).items()}
    twice["phases"] = (own | changes)["phases"] * 3 // 4 * 2
    assert numbers(device.doubled()) == twice
    assert device.resolution.doubled() == device.doubled().resolution

    table = {"type": "UsadelResolution", **changes}
    assert numbers(junction(kind, resolution=device_file.build(table))) == own | changes
    written = to_table(device)["resolution"]
    assert device_file.build(written) == device.resolution
    assert to_table(given_some) == {
        "type": "UsadelResolution", **dict.fromkeys(own), **changes
    }  # fmt: skip
    assert device_file.build(to_table(given_some)) == given_some


def test_only_what_is_set_is_printed():
    assert repr(UsadelResolution(phases=64)) == "UsadelResolution(phases=64)"
    assert repr(UsadelResolution()) == "UsadelResolution()"


def test_a_resolution_with_gaps_does_not_know_its_double():
    with pytest.raises(ValueError, match="leaves terms, tail, steps, momenta, intervals to the"):
        UsadelResolution(phases=64).doubled()
    with pytest.raises(ValueError, match="phases must be a whole number"):
        UsadelResolution(phases=0)
