"""BibTeX of the papers behind a device and of the methods used on it."""

import re
from collections.abc import Callable
from importlib import resources
from typing import Any

import jax

from .core.parameters import AbstractParameters

_ALWAYS = ("jax2018", "kidger2021equinox")
# What stands behind a verb, beside JAX.
_VERBS = {
    "critical_contour": (),
    "critical_currents": (),
    "current_at_voltage": ("ambegaokar1969",),
    "current_phase_relation": (),
    "diode_efficiency": (),
    "dynes_fulton": ("dynes1971",),
    "escape_rate": ("kramers1940", "melnikov1986", "caldeira1983"),
    "fit": ("virtanen2020", "newey1987"),
    "fit_profile": ("dynes1971",),
    "folds": (),
    "guess": ("virtanen2020",),
    "inverse": ("dynes1971",),
    "iv_curve": ("stewart1968", "mccumber1968"),
    "margins": (),
    "maximise": ("deepmind2020jax",),
    "pareto": ("deepmind2020jax",),
    "random_search": (),
    "rectified_voltage": ("stewart1968", "mccumber1968"),
    "refine": (),
    "retrapping_currents": ("stewart1968", "mccumber1968"),
    "robust": ("deepmind2020jax",),
    "sample_posterior": ("cabezas2024", "hoffman2014", "vehtari2021"),
    "shapiro_map": ("stewart1968", "mccumber1968"),
    "shapiro_steps": ("stewart1968", "mccumber1968"),
    "simulate_wire": ("kramer1978", "kidger2021diffrax"),
    "static_states": (),
    "sweep": (),
    "switching_currents": ("fulton1974",),
    "switching_distribution": (
        "kramers1940", "kurkijarvi1972", "fulton1974", "melnikov1986", "caldeira1983",
    ),
    "thermal_iv": ("ambegaokar1969",),
    "threshold_curves": ("tsang1975",),
    "trajectory": ("kidger2021diffrax",),
}  # fmt: skip


def citation(device: AbstractParameters, *verbs: str | Callable) -> str:
    """BibTeX of the papers whose equations a device computes, and of the methods used on it.

    Args:
        device: any device; what it is made of counts too. A class of your own names its papers by
            an attribute `papers`, a tuple of BibTeX entries.
        verbs: what was done with it, as functions or by name: jd.maximise, "fit", …

    Raises:
        ValueError: `device` is none, or a verb has no entry.

    Example:
        >>> text = jd.citation(jd.TunnelJunction(1.0), jd.thermal_iv)
        >>> [line for line in text.splitlines() if line.startswith("@")][0]
        '@article{ambegaokar1969,'
    """
    if not isinstance(device, AbstractParameters):
        raise ValueError(f"device must be a jaxdiode device, got {type(device).__name__}")
    keys = [key for part in _parts(device) for key in type(part).papers]
    for verb in verbs:
        name = verb if isinstance(verb, str) else getattr(verb, "__name__", repr(verb))
        if name not in _VERBS:
            raise ValueError(f"verbs must be among {', '.join(_VERBS)}, got {name!r}")
        keys += _VERBS[name]
    known = entries()
    unknown = [k for k in keys if not k.lstrip().startswith("@") and k not in known]
    if unknown:
        raise ValueError(
            f"papers of a device must be BibTeX entries or among {', '.join(known)}, got {unknown}"
        )
    return "\n".join(known.get(key, key.strip()) for key in dict.fromkeys([*keys, *_ALWAYS]))


def entries() -> dict[str, str]:
    """{key: BibTeX} of every reference that the package knows."""
    text = (resources.files("jaxdiode") / "references.bib").read_text(encoding="utf-8")
    found = re.finditer(r"^@\w+\{(\w+),.*?^\}$", text, re.DOTALL | re.MULTILINE)
    return {entry[1]: entry[0] for entry in found}


def _parts(thing: Any) -> list[AbstractParameters]:
    """A device and all that it is made of, outermost first."""
    found = [thing] if isinstance(thing, AbstractParameters) else []
    inner = jax.tree.leaves(
        thing, is_leaf=lambda x: x is not thing and isinstance(x, AbstractParameters)
    )
    return found + [part for x in inner if isinstance(x, AbstractParameters) for part in _parts(x)]
