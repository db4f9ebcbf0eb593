"""Profiles of the critical current density over the width, −½ ≤ x ≤ ½, with mean one.

A profile is a list of numbers and a word that says how they are joined; panels of equal width hold
one Legendre series each.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ... import _checks

ORDER = 12  # numbers per panel of a smooth profile
PANELS = 8
INTERPOLATIONS = ("linear", "boxes", "smooth")

_LEGENDRE = np.polynomial.legendre
_NODES = _LEGENDRE.leggauss(ORDER)[0]
_TO_SERIES = np.linalg.inv(_LEGENDRE.legvander(_NODES, ORDER - 1))
_PROBES = np.linspace(-0.99, 0.99, 7)  # between the nodes, where a sampled function is checked
_ENDS = 0.1  # decay length of the preset "edges", in widths


def smooth_positions(count: int = PANELS * ORDER) -> np.ndarray:
    """Where a smooth profile of so many numbers has them: Gauss nodes of equal panels."""
    panels = count // ORDER
    centres = (np.arange(panels) + 0.5) / panels - 0.5
    return np.ravel(centres[:, None] + _NODES / (2 * panels))


def edges(x):
    """1 + 3 (e^{−(½+x)/0.1} + e^{−(½−x)/0.1}) up to a factor: more current near both ends."""
    return 1 + 3 * (jnp.exp(-(x + 0.5) / _ENDS) + jnp.exp(-(0.5 - x) / _ENDS))


def values_of(profile: Any, interpolation: str) -> tuple[Any, str]:
    """(numbers or None for a uniform profile, how they are joined) of what a user gives."""
    if interpolation not in INTERPOLATIONS:
        raise _checks.unknown_name("interpolation", interpolation, INTERPOLATIONS)
    if profile is None or (isinstance(profile, str) and profile == "uniform"):
        return None, interpolation
    if isinstance(profile, str):
        if profile != "edges":
            raise _checks.unknown_name("profile", profile, ("uniform", "edges"))
        profile = edges
    if callable(profile):
        return _sampled(profile), "smooth"
    return profile, interpolation


def require_count(count: int, interpolation: str) -> None:
    if interpolation == "linear" and count < 2:
        raise ValueError(f"profile must have samples at both ends, at least 2, got {count}")
    if count < 1:
        raise ValueError("profile must hold at least one number, got none")
    if interpolation == "smooth" and count % ORDER:
        raise ValueError(
            f"profile of interpolation 'smooth' must have {ORDER} numbers a panel "
            f"(ExtendedJunction.positions says where), got {count}"
        )


def series(values: Float[Array, " n"] | None, interpolation: str) -> Float[Array, "panels order"]:
    """Legendre coefficients of every panel, scaled to a mean of one over the width."""
    if values is None:
        return jnp.ones((1, 1))
    if interpolation == "boxes":
        found = values[:, None]
    elif interpolation == "linear":
        left, right = values[:-1], values[1:]
        found = jnp.stack([(left + right) / 2, (right - left) / 2], axis=1)
    else:
        found = values.reshape(-1, ORDER) @ _TO_SERIES.T
    return found / jnp.mean(found[:, 0])


def density(coefficients: Float[Array, "panels order"], x: Float[Array, " n"]):
    """p(x); at a step the side that rounding picks."""
    panels = coefficients.shape[0]
    panel = jnp.clip(jnp.floor((x + 0.5) * panels), 0, panels - 1)
    return density_in(coefficients, panel.astype(int), x)


def density_in(
    coefficients: Float[Array, "panels order"], at: Int[Array, "..."], x: Float[Array, " n"]
):
    """The series of the panels `at`, at x: at a step the side that is asked for."""
    panels, order = coefficients.shape
    t = 2 * ((x + 0.5) * panels - at.astype(x.dtype)) - 1

    def own(k):  # one gather each: nothing of the size of all orders is held
        return coefficients[at, k] if panels > 1 else coefficients[0, k]

    before, last = jnp.zeros_like(t), jnp.zeros_like(t)
    for k in range(order - 1, 0, -1):  # Clenshaw's recurrence
        following = (2 * k + 1) / (k + 1) * t * before - (k + 1) / (k + 2) * last
        before, last = own(k) + following, before
    return own(0) + t * before - last / 2


def _sampled(profile: Callable) -> Array:
    x = smooth_positions()
    values = _checks.real_array("profile(x)", _called(profile, x), ndim=1, at_least=0.0)
    if _checks.is_concrete(values):
        panels = np.asarray(values).reshape(PANELS, ORDER) @ _TO_SERIES.T
        centres = (np.arange(PANELS) + 0.5) / PANELS - 0.5
        between = np.ravel(centres[:, None] + _PROBES / (2 * PANELS))
        found = np.ravel(panels @ _LEGENDRE.legvander(_PROBES, ORDER - 1).T)
        error = np.max(np.abs(found - np.asarray(_called(profile, between))))
        if error > 1e-8 * np.max(np.abs(values)):
            raise ValueError(
                f"profile must be smooth over an eighth of the width to be a function, got one "
                f"that {PANELS * ORDER} points leave {error:.1e} off; give samples or boxes"
            )
    return values


def _called(profile, x):
    return jnp.broadcast_to(jnp.asarray(profile(jnp.asarray(x)), float), x.shape)
