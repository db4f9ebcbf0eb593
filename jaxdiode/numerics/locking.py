"""Marginal locked orbits of first-order equations by collocation, without linear systems.

For βu̇ + g(θ, u) = p, θ = Ωτ, u of period 2π in the angle θ/m, let a = ∂g/∂u along the orbit. Its
neighbours drift as w e^{−⟨a⟩τ}, w = e^{−∫(a − ⟨a⟩)}, so an orbit is marginal where ⟨a⟩ = 0, and

    rate·u' + a u = r    ⟺    u = wY,  rate·Y' + ⟨a⟩Y = r/w,

which is diagonal in Fourier space: Newton's step costs two quadratures. Orbits hold the lower two
thirds of the harmonics that their samples could, else products with w and 1/w would alias. Samples
are odd in number: the derivative of an even number does not see their sawtooth, a second null
vector.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from .orbits import MarginalOrbit, Restoring, Samples, Scalar


class _Step(NamedTuple):
    """What Newton's step needs of the orbit it starts from."""

    null: Samples
    curvature: Samples  # ∂²g/∂u²
    slope: Scalar  # ⟨a⟩
    rate: Scalar

    def apply(self, residual: Samples, slope: Scalar) -> tuple[Samples, Scalar]:
        """(du, dp) that remove a residual of the equation and one of ⟨a⟩ = 0."""
        smooth = jnp.asarray(_smoothing(residual.size))
        residual = smooth @ residual
        least = jnp.min(self.null)  # of 1/w, which may span decades
        pull, push = -least * residual / self.null, least / self.null
        first, second = self._periodic(pull), self._periodic(push)
        bend = self.curvature * self.null
        # du = (w/least)(s + Y₁ + dp·Y₂): s from ⟨a⟩ = 0, dp from the equation's mean over w.
        force = -jnp.mean(pull) / jnp.mean(push)
        per_mean = self.slope / jnp.mean(push)
        mean = -least * slope - jnp.mean(bend * first) - force * jnp.mean(bend * second)
        mean = mean / (jnp.mean(bend) + per_mean * jnp.mean(bend * second))
        force = force + per_mean * mean
        return smooth @ (self.null / least * (mean + first + force * second)), force

    def _periodic(self, r: Samples) -> Samples:
        """Y without its mean."""
        cosine, sine = (jnp.asarray(x) for x in _harmonics(r.size))
        even, odd = 2 / r.size * (cosine @ r), 2 / r.size * (sine @ r)
        turn = self.rate * jnp.arange(1, cosine.shape[0] + 1, dtype=float)
        square = turn**2 + self.slope**2
        a = (self.slope * even - turn * odd) / square
        b = (turn * even + self.slope * odd) / square
        return a @ cosine + b @ sine


def find_locked_orbit(
    restoring: Restoring,
    args: Any,
    rate: Scalar,
    orbit: Samples,
    parameter: Scalar,
    *,
    turns: Scalar | float = 1.0,
    iterations: int = 20,
) -> tuple[MarginalOrbit, Bool[Array, ""]]:
    """The marginal orbit nearest to a seed by Newton's method, and whether it converged.

    Its neutral perturbation w has the mean 1.

    Args:
        restoring: g(θ, x, args).
        rate: βΩ/m.
        orbit, parameter: seed; u at θ = 2πm k/n, k = 0 … n−1.
        turns: periods of the forcing per period of the orbit, m.
    """
    theta = _angles(orbit.size, turns)

    def unfinished(state):
        *_, size, k = state
        return (size > 1e-12) & (size < 1e3) & (k < iterations)

    def newton(state):
        u, p, _, k = state
        residual, slope, step = _linearised(restoring, args, rate, theta, u, p)
        du, dp = step.apply(residual, slope)
        size = jnp.maximum(jnp.max(jnp.abs(du)), jnp.abs(dp))
        part = jnp.minimum(1.0, 0.5 / size)
        return u + part * du, p + part * dp, size, k + 1

    start = (jnp.asarray(_smoothing(orbit.size)) @ orbit, parameter, jnp.ones_like(parameter), 0)
    u, p, size, _ = jax.lax.while_loop(unfinished, newton, start)
    _, _, step = _linearised(restoring, args, rate, theta, u, p)
    found = (size <= 1e-9) & jnp.all(jnp.isfinite(u))
    return MarginalOrbit(p, u, step.null), found


