"""What is said of extracted currents."""

from typing import TYPE_CHECKING

import numpy as np

from ..core.results import status_text

if TYPE_CHECKING:
    from .extract_result import ExtractedCurrents

EDGES = ("plus", "minus", "retrapping_plus", "retrapping_minus")
_NAMES = ("I+", "I-", "I_r+", "I_r-")


def summary_of(found: "ExtractedCurrents", unit: str) -> str:
    unit = found.unit or unit
    one = found.currents[0].size == 1
    lines = [_edge(found, k, unit) for k in range(4) if np.isfinite(found.currents[k]).any()]
    lines.append(_verdict(found) if one else _verdicts(found))
    per = f" {found.value_unit}" if found.value_unit else ""
    ohm = f" {resistance_unit(found, unit)}".rstrip()
    what = "V" if found.quantity == "voltage" else "dV/dI"
    lines += [f"read: {found.chosen}"] if found.chosen else []
    lines += [
        f"threshold: {what} = {found.threshold:.4g}{per} above the zero-voltage line "
        f"(noise {found.voltage_noise:.3g}{per}, normal state "
        f"{found.normal_resistance:.4g}{ohm})",
        f"taken off: series resistance {found.series_resistance:.4g}{ohm}, "
        f"bias offset {found.current_offset:.4g} {unit}".rstrip(),
        *_offsets(found, unit),
    ]
    lines += [f"note: {note}" for note in found.notes]
    lines += [
        f"{_NAMES[k]}: {status_text(found.statuses[k])}" for k in (0, 1) if found.statuses[k].any()
    ]
    return "\n".join(line.rstrip() for line in lines)


def resistance_unit(found: "ExtractedCurrents", unit: str) -> str:
    """Of resistances, where the bias is in `unit`; "" where it is not known."""
    if found.quantity != "voltage":
        return found.value_unit
    return f"{found.value_unit}/{unit}" if found.value_unit and unit else ""


def _edge(found: "ExtractedCurrents", k: int, unit: str) -> str:
    value = found.currents[k]
    if value.size > 1:
        known = value[np.isfinite(value)]
        error = np.nanmedian(found.total_errors[k])
        return (
            f"{_NAMES[k]:5} {known.min():.5g} to {known.max():.5g} {unit} in {known.size} of "
            f"{value.size} curves, error {error:.2g} (median)"
        )
    total, noise, step, spread = (
        x[k].item() for x in (found.total_errors, found.noise, found.step, found.spread)
    )
    return (
        f"{_NAMES[k]:5} {value.item():.5g} ± {total:.2g} {unit} (noise {noise:.2g}, step "
        f"{step:.2g}, threshold {spread:.2g})"
    )


def _verdict(found: "ExtractedCurrents") -> str:
    eta, error = found.efficiency.item(), found.efficiency_error.item()
    if not np.isfinite(eta):
        return "eta  not known"
    word = "significant" if found.significant.item() else "not significant"
    size = f"{abs(eta) / error:.1f} standard errors, 2 are asked for" if error else "no error"
    return f"eta  {eta:+.4f} ± {error:.4f}: {word} ({size})"


def _verdicts(found: "ExtractedCurrents") -> str:
    known = np.isfinite(found.efficiency)
    if not known.any():
        return "eta  not known"
    eta, count = found.efficiency[known], int(np.sum(found.significant))
    return (
        f"eta  {eta.min():+.4f} to {eta.max():+.4f}, significant (2 standard errors) in "
        f"{count} of {known.sum()} curves" + ("" if count else ": not significant")
    )


def _offsets(found: "ExtractedCurrents", unit: str) -> list[str]:
    """What both readings of an offset of the bias say; neither was used."""
    made = []
    asymptotes = "normal-state asymptotes"
    if found.quantity == "resistance":
        asymptotes += " of the integral"
    for name, value, error in (
        ("retrapping currents", found.offset_retrapping, found.offset_retrapping_error),
        (asymptotes, found.offset_normal, found.offset_normal_error),
    ):
        known = np.isfinite(value) & np.isfinite(error)
        if known.any():
            middle, width = np.median(value[known]), np.median(error[known])
            made.append(f"{name} would put a bias offset at {middle:+.3g} ± {width:.2g} {unit}")
    if not made:
        made.append(
            "a bias offset is not known from this map, which shows neither the normal state nor "
            "retrapping in both directions: sweep both, and to and fro"
        )
    made.append("an offset mimics a diode (η of I₊ + i, I₋ − i); it is taken off only if asked")
    if found.currents[0].size > 1:
        made.append("along a field jd.lab.flux_period tells an offset by time reversal")
    return made
