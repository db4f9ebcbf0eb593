"""Single junctions and interferometers of them."""

import math

import numpy as np

import jaxdiode as jd
from tests import helpers
from tests.problems.problem import exact, printed
from tests.reference import dense_squid

# ---- The sheet of the double-loop SQUID (shared/physics/squid.md), currents in nA

_SHEET = "shared/physics/squid.md, reference values"
TABLE_1 = ((420, 80), (380, 90), (80, 90))
TABLE_2 = ((420, 75), (380, 75), (58, 58))
TABLE_3 = ((420, 90), (380, 90), (360, 360))


def _of_the_sheet(name, tag, pairs, flux, *, plus, minus, efficiency):
    return printed(
        name=name,
        tags={tag},
        build=lambda: jd.Squid.from_pairs(pairs, flux),
        plus=plus,
        minus=minus,
        efficiency=efficiency,
        source=_SHEET,
        last_place=1e-6,
    )


_DOUBLE_LOOPS = [
    _of_the_sheet(
        "table 1, f 0.1", "kinked", TABLE_1, (0.1, 0.1),
        plus=198.799087, minus=242.926731, efficiency=-0.09989827,
    ),
    _of_the_sheet(
        "table 1, f 0.35", "kinked", TABLE_1, (0.35, 0.35),
        plus=62.534985, minus=47.570348, efficiency=0.13591201,
    ),
    _of_the_sheet(
        "table 1, f 0.403", "kinked", TABLE_1, (0.403, 0.403),
        plus=97.612536, minus=29.505990, efficiency=0.53577199,
    ),
    _of_the_sheet(
        "table 1, two fluxes", "kinked", TABLE_1, (0.2, 0.3),
        plus=107.606946, minus=128.630074, efficiency=-0.08899167,
    ),
    _of_the_sheet(
        "table 2, f 0.403", "jump", TABLE_2, (0.403, 0.403),
        plus=95.074372, minus=21.311181, efficiency=0.63378305,
    ),
    _of_the_sheet(
        "table 3, f 0.8055", "jump", TABLE_3, (0.8055, 0.8055),
        plus=498.749897, minus=221.374935, efficiency=0.38517622,
    ),
    _of_the_sheet(
        "four branches", "jump", ((100, 60), (40, 45), (90, 20), (30, 30)),
        (0.31, 0.47 - 0.31, 0.83 - 0.47),  # the sheet gives δφ = −2π(0, .31, .47, .83)
        plus=78.771512, minus=54.038874, efficiency=0.18622518,
    ),
]  # fmt: skip


# ---- Single junctions in closed form


def _pair(name, tag, first, second):
    height = min(first, second)
    return exact(
        name=name,
        tags={tag, "time-reversal"},
        build=lambda: jd.SeriesJunctions(first, second),
        plus=height,
        minus=height,
        efficiency=0.0,
        source="max |I| = min(a, b) exactly, squid.md",
    )


def _cold_mode(name, tag, transparency):
    # = 3 (1 − √(1−τ)) without cancellation
    height = 3.0 * transparency / (1 + math.sqrt(1 - transparency))
    return exact(
        name=name,
        tags={tag, "time-reversal"},
        build=lambda: jd.AndreevModes(3.0, transparency),
        plus=height,
        minus=height,
        efficiency=0.0,
        source="A (1 − √(1−τ)): the maximum of A τ sin φ / 2√(1 − τ sin²(φ/2))",
    )


def _mode_of_the_sheet(name, tags, temperature, height):
    return printed(
        name=name,
        tags={*tags, "time-reversal"},
        build=lambda: jd.AndreevModes(1.0, 0.9, gap=1.0, temperature=temperature),
        plus=height,
        minus=height,
        efficiency=0.0,
        source=_SHEET,
        last_place=1e-8,
    )


_ODD_HEIGHT = (3 + math.sqrt(3)) / 4 * math.sqrt(math.sqrt(3) / 2)

