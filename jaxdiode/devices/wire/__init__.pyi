"""Names of `jaxdiode.wire`, each loaded when it is first used."""

from .cooper import CooperChannel as CooperChannel
from .cooper import TightBindingBand as TightBindingBand
from .cooper import cooper_bubble as cooper_bubble
from .cooper import cooper_channel as cooper_channel
from .cooper import valley_beta as valley_beta
from .limits import WireLimits as WireLimits
from .tdgl import WireSimulation as WireSimulation
from .tdgl import simulate_wire as simulate_wire
from .valley import ValleyPolarization as ValleyPolarization
from .wire import WireState as WireState
