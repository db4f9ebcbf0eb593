"""The fit verb: parameters of a device from measured data, with honest error bars."""

from collections.abc import Callable
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray, PyTree

from . import _checks
from .core.device import AbstractDevice
from .progress import track
from .space import Space

Model = Callable[[Any], PyTree]
Loss = Literal["linear", "soft_l1", "cauchy"]

# First and second derivative of ρ(z), z a squared residual in units of σ (SciPy's definitions).
_LOSSES: dict[str, tuple[Callable, Callable]] = {
    "linear": (lambda z: np.ones_like(z), lambda z: np.zeros_like(z)),
    "soft_l1": (lambda z: (1 + z) ** -0.5, lambda z: -0.5 * (1 + z) ** -1.5),
    "cauchy": (lambda z: 1 / (1 + z), lambda z: -1 / (1 + z) ** 2),
}
_SCALE_ROUNDS = 4  # re-estimates of an unknown noise scale in a robust fit


class FitResult(eqx.Module):
    """A fitted device with the covariance of its parameters.

    Attributes:
        device: the fitted device; hand it on to `maximise` or `sweep`.
        names: the fitted parameters, in the order of every array here.
        values, errors: best values and standard errors (one sigma).
        covariance: their covariance, square.
        residuals: model − data, flattened, in the data's unit.
        sigma: standard deviation of the noise: as given, or estimated from the residuals.
        rms: root mean square of the residuals.
        degrees_of_freedom: data points minus parameters.
        converged: the optimiser's own verdict.
        at_bound: parameters that ended on a bound; their error bars mean nothing.
    """

    device: AbstractDevice
    names: tuple[str, ...] = eqx.field(static=True)
    values: np.ndarray
    errors: np.ndarray
    covariance: np.ndarray
    residuals: np.ndarray
    sigma: np.ndarray
    sigma_known: bool = eqx.field(static=True)
    degrees_of_freedom: int = eqx.field(static=True)
    converged: bool = eqx.field(static=True)
    at_bound: tuple[str, ...] = eqx.field(static=True)

    @property
    def parameters(self) -> dict[str, tuple[float, float]]:
        """{name: (value, standard error)}."""
        pairs = zip(map(float, self.values), map(float, self.errors), strict=True)
        return dict(zip(self.names, pairs, strict=True))

    @property
    def rms(self) -> float:
        return float(np.sqrt(np.mean(self.residuals**2)))

    @property
    def chi_squared(self) -> float:
        """Σ (residual/σ)² per degree of freedom: about 1 when σ is right and the model holds."""
        if not np.all(self.sigma > 0):
            return float("nan")  # estimated from residuals that are all zero
        return float(np.sum((self.residuals / self.sigma) ** 2) / self.degrees_of_freedom)

    @property
    def outliers(self) -> int:
        """Points more than 5 σ off."""
        return int(np.sum(np.abs(self.residuals) > 5 * self.sigma))

    def interval(self, level: float = 0.68) -> np.ndarray:
        """Confidence intervals (n, 2): Student's t where σ was estimated, normal where given."""
        from scipy import stats

        if not 0 < level < 1:
            raise ValueError(f"level must lie between 0 and 1, got {level!r}")
        tail = 0.5 + level / 2
        factor = (
            stats.norm.ppf(tail) if self.sigma_known else stats.t.ppf(tail, self.degrees_of_freedom)
        )
        return self.values[:, None] + factor * self.errors[:, None] * np.array([-1.0, 1.0])

    def summary(self) -> str:
        """A table to print."""
        rows = [
            f"  {name:<28s} {value:.6g} ± {error:.2g}"
            + ("   at its bound" if name in self.at_bound else "")
            for name, (value, error) in self.parameters.items()
        ]
        noise = float(np.median(self.sigma))
        origin = f"given, χ² per degree of freedom {self.chi_squared:.3g}"
        origin = origin if self.sigma_known else "estimated from the residuals"
        head = f"noise σ = {noise:.4g} ({origin}), {self.degrees_of_freedom} degrees of freedom"
        if self.outliers:
            head += f"\n{self.outliers} points lie beyond 5 σ"
        if not self.converged:
            head += "\nNOT converged"
        return "\n".join([head, *rows])


