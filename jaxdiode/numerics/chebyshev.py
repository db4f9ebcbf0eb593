"""A stabilised explicit Runge–Kutta method for stiff diffusion: many cheap stages, no solves."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

_DAMPING = 2 / 13
_MOST_STAGES = 1e5


def chebyshev(prepare: Callable) -> Any:
    """The second-order Runge–Kutta–Chebyshev method as a diffrax solver with error estimate.

    A step Δ of s stages is stable for eigenvalues of the Jacobian between −.65 s²/Δ and 0 and
    near this line, so that s grows only as the root of the stiffness. It follows from the step
    that the controller asks for.

    Args:
        prepare: `prepare(time, state, args)` → (bound on the magnitude of the Jacobian's
            eigenvalues, args of this step). It is called once a step, for whatever the vector
            field would otherwise work out anew at every stage; the new args have the structure
            of the old. They may change the field from step to step (a moving frame), since
            nothing is carried from one step to the next.

    Source: B. P. Sommeijer, L. F. Shampine, J. G. Verwer, J. Comput. Appl. Math. 88, 315 (1997).
    """
    return _solver_class()(prepare)


def stage_count(radius, step):
    """Stages for a stable step, at least two; two where there is no such number."""
    count = jnp.ceil(jnp.sqrt(1 + 1.54 * jnp.abs(step) * radius))
    return jnp.where(count <= _MOST_STAGES, jnp.maximum(count, 2.0), 2.0)


def advance(field, start, slope, step, stages):
    """State after one step from a state and its slope.

    Args:
        field: `field(part, state)` → slope, `part` of the step after its begin.
        start, slope: pytrees of arrays.
        step: Δ.
        stages: s, a float of integer value, at least 2.
    """
    excess = _DAMPING / stages**2
    w0, root = 1 + excess, jnp.sqrt(excess * (2 + excess))
    # T'_s and T''_s at w0 from T_s = cosh(s arccosh w0).
    angle = jnp.arcsinh(root)
    first = stages * jnp.sinh(stages * angle) / root
    second = (stages**2 * jnp.cosh(stages * angle) - w0 * first) / root**2
    w1 = first / second

    def stage(_, carried):
        before, last, known = carried
        # Chebyshev polynomials with their derivatives, of the orders j−2 and j−1.
        t0, t1, d0, d1, e0, e1, b0, b1, part = known
        t = 2 * w0 * t1 - t0
        d = 2 * w0 * d1 - d0 + 2 * t1
        e = 2 * w0 * e1 - e0 + 4 * d1
        b = e / d**2
        mu, nu, rate = 2 * w0 * b / b1, -b / b0, 2 * w1 * b / b1 * step
        # Held apart, or XLA repeats the scalars and the field inside every output's loop.
        known, factors = jax.lax.optimization_barrier(
            (
                jnp.stack([t1, t, d1, d, e1, e, b1, b, w1 * e / d]),
                jnp.stack([1 - mu - nu, mu, nu, rate, -(1 - b1 * t1) * rate]),
            )
        )
        here = jax.lax.optimization_barrier(field(part, last))

        def combine(*leaves):
            return sum(factors[k] * leaf for k, leaf in enumerate(leaves))

        return last, jax.tree.map(combine, start, last, before, here, slope), known

    one, zero, b = jnp.ones(()), jnp.zeros(()), 1 / (4 * w0**2)
    known = jnp.stack([one, w0, zero, one, zero, zero, b, b, b * w1])
    begin = jax.tree.map(lambda y, k: y + b * w1 * step * k, start, slope)
    count = stages.astype(int) + 1
    return jax.lax.fori_loop(2, count, stage, (start, begin, known))[1]


@functools.cache
def _solver_class():
    import diffrax

    class RungeKuttaChebyshev(diffrax.AbstractAdaptiveSolver):
        prepare: Callable
        term_structure = diffrax.ODETerm
        interpolation_cls = diffrax.ThirdOrderHermitePolynomialInterpolation

        def order(self, terms):
            del terms
            return 2

        def error_order(self, terms):
            del terms
            return 3.0

        def func(self, terms, t0, y0, args):
            return terms.vf(t0, y0, self.prepare(t0, y0, args)[1])

        def init(self, terms, t0, t1, y0, args):
            del terms, t0, t1, y0, args

        def step(self, terms, t0, t1, y0, args, solver_state, made_jump):
            del solver_state, made_jump
            radius, args = self.prepare(t0, y0, args)
            step = t1 - t0

            def field(part, state):
                return terms.vf(t0 + part * step, state, args)

            slope = field(0.0, y0)
            y1 = advance(field, y0, slope, step, stage_count(radius, step))
            k0, k1 = jax.tree.map(lambda x: step * x, (slope, field(1.0, y1)))
            error = jax.tree.map(lambda a, b, c, d: 0.8 * (a - b) + 0.4 * (c + d), y0, y1, k0, k1)
            dense = dict(y0=y0, y1=y1, k0=k0, k1=k1)
            return y1, error, dense, None, diffrax.RESULTS.successful

    return RungeKuttaChebyshev
