"""What a device must do, and how far its parameters may go before it no longer does."""

from .margins import margins as margins
from .result import Margins as Margins
from .specification import Specification as Specification
