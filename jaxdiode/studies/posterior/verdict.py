"""What is said of draws: their table, and what speaks against them."""

from typing import TYPE_CHECKING, assert_never

import jax
import numpy as np

from ...core.paths import unit_of

if TYPE_CHECKING:
    from .result import Posterior

MIXED = 1.01  # largest R̂ of chains that have
_ENOUGH = 100.0  # effective draws for each chain
_NEAR = 0.25  # of a deviation from a bound, where a piled-up posterior has draws
_PILED = 0.045  # share of draws there, of a bell that stands 1.5 deviations off
_UNINFORMED = 0.9  # of the deviation of a flat density, from which on the data say nothing
_LISTED = 0.7  # correlation worth a line
_CORRELATED = 4.0  # standard deviations of a lag-1 correlation that are no chance
_OFFSET = 4.0  # standard errors of the mean of a row's residuals
_SETTLED = 2.0  # √(2 points) of χ² by the sampled σ, beyond which draws are none of a posterior
UNEVEN = 0.5  # error of ln evidence from which on one run outweighs the others
_RUNS = 8  # whose scatter tells the error of an evidence to a quarter
_DIVERGED = 0.001  # share of divergent draws worth a word
_FITS = 5.0  # standard deviations of χ²


def at_bounds(found: "Posterior") -> tuple[str, ...]:
    """Parameters whose posterior is cut off by a bound, though the data know of them."""
    piled = []
    for k, name in enumerate(found.space.names):
        draws = found.flat[:, k]
        spread = np.std(draws)
        low, high = float(found.space.lower[k]), float(found.space.upper[k])
        if name in uninformed(found):
            continue
        near = [np.mean(np.abs(draws - end) < _NEAR * spread) for end in (low, high)]
        if max(near) > _PILED:
            piled.append(name)
    return tuple(piled)


def uninformed(found: "Posterior") -> tuple[str, ...]:
    """Parameters as wide as their bounds."""
    width = np.asarray(found.space.upper - found.space.lower)
    spread = np.std(found.flat[:, : width.size], axis=0)
    wide = spread > _UNINFORMED * width / np.sqrt(12)
    return tuple(name for name, one in zip(found.space.names, wide, strict=True) if one)


def warnings_of(found: "Posterior") -> tuple[str, ...]:
    particles = _of_particles(found) if found.method == "smc" else []
    return (
        *_of_sampling(found), *particles, *_of_parameters(found), *_of_settling(found),
        *_of_residuals(found),
    )  # fmt: skip


def _of_sampling(found: "Posterior") -> list[str]:
    said = []
    chains, count = found.samples.shape[:2]
    unmixed = [
        f"{name} {value:.3f}"
        for name, value in zip(found.names, found.rhat, strict=True)
        if not value <= MIXED
    ]
    if unmixed and not _alone(found):
        said.append(
            f"chains did NOT mix (R̂ above {MIXED}): {', '.join(unmixed)}; they stay in different "
            "modes, or need more draws"
        )
    few = [
        f"{name} {min(bulk, tail):.0f}"
        for name, bulk, tail in zip(found.names, found.bulk, found.tail, strict=True)
        if min(bulk, tail) < _ENOUGH * chains
    ]
    if few:
        said.append(f"fewer than {_ENOUGH * chains:.0f} effective draws: {', '.join(few)}")
    diverged, undefined = int(np.sum(found.divergent)), int(np.sum(found.undefined))
    if undefined:
        said.append(
            f"{undefined} of {chains * count} trajectories came where the model is NaN or "
            "infinite: the posterior excludes it there, and may be cut off"
        )
    if diverged - undefined > _DIVERGED * chains * count:
        said.append(
            f"{diverged - undefined} of {chains * count} trajectories diverged: the likelihood "
            "has kinks (maxima of I(φ) that swap) or narrow places; shorter steps (a higher "
            "target_acceptance) should leave the values as they are"
        )
    return said


def _alone(found: "Posterior") -> bool:
    """One run of particles: halves of one cloud agree wherever it stands."""
    return found.method == "smc" and found.samples.shape[0] == 1


def _of_particles(found: "Posterior") -> list[str]:
    said = []
    runs = found.samples.shape[0]
    if runs == 1:
        said.append(
            "one run of particles does not show whether it has arrived: R̂ and the error of the "
            f"evidence need others, chains={_RUNS} say"
        )
    elif not found.log_evidence_error <= UNEVEN:
        said.append(
            f"the evidence of the runs differs by factors{_from_to(found)}: its error is not "
            "known, and all of them may be too low; more particles (draws=) or moves"
        )
    return said


