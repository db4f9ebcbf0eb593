"""Interfaces described by what they do: transmission, polarization, and spin mixing."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .... import _checks
from ...._checks import Numbers
from ....core.parameters import parameter
from ....numerics.matrices import complexified
from .base import AbstractInterface, Segment, rotation

# Transmission and reflection are kept this far from 0, where their square roots have no slope.
_CLOSED, _OPEN = 1e-24, 1e-12


class SpinActiveContact(AbstractInterface):
    """An interface whose channels are all alike: one S-matrix, by its phenomenological parameters.

    For spins s = ± along its moment the transmission is t_s² = T(1 ± P), and reflected electrons
    gain the phases ±ϑ/2 on either side,

        S_s = [[ r_s e^{isϑ_S/2},            t_s e^{is(ϑ_S+ϑ_N)/4} ],
               [ t_s e^{is(ϑ_S+ϑ_N)/4},     −r_s e^{isϑ_N/2}       ]].

    Without polarization and mixing it is Nazarov's connector of transmission T; as T → 0 at a given
    conductance κT the condition of Kupriyanov and Lukichev, and with small ϑ the spin-mixing term
    of tunnelling conditions, G_φ/G_T = ϑ/T. Any transmission and any phase is allowed here.

    Source: Eschrig, Cottet, Belzig and Linder, New J. Phys. 17, 083037 (2015); Ouassou, Pal,
    Blamire, Eschrig and Linder, Sci. Rep. 7, 1932 (2017).

    Args:
        transmission: T, mean of both spins, above 0; T(1 + |P|) may not exceed 1.
        polarization: P of the transmission, from −1 to 1.
        mixing: ϑ_S, spin-mixing angle on the superconductor's side (radians).
        mixing_link: ϑ_N, on the other side.
        polar: angle of the moment from the spin axis of the link.
        azimuth: angle of the moment around that axis; only the difference of two contacts matters.

    Raises:
        ValueError: a transmission that is not positive or above 1 for one spin, |P| > 1.

    Example:
        >>> contact = jd.usadel.SpinActiveContact(0.5, polarization=0.6, mixing=0.8)
        >>> both = contact.transmission * (1 + np.array([1.0, -1.0]) * contact.polarization)
        >>> print(f"{both[0]:.2f} {both[1]:.2f}")  # ↑ and ↓
        0.80 0.20
        >>> jd.usadel.SpinActiveContact(0.7, polarization=0.6)
        Traceback (most recent call last):
            ...
        ValueError: transmission times 1 + |polarization| must be at most 1...
    """

    transmission: Float[Array, ""] = parameter(above=0.0, at_most=1.0, label="transmission T")
    polarization: Float[Array, ""] = parameter(at_least=-1.0, at_most=1.0, label="polarization P")
    mixing: Float[Array, ""] = parameter(unit="rad", label="spin mixing ϑ_S")
    mixing_link: Float[Array, ""] = parameter(unit="rad", label="spin mixing ϑ_N")
    polar: Float[Array, ""] = parameter(unit="rad", label="polar angle")
    azimuth: Float[Array, ""] = parameter(unit="rad", label="azimuth")

    def __init__(
        self,
        transmission: Numbers,
        polarization: Numbers = 0.0,
        *,
        mixing: Numbers = 0.0,
        mixing_link: Numbers = 0.0,
        polar: Numbers = 0.0,
        azimuth: Numbers = 0.0,
    ):
        self.transmission = self.checked("transmission", transmission)
        self.polarization = self.checked("polarization", polarization)
        self.mixing = self.checked("mixing", mixing)
        self.mixing_link = self.checked("mixing_link", mixing_link)
        self.polar = self.checked("polar", polar)
        self.azimuth = self.checked("azimuth", azimuth)
        largest = self.transmission * (1 + abs(self.polarization))
        if _checks.is_concrete(largest) and largest > 1 + 1e-12:
            raise ValueError(
                "transmission times 1 + |polarization| must be at most 1, got transmission "
                f"{self.transmission:g} and polarization {self.polarization:g}"
            )

    def channels(self, squared_momenta: Float[Array, "2"], points: int) -> tuple[Segment, ...]:
        del squared_momenta, points
        spin = jnp.array([1.0, -1.0])
        open_part = self.transmission * (1 + spin * self.polarization)
        through = open_part * (1 - _OPEN) + _CLOSED
        t, r = jnp.sqrt(through), jnp.sqrt(1 - through)
        here, there = spin * self.mixing / 2, spin * self.mixing_link / 2
        across = _phase((here + there) / 2) * complexified(t)
        blocks = [
            [_phase(here) * complexified(r), across],
            [across, -_phase(there) * complexified(r)],
        ]
        axes = rotation(self.polar)
        turned = [[axes @ (x[:, None] * axes.T.conj()) for x in row] for row in blocks]
        return (Segment(jnp.block(turned)[..., None], jnp.ones(1)),)


def _phase(angle):
    return jax.lax.complex(jnp.cos(angle), jnp.sin(angle))
