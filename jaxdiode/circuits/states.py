"""All static states of a circuit at one current, and all folds: the threshold lobes."""

from typing import TYPE_CHECKING, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from .. import _checks
from ..core.results import AbstractResult
from ..numerics.status import Status
from .circuit import Circuit, require_circuit
from .curves import Curve, count_labels, crossings, curves, folds_of, usual_levels
from .relations import Wells, known_status
from .relax import MOST_LABELS
from .statics import Bias, Statics

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class StaticStates(AbstractResult):
    """Static states of a circuit at one current, that of least energy first.

    Attributes:
        current: the bias.
        junctions, inductors: names, in the order of the columns.
        phases: θ of the junctions, turned into (−π, π]; of links as they are.
        junction_currents, inductor_currents: I through each.
        energy: of junctions and inductors, in Φ₀/2π times the current unit; the work of bias and
            injected currents is left out.
        fluxoids: number of every loop that a junction closes.
        stable: whether K is positive definite.
        status: of each state.

    Example:
        >>> ring = jd.Circuit({
        ...     "J": jd.Junction("1", "0", jd.TunnelJunction(1.0)),
        ...     "L": jd.Inductor("1", "0", 1.0, offset=0.5),
        ... }, terminals=("1", "0"))
        >>> states = jd.static_states(ring, 0.0)
        >>> print(len(states.energy), states.fluxoids[states.stable].ravel())
        3 [ 0 -1]
    """

    current: float = eqx.field(static=True)
    junctions: tuple[str, ...] = eqx.field(static=True)
    inductors: tuple[str, ...] = eqx.field(static=True)
    phases: Float[np.ndarray, "states junctions"]
    junction_currents: Float[np.ndarray, "states junctions"]
    inductor_currents: Float[np.ndarray, "states inductors"]
    energy: Float[np.ndarray, " states"]
    fluxoids: Int[np.ndarray, "states loops"]
    stable: Bool[np.ndarray, " states"]
    status: Int[np.ndarray, " states"]

    def summary(self, unit: str = "") -> str:
        """A line for every state, energies in Φ₀/2π times the unit of currents."""
        rows = [f"static states at {self.current:g} {unit}".rstrip()]
        scale = " Φ₀/2π" + (f" {unit}" if unit else "")
        for k, energy in enumerate(self.energy):
            kind = "stable" if self.stable[k] else "unstable"
            numbers = ", ".join(map(str, self.fluxoids[k]))
            currents = ", ".join(f"{x:.6g}" for x in self.junction_currents[k])
            rows.append(
                f"{kind:9} energy {energy:.6g}{scale}  fluxoids [{numbers}]  "
                f"currents [{currents}] {unit}".rstrip()
            )
        return "\n".join(rows)


class Folds(AbstractResult):
    """Currents at which static states end: where threshold curves cut one flux.

    Attributes:
        current: of every fold, sorted.
        stable: whether stable states end there.
        phases: θ of the junctions, turned into (−π, π].
        fluxoids: of the loops.
        status: of each fold; NOT_CONVERGED where two folds coincide.

    Example:
        >>> squid = jd.Circuit({
        ...     "J0": jd.Junction("1", "0", jd.TunnelJunction(1.3)),
        ...     "J1": jd.Junction("2", "0", jd.TunnelJunction(0.7)),
        ...     "L0": jd.Inductor("in", "1", 0.75),
        ...     "L1": jd.Inductor("in", "2", 0.75, offset=-0.24),
        ... }, terminals=("in", "0"))
        >>> folds = jd.folds(squid)
        >>> print(len(folds.current), f"{folds.current[folds.stable].max():.6f}")
        12 1.840108
    """

    current: Float[np.ndarray, " folds"]
    stable: Bool[np.ndarray, " folds"]
    phases: Float[np.ndarray, "folds junctions"]
    fluxoids: Int[np.ndarray, "folds loops"]
    status: Int[np.ndarray, " folds"]

    def summary(self, unit: str = "") -> str:
        """A line for every fold."""
        return "\n".join(
            f"{x:+.8f} {unit} {'stable' if s else 'unstable'}"
            for x, s in zip(self.current, self.stable, strict=True)
        )

    def plot(self) -> "Figure":
        from .. import plot

        return plot.values(self)


