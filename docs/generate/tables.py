"""Tables read from the package: parameters with units and ranges, statuses."""

import inspect
import math

import jaxdiode as jd
from jaxdiode.core.parameters import Parameter, declarations

from . import names

# What to do about each outcome; describe() says what it is.
ADVICE = {
    "CONVERGED": "Nothing.",
    "NOT_CONVERGED": (
        "A device of your own with sharp turns needs `kinks()` or more `samples_per_period`; a "
        "driven one, a faster drive or more `points`; a mean voltage, a larger `longest`."
    ),
    "NONFINITE": "Look at the parameters of that lane: one is NaN, or outside of its table.",
    "NO_SUPERCURRENT": "Leave the lane out of means of η. At integer flux through a uniform "
    "extended junction nothing flows, for one.",
    "MULTIVALUED": (
        "Ask for critical currents, not for a relation: `jd.critical_currents(device)` is over all "
        'flux states, with `"ramp"` and `"first"` as other criteria. See '
        "[inductance](inductance.md)."
    ),
    "PERIOD_TWO_FOLD": 'Take `criterion="switching"`, which counts that fold.',
    "PERIOD_DOUBLING": 'Take `criterion="stability"`, or simulate ramps (`jd.switching_currents`).',
    "NO_ZERO_VOLTAGE_STATE": "There is no critical current. Less drive, more damping.",
    "NO_TRANSITION": "Ask for another criterion; `limits()` reports all of them.",
    "EQUATIONS_NOT_SOLVED": "More `steps` of `usadel.UsadelResolution`, or a smaller conductance.",
    "NO_WELL": "Rates are of bias currents below the critical one.",
    "WELL_ONLY_SLIPS": "The values are of leaving that well; the switch takes the higher barrier.",
    "RETRAPS": "Compare with a model of phase diffusion (`jd.thermal_iv`), not with a histogram.",
    "BARRIER_BELOW_TEMPERATURE": "Begin the ramp lower, or take a lower temperature.",
    "CONSTRAINT_NOT_MET": "Other bounds, or more `starts`.",
    "LOBES_CROSS": "A cusp: move a little off it before trusting a derivative.",
    "SEARCH_CUT_SHORT": 'Smaller inductances or fewer loops; or the criterion `"ramp"`.',
    "GROUND_STATES_TIE": 'Move off the symmetric flux, or take `"largest"`.',
    "NOT_RESOLVED": "A larger `largest_flux`, more points, or `harmonics=0`: the text says which.",
    "METASTABLE_STATES": 'Under a current bias take the criteria of the chain, `"largest"`, '
    '`"ramp"` or `"first"`.',
    "NO_PERIODIC_ENERGY": "Such a junction (an Andreev interferometer) cannot stand in a chain.",
    "NOT_SWITCHED": "Measure to larger currents, or lower the threshold.",
    "NOT_SWEPT": "Nothing, unless you swept there: name the directions with `jd.lab.directions`; "
    "curves that begin beyond their edge need bias near zero.",
    "TOO_FEW_POINTS": "Finer steps of the bias.",
    "BELOW_THRESHOLD": "Raise the threshold, or measure at a lower temperature.",
    "CHAINS_NOT_MIXED": 'More `draws` and `warmup`, or several runs of `method="smc"`.',
    "POSTERIOR_AT_BOUND": "Widen that bound if physics allows it.",
    "LEADS_TOO_LARGE": "Leave `series_resistance` out, or give what the plateaus have.",
    "FALL_UNDECIDED": "Break the symmetry that leaves the fall undecided, as the real device does.",
}


def statuses() -> str:
    lines = []
    for status in jd.Status:
        lines += [f"### {status.name} ({int(status)})", "", f"“{status.describe()}”", ""]
        lines += [ADVICE[status.name], ""]
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:g}".replace("e-0", "e−").replace("-", "−")


def interval(declared: Parameter) -> str:
    """What the constructor allows, in words as short as they come."""
    low, high = declared.at_least, declared.at_most
    parts = []
    if declared.above is not None:
        parts.append(f"> {_number(declared.above)}")
    elif math.isfinite(low):
        parts.append(f"≥ {_number(low)}")
    if declared.below is not None:
        parts.append(f"< {_number(declared.below)}")
    elif math.isfinite(high):
        parts.append(f"≤ {_number(high)}")
    return ", ".join(parts) or "any"


def _rows(kind: type) -> list[str]:
    """A row for every declared number of a class; parts are rows of their own classes."""
    rows = []
    for field, declared in declarations(kind).items():
        if declared == Parameter():
            continue
        unit = {"current": "current", "": "–"}.get(declared.unit, declared.unit)
        label = declared.label or field.replace("_", " ")
        rows.append(f"| `{field}` | {label} | {unit} | {interval(declared)} |")
    return rows


def parameters(*kinds: str) -> str:
    """Tables of the parameters of devices or their parts, by their names after `jd.`."""
    lines = []
    for kind in kinds:
        rows = _rows(names.at(kind))
        if not rows:
            raise ValueError(f"jd.{kind} declares no parameter")
        lines += [f"[`{kind}`][jaxdiode.{kind}]", "", "| parameter | | unit | allowed |"]
        lines += ["|---|---|---|---|", *rows, ""]
    return "\n".join(lines)


def all_parameters() -> str:
    """Every public class that declares parameters."""
    found = []
    for members in names.by_page().values():
        for name in members:
            kind = names.at(name)
            if inspect.isclass(kind) and issubclass(kind, jd.AbstractParameters) and _rows(kind):
                found.append(name)
    return parameters(*found)
