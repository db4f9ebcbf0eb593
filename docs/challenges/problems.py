"""Five fixed design problems, each with the best score known. Loaded by the page and by a test.

Every problem has a space of designs, a score, and the best design so far, whose score
tests/docs/test_challenges.py computes anew.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np

import jaxdiode as jd


@dataclass(frozen=True)
class Challenge:
    """What may vary, what counts, and the design to beat.

    Attributes:
        name: as in `CHALLENGES`.
        statement: in words, Markdown.
        space: designs that are allowed.
        score: of a device; the larger the better, NaN for one that breaks a rule.
        best: {parameter: value} of the best design known.
        record: its score.
        tolerance: of the score, by other machines and versions.
    """

    name: str
    statement: str
    build: Callable[[], jd.Space]
    score: Callable
    best: dict[str, float]
    record: float
    tolerance: float

    @cached_property
    def space(self) -> jd.Space:
        return self.build()

    def device(self):
        """The best design known."""
        return jd.replace(self.space.device, self.best)


# ---- 1 to 3: the double loop of the paper, two of its junctions fixed

_BOUNDS = {
    "branches.0.second": (20, 360),
    "branches.1.second": (20, 360),
    "branches.2": (20, 360),
    "flux": (0, 0.5),
}


def _double_loop() -> jd.Space:
    device = jd.Squid.from_pairs([(420, 65), (380, 65), (49, 49)], flux=[0.41, 0.41])
    return jd.Space(device, _BOUNDS, ties=["flux"])


def _loop_of(second_0, second_1, first_2, second_2, flux) -> dict[str, float]:
    return {
        "branches.0.second": second_0,
        "branches.1.second": second_1,
        "branches.2.first": first_2,
        "branches.2.second": second_2,
        "flux": flux,
    }


def scatter(devices: int = 4096) -> np.ndarray:
    """Factors on the six critical currents of every chip: log-normal, 5 %."""
    return np.exp(0.05 * np.random.default_rng(0).standard_normal((devices, 6)))


def _scattered(squid: jd.Squid, factors: jax.Array) -> jd.Squid:
    pairs = [(branch.first, branch.second) for branch in squid.branches]
    currents = jnp.stack([current for pair in pairs for current in pair]) * factors
    return jd.Squid.from_pairs([tuple(currents[k : k + 2]) for k in (0, 2, 4)], squid.flux)


def mean_efficiency(squid: jd.Squid, factors: np.ndarray | None = None) -> jax.Array:
    """Mean η of chips whose six critical currents all scatter by 5 %."""
    factors = jnp.asarray(scatter() if factors is None else factors)

    def one(row):
        return jd.diode_efficiency(_scattered(squid, row))

    return jnp.mean(jax.lax.map(one, factors, batch_size=256))


TEMPERATURE = 0.05  # K
CRITERION = 2.0  # nA times R


def warm_efficiency(squid: jd.Squid) -> jax.Array:
    """η of the currents at which the mean voltage is 2 nA · R, overdamped, at 50 mK."""
    noise = jd.units.thermal_current(TEMPERATURE, current="nA")
    found = jd.current_at_voltage(squid, CRITERION, noise=noise)
    return found.efficiency


# ---- 4: two plain junctions, by screening alone

SCREENING = 0.3  # β_L = L (I₀ + I₁)


def _screened() -> jd.Space:
    elements = {
        "J0": jd.Junction("1", "0", jd.TunnelJunction(1.0)),
        "J1": jd.Junction("in", "0", jd.TunnelJunction(0.6)),
        "L": jd.Inductor("in", "1", 0.18, offset=0.6),
    }
    bounds = {
        "elements.J1.relation.critical_current": (0.2, 1.0),
        "elements.L.inductance": (0.01, 1.0),
        "elements.L.offset": (0.0, 1.0),
    }
    return jd.Space(jd.Circuit(elements, terminals=("in", "0")), bounds)


def screened_efficiency(circuit: jd.Circuit) -> jax.Array:
    """|η| of a SQUID with β_L = 0.3, within 1e-6; else NaN."""
    elements = circuit.elements
    currents = [elements[name].relation.critical_current for name in ("J0", "J1")]
    screening = elements["L"].inductance * (currents[0] + currents[1])
    efficiency = jnp.abs(jd.diode_efficiency(circuit))
    return jnp.where(jnp.abs(screening - SCREENING) <= 1e-6, efficiency, jnp.nan)


# ---- 5: rectifying a slow, alternating current

ANGLES = np.pi * (np.arange(48) + 0.5) / 48  # of half a cycle; the other half is its mirror
NOISE = 0.05


def _rectifiers() -> jd.Space:
    device = jd.Harmonics([0.8, 0.0], [0.0, 0.4])
    start = jd.Shunted(device, drive=jd.Drive(0.1, 1.0))
    bounds = {
        "device.sine": (-1.5, 1.5),
        "device.cosine.1": (-1.5, 1.5),
        "drive.amplitude": (0.1, 3.0),
    }
    return jd.Space(start, bounds)


def larger_current(shunted: jd.Shunted) -> jax.Array:
    found = jd.critical_currents(shunted.device)
    return jnp.maximum(found.plus, found.minus)


def mean_voltage(shunted: jd.Shunted) -> jax.Array:
    """Mean over a slow cycle of the warm V(I); NaN where a critical current is above 1."""
    current = shunted.drive.current(jnp.asarray(ANGLES))
    voltage = jnp.mean(jd.thermal_iv(shunted.device, current, noise=NOISE).voltage)
    return jnp.where(larger_current(shunted) <= 1 + 1e-6, voltage, jnp.nan)


CHALLENGES = (
    Challenge(
        name="double loop",
        statement=(
            "The best η of a double loop under one field. Two of the six junctions are fixed, at "
            "420 and 380 nA; the other four are between 20 and 360 nA, both loops see one flux."
        ),
        build=_double_loop,
        score=jd.diode_efficiency,
        best=_loop_of(64.72637918, 65.27261009, 49.20047061, 49.20047061, 0.40775619584),
        record=0.637446664,
        tolerance=1e-6,
    ),
    Challenge(
        name="5 % spread",
        statement=(
            "The same loop as a foundry makes it: the mean η of 4096 chips whose six critical "
            "currents scatter by 5 % (log-normal, the factors of `scatter()`), at one flux for all."
        ),
        build=_double_loop,
        score=mean_efficiency,
        best=_loop_of(58.7840368707, 60.1110712184, 46.636814264, 46.6217743824, 0.40665685917),
        record=0.57056916,
        tolerance=1e-6,
    ),
    Challenge(
        name="at 50 mK",
        statement=(
            "The same loop, warm: η of the currents at which the mean voltage is 2 nA · R, "
            "overdamped, at 50 mK."
        ),
        build=_double_loop,
        score=warm_efficiency,
        best=_loop_of(95.49039619, 99.85335974, 92.66162771, 92.66162771, 0.38341838786),
        record=0.61980568,
        tolerance=1e-6,
    ),
    Challenge(
        name="screening",
        statement=(
            "Two plain tunnel junctions in a loop, one of critical current 1, one between 0.2 and "
            "1. All inductance is in the arm of the first, with $\\beta_L=L(I_0+I_1)=0.3$: the "
            "largest |η|, over all flux states."
        ),
        build=_screened,
        score=screened_efficiency,
        best={
            "elements.J1.relation.critical_current": 0.639329948,
            "elements.L.inductance": 0.3 / 1.639329948,
            "elements.L.offset": 0.621407301,
        },
        record=0.49626826,
        tolerance=1e-6,
    ),
    Challenge(
        name="rectifier",
        statement=(
            "A junction of two harmonics, neither critical current above 1, warm "
            "($\\gamma=0.05$) and overdamped, under a slow sinusoidal current of any amplitude "
            "and no bias: the largest mean voltage over a cycle, in $I_0R$."
        ),
        build=_rectifiers,
        score=mean_voltage,
        best={
            "device.sine.0": 0.61139,
            "device.sine.1": 0.0,
            "device.cosine.1": 0.38861,
            "drive.amplitude.0": 0.96553,
        },
        record=0.13931147,
        tolerance=1e-6,
    ),
)


def table() -> str:
    """The page's table: statements and scores."""
    lines = ["| | problem | score to beat |", "|---|---|---|"]
    for k, challenge in enumerate(CHALLENGES, 1):
        statement = challenge.statement.replace("|", "\\|")
        lines.append(f"| {k} | **{challenge.name}**: {statement} | {challenge.record:.4f} |")
    return "\n".join(lines)
