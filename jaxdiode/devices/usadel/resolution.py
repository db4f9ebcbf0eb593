"""How finely a diffusive junction is computed."""

import dataclasses
from typing import Any

from ... import _checks


@dataclasses.dataclass(frozen=True)
class UsadelResolution:
    """How finely a junction is computed.

    The default leaves some 1e-4 of a current, about 2e-6 I₀ in a strong ferromagnet, twice as fine
    5e-8 I₀; `frequency_error` and `truncation_error` of a torus or a relation estimate it.

    Args:
        phases: points along each phase, even; 0 means 16 on a torus and 32 on a relation.
        terms: Matsubara frequencies summed one by one.
        tail: nodes that stand for all higher ones.
        steps: of the integration of half the layer between the interfaces.
        momenta: parallel momenta in each segment of the Fermi surface.
        intervals: of the mesh in each superconductor, where the gap is self-consistent; 12 leave
            up to 1e-3 of the gap at an interface and 3e-4 of a current, 24 a fifth of that.

    Raises:
        ValueError: numbers that are not whole or too small, an odd number of phases.
    """

    phases: int = 0
    terms: int = 8
    tail: int = 8
    steps: int = 12
    momenta: int = 8
    intervals: int = 12

    def __post_init__(self):
        least = {"phases": 4 if self.phases else 0, "terms": 4, "intervals": 4}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            _checks.whole_number(field.name, value, least.get(field.name, 1))
        if self.phases % 2:
            raise ValueError(f"phases must be even, got {self.phases}")

    def doubled(self) -> "UsadelResolution":
        """Twice as many of everything, 1.5 times as many phases."""
        finer = {name: 2 * n for name, n in dataclasses.asdict(self).items()}
        return UsadelResolution(**finer | {"phases": self.phases * 3 // 4 * 2})


def required_resolution(resolution: Any, phases: int) -> UsadelResolution:
    """A resolution with the number of phases filled in."""
    if not isinstance(resolution, UsadelResolution):
        raise ValueError(f"resolution must be a UsadelResolution, got {resolution!r}")
    return dataclasses.replace(resolution, phases=resolution.phases or phases)