def _of_settling(found: "Posterior") -> list[str]:
    """Of a σ that is sampled, χ² of the draws is the number of points, whatever the model misses:
    E[Σ r²/σ²] = n under a posterior with the prior 1/σ."""
    noise, count = found.noise, found.data.size
    if not (noise.groups and noise.kind == "normal" and not noise.memories and count > 1):
        return []
    split = jax.jit(jax.vmap(jax.vmap(lambda eta: noise.split(eta)[0])))
    sigma = np.asarray(split(unknowns_of(found)))
    chi = float(np.mean(np.sum(((found.prediction - found.data) / sigma) ** 2, axis=-1)))
    if chi < count + _SETTLED * np.sqrt(2 * count):
        return []
    more = "more particles (draws=) or moves" if found.method == "smc" else "more warm-up"
    return [
        f"residuals are {np.sqrt(chi / count):.3g} times the sampled σ, which no posterior leaves: "
        f"draws have not reached it, or the range of σ ends below; {more}, a wider sigma_range"
    ]


def _of_parameters(found: "Posterior") -> list[str]:
    said = []
    if piled := at_bounds(found):
        said.append(
            f"the posterior is piled up on a bound of {', '.join(piled)}: the bounds decide there"
        )
    if wide := uninformed(found):
        said.append(f"the data say nothing of {', '.join(wide)} beyond the bounds")
    if found.data.size < len(found.names):
        said.append(
            f"{found.data.size} points for {len(found.names)} parameters: the prior decides what "
            "the data do not"
        )
    return said


def _of_residuals(found: "Posterior") -> list[str]:
    said = []
    size = {label: int(np.sum(found.row == k)) for k, label in enumerate(found.labels)}
    if found.noise.groups == 0 and found.noise.kind == "normal" and found.prediction.size:
        chi = np.sum(((found.prediction - found.data) / found.sigma) ** 2, axis=-1).min()
        count = found.data.size
        if chi > count + _FITS * np.sqrt(2 * count):
            said.append(
                f"χ² is {chi:.4g} for {count} points at best: σ is too small, the bounds or the "
                "prior exclude the data, or the model misses something"
            )
    tied = {
        label: rho
        for label, rho in found.correlation.items()
        if abs(rho) * np.sqrt(size[label]) > _CORRELATED
    }
    if tied and found.noise.memories == 0:
        worst = min(max(tied.values(), key=abs), 0.999)
        said.append(
            f"neighbouring residuals are correlated ({_listed(tied)}): deviations for independent "
            f"noise are too small, by a factor up to {np.sqrt((1 + worst) / (1 - worst)):.2g} "
            "(correlated=True models it)"
        )
    shifted = {
        label: mean for label, mean in found.offsets.items() if _is_offset(found, label, mean)
    }
    if shifted:
        said.append(
            f"residuals (model − data) have a mean: {_listed(shifted, '.3g')}; an offset of the "
            "bias current is + in one direction and − in the other"
        )
    return said


def _is_offset(found: "Posterior", label: str, mean: float) -> bool:
    """Whether a mean is beyond chance, for noise as correlated as the residuals about it are."""
    points = np.flatnonzero(found.row == found.labels.index(label))
    points = points[np.argsort(found.position[points], kind="stable")]
    own = (found.prediction.mean(axis=(0, 1)) - found.data)[points]
    own = own - np.mean(own)
    power = float(own @ own)
    if own.size < 5 or not power > 0:
        return False
    rho = np.clip(own[1:] @ own[:-1] / power, 0.0, 0.999)
    error = np.sqrt(power) / own.size * np.sqrt((1 + rho) / (1 - rho))
    return bool(abs(mean) > _OFFSET * error)


def _listed(values: dict[str, float], form: str = ".2f") -> str:
    return ", ".join(f"{label} {value:+{form}}" for label, value in values.items())


