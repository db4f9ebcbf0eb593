"""Retrapping currents: below them a running junction with capacitance comes to rest."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ..core.critical import efficiency_of, unless
from ..core.results import AbstractResult
from ..numerics.lanes import lanewise
from ..numerics.status import Status
from .homoclinic import Branch, Nodes, Orbit, Pull, begun, converged, mesh_from, place_on, response
from .shunted import Shunted, own_unit
from .trapping import bounds, comes_to_rest, guessed, landscape, met, trapped

Scalar = Float[Array, ""]

_ATTEMPTS = 3
_TIED = 1e-9  # of max|I|: currents this close are not told apart
_BELOW = 1e-3  # of the height of a maximum of I: no search starts closer to it


class RetrappingCurrents(AbstractResult):
    """Currents at which a running phase comes to rest, each a magnitude in its own direction.

    Attributes:
        plus, minus: i_r in the device's unit of current. Where a direction is not hysteretic it is
            that of the critical current. NaN where it is not known: the other direction may be.
        hysteretic: of + and −, whether i_r is below the critical current by more than its own error
            of 1e-9 max|I|, so that the junction latches; False where it is not known.
        status: the worse of the two directions.

    Example:
        >>> found = jd.retrapping_currents(jd.Shunted(jd.TunnelJunction(1.0), damping=0.3))
        >>> print(f"{float(found.plus):.6f} {bool(found.hysteretic[0])}")
        0.373474 True
    """

    plus: Float[Array, "..."]
    minus: Float[Array, "..."]
    hysteretic: Bool[Array, "... 2"]
    status: Int[Array, "..."]

    @property
    def efficiency(self) -> Float[Array | np.ndarray, "..."]:
        """(plus − minus)/(plus + minus): the retrapping diode effect."""
        return efficiency_of(self.plus, self.minus)


class Found(NamedTuple):
    """The end of the running state of one direction, and how it answers to changes.

    Attributes:
        current: i_r.
        origin: the saddle, or the maximum of I at which the running state ends.
        pinned: i_r is that maximum of I: no homoclinic orbit, the saddle-node is on the cycle.
        phase, weight, velocity, growth: see `Response`; 0 where i_r is pinned.
        good: all this is known.
    """

    current: Scalar
    origin: Scalar
    pinned: Bool[Array, ""]
    phase: Nodes
    weight: Nodes
    velocity: Nodes
    growth: Nodes
    good: Bool[Array, ""]


def retrapping_currents(device: Shunted) -> RetrappingCurrents:
    """Currents i_r at which the running states of a junction end, in both directions,

        φ'' + βφ' + I(φ) = i,   time in 1/ω_p.

    A phase that runs at a large current comes to rest where its orbit becomes homoclinic: it leaves
    a saddle, I = i and dI/dφ < 0, and just comes back to it one period further. In the − direction
    the same is asked of −I(−φ). Where damping is strong the orbit creeps into the saddle instead,
    i_r is the critical current and no branch of the I–V curve is hysteretic; in between one
    direction may latch while the other does not. As β → 0, i_r/β → ∮√(2(U_max − U))dφ/2π, with
    U = ∫I dφ: equal in both directions, so that the retrapping diode effect is of higher order.

    Without noise. Values are exact to 1e-9 of max|I| or better, first derivatives by the Melnikov
    integral di_r = ∫μ(dI + φ' dβ)dφ/∫μdφ, μ = exp(∫β dφ/φ'), with its singular end; second
    derivatives are NaN. At the onset of hysteresis i_r has continuous first derivatives.

    Args:
        device: Shunted, with damping and without drive.

    Returns:
        RetrappingCurrents: magnitudes in the device's unit of current, whether each direction is
        hysteretic, and the status. Jumps of I(φ) are resolved; NOT_CONVERGED is an orbit lost just
        below the top of a jump, in a turn narrower than 1e-6, or creeping past a second saddle.

    Raises:
        ValueError: not a Shunted device, damping None, a drive.

    Source:
        Homoclinic bifurcation of the driven damped pendulum: W. C. Stewart, Appl. Phys. Lett. 12,
        277 (1968); D. E. McCumber, J. Appl. Phys. 39, 3113 (1968); Levi, Hoppensteadt and Miranker,
        Q. Appl. Math. 36, 167 (1978).

    Example:
        >>> diode = jd.Harmonics([1.0, 0.0], [0.0, 0.5])
        >>> found = jd.retrapping_currents(jd.Shunted(diode, damping=0.3))
        >>> print(f"{found.plus:.8f} {found.minus:.8f}")
        0.38343790 0.41165898
        >>> found = jd.retrapping_currents(jd.Shunted(diode, damping=0.9))
        >>> print(found.hysteretic.tolist(), f"{found.plus:.8f} {found.minus:.8f}")
        [False, True] 0.75000000 1.13125927
    """
    if not isinstance(device, Shunted):
        raise ValueError(
            "device must be Shunted(device, damping=...) for a retrapping current, got "
            f"{type(device).__name__}"
        )
    if device.damping is None:
        raise ValueError(
            "damping must be a number, got None: a phase without capacitance has no retrapping "
            "current: it runs above the critical current and rests below"
        )
    if device.drive is not None:
        raise ValueError(
            "drive must be None for a retrapping current, got a Drive: under a drive ramp the "
            "current down (iv_curve)"
        )
    return _both(device)


@eqx.filter_jit
def _both(device: Shunted) -> RetrappingCurrents:
    solved = Shunted(device.device.relation(), damping=device.damping)
    scale = own_unit(solved)
    unit = solved.rescaled(scale)
    critical = solved.device.critical_currents()
    signs, largest = jnp.array([1.0, -1.0]), jnp.stack([critical.plus, critical.minus])
    assert unit.damping is not None
    frozen = jax.lax.stop_gradient((unit.device, unit.damping))
    found = jax.vmap(lambda sign: lanewise(_search)(*frozen, sign))(signs)

    def one(sign: Scalar, found: Found, largest: Scalar):
        assert unit.damping is not None
        pull = Pull(unit.device, sign, unit.damping)
        current = scale * _current(pull, found)
        at_top = found.pinned & (largest - current <= _TIED * scale)
        known = found.good & (current <= largest + _TIED * scale)
        value = jnp.where(at_top | ~known, largest, current)
        return value, known & (largest - current > _TIED * scale), known

    value, hysteretic, known = jax.vmap(one)(signs, found, largest)
    missing = jnp.where(jnp.isfinite(scale), Status.NOT_CONVERGED, Status.NONFINITE)
    # What the relation itself does not know is not known; without current all is 0.
    status = jnp.where(critical.status != Status.CONVERGED, critical.status, missing)
    nothing = critical.status == Status.NO_SUPERCURRENT
    known = (known & (critical.status == Status.CONVERGED)) | nothing
    plus, minus = unless(~known, jnp.nan, value)
    status = jnp.where(jnp.all(known) & ~nothing, Status.CONVERGED, status).astype(jnp.int32)
    return RetrappingCurrents(plus, minus, hysteretic & known & ~nothing, status)


def _search(relation, damping: Scalar, sign: Scalar) -> Found:
    """On frozen parameters, with more care where the first attempt fails."""
    pull = Pull(relation, sign, damping)
    land = landscape(pull)
    low, high = bounds(pull, land)

    def attempt(state: tuple[Array, Found]) -> tuple[Array, Found]:
        k, _ = state
        first = k == _ATTEMPTS - 1

        def finer(_: Array, bracket: tuple[Scalar, Scalar]):
            found = trapped(pull, land, *bracket, first)
            return found.current, found.next

        lower, upper = jax.lax.fori_loop(0, (k > 0).astype(int), finer, (low, high))
        seed = trapped(pull, land, lower, upper, first)
        branch = seed.branch
        below = branch.highest - _BELOW * (branch.highest - low)
        place = place_on(pull, branch, jnp.minimum(seed.current, below))
        place, velocity = jax.lax.cond(
            (k > 0) & ~branch.jump,
            lambda: met(pull, branch, place),
            lambda: (place, guessed(pull, branch, seed, place)),
        )
        orbit = begun(pull, branch, velocity, place)
        return k + 1, _settled(pull, branch, converged(pull, branch, orbit))

    def unknown(state: tuple[Array, Found]) -> Bool[Array, ""]:
        return (state[0] < _ATTEMPTS) & ~state[1].good

    return jax.lax.while_loop(unknown, attempt, (jnp.zeros((), int), _nothing(pull)))[1]


def _nothing(pull: Pull) -> Found:
    empty = jnp.zeros_like(mesh_from(pull, jnp.zeros(())).phase)
    zero, no = jnp.zeros(()), jnp.zeros((), bool)
    return Found(zero, zero, no, empty, empty, empty, empty, no)


def _settled(pull: Pull, branch: Branch, end: tuple[Orbit, Bool[Array, ""]]) -> Found:
    orbit, settled = end
    answer = response(pull, branch, orbit)
    homoclinic = settled & answer.resolved & (orbit.place > branch.ends()[0])
    homoclinic &= jnp.all(jnp.isfinite(answer.weight)) & jnp.isfinite(orbit.current)
    pinned = jax.lax.cond(homoclinic, lambda: ~homoclinic, lambda: comes_to_rest(pull, branch))
    phase, weight, velocity, growth = (jnp.where(homoclinic, x, 0.0) for x in answer[:4])
    return Found(
        jnp.where(pinned, branch.highest, orbit.current),
        jnp.where(pinned, branch.top, orbit.saddle), pinned,
        phase, weight, velocity, growth, homoclinic | pinned,
    )  # fmt: skip


def _current(pull: Pull, found: Found) -> Scalar:
    """The current of one direction, with exact first derivatives.

    Nodes move with the sharp turns of I, so that derivatives see a steep turn move.
    """
    found = jax.lax.stop_gradient(found)
    mesh = mesh_from(pull, _moving(pull, found.origin))
    fixed = jax.lax.stop_gradient(mesh)
    some = fixed.length > 0
    stretched = jnp.where(some, mesh.length / jnp.where(some, fixed.length, 1.0), 1.0)
    moved = mesh.phase - fixed.phase
    weight = found.weight * stretched * (1 + found.growth * moved)
    total = jnp.sum(weight * pull.current(found.phase + moved))
    total += pull.damping * jnp.sum(found.weight * found.velocity)
    total = jnp.where(found.pinned, pull.current(found.origin), total)
    return found.current + _first_order(total - jax.lax.stop_gradient(total))


def _moving(pull: Pull, origin: Scalar) -> Scalar:
    """The origin; one that lies at a jump moves with it."""
    kinks, _ = pull.turns()
    fixed = jax.lax.stop_gradient(kinks)
    return origin + jnp.sum(jnp.where(fixed == origin, kinks - fixed, 0.0))


@jax.custom_jvp
def _first_order(value: Scalar) -> Scalar:
    """Itself; its second derivatives are NaN."""
    return value


@_first_order.defjvp
def _first_order_jvp(primals, tangents):
    return _first_order(primals[0]), tangents[0] * _one(primals[0])


@jax.custom_jvp
def _one(value: Scalar) -> Scalar:
    return jnp.ones_like(value)


@_one.defjvp
def _one_jvp(primals, tangents):
    return jnp.ones_like(primals[0]), tangents[0] * jnp.nan
