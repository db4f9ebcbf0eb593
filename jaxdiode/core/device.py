"""What a device is: an immutable pytree of parameters with critical currents and a report."""

import abc
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .. import _checks
from .._checks import Numbers
from ..numerics.status import Status
from .cpr import CurrentPhaseRelation, sampled
from .critical import CriticalCurrents
from .extrema import extrema_of_current
from .parameters import AbstractParameters
from .report import Report
from .results import AbstractResult
from .taylor import TaylorSeries, taylor


class AbstractDevice(AbstractParameters):
    """A superconducting device. Its leaves are its physical parameters, as float64 arrays.

    Fields may declare range, unit and label by `parameter`.

    Example:
        >>> class Film(jd.AbstractDevice):
        ...     strength: jax.Array = jd.parameter(at_least=0.0)  # ε of Ginzburg and Landau
        ...     def critical_currents(self, criterion=None):
        ...         depairing = 2 / 3**1.5 * self.strength**1.5
        ...         return jd.CriticalCurrents(depairing, depairing, jnp.int32(jd.Status.CONVERGED))
        >>> print(f"{jd.critical_currents(Film(jnp.array(1.0))).plus:.6f}")
        0.384900
    """

    def critical_currents(self, criterion: str | None = None) -> CriticalCurrents:
        """I₊ and I₋ with their status, differentiable in the parameters.

        Raises:
            ValueError: the device states none; it is neither phase-biased nor current-biased.
        """
        del criterion
        raise _states_none(self)

    def report(self) -> Report:
        """All that there is to say of it, as NumPy arrays; see `Report`."""
        return Report(self, jax.device_get(self.critical_currents()), None, {}, {})

    def iv(
        self, *, maximum: float | None = None, points: int = 201, duration: float | None = None
    ) -> AbstractResult:
        """Current-voltage curve from −maximum to maximum and back, where the device has one.

        Raises:
            ValueError: it has none.
        """
        del maximum, points, duration
        raise ValueError(
            f"device must have a current-voltage curve, a {type(self).__name__} has none"
        )

    def at_reduced_temperature(self, reduced_temperature: Numbers) -> "AbstractDevice":
        """The same device at t = T/T_c, taken as it is at T = 0; from t = 1 on nothing flows.

        Raises:
            ValueError: its law is not known, or t is below 0.
        """
        del reduced_temperature
        raise ValueError(
            "device must have a known law of temperature, such as AndreevModes and TunnelJunction "
            f"have, a {type(self).__name__} has none (or a parameter of its own)"
        )

    def overridden(self) -> tuple[str, ...]:
        """Paths of parameters of its parts that it sets itself, as a coil does a flux."""
        return ()

    def measured(self, calibration: Mapping[str, Any]) -> "AbstractDevice":
        """The device with what a measurement adds, such as a flux coil, ready to be fitted.

        Args:
            calibration: what the experimenter knows, by name.

        Raises:
            ValueError: the device has no `switching_currents(coil_current)` to be fitted.
        """
        del calibration
        raise ValueError(
            "[device] must have switching currents against the current of a coil to be fitted "
            f"(a Squid), got a {type(self).__name__}"
        )


