"""The profile of the critical current density from I₊(B) and I₋(B) of a known relation."""

import warnings
from collections.abc import Mapping, Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from .. import _checks
from .._checks import Numbers
from ..core.device import AbstractPhaseBiased, critical_currents
from ..core.parameters import CURRENT
from ..core.paths import declaration, elements_of, match_names, owner_of
from ..devices.extended import ExtendedJunction
from ..studies.fit import FitResult, FixedMean, Smooth, fit
from ..studies.space import Bounds, Space
from . import model
from .result import ProfileFit
from .twins import twins

_PHASES = 256  # that show the harmonics of the local relation
_SINUSOIDAL = 1e-9  # of the first harmonic, that all others together may be
_ACCEPTED = 3.0  # standard deviations of χ² that a start may fit worse and still be an answer
_GOOD = 3.0  # standard deviations of χ² beyond which nothing fits
_ROUGH = 1.5  # the same where σ is not known: rms over the noise of neighbours
_EMPTY = 1e-3  # of the mean, for a box to begin with: off its bound
_APART = 3.0  # standard errors, rms over the boxes, that make two profiles different


def fit_profile(
    local: AbstractPhaseBiased,
    field: Numbers,
    plus: Numbers | None,
    minus: Numbers | None,
    *,
    sigma: Numbers | None = None,
    boxes: int = 24,
    flux_per_field: Numbers | Bounds = 1.0,
    offset: Numbers | Bounds = 0.0,
    free: Mapping[str, Bounds] | None = None,
    known_current: bool = False,
    weight: float | int | None = None,
    order: int = 2,
    starts: int = 4,
    key: int = 0,
    harmonics: int | None = None,
    progress: bool = True,
) -> ProfileFit:
    """Profile p(x) of an `ExtendedJunction` from both critical currents against the field.

    The local relation is known, p ≥ 0 in equal boxes is fitted by `jd.fit` with the prior `Smooth`,
    and with it one factor on all currents of the local device (unless it is known, or `free` names
    currents of it). The weight of the prior is chosen from the data at the first start that fits
    and used for all later ones, which begin with other profiles; two more begin as the mirror image
    of the best and as the most different of its `twins`, if it has any.

    What the data do not see. A local relation with harmonics beyond the first makes I± a diode's
    and settles the orientation; with a sinusoidal one I_c gives |∫p e^{2πifx}dx| alone: shifted and
    mirrored profiles and other twins fit as well. There is a UserWarning, and a note in the result,
    where the relation is sinusoidal (or its other harmonics are below the noise), where starts that
    fit equally well ended in different profiles, and where none fits. With any relation a shift of
    p changes nothing, so that only the ends of the junction fix its centre, and the flux per field
    is as good as the width of p: where it is fitted, p fills the width or ends in empty boxes at
    the prior's choice. An offset of the field is seen by I₋(f) = I₊(−f), p's centre is not.

    Args:
        local: device of the relation i(φ), as for `ExtendedJunction`.
        field: positions, at least five, in any unit.
        plus, minus: I₊ and I₋ ≥ 0 there, magnitudes; both directions.
        sigma: standard deviation of the noise, one number or one for each point; None: estimated.
        boxes: of equal width, fewer or more than there are points: the prior joins those that the
            data do not resolve. Their steps are part of the model: of a smooth profile take ten
            for every Φ₀ of the largest flux, or as many as still lower χ²; error bars do not cover
            boxes that are too wide.
        flux_per_field: Φ₀ per unit of the field, or (lower, upper) to fit it: it starts from the
            period of the data.
        offset: field without flux, or (lower, upper) to fit it.
        free: {name: (lower, upper)} of further parameters, "local.second".
        known_current: whether the local device's current is the junction's, not fitted.
        weight: of `Smooth`; None: chosen from the data by their evidence.
        order: of the differences in `Smooth`.
        starts: profiles to begin with, four fixed and then random ones.
        key: seed of the random ones.
        harmonics: as for `ExtendedJunction`. 101 fields, 24 boxes and four starts take half a
            minute on one core with a pair of junctions; a relation that needs the quadrature takes
            far longer.

    Raises:
        ValueError: one direction missing, not finite, negative, of unequal lengths, or all zero;
            fewer than five points; a local device whose currents have no common factor.

    Example:
        >>> truth = jd.ExtendedJunction(
        ...     jd.Harmonics([1.0, -0.3]), profile=[1.6, 1.2, 0.8, 0.4], interpolation="boxes"
        ... )
        >>> field = np.linspace(0, 2, 25)
        >>> exact = [jd.critical_currents(jd.replace(truth, {"flux": f})) for f in field]
        >>> plus, minus = (np.array([getattr(x, s) for x in exact]) for s in ("plus", "minus"))
        >>> found = jd.inverse.fit_profile(
        ...     jd.Harmonics([1.0, -0.3]), field, plus, minus, sigma=1e-3, boxes=4, starts=1
        ... )
        >>> print(found.density.round(2), found.agree)
        [1.6 1.2 0.8 0.4] True
    """
    data = _measured(field, plus, minus)
    field, currents = data[0], data[1:]
    sigmas = _noise(sigma, currents)
    boxes = _checks.whole_number("boxes", boxes, at_least=order + 1)
    _checks.whole_number("starts", starts)
    junction, bounds = _first(local, field, boxes, flux_per_field, offset, free, harmonics)
    scaled = not _checks.flag("known_current", known_current)
    scaled = scaled and not _names_currents(junction, free or {})
    if scaled:
        model.require_factor(local)
    level = _level(junction, currents) if scaled else 1.0

    def run(profile, weight, start=None):
        device = _with(junction if start is None else start.device, profile, level)
        prior = Smooth(weight, order)
        return fit(
            model.scaled if scaled else model.predicted,
            Space(device, bounds),
            tuple(currents),
            sigmas,
            arguments=[field],
            along=field,
            prior={"profile": prior if scaled else (prior, FixedMean(level))},
            periods="focusing" if "focusing" in bounds and start is None else (),
            starts=1,
            progress=progress,
        )

    fits: list[FitResult] = []

    def begin(profile):
        good = next((one for one in fits if _fits(one)), None)
        fits.append(run(profile, weight if good is None else good.weights[0], good))

    for profile in _starts(boxes, starts, key):
        begin(profile)
    found = _density(min(fits, key=lambda one: _misfit(one, fits[0])), boxes)
    for other in (found[::-1], *twins(found)[:1]):
        begin(np.maximum(other, _EMPTY))
    best = min(range(len(fits)), key=lambda k: _misfit(fits[k], fits[0]))
    return _result(fits, best, local, data, boxes, scaled)