def fit(
    model: Model,
    space: Space,
    data: PyTree,
    sigma: PyTree = None,
    *,
    loss: Loss = "linear",
    starts: int = 1,
    key: PRNGKeyArray | None = None,
    max_steps: int = 300,
    progress: bool = True,
) -> FitResult:
    """Least-squares fit of model(device) to data over a `Space`, by a trust region (SciPy's TRF).

    The Jacobian is exact and bounds are kept. Errors come from the Jacobian at the solution:
    σ²(JᵀJ)⁻¹, and for a robust loss the sandwich A⁻¹BA⁻¹ of M-estimation. They are one-sigma,
    local and assume independent noise.

    Args:
        model: device → prediction, of the same tree structure and shapes as `data`.
        space: parameters to fit, with bounds; the fit starts at its device's values.
        data: measured values, finite.
        sigma: standard deviation of the noise, one number or a tree like `data`. None: the
            same unknown σ for all points, estimated from the residuals.
        loss: "linear"; "soft_l1" and "cauchy" keep gross outliers from mattering, their
            scale being σ (estimated by the median absolute deviation when not given).
        starts: fits to run, all but the first from random points (finite bounds and `key`
            needed); the best is returned.
        max_steps: evaluations allowed to each fit.

    Raises:
        ValueError: data not finite or of another structure than the prediction, σ ≤ 0, fewer
            points than parameters, start outside the bounds, unknown loss.
    """
    if loss not in _LOSSES:
        raise _checks.unknown_name("loss", loss, _LOSSES)
    _checks.whole_number("starts", starts)
    if starts > 1 and key is None:
        raise ValueError("key must be given when starts > 1, got None")
    points = _count_finite(data)
    known = sigma is not None
    noise = _noise(sigma, data, points)
    freedom = points - len(space.names)
    if freedom < 1:
        raise ValueError(
            f"data must hold more points than parameters, got {points} points "
            f"for {len(space.names)} parameters"
        )
    first = space.values()
    for name, x, low, high in zip(space.names, first, space.lower, space.upper, strict=True):
        if not low <= x <= high:
            raise ValueError(
                f"{name!r} must start inside its bounds, got {x:g} outside {low:g} to {high:g}"
            )
    origins = [first]
    if key is not None:
        origins += [space.sample(k) for k in jax.random.split(key, starts - 1)]
    evaluate = _Evaluation(model, space, jax.tree.map(jnp.asarray, data))
    if not np.all(np.isfinite(evaluate.residual(np.asarray(first)))):
        raise ValueError("model is NaN or infinite at the start; check the device it starts from")
    best = None
    for origin in track(origins, "fit", starts, progress):
        found = _one_fit(evaluate, np.asarray(origin), noise, known, loss, max_steps)
        if best is None or found[1] < best[1]:
            best = found
    assert best is not None
    values, _, noise, converged = best
    residual, jacobian = evaluate(values)
    if not known and loss == "linear":
        noise = np.full_like(noise, np.sqrt(np.sum(residual**2) / freedom))
    if np.all(noise > 0):
        covariance = _covariance(residual, jacobian, noise, loss)
    else:  # an exact fit leaves no noise to estimate errors from
        covariance = np.zeros((len(values), len(values)))
    variance = np.diag(covariance)
    low, high = np.asarray(space.lower), np.asarray(space.upper)
    width = np.where(np.isfinite(high - low), high - low, np.maximum(1.0, np.abs(values)))
    stuck = (values - low <= 1e-6 * width) | (high - values <= 1e-6 * width)
    return FitResult(
        device=space.insert(jnp.asarray(values)),
        names=space.names,
        values=values,
        errors=np.sqrt(np.where(variance >= 0, variance, np.nan)),
        covariance=covariance,
        residuals=residual,
        sigma=noise,
        sigma_known=known,
        degrees_of_freedom=freedom,
        converged=converged,
        at_bound=tuple(n for n, s in zip(space.names, stuck, strict=True) if s),
    )


