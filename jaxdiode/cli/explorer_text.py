"""What the page of `jaxdiode explore` says, as HTML."""

import base64
import html
import re

from .explorer import Reading, Slider

BUSY = """<style>
@keyframes late { 0% { opacity: 0 } 99% { opacity: 0 } 100% { opacity: 1 } }
@keyframes turn { to { transform: rotate(360deg) } }
b { animation: late 0.15s; color: #0072b5; white-space: nowrap }
i { display: inline-block; width: 12px; height: 12px; border: 3px solid #0072b5; margin-right: 6px;
    border-right-color: transparent; border-radius: 50%; animation: turn 1s linear infinite }
</style><b id="busy"><i></i>computing …</b>"""  # what is done at once does not flicker


def _typeset(text: str) -> str:
    """HTML of a label or unit, with what follows an underscore below the line."""
    return re.sub(r"_(\w+)", r'<sub style="line-height:0">\1</sub>', html.escape(text))


def label(slider: Slider) -> str:
    words = slider.label.removesuffix(f", {slider.name}")
    path = f'<span style="color:#777">, {html.escape(slider.name)}</span>'
    unit = f" ({_typeset(slider.unit)})" if slider.unit else ""
    return f"{_typeset(words)}{path if words != slider.label else ''}{unit}"


def numbers(found: Reading, unit: str) -> str:
    """η, I₊, I₋ and the status, every digit of them in attributes."""
    rows = (
        ("η", "eta", found.efficiency, ""), ("I₊", "plus", found.plus, unit),
        ("I₋", "minus", found.minus, unit),
    )  # fmt: skip
    cells = "".join(
        f'<span style="margin-right:1.5em; white-space:nowrap">{name} = '
        f'<b id="{key}" data-value="{value!r}">{value:.6g}</b> {_typeset(own)}</span> '
        for name, key, value, own in rows
    )
    status = html.escape(found.status)
    return f'<p style="font-size:130%; margin:6px 0">{cells}<span id="status">{status}</span></p>'


NO_NUMBERS = '<p style="font-size:130%; margin:6px 0"><span id="status">no numbers</span></p>'


def picture(png: bytes) -> str:
    """A figure on the page, with a link that saves it."""
    data = "data:image/png;base64," + base64.b64encode(png).decode()
    return (
        f'<img id="picture" alt="the device" style="max-width:100%; display:block" src="{data}">'
        f'<a href="{data}" download="relation.png">save this figure</a>'
    )


def style_class(name: str) -> str:
    """The style class of a parameter's number, by which it is found on the page."""
    return "value-" + name.replace(".", "-")
