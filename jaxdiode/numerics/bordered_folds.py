"""Newton's step of a fold of F(z, p) = 0 with S = ∂F/∂z symmetric: F = 0, S v = 0, n·v = 1."""

from collections.abc import Callable

from jaxtyping import Array, Float

Vector = Float[Array, " n"]


def fold_step(
    inverted: Float[Array, "bordered bordered"],
    bent: Callable[[Vector], Vector],
    value: Vector,
    stretched: Vector,
    tilt: Float[Array, ""],
) -> tuple[Vector, Vector, Float[Array, ""]]:
    """(Δz, Δv, Δp) by block elimination: the part of z along the neutral direction comes last.

    Args:
        inverted: the inverse of S bordered by ∂F/∂p and n.
        bent: dz → (dS/dz · dz) v.
        value, stretched, tilt: F, S v and n·v.
    """
    along = inverted[:, -1]
    shift = inverted[:, :-1] @ -value
    per = inverted[:, :-1] @ -bent(along[:-1])
    turn = inverted[:, :-1] @ (-stretched - bent(shift[:-1])) + along * (1 - tilt)
    step = -turn[-1] / per[-1]
    shift, turn = shift + step * along, turn + step * per
    return shift[:-1], turn[:-1], shift[-1]
