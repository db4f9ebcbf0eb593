"""Where the rounds of a refined map get their values from: computed, or found in a store."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int

from ...progress import track
from .lattice import Lattice
from .program import SlopeProgram

if TYPE_CHECKING:
    from .store import PointStore

KNOWN, PLACE = "known", "place"


class Source:
    """Values of a round's points, in chunks that begin anew with every round.

    A chunk is computed by itself, so that its bits depend on its points alone, whatever was found.
    """

    def __init__(
        self, program: SlopeProgram, chunk: int, store: "PointStore | None", progress: bool
    ):
        self.program, self.chunk, self.store = program, chunk, store
        self.lattice: Lattice = program.lattice
        self._progress, self._chunks, self._rounds = progress, 0, 0
        self.found = 0

    def __call__(self, places: Int[np.ndarray, "points axes"]) -> dict[str, np.ndarray]:
        starts = range(0, len(places), self.chunk)
        parts: dict[int, dict[str, np.ndarray]] = {}
        self._rounds += 1
        if self.store is not None:
            self.store.grow(self._chunks + len(starts))

        def missing() -> Iterator[tuple[int, np.ndarray]]:
            what = f"refine, round {self._rounds}"
            for k, start in enumerate(track(starts, what, len(starts), self._progress)):
                own = places[start : start + self.chunk]
                found = self._found(self._chunks + k, own)
                if found is None:
                    yield k, self.lattice.coordinates(own)
                else:
                    parts[k] = found

        for k, values in self.program.in_turn(missing(), self.chunk):
            parts[k] = values
            if self.store is not None:
                own = places[starts[k] : starts[k] + self.chunk]
                self.store.save(self._chunks + k, own, self.lattice.coordinates(own), values)
        self._chunks += len(starts)
        return {name: np.concatenate([parts[k][name] for k in sorted(parts)]) for name in parts[0]}

    def _found(self, number: int, places: np.ndarray) -> dict[str, np.ndarray] | None:
        """A chunk of the store, if its points are these."""
        if self.store is None or (found := self.store.load(number)) is None:
            return None
        count = len(places)  # more are there if more were once asked for
        if not (np.all(found[KNOWN][:count]) and np.array_equal(found[PLACE][:count], places)):
            return None
        self.found += 1
        return {name: found[name][:count] for name in self.store.outputs}
