"""Threshold curves: every current at which a state ends, against one parameter."""

from itertools import pairwise
from typing import TYPE_CHECKING

import equinox as eqx
import numpy as np
from jaxtyping import Bool, Float, Int

from .. import _checks
from .._checks import Numbers
from ..core.critical import CriticalCurrents
from ..core.paths import declaration, elements_of, label_of, match_names, owner_of, replace
from ..core.results import AbstractResult
from ..numerics.status import Status
from ..progress import track
from .circuit import Circuit, require_circuit
from .curves import neighbour, whole
from .relations import Wells
from .states import Folds, FoundFold, add_folds, found_folds, is_among, listed, solved
from .statics import Bias, Statics

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Equations = tuple[Statics, Wells, Bias]

_SAME = 1e-7  # of the largest junction's current: a fold is the end that `largest` found
_STEP = 0.7  # radians that phases of one lobe move at most from one value to the next


class ThresholdCurves(AbstractResult):
    """All folds of a circuit at every value of a parameter.

    Attributes:
        path, label, unit: the parameter's name, what it is, and its unit.
        value: of the parameter.
        current: of every fold (columns) at every value (rows), sorted; the rest is NaN.
        stable: whether stable states end there: the lobes that an experiment sees.
        lobe: a number for each curve that folds of neighbouring values belong to; −1 for none.
        plus, minus: the envelope, I₊ and I₋ of `critical_currents` by "largest".
        status: of each value. SEARCH_CUT_SHORT where the envelope is no stable fold of the row
            (a curve was not seen), NOT_CONVERGED where a fold was not located and is left out,
            NO_ZERO_VOLTAGE_STATE where no current has a stable state.

    Example:
        >>> squid = jd.Circuit({
        ...     "J0": jd.Junction("in", "0", jd.TunnelJunction(1.0)),
        ...     "J1": jd.Junction("1", "0", jd.TunnelJunction(1.0)),
        ...     "L": jd.Inductor("in", "1", 0.5),
        ... }, terminals=("in", "0"))
        >>> found = jd.threshold_curves(squid, "elements.L.offset", [0.2, 0.3])
        >>> print(np.sum(np.isfinite(found.current), axis=1), found.value[found.status == 0])
        [6 6] [0.2 0.3]
    """

    path: str = eqx.field(static=True)
    label: str = eqx.field(static=True)
    unit: str = eqx.field(static=True)
    value: Float[np.ndarray, " values"]
    current: Float[np.ndarray, "values folds"]
    stable: Bool[np.ndarray, "values folds"]
    lobe: Int[np.ndarray, "values folds"]
    plus: Float[np.ndarray, " values"]
    minus: Float[np.ndarray, " values"]
    status: Int[np.ndarray, " values"]

    def plot(self) -> "Figure":
        from .. import plot

        return plot.threshold_curves(self)


def threshold_curves(
    circuit: Circuit, path: str, values: Numbers, *, progress: bool = False
) -> ThresholdCurves:
    """All currents at which a static state ends, against a parameter: usually a flux.

    Folds F = 0, Kv = 0, v·B ≠ 0 as `folds` finds them at every value, and those that a
    neighbouring value has followed to it, with all others on their curves of states (curves of
    unstable states alone are not looked for). The largest
    currents of any stable state in both directions come from a search of its own: where its end
    is not the outermost stable fold, the status says so. Where a current ends at a jump or a slip
    instead (balanced `SeriesJunctions`, a `LinearLink`) there is no fold: the envelope alone tells
    of it.

    One program serves all values. Not differentiable; the envelope is, by `critical_currents`.

    Source: Tsang and Van Duzer, J. Appl. Phys. 46, 4573 (1975).

    Args:
        circuit: with numbers, not under a transformation of JAX.
        path: of one or several parameters (`parameter_names`), which all take the value.
        values: increasing, in the parameter's unit.
        progress: show a bar on a terminal, a line for every tenth elsewhere.

    Raises:
        ValueError: no circuit, an unknown path, values that do not increase or that the parameter
            or the circuit does not allow, terminals joined by inductors alone, more flux states
            than 4096.

    Example:
        >>> squid = jd.Circuit({
        ...     "J0": jd.Junction("1", "0", jd.TunnelJunction(1.3)),
        ...     "J1": jd.Junction("2", "0", jd.TunnelJunction(0.7)),
        ...     "L0": jd.Inductor("in", "1", 0.75),
        ...     "L1": jd.Inductor("in", "2", 0.75),
        ... }, terminals=("in", "0"))
        >>> found = jd.threshold_curves(squid, "elements.L1.offset", [-0.24])
        >>> print(found.current[found.stable].round(6).tolist()[-3:], found.plus.round(6))
        [0.729996, 1.290426, 1.840108] [1.840108]
    """
    require_circuit(circuit)
    if not _checks.all_concrete((circuit, values)):
        raise ValueError("circuit must hold numbers here, not values of a transformation of JAX")
    members = match_names(elements_of(circuit), path)
    level = np.asarray(_checks.real_array("values", values, ndim=1))
    if not level.size or np.any(np.diff(level) <= 0):
        raise ValueError("values must hold at least one number and increase")
    circuits = [_with(circuit, path, value) for value in level]
    equations, found, pairs = [], [], []
    for one in track(circuits, "threshold_curves", level.size, progress):
        equations.append(solved(one))
        found.append(found_folds(*equations[-1]))
        pairs.append(one.critical_currents("largest"))
    _complete(equations, found)
    rows = [listed(one[0], folds) for one, folds in zip(equations, found, strict=True)]
    return ThresholdCurves(
        path,
        label_of(circuit, members[0], path),
        declaration(*owner_of(circuit, members[0])).unit,
        level,
        *_side_by_side(rows),
        np.array([float(pair.plus) for pair in pairs]),
        np.array([float(pair.minus) for pair in pairs]),
        np.array([_status(*x) for x in zip(equations, rows, pairs, strict=True)], np.int32),
    )


