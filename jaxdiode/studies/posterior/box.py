"""Parameters inside their bounds ⇄ a line, with the density that their prior has on the line.

The charts of a `Space` bend for searches (logarithms, the cusp of a pair); a prior must not bend
with them. Here each parameter has a logistic or an exponential chart of its own, and its Jacobian
is part of the density.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

FLAT, NORMAL, LOGNORMAL = 0, 1, 2
_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
_EDGE = 1e-4  # share of the width between two bounds that a start keeps from each


class Box(eqx.Module):
    """Bounds and independent priors of numbers x, each with a coordinate z on the line.

    x = low + (high − low)/(1 + e^{−z}) between two bounds, low + s e^z or high − s e^z beside one,
    m + s z without any.

    Attributes:
        lower, upper: bounds, infinite where there is none.
        scale: s, in the unit of x.
        kind: FLAT, NORMAL or LOGNORMAL.
        location, deviation: of x, or of ln x.
        log_mass: ln of the share of a NORMAL or LOGNORMAL that the bounds leave.
    """

    lower: Float[Array, " d"]
    upper: Float[Array, " d"]
    scale: Float[Array, " d"]
    kind: Int[Array, " d"]
    location: Float[Array, " d"]
    deviation: Float[Array, " d"]
    log_mass: Float[Array, " d"]

    def values(self, z: Float[Array, " d"]) -> Float[Array, " d"]:
        two, above, below = self._sides()
        low, high = jnp.where(two | above, self.lower, 0.0), jnp.where(two | below, self.upper, 0.0)
        grown = self.scale * jnp.exp(jnp.where(above | below, z, 0.0))
        return jnp.where(
            two,
            low + (high - low) * jax.nn.sigmoid(z),
            jnp.where(
                above,
                low + grown,
                jnp.where(below, high - grown, self._centre() + self.scale * z),
            ),
        )

    def coordinates(self, x: Float[Array, " d"]) -> Float[Array, " d"]:
        """Of values inside the bounds; those on a bound are taken a little inside."""
        two, above, below = self._sides()
        width = jnp.where(two, self.upper - self.lower, 1.0)
        share = jnp.clip(jnp.where(two, (x - self.lower) / width, 0.5), _EDGE, 1 - _EDGE)
        beyond = jnp.where(above, x - self.lower, jnp.where(below, self.upper - x, self.scale))
        grown = jnp.log(jnp.maximum(beyond / self.scale, _EDGE))
        free = (x - self._centre()) / self.scale
        logistic = jnp.log(share) - jnp.log1p(-share)
        return jnp.where(two, logistic, jnp.where(above | below, grown, free))

    def log_jacobian(self, z: Float[Array, " d"]) -> Float[Array, " d"]:
        """ln |dx/dz| of each."""
        two, above, below = self._sides()
        width = jnp.where(two, self.upper - self.lower, 1.0)
        inside = jnp.log(width) + jax.nn.log_sigmoid(z) + jax.nn.log_sigmoid(-z)
        return jnp.where(
            two, inside, jnp.log(self.scale) + jnp.where(above | below, z, jnp.zeros_like(z))
        )

    def log_prior(self, x: Float[Array, " d"]) -> Float[Array, " d"]:
        """ln of each number's own density, per unit of x, which integrates to one."""
        width = jnp.where(self.kind == FLAT, self.upper - self.lower, 1.0)
        log = jnp.log(jnp.where(self.kind == LOGNORMAL, jnp.maximum(x, 1e-300), 1.0))
        off = (jnp.where(self.kind == LOGNORMAL, log, x) - self.location) / self.deviation
        bell = -0.5 * off**2 - _HALF_LOG_2PI - jnp.log(self.deviation) - log - self.log_mass
        return jnp.where(self.kind == FLAT, -jnp.log(width), bell)

    def log_density(self, z: Float[Array, " d"]) -> Float[Array, ""]:
        """ln of the prior per unit of z."""
        return jnp.sum(self.log_prior(self.values(z)) + self.log_jacobian(z))

    def sample(self, key: PRNGKeyArray) -> Float[Array, " d"]:
        """Coordinates of one draw from the prior."""
        share = jax.random.uniform(key, self.lower.shape, float, 1e-12, 1.0)
        bend = jnp.log(jnp.maximum(self.lower, 1e-300)), jnp.log(jnp.maximum(self.upper, 1e-300))
        low = jnp.where(self.kind == LOGNORMAL, bend[0], self.lower)
        high = jnp.where(self.kind == LOGNORMAL, bend[1], self.upper)
        ends = jnp.stack([low, high]) - self.location
        side = jnp.where(ends[0] > 0, -1.0, 1.0)  # far above, from the other end
        tails = jax.scipy.special.ndtr(side * ends / self.deviation)
        off = jax.scipy.special.ndtri(tails[0] + (tails[1] - tails[0]) * share)
        bell = self.location + self.deviation * side * off
        bell = jnp.where(self.kind == LOGNORMAL, jnp.exp(bell), bell)
        flat = self.lower + (self.upper - self.lower) * share
        x = jnp.where(self.kind == FLAT, jnp.where(jnp.isfinite(flat), flat, 0.0), bell)
        two, above, below = self._sides()
        width = jnp.where(two, self.upper - self.lower, 1.0)
        inside = jnp.clip(jnp.where(two, (x - self.lower) / width, 0.5), 1e-15, 1 - 1e-15)
        logistic = jnp.log(inside) - jnp.log1p(-inside)
        return jnp.where(two, logistic, self._unclipped(x, above, below))

    def _unclipped(self, x, above, below):
        beyond = jnp.where(above, x - self.lower, jnp.where(below, self.upper - x, self.scale))
        grown = jnp.log(jnp.maximum(beyond / self.scale, 1e-300))
        return jnp.where(above | below, grown, (x - self._centre()) / self.scale)

    def _centre(self):
        return jnp.where(self.kind == NORMAL, self.location, 0.0)

    def _sides(self):
        low, high = jnp.isfinite(self.lower), jnp.isfinite(self.upper)
        return low & high, low & ~high, high & ~low


