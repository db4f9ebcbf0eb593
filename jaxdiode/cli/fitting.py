"""What `jaxdiode fit` fits: device, data and space from a device file and a data file."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import _plain_checks as _checks
from ..files import device_file
from . import measured_currents

if TYPE_CHECKING:
    from ..studies.fit import FitResult
    from ..studies.space import Space

CALIBRATION = ("turns", "offset", "mutual_inductance", "current_offset")
KEYS = (
    *CALIBRATION, "sigma", "bounds", "ties", "coil_range", "coil_unit", "axes", "observable",
    "columns", "vary", "bins",
)  # fmt: skip


class Task(NamedTuple):
    """A fit that is ready to run.

    Attributes:
        model, space, data, arguments, along, periods, starts: as `jd.fit` takes them.
        sigma: noise, of the columns of errors where they are asked for, else of the file, else
            where the observable knows it.
        said: what was read and guessed, lines to print.
        measured: (x, I₊, I₋) and the label of x, of critical currents along an axis.
        axis, axis_unit: that axis and its unit.
        drop_missing: whether what is NaN in the data is left out.
    """

    model: Callable
    space: "Space"
    data: Any
    arguments: list
    along: Any
    periods: list[str]
    starts: Any
    sigma: Any
    said: list[str]
    measured: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], str] | None
    axis: str = ""
    axis_unit: str = ""
    drop_missing: bool = False


def read(path: Path, table: dict[str, Any], columns: measured_currents.Columns) -> Any:
    """Critical currents read before JAX is needed, checked; None for another observable."""
    options = table.get("fit", {})
    require_keys(options)
    if (kind := kind_of(options)) != "ObservedCurrents":
        if columns.errors:
            raise ValueError(f"errors must be left out for {kind}: say its noise")
        _refuse_unread(kind, options, columns)
        return None
    if len(options.get("axes", {})) > 1:
        raise ValueError(
            f"axes of [fit] must be one for critical currents, got {', '.join(options['axes'])}; "
            "with several, in Python: jd.fit(jd.experiment.Experiment.predict, ..., "
            "arguments=[{axis: column}])"
        )
    return measured_currents.read(path, table, columns)


def _refuse_unread(kind: str, options: dict[str, Any], columns: measured_currents.Columns) -> None:
    """What only tables of critical currents have, beside another observable."""
    keys = [name for name in ("coil_range", "coil_unit", "vary") if name in options]
    given = [name for name, x in columns._asdict().items() if x not in (None, False)]
    flags = [f"--{name.replace('_', '-')}" for name in given]
    if "bins" in options and kind != "SwitchingHistogram":
        keys.append("bins")
    if keys or flags:
        raise ValueError(
            f"{', '.join(keys + flags)} must be left out for {kind}; columns of [fit] names its "
            "columns, bounds what is fitted"
        )


def prepare(path: Path, table: dict[str, Any], currents: Any, seed: int) -> Task:
    """The task of a device file and a data file; `currents` as `read` gave them."""
    if currents is None:
        return of_observable(path, table)
    measured, kept, sigma = currents
    return of_currents(table, measured, kept, sigma, seed)


def best_fit(
    task: Task, sigma: float | None, starts: int | None, seed: int,
    loss: Any = "linear", bootstrap: int | None = None,
) -> "tuple[FitResult, Any]":  # fmt: skip
    """The fit of a task, and the noise that it was told: the command line's or the task's."""
    from ..studies.fit import fit

    noise = task.sigma if sigma is None else sigma
    found = fit(
        task.model, task.space, task.data, noise, arguments=task.arguments, along=task.along,
        periods=task.periods, loss=loss, starts=task.starts if starts is None else starts,
        key=seed, bootstrap=bootstrap, drop_missing=task.drop_missing,
    )  # fmt: skip
    return found, noise


def require_keys(options: dict[str, Any]) -> None:
    """Refuse what no [fit] holds."""
    for name in options:
        if name == "self_flux":
            raise ValueError(
                "self_flux of [fit] must be left out: give the branches an inductance in [device], "
                "or the bias line a mutual_inductance in [fit]"
            )
        if name not in KEYS:
            raise _checks.unknown_name("key of [fit]", name, KEYS)
    if "axes" in options:
        _typed(options["axes"])
    for key in ("axes", "observable"):
        both = ", ".join(name for name in CALIBRATION if name in options)
        if key in options and both:
            raise ValueError(
                f"[fit] must have {key} or {both}, which are those of a SQUID in a flux coil, not "
                "both; a current_offset belongs into the table of the observable"
            )
    if options.get("observable") is not None and not isinstance(options["observable"], dict):
        raise ValueError(
            'observable of [fit] must be a table such as { type = "VoltageCurve", noise = 0.1 }, '
            f"got {options['observable']!r}"
        )


def kind_of(options: dict[str, Any]) -> str:
    """The observable's name."""
    return str(options.get("observable", {}).get("type", "ObservedCurrents"))


