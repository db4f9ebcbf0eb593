"""Direct simulation of a current-biased ring or wire with phase slips, by diffrax."""

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from equinox.internal import nondifferentiable
from jaxtyping import Array, Complex, Float, Int

from ... import _checks, progress
from ..._checks import Numbers
from ...core.results import AbstractResult
from ...numerics.chebyshev import chebyshev
from ...numerics.lanes import lanewise
from ...numerics.status import Status
from .lattice import Wire, observe, prepare, rates, smooth_gauge

ENDS = ("ring", "superconducting", "normal")
_FEWEST_CELLS = 8
_DEAD = 0.01  # |ψ| below which a phase means nothing
_COST = 2e-5  # seconds per point and unit of time at spacing 0.1, measured
_MOST_STEPS = 20_000_000  # before a lane is given up

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class WireSimulation(AbstractResult):
    """What `simulate_wire` found; all lengths in ξ, times, voltages and currents as there.

    With a list of currents all arrays have a leading axis for them;
    `jax.tree.map(lambda x: x[k], simulation)` is the simulation of one.

    Attributes:
        time: of the frames, from 0 to `duration`.
        position: of the grid points.
        magnitude: |ψ| at frames and points.
        voltage: V at the frames, per length.
        winding: turns of the gauge-invariant phase at the frames; a phase slip at positive
            voltage takes one away. Whole numbers, except between normal ends; meaningless once
            the wire has turned normal.
        mean_voltage: average of V over the time after `settle`, exact in time and not from
            frames, with weight sin⁴ (a period cut off at its ends then hardly counts). NaN
            where status is not 0.
        status: see `Status`; CONVERGED says that the integration reached its end, not that the
            state is stationary: compare `voltage` early and late.
        length: of the ring or wire.
        order_parameter: ψ at the end, in the gauge of uniform vector potential.
        vector_potential: that potential; 0 between normal ends.
        ends: as given.
        mean_voltage_error: by how much the means over both halves of that time differ from it
            and from each other: large while the state still changes, or where few phase slips
            fall into it. Grid and tolerance are not in it.

    Example:
        >>> ring = jd.wire.simulate_wire(0.5, length=10, spacing=0.5, duration=20)
        >>> print(ring.magnitude.shape, len(ring.slips()), f"{ring.winding[-1]:.1f}")
        (201, 20) 3 -3.0
    """

    time: Float[Array, "*lanes frames"]
    position: Float[Array, "*lanes points"]
    magnitude: Float[Array, "*lanes frames points"]
    voltage: Float[Array, "*lanes frames"]
    winding: Float[Array, "*lanes frames"]
    mean_voltage: Float[Array, "*lanes"]
    status: Int[Array, "*lanes"]
    length: Float[Array, "*lanes"]
    order_parameter: Complex[Array, "*lanes points"]
    vector_potential: Float[Array, "*lanes"]
    ends: str = eqx.field(static=True)
    mean_voltage_error: Float[Array, "*lanes"] | None = None

    def plot(self) -> "Figure":
        from ... import plot

        return plot.slips(self)

    @property
    def slip_rate(self) -> Float[Array, "*lanes"]:
        """Mean number of phase slips in a unit of time, V·length/2π (Josephson relation)."""
        return self.mean_voltage * self.length / (2 * jnp.pi)

    def slips(self) -> Float[np.ndarray, "slips 2"]:
        """(time, position) of every phase slip, from the frames; not for tracers.

        How many there are between two frames is exact (except between normal ends, where the
        phase of the ends must turn by less than π from frame to frame). The time is that
        between the frames, the position that of the smallest |ψ|: take more frames for more.
        Where the wire has turned normal (|ψ| < .01 everywhere) none are counted.

        Raises:
            ValueError: simulation of several currents.
        """
        if self.time.ndim != 1:
            raise ValueError(
                f"slips needs the simulation of a single current, got {self.time.shape[0]}: "
                "pick one with jax.tree.map(lambda x: x[k], simulation)"
            )
        time, position, magnitude = map(np.asarray, (self.time, self.position, self.magnitude))
        lower = np.minimum(magnitude[1:], magnitude[:-1])
        dips = (lower <= np.roll(lower, 1, axis=1)) & (lower < np.roll(lower, -1, axis=1))
        if self.ends != "ring":
            dips[:, [0, -1]] = False
        change = np.rint(np.diff(np.asarray(self.winding)))
        change[magnitude[1:].max(axis=1) < _DEAD] = 0
        found = []
        for k in np.flatnonzero(np.isfinite(change) & (change != 0)):
            places = np.flatnonzero(dips[k])
            places = places[np.argsort(lower[k, places])] if places.size else [lower[k].argmin()]
            # More slips than dips happen one after the other in the deepest.
            for n in range(int(abs(change[k]))):
                place = places[n] if n < len(places) else places[0]
                found.append(((time[k] + time[k + 1]) / 2, position[place]))
        return np.array(found, float).reshape(-1, 2)


