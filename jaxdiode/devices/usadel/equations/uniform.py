"""The junction with the bulk's gap up to the interfaces: superconductors in closed form."""

from functools import reduce

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float, Inexact

from ....numerics.matrices import complexified
from ....numerics.newton import Linearised, inverted, multiplied
from ..layers import uniform
from ..layers.conjugation import AbstractConjugation
from .base import AbstractEquations
from .joint import (
    OWN,
    Ends,
    assembled,
    interface_residual,
    joined,
    joined_changes,
    linearised_interfaces,
    link_amplitudes,
    link_ends,
    link_pushforward,
    own_directions,
    pushforward,
)
from .layout import Layers, Layout, UniformUnknowns, uniform_unknowns


class UniformGap(AbstractEquations):
    """Unknowns as in `layout.UniformUnknowns`; the equations are those of both interfaces."""

    layers: Layers
    frequency: Inexact[Array, "*lane"]
    twist: Float[Array, "elements lanes"]
    conjugation: AbstractConjugation
    steps: int = eqx.field(static=True)

    @property
    def unknowns(self) -> Layout[UniformUnknowns]:
        return uniform_unknowns(self.layers.link)

    @property
    def size(self) -> int:
        return self.unknowns.size

    def residual(self, x: Inexact[Array, "n lanes"]) -> Inexact[Array, "n lanes"]:
        return interface_residual(self, self.ends(x)).reshape(x.shape)

    def linearised(self, x: Inexact[Array, "n lanes"]) -> Linearised:
        residual, jacobian, inside = self._system(x)
        factors = inverted(jacobian)
        step = -multiplied(factors, residual)
        return Linearised(residual, step, inside, self.chord(factors))

    def factors(self, x: Inexact[Array, "n lanes"]) -> Inexact[Array, "n n lanes"]:
        return inverted(self._system(x)[1])

    def answer(
        self, factors: Inexact[Array, "n n lanes"], vector: Inexact[Array, "n lanes"]
    ) -> Inexact[Array, "n lanes"]:
        return multiplied(factors, vector)

    def ends(self, x: Inexact[Array, "n lanes"]) -> Ends:
        """Amplitudes on both sides of the interfaces."""
        return joined(self._superconductors(self._slopes(x))[0], link_ends(self, self.link(x)))

    def link(self, x: Inexact[Array, "n lanes"]) -> Complex[Array, "pair 2 elements lanes"]:
        return link_amplitudes(self.unknowns.unpack(x).link, self.conjugation)

    def superconductor(
        self, x: Inexact[Array, "n lanes"], distance: Float[Array, ""], side: int
    ) -> Complex[Array, "pair 2 2 lanes"]:
        bulk, k = uniform.bulk(self.layers.gap, self.frequency)
        length = self.layers.superconductor_length
        # At its very end the layer has no length, and its series no value but the bulk's.
        near = complexified(jnp.maximum(length - distance, 1e-9 * length))
        # The same solution nearer its outer end.
        far = complexified(length)  # sinh(k near)/sinh(k far), which must not overflow
        shorter = jnp.exp(k * (near - far)) * jnp.expm1(-2 * k * near) / jnp.expm1(-2 * k * far)
        slopes = shorter * self._slopes(x)[..., side, :]
        return jnp.stack(
            [
                uniform.layer(one, two, bulk, k, near)[0]
                for one, two in zip(slopes, self.conjugation.partners(slopes), strict=True)
            ]
        )

    def _slopes(self, x: Inexact[Array, "n lanes"]) -> Complex[Array, "pair 2 2 2 lanes"]:
        """The superconductors' slopes as matrices, [pair, row, column, side, lane]."""
        parts = self.unknowns.unpack(x).superconductors
        slopes = jnp.swapaxes(self.conjugation.amplitudes(parts[:, 0], parts[:, 1]), 1, 2)
        return slopes.reshape(-1, 2, 2, *slopes.shape[2:])

    def _superconductors(
        self, slopes: Complex[Array, "pair 2 2 2 lanes"]
    ) -> tuple[Ends, Float[Array, "2 lanes"]]:
        """Amplitudes of the superconductors, and the nome of their series."""
        bulk, k = uniform.bulk(self.layers.gap, self.frequency)
        length = self.layers.superconductor_length
        found = [
            uniform.layer(one, two, bulk, k, length)
            for one, two in zip(slopes, self.conjugation.partners(slopes), strict=True)
        ]
        value, rise, nome = zip(*found, strict=True)
        shape = (len(found), 4, *slopes.shape[3:])
        ends = Ends(jnp.stack(value).reshape(shape), -jnp.stack(rise).reshape(shape))
        return ends, reduce(jnp.maximum, nome)

    def _system(
        self, x: Inexact[Array, "n lanes"]
    ) -> tuple[Inexact[Array, "n lanes"], Inexact[Array, "n n lanes"], Bool[Array, " lanes"]]:
        """The equations, their Jacobian, and whether the pair amplitudes are physical."""
        # Both sides take the same directions at once: they do not know each other.
        towards = jnp.moveaxis(own_directions(self.conjugation), -1, 0)
        towards = towards.reshape(OWN, -1, 2, 2, 1, 1)
        (own, nome), (own_change, _) = pushforward(self._superconductors, self._slopes(x), towards)
        link, link_change = link_pushforward(self, self.link(x))
        changes = joined_changes(own_change, link_change)
        found = linearised_interfaces(self, joined(own, link), changes)
        jacobian = assembled(found.rates[:, :, :OWN], found.rates[:, :, OWN:])
        inside = found.physical & jnp.all(uniform.within_series(nome), axis=0)
        return found.residual.reshape(x.shape), jacobian, inside