def _measured(field, plus, minus) -> np.ndarray:
    """(field, I₊, I₋) in three rows."""
    given = {"field": field, "plus": plus, "minus": minus}
    for name in ("plus", "minus"):
        if given[name] is None:
            raise ValueError(
                f"{name} must be measured as well, got None: one direction alone does not tell a "
                "profile from its mirror image"
            )
    rows = [np.asarray(_checks.real_array(name, x, ndim=1)) for name, x in given.items()]
    for name, row in zip(given, rows, strict=True):
        _checks.require_length(name, row, rows[0].size, "one for each field")
        if name != "field" and np.any(row < 0) and np.mean(row) < 0:
            raise ValueError(f"{name} must be magnitudes, got negative currents; turn their sign")
        if name != "field" and not np.any(row):
            raise ValueError(f"{name} must carry current, got zeros: is that direction missing?")
    if np.unique(rows[0]).size < 5:
        raise ValueError(f"field must hold at least 5 points, got {np.unique(rows[0]).size}")
    return np.stack(rows)


def _noise(sigma, currents):
    if sigma is None:
        return None
    each = np.asarray(_checks.real_array("sigma", sigma, above=0.0))
    if each.ndim == 0:
        return float(each)
    if each.shape not in (currents.shape, currents.shape[1:]):
        raise ValueError(
            f"sigma must be one number, one for each field or two rows of them, got {each.shape}"
        )
    return tuple(np.broadcast_to(each, currents.shape))


def _first(local, field, boxes, flux_per_field, offset, free, harmonics):
    """The junction to begin with, and what is fitted of it within which bounds."""
    bounds: dict[str, Bounds] = {"profile": (0.0, np.inf)}
    values = {}
    for name, given in (("focusing", flux_per_field), ("flux", offset)):
        what = "flux_per_field" if name == "focusing" else "offset"
        above = 0.0 if name == "focusing" else None
        ends = np.asarray(_checks.real_array(what, given, above=above))
        if ends.shape not in ((), (2,)) or (ends.size == 2 and not ends[0] < ends[1]):
            raise ValueError(f"{what} must be a number or (lower, upper), got {given!r}")
        if ends.size == 2:
            bounds[name] = float(ends[0]), float(ends[1])
        middle = np.sqrt(ends[0] * ends[-1]) if name == "focusing" and ends.ndim else np.mean(ends)
        values[name] = float(middle), float(np.max(np.abs(ends)))
    largest = (np.max(np.abs(field)) + values["flux"][1]) * values["focusing"][1]
    if harmonics is None and not free:
        harmonics = model.enough_harmonics(local)
    junction = ExtendedJunction(
        local,
        np.ones(boxes),
        values["flux"][0],
        interpolation="boxes",
        focusing=values["focusing"][0],
        largest_flux=max(3, int(np.ceil(largest))),
        harmonics=harmonics,
    )
    for name in free or {}:
        if name.split(".")[0] != "local":
            raise ValueError(f"free must name parameters of the local device, got {name!r}")
    return junction, bounds | dict(free or {})


def _names_currents(junction, free) -> bool:
    names = [n for pattern in free for n in match_names(elements_of(junction), pattern)]
    return any(declaration(*owner_of(junction, name)).unit == CURRENT for name in names)


def _level(junction, currents) -> float:
    """Factor on the current to begin with: largest measured current over the local device's."""
    found = critical_currents(junction.local)
    return float(np.max(currents) / max(float(found.plus), float(found.minus)))


def _with(junction, profile, level):
    profile = jnp.asarray(level * profile / np.mean(profile))
    return eqx.tree_at(lambda device: device.profile, junction, profile)


