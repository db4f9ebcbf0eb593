"""Input of scqubits and SQcircuit, as text and dictionaries; neither package is needed."""

from typing import Any

from .. import units as si
from ..circuits.circuit import Circuit
from ..dynamics.circuits import CircuitScale
from .branches import around, branches_of

NO_CAPACITANCE = 1e-20  # F: of junctions that have none, where a number must be written


def to_scqubits(circuit: Circuit, *, scale: CircuitScale) -> dict[str, Any]:
    """A circuit at zero bias as `scqubits.Circuit` takes it.

    Its potential is U = −Σ E_Jn cos nθ + ½Σ E_L χ² in GHz, harmonics as JJ2, JJ3, …, a pair in
    series as two junctions and a node. Junctions without a capacitance get one of 10⁻²⁰ F.

        made = jd.netlists.to_scqubits(circuit, scale=scale)
        qubit = scqubits.Circuit(made["input_string"], from_file=False)
        closing = [qubit.branches[k] for k in made["closure_branches"]]
        qubit.configure(closure_branches=closing)  # where there are any
        for number, flux in enumerate(made["external_fluxes"], start=1):
            setattr(qubit, f"Φ{number}", flux)  # in Φ₀

    Source: Chitta et al., New J. Phys. 24, 103020 (2022); the grammar of scqubits 4.3.

    Args:
        circuit: of tunnel junctions, series pairs, harmonics of sines, inductors, capacitors.
        scale: I₀ (A) and R₀ (Ω) that the circuit is in.

    Returns:
        {"input_string": its YAML, "closure_branches": numbers of the branches that close a loop
        each, "external_fluxes": flux of each (Φ₀), "nodes": {name: number}, "shifts": {name:
        radians that the phase of the node has more than in the circuit}}.

    Raises:
        ValueError: an element or a mutual inductance that scqubits cannot express, by its name.
            (It reads mutual inductances, but leaves their energy M I₁I₂ out of its potential.)

    Example:
        >>> fluxonium = jd.Circuit({
        ...     "J": jd.Junction("1", "0", jd.TunnelJunction(1.0), capacitance=1.0, offset=0.5),
        ...     "L": jd.Inductor("1", "0", 1.5),
        ... }, terminals=("1", "0"))
        >>> scale = jd.CircuitScale(10e-9, resistance=1500)
        >>> made = jd.netlists.to_scqubits(fluxonium, scale=scale)
        >>> print(made["input_string"])
        branches:
        - [JJ, 0, 1, 4.966835107766756, 1.3242851491904366]
        - [L, 0, 1, 0.5269975726156304]
        >>> print(made["closure_branches"], made["external_fluxes"])
        [1] [-0.5]
    """
    made = branches_of(circuit, scale, "scqubits", "does not count its energy")
    lines = ["branches:"]
    for branch in made.found:
        # scqubits takes the phase of the second node less that of the first.
        place = f"{branch.end}, {branch.start}"
        values = list(branch.energies)
        kind = branch.kind
        if kind == "JJ":
            kind = "JJ" if len(values) == 1 else f"JJ{len(values)}"
            values.append(_no_capacitance() if branch.charging is None else branch.charging)
        lines.append(f"- [{kind}, {place}, {', '.join(map(repr, values))}]")
    return {
        "input_string": "\n".join(lines),
        "closure_branches": list(made.closing),
        "external_fluxes": list(made.closing.values()),
        "nodes": made.nodes,
        "shifts": made.shifts,
    }


