"""Particles tempered from the prior to the posterior, by blackjax: modes and the evidence."""

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ...progress import track
from .density import Density
from .nuts import Trace

_LOWEST = -1e100  # ln of a likelihood that is zero: 0 × it is still 0
_EFFECTIVE = 0.5  # share of particles that count after a change of temperature
_HALVINGS = 60  # of the range that holds the next temperature
_STAGES = 400  # at most
_LEAST_MOVES, _MOVES = 10, 5  # of each particle at a temperature, and for each unknown
_LAST = 3  # rounds of moves at the posterior
_JUMP = 0.1  # share of moves by a whole difference, from mode to mode
_JITTER = 1e-6  # of a unit of the line
_LANES = 4096  # predicted points at once


def sample(
    density: Density,
    key: PRNGKeyArray,
    *,
    runs: int,
    particles: int,
    moves: int | None,
    progress: bool,
) -> tuple[Trace, dict[str, Any]]:
    """Independent runs, and the evidence they agree on.

    Raises:
        ValueError: the likelihood is zero at all of the prior's particles.
    """
    d = density.box.lower.size
    moves = max(_LEAST_MOVES, _MOVES * d) if moves is None else moves
    found = []
    for one in track(list(jax.random.split(key, runs)), "posterior", runs, progress):
        found.append(_run(density, one, particles, moves))
    logs = np.array([one["log_evidence"] for one in found])
    weight = np.exp(logs - logs.max())
    mean = float(logs.max() + np.log(np.mean(weight)))
    error = float(np.std(weight, ddof=1) / np.mean(weight) / np.sqrt(runs)) if runs > 1 else np.nan
    longest = max((one["temperatures"] for one in found), key=len)
    shape = (runs, particles)
    nothing = np.zeros(shape)
    acceptance = np.broadcast_to(np.array([[one["acceptance"]] for one in found]), shape)
    trace = Trace(
        position=np.stack([one["position"] for one in found]),  # pyright: ignore
        log_density=np.stack([one["log_density"] for one in found]),  # pyright: ignore
        divergent=nothing.astype(bool),  # pyright: ignore
        undefined=nothing.astype(bool),  # pyright: ignore
        acceptance=np.array(acceptance),  # pyright: ignore
        energy=nothing * np.nan,  # pyright: ignore
        steps=nothing.astype(int),  # pyright: ignore
        step_size=nothing * np.nan,  # pyright: ignore
    )
    more = {"log_evidence": mean, "log_evidence_error": error, "temperatures": tuple(longest)}
    return trace, more


def _run(density: Density, key: PRNGKeyArray, particles: int, moves: int) -> dict[str, Any]:
    begin, climb, last, beside = jax.random.split(key, 4)
    z = jax.vmap(density.box.sample)(jax.random.split(begin, particles))
    weights, temperature = jnp.full(particles, 1 / particles), jnp.zeros(())
    log_evidence, temperatures = 0.0, []
    # Rows of priors that are no bells are tempered like data; their own integral is the divisor.
    if density.terms:
        log_evidence -= _rows_integral(density, beside, particles, moves)
    for stage in range(_STAGES):
        z, weights, temperature, grown, _ = _stage(
            density, jax.random.fold_in(climb, stage), z, weights, temperature, moves, False
        )
        log_evidence += float(grown)
        temperatures.append(float(temperature))
        if not np.isfinite(log_evidence) or log_evidence < _LOWEST / 10:
            raise ValueError(
                "the prior must leave something of the likelihood, got none at all of its "
                f"{particles} particles: the model is NaN or infinite there, or excludes the data"
            )
        if temperatures[-1] >= 1:
            break
    for again in jax.random.split(last, _LAST):
        z, weights, temperature, _, (log_density, acceptance) = _stage(
            density, again, z, weights, temperature, moves, False
        )
    return {
        "position": np.asarray(z),
        "log_density": np.asarray(log_density),
        "acceptance": float(acceptance),
        "log_evidence": log_evidence,
        "temperatures": temperatures,
    }


