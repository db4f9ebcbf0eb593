"""Device files: what stands in them is refused by name, before anything is built of it."""

import numpy as np
import pytest

from jaxdiode.files import device_file

TUNNEL = '[device]\ntype = "TunnelJunction"\ncritical_current = '


@pytest.fixture
def write(tmp_path):
    def make(text):
        path = tmp_path / "device.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make


REFUSED = {
    "date": (TUNNEL + "1979-05-27", "device.critical_current must be a number, .* '1979-05-27'"),
    "time": (TUNNEL + "07:32:00", "device.critical_current must be a number"),
    "huge": (TUNNEL + "9" * 400, r"critical_current must be a number of at most 1e\+300"),
    "digits": (TUNNEL + "9" * 5000, "is not valid TOML"),
    "yes in a list": (TUNNEL + "[1, true]", "critical_current must be a list of numbers, got True"),
    "deep": (TUNNEL + "[" * 40 + "]" * 40, "device.critical_current is nested too deeply"),
    "deeper": (b"a = " + b"[" * 9000 + b"]" * 9000, "is nested too deeply"),
    "bytes": (b"\xff\xfe[device]", "must be UTF-8 text, byte 0 is none"),
    "section": ("sweep = 3\n" + TUNNEL + "1", r"\[sweep\] must be a section of the device file"),
    "device": ("device = 3", r"\[device\] must be a section"),
    "list": ("[[device]]\na = 1", r"\[device\] must be a section"),
    "unit": ("unit = 3\n" + TUNNEL + "1", "unit must be plain text on one line, got 3"),
    "lines": ('unit = "a\\nb"\n' + TUNNEL + "1", "unit must be plain text on one line"),
    "formula": ('unit = "$\\\\frac"\n' + TUNNEL + "1", "unit must be plain text"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(write, case):
    text, message = REFUSED[case]
    with pytest.raises(ValueError, match=message) as raised:
        device_file.read(write(text))
    assert "\n" not in str(raised.value)


def test_folder_and_nothing(tmp_path):
    with pytest.raises(ValueError, match="device file must be a file"):
        device_file.read(tmp_path)
    with pytest.raises(ValueError, match="device file must exist"):
        device_file.read(tmp_path / "none.toml")


def test_the_mark_that_some_editors_write(write):
    table = device_file.read(write(b"\xef\xbb\xbf" + (TUNNEL + "1").encode()))
    assert table["device"]["critical_current"] == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"start": "a", "stop": 1, "points": 3}, "start of sweep.x must be a real number"),
        ({"start": 0, "stop": [1, 2], "points": 3}, "stop of sweep.x must be a single number"),
        ({"start": float("nan"), "stop": 1, "points": 3}, "start of sweep.x must be finite"),
        ({"start": 0, "stop": 1, "points": 10**11}, "points of sweep.x must be at most 10000000"),
    ],
)
def test_axes(given, message):
    with pytest.raises(ValueError, match=message):
        device_file.axis("x", given)
    assert np.array_equal(
        device_file.axis("x", {"start": 0, "stop": 1, "points": 3}), [0.0, 0.5, 1.0]
    )


SCREENED = """
{head}
[device]
type = "Squid"
flux = [0.25]
inductance = {inductance}
[[device.branches]]
type = "TunnelJunction"
critical_current = {current}
[[device.branches]]
type = "TunnelJunction"
critical_current = 6
"""


def screened(tmp_path, inductance, current="10", head='unit = "uA"'):
    path = tmp_path / "device.toml"
    path.write_text(SCREENED.format(inductance=inductance, current=current, head=head), "utf-8")
    return device_file.device(device_file.read(path))


def test_quantities_have_units(tmp_path):
    """120 pH is 1.2e-10 · 1e-6 Φ₀/µA over 2.067833848e-15 Wb."""
    found = screened(tmp_path, '["90 pH", "0.03nH"]', '"0.01 mA"')
    wanted = np.array([90e-12, 30e-12]) * 1e-6 / 2.067833848e-15
    np.testing.assert_allclose(found.inductance, wanted, rtol=1e-9)
    assert float(found.branches[0].critical_current) == pytest.approx(10.0, rel=1e-15)
    plain = screened(tmp_path, [float(x) for x in found.inductance])
    np.testing.assert_array_equal(plain.inductance, found.inductance)
    micro = screened(tmp_path, '["90 pH", "30 pH"]', '"10 µA"', head='unit = "µA"')
    np.testing.assert_array_equal(micro.inductance, found.inductance)


@pytest.mark.parametrize(
    ("inductance", "current", "head", "message"),
    [
        ('["90 pF", "1 pH"]', "10", 'unit = "uA"', "unit of inductance = '90 pF'"),
        ('["90 nA", "1 pH"]', "10", 'unit = "uA"', "unit of inductance = '90 nA'"),
        ('["90 pH", "1 pH"]', "10", "", "unit must name that of the currents"),
        ("[0.1, 0.1]", '"10 pH"', 'unit = "uA"', "unit of critical_current = '10 pH'"),
        ('["many", "1 pH"]', "10", 'unit = "uA"', "inductance must be"),
    ],
)
def test_quantities_of_another_kind(tmp_path, inductance, current, head, message):
    with pytest.raises(ValueError, match=message):
        screened(tmp_path, inductance, current, head)
