"""Sums over Matsubara frequencies whose terms fall as exp(−a√n) or n^{−3/2}: few terms suffice."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

_DECAY = 14.0  # e-folds of the summand that the tail covers: what is left is 1e-6 of its first term
_COEFFICIENTS = {1: 1 / 24, 3: -7 / 5760, 5: 31 / 967680}  # of the midpoint sum's derivatives


class Frequencies(NamedTuple):
    """ω in falling order and weights: Σ_{n≥0} f((2n + 1)πT) ≈ Σ weight · f(value).

    Attributes:
        value: ω.
        weight: of each.
        coarser: weights with end corrections of two orders less.
        series: what turns f into the Legendre coefficients of the tail's integrand, [order, n].
    """

    value: Float[Array, " n"]
    weight: Float[Array, " n"]
    coarser: Float[Array, " n"]
    series: Float[Array, "orders n"]

    def total(self, summand: Float[Array, "n *rest"]) -> Float[Array, "*rest"]:
        """The sum over all frequencies."""
        return jnp.tensordot(self.weight, summand, 1)

    def error(self, summand: Float[Array, "n *rest"]) -> Float[Array, "*rest"]:
        """An estimate of what the rule leaves.

        End corrections: each order of them is smaller than the one before by as much again. The
        tail: Gauss's rule with m nodes errs by the coefficient of order 2m of a geometric series
        of which those of order below m are known.
        """
        ending = jnp.abs(jnp.tensordot(self.weight - self.coarser, summand, 1))
        orders = jnp.abs(jnp.tensordot(self.series, summand, 1))
        largest = jnp.max(orders, axis=0)
        last = jnp.max(orders[-2:], axis=0)
        tail = 2 * last**2 / jnp.where(largest > 0, largest, 1.0)
        return ending + tail


def matsubara(
    temperature: Float[Array, ""], decay: Float[Array, ""], terms: int, tail: int
) -> Frequencies:
    """The first terms as they are, the rest as an integral by Gauss's rule in ln n.

    ∑_{n≥N} f(n + ½) = ∫_N^∞ f + f′(N)/24 − 7f‴(N)/5760 + …, derivatives from the terms before N.
    The summand varies on the scale of the gap and falls on that of the layer's length, which
    may lie far apart: a logarithm resolves both. For decays a from 0.1 to 2, 8 terms and 8
    nodes leave 6e-5 of such a sum, twice as many of each 2e-7.

    Args:
        temperature: T.
        decay: a, of f ∼ exp(−a√n).
        terms: N, at least 4.
        tail: nodes of the rest.
    """
    nodes, _ = np.polynomial.legendre.leggauss(tail)
    # With more nodes the tail is followed further, so that all of its errors fall together.
    span = jnp.log1p(_DECAY * max(1, tail / 10) / (decay * np.sqrt(terms)))
    beyond = terms * jnp.exp(span * (nodes + 1))
    return _assembled(temperature, terms, beyond, span * beyond)


def algebraic(temperature: Float[Array, ""], terms: int, tail: int) -> Frequencies:
    """`matsubara` for summands that fall as a power, f ∼ n^{−3/2}: Gauss's rule in v = n^{−1/2}.

    So do the pair amplitudes of a superconductor at an interface, f = Δ/ω − F: it loses pairs
    within √(D/2ω). ∫_N^∞ f dn = ∫ 2v^{−3} f dv from 0 to N^{−1/2}, and v^{−3} f is smooth there;
    exp(−a/v) is as well.
    """
    nodes, _ = np.polynomial.legendre.leggauss(tail)
    v = (1 - nodes) / (2 * np.sqrt(terms))
    return _assembled(temperature, terms, jnp.asarray(v**-2), jnp.asarray(v**-3 / np.sqrt(terms)))


def _assembled(temperature, terms, beyond, stretch) -> Frequencies:
    """A rule from the tail's nodes n, which rise, and dn/dx at Gauss's nodes x."""
    tail = beyond.size
    nodes, weights = np.polynomial.legendre.leggauss(tail)
    index = jnp.concatenate([beyond[::-1], jnp.asarray(np.arange(terms)[::-1] + 0.5)])
    single = [_ending(terms, used)[::-1] for used in _used(terms)]
    weight, coarser = (jnp.concatenate([(stretch * weights)[::-1], jnp.asarray(x)]) for x in single)
    legendre = np.polynomial.legendre.legvander(nodes, tail - 1)
    series = (legendre * weights[:, None] * (np.arange(tail) + 0.5)).T[:, ::-1]
    series = jnp.pad(stretch[::-1] * series, [(0, 0), (0, terms)])
    return Frequencies(2 * jnp.pi * temperature * index, weight, coarser, series)


def _used(terms):
    """How many terms make the end corrections, and how many in the coarser rule."""
    return (4, 2) if terms < 10 else (6, 4)


def _ending(terms, used):
    """Weights of the single terms: one, and the end corrections of the integral behind them."""
    offsets = -(np.arange(used) + 0.5)
    powers = np.vander(offsets, used, increasing=True).T
    wanted = np.zeros(used)
    for order, coefficient in _COEFFICIENTS.items():
        if order < used:
            wanted[order] = coefficient * float(np.prod(np.arange(1, order + 1)))
    weight = np.ones(terms)
    weight[terms - 1 - np.arange(used)] += np.linalg.solve(powers, wanted)
    return weight
