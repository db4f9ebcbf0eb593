"""Progress of long work: what is said before, a bar on a terminal, lines elsewhere."""

import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

_WARNED = 60.0  # seconds of work
_LONG = 30.0
_REFUSED = 3 * 86400.0
_QUIET = 10.0  # seconds that need no report in a log
_AT_ONCE = 1.0  # seconds between two lines


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
    """Lines on stderr. The first item compiles what the others run: it is no part of the estimate,
    and what comes at once after it needs no line."""
    began = told = time.monotonic()
    tenths, first = 0, began
    for done, item in enumerate(items, 1):
        yield item
        now, tenth = time.monotonic(), 10 * done // max(total, 1)
        spent = now - began
        if tenth > tenths and spent > _QUIET and now - told >= _AT_ONCE:
            rest = ""
            if 1 < done < total:
                rest = f", about {(now - first) * (total - done) / (done - 1):.0f} s left"
            print(f"{label}: {done} of {total} after {spent:.0f} s{rest}", file=sys.stderr)
            told = now
        if done == 1:
            first = told = now
        tenths = tenth


class LongRunWarning(UserWarning):
    """A call will take more than a minute.

    Example:
        >>> import warnings
        >>> junction = jd.KapitzaJunction(damping=0.5, drive_frequency=4, drive_current=3)
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("error", jd.LongRunWarning)  # stops before the work begins
        ...     jd.trajectory(junction, 0.5, duration=1e8)
        Traceback (most recent call last):
            ...
        jaxdiode.progress.LongRunWarning: trajectory ... takes about ... hours; shorten duration
    """


def announce(
    call: str, seconds: float, argument: str, value: object, remedy: str, depth: int = 3
) -> None:
    """Say before work begins that it takes more than a minute; refuse more than three days.

    Args:
        call: name of the function.
        seconds: steps × lanes × measured cost of one, on one core.
        argument, value: the argument that makes it long.
        remedy: how to shorten it.
        depth: of the user's line in the stack, for the warning.

    Raises:
        ValueError: more than three days.
    """
    if not seconds > _WARNED:
        return
    spelled = f"{call} with {argument} = {value} takes about {_spelled(seconds)}; {remedy}"
    if seconds > _REFUSED:
        raise ValueError(f"{argument} must leave less than 3 days of work: {spelled}")
    warnings.warn(spelled, LongRunWarning, stacklevel=depth)


def expect(label: str, seconds: float, more: str) -> None:
    """Say on stderr, once it is known, that work goes on for more than half a minute."""
    if seconds > _LONG:
        took = f"{seconds:.0f} s" if seconds < 2 * _WARNED else _spelled(seconds)
        print(f"{label}: about {took} to go, {more}", file=sys.stderr)


def _spelled(seconds: float) -> str:
    for name, unit in (("years", 31557600.0), ("days", 86400.0), ("hours", 3600.0)):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds / 60:.2g} minutes"
