"""Measured switching currents from text files. Nothing here needs JAX."""

from .currents import MeasuredCurrents as MeasuredCurrents
from .currents import read_switching_currents as read_switching_currents
from .currents import require_turns as require_turns
