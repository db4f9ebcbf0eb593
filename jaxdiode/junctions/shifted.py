"""Junctions whose phases are shifted, by a field or by themselves (φ₀ junctions)."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .. import _checks
from .._checks import Numbers
from ..core.critical import CriticalCurrents
from ..core.device import AbstractPhaseBiased, DirectRelation, Relation
from ..core.parameters import parameter
from ..core.temperature import parts_at_reduced_temperature
from .elements import Harmonics


class PhaseShiftedJunction(AbstractPhaseBiased):
    """Any junction at a shifted phase, or harmonics each with a shift of its own.

    One shift φ₀ moves the phase of any device, I(φ) = i(φ + φ₀), which makes no diode. A list of
    them shifts the harmonics of a series one by one, I(φ) = Σ a_n sin(nφ + φ_n). Of two only
    r = a₂/a₁ and δ = φ₂ − 2φ₁ matter: |η| ≤ 1/3, at r = ½, δ = ±π/2, and η ≈ −r sin δ where r is
    small. In a field B

        φ_n = shift_n + B cos(θ) shift_per_field_n.

    Args:
        device: a phase-biased device, or the amplitudes a_n of sin nφ, n = 1, 2, …
        shift: φ₀ (radians) of any device, or a list φ_n of `Harmonics` (and of amplitudes).
        field: B in any one unit, or None.
        shift_per_field: radians per unit of B, 1/B_n, a number or a list as `shift` is; a number
            beside a list is n times as much of harmonic n.
        field_angle: θ (radians) between B and the direction in which it shifts phases (in the
            plane across the current for Rashba coupling), or None for B along it.

    Raises:
        ValueError: a list beside a device without harmonics, lists of other lengths, a field
            without `shift_per_field` or the reverse.

    Example:
        >>> junction = jd.PhaseShiftedJunction([1, 0.2], [0, 0.7])
        >>> found = jd.critical_currents(junction)
        >>> print(f"{found.plus:.10f} {found.minus:.10f} {found.efficiency:.10f}")
        0.9410643548 1.1583958283 -0.1035177877
        >>> in_field = jd.PhaseShiftedJunction(
        ...     [1, 0.2], [0, 0], field=50, shift_per_field=[1 / 200, 1 / 20]  # mT
        ... )
        >>> print(f"{jd.diode_efficiency(in_field):.6f} {-0.2 * np.sin(2.5 - 2 * 0.25):.6f}")
        -0.164195 -0.181859
        >>> pair = jd.PhaseShiftedJunction(jd.SeriesJunctions(1, 0.8), np.pi / 2)
        >>> print(f"{pair.current(jnp.array(-np.pi / 2)):.6f}")
        0.000000
    """

    device: AbstractPhaseBiased
    shift: Float[Array, "*harmonics"] = parameter(unit="rad", label="phase shift")
    field: Float[Array, ""] | None = parameter(label="field")
    shift_per_field: Float[Array, "*harmonics"] | None = parameter(label="phase shift per field")
    field_angle: Float[Array, ""] | None = parameter(unit="rad", label="angle of the field")

    at_reduced_temperature = parts_at_reduced_temperature

    def __init__(
        self,
        device: AbstractPhaseBiased | Numbers,
        shift: Numbers,
        *,
        field: Numbers | None = None,
        shift_per_field: Numbers | None = None,
        field_angle: Numbers | None = None,
    ):
        if not isinstance(device, AbstractPhaseBiased):
            device = Harmonics(_checks.real_array("device", device, ndim=1))
        self.device = device
        if (field is None) != (shift_per_field is None):
            raise ValueError(
                "field and shift_per_field must come together, got "
                f"{'shift_per_field' if field is None else 'field'} alone"
            )
        if field is None and field_angle is not None:
            raise ValueError(f"field_angle must be left out without a field, got {field_angle}")
        shifts = {"shift": shift}
        if shift_per_field is not None:
            shifts["shift_per_field"] = shift_per_field
        found = {name: self.checked(name, value) for name, value in shifts.items()}
        if any(array.ndim for array in found.values()):
            found = {name: self._per_harmonic(name, array) for name, array in found.items()}
        self.shift, self.shift_per_field = found["shift"], found.get("shift_per_field")
        self.field = None if field is None else self.checked("field", field)
        self.field_angle = None if field_angle is None else self.checked("field_angle", field_angle)

    def _per_harmonic(self, name: str, array: Array) -> Array:
        if not isinstance(self.device, Harmonics):
            raise ValueError(
                f"{name} must be one number for a {type(self.device).__name__}, whose harmonics "
                f"are not known one by one, got shape {array.shape}"
            )
        if array.ndim > 1:
            raise ValueError(f"{name} must be a number or a list, got shape {array.shape}")
        count = self.device.sine.size
        if array.ndim == 0:
            return array * np.arange(1.0, count + 1)
        _checks.require_length(name, array, count, "one per harmonic")
        return array

    def shifts(self) -> Float[Array, "*harmonics"]:
        """φ₀, or all φ_n, in the present field."""
        if self.field is None or self.shift_per_field is None:
            return self.shift
        angle = self.field_angle
        along = self.field if angle is None else self.field * jnp.cos(angle)
        return self.shift + along * self.shift_per_field

    def harmonics(self) -> Harmonics:
        """The same as sines and cosines, of harmonics with shifts of their own.

        Raises:
            ValueError: another device; its harmonics are those of `current_phase_relation`.
        """
        if not isinstance(self.device, Harmonics):
            raise ValueError(f"device must be Harmonics, got {type(self.device).__name__}")
        shifts = self.shifts()
        if shifts.ndim == 0:
            shifts = shifts * np.arange(1.0, self.device.sine.size + 1)
        sine, cosine = self.device.sine, self.device.cosine
        s, c = jnp.sin(shifts), jnp.cos(shifts)
        rotated = (sine * c - cosine * s, sine * s + cosine * c)
        return eqx.tree_at(lambda x: (x.sine, x.cosine), self.device, rotated)

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        if self.shift.ndim:
            return self.harmonics().current(phase)
        return self.device.current(phase + self.shifts())

    def critical_currents(self, criterion: str | None = None) -> CriticalCurrents:
        """Those of the device itself where one shift moves all, also by a criterion that it has."""
        if self.shift.ndim:
            return super().critical_currents(criterion)
        found = self.device.critical_currents(criterion)
        if found.phase_plus is None or found.phase_minus is None:
            return found
        at = found.phase_plus, found.phase_minus
        phases = (jnp.mod(x - self.shifts(), 2 * jnp.pi) for x in at)
        return CriticalCurrents(found.plus, found.minus, found.status, *phases)

    def relation(self) -> Relation:
        if self.shift.ndim:
            return DirectRelation(self)
        return DirectRelation(eqx.tree_at(lambda x: x.device, self, self.device.relation()))

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        phases, widths = self.device.kinks()
        return (phases, widths) if self.shift.ndim else (phases - self.shifts(), widths)

    def magnitude(self) -> Float[Array, ""]:
        return self.device.magnitude()

    def samples_per_period(self) -> int:
        return self.device.samples_per_period()

    def status(self) -> Int[Array, ""]:
        return self.device.status()

    def parts(self, phase: Float[Array, " n"]) -> dict[str, Float[Array, " n"]]:
        return {} if self.shift.ndim else self.device.parts(phase + self.shifts())