def boxed(
    lower: np.ndarray,
    upper: np.ndarray,
    start: np.ndarray,
    bells: dict[int, tuple[int, float, float]],
) -> Box:
    """The box of some numbers, those in `bells` {index: (kind, location, deviation)} not flat."""
    lower, upper = np.array(lower, float), np.array(upper, float)
    count = lower.size
    kind, location, deviation = np.zeros(count, int), np.zeros(count), np.ones(count)
    log_mass = np.zeros(count)
    edge = np.where(np.isfinite(lower), lower, np.where(np.isfinite(upper), upper, 0.0))
    scale = np.abs(start - edge)
    scale = np.where(scale > 0, scale, np.where(start != 0, np.abs(start), 1.0))
    for k, (which, where, spread) in bells.items():
        kind[k], location[k], deviation[k] = which, where, spread
        if which == LOGNORMAL:
            lower[k] = max(lower[k], 0.0)
        ends = np.array([lower[k], upper[k]])
        if which == LOGNORMAL:
            with np.errstate(divide="ignore"):
                ends = np.log(ends)
        log_mass[k] = _log_between(*((ends - where) / spread))
        if not (np.isfinite(lower[k]) or np.isfinite(upper[k])) or start[k] == edge[k]:
            scale[k] = spread if which == NORMAL else math.exp(where)
    arrays = lower, upper, scale, kind, location, deviation, log_mass
    return Box(*map(jnp.asarray, arrays))


def _log_between(low: float, high: float) -> float:
    """ln of a normal's share between two numbers of deviations, exact far out too."""
    from scipy import special

    if low > 0:
        low, high = -high, -low
    below, above = special.log_ndtr(low), special.log_ndtr(high)
    return float(above + np.log1p(-np.exp(below - above)))
