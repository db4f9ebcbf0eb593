"""Periodic orbits of forced oscillators by trigonometric collocation, and where they end.

For ẍ + βẋ + g(θ, x) = p, θ = Ωτ, an orbit u(θ) with the period 2πm of the forcing (m = 1, 2) is
sampled at n equidistant points. Areas shrink at the rate β, so an orbit can cease to attract
only through a Floquet multiplier 1 (fold: two orbits meet) or −1 (flip: the period doubles).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from .dense import bordered, inverse, updated_inverse
from .derivatives import differentiable_value

Scalar = Float[Array, ""]
Samples = Float[Array, " n"]
# (θ, x, args) → g, elementwise in θ and x
Restoring = Callable[[Samples, Samples, Any], Samples]


class MarginalOrbit(NamedTuple):
    """An orbit with a multiplier ±1.

    Attributes:
        parameter: the constant force p it lies at.
        orbit, null: samples of u and of the neutral perturbation w.
    """

    parameter: Scalar
    orbit: Samples
    null: Samples


class System:
    """The Moore–Spence system of a fold or flip at given arguments.

        Ω²u'' + βΩu' + g(θ, u) − p = 0,  Ω²w'' + βΩw' + g_u(θ, u) w = 0,  ℓ·w = 1,

    2n + 1 equations for u, w and p, regular at a quadratic fold. At a flip w is antiperiodic.
    """

    def __init__(self, restoring, args, damping, frequency, turns, flip, n):
        self.n, self.flip = n, flip
        self.ones, self.mean = jnp.ones(n), jnp.full(n, 1 / n)
        self.theta = 2 * jnp.pi * turns / n * jnp.arange(n, dtype=float)
        rate = frequency / turns
        first, second = _derivatives(n, antiperiodic=False)
        self.linear = rate**2 * second + damping * rate * first
        if flip:
            first, second = _derivatives(n, antiperiodic=True)
            self.linear_null = rate**2 * second + damping * rate * first
        else:
            self.linear_null = self.linear
        self.restoring, self.args = restoring, args

    def force(self, u):
        """g and g_u."""
        return jax.jvp(lambda x: self.restoring(self.theta, x, self.args), (u,), (self.ones,))

    def slope_and_curvature(self, u):
        return jax.jvp(lambda x: self.force(x)[1], (u,), (self.ones,))

    def residual(self, u, w, p, normal):
        g, slope = self.force(u)
        return self.linear @ u + g - p, self.linear_null @ w + slope * w, normal @ w - 1

    def normalised(self, w):
        """w and ℓ with ℓ·w = 1."""
        if self.flip:
            w = w / jnp.max(jnp.abs(w))
            return w, w / (w @ w)
        return w / (self.mean @ w), self.mean

    def inverted(self, u, w, normal):
        """Both blocks of the Jacobian, bordered; at a fold they are one."""
        slope, curvature = self.slope_and_curvature(u)
        of_orbit = inverse(bordered(self.linear + jnp.diag(slope), -self.ones, self.mean))
        of_null = of_orbit
        if self.flip:
            of_null = inverse(bordered(self.linear_null + jnp.diag(slope), w, normal))
        return of_orbit, of_null, curvature * w

    def correction(self, inverses, value):
        """Newton's step by block elimination: the mean of u comes last."""
        of_orbit, of_null, bend = inverses
        along = of_orbit[:, -1]  # (du, dp) per change of the mean of u
        shift = of_orbit[:, :-1] @ -value[0]
        per_mean = of_null[:, :-1] @ (-bend * along[:-1])
        turn = of_null[:, :-1] @ (-value[1] - bend * shift[:-1]) - of_null[:, -1] * value[2]
        step = -turn[-1] / per_mean[-1]
        shift, turn = shift + step * along, turn + step * per_mean
        return shift[:-1], turn[:-1], shift[-1]

    def neutral(self, u):
        """A first guess of w, by inverse iteration."""
        slope, _ = self.slope_and_curvature(u)
        inverted = inverse(self.linear_null + jnp.diag(slope))
        w = jnp.cos(self.theta * (np.pi / self.theta[-1]) - 0.4) if self.flip else self.ones
        for _ in range(3):
            w = inverted @ w
            w = w / jnp.max(jnp.abs(w))
        return self.normalised(w)[0]


