"""Progress of long work: a bar on a terminal, lines elsewhere, nothing when asked."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

_QUIET = 10.0  # seconds that need no report in a log


def track(items: Iterable[T], label: str, total: int, show: bool) -> Iterator[T]:
    """Yield the items behind a bar on stderr, or with a line for every tenth of them."""
    if not show:
        yield from items
    elif sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, desc=label, total=total, leave=False)
    else:
        yield from _report(items, label, total)


def _report(items, label, total):
    began, tenths = time.monotonic(), 0
    for done, item in enumerate(items, 1):
        yield item
        now = 10 * done // max(total, 1)
        spent = time.monotonic() - began
        if now > tenths and spent > _QUIET:
            left = spent * (total - done) / done
            rest = f", about {left:.0f} s left" if done < total else ""
            print(f"{label}: {done} of {total} after {spent:.0f} s{rest}", file=sys.stderr)
        tenths = now