class AbstractPhaseBiased(AbstractDevice):
    """A device whose supercurrent is a 2π-periodic function of the phase across it.

    A subclass defines `current`; critical currents, harmonics, energy and all verbs follow from it.
    The other methods tell the extremum search of features too sharp or fast for its samples.

    Example:
        >>> class TwoHarmonics(jd.AbstractPhaseBiased):
        ...     second: jax.Array = jd.parameter(unit="current", label="second harmonic")
        ...     def current(self, phase):
        ...         return jnp.sin(phase) + self.second * jnp.cos(2 * phase)
        >>> print(f"{jd.diode_efficiency(TwoHarmonics(jnp.array(0.25))):.6f}")  # of 0.75 and 1.25
        -0.250000
    """

    @abc.abstractmethod
    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        """Supercurrent at the given phase (radians), elementwise."""

    def relation(self) -> "Relation":
        """I(φ) with all that does not depend on the phase worked out once.

        Critical currents, reports and sampled relations are taken from it, with the same
        gradients. Worth overriding where the current at one phase costs an integral or a boundary
        value problem.
        """
        return DirectRelation(self)

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        """Phases at which the current turns sharply, and the phase width of each turn.

        Two arrays of one length (or two numbers). The width is the scale w of a turn like
        tanh(x/w) or x/√(x² + w²); 0 is a jump. The phases must be differentiable functions of
        the parameters: an extremum at a jump moves with it. Phases without a turn do no harm.
        """
        return jnp.zeros(0), jnp.zeros(0)

    def samples_per_period(self) -> int:
        """Uniform samples per period that separate all extrema away from the kinks."""
        return 64

    def magnitude(self) -> Float[Array, ""]:
        """Size of the largest term in the current: totals 1e-13 below it are rounding."""
        return jnp.zeros(())

    def status(self) -> Int[Array, ""]:
        """A `Status` known from the parameters alone, before any search."""
        return jnp.asarray(Status.CONVERGED, jnp.int32)

    def parts(self, phase: Float[Array, " n"]) -> dict[str, Float[Array, " n"]]:
        """Currents that add up to the current, by name, for figures."""
        del phase
        return {}

    def details(self, critical: CriticalCurrents) -> dict[str, AbstractResult]:
        """Further results for a report, by name."""
        del critical
        return {}

    def critical_currents(self, criterion: str | None = None) -> CriticalCurrents:
        """The extrema of I(φ); there is no other criterion."""
        if criterion is not None:
            raise ValueError(
                "criterion must be left out for a phase-biased device, whose critical currents "
                f"are the extrema of I(φ), got {criterion!r}"
            )
        return _critical_currents(self)

    def taylor(self, phase: Numbers, order: int = 4) -> TaylorSeries:
        """Power series of energy and current around a phase: E_J, L_J, c₃, c₄; `TaylorSeries`.

        Exact and differentiable (two more derivatives than `order` have to exist there).

        Args:
            phase: φ₀ (radians), of any shape.
            order: of the energy's series, at least 2; static under jit.
        """
        where = _checks.real_array("phase", phase)
        return taylor(self.relation(), where, _checks.whole_number("order", order, at_least=2))

    def report(self) -> Report:
        try:
            found = _reported_soon(self)
        except jax.errors.JaxRuntimeError as error:
            if "compile option" not in str(error):
                raise
            found = _reported(self)  # by an XLA that no longer has the option
        return Report(self, *jax.device_get(found))


class Relation(AbstractPhaseBiased):
    """A solved I(φ): phase-biased itself, so a legal argument of every verb and a legal branch.

    Example:
        >>> relation = jd.AndreevModes(40, [0.9, 0.3]).relation()
        >>> isinstance(relation, jd.Relation)
        True
        >>> squid = jd.Squid([relation, jd.TunnelJunction(30)], flux=0.25)
        >>> print(f"{jd.diode_efficiency(squid):.6f}")
        0.149807
    """

    def relation(self) -> "Relation":
        return self


class DirectRelation(Relation):
    """The relation of a device whose current at one phase costs next to nothing."""

    device: AbstractPhaseBiased

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        return self.device.current(phase)

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        return self.device.kinks()

    def samples_per_period(self) -> int:
        return self.device.samples_per_period()

    def magnitude(self) -> Float[Array, ""]:
        return self.device.magnitude()

    def status(self) -> Int[Array, ""]:
        return self.device.status()

    def parts(self, phase: Float[Array, " n"]) -> dict[str, Float[Array, " n"]]:
        return self.device.parts(phase)

    def details(self, critical: CriticalCurrents) -> dict[str, AbstractResult]:
        return self.device.details(critical)


class AbstractCurrentBiased(AbstractDevice):
    """A device driven by a current: its critical currents are where its stated criterion is met.

    Usually the end of the zero-voltage state, as a fold, a root or a threshold: physics, so every
    such device brings its own.

    Example:
        >>> class VortexDiode(jd.AbstractCurrentBiased):
        ...     field: jax.Array = jd.parameter(unit="mT")  # I± = 100 exp(−|B ∓ 2 mT|/10 mT)
        ...     def critical_currents(self, criterion=None):
        ...         plus, minus = (100 * jnp.exp(-abs(self.field - b) / 10) for b in (2.0, -2.0))
        ...         return jd.CriticalCurrents(plus, minus, jnp.int32(jd.Status.CONVERGED))
        >>> print(f"{jd.diode_efficiency(VortexDiode(jnp.array(5.0))):.6f} {np.tanh(0.2):.6f}")
        0.197375 0.197375
    """

    @abc.abstractmethod
    def critical_currents(self, criterion: str | None = None) -> CriticalCurrents:
        """I₊ and I₋ with their status, differentiable in the parameters.

        A device that offers several criteria takes the name of one; others may leave the
        argument out.
        """


