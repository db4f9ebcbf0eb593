"""How fabricated devices scatter around the one that was drawn: distributions of parameters."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ... import _checks
from ...core.device import AbstractDevice
from ...core.paths import (
    Target,
    allowed_range,
    elements_of,
    match_names,
    owner_of,
    values_at,
    with_values,
)
from ..space import Space
from .members import Member, Relative, member_of

if TYPE_CHECKING:
    from ..posterior.result import Posterior

Device = TypeVar("Device", bound=AbstractDevice)

_TOLERANCE = 1e-10  # of an eigenvalue that is zero but for rounding


class Placement(eqx.Module):
    """Where the random numbers of a spread go in one device.

    Attributes:
        targets: of the parameters that scatter.
        drawn: the numbers are values of parameters, not standard normal.
        logarithms, shifts: (parameters, numbers), standard deviations of ln x and of x.
        drop: what keeps the mean, in ln x.
        lowest, highest: what the parameters may be.
    """

    targets: tuple[Target, ...] = eqx.field(static=True)
    drawn: bool = eqx.field(static=True)
    logarithms: Float[np.ndarray | Array, "parameters numbers"]
    shifts: Float[np.ndarray | Array, "parameters numbers"]
    drop: Float[np.ndarray | Array, " parameters"]
    lowest: Float[np.ndarray | Array, " parameters"]
    highest: Float[np.ndarray | Array, " parameters"]

    def device(
        self, device: Device, numbers: Float[Array, " numbers"], scattered: Bool[Array, ""]
    ) -> tuple[Device, Bool[Array, ""]]:
        """The device that these numbers make, and whether it is one that can be; else itself."""
        present = values_at(device, self.targets)
        if self.drawn:
            moved = self.shifts @ numbers
        else:
            moved = present * jnp.exp(self.logarithms @ numbers - self.drop) + self.shifts @ numbers
        moved = jnp.where(scattered, moved, present)
        kept = jnp.clip(moved, self.lowest, self.highest)
        return with_values(device, [(at,) for at in self.targets], kept), jnp.all(
            (kept == moved) | ~scattered
        )


class Spread:
    """A distribution of devices around any device: what fabrication and cool-downs do to it.

    Args:
        members: {name: how it scatters}. Names are paths as in `Space`, a name of several
            parameters gives each its own random number. "5 %" is log-normal scatter around the
            device's value as median (`tolerance.Relative`), a number is the standard deviation
            of a normal one in the parameter's unit (`tolerance.Absolute`), a table such as
            {"deviation": "5 %", "common": True} says more of either, a tuple holds several
            that add, as do names that overlap. Or a `Posterior`: its parameters take the values
            of its draws, all others stay as they are.
        correlation: {(name, other name): correlation of their random numbers}, each −1 to 1; of
            single parameters that scatter in one way of their own.

    Raises:
        ValueError: nothing that scatters, a deviation that is negative or not finite, a
            correlation outside −1 to 1, of unknown names, or that no distribution has.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> spread = jd.Spread({"branches": "5 %", "flux": 0.01})
        >>> devices = spread.devices(squid, 3, key=0)
        >>> print(len(devices), round(float(devices[0].branches[0].first)))
        3 101
    """

    def __init__(
        self,
        members: "Mapping[str, Any] | Posterior",
        *,
        correlation: Mapping[tuple[str, str], float] | None = None,
    ):
        from ..posterior.result import Posterior

        self.posterior = members if isinstance(members, Posterior) else None
        self.members: dict[str, tuple[Member, ...]] = {}
        self.correlation: dict[tuple[str, str], float] = {}
        if self.posterior is not None:
            if correlation:
                raise ValueError("correlation must be left out of a posterior, which has its own")
            return
        if not isinstance(members, Mapping) or not members:
            raise ValueError(f"members must be {{name: scatter}} or a Posterior, got {members!r}")
        for name, given in members.items():
            several = given if isinstance(given, tuple | list) else (given,)
            self.members[name] = tuple(member_of(name, one) for one in several)
            if not self.members[name]:
                raise ValueError(f"spread of {name!r} must say how it scatters, got {given!r}")
        if correlation is not None and not isinstance(correlation, Mapping):
            raise ValueError(f"correlation must be {{(name, name): number}}, got {correlation!r}")
        self.correlation = dict(map(_correlation, (correlation or {}).items()))

    def __repr__(self) -> str:
        if self.posterior is not None:
            return f"Spread(posterior of {', '.join(self.posterior.space.names)})"
        inside = {name: m[0] if len(m) == 1 else m for name, m in self.members.items()}
        more = f", correlation={self.correlation}" if self.correlation else ""
        return f"Spread({inside}{more})"

    def numbers(
        self, device: AbstractDevice, count: int, key: int, *, even: bool = False
    ) -> Float[np.ndarray, "count numbers"]:
        """Random numbers of that many devices: standard normal ones, or draws of the posterior.

        Args:
            device: any device whose parameters scatter.
            count: of devices.
            key: seed, a whole number.
            even: from a scrambled Sobol sequence, which fills the space more evenly than chance:
                for one sample that a search keeps. Its errors are smaller than those of
                independent numbers and do not follow from the scatter of its values.
        """
        _checks.whole_number("count", count)
        _checks.whole_number("key", key, at_least=0)
        generator = np.random.default_rng(key)
        if self.posterior is not None:
            draws = self.posterior.flat[:, : len(self.posterior.space.names)]
            several = generator.permuted(np.arange(-(-count // len(draws)) * len(draws)))
            return draws[several[:count] % len(draws)]
        size = self.place(device).logarithms.shape[1]
        if even:
            from scipy.special import ndtri
            from scipy.stats import qmc

            engine = qmc.Sobol(size, rng=generator)
            uniform = engine.random_base2(max(count - 1, 0).bit_length())[:count]
            return ndtri(np.clip(uniform, 1e-15, 1 - 1e-15))
        return generator.standard_normal((count, size))

    def different(self, count: int) -> int:
        """How many of that many devices are different: a posterior has no more than its draws."""
        return count if self.posterior is None else min(count, len(self.posterior.flat))

    def independent(self, count: int) -> float:
        """How many independent devices tell as much as that many different ones.

        Of N draws of a posterior with E effective ones (the fewest of any parameter, in its middle
        or tails) n taken at random have the variance 1/E + 1/n − 1/N of independent ones.
        """
        if self.posterior is None:
            return float(count)
        draws = len(self.posterior.flat)
        sizes = np.stack([self.posterior.bulk, self.posterior.tail])
        effective = np.min(sizes, initial=draws, where=np.isfinite(sizes))
        return float(1 / (1 / max(effective, 1.0) + 1 / count - 1 / draws))

    def place(self, device: AbstractDevice) -> Placement:
        """Where the random numbers go in this device.

        Raises:
            ValueError: names that the device does not have.
        """
        elements = elements_of(device)
        if self.posterior is not None:
            return _placement_of_draws(self.posterior, device, elements)
        named = {pattern: match_names(elements, pattern) for pattern in self.members}
        names = [name for name in elements if any(name in found for found in named.values())]
        row = {name: i for i, name in enumerate(names)}
        columns: list[tuple[Member, list[str]]] = []
        for pattern, members in self.members.items():
            for member in members:
                groups = [named[pattern]] if member.common else [[n] for n in named[pattern]]
                columns += [(member, group) for group in groups]
        shape = len(names), len(columns)
        logarithms, shifts, mean = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        for k, (member, group) in enumerate(columns):
            for name in group:
                kind = logarithms if isinstance(member, Relative) else shifts
                kind[row[name], k] = member.deviation
                keeps = isinstance(member, Relative) and member.keep == "mean"
                mean[row[name], k] = member.deviation if keeps else 0.0
        root = self._root(columns)
        return _placement(
            device, elements, names, logarithms @ root, shifts @ root, np.sum(mean**2, axis=1) / 2
        )

    def _root(self, columns: Sequence[tuple[Member, list[str]]]) -> np.ndarray:
        """R with R Rᵀ the correlation of the random numbers."""
        matrix = np.eye(len(columns))
        for pair, value in self.correlation.items():
            i, j = (_own_column(columns, name) for name in pair)
            matrix[i, j] = matrix[j, i] = value
        size, vectors = np.linalg.eigh(matrix)
        if size[0] < -_TOLERANCE:
            raise ValueError(
                f"correlation must be one that numbers can have, got {self.correlation} with an "
                f"eigenvalue {size[0]:.3g} below 0"
            )
        if not self.correlation:
            return matrix
        return (vectors * np.sqrt(np.maximum(size, 0.0))) @ vectors.T

    def device(
        self, device: Device, numbers: Float[Array | np.ndarray, " numbers"]
    ) -> tuple[Device, Array]:
        """The device that these random numbers make, and whether it is one that can be.

        A number that would leave the range of its parameter, such as a transparency above 1, stays
        at the end of the range, and the answer is False. By JAX functions throughout.
        """
        return self.place(device).device(device, jnp.asarray(numbers, float), jnp.asarray(True))

    def require_free(self, space: Space) -> None:
        """Raise where a search would vary what the draws of a posterior set."""
        if self.posterior is None:
            return
        drawn, varied = (
            {name for group in one.groups for name in group}
            for one in (self.posterior.space, space)
        )
        if both := sorted(drawn & varied):
            raise ValueError(
                f"space must not vary what the posterior's draws set, got {both[0]!r}: the "
                "objective does not depend on it"
            )

    def devices(self, device: Device, count: int, *, key: int) -> list[Device]:
        """That many devices, for any verb.

        Raises:
            ValueError: names that the device does not have; scatter beyond what a parameter may be.
        """
        rows = jnp.asarray(self.numbers(device, count, key))
        many, valid = jax.jit(jax.vmap(lambda row: self.device(device, row)))(rows)
        if bad := int(np.sum(~np.asarray(valid))):
            raise ValueError(
                f"spread must stay within the ranges of the parameters, {bad} of {count} devices "
                "do not"
            )
        return [jax.tree.map(lambda leaf, i=i: leaf[i], many) for i in range(count)]


def _correlation(item: tuple[Any, Any]) -> tuple[tuple[str, str], float]:
    pair, value = item
    if not isinstance(pair, tuple) or len(pair) != 2 or pair[0] == pair[1]:
        raise ValueError(f"correlation must be of two names, got {pair!r}")
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1:
        raise ValueError(f"correlation of {pair} must lie within -1 to 1, got {value!r}")
    return pair, float(value)


def _own_column(columns: Sequence[tuple[Member, list[str]]], name: str) -> int:
    own = [k for k, (member, group) in enumerate(columns) if group == [name]]
    if len(own) != 1:
        single = [group[0] for _, group in columns if len(group) == 1]
        raise ValueError(
            f"correlation must be of parameters that scatter in one way of their own "
            f"({', '.join(dict.fromkeys(single)) or 'none here'}), got {name!r}"
        )
    return own[0]


def _placement(device, elements, names, logarithms, shifts, drop, drawn=False) -> Placement:
    ranges = [allowed_range(*owner_of(device, name)) for name in names]
    lowest, highest = np.array(ranges, float).T
    targets = tuple(elements[name] for name in names)
    return Placement(targets, drawn, logarithms, shifts, drop, lowest, highest)


def _placement_of_draws(posterior: "Posterior", device, elements) -> Placement:
    groups = posterior.space.groups
    pairs = [(name, k) for k, group in enumerate(groups) for name in group]
    if missing := [name for name, _ in pairs if name not in elements]:
        raise _checks.unknown_name("parameter of the posterior", missing[0], elements)
    chosen = np.zeros((len(pairs), len(groups)))
    for row, (_, k) in enumerate(pairs):
        chosen[row, k] = 1.0
    names, none = [name for name, _ in pairs], np.zeros(len(pairs))
    return _placement(device, elements, names, 0 * chosen, chosen, none, drawn=True)
