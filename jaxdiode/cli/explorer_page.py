"""The page of `jaxdiode explore`: sliders, numbers and figures, by Panel and Bokeh.

Everything is served from this machine; the page asks no other for anything.
"""

import html
import io
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import panel as pn

from ..devices import SYSTEMS
from ..files import device_file
from .explorer import Explorer, read
from .explorer_figures import WIDE, Figures

_LIVE = 0.15  # seconds of a reading above which curves and slopes wait to be asked for
_SAME_MOVE = 1.0  # seconds between two events of one drag


class Page:
    """One visitor's page: widgets around an `Explorer`."""

    def __init__(self, path: Path):
        self.explorer = Explorer(*read(path))
        self.message = pn.pane.HTML("", sizing_mode="stretch_width", css_classes=["message"])
        self.numbers = pn.pane.HTML("", sizing_mode="stretch_width", css_classes=["numbers"])
        self.busy = pn.indicators.LoadingSpinner(value=False, size=24)
        self.along = pn.widgets.Select(name="curve along", options=[], width=WIDE)
        self.system = pn.widgets.Select(
            name="system", options=["", *(s.name for s in SYSTEMS)], value="", width=150
        )
        self.sliders = pn.Column(width=WIDE)
        self.code = pn.widgets.TextAreaInput(
            name="Python", value="", height=160, visible=False, sizing_mode="stretch_width"
        )
        self._moved = ("", 0.0)
        self._quiet = False
        self._live = True
        self.figures = Figures()
        self._buttons()
        self._place_sliders()
        pn.state.onload(lambda: self._do(self._first))  # the page is there before it compiles

    # ---- Widgets

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
        self.fit = pn.widgets.FileInput(accept=".csv,.txt,.tsv", width=WIDE // 2 - 10)
        self.open = pn.widgets.FileInput(accept=".toml,.json", width=WIDE // 2 - 10)
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
                html.escape(f"{slider.label}{unit}"), margin=(4, 10, 0, 10), width=WIDE - 20
            )
            bar = pn.widgets.FloatSlider(
                name="", start=slider.low, end=slider.high, value=slider.value,
                step=(slider.high - slider.low) / 1000, width=WIDE - 125, show_value=False,
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
            pn.pane.Bokeh(self.figures.cpr),
            pn.pane.Bokeh(self.figures.sensitivity),
            pn.Column(self.along, pn.pane.Bokeh(self.figures.dependence)),
            pn.pane.Bokeh(self.figures.iv),
            styles={"flex": f"1 1 {WIDE}px", "min-width": "0"},
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
        self.figures.clear()
        if self._live:
            self._more()

    def _refresh(self) -> None:
        self._read()
        if self._live:
            self._more()
        else:
            self.figures.clear()

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
        with _as_file(self.fit.filename or "data.csv", content) as path:
            found = self.explorer.fit(path)
        self._rebuild()
        text = html.escape(found.summary(self.explorer.unit))
        self.message.object = f'<pre id="message">{text}</pre>'

    def _load(self, content: bytes | None) -> None:
        if not content:
            return
        self._open(self.open.filename or "device.toml", content)

    def _example(self, system: str) -> None:
        if not system:
            return
        self._open(f"{system}.toml", device_file.example(system).encode())

    def _open(self, name: str, content: bytes) -> None:
        with _as_file(name, content) as path:
            self.explorer.load(path)
        self._rebuild()

    def _python(self) -> None:
        self.code.value = self.explorer.python()
        self.code.visible = True

    def _transport(self) -> None:
        self.figures.show_voltage(self.explorer.device.iv().as_dict())

    # ---- What is shown

    def _show_values(self) -> None:
        self._quiet = True
        for slider in self.explorer.sliders:
            for widget in self.inputs[slider.name]:
                widget.value = slider.value
        self._quiet = False

    def _read(self) -> None:
        found = self.reading = self.explorer.reading()
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
        self.figures.show_relation(found, self.explorer.unit)

    def _more(self) -> None:
        name = self.along.value
        slider = next(s for s in self.explorer.sliders if s.name == name)
        self.figures.show_curve(slider, self.explorer.curve(name), self.reading)
        self.figures.show_slopes(self.explorer.slopes())

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


@contextmanager
def _as_file(name: str, content: bytes) -> Iterator[Path]:
    """What came from the page, as the file that readers ask for; gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        yield path


def _class(name: str) -> str:
    """The style class of a parameter's number, by which it is found on the page."""
    return "value-" + name.replace(".", "-")
