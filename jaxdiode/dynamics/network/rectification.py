"""Mean voltages of networks under alternating currents of many amplitudes."""

import equinox as eqx
import jax
from equinox.internal import nondifferentiable
from jaxtyping import Array, Float, Int

from ...numerics.lanes import lanewise
from .equations import AbstractNetwork, Network
from .iv import usual_times, voltages
from .stay import Rows

Scalar = Float[Array, ""]


@eqx.filter_jit
def mean_voltages(
    device: AbstractNetwork,
    amplitudes: Float[Array, " n"],
    biases: Float[Array, " m"],
    times: tuple[Scalar | None, Scalar, Scalar | None, Scalar],
    between: tuple[str, str] | None,
) -> tuple[Float[Array, "n m"], Float[Array, "n m"], Int[Array, "n m"], Scalar]:
    """(mean, error, status) at every amplitude along a way of biases, and the drive's frequency.

    Args:
        times: as of `iv_curve`: (duration, settle, longest, tolerance).
    """
    device, amplitudes = nondifferentiable((device, amplitudes), name="rectified_voltage")
    network = device.network()
    assert device.drive is not None
    rows, asked, rest = device.between(between)[None], usual_times(network, *times), device.rest()
    way = biases / network.current

    def one(network: Network, rest, amplitude: Scalar, rows: Rows, asked):
        assert network.drive is not None
        driven = eqx.tree_at(lambda n: n.drive, network, network.drive.of_size(amplitude))
        return voltages(driven, rest, way, rows, asked)

    def at(amplitude: Scalar):
        return lanewise(one)(network, rest, amplitude / network.current, rows, asked)

    mean, error, status = jax.lax.map(at, amplitudes)
    rate = device.drive.frequency
    return rate * mean[..., 0], rate * error[..., 0], status[..., 0], rate
