"""The demonstration: the paper's double-loop SQUID designed, inspected and measured."""

import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from . import plot
from .core.device import critical_currents, diode_efficiency
from .devices.squid import CoilBiasedSquid, Squid
from .files import save
from .studies.design import maximise, random_search
from .studies.fit import fit
from .studies.space import Space
from .studies.sweep import sweep

PAPER = 0.634  # what the paper's Monte Carlo found, with the third pair held balanced
NOISE = 1.5  # nA, of the simulated measurement


def run_demo(folder: Path, seed: int = 0) -> None:
    """Run the three parts, print their tables, write figures and JSON into `folder`."""
    began = time.perf_counter()
    design_key, random_key, noise_key = jax.random.split(jax.random.key(seed), 3)
    found = _design(folder, design_key, random_key)
    _flux_response(folder, found.device)
    _measure(folder, noise_key)
    print(f"\nAll of it, compilation included, took {time.perf_counter() - began:.0f} s.")


def _design(folder, key, other):
    print("1. Design: double-loop SQUID, E1 and E3 fixed by ungated junctions (420, 380 nA),")
    print("   equal fluxes from one field, four gates free between 20 and 360 nA.\n")
    device = Squid.from_pairs([(420, 190), (380, 190), (190, 190)], flux=(0.5, 0.5))
    gates = {
        "branches.0.second": (20, 360),
        "branches.1.second": (20, 360),
        "branches.2": (20, 360),
    }
    space = Space(device, {**gates, "flux": (0, 1)}, ties=["flux"])
    found = maximise(diode_efficiency, space, key=key, starts=96, steps=250, polish=500, rounds=2)
    chance = random_search(diode_efficiency, space, key=other, samples=found.evaluations)
    print(f"   {'search':<34s}{'CPR evaluations':>16s}{'eta':>10s}{'dense check':>13s}")
    for name, result in (("gradient ascent", found), ("Monte Carlo, same cost", chance)):
        dense = _brute_force(result.device)
        print(f"   {name:<34s}{result.evaluations:>16d}{result.value:>10.5f}{dense:>13.5f}")
    print(f"   {'paper (Monte Carlo, pair 3 tied)':<34s}{'':>16s}{PAPER:>10.3f}\n")
    for name, value in found.parameters.items():
        print(f"   {name:<22s}{value:>10.4f}")
    searches = {"gradient ascent": found, "Monte Carlo": chance}
    plot.search(searches, reference=PAPER).savefig(folder / "search.png")
    title = rf"designed: $\eta$ = {found.value:.4f}"
    plot.current_phase(found.device, unit="nA", title=title).savefig(folder / "cpr.png")  # pyright: ignore
    save(folder / "design.json", found, unit="nA")
    save(folder / "monte_carlo.json", chance, unit="nA")
    return found


def _flux_response(folder, device):
    data = sweep(critical_currents, device, {"flux": np.linspace(0, 1, 1001)})
    columns = (data[name].to_numpy() for name in ("flux", "plus", "minus"))
    title = "designed device over one flux period"
    plot.critical_currents_along(*columns, unit="nA", title=title).savefig(folder / "flux.png")
    low, high = float(data["efficiency"].min()), float(data["efficiency"].max())
    print(f"\n2. Over one flux period, on 1001 points, eta runs from {low:+.4f} to {high:+.4f}.")


def _measure(folder, key):
    print(
        f"\n3. Fit: the paper's device (Table 1) measured at 161 coil currents, {NOISE} nA noise.\n"
    )
    true = CoilBiasedSquid(
        Squid.from_pairs([(420, 80), (380, 90), (80, 90)], flux=(0.0, 0.0)),
        turns=(66.0, 66.0),
        offset=2e-4,
    )
    coil = jnp.linspace(-0.016, 0.016, 161)

    def model(device):
        critical = device.switching_currents(coil)
        return critical.plus, critical.minus

    clean = jax.jit(model)(true)
    noise = NOISE * jax.random.normal(key, (2, coil.size), float)
    data = clean[0] + noise[0], clean[1] + noise[1]
    # The two junctions of a branch are interchangeable: the start decides which is which.
    guess = CoilBiasedSquid(
        Squid.from_pairs([(380, 95), (420, 75), (70, 100)], flux=(0.0, 0.0)), turns=(66.6, 66.6)
    )
    bounds = {"squid.branches.*": (20, 600), "turns": (60, 72), "offset": (-0.002, 0.002)}
    space = Space(guess, bounds, ties=["turns"])
    found = fit(model, space, data, NOISE)
    truth = np.asarray(space.values(true))
    print(f"   {'parameter':<26s}{'true':>10s}{'fitted':>11s}{'error':>9s}{'off by':>9s}")
    for name, target, value, error in zip(
        found.names, truth, found.values, found.errors, strict=True
    ):
        off = (value - target) / error
        print(f"   {name:<26s}{target:>10.5g}{value:>11.5g}{error:>9.2g}{off:>+8.1f}σ")
    print(f"\n   chi² per degree of freedom {found.chi_squared:.3f}")
    fine = jnp.linspace(coil[0], coil[-1], 801)
    curve = found.device.switching_currents(fine)  # pyright: ignore
    missed = np.split(-found.residuals, 2)  # measured − fitted
    plot.critical_currents_along(
        1e3 * fine, curve.plus, curve.minus, label="coil current (mA)", unit="nA",
        measured=(1e3 * coil, *data), residuals=(missed[0], missed[1]), sigma=NOISE,
        title="simulated measurement and fit",
    ).savefig(folder / "fit.png")  # fmt: skip
    plot.errors(found.names, found.values, found.errors, truth).savefig(folder / "parameters.png")
    save(folder / "fit.json", found, unit="nA")


def _brute_force(device, points: int = 1_000_000) -> float:
    """η from a plain NumPy scan of the CPR: no search, no JAX, for comparison."""
    phase = (np.arange(points) + 0.5) * 2 * np.pi / points
    offsets = -2 * np.pi * np.concatenate([[0.0], np.cumsum(np.asarray(device.flux))])
    total = np.zeros(points)
    for branch, offset in zip(device.branches, offsets, strict=True):
        a, b = float(branch.first), float(branch.second)
        half = (phase + offset) / 2
        s, c = np.sin(half), np.cos(half)
        total += 2 * a * b * s * c / np.sqrt((a - b) ** 2 + 4 * a * b * c**2)
    return float((total.max() + total.min()) / (total.max() - total.min()))
