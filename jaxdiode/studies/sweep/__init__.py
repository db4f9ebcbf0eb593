"""Any function of a device over a grid of its parameters."""

from .partial import read_sweep as read_sweep
from .verb import sweep as sweep
