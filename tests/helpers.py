"""Shared by the tests: jitted entry points (one compilation per structure), and the reference.

Compiling costs seconds per device structure and running a millisecond, so every test calls the
functions below instead of jitting its own.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from scipy.interpolate import PchipInterpolator

import jaxdiode as jd
from tests.reference import dense_squid


def refusal(capsys, command, *arguments, **options):
    """What was captured of a command that ends with exit code 2."""
    with pytest.raises(SystemExit) as stopped:
        command(*arguments, **options)
    assert stopped.value.code == 2
    return capsys.readouterr()


def slow(test):
    """Marked slow and compiled as for users: tests that run longer than they compile."""
    return pytest.mark.slow(pytest.mark.usefixtures("optimised")(test))


def _observables(device):
    """(I₊, I₋, η) as one array to differentiate, and the plain result."""
    found = jd.critical_currents(device)
    return jnp.stack([found.plus, found.minus, found.efficiency]), found


# (gradients of (I₊, I₋, η) in the structure of the device, CriticalCurrents)
evaluate = jax.jit(jax.jacrev(_observables, has_aux=True))
# The result alone, a third of the program: where nobody asks for gradients of that structure.
values = jax.jit(jd.critical_currents)
lanes = jax.jit(jax.vmap(jd.critical_currents))
hessian = jax.jit(lambda device: flat_hessian(jd.diode_efficiency, device))


def critical_currents(device):
    return evaluate(device)[1]


def flat_hessian(function, device):
    vector, unravel = ravel_pytree(device)
    return jax.hessian(lambda v: function(unravel(v)))(vector)


def flat_jacobian(device):
    """Gradients of I₊, I₋, η against all parameters in the order of `parameters`: (3, n)."""
    return np.concatenate([leaf.reshape(3, -1) for leaf in jax.tree.leaves(evaluate(device)[0])], 1)


def parameters(device):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(device)])


def with_parameters(device, vector):
    """The device with other parameters, unchecked, as NumPy arrays."""
    leaves, structure = jax.tree.flatten(device)
    ends = np.cumsum([leaf.size for leaf in leaves])
    parts = np.split(np.asarray(vector, float), ends[:-1])
    shaped = [part.reshape(leaf.shape) for part, leaf in zip(parts, leaves, strict=True)]
    return jax.tree.unflatten(structure, shaped)


def stacked(devices):
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *devices)


def negated(*names):
    """The function that turns the sign of all parameters with these names in a device."""

    def turn(path, leaf):
        return -leaf if path[-1].name in names else leaf

    return lambda device: jax.tree_util.tree_map_with_path(turn, device)


# ---- What devices with a current-phase relation share


# The device in the opposite magnetic field, I(φ) → −I(−φ).
reversed_in_time = negated("flux", "cosine")


# The same device for tests/reference/dense_squid.py, which shares no code with jaxdiode.


def specification(device):
    """(branches, flux, inductance) of a device as the reference takes them."""
    if isinstance(device, jd.Squid):
        inductance = None if device.inductance is None else np.asarray(device.inductance)
        return [_branch(branch) for branch in device.branches], np.asarray(device.flux), inductance
    return [_branch(device)], np.zeros(0), None


def _number(parameter):
    if isinstance(parameter, jd.Gate):
        knots = parameter.map.voltage, parameter.map.critical_current
        return float(PchipInterpolator(*map(np.asarray, knots))(np.asarray(parameter.voltage)))
    return float(parameter)


def _branch(branch):
    match branch:
        case jd.TunnelJunction():
            return "tunnel", _number(branch.critical_current)
        case jd.SeriesJunctions():
            return "series", _number(branch.first), _number(branch.second)
        case jd.Harmonics():
            return "harmonics", branch.sine.tolist(), branch.cosine.tolist()
        case jd.AndreevModes():
            modes = branch.amplitude.tolist(), branch.transparency.tolist()
            cold = branch.gap is None
            energies = (1.0, 0.0) if cold else (float(branch.gap), float(branch.temperature))
            return "andreev", *modes, *energies


def with_efficiency(plus, minus):
    """(I₊, I₋, η)."""
    return np.array([plus, minus, (plus - minus) / (plus + minus)])


def dense_reference(device):
    """(I₊, I₋, η) by the independent NumPy evaluation."""
    return with_efficiency(*dense_squid.critical_currents(*specification(device)))


# ---- Derivatives of a reference


class Unresolved(Exception):
    """A finite difference is not to be trusted: a peak switch or a kink inside the stencil."""


def reference_gradient(device, steps, tolerance, reference=dense_reference):
    """Gradients (3, n) by Richardson differences of the reference, and the scale of each row.

    Where symmetry keeps η at 0, its row is judged by what I± alone would contribute.
    """
    function = _remembered(lambda v: reference(with_parameters(device, v)))
    x = parameters(device)
    coarse, fine = (dense_squid.gradient(function, x, steps, n).T for n in (3, 4))
    scale = np.max(np.abs(fine), axis=1, keepdims=True)
    plus, minus, _ = reference(device)
    scale[2] = np.maximum(scale[2], 1e-3 * scale[0] / (plus + minus))
    return _agreed(coarse, fine, scale, tolerance), scale


def reference_hessian(device, steps, tolerance, reference=dense_reference):
    """Hessian of η likewise."""
    function = _remembered(lambda v: reference(with_parameters(device, v))[2])
    x = parameters(device)
    coarse, fine = (dense_squid.hessian(function, x, steps, n) for n in (2, 3))
    return _agreed(coarse, fine, np.max(np.abs(fine), axis=1, keepdims=True), tolerance)


def _remembered(function):
    known = {}

    def wrapped(vector):
        key = vector.tobytes()
        if key not in known:
            known[key] = function(vector)
        return known[key]

    return wrapped


def _agreed(coarse, fine, scale, tolerance):
    gap = np.max(np.abs(coarse - fine) / scale)
    if not gap <= tolerance:
        raise Unresolved(f"orders disagree by {gap:.1e}")
    return fine


def assert_close(actual, expected, *, absolute):
    """Elementwise |actual − expected| ≤ absolute; NaN fails. Prints the worst ratio."""
    actual, expected = np.broadcast_arrays(actual, expected)
    ratio = np.abs(actual - expected) / absolute
    assert np.all(ratio <= 1), (
        f"worst error is {np.max(ratio):.3g} × the tolerance\n{actual=}\n{expected=}"
    )


def assert_equal_where_finite(actual, expected, *, absolute):
    """NaN in the same places, and elsewhere within `absolute`."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=absolute, equal_nan=True)
