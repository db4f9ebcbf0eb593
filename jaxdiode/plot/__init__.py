"""Figures of results. Every function returns a matplotlib Figure; none touches pyplot.

`figure=` is a figure or a part of one to draw into, and then returned in place of a new one:

    top, below = matplotlib.figure.Figure(layout="constrained").subfigures(2)
    jd.plot.iv(curve, figure=top)

A figure draws what is known and works nothing out. For convenience some take a device in place of
its result and then ask for that first, as their docstrings say.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
