"""Short ballistic junctions whose Cooper pairs carry a momentum: the universal Josephson diode.

Source: Davydova, Prembabu, Fu, Sci. Adv. 8, eabo0309 (2022), for transparency 1; any transparency
by the Green function of a short junction.
"""

import warnings
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .. import _checks
from .._checks import Numbers
from ..core.device import AbstractPhaseBiased
from ..core.parameters import parameter
from ..numerics.matsubara import COLDEST, matsubara_rule
from .modes import gap_and_temperature, per_mode, warmed

_BARE = 40.0  # (1 − |d|)Δ/k_BT from which the continuum is that of T = 0, to e^{−40}
_HOTTEST = 1e60  # k_BT/Δ from which the current is 0 to any digit


class BallisticJunction(AbstractPhaseBiased):
    """Short junction of one or more channels whose Cooper pairs have a momentum q.

    Δ ∝ e^{iqx} on both sides shifts the energies of right movers by ∓dΔ, d = ħv_F q/2Δ:

        I(φ) = −8(k_BT/Δ) Σ_m A_m τ_m Σ_{ω>0} Im(α²e^{iφ})/W,  α = z − √(z² − 1), z = iω + d_m,
        W = 1 + |α|⁴ + 2(1 − τ)|α|² − 2τ Re(α²e^{iφ}),

    ω Matsubara frequencies in Δ. d = 0 is `AndreevModes`. At τ = 1, T = 0 and |d| < 1
    I = A[sin(φ/2) sgn(cos(φ/2) − d) + 2d/π], so I₊ = A[√(1−d²) + 2d/π], I₋ = A[1 − 2d/π], and
    η has its maximum 4/π² at d = 4π/(π² + 4). To 1e-13 of A at any temperature (1e-8 at T = 0
    within 1e-8 of |d| = 1).

    Args:
        amplitude: A_m = eΔ/ħ in the unit of the currents times the weight of the channel, ≥ 0.
        transparency: τ_m in [0, 1].
        momentum: d_m = ħv_F q/2Δ(T) of the channel, v_F its velocity along the current; positive
            where q points along a positive current.
        gap, temperature: as of `AndreevModes`; both may be left out at T = 0.

    Shapes: amplitude, transparency and momentum are numbers or broadcast to one array over modes.

    Raises:
        ValueError: numbers outside their ranges, lists of unequal length, a temperature without
            the gap that gives its unit.

    Warns:
        UserWarning: |d| > 1, where the superconductor is gapless: such a momentum reduces Δ
            itself, which the formula takes as given.

    Example:
        >>> junction = jd.BallisticJunction(1, 1, momentum=0.3)
        >>> found = jd.critical_currents(junction)
        >>> print(f"{found.plus:.10f} {found.minus:.10f}")
        1.1449251331 0.8090140683
        >>> warm = jd.BallisticJunction(1, 0.9, momentum=0.6, gap=0.18, temperature=0.018)  # meV
        >>> slope = jax.grad(lambda device: jd.critical_currents(device).plus)(warm)
        >>> print(f"{slope.momentum[0]:.6f}")
        -0.300731
    """

    papers: ClassVar[tuple[str, ...]] = ("davydova2022",)

    amplitude: Float[Array, " modes"] = parameter(
        at_least=0.0, unit="current", label="amplitude eΔ/ħ"
    )
    transparency: Float[Array, " modes"] = parameter(
        at_least=0.0, at_most=1.0, label="transparency"
    )
    momentum: Float[Array, " modes"] = parameter(label="pair momentum ħv_F q/2Δ")
    gap: Float[Array, ""] | None = parameter(above=0.0, label="gap")
    temperature: Float[Array, ""] | None = parameter(at_least=0.0, label="temperature")

    def __init__(
        self,
        amplitude: Numbers,
        transparency: Numbers,
        *,
        momentum: Numbers,
        gap: Numbers | None = None,
        temperature: Numbers = 0.0,
    ):
        self.amplitude, self.transparency, self.momentum = per_mode(
            self, amplitude=amplitude, transparency=transparency, momentum=momentum
        )
        self.gap, self.temperature = gap_and_temperature(self, gap, temperature)
        if _checks.is_concrete(self.momentum) and np.any(np.abs(self.momentum) > 1):
            largest = float(np.max(np.abs(self.momentum)))
            warnings.warn(
                f"momentum {largest:.4g} is beyond 1: the superconductor is gapless, and its gap, "
                "which such a momentum reduces, is taken as given",
                stacklevel=4,  # past equinox, to the line that builds it
            )

    @classmethod
    def planar(
        cls,
        amplitude: Numbers,
        transparency: Numbers,
        *,
        momentum: Numbers,
        channels: int = 16,
        gap: Numbers | None = None,
        temperature: Numbers = 0.0,
    ) -> "BallisticJunction":
        """A wide contact in two dimensions: all angles θ, with d cos θ and the weight cos θ/2.

        Channels at the nodes of a Gauss–Radau rule in θ, which holds θ = 0. At τ = 1 and T = 0
        extrema that lie before or behind all jumps, as the largest currents do, are those of all
        angles; between the jumps I(φ) has one step per channel.

        Args:
            amplitude: eΔ/ħ in the unit of the currents, of all angles together.
            transparency, momentum, gap, temperature: single numbers; d is that of θ = 0.
            channels: how many angles.

        Example:
            >>> contact = jd.BallisticJunction.planar(1, 1, momentum=0.8)
            >>> print(f"{jd.diode_efficiency(contact):.8f}")  # the largest: ¼ at d = 0.8
            0.25000000
        """
        angle, weight = _radau(_checks.whole_number("channels", channels, at_least=1))
        cosine = np.cos(np.pi / 4 * (angle + 1))
        share = np.pi / 4 * weight * cosine
        whole = _checks.real_array("amplitude", amplitude, ndim=0, at_least=0.0)
        forward = _checks.real_array("momentum", momentum, ndim=0)
        return cls(
            whole * (share / share.sum()),
            transparency,
            momentum=forward * cosine,
            gap=gap,
            temperature=temperature,
        )

    def at_reduced_temperature(self, reduced_temperature: Numbers) -> "BallisticJunction":
        """The same junction at T = t T_c: the gap, amplitudes and momenta ħv_F q/2Δ follow it.

        Amplitudes, momenta and the gap of this device are taken as those of T = 0, whatever its
        temperature; without a gap energies are in k_BT_c from then on. q itself stays. From t = 1
        on no current flows.

        Δ(T) is that of a superconductor at rest, as where the leads only induce it. In one that
        carries q itself the gap falls faster with T, and it is normal before T_c: in one dimension
        and at d = 0.5 for T = 0 by 7 % at t = 0.4, 40 % at 0.7, and to 0 below 0.9.

        Args:
            reduced_temperature: t = T/T_c ≥ 0.

        Example:
            >>> cold = jd.BallisticJunction(1, 0.95, momentum=0.5)
            >>> for t in (0.1, 0.4, 0.7):
            ...     print(f"{jd.diode_efficiency(cold.at_reduced_temperature(t)):.6f}")
            0.134818
            0.046793
            0.012617
        """
        share, safe, gap, temperature = warmed(self.gap, reduced_temperature)
        return BallisticJunction(
            self.amplitude * share,
            self.transparency,
            momentum=self.momentum / safe,
            gap=gap,
            temperature=temperature,
        )

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        tau, d, warmth = self.transparency, self.momentum, self._warmth()
        modes = jnp.mod(phase, 2 * jnp.pi)[..., None]  # the level below has the period 4π
        summed = _matsubara_sum(modes, tau, d, warmth)
        # The level of a transparent mode crosses 0: there the sum is exact but for noise in its
        # derivatives, and the continuum adds 2d/π alone. What the level does not know is how it
        # changes with τ: the difference of two sums, of equal value.
        bare = jnp.where(warmth > COLDEST, _BARE * warmth, 0.0)
        crosses = (tau == 1) & (bare <= 1 - jnp.abs(d))
        level = jnp.sin(modes / 2) * jnp.tanh((jnp.cos(modes / 2) - d) / (2 * warmth))
        frozen = _matsubara_sum(modes, jax.lax.stop_gradient(tau), d, warmth)
        exact = level + 2 * d / jnp.pi + (summed - frozen)
        return jnp.sum(self.amplitude * jnp.where(crosses, exact, summed), axis=-1)

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        # |d| > 1: no level passes 0 any more, the turn at phase 0 is that of the band's edge.
        d = self.momentum
        gapped = jnp.abs(d) < 1
        phase = jnp.where(gapped, 2 * jnp.arccos(jnp.where(gapped, d, 0.0)), 0.0)
        excess = jnp.where(gapped, 0.0, (jnp.abs(d) - 1) * (jnp.abs(d) + 1))
        width = jnp.sqrt(jnp.maximum(1 - self.transparency, 0.0) + excess)
        warmth = self._warmth()
        return phase, jnp.maximum(width, jnp.where(warmth > COLDEST, warmth, 0.0))

    def magnitude(self) -> Float[Array, ""]:
        occupation = jnp.tanh(1 / (2 * self._warmth()))
        return jnp.sum(self.amplitude * self.transparency * occupation)

    def _warmth(self):
        """k_BT/Δ, with a floor that no phase tells from 0."""
        if self.gap is None or self.temperature is None:
            return jnp.asarray(COLDEST)
        cold = self.temperature <= COLDEST * self.gap
        warmth = jnp.minimum(self.temperature / self.gap, _HOTTEST)
        return jnp.where(cold, COLDEST, warmth)


