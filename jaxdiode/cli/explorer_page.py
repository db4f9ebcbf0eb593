"""The page of `jaxdiode explore`: sliders, numbers and figures, by Panel and Bokeh.

Everything is served from this machine; the page asks no other for anything.
"""

import html
import io
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import panel as pn

from ..devices import SYSTEMS
from ..files import device_file
from .explorer import Explorer, read
from .explorer_figures import WIDE, Figures
from .explorer_files import Upload, as_file
from .explorer_sliders import SliderRows
from .explorer_text import BUSY, NO_NUMBERS, numbers, picture
from .explorer_worker import Worker

_LIVE = 0.15  # seconds of a reading above which curves and slopes wait to be asked for
_FOLLOWED = 0.4  # seconds of an I–V curve above which it goes when something moves
_GONE = "No connection: nothing here follows any more. Start jaxdiode explore again, then reload."
_SAME_MOVE = 1.0  # seconds between two events of one drag
_LARGEST = 500 * 2**20  # bytes of a file from the page; beyond it the connection would end


class Page:
    """One visitor's page: widgets around an `Explorer`.

    Widgets are read and set by the loop that serves all pages; the explorer belongs to a thread of
    this page, so that a long computation shows its busy sign and holds up nobody else.
    """

    def __init__(self, path: Path):
        self.explorer = Explorer(*read(path))
        self._document = pn.state.curdoc
        self._worker = Worker(lambda: self._show(self._rest))
        self._pending: dict[str, tuple[float, bool]] = {}  # moves that wait for the worker
        self._moved = ("", 0.0)
        self._quiet = False
        self._live = True
        self._coded = False  # whether the Python code is shown
        self._follows = False  # whether the I–V curve is drawn anew when something moves
        self._name = _first_along(self.explorer.ranges)  # along which the curve goes
        self.message = pn.pane.HTML(
            "", sizing_mode="stretch_width", margin=(0, 10), min_height=28, css_classes=["message"]
        )
        self.numbers = pn.pane.HTML("", sizing_mode="stretch_width", margin=(0, 10))
        self.busy = pn.pane.HTML("", width=105, margin=(26, 0, 0, 0))
        self.along = pn.widgets.Select(name="curve along", options=[], sizing_mode="stretch_width")
        self.system = pn.widgets.Select(
            name="example", options={"–": "", **{s.name: s.name for s in SYSTEMS}}, width=150
        )
        self.sliders = SliderRows(self._move)
        self.drawn = pn.pane.HTML("", sizing_mode="stretch_width", margin=(0, 10), visible=False)
        self.code = pn.widgets.TextAreaInput(
            name="Python", value="", height=160, visible=False, sizing_mode="stretch_width"
        )
        self.figures = Figures()
        self._buttons()
        self._place_sliders()
        pn.state.onload(lambda: self._do(self._first))  # the page is there before it compiles

    # ---- Widgets

    def _buttons(self) -> None:
        def button(name: str, action: Callable[[], None], kind: str = "default"):
            made = pn.widgets.Button(name=name, button_type=kind, width=105, height=32)
            made.on_click(lambda _: self._do(action))
            return made

        self.climb = button("climb", self._climb, "primary")
        self.undo = button("undo", self._undo)
        self.more = button("curve, slopes", self._more)
        self.more.visible = False
        self.transport = button("I–V", self._voltages)
        self.python = button("as Python", self._python)
        self.fit = Upload("fit critical currents (.csv)", ".csv,.txt,.tsv", self._taking(self._fit))
        self.open = Upload(
            "open a device file (.toml, .json)", ".toml,.json", self._taking(self._open)
        )
        self.save = pn.widgets.FileDownload(
            callback=lambda: io.StringIO(self.explorer.toml()), filename="device.toml",
            label="save device file", width=140, height=32,
        )  # fmt: skip
        self.picture = button("figure", self._picture)
        self.along.param.watch(lambda e: self._do(lambda: self._along(e.new)), "value")
        self.system.param.watch(lambda e: e.new and self._example(e.new), "value")

    def _place_sliders(self) -> None:
        """Sliders anew: another device, or other ranges."""
        self.sliders.place(self.explorer.sliders)
        self._quiet = True
        self.along.options = self.sliders.names
        self.along.value = _first_along(self.sliders.names)
        self._quiet = False

    def layout(self) -> pn.Column:
        actions = pn.FlexBox(
            self.climb, self.undo, self.more, self.transport, self.python, self.save, self.picture
        )
        files = pn.FlexBox(self.open.column, self.fit.column)
        head = pn.FlexBox(pn.pane.HTML("<h2>jaxdiode</h2>"), self.system, self.busy)
        figures = pn.Column(
            self.figures.cpr, pn.Column(self.along, self.figures.dependence, margin=0),
            self.figures.sensitivity, self.figures.iv, sizing_mode="stretch_width",
            styles={
                "display": "grid", "flex": f"1 1 {WIDE}px", "min-width": "0", "gap": "12px",
                "grid-template-columns": f"repeat(auto-fit, minmax({WIDE}px, 1fr))",
                "align-items": "start",
            },
        )  # fmt: skip
        return pn.Column(
            head, self.message, self.numbers, actions, files, self.code, self.drawn,
            pn.FlexBox(self.sliders.column, figures), sizing_mode="stretch_width",
        )  # fmt: skip

    # ---- What happens

    def _show(self, update: Callable[[], None]) -> None:
        """Change widgets from the worker's thread, in order."""
        if self._document is not None:
            self._document.add_next_tick_callback(update)

    def _rest(self) -> None:
        if not self._worker.working:  # nothing came meanwhile
            self.busy.object = ""

    def _say(self, text: str, tag: str = "p", style: str = "") -> None:
        """A sentence on the page, in place of the one before."""

        def update() -> None:
            self.message.object = (
                f'<{tag} id="message" style="{style}">{html.escape(text)}</{tag}>' if text else ""
            )

        self._show(update)

    def _do(self, action: Callable[[], None]) -> None:
        """An action with the busy sign on; what goes wrong is a sentence on the page."""
        if self._quiet:
            return

        def job() -> None:
            self._say("")
            try:
                action()
            except BaseException as error:  # whatever it is, a page must go on
                text = " ".join(str(error).split()) or type(error).__name__
                if not isinstance(error, ValueError):
                    text = f"unexpected {type(error).__name__}: {text}"
                self._say(text, style="color:#a00")

        self.busy.object = BUSY
        self._worker.submit(job)

    def _taking(self, action: Callable[[Path], None]) -> Callable[[str, bytes], None]:
        """What is done with a file: the action, once it is a file."""

        def taken(name: str, content: bytes) -> None:
            def job() -> None:
                with as_file(name, content) as path:
                    action(path)

            self._do(job)

        return taken

    def _example(self, system: str) -> None:
        self._taking(self._open)(f"{system}.toml", device_file.example(system).encode())

    def _move(self, name: str, value: float) -> None:
        """The latest value of each slider is what counts; the worker takes them together."""
        (before, at), now = self._moved, time.monotonic()
        goes_on = before == name and now - at < _SAME_MOVE
        self._moved = (name, now)
        waits = bool(self._pending)
        _, first = self._pending.get(name, (value, goes_on))
        self._pending[name] = (value, first and goes_on)
        if not waits:
            self._do(self._moves)

    def _moves(self) -> None:
        moves, self._pending = self._pending, {}
        refused: list[ValueError] = []
        for name, (value, goes_on) in moves.items():
            try:
                self.explorer.move({name: value}, goes_on=goes_on)
            except ValueError as error:
                refused.append(error)
        if len(refused) < len(moves):
            self._refresh()
        if refused:
            self._show(self._show_values)
            raise refused[0]

    def _first(self) -> None:
        self._follows = False
        self._read(clears=True)
        began = time.perf_counter()
        self.explorer.reading()
        live = self._live = time.perf_counter() - began < _LIVE
        has_voltages = self.explorer.has_voltages(live)

        def update() -> None:
            self.more.visible, self.transport.visible = not live, has_voltages

        self._show(update)
        if live:
            self._more()

    def _rebuild(self) -> None:
        self._name = _first_along(self.explorer.ranges)
        self._show(self._place_sliders)
        self._first()

    def _refresh(self) -> None:
        self._read(clears=not self._live)
        if self._live:
            self._more()

    def _climb(self) -> None:
        before, after = self.explorer.climb()
        self._show(self._show_values)
        self._refresh()
        self._say(f"|η| from {before:.6f} to {after:.6f}")

    def _undo(self) -> None:
        before = self.explorer.state
        if not self.explorer.undo():
            raise ValueError("there is no step back")
        if self.explorer.state.has_sliders_of(before):
            self._show(self._show_values)
            self._refresh()
        else:
            self._rebuild()

    def _fit(self, path: Path) -> None:
        _, said = self.explorer.fit(path)
        self._rebuild()
        self._say(said, "pre", "overflow-x:auto")

    def _open(self, path: Path) -> None:
        self.explorer.load(path)
        self._rebuild()

    def _along(self, name: str) -> None:
        self._name = name
        self._more()

    def _python(self) -> None:
        """The code; it follows the device from now on."""
        self._coded = True
        self._show_code()

    def _show_code(self) -> None:
        code = self.explorer.python()

        def update() -> None:
            self.code.value, self.code.visible = code, True

        self._show(update)

    def _voltages(self) -> None:
        """The I–V curve; it follows the sliders from now on where it takes no time."""
        self._show_voltages()
        began = time.perf_counter()
        if self._live:  # the first time it compiled
            self.explorer.voltages()
        self._follows = self._live and time.perf_counter() - began < _FOLLOWED

    def _show_voltages(self) -> None:
        found, unit = self.explorer.voltages(), self.explorer.unit
        self._show(lambda: self.figures.show_voltages(found, unit))

    # ---- What is shown

    def _show_values(self) -> None:
        self.sliders.show(self.explorer.sliders, self._pending)

    def _read(self, clears: bool = False) -> None:
        try:
            found = self.reading = self.explorer.reading()
        except BaseException:
            self._show(self._blank)  # what is there belongs to other values
            raise
        unit = self.explorer.unit

        def update() -> None:
            self.numbers.object = numbers(found, unit)
            self.figures.show_relation(found, unit)
            if clears:
                self.figures.clear()
            if not self._follows:
                self.figures.clear_voltages()

        self._show(update)
        if self._coded:
            self._show_code()

    def _blank(self) -> None:
        self.numbers.object = NO_NUMBERS
        self.figures.clear()
        self.figures.clear_voltages()
        self.figures.cpr.object.visible = False

    def _more(self) -> None:
        try:
            self._curves()
        except BaseException:
            self._show(self.figures.clear)
            self._show(self.figures.clear_voltages)
            raise

    def _curves(self) -> None:
        slider = next(s for s in self.explorer.sliders if s.name == self._name)
        curve, found, unit = self.explorer.curve(self._name), self.reading, self.explorer.unit
        self._show(lambda: self.figures.show_curve(slider, curve, found, unit))
        slopes = self.explorer.slopes()
        self._show(lambda: self.figures.show_slopes(slopes))
        if self._follows:
            self._show_voltages()

    def _picture(self) -> None:
        found = self.explorer.picture()

        def update() -> None:
            self.drawn.object, self.drawn.visible = picture(found), True

        self._show(update)


def serve(path: Path, port: int, show: bool) -> None:
    """Serve pages on the loopback until interrupted."""
    pn.extension(notifications=True, disconnect_notification=_GONE)
    pn.serve(
        {"/": lambda: Page(path).layout()}, title="jaxdiode", address="127.0.0.1", port=port,
        show=show, websocket_origin=[f"127.0.0.1:{port}", f"localhost:{port}"],
        websocket_max_message_size=_LARGEST, http_server_kwargs={"max_buffer_size": _LARGEST},
    )  # fmt: skip


def _first_along(names: Iterable[str]) -> str:
    names = list(names)
    return next((name for name in names if "flux" in name), names[0])
