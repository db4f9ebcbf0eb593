"""Outcome codes that travel with every result through jit and vmap."""

import enum


class Status(enum.IntEnum):
    """Numerical outcome of one lane. Anything but `CONVERGED` comes with NaN for what is not known
    (of `NO_SUPERCURRENT` the currents are known, only η is not; from NO_WELL on, the rates).

    Stored in arrays as int32; `Status(int(x)).describe()` says what it means.

    Example:
        >>> junctions = [jd.TunnelJunction(100), jd.TunnelJunction(60)]
        >>> squid = jd.Squid(junctions, flux=[0.3], inductance=[0.01, 0.01])  # 2πLI_c > 1
        >>> found = jd.current_phase_relation(squid)
        >>> print(jd.Status(int(found.status)).name, bool(jnp.isnan(found.current[0])))
        MULTIVALUED True
    """

    CONVERGED = 0
    NOT_CONVERGED = 1
    NONFINITE = 2
    NO_SUPERCURRENT = 3
    MULTIVALUED = 4
    PERIOD_TWO_FOLD = 5
    PERIOD_DOUBLING = 6
    NO_ZERO_VOLTAGE_STATE = 7
    NO_TRANSITION = 8
    EQUATIONS_NOT_SOLVED = 9
    NO_WELL = 10
    WELL_ONLY_SLIPS = 11
    RETRAPS = 12
    BARRIER_BELOW_TEMPERATURE = 13
    CONSTRAINT_NOT_MET = 14
    LOBES_CROSS = 15
    SEARCH_CUT_SHORT = 16
    GROUND_STATES_TIE = 17
    NOT_RESOLVED = 18
    METASTABLE_STATES = 19
    NO_PERIODIC_ENERGY = 20
    NOT_SWITCHED = 21
    NOT_SWEPT = 22
    TOO_FEW_POINTS = 23
    BELOW_THRESHOLD = 24
    CHAINS_NOT_MIXED = 25
    POSTERIOR_AT_BOUND = 26
    LEADS_TOO_LARGE = 27
    FALL_UNDECIDED = 28

    def describe(self) -> str:
        return _TEXT[self]


_TEXT = {
    Status.CONVERGED: "converged",
    Status.NOT_CONVERGED: (
        "an extremum (a sharp turn without kinks()?) or an orbit (a slow drive?) was not located "
        "accurately, a bias current's own flux met no critical current, a simulation did not end, "
        "or the error of a mean voltage (chaotic or almost locked) is larger than asked"
    ),
    Status.NONFINITE: "the device returned NaN or infinity (a parameter outside its range?)",
    Status.NO_SUPERCURRENT: (
        "no supercurrent that depends on phase or bias: the critical currents are 0 (or one "
        "constant), their efficiency is not defined"
    ),
    Status.MULTIVALUED: (
        "a branch inductance makes the current-phase relation multivalued "
        "(2 pi L dI/dphase <= -1 somewhere; L in flux quanta per unit of current): there is no "
        "I(phase); critical_currents and the criteria of its circuit() are known"
    ),
    Status.PERIOD_TWO_FOLD: (
        "the zero-voltage state ends as an orbit of twice the drive's period, at the fold of that: "
        "see limits() for its current"
    ),
    Status.PERIOD_DOUBLING: (
        "the zero-voltage state (or a step) loses stability by period doubling and ends at no "
        "fold: see limits() for where it begins, folds of shapiro_steps for the fold past it; "
        "where it ends depends on the ramp (switching_currents)"
    ),
    Status.NO_ZERO_VOLTAGE_STATE: "the phase runs already at zero bias: no critical current",
    Status.NO_TRANSITION: (
        "what the criterion asks for does not happen in a direction of the current (NaN there): "
        "see limits()"
    ),
    Status.EQUATIONS_NOT_SOLVED: (
        "the Usadel equation was not solved at some phase and frequency (nearly perfect "
        "contacts of a conductance above 1000, or layers of very unlike size?)"
    ),
    Status.NO_WELL: (
        "no well holds the phase at this current, which is above the critical current: no barrier "
        "to escape over"
    ),
    Status.WELL_ONLY_SLIPS: (
        "behind the well that the phase leaves stands a higher barrier: leaving it is a slip of "
        "part of a period, not the switch (the values are those of leaving the well)"
    ),
    Status.RETRAPS: (
        "the junction retraps at currents as high as those at which it escapes: phase diffusion, "
        "no latched switching (the values are those of the first escape)"
    ),
    Status.BARRIER_BELOW_TEMPERATURE: (
        "the barrier is below the temperature where the ramp starts: the phase is not held there "
        "(the values are those of the rate formula nevertheless)"
    ),
    Status.CONSTRAINT_NOT_MET: (
        "no start came to a device on which every constraint is 0 (the value is that of the "
        "nearest one): other bounds or more starts?"
    ),
    Status.LOBES_CROSS: (
        "two flux states carry the same largest current: derivatives are those of one of them"
    ),
    Status.SEARCH_CUT_SHORT: (
        "not every flux state of the circuit was found out about (too many, or inductances too "
        "large): another may carry more (the values are those of the ones seen)"
    ),
    Status.GROUND_STATES_TIE: (
        "two states at zero current have the same least energy: the ramp began in one of them, "
        "from the other it may end elsewhere"
    ),
    Status.NOT_RESOLVED: (
        "the flux through an extended junction is beyond its largest_flux, or its local relation "
        "turns more sharply than its harmonics (harmonics=0 follows any turn) or thin banks allow; "
        "of a long junction, the phase varies more sharply than its points allow (a jump of the "
        "local relation, many steps of a profile, a sweep to longer ones?); of junctions in "
        "series, the ground state was not followed at every phase"
    ),
    Status.METASTABLE_STATES: (
        "other stable states of the chain carry more current: the values are the extrema of the "
        "ground state (a held phase, a chain in a loop); under a current bias ask for "
        'critical_currents(chain, "largest") or "ramp"'
    ),
    Status.NO_PERIODIC_ENERGY: (
        "a junction of the chain carries a mean current over its period: it has no energy that "
        "inner phases could minimise"
    ),
    Status.NOT_SWITCHED: (
        "the measured voltage does not cross the threshold up to the end of the range of currents"
    ),
    Status.NOT_SWEPT: (
        "the measured bias does not show this edge: it never had this sign, did not come near "
        "zero, or passed here on the other way (of a junction that latches, a sweep shows "
        "switching outward and retrapping inward)"
    ),
    Status.TOO_FEW_POINTS: (
        "fewer than three known points on the zero-voltage plateau: finer steps of the bias?"
    ),
    Status.BELOW_THRESHOLD: (
        "the normal state alone reaches the threshold at this current: an edge, if there is one, "
        "is below it"
    ),
    Status.CHAINS_NOT_MIXED: (
        "chains of a posterior do not agree (R-hat above 1.01): they stay in different modes, or "
        "need more draws; or it is one run of particles alone, which does not tell (the values are "
        "those of all draws)"
    ),
    Status.POSTERIOR_AT_BOUND: (
        "the posterior is piled up on a bound, which decides there (the values are those inside)"
    ),
    Status.LEADS_TOO_LARGE: (
        "the series resistance taken off is more than the zero-voltage plateau has: what is left "
        "of it falls with the bias"
    ),
    Status.FALL_UNDECIDED: (
        "a flux state ended, here or before, where it may fall into two different ones: the values "
        "are those of one of them"
    ),
}
