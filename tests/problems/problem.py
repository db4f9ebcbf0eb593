"""What a problem is, and how far its numbers are to be trusted."""

from collections.abc import Callable, Set
from dataclasses import dataclass

import numpy as np

import jaxdiode as jd
from tests import helpers

TAGS = {
    "smooth",  # the extrema lie on smooth peaks
    "kinked",  # an extremum within 0.2 of a near-kink (unequal pair, transparency near 1)
    "jump",  # I(φ) jumps: balanced pair, transparency 1 at T = 0
    "tied",  # two peaks or valleys of one height; gradients are one-sided there
    "inductive",
    "thermal",
    "time-reversal",  # I(−φ) = −I(φ) up to a shift of φ, so η = 0
    "dead",  # a branch carries nothing
    "no-current",  # I(φ) = 0: NO_SUPERCURRENT
    "driven",  # no I(φ): the zero-voltage state oscillates, and ends in a fold
    "shunted",  # with a resistance in parallel: the edges of the zero step
    "dissipative",  # a current between normal reservoirs drives it; I₊ or I₋ may be negative
    "resistive",  # no I(φ): a criterion on V(j) defines its critical currents
    "diffusive",  # I(φ) from a boundary value problem of the Usadel equation
    "flux states",  # no I(φ): the largest current over all of them
    "slow",  # contract tests of it take a minute: with `make test-all`
}


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A device whose critical currents are known from elsewhere."""

    name: str
    tags: Set[str]
    build: Callable[[], jd.AbstractDevice]
    plus: float
    minus: float
    efficiency: float | None  # None where nothing flows
    source: str
    current_tolerance: float  # absolute, of I₊ and I₋
    efficiency_tolerance: float  # absolute
    # The same device in the opposite magnetic field.
    reverse: Callable[[jd.AbstractDevice], jd.AbstractDevice] = helpers.reversed_in_time
    # Its (I₊, I₋, η) by code that shares nothing with jaxdiode, of which gradients are taken by
    # differences. None where such code takes minutes a value: tests/devices has those gradients.
    reference: Callable[[jd.AbstractDevice], np.ndarray] | None = helpers.dense_reference

    def __post_init__(self):
        object.__setattr__(self, "tags", frozenset(self.tags))
        if unknown := self.tags - TAGS:
            raise ValueError(f"{self.name}: no such tags: {unknown}")


def exact(*, plus, minus, efficiency=None, **fields) -> Problem:
    """Known to rounding, so to what `critical_currents` promises: 1e-11 of the larger current."""
    current = 1e-11 * max(abs(plus), abs(minus), 1e-300)
    if efficiency is None and plus + minus > 0:
        efficiency = (plus - minus) / (plus + minus)
    return Problem(
        plus=plus,
        minus=minus,
        efficiency=efficiency,
        current_tolerance=current,
        efficiency_tolerance=2 * current / max(plus + minus, 1e-300),
        **fields,
    )


def printed(*, last_place, plus, minus, efficiency, **fields) -> Problem:
    """Printed with digits good to ±1 in the last place: that, or 1e-8 relative if it is larger."""
    return Problem(
        plus=plus,
        minus=minus,
        efficiency=efficiency,
        current_tolerance=max(last_place, 1e-8 * max(abs(plus), abs(minus))),
        efficiency_tolerance=1e-8,
        **fields,
    )
