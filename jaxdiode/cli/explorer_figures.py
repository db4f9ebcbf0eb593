"""The figures of `jaxdiode explore`, by Bokeh: what they show is sent, not drawn anew."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, FactorRange
from bokeh.plotting import figure

from .explorer import PHASES, Reading, Slider

WIDE = 365  # pixels: a telephone, or three beside each other


class Figures:
    """Relation, currents along a slider, slopes and I–V of one page.

    Attributes:
        cpr, dependence, sensitivity, iv: Bokeh figures.
    """

    def __init__(self):
        self._relation = ColumnDataSource({"phase": [], "current": []})
        self._extrema = ColumnDataSource({"phase": [], "current": []})
        self._curves = ColumnDataSource({"x": [], "plus": [], "minus": []})
        self._here = ColumnDataSource({"x": [], "y": []})
        self._bars = ColumnDataSource({"name": [], "slope": []})
        self._voltage = ColumnDataSource({"up": [], "down": [], "current": []})
        self.cpr = _figure("φ / π", "I")
        self.cpr.line("phase", "current", source=self._relation, line_width=2)
        self.cpr.scatter("phase", "current", source=self._extrema, size=9, color="firebrick")
        self.dependence = _figure("", "I₊, I₋")
        for name, label, colour in (("plus", "I₊", "#1f77b4"), ("minus", "I₋", "darkorange")):
            self.dependence.line(
                "x", name, source=self._curves, line_width=2, color=colour, legend_label=label
            )
        self.dependence.legend.orientation = "horizontal"
        self.dependence.add_layout(self.dependence.legend[0], "above")
        self.dependence.scatter("x", "y", source=self._here, size=8, color="black")
        self._names = FactorRange(factors=[" "])
        self.sensitivity = figure(
            width=WIDE, height=260, y_range=self._names, x_axis_label="Δη over the whole slider",
            toolbar_location=None,
        )  # fmt: skip
        self.sensitivity.hbar(y="name", right="slope", height=0.7, source=self._bars)
        self.iv = _figure("I", "V")
        for name, colour in (("up", "#1f77b4"), ("down", "darkorange")):
            self.iv.line(
                "current", name, source=self._voltage, line_width=2, color=colour, legend_label=name
            )
        self.iv.visible = False

    def show_relation(self, found: Reading, unit: str) -> None:
        self.cpr.visible = found.current is not None
        if found.current is None:
            return
        self.cpr.yaxis.axis_label = f"I ({unit})" if unit else "I"
        self._relation.data = {"phase": PHASES / math.pi, "current": found.current}
        self._extrema.data = {
            "phase": np.array(found.phases) / math.pi,
            "current": np.array([found.plus, -found.minus]),
        }

    def show_curve(self, slider: Slider, curve: tuple[np.ndarray, ...], found: Reading) -> None:
        self._curves.data = dict(zip(("x", "plus", "minus"), curve, strict=True))
        self._here.data = {"x": [slider.value] * 2, "y": [found.plus, found.minus]}
        unit = f" ({slider.unit})" if slider.unit else ""
        self.dependence.xaxis.axis_label = f"{slider.label}{unit}"

    def show_slopes(self, slopes: Mapping[str, float]) -> None:
        names = sorted(slopes, key=lambda n: abs(np.nan_to_num(slopes[n])))
        self._names.factors = names
        self._bars.data = {"name": names, "slope": [slopes[n] for n in names]}

    def show_voltage(self, table: Mapping[str, Any]) -> None:
        self._voltage.data = {name: np.asarray(table[name]) for name in ("current", "up", "down")}
        self.iv.visible = True

    def clear(self) -> None:
        """Curves and slopes of other values would mislead."""
        self._curves.data = {"x": [], "plus": [], "minus": []}
        self._here.data = {"x": [], "y": []}
        self._bars.data = {"name": [], "slope": []}
        self._voltage.data = {"up": [], "down": [], "current": []}
        self.iv.visible = False


def _figure(x: str, y: str) -> Any:
    return figure(
        width=WIDE, height=260, x_axis_label=x, y_axis_label=y, toolbar_location="below",
        tools="pan,wheel_zoom,reset,save",
    )  # fmt: skip
