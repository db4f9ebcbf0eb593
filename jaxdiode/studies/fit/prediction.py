"""What a model predicts, with its exact Jacobian, compiled once for what it computes."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun
from jaxtyping import PyTree

from ...core.critical import CriticalCurrents
from ..space import Space

_KEPT = 32  # compiled models, the longest unused is dropped
_POINTS = 2  # predictions: a fit looks at its solution and at its start by turns


class _Compiled(NamedTuple):
    run: Callable
    template: PyTree  # shapes of the prediction
    labels: tuple[str, ...] | None  # names of its leaves where they have better ones than paths


_by_model: OrderedDict[Any, _Compiled] = OrderedDict()
_by_program: OrderedDict[Any, Callable] = OrderedDict()


class Prediction:
    """model(device, *arguments) at values of a `Space`: flat, with Jacobian and status.

    The same model object with arguments of the same shapes runs at once. A new closure is traced
    again, a second or so, but compiled only if the program it stands for is new: programs are
    told apart by their lowered text, constants included, so no stale one can be met. (A model
    object that reads a global which changes later keeps the old value, as under `jax.jit`.)
    """

    def __init__(self, model: Callable, space: Space, arguments: Sequence[PyTree]):
        leaves, structure = jax.tree.flatten((model, space, tuple(arguments)))
        dynamic = [k for k, leaf in enumerate(leaves) if _is_array(leaf)]
        self._arrays = [np.asarray(leaves[k]) for k in dynamic]
        static = [None if _is_array(leaf) else leaf for leaf in leaves]

        def place(arrays):
            filled = list(static)
            for k, array in zip(dynamic, arrays, strict=True):
                filled[k] = array
            return jax.tree.unflatten(structure, filled)

        key = _model_key(structure, leaves)
        self._compiled = _recall(_by_model, key) if key is not None else None
        if self._compiled is None:
            self._compiled = _compile(place, self._arrays, len(space.names))
            if key is not None:
                _remember(_by_model, key, self._compiled)
        self.template, self.labels = self._compiled.template, self._compiled.labels
        self._known: OrderedDict[bytes, tuple[np.ndarray, np.ndarray, np.ndarray]] = OrderedDict()

    def __call__(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(prediction, Jacobian, status code or 0 of each point) at these values."""
        values = np.asarray(values, float)
        point = values.tobytes()
        known = _recall(self._known, point)
        if known is None:
            assert self._compiled is not None
            value, slopes, status = map(np.asarray, self._compiled.run(self._arrays, values))
            known = value, slopes, status
            _remember(self._known, point, known, _POINTS)
        return known


class Selected:
    """A prediction of which only some points are looked at."""

    def __init__(self, predict: Prediction, kept: np.ndarray):
        self._predict, self._kept = predict, kept

    def __call__(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        value, slopes, status = self._predict(values)
        return value[self._kept], slopes[self._kept], status[self._kept]


def _compile(place, arrays, size: int) -> _Compiled:
    noted = {}

    def differentiated(dynamic, values):
        model, space, arguments = place(dynamic)

        def flat(x):
            value, status, noted["template"], noted["labels"] = flattened(
                model(space.insert(x), *arguments)
            )
            return value, (value, status)

        jacobian, (value, status) = jax.jacfwd(flat, has_aux=True)(values)
        return value, jacobian, status

    values = np.zeros(size)
    traced = jax.make_jaxpr(differentiated)(arrays, values)
    flat = jax.tree.leaves((arrays, values))

    def program(constants, *inputs):
        return jaxpr_as_fun(ClosedJaxpr(traced.jaxpr, constants))(*inputs)

    lowered = jax.jit(program).lower(traced.consts, *flat)
    key = hashlib.sha256(lowered.as_text().encode()).digest()
    executable = _recall(_by_program, key)
    if executable is None:
        executable = lowered.compile()
        _remember(_by_program, key, executable)
    constants = traced.consts

    def run(arrays, values):
        return executable(constants, *arrays, values)

    return _Compiled(run, noted["template"], noted["labels"])


def flattened(found: PyTree):
    """A prediction as (vector, status code of each point, shapes, names of its leaves or None)."""
    status, labels = None, None
    if isinstance(found, CriticalCurrents):
        labels = ("plus", "minus")
        status = jnp.concatenate([jnp.ravel(found.status)] * 2)
        found = found.plus, found.minus
    template = jax.tree.map(_shape, found)
    value = jnp.concatenate([jnp.ravel(a).astype(float) for a in jax.tree.leaves(found)])
    status = jnp.zeros(value.size, jnp.int32) if status is None else status
    return value, status, template, labels


def _shape(leaf):
    return jax.ShapeDtypeStruct(jnp.shape(leaf), float)


def _is_array(leaf) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray)


def _model_key(structure, leaves):
    """Hashable where the model is; arrays count by shape and type only."""
    key = (
        structure,
        tuple(
            (leaf.shape, str(leaf.dtype)) if _is_array(leaf) else (type(leaf), leaf)
            for leaf in leaves
        ),
    )
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _recall(kept: OrderedDict, key):
    if key in kept:
        kept.move_to_end(key)
        return kept[key]
    return None


def _remember(kept: OrderedDict, key, value, most: int = _KEPT) -> None:
    kept[key] = value
    while len(kept) > most:
        kept.popitem(last=False)
