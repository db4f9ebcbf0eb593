"""Named, tagged exact cases for every device: one file per system, each with its `PROBLEMS`.

Adding a system: a file here with a list of `Problem`, named below. The contract tests apply by
themselves.
"""

import jax

from tests.problems import (
    andreev,
    circuits,
    extended,
    junctions,
    kapitza,
    short,
    shunted,
    usadel,
    wire,
)
from tests.problems.problem import TAGS, Problem

__all__ = ["KNOWN_FAILURES", "PROBLEMS", "TAGS", "THOROUGH", "Problem", "representatives"]

PROBLEMS: list[Problem] = [
    *junctions.PROBLEMS,
    *short.PROBLEMS,
    *extended.PROBLEMS,
    *kapitza.PROBLEMS,
    *shunted.PROBLEMS,
    *andreev.PROBLEMS,
    *wire.PROBLEMS,
    *usadel.PROBLEMS,
    *circuits.PROBLEMS,
]

# (name of a problem, contract test, reason): shown as expected failures, not hidden. One that is
# mended, or names what does not exist, fails.
KNOWN_FAILURES: list[tuple[str, str, str]] = []


# Compiled for ten seconds and more in every test that takes all problems: `make thorough`.
THOROUGH = {
    "circuit of two junctions, screened", "shunted junction without capacitance",
    "one live inductive branch", "driven junction, a1 0.5, frequency 2", "extended pair, boxes",
    "ballistic mode with momentum", "diffusive contact at T_c/2", "gated tunnel junctions",
    "phase-slip wire, half", "Andreev SQUID, thermal", "table 1, inductive",
    "mode of 0.9 with momentum",
}  # fmt: skip


def representatives() -> list[Problem]:
    """One problem per pytree structure: what is compiled once, is tested once."""
    first = {}
    for problem in sorted(PROBLEMS, key=lambda p: "dead" in p.tags):
        leaves, structure = jax.tree.flatten(problem.build())
        first.setdefault((structure, tuple(leaf.shape for leaf in leaves)), problem)
    return list(first.values())
