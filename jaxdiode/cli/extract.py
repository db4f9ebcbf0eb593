"""`jaxdiode extract`."""

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from .. import _plain_checks as _checks
from .common import check_folder, finish, make_folder, say

MapFile = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MAP")]
Way = Literal["up", "down"]


def extract(
    data: MapFile,
    out: Path = Path("jaxdiode-extract"),
    current: str | None = None,
    voltage: str | None = None,
    resistance: str | None = None,
    axes: tuple[str, ...] = (),
    threshold: float | None = None,
    series_resistance: float | None = None,
    current_offset: float | None = None,
    direction: Way | None = None,
    hysteretic: bool | None = None,
    select: tuple[str, ...] = (),
    average: tuple[str, ...] = (),
    run: int | None = None,
    force: bool = False,
) -> None:
    """Critical currents, retrapping currents and diode efficiency of a measured map, with errors.

    Reads files of QCoDeS, Labber, spyview (.mtx), netCDF and text of any kind, finds the edges of
    every V(I) or dV/dI, and writes them as JSON, as a table that `jaxdiode fit` takes, and as a
    figure over the map. What was guessed is printed, with the option that decides. Of a map over
    several axes, such as repeats of a sweep, --average repeat takes the means of the currents with
    errors by their scatter, and --select repeat=0 one of them.

    Example: jaxdiode extract map.mtx --direction up

    Args:
        data: file of the acquisition program.
        out: Folder for the table, the JSON and the figure.
        current: Axis of the bias current (found by its unit or name).
        voltage: Variable that holds V(I).
        resistance: Variable that holds dV/dI, used if there is no voltage.
        axes: Names of the swept columns of a text file.
        threshold: Of the edges, above the zero-voltage line, in the variable's unit.
        series_resistance: Of the leads; 0 for four-terminal data.
        current_offset: To take off the bias, in its unit; nothing is taken off by itself.
        direction: Of the bias where it went one way and the file holds it the other way round.
        hysteretic: Whether the junction latches, where the bias went one way only (without it, it
            does if its voltage jumps): False takes the edge on the way to zero for I+ or I- too.
        select: Places on axes, as repeat=0 B=0.1: the curves nearest to them alone are read.
        average: Axes over which the currents found are averaged.
        run: Of a QCoDeS database or a Labber file (default: the last).
        force: Overwrite the folder's files.
    """
    check_folder(out, force)
    from .. import lab
    from ..files import save

    dataset = lab.read(data, axes=axes or None, run=run)
    say(lab.describe(dataset))
    dataset = _selected(dataset, select)
    found = lab.switching_currents(
        dataset, current=current, voltage=voltage, resistance=resistance, threshold=threshold,
        series_resistance=series_resistance, direction=direction, hysteretic=hysteretic,
        current_offset=0.0 if current_offset is None else current_offset,
    )  # fmt: skip
    for name in average:
        found, dataset = found.average(name), _mean(dataset, name)
    folder = make_folder(out)
    save(folder / "result.json", found)
    say(found.summary())
    _write(folder / "currents.csv", found)
    for line in _period(found):
        say(line)
    drawn, shown = _drawable(found, dataset)
    drawn.plot(shown).savefig(folder / "map.png")
    finish(out)


def _selected(dataset, words: tuple[str, ...]):
    """The part of a dataset nearest to places on its axes."""
    for word in words:
        name, equals, place = word.partition("=")
        if not equals:
            raise ValueError(f"select must be NAME=PLACE, as repeat=0, got {word!r}")
        if name not in dataset.dims or name == "sweep":
            axes = [str(d) for d in dataset.dims if d != "sweep"]
            raise _checks.unknown_name("axis to select", name, axes)
        size = dataset.sizes[name]
        values = dataset[name].values if name in dataset.coords else np.arange(size)
        if values.dtype.kind in "fiu":
            try:
                number = float(place)
            except ValueError as error:
                raise ValueError(f"select must be a number for {name!r}, got {place!r}") from error
            at = int(np.nanargmin(np.abs(values - number)))
        elif place in (labels := [str(value) for value in values]):
            at = labels.index(place)
        else:
            raise _checks.unknown_name(f"place on {name!r}", place, labels)
        say(f"selected: {name} = {_word(values[at])}, one of {size}")
        dataset = dataset.isel({name: at})
    return dataset