_SINGLE = [
    exact(
        name="tunnel junction",
        tags={"smooth", "time-reversal"},
        build=lambda: jd.TunnelJunction(420.0),
        plus=420.0,
        minus=420.0,
        efficiency=0.0,
        source="max |sin| = 1",
    ),
    _pair("series pair", "smooth", 420.0, 80.0),
    _pair("series pair, imbalance 3e-2", "kinked", 100.0, 103.0),
    _pair("series pair, imbalance 1e-3", "kinked", 100.1, 100.0),
    _pair("series pair, imbalance 1e-9", "kinked", 100.0, 100.0 * (1 + 1e-9)),
    _pair("balanced pair", "jump", 58.0, 58.0),
    exact(
        name="dead pair",
        tags={"dead", "no-current"},
        build=lambda: jd.SeriesJunctions(0.0, 80.0),
        plus=0.0,
        minus=0.0,
        source="min(0, b) = 0",
    ),
    _cold_mode("Andreev mode, T 0", "smooth", 0.9),
    _cold_mode("Andreev mode, near ballistic", "kinked", 1 - 1e-6),
    _cold_mode("ballistic mode", "jump", 1.0),
    _mode_of_the_sheet("Andreev mode of the sheet, T 0", {"smooth"}, 0.0, 0.68377223),
    _mode_of_the_sheet("Andreev mode of the sheet, T 0.1", {"smooth", "thermal"}, 0.1, 0.67904385),
    _mode_of_the_sheet("Andreev mode of the sheet, T 0.5", {"smooth", "thermal"}, 0.5, 0.38509054),
    exact(
        name="two harmonics, tied",
        tags={"smooth", "tied"},
        build=lambda: jd.Harmonics([1.0, 0.0], [0.0, 0.5]),
        plus=0.75,
        minus=1.5,
        efficiency=-1 / 3,
        source="sin φ + ½ sin(2φ + π/2) = ½ + s − s², s = sin φ: ¾ at s = ½ (twice), "
        "−3/2 at s = −1",
    ),
    exact(
        name="odd harmonics",
        tags={"smooth", "time-reversal"},
        build=lambda: jd.Harmonics([1.0, -0.25]),
        plus=_ODD_HEIGHT,
        minus=_ODD_HEIGHT,
        efficiency=0.0,
        source="sin φ (1 − ½ cos φ): cos φ = (1 − √3)/2 at the maximum",
    ),
]


# ---- Interferometers in closed form

_TWO_TUNNEL = math.sqrt(13 + 12 * math.cos(0.6 * math.pi))


def _gated():
    one = jd.GateMap([-2.0, -1.0, 0.5], [1.0, 3.0, 3.5])
    two = jd.GateMap([-3.0, 1.0, 2.0], [7.0, 2.0, 0.0])
    return jd.Squid(
        [jd.TunnelJunction(jd.Gate(one, -1.0)), jd.TunnelJunction(jd.Gate(two, 1.0))], [0.3]
    )


_INTERFEROMETERS = [
    exact(
        name="two tunnel junctions",
        tags={"smooth", "time-reversal"},
        build=lambda: jd.Squid([jd.TunnelJunction(3.0), jd.TunnelJunction(2.0)], [0.3]),
        plus=_TWO_TUNNEL,
        minus=_TWO_TUNNEL,
        efficiency=0.0,
        source="|3 + 2 exp(−2πif)|, f = 0.3",
    ),
    exact(
        name="single-loop supremum",
        tags={"jump", "tied"},
        build=lambda: jd.Squid(
            [jd.SeriesJunctions(1.0, 1.0), jd.TunnelJunction(math.sqrt(0.5))], [-0.625]
        ),
        plus=1.5,
        minus=0.5,
        efficiency=0.5,
        source="sin(φ/2) sgn cos(φ/2) + sin(φ + 5π/4)/√2: 1 + ½ before the jump, −1 + ½ after it",
    ),
    exact(
        name="symmetric SQUID at half flux",
        tags={"jump", "tied", "time-reversal"},
        build=lambda: jd.Squid.from_pairs([(80, 80), (80, 80)], [0.5]),
        plus=80.0,
        minus=80.0,
        efficiency=0.0,
        source="80 (sin(φ/2) − cos(φ/2)) on (0, π), period π",
    ),
    exact(
        name="SQUID with a dead branch",
        tags={"kinked", "dead", "time-reversal"},
        build=lambda: jd.Squid.from_pairs([(420, 80), (0, 90), (0, 0)], (0.2, 0.3)),
        plus=80.0,
        minus=80.0,
        efficiency=0.0,
        source="one live branch: min(a, b), whatever the flux",
    ),
    exact(
        name="one live inductive branch",
        tags={"smooth", "inductive", "dead", "time-reversal"},
        build=lambda: jd.Squid.from_pairs(
            [(420, 80), (0, 90), (0, 0)], (0.2, 0.3), (5e-4, 1e-4, 1e-4)
        ),
        plus=80.0,
        minus=80.0,
        efficiency=0.0,
        source="inductance moves the maximum of a lone branch and leaves its height",
    ),
    exact(
        name="equal inductive branches",
        tags={"smooth", "inductive", "time-reversal", "slow"},
        build=lambda: jd.Squid.from_pairs([(42, 8), (84, 16), (21, 4)], (0, 1), (2e-3, 1e-3, 4e-3)),
        plus=28.0,
        minus=28.0,
        efficiency=0.0,
        source="whole flux quanta, equal ratios, equal L I: all branches reach their maxima at "
        "once",
    ),
    exact(
        name="gated tunnel junctions",
        tags={"smooth", "time-reversal"},
        build=_gated,
        plus=_TWO_TUNNEL,
        minus=_TWO_TUNNEL,
        efficiency=0.0,
        source="two tunnel junctions again; the gate maps have a point at 3 and at 2",
    ),
]


