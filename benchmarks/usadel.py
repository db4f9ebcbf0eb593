"""The spin-active junction against SciPy's `solve_bvp`, and a design by gradients.

Matched accuracy: 2e-6 I₀ in the currents, against the torus at twice the resolution. SciPy solves
one phase point with the frequencies, momenta and tolerance that reach it most cheaply of those
tried; a torus holds 256 points. One process, both warm.
"""

import time

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxdiode as jd
from benchmarks.environment import seconds, write
from tests.reference import usadel as reference

ACCURACY = 2e-6
POINTS = ((np.pi / 4, 0.4 * np.pi), (np.pi / 2, 0.0), (2.2, 0.9))


def junction(azimuth=0.4 * np.pi, width=0.14, **options):
    """Set A; B with a right width of 0.5."""
    left = jd.usadel.SpinBarrier(1.4, 0.25, width_up=0.14, width_down=0.14)
    right = jd.usadel.SpinBarrier(1.4, 0.25, width_up=width, width_down=width, azimuth=azimuth)
    return jd.SpinActiveJunction(
        0.1,
        4.0,
        ferromagnet_length=1.0,
        conductance=2.0,
        exchange=0.25,
        potential=0.25,
        left=left,
        right=right,
        **options,
    )


def torus():
    device = junction()
    value = eqx.filter_jit(lambda d: d.torus().current)
    efficiency = eqx.filter_jit(jd.diode_efficiency)
    gradient = eqx.filter_jit(eqx.filter_value_and_grad(jd.diode_efficiency))
    found = {}
    for name, function in (("torus", value), ("efficiency", efficiency), ("gradient", gradient)):
        found[name] = seconds(lambda f=function: jax.block_until_ready(f(device)))
    fine = device.doubled().torus()
    coarse = device.torus()
    grid = np.array(POINTS).T
    exact = np.array(fine.spin_currents(jnp.asarray(grid[0]), jnp.asarray(grid[1])))
    ours = np.array(coarse.spin_currents(jnp.asarray(grid[0]), jnp.asarray(grid[1])))
    found["error"] = float(np.abs(ours - exact).max())
    found["parameters"] = len(jax.tree.leaves(device))
    found["gradient_over_value"] = found["gradient"]["warm"] / found["efficiency"]["warm"]
    return found | against_scipy(exact, found["torus"]["warm"])


def against_scipy(exact, torus_seconds):
    tried = []
    for (terms, nodes, count), points, tolerance in (
        ((6, 8, 200), 8, 1e-3),
        ((6, 8, 200), 10, 1e-4),
        ((8, 10, 400), 10, 1e-4),
        ((8, 12, 400), 10, 1e-5),
    ):
        rule = reference.matsubara_rule(0.1, terms, nodes, count)
        start = time.perf_counter()
        found = [
            reference.currents(reference.SET_A, *point, rule, tolerance, points) for point in POINTS
        ]
        spent = (time.perf_counter() - start) / len(POINTS)
        error = float(np.abs(np.array(found).T - exact).max())
        tried.append({"tolerance": tolerance, "terms": terms + nodes, "s": spent, "error": error})
        if error <= ACCURACY:
            break
    per_point = tried[-1]["s"]
    return {
        "scipy": tried,
        "ratio_per_point_of_the_torus": per_point / (torus_seconds / 256),
        "ratio_per_point_solved": per_point / (torus_seconds / 144),
    }


COARSE = jd.usadel.UsadelResolution(12, 6, 6, 8, 6)
BOUNDS = {
    "temperature": (0.1, 0.9),
    "exchange": (0.05, 0.6),
    "conductance": (0.5, 4.0),
    "ferromagnet_length": (0.5, 2.0),
    "left.height": (1.3, 1.8),
    "right.height": (1.3, 1.8),
    "left.width_up": (0.05, 0.4),
    "left.width_down": (0.05, 0.4),
    "right.width_up": (0.05, 0.4),
    "right.width_down": (0.05, 0.4),
}


def design():
    """η_c upwards from set A with its angle free; η_s upwards at the angle 0.4 π."""
    return {
        "charge": climb(
            lambda d: -jd.diode_efficiency(d),
            junction(0.446 * np.pi, resolution=COARSE),
            BOUNDS | {"right.azimuth": (1.2, 1.57)},
        ),
        "spin": climb(
            lambda d: -jd.usadel.spin_diode_efficiency(d), junction(resolution=COARSE), BOUNDS
        ),
    }


def climb(objective, start, bounds):
    """A few gradient steps from a few starts; what they find is computed again, more finely."""
    begun = time.perf_counter()
    found = jd.maximise(
        objective, jd.Space(start, bounds), key=0, starts=4, steps=20, polish=20, rounds=1,
        progress=False,
    )  # fmt: skip
    spent = time.perf_counter() - begun
    again = found.device.at_resolution(jd.usadel.UsadelResolution()).doubled()
    return {
        "start": float(objective(start)),
        "found": found.value,
        "at_double_resolution": float(objective(again)),
        "s": spent,
        "parameters": found.parameters,
    }


def main():
    measured = torus()
    print(measured, flush=True)
    write("usadel", {"torus": measured, "design": design()})


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    main()
