"""Two devices as a user writes them, outside the package; one declares its parameters."""

import jax.numpy as jnp
from jaxtyping import Array, Float

import jaxdiode as jd


class SkewedJunction(jd.AbstractPhaseBiased):
    """I(φ) = I_c [sin φ + s sin(2φ + δ)]."""

    critical_current: Float[Array, ""] = jd.parameter(
        at_least=0.0, unit="current", label="critical current"
    )
    skew: Float[Array, ""] = jd.parameter(at_least=0.0, at_most=1.0, label="skewness")
    shift: Float[Array, ""] = jd.parameter(unit="rad", label="shift")

    def __init__(self, critical_current, skew=0.0, shift=0.0):
        self.critical_current = self.checked("critical_current", critical_current)
        self.skew = self.checked("skew", skew)
        self.shift = self.checked("shift", shift)

    def current(self, phase):
        second = self.skew * jnp.sin(2 * phase + self.shift)
        return self.critical_current * (jnp.sin(phase) + second)


class Threshold(jd.AbstractCurrentBiased):
    """I± = a ± b; it declares nothing and has no constructor of its own."""

    mean: Float[Array, ""]
    half_difference: Float[Array, ""]

    def critical_currents(self, criterion=None):
        del criterion
        plus, minus = self.mean + self.half_difference, self.mean - self.half_difference
        return jd.CriticalCurrents(plus, minus, jnp.zeros((), jnp.int32))
