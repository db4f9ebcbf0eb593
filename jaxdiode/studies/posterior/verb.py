"""The verb: the posterior of a device's parameters, by draws."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray, PyTree

from ... import _checks
from ...core.device import AbstractDevice
from ..fit import FitResult, diagnostics
from ..fit.data import Rows, flat_like, lay_out, noise_of, require_finite, require_some
from ..fit.least_squares import where_invalid
from ..fit.prediction import Prediction
from ..fit.prior import Given
from ..fit.starts import require_inside
from ..space import Space, random_key
from . import mixing, nuts, smc, starts, symmetry
from .box import boxed
from .density import Density
from .noise import Kind, Unknowns, noise_model
from .prior import sorted_out
from .result import Posterior

Method = Literal["nuts", "smc"]
METHODS: tuple[Method, ...] = get_args(Method)
_FEWEST = 10  # draws of a chain, for R̂ of its halves
_KEPT = (
    "divergent", "undefined", "acceptance", "energy", "steps", "step_size",
)  # fmt: skip
_SHORTEST = 20  # steps that adapt a metric


def sample_posterior(
    model: Callable[..., PyTree],
    space: Space,
    data: PyTree,
    sigma: PyTree = None,
    *,
    arguments: Sequence[PyTree] = (),
    along: PyTree = None,
    prior: Given | None = None,
    noise: Kind = "normal",
    sigma_range: Sequence[float | int] | None = None,
    per_row: bool = False,
    degrees: float | int | None = 4.0,
    correlated: bool = False,
    start: FitResult | AbstractDevice | None = None,
    method: Method = "nuts",
    chains: int = 4,
    warmup: int = 300,
    draws: int = 1000,
    target_acceptance: float = 0.8,
    moves: int | None = None,
    predictions: int = 200,
    key: PRNGKeyArray | int | None = None,
    progress: bool = True,
) -> Posterior:
    """Draws from the posterior of the parameters of a `Space`, given data, beside `fit`.

        p(x, η | data) ∝ p(data | model(x), η) p(x) p(η)

    with η the unknowns of the noise. Priors are flat inside the bounds and proper: the logarithms
    and cusp coordinates by which a `Space` searches do not bend them. Everything said of `model`,
    `data`, `sigma`, `arguments` and `along` in `fit` holds here.

        found = jd.fit(model, space, data, arguments=[coil], along=coil)
        posterior = jd.sample_posterior(
            model, space, data, arguments=[coil], along=coil, start=found, key=0
        )
        print(posterior.summary("nA"))

    Needs the extra `jaxdiode[inference]`. Chains run on all cores; a leap costs one prediction with
    its Jacobian, a draw three to seven leaps. The compiled sampler is kept for other data.

    Args:
        model, space, data, sigma, arguments, along: as for `fit`. σ None: unknown, sampled with
            a prior 1/σ that is cut off so as to be proper.
        prior: {name or pattern: prior} as for `fit`: `Normal` and `LogNormal` (which an infinite
            bound needs), or functions whose rows are squared: `Smooth` with a weight, `FixedMean`,
            your own. Between the bounds they multiply the flat density.
        noise: "normal", or "student": Student's t, whose scale σ is then, for data with outliers.
        sigma_range: (lowest, highest) of an unknown σ; None: from 1e-6 to 10 times the standard
            deviation of the data about the mean of each row, a range that no model enters.
        per_row: an unknown σ (and correlation) for each row of the data, such as each direction.
        degrees: ν of Student's t; None: sampled, with a prior 1/ν from 1 to 100.
        correlated: neighbours of a row are correlated: ρ is sampled, flat from −1 to 1, the noise a
            stationary autoregression of first order along the axis, whose points count as equally
            far apart.
        start: a fit, or a device, about which chains begin, two standard deviations of Laplace's
            Gaussian apart; None: the device of the space. Other modes are not looked for.
        method: "nuts" (no-U-turn, dense metric); "smc": particles tempered from the prior to the
            posterior, which finds separate modes and the evidence, and costs far more.
        chains: of NUTS, or independent runs of particles: their scatter tells whether they have
            arrived and the error of the evidence, eight tell it to a quarter.
        warmup: adaptation steps of every chain, left out.
        draws: kept of every chain, or particles of every run.
        target_acceptance: of NUTS; shorter steps come with 0.95.
        moves: of every particle at every temperature; None: ten, or five times the unknowns.
        predictions: draws whose prediction is kept, for bands; as many as there are for ArviZ'
            pointwise log-likelihood.
        key: `jax.random.key(seed)`, or the seed.

    Raises:
        ValueError: what `fit` refuses; σ ≤ 0, unknown noise or method, no chain, too few draws for
            R̂, no key, an infinite bound without a prior, a prior that the bounds leave nothing of,
            a start outside the bounds or where the model is NaN.
        ImportError: blackjax is not installed.

    Example:
        >>> def model(squid, coil):
        ...     return squid.switching_currents(coil)
        >>> squid = jd.Squid([jd.TunnelJunction(90), jd.TunnelJunction(60)], flux=[0])
        >>> truth, coil = jd.CoilBiasedSquid(squid, turns=[65]), jnp.linspace(-0.01, 0.01, 11)
        >>> exact, random = model(truth, coil), np.random.default_rng(0)
        >>> data = [x + random.normal(0, 1, 11) for x in (exact.plus, exact.minus)]
        >>> space = jd.Space(truth, {"turns": (60, 70)})
        >>> found = jd.sample_posterior(
        ...     model, space, data, 1.0, arguments=[coil], along=coil, draws=200, key=0
        ... )
        >>> print(f"{found.mean[0]:.1f} ± {found.deviation[0]:.2f}")
        65.0 ± 0.10
    """
    _require_options(space, method, chains, warmup, draws, moves, predictions, target_acceptance)
    require_blackjax()
    if key is None:
        raise ValueError("key must be given to draw from a posterior, got None")
    key = random_key(key)
    require_some(data)
    predict = Prediction(model, space, arguments)
    rows = lay_out(predict.template, predict.labels, along)
    flat = flat_like(predict.template, data, "data")
    kept = require_finite(flat, rows)
    sigmas = noise_of(predict.template, sigma, kept)
    values = _start(space, start)
    value, jacobian, _ = predict(values)
    if not np.all(np.isfinite(value)):
        raise ValueError(where_invalid(predict, rows, values, 1))
    scatter, unknowns = noise_model(
        noise, rows, flat, sigmas, sigma_range=sigma_range, per_row=per_row,
        correlated=correlated, degrees=degrees, taken=space.names,
    )  # fmt: skip
    bells, terms, words = sorted_out(space, prior)
    density, first = _density(
        model, space, arguments, flat, scatter, unknowns, bells, terms, values, value - flat
    )
    keys = jax.random.split(key, 3)
    if method == "smc":
        trace, more = smc.sample(
            density, keys[1], runs=chains, particles=draws, moves=moves, progress=progress
        )
    else:
        frame = starts.laplace(density, first, jacobian)
        begin = _begun(density, frame, chains, keys[0])
        trace = nuts.sample(
            density, frame, jnp.asarray(begin), keys[1], warmup=warmup, draws=draws,
            target=target_acceptance, progress=progress,
        )  # fmt: skip
        more = {"warmup": warmup}
    swaps = symmetry.symmetries(predict, space, values)
    return _result(
        density, unknowns, rows, predict, trace, swaps, predictions,
        prior=words, method=method, **more,
    )  # fmt: skip


def _require_options(space, method, chains, warmup, draws, moves, predictions, target) -> None:
    if not isinstance(space, Space):
        raise ValueError(f"space must be a jaxdiode Space, got {type(space).__name__}")
    if method not in METHODS:
        raise _checks.unknown_name("method", method, METHODS)
    _checks.whole_number("chains", chains)
    _checks.whole_number("draws", draws, at_least=_FEWEST)
    _checks.whole_number("warmup", warmup, at_least=_SHORTEST)
    _checks.whole_number("predictions", predictions)
    if moves is not None:
        _checks.whole_number("moves", moves)
    if isinstance(target, bool | str) or not 0.3 <= target <= 0.999:
        raise ValueError(f"target_acceptance must lie between 0.3 and 0.999, got {target!r}")


def require_blackjax() -> None:
    """Raise with the remedy where the library that samples is not installed."""
    try:
        import blackjax  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "sample_posterior needs blackjax: pip install 'jaxdiode[inference]'"
        ) from error


def _start(space: Space, start: FitResult | AbstractDevice | None) -> np.ndarray:
    if isinstance(start, FitResult):
        if start.names != space.names:
            raise ValueError(
                f"start must be a fit of the same parameters, {', '.join(space.names)}, "
                f"got one of {', '.join(start.names)}"
            )
        values = np.asarray(start.values)
    elif start is None or isinstance(start, AbstractDevice):
        values = np.asarray(space.values(start))
    else:
        raise ValueError(f"start must be a fit or a device, got {type(start).__name__}")
    return require_inside(space, values)


def _density(
    model, space, arguments, flat, scatter, unknowns: Unknowns, bells, terms, values, residual
) -> tuple[Density, np.ndarray]:
    """The density, and its numbers to begin with."""

    def made(first):
        lower = np.concatenate([space.lower, unknowns.lower])
        upper = np.concatenate([space.upper, unknowns.upper])
        start = np.concatenate([values, first])
        box = boxed(lower, upper, start, bells)
        return Density(model, space, tuple(arguments), jnp.asarray(flat), box, scatter, terms)

    density = made(np.zeros(len(unknowns.names)))
    first = starts.first_unknowns(density, unknowns, residual, flat.size - len(space.names))
    return made(first), np.concatenate([values, first])


def _begun(density: Density, frame: nuts.Frame, chains: int, key) -> np.ndarray:
    w, value = starts.dispersed(density, frame, chains, key)
    if not np.all(np.isfinite(value)):
        raise ValueError(
            "start must lie where prior and likelihood are known: the prior excludes the start, "
            "or the model is NaN or infinite all about it"
        )
    return w


class _Numbers(NamedTuple):
    values: Array
    log_prior: Array
    log_likelihood: Array


@eqx.filter_jit
def _numbers(density: Density, z, log_density) -> _Numbers:
    """Values and log-densities, per unit of the values, of coordinates (chain, draw, d)."""

    def one(z, total):
        x = density.values(z)
        rows = density.log_rows(z)
        likelihood = total - density.log_prior(z) - rows
        return _Numbers(x, jnp.sum(density.box.log_prior(x)) + rows, likelihood)

    return jax.vmap(jax.vmap(one))(z, log_density)


@eqx.filter_jit
def _prior_of(density: Density, values):
    """ln of the prior of a device's parameters, but for a constant."""
    box = jax.tree.map(lambda x: x[: density.count], density.box)
    return jnp.sum(box.log_prior(values)) + density.log_rows_of(values)


