"""Names of `jaxdiode.lab`, each loaded when it is first used."""

from .describe import describe as describe
from .directions import directions as directions
from .extract import switching_currents as switching_currents
from .gate_map import gate_map as gate_map
from .histograms import histograms as histograms
from .join import in_units as in_units
from .join import join as join
from .period import flux_period as flux_period
from .read import read as read