def find_marginal_orbit(
    restoring: Restoring,
    args: Any,
    damping: Scalar,
    frequency: Scalar,
    orbit: Samples,
    parameter: Scalar,
    *,
    turns: Scalar | float = 1.0,
    flip: bool = False,
    iterations: int = 15,
) -> tuple[MarginalOrbit, Bool[Array, ""]]:
    """The fold (or flip) nearest to a seed by Newton's method, and whether it converged.

    Args:
        restoring: g(θ, x, args).
        orbit, parameter: seed; u at θ = 2πm k/n, k = 0 … n−1, n even.
        turns: periods of the forcing per period of the orbit, m.
    """
    system = System(restoring, args, damping, frequency, turns, flip, orbit.size)

    def unfinished(state):
        *_, size, k = state
        return (size > 1e-11) & (size < 1e3) & (k < iterations)

    def newton(state):
        u, w, p, _, k = state
        w, normal = system.normalised(w)
        value = system.residual(u, w, p, normal)
        du, dw, dp = system.correction(system.inverted(u, w, normal), value)
        size = jnp.maximum(jnp.max(jnp.abs(du)), jnp.abs(dp))
        part = jnp.minimum(1.0, 0.5 / size)
        return u + part * du, w + dw, p + part * dp, size, k + 1

    start = (orbit, system.neutral(orbit), parameter, jnp.ones_like(parameter), 0)
    u, w, p, size, _ = jax.lax.while_loop(unfinished, newton, start)
    found = (size <= 1e-9) & jnp.all(jnp.isfinite(u))
    return MarginalOrbit(p, u, system.normalised(w)[0]), found


class Fold(NamedTuple):
    """A fold and what its derivatives need.

    Attributes:
        parameter: the constant force p it lies at.
        orbit: samples of u.
        null: of the neutral perturbation w, of mean 1.
        weight: of the left null vector, of mean 1: dp = ⟨weight, d(Ω²u'' + βΩu' + g)⟩.
    """

    parameter: Scalar
    orbit: Samples
    null: Samples
    weight: Samples


def find_fold(
    restoring: Restoring,
    args: Any,
    damping: Scalar,
    frequency: Scalar,
    orbit: Samples,
    parameter: Scalar,
    *,
    turns: Scalar | float = 1.0,
    iterations: int = 15,
) -> tuple[Fold, Bool[Array, ""]]:
    """The fold nearest to a seed, as `find_marginal_orbit`, in a third of the time.

    One inverse of the Jacobian is made; those that follow correct it (Newton and Schulz) while that
    is enough.
    """
    system = System(restoring, args, damping, frequency, turns, False, orbit.size)

    def linearised(u):
        slope, curvature = system.slope_and_curvature(u)
        return bordered(system.linear + jnp.diag(slope), -system.ones, system.mean), curvature

    def unfinished(state):
        *_, size, k = state
        return (size > 1e-11) & (size < 1e3) & (k < iterations)

    def newton(state):
        u, w, p, inverted, _, k = state
        matrix, curvature = linearised(u)
        inverted = updated_inverse(inverted, matrix)
        # At a fold an orbit of another mean differs by the neutral perturbation.
        w = jnp.where(k == 0, inverted[:-1, -1], w / (system.mean @ w))
        value = system.residual(u, w, p, system.mean)
        du, dw, dp = system.correction((inverted, inverted, curvature * w), value)
        size = jnp.maximum(jnp.max(jnp.abs(du)), jnp.abs(dp))
        part = jnp.minimum(1.0, 0.5 / size)
        return u + part * du, w + dw, p + part * dp, inverted, size, k + 1

    n = orbit.size
    start = (orbit, orbit, parameter, jnp.zeros((n + 1, n + 1)), jnp.ones_like(parameter), 0)
    u, w, p, inverted, size, _ = jax.lax.while_loop(unfinished, newton, start)
    found = (size <= 1e-9) & jnp.all(jnp.isfinite(u))
    matrix = linearised(u)[0]
    inverted = inverted + (jnp.eye(n + 1) - inverted @ matrix) @ inverted
    fold = Fold(p, u, w / (system.mean @ w), -n * inverted[-1, :-1])
    return fold._replace(parameter=_balanced(system, fold)), found