def _result(
    density: Density, unknowns: Unknowns, rows: Rows, predict: Prediction, trace: nuts.Trace,
    swaps: tuple, predictions: int, **more,
) -> Posterior:  # fmt: skip
    space, count = density.space, density.count
    found = jax.device_get(_numbers(density, trace.position, trace.log_density))
    samples = found.values
    grown = np.append(np.zeros(count, bool), unknowns.exponential)
    samples = np.where(grown, np.exp(np.where(grown, samples, 0.0)), samples)
    own, told = symmetry.ordered(
        samples[..., :count], swaps, space, lambda x: float(_prior_of(density, x))
    )
    samples = np.concatenate([own, samples[..., count:]], axis=-1)
    chains, draws, names = samples.shape
    each = min(max(predictions // chains, 1), draws)
    kept = np.linspace(0, draws - 1, each).round().astype(int)
    prediction = np.stack(
        [[predict(samples[c, d, :count])[0] for d in kept.tolist()] for c in range(chains)]
    )
    residual = np.mean(prediction, axis=(0, 1)) - np.asarray(density.data)
    columns = [samples[..., k] for k in range(names)]
    alone = chains == 1 and more["method"] == "smc"
    return Posterior(
        space=space,
        names=(*space.names, *unknowns.names),
        samples=samples,
        rhat=np.array([np.nan if alone else mixing.rhat(column) for column in columns]),
        bulk=np.array([mixing.ess_bulk(column) for column in columns]),
        tail=np.array([mixing.ess_tail(column) for column in columns]),
        log_posterior=found.log_prior + found.log_likelihood,
        log_likelihood=found.log_likelihood,
        data=np.asarray(density.data),
        sigma=np.asarray(density.noise.sigma),
        labels=rows.labels,
        row=rows.row,
        position=rows.position,
        kept=kept,
        prediction=prediction,
        noise=density.noise,
        noise_words=unknowns.words,
        correlation=diagnostics.lag_one(residual, rows),
        offsets={
            label: float(np.mean(residual[rows.row == k])) for k, label in enumerate(rows.labels)
        },
        symmetries=told,
        **{name: np.asarray(getattr(trace, name)) for name in _KEPT},
        **more,
    )
