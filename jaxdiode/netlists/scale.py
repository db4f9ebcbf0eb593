"""Units of a circuit in SI."""

import math
from typing import NamedTuple

from .. import _checks
from .. import units as si
from ..dynamics.circuits import CircuitScale


class Units(NamedTuple):
    """I₀ (A), R₀ (Ω), Φ₀/I₀ (H), Φ₀/(2πI₀R₀²) (F)."""

    ampere: float
    ohm: float
    henry: float
    farad: float


def units_of(scale: CircuitScale) -> Units:
    """Of a scale without capacitance, whose unit of time is that of circuits."""
    if not isinstance(scale, CircuitScale):
        raise ValueError(f"scale must be a CircuitScale, got {type(scale).__name__}")
    if scale.capacitance is not None:
        raise ValueError(
            "scale must be one without capacitance, CircuitScale(I₀, resistance=R₀): capacitances "
            "of a circuit are in Φ₀/(2πI₀R₀²)"
        )
    if not _checks.all_concrete(scale):
        raise ValueError("scale must hold numbers, not traced values")
    ampere, ohm = float(scale.critical_current), float(scale.resistance)
    return Units(
        ampere, ohm, si.flux_quantum / ampere, si.flux_quantum / (2 * math.pi * ampere * ohm**2)
    )