def _states_none(device: object) -> ValueError:
    return ValueError(
        "device must be phase-biased or current-biased (a subclass of AbstractPhaseBiased or "
        f"AbstractCurrentBiased), got {type(device).__name__}"
    )


def critical_currents(device: AbstractDevice, criterion: str | None = None) -> CriticalCurrents:
    """Critical currents of any device, exact under jit, vmap, grad, jacfwd and hessian.

    Args:
        device: phase-biased or current-biased.
        criterion: of a current-biased device that offers several, in place of its own; static
            under jit (`jax.jit(critical_currents, static_argnames="criterion")`).

    Current-biased devices state themselves where the criterion is met. Phase-biased devices:
    extrema of I(φ), to 1e-11 of the largest current; value, gradient and Hessian are exact at a
    smooth extremum (envelope theorem plus one differentiated Newton step). At a jump of I(φ) the
    one-sided limit counts, and the gradient follows the jump. Where two peaks tie the gradient is
    that of one of them. At an exactly balanced pair η has a cusp, −|first − second|^(2/3):
    derivatives across it do not exist there. Where nothing flows at any phase I₊ = I₋ = 0, with
    NaN for slopes. Phases of the extrema have exact first derivatives.

    Raises:
        ValueError: `device` is not a jaxdiode device, or has no such criterion.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> print(f"{jd.critical_currents(squid).plus:.6f}")
        65.428624
        >>> slope = jax.grad(lambda device: jd.critical_currents(device).plus)(squid)
        >>> print(f"{slope.flux[0]:.6f} {slope.branches[0].second:.6f}")
        -203.832367 1.196584
    """
    if not isinstance(device, AbstractDevice):
        raise _states_none(device)
    return device.critical_currents() if criterion is None else device.critical_currents(criterion)


def diode_efficiency(device: AbstractDevice, criterion: str | None = None) -> Array:
    """Diode efficiency η = (I₊ − I₋)/(I₊ + I₋) of any device; see `critical_currents`.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> value, slope = jax.value_and_grad(jd.diode_efficiency)(squid)
        >>> print(f"{value:.6f} {slope.flux[0]:.6f}")
        -0.116051 -0.423879
        >>> opposite = jd.replace(squid, {"flux": -0.3})
        >>> print(f"{jd.diode_efficiency(opposite):.6f}")
        0.116051
    """
    return jnp.asarray(critical_currents(device, criterion).efficiency)


def current_phase_relation(device: AbstractPhaseBiased) -> CurrentPhaseRelation:
    """I(φ) of a phase-biased device over one period, resolved at every kink.

    Raises:
        ValueError: `device` is not phase-biased.

    Example:
        >>> modes = jd.AndreevModes(100, 1.0)  # 100 sin(φ/2) up to φ = π
        >>> sine, cosine = jd.current_phase_relation(modes).harmonics(2)
        >>> print(f"{sine[0]:.6f} {sine[1]:.6f}")
        84.882636 -33.953055
        >>> print(f"{800 / (3 * np.pi):.6f} {-1600 / (15 * np.pi):.6f}")
        84.882636 -33.953055
    """
    if not isinstance(device, AbstractPhaseBiased):
        raise ValueError(f"device must be phase-biased, got {type(device).__name__}")
    return _sampled(device)


@eqx.filter_jit
def _critical_currents(device: AbstractPhaseBiased) -> CriticalCurrents:
    return extrema_of_current(device.relation())


@eqx.filter_jit
def _sampled(device: AbstractPhaseBiased) -> CurrentPhaseRelation:
    return sampled(device.relation())


def _report(device: AbstractPhaseBiased) -> tuple[Any, ...]:
    relation = device.relation()
    critical, curve = extrema_of_current(relation), sampled(relation)
    return critical, curve, relation.parts(curve.phase), relation.details(critical)


# What runs once should compile soon: XLA's older emitters and fewer passes of LLVM take a third
# less time for it, and their programs run as fast.
_OPTIONS = {
    "compiler_options": {"xla_cpu_use_fusion_emitters": False, "xla_backend_optimization_level": 1}
}
_reported_soon = eqx.filter_jit(_report, **_OPTIONS)  # pyright: ignore
_reported = eqx.filter_jit(_report)