def of_currents(table: dict[str, Any], measured, kept, sigma, seed: int) -> Task:
    """Critical currents along one axis: of a SQUID in a coil, or of any device by [fit] axes."""
    from ..studies.space import Space

    x, up, down = kept
    options = table.get("fit", {})
    setup = _setup(table, options)
    said = [f"read {measured.describe()}"]
    if x.size < measured.coil.size:
        said.append(f"fitted {x.size} of them, from {x[0]:g} to {x[-1]:g}")
    said += _errors_in_words(measured, sigma)
    axis = next(iter(options.get("axes", {})), "coil current")
    label = f"{axis} ({measured.coil_unit})" if measured.coil_unit else axis
    starts = None
    if not _is_guessed(setup, options):
        space = Space(setup, options["bounds"], options.get("ties", ()))
        periods = [name for name in space.names if name.startswith("turns")]
    else:
        from ..experiment import guess

        if options.get("ties"):
            raise ValueError(
                "ties of [fit] need bounds and a start of their own (turns), with nothing guessed"
            )
        vary, given = options.get("vary"), options.get("bounds")
        space, starts = guess(setup, kept, vary=vary, bounds=given, key=seed)
        periods = []
        said.append(_bounds_in_words(space, setup, given))
    return Task(
        _switching_currents, space, (up, down), [x], x, periods, starts,
        options.get("sigma") if sigma is None else sigma, said, ((x, up, down), label),
        axis, measured.coil_unit, bool(np.isnan([up, down]).any()),
    )  # fmt: skip


def _errors_in_words(measured, sigma) -> list[str]:
    if measured.errors is None:
        return []
    names = " and ".join(map(repr, measured.error_columns))
    if sigma is None:
        return [f"not used: errors in {names}; --errors takes them as the noise of every point"]
    return [f"noise of every point from {names}"]


def of_observable(path: Path, table: dict[str, Any]) -> Task:
    """Any other observable by [fit] observable."""
    from ..experiment import Experiment, read_observable
    from ..studies.space import Space

    options = table.get("fit", {})
    kind, axes = kind_of(options), _axes(options)
    given = {name: x for name, x in options["observable"].items() if name != "type"}
    bins = {"bins": options["bins"]} if "bins" in options else {}
    read = read_observable(
        path, kind, given, axes=tuple(axes), columns=options.get("columns"),
        unit=device_file.unit(table), **bins,
    )  # fmt: skip
    made = device_file.device(table)
    if isinstance(made, Experiment):  # what a fit found, but for the points that it was read at
        setup = Experiment(made.device, made.axes, _fitted(made.observable, read.observable))
    else:
        setup = Experiment(made, axes, read.observable)
    if "bounds" not in options:
        raise ValueError(
            f"[fit] needs 'bounds' for {kind}; the data show starts of critical currents only"
        )
    space = Space(setup, options["bounds"], options.get("ties", ()))
    columns = [read.columns] if read.columns else []
    return Task(
        Experiment.predict, space, read.data, columns, read.along, [], None,
        options.get("sigma", read.sigma), [f"read {read.text}"], None,
    )  # fmt: skip


def _fitted(found: Any, read: Any) -> Any:
    """The observable as the file is read, with the numbers that a fit found for it: all but the
    points, which are the table's."""
    import equinox as eqx

    from ..core.parameters import declarations

    if type(found) is not type(read):
        return read
    names = [
        name
        for name, declared in declarations(type(read)).items()
        if not declared.table
        and hasattr(getattr(read, name), "dtype")
        and getattr(found, name) is not None
    ]
    for name in names:
        shapes = [np.shape(getattr(one, name)) for one in (found, read)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"observable of the result must have {name} of shape {shapes[1]} as that of [fit] "
                f"has, got {shapes[0]}"
            )
    return eqx.tree_at(
        lambda x: [getattr(x, name) for name in names], read, [getattr(found, n) for n in names]
    )


def _setup(table: dict[str, Any], options: dict[str, Any]) -> Any:
    """The device as it was measured."""
    made = device_file.device(table)
    if "axes" in options or "observable" in options:
        from ..experiment import Experiment

        if isinstance(made, Experiment):  # what a fit found: its axes are the fitted ones
            return made
        observable = {**options.get("observable", {}), "type": kind_of(options)}
        return Experiment(made, _axes(options), device_file.build(observable))
    calibration = {name: options[name] for name in CALIBRATION if name in options}
    if "turns" in calibration or hasattr(made, "turns"):
        return made.measured(calibration)
    if calibration:
        raise ValueError(
            f"[fit] needs 'turns' beside {', '.join(calibration)}; where turns are to be guessed, "
            "leave them out or give their bounds"
        )
    return made


def _is_guessed(setup: Any, options: dict[str, Any]) -> bool:
    """Whether bounds and starts come from the data: without any, or beside those of the file where
    there is no calibration to start from, or where `vary` asks for it."""
    if "bounds" not in options or "vary" in options:
        return True
    return not hasattr(setup, "turns") and not hasattr(setup, "axes")


def _bounds_in_words(space: "Space", setup: Any, given: dict[str, Any] | None) -> str:
    def words(names) -> str:
        pairs = ((name, *space.bounds[name]) for name in names)
        return ", ".join(f"{name} {low:.4g} to {high:.4g}" for name, low, high in pairs)

    own = []
    if given:
        from ..studies.space import Space

        own = [name for name in space.names if name in Space(space.device, given).names]
    rest = [name for name in space.names if name not in own]
    text = f"bounds guessed from the data: {words(rest) or 'none'}"
    return f"{text}; of the file: {words(own)}" if own else text


def _axes(options: dict[str, Any]) -> dict[str, Any]:
    """The axes of [fit], made."""
    return device_file.build(_typed(options.get("axes", {})))


def _typed(axes: Any) -> dict[str, Any]:
    """Axes of a file, whose type goes without saying."""
    if not isinstance(axes, dict) or not all(isinstance(x, dict) for x in axes.values()):
        raise ValueError(
            'axes of [fit] must be tables such as coil = { parameters = "flux", scale = 65 }, '
            f"got {axes!r}"
        )
    return {"dict": {name: {"type": "Axis", **axis} for name, axis in axes.items()}}


def _switching_currents(setup, x):
    return setup.switching_currents(x)
