"""Folds of driven junctions from point to point."""

from typing import Any

from ...core.continuation import AbstractContinuation
from ...core.device import AbstractDevice
from ...core.dynamical import AbstractDynamical
from ...dynamics.folds import KnownFolds, followed_folds, no_folds


class FoldContinuation(AbstractContinuation):
    """Folds of driven junctions for `sweep(…, along=…)`, each from those of the two points before.

    At the first point of a row they are what ends the zero-voltage state, as `critical_currents` by
    the criterion "fold" finds it. From there on the folds of orbits of the drive's period are
    followed by Newton's method alone, in each direction: also past where the state loses stability
    by period doubling below them, runs at zero bias already, or ends at another fold. So they say
    how folds go on; whether one is the critical current at a point `critical_currents` says. Where
    one is lost (at a cusp, or as its orbit leaves that of the last point by more than half a
    radian) what ends the state is searched for anew.

    The output of a point, each for + and −: `fold`, the magnitude of its current; `status`, that of
    the search or CONVERGED; `followed`, false where it was searched for.

    Raises:
        ValueError: a device that is no driven junction of one phase.

    Example:
        >>> junction = jd.KapitzaJunction(
        ...     0.5, drive_frequency=4, drive_current=3, static_current=1, phase_offset=np.pi / 2
        ... )
        >>> drive = {"drive_current": np.linspace(2, 4, 5)}
        >>> follow = jd.continuation.FoldContinuation()
        >>> found = jd.sweep(follow, junction, drive, along="drive_current")
        >>> print(np.round(found["fold"].values[:, 0], 4), found["followed"].values[:, 0])
        [1.4728 1.5057 1.5456 1.5926 1.6465] [False  True  True  True  True]
    """

    def start(self, device: AbstractDevice) -> KnownFolds:
        _require(device)
        return no_folds()

    def advance(
        self, device: AbstractDevice, state: KnownFolds
    ) -> tuple[dict[str, Any], KnownFolds]:
        found = followed_folds(_require(device), state)
        output = {"fold": found.current, "status": found.status, "followed": found.followed}
        return output, found.known


def _require(device: AbstractDevice) -> AbstractDynamical:
    if not isinstance(device, AbstractDynamical) or device.phases != 1:
        raise ValueError(
            "device must be a driven junction of one phase (a KapitzaJunction) for its folds to be "
            f"followed, got {type(device).__name__}"
        )
    return device