# ---- Frozen: `dense_squid.critical_currents`, NumPy 2.x, all digits printed

_FROZEN = "tests/reference/dense_squid.py, frozen"


def _mixed():
    return jd.Squid(
        [
            jd.SeriesJunctions(100.0, 60.0),
            jd.AndreevModes([30.0, 20.0], [0.99, 0.4], gap=1.0, temperature=0.05),
            jd.Harmonics([25.0, -6.0], [0.0, 3.0]),
            jd.TunnelJunction(40.0),
        ],
        (0.31, 0.16, 0.36),
    )


_COMPUTED = [
    exact(
        name="Andreev SQUID, thermal",
        tags={"smooth", "thermal"},
        build=lambda: jd.Squid(
            [
                jd.AndreevModes([1.0], [0.95], gap=1.0, temperature=0.1),
                jd.AndreevModes([0.8], [0.6], gap=1.0, temperature=0.2),
            ],
            [0.35],
        ),
        plus=0.7919013843735616,
        minus=0.48435948938265017,
        source=_FROZEN,
    ),
    exact(
        name="mixed branches",
        tags={"smooth", "thermal"},
        build=_mixed,
        plus=48.847531887556684,
        minus=56.42944804814709,
        source=_FROZEN,
    ),
    exact(
        name="table 1, inductive",
        tags={"kinked", "inductive"},
        build=lambda: jd.Squid.from_pairs(TABLE_1, (0.403, 0.403), (1e-4, 2e-4, 0.5e-4)),
        plus=102.77426113011103,
        minus=35.375044366100056,
        source=_FROZEN,
    ),
    exact(
        name="near-balanced, inductive",
        tags={"kinked", "inductive"},
        build=lambda: jd.Squid.from_pairs(
            ((420, 75), (380, 75), (58, 60)), (0.403, 0.35), (2e-4, 1e-4, 0.5e-5)
        ),
        plus=69.96330545234999,
        minus=29.336922754784716,
        source=_FROZEN,
    ),
]

# ---- In series: a chain that passes π smoothly carries what its weakest junction does


def _weakest(device):
    """(I₊, I₋, η) of the least of all maxima, which the ground state reaches if it is smooth."""
    each = [dense_squid.critical_currents(*helpers.specification(x)) for x in device.junctions]
    return helpers.with_efficiency(*np.min(each, axis=0))


_CHAINS = [
    exact(
        name="three unlike junctions in series",
        tags={"smooth", "slow"},
        build=lambda: jd.JunctionChain(
            [jd.Harmonics([0.5, 0.1], [0.0, 0.08]), 1.5, jd.AndreevModes(3.0, 0.9)]
        ),
        plus=0.4797215651864895,
        minus=0.6029299649172443,
        source="tests/reference/dense_squid.py: the extrema of the weakest junction",
        reference=_weakest,
    ),
]

PROBLEMS = [*_CHAINS, *_DOUBLE_LOOPS, *_SINGLE, *_INTERFEROMETERS, *_COMPUTED]