def _rows_integral(density: Density, key, particles: int, moves: int) -> float:
    """ln of the mean of exp(−½ Σ rows²) over the normalised part of the prior."""
    begin, climb = jax.random.split(key)
    z = jax.vmap(density.box.sample)(jax.random.split(begin, particles))
    weights, temperature, total = jnp.full(particles, 1 / particles), jnp.zeros(()), 0.0
    for stage in range(_STAGES):
        z, weights, temperature, grown, _ = _stage(
            density, jax.random.fold_in(climb, stage), z, weights, temperature, moves, True
        )
        total += float(grown)
        if float(temperature) >= 1:
            break
    return total


@eqx.filter_jit
def _stage(density: Density, key, z, weights, temperature, moves, rows_alone: bool):
    """Resampled, moved and reweighted to the next temperature, as blackjax does it.

    Moves are steps along the difference of two other particles, which know of correlations and of
    separate modes. Source: ter Braak, Statistics and Computing 16, 239 (2006).
    """
    from blackjax.smc import resampling, tempered

    def likelihood(one):
        rows = density.log_rows(one)
        value = rows if rows_alone else rows + density.log_likelihood(one)
        return jnp.where(jnp.isfinite(value), value, _LOWEST)

    count = len(z)
    batch = count if rows_alone else max(1, min(count, _LANES // max(density.data.size, 1)))
    known = jax.lax.map(likelihood, z, batch_size=batch)
    with jax.numpy_dtype_promotion("standard"):  # blackjax mixes types
        kernel = tempered.build_kernel(
            density.log_prior, likelihood, _move, _begin, resampling.systematic, batch_size=batch
        )
        state = tempered.TemperedSMCState(z, weights, temperature)
        after, info = kernel(
            key, state, moves, temperature + _increment(known, weights, 1 - temperature),
            {"crowd": z[None], "shares": weights[None]},
        )  # fmt: skip
    told = info.update_info
    return (
        after.particles, after.weights, after.tempering_param, info.log_likelihood_increment,
        (told.log_density[:, -1], jnp.mean(told.acceptance)),
    )  # fmt: skip


def _increment(log_likelihood, weights, most):
    """Of the temperature, that leaves half of the particles effective: blackjax looks at those of
    the temperature before and so steps now too far, now too little.

    Conditional effective size, Zhou, Johansen & Aston, J. Comput. Graph. Stat. 25, 701 (2016).
    """
    centred = log_likelihood - jnp.max(log_likelihood)

    def share(step):
        grown = jnp.exp(step * centred)
        return jnp.sum(weights * grown) ** 2 / jnp.sum(weights * grown**2)

    def halve(_, ends):
        low, high = ends
        middle = (low + high) / 2
        enough = share(middle) >= _EFFECTIVE
        return jnp.where(enough, middle, low), jnp.where(enough, high, middle)

    low, _ = jax.lax.fori_loop(0, _HALVINGS, halve, (jnp.zeros_like(most), most))
    return jnp.where(share(most) >= _EFFECTIVE, most, low)


class _Particle(NamedTuple):
    position: Float[Array, " d"]
    log_density: Float[Array, ""]


class _Move(NamedTuple):
    log_density: Float[Array, ""]
    acceptance: Float[Array, ""]


def _begin(position, log_density) -> _Particle:
    return _Particle(position, log_density(position))


def _move(key, state: _Particle, log_density, crowd, shares) -> tuple[_Particle, _Move]:
    chosen, size, small, chance = jax.random.split(key, 4)
    d = state.position.size
    one, other = jax.random.choice(chosen, len(crowd), (2,), p=shares)
    scale = jnp.where(jax.random.bernoulli(size, _JUMP), 1.0, 2.38 / math.sqrt(2 * d))
    step = scale * (crowd[one] - crowd[other]) + _JITTER * jax.random.normal(small, (d,))
    there = _begin(state.position + step, log_density)
    ratio = jnp.minimum(there.log_density - state.log_density, 0.0)
    accepted = jnp.log(jax.random.uniform(chance)) < ratio
    kept = jax.tree.map(lambda new, old: jnp.where(accepted, new, old), there, state)
    return kept, _Move(kept.log_density, jnp.exp(ratio))
