"""The spin-active diffusive junction: superconductor, barrier, strong ferromagnet, and back.

Source: "Theory of quantum-geometric charge and spin Josephson diode effects in strongly
spin-polarized hybrid structures with noncoplanar spin textures"; equation numbers are theirs.
"""

import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Int

from ... import _checks
from ..._checks import Numbers
from ...numerics.matrices import complexified
from ...numerics.status import Status
from . import retarded, selfconsistent
from .barrier import Segment, SpinBarrier, segments
from .frequencies import matsubara
from .gap import bcs_gap
from .profile import mesh
from .solver import Layers, solve
from .spin import AbstractSpinResolved
from .torus import PhaseTorus, SpinResolvedRelation, half_torus, whole_torus

_COLDEST = 0.01


class UsadelResolution(NamedTuple):
    """How finely a junction is computed. The default leaves about 2e-6 I₀, doubled 5e-8 I₀.

    Attributes:
        phases: points of the torus along each effective phase; even.
        terms: Matsubara frequencies summed one by one.
        tail: nodes that stand for all higher ones.
        steps: of the integration of half the ferromagnet.
        momenta: parallel momenta in each segment of the Fermi surface.
        intervals: of the mesh in each superconductor, where the gap is self-consistent.
    """

    phases: int = 16
    terms: int = 8
    tail: int = 8
    steps: int = 12
    momenta: int = 8
    intervals: int = 12

    def doubled(self) -> "UsadelResolution":
        """Twice as many of everything, 1.5 times as many phases."""
        return UsadelResolution(self.phases * 3 // 4 * 2, *(2 * n for n in self[1:]))


_DEFAULT = UsadelResolution()


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


class SpinActiveJunction(AbstractSpinResolved):
    """Superconductor | ferromagnetic insulator | strong ferromagnet | insulator | superconductor.

    Diffusive layers by the Usadel equation, pairs of equal spin in each band of the ferromagnet
    only (strong spin polarisation), and the general matrix current of spin-active interfaces. If
    the moments of the two barriers and the magnetisation are not coplanar, the bands acquire
    opposite geometric phases, and with unequal bands the junction is a diode.

    Currents in I₀ = πk_BT_c σ_S A/(eξ₀), σ_S per spin, ξ₀ = √(ħD_S/2πk_BT_c); energies of the
    ferromagnet in Fermi energies of the superconductor. The gap is uniform and that of the
    weak-coupling theory. All that depends on phases is read from one `torus`; a call of `current`
    computes it (seconds), so keep `prepared()` or the torus for more than one call.

    Args:
        temperature: T/T_c, from 0.01 to 1.
        superconductor_length: d_S of both superconductors, in ξ₀. Their outer ends are bulk.
        ferromagnet_length: d_F, in ξ₀.
        conductance: κ = (3/4)ξ₀/ℓ_S, conductance of the interfaces over that of a superconductor
            of length ξ₀, were they transparent.
        exchange: J_F ≥ 0 of the ferromagnet.
        potential: V_F of the ferromagnet; bands E = k² + V_F ∓ J_F. With J_F ≥ 1 − V_F it is
            a half-metal.
        left, right: barriers; their azimuths differ by the geometric phase Δφ = φ_R − φ_L.
        self_consistent: whether the gap is that of Eq. (8) at every phase, or that of the bulk up
            to the interfaces. It costs some fifty times more.
        resolution: of the computation, see `UsadelResolution`.

    Raises:
        ValueError: a temperature outside (0.01, 1), lengths or a conductance that are not positive,
            a negative exchange, no open band.
    """

    temperature: Float[Array, ""]
    superconductor_length: Float[Array, ""]
    ferromagnet_length: Float[Array, ""]
    conductance: Float[Array, ""]
    exchange: Float[Array, ""]
    potential: Float[Array, ""]
    left: SpinBarrier
    right: SpinBarrier
    self_consistent: bool = eqx.field(static=True)
    fineness: UsadelResolution = eqx.field(static=True)

    def __init__(
        self,
        temperature: Numbers,
        superconductor_length: Numbers,
        ferromagnet_length: Numbers,
        conductance: Numbers,
        exchange: Numbers,
        potential: Numbers,
        left: SpinBarrier,
        right: SpinBarrier,
        self_consistent: bool = False,
        resolution: UsadelResolution = _DEFAULT,
    ):
        self.temperature = _checks.real_array("temperature", temperature, ndim=0)
        if _checks.is_concrete(self.temperature) and not _COLDEST <= self.temperature < 1:
            raise ValueError(
                f"temperature must lie between {_COLDEST:g} and 1 (T_c), got {self.temperature:g}"
            )
        self.superconductor_length = _checks.positive(
            "superconductor_length", superconductor_length
        )
        self.ferromagnet_length = _checks.positive("ferromagnet_length", ferromagnet_length)
        self.conductance = _checks.positive("conductance", conductance)
        self.exchange = _checks.real_array("exchange", exchange, ndim=0, at_least=0.0)
        self.potential = _checks.real_array("potential", potential, ndim=0)
        for name, barrier in (("left", left), ("right", right)):
            if not isinstance(barrier, SpinBarrier):
                raise ValueError(f"{name} must be a SpinBarrier, got {type(barrier).__name__}")
        self.left, self.right = left, right
        self.self_consistent = bool(self_consistent)
        open_band = 1 - self.potential + self.exchange
        if _checks.is_concrete(open_band) and open_band <= 0:
            raise ValueError(
                "potential must stay below 1 + exchange, or no band of the ferromagnet is open, "
                f"got potential {self.potential:g} and exchange {self.exchange:g}"
            )
        if resolution.phases % 2 or resolution.phases < 4:
            raise ValueError(
                f"resolution must have an even number of phases from 4 on, got {resolution.phases}"
            )
        if resolution.terms < 4 or min(resolution) < 1:
            raise ValueError(
                f"resolution must have at least 4 terms, and 1 of everything else, got {resolution}"
            )
        self.fineness = resolution

    def ranges(self) -> dict[str, tuple[float, float]]:
        return {
            "temperature": (_COLDEST, 0.999),
            "superconductor_length": (1e-3, math.inf),
            "ferromagnet_length": (1e-3, math.inf),
            "conductance": (0.0, math.inf),
            "exchange": (0.0, math.inf),
        }

    @property
    def geometric_phase(self) -> Float[Array, ""]:
        """Δφ = φ_R − φ_L of the barriers' moments, radians."""
        return self.right.azimuth - self.left.azimuth

    def torus(self) -> PhaseTorus:
        """I↑ and I↓ at all effective phases, with exact gradients in every parameter."""
        return _torus(self)

    def prepared(self) -> SpinResolvedRelation:
        return self.torus().relation(self.geometric_phase)

    def spin_currents(
        self, phase: Float[Array, "..."]
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        return self.prepared().spin_currents(phase)

    def harmonics_2d(self, n: int) -> Float[Array, "2 orders orders"]:
        """I_mn of both bands; see `PhaseTorus.harmonics_2d`."""
        return self.torus().harmonics_2d(n)

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
        layer: str = "ferromagnet",
        broadening: Numbers = 0.005,
    ) -> Float[Array, "2 ..."]:
        """Local density of states of spins ↑ and ↓ over that of the normal layer, [spin, …].

        With the bulk's gap up to the interfaces, also in a self-consistent junction.

        From the retarded functions, N_η = Re (1 − γγ̃)/(1 + γγ̃) in a band of the ferromagnet, and
        the diagonal of Re (1 + γγ̃)⁻¹(1 − γγ̃) in a superconductor; spins along the ferromagnet's.

        Args:
            energy: E in k_BT_c, any shape; the density is even in E together with time reversal.
            position: distance from the left interface in the ferromagnet (its middle if left out),
                from the own interface in a superconductor (0 if left out), in ξ₀.
            phase: Δχ.
            layer: "ferromagnet", "left" or "right" superconductor.
            broadening: imaginary part of the energy, in k_BT_c; a hundredth of it costs accuracy.

        Raises:
            ValueError: unknown layer, position outside of it, no positive broadening.
        """
        energy = _checks.real_array("energy", energy)
        layers = ("ferromagnet", "left", "right")
        if layer not in layers:
            raise _checks.unknown_name("layer", layer, layers)
        inside = layer == "ferromagnet"
        length = self.ferromagnet_length if inside else self.superconductor_length
        if position is None:
            position = length / 2 if inside else 0.0
        where = _checks.real_array("position", position, ndim=0)
        if _checks.is_concrete(where / length) and not 0 <= where <= length:
            raise ValueError(f"position must lie between 0 and {length:g} (ξ₀), got {where:g}")
        blur = _checks.positive("broadening", broadening)
        phase = _checks.real_array("phase", phase, ndim=0)
        found = _density(self, energy.ravel(), where, phase, blur, layer)
        return found.reshape(2, *energy.shape)

    def doubled(self) -> "SpinActiveJunction":
        """The same junction at twice the resolution, to check a result by."""
        fine = self.fineness.doubled()
        return SpinActiveJunction(
            self.temperature, self.superconductor_length, self.ferromagnet_length,
            self.conductance, self.exchange, self.potential, self.left, self.right,
            self.self_consistent, fine,
        )  # fmt: skip


@eqx.filter_jit
def _torus(device: SpinActiveJunction) -> PhaseTorus:
    fine = device.fineness
    layers = _layers(device)
    twist = half_torus(fine.phases)
    if device.self_consistent:
        found = _self_consistent(device, layers, twist)
        current, last, good = found.current, found.last, found.converged
    else:
        sum_over = matsubara(device.temperature, _fall(device, layers), fine.terms, fine.tail)
        spectral = solve(layers, sum_over.value, twist, fine.steps)
        parts = sum_over.weight[:, None, None] * spectral.current
        current, last = jnp.sum(parts, axis=0), parts[0]
        good = jnp.all(spectral.converged, axis=0)
    current = whole_torus(device.temperature * current, fine.phases, -1)
    converged = whole_torus(good, fine.phases, 1)
    known = jnp.all(jnp.stack([jnp.all(jnp.isfinite(x)) for x in jax.tree.leaves(layers)]))
    status = jnp.where(jnp.all(converged), Status.CONVERGED, Status.NOT_CONVERGED)
    status = jnp.where(known, status, Status.NONFINITE).astype(jnp.int32)
    return PhaseTorus(current, converged, device.temperature * jnp.max(jnp.abs(last)), status)


def _fall(device, layers):
    """a of the spectral current's exp(−a√n): the majority band decays slowest."""
    return layers.ferromagnet * jnp.sqrt(2 * device.temperature / layers.wave_numbers[0])


def _self_consistent(device, layers, twist):
    # The gap's own sum converges as 1/√n at the interfaces: it is taken ten times further.
    fine = device.fineness
    fall = _fall(device, layers) / 3
    sum_over = matsubara(device.temperature, fall, fine.terms, fine.tail + 4)
    return selfconsistent.solve(
        layers, device.temperature, sum_over, twist, fine.steps, fine.intervals
    )


@eqx.filter_jit
def _order_parameter(device, phase):
    layers = _layers(device)
    nodes = mesh(device.fineness.intervals)
    distance = device.superconductor_length * jnp.asarray(1 - nodes)
    if not device.self_consistent:
        uniform = complexified(jnp.full(nodes.size, layers.gap))
        return OrderParameter(distance, uniform, uniform, jnp.asarray(Status.CONVERGED, jnp.int32))
    twist = phase + jnp.array([-1.0, 1.0]) * device.geometric_phase
    found = _self_consistent(device, layers, twist[:, None])
    status = jnp.where(found.converged[0], Status.CONVERGED, Status.NOT_CONVERGED)
    left, right = jnp.where(found.converged[0], found.order_parameter[:, :, 0].T, jnp.nan)
    return OrderParameter(distance, left, right, status.astype(jnp.int32))


@eqx.filter_jit
def _density(device, energy, position, phase, broadening, layer):
    layers, steps = _layers(device), device.fineness.steps
    angle = phase + jnp.array([-1.0, 1.0]) * device.geometric_phase
    twist = jnp.broadcast_to(angle[:, None], (2, energy.size))
    unknowns, converged = retarded.solve(layers, energy, broadening, twist, steps)
    frequency = jax.lax.complex(jnp.broadcast_to(broadening, energy.shape), -energy)
    if layer == "ferromagnet":
        found = retarded.ferromagnet_density(unknowns, layers, frequency, position, steps)
    else:
        side = 0 if layer == "left" else 1
        found = retarded.superconductor_density(unknowns, layers, frequency, position, side)
    return jnp.where(converged, found, jnp.nan)


def _layers(device) -> Layers:
    wave_numbers = 1 - device.potential + jnp.stack([device.exchange, -device.exchange])
    left, right = (
        segments(barrier, wave_numbers, device.fineness.momenta)
        for barrier in (device.left, device.right)
    )
    channels = tuple(
        Segment(jnp.stack([a.matrix, b.matrix], axis=-1)[..., None], a.weight)
        for a, b in zip(left, right, strict=True)
    )
    return Layers(
        bcs_gap(device.temperature),
        device.superconductor_length,
        device.ferromagnet_length,
        device.conductance,
        wave_numbers,
        channels,
    )
