"""What ends the zero-voltage state of a driven junction."""

import equinox as eqx
from jaxtyping import Array, Float, Int


class Limits(eqx.Module):
    """What ends the zero-voltage state, one entry per direction of the bias (+, −).

    Currents are magnitudes in their own direction, NaN where there is no such event.

    Attributes:
        fold: saddle-node of the orbit with the drive's period T, where the junction switches.
        period_two_fold: the same of an orbit with period 2T, met after a period doubling.
        flip: where the orbit of period T first loses stability by period doubling: the
            state goes on as an orbit of period 2T or as chaos, but no longer as a fixed one.
        ramp: where the coarse ramp switched, shape (2, 2): between these two biases, which lie
            up to about a per cent from the adiabatic limit (`switching_currents` finds that).
        status: what ends the state, see `Status`: CONVERGED is the fold.
    """

    fold: Float[Array, "*lanes 2"]
    period_two_fold: Float[Array, "*lanes 2"]
    flip: Float[Array, "*lanes 2"]
    ramp: Float[Array, "*lanes 2 2"]
    status: Int[Array, "*lanes 2"]

    def __repr__(self) -> str:
        return eqx.tree_pformat(self, short_arrays=False)
