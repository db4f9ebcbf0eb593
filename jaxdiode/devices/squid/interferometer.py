"""Superconducting interferometers: N Josephson branches in parallel, N−1 flux loops.

Source: Gibbons et al., arXiv:2512.14909, Eq. (3), for any branches, with inductance or not.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ... import _checks
from ..._checks import Numbers
from ...circuits.circuit import Circuit
from ...circuits.relations import grouped
from ...core.critical import CriticalCurrents
from ...core.device import (
    AbstractCurrentBiased,
    AbstractPhaseBiased,
    Relation,
    critical_currents,
)
from ...core.parameters import parameter
from ...core.report import Report
from ...core.temperature import parts_at_reduced_temperature
from ...junctions import SeriesJunctions
from ...numerics.status import Status
from .branches import ParallelRelation, branch_current, junction_phase, kinks_seen, steepest_fall
from .crossing import both_directions
from .screening import as_circuit, or_of_flux_states, warn_of_henries


class Squid(AbstractPhaseBiased):
    """N branches in parallel: I(φ) = Σ_k I_k(ψ_k), k = 0 … N−1.

    Without inductance ψ_k = φ + δ_k, with δ₀ = 0 and δ_k = −2π(f₁ + … + f_k) for the loop
    fluxes f in units of Φ₀. With inductance ψ_k is the root of

        ψ_k + 2π L_k I_k(ψ_k) = φ + δ_k,

    L_k in Φ₀ per unit of current (see `units.inductance`). Where the root is not unique,
    2π L_k I_k'(ψ) ≤ −1 somewhere, there is no I(φ) (status `MULTIVALUED` of the relation), and
    critical currents depend on the flux states: I± are then the largest that any stable one
    carries, of `circuit()`. The criteria "largest", "ramp" and "first" of a `Circuit` may be named.

    Args:
        branches: one or more phase-biased devices, all with the same unit of current.
        flux: loop fluxes (Φ₀), N−1 numbers, or one number for one loop. Loop k lies between
            branches k−1 and k.
        inductance: branch inductances L_k ≥ 0, N numbers, or None.

    Raises:
        ValueError: no branches, a branch that is no device, wrong lengths, non-finite numbers.

    Warns:
        UserWarning: no inductance reaches 2πL I_c = 1e-6, as when they are in henries.

    Example:
        >>> squid = jd.Squid([jd.TunnelJunction(100), jd.TunnelJunction(100)], flux=[0.25])
        >>> print(f"{jd.critical_currents(squid).plus:.6f} {200 * np.cos(np.pi / 4):.6f}")
        141.421356 141.421356
        >>> three = jd.Squid.from_pairs([(420, 80), (380, 90), (80, 90)], flux=(0.403, 0.403))
        >>> print(f"{jd.diode_efficiency(three):.6f}")
        0.535772
    """

    papers: ClassVar[tuple[str, ...]] = ("gibbons2025",)
    branches: tuple[AbstractPhaseBiased, ...]
    flux: Float[Array, " loops"] = parameter(unit="Φ₀", label="flux")
    inductance: Float[Array, " branches"] | None = parameter(
        at_least=0.0, unit="Φ₀/current", label="inductance"
    )

    at_reduced_temperature = parts_at_reduced_temperature

    def __init__(
        self,
        branches: Sequence[AbstractPhaseBiased],
        flux: Numbers,
        *,
        inductance: Numbers | None = None,
    ):
        if not isinstance(branches, Sequence):
            raise ValueError(f"branches must be a list of devices, got {type(branches).__name__}")
        branches = tuple(branches)
        if not branches:
            raise ValueError("branches must hold at least one device, got none")
        for k, branch in enumerate(branches):
            if not isinstance(branch, AbstractPhaseBiased):
                raise ValueError(
                    f"branches[{k}] must be a phase-biased device such as TunnelJunction, "
                    f"got {type(branch).__name__}"
                )
        self.branches = branches
        fluxes = _checks.real_array("flux", flux)
        self.flux = self.checked("flux", fluxes[None] if fluxes.ndim == 0 else fluxes)
        loops = len(branches) - 1
        _checks.require_length("flux", self.flux, loops, f"loops of {len(branches)} branches")
        self.inductance = None
        if inductance is not None:
            self.inductance = self.checked("inductance", inductance)
            _checks.require_length("inductance", self.inductance, len(branches), "one per branch")
            warn_of_henries("inductance", self.inductance, branches)

    @classmethod
    def from_pairs(
        cls,
        pairs: Sequence[Any] | Array,
        flux: Numbers,
        inductance: Numbers | None = None,
    ) -> "Squid":
        """The paper's devices: every branch two junctions in series, (first, second)."""
        if not isinstance(pairs, Sequence) and not hasattr(pairs, "__len__"):
            raise ValueError(f"pairs must be a list of (first, second), got {pairs!r}")
        branches = []
        for k, pair in enumerate(pairs):
            if not isinstance(pair, Sequence | jax.Array) and not hasattr(pair, "__len__"):
                raise ValueError(f"pairs[{k}] must be (first, second), got {pair!r}")
            if len(pair) != 2:
                raise ValueError(f"pairs[{k}] must hold two critical currents, got {len(pair)}")
            branches.append(SeriesJunctions(*pair))
        return cls(branches, flux, inductance=inductance)

    def measured(self, calibration: Mapping[str, Any]) -> "CoilBiasedSquid":
        """In the flux of a coil: turns, and what else `CoilBiasedSquid` takes."""
        if "turns" not in calibration:
            raise ValueError("[fit] needs 'turns'; `jaxdiode new` writes an example")
        return CoilBiasedSquid(self, **calibration)

    def branch_phases(self, phase: Float[Array, "..."]) -> Float[Array, "... branches"]:
        """Junction phases ψ_k at a total phase φ, inductances taken into account."""
        return self._over_branches(junction_phase, phase)

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.sum(self._over_branches(branch_current, phase), axis=-1)

    def relation(self) -> Relation:
        branches = tuple(branch.relation() for branch in self.branches)
        return ParallelRelation(eqx.tree_at(lambda squid: squid.branches, self, branches))

    def circuit(
        self, *, resistance: Numbers | None = None, capacitance: Numbers | None = None
    ) -> Circuit:
        """The same between "in" and "0"; junction k has the offset −(flux of the loops 1 … k).

        Args:
            resistance, capacitance: shunts of the junctions for motions in time, of all or of
                each, in a circuit's units: `CircuitScale.in_circuit_units` has an example.
        """
        shunts = {"resistance": resistance, "capacitance": capacitance}
        return as_circuit(self.branches, self.flux, self.inductance, shunts)

    def critical_currents(self, criterion: str | None = None) -> CriticalCurrents:
        """The extrema of I(φ) where that is single-valued, else those of the flux states."""
        if criterion is not None:
            return self.circuit().critical_currents(criterion)
        if self.inductance is None:
            return super().critical_currents()
        if _checks.all_concrete(self):
            found = super().critical_currents()
            several = found.status == Status.MULTIVALUED
        else:
            several = self.status() == Status.MULTIVALUED
            held = jax.tree.map(lambda x: jnp.where(several, jax.lax.stop_gradient(x), x), self)
            found = AbstractPhaseBiased.critical_currents(held)
        return or_of_flux_states(self.circuit, several, found)

    def report(self) -> Report:
        found = super().report()
        if int(found.critical.status) != Status.MULTIVALUED:
            return found
        critical = jax.device_get(self.critical_currents())
        return eqx.tree_at(lambda report: report.critical, found, critical)

    def parts(self, phase: Float[Array, " n"]) -> dict[str, Float[Array, " n"]]:
        """The current of every branch, where there are several."""
        if len(self.branches) < 2:
            return {}
        phases = self.branch_phases(phase)
        return {f"branch {k}": b.current(phases[:, k]) for k, b in enumerate(self.branches)}

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        phases, widths = [], []
        for k, branch in enumerate(self.branches):
            inductance = None if self.inductance is None else self.inductance[k]
            position, width = kinks_seen(branch, inductance)
            phases.append(position - self.branch_offsets()[k])
            widths.append(width)
        return jnp.concatenate(phases), jnp.concatenate(widths)

    def magnitude(self) -> Float[Array, ""]:
        return jnp.sum(jnp.stack([branch.magnitude() for branch in self.branches]))

    def samples_per_period(self) -> int:
        return max(branch.samples_per_period() for branch in self.branches)

    def status(self) -> Int[Array, ""]:
        codes = jnp.stack([branch.status() for branch in self.branches])
        if self.inductance is None:
            return jnp.max(codes)
        slopes = self._over_branches(steepest_fall, jnp.zeros(()))
        multivalued = jnp.where(jnp.min(slopes) > 0, Status.CONVERGED, Status.MULTIVALUED)
        return jnp.maximum(jnp.max(codes), multivalued.astype(jnp.int32))

    def branch_offsets(self) -> Float[Array, " branches"]:
        """δ_k, by which the phase of every branch differs from φ."""
        return jnp.concatenate([jnp.zeros(1), -2 * jnp.pi * jnp.cumsum(self.flux)])

    def _over_branches(self, function, phase):
        """function(branch, inductance, φ + δ) for every branch, stacked on the last axis.

        Branches of one kind and shape are stacked and traced once, whatever their number.
        """
        phase = jnp.asarray(phase, float)
        shifted = phase[..., None] + self.branch_offsets()
        inductance = self.inductance
        groups, members = grouped(self.branches)
        results = []
        for stacked, places in zip(groups, members, strict=True):
            index = jnp.array(places)
            each = None if inductance is None else inductance[index]
            over = (0, None if each is None else 0, -1)
            results.append(jax.vmap(function, over, -1)(stacked, each, shifted[..., index]))
        order = [k for places in members for k in places]
        return jnp.concatenate(results, axis=-1)[..., jnp.array(order).argsort()]