class _Evaluation:
    """Residuals with their exact Jacobian, one compiled call per point."""

    def __init__(self, model, space, data):
        self._arguments = model, space, data
        self._point: bytes | None = None
        self._last: tuple[np.ndarray, np.ndarray] | None = None

    def __call__(self, values):
        point = np.asarray(values, float).tobytes()
        if self._last is None or point != self._point:
            pair = _residual_and_jacobian(*self._arguments, jnp.asarray(values, float))
            self._point, self._last = point, (np.asarray(pair[0]), np.asarray(pair[1]))
        return self._last

    def residual(self, values):
        return self(values)[0]


@eqx.filter_jit
def _residual_and_jacobian(model, space, data, values):
    def residual(x):
        predicted = model(space.insert(x))
        shapes = [jax.tree.map(jnp.shape, tree) for tree in (predicted, data)]
        if shapes[0] != shapes[1]:
            raise ValueError(f"data must look like the prediction, {shapes[0]}, got {shapes[1]}")
        difference = _flatten(predicted) - _flatten(data)
        return difference, difference

    jacobian, value = jax.jacfwd(residual, has_aux=True)(values)
    return value, jacobian


def _one_fit(evaluate, origin, noise, known, loss, max_steps):
    """One fit; an unknown noise scale is re-estimated between rounds of a robust loss."""
    from scipy.optimize import least_squares

    _, space, _ = evaluate._arguments
    rounds = 1 if known or loss == "linear" else _SCALE_ROUNDS
    found = None
    for _ in range(rounds):
        if rounds > 1:
            deviation = np.median(np.abs(evaluate.residual(origin)))
            noise = np.full_like(noise, max(1.4826 * deviation, np.finfo(float).tiny))
        scale = noise
        found = least_squares(
            lambda x, s=scale: evaluate(x)[0] / s,
            origin,
            jac=lambda x, s=scale: evaluate(x)[1] / s[:, None],  # pyright: ignore
            bounds=(np.asarray(space.lower), np.asarray(space.upper)),
            x_scale="jac",
            loss=loss,
            max_nfev=max_steps,
            xtol=1e-10,
            ftol=1e-12,
            gtol=1e-12,
        )
        origin = found.x
    assert found is not None
    return found.x, found.cost, noise, bool(found.status > 0)


def _covariance(residual, jacobian, noise, loss):
    """σ²(JᵀJ)⁻¹ for least squares, the sandwich A⁻¹BA⁻¹ for a robust loss."""
    r, rows = residual / noise, jacobian / noise[:, None]
    first, second = (derivative(r**2) for derivative in _LOSSES[loss])
    inverse = _inverse(rows.T @ ((first + 2 * r**2 * second)[:, None] * rows))
    if loss == "linear":
        return inverse
    return inverse @ (rows.T @ (((first * r) ** 2)[:, None] * rows)) @ inverse


def _inverse(matrix):
    """Inverse in unit-diagonal scaling; NaN where the data cannot tell the parameters apart."""
    scale = np.sqrt(np.abs(np.diag(matrix)))
    scale = np.where(scale > 0, scale, 1.0)
    scaled = matrix / np.outer(scale, scale)
    if not np.all(np.isfinite(scaled)) or np.linalg.cond(scaled) > 1e13:
        return np.full_like(matrix, np.nan)
    return np.linalg.inv(scaled) / np.outer(scale, scale)


def _flatten(tree):
    return jnp.concatenate([jnp.ravel(x).astype(float) for x in jax.tree.leaves(tree)])


def _count_finite(data):
    _checks.require_x64()
    flat = _flatten(data)
    bad = int(jnp.sum(~jnp.isfinite(flat)))
    if bad:
        raise ValueError(f"data must be finite, got {bad} NaN or infinite values; leave them out")
    return flat.size


def _noise(sigma, data, size):
    if sigma is None:
        return np.ones(size)
    if jnp.ndim(sigma) == 0 and jax.tree.structure(sigma) == jax.tree.structure(0.0):
        flat = jnp.full(size, float(sigma))
    elif jax.tree.map(jnp.shape, sigma) == jax.tree.map(jnp.shape, data):
        flat = _flatten(sigma)
    else:
        raise ValueError("sigma must be one number or have the structure and shapes of data")
    if not bool(jnp.all(flat > 0)):
        raise ValueError(f"sigma must be positive, got {float(jnp.min(flat)):g}")
    return np.asarray(flat)
