"""What all diffusive hybrid junctions share: resolution, sums over frequencies, gap, LDOS."""

import abc
import dataclasses
from typing import NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Complex, Float, Int

from ... import _checks
from ..._checks import Numbers
from ...numerics.matrices import complexified
from ...numerics.status import Status
from .equations import matsubara_mesh as selfconsistent
from .equations import real_mesh as retarded_profile
from .equations import real_uniform as retarded
from .equations.frequencies import algebraic, matsubara
from .equations.gap import bcs_gap
from .equations.matsubara_uniform import Layers, solve
from .interfaces.barrier import AbstractInterface, Segment
from .layers.link import AbstractLink
from .layers.mesh import mesh
from .resolution import UsadelResolution
from .spin import AbstractSpinResolved
from .torus import SpinResolvedRelation

COLDEST, WARMEST = 0.01, 0.999  # T/T_c
_TOGETHER = 8  # energies solved side by side: no more than a last piece is filled up with
_SHARPEST = 1e-6  # broadening in k_BT_c: closer to the poles inside a gap ‖γ‖ is 1 to rounding
_Junction = TypeVar("_Junction", bound="AbstractHybridJunction")


class OrderParameter(NamedTuple):
    """Δ(x) of both superconductors in k_BT_c.

    Attributes:
        distance: from the interface, in ξ₀, falling from the outer end, [node].
        left, right: Δ at these distances, complex.
        status: `Status` of the solution.
    """

    distance: Float[Array, " nodes"]
    left: Complex[Array, " nodes"]
    right: Complex[Array, " nodes"]
    status: Int[Array, ""]


