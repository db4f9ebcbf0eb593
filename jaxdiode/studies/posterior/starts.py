"""Where chains begin: the Gaussian of Laplace about a start, and points dispersed in it."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from . import nuts
from .box import FLAT, LOGNORMAL
from .density import Density
from .noise import Unknowns

_PRIOR_CURVATURE = 0.2  # least curvature of a coordinate on the line: that of its chart
_ROUNDING = 1e-14  # of a curvature in units of its diagonal
_DISPERSED = 2.0  # standard deviations of Laplace
_FARTHEST = 1.5  # of the normal numbers that disperse
_HALVED = 8  # times that a displacement is halved until the model exists there


def first_unknowns(
    density: Density, unknowns: Unknowns, residual: np.ndarray, freedom: int
) -> np.ndarray:
    """The noise's own unknowns to begin with: σ of the residuals, ν = 10, no memory."""
    noise, group = density.noise, np.asarray(density.noise.group)
    found = []
    for k in range(noise.groups):
        own = residual[group % noise.groups == k]
        size = np.sqrt(np.mean(own**2) * residual.size / max(freedom, 1))
        found.append(np.log(max(size, np.exp(unknowns.lower[k]))))
    if noise.free_degrees:
        found.append(np.log(10.0))
    found += [0.0] * noise.memories
    margin = 0.01 * (unknowns.upper - unknowns.lower)
    return np.clip(found, unknowns.lower + margin, unknowns.upper - margin)


def laplace(density: Density, values: np.ndarray, jacobian: np.ndarray) -> nuts.Frame:
    """Centre and factor of the posterior's Gaussian at these values (parameters, then noise).

    Gauss–Newton curvature of the data, what every line says by itself where data say less.
    """
    z = density.box.coordinates(jnp.asarray(values))
    stretch = np.asarray(jnp.exp(density.box.log_jacobian(z)))
    count = density.count
    sigma, degrees, _ = density.noise.split(jnp.asarray(values[count:]))
    weight = 1 / np.asarray(sigma)
    nu = float(degrees)
    weight = weight * (np.sqrt((nu + 1) / (nu + 3)) if np.isfinite(nu) else 1.0)
    known = np.all(np.isfinite(jacobian), axis=1)[:, None]
    rows = np.where(known, jacobian, 0.0) * weight[:, None] * stretch[:count]
    curvature = np.zeros((z.size, z.size))
    curvature[:count, :count] = rows.T @ rows
    for term in density.terms:
        slopes = term.weight * np.asarray(term.run(term.fixed + term.chosen @ values[:count])[1])
        slopes = np.where(np.isfinite(slopes), slopes, 0.0) @ term.chosen * stretch[:count]
        curvature[:count, :count] += slopes.T @ slopes
    kind = np.asarray(density.box.kind)
    unit = np.where((kind == LOGNORMAL) & (values > 0), values, 1.0)  # of its deviation
    bells = np.where(kind == FLAT, 0.0, 1 / (np.asarray(density.box.deviation) * unit) ** 2)
    own = np.maximum(bells * stretch**2, _PRIOR_CURVATURE)
    points = np.bincount(np.asarray(density.noise.group))
    each = points if len(points) == density.noise.groups else np.array([points.sum()])
    for k in range(density.noise.groups):
        own[count + k] += 2 * each[k] * stretch[count + k] ** 2
    for k in range(density.noise.memories):
        own[-1 - k] += points.sum() / density.noise.memories * stretch[-1 - k] ** 2
    curvature += np.diag(own)
    size = 1 / np.sqrt(np.diag(curvature))
    roots, axes = np.linalg.eigh(curvature * np.outer(size, size))
    factor = size[:, None] * axes / np.sqrt(np.maximum(roots, _ROUNDING))
    return nuts.Frame(z, jnp.asarray(factor))


def dispersed(
    density: Density, frame: nuts.Frame, chains: int, key: PRNGKeyArray
) -> tuple[np.ndarray, np.ndarray]:
    """Starts of all chains in the frame, and the log-densities there.

    Where the model is NaN a start comes nearer to the centre.

    Raises:
        ValueError: nothing is known of the density at any of them.
    """
    normal = jax.random.normal(key, (chains, frame.centre.size))
    w = np.asarray(_DISPERSED * jnp.clip(normal, -_FARTHEST, _FARTHEST))
    value = np.full(chains, -np.inf)
    for _ in range(_HALVED):
        value = np.asarray(nuts.slopes(density, frame, jnp.asarray(w))[0])
        if np.all(np.isfinite(value)):
            break
        w = np.where(np.isfinite(value)[:, None], w, w / 2)
    return w, value
