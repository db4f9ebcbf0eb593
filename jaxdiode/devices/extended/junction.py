"""A short junction whose phase a magnetic field tilts across its width."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ... import _checks, units
from ..._checks import Numbers
from ...core.device import AbstractPhaseBiased, DirectRelation, Relation
from ...core.extrema import largest_current
from ...core.parameters import parameter
from ...core.temperature import parts_at_reduced_temperature
from ...junctions import Harmonics, TunnelJunction
from ...numerics.status import Status
from . import profiles, quadrature, spectrum
from .strip import strip_phase

Profile = Numbers | str | Callable | None

_BANKS = ("bulk", "thin")
_QUADRATURE = 100.0  # totals 1e-11 of the local current are the quadrature's, 1e-13 count as none
_WIDE = 0.2  # turns that 256 harmonics resolve
_MOST_FLUX = 1e4  # flux quanta: more are another unit's
_THIN_PANELS = 24  # per flux quantum through a thin strip


class ExtendedJunction(AbstractPhaseBiased):
    """Junction of width w in a field: I(φ; f) = ∫ p(x) i(φ + 2πf x) dx, −½ ≤ x ≤ ½.

    f = Φ/Φ₀, Φ = B w d_eff, and i is the relation of the `local` device, whatever it is; p is the
    profile of the critical current density, scaled to ∫p dx = 1 (only its shape matters). A
    sinusoidal i and a uniform p give the Fraunhofer pattern |sinc f|. No self-field: w must be
    short beside the Josephson penetration depth.

    When it is a diode. With the harmonics b_n, χ_n of i and P(k) = ∫p e^{2πikx}dx it is one unless
    some α makes every b_n P(nf) e^{iχ_n + inα} real, or only odd n are left (I(φ + π) = −I(φ)). So
    it is none, at any flux, where i is sinusoidal (whatever the profile), where p is even and i
    odd, and, for an odd i, at f = 0. At small f, η = κ₃ (2πf)³ i‴/6i for an odd i, taken where i is
    largest, κ₃ the third cumulant of p; that is (b₂/b₁) κ₃ (2πf)³ for a weak second harmonic: cubic
    in the field. For an odd i I₋(f) = I₊(−f), and a mirrored profile is the opposite field.

    Where the current vanishes at every phase (uniform, whole f) I± are 0, η is NaN and the status
    is NO_SUPERCURRENT; currents below 1e-11 of the local one count as that. Next to such a node η
    of a reciprocal device is rounding, 1e-16 over the share of the local current that is left.
    I± has no derivative in a transparency that is exactly 1 at T = 0 (it goes as √(1 − τ)).

    Args:
        local: any phase-biased device that carries the current of the whole junction at f = 0. It
            is solved once.
        profile: "uniform"; "edges", 1 + 3 e^{−(½+x)/0.1} + 3 e^{−(½−x)/0.1}; a smooth function of x
            (an array); or numbers ≥ 0 in any unit, which `interpolation` joins. The numbers are
            parameters with gradients.
        flux: f, of either sign.
        interpolation: "linear" through samples from −½ to ½, evenly spaced, ends included; "boxes"
            of equal widths; or "smooth" through numbers at `positions()`.
        focusing: factor on the flux, > 0, where the field between the electrodes is another than
            the one applied.
        field_angle: θ (radians) between the field and the direction in which all of it goes
            through the junction, whose flux is then f cos θ; None for 0. A field that also shifts
            phases turns with that of the local `PhaseShiftedJunction`.
        banks: "bulk", or "thin": films much narrower than the Pearl length, where the phase is
            2πf g(x) and f = Bw²/Φ₀; see `strip.strip_phase`.
        largest_flux: whole flux quanta up to which it is resolved, at least 3 and |f| when left
            out; static. Beyond it the status is NOT_RESOLVED.
        nodes: Gauss nodes a panel; static.
        harmonics: of i, in place of a quadrature, where i is smooth; static. Left out: as many as
            a sine or `Harmonics` have, 256 where every turn that i declares is wider than 0.2, else
            none (0).

    Resolution. By harmonics (fast, at any flux): exact, as long as i has no more; else the status
    is NOT_RESOLVED, as where a sweep goes to sharper relations than that of the device it
    began with: give harmonics=0. By quadrature: panels follow every declared turn of i across the
    width and shrink towards it, and split at the steps of p, so that I(φ) is good to 1e-11 of the
    local current for turns of any width, jumps included, and for as many harmonics as the local
    device's `samples_per_period` says. (The spline of a `TabulatedRelation` bends at its points:
    there it is good to 1e-6 for 33 points.) A turn that a device of your own does not declare by
    `kinks()` is not seen: ask for more `nodes` and compare. It costs 20 ms a device on one core,
    harmonics 0.3 ms. Thin banks have fixed panels: there turns narrower than 0.1 are NOT_RESOLVED
    too.

    Raises:
        ValueError: no phase-biased device, a profile below zero, of the wrong length or sharper
            than its function's samples, unknown words.

    Example:
        >>> junction = jd.ExtendedJunction(jd.TunnelJunction(100), flux=0.5)
        >>> print(f"{jd.critical_currents(junction).plus:.6f} {200 / np.pi:.6f}")
        63.661977 63.661977
        >>> tilted = jd.ExtendedJunction(jd.SeriesJunctions(1, 0.8), profile=[0.4, 1.6], flux=0.7)
        >>> found = jd.critical_currents(tilted)
        >>> print(f"{found.plus:.8f} {found.minus:.8f} {found.efficiency:.8f}")
        0.41939610 0.28441815 0.19178065
    """

    local: AbstractPhaseBiased
    profile: Float[Array, " n"] | None = parameter(at_least=0.0, label="current density")
    flux: Float[Array, ""] = parameter(unit="Φ₀", label="flux")
    focusing: Float[Array, ""] | None = parameter(above=0.0, label="flux focusing")
    field_angle: Float[Array, ""] | None = parameter(unit="rad", label="angle of the field")
    interpolation: str = eqx.field(static=True)
    banks: str = eqx.field(static=True)
    largest_flux: int = eqx.field(static=True)
    nodes: int = eqx.field(static=True)
    harmonics: int = eqx.field(static=True)

    at_reduced_temperature = parts_at_reduced_temperature

    def __init__(
        self,
        local: AbstractPhaseBiased,
        profile: Profile = "uniform",
        flux: Numbers = 0.0,
        *,
        interpolation: str = "linear",
        focusing: Numbers | None = None,
        field_angle: Numbers | None = None,
        banks: str = "bulk",
        largest_flux: int | None = None,
        nodes: int = quadrature.NODES,
        harmonics: int | None = None,
    ):
        if not isinstance(local, AbstractPhaseBiased):
            raise ValueError(f"local must be a phase-biased device, got {type(local).__name__}")
        if banks not in _BANKS:
            raise _checks.unknown_name("banks", banks, _BANKS)
        self.local, self.banks = local, banks
        numbers, self.interpolation = profiles.values_of(profile, interpolation)
        self.profile = None
        if numbers is not None:
            self.profile = self.checked("profile", numbers, 1)
            profiles.require_count(self.profile.size, self.interpolation)
            if _checks.is_concrete(self.profile) and not np.any(np.asarray(self.profile)):
                raise ValueError("profile must carry current somewhere, got zeros")
        self.flux = self.checked("flux", flux)
        self.focusing = None if focusing is None else self.checked("focusing", focusing)
        self.field_angle = None if field_angle is None else self.checked("field_angle", field_angle)
        here = self._whole_flux()
        needed = float(np.max(np.abs(here))) if _checks.is_concrete(here) else 0.0
        if largest_flux is None:
            largest_flux = quadrature.resolved_flux(needed)
        self.largest_flux = _checks.whole_number("largest_flux", largest_flux)
        self.nodes = _checks.whole_number("nodes", nodes, at_least=2)
        if harmonics is None:
            harmonics = 0 if banks == "thin" else _known_harmonics(local)
        self.harmonics = _checks.whole_number("harmonics", harmonics, at_least=0)
        if banks == "thin" and self.harmonics:
            raise ValueError(f"harmonics must be 0 between thin banks, got {harmonics}")

    @classmethod
    def in_field(
        cls,
        local: AbstractPhaseBiased,
        profile: Profile = "uniform",
        *,
        field: Numbers,
        width: Numbers,
        length: Numbers,
        **options,
    ) -> "ExtendedJunction":
        """From SI units: f = B w d_eff/Φ₀.

        Args:
            field: B (T) in the junction's plane, across the current.
            width: w (m).
            length: d_eff (m) along the current: the barrier's thickness and what the field
                penetrates, t + 2λ_L between bulk banks, t + 2λ_L tanh(b/2λ_L) between films of
                thickness b.
            options: the other arguments of the class.

        Example:
            >>> junction = jd.ExtendedJunction.in_field(
            ...     jd.TunnelJunction(100), field=1e-3, width=10e-6, length=200e-9
            ... )
            >>> print(f"{junction.flux:.6f}")
            0.967196
        """
        area = _checks.positive("width", width) * _checks.positive("length", length)
        flux = units.flux(area, field)
        if _checks.is_concrete(flux) and np.any(np.abs(np.asarray(flux)) > _MOST_FLUX):
            raise ValueError(
                "field, width and length must be in T and m, got "
                f"{float(np.max(np.abs(np.asarray(flux)))):.3g} flux quanta through the junction"
            )
        return cls(local, profile, flux, **options)

    @staticmethod
    def positions(count: int = profiles.PANELS * profiles.ORDER) -> np.ndarray:
        """x of the numbers of a "smooth" profile: 12 Gauss nodes in each of equal panels.

        Example:
            >>> x = jd.ExtendedJunction.positions()
            >>> bump = jd.ExtendedJunction(
            ...     jd.TunnelJunction(1), profile=np.exp(-8 * x**2), interpolation="smooth"
            ... )
            >>> print(f"{jd.critical_currents(bump).plus:.6f}")  # without flux
            1.000000
        """
        count = _checks.whole_number("count", count)
        profiles.require_count(count, "smooth")
        return profiles.smooth_positions(count)

    def resolving(self, flux: float) -> "ExtendedJunction":
        """The same device with nodes for fluxes up to this (before focusing)."""
        if self.focusing is not None:
            flux = flux * float(self.focusing)
        if self.largest_flux >= abs(flux):
            return self
        leaves, structure = jax.tree.flatten(self)
        other = jax.tree.unflatten(structure, leaves)
        object.__setattr__(other, "largest_flux", quadrature.resolved_flux(flux))
        return other

    def density(self, x: Numbers) -> Float[Array, "..."]:
        """p(x), of mean one over −½ ≤ x ≤ ½."""
        place = _checks.real_array("x", x)
        return profiles.density(self._series(), jnp.ravel(place)).reshape(place.shape)

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        if self.harmonics:
            return self._by_harmonics(self.local).current(phase)
        phase = jnp.asarray(phase)
        coefficients = self._series()
        if self.banks == "thin" or not self._turns()[0].size:
            x, weight = quadrature.rule(self._still_edges(), self.nodes)
            weight = weight * profiles.density(coefficients, x)
            written = strip_phase(x) if self.banks == "thin" else x
            local = self.local.current(phase[..., None] + 2 * jnp.pi * self._flux() * written)
            return jnp.sum(weight * local, axis=-1)
        one = jax.vmap(lambda angle: self._across_turns(coefficients, angle))
        return one(jnp.ravel(phase)).reshape(phase.shape)

    def _across_turns(self, coefficients, phase):
        """The integral at one phase, in y = x sgn f."""
        across = 2 * jnp.pi * self._flux()
        sign = jnp.where(across < 0, -1.0, 1.0)
        kinks, widths = self._turns()
        panels = coefficients.shape[0]
        edges, of_profile = quadrature.crossing_edges(
            phase,
            sign * across,
            kinks[0],
            quadrature.offsets(kinks, widths, self.local.samples_per_period()),
            panels,
            self.largest_flux,
        )
        of_profile = jnp.where(sign < 0, panels - 1 - of_profile, of_profile)

        def with_panel(
            total, panel
        ):  # one at a time: thousands of devices under vmap fit in memory
            begin, end, at = panel
            y, weight = quadrature.rule(jnp.stack([begin, end]), self.nodes)
            local = self.local.current(phase + across * sign * y)
            density = profiles.density_in(coefficients, at, sign * y)
            return total + jnp.sum(weight * density * local), None

        return jax.lax.scan(with_panel, jnp.zeros(()), (edges[:-1], edges[1:], of_profile))[0]

    def relation(self) -> Relation:
        local = self.local.relation()
        if self.harmonics:
            return self._by_harmonics(local)
        return DirectRelation(eqx.tree_at(lambda junction: junction.local, self, local))

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        """Turns of i seen from the ends, and from every step of p: φ_k − 2πf x_e."""
        kinks, widths = self._turns()
        steps = self.interpolation == "boxes" and self.profile is not None
        panels = self._series().shape[0] if steps else 1
        places = jnp.linspace(-0.5, 0.5, panels + 1)
        if self.banks == "thin":
            places = strip_phase(places)
        seen = kinks[:, None] - 2 * jnp.pi * self._flux() * places
        return jnp.ravel(seen), jnp.ravel(jnp.broadcast_to(widths[:, None], seen.shape))

    def samples_per_period(self) -> int:
        if self.harmonics:
            return max(self.local.samples_per_period(), min(max(self.harmonics, 64), 128))
        # Behind a jump I(φ) draws the profile itself.
        drawn = 0 if self.profile is None or self.interpolation == "boxes" else self.profile.size
        return max(self.local.samples_per_period(), 2 * drawn if self._turns()[0].size else 0)

    def magnitude(self) -> Float[Array, ""]:
        return _QUADRATURE * jnp.maximum(self.local.magnitude(), largest_current(self.local))

    def status(self) -> Int[Array, ""]:
        if self.harmonics:
            return self._by_harmonics(self.local).status()
        beyond = jnp.abs(self._flux()) > self.largest_flux * (1 + 1e-12)
        if self.banks == "thin":
            beyond = beyond | jnp.any(self._turns()[1] < 0.1)
        own = self.local.status()
        unresolved = beyond & (own == Status.CONVERGED)
        return jnp.where(unresolved, Status.NOT_RESOLVED, own).astype(jnp.int32)

    def _whole_flux(self):
        return self.flux if self.focusing is None else self.focusing * self.flux

    def _flux(self):
        whole = self._whole_flux()
        return whole if self.field_angle is None else whole * jnp.cos(self.field_angle)

    def _by_harmonics(self, local):
        return spectrum.through_profile(local, self._series(), self._flux(), self.harmonics)

    def _series(self):
        return profiles.series(self.profile, self.interpolation)

    def _turns(self):
        return tuple(jnp.ravel(jnp.asarray(x, float)) for x in self.local.kinks())

    def _still_edges(self):
        panels = self._series().shape[0]
        largest = self.largest_flux
        if self.banks == "thin":
            return quadrature.thin_edges(panels, _THIN_PANELS * largest)
        return quadrature.still_edges(panels, largest, self.local.samples_per_period())


def _known_harmonics(local: AbstractPhaseBiased) -> int:
    """How many a local relation has that is known to be smooth; 0 for others."""
    if isinstance(local, TunnelJunction):
        return 1
    if isinstance(local, Harmonics):
        return local.sine.shape[-1]
    if not _checks.all_concrete(local):
        return 0
    widths = np.ravel(np.asarray(local.kinks()[1]))
    return spectrum.MOST if widths.size and float(np.min(widths)) >= _WIDE else 0
