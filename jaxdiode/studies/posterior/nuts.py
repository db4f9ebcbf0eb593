"""No-U-turn sampling by blackjax: adaptation and draws are steps of one compiled program."""

import os
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ...progress import track
from .density import Density

FAST, SLOW, DRAW = 0, 1, 2  # adapt the step; step and metric; nothing
_CHUNK = 25  # steps of a program
_TRUST = 10  # draws per coordinate that the first metric counts as in later ones
_FIRST_STEP = 0.7  # in standard deviations of the first metric
_LONGER = 2.0  # steps that adaptation tends to, in the one it begins with
_DEEPEST = 8  # doublings of a trajectory


class Frame(NamedTuple):
    """Coordinates in which the posterior is about a unit normal: z = centre + factor w."""

    centre: Float[Array, " d"]
    factor: Float[Array, "d d"]


class Trace(NamedTuple):
    """What every draw leaves behind, coordinates and log-densities on the line."""

    position: Float[Array, "chain draw d"]
    log_density: Float[Array, "chain draw"]
    divergent: Bool[Array, "chain draw"]
    undefined: Bool[Array, "chain draw"]
    acceptance: Float[Array, "chain draw"]
    energy: Float[Array, "chain draw"]
    steps: Int[Array, "chain draw"]
    step_size: Float[Array, "chain draw"]


class Adapting(NamedTuple):
    """A chain: where it is, and how its step and metric are adapted."""

    state: Any
    step: Any
    metric: Any
    step_size: Float[Array, ""]


def log_density(density: Density, frame: Frame, w: Float[Array, " d"]) -> Float[Array, ""]:
    return density.log_posterior(frame.centre + frame.factor @ w)


@eqx.filter_jit
def slopes(density: Density, frame: Frame, w: Float[Array, "chain d"]):
    """Log-density and its gradient at the start of every chain."""
    return jax.vmap(jax.value_and_grad(lambda one: log_density(density, frame, one)))(w)


