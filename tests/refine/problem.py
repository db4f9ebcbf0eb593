"""Maps that cost little, with all that a map may have, and exact values to compare with."""

import jax
import jax.numpy as jnp
import numpy as np
import xarray

import jaxdiode as jd

DEVICE = jd.Harmonics([0.3, 0.4, 0.5])
NAMES = ("sine.0", "sine.1", "sine.2")
COARSE = {name: np.linspace(0, 1, 5) for name in NAMES}


def axes(count):
    return {name: COARSE[name] for name in NAMES[:count]}


def smooth(device):
    return jnp.prod(jnp.sin(5 * device.sine[:3] + 0.3))


def radius(device):
    return jnp.sqrt(jnp.sum((device.sine + 0.05) ** 2))


def turns(device):
    """max of two smooth functions, as where two peaks tie."""
    x = device.sine
    return jnp.maximum(jnp.sin(2 * x[0] + x[1]), 1.3 * jnp.cos(x[0] - 0.3 * x[1]) - 0.4)


def cusp(device):
    return 0.3 * jnp.cbrt(jnp.square(device.sine[0] - 0.4 * device.sine[1] - 0.21))


def cusp_at(y):
    return 0.4 * y + 0.21


def turn_at(y):
    """Where the two are equal, by bisection."""
    low, high = np.zeros_like(y), np.ones_like(y)
    for _ in range(60):
        x = (low + high) / 2
        below = np.sin(2 * x + y) < 1.3 * np.cos(x - 0.3 * y) - 0.4
        low, high = np.where(below, x, low), np.where(below, high, x)
    return x


def jumps(device):
    return jnp.where(radius(device) > 0.8, 1.0, 0.0) * device.sine[0] + device.sine[1] ** 2


def regions(device):
    """NaN inside a circle, a status and a truth elsewhere, numbers and lists."""
    r, x = radius(device), device.sine
    inside = r < 0.8
    return {
        "value": jnp.where(inside, jnp.nan, jnp.sqrt(jnp.where(inside, 1.0, r)) * x[0]),
        "both": jnp.stack([jnp.sin(4 * x[0]), jnp.cos(3 * x[1])]),
        "turning": jax.lax.complex(jnp.cos(2 * x[0]), jnp.sin(2 * x[0]) * (1 + x[1])),
        "status": jnp.where(inside, 7, 0).astype(jnp.int32),
        "large": r > 1.1,
    }


def exact(function, where):
    """The function at points {name: values} of DEVICE."""

    def one(values):
        return function(jd.replace(DEVICE, dict(zip(where, values, strict=True))))

    points = jnp.stack([jnp.asarray(values) for values in where.values()], axis=1)
    return jax.device_get(jax.jit(jax.vmap(one))(points))


def random_points(axes, count=3000, seed=0):
    """{name: values} that belong together."""
    random = np.random.default_rng(seed)
    return {name: random.uniform(v[0], v[-1], count) for name, v in axes.items()}


def together(where):
    return {name: xarray.DataArray(values, dims="sample") for name, values in where.items()}
