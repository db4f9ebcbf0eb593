"""`jaxdiode design`."""

from pathlib import Path
from typing import Any, Literal

from .. import _plain_checks as _checks
from ..files import device_file
from . import robust
from .common import (
    Cache,
    Count,
    DeviceFile,
    check_folder,
    finish,
    make_folder,
    say,
    start_jax,
)


def _efficiency(device):
    from ..core.device import diode_efficiency

    return diode_efficiency(device)


def _bounded_efficiency(device):
    from ..core.device import critical_currents

    return critical_currents(device).bounded_efficiency


def _reverse_efficiency(device):
    return -_efficiency(device)


def _spin_efficiency(device):
    from ..core.device import AbstractPhaseBiased, critical_currents

    if isinstance(device, AbstractPhaseBiased):
        relation = device.relation()
        details = relation.details(critical_currents(relation))
        if "spin_diode" in details:
            return details["spin_diode"].as_dict()["efficiency"]
    raise ValueError(
        "objective 'spin-eta' needs a device with spin-resolved currents (SpinActiveJunction, "
        f"DiffusiveJunction), got {type(device).__name__}"
    )


OBJECTIVES = {
    "eta": _efficiency,
    "eta-prime": _bounded_efficiency,
    "minus-eta": _reverse_efficiency,
    "spin-eta": _spin_efficiency,
}
_Objective = Literal["eta", "eta-prime", "minus-eta", "spin-eta"]

# What [design] may set beside ties, with the values that hold where neither it nor an option does.
DEFAULTS = {
    "starts": 128,
    "steps": 300,
    "polish": 600,
    "rounds": 3,
    "compare": True,
    "objective": "eta",
    "seed": 0,
}
_SMALLEST = {"starts": 1, "steps": 1, "polish": 0, "rounds": 0, "seed": 0}


def design(
    device: DeviceFile,
    out: Path = Path("jaxdiode-design"),
    starts: Count = None,
    steps: Count = None,
    polish: Count = None,
    rounds: Count = None,
    compare: bool = True,
    objective: _Objective | None = None,
    seed: Count = None,
    spread: bool = False,
    force: bool = False,
    cache: Cache = True,
) -> None:
    """Find the device with the largest diode efficiency inside the file's [bounds].

    The file's [design] may set ties and every option but out, spread, force and cache.

    Example: jaxdiode design device.toml --starts 256

    Args:
        device: TOML file with [device] and [bounds], optionally [design]; or JSON with a device
            and such sections.
        out: Folder for figures and the JSON.
        starts: Random starting points (default: the file's, else 128).
        steps: Gradient ascent steps (default: the file's, else 300).
        polish: Evaluations of each ridge-following climb per round (default: the file's, else 600).
        rounds: Rounds of such climbs (default: the file's, else 3).
        compare: Also run Monte Carlo at the same number of evaluations.
        objective: What is made large (default: the file's, else eta): eta, or eta-prime, which
            ends at a perfect diode where eta goes on beyond (Andreev interferometers), or
            minus-eta, a diode the other way, or spin-eta, of the spin current (diffusive
            junctions).
        seed: Random seed (default: the file's, else 0).
        spread: Also design for the scatter of fabrication that [spread] describes, such as
            branches = "5 %", flux = 0.01: the statistic that [robust] names (risk = "mean",
            "quantile", "cvar" or "yield", with level or threshold; retune = ["flux"] for what
            is set anew for every device).
        force: Overwrite the folder's files.
    """
    table = device_file.read(device)
    given = {"starts": starts, "steps": steps, "polish": polish, "rounds": rounds,
             "compare": None if compare else False, "objective": objective,
             "seed": seed}  # fmt: skip
    options = _options(table.get("design", {}), given)
    if spread:
        robust.require_sections(table)
    check_folder(out, force)
    start_jax(cache)
    import jax

    from .. import plot
    from ..files import save
    from ..studies.design import maximise, random_search

    made = device_file.device(table)
    varied = device_file.space(table, made)
    function = OBJECTIVES[options["objective"]]
    key, other = jax.random.split(jax.random.key(options["seed"]))
    counts = {name: options[name] for name in ("starts", "steps", "polish", "rounds")}
    scattered = robust.objective(table, function, options["seed"], varied) if spread else None
    found = maximise(function, varied, key=key, **counts)
    unit, rest = device_file.unit(table), device_file.sections(table)
    say(found.summary(unit))
    folder = make_folder(out)
    save(folder / "result.json", found, unit=unit, sections=rest)
    searches = {"gradient": found}
    if options["compare"]:
        chance = random_search(function, varied, key=other, samples=found.evaluations)
        searches["Monte Carlo"] = chance
        save(folder / "monte_carlo.json", chance, unit=unit, sections=rest)
        say(f"Monte Carlo at the same cost: {chance.value:.6f}")
        if not found.value >= chance.value:
            again = maximise(function, varied, key=key, initial=chance.device, **counts)
            searches["gradient, from there"] = again
            found = again if again.value > chance.value else chance
            say(_BEATEN.format(found.value))
            say(found.summary(unit))
    if scattered is not None:
        nominal, seed = found, int(options["seed"])
        found = robust.design(table, scattered, varied, nominal, seed)
        say(found.summary(unit))
        label = options["objective"]
        robust.report(scattered, found, nominal, folder, label, seed, unit=unit, sections=rest)
    save(folder / "result.json", found, unit=unit, sections=rest)
    plot.search(searches, label=f"best {options['objective']} so far").savefig(
        folder / "search.png"
    )
    best = found.device.report()
    if best.drawable:
        best.plot(unit).savefig(folder / "cpr.png")
    finish(out)


_BEATEN = (
    "WARNING: that is more than the climbs had found; from there they reach {:.6f}, which is kept. "
    "More starts may find more."
)


def _options(written: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The options of the command line, then those of [design], then the defaults; all checked."""
    _checks.require_keys("design", written, ("ties", *DEFAULTS))
    chosen = {**DEFAULTS, **{name: written[name] for name in DEFAULTS if name in written}}
    chosen |= {name: value for name, value in given.items() if value is not None}
    for name, smallest in _SMALLEST.items():
        _checks.whole_number(name, chosen[name], at_least=smallest)
    _checks.flag("compare", chosen["compare"])
    if chosen["objective"] not in OBJECTIVES:
        raise _checks.unknown_name("objective", str(chosen["objective"]), OBJECTIVES)
    return chosen
