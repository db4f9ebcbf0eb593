"""Any function of a device over a grid of its parameters."""

from .estimate import Estimate as Estimate
from .estimate import estimate as estimate
from .grid import Grid as Grid
from .labels import status_counts as status_counts
from .partial import read_sweep as read_sweep
from .verb import sweep as sweep
from .verb import sweep_grid as sweep_grid
