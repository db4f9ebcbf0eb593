"""All that there is to say of one device, worked out by as few compiled programs as can be.

Compiling costs seconds and running milliseconds: what is printed, saved and drawn comes from here.
"""

import dataclasses
import math
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array

from .core.cpr import CurrentPhaseRelation, current_phase_relation
from .core.critical import CriticalCurrents, critical_currents
from .core.device import AbstractDevice, AbstractPhaseBiased
from .numerics.status import Status

EFFICIENCY_ACCURACY = 1e-12  # η below this is rounding


class Evaluation(eqx.Module):
    """Critical currents, relation and limits of one device, as NumPy arrays.

    Attributes:
        critical: the critical currents.
        relation: I(φ) of a phase-biased device, else None.
        parts: currents that add up to it, by name: "branch 0", … of a SQUID, "up" and "down" of
            spin bands.
        spin: the spin diode of a device with spin bands (`SpinDiode`), else None.
        limits: `limits()` of a device that has them, else None.
    """

    critical: CriticalCurrents
    relation: CurrentPhaseRelation | None
    parts: dict[str, Array]
    spin: Any
    limits: Any

    @property
    def efficiency(self) -> float:
        """η of the critical currents."""
        return _efficiency(float(self.critical.plus), float(self.critical.minus))

    @property
    def bounded_efficiency(self) -> float:
        """η′ of them: η for an ordinary diode, 1/η beyond a perfect one."""
        return _efficiency(abs(float(self.critical.plus)), abs(float(self.critical.minus)))

    @property
    def spin_efficiency(self) -> float | None:
        """η_s of the spin diode."""
        if self.spin is None:
            return None
        return _efficiency(abs(float(self.spin.plus)), abs(float(self.spin.minus)))

    @property
    def status(self) -> Status:
        return Status(int(self.critical.status))

    @property
    def drawable(self) -> bool:
        """Whether there is a relation to be drawn."""
        return self.relation is not None and bool(np.isfinite(self.relation.current).any())

    def as_dict(self) -> dict[str, Any]:
        """What a file of results holds."""
        critical = {
            "plus": self.critical.plus,
            "minus": self.critical.minus,
            "efficiency": self.efficiency,
            "status": self.critical.status,
        }
        found = {"critical_currents": critical, "spin_diode": self.spin, "limits": self.limits}
        return {name: value for name, value in found.items() if value is not None}

    def summary(self, unit: str = "") -> str:
        """Lines to print."""
        plus, minus = float(self.critical.plus), float(self.critical.minus)
        lines = [
            f"I+   {plus:.8g} {unit}".rstrip(),
            f"I-   {minus:.8g} {unit}".rstrip(),
            f"eta  {rounded_efficiency(self.efficiency):+.8f}",
            f"status: {self.status.describe()}",
        ]
        if min(plus, minus) < 0:
            lines.append(f"eta' {rounded_efficiency(self.bounded_efficiency):+.8f}")
        if self.spin_efficiency is not None:
            value = rounded_efficiency(self.spin_efficiency)
            lines.append(f"eta_s {value:+.8f} (spin current at the phases of I+ and I-)")
        return "\n".join([*lines, *_limit_lines(self.limits)])


def evaluate(device: AbstractDevice) -> Evaluation:
    """Critical currents of any device, with the relation and the limits that it has."""
    if isinstance(device, AbstractPhaseBiased):
        return jax.device_get(_of_phase_biased(device))
    both = getattr(device, "critical_currents_and_limits", None)
    if both is not None:  # one search finds both
        critical, limits = both()
    else:
        critical = critical_currents(device)
        limits = device.limits() if hasattr(device, "limits") else None  # pyright: ignore
    return jax.device_get(Evaluation(critical, None, {}, None, limits))


def rounded_efficiency(efficiency: Any) -> Any:
    """η as it may be shown: 0 where it is no more than rounding, so for a reciprocal device."""
    values = np.asarray(efficiency, float)
    shown = np.where(np.abs(values) < EFFICIENCY_ACCURACY, 0.0, values)
    return float(shown) if shown.ndim == 0 else shown


def _of_phase_biased(device):
    try:
        return _compiled_soon(device)
    except jax.errors.JaxRuntimeError as error:
        if "compile option" not in str(error):
            raise
        return _compiled(device)  # by an XLA that no longer has the option


def _program(device):
    device = device.prepared()
    critical, relation = critical_currents(device), current_phase_relation(device)
    spin = None
    if hasattr(device, "spin_currents"):
        from .devices.usadel.spin import spin_diode_where

        spin = spin_diode_where(device, critical.status)
    return Evaluation(critical, relation, _parts(device, relation.phase), spin, None)


# What runs once should compile soon: XLA's older emitters and fewer passes of LLVM take a third
# less time for it, and their programs run as fast.
_OPTIONS = {
    "compiler_options": {"xla_cpu_use_fusion_emitters": False, "xla_backend_optimization_level": 1}
}
_compiled_soon = eqx.filter_jit(_program, **_OPTIONS)  # pyright: ignore
_compiled = eqx.filter_jit(_program)


def _parts(device, phase) -> dict[str, Array]:
    if hasattr(device, "spin_currents"):
        return dict(zip(("up", "down"), device.spin_currents(phase), strict=True))
    branches = getattr(device, "branches", ())
    if len(branches) < 2 or not hasattr(device, "branch_phases"):
        return {}
    phases = device.branch_phases(phase)
    return {f"branch {k}": b.current(phases[:, k]) for k, b in enumerate(branches)}


def _efficiency(plus: float, minus: float) -> float:
    return (plus - minus) / (plus + minus) if plus + minus != 0 else math.nan


def _limit_lines(limits: Any) -> list[str]:
    lines = []
    for field in dataclasses.fields(limits) if limits is not None else ():
        values = np.asarray(getattr(limits, field.name))
        if field.name == "status" or not np.isfinite(values).any():
            continue
        plus, minus = (
            " to ".join(f"{x:.8g}" for x in np.ravel(one)) if np.isfinite(one).all() else "none"
            for one in values
        )
        lines.append(f"{field.name.replace('_', ' '):16}  + {plus}   - {minus}")
    return lines
