"""Outcome codes that travel with every result through jit and vmap."""

import enum


class Status(enum.IntEnum):
    """Numerical outcome of one lane. Anything but `CONVERGED` comes with NaN values.

    Stored in arrays as int32; `Status(int(x)).describe()` says what it means.
    """

    CONVERGED = 0
    NOT_CONVERGED = 1
    NONFINITE = 2
    NO_SUPERCURRENT = 3
    MULTIVALUED = 4

    def describe(self) -> str:
        return _TEXT[self]


_TEXT = {
    Status.CONVERGED: "converged",
    Status.NOT_CONVERGED: "an extremum was not located accurately (a sharp turn without kinks()?)",
    Status.NONFINITE: "the device returned NaN or infinity (a parameter outside its range?)",
    Status.NO_SUPERCURRENT: "the current does not depend on the phase: no critical current",
    Status.MULTIVALUED: (
        "a branch inductance makes the current-phase relation multivalued "
        "(2 pi L dI/dphase <= -1 somewhere): critical currents then depend on history"
    ),
}