class CoilBiasedSquid(AbstractCurrentBiased):
    """A SQUID biased by a current I, in the flux of a coil at current x and of its bias line:

        f_k = turns_k (x − offset_k) + M_k I,

    in Φ₀ per loop k, with the SQUID's own inductances beside it (`Squid(inductance=…)`: the flux
    that the current of each branch makes, exact at every phase). Its critical currents are those
    at `coil_current`: on a ramp from zero the first I with I = G₊(f(I)), where G₊(f) is the largest
    current of the SQUID at fixed fluxes f; the other way round with −I and G₋. A bias line that
    makes much flux crosses again later: the first crossing counts, and is not missed
    (`NOT_CONVERGED` where it takes too long to be sure of it).

    Args:
        squid: the interferometer; its own `flux` is replaced by f.
        turns: flux per coil current (Φ₀ per unit of x), one per loop; the period is 1/turns.
        offset: coil current at zero flux: one number, or one per loop (flux trapped in each).
        coil_current: x at which the device is operated, a parameter for `sweep` and `maximise`.
        mutual_inductance: M_k (Φ₀ per unit of current, see `units.inductance`) between the bias
            line and each loop, or None.
        current_offset: b, what the source shows where no current flows: `switching_currents` are
            then I₊ + b and I₋ − b, as the source shows them.

    Raises:
        ValueError: wrong lengths, non-finite numbers.

    Warns:
        UserWarning: a mutual inductance that changes nothing, as when it is in henries.

    Example:
        >>> squid = jd.Squid([jd.TunnelJunction(100), jd.TunnelJunction(100)], flux=[0])
        >>> device = jd.CoilBiasedSquid(squid, turns=[65])  # Φ₀ per unit of coil current
        >>> found = device.switching_currents(jnp.array([0, 1 / 260, 1 / 195]))  # f = 0, 1/4, 1/3
        >>> print(*(f"{x:.6f}" for x in found.plus))  # 200 cos πf
        200.000000 141.421356 100.000000
    """

    squid: Squid
    turns: Float[Array, " loops"] = parameter(unit="Φ₀/coil unit", label="flux per coil current")
    offset: Float[Array, "*loops"] = parameter(unit="coil unit", label="coil current at zero flux")
    coil_current: Float[Array, ""] = parameter(unit="coil unit", label="coil current")
    mutual_inductance: Float[Array, " loops"] | None = parameter(
        unit="Φ₀/current", label="mutual inductance with the bias line"
    )
    current_offset: Float[Array, ""] = parameter(unit="current", label="offset of the bias")

    at_reduced_temperature = parts_at_reduced_temperature

    def __init__(
        self,
        squid: Squid,
        turns: Numbers,
        *,
        offset: Numbers = 0.0,
        coil_current: Numbers = 0.0,
        mutual_inductance: Numbers | None = None,
        current_offset: Numbers = 0.0,
        self_flux: Numbers | None = None,
    ):
        if self_flux is not None:
            raise ValueError(
                "self_flux must be left out: a flux that the bias makes is an inductance × the "
                "current that flows, so give the branches an inductance (Squid(inductance=...)), "
                f"or the bias line a mutual_inductance, got {self_flux!r}"
            )
        if not isinstance(squid, Squid):
            raise ValueError(f"squid must be a Squid, got {type(squid).__name__}")
        loops = squid.flux.size
        self.squid = squid
        self.turns = self.checked("turns", turns)
        _checks.require_length("turns", self.turns, loops, "one per loop")
        self.offset = self.checked("offset", offset)
        if self.offset.shape not in ((), (loops,)):
            raise ValueError(
                f"offset must be one number or one per loop ({loops}), got {self.offset.shape}"
            )
        self.coil_current = self.checked("coil_current", coil_current)
        self.current_offset = self.checked("current_offset", current_offset)
        self.mutual_inductance = None
        if mutual_inductance is not None:
            mutual = self.checked("mutual_inductance", mutual_inductance)
            _checks.require_length("mutual_inductance", mutual, loops, "one per loop")
            self.mutual_inductance = mutual
            warn_of_henries("mutual_inductance", mutual, squid.branches)

    def measured(self, calibration: Mapping[str, Any]) -> "CoilBiasedSquid":
        """The same with what is given of turns, offset, mutual_inductance and current_offset."""
        names = ("turns", "offset", "mutual_inductance", "current_offset")
        known = {name: getattr(self, name) for name in names} | dict(calibration)
        return CoilBiasedSquid(self.squid, **known)

    def at(self, coil_current: Numbers, bias_current: Numbers = 0.0) -> Squid:
        """The SQUID in the flux of one coil current and one (signed) bias current."""
        coil = jnp.asarray(coil_current, float)
        flux = self.turns * (coil - self.offset)
        if self.mutual_inductance is not None:
            flux = flux + self.mutual_inductance * jnp.asarray(bias_current, float)
        return eqx.tree_at(lambda squid: squid.flux, self.squid, flux)

    def overridden(self) -> tuple[str, ...]:
        return tuple(f"squid.flux.{k}" for k in range(self.turns.size))

    def critical_currents(self, criterion: str | None = None) -> CriticalCurrents:
        """I₊ and I₋ at `coil_current`."""
        if criterion is not None:
            raise ValueError(f"criterion must be left out for a SQUID, got {criterion!r}")
        return _at_coil(self, self.coil_current)

    def switching_currents(self, coil_current: Numbers) -> CriticalCurrents:
        """I₊ + b and I₋ − b against coil current: arrays of its length. The model for `fit`."""
        coil = _checks.real_array("coil_current", coil_current, ndim=1)
        found, b = jax.vmap(partial(_at_coil, self))(coil), self.current_offset
        return eqx.tree_at(lambda x: (x.plus, x.minus), found, (found.plus + b, found.minus - b))


def _at_coil(device: CoilBiasedSquid, coil: Float[Array, ""]) -> CriticalCurrents:
    if device.mutual_inductance is None:
        return critical_currents(device.at(coil))
    current, status = both_directions(device, coil)
    return CriticalCurrents(current[0], current[1], jnp.max(status))
