"""Macroscopic quantum tunnelling out of a well, by the action of any current-phase relation.

    κ = ω₀/2π √(864πΔU/λω₀) e^{−B},   B = (1 + 0.87β/ω₀) (2/λ)∫√(2(U − U_min)) dφ,  λ = ħω_p/E_s,

from the well to where U comes down to U_min again. The prefactor and the factor of the damping are
those of a cubic potential, whose B without damping is 7.2ΔU/λω₀.

Sources: Caldeira and Leggett, Ann. Phys. 149, 374 (1983); Martinis, Devoret and Clarke, PRB 35,
4682 (1987); Grabert and Weiss, PRL 53, 1787 (1984) for the crossover.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..numerics.roots import bracketed_root
from .wells import ARCH, ARCH_WEIGHTS, Landscape, Well

Scalar = Float[Array, ""]

_CUBIC = 7.2  # B λω₀/ΔU of a cubic potential
_DAMPED = 0.87
_TURN = 2 * np.pi


def exit_point(land: Landscape, well: Well) -> Scalar:
    """The phase past the barrier where U is as low as in the well; derivatives are not kept."""
    land, well = jax.lax.stop_gradient((land, well))
    lowest = well.bottom.energy - well.bias * well.bottom.phase
    past = land.positions > well.top.phase
    low = past & (land.energies - well.bias * land.positions <= lowest)
    first = jnp.argmax(low)

    def above(phase: Scalar, args: tuple[Landscape, Array]) -> Scalar:
        land, bias = args
        return lowest - (land.at(phase)[0] - bias * phase)

    before = jnp.maximum(land.positions[jnp.maximum(first - 1, 0)], well.top.phase)
    root = bracketed_root(above, (land, well.bias), before, land.positions[first], 8)
    return jnp.where(jnp.any(low), root, well.bottom.phase + _TURN)


def tunnelling_action(land: Landscape, well: Well) -> Scalar:
    """2∫√(2(U − U_min))dφ under the barrier: λB without damping."""
    bottom, top = jax.lax.stop_gradient((well.bottom.phase, well.top.phase))
    ends = jnp.stack([bottom, top, exit_point(land, well)])
    # The integrand vanishes at both ends, so phases may be held in derivatives.
    length = jnp.diff(ends)[:, None]
    phase = ends[:-1, None] + length * ARCH
    lowest = well.bottom.energy - well.bias * well.bottom.phase
    height = land.at(phase)[0] - well.bias * phase - lowest
    speed = jnp.sqrt(2 * jnp.where(height > 0, height, 1.0))
    return 2 * jnp.sum(length * jnp.where(height > 0, speed, 0.0) * ARCH_WEIGHTS)


def exponent(land: Landscape, well: Well, quantum: Scalar, damping: Scalar) -> Scalar:
    """B."""
    softer = 1 + _DAMPED * damping / jnp.sqrt(_positive(well.bottom.slope))
    return softer * tunnelling_action(land, well) / quantum


def log_tunnelling(land: Landscape, well: Well, quantum: Scalar, damping: Scalar) -> Scalar:
    """ln κ at T = 0."""
    omega = jnp.sqrt(_positive(well.bottom.slope))
    quanta = _positive(well.barrier) / (quantum * omega)
    front = jnp.log(omega / (2 * np.pi)) + 0.5 * jnp.log(864 * np.pi * quanta)
    return front - exponent(land, well, quantum, damping)


def crossover(well: Well, quantum: Scalar, damping: Scalar) -> Scalar:
    """γ* = λ[√(ω_b² + β²/4) − β/2]/2π, NaN of a barrier that is a jump."""
    smooth = (well.top.slope < 0) & ~well.top.jump
    square = jnp.where(smooth, -well.top.slope, 1.0)
    found = quantum * (jnp.sqrt(square + damping**2 / 4) - damping / 2) / (2 * np.pi)
    return jnp.where(smooth, found, jnp.nan)


def lowest_barrier(well: Well, quantum: Scalar) -> Scalar:
    """ΔU at which B of a cubic potential is 1."""
    return quantum * jnp.sqrt(_positive(well.bottom.slope)) / _CUBIC


def _positive(x: Scalar) -> Scalar:
    return jnp.where(x > 0, x, 1.0)
