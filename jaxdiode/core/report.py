"""All that there is to say of one device, worked out by as few compiled programs as can be.

Compiling costs seconds and running milliseconds: what is printed, saved and drawn comes from here.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Array

from .cpr import CurrentPhaseRelation
from .critical import CriticalCurrents
from .parameters import AbstractParameters
from .results import AbstractResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Report(AbstractResult):
    """Critical currents of one device and what else it has, as NumPy arrays.

    Attributes:
        device: the device.
        critical: its critical currents.
        relation: I(φ) of a phase-biased device, else None.
        parts: currents that add up to it, by name: "branch 0", … of a SQUID, "up" and "down" of
            spin bands.
        details: further results by name, such as "limits" and "spin_diode".

    Example:
        >>> report = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3]).report()
        >>> print(list(report.parts))
        ['branch 0', 'branch 1']
        >>> print(report.summary("nA"))
        I+   65.428624 nA
        I-   82.608468 nA
        eta  -0.11605094
        status: converged
    """

    device: AbstractParameters
    critical: CriticalCurrents
    relation: CurrentPhaseRelation | None
    parts: dict[str, Array | np.ndarray]
    details: dict[str, AbstractResult]

    @property
    def status(self) -> Array | np.ndarray:
        return self.critical.status

    @property
    def drawable(self) -> bool:
        """Whether there is a relation to be drawn."""
        return self.relation is not None and bool(np.isfinite(self.relation.current).any())

    def as_dict(self) -> dict[str, Any]:
        found = {"critical_currents": self.critical, **self.details}
        return {name: result.as_dict() for name, result in found.items()}

    def summary(self, unit: str = "") -> str:
        rest = (result.summary(unit) for result in self.details.values())
        return "\n".join([self.critical.summary(unit), *filter(None, rest)])

    def plot(self, unit: str = "") -> "Figure":
        from .. import plot

        if self.relation is not None:
            return plot.current_phase(self, unit=unit)
        return plot.values(self.critical)
