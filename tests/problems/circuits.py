"""Circuits with screening (shared/physics/circuits.md); tests/circuits has their gradients."""

import jax

import jaxdiode as jd
from tests.circuits import networks
from tests.problems.problem import Problem, printed


def _reverse(device):
    """All fluxes and injected currents turned round."""

    def turn(path, leaf):
        names = {getattr(step, "name", None) for step in path}
        return -leaf if names & {"offset", "sources"} else leaf

    return jax.tree_util.tree_map_with_path(turn, device)


def _of_the_sheet(name, build, *, plus, minus, tags=()):
    return printed(
        name=name,
        tags={"flux states", *tags},
        build=build,
        plus=plus,
        minus=minus,
        efficiency=(plus - minus) / (plus + minus),
        source="shared/physics/circuits.md",
        last_place=1e-8,
        reverse=_reverse,
        reference=None,
    )


def _two_links() -> jd.Circuit:
    return networks.links((1.0, 1.0), (10.0, 10.0), 0.1)


PROBLEMS: list[Problem] = [
    _of_the_sheet(
        "circuit of two junctions, screened",
        lambda: networks.squid((1.3, 0.7), (0.75, 0.75), 0.1),
        plus=1.69578506,
        minus=1.63486854,
    ),
    _of_the_sheet(
        "circuit of three junctions, current injected",
        lambda: networks.triode(0.3, 0.2),
        plus=1.37148410,
        minus=1.24856308,
        tags={"slow"},
    ),
    _of_the_sheet(
        "circuit of two linear links",  # 2(1 − .1π/10) in both directions
        _two_links,
        plus=1.937168146928204,
        minus=1.937168146928204,
        tags={"slow"},
    ),
]
