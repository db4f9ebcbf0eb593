"""Which parameters of a device vary, and within what bounds: one object for every verb."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from .. import _checks
from ..core.device import AbstractDevice
from ..core.paths import (
    cusp_pairs,
    elements_of,
    match_names,
    require_range,
    tied_groups,
    values_at,
    with_values,
)
from ..core.tables import to_table

Bounds = Sequence[float | int]  # (lower, upper)


class Space(eqx.Module):
    """Named, bounded parameters of a device ⇄ a vector of values ⇄ unbounded coordinates.

    Names are paths into the device: "branches.0.second", "flux.1"; a `*` stands for any one
    step and a path that stops early means everything below it, so "branches.2" and "flux.*"
    name several parameters at once. `parameter_names(device)` lists them all.

    Bounds are kept by bijections (sigmoid for two finite bounds, softplus for one), never by
    clipping; positive bounds a decade or more apart are searched logarithmically. The two
    currents of a `SeriesJunctions` get a common coordinate, the cube root of their (log)
    difference: the best diodes sit on the cusp first = second, η ~ −|Δ|^(2/3), which no
    gradient method could follow in the currents themselves.

    Args:
        device: the device whose other parameters stay as they are.
        bounds: {name: (lower, upper)}; infinities allowed where nothing is sampled.
        ties: groups of names that share one value, e.g. [("flux.0", "flux.1")] or ["flux.*"].

    Raises:
        ValueError: unknown names, a parameter named twice, bounds reversed, equal or outside
            what the device allows.

    Example:
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60), (90, 40)], flux=[0.3, 0.3])
        >>> space = jd.Space(squid, {"flux": (0, 1), "branches.2.first": (40, 120)}, ties=["flux"])
        >>> print(space.names, space.values().tolist())
        ('branches.2.first', 'flux.0') [90.0, 0.3]
        >>> print(space.insert(jnp.array([80.0, 0.4])).flux.tolist())
        [0.4, 0.4]
    """

    device: AbstractDevice
    lower: Float[Array, " n"]
    upper: Float[Array, " n"]
    names: tuple[str, ...] = eqx.field(static=True)
    _logarithmic: tuple[bool, ...] = eqx.field(static=True)
    _targets: tuple[tuple[tuple[int, int], ...], ...] = eqx.field(static=True)
    _partners: tuple[tuple[int, int] | int | None, ...] = eqx.field(static=True)

    def __init__(
        self,
        device: AbstractDevice,
        bounds: Mapping[str, Bounds],
        ties: Iterable[str | Sequence[str]] = (),
    ):
        _checks.require_x64()
        if not isinstance(device, AbstractDevice):
            raise ValueError(f"device must be a jaxdiode device, got {type(device).__name__}")
        if not isinstance(bounds, Mapping):
            raise ValueError(f"bounds must be {{name: (lower, upper)}}, got {bounds!r}")
        if not bounds:
            raise ValueError("bounds must name at least one parameter, got none")
        elements = elements_of(device)
        limits: dict[str, tuple[float, float]] = {}
        for pattern, pair in bounds.items():
            low, high = _bounds(pattern, pair)
            for name in match_names(elements, pattern):
                require_range(device, name, f"bounds of {pattern!r}", low, high)
                if name in limits:
                    raise ValueError(f"bounds must name each parameter once, {name!r} came twice")
                limits[name] = (low, high)
        groups = []
        for group in tied_groups(elements, ties):
            if not any(name in limits for name in group):
                raise ValueError(
                    f"ties need bounds for one of their parameters, got none for {group}"
                )
            groups.append(group)
        tied = {name: group for group in groups for name in group}
        order = list(
            dict.fromkeys(
                tied.get(name, (name,)) for name in elements if name in limits or name in tied
            )
        )
        chosen = [_common_bounds(group, limits) for group in order]
        self.device = device
        self.lower = jnp.array([low for low, _ in chosen], float)
        self.upper = jnp.array([high for _, high in chosen], float)
        self.names = tuple(group[0] for group in order)
        self._targets = tuple(tuple(elements[name] for name in group) for group in order)
        self._partners = _cusp_partners(device, elements, order)
        leaves = jax.tree.leaves(device)
        self._logarithmic = tuple(
            low > 0
            and 10 * low <= high < np.inf
            and not (isinstance(at, tuple) and float(jnp.ravel(leaves[at[0]])[at[1]]) <= 0)
            for (low, high), at in zip(chosen, self._partners, strict=True)
        )

    @property
    def bounds(self) -> dict[str, tuple[float, float]]:
        """{name: (lower, upper)}."""
        pairs = zip(map(float, self.lower), map(float, self.upper), strict=True)
        return dict(zip(self.names, pairs, strict=True))

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Of every varied value, all parameters that share it."""
        names = {target: name for name, target in elements_of(self.device).items()}
        return tuple(tuple(names[target] for target in group) for group in self._targets)

    @property
    def ties(self) -> tuple[tuple[str, ...], ...]:
        """Names that share one value."""
        return tuple(group for group in self.groups if len(group) > 1)

    def to_table(self) -> dict[str, Any]:
        """Device, bounds and ties as files hold them."""
        bounds = {name: to_table(list(pair)) for name, pair in self.bounds.items()}
        ties = [list(group) for group in self.ties]
        return {"device": to_table(self.device), "bounds": {"dict": bounds}, "ties": ties}

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> "Space":
        """A space from device, bounds and ties."""
        for name in ("device", "bounds"):
            if name not in table:
                raise ValueError(f"Space needs {name!r}")
        return cls(table["device"], table["bounds"], table.get("ties", ()))

    def values(self, device: AbstractDevice | None = None) -> Float[Array, " n"]:
        """Present values of the named parameters (of the first of each tie)."""
        device = self.device if device is None else device
        return values_at(device, (first for first, *_ in self._targets))

    def insert(self, values: Float[Array, " n"]) -> AbstractDevice:
        """The device with these values in place of the named parameters."""
        return with_values(self.device, self._targets, values)

    def bounded(self, coordinates: Float[Array, " n"]) -> Float[Array, " n"]:
        """Values inside the bounds from unbounded coordinates."""

        def place(i, z, low, high):
            return _from_line(z, low, high, self._scale(i))

        return self._bend(place, coordinates)

    def unbounded(self, values: Float[Array, " n"]) -> Float[Array, " n"]:
        """Coordinates of values inside the bounds: the inverse of `bounded`.

        A value exactly on a finite bound lies at infinity; it is taken 1e-9 of the width inside.
        """
        return jnp.stack(
            [_to_line(*self._straighten(i, values), self._scale(i)) for i in range(len(self.names))]
        )

    def sample(self, key: PRNGKeyArray) -> Float[Array, " n"]:
        """One random point, uniform in the coordinates that `bounded` bends.

        Raises:
            ValueError: a bound is infinite.
        """
        for name, low, high in zip(self.names, self.lower, self.upper, strict=True):
            if _checks.is_concrete(low) and not bool(jnp.isfinite(low) & jnp.isfinite(high)):
                raise ValueError(f"bounds of {name!r} must be finite to draw starts from them")
        uniform = jax.random.uniform(key, (len(self.names),), float, 0.02, 0.98)
        return self._bend(lambda i, u, low, high: low + (high - low) * u, uniform)

    def near_bounds(self, values: Float[Array, " n"], within: float = 1e-6) -> tuple[str, ...]:
        """Parameters closer to a finite bound than this share of the width between both.

        Widths are logarithmic where the search is. For one finite bound the width is the
        parameter's present distance from it.
        """
        names = []
        for i, name in enumerate(self.names):
            down = jnp.log if self._logarithmic[i] else _identity
            x, low, high = (
                float(down(end[i])) for end in (jnp.asarray(values), self.lower, self.upper)
            )
            ends = [end for end in (low, high) if np.isfinite(end)]
            width = high - low if len(ends) == 2 else float(self._scale(i))
            if any(abs(x - end) <= within * width for end in ends):
                names.append(name)
        return tuple(names)

    def _scale(self, i):
        """Unit of a coordinate without two bounds: its value's size, or its neighbours'.

        It carries the unit of the parameter, so that coordinates have none. Only a parameter
        that is zero, as all others of its field and its one bound are, has no size to take.
        """
        ((leaf, element), *_) = self._targets[i]
        field = jnp.ravel(jax.lax.stop_gradient(jax.tree.leaves(self.device)[leaf]))
        scale = 1.0
        ends = jnp.stack([self.lower[i], self.upper[i]])
        bound = jnp.max(jnp.where(jnp.isfinite(ends), jnp.abs(ends), 0.0))
        for size in (jnp.max(jnp.abs(field)), bound, jnp.abs(field[element])):
            scale = jnp.where(size > 0, size, scale)
        return scale

    def _chart(self, i, values):
        """Forward and backward maps between value i and its straightened coordinate."""
        partner = self._partners[i]
        logarithmic = self._logarithmic[i]
        up, down = (jnp.exp, jnp.log) if logarithmic else (_identity, _identity)
        if partner is None:
            return up, down
        if isinstance(partner, int):
            centre = values[partner]
        else:
            centre = jnp.ravel(jax.tree.leaves(self.device)[partner[0]])[partner[1]]
        centre = down(centre)
        return (lambda r: up(centre + r**3)), (lambda x: jnp.cbrt(down(x) - centre))

    def _bend(self, place, inputs):
        values: list[Array] = []
        for i, x in enumerate(inputs):
            up, down = self._chart(i, values)
            values.append(up(place(i, x, down(self.lower[i]), down(self.upper[i]))))
        return jnp.stack(values)

    def _straighten(self, i, values):
        down = self._chart(i, values)[1]
        return down(values[i]), down(self.lower[i]), down(self.upper[i])


