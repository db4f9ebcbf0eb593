"""An axis of a measurement: how a column of the data drives parameters of the device."""

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .. import _checks
from .._checks import Numbers
from ..core.parameters import AbstractParameters, parameter


class Axis(AbstractParameters):
    """Parameters that follow what the experimenter sets, p_k = scale_k (x − offset).

    x is a coil current that makes fluxes, a gate voltage, a field or a temperature.

    Args:
        parameters: paths of parameters of the device, as `Space` names them ("flux.0", "flux" for
            all of them), or "reduced_temperature" for T/T_c of a device that is given at T = 0.
        scale: p per unit of x, one number or one for each parameter.
        offset: x at which the parameters are zero, in the unit of x.
        value: x at which the device is operated, a parameter for `sweep` and `maximise`.

    Raises:
        ValueError: no parameter, numbers not finite or of another count.

    Example:
        >>> coil = jd.experiment.Axis("flux", scale=65.0, offset=1e-3)  # Φ₀ per ampere
        >>> print(coil.driven(0.005))
        [0.26]
    """

    scale: Float[Array, " parameters"] = parameter(unit="per unit of the axis", label="scale")
    offset: Float[Array, ""] = parameter(unit="axis unit", label="offset of the axis")
    value: Float[Array, ""] = parameter(unit="axis unit", label="operating point")
    parameters: tuple[str, ...] = eqx.field(static=True)

    def __init__(
        self,
        parameters: str | Sequence[str],
        scale: Numbers = 1.0,
        *,
        offset: Numbers = 0.0,
        value: Numbers = 0.0,
    ):
        if isinstance(parameters, str) or not isinstance(parameters, Sequence):
            names: tuple = (parameters,)
        else:
            names = tuple(parameters)
        if not names or not all(isinstance(name, str) and name for name in names):
            raise ValueError(f"parameters must be paths of parameters, got {parameters!r}")
        self.parameters = names
        scales = _checks.real_array("scale", scale)
        if scales.ndim > 1 or (scales.ndim == 1 and scales.size == 0):
            raise ValueError(f"scale must be a number or a list, got shape {scales.shape}")
        self.scale = jnp.atleast_1d(scales)
        self.offset = self.checked("offset", offset)
        self.value = self.checked("value", value)

    def driven(self, x: Numbers) -> Float[Array, " parameters"]:
        """The parameters at one x."""
        return self.scale * (_checks.real_array("x", x, ndim=0) - self.offset)

    def of(self, names: Sequence[str]) -> "Axis":
        """The same for these parameters, each with a scale of its own.

        Raises:
            ValueError: other numbers of scales than of parameters.
        """
        if self.scale.size not in (1, len(names)):
            raise ValueError(
                f"scale must be one number or {len(names)}, one for each of {', '.join(names)}, "
                f"got {self.scale.size}"
            )
        scale = jnp.broadcast_to(self.scale, (len(names),))
        return Axis(names, scale, offset=self.offset, value=self.value)
