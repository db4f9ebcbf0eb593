"""A SQUID whose inductances make several flux states: the circuit that it is."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ... import _checks
from ...circuits.circuit import Circuit, critical_currents_where
from ...circuits.elements import AbstractElement, Inductor, Junction
from ...core.critical import CriticalCurrents
from ...core.device import AbstractPhaseBiased


def as_circuit(
    branches: Sequence[AbstractPhaseBiased],
    flux: Float[Array, " loops"],
    inductance: Float[Array, " branches"] | None,
) -> Circuit:
    """Branch k: an inductor from "in" to node k, and the junction from there to "0"."""
    offset = jnp.concatenate([jnp.zeros(1), -jnp.cumsum(flux)])
    elements: dict[str, AbstractElement] = {}
    for k, branch in enumerate(branches):
        node = "in" if inductance is None else f"branch {k}"
        if inductance is not None:
            elements[f"L{k}"] = Inductor("in", node, inductance[k])
        elements[f"J{k}"] = Junction(node, "0", branch, offset=offset[k])
    return Circuit(elements, ("in", "0"))


def or_of_flux_states(
    circuit: Circuit, several: Bool[Array, ""], found: CriticalCurrents
) -> CriticalCurrents:
    """The extrema that were found, or the largest currents where there are several flux states."""
    if _checks.is_concrete(several) and not np.any(np.asarray(several)):
        return found
    other = critical_currents_where(several, circuit)
    return CriticalCurrents(
        jnp.where(several, other.plus, found.plus),
        jnp.where(several, other.minus, found.minus),
        jnp.where(several, other.status, found.status),
        found.phase_plus,
        found.phase_minus,
    )