def random_key(key: PRNGKeyArray | int | None) -> PRNGKeyArray:
    """A key from a key or a seed.

    Raises:
        ValueError: neither of the two.
    """
    if isinstance(key, int | np.integer) and not isinstance(key, bool):
        return jax.random.key(int(key))
    if isinstance(key, jax.Array) and (
        jnp.issubdtype(key.dtype, jax.dtypes.prng_key) or key.dtype == jnp.uint32
    ):
        return key
    raise ValueError(f"key must be jax.random.key(seed) or a whole number, got {key!r}")


def numpy_generator(key: PRNGKeyArray) -> np.random.Generator:
    """NumPy's random numbers of a key."""
    return np.random.default_rng(np.asarray(jax.random.key_data(key)).astype(np.uint32).tolist())


def _identity(x):
    return x


def _bounds(name, pair) -> tuple[float, float]:
    try:
        if isinstance(pair, str):
            raise TypeError("two digits are no bounds")
        low, high = (float(x) for x in pair)
    except (TypeError, ValueError) as error:
        raise ValueError(f"bounds of {name!r} must be (lower, upper), got {pair!r}") from error
    if np.isnan(low) or np.isnan(high) or not low < high:
        raise ValueError(f"bounds of {name!r} must satisfy lower < upper, got ({low:g}, {high:g})")
    return low, high