def simulate_wire(
    current: Numbers,
    length: Numbers,
    *,
    gamma: Numbers = 10.0,
    epsilon: Numbers = 1.0,
    relaxation: Numbers = 5.79,
    spacing: Numbers = 0.1,
    duration: Numbers | None = None,
    settle: Numbers = 0.5,
    ends: str = "ring",
    frames: int = 201,
    initial: WireSimulation | None = None,
    tolerance: Numbers = 1e-4,
) -> WireSimulation:
    """The time-dependent Ginzburg–Landau equation of a wire or ring at given current.

    u/√(1+γ²|ψ|²) (∂_t + iμ + ½γ² ∂_t|ψ|²) ψ = (ε − |ψ|²)ψ + D²ψ,   j = Im(ψ*Dψ) − ∂_x μ

    Each phase slip takes a turn from the phase, so that V·length/2π is their rate. Slip centres
    sit about √(2γ/u) × (a number of order 1) apart; their state is reached within a few
    uγ/2, in which |ψ| relaxes, and needs a grid well below 1/√γ. To get there cheaply,
    simulate on a coarse grid first and continue on finer ones with `initial`. Not every
    choice has such a state: at γ = 10, j = 0.5, length 5.8 it turns normal after a time of 1000.

    ψ moves on lattice sites with phases on the links. Time steps are adaptive, by the
    stabilised explicit method of second order `numerics.chebyshev`, in the gauge in which the
    phase of ψ rests at the begin of each step. On 700 points a step of it costs less than one
    sequential elimination of an implicit method, and the gauge spares a rotation whose error
    would build up over the many slips in which |ψ| relaxes. Not differentiable: single slips
    depend on history. A list of currents is run one after the other on a CPU.

    Args:
        current: j, a number or a list; it depairs at 2/(3√3) ε^{3/2}.
        length: in ξ.
        gamma: γ, inelastic scattering time × gap; 0 is the simple equation.
        epsilon: ε, strength of superconductivity, 1 at the reference temperature and negative
            where the metal is normal; a number or one per grid point (round(length/spacing) of
            them in a ring, one more in a wire).
        relaxation: u, 5.79 in the dirty limit.
        spacing: grid step, rounded so that it divides the length (at least 8 cells). Nothing
            warns of a coarse one: halve it until the voltage stays.
        duration: 3uγ and at least 100 by default.
        settle: part of the duration before averaging begins, 0 to 0.9.
        ends: "ring", or a wire between banks that are "superconducting" (ψ = √ε) or "normal"
            (ψ = 0).
        frames: equidistant times from 0 to `duration` at which |ψ| and V are kept.
        initial: simulation whose end is the start of this one, on any grid; otherwise
            √ε (1 − ½ exp(−x²/2)), x from the middle, so that a ring slips there.
        tolerance: of ψ and vector potential, root mean square over the points, in each step.

    Raises:
        ValueError: arguments out of range; `initial` with other ends or another number of
            currents; superconducting ends where ε is not positive; more than three days of work.
        LongRunWarning: more than a minute, with the time it takes.

    Source: L. Kramer, R. J. Watts-Tobin, Phys. Rev. Lett. 40, 1041 (1978).

    Example:
        >>> rest = jd.wire.simulate_wire(0.3, length=10, spacing=0.5, duration=20)
        >>> slipping = jd.wire.simulate_wire(0.5, length=10, spacing=0.5, duration=20)
        >>> print(len(rest.slips()), len(slipping.slips()))  # below and above depairing
        0 3
    """
    bias = _checks.real_array("current", current)
    if bias.ndim > 1 or bias.size == 0:
        raise ValueError(f"current must be a number or a list of them, got shape {bias.shape}")
    if ends not in ENDS:
        raise _checks.unknown_name("ends", ends, ENDS)
    full, step = _checks.positive("length", length), _checks.positive("spacing", spacing)
    points = round(float(full) / float(step)) + (ends != "ring")
    if points < _FEWEST_CELLS + (ends != "ring"):
        raise ValueError(
            f"spacing must leave at least {_FEWEST_CELLS} cells of the length {full:g}, "
            f"got {step:g}"
        )
    strength = _checks.real_array("epsilon", epsilon)
    if strength.shape not in ((), (points,)):
        raise ValueError(
            f"epsilon must be a number or have length {points} (one per grid point), "
            f"got shape {strength.shape}"
        )
    strength = jnp.broadcast_to(strength, (points,))
    if ends == "superconducting" and _checks.is_concrete(strength):
        banks = float(jnp.minimum(strength[0], strength[-1]))
        if banks <= 0:
            raise ValueError(f"epsilon must be positive at superconducting ends, got {banks:g}")
    slow = _checks.real_array("gamma", gamma, ndim=0, at_least=0.0)
    u = _checks.positive("relaxation", relaxation)
    span = jnp.maximum(3 * u * slow, 100.0) if duration is None else duration
    span = _checks.positive("duration", span)
    part = _checks.real_array("settle", settle, ndim=0, at_least=0.0, at_most=0.9)
    times = span * jnp.linspace(0.0, 1.0, _checks.whole_number("frames", frames, at_least=2))
    limit = _checks.positive("tolerance", tolerance)
    if all(_checks.is_concrete(x) for x in (span, full, step)):
        seconds = _COST * points * float(span) * 0.1 / float(step) * bias.size
        remedy = "shorten duration, or begin on a coarser grid and go on with `initial`"
        progress.announce("simulate_wire", seconds, "duration", f"{float(span):g}", remedy)
    wire = Wire(full, slow, u, strength, bias, jnp.stack([part * span, span]), ends)
    if initial is None:
        lanes, start = None, _perturbed(wire)
    else:
        lanes, start = _continued(wire, initial)
    return _simulate(wire, start, times, limit, lanes)


