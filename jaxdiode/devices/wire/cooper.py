"""The Cooper channel between two polarised valleys: where the wire's β comes from.

Source: Banerjee and Scheurer, Appendix B. With E_ν = ξ(k + νq/2) + νΦ_V the bubble is

    Γ_q(Φ_V) = (1/2N) Σ_k [tanh(E₊/2T) + tanh(E₋/2T)]/(E₊ + E₋) = α_q − α'_qΦ_V + α''_qΦ_V² − …,

and the coefficient of the free energy a_q = 1/g − Γ_q. Time reversal relates one valley to the
other and does not make ξ(k) = ξ(−k) within one, so that α'_q need not vanish (the paper says it
does): it is of third order in q and in the trigonal warping.
"""

import math
from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks
from ..._checks import Numbers
from ...core.parameters import AbstractParameters, parameter
from ...core.results import AbstractResult, status_of

Dispersion = Callable[[Array, Array], Array]  # (k_x, k_y) → ξ of the valley ν = +

_VECTORS = {
    "square": ((1.0, 0.0), (0.0, 1.0)),
    "triangular": ((1.0, 0.0), (-0.5, math.sqrt(3) / 2), (-0.5, -math.sqrt(3) / 2)),
}


class TightBindingBand(AbstractParameters):
    """ξ(k) = −2 Σ_a [t cos k·a − w sin k·a] − μ over nearest neighbours a, one per bond.

    On the triangular lattice w is a trigonal warping, ξ(k) ≠ ξ(−k): −2t → 2|t + iw| cos(k·a + θ),
    a flux through every triangle, as in the mini-bands of one valley of twisted graphene.

    Args:
        lattice: "square" or "triangular", of lattice constant 1.
        hopping: t.
        chemical_potential: μ.
        warping: w.

    Example:
        >>> band = jd.wire.TightBindingBand("triangular", warping=0.3)  # ξ(k) ≠ ξ(−k)
        >>> print(f"{band(0.0, 0.0):.6f} {band(1.0, 0.0):.6f} {band(-1.0, 0.0):.6f}")
        -6.000000 -4.661363 -4.520507
        >>> print(band.momenta(60).shape)
        (3600, 2)
    """

    papers: ClassVar[tuple[str, ...]] = ("banerjee2025",)

    lattice: str = eqx.field(static=True)
    hopping: Float[Array, ""] = parameter(label="hopping t")
    chemical_potential: Float[Array, ""] = parameter(label="chemical potential μ")
    warping: Float[Array, ""] = parameter(label="warping w")

    def __init__(
        self,
        lattice: str,
        hopping: Numbers = 1.0,
        *,
        chemical_potential: Numbers = 0.0,
        warping: Numbers = 0.0,
    ):
        if lattice not in _VECTORS:
            raise _checks.unknown_name("lattice", lattice, _VECTORS)
        self.lattice = lattice
        self.hopping = self.checked("hopping", hopping)
        self.chemical_potential = self.checked("chemical_potential", chemical_potential)
        self.warping = self.checked("warping", warping)

    def __call__(self, kx: Numbers, ky: Numbers) -> Array:
        kx, ky = jnp.asarray(kx, float), jnp.asarray(ky, float)
        energy = -self.chemical_potential
        for x, y in _VECTORS[self.lattice]:
            angle = x * kx + y * ky
            energy = energy - 2 * (self.hopping * jnp.cos(angle) - self.warping * jnp.sin(angle))
        return energy

    def momenta(self, points: int = 120) -> Float[Array, "n 2"]:
        """points² momenta, evenly over one primitive cell of the reciprocal lattice."""
        count = _checks.whole_number("points", points)
        (a, b), (c, d) = _VECTORS[self.lattice][:2]
        scale = 2 * jnp.pi / (a * d - b * c)
        first, second = scale * jnp.array([d, -c]), scale * jnp.array([-b, a])
        part = (jnp.arange(count, dtype=float) + 0.5) / count - 0.5
        grid = part[:, None, None] * first + part[None, :, None] * second
        return grid.reshape(-1, 2)


class CooperChannel(AbstractResult):
    """Γ_q = constant − linear · Φ_V + quadratic · Φ_V² − …: α_q, α'_q and α''_q of Eqs. (B5a–b).

    Example:
        >>> band = jd.wire.TightBindingBand("triangular", warping=0.3)
        >>> found = jd.wire.cooper_channel(
        ...     band, band.momenta(120), temperature=0.2, pair_momentum=(0.2, 0.0)
        ... )
        >>> print(f"{found.constant:.6f} {found.linear:.6f} {found.quadratic:.6f}")
        0.375219 0.014828 -0.375421
    """

    constant: Float[Array, "*shape"]
    linear: Float[Array, "*shape"]
    quadratic: Float[Array, "*shape"]

    @property
    def status(self) -> Array | np.ndarray:
        return status_of(self.constant)


