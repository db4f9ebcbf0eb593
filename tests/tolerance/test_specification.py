"""What is asked of a device, as one number."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.tolerance import Specification


def relation(first=100.0, second=-20.0):
    """100 sin φ − 20 cos 2φ: I₊ = 120 and I₋ = 80, from sin φ = ±1."""
    return jd.Harmonics([first], [0.0, second])


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        ({"efficiency": 0.1}, 1.0),
        ({"efficiency": (0.1, None), "plus": (100, 150)}, 0.2),
        ({"plus": (100, 150), "minus": (-math.inf, 100)}, 0.2),
        ({"minus": (None, 64)}, -0.25),
        ({"bounded_efficiency": (0, 0.4)}, 0.2),  # a bound of 0 counts plainly
        ({lambda device: device.sine[0]: (None, 110)}, 1 / 11),
        ({"plus": [-60, np.inf]}, 3.0),
    ],
)
def test_the_slack_is_that_of_the_tightest_bound(requirements, expected):
    specification = Specification(requirements)
    assert float(specification(relation())) == pytest.approx(expected, abs=1e-11)
    slacks = specification.slacks(relation())
    assert len(specification.labels) == len(slacks)
    assert float(jnp.min(slacks)) == float(specification(relation()))


def test_labels_and_values():
    def height(device):
        return device.sine[0]

    asked = Specification({"plus": (40, 200), height: 1e-9, (lambda d: d.cosine[1]): (None, 0)})
    assert asked.labels == ("plus ≥ 40", "plus ≤ 200", "height ≥ 1e-09", "<lambda> ≤ 0")
    values = asked.values(relation())
    assert list(values) == ["plus", "height", "<lambda>"]
    assert [round(float(x), 9) for x in values.values()] == [120, 100, -20]
    twice = Specification({(lambda d: d.cosine[1]): (-30, 0), (lambda d: d.sine[0]): 1})
    assert list(twice.values(relation())) == ["<lambda>", "<lambda> (2)"]


def test_same_bounds_are_the_same_specification():
    compiled = []

    def counted(asked, device):
        compiled.append(asked)
        return asked(device)

    program = jax.jit(counted, static_argnums=0)
    for _ in range(3):
        program(Specification({"efficiency": 0.1, "plus": (40, None)}), relation())
    assert len(compiled) == 1
    one, two = (
        Specification({"plus": 40}),
        Specification({"plus": (40, math.inf)}),
    )
    assert one == two
    assert hash(one) == hash(two)
    assert one != Specification({"plus": 41})
    assert float(jax.jit(one)(relation())) == pytest.approx(2.0)


@pytest.mark.thorough
def test_slopes_and_designs():
    asked = Specification({"efficiency": 0.1, "minus": 64})
    slope = jax.grad(asked)(relation())
    assert float(slope.sine[0]) == pytest.approx(1 / 64)  # I₋ = first + second
    assert float(slope.cosine[1]) == pytest.approx(1 / 64)
    space = jd.Space(relation(), {"cosine.1": (-24.0, -1.0)})
    found = jd.maximise(
        asked, space, key=0, starts=4, steps=40, polish=40, rounds=1, progress=False
    )
    # −B/100/0.1 − 1 rises with −B, (100 + B)/64 − 1 falls: equal at −B = 12.5/0.925
    assert found.parameters["cosine.1"] == pytest.approx(-12.5 / 0.925, rel=1e-5)


def test_no_result_meets_nothing():
    nothing = jd.Squid([jd.TunnelJunction(1.0), jd.TunnelJunction(1.0)], flux=[0.5])
    assert math.isnan(float(Specification({"efficiency": (-9, 9)})(nothing)))
    assert float(Specification({"plus": 1.0})(nothing)) == pytest.approx(-1.0)


def test_saved(tmp_path):
    asked = Specification({"efficiency": 0.1, "plus": (40, 60)})
    jd.save(tmp_path / "asked.json", asked)  # pyright: ignore
    assert jd.load(tmp_path / "asked.json") == asked
    with pytest.raises(ValueError, match="function cannot be written"):
        jd.save(tmp_path / "a.json", Specification({lambda d: d.x: 1.0}))  # pyright: ignore


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("requirements", "said"),
    [
        ({}, "must ask for something, got none"),
        (["plus"], r"must be \{what: bounds\}"),
        ({"eficiency": 1}, "unknown quantity of a specification 'eficiency'; did you mean"),
        ({3: 1}, "must name efficiency, plus, minus"),
        ({"plus": (60, 40)}, r"low < high, got \(60, 40\)"),
        ({"plus": (60, 60)}, r"low < high, got \(60, 60\)"),
        ({"plus": (None, None)}, "must ask for something"),
        ({"plus": (-math.inf, math.inf)}, "must ask for something"),
        ({"plus": None}, "must ask for something"),
        ({"plus": math.nan}, "bounds of 'plus' must be known"),
        ({"plus": (1, math.nan)}, "bounds of 'plus' must be known"),
        ({"plus": math.inf}, "low < high"),
        ({"plus": (None, -math.inf)}, "low < high"),
        ({"plus": "40"}, "must be a number or"),
        ({"plus": True}, "must be a number or"),
        ({"plus": (1, 2, 3)}, "must be a number or"),
        ({"plus": ("a", 2)}, "must be a number or"),
        ({"plus": 1j}, "must be a number or"),
    ],
)
def test_what_cannot_be_asked(requirements, said):
    with pytest.raises(ValueError, match=said):
        Specification(requirements)


def test_a_function_of_several_numbers():
    with pytest.raises(ValueError, match=r"must be one number per device, got shape \(1,\)"):
        Specification({lambda d: d.sine[:1]: 1.0})(relation())
