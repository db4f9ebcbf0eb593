"""Superconducting interferometers: N Josephson branches in parallel, N−1 flux loops.

Source: double-loop SQUID paper, Eq. (3), generalised to any number and kind of branches and
to branches with inductance.
"""

import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ... import _checks
from ..._checks import Numbers
from ...core.device import AbstractPhaseBiased
from ...core.parameters import parameter
from ...junctions import SeriesJunctions
from ...numerics.extrema import clustered_grid
from ...numerics.roots import increasing_root, value_and_slope
from ...numerics.status import Status

_UNSEEN = 1e-6  # 2πL I_c below which no measurement sees an inductance


class Squid(AbstractPhaseBiased):
    """N branches in parallel: I(φ) = Σ_k I_k(ψ_k), k = 0 … N−1.

    Without inductance ψ_k = φ + δ_k, with δ₀ = 0 and δ_k = −2π(f₁ + … + f_k) for the loop
    fluxes f in units of Φ₀. With inductance ψ_k is the root of

        ψ_k + 2π L_k I_k(ψ_k) = φ + δ_k,

    L_k in Φ₀ per unit of current (see `units.inductance`). The root must be unique,
    2π L_k I_k'(ψ) > −1 everywhere; otherwise critical currents are NaN with the status
    `MULTIVALUED`, since they then depend on the history of the bias.

    Args:
        branches: one or more phase-biased devices, all with the same unit of current.
        flux: loop fluxes (Φ₀), N−1 numbers, or one number for one loop. Loop k lies between
            branches k−1 and k.
        inductance: branch inductances L_k ≥ 0, N numbers, or None.

    Raises:
        ValueError: no branches, a branch that is no device, wrong lengths, non-finite numbers.

    Warns:
        UserWarning: no inductance reaches 2πL I_c = 1e-6, as when they are in henries.
    """

    branches: tuple[AbstractPhaseBiased, ...]
    flux: Float[Array, " loops"] = parameter(unit="Φ₀", label="flux")
    inductance: Float[Array, " branches"] | None = parameter(
        at_least=0.0, unit="Φ₀/current", label="inductance"
    )

    def __init__(
        self,
        branches: Sequence[AbstractPhaseBiased],
        flux: Numbers,
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
        self.flux = self._checked("flux", fluxes[None] if fluxes.ndim == 0 else fluxes)
        loops = len(branches) - 1
        _checks.require_length("flux", self.flux, loops, f"loops of {len(branches)} branches")
        self.inductance = None
        if inductance is not None:
            self.inductance = self._checked("inductance", inductance)
            _checks.require_length("inductance", self.inductance, len(branches), "one per branch")
            warn_of_henries("inductance", self.inductance, self)

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
        return cls(branches, flux, inductance)

    def branch_phases(self, phase: Float[Array, "..."]) -> Float[Array, "... branches"]:
        """Junction phases ψ_k at a total phase φ, inductances taken into account."""
        return self._over_branches(_junction_phase, phase)

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.sum(self._over_branches(_current, phase), axis=-1)

    def prepared(self) -> "Squid":
        branches = tuple(branch.prepared() for branch in self.branches)
        return eqx.tree_at(lambda squid: squid.branches, self, branches)

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        phases, widths = [], []
        for k, branch in enumerate(self.branches):
            position, width = branch.kinks()
            if self.inductance is not None:
                # Seen through its inductance a kink lies elsewhere and is sharper.
                seen = partial(_total_phase, args=(branch, self.inductance[k]))
                position, slope = jax.vmap(partial(value_and_slope, seen))(position)
                width = width * jnp.clip(slope, 1e-6, 1.0)
            phases.append(position - self._offsets()[k])
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
        slopes = self._over_branches(_steepest_fall, jnp.zeros(()))
        multivalued = jnp.where(jnp.min(slopes) > 0, Status.CONVERGED, Status.MULTIVALUED)
        return jnp.maximum(jnp.max(codes), multivalued.astype(jnp.int32))

    def _offsets(self):
        return jnp.concatenate([jnp.zeros(1), -2 * jnp.pi * jnp.cumsum(self.flux)])

    def _over_branches(self, function, phase):
        """function(branch, inductance, φ + δ) for every branch, stacked on the last axis.

        Branches of one kind and shape are stacked and traced once, whatever their number.
        """
        phase = jnp.asarray(phase, float)
        shifted = phase[..., None] + self._offsets()
        inductance = self.inductance
        groups = _alike(self.branches)
        results = []
        for members in groups:
            index = jnp.array(members)
            alike = jax.tree.map(lambda *x: jnp.stack(x), *(self.branches[k] for k in members))
            each = None if inductance is None else inductance[index]
            over = (0, None if each is None else 0, -1)
            results.append(jax.vmap(function, over, -1)(alike, each, shifted[..., index]))
        order = [k for members in groups for k in members]
        return jnp.concatenate(results, axis=-1)[..., jnp.array(order).argsort()]


def warn_of_henries(name: str, inductance: Array, squid: Squid) -> None:
    """Say so where inductances change nothing: they are then most likely in henries."""
    leaves = (inductance, *jax.tree.leaves(squid))
    if not all(_checks.is_concrete(leaf) for leaf in leaves):
        return
    critical = np.array([float(branch.magnitude()) for branch in squid.branches])
    given = np.abs(np.asarray(inductance))
    screening = 2 * np.pi * given * (critical if given.size == critical.size else critical.sum())
    small = (screening > 0) & (screening < _UNSEEN)
    if small.any() and not (screening >= _UNSEEN).any():
        warnings.warn(
            f"{name} {given[small][0]:.3g} makes 2 pi L I_c = {screening[small][0]:.1g} only, "
            "which changes nothing: it is in flux quanta per unit of current (units.inductance "
            "converts from henries), or leave it out",
            stacklevel=5,  # past equinox, to the line that builds it
        )


def _alike(branches):
    """Indices of branches grouped by structure and shapes."""
    groups = {}
    for k, branch in enumerate(branches):
        leaves, structure = jax.tree.flatten(branch)
        groups.setdefault((structure, tuple(map(jnp.shape, leaves))), []).append(k)
    return list(groups.values())


def _current(branch, inductance, phase):
    return branch.current(_junction_phase(branch, inductance, phase))


def _total_phase(psi, args):
    """φ + δ of a branch as an explicit function of its junction phase ψ."""
    branch, inductance = args
    return psi + 2 * jnp.pi * inductance * branch.current(psi)


def _phase_grid(branch):
    kinks, widths = branch.kinks()
    return clustered_grid(kinks, widths, branch.samples_per_period())


def _steepest_fall(branch, inductance, _):
    """Smallest d(φ + δ)/dψ: the relation is single-valued while this is positive.

    Slopes are taken on a grid fine enough for the harmonics and at the kinks themselves;
    differences catch a jump, where no slope shows it.
    """
    kinks, widths = branch.kinks()
    grid = clustered_grid(kinks, widths, 8 * branch.samples_per_period())
    grid = jnp.sort(jnp.concatenate([grid, jnp.mod(kinks, 2 * jnp.pi)]))
    total = partial(_total_phase, args=(branch, inductance))
    phase, slope = jax.vmap(partial(value_and_slope, total))(grid)
    return jnp.minimum(jnp.min(slope), jnp.min(jnp.diff(phase) + 1e-14))


def _junction_phase(branch, inductance, phase):
    """ψ with ψ + 2πL I(ψ) = phase."""
    if inductance is None:
        return phase
    args = (branch, inductance)
    frozen = jax.lax.stop_gradient(args)
    # A table of the explicit inverse relation brackets every root.
    known = _phase_grid(frozen[0])
    known = jnp.concatenate([known, known[:1] + 2 * jnp.pi])
    table = jax.vmap(lambda psi: _total_phase(psi, frozen))(known)

    def solve(target):
        turns = jax.lax.stop_gradient(jnp.floor((target - table[0]) / (2 * jnp.pi)))
        reduced = target - 2 * jnp.pi * turns
        below = jnp.searchsorted(table, jax.lax.stop_gradient(reduced), side="right") - 1
        below = jnp.clip(below, 0, known.size - 2)
        root = increasing_root(
            lambda psi, a: _total_phase(psi, a[0]) - a[1],
            (args, reduced),
            known[below],
            known[below + 1],
            steps=8,
        )
        return root + 2 * jnp.pi * turns

    return jax.vmap(solve)(phase.ravel()).reshape(phase.shape)