def _matsubara_sum(phase, tau, d, warmth):
    """I(φ) of every mode in eΔ/ħ; modes are the last axis."""
    y, weight = matsubara_rule(warmth, 2 * (1 + jnp.max(jnp.abs(d))))
    omega = 2 * jnp.pi * warmth * y
    tau, d = tau[:, None], d[:, None]
    # iω + d = cosh(u + iv), α = e^{−u−iv}: nothing cancels, however close to a level.
    inside = (1 - d) * (1 + d) - omega**2
    large = (jnp.abs(inside) + jnp.sqrt(inside**2 + 4 * omega**2)) / 2
    small = omega**2 / large
    sinh_squared = jnp.where(inside > 0, small, large)
    sine = jnp.sqrt(jnp.where(inside > 0, large, small))
    cosine = d / jnp.sqrt(1 + sinh_squared)
    s, c = jnp.sin(phase / 2)[..., None], jnp.cos(phase / 2)[..., None]
    half_sine, half_cosine = s * cosine - c * sine, c * cosine + s * sine  # of φ/2 − v
    square = sinh_squared + (1 - tau) + tau * half_sine**2  # W/4|α|²
    terms = weight * (tau * half_sine * half_cosine / square)
    return -4 * warmth * jnp.sum(terms, axis=-1)


def _radau(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes in [−1, 1), −1 the first, and weights of the Gauss–Radau rule."""
    legendre = np.polynomial.legendre
    if count == 1:
        return np.full(1, -1.0), np.full(1, 2.0)
    before, last = (np.eye(count + 1)[k] for k in (count - 1, count))
    nodes = np.sort(legendre.legroots(before + last))
    nodes[0] = -1.0
    weight = (1 - nodes) / (count * legendre.legval(nodes, before)) ** 2
    weight[0] = 2 / count**2
    return nodes, weight
