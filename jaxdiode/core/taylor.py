"""Energy and current of a phase-biased device as power series around a phase."""

import math
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import jet
from jaxtyping import Array, Float, Int

from ..numerics.status import Status
from .extrema import CurrentOfPhase
from .results import AbstractResult

_JUMP = 1e-9  # radians: turns that are narrower, and phases that are nearer, are at a jump


class TaylorSeries(AbstractResult):
    """U(φ₀ + x) − U(φ₀) = Σₙ uₙ xⁿ and I(φ₀ + x) = Σₙ iₙ xⁿ, with U′ = I: iₙ = (n + 1) uₙ₊₁.

    Energies in Φ₀/2π × unit of current (`units.josephson_energy` takes them to GHz, meV, …). What
    qubit and amplifier people call

    - Josephson energy at φ₀: E_J = d²U/dφ² = 2u₂ = i₁; inductance L_J = (Φ₀/2π)²/E_J,
    - nonlinearities in U/E_J = Σ cₙ xⁿ/n! of a reference energy E_J: cₙ = n! uₙ/E_J, `derivatives`
      divided by it. At a minimum c₃ drives three-wave mixing and c₄ (with −5c₃²/3c₂) the Kerr
      shift. Where papers write Σ cₙ xⁿ without the factorial, cₙ = uₙ/E_J, `energy` divided by it.

    Source: Frattini et al., Appl. Phys. Lett. 110, 222603 (2017) (without the factorial) and
    Phys. Rev. Applied 10, 054020 (2018) (with it), where x and E_J are those of a SNAIL.

    Attributes:
        phase: φ₀ (radians).
        energy: u₀ … u_order along the last axis; u₀ = 0.
        current: i₀ … i_{order−1}.
        status: of the device, NONFINITE at a jump of I(φ).

    Example:
        >>> class Snail(jd.AbstractPhaseBiased):  # α sin φ and three large junctions, φ_ext = 2πf
        ...     alpha: jax.Array
        ...     flux: jax.Array
        ...     def current(self, phase):
        ...         far = phase - 2 * jnp.pi * self.flux
        ...         return self.alpha * jnp.sin(phase) + jnp.sin(far / 3)
        >>> series = Snail(jnp.array(0.29), jnp.array(0.41)).taylor(1.7011329883819)  # minimum
        >>> print(np.round(series.derivatives[2:], 6))  # c₂, c₃, c₄ of U/E_J = Σ cₙ xⁿ/n!
        [ 0.281565 -0.255591  0.002218]
    """

    phase: Float[Array, "..."]
    energy: Float[Array, "*phases terms"]
    current: Float[Array, "*phases order"]
    status: Int[Array, "..."]

    @property
    def derivatives(self) -> Float[Array, "*phases terms"]:
        """dⁿU/dφⁿ = n! uₙ at φ₀, n = 0 … order (0 for n = 0)."""
        count = self.energy.shape[-1]
        return self.energy * np.array([float(math.factorial(n)) for n in range(count)])

    @property
    def josephson_energy(self) -> Float[Array, "..."]:
        """E_J = d²U/dφ² at φ₀ (Φ₀/2π × current), negative beyond a maximum of I."""
        return 2 * self.energy[..., 2]

    @property
    def inductance(self) -> Float[Array, "..."]:
        """L_J = 1/(2π dI/dφ), in Φ₀ per unit of current."""
        return 1 / (2 * jnp.pi * self.current[..., 1])


@eqx.filter_jit
def taylor(relation: CurrentOfPhase, phase: Float[Array, "..."], order: int) -> TaylorSeries:
    """The series of a solved relation; order ≥ 2."""
    factorial = np.array([float(math.factorial(n)) for n in range(order)])
    current = derivatives(relation.current, phase, order) / factorial
    energy = jnp.concatenate(
        [jnp.zeros((*phase.shape, 1)), current / np.arange(1.0, order + 1)], axis=-1
    )
    known = jnp.all(jnp.isfinite(current), axis=-1) & ~_at_a_jump(relation, phase)
    code = jnp.broadcast_to(relation.status(), phase.shape).astype(jnp.int32)
    status = jnp.where((code == Status.CONVERGED) & ~known, Status.NONFINITE, code)
    good = (status == Status.CONVERGED)[..., None]
    return TaylorSeries(
        phase=phase,
        energy=jnp.where(good, energy, jnp.nan),
        current=jnp.where(good, current, jnp.nan),
        status=status.astype(jnp.int32),
    )


def derivatives(
    function: Callable[[Array], Array], x: Float[Array, "..."], count: int
) -> Float[Array, "*phases count"]:
    """(f, f′, f″, …) along a last axis, of a function that acts element by element.

    Taylor arithmetic: its cost grows as count², that of nested derivatives as 2^count, which stay
    for functions with an operation that it does not know.
    """
    seeds = (jnp.ones_like(x), *(jnp.zeros_like(x) for _ in range(count - 2)))
    try:
        value, higher = jet.jet(function, (x,), (seeds,))
    except (NotImplementedError, KeyError):  # KeyError: of arctan it names a rule it has not
        return _nested(function, x, count)
    return jnp.stack([value, *higher], axis=-1)


def _nested(function: Callable[[Array], Array], x: Array, count: int) -> Array:
    def derived(lower: Callable[[Array], Array]) -> Callable[[Array], Array]:
        def extended(y: Array) -> Array:
            value, slope = jax.jvp(lower, (y,), (jnp.ones_like(y),))
            return jnp.concatenate([value, slope[..., -1:]], axis=-1)

        return extended

    found = lambda y: function(y)[..., None]  # noqa: E731
    for _ in range(count - 1):
        found = derived(found)
    return found(x)


def _at_a_jump(relation: CurrentOfPhase, phase: Array) -> Array:
    kinks, widths = jax.lax.stop_gradient(relation.kinks())
    kinks, widths = jnp.atleast_1d(jnp.asarray(kinks)), jnp.atleast_1d(jnp.asarray(widths))
    away = jnp.mod(phase[..., None] - kinks + jnp.pi, 2 * jnp.pi) - jnp.pi
    return jnp.any((jnp.abs(away) < _JUMP) & (widths < _JUMP), axis=-1)
