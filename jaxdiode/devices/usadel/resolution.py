"""How finely a diffusive junction is computed."""

import dataclasses
from typing import Any, TypeAlias

from ... import _checks

Count: TypeAlias = Any  # a whole number; None until a junction fills it in
_LEAST = {"phases": 4, "terms": 4, "tail": 1, "steps": 1, "momenta": 1, "intervals": 4}


@dataclasses.dataclass(frozen=True, repr=False)
class UsadelResolution:
    """How finely a junction is computed; what is left out (None) is the junction's own default.

    Those leave some 1e-4 of a current, about 2e-6 I₀ in a strong ferromagnet, twice as fine
    5e-8 I₀; `frequency_error` and `truncation_error` of a torus or a relation estimate it. A
    junction's `resolution` has all numbers.

    Args:
        phases: points along each phase, even: 16 on the torus of a `SpinActiveJunction`, 32 on the
            relation of a `DiffusiveJunction`.
        terms: Matsubara frequencies summed one by one, 8 and 12.
        tail: nodes that stand for all higher ones, 8 and 16.
        steps: of the integration of half the layer between the interfaces, 12.
        momenta: parallel momenta in each segment of the Fermi surface, 8.
        intervals: of the mesh in each superconductor, where the gap is self-consistent, 12: these
            leave up to 1e-3 of the gap at an interface and 3e-4 of a current, 24 a fifth of that.

    Raises:
        ValueError: numbers that are not whole or too small, an odd number of phases.

    Example:
        >>> fine = jd.usadel.UsadelResolution(phases=8, terms=4, tail=4, steps=6, momenta=4)
        >>> contact = jd.usadel.SpinActiveContact(transmission=0.5)
        >>> junction = jd.DiffusiveJunction(
        ...     0.2, 4, link_length=1, conductance=2, left=contact, right=contact, resolution=fine
        ... )
        >>> print(junction.resolution)
        UsadelResolution(phases=8, terms=4, tail=4, steps=6, momenta=4, intervals=12)
        >>> print(junction.doubled().resolution)
        UsadelResolution(phases=12, terms=8, tail=8, steps=12, momenta=8, intervals=24)
    """

    phases: Count = None
    terms: Count = None
    tail: Count = None
    steps: Count = None
    momenta: Count = None
    intervals: Count = None

    def __post_init__(self):
        for name, value in self.given().items():
            _checks.whole_number(name, value, _LEAST[name])
        if self.phases is not None and self.phases % 2:
            raise ValueError(f"phases must be even, got {self.phases}")

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value}" for name, value in self.given().items())
        return f"UsadelResolution({given})"

    def given(self) -> dict[str, int]:
        """The numbers that are not left to the junction."""
        return {name: n for name, n in dataclasses.asdict(self).items() if n is not None}

    def over(self, own: "UsadelResolution") -> "UsadelResolution":
        """With what is left out taken from `own`, a junction's default."""
        return dataclasses.replace(own, **self.given())

    def doubled(self) -> "UsadelResolution":
        """Twice as many of everything, 1.5 times as many phases.

        Raises:
            ValueError: numbers are left to the junction, whose own `doubled()` knows them.
        """
        missing = [f.name for f in dataclasses.fields(self) if getattr(self, f.name) is None]
        if missing:
            raise ValueError(
                f"resolution leaves {', '.join(missing)} to the junction: "
                "use the doubled() of the junction or of its resolution"
            )
        finer = {name: 2 * n for name, n in self.given().items()}
        return UsadelResolution(**finer | {"phases": finer["phases"] * 3 // 8 * 2})


def required_resolution(resolution: Any, own: UsadelResolution) -> UsadelResolution:
    """A resolution without gaps, from what was given and the junction's own default."""
    if resolution is None:
        return own
    if not isinstance(resolution, UsadelResolution):
        raise ValueError(f"resolution must be a UsadelResolution, got {resolution!r}")
    return resolution.over(own)
