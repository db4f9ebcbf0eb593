"""The graph of a circuit: incidence, superconducting islands, loops. Plain NumPy."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes and branches of the superconducting part, with the phase of one node per island 0.

    Attributes:
        key: what it was built from; graphs of one key are equal.
        nodes: names of the nodes with a phase, in order.
        junctions, inductors: names of the branches, in order.
        of_junctions, of_inductors: incidence (nodes × branches), +1 at a and −1 at b.
        bias: current into each node per current of the terminals.
        references: the nodes of phase 0, one per island; the ground is one of them.
        wired: (pieces joined by inductors × nodes), 1 where a node belongs; without the ground's.
        chords: indices of the junctions that close a loop each; their windings number the fluxoids.
        cycles: (loops, junctions) and (loops, inductors), ±1 along the loop that a chord closes.
    """

    key: tuple
    nodes: tuple[str, ...]
    junctions: tuple[str, ...]
    inductors: tuple[str, ...]
    of_junctions: np.ndarray
    of_inductors: np.ndarray
    bias: np.ndarray
    references: tuple[str, ...]
    wired: np.ndarray
    chords: tuple[int, ...]
    cycles: tuple[np.ndarray, np.ndarray]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


Ends = Mapping[str, tuple[str, str]]
Terminals = tuple[tuple[tuple[str, float], ...], tuple[tuple[str, float], ...]]


def islands(branches: Ends, also: Sequence[str] = ()) -> list[list[str]]:
    """Nodes joined by branches, and those named besides, island by island."""
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        parent.setdefault(node, node)
        while parent[node] != node:
            node = parent[node]
        return node

    for node in also:
        root(node)
    for a, b in branches.values():
        parent[root(a)] = root(b)
    found: dict[str, list[str]] = {}
    for node in parent:
        found.setdefault(root(node), []).append(node)
    return list(found.values())


def incidence(nodes: Sequence[str], branches: Ends) -> np.ndarray:
    """(nodes × branches), +1 at a and −1 at b; other nodes are left out."""
    row = {node: k for k, node in enumerate(nodes)}
    matrix = np.zeros((len(nodes), len(branches)))
    for column, ends in enumerate(branches.values()):
        for node, sign in zip(ends, (1.0, -1.0), strict=True):
            if node in row:
                matrix[row[node], column] += sign
    return matrix


def injection(nodes: Sequence[str], terminals: Terminals) -> np.ndarray:
    """Current into each node per current through the terminals; other nodes are left out."""
    row = {node: k for k, node in enumerate(nodes)}
    into = np.zeros(len(nodes))
    for sign, shares in zip((1.0, -1.0), terminals, strict=True):
        for node, share in shares:
            if node in row:
                into[row[node]] += sign * share
    return into


def ground_of(terminals: Terminals) -> str:
    """The node of phase 0: the second terminal, or the first node that shares it."""
    return terminals[1][0][0]


def build(junctions: Ends, inductors: Ends, terminals: Terminals) -> Graph:
    """The superconducting graph."""
    return _build(tuple(junctions.items()), tuple(inductors.items()), terminals)


@functools.lru_cache(maxsize=256)
def _build(junction_items: tuple, inductor_items: tuple, terminals: Terminals) -> Graph:
    junctions, inductors = dict(junction_items), dict(inductor_items)
    ground = ground_of(terminals)
    parts = islands({**junctions, **inductors}, [ground])
    references = tuple(ground if ground in part else part[0] for part in parts)
    nodes = tuple(node for part in parts for node in part if node not in references)
    bias = injection(nodes, terminals)
    of_junctions, of_inductors = (incidence(nodes, ends) for ends in (junctions, inductors))
    pieces = [part for part in islands(inductors, nodes) if ground not in part]
    wired = np.array([[node in part for node in nodes] for part in pieces], float)
    chords, cycles = _loops(junctions, inductors, of_junctions, of_inductors)
    return Graph(
        key=(junction_items, inductor_items, terminals),
        nodes=nodes,
        junctions=tuple(junctions),
        inductors=tuple(inductors),
        of_junctions=of_junctions,
        of_inductors=of_inductors,
        bias=bias,
        references=references,
        wired=wired.reshape(len(pieces), len(nodes)),
        chords=chords,
        cycles=cycles,
    )


def _loops(
    junctions: Ends, inductors: Ends, of_junctions: np.ndarray, of_inductors: np.ndarray
) -> tuple[tuple[int, ...], tuple[np.ndarray, np.ndarray]]:
    """Junctions outside a spanning tree that takes inductors first, and the loops they close.

    A loop of inductors alone keeps its fluxoid for ever: it has no number to choose.
    """
    incidence = np.concatenate([of_inductors, of_junctions], axis=1)
    count = len(inductors)
    tree: list[int] = []
    closing: list[int] = []
    for branch in range(incidence.shape[1]):
        trial = incidence[:, [*tree, branch]]
        independent = np.linalg.matrix_rank(trial) > len(tree)
        (tree if independent else closing).append(branch)
    chords = [branch for branch in closing if branch >= count]
    around = np.zeros((len(chords), incidence.shape[1]))
    for loop, chord in enumerate(chords):
        around[loop, chord] = 1.0
        if tree:
            along = np.linalg.lstsq(incidence[:, tree], -incidence[:, chord], rcond=None)[0]
            around[loop, tree] = np.round(along)
    return tuple(c - count for c in chords), (around[:, count:], around[:, :count])
