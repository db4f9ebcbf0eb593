"""Figures of results. Every function returns a matplotlib Figure; none touches pyplot.

`figure=` is a figure or a part of one to draw into, and then returned in place of a new one:

    top, below = matplotlib.figure.Figure(layout="constrained").subfigures(2)
    jd.plot.iv(curve, figure=top)

A figure draws what is known and works nothing out. For convenience some take a device in place of
its result and then ask for that first, as their docstrings say.
"""

from .along import critical_currents_along as critical_currents_along
from .circuits import critical_contour as critical_contour
from .circuits import threshold_curves as threshold_curves
from .currents import steps as steps
from .currents import switching_distribution as switching_distribution
from .currents import thermal_iv as thermal_iv
from .diffusive import ldos as ldos
from .diffusive import order_parameter as order_parameter
from .diffusive import torus as torus
from .field import current_difference as current_difference
from .field import efficiency_map as efficiency_map
from .field import fraunhofer_map as fraunhofer_map
from .field import polar as polar
from .fraunhofer import fraunhofer as fraunhofer
from .lab import extracted as extracted
from .lab import flux_period as flux_period
from .maps import shapiro_map as shapiro_map
from .parameters import correlations as correlations
from .parameters import errors as errors
from .posterior import posterior as posterior
from .posterior import posterior_predictive as posterior_predictive
from .profile import profile as profile
from .rectification import rectification as rectification
from .rectification import rectifier as rectifier
from .refined import refined as refined
from .relation import current_phase as current_phase
from .results import values as values
from .robust import scattered as scattered
from .studies import dataset as dataset
from .studies import pareto as pareto
from .studies import search as search
from .tolerance import margin_pairs as margin_pairs
from .tolerance import margins as margins
from .trajectory import circuit_trajectory as circuit_trajectory
from .transport import iv as iv
from .transport import slips as slips
from .transport import switching_histogram as switching_histogram
from .transport import wire as wire
