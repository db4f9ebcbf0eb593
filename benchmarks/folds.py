"""Both ends of the zero-voltage state of driven junctions with their gradient: ms per device.

η and its gradient in every parameter, in one program, of one device after the other on one core;
for devices whose fold is proven along its branch, and for one of each kind whose state ends after
period doublings, or whose fold only a ramp or integration in time can judge.
"""

import time

import jax
import numpy as np

import jaxdiode as jd
from benchmarks.environment import seconds, write


def shunted(device, damping, frequency, amplitude, phase):
    drive = jd.Drive(frequency, amplitude, phase=[0.0, phase])
    return jd.Shunted(device, damping, drive=drive)


def kapitza(damping, frequency, drive_current):
    return jd.KapitzaJunction(
        damping,
        frequency,
        mean_current=1.0,
        drive_current=drive_current,
        static_current=1.0,
        phase_offset=np.pi / 2,
    )


def kinds():
    sine = jd.TunnelJunction(1.0)
    skewed = jd.Harmonics([1.0, 0.4 * np.cos(1.0)], [0.0, 0.4 * np.sin(1.0)])
    return {
        "with capacitance, sine": {
            "beta .5, frequency 2": shunted(sine, 0.5, 2.0, [1.5, 1.0], 0.6),
            "beta 1, frequency 1": shunted(sine, 1.0, 1.0, [0.8, 0.5], 0.7),
            "beta 1, frequency .5": shunted(sine, 1.0, 0.5, [0.3, 0.2], 1.0),
            "beta .5, frequency .5 (period doubling)": shunted(sine, 0.5, 0.5, [0.3, 0.2], 1.0),
        },
        "with capacitance, two harmonics": {
            "beta .5, frequency 2": shunted(skewed, 0.5, 2.0, [1.5, 1.0], 0.6),
            "beta 1, frequency 1": shunted(skewed, 1.0, 1.0, [0.4, 0.3], 0.7),
        },
        "without capacitance, sine": {
            "frequency 2": shunted(sine, None, 2.0, [0.8, 0.5], 0.7),
            "frequency 1": shunted(sine, None, 1.0, [1.5, 1.0], 0.6),
            "frequency .5": shunted(sine, None, 0.5, [0.8, 0.5], 0.7),
        },
        "without capacitance, two harmonics": {
            "frequency .8": shunted(skewed, None, 0.8, [1.0, 0.5], 0.7),
            "frequency .5": shunted(skewed, None, 0.5, [0.8, 0.5], 0.7),
        },
        "Kapitza": {
            "beta .5, frequency 4, drive 3": kapitza(0.5, 4.0, 3.0),
            "beta .5, frequency 3, drive 1": kapitza(0.5, 3.0, 1.0),
            "beta .5, frequency 2, drive 1": kapitza(0.5, 2.0, 1.0),
            "beta 1, frequency 2, drive 2": kapitza(1.0, 2.0, 2.0),
            "beta .5, frequency 5, drive 8": kapitza(0.5, 5.0, 8.0),
            "beta .5, frequency 1.5, drive 1 (a window of period doubling)": kapitza(0.5, 1.5, 1.0),
        },
    }


def figures(devices):
    """First call in seconds, and a line for every device."""
    call = jax.jit(jax.value_and_grad(jd.diode_efficiency))
    found = {}
    for name, device in devices.items():
        began = time.perf_counter()
        jax.block_until_ready(call(device))
        if not found:
            found["first call (s)"] = round(time.perf_counter() - began, 2)
        # The median of calls, and the fastest, which other work on the machine disturbs least.
        spent = [seconds(lambda d=device: jax.block_until_ready(call(d)), 5) for _ in range(20)]
        status = jd.Status(int(jd.critical_currents(device).status))
        found[name] = {
            "warm, median (ms)": round(1e3 * float(np.median([x["warm"] for x in spent])), 3),
            "warm, fastest (ms)": round(1e3 * min(x["warm"] for x in spent), 3),
            "status": status.name,
        }
    return found


def main():
    write("folds", {kind: figures(devices) for kind, devices in kinds().items()})


if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    main()
