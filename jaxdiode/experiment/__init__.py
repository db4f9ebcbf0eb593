"""What an experiment does to a device: which axis drives which parameter, and what is measured."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
