"""[shunt] and [drive] of device files: what they make, and what is refused."""

import jax
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode.files import circuit, device_file

JUNCTION = '[device]\ntype = "TunnelJunction"\ncritical_current = 400.0\n'


@pytest.fixture
def read(tmp_path):
    def make(text):
        (tmp_path / "device.toml").write_text(text)
        return device_file.read(tmp_path / "device.toml")

    return make


def test_plasma_units(read, tmp_path):
    text = JUNCTION.replace("400.0", "1.0")
    text += (
        "[shunt]\ndamping = 0.5\n[drive]\nfrequency = 2\namplitude = [1.5, 0.3]\nphase = [0, 1]\n"
    )
    table = read(text + '[bounds]\n"drive.amplitude.*" = [0, 2]\ndamping = [0.3, 1]\n')
    made = device_file.device(table)
    wanted = jd.Shunted(
        jd.TunnelJunction(1.0), damping=0.5, drive=jd.Drive(2.0, [1.5, 0.3], phase=[0, 1])
    )
    same(made, wanted)
    assert circuit.scale(table) is None
    assert device_file.space(table, made).names == (
        "damping", "drive.amplitude.0", "drive.amplitude.1"
    )  # fmt: skip
    assert jd.parameter_names(made)[0] == "device.critical_current"
    for name in ("a.json", "a.toml"):
        jd.save(tmp_path / name, made)
        same(jd.load(tmp_path / name), wanted)
    again = device_file.read(tmp_path / "a.json")
    same(device_file.device(again), wanted)
    assert device_file.sections(table).keys() == {"bounds"}


def test_empty_shunt(read):
    same(device_file.device(read(JUNCTION + "[shunt]\n")), jd.Shunted(jd.TunnelJunction(400.0)))


@pytest.mark.parametrize(
    ("shunt", "given"),
    [
        ("resistance = 50", {"resistance": 50}),
        ("resistance = 50\ncapacitance = 2e-14", {"resistance": 50, "capacitance": 2e-14}),
        (
            "plasma_frequency = 2e10\nquality = 3\ncritical_current = 400",
            {"plasma_frequency": 2e10, "quality": 3, "critical_current": 400},
        ),
    ],
)
def test_si_units(read, shunt, given):
    drive = "[drive]\nfrequency = 1e10\npower = -85\nimpedance = 50\n"
    table = read(f'unit = "nA"\n{JUNCTION}[shunt]\n{shunt}\n{drive}')
    scale = jd.CircuitScale.in_units_of("nA", **given)
    same(circuit.scale(table), scale)
    wanted = scale.shunted(jd.TunnelJunction(400.0), frequency=1e10, power=-85, impedance=50)
    same(device_file.device(table), wanted)


REFUSED = {
    "drive alone": (
        "[drive]\nfrequency = 1\namplitude = 1\n", r"\[drive\] must have a \[shunt\] section too"
    ),
    "key": ("[shunt]\nresistence = 5\n", "unknown key of .shunt. 'resistence'; did you mean 'resi"),
    "key of drive": (
        "[shunt]\n[drive]\nfrequency = 1\namplitudes = 1\n", "unknown key of .drive. 'amplitudes'"
    ),
    "both": (
        "[shunt]\ndamping = 1\nresistance = 5\n", "damping or numbers in SI units, .* resistance"
    ),
    "no amplitude": ("[shunt]\n[drive]\nfrequency = 1\n", "and an amplitude or a power, got freq"),
    "power without SI": (
        "[shunt]\n[drive]\nfrequency = 1\npower = -80\nimpedance = 50\n", "power of .* needs .*SI"
    ),
    "no unit": ("[shunt]\nresistance = 50\n", "must say the unit of the device's currents"),
    "section": ("shunt = 3\n", "shunt"),
    "hertz": (
        "[shunt]\n[drive]\nfrequency = 1e10\namplitude = 1\n",
        "drive.frequency must be between 0.4 and 4e.05",
    ),
    "text": ('[shunt]\ndamping = "big"\n', "damping must be a real number, got 'big'"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(read, name):
    text, message = REFUSED[name]
    with pytest.raises(ValueError, match=message) as raised:
        device_file.device(read(JUNCTION + text))
    assert "\n" not in str(raised.value)


def test_hertz_expected(read):
    text = (
        f'unit = "nA"\n{JUNCTION}[shunt]\nresistance = 50\n[drive]\nfrequency = 2\namplitude = 1\n'
    )
    with pytest.raises(ValueError, match="frequency must be in Hz"):
        device_file.device(read(text))


def test_devices_without_a_relation_take_no_shunt(read):
    text = '[device]\ntype = "PhaseSlipWire"\n[shunt]\ndamping = 1\n'
    with pytest.raises(ValueError, match="device must be phase-biased, got PhaseSlipWire"):
        device_file.device(read(text))


def same(one, other):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(a, b)