def _starts(boxes: int, count: int, key: int) -> Sequence[np.ndarray]:
    """Profiles to begin with: more current on one side, on the other, at both ends, inside."""
    x = (np.arange(boxes) + 0.5) / boxes - 0.5
    fixed = [1 - x, 1 + x, 0.8 + 2 * x**2 + 0.1 * x, 1.2 - 2 * x**2 - 0.1 * x]
    random = np.random.default_rng(key)
    waves = np.cos(np.pi * np.multiply.outer(np.arange(1, 7), x + 0.5))
    for _ in range(count - len(fixed)):
        fixed.append(np.exp((random.normal(size=6) / np.arange(1, 7)) @ waves))
    return fixed[:count]


def _density(found: FitResult, boxes: int) -> np.ndarray:
    profile = found.values[[found.names.index(f"profile.{k}") for k in range(boxes)]]
    return profile / np.mean(profile)


def _fits(found: FitResult) -> bool:
    """Whether the residuals are noise: by χ², or beside the noise of neighbours."""
    if found.sigma_known:
        spread = np.sqrt(2 / max(found.degrees_of_freedom, 1.0))
        return bool(found.chi_squared <= 1 + _GOOD * spread)
    return not found.rms > _ROUGH * found.successive_noise


def _misfit(found: FitResult, judge: FitResult) -> float:
    """χ² with the noise of one fit, whichever was estimated."""
    return float(np.sum((found.residuals / judge.sigma) ** 2))


def _result(fits, best, local, data, boxes, scaled) -> ProfileFit:
    found = fits[best]
    chosen = [found.names.index(f"profile.{k}") for k in range(boxes)]
    profile = found.values[chosen]
    mean = np.mean(profile)
    slopes = (np.eye(boxes) - profile[:, None] / (boxes * mean)) / mean
    covariance = found.covariance[np.ix_(chosen, chosen)]
    own = slopes @ covariance @ slopes.T
    errors = np.sqrt(np.clip(np.diag(own), 0, None))
    scale = float(mean) if scaled else 1.0
    densities = np.stack([_density(one, boxes) for one in fits])
    misfit = np.array([_misfit(one, found) for one in fits])
    freedom = found.degrees_of_freedom
    accepted = misfit <= misfit[best] + _ACCEPTED * np.sqrt(2 * max(freedom, 1.0))
    apart = np.sqrt(np.mean((densities - densities[best]) ** 2, axis=1))
    agree = not np.any(accepted & (apart > _APART * np.sqrt(np.mean(errors**2))))
    notes = _notes(local, scale, found, agree, apart[accepted])
    for note in notes:
        warnings.warn(note, UserWarning, stacklevel=3)
    junction = found.device
    device = eqx.tree_at(
        lambda one: (one.local, one.profile, one.flux),
        junction,
        (model.times(junction.local, scale) if scaled else junction.local,
         jnp.asarray(profile / mean), jnp.zeros(())),
    )  # fmt: skip
    return ProfileFit(
        device=device,
        x=(np.arange(boxes) + 0.5) / boxes - 0.5,
        density=profile / mean,
        errors=errors,
        covariance=own,
        scale=scale,
        scale_error=float(np.sqrt(np.sum(covariance))) / boxes if scaled else 0.0,
        offset=float(junction.flux),
        field=data[0],
        plus=data[1],
        minus=data[2],
        model=found.residuals.reshape(2, -1) + data[1:],
        densities=densities,
        chi_squared=misfit / freedom,
        fit=found,
        agree=agree,
        notes=notes,
    )


def _notes(local, scale: float, found: FitResult, agree: bool, apart) -> tuple[str, ...]:
    phase = jnp.asarray(2 * np.pi * np.arange(_PHASES) / _PHASES)
    size = np.abs(np.fft.rfft(np.asarray(local.current(phase)))) * 2 / _PHASES
    first, higher = size[1], float(np.sum(size[2:]))
    noise = float(np.median(found.sigma)) / np.sqrt(found.sigma.size)
    notes = []
    if not _fits(found):
        notes.append(
            f"no start fits (χ² {found.chi_squared:.3g} per degree of freedom, rms "
            f"{found.rms:.3g}, noise {found.successive_noise:.3g}): more starts, more boxes, "
            "another relation, or σ?"
        )
    exactly = higher <= _SINUSOIDAL * first
    if exactly or scale * higher < noise:
        notes.append(
            f"the local relation is sinusoidal{'' if exactly else ' within the noise'}: I_c gives "
            "only |∫p e^(2πifx)dx|, which shifted and mirrored profiles and other twins have as "
            "well; the error bars are those of one of them"
        )
    if not agree:
        notes.append(
            "starts that fit equally well end in different profiles, up to "
            f"{np.max(apart):.2g} apart (rms, of a mean of one): the data do not choose one"
        )
    if any(name.split(".")[-1] == "focusing" for name in found.names):
        notes.append(
            "the flux per field was fitted: it is as good as the width of the profile, which may "
            "end in empty boxes instead, and the error bars are those of one such pair"
        )
    return tuple(notes)
