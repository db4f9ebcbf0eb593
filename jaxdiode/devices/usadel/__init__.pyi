"""Names of `jaxdiode.usadel`, each loaded when it is first used."""

from .currents import OrderParameter as OrderParameter
from .interfaces.barrier import SpinBarrier as SpinBarrier
from .interfaces.contact import SpinActiveContact as SpinActiveContact
from .resolution import UsadelResolution as UsadelResolution
from .six_harmonics import SixHarmonicModel as SixHarmonicModel
from .spin import AbstractSpinResolved as AbstractSpinResolved
from .spin import SpinDiode as SpinDiode
from .spin import spin_diode as spin_diode
from .spin import spin_diode_efficiency as spin_diode_efficiency
from .torus import PhaseTorus as PhaseTorus
