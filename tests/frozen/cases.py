"""What is frozen, as functions that give arrays by name.

`python -m tests.frozen.freeze` writes them down; only where a change of a number is meant.
"""

import jax
import jax.numpy as jnp
import numpy as np

import jaxdiode as jd
from tests import helpers
from tests.problems import PROBLEMS

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def _named(result, *names):
    return {name: getattr(result, name) for name in names}


def _problem(problem):
    def compute():
        gradient, found = helpers.evaluate(problem.build())
        leaves = jax.tree.leaves(gradient)
        return {**_named(found, "plus", "minus"), **{f"d/{k}": x for k, x in enumerate(leaves)}}

    return compute


CASES |= {
    problem.name: _problem(problem)
    for problem in PROBLEMS
    if not {"diffusive", "shunted"} & problem.tags
}


def _spin_active(**options):
    return jd.SpinActiveJunction(
        0.1,
        4.0,
        ferromagnet_length=1.0,
        conductance=2.0,
        exchange=0.25,
        potential=0.25,
        left=jd.usadel.SpinBarrier(1.4, 0.25, width_up=0.14, width_down=0.14),
        right=jd.usadel.SpinBarrier(1.4, 0.25, width_up=0.14, width_down=0.14, azimuth=0.4 * np.pi),
        resolution=jd.usadel.UsadelResolution(phases=8, terms=4, tail=4, steps=6, momenta=4),
        **options,
    )


@case
def torus():
    found = _spin_active().torus()
    return {"current": found.current, "harmonics": found.harmonics_2d(3)}


@case
def spin_diode():
    return _named(jd.usadel.spin_diode(_spin_active()), "plus", "minus")


@case
def diffusive_diode_and_gradient():
    def value(exchange, conductance):
        contact = jd.usadel.SpinActiveContact(0.8, 0.2, mixing=0.2)
        device = jd.DiffusiveJunction(
            0.4,
            3.0,
            link_length=1.0,
            conductance=conductance,
            left=contact,
            right=jd.usadel.SpinActiveContact(0.9),
            exchange_field=exchange,
            resolution=jd.usadel.UsadelResolution(phases=8, terms=6, tail=6, steps=6),
        )
        return jd.critical_currents(device).plus

    found = jax.jit(jax.value_and_grad(value, (0, 1)))(2.0, 3.0)
    return {"plus": found[0], "gradient": jnp.stack(found[1])}


@case
def self_consistent():
    device = _spin_active(self_consistent=True)
    found = device.order_parameter(0.7)
    left = found.left[::4]
    return {"distance": found.distance, "real": jnp.real(left), "imag": jnp.imag(left)}


@case
def density():
    return {"ldos": _spin_active().ldos(jnp.array([0.2, 0.9, 1.3]), phase=0.5, broadening=0.05)}


@case
def iv_curve():
    device = jd.KapitzaJunction(
        0.5, 2.0, mean_current=1.0, drive_current=0.5, static_current=0.5, phase_offset=1.2
    )
    found = jd.iv_curve(device, [-1.7, -1.2, 0.3, 1.1, 1.6, 1.9], duration=300.0)
    return _named(found, "up", "down")


@case
def undriven_iv_curve():
    device = jd.KapitzaJunction(
        3.0, 2.0, mean_current=1.0, drive_current=0.0, static_current=0.5, phase_offset=1.2
    )
    return _named(jd.iv_curve(device, [0.5, 1.5, 2.0]), "up", "down")


@case
def trajectory():
    device = jd.KapitzaJunction(
        0.5, 2.0, mean_current=1.0, drive_current=0.5, static_current=0.5, phase_offset=1.2
    )
    found = jd.trajectory(device, 0.4, duration=20.0)
    return {"phase": found.phase[::50], "velocity": found.velocity[::50]}


@case
def ramps():
    device = jd.KapitzaJunction(
        0.5, 2.0, mean_current=1.0, drive_current=0.5, static_current=0.5, phase_offset=1.2
    )
    noisy = jd.switching_currents(device, noise=0.01, rate=1e-2, samples=2, key=3)
    return {
        **_named(device.limits(), "fold", "ramp"),
        "flip": jd.KapitzaJunction(
            0.5,
            1.1,
            mean_current=1.0,
            drive_current=1.0,
            static_current=1.0,
            phase_offset=np.pi / 2,
        )
        .limits()
        .flip,
        "switching": jnp.stack([jd.switching_currents(device).plus, noisy.plus.ravel()[0]]),
    }


@case
def wire():
    device = jd.PhaseSlipWire(1.0, jd.wire.ValleyPolarization(0.7, 0.1))
    currents = jnp.array([0.05, 0.11, 0.16, 0.2])
    limits = device.limits()
    return {
        "voltage": device.voltage(currents),
        "trace": device.trace(currents).voltage,
        "onset": limits.onset,
        "half": limits.half,
    }


@case
def wire_simulation():
    found = jd.wire.simulate_wire(0.45, 20.0, duration=60.0, spacing=0.5)
    return {"voltage": found.voltage, "mean": found.mean_voltage}


@case
def relation():
    device = jd.Squid.from_pairs(((420, 80), (380, 90), (80, 90)), (0.35, 0.35))
    found = jd.current_phase_relation(device)
    sine, cosine = found.harmonics(6)
    return {"sine": sine, "cosine": cosine, "energy": found.energy[::40]}


@case
def fit():
    coil = jnp.linspace(-0.01, 0.01, 81)
    squid = jd.CoilBiasedSquid(
        jd.Squid([jd.AndreevModes(300.0, 0.7), jd.TunnelJunction(80.0)], flux=[0.0]),
        [120.0],
        offset=1e-3,
    )
    true = jd.replace(squid, {"turns.0": 131.0, "squid.branches.1.critical_current": 71.0})
    noise = np.random.default_rng(0).normal(size=(2, 81))
    data = true.switching_currents(coil)
    space = jd.Space(
        squid,
        {"turns.0": (100.0, 150.0), "squid.branches.*.critical_current": (10.0, 200.0),
         "squid.branches.0.transparency": (0.0, 1.0)},
    )  # fmt: skip
    found = jd.fit(
        lambda device, at: device.switching_currents(at),
        space,
        tuple(np.asarray(x) + n for x, n in zip((data.plus, data.minus), noise, strict=True)),
        arguments=[coil],
        along=coil,
        progress=False,
    )
    return _named(found, "values", "errors", "robust_errors", "rms")


@case
def design():
    squid = jd.Squid.from_pairs(((420, 80), (380, 90), (80, 90)), (0.35, 0.35))
    space = jd.Space(squid, {"branches.*": (20.0, 420.0), "flux.*": (0.0, 1.0)})
    point = space.bounded(jnp.linspace(-1.0, 1.0, len(space.names)))
    drawn = space.sample(jax.random.key(1))
    found = jax.jit(jax.value_and_grad(lambda v: jd.diode_efficiency(space.insert(v))))(point)
    return {"bounded": point, "back": space.unbounded(point), "sample": drawn, "gradient": found[1]}


@case
def sweep():
    squid = jd.Squid.from_pairs(((420, 80), (380, 90), (80, 90)), (0.35, 0.35))
    data = jd.sweep(jd.critical_currents, squid, {"flux.0": jnp.linspace(0, 1, 7)}, progress=False)
    return {"plus": data["plus"].values, "minus": data["minus"].values}
