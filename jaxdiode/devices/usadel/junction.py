"""What is read from a diffusive hybrid structure as a Josephson junction."""

import dataclasses
from typing import TypeVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks
from ..._checks import Numbers
from ...core.continuation import AbstractContinuable
from . import currents, spectroscopy
from .continuation import CurrentContinuation
from .resolution import UsadelResolution
from .spin import AbstractSpinResolved
from .structure import AbstractHybridStructure
from .torus import SpinResolvedRelation

_Junction = TypeVar("_Junction", bound="AbstractHybridJunction")


class AbstractHybridJunction(AbstractHybridStructure, AbstractSpinResolved, AbstractContinuable):
    """A hybrid structure between the phases of its superconductors.

    Its constructor's arguments are its fields. One whose currents at all geometric phases cost no
    more than those at one overrides `relation`, `twists` and `relation_from`.
    """

    def relation(self) -> SpinResolvedRelation:
        """Currents at all phases, of which `spin_currents` reads."""
        return _relation(self)

    def twists(self) -> Float[Array, "elements lanes"]:
        """Those at which the currents are computed."""
        return self.twist(jnp.asarray(currents.phases_of(self)))

    def relation_from(self, found: currents.Summed) -> SpinResolvedRelation:
        """The relation of currents computed at these twists."""
        return currents.as_series(self, found)

    def continuation(self) -> CurrentContinuation:
        return CurrentContinuation()

    def spin_currents(
        self, phase: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        return self.relation().spin_currents(phase)

    def at_resolution(self: _Junction, resolution: UsadelResolution) -> _Junction:
        """The same junction, computed with another resolution."""
        return dataclasses.replace(self, resolution=resolution)

    def doubled(self: _Junction) -> _Junction:
        """The same junction at twice the resolution, to check a result by."""
        return self.at_resolution(self.resolution.doubled())

    def order_parameter(self, phase: Numbers = 0.0) -> currents.OrderParameter:
        """Δ(x) of both superconductors at one phase Δχ; the bulk's if not self-consistent.

        The outer ends are reservoirs with the bulk's gap: what is left of the suppression there is
        cut off by a `superconductor_length` that is too short. Each Δ stands in the frame in which
        its own outer end has phase 0; in one frame they are e^{−iΔχ/2} Δ_L and e^{iΔχ/2} Δ_R.
        """
        return currents.order_parameter(self, _checks.real_array("phase", phase, ndim=0))

    def ldos(
        self,
        energy: Numbers,
        position: Numbers | None = None,
        phase: Numbers = 0.0,
        layer: str = "link",
        broadening: Numbers = 0.005,
    ) -> Float[Array, "2 ..."]:
        """Local density of states of spins ↑ and ↓ over that of the normal layer.

        From the retarded functions, the diagonal of Re (1 + γγ̃)⁻¹(1 − γγ̃), spins along the axis of
        the layer between the interfaces. With the gap of `order_parameter` at this phase: the
        bulk's up to the interfaces, or the self-consistent one. Compiled once, for some 40 s, for
        any number of energies and all phases (again where an energy at the gap's edge needs the
        mesh); then about 0.2 s an energy, computed eight at a time. What tunnelling
        into a normal tip measures is the mean of both spins, which is even in E; one spin's alone
        need not be.

        Args:
            energy: E from the Fermi energy in k_BT_c, any shape.
            position: distance from the left interface between the interfaces (the middle if left
                out), from the own interface in a superconductor (0 if left out), in ξ₀, any shape.
            phase: Δχ, one number; loop over several.
            layer: "link" between the interfaces, "left" or "right" superconductor.
            broadening: imaginary part of the energy, in k_BT_c, at least 1e-6. Peaks are as narrow
                as it is.

        Returns:
            [spin, *energy, *position]; 0 in a band that is empty, NaN at an energy whose boundary
            value problem was not solved.

        Raises:
            ValueError: unknown layer, position outside of it, a broadening below 1e-6.
        """
        energy = _checks.real_array("energy", energy)
        if layer not in spectroscopy.LAYERS:
            raise _checks.unknown_name("layer", layer, spectroscopy.LAYERS)
        inside = layer == "link"
        length = self.link().length if inside else self.superconductor_length
        if position is None:
            position = length / 2 if inside else 0.0
        where = _checks.real_array("position", position)
        if _checks.is_concrete(where / length):
            for value in np.ravel(where):
                if not 0 <= value <= length:
                    raise ValueError(
                        f"position must lie between 0 and {length:g} (ξ₀), got {value:g}"
                    )
        blur = _checks.positive("broadening", broadening)
        if _checks.is_concrete(blur) and blur < spectroscopy.SHARPEST:
            raise ValueError(
                f"broadening must be at least {spectroscopy.SHARPEST:g} (k_BT_c), "
                f"got {float(blur):g}"
            )
        phase = _checks.real_array("phase", phase, ndim=0)
        place = spectroscopy.Place(layer, where)
        return spectroscopy.densities(self, place, energy, phase, blur)


@eqx.filter_jit
def _relation(junction: AbstractHybridJunction) -> SpinResolvedRelation:
    return junction.relation_from(currents.summed(junction, junction.twists()))