def differentiable(
    restoring: Restoring,
    args: Any,
    rate: Scalar,
    found: MarginalOrbit,
    *,
    turns: Scalar | float = 1.0,
) -> MarginalOrbit:
    """A found orbit as a function of `args` and `rate`, with exact gradient and Hessian.

    Two Newton steps with the Jacobian of the solution: each makes one more order exact.
    """
    p, u, null = jax.lax.stop_gradient(found)
    theta = _angles(u.size, turns)
    frozen = jax.lax.stop_gradient((args, rate))
    *_, step = _linearised(restoring, *frozen, theta, u, p)
    for _ in range(2):
        residual, slope = _residual(restoring, args, rate, theta, u, p)
        du, dp = step.apply(residual, slope)
        u, p = u + du, p + dp
    return MarginalOrbit(p, u, null)


def tail(found: MarginalOrbit) -> Scalar:
    """Largest amplitude in the highest quarter of u's harmonics, and of those of w of size 1."""
    n = found.orbit.size
    both = jnp.stack([found.orbit, found.null / jnp.max(found.null)])
    most = _kept(n)
    highest = (x[3 * most // 4 : most] for x in _harmonics(n))
    size = sum(((both @ x.T) ** 2 for x in highest), jnp.zeros(()))
    return 2 / n * jnp.sqrt(jnp.max(size))


def _residual(
    restoring: Restoring, args: Any, rate: Scalar, theta: Samples, u: Samples, p: Scalar
) -> tuple[Samples, Scalar]:
    """Of the equation, and ⟨a⟩."""
    one = jnp.ones_like(u)
    g, slope = jax.jvp(lambda x: restoring(theta, x, args), (u,), (one,))
    return rate * (jnp.asarray(_derivative(u.size)) @ u) + g - p, jnp.mean(slope)


def _linearised(
    restoring: Restoring, args: Any, rate: Scalar, theta: Samples, u: Samples, p: Scalar
) -> tuple[Samples, Scalar, _Step]:
    one = jnp.ones_like(u)

    def force_and_slope(x):
        return jax.jvp(lambda y: restoring(theta, y, args), (x,), (one,))

    (g, slope), (_, curvature) = jax.jvp(force_and_slope, (u,), (one,))
    mean = jnp.mean(slope)
    exponent = jnp.asarray(_antiderivative(u.size)) @ ((mean - slope) / rate)
    null = jnp.exp(exponent - jnp.max(exponent))
    null = null / jnp.mean(null)
    residual = rate * (jnp.asarray(_derivative(u.size)) @ u) + g - p
    return residual, mean, _Step(null, curvature, mean, rate)


def _angles(n: int, turns: Scalar | float) -> Samples:
    return 2 * jnp.pi * turns / n * jnp.arange(n, dtype=float)


def _harmonics(n: int) -> tuple[np.ndarray, np.ndarray]:
    """cos kθ and sin kθ, k = 1 … (n − 1)/2, at the samples."""
    angle = 2 * np.pi / n * np.outer(np.arange(1, n // 2 + 1), np.arange(n))
    return np.cos(angle), np.sin(angle)


def _kept(n: int) -> int:
    return n // 3


def _smoothing(n: int) -> np.ndarray:
    """Projection on the harmonics that orbits hold."""
    return _multiplied(n, lambda wave: np.where(np.abs(wave) <= _kept(n), 1.0, 0.0))


def _derivative(n: int) -> np.ndarray:
    """Of 2π-periodic samples, n odd."""
    return _multiplied(n, lambda wave: 1j * wave)


def _antiderivative(n: int) -> np.ndarray:
    """Of their part without mean, itself without mean."""
    return _multiplied(n, lambda wave: np.where(wave == 0, 0, -1j / np.where(wave == 0, 1, wave)))


def _multiplied(n: int, factor: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    wave = np.fft.fftfreq(n, 1 / n)
    basis = np.exp(2j * np.pi / n * np.outer(np.arange(n), wave))
    return np.real((basis * factor(wave)) @ basis.conj().T) / n
