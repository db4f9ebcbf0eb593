"""Functions of a device that go on from the solution at the point before."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
from jaxtyping import PyTree

from .device import AbstractDevice


class AbstractContinuation(eqx.Module):
    """A function of a device along one parameter, from each point to the next.

    `jd.sweep(continuation, device, axes, along=name)` calls `start` at the first point of every
    row and `advance` at each of its points, the first one too. What it carries has the same
    structure, shapes and types everywhere. Fields are settings, and may be arrays.

    Example:
        >>> class LargestSoFar(jd.continuation.AbstractContinuation):
        ...     def start(self, device):
        ...         return jnp.asarray(-jnp.inf)
        ...     def advance(self, device, state):
        ...         state = jnp.maximum(state, jd.diode_efficiency(device))
        ...         return {"largest": state}, state
        >>> squid = jd.Squid.from_pairs([(100, 50), (80, 60)], flux=[0.3])
        >>> found = jd.sweep(LargestSoFar(), squid, {"flux": np.linspace(0, 1, 5)}, along="flux")
        >>> print(np.round(found["largest"].values, 4))
        [0.     0.     0.     0.0967 0.0967]
    """

    @abc.abstractmethod
    def start(self, device: AbstractDevice) -> PyTree:
        """What is carried into the first point of a row, whose device is given."""

    @abc.abstractmethod
    def advance(self, device: AbstractDevice, state: PyTree) -> tuple[Any, PyTree]:
        """(output, what is carried to the next point): outputs as of any function of a sweep."""


SweepFunction = Callable[[Any], PyTree] | AbstractContinuation  # what a sweep takes


class AbstractContinuable(eqx.Module):
    """A device with a continuation of its own, which the command line takes.

    Example:
        >>> squid = jd.Squid([jd.TunnelJunction(1.0)] * 2, flux=[0.1], inductance=[0.4, 0.4])
        >>> circuit = squid.circuit()
        >>> print(isinstance(circuit, jd.continuation.AbstractContinuable), circuit.continuation())
        True RetainedFluxState(criterion='ramp')
    """

    @abc.abstractmethod
    def continuation(self) -> AbstractContinuation:
        """Critical currents from point to point."""


def continuation_of(device: AbstractDevice) -> AbstractContinuation:
    """The continuation of a device, or of its circuit.

    Raises:
        ValueError: it has none.
    """
    own = device
    if not isinstance(own, AbstractContinuable) and hasattr(device, "circuit"):
        own = device.circuit()  # pyright: ignore[reportAttributeAccessIssue]
    if not isinstance(own, AbstractContinuable):
        raise ValueError(
            "along needs a device with a continuation (circuits, SQUIDs, diffusive junctions), "
            f"a {type(device).__name__} has none"
        )
    return own.continuation()
