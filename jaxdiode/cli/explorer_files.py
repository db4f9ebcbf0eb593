"""Files that come from the page of `jaxdiode explore`."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import panel as pn

from .explorer_figures import WIDE

_HALF = WIDE // 2 - 10


class Upload:
    """A button for a file, with its name above.

    Args:
        accept: endings.
        taken: called with the file's name and its content.

    Attributes:
        column: where it stands.
    """

    def __init__(self, name: str, accept: str, taken: Callable[[str, bytes], None]):
        self._taken = taken
        self._input = pn.widgets.FileInput(accept=accept, width=_HALF)
        self._input.param.watch(self._came, ["value", "filename"])
        title = pn.pane.HTML(name, margin=(4, 10, 0, 10), width=_HALF)
        self.column = pn.Column(title, self._input, margin=0)

    def _came(self, *_: Any) -> None:
        name, content = self._input.filename, self._input.value
        if not name:  # cleared
            return
        self._taken(name, content or b"")  # an empty file comes without a value
        self._input.clear()  # else a browser tells nothing of the same file once more


@contextmanager
def as_file(name: str, content: bytes) -> Iterator[Path]:
    """What came from the page, as the file that readers ask for; gone afterwards.

    Of its name only the last part counts: whoever sends it may name any folder.
    """
    with tempfile.TemporaryDirectory() as folder:
        last = Path(name).name
        path = Path(folder) / (last if last.strip(".") else "data")
        path.write_bytes(content)
        if not content:
            raise ValueError(f"{path.name} must hold something, it is empty")
        try:
            yield path
        except ValueError as error:
            raise ValueError(str(error).replace(f"{folder}/", "")) from error
