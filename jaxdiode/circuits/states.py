"""All static states of a circuit at one current, and all folds: the threshold lobes."""

from typing import TYPE_CHECKING

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from .. import _checks
from ..core.results import AbstractResult
from ..numerics.status import Status
from .circuit import Circuit
from .curves import crossings, curves, folds_of, usual_levels
from .relations import known_status
from .relax import MOST_LABELS, labels
from .statics import Statics

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
        """A line for every state."""
        rows = [f"static states at {self.current:g} {unit}".rstrip()]
        for k, energy in enumerate(self.energy):
            kind = "stable" if self.stable[k] else "unstable"
            numbers = ", ".join(map(str, self.fluxoids[k]))
            currents = ", ".join(f"{x:.6g}" for x in self.junction_currents[k])
            rows.append(
                f"{kind:9} energy {energy:.6g}  fluxoids [{numbers}]  currents [{currents}]"
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


def static_states(circuit: Circuit, current: float = 0.0) -> StaticStates:
    """All static states of a circuit at one current, stable and unstable.

    Every flux state (fluxoid numbers of the loops, wells of the junctions) that screening allows
    gives a start; each curve of states over the bias is followed through its folds. A curve that
    holds no stable state at any of nine currents and at this one is not seen.

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
    statics = _solved(circuit)
    level = float(_checks.real_array("current", current, ndim=0))
    unit = float(statics.relations.unit)
    bias, wells = statics.bias(jnp.ones(())), statics.relations.wells()
    found: list[tuple[np.ndarray, np.ndarray, bool]] = []
    levels = np.append(usual_levels(statics), level / unit)
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
    statics = _solved(circuit)
    unit = float(statics.relations.unit)
    bias, wells = statics.bias(jnp.ones(())), statics.relations.wells()
    found: list[tuple[float, bool, np.ndarray, np.ndarray, bool]] = []
    for curve in curves(statics, wells, bias, usual_levels(statics)):
        for state, level, ends, good in folds_of(statics, bias, curve):
            known = any(
                abs(level - x) < 1e-7 and _same(statics, state, curve.windings, z, k)
                for x, _, z, k, _ in found
            )
            if not known:
                found.append((level, ends, state, curve.windings, good))
    found.sort(key=lambda fold: fold[0])
    rows = [_row(statics, state, windings) for _, _, state, windings, _ in found]
    graph = statics.graph
    good = np.array([fold[4] for fold in found], bool)
    current = unit * np.array([fold[0] for fold in found])
    return Folds(
        np.where(good, current, np.nan),
        np.array([fold[1] for fold in found], bool),
        np.array([row[0] for row in rows]).reshape(len(rows), len(graph.junctions)),
        np.array([row[4] for row in rows], int).reshape(len(rows), len(graph.chords)),
        np.where(good, Status.CONVERGED, Status.NOT_CONVERGED).astype(np.int32),
    )


def _solved(circuit: Circuit) -> Statics:
    if not isinstance(circuit, Circuit):
        raise ValueError(f"circuit must be a Circuit, got {type(circuit).__name__}")
    if not _checks.all_concrete(circuit):
        raise ValueError("circuit must hold numbers here, not values of a transformation of JAX")
    statics = eqx.filter_jit(Circuit.statics)(circuit)
    known = Status(int(known_status(statics.relations)))
    if known != Status.CONVERGED:
        raise ValueError(
            f"circuit must have junctions with a known relation, got: {known.describe()}"
        )
    count = int(labels(statics, statics.relations.wells())[0])
    if count > MOST_LABELS:
        raise ValueError(f"circuit must have at most {MOST_LABELS} flux states, got {count}")
    return statics


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
