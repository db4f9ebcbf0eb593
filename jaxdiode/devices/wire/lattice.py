"""The Ginzburg–Landau equation on a chain: order parameter on sites, phases on links.

    ∂_tψ = (ρ/u) R − γ² Re(ψ*R) ψ/(uρ),   R = (ε − |ψ|²)ψ + D²ψ,   ρ = √(1 + γ²|ψ|²),
    ∂_tA = −(j − j_s) − ∂_xμ,             j_s = Im(ψ*Dψ),

with the scalar potential μ free: it is chosen in each step such that the phase of ψ rests at its
begin. A ring has as many links as sites; a wire is a ring whose last link is cut.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from ...numerics.means import smooth_window


class Wire(eqx.Module):
    """A ring or wire on its grid, its current, and the time window of the mean voltage."""

    length: Array
    gamma: Array
    relaxation: Array
    epsilon: Array
    current: Array
    window: Array
    ends: str = eqx.field(static=True)

    @property
    def links(self):
        return self.epsilon.size - (self.ends != "ring")

    @property
    def spacing(self):
        return self.length / self.links

    def position(self):
        return self.spacing * jnp.arange(self.epsilon.size, dtype=float)

    def cut(self, links):
        """Zero on the link that a wire does not have."""
        return links if self.ends == "ring" else links.at[-1].set(0.0)

    def hold(self, points):
        """Zero at the points whose ψ is given."""
        return points if self.ends == "ring" else points.at[jnp.array([0, -1])].set(0.0)


def smooth_gauge(wire, psi, potential):
    """ψ with the phases of the links taken up by it, except whole turns shared out evenly."""
    turns = wire.spacing * potential
    rest = jnp.zeros(())
    if wire.ends != "normal":
        total = jnp.sum(wire.cut(turns))
        rest = (total - 2 * jnp.pi * jnp.round(total / (2 * jnp.pi))) / wire.links
    angle = jnp.cumsum(turns - rest) - (turns - rest)
    return psi * jax.lax.complex(jnp.cos(angle), -jnp.sin(angle)), rest / wire.spacing


def prepare(time, state, args):
    """Bound of the stiffness, and what stays fixed in a step: link phases and gauge."""
    wire, (re, im, potential, _) = args[0], state
    angle = wire.spacing * potential
    most = jnp.max(re**2 + im**2)
    mobility = jnp.sqrt(1 + wire.gamma**2 * most) / wire.relaxation
    local = jnp.max(jnp.abs(wire.epsilon)) + 3 * most
    radius = 1.1 * mobility * (4 / wire.spacing**2 + local) + most
    # The gauge potential that stops the phase, smooth where ψ vanishes.
    still = jnp.zeros_like(re)
    fixed = jax.lax.optimization_barrier((jnp.cos(angle), jnp.sin(angle)))
    moving = wire, *fixed, potential, still, still
    d_re, d_im, _, _ = jax.lax.optimization_barrier(rates(time, state, moving))
    scalar = (re * d_im - im * d_re) / (re**2 + im**2 + 0.01 * most + 1e-30)
    field = wire.cut(jnp.roll(scalar, -1) - scalar) / wire.spacing
    return radius, (*moving[:4], *jax.lax.optimization_barrier((scalar, field)))


def _link(wire, potential, cos, sin, reference):
    """Cosine and sine of the link phases from those at the begin of the step.

    tan of half the turn by its series: a modulus of exactly 1, without a slow call per stage.
    """
    half = (potential - reference) * (wire.spacing / 2)
    square = half * half
    tan = half * (1 + square * (1 / 3 + square * (2 / 15)))
    scale = 1 / (1 + tan * tan)
    c, s = (1 - tan * tan) * scale, 2 * tan * scale
    return cos * c - sin * s, sin * c + cos * s


def _ahead(wire, re, im, cos, sin):
    """The next ψ, brought back over the link, and the supercurrent of the link."""
    next_re, next_im = jnp.roll(re, -1), jnp.roll(im, -1)
    to_re, to_im = cos * next_re + sin * next_im, cos * next_im - sin * next_re
    return to_re, to_im, (re * to_im - im * to_re) / wire.spacing


def rates(time, state, args):
    wire, cos, sin, reference, scalar, field = args
    re, im, potential, _ = state
    h, u, square = wire.spacing, wire.relaxation, wire.gamma**2
    cos, sin = _link(wire, potential, cos, sin, reference)
    ahead_re, ahead_im, supercurrent = _ahead(wire, re, im, cos, sin)
    behind_re = jnp.roll(cos * re - sin * im, 1)
    behind_im = jnp.roll(cos * im + sin * re, 1)
    density = re * re + im * im
    local = wire.epsilon - density - 2 / h**2
    r_re = local * re + (ahead_re + behind_re) / h**2
    r_im = local * im + (ahead_im + behind_im) / h**2
    rho = jnp.sqrt(1 + square * density)
    pull = square * (re * r_re + im * r_im) / rho
    d_re = wire.hold((rho * r_re - pull * re) / u + scalar * im)
    d_im = wire.hold((rho * r_im - pull * im) / u - scalar * re)
    normal = wire.cut(wire.current - supercurrent)
    begin, end = wire.window[0], wire.window[1]
    part = jnp.clip((time - begin) / (end - begin), 0.0, 1.0)
    # Over the window, and over both halves of it.
    halves = smooth_window(2 * part) * jnp.array([part < 0.5, part >= 0.5], float)
    weight = jnp.concatenate([smooth_window(part)[None], halves])
    voltage = jnp.sum(normal) / wire.links
    return d_re, d_im, -normal - field, weight[:, None] * jnp.stack([voltage, jnp.ones(())])


def observe(time, state, args):
    """|ψ|, V, and the turns of the phase that the supercurrent has wound up."""
    del time
    wire, (re, im, potential, _) = args[0], state
    angle = wire.spacing * potential
    ahead_re, ahead_im, supercurrent = _ahead(wire, re, im, jnp.cos(angle), jnp.sin(angle))
    difference = jnp.arctan2(wire.spacing * supercurrent, re * ahead_re + im * ahead_im)
    winding = jnp.sum(wire.cut(difference + angle)) / (2 * jnp.pi)
    voltage = jnp.sum(wire.cut(wire.current - supercurrent)) / wire.links
    return jnp.sqrt(re**2 + im**2), voltage, winding