def to_sqcircuit(circuit: Circuit, *, scale: CircuitScale) -> dict[str, Any]:
    """A circuit at zero bias as lists of elements for `SQcircuit.Circuit`.

    Values are energies in GHz. A loop's flux turns with the first of its elements, from the lower
    node number to the higher (to the ground from the other), as SQcircuit counts it.

        made = jd.netlists.to_sqcircuit(circuit, scale=scale)
        loops = {name: sq.Loop(flux) for name, flux in made["loops"].items()}
        kinds = {"JJ": sq.Junction, "L": sq.Inductor}
        def element(x):
            if x["kind"] == "C":
                return sq.Capacitor(x["value"], "GHz")
            cap = x["charging_energy"] and sq.Capacitor(x["charging_energy"], "GHz")
            here = [loops[name] for name in x["loops"]]
            return kinds[x["kind"]](x["value"], "GHz", cap=cap, loops=here)
        edges = made["elements"].items()
        qubit = sq.Circuit({edge: [element(x) for x in here] for edge, here in edges})

    SQcircuit rounds the shares of a flux in the branches of a loop to five digits.

    Source: Rajabzadeh et al., Quantum 7, 1118 (2023); the elements of SQcircuit 1.0.

    Args:
        circuit: of tunnel junctions, series pairs, inductors and capacitors.
        scale: I₀ (A) and R₀ (Ω) that the circuit is in.

    Returns:
        {"elements": {(node, node): [{"kind": "JJ", "L" or "C", "name", "value" (GHz),
        "charging_energy" of a junction's capacitance (GHz) or None, "loops": [name]}]},
        "loops": {name: flux (Φ₀)}, "nodes": {name: number}, "shifts": {name: radians that the
        phase of the node has more than in the circuit, before SQcircuit moves flux in a loop}}.

    Raises:
        ValueError: an element, harmonics or a mutual inductance that SQcircuit does not have.

    Example:
        >>> fluxonium = jd.Circuit({
        ...     "J": jd.Junction("1", "0", jd.TunnelJunction(1.0), capacitance=1.0, offset=0.5),
        ...     "L": jd.Inductor("1", "0", 1.5),
        ... }, terminals=("1", "0"))
        >>> scale = jd.CircuitScale(10e-9, resistance=1500)
        >>> made = jd.netlists.to_sqcircuit(fluxonium, scale=scale)
        >>> for x in made["elements"][0, 1]:
        ...     print(x["kind"], x["name"], f"{x['value']:.6f}", x["loops"])
        JJ J 4.966835 ['loop 1']
        L L 0.526998 ['loop 1']
        >>> print(made["loops"])
        {'loop 1': 0.5}
    """
    made = branches_of(circuit, scale, "SQcircuit", "has none")
    elements: dict[tuple[int, int], list[dict[str, Any]]] = {}
    order: list[tuple[tuple[int, int], int]] = []
    for k, branch in enumerate(made.found):
        energy, *higher = branch.energies
        if branch.kind == "JJ" and (higher or energy < 0):
            raise ValueError(
                f"relation of {branch.name!r} must be one positive sine for SQcircuit, got "
                f"harmonics {', '.join(f'{x:g}' for x in branch.energies)} (GHz)"
            )
        edge = min(branch.start, branch.end), max(branch.start, branch.end)
        elements.setdefault(edge, []).append(
            {
                "kind": branch.kind,
                "name": branch.name,
                "value": energy,
                "charging_energy": branch.charging,
                "loops": branch.loops,
            }
        )
        order.append((edge, k))
    edges = list(elements)
    order.sort(key=lambda pair: edges.index(pair[0]))
    loops = {}
    for number, (chord, flux) in enumerate(made.closing.items(), start=1):
        loop = around(made.found, made.closing, chord)
        name = f"loop {number}"
        first = next(k for _, k in order if k in loop)
        branch = made.found[first]
        upward = 0 < branch.start < branch.end or branch.end == 0
        loops[name] = flux * loop[first] * (1 if upward else -1)
        for k in loop:
            made.found[k].loops.append(name)
    return {"elements": elements, "loops": loops, "nodes": made.nodes, "shifts": made.shifts}


def _no_capacitance() -> float:
    return si.elementary_charge**2 / (2 * NO_CAPACITANCE) / (si.planck * 1e9)