def _perturbed(wire):
    x = wire.position()
    psi = jnp.sqrt(jnp.maximum(wire.epsilon, 0.0))
    psi = psi * (1 - 0.5 * jnp.exp(-((x - wire.length / 2) ** 2) / 2))
    if wire.ends == "normal":
        psi = psi * jnp.tanh(x) * jnp.tanh(wire.length - x)
    return jax.lax.complex(psi, jnp.zeros_like(psi)), jnp.zeros(())


def _continued(wire, initial):
    """0 where every current has its own start and None where all share one, and the start."""
    if not isinstance(initial, WireSimulation):
        raise ValueError(f"initial must be a WireSimulation, got {type(initial).__name__}")
    if initial.ends != wire.ends:
        raise ValueError(f"initial must have ends {wire.ends!r}, got {initial.ends!r}")
    shape = initial.status.shape
    if shape not in ((), wire.current.shape):
        raise ValueError(
            f"initial must hold one current or as many as current (shape {wire.current.shape}), "
            f"got shape {shape}"
        )

    def one(psi, potential, length):
        period = 1.0 if wire.ends == "ring" else None
        fraction = jnp.arange(psi.size, dtype=float) / (psi.size - (wire.ends != "ring"))
        here = wire.position() / wire.length
        re, im = (jnp.interp(here, fraction, x, period=period) for x in (psi.real, psi.imag))
        return jax.lax.complex(re, im), potential * length / wire.length

    found = initial.order_parameter, initial.vector_potential, initial.length
    return (0, jax.vmap(one)(*found)) if shape else (None, one(*found))


