"""A SQUID whose inductances make several flux states: the circuit that it is."""

from collections.abc import Callable, Mapping, Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ... import _checks
from ..._checks import Numbers
from ...circuits import checks
from ...circuits.circuit import Circuit, critical_currents_where
from ...circuits.elements import AbstractElement, Inductor, Junction
from ...core.critical import CriticalCurrents
from ...core.device import AbstractPhaseBiased


def as_circuit(
    branches: Sequence[AbstractPhaseBiased],
    flux: Float[Array, " loops"],
    inductance: Float[Array, " branches"] | None,
    shunts: Mapping[str, Numbers | None] | None = None,
) -> Circuit:
    """Branch k: an inductor from "in" to node k, and the junction from there to "0".

    `shunts` are the junctions' resistances and capacitances.
    """
    own = [{} for _ in branches]
    for name, given in (shunts or {}).items():
        if given is not None:
            values = _checks.real_array(name, given)
            if values.ndim:
                _checks.require_length(name, values, len(branches), "one per branch")
            for k, named in enumerate(own):
                named[name] = values[k] if values.ndim else values
    offset = jnp.concatenate([jnp.zeros(1), -jnp.cumsum(flux)])
    elements: dict[str, AbstractElement] = {}
    for k, branch in enumerate(branches):
        node = "in" if inductance is None else f"branch {k}"
        if inductance is not None:
            elements[f"L{k}"] = Inductor("in", node, inductance[k])
        elements[f"J{k}"] = Junction(node, "0", branch, offset=offset[k], **own[k])
    return Circuit(elements, ("in", "0"))


def or_of_flux_states(
    circuit: Callable[[], Circuit], several: Bool[Array, ""], found: CriticalCurrents
) -> CriticalCurrents:
    """The extrema that were found, or the largest currents where there are several flux states."""
    if _checks.is_concrete(several) and not np.any(np.asarray(several)):
        return found
    other = critical_currents_where(several, circuit())
    return CriticalCurrents(
        jnp.where(several, other.plus, found.plus),
        jnp.where(several, other.minus, found.minus),
        jnp.where(several, other.status, found.status),
        found.phase_plus,
        found.phase_minus,
    )


def warn_of_henries(name: str, inductance: Array, branches: Sequence[AbstractPhaseBiased]) -> None:
    """Say so where inductances change nothing: they are then most likely in henries."""
    if not _checks.all_concrete((inductance, branches)):
        return
    critical = np.array([float(branch.magnitude()) for branch in branches])
    given = np.asarray(inductance)
    checks.warn_of_no_screening(
        name, given, critical if given.size == critical.size else critical.sum()
    )
