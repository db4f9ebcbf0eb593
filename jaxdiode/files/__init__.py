"""Files: devices, studies and results, written and read back exactly."""

from .saved import load as load
from .saved import save as save
from .sweeps import device_of as device_of
from .sweeps import with_units as with_units
