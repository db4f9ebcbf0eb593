"""Diffusive SNS and SFS junctions: a normal metal or a weak ferromagnet between superconductors."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ... import _checks
from ..._checks import Numbers
from ...core.parameters import parameter
from .interfaces.base import AbstractInterface
from .junction import AbstractHybridJunction
from .layers.link import WeakLink
from .resolution import UsadelResolution, required_resolution
from .structure import COLDEST, WARMEST

# Short junctions fall over more decades of frequency than any ferromagnet.
_DEFAULT = UsadelResolution(phases=32, terms=12, tail=16, steps=12, momenta=8, intervals=12)


class DiffusiveJunction(AbstractHybridJunction):
    """Superconductor | interface | normal metal or weak ferromagnet | interface | superconductor.

    The layer between is one band with an exchange field h ≪ E_F along its spin axis: pairs of
    opposite spins turn with h and decay over √(ħD/h), pairs of equal spin, made by noncollinear
    interfaces, do not. Usadel equation with the general matrix current at the interfaces, so every
    one of tunnelling (Kupriyanov–Lukichev), Nazarov's and spin-active interfaces is allowed.

    Currents in I₀ = πk_BT_c σ_S A/(eξ₀), σ_S per spin, ξ₀ = √(ħD_S/2πk_BT_c); lengths in ξ₀. With
    R_N the resistance of the layer alone, eR_N I/(k_BT_c) = (π/2) L σ_S/σ_N · I/I₀; an unpolarised
    interface of transmission T, of conductance κT σ_S A/ξ₀ per spin, adds 1/κT to L σ_S/σ_N. The
    spin current along the axis of the layer is conserved like the charge current. A call of
    `current` solves at all phases (seconds): keep `relation()` for more than one.

    Args:
        temperature: T/T_c, from 0.01 to 0.999.
        superconductor_length: d_S of both superconductors, in ξ₀. Their outer ends are bulk.
        link_length: L of the layer between, in ξ₀.
        conductance: κ, conductance of each interface were its channels transparent. Checked up to
            10⁴, by where interfaces hardly matter.
        left, right: interfaces, each a `SpinActiveContact` or a `SpinBarrier`.
        exchange_field: h in k_BT_c; the energies are ∓h for spin ↑ and ↓.
        conductivity: σ_N/σ_S. A small one makes the superconductors rigid reservoirs.
        diffusivity: D_N/D_S.
        self_consistent: whether the gap is self-consistent, or that of the bulk up to the
            interfaces.
        resolution: of the computation; left out are 32 phases, 12 terms, tail 16, 12 steps, 8
            momenta, 12 intervals. `phases` are those of Δχ; what they miss is estimated by
            `relation().truncation_error`: transparent short junctions at low temperature have sharp
            relations and need more. `relation().frequency_error` estimates what the sum over
            frequencies leaves; with `terms` and `tail` of 12 and 16 that is 1e-5 of a current, more
            in short junctions below 0.03 T_c.

    Raises:
        ValueError: a temperature outside [0.01, 0.999]; lengths, conductances or a diffusivity
            that are not positive; an interface of another type.

    Example:
        >>> left, right = (
        ...     jd.usadel.SpinActiveContact(0.4, 0.6, mixing=0.8, polar=np.pi / 2, azimuth=x)
        ...     for x in (0.0, 1.2)
        ... )
        >>> fine = jd.usadel.UsadelResolution(phases=8, terms=4, tail=4, steps=6, momenta=4)
        >>> junction = jd.DiffusiveJunction(
        ...     0.2, 4, link_length=1, conductance=2, left=left, right=right, exchange_field=1.0,
        ...     resolution=fine,
        ... )
        >>> print(f"{jd.diode_efficiency(junction.relation()):.4f}")  # 0.0425 without `resolution`
        0.0417
    """

    papers: ClassVar[tuple[str, ...]] = ("eschrig2015",)

    temperature: Float[Array, ""] = parameter(
        at_least=COLDEST, at_most=WARMEST, unit="T_c", label="temperature"
    )
    superconductor_length: Float[Array, ""] = parameter(
        above=0.0, unit="ξ₀", label="length of the superconductors"
    )
    link_length: Float[Array, ""] = parameter(above=0.0, unit="ξ₀", label="length of the link")
    conductance: Float[Array, ""] = parameter(above=0.0, label="interface conductance κ")
    left: AbstractInterface
    right: AbstractInterface
    exchange_field: Float[Array, ""] = parameter(unit="k_BT_c", label="exchange field h")
    conductivity: Float[Array, ""] = parameter(above=0.0, unit="σ_S", label="conductivity")
    diffusivity: Float[Array, ""] = parameter(above=0.0, unit="D_S", label="diffusivity")
    self_consistent: bool = eqx.field(static=True)
    resolution: UsadelResolution = eqx.field(static=True)

    def __init__(
        self,
        temperature: Numbers,
        superconductor_length: Numbers,
        *,
        link_length: Numbers,
        conductance: Numbers,
        left: AbstractInterface,
        right: AbstractInterface,
        exchange_field: Numbers = 0.0,
        conductivity: Numbers = 1.0,
        diffusivity: Numbers = 1.0,
        self_consistent: bool = False,
        resolution: UsadelResolution | None = None,
    ):
        self.temperature = self.checked("temperature", temperature)
        self.superconductor_length = self.checked("superconductor_length", superconductor_length)
        self.link_length = self.checked("link_length", link_length)
        self.conductance = self.checked("conductance", conductance)
        self.exchange_field = self.checked("exchange_field", exchange_field)
        self.conductivity = self.checked("conductivity", conductivity)
        self.diffusivity = self.checked("diffusivity", diffusivity)
        for name, side in (("left", left), ("right", right)):
            if not isinstance(side, AbstractInterface):
                raise ValueError(
                    f"{name} must be a SpinActiveContact or a SpinBarrier, "
                    f"got {type(side).__name__}"
                )
        if type(left) is not type(right):
            raise ValueError(
                "left and right must be interfaces of one type, got "
                f"{type(left).__name__} and {type(right).__name__}"
            )
        self.left, self.right = left, right
        self.self_consistent = _checks.flag("self_consistent", self_consistent)
        self.resolution = required_resolution(resolution, _DEFAULT)

    def link(self) -> WeakLink:
        return WeakLink(self.link_length, self.conductivity, self.diffusivity, self.exchange_field)

    def squared_momenta(self) -> Float[Array, "2"]:
        return jnp.ones(2)
