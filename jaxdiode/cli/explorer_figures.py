"""The figures of `jaxdiode explore`, by Bokeh: what they show is sent, not drawn anew."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import panel as pn
from bokeh.models import ColumnDataSource, FactorRange
from bokeh.plotting import figure

from .explorer import PHASES, Reading, Slider
from .explorer_voltages import Voltages

WIDE = 365  # pixels: a telephone, or three beside each other


class Figures:
    """Relation, currents along a slider, slopes and I–V of one page.

    Attributes:
        cpr, dependence, sensitivity, iv: panes; a figure without anything to show is hidden.
    """

    def __init__(self):
        self._relation = ColumnDataSource({"phase": [], "current": []})
        self._extrema = ColumnDataSource({"phase": [], "current": []})
        self._curves = ColumnDataSource({"x": [], "plus": [], "minus": []})
        self._here = ColumnDataSource({"x": [], "y": []})
        self._bars = ColumnDataSource({"name": [], "slope": []})
        self._voltage = ColumnDataSource({"up": [], "down": [], "current": []})
        cpr = _figure("φ / π", "I")
        cpr.line("phase", "current", source=self._relation, line_width=2)
        cpr.scatter("phase", "current", source=self._extrema, size=9, color="firebrick")
        dependence = _figure("", "I₊, I₋")
        for name, label, colour in (("plus", "I₊", "#1f77b4"), ("minus", "I₋", "darkorange")):
            dependence.line(
                "x", name, source=self._curves, line_width=2, color=colour, legend_label=label
            )
        _above(dependence)
        dependence.scatter("x", "y", source=self._here, size=8, color="black")
        self._names = FactorRange(factors=[" "])
        sensitivity = figure(
            sizing_mode="stretch_width", height=260, y_range=self._names,
            x_axis_label="∂η/∂p × width of the slider", toolbar_location=None,
        )  # fmt: skip
        sensitivity.hbar(y="name", right="slope", height=0.7, source=self._bars)
        iv = _figure("I", "V")
        for name, colour, dash in (("up", "#1f77b4", "solid"), ("down", "darkorange", "dashed")):
            iv.line(
                "current", name, source=self._voltage, line_width=2, color=colour,
                line_dash=dash, legend_label=name,
            )  # fmt: skip
        _above(iv)
        for drawn in (dependence, sensitivity, iv):
            drawn.visible = False
        self.cpr, self.dependence, self.sensitivity, self.iv = (
            pn.pane.Bokeh(drawn, sizing_mode="stretch_width", margin=0)
            for drawn in (cpr, dependence, sensitivity, iv)
        )

    def show_relation(self, found: Reading, unit: str) -> None:
        self.cpr.object.visible = False
        if found.current is None or not np.isfinite(found.current).any():
            return
        self.cpr.object.visible = True
        self.cpr.object.yaxis.axis_label = _axis("I", unit)
        self._relation.data = {"phase": PHASES / math.pi, "current": found.current}
        self._extrema.data = {
            "phase": np.array(found.phases) / math.pi,
            "current": np.array([found.plus, -found.minus]),
        }

    def show_curve(
        self, slider: Slider, curve: tuple[np.ndarray, ...], found: Reading, unit: str
    ) -> None:
        self._curves.data = dict(zip(("x", "plus", "minus"), curve, strict=True))
        self._here.data = {"x": [slider.value] * 2, "y": [found.plus, found.minus]}
        words = slider.label.removesuffix(f", {slider.name}")  # the choice above says which
        self.dependence.object.xaxis.axis_label = _axis(words, slider.unit)
        self.dependence.object.yaxis.axis_label = _axis("I₊, I₋", unit)
        self.dependence.object.visible = True

    def show_slopes(self, slopes: Mapping[str, float]) -> None:
        names = sorted(slopes, key=lambda n: abs(np.nan_to_num(slopes[n])))
        factors = [_broken(name) for name in names]
        self._names.factors = factors
        self._bars.data = {"name": factors, "slope": [slopes[n] for n in names]}
        self.sensitivity.object.height = max(220, 60 + 28 * len(names))
        self.sensitivity.object.visible = True

    def show_voltages(self, found: Voltages, unit: str) -> None:
        self._voltage.data = {"current": found.current, "up": found.up, "down": found.down}
        self.iv.object.xaxis.axis_label = _axis("I", unit)
        self.iv.object.yaxis.axis_label = _axis("V", found.unit)
        self.iv.object.visible = True

    def clear_voltages(self) -> None:
        self._voltage.data = {"up": [], "down": [], "current": []}
        self.iv.object.visible = False

    def clear(self) -> None:
        """Curves and slopes of other values would mislead."""
        self._curves.data = {"x": [], "plus": [], "minus": []}
        self._here.data = {"x": [], "y": []}
        self._bars.data = {"name": [], "slope": []}
        for drawn in (self.dependence, self.sensitivity):
            drawn.object.visible = False


def _axis(words: str, unit: str) -> str:
    return f"{words} ({unit.replace('_0', '₀')})" if unit else words


def _broken(name: str) -> str:
    """A long path on two lines."""
    if len(name) <= 24:
        return name
    dots = [k for k, letter in enumerate(name) if letter == "."]
    if not dots:
        return name
    at = min(dots, key=lambda k: abs(2 * k - len(name)))
    return f"{name[: at + 1]}\n{name[at + 1 :]}"


def _above(drawn: Any) -> None:
    """The legend above the figure, on one line."""
    legend = drawn.legend[0]
    legend.orientation = "horizontal"
    legend.update(padding=0, margin=0, border_line_color=None)
    drawn.add_layout(legend, "above")


def _figure(x: str, y: str) -> Any:
    drawn = figure(
        sizing_mode="stretch_width", height=280, x_axis_label=x, y_axis_label=y,
        toolbar_location="below", tools="pan,wheel_zoom,reset,save",
    )  # fmt: skip
    drawn.toolbar.logo = None
    return drawn