def _word(place) -> str:
    return place if isinstance(place, str) else f"{place:g}"


def _period(found) -> list[str]:
    """The period along the axis of a field, where there is one, or why it is not known."""
    from .. import lab
    from ..lab.roles import is_field

    sizes = {name: len(x) for name, x in found.axes.items() if len(x) > 1}
    numbers = [name for name in sizes if not isinstance(found.axes[name], tuple)]
    fields = [name for name in numbers if is_field(name, found.axis_units.get(name, ""))]
    if len(fields) != 1:
        return []
    (name,) = fields
    others = [other for other in sizes if other != name]
    if others:
        return [
            f"flux period along {name}: not looked for in a map over {', '.join(others)} too, "
            "--average takes means over an axis, --select a part of it"
        ]
    try:
        period = lab.flux_period(found)
    except ValueError as error:
        return [f"flux period along {name}: not known, {error}"]
    return [f"flux period along {name}:", *(f"  {line}" for line in period.summary().split("\n"))]


def _mean(dataset, name: str):
    """The map to draw beside averaged currents."""
    return dataset.mean(name, keep_attrs=True) if name in dataset.dims else dataset


def _drawable(found, dataset):
    """Along two axes at most, the longest; at the first places of the others."""
    sizes = {name: len(places) for name, places in found.axes.items() if len(places) > 1}
    if len(sizes) < 2:
        return found, dataset
    listed = ", ".join(f"{name} ({size})" for name, size in sizes.items())
    least = min(sizes, key=lambda name: ("repeat" not in name.casefold(), sizes[name]))
    say(
        f"the map has several axes, {listed}: --average {least} takes means over one, --select "
        f"{least}={_word(found.axes[least][0])} a part of it, jd.lab.histograms distributions"
    )
    from ..lab.subset import taken

    for name in sorted(sizes, key=lambda name: -sizes[name])[2:]:
        found = taken(found, name, 0)
        say(f"the figure is of the first place on {name} alone")
    return found, None


def _write(path: Path, found) -> None:
    """A table of the axes, I₊, I₋ and η with their errors, that `jaxdiode fit` reads.

    Names are those of the JSON: "plus_error" is of noise and bias step, "plus_total_error" and
    "efficiency_error" hold the choice of the threshold too.
    The last column says whether η is a diode's: "no" also where there is no η.
    """
    axes = {name: np.asarray(values) for name, values in found.axes.items()}
    grids = np.meshgrid(*axes.values(), indexing="ij") if axes else []
    unit = f" ({found.unit})" if found.unit else ""
    columns = {}
    for name, grid in zip(axes, grids, strict=True):
        own = found.axis_units.get(name, "")
        columns[f"{name} ({own})" if own else name] = grid.ravel()
    table = found.as_dict()
    for name in ("plus", "minus"):
        columns[f"{name}{unit}"] = np.ravel(table[name])
        for error in (f"{name}_error", f"{name}_total_error"):
            columns[f"{error}{unit}"] = np.ravel(table[error])
    columns["efficiency"] = np.ravel(table["efficiency"])
    columns["efficiency_error"] = np.ravel(table["efficiency_error"])
    columns["significant"] = np.where(np.ravel(table["significant"]), "yes", "no")
    lines = [",".join(f'"{x}"' if "," in x else x for x in columns)]
    rows = zip(*(np.atleast_1d(c) for c in columns.values()), strict=True)
    lines += [",".join(str(x) for x in row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