def differentiable(
    restoring: Restoring,
    args: Any,
    damping: Scalar,
    frequency: Scalar,
    found: MarginalOrbit,
    *,
    turns: Scalar | float = 1.0,
    flip: bool = False,
) -> MarginalOrbit:
    """A found orbit as a function of `args`, `damping` and `frequency`.

    Two more Newton steps with the Jacobian of the solution: each makes one more order of
    derivatives exact, so value, gradient and Hessian are. `restoring` must not close over
    anything that is differentiated.
    """
    given = args, damping, frequency
    frozen, (p, u, w) = jax.lax.stop_gradient((given, found))
    w, normal = System(restoring, *frozen, turns, flip, u.size).normalised(w)
    inverses = System(restoring, *frozen, turns, flip, u.size).inverted(u, w, normal)
    system = System(restoring, *given, turns, flip, u.size)
    for _ in range(2):
        du, dw, dp = system.correction(inverses, system.residual(u, w, p, normal))
        u, w, p = u + du, w + dw, p + dp
    return MarginalOrbit(p, u, w)


def weighted(
    restoring: Restoring,
    args: Any,
    damping: Scalar,
    frequency: Scalar,
    found: MarginalOrbit,
    *,
    turns: Scalar | float = 1.0,
) -> Fold:
    """A fold with its left null vector."""
    system = System(restoring, args, damping, frequency, turns, False, found.orbit.size)
    inverted = system.inverted(found.orbit, found.null, system.mean)[0]
    fold = Fold(*found, -found.orbit.size * inverted[-1, :-1])
    return fold._replace(parameter=_balanced(system, fold))


def exact_parameter(
    restoring: Restoring,
    args: Any,
    damping: Scalar,
    frequency: Scalar,
    found: Fold,
    *,
    turns: Scalar | float = 1.0,
) -> Scalar:
    """The parameter of a fold with its gradient, at the price of one evaluation, and its Hessian.

    `restoring` must not close over anything that is differentiated.
    """

    def first(given, frozen):
        (args, damping, frequency), (fold, turns) = given, frozen
        system = System(restoring, args, damping, frequency, turns, False, fold.orbit.size)
        return _balanced(system, fold)

    def second(given, frozen):
        (args, damping, frequency), (fold, turns) = given, frozen
        orbit = MarginalOrbit(fold.parameter, fold.orbit, fold.null)
        return differentiable(restoring, args, damping, frequency, orbit, turns=turns).parameter

    frozen = found, jnp.asarray(turns, float)
    return differentiable_value(
        found.parameter, (args, damping, frequency), frozen, first, second
    )  # fmt: skip


def _balanced(system: System, fold: Fold) -> Scalar:
    """p of the equation, to first order in the orbit's own error and change."""
    moving = fold.orbit - jnp.mean(fold.orbit)  # less to round
    return jnp.mean(fold.weight * (system.linear @ moving + system.force(fold.orbit)[0]))


def velocity(orbit: Samples, frequency: Scalar, turns: Scalar | float = 1.0) -> Samples:
    """du/dτ at the samples."""
    return frequency / turns * (_derivatives(orbit.size, antiperiodic=False)[0] @ orbit)


def interpolate(samples: Samples, points: int, *, antiperiodic: bool = False) -> Float[Array, " m"]:
    """The trigonometric interpolant of n samples on more points."""
    n = samples.size
    wave = np.fft.fftfreq(n, 1 / n) + (0.5 if antiperiodic else 0.0)
    old, new = (2 * np.pi * np.arange(k) / k for k in (n, points))
    basis = np.exp(1j * np.outer(new, wave)) @ np.exp(-1j * np.outer(wave, old)) / n
    return jnp.asarray(basis.real) @ samples


def tail(orbit: Samples) -> Scalar:
    """Largest amplitude (radians) in the highest quarter of the harmonics."""
    n = orbit.size
    # A matrix, not an FFT: XLA's can deadlock on a CPU under vmap.
    angle = 2 * np.pi * np.outer(np.arange(1, n // 2), np.arange(n)) / n
    size = (np.cos(angle) @ orbit) ** 2 + (np.sin(angle) @ orbit) ** 2
    return 2 / n * jnp.sqrt(jnp.max(size[3 * size.size // 4 :]))


def _derivatives(n: int, antiperiodic: bool) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivative of 2π-periodic (or antiperiodic) samples, n even."""
    wave = np.fft.fftfreq(n, 1 / n)
    point = 2 * np.pi * np.arange(n) / n
    if antiperiodic:
        wave = wave + 0.5
    basis = np.exp(1j * np.outer(point, wave))
    inverse = basis.conj().T / n
    second = (basis * -(wave**2)) @ inverse
    if not antiperiodic:
        wave = np.where(2 * np.abs(wave) == n, 0, wave)  # the sawtooth has no derivative here
    return ((basis * (1j * wave)) @ inverse).real, second.real