def summary_of(found: "Posterior", unit: str) -> str:
    chains, count, _ = found.samples.shape
    if found.method == "smc":
        head = [
            f"{chains} run{'s' if chains > 1 else ''} of {count} particles tempered in "
            f"{len(found.temperatures)} stages, {np.mean(found.acceptance):.0%} of moves accepted; "
            f"{_evidence(found)}"
        ]
    else:
        head = [
            f"{chains} chains of {count} draws after {found.warmup} of warm-up: acceptance "
            f"{np.mean(found.acceptance):.2f}, step {np.mean(found.step_size[:, -1]):.2g}, "
            f"{np.mean(found.steps):.1f} leaps each, {int(np.sum(found.divergent))} divergences",
            "started about one place: other modes of the posterior were not looked for",
        ]
    head.append(f"noise: {'; '.join(found.noise_words)}")
    bounded = "flat inside the bounds" if found.prior == () else "; ".join(found.prior)
    head.append(f"prior: {bounded}" + (", else flat inside the bounds" if found.prior else ""))
    if found.correlation:
        head.append(f"correlation of neighbouring residuals: {_listed(found.correlation)}")
        head.append(f"mean residual (model − data): {_listed(found.offsets, '.3g')}")
    width = max(20, *(len(name) for name in found.names))
    columns = ("mean", "sd", "2.5 %", "97.5 %", "R̂", "bulk", "tail")
    rows = [f"  {'':<{width}s}" + "".join(f"{column:>12}" for column in columns)]
    low, high = found.interval().T
    for k, name in enumerate(found.names):
        own = unit_of(found.space.device, name, unit) if k < len(found.space.names) else ""
        own = own or (unit if name.startswith(("sigma", "noise.sigma")) else "")
        numbers = (found.mean[k], found.deviation[k], low[k], high[k])
        forms = (".6g", ".3g", ".6g", ".6g")
        told = "".join(f"{x:>12{form}}" for x, form in zip(numbers, forms, strict=True))
        told += f"{'—':>12}" if _alone(found) else f"{found.rhat[k]:>12.4f}"
        told += f"{found.bulk[k]:>12.0f}{found.tail[k]:>12.0f}"
        rows.append(f"  {name:<{width}s}{told} {own}".rstrip())
    strong = strong_correlations(found)
    if strong:
        rows.append(f"correlated: {', '.join(strong)}")
    rows += list(found.symmetries)
    return "\n".join([*head, *rows, *(f"WARNING: {text}" for text in found.warnings)])


def _evidence(found: "Posterior") -> str:
    """With its error, and how well the scatter of few runs tells that."""
    runs, text = found.samples.shape[0], f"ln evidence {found.log_evidence:.2f}"
    if runs == 1:
        return f"{text}, error not known from one run"
    if not found.log_evidence_error <= UNEVEN:
        return f"{text}, error NOT known{_from_to(found)}"
    text += f" ± {found.log_evidence_error:.2g}"
    if runs < _RUNS:
        text += f" from {runs} runs, which tell this error to {1 / np.sqrt(2 * runs - 2):.0%}"
    return text


def _from_to(found: "Posterior") -> str:
    logs = found.log_evidences
    return f" (ln {min(logs):.2f} to {max(logs):.2f} in {len(logs)} runs)" if logs else ""


def strong_correlations(found: "Posterior") -> list[str]:
    """Pairs of parameters that the data tell apart only together, strongest first."""
    if len(found.names) < 2:
        return []
    with np.errstate(divide="ignore", invalid="ignore"):
        matrix = np.corrcoef(found.flat.T)
    pairs = [
        (matrix[i, j], found.names[i], found.names[j])
        for i in range(len(matrix))
        for j in range(i)
        if abs(matrix[i, j]) > _LISTED
    ]
    return [f"{a} and {b} {r:+.2f}" for r, a, b in sorted(pairs, key=lambda p: -abs(p[0]))]


def measured_again(found: "Posterior", key: int) -> np.ndarray:
    """Predictions of the kept draws with noise of their own."""
    random = np.random.default_rng(key)
    split = jax.jit(jax.vmap(jax.vmap(lambda eta: found.noise.split(eta))))
    every = [np.asarray(part) for part in split(unknowns_of(found))]
    made = np.empty_like(found.prediction)
    order, first = np.asarray(found.noise.order), np.asarray(found.noise.first)
    for at in np.ndindex(made.shape[:2]):
        sigma, degrees, rho = (part[at] for part in every)
        if found.noise.kind == "normal":
            own = random.normal(size=found.data.size)
        elif found.noise.kind == "student":
            own = random.standard_t(float(degrees), size=found.data.size)
        else:
            assert_never(found.noise.kind)
        if found.noise.memories:
            own = _remembering(own[order], rho[order], first)[np.argsort(order)]
        made[at] = found.prediction[at] + sigma * own
    return made


def unknowns_of(found: "Posterior") -> np.ndarray:
    """The noise's own coordinates of the kept draws: σ and ν are sampled as logarithms."""
    numbers = found.samples[:, found.kept, len(found.space.names) :]
    grown = found.noise.groups + int(found.noise.free_degrees)
    return np.concatenate([np.log(numbers[..., :grown]), numbers[..., grown:]], axis=-1)


def _remembering(own, rho, first):
    made = np.empty_like(own)
    for k, fresh in enumerate(own):
        made[k] = fresh if first[k] else rho[k] * made[k - 1] + np.sqrt(1 - rho[k] ** 2) * fresh
    return made
