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
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from .derivatives import differentiable_value
from .orbits import MarginalOrbit, Restoring, Samples, Scalar

_ORDERS = 2
_DENSE = 200  # samples up to which a matrix is faster than transforms


class LockedFold(NamedTuple):
    """A marginal orbit and what its derivatives need.

    Attributes:
        parameter, orbit, null: as of a `MarginalOrbit`; w is of any size.
        slope: u'.
        weight: 1/w, of mean 1: dp = ⟨weight, d(rate·u' + g)⟩.
    """

    parameter: Scalar
    orbit: Samples
    null: Samples
    slope: Samples
    weight: Samples


class _Step(NamedTuple):
    """What Newton's step needs of the orbit it starts from."""

    null: Samples
    log_null: Samples  # its largest 0
    curvature: Samples  # ∂²g/∂u²
    slope: Scalar  # ⟨a⟩
    rate: Scalar
    step: Scalar  # of θ/rate

    def apply(self, residual: Samples, slope: Scalar) -> tuple[Samples, Scalar]:
        """(du, dp) that remove a residual of the equation and one of ⟨a⟩ = 0."""
        residual = _filtered(residual, _smoothing)
        if residual.size > _DENSE:
            return self._from_both_ends(residual, slope)
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
        return _filtered(self.null / least * (mean + first + force * second), _smoothing), force

    def _from_both_ends(self, residual: Samples, slope: Scalar) -> tuple[Samples, Scalar]:
        """The same where w spans any number of decades, to the order of a trapezoidal rule.

        du is followed forwards while w falls and backwards while it rises, so nothing grows; ⟨a⟩ is
        left out of the operator.
        """
        weight = jnp.exp(jnp.min(self.log_null) - self.log_null)
        force = jnp.sum(weight * residual) / jnp.sum(weight)
        first = jnp.argmax(self.log_null)
        size = residual.size
        around = jnp.mod(first + jnp.arange(size + 1), size)
        log, r = self.log_null[around], ((force - residual) * self.step / 2)[around]

        def follow(log: Array, r: Array) -> Array:
            growth = jnp.exp(jnp.minimum(jnp.diff(log), 30.0))

            def one(v: Scalar, here: tuple[Scalar, Scalar, Scalar]):
                growth, before, after = here
                v = growth * (v + before) + after
                return v, v

            _, found = jax.lax.scan(one, jnp.zeros_like(force), (growth, r[:-1], r[1:]))
            return jnp.concatenate([jnp.zeros(1), found])

        forth, back = follow(log, r), follow(log[::-1], -r[::-1])[::-1]
        half = jnp.argmin(log)
        both = jnp.where(jnp.arange(size + 1) <= half, forth, back)[:-1]
        change = jnp.zeros(size).at[around[:-1]].set(both)
        null = jnp.exp(self.log_null)
        bend = self.curvature / size
        share = -(slope + bend @ change) / (bend @ null)
        return _filtered(change + share * null, _smoothing), force

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
    most: int = 60,
) -> tuple[MarginalOrbit, Bool[Array, ""]]:
    """The marginal orbit nearest to a seed by Newton's method, and whether it converged.

    Its neutral perturbation w has the mean 1.

    Args:
        restoring: g(θ, x, args).
        rate: βΩ/m.
        orbit, parameter: seed; u at θ = 2πm k/n, k = 0 … n−1.
        turns: periods of the forcing per period of the orbit, m.
        iterations, most: of Newton's method, of few samples and of many.
    """
    theta = _angles(orbit.size, turns)
    iterations = iterations if orbit.size <= _DENSE else most

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

    start = (_filtered(orbit, _smoothing), parameter, jnp.ones_like(parameter), 0)
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

    Two Newton steps with the Jacobian of the solution: each makes one more order exact. Of many
    samples, where the Jacobian is that of a trapezoidal rule, four.
    """
    p, u, null = jax.lax.stop_gradient(found)
    theta = _angles(u.size, turns)
    frozen = jax.lax.stop_gradient((args, rate))
    *_, step = _linearised(restoring, *frozen, theta, u, p)
    for _ in range(_ORDERS if u.size <= _DENSE else 2 * _ORDERS):
        residual, slope = _residual(restoring, args, rate, theta, u, p)
        du, dp = step.apply(residual, slope)
        u, p = u + du, p + dp
    return MarginalOrbit(p, u, null)


def weighted(
    restoring: Restoring,
    args: Any,
    rate: Scalar,
    found: MarginalOrbit,
    *,
    turns: Scalar | float = 1.0,
) -> LockedFold:
    """A found orbit with the weights of its equation."""
    theta = _angles(found.orbit.size, turns)
    _, _, step = _linearised(restoring, args, rate, theta, found.orbit, found.parameter)
    weight = jnp.exp(jnp.min(step.log_null) - step.log_null)
    slope = _filtered(found.orbit, _derivative)
    fold = LockedFold(*found, slope, weight / jnp.mean(weight))
    return fold._replace(parameter=_balanced(restoring, args, rate, fold, turns))


def exact_parameter(
    restoring: Restoring,
    args: Any,
    rate: Scalar,
    found: LockedFold,
    *,
    turns: Scalar | float = 1.0,
) -> Scalar:
    """The parameter with its gradient, at the price of one evaluation, and its Hessian.

    `restoring` must not close over anything that is differentiated.
    """

    def first(given, frozen):
        (args, rate), (fold, turns) = given, frozen
        return _balanced(restoring, args, rate, fold, turns)

    def second(given, frozen):
        (args, rate), (fold, turns) = given, frozen
        orbit = MarginalOrbit(fold.parameter, fold.orbit, fold.null)
        return differentiable(restoring, args, rate, orbit, turns=turns).parameter

    frozen = found, jnp.asarray(turns, float)
    return differentiable_value(found.parameter, (args, rate), frozen, first, second)


def _balanced(
    restoring: Restoring, args: Any, rate: Scalar, fold: LockedFold, turns: Scalar | float
) -> Scalar:
    """p of the equation, to first order in the orbit's own error and change."""
    g = restoring(_angles(fold.orbit.size, turns), fold.orbit, args)
    return jnp.mean(fold.weight * (rate * fold.slope + g))


