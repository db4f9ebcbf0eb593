"""Files that come to `jaxdiode explore`: where they are put while they are read."""

import pytest

files = pytest.importorskip("jaxdiode.cli.explorer_files", reason="Panel is not installed")


@pytest.mark.parametrize("name", ["a.toml", "/tmp/planted.toml", "../../a.toml", "..", "/", ""])
def test_a_name_is_no_place(name):
    """Whoever sends a file may call it what he likes."""
    with files.as_file(name, b"x") as path:
        assert path.read_bytes() == b"x"
        assert path.parent.name.startswith("tmp")
        assert path.name in ("a.toml", "planted.toml", "data")
    assert not path.exists()
    assert not path.parent.exists()


def test_messages_do_not_name_the_place():
    with pytest.raises(ValueError, match=r"^a\.toml is wrong$"), files.as_file("a.toml", b"x") as p:
        raise ValueError(f"{p} is wrong")
    with pytest.raises(ValueError, match=r"^a\.toml must hold something, it is empty$"):
        files.as_file("a.toml", b"").__enter__()
