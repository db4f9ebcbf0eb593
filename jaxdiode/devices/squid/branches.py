"""What a branch of an interferometer does behind its inductance."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...circuits.relations import grouped
from ...core.device import DirectRelation
from ...numerics.extrema import clustered_grid
from ...numerics.roots import increasing_root, value_and_slope

Inductance = Float[Array, ""] | None


class ParallelRelation(DirectRelation):
    """The relation of a SQUID."""

    def current_in_lanes(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        """`current`, branch after branch: side by side they would stand where the lanes should."""
        squid: Any = self.device
        if squid.inductance is not None:
            return squid.current(phase)
        offsets, total = squid.branch_offsets(), jnp.zeros_like(phase)

        def add(total, member):
            branch, offset = member
            return total + branch.current(phase + offset), None

        for stacked, members in zip(*grouped(squid.branches), strict=True):
            # What is scanned over is a number when it is added. XLA would contract a product 2πf
            # with the phase, in one of its uses and not in another: next to a jump that is seen.
            total, _ = jax.lax.scan(add, total, (stacked, offsets[jnp.array(members)]))
        return total


def branch_current(branch, inductance, phase):
    return branch.current(junction_phase(branch, inductance, phase))


def total_phase(psi, args):
    """φ + δ of a branch as an explicit function of its junction phase ψ."""
    branch, inductance = args
    return psi + 2 * jnp.pi * inductance * branch.current(psi)


def _phase_grid(branch):
    kinks, widths = branch.kinks()
    return clustered_grid(kinks, widths, branch.samples_per_period())


def steepest_fall(branch, inductance, _):
    """Smallest d(φ + δ)/dψ: the relation is single-valued while this is positive.

    Slopes are taken on a grid fine enough for the harmonics and at the kinks themselves;
    differences catch a jump, where no slope shows it.
    """
    kinks, widths = branch.kinks()
    grid = clustered_grid(kinks, widths, 8 * branch.samples_per_period())
    grid = jnp.sort(jnp.concatenate([grid, jnp.mod(kinks, 2 * jnp.pi)]))
    total = partial(total_phase, args=(branch, inductance))
    phase, slope = jax.vmap(partial(value_and_slope, total))(grid)
    return jnp.minimum(jnp.min(slope), jnp.min(jnp.diff(phase) + 1e-14))


def junction_phase(branch, inductance, phase):
    """ψ with ψ + 2πL I(ψ) = phase."""
    if inductance is None:
        return phase
    args = (branch, inductance)
    frozen = jax.lax.stop_gradient(args)
    # A table of the explicit inverse relation brackets every root.
    known = _phase_grid(frozen[0])
    known = jnp.concatenate([known, known[:1] + 2 * jnp.pi])
    table = jax.vmap(lambda psi: total_phase(psi, frozen))(known)

    def solve(target):
        turns = jax.lax.stop_gradient(jnp.floor((target - table[0]) / (2 * jnp.pi)))
        reduced = target - 2 * jnp.pi * turns
        below = jnp.searchsorted(table, jax.lax.stop_gradient(reduced), side="right") - 1
        below = jnp.clip(below, 0, known.size - 2)
        root = increasing_root(
            lambda psi, a: total_phase(psi, a[0]) - a[1],
            (args, reduced),
            known[below],
            known[below + 1],
            steps=8,
        )
        return root + 2 * jnp.pi * turns

    return jax.vmap(solve)(phase.ravel()).reshape(phase.shape)


def kinks_seen(branch, inductance: Inductance) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
    """A branch's kinks in the total phase: through its inductance they lie elsewhere, sharper."""
    position, width = branch.kinks()
    if inductance is None:
        return position, width
    seen = partial(total_phase, args=(branch, inductance))
    position, slope = jax.vmap(partial(value_and_slope, seen))(position)
    return position, width * jnp.clip(slope, 1e-6, 1.0)
