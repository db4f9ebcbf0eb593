"""Junctions extended in a magnetic field (shared/physics/field.md, section 1)."""

import math

import jaxdiode as jd
from tests.problems.problem import exact, printed
from tests.reference import extended as reference

_SHEET = "shared/physics/field.md, section 1"


def _fraunhofer(flux):
    return abs(math.sin(math.pi * flux) / (math.pi * flux))


def _of_the_sheet(name, build, plus, minus, efficiency, **fields):
    return printed(
        name=name,
        tags={"smooth"},
        build=build,
        plus=plus,
        minus=minus,
        efficiency=efficiency,
        source=_SHEET,
        last_place=1e-8,
        reference=reference.efficiency,
        **fields,
    )


PROBLEMS = [
    exact(
        name="Fraunhofer pattern",
        tags={"smooth", "time-reversal"},
        build=lambda: jd.ExtendedJunction(jd.TunnelJunction(420.0), flux=1.7),
        plus=420 * _fraunhofer(1.7),
        minus=420 * _fraunhofer(1.7),
        efficiency=0.0,
        source="|sinc f|",
        reference=reference.efficiency,
    ),
    exact(
        name="Fraunhofer node",
        tags={"no-current"},
        build=lambda: jd.ExtendedJunction(jd.TunnelJunction(420.0), flux=1.0),
        plus=0.0,
        minus=0.0,
        source="sinc 1 = 0",
        reference=reference.efficiency,
    ),
    exact(
        name="extended ballistic mode",
        tags={"jump", "time-reversal", "slow"},
        build=lambda: jd.ExtendedJunction(jd.AndreevModes(3.0, 1.0), flux=0.3, largest_flux=1),
        plus=3 * _fraunhofer(0.3),
        minus=3 * _fraunhofer(0.3),
        efficiency=0.0,
        source="4 sin(φ/2) sin(πf/2)/2πf up to the corner at π − πf: sinc f there",
        reference=reference.efficiency,
    ),
    _of_the_sheet(
        "extended pair, tilted profile",
        lambda: jd.ExtendedJunction(jd.SeriesJunctions(1.0, 0.8), [0.4, 1.6], 0.7),
        0.41939610, 0.28441815, 0.19178065,
    ),
    _of_the_sheet(
        "extended pair, boxes",
        lambda: jd.ExtendedJunction(
            jd.SeriesJunctions(1.0, 0.8), [6.0, 5.0, 1.0], 0.7, interpolation="boxes",
            harmonics=0, largest_flux=1,
        ),
        0.42761844, 0.49113222, -0.06913059,
    ),
    printed(
        name="long junction, fed at one edge",
        tags={"flux states", "slow"},
        build=lambda: jd.LongJunction(jd.TunnelJunction(1.0), 2.0, 0.3, feed="right"),
        plus=0.6336340362,
        minus=0.9887240359,
        efficiency=(0.6336340362 - 0.9887240359) / (0.6336340362 + 0.9887240359),
        source="shared/physics/field.md, section 2",
        last_place=1e-10,
        reference=None,
    ),
]  # fmt: skip