def tail(found: MarginalOrbit) -> Scalar:
    """Largest amplitude in the highest quarter of u's harmonics, and of those of w of size 1."""
    n = found.orbit.size
    both = jnp.stack([found.orbit, found.null / jnp.max(found.null)])
    most = _kept(n)
    if n > _DENSE:
        highest = jnp.abs(jnp.fft.rfft(both)[:, 3 * most // 4 + 1 : most + 1])
        return 2 / n * jnp.max(highest)
    highest = (x[3 * most // 4 : most] for x in _harmonics(n))
    size = sum(((both @ x.T) ** 2 for x in highest), jnp.zeros(()))
    return 2 / n * jnp.sqrt(jnp.max(size))


def _residual(
    restoring: Restoring, args: Any, rate: Scalar, theta: Samples, u: Samples, p: Scalar
) -> tuple[Samples, Scalar]:
    """Of the equation, and ⟨a⟩."""
    one = jnp.ones_like(u)
    g, slope = jax.jvp(lambda x: restoring(theta, x, args), (u,), (one,))
    return rate * _filtered(u, _derivative) + g - p, jnp.mean(slope)


def _linearised(
    restoring: Restoring, args: Any, rate: Scalar, theta: Samples, u: Samples, p: Scalar
) -> tuple[Samples, Scalar, _Step]:
    one = jnp.ones_like(u)

    def force_and_slope(x):
        return jax.jvp(lambda y: restoring(theta, y, args), (x,), (one,))

    (g, slope), (_, curvature) = jax.jvp(force_and_slope, (u,), (one,))
    mean = jnp.mean(slope)
    exponent = _filtered((mean - slope) / rate, _antiderivative)
    log_null = exponent - jnp.max(exponent)
    null = jnp.exp(log_null)
    null = null / jnp.mean(null)
    residual = rate * _filtered(u, _derivative) + g - p
    step = 2 * jnp.pi / u.size / rate
    return residual, mean, _Step(null, log_null, curvature, mean, rate, step)


def _angles(n: int, turns: Scalar | float) -> Samples:
    return 2 * jnp.pi * turns / n * jnp.arange(n, dtype=float)


def _harmonics(n: int) -> tuple[np.ndarray, np.ndarray]:
    """cos kθ and sin kθ, k = 1 … (n − 1)/2, at the samples."""
    angle = 2 * np.pi / n * np.outer(np.arange(1, n // 2 + 1), np.arange(n))
    return np.cos(angle), np.sin(angle)


def _kept(n: int) -> int:
    return n // 3


def _smoothing(wave: np.ndarray, n: int) -> np.ndarray:
    """Projection on the harmonics that orbits hold."""
    return np.where(np.abs(wave) <= _kept(n), 1.0, 0.0)


def _derivative(wave: np.ndarray, n: int) -> np.ndarray:
    """Of 2π-periodic samples, n odd."""
    del n
    return 1j * wave


def _antiderivative(wave: np.ndarray, n: int) -> np.ndarray:
    """Of their part without mean, itself without mean."""
    del n
    return np.where(wave == 0, 0, -1j / np.where(wave == 0, 1, wave))


def _filtered(samples: Samples, factor: Callable[[np.ndarray, int], np.ndarray]) -> Samples:
    """Every harmonic multiplied by its factor: by a matrix of few samples, else by transforms."""
    n = samples.size
    if n > _DENSE:
        weights = np.asarray(factor(np.arange(n // 2 + 1, dtype=float), n), complex)
        return jnp.fft.irfft(jnp.fft.rfft(samples) * weights, n)
    return jnp.asarray(_matrix(n, factor)) @ samples


@cache
def _matrix(n: int, factor: Callable[[np.ndarray, int], np.ndarray]) -> np.ndarray:
    wave = np.fft.fftfreq(n, 1 / n)
    basis = np.exp(2j * np.pi / n * np.outer(np.arange(n), wave))
    return np.real((basis * factor(wave, n)) @ basis.conj().T) / n
