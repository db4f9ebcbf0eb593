"""The phase that a field writes along a junction between narrow thin films."""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ... import _checks
from ..._checks import Numbers

_TERMS = 26
_ZETA = 1.2020569031595942854  # ζ(3)


def strip_phase(x: Numbers) -> Float[Array, "..."]:
    """g(x), odd: the phase along x ∈ [−½, ½] of a junction across a thin strip is 2πb g(x).

    g(x) = (8/π³) Σ_{n odd} (−1)^{(n−1)/2} sin(nπx)/n³, b = Bw²/Φ₀: Laplace's problem of the
    screening currents in banks longer than their width w, which is far below the Pearl length.
    g(½) = 7ζ(3)/π³.

    Example:
        >>> from jaxdiode.devices.extended.strip import strip_phase
        >>> print(f"{strip_phase(0.5):.10f}")
        0.2713772572
    """
    place = _checks.real_array("x", x)
    # Σ cos(ny)/n³ over odd n by its series about y = 0, y = π(½ − |x|): no tail at the ends.
    half = jnp.pi * (0.5 - jnp.abs(place)) / 2
    safe = jnp.where(half > 0, half, 1.0)
    power = jnp.ones_like(half)
    total = jnp.zeros_like(half)
    for coefficient in _SERIES:
        power = power * half**2
        total = total + coefficient * power * half**2
    value = 7 * _ZETA / 8 + half**2 * (jnp.log(safe) - 1.5) + 2 * total
    return jnp.sign(place) * 8 / jnp.pi**3 * value


def _bernoulli(count: int) -> list[float]:
    """|B_2k|/(2k)! = 2 ζ(2k)/(2π)^{2k}, k = 1 … count."""
    later = [math.fsum(n ** -(2.0 * k) for n in range(1, 2000)) for k in range(3, count + 1)]
    zeta = [math.pi**2 / 6, math.pi**4 / 90, *later]
    return [2 * z / (2 * math.pi) ** (2 * k) for k, z in enumerate(zeta, 1)]


# ln tan z = ln z + Σ c_k z^{2k}, c_k = 4^k (2^{2k−1} − 1)|B_2k|/(k (2k)!), integrated twice.
_SERIES = np.array(
    [
        4.0**k * (2.0 ** (2 * k - 1) - 1) * b / k / ((2 * k + 1) * (2 * k + 2))
        for k, b in enumerate(_bernoulli(_TERMS), 1)
    ]
).tolist()
