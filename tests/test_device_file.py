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