class FoundFold(NamedTuple):
    """p, whether stable states end there, z, k, and whether it was located."""

    level: float
    ends_stable: bool
    state: np.ndarray
    windings: np.ndarray
    good: bool


def static_states(circuit: Circuit, current: float = 0.0) -> StaticStates:
    """All static states of a circuit at one current, stable and unstable.

    Every flux state (fluxoid numbers of the loops, wells of the junctions) that screening allows
    gives a start; each curve of states over the bias is followed through its folds. A curve that
    holds no stable state at any of 25 currents and at this one is not seen.

    Args:
        circuit: with numbers, not under a transformation of JAX.
        current: of the terminals.

    Raises:
        ValueError: no circuit, or more flux states than 4096.

    Example:
        >>> squid = jd.Circuit({
        ...     "J0": jd.Junction("in", "0", jd.TunnelJunction(1.0)),
        ...     "J1": jd.Junction("1", "0", jd.TunnelJunction(1.0)),
        ...     "L": jd.Inductor("in", "1", 1.5, offset=0.5),
        ... }, terminals=("in", "0"))
        >>> states = jd.static_states(squid, 0.5)
        >>> print(int(states.stable.sum()), "stable of", len(states.energy))
        3 stable of 8
    """
    statics, wells, bias = solved(circuit)
    level = float(_checks.real_array("current", current, ndim=0))
    unit = float(statics.relations.unit)
    found: list[tuple[np.ndarray, np.ndarray, bool]] = []
    levels = np.append(np.asarray(usual_levels(statics, bias)), level / unit)
    for curve in curves(statics, wells, bias, levels):
        for state, good in crossings(statics, bias, curve, level / unit):
            known = any(_same(statics, state, curve.windings, z, k) for z, k, _ in found)
            if not known:
                found.append((state, curve.windings, good))
    rows = [_row(statics, state, windings) for state, windings, _ in found]
    order = np.argsort([row[3] for row in rows], kind="stable")
    listed = [rows[k] for k in order]
    graph = statics.graph
    sizes = len(graph.junctions), len(graph.junctions), len(graph.inductors)
    phases, flowing, through = (
        np.array([row[i] for row in listed]).reshape(len(listed), size)
        for i, size in enumerate(sizes)
    )
    good = np.array([found[k][2] for k in order], bool)
    return StaticStates(
        level,
        graph.junctions,
        graph.inductors,
        phases,
        unit * flowing,
        unit * through,
        unit * np.array([row[3] for row in listed]),
        np.array([row[4] for row in listed], int).reshape(len(listed), len(graph.chords)),
        np.array([row[5] for row in listed], bool),
        np.where(good, Status.CONVERGED, Status.NOT_CONVERGED).astype(np.int32),
    )


def folds(circuit: Circuit) -> Folds:
    """All currents at which a static state of a circuit ends, with their stability.

    Kv = 0 with v·B ≠ 0: on the curves of states over the bias, followed both ways from every
    stable state that is found (see `static_states` for which are). To 1e-10 of the largest
    current.

    Source: Tsang and Van Duzer, J. Appl. Phys. 46, 4573 (1975).

    Raises:
        ValueError: no circuit, or more flux states than 4096.

    Example:
        >>> ring = jd.Circuit({
        ...     "J": jd.Junction("1", "0", jd.TunnelJunction(1.0)),
        ...     "L": jd.Inductor("1", "0", 0.5),
        ... }, terminals=("1", "0"))
        >>> print(f"{len(jd.folds(ring).current) % 2}")
        0
    """
    statics, wells, bias = solved(circuit)
    return listed(statics, found_folds(statics, wells, bias))


def found_folds(statics: Statics, wells: Wells, bias: Bias) -> list[FoundFold]:
    """Those on curves through stable states."""
    found: list[FoundFold] = []
    for curve in curves(statics, wells, bias, np.asarray(usual_levels(statics, bias))):
        add_folds(found, statics, bias, curve)
    return found


