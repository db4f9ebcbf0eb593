"""What `sweep(…, along=…)` follows from point to point, and what one of your own is made from."""

from .circuits.retained import RetainedFluxState as RetainedFluxState
from .core.continuation import AbstractContinuable as AbstractContinuable
from .core.continuation import AbstractContinuation as AbstractContinuation
from .devices.kapitza.continuation import FoldContinuation as FoldContinuation
from .devices.usadel.continuation import CurrentContinuation as CurrentContinuation
