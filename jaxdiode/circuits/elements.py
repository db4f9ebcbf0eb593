"""Elements of a circuit: each lies between two nodes, a → b.

Currents in one unit I₀ of the user's choice, inductances in Φ₀/I₀, offsets in Φ₀. With resistances
in R₀ time is in Φ₀/(2πI₀R₀), voltages in I₀R₀, capacitances in Φ₀/(2πI₀R₀²) (β_c of a junction).
"""

import equinox as eqx
from jaxtyping import Array, Float

from .._checks import Numbers
from ..core.device import AbstractPhaseBiased
from ..core.parameters import AbstractParameters, parameter
from .link import LinearLink

Scalar = Float[Array, ""]


class AbstractElement(AbstractParameters):
    """What lies between two nodes.

    Example:
        >>> jd.Inductor("in", "1", 0.25).nodes
        ('in', '1')
    """

    start: eqx.AbstractVar[str]
    end: eqx.AbstractVar[str]

    @property
    def nodes(self) -> tuple[str, str]:
        return self.start, self.end


class Junction(AbstractElement):
    """A Josephson element: the current I(θ) flows from a to b, θ = φ_a − φ_b + 2π·offset.

    Args:
        start, end: names of the nodes a and b.
        relation: any phase-biased device, or a `LinearLink`.
        resistance: of its shunt (R₀), or None.
        capacitance: in parallel, or None.
        offset: external flux that the branch carries (Φ₀).

    Raises:
        ValueError: no device, both ends at one node, a resistance that is not positive, a
            negative capacitance.

    Example:
        >>> junction = jd.Junction("1", "0", jd.TunnelJunction(1.0), resistance=1.0)
        >>> print(junction.nodes, float(junction.offset))
        ('1', '0') 0.0
    """

    start: str = eqx.field(static=True)
    end: str = eqx.field(static=True)
    relation: AbstractPhaseBiased | LinearLink
    resistance: Scalar | None = parameter(above=0.0, unit="R₀", label="shunt resistance")
    capacitance: Scalar | None = parameter(at_least=0.0, label="capacitance β_c")
    offset: Scalar = parameter(unit="Φ₀", label="flux offset")

    def __init__(
        self,
        start: str,
        end: str,
        relation: AbstractPhaseBiased | LinearLink,
        *,
        resistance: Numbers | None = None,
        capacitance: Numbers | None = None,
        offset: Numbers = 0.0,
    ):
        self.start, self.end = _nodes(start, end)
        if not isinstance(relation, AbstractPhaseBiased | LinearLink):
            raise ValueError(
                "relation must be a phase-biased device such as TunnelJunction, or a LinearLink, "
                f"got {type(relation).__name__}"
            )
        self.relation = relation
        self.resistance, self.capacitance = None, None
        if resistance is not None:
            self.resistance = self.checked("resistance", resistance)
        if capacitance is not None:
            self.capacitance = self.checked("capacitance", capacitance)
        self.offset = self.checked("offset", offset)


class Inductor(AbstractElement):
    """φ_a − φ_b + 2π·offset = 2πL I, the current I from a to b (Φ₀/I₀; `units.inductance`).

    Args:
        start, end: names of the nodes a and b.
        inductance: L ≥ 0; 0 is a wire.
        offset: external flux that the branch carries (Φ₀).

    Raises:
        ValueError: both ends at one node, a negative inductance.

    Example:
        >>> print(float(jd.Inductor("in", "1", 0.25, offset=0.1).inductance))
        0.25
    """

    start: str = eqx.field(static=True)
    end: str = eqx.field(static=True)
    inductance: Scalar = parameter(at_least=0.0, unit="Φ₀/current", label="inductance")
    offset: Scalar = parameter(unit="Φ₀", label="flux offset")

    def __init__(self, start: str, end: str, inductance: Numbers, *, offset: Numbers = 0.0):
        self.start, self.end = _nodes(start, end)
        self.inductance = self.checked("inductance", inductance)
        self.offset = self.checked("offset", offset)


class Resistor(AbstractElement):
    """V = R I between two nodes (R₀). It carries nothing in a static state.

    Raises:
        ValueError: both ends at one node, a resistance that is not positive.

    Example:
        >>> print(float(jd.Resistor("1", "2", 2.0).resistance))
        2.0
    """

    start: str = eqx.field(static=True)
    end: str = eqx.field(static=True)
    resistance: Scalar = parameter(above=0.0, unit="R₀", label="resistance")

    def __init__(self, start: str, end: str, resistance: Numbers):
        self.start, self.end = _nodes(start, end)
        self.resistance = self.checked("resistance", resistance)


class Capacitor(AbstractElement):
    """I = C dV/dt between two nodes, C in Φ₀/(2πI₀R₀²).

    Raises:
        ValueError: both ends at one node, a negative capacitance.

    Example:
        >>> print(float(jd.Capacitor("1", "0", 0.5).capacitance))
        0.5
    """

    start: str = eqx.field(static=True)
    end: str = eqx.field(static=True)
    capacitance: Scalar = parameter(at_least=0.0, label="capacitance β_c")

    def __init__(self, start: str, end: str, capacitance: Numbers):
        self.start, self.end = _nodes(start, end)
        self.capacitance = self.checked("capacitance", capacitance)


def _nodes(start: str, end: str) -> tuple[str, str]:
    for name, node in (("start", start), ("end", end)):
        if not isinstance(node, str) or not node:
            raise ValueError(f"{name} must be the name of a node, got {node!r}")
    if start == end:
        raise ValueError(f"end must be another node than start, got {end!r} for both")
    return start, end