def add_folds(found: list[FoundFold], statics: Statics, bias: Bias, curve: Curve) -> None:
    """Those of a curve that are not among them."""
    for state, level, ends, good in folds_of(statics, bias, curve):
        fold = FoundFold(level, ends, state, curve.windings, good)
        if not is_among(statics, fold, found):
            found.append(fold)


def is_among(statics: Statics, fold: FoundFold, found: list[FoundFold]) -> bool:
    return any(
        abs(fold.level - other.level) < 1e-7
        and _same(statics, fold.state, fold.windings, other.state, other.windings)
        for other in found
    )


def listed(statics: Statics, found: list[FoundFold]) -> Folds:
    """Folds in the circuit's own unit, sorted."""
    found = sorted(found, key=lambda fold: fold.level)
    rows = [_row(statics, fold.state, fold.windings) for fold in found]
    graph = statics.graph
    good = np.array([fold.good for fold in found], bool)
    current = float(statics.relations.unit) * np.array([fold.level for fold in found])
    return Folds(
        np.where(good, current, np.nan),
        np.array([fold.ends_stable for fold in found], bool),
        np.array([row[0] for row in rows]).reshape(len(rows), len(graph.junctions)),
        np.array([row[4] for row in rows], int).reshape(len(rows), len(graph.chords)),
        np.where(good, Status.CONVERGED, Status.NOT_CONVERGED).astype(np.int32),
    )


def solved(circuit: Circuit) -> tuple[Statics, Wells, Bias]:
    """The equations of a circuit of numbers, few enough flux states to look at all of them."""
    require_circuit(circuit)
    if not _checks.all_concrete(circuit):
        raise ValueError("circuit must hold numbers here, not values of a transformation of JAX")
    statics, wells, bias, code = _prepared(circuit)
    known = Status(int(code))
    if known != Status.CONVERGED:
        raise ValueError(
            f"circuit must have junctions with a known relation, got: {known.describe()}"
        )
    count = int(count_labels(statics, wells, bias))
    if count > MOST_LABELS:
        raise ValueError(f"circuit must have at most {MOST_LABELS} flux states, got {count}")
    return statics, wells, bias


@eqx.filter_jit
def _prepared(circuit: Circuit):
    statics = circuit.statics()
    bias, code = statics.bias(jnp.ones(())), known_status(statics.relations)
    return statics, statics.relations.wells(), bias, code


def _row(statics: Statics, state: np.ndarray, windings: np.ndarray):
    """(phases, junction currents, inductor currents, energy, fluxoids, stable) of a state."""
    z, k = jnp.asarray(state), jnp.asarray(windings)
    current, energy, slope = _evaluated(statics, z, k)
    graph = statics.graph
    raw = np.asarray(statics.phases(z)) - 2 * np.pi * windings
    periodic = statics.relations.periodic
    reduced = np.pi - np.mod(np.pi - raw, 2 * np.pi)
    phases = np.where(periodic, reduced, raw)
    through = state[statics.nodes :]
    whole = np.asarray(statics.phases(z)) - phases
    fluxoids = np.round(graph.cycles[0] @ whole / (2 * np.pi)).astype(int)
    return phases, np.asarray(current), through, float(energy), fluxoids, bool(slope)


@eqx.filter_jit
def _evaluated(statics: Statics, z, windings):
    current, slope = statics.relations.with_slope(statics.turned_phases(z, windings))
    return current, statics.energy(z, windings), statics.is_stable(slope)


def _same(statics: Statics, state, windings, other, others) -> bool:
    of, nodes = statics.graph.of_junctions, statics.nodes
    apart = of.T @ (state - other)[:nodes] - 2 * np.pi * (windings - others)
    periodic = statics.relations.periodic
    apart = np.where(periodic, np.mod(apart + np.pi, 2 * np.pi) - np.pi, apart)
    through = (state - other)[nodes:]
    return bool(max(np.abs(apart).max(), np.abs(through).max(initial=0.0)) < 1e-5)
