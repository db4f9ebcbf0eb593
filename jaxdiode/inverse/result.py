"""What a measurement says about the profile of a junction."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np

from ..core.results import AbstractResult
from ..devices.extended import ExtendedJunction
from ..studies.fit import FitResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class ProfileFit(AbstractResult):
    """The profile of the critical current density that I₊(B) and I₋(B) want, with its error band.

    Attributes:
        device: the fitted `ExtendedJunction`, its profile of mean one, its local device with the
            fitted current, `focusing` in flux quanta per unit of field, and `flux` 0: ask
            `jd.replace(device, {"flux": field − offset})`.
        x: centres of the boxes, in widths.
        density: p(x), of mean one.
        errors: standard errors of it, those of the posterior: where the prior is wider than the
            profile is rough, they do not cover what it smooths away.
        covariance: of the density.
        scale, scale_error: factor on the currents of the `local` that was given; 1 and 0 where it
            was held.
        offset: field at which the flux is zero, in the field's unit.
        field, plus, minus: the measurement.
        model: I₊ and I₋ of the fit, (2, points).
        densities: of every start, (starts, boxes), those last that began as the mirror image of the
            best and as one of its twins.
        chi_squared: of every start, per degree of freedom, with the noise of the best.
        agree: whether all starts that fit as well as the best found its profile.
        notes: what makes the profile ambiguous; the same as was warned of.
        fit: of the best start, with all parameters, their errors and the weight of the prior.

    Example:
        >>> field, local = np.linspace(0, 2, 9), jd.Harmonics([1.0, -0.3])
        >>> junction = jd.ExtendedJunction(local, profile=[1.4, 0.6], interpolation="boxes")
        >>> exact = [jd.critical_currents(jd.replace(junction, {"flux": f})) for f in field]
        >>> plus, minus = (np.array([getattr(x, s) for x in exact]) for s in ("plus", "minus"))
        >>> found = jd.inverse.fit_profile(
        ...     local, field, plus, minus, sigma=0.01, boxes=2, order=1, starts=1
        ... )
        >>> print(f"{found.density[0]:.1f} ± {found.errors[0]:.2f}, {found.scale:.2f}", found.notes)
        1.4 ± 0.01, 1.00 ()
    """

    device: ExtendedJunction
    x: np.ndarray
    density: np.ndarray
    errors: np.ndarray
    covariance: np.ndarray
    scale: float
    scale_error: float
    offset: float
    field: np.ndarray
    plus: np.ndarray
    minus: np.ndarray
    model: np.ndarray
    densities: np.ndarray
    chi_squared: np.ndarray
    fit: FitResult
    agree: bool = eqx.field(static=True)
    notes: tuple[str, ...] = eqx.field(static=True)

    @property
    def status(self) -> np.ndarray:
        """NOT_CONVERGED where the optimiser did not arrive."""
        return self.fit.status

    @property
    def warnings(self) -> tuple[str, ...]:
        """What makes the profile ambiguous, then what the fit says against itself."""
        return (*self.notes, *self.fit.warnings)

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, with those of the fit under their own name."""
        return {
            "x": self.x,
            "density": self.density,
            "errors": self.errors,
            "scale": self.scale,
            "scale_error": self.scale_error,
            "offset": self.offset,
            "densities": self.densities,
            "chi_squared": self.chi_squared,
            "agree": self.agree,
            "notes": self.notes,
            "fit": self.fit.as_dict(),
        }

    def summary(self, unit: str = "") -> str:
        """The profile's numbers, every start, then the fit's own summary."""
        starts = ", ".join(f"{x:.3g}" for x in self.chi_squared)
        apart = np.sqrt(np.mean((self.densities - self.density) ** 2, axis=1))
        others = ", ".join(f"{x:.3g}" for x in apart)
        rows = [
            f"  {x:+.4f}  {p:.4f} ± {error:.2g}"
            for x, p, error in zip(self.x, self.density, self.errors, strict=True)
        ]
        lines = [
            f"profile in {self.x.size} boxes, all starts agree: {'yes' if self.agree else 'NO'}",
            f"χ² per degree of freedom of every start (at last a mirror image, a twin): {starts}",
            f"their profiles' distance from the best, rms: {others}",
            f"current: {self.scale:.6g} ± {self.scale_error:.2g} times the local device's",
            "  x/w      density ± error",
            *rows,
            *(f"WARNING: {note}" for note in self.notes),
        ]
        return "\n".join([*lines, self.fit.summary(unit)])

    def plot(self) -> "Figure":
        from .. import plot

        return plot.profile(self)
