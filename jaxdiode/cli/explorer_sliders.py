"""Sliders on the page of `jaxdiode explore`, each with a box for its number."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

import panel as pn

from .explorer import Slider
from .explorer_figures import WIDE
from .explorer_text import label, style_class


class SliderRows:
    """Rows of a slider and a box, which follow each other.

    Args:
        moved: called with name and value when a visitor has moved one.

    Attributes:
        column: where they stand.
    """

    def __init__(self, moved: Callable[[str, float], None]):
        self.column = pn.Column(width=WIDE)
        self._moved = moved
        self._widgets: dict[str, tuple[Any, Any]] = {}
        self._quiet = False

    @property
    def names(self) -> list[str]:
        return list(self._widgets)

    def place(self, sliders: Iterable[Slider]) -> None:
        """Rows anew: another device, or other ranges."""
        rows = []
        self._widgets = {}
        for slider in sliders:
            words = pn.pane.HTML(label(slider), margin=(6, 10, 0, 10), width=WIDE - 20)
            bar = pn.widgets.FloatSlider(
                name="", start=slider.low, end=slider.high, value=slider.value,
                step=(slider.high - slider.low) / 1000, width=WIDE - 170, show_value=False,
                margin=(0, 10), align="center",
            )  # fmt: skip
            typed = pn.widgets.FloatInput(
                value=slider.value, width=130, margin=(0, 10), align="center",
                css_classes=[style_class(slider.name)],
            )  # fmt: skip
            for made, other in ((bar, typed), (typed, bar)):
                made.param.watch(lambda e, n=slider.name, o=other: self._take(n, e.new, o), "value")
            self._widgets[slider.name] = (bar, typed)
            rows += [words, pn.Row(bar, typed, margin=0)]
        self.column.objects = rows

    def show(self, sliders: Iterable[Slider], moving: Collection[str]) -> None:
        """Set values, but of those that have moved on meanwhile."""
        self._quiet = True
        for slider in sliders:
            if slider.name not in moving:
                for widget in self._widgets.get(slider.name, ()):
                    widget.value = slider.value
        self._quiet = False

    def _take(self, name: str, value: float | None, other: Any) -> None:
        """The widget that moved is left alone, it may be further already; its twin follows."""
        if self._quiet or value is None:
            return
        self._quiet, other.value = True, value
        self._quiet = False
        self._moved(name, float(value))