def _common_bounds(group, limits) -> tuple[float, float]:
    given = [limits[name] for name in group if name in limits]
    low, high = max(low for low, _ in given), min(high for _, high in given)
    if not low < high:
        raise ValueError(f"bounds of the tied parameters {', '.join(group)} do not overlap")
    return low, high


def _cusp_partners(device, elements, order):
    """For each variable, what it should be measured from: an earlier variable, a fixed
    parameter, or nothing. Fields declare such pairs (`parameter(cusp_with=…)`)."""
    position = {name: i for i, group in enumerate(order) for name in group}
    partners: list[tuple[int, int] | int | None] = [None] * len(order)
    for stem in cusp_pairs(device):
        if not all(name in elements for name in stem):
            continue  # a gate stands where a number might: it is set in volts
        first, second = (position.get(name) for name in stem)
        if first == second:
            continue  # both fixed, or tied to each other: on the cusp already
        if first is None and second is not None:
            partners[second] = elements[stem[0]]
        elif second is None and first is not None:
            partners[first] = elements[stem[1]]
        elif first is not None and second is not None:
            partners[max(first, second)] = min(first, second)
    return tuple(partners)


def _from_line(z, low, high, scale):
    two, one_low, one_high = _kinds(low, high)
    width = jnp.where(two, high - low, 1.0)
    safe_low, safe_high = jnp.where(one_low | two, low, 0.0), jnp.where(one_high, high, 0.0)
    return jnp.where(
        two,
        safe_low + width * jax.nn.sigmoid(z),
        jnp.where(
            one_low,
            safe_low + scale * jax.nn.softplus(z),
            jnp.where(one_high, safe_high - scale * jax.nn.softplus(z), scale * z),
        ),
    )


def _to_line(x, low, high, scale):
    two, one_low, one_high = _kinds(low, high)
    width = jnp.where(two, high - low, 1.0)
    fraction = jnp.clip(jnp.where(two, (x - low) / width, 0.5), 1e-9, 1 - 1e-9)
    above = jnp.where(one_low, x - low, jnp.where(one_high, high - x, scale))
    above = jnp.maximum(above, 1e-9 * scale)
    inverse_softplus = above / scale + jnp.log(-jnp.expm1(-above / scale))
    return jnp.where(
        two,
        jnp.log(fraction) - jnp.log1p(-fraction),
        jnp.where(one_low | one_high, inverse_softplus, x / scale),
    )


def _kinds(low, high):
    finite_low, finite_high = jnp.isfinite(low), jnp.isfinite(high)
    return finite_low & finite_high, finite_low & ~finite_high, finite_high & ~finite_low
