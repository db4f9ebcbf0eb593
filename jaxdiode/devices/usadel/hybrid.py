"""What all diffusive hybrid junctions share: resolution, sums over frequencies, gap, LDOS."""

import abc
import dataclasses
from typing import Any, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Complex, Float, Int

from ... import _checks
from ..._checks import Numbers
from ...numerics.matrices import complexified
from ...numerics.status import Status
from . import retarded, retarded_profile, selfconsistent
from .barrier import AbstractInterface, Segment
from .frequencies import matsubara
from .gap import bcs_gap
from .link import AbstractLink
from .profile import mesh
from .solver import Layers, solve
from .spin import AbstractSpinResolved
from .torus import SpinResolvedRelation

COLDEST, WARMEST = 0.01, 0.999  # T/T_c
_Junction = TypeVar("_Junction", bound="AbstractHybridJunction")


class UsadelResolution(NamedTuple):
    """How finely a junction is computed.

    The default leaves some 1e-4 of a current, about 2e-6 I₀ in a strong ferromagnet, twice as fine
    5e-8 I₀; `frequency_error` and `truncation_error` of a torus or a relation estimate it.

    Attributes:
        phases: points along each phase, even; 0 means 16 on a torus and 32 on a relation.
        terms: Matsubara frequencies summed one by one.
        tail: nodes that stand for all higher ones.
        steps: of the integration of half the layer between the interfaces.
        momenta: parallel momenta in each segment of the Fermi surface.
        intervals: of the mesh in each superconductor, where the gap is self-consistent.
    """

    phases: int = 0
    terms: int = 8
    tail: int = 8
    steps: int = 12
    momenta: int = 8
    intervals: int = 12

    def doubled(self) -> "UsadelResolution":
        """Twice as many of everything, 1.5 times as many phases."""
        return UsadelResolution(self.phases * 3 // 4 * 2, *(2 * n for n in self[1:]))


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
    arguments are its fields, and `resolution` for `fineness`. A subclass whose currents at all
    geometric phases cost no more than those at one overrides `prepared`.
    """

    temperature: eqx.AbstractVar[Float[Array, ""]]
    superconductor_length: eqx.AbstractVar[Float[Array, ""]]
    conductance: eqx.AbstractVar[Float[Array, ""]]
    left: eqx.AbstractVar[AbstractInterface]
    right: eqx.AbstractVar[AbstractInterface]
    self_consistent: eqx.AbstractVar[bool]
    fineness: eqx.AbstractVar[UsadelResolution]

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
        names = [field.name for field in dataclasses.fields(self) if field.name != "fineness"]
        same = {name: getattr(self, name) for name in names}
        make: Any = type(self)
        return make(**same, resolution=resolution)

    def doubled(self: _Junction) -> _Junction:
        """The same junction at twice the resolution, to check a result by."""
        return self.at_resolution(self.fineness.doubled())

    @property
    def geometric_phase(self) -> Float[Array, ""]:
        """Δφ = φ_R − φ_L of the interfaces' moments, radians."""
        return self.right.azimuth - self.left.azimuth

    def order_parameter(self, phase: Numbers = 0.0) -> OrderParameter:
        """Δ(x) of both superconductors at one phase Δχ; the bulk's if not self-consistent.

        Each in the frame in which the outer end of its superconductor has phase 0.
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
        """Local density of states of spins ↑ and ↓ over that of the normal layer, [spin, …].

        From the retarded functions, the diagonal of Re (1 + γγ̃)⁻¹(1 − γγ̃), spins along the axis of
        the layer between the interfaces. With the gap of `order_parameter` at this phase: the
        bulk's up to the interfaces, or the self-consistent one (a minute for a hundred energies).

        Args:
            energy: E from the Fermi energy in k_BT_c, any shape.
            position: distance from the left interface between the interfaces (the middle if left
                out), from the own interface in a superconductor (0 if left out), in ξ₀.
            phase: Δχ.
            layer: "link" between the interfaces, "left" or "right" superconductor.
            broadening: imaginary part of the energy, in k_BT_c; a hundredth of it costs accuracy.

        Returns:
            [spin, …]; NaN at an energy whose boundary value problem was not solved.

        Raises:
            ValueError: unknown layer, position outside of it, no positive broadening.
        """
        energy = _checks.real_array("energy", energy)
        layers = ("link", "left", "right")
        if layer not in layers:
            raise _checks.unknown_name("layer", layer, layers)
        inside = layer == "link"
        length = self.link().length if inside else self.superconductor_length
        if position is None:
            position = length / 2 if inside else 0.0
        where = _checks.real_array("position", position, ndim=0)
        if _checks.is_concrete(where / length) and not 0 <= where <= length:
            raise ValueError(f"position must lie between 0 and {length:g} (ξ₀), got {where:g}")
        blur = _checks.positive("broadening", broadening)
        phase = _checks.real_array("phase", phase, ndim=0)
        flat = energy.ravel()
        profile = self.order_parameter(phase) if self.self_consistent else None
        solution = _retarded(self, profile, flat, phase, blur)
        found = _density(self, solution, flat, where, blur, layer)
        return found.reshape(2, *energy.shape)


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
        status = jnp.where(jnp.all(self.converged), Status.CONVERGED, Status.NOT_CONVERGED)
        return jnp.where(self.finite, status, Status.NONFINITE).astype(jnp.int32)


def summed(device: AbstractHybridJunction, twist: Float[Array, "elements lanes"]) -> Summed:
    """Currents at given twists, with exact gradients in every parameter."""
    layers, fine = layers_of(device), device.fineness
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
    squared_momenta, momenta = device.squared_momenta(), device.fineness.momenta
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


def required_resolution(resolution: Any, phases: int) -> UsadelResolution:
    """A resolution, checked and with the number of phases filled in."""
    if not isinstance(resolution, UsadelResolution):
        raise ValueError(f"resolution must be a UsadelResolution, got {resolution!r}")
    least = UsadelResolution(phases=4, terms=4, tail=1, steps=1, momenta=1, intervals=4)
    full = resolution._replace(phases=resolution.phases or phases)
    for name, value, at_least in zip(full._fields, full, least, strict=True):
        _checks.whole_number(f"resolution's {name}", value, at_least)
    if full.phases % 2:
        raise ValueError(f"resolution's phases must be even, got {full.phases}")
    return full


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
    # The gap's own sum converges as 1/√n at the interfaces: it is taken ten times further, and
    # four more nodes keep the tail's density.
    fine = device.fineness
    fall = _fall(device, layers) / 3
    sum_over = matsubara(device.temperature, fall, fine.terms, fine.tail + 4)
    return selfconsistent.solve(
        layers, device.temperature, sum_over, twist, fine.steps, fine.intervals
    )


@eqx.filter_jit
def _relation(device: AbstractHybridJunction) -> SpinResolvedRelation:
    points = device.fineness.phases
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
    nodes = mesh(device.fineness.intervals)
    distance = device.superconductor_length * jnp.asarray(1 - nodes)
    if not device.self_consistent:
        uniform = complexified(jnp.full(nodes.size, layers.gap))
        return OrderParameter(distance, uniform, uniform, jnp.asarray(Status.CONVERGED, jnp.int32))
    found = _self_consistent(device, layers, device.twist(phase[None]))
    status = jnp.where(found.converged[0], Status.CONVERGED, Status.NOT_CONVERGED)
    left, right = jnp.where(found.converged[0], found.order_parameter[:, :, 0].T, jnp.nan)
    return OrderParameter(distance, left, right, status.astype(jnp.int32))


@eqx.filter_jit
def _retarded(device, profile, energy, phase, broadening):
    layers, steps = layers_of(device), device.fineness.steps
    twist = device.twist(jnp.broadcast_to(phase, energy.shape))
    if profile is None:
        return retarded.solve(layers, energy, broadening, twist, steps)
    order = jnp.stack([profile.left, profile.right], axis=1)[:, :, None]
    return retarded_profile.solve(layers, order, energy, broadening, twist, steps)


@eqx.filter_jit
def _density(device, solution, energy, position, broadening, layer):
    layers, steps = layers_of(device), device.fineness.steps
    unknowns, converged = solution
    frequency = jax.lax.complex(jnp.broadcast_to(broadening, energy.shape), -energy)
    side = 0 if layer == "left" else 1
    if layer == "link":
        found = retarded.link_density(unknowns, layers, frequency, position, steps)
    elif device.self_consistent:
        found = retarded_profile.superconductor_density(unknowns, layers, position, side)
    else:
        found = retarded.superconductor_density(unknowns, layers, frequency, position, side)
    return jnp.where(converged, found, jnp.nan)