def cooper_channel(
    dispersion: Dispersion,
    momenta: Numbers,
    *,
    temperature: Numbers,
    pair_momentum: Numbers = (0.0, 0.0),
) -> CooperChannel:
    """α_q, α'_q and α''_q of a band, by a sum over momenta.

    Exact gradients in the temperature, the pair momentum and a band's parameters. The summands are
    evaluated without cancellation where E₊ + E₋ → 0.

    Args:
        dispersion: ξ(k_x, k_y) of the valley ν = +, elementwise: a `TightBindingBand`, or any JAX
            function.
        momenta: shape (n, 2): a Brillouin zone, with ξ changing by less than about T from one to
            the next, or in a continuum model all |ξ| ≲ 30 T.
        temperature: T > 0, in the unit of ξ.
        pair_momentum: q.

    Raises:
        ValueError: momenta or pair momentum of another shape, T not positive.

    Example:
        >>> band = jd.wire.TightBindingBand("square", chemical_potential=-1.0)
        >>> found = jd.wire.cooper_channel(band, band.momenta(120), temperature=0.2)
        >>> print(f"{found.constant:.6f} {found.quadratic:.6f}")
        0.436385 -0.772273
    """
    warm = _checks.positive("temperature", temperature)
    first, second = _energies(dispersion, momenta, pair_momentum)
    plus, minus = jnp.tanh(first / (2 * warm)), jnp.tanh(second / (2 * warm))
    kernel = _kernel(first / (2 * warm), second / (2 * warm)) / (2 * warm)
    curved = plus**2 - plus * minus + minus**2 - 1
    return CooperChannel(
        jnp.mean(kernel) / 2,
        jnp.mean(kernel * (plus - minus)) / (4 * warm),
        jnp.mean(kernel * curved) / (8 * warm**2),
    )


def cooper_bubble(
    dispersion: Dispersion,
    momenta: Numbers,
    *,
    temperature: Numbers,
    pair_momentum: Numbers = (0.0, 0.0),
    valley: Numbers = 0.0,
) -> Array:
    """Γ_q(Φ_V), Eq. (B3), to all orders; arguments as of `cooper_channel`, `valley` is Φ_V.

    Example:
        >>> band = jd.wire.TightBindingBand("square", chemical_potential=-1.0)
        >>> momenta = band.momenta(120)
        >>> for valley in (0.0, 0.1):
        ...     print(f"{jd.wire.cooper_bubble(band, momenta, temperature=0.2, valley=valley):.6f}")
        0.436385
        0.428841
    """
    warm = _checks.positive("temperature", temperature)
    shift = _checks.real_array("valley", valley, ndim=0)
    first, second = _energies(dispersion, momenta, pair_momentum)
    kernel = _kernel((first + shift) / (2 * warm), (second - shift) / (2 * warm))
    return jnp.mean(kernel) / (4 * warm)


def valley_beta(
    dispersion: Dispersion,
    momenta: Numbers,
    *,
    temperature: Numbers,
    critical_temperature: Numbers,
    pair_momentum: Numbers = (0.0, 0.0),
) -> Array:
    """β of ε(Φ_V)/ε(0) = 1 + βΦ_V², as `ValleyPolarization` takes it, with Φ_V in the unit of ξ.

    ε ∝ −a_q and 1/g = α_q(T_c): β = α''_q(T)/[α_q(T) − α_q(T_c)].

    Args:
        critical_temperature: T_c > T, of the unpolarised valleys.

    Raises:
        ValueError: T ≥ T_c, and as `cooper_channel`.

    Example:
        >>> band = jd.wire.TightBindingBand("square", chemical_potential=-1.0)
        >>> beta = jd.wire.valley_beta(
        ...     band, band.momenta(120), temperature=0.2, critical_temperature=0.25
        ... )  # a constant density of states has −7ζ(3)/[4π²T² ln(T_c/T)] = −23.88
        >>> print(f"{beta:.4f}")
        -23.4906
    """
    here = cooper_channel(dispersion, momenta, temperature=temperature, pair_momentum=pair_momentum)
    there = cooper_channel(
        dispersion, momenta, temperature=critical_temperature, pair_momentum=pair_momentum
    )
    excess = here.constant - there.constant
    if _checks.is_concrete(excess) and excess <= 0:
        raise ValueError(
            f"critical_temperature must be above temperature = {temperature}, "
            f"got {critical_temperature}"
        )
    return here.quadratic / excess


def _energies(dispersion, momenta, pair_momentum):
    k = _checks.real_array("momenta", momenta)
    q = _checks.real_array("pair_momentum", pair_momentum, ndim=1)
    if k.ndim != 2 or k.shape[1] != 2 or k.shape[0] == 0:
        raise ValueError(f"momenta must have shape (n, 2), got {k.shape}")
    _checks.require_length("pair_momentum", q, 2, "its two components")
    ahead, behind = k + q / 2, k - q / 2
    return dispersion(ahead[:, 0], ahead[:, 1]), dispersion(behind[:, 0], behind[:, 1])


def _kernel(x, y):
    """(tanh x + tanh y)/(x + y) = sinh(x + y)/[(x + y) cosh x cosh y]."""
    total = x + y
    near = jnp.abs(total) < 0.3
    small = jnp.where(near, total, 0.0) ** 2
    series = 1 + small / 6 * (1 + small / 20 * (1 + small / 42 * (1 + small / 72)))
    apart = jnp.where(near, 1.0, total)
    return jnp.where(near, series * _sech(x) * _sech(y), (jnp.tanh(x) + jnp.tanh(y)) / apart)


def _sech(x):
    decay = jnp.exp(-jnp.abs(x))
    return 2 * decay / (1 + decay**2)
