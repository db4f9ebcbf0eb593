"""Junctions of any kind in series as one junction, inner phases in their ground state."""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .._checks import Numbers
from ..circuits.circuit import Circuit
from ..circuits.elements import AbstractElement, Junction
from ..core.critical import CriticalCurrents
from ..core.device import AbstractPhaseBiased, DirectRelation, Relation
from ..core.extrema import extrema_of_current
from ..core.report import Report
from ..core.temperature import parts_at_reduced_temperature
from ..gates import CriticalCurrent, Gate
from ..numerics.status import Status
from .chain_relation import ChainRelation, chain_relation
from .elements import SeriesJunctions, TunnelJunction


class JunctionChain(AbstractPhaseBiased):
    """Two or more junctions of any kind in series, inner phases in their ground state.

        I(φ) = dE/dφ,   E(φ) = min Σ_k U_k(θ_k) over all θ with Σ_k θ_k = φ (mod 2π),   U_k' = i_k.

    All junctions carry the same current, i_k(θ_k) = I, and at most one of them is beyond its
    maximum. Where two such states tie, the current jumps: n ≥ 3 equal sinusoidal junctions carry
    I_c sin(φ/n) up to φ = π. Of two sinusoidal junctions it is `SeriesJunctions`.

    Critical currents are the extrema of I(φ), those of a chain whose phase is held, as in the
    loop of a SQUID. A current bias leaves the ground state: the chain then carries the smallest of
    its junctions' critical currents. Where that is more, the status is METASTABLE_STATES (values
    are kept); the criteria "largest", "ramp" and "first" are those of `circuit()`.

    Args:
        junctions: two or more phase-biased devices, all in one unit of current; a number (or a
            `Gate`) is a `TunnelJunction`.

    Raises:
        ValueError: fewer than two junctions, something that is no phase-biased device.

    The status is NO_PERIODIC_ENERGY where a junction carries a mean current over its period, and
    NOT_RESOLVED where the ground state was not followed over the whole period (a sharp turn without
    `kinks()`, a jump of a junction's current upwards, junctions that are equal and turn at once).

    Example:
        >>> chain = jd.JunctionChain([1, 1, 1])
        >>> print(f"{chain.current(jnp.array(2.0)):.6f} {np.sin(2 / 3):.6f}")
        0.618370 0.618370
        >>> found = jd.critical_currents(chain)
        >>> print(f"{found.plus:.6f} {jd.Status(int(found.status)).name}")
        0.866025 METASTABLE_STATES
        >>> print(f"{jd.critical_currents(chain, 'largest').plus:.6f}")
        1.000000
        >>> unlike = jd.JunctionChain(
        ...     [jd.TunnelJunction(0.7), jd.AndreevModes(3, 0.9), jd.Harmonics([1.3, 0.2])]
        ... )
        >>> slope = jax.grad(lambda device: device.current(jnp.array(1.0)))(unlike)
        >>> print(f"{slope.junctions[0].critical_current:.6f}")
        0.276364
    """

    junctions: tuple[AbstractPhaseBiased, ...]

    at_reduced_temperature = parts_at_reduced_temperature

    def __init__(self, junctions: Sequence[AbstractPhaseBiased | Numbers | Gate]):
        if not isinstance(junctions, Sequence | np.ndarray | jax.Array):
            raise ValueError(f"junctions must be a list, got {type(junctions).__name__}")
        if len(junctions) < 2:
            raise ValueError(f"junctions must be at least two, got {len(junctions)}")
        self.junctions = tuple(_junction(k, one) for k, one in enumerate(junctions))

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.relation().current(phase)

    def relation(self) -> Relation:
        solved = tuple(one.relation() for one in self.junctions)
        sines = [_sine(one) for one in solved]
        if len(solved) == 2 and sines[0] is not None and sines[1] is not None:
            # In closed form, which has all digits next to φ = π. Unchecked: not finite, they are
            # for the status to tell.
            pair = eqx.tree_at(lambda p: (p.first, p.second), SeriesJunctions(1, 1), tuple(sines))
            return DirectRelation(pair)
        return chain_relation(solved)

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        return self.relation().kinks()

    def samples_per_period(self) -> int:
        return max(one.samples_per_period() for one in self.junctions)

    def magnitude(self) -> Float[Array, ""]:
        return self.relation().magnitude()

    def status(self) -> Int[Array, ""]:
        return self.relation().status()

    def circuit(self) -> Circuit:
        """The same as a `Circuit` from "in" to "0", with a node between any two junctions."""
        nodes = ["in", *(str(k) for k in range(1, len(self.junctions))), "0"]
        elements: dict[str, AbstractElement] = {
            f"J{k}": Junction(nodes[k], nodes[k + 1], one) for k, one in enumerate(self.junctions)
        }
        return Circuit(elements, ("in", "0"))

    def critical_currents(self, criterion: str | None = None) -> CriticalCurrents:
        """The extrema of I(φ), or what a criterion of the circuit says."""
        if criterion is not None:
            return self.circuit().critical_currents(criterion)
        return _critical_currents(self)

    def report(self) -> Report:
        found = super().report()
        critical = jax.device_get(self.critical_currents())
        return eqx.tree_at(lambda report: report.critical, found, critical)


def _junction(k: int, given: AbstractPhaseBiased | Numbers | Gate) -> AbstractPhaseBiased:
    if isinstance(given, AbstractPhaseBiased):
        return given
    if isinstance(given, Gate | int | float | np.ndarray | np.generic | jax.Array):
        return TunnelJunction(given)
    raise ValueError(
        f"junctions[{k}] must be a phase-biased device such as TunnelJunction, or a critical "
        f"current, got {type(given).__name__}"
    )


def _sine(relation: Relation) -> CriticalCurrent | None:
    """The critical current of a sinusoidal relation."""
    device = relation
    while isinstance(device, DirectRelation):
        device = device.device
    return device.critical_current if isinstance(device, TunnelJunction) else None


@eqx.filter_jit
def _critical_currents(chain: JunctionChain) -> CriticalCurrents:
    relation = chain.relation()
    found = extrema_of_current(relation)
    if not isinstance(relation, ChainRelation):
        return found
    most = relation.largest()
    more = (most[0] > found.plus + 1e-9 * most[0]) | (most[1] > found.minus + 1e-9 * most[1])
    several = more & (found.status == Status.CONVERGED)
    status = jnp.where(several, Status.METASTABLE_STATES, found.status).astype(jnp.int32)
    return eqx.tree_at(lambda x: x.status, found, status)
