"""What `iv_curve` returns: mean voltages against bias, up and down, and dV/dI."""

import functools
from types import ModuleType
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..core.results import AbstractResult, status_of
from ..numerics.status import Status

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Biases = Float[Array | np.ndarray, "..."]

_APART = 5.0  # errors by which two voltages of one bias differ
_ROUNDING = 1e-9  # the same where errors are not known or 0, relative to the voltage


class IVCurve(AbstractResult):
    """Mean voltage against bias, swept up and then down.

    In units of the device: ⟨φ'⟩ in ħω_p/2e, in I₀R without capacitance, V per length of a wire.
    Of several phases every array but the first has a last axis more, the voltage of each.

    Attributes:
        current: increasing biases (I₀).
        up, down: mean voltage on the way up and down; they differ where the device is
            hysteretic. Steps at multiples of Ω are Shapiro steps of the drive.
        up_error, down_error: their errors: 0 where the motion is locked to the drive or at rest,
            a bound where it is regular, a standard error where it is chaotic.
        up_status, down_status: CONVERGED where that is within the tolerance, NOT_CONVERGED where
            it was not within the longest stay (chaos, or a motion that almost locks; the error
            holds), NONFINITE with NaN where the integration failed.
        drive_frequency: Ω of a drive, None without.
        voltage_unit: what voltages are in, for figures; I₀R without capacitance.
        noise: γ of a simulation with thermal noise, else None. All errors are then standard errors,
            and NOT_CONVERGED says that up and down differ by more than 5 of them.
        up_slope, down_slope: dV/dI of the branch, where the device's equations give it, else None;
            see `resistance`.
        current_unit: what currents are in, for figures.

    Example:
        >>> junction = jd.KapitzaJunction(damping=0.2, drive_frequency=4)  # not driven: hysteretic
        >>> curve = jd.iv_curve(junction, [0.2, 0.5, 0.9, 1.1])  # retraps at 4β/π = 0.25
        >>> print(*(f"{v:.6f}" for v in curve.up))
        0.000000 0.000000 0.000000 5.496996
        >>> print(*(f"{v:.6f}" for v in curve.down))
        0.000000 2.467418 4.494511 5.496996
        >>> shunted = jd.Shunted(jd.TunnelJunction(1.0))  # V = √(I² − 1)
        >>> up, down = jd.iv_curve(shunted, np.linspace(0.5, 2.0, 151)).resistance()
        >>> print(f"{up[100]:.4f} {1.5 / np.sqrt(1.5**2 - 1):.4f}")
        1.3417 1.3416
    """

    current: Float[Array, "*lanes n"]
    up: Float[Array, "*lanes n"] | Float[Array, "*lanes n phases"]
    down: Float[Array, "*lanes n"] | Float[Array, "*lanes n phases"]
    up_error: Float[Array, "*lanes n"] | Float[Array, "*lanes n phases"] | None = None
    down_error: Float[Array, "*lanes n"] | Float[Array, "*lanes n phases"] | None = None
    up_status: Int[Array, "*lanes n"] | Int[Array, "*lanes n phases"] | None = None
    down_status: Int[Array, "*lanes n"] | Int[Array, "*lanes n phases"] | None = None
    drive_frequency: Float[Array, ""] | None = None
    voltage_unit: str = eqx.field(static=True, default=r"$\hbar\omega_p/2e$")
    noise: Float[Array, ""] | None = None
    up_slope: Float[Array, "*lanes n"] | None = None
    down_slope: Float[Array, "*lanes n"] | None = None
    current_unit: str = eqx.field(static=True, default=r"$I_0$")

    @property
    def status(self) -> Array | np.ndarray:
        """The worse of both sweeps."""
        both = [x for x in (self.up_status, self.down_status) if x is not None]
        return functools.reduce(np.maximum, both) if both else status_of(self.up + self.down)

    def as_dict(self) -> dict[str, Any]:
        names = {
            "current": "current", "up": "voltage_up", "down": "voltage_down",
            "up_error": "error_up", "down_error": "error_down",
            "up_status": "status_up", "down_status": "status_down",
            "up_slope": "slope_up", "down_slope": "slope_down",
        }  # fmt: skip
        found = {new: getattr(self, old) for old, new in names.items()}
        return {name: value for name, value in found.items() if value is not None}

    def resistance(self) -> tuple[Array | np.ndarray, Array | np.ndarray]:
        """dV/dI on the way up and down, in the unit of voltage over that of current.

        As the device's equations give it (`up_slope`), or by centred differences along each sweep:
        the slope of the parabola through a bias and its neighbours, wrong by about h²V‴/6 at
        spacing h. NaN at both ends, and where a switch lies between them: the sweep begins or ends
        to have a voltage there, or jumps on to what the other sweep finds, as at the end of a
        hysteresis. A jump of both sweeps between the same two biases cannot be told from a steep
        rise: take more of them.
        """
        if self.up_slope is not None and self.down_slope is not None:
            return self.up_slope, self.down_slope
        library = jnp if isinstance(self.up, jax.Array) else np
        current, up, down = self.current, self.up, self.down
        error = sum((x for x in (self.up_error, self.down_error) if x is not None), 0 * up)
        if up.ndim == current.ndim:
            return _slopes(current, up, down, error, library)
        up, down, error = (library.swapaxes(x, -1, -2) for x in (up, down, error))
        found = _slopes(current[..., None, :], up, down, error, library)
        return library.swapaxes(found[0], -1, -2), library.swapaxes(found[1], -1, -2)

    def summary(self, unit: str = "") -> str:
        """Where there is no voltage, and how many means are not as accurate as asked."""
        current, up = np.asarray(self.current), np.asarray(self.up)
        if up.shape != current.shape or current.ndim != 1:
            return super().summary(unit)
        lines, still = [], current[up == 0]
        if still.size:
            span = f"from {still.min():+.4g} to {still.max():+.4g} {unit}".rstrip()
            lines.append(f"no voltage on the way up {span}")
        if wide := int(np.sum(np.asarray(self.status) != Status.CONVERGED)):
            what = (
                "have errors above 1e-6 of the voltage (chaotic or almost locked; see error_up, "
                "error_down): raise --duration"
            )
            if self.noise is not None:
                what = "are hysteretic on this scale of time"
            elif self.up_slope is not None:
                what = (
                    "have errors above the tolerance (next to a vertical rise, where the last "
                    "digit of the current decides, or not solved; see error_up, error_down)"
                )
            lines.append(f"{wide} of {current.size} biases {what}")
        return "\n".join(lines) or f"{current.size} biases"

    def plot(self) -> "Figure":
        from .. import plot

        frequency = self.drive_frequency
        return plot.iv(self, drive_frequency=None if frequency is None else float(frequency))


def _slopes(
    current: Biases, up: Biases, down: Biases, error: Biases, library: ModuleType
) -> tuple[Biases, Biases]:
    """Centred differences of both sweeps along the last axis, NaN across switches."""
    room = _APART * error + _ROUNDING * library.maximum(abs(up), abs(down))
    apart = abs(up - down) > room
    ends = apart[..., 1:] != apart[..., :-1]
    width = library.diff(current)
    rising, falling = library.diff(up), library.diff(down)
    around = [(0, 0)] * (current.ndim - 1) + [(1, 1)]
    width = library.pad(width, around, constant_values=1.0)

    def slope(sweep: Biases, own: Biases, other: Biases) -> Biases:
        rests = sweep == 0
        switches = (rests[..., 1:] != rests[..., :-1]) | (ends & (abs(own) >= abs(other)))
        rate = library.where(switches, library.nan, own)
        rate = library.pad(rate, around, constant_values=library.nan) / width
        before, after = width[..., :-1], width[..., 1:]
        return (rate[..., :-1] * after + rate[..., 1:] * before) / (before + after)

    return slope(up, rising, falling), slope(down, falling, rising)
