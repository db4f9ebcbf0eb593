"""Josephson elements: tunnel junctions, series pairs, and any relation by its harmonics.

Source: Gibbons et al., arXiv:2512.14909 (double-loop SQUID), Eqs. (1), (2); currents in any one
unit.
"""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import Numbers
from ..core.device import AbstractPhaseBiased
from ..core.parameters import parameter
from ..gap import tunnel_share
from ..gates import CriticalCurrent, Gate, value_of

_PI = jnp.pi


def _number_or_gate(
    owner: AbstractPhaseBiased, name: str, value: Numbers | Gate | AbstractPhaseBiased
) -> CriticalCurrent:
    if isinstance(value, AbstractPhaseBiased):
        raise ValueError(
            f"{name} must be a critical current or a Gate, got a {type(value).__name__}: "
            "JunctionChain([...]) puts any devices in series"
        )
    return value if isinstance(value, Gate) else owner.checked(name, value, 0)


class TunnelJunction(AbstractPhaseBiased):
    """Sinusoidal junction, I(φ) = I_c sin φ.

    Args:
        critical_current: I_c ≥ 0, or a `Gate`.

    Example:
        >>> junction = jd.TunnelJunction(100)
        >>> print(f"{junction.current(jnp.array(np.pi / 6)):.6f}")
        50.000000
        >>> print(f"{jd.critical_currents(junction).plus:.6f}")
        100.000000
    """

    critical_current: CriticalCurrent = parameter(
        at_least=0.0, unit="current", label="critical current"
    )

    def __init__(self, critical_current: Numbers | Gate):
        self.critical_current = _number_or_gate(self, "critical_current", critical_current)

    def at_reduced_temperature(self, reduced_temperature: Numbers) -> "TunnelJunction":
        """At T = t T_c, by the law of Ambegaokar and Baratoff.

        Example:
            >>> junction = jd.TunnelJunction(100).at_reduced_temperature(0.5)
            >>> print(f"{junction.critical_current:.6f}")
            89.360580
        """
        share = tunnel_share(reduced_temperature)
        return TunnelJunction(share * value_of(self.critical_current))

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        return value_of(self.critical_current) * jnp.sin(phase)

    def magnitude(self) -> Float[Array, ""]:
        return value_of(self.critical_current)


class SeriesJunctions(AbstractPhaseBiased):
    """Two sinusoidal junctions in series, inner phase relaxed to its minimum (Eq. 2).

    I(φ) = 2ab s c / √((a−b)² + 4ab c²), s = sin(φ/2), c = cos(φ/2),
    with a, b the two critical currents; max|I| = min(a, b). The effective transparency is
    ρ = 4ab/(a+b)²; at a = b the current jumps at φ = π. This form keeps full precision there.

    Args:
        first, second: critical currents a, b ≥ 0 of the two junctions, or `Gate`s. For three or
            more junctions, or unlike ones, there is `JunctionChain`.

    Example:
        >>> pair = jd.SeriesJunctions(100, 50)
        >>> found = jd.critical_currents(pair)
        >>> print(f"{found.plus:.6f} at {found.phase_plus / np.pi:.6f} π")
        50.000000 at 0.666667 π
        >>> print(f"{pair.transparency:.6f}")
        0.888889
    """

    papers: ClassVar[tuple[str, ...]] = ("gibbons2025",)

    # An extremum at the kink grows as −|first − second|^(2/3) away from balance.
    first: CriticalCurrent = parameter(
        at_least=0.0, unit="current", label="first critical current", cusp_with="second"
    )
    second: CriticalCurrent = parameter(
        at_least=0.0, unit="current", label="second critical current"
    )

    def __init__(
        self,
        first: Numbers | Gate | AbstractPhaseBiased,
        second: Numbers | Gate | AbstractPhaseBiased,
    ):
        self.first = _number_or_gate(self, "first", first)
        self.second = _number_or_gate(self, "second", second)

    @property
    def transparency(self) -> Float[Array, ""]:
        """Effective transparency ρ = 4ab/(a+b)²."""
        a, b = value_of(self.first), value_of(self.second)
        return 4 * a * b / (a + b) ** 2

    def at_reduced_temperature(self, reduced_temperature: Numbers) -> "SeriesJunctions":
        """Both junctions at T = t T_c, by the law of Ambegaokar and Baratoff."""
        share = tunnel_share(reduced_temperature)
        return SeriesJunctions(share * value_of(self.first), share * value_of(self.second))

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        a, b = value_of(self.first), value_of(self.second)
        s, c = jnp.sin(phase / 2), jnp.cos(phase / 2)
        square = (a - b) ** 2 + 4 * a * b * c**2
        return 2 * a * b * s * c / jnp.sqrt(jnp.where(square > 0, square, 1.0))

    def kinks(self) -> tuple[Float[Array, " k"], Float[Array, " k"]]:
        a, b = value_of(self.first), value_of(self.second)
        product = a * b
        width = jnp.abs(a - b) / jnp.sqrt(jnp.where(product > 0, product, 1.0))
        return jnp.full(1, _PI), jnp.where(product > 0, width, 1.0)[None]

    def magnitude(self) -> Float[Array, ""]:
        return jnp.minimum(value_of(self.first), value_of(self.second))


class Harmonics(AbstractPhaseBiased):
    """Any CPR by its Fourier series, I(φ) = Σₙ sineₙ sin nφ + cosineₙ cos nφ, n = 1, 2, …

    Args:
        sine, cosine: coefficients, arrays of one length (the shorter is padded with zeros).

    Example:
        >>> junction = jd.Harmonics(sine=[100.0], cosine=[0.0, 25.0])  # 100 sin φ + 25 cos 2φ
        >>> found = jd.critical_currents(junction)
        >>> print(f"{found.plus:.6f} {found.minus:.6f} {found.efficiency:.6f}")
        75.000000 125.000000 -0.250000
    """

    sine: Float[Array, " n"] = parameter(unit="current", label="coefficient of sin nφ")
    cosine: Float[Array, " n"] = parameter(unit="current", label="coefficient of cos nφ")

    def __init__(self, sine: Numbers, cosine: Numbers = ()):
        sine, cosine = self.checked("sine", sine), self.checked("cosine", cosine)
        length = max(sine.size, cosine.size)
        if length == 0:
            raise ValueError("sine must hold at least one coefficient, got none")
        self.sine = jnp.pad(sine, (0, length - sine.size))
        self.cosine = jnp.pad(cosine, (0, length - cosine.size))

    def current(self, phase: Float[Array, "..."]) -> Float[Array, "..."]:
        order = jnp.arange(1, self.sine.shape[-1] + 1, dtype=float)
        angle = jnp.asarray(phase)[..., None] * order
        return jnp.sum(self.sine * jnp.sin(angle) + self.cosine * jnp.cos(angle), axis=-1)

    def magnitude(self) -> Float[Array, ""]:
        return jnp.sum(jnp.abs(self.sine) + jnp.abs(self.cosine))

    def samples_per_period(self) -> int:
        return max(64, 12 * self.sine.shape[-1])
