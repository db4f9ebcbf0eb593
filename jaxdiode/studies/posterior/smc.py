"""Particles tempered from the prior to the posterior, by blackjax: modes and the evidence."""

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from ...progress import expect, track
from .density import Density
from .nuts import Trace
from .verdict import UNEVEN

_LOWEST = -1e100  # ln of a likelihood that is zero: 0 × it is still 0
_EFFECTIVE = 0.5  # share of particles that count after a change of temperature
_HALVINGS = 60  # of the range that holds the next temperature
_COOLINGS = (0.0, *np.exp(-np.geomspace(20, 1e-3, 60)).tolist())  # factors on the extra noise
_STAGES = 400  # at most
_LEAST_MOVES, _MOVES = 10, 5  # of each particle at a temperature, and for each unknown
_KNOWN = 3  # stage that tells how fast the power grows
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

    def tell(seconds: float, stages: float) -> None:
        if progress and not found:
            each = f"{seconds:.2g} s a stage, {stages:.0f} stages and more in each of {runs} runs"
            expect("posterior", seconds * stages * runs, each)

    for one in track(list(jax.random.split(key, runs)), "posterior", runs, progress):
        found.append(_run(density, one, particles, moves, tell))
    logs = np.array([one["log_evidence"] for one in found])
    mean, error = agreed(logs)
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
    more = {
        "log_evidence": mean, "log_evidence_error": error, "temperatures": tuple(longest),
        "log_evidences": tuple(logs.tolist()),
    }  # fmt: skip
    return trace, more


def agreed(logs: Float[np.ndarray, " runs"]) -> tuple[float, float]:
    """ln of the mean evidence of runs, and its standard error.

    NaN of a single run, and where one outweighs the others: the scatter of √runs of the mean is
    then what any runs have that differ by factors, however far all of them are off.
    """
    weight = np.exp(logs - logs.max())
    mean = float(logs.max() + np.log(np.mean(weight)))
    if logs.size < 2:
        return mean, np.nan
    error = float(np.std(weight, ddof=1) / np.mean(weight) / np.sqrt(logs.size))
    return mean, error if error <= UNEVEN else np.nan


def _run(
    density: Density, key: PRNGKeyArray, particles: int, moves: int,
    tell: Callable[[float, float], None],
) -> dict[str, Any]:  # fmt: skip
    """One run; `tell` hears what a stage takes and how many are to come, once that shows."""
    begin, climb, last, beside = jax.random.split(key, 4)
    cloud = _of_the_prior(density, begin, particles, _most_extra(density))
    log_evidence, temperatures = 0.0, []
    # Rows of priors that are no bells are tempered like data; their own integral is the divisor.
    if density.terms:
        log_evidence -= _rows_integral(density, beside, particles, moves)
    for stage in range(_STAGES):
        began = time.monotonic()
        cloud, grown, told = _stage(density, jax.random.fold_in(climb, stage), cloud, moves, False)
        log_evidence += float(grown)
        temperatures.append(float(cloud.temperature))
        if not np.isfinite(log_evidence) or log_evidence < _LOWEST / 10:
            raise ValueError(
                "the prior must leave something of the likelihood, got none at all of its "
                f"{particles} particles: the model is NaN or infinite there, or excludes the data"
            )
        if temperatures[-1] >= 1 and float(cloud.extra) == 0:
            break
        if stage == _KNOWN:  # the first compiles
            tell(time.monotonic() - began, _to_come(temperatures))
    for again in jax.random.split(last, _LAST):
        cloud, _, told = _stage(density, again, cloud, moves, False)
    log_density, acceptance = told
    return {
        "position": np.asarray(cloud.particles),
        "log_density": np.asarray(log_density),
        "acceptance": float(acceptance),
        "log_evidence": log_evidence,
        "temperatures": temperatures,
    }


def _to_come(temperatures: list[float]) -> float:
    """Stages up to the posterior if the power grows on as it did; extra noise takes others."""
    first, now = temperatures[0], temperatures[-1]
    grown = np.log(now / first) / (len(temperatures) - 1) if 0 < first < now else 0.0
    return _LAST + (np.log(1 / now) / grown if grown > 0 else 0.0)