@eqx.filter_jit
def _simulate(wire, start, times, tolerance, lanes):
    wire, start = nondifferentiable((wire, start), name="simulate_wire")

    if wire.current.ndim == 0:
        return _one(wire, start, times, tolerance)
    axes = eqx.tree_at(lambda w: w.current, jax.tree.map(lambda _: None, wire), 0, is_leaf=_none)
    run = jax.vmap(lanewise(_one), in_axes=(axes, lanes, None, None))
    return run(wire, start, times, tolerance)


def _none(leaf):
    return leaf is None


def _one(wire, start, times, tolerance):
    import diffrax

    psi, potential = start
    re, im = wire.hold(psi.real), wire.hold(psi.imag)
    if wire.ends == "superconducting":
        scale = jnp.sqrt(wire.epsilon) / jnp.abs(psi)
        banks = jnp.array([0, -1])
        re, im = (x.at[banks].set((scale * y)[banks]) for x, y in ((re, psi.real), (im, psi.imag)))
    state = re, im, jnp.full(psi.shape, potential), jnp.zeros((3, 2))
    args = wire, *(5 * [jnp.zeros_like(re)])  # filled in by prepare
    # A step turns links by less than about 1, which _link allows for.
    longest = 0.5 / jnp.maximum(wire.spacing * jnp.abs(wire.current), 1e-3)
    longest = jnp.minimum(longest, (wire.window[1] - wire.window[0]) / 50)
    found = diffrax.diffeqsolve(
        diffrax.ODETerm(rates),
        chebyshev(prepare),
        t0=0.0,
        t1=times[-1],
        dt0=jnp.minimum(1e-3, times[-1]),
        y0=state,
        args=args,
        stepsize_controller=diffrax.PIDController(
            rtol=0.0, atol=tolerance, dtmax=longest, dtmin=1e-14 * times[-1], force_dtmin=False
        ),
        saveat=diffrax.SaveAt(
            subs=[diffrax.SubSaveAt(ts=times, fn=observe), diffrax.SubSaveAt(t1=True)]
        ),
        adjoint=diffrax.ForwardMode(),
        max_steps=_MOST_STEPS,
        throw=False,
    )
    ys: Any = found.ys
    observed, last = ys
    re, im, potential, sums = jax.tree.map(lambda leaf: leaf[-1], last)
    mean, *halves = sums[:, 0] / sums[:, 1]
    error = jnp.max(jnp.abs(jnp.stack([halves[0] - halves[1], *(x - mean for x in halves)])))
    outcome = jnp.where(jnp.isfinite(mean), Status.CONVERGED, Status.NONFINITE)
    done = found.result == diffrax.RESULTS.successful
    status = jnp.where(done, outcome, Status.NOT_CONVERGED).astype(jnp.int32)
    magnitude, voltage, winding = (jnp.where(jnp.isfinite(x), x, jnp.nan) for x in observed)
    psi, rest = smooth_gauge(wire, jax.lax.complex(re, im), potential)
    mean, error = (jnp.where(status == Status.CONVERGED, x, jnp.nan) for x in (mean, error))
    return WireSimulation(
        times, wire.position(), magnitude, voltage, winding, mean, status, wire.length, psi, rest,
        wire.ends, error,
    )  # fmt: skip
