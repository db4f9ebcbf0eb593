"""Names of `jaxdiode.kapitza`, each loaded when it is first used."""

from .circuits import CircuitScale as CircuitScale
from .limits import KapitzaLimits as KapitzaLimits