def _rows_integral(density: Density, key, particles: int, moves: int) -> float:
    """ln of the mean of exp(−½ Σ rows²) over the normalised part of the prior."""
    begin, climb = jax.random.split(key)
    cloud, total = _of_the_prior(density, begin, particles, jnp.zeros(())), 0.0
    for stage in range(_STAGES):
        cloud, grown, _ = _stage(density, jax.random.fold_in(climb, stage), cloud, moves, True)
        total += float(grown)
        if float(cloud.temperature) >= 1:
            break
    return total


class _Cloud(NamedTuple):
    """Particles at a point of the path from the prior to the posterior.

    The likelihood has the power `temperature`, and an unknown σ is √(σ² + extra²): first the power
    grows to one, then the extra noise goes. By powers alone σ would fall from the data's whole
    scatter to its own value at one temperature, a fall of many decades that no cloud follows.
    """

    particles: Float[Array, "particles d"]
    weights: Float[Array, " particles"]
    temperature: Float[Array, ""]
    extra: Float[Array, ""]


def _of_the_prior(density: Density, key, particles: int, extra) -> _Cloud:
    z = jax.vmap(density.box.sample)(jax.random.split(key, particles))
    return _Cloud(z, jnp.full(particles, 1 / particles), jnp.zeros(()), extra)


def _most_extra(density: Density) -> Float[Array, ""]:
    """The widest σ of the prior, where it is unknown."""
    groups = density.noise.groups
    unknown = slice(density.count, density.count + groups)
    return jnp.exp(jnp.max(density.box.upper[unknown])) if groups else jnp.zeros(())


@eqx.filter_jit
def _stage(density: Density, key, cloud: _Cloud, moves, rows_alone: bool):
    """Resampled, moved and reweighted to the next point of the path, as blackjax does it.

    Moves are steps along the difference of two other particles, which know of correlations and of
    separate modes. Source: ter Braak, Statistics and Computing 16, 239 (2006).
    """
    from blackjax.smc import from_mcmc, resampling

    def likelihoods(one, extras):
        """With each extra noise, of one prediction."""
        rows = density.log_rows(one)
        if rows_alone:
            return jnp.broadcast_to(rows, extras.shape)
        value = rows + density.log_likelihoods(one, extras)
        return jnp.where(jnp.isfinite(value), value, _LOWEST)

    def target(one):
        return density.log_prior(one) + temperature * likelihoods(one, extra[None])[0]

    def growth(one):
        before, after = likelihoods(one, jnp.stack([extra, next_extra]))
        lost = (before <= _LOWEST) & (after <= _LOWEST)
        change = jnp.where(lost, 0.0, after - before)
        return (next_temperature - temperature) * before + next_temperature * change

    z, weights, temperature, extra = cloud
    count = len(z)
    batch = count if rows_alone else max(1, min(count, _LANES // max(density.data.size, 1)))
    noisy = density.noise.groups > 0 and not rows_alone  # else there is no extra noise to look at
    extras = extra * jnp.asarray((1.0, *_COOLINGS) if noisy else (1.0,))
    known = jax.lax.map(lambda one: likelihoods(one, extras), z, batch_size=batch)
    next_temperature = temperature + _increment(known[:, 0], weights, 1 - temperature)
    next_extra = extra
    if noisy:
        cooled = extra * _cooling(known[:, 1:] - known[:, :1], weights)
        next_extra = jnp.where(temperature >= 1, cooled, extra)
    with jax.numpy_dtype_promotion("standard"):  # blackjax mixes types
        kernel = from_mcmc.build_kernel(_move, _begin, resampling.systematic, batch_size=batch)
        after, info = kernel(
            key, cloud, moves, {"crowd": z[None], "shares": weights[None]}, target, growth
        )
    told = info.update_info
    cloud = _Cloud(after.particles, after.weights, next_temperature, next_extra)
    return (
        cloud, info.log_likelihood_increment,
        (told.log_density[:, -1], jnp.mean(told.acceptance)),
    )  # fmt: skip


def _cooling(growth, weights):
    """The smallest factor on the extra noise that leaves half of the particles effective."""
    grown = jnp.exp(growth - jnp.max(growth, axis=0))
    share = jnp.sum(weights[:, None] * grown, axis=0) ** 2 / (weights @ grown**2)
    enough = jnp.append(share[:-1] >= _EFFECTIVE, True)
    return jnp.asarray(_COOLINGS)[jnp.argmax(enough)]


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
