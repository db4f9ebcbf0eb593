"""The density that is sampled: prior and likelihood of a model, over coordinates on the line."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..fit.prediction import flattened
from ..fit.prior import Term
from ..space import Space
from .box import Box
from .noise import Noise


class Density(eqx.Module):
    """Posterior density of the values of a `Space` and of the noise's unknowns.

    Everything of it that is an array is an argument of the compiled sampler: other data, bounds or
    arguments of the same shapes run at once.
    """

    model: Callable
    space: Space
    arguments: tuple[Any, ...]
    data: Float[Array, " points"]
    box: Box
    noise: Noise
    terms: tuple[Term, ...]

    @property
    def count(self) -> int:
        """Parameters of the device among the coordinates; those of the noise follow."""
        return len(self.space.names)

    def values(self, z: Float[Array, " d"]) -> Float[Array, " d"]:
        return self.box.values(z)

    def prediction(self, values: Float[Array, " n"]) -> Float[Array, " points"]:
        return flattened(self.model(self.space.insert(values), *self.arguments))[0]

    def log_prior(self, z: Float[Array, " d"]) -> Float[Array, ""]:
        """Of independent numbers, normalised, per unit of z."""
        return self.box.log_density(z)

    def log_rows(self, z: Float[Array, " d"]) -> Float[Array, ""]:
        """Of all other priors, −½ Σ rows², not normalised."""
        return self.log_rows_of(self.values(z)[: self.count])

    def log_rows_of(self, x: Float[Array, " n"]) -> Float[Array, ""]:
        """The same of the parameters themselves."""
        total = jnp.zeros(())
        for term in self.terms:
            rows = term.run(term.fixed + term.chosen @ x)[0]
            total = total - 0.5 * jnp.sum((term.weight * rows) ** 2)
        return total

    def pointwise(
        self, prediction: Float[Array, " points"], unknowns: Float[Array, " m"]
    ) -> Float[Array, " points"]:
        return self.noise.log_likelihood(self.data - prediction, unknowns)

    def log_likelihood(self, z: Float[Array, " d"], predict: Callable | None = None):
        """ln of the data's density; −∞ where the model is NaN or infinite."""
        x = self.values(z)
        found, known = self._defined((predict or self.prediction)(x[: self.count]))
        value = jnp.sum(self.pointwise(found, x[self.count :]))
        return jnp.where(known & jnp.isfinite(value), value, -jnp.inf)

    def log_likelihoods(self, z: Float[Array, " d"], extras: Float[Array, " n"]):
        """The same with extra noises beside unknown σ, of one prediction."""
        x = self.values(z)
        found, known = self._defined(self.prediction(x[: self.count]))
        residual = self.data - found

        def one(extra):
            noise = eqx.tree_at(lambda noise: noise.extra, self.noise, extra)
            return jnp.sum(noise.log_likelihood(residual, x[self.count :]))

        values = jax.vmap(one)(extras)
        return jnp.where(known & jnp.isfinite(values), values, -jnp.inf)

    def _defined(self, prediction):
        """The prediction, data in place of what is NaN or infinite, and whether nothing was."""
        finite = jnp.isfinite(prediction)
        return jnp.where(finite, prediction, self.data), jnp.all(finite)

    def log_posterior(self, z: Float[Array, " d"]):
        """ln of prior times likelihood per unit of z, with exact slopes by forward mode."""
        likelihood = self.log_likelihood(z, with_forward_slopes(self.prediction))
        return likelihood + self.log_rows(z) + self.log_prior(z)


def with_forward_slopes(function: Callable) -> Callable:
    """The function with derivatives by forward mode, as `fit` takes them: every model has these.

    Points without a slope there pull nowhere.
    """

    @jax.custom_vjp
    def run(x):
        return function(x)

    def forward(x):
        slopes, value = jax.jacfwd(lambda x: (function(x),) * 2, has_aux=True)(x)
        known = jnp.all(jnp.isfinite(slopes), axis=1)[:, None]
        return value, jnp.where(known, slopes, 0.0)

    def backward(slopes, pull):
        return (jnp.where(jnp.isfinite(pull), pull, 0.0) @ slopes,)

    run.defvjp(forward, backward)
    return run