class AbstractHybridJunction(AbstractSpinResolved):
    """Superconductor | interface | layer without a gap | interface | superconductor, diffusive.

    A subclass says what the layer is (`link`) and which Fermi momenta it has; its constructor's
    arguments are its fields. One whose currents at all geometric phases cost no more than those at
    one overrides `prepared`.
    """

    temperature: eqx.AbstractVar[Float[Array, ""]]
    superconductor_length: eqx.AbstractVar[Float[Array, ""]]
    conductance: eqx.AbstractVar[Float[Array, ""]]
    left: eqx.AbstractVar[AbstractInterface]
    right: eqx.AbstractVar[AbstractInterface]
    self_consistent: eqx.AbstractVar[bool]
    resolution: eqx.AbstractVar[UsadelResolution]

    @abc.abstractmethod
    def link(self) -> AbstractLink:
        """The layer between the interfaces."""

    @abc.abstractmethod
    def squared_momenta(self) -> Float[Array, "2"]:
        """k↑², k↓² of that layer in the superconductor's k_F², as both interfaces see them."""

    def twist(self, phase: Float[Array, "..."]) -> Float[Array, "elements ..."]:
        """Phases by which the link's pair amplitudes differ between its ends at Δχ."""
        return self.link().twist(phase, self.geometric_phase)

    def prepared(self) -> SpinResolvedRelation:
        """Currents at all phases, of which `spin_currents` reads."""
        return _relation(self)

    def spin_currents(
        self, phase: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        return self.prepared().spin_currents(phase)

    def at_resolution(self: _Junction, resolution: UsadelResolution) -> _Junction:
        """The same junction, computed with another resolution."""
        return dataclasses.replace(self, resolution=resolution)

    def doubled(self: _Junction) -> _Junction:
        """The same junction at twice the resolution, to check a result by."""
        return self.at_resolution(self.resolution.doubled())

    @property
    def geometric_phase(self) -> Float[Array, ""]:
        """Δφ = φ_R − φ_L of the interfaces' moments, radians."""
        return self.right.azimuth - self.left.azimuth

    def order_parameter(self, phase: Numbers = 0.0) -> OrderParameter:
        """Δ(x) of both superconductors at one phase Δχ; the bulk's if not self-consistent.

        The outer ends are reservoirs with the bulk's gap: what is left of the suppression there is
        cut off by a `superconductor_length` that is too short. Each Δ stands in the frame in which
        its own outer end has phase 0; in one frame they are e^{−iΔχ/2} Δ_L and e^{iΔχ/2} Δ_R.
        """
        return _order_parameter(self, _checks.real_array("phase", phase, ndim=0))

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
        layers = ("link", "left", "right")
        if layer not in layers:
            raise _checks.unknown_name("layer", layer, layers)
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
        if _checks.is_concrete(blur) and blur < _SHARPEST:
            raise ValueError(
                f"broadening must be at least {_SHARPEST:g} (k_BT_c), got {float(blur):g}"
            )
        phase = _checks.real_array("phase", phase, ndim=0)
        profile = self.order_parameter(phase) if self.self_consistent else None
        found = [
            _chunk(self, profile, some, where, phase, layer, blur) for some in _in_chunks(energy)
        ]
        # Arrays that are known are cut by NumPy: JAX would compile for every number of energies.
        library = np if all(_checks.is_concrete(some) for some in found) else jnp
        several = library.concatenate(found, axis=1)[:, : energy.size]
        return jax.device_put(several.reshape(2, *energy.shape, *where.shape))


class Summed(NamedTuple):
    """Currents at many phases.

    Attributes:
        current: I↑ and I↓ in I₀, [2, lane]; NaN where not converged.
        converged: [lane].
        frequency_error: of the sum over frequencies, in I₀.
        finite: whether the junction's own numbers are.
    """

    current: Float[Array, "2 lanes"]
    converged: Bool[Array, " lanes"]
    frequency_error: Float[Array, ""]
    finite: Bool[Array, ""]

    def status(self) -> Int[Array, ""]:
        """One `Status` for all lanes."""
        status = jnp.where(jnp.all(self.converged), Status.CONVERGED, Status.EQUATIONS_NOT_SOLVED)
        return jnp.where(self.finite, status, Status.NONFINITE).astype(jnp.int32)


def summed(device: AbstractHybridJunction, twist: Float[Array, "elements lanes"]) -> Summed:
    """Currents at given twists, with exact gradients in every parameter."""
    layers, fine = layers_of(device), device.resolution
    finite = jnp.stack([jnp.all(jnp.isfinite(x)) for x in jax.tree.leaves(layers)])
    finite = jnp.all(finite) & jnp.isfinite(device.temperature)
    if device.self_consistent:
        found = _self_consistent(device, layers, twist)
        current, error, good = found.current, found.error, found.converged
    else:
        sum_over = matsubara(device.temperature, _fall(device, layers), fine.terms, fine.tail)
        spectral = solve(layers, sum_over.value, twist, fine.steps)
        current, error = sum_over.total(spectral.current), sum_over.error(spectral.current)
        good = jnp.all(spectral.converged, axis=0)
    error = device.temperature * jnp.max(error)
    return Summed(device.temperature * current, good, error, finite)


def layers_of(device: AbstractHybridJunction) -> Layers:
    both = jax.tree.map(lambda *x: jnp.stack(x), device.left, device.right)
    squared_momenta, momenta = device.squared_momenta(), device.resolution.momenta
    found = jax.vmap(lambda side: side.channels(squared_momenta, momenta), out_axes=-1)(both)
    # Both interfaces see the same momenta of the link: one set of weights.
    channels = tuple(Segment(x.matrix[..., None], x.weight[:, 0]) for x in found)
    return Layers(
        bcs_gap(device.temperature),
        device.superconductor_length,
        device.link(),
        device.conductance,
        channels,
    )


def require_temperature(temperature: Numbers) -> Float[Array, ""]:
    value = _checks.real_array("temperature", temperature, ndim=0)
    if _checks.is_concrete(value) and not COLDEST <= value <= WARMEST:
        raise ValueError(
            f"temperature must lie between {COLDEST:g} and {WARMEST:g} (T_c), got {value:g}"
        )
    return value


def _fall(device, layers):
    """a of the spectral current's exp(−a√n): the element that decays slowest."""
    k = layers.link.decay_constants(2 * jnp.pi * device.temperature)
    return layers.link.length * jnp.min(k.real)


def _self_consistent(device, layers, twist):
    fine = device.resolution
    # Four more nodes: one rule serves the gap and the current.
    sum_over = algebraic(device.temperature, fine.terms, fine.tail + 4)
    return selfconsistent.solve(
        layers, device.temperature, sum_over, twist, fine.steps, fine.intervals
    )


@eqx.filter_jit
def _relation(device: AbstractHybridJunction) -> SpinResolvedRelation:
    points = device.resolution.phases
    phases = 2 * np.pi * np.arange(points) / points
    found = summed(device, device.twist(jnp.asarray(phases)))
    angle = np.outer(phases, np.arange(points // 2))
    scale = np.where(np.arange(points // 2) == 0, 1, 2) / points
    status = found.status()
    currents = jnp.where(jnp.all(found.converged), found.current, jnp.nan)
    sine, cosine = currents @ (scale * np.sin(angle)), currents @ (scale * np.cos(angle))
    last = jnp.max(jnp.hypot(sine, cosine)[:, -2:])
    return SpinResolvedRelation(sine, cosine, status, last, found.frequency_error)


@eqx.filter_jit
def _order_parameter(device, phase):
    layers = layers_of(device)
    nodes = mesh(device.resolution.intervals)
    distance = device.superconductor_length * jnp.asarray(1 - nodes)
    if not device.self_consistent:
        uniform = complexified(jnp.full(nodes.size, layers.gap))
        return OrderParameter(distance, uniform, uniform, jnp.asarray(Status.CONVERGED, jnp.int32))
    found = _self_consistent(device, layers, device.twist(phase[None]))
    status = jnp.where(found.converged[0], Status.CONVERGED, Status.EQUATIONS_NOT_SOLVED)
    left, right = jnp.where(found.converged[0], found.order_parameter[:, :, 0].T, jnp.nan)
    return OrderParameter(distance, left, right, status.astype(jnp.int32))


def _chunk(device, profile, energy, position, phase, layer, blur):
    """Densities [spin, energy, *position]: in closed form where the gap is uniform, or on the mesh.

    Beside the gap's edge, where superconductors of a few ξ₀ are shorter than their decay length,
    the closed form's series end: those energies take the mesh.
    """
    closed = None
    if profile is None:
        solution = _closed(device, energy, phase, blur)
        closed = _density(device, solution, energy, position, blur, layer, False)
        if _checks.is_concrete(closed) and not np.any(np.isnan(closed)):
            return closed
        profile = device.order_parameter(phase)
    solution = _on_mesh(device, profile, energy, phase, blur)
    meshed = _density(device, solution, energy, position, blur, layer, True)
    return meshed if closed is None else jnp.where(jnp.isnan(closed), meshed, closed)


@eqx.filter_jit
def _closed(device, energy, phase, broadening):
    twist = device.twist(jnp.broadcast_to(phase, energy.shape))
    return retarded.solve(layers_of(device), energy, broadening, twist, device.resolution.steps)


@eqx.filter_jit
def _on_mesh(device, profile, energy, phase, broadening):
    twist = device.twist(jnp.broadcast_to(phase, energy.shape))
    order = jnp.stack([profile.left, profile.right], axis=1)[:, :, None]
    steps = device.resolution.steps
    return retarded_profile.solve(layers_of(device), order, energy, broadening, twist, steps)


@eqx.filter_jit
def _density(device, solution, energy, position, broadening, layer, on_mesh):
    unknowns, converged = solution
    layers, steps = layers_of(device), device.resolution.steps
    frequency = jax.lax.complex(jnp.broadcast_to(broadening, energy.shape), -energy)
    side = 0 if layer == "left" else 1

    def at(position):
        if layer == "link":
            return retarded.link_density(unknowns, layers, frequency, position, steps)
        if on_mesh:
            return retarded_profile.superconductor_density(unknowns, layers, position, side)
        return retarded.superconductor_density(unknowns, layers, frequency, position, side)

    found = jax.vmap(at, out_axes=-1)(position.ravel())
    found = jnp.where(converged[:, None], found, jnp.nan)
    return found.reshape(*found.shape[:2], *position.shape)


def _in_chunks(energies):
    """Pieces of one size, the last one filled up: one compilation serves any number of energies."""
    count = max(1, -(-energies.size // _TOGETHER))
    library = np if _checks.is_concrete(energies) else jnp
    filled = library.pad(
        library.asarray(energies).ravel(), (0, count * _TOGETHER - energies.size), mode="edge"
    )
    return list(filled.reshape(count, _TOGETHER))
