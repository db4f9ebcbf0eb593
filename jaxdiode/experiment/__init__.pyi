"""Names of `jaxdiode.experiment`, each loaded when it is first used."""

from .axis import Axis as Axis
from .experiment import Experiment as Experiment
from .guess import guess as guess
from .observables import AbstractObservable as AbstractObservable
from .observables import DensityOfStates as DensityOfStates
from .observables import ObservedCurrents as ObservedCurrents
from .observables import ShapiroEdges as ShapiroEdges
from .observables import SwitchingHistogram as SwitchingHistogram
from .observables import VoltageCurve as VoltageCurve
from .reading import Reading as Reading
from .reading import read_observable as read_observable
