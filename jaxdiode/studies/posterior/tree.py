"""Draws as an xarray.DataTree with the groups and dimensions that ArviZ knows."""

from typing import TYPE_CHECKING

import jax
import numpy as np

if TYPE_CHECKING:
    import xarray

    from .result import Posterior

_DIMENSIONS = ("chain", "draw")


def datatree(found: "Posterior", predictive: bool, pointwise: bool) -> "xarray.DataTree":
    import xarray

    chains, draws, _ = found.samples.shape
    axes = {"chain": np.arange(chains), "draw": np.arange(draws)}
    stats = {
        "lp": found.log_posterior,
        "diverging": found.divergent,
        "acceptance_rate": found.acceptance,
        "energy": found.energy,
        "n_steps": found.steps,
        "step_size": found.step_size,
        "undefined": found.undefined,
    }

    def dataset(values, coordinates):
        return xarray.Dataset(
            {name: (_DIMENSIONS, value) for name, value in values.items()}, coordinates
        )

    groups = {
        "posterior": dataset(found.draws, axes),
        "sample_stats": dataset(stats, axes),
        "observed_data": xarray.Dataset(
            {name: (dimension, found.data[own]) for name, dimension, own in _rows(found)},
            {dimension: found.position[own] for _, dimension, own in _rows(found)},
        ),
    }
    kept = {"chain": axes["chain"], "draw": found.kept}
    if predictive:
        groups["posterior_predictive"] = _by_rows(found, found.predictive(), kept)
    if pointwise:
        groups["log_likelihood"] = _by_rows(found, _log_likelihood(found), kept)
    tree = xarray.DataTree.from_dict(groups)
    tree.attrs = {"inference_library": "blackjax", "method": found.method}
    return tree


def _rows(found: "Posterior"):
    """(name, dimension, points) of every row."""
    for k, label in enumerate(found.labels):
        yield label, f"{label}_point", np.flatnonzero(found.row == k)


def _by_rows(found: "Posterior", values: np.ndarray, axes) -> "xarray.Dataset":
    import xarray

    return xarray.Dataset(
        {
            name: ((*_DIMENSIONS, dimension), values[..., own])
            for name, dimension, own in _rows(found)
        },
        {**axes, **{dimension: found.position[own] for _, dimension, own in _rows(found)}},
    )


def _log_likelihood(found: "Posterior") -> np.ndarray:
    """ln of the density of each point, of the kept draws."""
    from .verdict import unknowns_of

    run = jax.jit(jax.vmap(jax.vmap(lambda off, eta: found.noise.log_likelihood(off, eta))))
    return np.asarray(run(found.data - found.prediction, unknowns_of(found)))
