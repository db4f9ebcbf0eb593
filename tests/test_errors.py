"""Every wrong argument is a ValueError of one line that names the argument and shows the value.

The run-time type checks of the test suite would catch some of these first, so they are off here:
users do not have them.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest

import jaxdiode as jd
from jaxdiode import units

NAN = float("nan")
RISING = ([0.0, 1.0], [1.0, 2.0])
T = jd.TunnelJunction


@pytest.fixture(autouse=True)
def unchecked():
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def barrier(*changes):
    """A SpinBarrier with other arguments in front."""
    height, exchange, up, down = [*changes, *(1.4, 0.25, 0.14, 0.14)[len(changes) :]]
    return jd.usadel.SpinBarrier(height, exchange, width_up=up, width_down=down)


def spin_active(resolution=None, **changes):
    """What builds a SpinActiveJunction of valid arguments, changed."""
    valid = {
        "temperature": 0.1, "superconductor_length": 4.0, "ferromagnet_length": 1.0,
        "conductance": 2.0, "exchange": 0.25, "potential": 0.25,
    }  # fmt: skip

    def build():
        fine = (
            {} if resolution is None else {"resolution": jd.usadel.UsadelResolution(**resolution)}
        )
        sides = {"left": barrier(), "right": barrier()}
        return jd.SpinActiveJunction(**(valid | sides | fine | changes))

    return build


def torus(points=8):
    return jd.usadel.PhaseTorus(
        jnp.zeros((2, points, points)), jnp.ones((points, points), bool), jnp.zeros(()),
        jnp.asarray(0),
    )  # fmt: skip


def two():
    return [T(1.0), T(2.0)]


# id: (what is built, what the message must match)
CASES = {
    "tunnel negative": (lambda: T(-1.0), r"^critical_current must be at least 0, got -1\."),
    "tunnel NaN": (lambda: T(NAN), r"^critical_current must be finite, got nan"),
    "tunnel infinite": (lambda: T(np.inf), r"^critical_current must be finite, got inf"),
    "tunnel list": (lambda: T([1.0]), r"^critical_current must be a single number.*\(1,\)"),
    "tunnel text": (lambda: T("420 nA"), r"^critical_current must be a real number.*'420 nA'"),
    "tunnel complex": (lambda: T(1 + 1j), r"^critical_current must be a real number.*1j"),
    "tunnel None": (lambda: T(None), r"^critical_current must be a real number.*None"),
    "pair first": (lambda: jd.SeriesJunctions(-2.0, 1.0), r"^first must be at least 0, got -2"),
    "pair second": (lambda: jd.SeriesJunctions(2.0, NAN), r"^second must be finite, got nan"),
    "mode amplitude": (
        lambda: jd.AndreevModes(-1.0, 0.5),
        r"^amplitude must be at least 0, got -1",
    ),
    "mode transparency high": (
        lambda: jd.AndreevModes(1.0, 1.01),
        r"^transparency must be at most 1, got 1\.01",
    ),
    "mode transparency low": (
        lambda: jd.AndreevModes(1.0, [0.5, -0.1]),
        r"^transparency must be at least 0, got \[.*-0\.1\]",
    ),
    "mode gap 0": (lambda: jd.AndreevModes(1.0, 0.5, gap=0.0), r"^gap must be positive, got 0"),
    "mode gap negative": (lambda: jd.AndreevModes(1.0, 0.5, gap=-1.0), r"^gap must be .*got -1"),
    "mode temperature": (
        lambda: jd.AndreevModes(1.0, 0.5, gap=1.0, temperature=-0.1),
        r"^temperature must be at least 0, got -0\.1",
    ),
    "mode lengths": (
        lambda: jd.AndreevModes([1.0, 2.0], [0.5, 0.6, 0.7]),
        r"^amplitude must have length 3 \(one per mode\), got 2",
    ),
    "mode none": (lambda: jd.AndreevModes([], []), r"at least one mode, got none"),
    "mode matrix": (lambda: jd.AndreevModes([[1.0]], 0.5), r"^amplitude"),
    "harmonics none": (lambda: jd.Harmonics([]), r"^sine must hold .*got none"),
    "harmonics number": (lambda: jd.Harmonics(1.0), r"^sine must be a list of numbers.*\(\)"),
    "harmonics NaN": (lambda: jd.Harmonics([1.0], [NAN]), r"^cosine must be finite, got \[nan\]"),
    "squid none": (lambda: jd.Squid([], []), r"^branches must hold at least one.*got none"),
    "squid branch": (
        lambda: jd.Squid([T(1.0), 3.0], [0.1]),
        r"^branches\[1\] must be a phase-biased device.*got float",
    ),
    "squid flux length": (
        lambda: jd.Squid(two(), [0.1, 0.2]),
        r"^flux must have length 1 \(loops of 2 branches\), got 2",
    ),
    "squid flux matrix": (lambda: jd.Squid(two(), [[0.1]]), r"^flux must be .*shape \(1, 1\)"),
    "squid flux NaN": (lambda: jd.Squid(two(), [NAN]), r"^flux must be finite, got \[nan\]"),
    "squid inductance length": (
        lambda: jd.Squid(two(), [0.1], inductance=[0.1]),
        r"^inductance must have length 2 \(one per branch\), got 1",
    ),
    "squid inductance negative": (
        lambda: jd.Squid(two(), [0.1], inductance=[0.1, -0.1]),
        r"^inductance must be at least 0, got \[.*-0\.1\]",
    ),
    "pairs of one": (lambda: jd.Squid.from_pairs([(1.0,)], []), r"^pairs\[0\] must hold two.*1$"),
    "pairs of numbers": (lambda: jd.Squid.from_pairs([1.0, 2.0], [0.1]), r"^pairs\[0\].*got 1\.0"),
    "pairs negative": (
        lambda: jd.Squid.from_pairs([(1.0, 2.0), (3.0, -4.0)], [0.1]),
        r"second must be at least 0, got -4",
    ),
    "map one point": (lambda: jd.GateMap([0.0], [1.0]), r"^voltage must have at least 2.*got 1"),
    "map lengths": (
        lambda: jd.GateMap([0.0, 1.0], [1.0, 2.0, 3.0]),
        r"^critical_current must have length 2 \(one per voltage\), got 3",
    ),
    "map not sorted": (lambda: jd.GateMap([1.0, 0.0], [1.0, 2.0]), r"^voltage must increase"),
    "map repeats": (lambda: jd.GateMap([0.0, 0.0], [1.0, 2.0]), r"^voltage must increase"),
    "map negative": (lambda: jd.GateMap([0.0, 1.0], [-1.0, 2.0]), r"^critical_current .*-1"),
    "map up and down": (
        lambda: jd.GateMap([0.0, 1.0, 2.0], [1.0, 2.0, 1.5]),
        r"^critical_current must be monotone.*from_measurement",
    ),
    "gate outside": (
        lambda: jd.Gate(jd.GateMap(*RISING), 1.5),
        r"^voltage must lie inside the measured map, 0 to 1, got 1\.5",
    ),
    "gate list": (lambda: jd.Gate(jd.GateMap(*RISING), [0.5]), r"^voltage must be a single"),
    "unit of current": (
        lambda: units.josephson_energy(1.0, current="na"),
        r"^unknown current unit 'na'.*allowed: .*nA",
    ),
    "unit of energy": (
        lambda: units.critical_current(1.0, current="nA", energy="mev"),
        r"^unknown energy unit 'mev'.*allowed: J, eV, meV",
    ),
    "coil period": (lambda: units.flux_from_coil(1.0, 0.0), r"^period must not be zero, got 0"),
    "orders of harmonics": (
        lambda: jd.current_phase_relation(T(1.0)).harmonics(0),
        r"^n must be a .*whole number.*, got 0",
    ),
    "critical currents of a number": (
        lambda: jd.critical_currents(3.0),
        r"^device must be .*AbstractPhaseBiased.*got float",
    ),
    "barrier width": (lambda: barrier(1.4, 0.25, 0.0), r"^width_up must be positive, got 0"),
    "barrier other width": (
        lambda: barrier(1.4, 0.25, 0.1, -0.2),
        r"^width_down must be positive, got -0\.2",
    ),
    "barrier below the Fermi energy": (
        lambda: barrier(1.2, 0.25),
        r"^height must exceed 1 \+ \|exchange\|.*got height 1\.2 and exchange 0\.25",
    ),
    "barrier below it, exchange turned": (
        lambda: barrier(1.2, -0.25),
        r"^height must exceed.*exchange -0\.25",
    ),
    "barrier NaN": (lambda: barrier(NAN), r"^height must be finite, got nan"),
    "barrier list": (lambda: barrier([1.4, 1.5]), r"^height must be a single number.*\(2,\)"),
    "Usadel cold": (
        spin_active(temperature=0.0),
        r"^temperature must be at least 0\.01 T_c, got 0",
    ),
    "Usadel hot": (
        spin_active(temperature=1.2),
        r"^temperature must be at most 0\.999 T_c, got 1\.2",
    ),
    "Usadel length of S": (
        spin_active(superconductor_length=-4.0),
        r"^superconductor_length must be positive, got -4",
    ),
    "Usadel length of F": (
        spin_active(ferromagnet_length=0.0),
        r"^ferromagnet_length must be positive, got 0",
    ),
    "Usadel conductance": (
        spin_active(conductance=-2.0),
        r"^conductance must be positive, got -2",
    ),
    "Usadel exchange": (spin_active(exchange=-0.1), r"^exchange must be at least 0, got -0\.1"),
    "Usadel no band": (
        spin_active(potential=1.3),
        r"^potential must stay below 1 \+ exchange.*got potential 1\.3 and exchange 0\.25",
    ),
    "Usadel barrier": (spin_active(left=1.4), r"^left must be a SpinBarrier, got float"),
    "Usadel other barrier": (
        spin_active(right=T(1.0)),
        r"^right must be a SpinBarrier, got TunnelJunction",
    ),
    "Usadel self-consistent": (
        spin_active(self_consistent="no"),
        r"^self_consistent must be True or False, got 'no'",
    ),
    "Usadel odd phases": (
        spin_active({"phases": 15}),
        r"^phases must be even, got 15",
    ),
    "Usadel few phases": (
        spin_active({"phases": 2}),
        r"^phases must be a whole number, at least 4, got 2",
    ),
    "Usadel few terms": (
        spin_active({"terms": 3}),
        r"^terms must be a whole number, at least 4, got 3",
    ),
    "Usadel no momenta": (
        spin_active({"momenta": 0}),
        r"^momenta must be a whole number, at least 1, got 0",
    ),
    "orders of a torus": (
        lambda: torus().harmonics_2d(4),
        r"^n must be at most 3 on this torus, got 4",
    ),
    "no orders of a torus": (lambda: torus().harmonics_2d(0), r"^n must be .*whole.*got 0"),
    "pairs of a number": (
        lambda: jd.Squid.from_pairs(3.0, [0.1]),
        r"^pairs must be a list of \(first, second\), got 3\.0",
    ),
    "bounds as a list": (
        lambda: jd.Space(T(1.0), [1, 2]),
        r"^bounds must be \{name: \(lower, upper\)\}, got \[1, 2\]",
    ),
    "bounds as text": (
        lambda: jd.Space(T(1.0), {"critical_current": "12"}),
        r"^bounds of 'critical_current' must be \(lower, upper\), got '12'",
    ),
    "bounds by number": (
        lambda: jd.Space(T(1.0), {1: (0, 1)}),
        r"^a parameter must be named by its path, got 1",
    ),
    "ties as a number": (
        lambda: jd.Space(jd.Squid(two(), [0.1]), {"flux": (0, 1)}, 5),
        r"^ties must be a list of names or of lists of names, got 5",
    ),
    "ties of numbers": (
        lambda: jd.Space(jd.Squid(two(), [0.1]), {"flux": (0, 1)}, [5]),
        r"^ties must be names or lists of names, got 5",
    ),
    "criterion as a number": (
        lambda: jd.KapitzaJunction(damping=1, drive_frequency=1, criterion=1.5),
        r"^unknown criterion 1\.5; allowed: fold",
    ),
    "model NaN": (
        lambda: jd.usadel.SixHarmonicModel(1.0, NAN, together=0.1),
        r"^down must be finite, got nan",
    ),
    "spin diode of a SQUID": (
        lambda: jd.usadel.spin_diode(jd.Squid(two(), [0.1])),
        r"^device must carry spin-resolved currents.*got Squid",
    ),
    "relation of a number": (
        lambda: jd.current_phase_relation(3.0),
        r"^device must be phase-biased, got float",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_value_error(case):
    build, pattern = CASES[case]
    with pytest.raises(ValueError, match=pattern) as raised:
        build()
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "build",
    [
        lambda: T(1.0),
        lambda: jd.Harmonics([1.0]),
        lambda: jd.AndreevModes(1.0, 0.5),
        lambda: jd.GateMap(*RISING),
        lambda: units.josephson_energy(1.0, current="nA"),
    ],
)
def test_single_precision_is_refused_with_the_remedy(build):
    with (
        jax.enable_x64(False),
        pytest.raises(ValueError, match=r"double precision.*jax_enable_x64', True"),
    ):
        build()


def test_devices_can_be_built_inside_jit():
    """Checks of values need values: traced ones pass, and shapes are still checked."""
    device = jax.jit(lambda x: jd.Squid.from_pairs([(x, 2.0), (1.0, x)], x[None]))(0.3)
    assert device.flux.shape == (1,)
    with pytest.raises(ValueError, match="flux must have length 1"):
        jax.jit(lambda x: jd.Squid.from_pairs([(x, 2.0), (1.0, x)], jnp.stack([x, x])))(0.3)


def test_branches_may_be_any_device():
    inner = jd.Squid(two(), [0.1])
    assert jd.Squid([inner, T(1.0)], [0.2]).branches[0] is inner


class Plain(jd.AbstractPhaseBiased):
    """Without a constructor of its own."""

    size: jax.Array = jd.parameter(at_least=0.0, unit="current")
    share: jax.Array = jd.parameter(above=0.0, below=1.0)
    inner: jd.TunnelJunction
    name: str = eqx.field(static=True, default="")

    def current(self, phase):
        return self.size * self.share * self.inner.current(phase)


def test_declarations_hold_without_a_constructor():
    found = jd.critical_currents(Plain(2.0, jnp.array(0.5), jd.TunnelJunction(3.0)))
    assert float(found.plus) == pytest.approx(3.0)
    for size, share, message in (
        (-1.0, 0.5, "size must be at least 0, got -1"),
        (jnp.array(-1.0), 0.5, "size must be at least 0, got -1"),
        (1, 1.0, "share must be below 1, got 1"),
        (1.0, jnp.nan, "share must be finite, got nan"),
    ):
        with pytest.raises(ValueError, match=message):
            Plain(size, share, jd.TunnelJunction(3.0))


def test_declarations_do_not_stop_transformations():
    """Traced numbers pass, and so do devices that are put together from leaves."""
    device = Plain(2.0, 0.5, jd.TunnelJunction(3.0))
    slope = jax.grad(lambda x: jd.critical_currents(Plain(x, 0.5, device.inner)).plus)(-1.0)
    assert float(slope) == pytest.approx(-1.5)
    jax.tree.map(lambda x: x - 10.0, device)
