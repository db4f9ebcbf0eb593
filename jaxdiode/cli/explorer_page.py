"""The page of `jaxdiode explore`: sliders, numbers and figures, by Panel and Bokeh.

Everything is served from this machine; the page asks no other for anything.
"""

import html
import io
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import panel as pn
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure

from ..devices import SYSTEMS
from ..files import device_file
from .explorer import PHASES, Explorer, read

_LIVE = 0.15  # seconds of a reading above which curves and slopes wait to be asked for
_SAME_MOVE = 1.0  # seconds between two events of one drag
_WIDE = 365  # pixels: a telephone, or three beside each other


class Page:
    """One visitor's page: widgets around an `Explorer`."""

    def __init__(self, path: Path):
        self.explorer = Explorer(*read(path))
        self.message = pn.pane.HTML("", sizing_mode="stretch_width", css_classes=["message"])
        self.numbers = pn.pane.HTML("", sizing_mode="stretch_width", css_classes=["numbers"])
        self.busy = pn.indicators.LoadingSpinner(value=False, size=24)
        self.along = pn.widgets.Select(name="curve along", options=[], width=_WIDE)
        self.system = pn.widgets.Select(
            name="system", options=["", *(s.name for s in SYSTEMS)], value="", width=150
        )
        self.sliders = pn.Column(width=_WIDE)
        self.code = pn.widgets.TextAreaInput(
            name="Python", value="", height=160, visible=False, sizing_mode="stretch_width"
        )
        self._moved = ("", 0.0)
        self._quiet = False
        self._live = True
        self._figures()
        self._buttons()
        self._place_sliders()
        pn.state.onload(lambda: self._do(self._first))  # the page is there before it compiles

    # ---- Widgets

    def _figures(self) -> None:
        self.relation = ColumnDataSource({"phase": [], "current": []})
        self.extrema = ColumnDataSource({"phase": [], "current": []})
        self.curves = ColumnDataSource({"x": [], "plus": [], "minus": []})
        self.here = ColumnDataSource({"x": [], "y": []})
        self.bars = ColumnDataSource({"name": [], "slope": []})
        self.voltage = ColumnDataSource({"up": [], "down": [], "current": []})
        self.cpr = _figure("φ / π", "I")
        self.cpr.line("phase", "current", source=self.relation, line_width=2)
        self.cpr.scatter("phase", "current", source=self.extrema, size=9, color="firebrick")
        self.dependence = _figure("", "I₊, I₋")
        self.dependence.line("x", "plus", source=self.curves, line_width=2, legend_label="I₊")
        self.dependence.line(
            "x", "minus", source=self.curves, line_width=2, color="darkorange", legend_label="I₋"
        )
        self.dependence.legend.background_fill_alpha = 0.4
        self.dependence.legend.orientation = "horizontal"
        self.dependence.add_layout(self.dependence.legend[0], "above")
        self.dependence.scatter("x", "y", source=self.here, size=8, color="black")
        self.sensitivity = figure(
            width=_WIDE, height=260, y_range=[" "], x_axis_label="Δη over the whole slider",
            toolbar_location=None,
        )  # fmt: skip
        self.sensitivity.hbar(y="name", right="slope", height=0.7, source=self.bars)
        self.iv = _figure("I", "V")
        self.iv.line("current", "up", source=self.voltage, line_width=2, legend_label="up")
        self.iv.line(
            "current", "down", source=self.voltage, line_width=2, color="darkorange",
            legend_label="down",
        )  # fmt: skip
        self.iv.visible = False

    def _buttons(self) -> None:
        def button(name: str, action: Callable[[], None], kind: str = "default"):
            made = pn.widgets.Button(name=name, button_type=kind, width=105)
            made.on_click(lambda _: self._do(action))
            return made

        self.climb = button("climb", self._climb, "primary")
        self.undo = button("undo", self._undo)
        self.more = button("curve, slopes", self._more)
        self.transport = button("I–V", self._transport)
        self.python = button("as Python", self._python)
        self.fit = pn.widgets.FileInput(accept=".csv,.txt,.tsv", width=_WIDE // 2 - 10)
        self.open = pn.widgets.FileInput(accept=".toml,.json", width=_WIDE // 2 - 10)
        self.fit.param.watch(lambda e: self._do(lambda: self._fit(e.new)), "value")
        self.open.param.watch(lambda e: self._do(lambda: self._load(e.new)), "value")
        self.save = pn.widgets.FileDownload(
            callback=lambda: io.StringIO(self.explorer.toml()), filename="device.toml",
            label="save device file", width=160,
        )  # fmt: skip
        self.picture = pn.widgets.FileDownload(
            callback=self._png, filename="relation.png", label="figure", width=110
        )
        self.along.param.watch(lambda _: self._do(self._more), "value")
        self.system.param.watch(lambda e: self._do(lambda: self._example(e.new)), "value")

    def _rebuild(self) -> None:
        self._place_sliders()
        self._first()

    def _place_sliders(self) -> None:
        """Sliders anew: another device, or other ranges."""
        rows = []
        self.inputs: dict[str, tuple[Any, Any]] = {}
        for slider in self.explorer.sliders:
            unit = f" ({slider.unit})" if slider.unit else ""
            label = pn.pane.HTML(
                html.escape(f"{slider.label}{unit}"), margin=(4, 10, 0, 10), width=_WIDE - 20
            )
            bar = pn.widgets.FloatSlider(
                name="", start=slider.low, end=slider.high, value=slider.value,
                step=(slider.high - slider.low) / 1000, width=_WIDE - 125, show_value=False,
                margin=(0, 10),
            )  # fmt: skip
            typed = pn.widgets.FloatInput(
                value=slider.value, width=95, margin=(0, 10), css_classes=[_class(slider.name)]
            )
            bar.param.watch(lambda e, n=slider.name: self._move(n, e.new), "value")
            typed.param.watch(lambda e, n=slider.name: self._move(n, e.new), "value")
            self.inputs[slider.name] = (bar, typed)
            rows += [label, pn.Row(bar, typed)]
        self.sliders.objects = rows
        names = list(self.inputs)
        self._quiet = True
        self.along.options = names
        self.along.value = next((n for n in names if "flux" in n), names[0])
        self._quiet = False

    def layout(self) -> pn.Column:
        actions = pn.FlexBox(
            self.climb, self.undo, self.more, self.transport, self.python, self.save, self.picture
        )
        files = pn.FlexBox(
            pn.Column("device file", self.open), pn.Column("fit critical currents", self.fit)
        )
        head = pn.FlexBox(pn.pane.HTML("<h2>jaxdiode</h2>"), self.system, self.busy)
        figures = pn.FlexBox(
            pn.pane.Bokeh(self.cpr),
            pn.pane.Bokeh(self.sensitivity),
            pn.Column(self.along, pn.pane.Bokeh(self.dependence)),
            pn.pane.Bokeh(self.iv),
            styles={"flex": f"1 1 {_WIDE}px", "min-width": "0"},
        )
        return pn.Column(
            head, self.message, self.numbers, actions, files, self.code,
            pn.FlexBox(self.sliders, figures), sizing_mode="stretch_width",
        )  # fmt: skip

    # ---- What happens

    def _do(self, action: Callable[[], None]) -> None:
        """An action with the busy sign on; what goes wrong is a sentence on the page."""
        if self._quiet:
            return
        self.busy.value = True
        self.message.object = ""
        try:
            action()
        except Exception as error:  # whatever it is, a page must go on
            text = " ".join(str(error).split()) or type(error).__name__
            kind = "" if isinstance(error, ValueError) else f"unexpected {type(error).__name__}: "
            self.message.object = (
                f'<p id="message" style="color:#a00">{html.escape(kind + text)}</p>'
            )
        finally:
            self.busy.value = False

    def _move(self, name: str, value: float | None) -> None:
        if self._quiet or value is None:
            return

        def action() -> None:
            before, at = self._moved
            now = time.monotonic()
            goes_on = before == name and now - at < _SAME_MOVE
            try:
                self.explorer.move({name: float(value)}, goes_on=goes_on)
                self._moved = (name, now)
            finally:
                self._show_values()
            self._refresh()

        self._do(action)

    def _first(self) -> None:
        self._read()
        began = time.perf_counter()
        self._read()
        self._live = time.perf_counter() - began < _LIVE
        self.more.visible = not self._live
        self._clear()
        if self._live:
            self._more()

    def _refresh(self) -> None:
        self._read()
        if self._live:
            self._more()
        else:
            self._clear()

    def _climb(self) -> None:
        before, after = self.explorer.climb()
        self._show_values()
        self._refresh()
        self.message.object = f'<p id="message">|η| from {before:.6f} to {after:.6f}</p>'

    def _undo(self) -> None:
        if not self.explorer.undo():
            raise ValueError("there is no step back")
        if set(self.inputs) == set(self.explorer.ranges):
            self._show_values()
            self._refresh()
        else:
            self._rebuild()

    def _fit(self, content: bytes | None) -> None:
        if not content:
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / (self.fit.filename or "data.csv")
            path.write_bytes(content)
            found = self.explorer.fit(path)
        self._rebuild()
        text = html.escape(found.summary(self.explorer.unit))
        self.message.object = f'<pre id="message">{text}</pre>'

    def _load(self, content: bytes | None) -> None:
        if not content:
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / (self.open.filename or "device.toml")
            path.write_bytes(content)
            self.explorer.load(path)
        self._rebuild()

    def _example(self, system: str) -> None:
        if not system:
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{system}.toml"
            path.write_text(device_file.example(system), encoding="utf-8")
            self.explorer.load(path)
        self._rebuild()

    def _python(self) -> None:
        self.code.value = self.explorer.python()
        self.code.visible = True

    def _transport(self) -> None:
        found = self.explorer.device.iv()
        table = found.as_dict()
        self.voltage.data = {
            "current": np.asarray(table["current"]), "up": np.asarray(table["up"]),
            "down": np.asarray(table["down"]),
        }  # fmt: skip
        self.iv.visible = True

    # ---- What is shown

    def _show_values(self) -> None:
        self._quiet = True
        for slider in self.explorer.sliders:
            for widget in self.inputs[slider.name]:
                widget.value = slider.value
        self._quiet = False

    def _read(self) -> None:
        found = self.explorer.reading()
        unit = html.escape(self.explorer.unit)
        rows = (
            ("η", "eta", found.efficiency, ""), ("I₊", "plus", found.plus, unit),
            ("I₋", "minus", found.minus, unit),
        )  # fmt: skip
        cells = "".join(
            f'<span style="margin-right:2em">{name} = <b id="{key}" data-value="{value!r}">'
            f"{value:.6g}</b> {own}</span>"
            for name, key, value, own in rows
        )
        self.numbers.object = (
            f'<p style="font-size:130%">{cells}<span id="status">{html.escape(found.status)}'
            "</span></p>"
        )
        if found.current is None:
            self.cpr.visible = False
            return
        self.cpr.visible = True
        self.cpr.yaxis.axis_label = f"I ({unit})" if unit else "I"
        self.relation.data = {"phase": PHASES / math.pi, "current": found.current}
        self.extrema.data = {
            "phase": np.array(found.phases) / math.pi,
            "current": np.array([found.plus, -found.minus]),
        }

    def _more(self) -> None:
        name = self.along.value
        along, plus, minus = self.explorer.curve(name)
        self.curves.data = {"x": along, "plus": plus, "minus": minus}
        slider = next(s for s in self.explorer.sliders if s.name == name)
        found = self.explorer.reading()
        self.here.data = {"x": [slider.value] * 2, "y": [found.plus, found.minus]}
        unit = f" ({slider.unit})" if slider.unit else ""
        self.dependence.xaxis.axis_label = f"{slider.label}{unit}"
        slopes = self.explorer.slopes()
        names = sorted(slopes, key=lambda n: abs(np.nan_to_num(slopes[n])))
        self.sensitivity.y_range.factors = names
        self.bars.data = {"name": names, "slope": [slopes[n] for n in names]}

    def _clear(self) -> None:
        """Curves and slopes of other values would mislead."""
        self.curves.data = {"x": [], "plus": [], "minus": []}
        self.here.data = {"x": [], "y": []}
        self.bars.data = {"name": [], "slope": []}
        self.voltage.data = {"up": [], "down": [], "current": []}
        self.iv.visible = False

    def _png(self) -> io.BytesIO:
        from matplotlib import pyplot

        drawn = self.explorer.device.report().plot(self.explorer.unit)
        buffer = io.BytesIO()
        drawn.savefig(buffer, format="png", dpi=200)
        pyplot.close(drawn)
        buffer.seek(0)
        return buffer


def serve(path: Path, port: int, show: bool) -> None:
    """Serve pages on the loopback until interrupted."""
    pn.extension()
    pn.serve(
        {"/": lambda: Page(path).layout()}, title="jaxdiode", address="127.0.0.1", port=port,
        show=show, websocket_origin=[f"127.0.0.1:{port}", f"localhost:{port}"],
    )  # fmt: skip


def _class(name: str) -> str:
    """The style class of a parameter's number, by which it is found on the page."""
    return "value-" + name.replace(".", "-")


def _figure(x: str, y: str) -> Any:
    return figure(
        width=_WIDE, height=260, x_axis_label=x, y_axis_label=y, toolbar_location="below",
        tools="pan,wheel_zoom,reset,save",
    )  # fmt: skip
