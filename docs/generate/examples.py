"""Extension of griffe: the section "Example:" of docstrings is one of code with its output."""

import re

import griffe


class Examples(griffe.Extension):
    """mkdocstrings shows `Examples:` as code; the package writes `Example:`, of one."""

    def on_instance(self, *, obj, **_):
        if obj.docstring is not None:
            obj.docstring.value = re.sub(
                r"(?m)^(\s*)Example:$", r"\1Examples:", obj.docstring.value
            )