def _with(circuit: Circuit, path: str, value: float) -> Circuit:
    """The circuit with another value, checked as a new one."""
    other = replace(circuit, {path: value})
    return Circuit(
        other.elements,
        other.terminals,
        mutual=dict(other.mutual.items()),
        sources=other.sources,
        criterion=other.criterion,
    )


def _complete(equations: list[Equations], found: list[list[FoundFold]]) -> None:
    """Folds that one value has, looked for at the next, up the values and down again.

    A curve that is missed where its stable states are few is found from where they are many.
    """
    order = range(len(found))
    for here, there in (*pairwise(order), *pairwise(reversed(order))):
        for fold in found[here]:
            if fold.good:
                _look_for(fold, equations[there], found[there])


def _look_for(fold: FoundFold, equations: Equations, found: list[FoundFold]) -> None:
    """The fold's like in another circuit, and all others on its curve, unless it is known."""
    statics, wells, bias = equations
    level = np.asarray(fold.level)
    like, good, ends, beside, fine = neighbour(statics, bias, fold.windings, fold.state, level)
    state = np.asarray(like.state)
    new = FoundFold(float(like.bias), bool(ends), state, fold.windings, bool(good))
    if not new.good or is_among(statics, new, found):
        return
    found.append(new)
    if bool(fine):
        start = np.asarray(beside.z), fold.windings, float(beside.p)
        add_folds(found, statics, bias, whole(statics, wells, bias, *start))


def _status(equations: Equations, row: Folds, pair: CriticalCurrents) -> Status:
    """Of one value, from its folds and its envelope."""
    statics, wells, _ = equations
    ends = row.current[row.stable & np.isfinite(row.current)]
    high, low = np.max(ends, initial=-np.inf), np.min(ends, initial=np.inf)
    scale = _SAME * float(statics.relations.unit)
    met = abs(high - float(pair.plus)) < scale and abs(low + float(pair.minus)) < scale
    code = Status(int(pair.status))
    if np.any(row.status != Status.CONVERGED):
        return Status.NOT_CONVERGED
    known = code in (Status.CONVERGED, Status.LOBES_CROSS)
    if not known and not ends.size:
        return code
    walls = bool(np.isfinite(np.asarray(wells.walls)).any())
    return Status.CONVERGED if known and (met or walls) else Status.SEARCH_CUT_SHORT


def _side_by_side(rows: list[Folds]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(current, stable, lobe) of all values, rows of one length."""
    shape = len(rows), max(row.current.size for row in rows)
    current, stable = np.full(shape, np.nan), np.zeros(shape, bool)
    lobe = np.full(shape, -1)
    before: tuple[Folds, np.ndarray] | None = None
    count = 0
    for k, row in enumerate(rows):
        number = np.full(row.current.size, -1)
        if before is not None:
            for here, there in _followers(before[0], row):
                number[there] = before[1][here]
        new = number < 0
        number[new] = count + np.arange(new.sum())
        count += int(new.sum())
        before = row, number
        size = row.current.size
        current[k, :size], stable[k, :size], lobe[k, :size] = row.current, row.stable, number
    return current, stable, np.where(np.isfinite(current), lobe, -1)


def _followers(row: Folds, after: Folds) -> list[tuple[int, int]]:
    """Folds of two neighbouring values that are each other's nearest, in one lobe."""
    if not row.current.size or not after.current.size:
        return []
    turned = row.phases[:, None] - after.phases[None]
    apart = np.abs(np.mod(turned + np.pi, 2 * np.pi) - np.pi).max(axis=2)
    apart = np.where(row.stable[:, None] == after.stable[None], apart, np.inf)
    known = np.isfinite(row.current)[:, None] & np.isfinite(after.current)[None]
    apart = np.where(known, apart, np.inf)
    ahead, back = np.argmin(apart, axis=1), np.argmin(apart, axis=0)
    return [(i, int(j)) for i, j in enumerate(ahead) if back[j] == i and apart[i, j] < _STEP]
