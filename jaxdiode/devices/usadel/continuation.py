"""Critical currents of hybrid junctions from point to point, by warm starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from ...core.continuation import AbstractContinuation
from ...core.device import AbstractDevice, critical_currents
from .currents import summed
from .equations.base import Known
from .structure import AbstractHybridStructure

if TYPE_CHECKING:
    from .junction import AbstractHybridJunction


class CurrentContinuation(AbstractContinuation):
    """Critical currents of diffusive junctions for `sweep(…, along=…)`, by warm starts.

    The functions γ(ω) at all phases and, of a self-consistent junction, Δ(x) and the Jacobian of
    its equation are looked for from those of the two points before, on a straight line; lanes that
    are lost so are solved from the beginning. The values are those of `critical_currents`, to the
    accuracy of the solutions (a self-consistent gap to 1e-9 k_BT_c). At steps of 5 % of the
    temperature a point takes a third of the time, with a self-consistent gap two fifths. Statuses
    as there.

    Raises:
        ValueError: another kind of device.

    Example:
        >>> contact = jd.usadel.SpinActiveContact(transmission=0.5)
        >>> fine = jd.usadel.UsadelResolution(phases=8, terms=4, tail=4, steps=6, momenta=4)
        >>> junction = jd.DiffusiveJunction(
        ...     0.2, 4, link_length=1, conductance=2, left=contact, right=contact, resolution=fine
        ... )
        >>> temperature = {"temperature": np.linspace(0.2, 0.5, 4)}
        >>> found = jd.sweep(
        ...     jd.continuation.CurrentContinuation(), junction, temperature, along="temperature"
        ... )
        >>> print(np.round(found["plus"].values, 4))
        [0.2587 0.2333 0.2035 0.171 ]
    """

    def start(self, device: AbstractDevice) -> Known:
        junction = _required(device)
        kinds = jax.eval_shape(lambda: summed(junction, junction.twists(), going_on=True).solution)
        # Nothing is known: the first point is solved from the beginning, as one that is lost.
        found = jax.tree.map(lambda x: jnp.full(x.shape, _unknown(x.dtype), x.dtype), kinds)
        return Known(found, found.place())

    def advance(self, device: AbstractDevice, state: Known) -> tuple[dict[str, Any], Known]:
        junction = _required(device)
        found = summed(junction, junction.twists(), going_on=True, known=state)
        output = critical_currents(junction.relation_from(found)).as_dict()
        here, known = jax.lax.stop_gradient(found.solution), state.last
        # A lane of which nothing was known before has no slope yet.
        before = jax.tree.map(
            lambda old, new: jnp.where(known.converged, old, new), known.place(), here.place()
        )
        return output, Known(here, before)


def _unknown(dtype: Any) -> float | bool:
    return False if jnp.issubdtype(dtype, bool) else jnp.nan


def _required(device: Any) -> AbstractHybridJunction:
    if not isinstance(device, AbstractHybridStructure):
        raise ValueError(
            "device must be a DiffusiveJunction or a SpinActiveJunction to be continued so, got "
            f"{type(device).__name__}"
        )
    return device  # pyright: ignore[reportReturnType]