def sample(
    density: Density,
    frame: Frame,
    start: Float[Array, "chain d"],
    key: PRNGKeyArray,
    *,
    warmup: int,
    draws: int,
    target: float,
    progress: bool,
) -> Trace:
    """All chains: on an accelerator as lanes of one program, else one program for each core.

    Of an expensive model lanes would wait for the longest trajectory among them.
    """
    from blackjax.adaptation.window_adaptation import build_schedule

    with jax.numpy_dtype_promotion("standard"):  # blackjax mixes types
        schedule = np.array(build_schedule(warmup), int).reshape(-1, 2)
    total = warmup + draws
    count = -(-total // _CHUNK)
    stages = np.full((count * _CHUNK, 2), (DRAW, 0))
    stages[:warmup] = schedule
    chunks = np.split(stages, count)
    chains = len(start)
    groups = np.split(np.arange(chains), 1 if jax.default_backend() != "cpu" else chains)
    keys = jax.random.split(key, (chains, count))
    begun = _begun(start, *slopes(density, frame, start), target)

    def advanced(own, at, k):
        # Through the host, so that types stay those that the program was compiled for.
        return jax.device_get(
            _advance(density, frame, at, keys[own, k], chunks[k], jnp.asarray(target))
        )

    def begin(own):
        return advanced(own, jax.tree.map(lambda x: x[own], begun), 0)

    first = begin(groups[0])  # compiles; the other groups find the program
    done = SimpleQueue()

    def run(which):
        own, parts = groups[which], []
        at, noted = first if which == 0 else begin(own)
        for k in range(1, count + 1):
            parts.append(noted)
            done.put(None)
            if k < count:
                at, noted = advanced(own, at, k)
        return jax.tree.map(lambda *x: np.concatenate(x, axis=1), *parts)

    with ThreadPoolExecutor(min(_cores(), len(groups))) as pool:
        futures = [pool.submit(_announced(run, done), which) for which in range(len(groups))]
        whole = len(groups) * count
        for _ in track(range(whole), "posterior", whole, progress):
            if (failed := done.get()) is not None:
                raise failed
        parts = [future.result() for future in futures]
    trace = jax.tree.map(lambda *x: np.concatenate(x), *parts)
    return jax.tree.map(lambda x: x[:, warmup:total], trace)


def _announced(run, done: SimpleQueue):
    """The function, whose error also goes to whoever waits for its progress."""

    def safe(which):
        try:
            return run(which)
        except BaseException as error:
            done.put(error)
            raise

    return safe


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _begun(w, value, gradient, target: float) -> Adapting:
    from blackjax.mcmc.hmc import HMCState

    chains, d = w.shape
    with jax.numpy_dtype_promotion("standard"):
        one = _fresh(d, target)
    many = jax.tree.map(lambda x: jnp.broadcast_to(x, (chains, *jnp.shape(x))), one)
    return jax.device_get(many._replace(state=HMCState(w, value, gradient)))


def _fresh(d: int, target: float) -> Adapting:
    step_init, metric_init, *_ = _adaptation(d, target)
    first = jnp.asarray(_FIRST_STEP)
    return Adapting(None, step_init(first), metric_init(d), first)


def _adaptation(d: int, target):
    """Of step and metric: (begin, begin, learn, learn, renew, renew)."""
    from blackjax.adaptation.mass_matrix import mass_matrix_adaptation
    from blackjax.adaptation.step_size import dual_averaging_adaptation

    metric_init, metric_update, metric_final = mass_matrix_adaptation(
        is_diagonal_matrix=False, imm_shrinkage_to_previous=float(_TRUST * d)
    )
    begin, step_update, step_final = dual_averaging_adaptation(target)

    def step_init(size):
        """Near the given step: blackjax tries ten times it first, and then far shorter ones."""
        return begin(size)._replace(mu=jnp.log(_LONGER * size))

    return step_init, metric_init, step_update, metric_update, step_final, metric_final


@eqx.filter_jit
def _advance(density, frame, at: Adapting, keys, stages, target):
    """Every chain some steps further."""
    import blackjax

    kernel = blackjax.nuts.build_kernel()

    def target_density(w):
        return log_density(density, frame, w)

    def step(at, inputs):
        key, (stage, renew) = inputs
        # Draws take the average of the last steps that were tried.
        size = jnp.where(stage == DRAW, jnp.exp(at.step.log_step_size_avg), at.step_size)
        state, info = kernel(
            key, at.state, target_density, size, at.metric.inverse_mass_matrix, _DEEPEST
        )
        ends = info.trajectory_leftmost_state, info.trajectory_rightmost_state
        undefined = info.is_divergent & jnp.any(
            jnp.stack([jnp.isneginf(end.logdensity) for end in ends])
        )
        noted = Trace(
            position=frame.centre + frame.factor @ state.position,
            log_density=state.logdensity,
            divergent=info.is_divergent,
            undefined=undefined,
            acceptance=info.acceptance_rate,
            energy=info.energy,
            steps=info.num_integration_steps,
            step_size=size,
        )
        return _adapted(at._replace(state=state), info.acceptance_rate, stage, renew, target), noted

    def chain(at, key):
        return jax.lax.scan(step, at, (jax.random.split(key, len(stages)), stages))

    with jax.numpy_dtype_promotion("standard"):
        return jax.vmap(chain)(at, keys)


def _adapted(at: Adapting, acceptance, stage, renew, target) -> Adapting:
    """Dual averaging of the step, and Welford's covariance renewed at the end of a window."""
    d = at.state.position.size
    step_init, _, step_update, metric_update, step_final, metric_final = _adaptation(d, target)
    step = step_update(at.step, acceptance)
    metric = _where(stage == SLOW, metric_update(at.metric, at.state.position), at.metric)
    renew = renew > 0
    step = _where(renew, step_init(step_final(step)), step)
    metric = _where(renew, metric_final(metric), metric)
    step = _where(stage == DRAW, at.step, step)
    return Adapting(at.state, step, metric, jnp.exp(step.log_step_size))


def _where(which, new, old):
    return jax.tree.map(lambda a, b: jnp.where(which, a, b).astype(jnp.asarray(b).dtype), new, old)
