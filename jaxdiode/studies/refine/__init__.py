"""Maps with points where they need them, to a stated error."""

from .evaluate import refined_map as refined_map
from .refinement import FLAGS as FLAGS
from .store import is_refined as is_refined
from .store import read_refined as read_refined
from .verb import refine as refine
from .verb import refine_grid as refine_grid
