"""Parameters that change places without changing any prediction."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import PyTree

from ...core.paths import cusp_pairs, elements_of
from ..fit.prediction import Prediction
from ..space import Space

_SAME = 1e-8  # of the predictions' size
_POINTS = 3  # at which predictions are compared
_STEP = 0.03  # of the bounds' width, or of a value, that the points lie off the start
_MOST = 300  # changes that are tried
_LONGEST = 8  # members of a list beyond which they are samples of a curve, no parts
_COMPARED = 16  # draws at which priors are
_SAME_PRIOR = 1e-6  # of a logarithm
_ROUNDS = 20  # of ordering


class Symmetry(NamedTuple):
    """A linear change of parameters that leaves every prediction as it is.

    Attributes:
        words: what changes places, and what changes with it.
        matrix: (n, n), values → matrix @ values.
        pair: the two parameters that order says the draws' labels by.
        broken_by: parameters whose bounds the changed values leave.
    """

    words: str
    matrix: np.ndarray
    pair: tuple[int, int]
    broken_by: tuple[str, ...]


def interchangeable(
    model: Callable[..., PyTree], space: Space, arguments: Sequence[PyTree] = ()
) -> tuple[Symmetry, ...]:
    """Parameters of a `Space` that may change places without changing any prediction of a model.

    Tried are pairs of alike parts: members of a list or an array (`branches.0` and `branches.1`,
    `critical.0` and `critical.1`, with all else that has those numbers; of up to eight) and the
    two junctions of a series pair. With parallel branches the loops between them change too: a
    flux, or flux per coil current, f_k = c_k − c_{k−1} from branch to branch goes with the
    branches' c. A change counts where the predictions at three points near the device of the space
    agree to 1e-8.

    Such labels mean nothing: a posterior has one mode for each, of which the bounds may leave out
    some. `sample_posterior` gives every draw the labels in which the first is the smaller.

    Example:
        >>> space = jd.Space(jd.SeriesJunctions(90, 60), {"first": (9, 200), "second": (9, 200)})
        >>> found = jd.inverse.interchangeable(jd.critical_currents, space)
        >>> print(found[0].words, found[0].broken_by)
        first ↔ second ()
        >>> space = jd.Space(jd.SeriesJunctions(90, 60), {"first": (70, 200), "second": (9, 69)})
        >>> print(jd.inverse.interchangeable(jd.critical_currents, space)[0].broken_by)
        ('first', 'second')
    """
    return symmetries(Prediction(model, space, arguments), space, np.asarray(space.values()))


def symmetries(predict: Prediction, space: Space, values: np.ndarray) -> tuple[Symmetry, ...]:
    points = _points(space, values)
    before = [predict(point)[0] for point in points]
    found: list[Symmetry] = []
    for words, matrix, pair in itertools.islice(_candidates(space), _MOST):
        if any(np.array_equal(matrix, one.matrix) for one in found):
            continue
        if all(
            _agree(predict(matrix @ point)[0], known)
            for point, known in zip(points, before, strict=True)
        ):
            image = matrix @ values
            outside = ~((image >= np.asarray(space.lower)) & (image <= np.asarray(space.upper)))
            broken = tuple(n for n, out in zip(space.names, outside, strict=True) if out)
            found.append(Symmetry(words, matrix, pair, broken))
    return tuple(found)


def _agree(one: np.ndarray, other: np.ndarray) -> bool:
    size = np.sqrt(np.mean(other**2))
    return bool(np.all(np.abs(one - other) <= _SAME * size))  # False where any is NaN


def _points(space: Space, values: np.ndarray) -> list[np.ndarray]:
    """A little off the start, where no two parameters are equal by chance."""
    random = np.random.default_rng(0)
    low, high = np.asarray(space.lower), np.asarray(space.upper)
    width = np.where(np.isfinite(high - low), high - low, np.abs(values) + (values == 0))
    return [
        np.clip(values + _STEP * width * random.uniform(-1, 1, values.size), low, high)
        for _ in range(_POINTS)
    ]


def _candidates(space: Space) -> Iterator[tuple[str, np.ndarray, tuple[int, int]]]:
    """Changes of the values of a space, as (words, matrix, pair that orders)."""
    names = list(elements_of(space.device))
    at = {name: k for k, name in enumerate(names)}
    values = {name: k for k, name in enumerate(space.names)}
    for first, second in cusp_pairs(space.device):
        moved = np.eye(len(names))
        _swap(moved, at[first], at[second])
        yield from _of_space(space, names, values, moved, f"{first} ↔ {second}", first, second)
    lists = _lists(names)
    longest = max((len(members) for members in lists.values()), default=0)
    free = {name.rpartition(".")[0] for name in values}
    for i, j in itertools.combinations(range(longest), 2):
        choices = [
            _choices(stem, members, i, j, stem in free and len(members) < longest)
            for stem, members in lists.items()
        ]
        for chosen in itertools.product(*choices):
            swapped = [stem for stem, kind, _ in chosen if kind == "swap"]
            if not swapped:
                continue
            moved, words = np.eye(len(names)), []
            for stem, kind, loops in chosen:
                members = lists[stem]
                if kind == "swap":
                    for a, b in zip(members[i], members[j], strict=True):
                        _swap(moved, at[a], at[b])
                    words.append(f"{stem}.{i} ↔ {stem}.{j}")
                elif loops is not None:
                    own = [at[members[k][0]] for k in range(len(members))]
                    moved[np.ix_(own, own)] = loops
                    words += _sums([members[k][0] for k in range(len(members))], loops)
            first, second = lists[swapped[0]][i][0], lists[swapped[0]][j][0]
            yield from _of_space(space, names, values, moved, ", ".join(words), first, second)


def _swap(matrix: np.ndarray, a: int, b: int) -> None:
    matrix[[a, b]] = matrix[[b, a]]


def _lists(names: list[str]) -> dict[str, dict[int, list[str]]]:
    """{path of a list or array: {number: names below it}}."""
    found: dict[str, dict[int, list[str]]] = {}
    for name in names:
        steps = name.split(".")
        for k, step in enumerate(steps):
            if step.isdigit():
                found.setdefault(".".join(steps[:k]), {}).setdefault(int(step), []).append(name)
                break  # the outermost list alone: its members change places whole
    return {stem: members for stem, members in found.items() if len(members) <= _LONGEST}


def _choices(stem: str, members: dict[int, list[str]], i: int, j: int, loops: bool):
    """What may happen to one list when members i and j of others change places."""
    choices: list[tuple[str, str, np.ndarray | None]] = []
    if i in members and j in members:
        alike = [[name[len(f"{stem}.{k}") :] for name in members[k]] for k in (i, j)]
        if alike[0] == alike[1]:
            choices.append((stem, "swap", None))
    choices.append((stem, "stay", None))
    if loops and all(len(below) == 1 for below in members.values()):
        for a, b in itertools.combinations(range(len(members) + 1), 2):
            choices.append((stem, "loops", _loops(len(members), a, b)))
    return choices


def _loops(count: int, a: int, b: int) -> np.ndarray:
    """Fluxes between neighbours of count + 1 branches, when branches a and b change places."""
    branches = np.concatenate([np.zeros((1, count)), np.tril(np.ones((count, count)))])
    branches[[a, b]] = branches[[b, a]]
    return np.diff(branches, axis=0)


def _sums(names: list[str], matrix: np.ndarray) -> list[str]:
    told = []
    for name, row in zip(names, matrix, strict=True):
        terms = [
            f"{'−' if x < 0 else '+'} {other}" for other, x in zip(names, row, strict=True) if x
        ]
        told.append(f"{name} → {' '.join(terms).removeprefix('+ ').replace('− ', '−', 1)}")
    return [
        text for text, row, own in zip(told, matrix, np.eye(len(names)), strict=True)
        if not np.array_equal(row, own)
    ]  # fmt: skip


def _of_space(space: Space, names, values, moved, words, first: str, second: str):
    """The change in the values of the space, if it moves nothing that is fixed or tied."""
    owner = {name: values[name] for name in names if name in values}
    for group in space.ties:
        owner |= dict.fromkeys(group, values[next(n for n in group if n in values)])
    if first not in owner or second not in owner or owner[first] == owner[second]:
        return
    matrix = np.zeros((len(values), len(values)))
    rows: dict[int, np.ndarray] = {}
    for k, name in enumerate(names):
        sources = np.flatnonzero(moved[k])
        if name not in owner:
            if not np.array_equal(moved[k], np.eye(len(names))[k]):
                return
            continue
        row = np.zeros(len(values))
        for source in sources:
            if names[source] not in owner:
                return
            row[owner[names[source]]] += moved[k][source]
        if owner[name] in rows and not np.array_equal(rows[owner[name]], row):
            return
        rows[owner[name]] = row
    for k, row in rows.items():
        matrix[k] = row
    yield words, matrix, (owner[first], owner[second])


def _kept_by(log_prior: Callable, one: Symmetry, samples: np.ndarray, space: Space) -> bool:
    """Whether the prior is the same for both labels, at some draws that have both."""
    flat = samples.reshape(-1, samples.shape[-1])
    flat = flat[np.linspace(0, len(flat) - 1, _COMPARED).astype(int)]
    image = flat @ one.matrix.T
    both = np.all((image >= space.lower) & (image <= space.upper), axis=-1)
    pairs = zip(flat[both], image[both], strict=True)
    return all(abs(log_prior(a) - log_prior(b)) < _SAME_PRIOR for a, b in pairs)


def ordered(
    samples: np.ndarray, found: tuple[Symmetry, ...], space: Space, log_prior: Callable
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Draws (…, n) in the labels in which the first of a pair is the smaller, and what was done.

    A draw whose other labels the bounds exclude keeps its own, and so do all draws where the prior
    is another for the other labels.
    """
    kept = [_kept_by(log_prior, one, samples, space) for one in found]
    told_apart = [one for one, same in zip(found, kept, strict=True) if not same]
    found = tuple(one for one, same in zip(found, kept, strict=True) if same)
    low, high = np.asarray(space.lower), np.asarray(space.upper)
    made = samples.copy()
    said = [f"interchangeable but for the prior: {one.words}" for one in told_apart]
    for _ in range(_ROUNDS):
        before = made.copy()
        for one in found:
            image = made @ one.matrix.T
            inside = np.all((image >= low) & (image <= high), axis=-1)
            wrong = made[..., one.pair[0]] > made[..., one.pair[1]]
            made = np.where((inside & wrong)[..., None], image, made)
        if np.array_equal(before, made):
            break
    for one in found:
        names = [space.names[k] for k in one.pair]
        allowed = np.mean(np.all((made @ one.matrix.T >= low) & (made @ one.matrix.T <= high), -1))
        if allowed == 0 and one.broken_by:
            said.append(
                f"interchangeable: {one.words}; the bounds of {', '.join(one.broken_by)} leave one "
                "of the two"
            )
        else:
            told = f"interchangeable: {one.words}; labelled so that {names[0]} ≤ {names[1]}"
            said.append(told if allowed == 1 else f"{told}, where the bounds allow both")
    return made, tuple(said)
