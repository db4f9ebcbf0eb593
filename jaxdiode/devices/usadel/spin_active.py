"""The spin-active diffusive junction: superconductor, barrier, strong ferromagnet, and back.

Source: Schulz, Nikolić and Eschrig, "Theory of quantum-geometric charge and spin Josephson diode
effects in strongly spin-polarized hybrid structures with noncoplanar spin textures",
arXiv:2501.12232; equation numbers are theirs.
"""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ... import _checks
from ..._checks import Numbers
from ...core.parameters import parameter
from .currents import Summed, summed
from .interfaces.barrier import SpinBarrier
from .junction import AbstractHybridJunction
from .layers.link import StrongFerromagnet
from .resolution import UsadelResolution, required_resolution
from .structure import COLDEST, WARMEST
from .torus import PhaseTorus, SpinResolvedRelation, half_torus, whole_torus

_DEFAULT = UsadelResolution(phases=16, terms=8, tail=8, steps=12, momenta=8, intervals=12)


class SpinActiveJunction(AbstractHybridJunction):
    """Superconductor | ferromagnetic insulator | strong ferromagnet | insulator | superconductor.

    Diffusive layers by the Usadel equation, pairs of equal spin in each band of the ferromagnet
    only (strong spin polarisation), and the general matrix current of spin-active interfaces. If
    the moments of the two barriers and the magnetisation are not coplanar, the bands acquire
    opposite geometric phases, and with unequal bands the junction is a diode.

    Currents in I₀ = πk_BT_c σ_S A/(eξ₀), σ_S per spin, ξ₀ = √(ħD_S/2πk_BT_c); energies of the
    ferromagnet in Fermi energies of the superconductor. The gap is that of the weak-coupling
    theory, uniform unless it is to be self-consistent. All that depends on phases is read from one
    `torus`; a call of `current` computes it (seconds), so keep `relation()` or the torus for more
    than one call.

    Args:
        temperature: T/T_c, from 0.01 to 0.999.
        superconductor_length: d_S of both superconductors, in ξ₀. Their outer ends are bulk.
        ferromagnet_length: d_F, in ξ₀.
        conductance: κ = (3/4)ξ₀/ℓ_S, conductance of the interfaces over that of a superconductor
            of length ξ₀, were they transparent. Up to 10³ all of some hundred random junctions
            are solved, to 10⁴ a few in a hundred are not at all phases (NaN, with a status).
        exchange: J_F ≥ 0 of the ferromagnet.
        potential: V_F of the ferromagnet; bands E = k² + V_F ∓ J_F. With J_F ≥ 1 − V_F it is
            a half-metal.
        left, right: barriers; their azimuths differ by the geometric phase Δφ = φ_R − φ_L.
        self_consistent: whether the gap is that of Eq. (8) at every phase, or that of the bulk up
            to the interfaces. It costs some fifty times more.
        resolution: of the computation, see `UsadelResolution`; left out are 16 phases, 8 terms,
            tail 8, 12 steps, 8 momenta, 12 intervals.

    Raises:
        ValueError: a temperature outside [0.01, 0.999], lengths or a conductance that are not
            positive, a negative exchange, no open band.

    Example:
        >>> left, right = (
        ...     jd.usadel.SpinBarrier(1.4, 0.25, width_up=0.14, width_down=0.14, azimuth=x)
        ...     for x in (0.0, 0.4 * np.pi)
        ... )
        >>> fine = jd.usadel.UsadelResolution(phases=8, terms=4, tail=4, steps=6, momenta=4)
        >>> junction = jd.SpinActiveJunction(
        ...     0.1, 4, ferromagnet_length=1, conductance=2, exchange=0.25, potential=0.25,
        ...     left=left, right=right, resolution=fine,
        ... )
        >>> print(f"{jd.diode_efficiency(junction.relation()):.4f}")  # −0.1940 without `resolution`
        -0.1960
    """

    papers: ClassVar[tuple[str, ...]] = ("schulz2025", "eschrig2015")

    temperature: Float[Array, ""] = parameter(
        at_least=COLDEST, at_most=WARMEST, unit="T_c", label="temperature"
    )
    superconductor_length: Float[Array, ""] = parameter(
        above=0.0, unit="ξ₀", label="length of the superconductors"
    )
    ferromagnet_length: Float[Array, ""] = parameter(
        above=0.0, unit="ξ₀", label="length of the ferromagnet"
    )
    conductance: Float[Array, ""] = parameter(above=0.0, label="interface conductance κ")
    exchange: Float[Array, ""] = parameter(at_least=0.0, unit="E_F", label="exchange J_F")
    potential: Float[Array, ""] = parameter(unit="E_F", label="potential V_F")
    left: SpinBarrier
    right: SpinBarrier
    self_consistent: bool = eqx.field(static=True)
    resolution: UsadelResolution = eqx.field(static=True)

    def __init__(
        self,
        temperature: Numbers,
        superconductor_length: Numbers,
        *,
        ferromagnet_length: Numbers,
        conductance: Numbers,
        exchange: Numbers,
        potential: Numbers,
        left: SpinBarrier,
        right: SpinBarrier,
        self_consistent: bool = False,
        resolution: UsadelResolution | None = None,
    ):
        self.temperature = self.checked("temperature", temperature)
        self.superconductor_length = self.checked("superconductor_length", superconductor_length)
        self.ferromagnet_length = self.checked("ferromagnet_length", ferromagnet_length)
        self.conductance = self.checked("conductance", conductance)
        self.exchange = self.checked("exchange", exchange)
        self.potential = self.checked("potential", potential)
        for name, barrier in (("left", left), ("right", right)):
            if not isinstance(barrier, SpinBarrier):
                raise ValueError(f"{name} must be a SpinBarrier, got {type(barrier).__name__}")
        self.left, self.right = left, right
        self.self_consistent = _checks.flag("self_consistent", self_consistent)
        open_band = 1 - self.potential + self.exchange
        if _checks.is_concrete(open_band) and open_band <= 0:
            raise ValueError(
                "potential must stay below 1 + exchange, or no band of the ferromagnet is open, "
                f"got potential {self.potential:g} and exchange {self.exchange:g}"
            )
        self.resolution = required_resolution(resolution, _DEFAULT)

    def link(self) -> StrongFerromagnet:
        return StrongFerromagnet(self.ferromagnet_length, self.squared_momenta())

    def squared_momenta(self) -> Float[Array, "2"]:
        # Where the constructor cannot look, a negative one would take the bands for each other.
        exchange = jnp.where(self.exchange >= 0, self.exchange, jnp.nan)
        return 1 - self.potential + jnp.stack([exchange, -exchange])

    def torus(self) -> PhaseTorus:
        """I↑ and I↓ at all effective phases, with exact gradients in every parameter."""
        return _torus(self)

    def relation(self) -> SpinResolvedRelation:
        return self.torus().relation(self.geometric_phase)

    def twists(self) -> Float[Array, "2 lanes"]:
        return half_torus(self.resolution.phases)

    def relation_from(self, found: Summed) -> SpinResolvedRelation:
        return self.torus_from(found).relation(self.geometric_phase)

    def torus_from(self, found: Summed) -> PhaseTorus:
        """The torus of currents computed at `twists`."""
        points = self.resolution.phases
        current = whole_torus(found.current, points, -1)
        converged = whole_torus(found.converged, points, 1)
        return PhaseTorus(current, converged, found.frequency_error, found.status())

    def harmonics_2d(self, n: int) -> Float[Array, "2 orders orders"]:
        """I_mn of both bands; see `PhaseTorus.harmonics_2d`."""
        return self.torus().harmonics_2d(n)


@eqx.filter_jit
def _torus(device: SpinActiveJunction) -> PhaseTorus:
    return device.torus_from(summed(device, device.twists()))
