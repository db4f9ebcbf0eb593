"""Progress bars for long work: silent when asked, and when stderr is no terminal."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def track(items: Iterable[T], label: str, total: int, show: bool) -> Iterator[T]:
    """Yield the items behind a bar on stderr."""
    if not show or not sys.stderr.isatty():
        yield from items
        return
    from tqdm import tqdm

    yield from tqdm(items, desc=label, total=total, leave=False)
