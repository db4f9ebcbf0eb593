"""One least-squares problem: a trust region in coordinates without units."""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

Loss = Literal["linear", "soft_l1", "cauchy"]

# First and second derivative of ρ(z), z a squared residual in units of σ (SciPy's definitions).
LOSSES: dict[str, tuple[Callable, Callable]] = {
    "linear": (lambda z: np.ones_like(z), lambda z: np.zeros_like(z)),
    "soft_l1": (lambda z: (1 + z) ** -0.5, lambda z: -0.5 * (1 + z) ** -1.5),
    "cauchy": (lambda z: 1 / (1 + z), lambda z: -1 / (1 + z) ** 2),
}
_POLISH = 3  # Gauss–Newton steps at the end
_HEATS = ((4, 4), (8, 1))  # (evaluations given to each start, how many go on)
_SCALE_ROUNDS = 4  # re-estimates of an unknown noise scale in a robust fit
_LAST = 8  # evaluations before a stop in which a point where the model is NaN is its cause


class Solution(NamedTuple):
    values: np.ndarray
    cost: float
    noise: np.ndarray
    converged: bool
    at_edge: bool
    start: np.ndarray


class Problem:
    """Residuals of one data set, rows of a prior beside them, and the search for the least squares.

    Where σ is not known, `assumed` stands for it: ones, as its size does not matter without prior.
    """

    def __init__(
        self, predict, space, data, sigma, loss, max_steps, prior=None, ftol: float = 1e-12
    ):
        self.predict, self.space, self.data = predict, space, data
        self.sigma, self.loss, self.max_steps = sigma, loss, max_steps
        self.ftol = ftol
        self.low, self.high = np.asarray(space.lower), np.asarray(space.upper)
        self.prior = prior
        self.assumed = np.ones_like(data) if sigma is None else sigma

    def misfit(self, found: Solution) -> float:
        """What the best of several fits has least of: a cost, of noises that differ if need be.

        A robust loss without known σ has a noise of its own in every fit, and the likelihood
        s^N e^(cost) tells them apart.
        """
        if self.sigma is not None or self.loss == "linear":
            return found.cost
        if not np.any(self.residual(found.values)):
            return 0.0
        return float(np.mean(found.noise) * np.exp(min(found.cost / self.data.size, 500.0)))

    def residual(self, values) -> np.ndarray:
        return self.predict(values)[0] - self.data

    def jacobian(self, values) -> np.ndarray:
        """Rows that are not finite are zero: those points pull nowhere."""
        jacobian = self.predict(values)[1]
        return np.where(np.all(np.isfinite(jacobian), axis=1)[:, None], jacobian, 0.0)

    def beside(self, values) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the prior and their slopes, in standard deviations; none without one."""
        if self.prior is None:
            return np.zeros(0), np.zeros((0, len(values)))
        return self.prior.at(values)

    def scales(self, start) -> np.ndarray:
        """A size of each parameter that changes with its unit: the width of its bounds, its
        start's distance from one, its start, or what changes the prediction by its own size."""
        low, high = np.isfinite(self.low), np.isfinite(self.high)
        edge = np.where(low, self.low, np.where(high, self.high, 0.0))
        column = np.sqrt(np.sum(self.jacobian(start) ** 2, axis=0))
        size = np.sqrt(np.sum(self.data**2)) or np.sqrt(np.sum(self.residual(start) ** 2))
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = size / column
            width = np.where(low & high, self.high - self.low, 0.0)
        scale = 1.0 * np.ones_like(start)
        for candidate in (reach, np.abs(edge), np.abs(start), np.abs(start - edge), width):
            usable = np.isfinite(candidate) & (candidate > 0)
            scale = np.where(usable, candidate, scale)
        return scale

    def most_promising(self, candidates: list[np.ndarray]) -> np.ndarray:
        """Where the best of some short fits arrived, most of them stopped early."""
        usable = self.usable(candidates)
        if len(candidates) == 1 or not usable:
            return candidates[0]
        return self.in_heats(usable, candidates[0], _HEATS)[0]

    def in_heats(
        self, starts: list[np.ndarray], first: np.ndarray, heats: tuple[tuple[int, int], ...]
    ) -> list[np.ndarray]:
        """Where short fits from starts arrived, so many evaluations long, so many of them kept."""
        for steps, kept in heats:
            starts = self.short_fits(starts, first, steps, kept)
        return starts

    def usable(self, starts: list[np.ndarray]) -> list[np.ndarray]:
        """Those where the model is finite."""
        return [start for start in starts if np.all(np.isfinite(self.residual(start)))]

    def short_fits(
        self, starts: list[np.ndarray], first: np.ndarray, steps: int, kept: int
    ) -> list[np.ndarray]:
        """Where the best of short fits from all these starts arrived."""
        longest = self.max_steps
        self.max_steps = min(steps, longest)
        tried = [self.solve(start, first) for start in starts]
        self.max_steps = longest
        return [one.values for one in sorted(tried, key=self.misfit)[:kept]]

    def solve(self, start: np.ndarray, first: np.ndarray) -> Solution:
        """One fit; an unknown noise scale is re-estimated between rounds of a robust loss.

        The result remembers the user's own start, `first`.
        """
        scale = self.scales(start)
        known = self.sigma is not None
        noise = self.assumed
        rounds = 1 if known or self.loss == "linear" else _SCALE_ROUNDS
        values, cost, converged, at_edge = start, 0.0, True, False
        if self.loss != "linear":  # far away most points look like outliers, which pull nowhere
            unit = self._unit(start, noise)
            values = self._descend(start, scale, noise, unit, "linear")[0] if unit > 0 else start
        for _ in range(rounds):
            if rounds > 1:
                noise = np.full_like(self.data, self._typical_deviation(values))
            unit = self._unit(values, noise)
            if not unit > 0:
                return Solution(values, 0.0, noise, True, False, first)
            values, cost, converged, at_edge = self._descend(values, scale, noise, unit)
        return Solution(values, cost, noise, converged, at_edge, first)

    def again(self, found: Solution, noise: np.ndarray) -> Solution:
        """The fit once more from where it arrived, with this noise and the prior's new weights."""
        unit = self._unit(found.values, noise)
        if not unit > 0:
            return found._replace(noise=noise)
        scale = self.scales(found.start)
        values, cost, converged, at_edge = self._descend(found.values, scale, noise, unit)
        return Solution(values, cost, noise, converged, at_edge, found.start)

    def _unit(self, values, noise) -> float:
        """Root mean square of the residuals, of prior and data together."""
        own = np.sum(self.beside(values)[0] ** 2) / self.data.size
        return np.sqrt(np.mean((self.residual(values) / noise) ** 2) + own)

    def _typical_deviation(self, values) -> float:
        """σ by the median absolute deviation, above the rounding of an exact fit."""
        residual = np.abs(self.residual(values))
        deviation = 1.4826 * float(np.median(residual))
        return max(deviation, 1e-9 * float(np.sqrt(np.mean(residual**2)))) or 1.0

    def _descend(self, start, scale, noise, unit, loss=None):
        """Trust region in coordinates u = (x − bound)/scale and residuals of rms 1 at the start.

        SciPy compares gradients and distances with absolute numbers, so none has a unit here;
        its gradient test is left out, steps and costs are compared with themselves. It steps
        back from points where the model is not finite.
        """
        from scipy.optimize import least_squares

        origin = np.where(
            np.isfinite(self.low), self.low, np.where(np.isfinite(self.high), self.high, 0.0)
        )
        weight = 1 / (noise * unit)
        defined: list[bool] = []

        def values(u):
            return np.clip(origin + scale * u, self.low, self.high)

        def residual(u):
            x = values(u)
            found = self.residual(x) * weight
            if self.prior is not None:
                found = np.concatenate([found, self.beside(x)[0] / unit])
            defined.append(bool(np.all(np.isfinite(found))))
            return found

        def jacobian(u):
            x = values(u)
            found = self.jacobian(x) * weight[:, None] * scale
            if self.prior is None:
                return found
            return np.concatenate([found, self.beside(x)[1] * (scale / unit)])

        low, high = (self.low - origin) / scale, (self.high - origin) / scale
        found = least_squares(
            residual,
            np.clip((start - origin) / scale, low, high),
            jac=jacobian,  # pyright: ignore
            bounds=(low, high),
            x_scale="jac",
            loss=_of_the_data(loss or self.loss, self.data.size, self.prior),  # pyright: ignore
            f_scale=1 / unit,
            max_nfev=self.max_steps,
            xtol=1e-10,
            ftol=self.ftol,
            gtol=None,  # pyright: ignore
        )
        at_edge = not all(defined[-_LAST:]) and _falls(found)
        converged = found.status > 0 and not at_edge
        return values(found.x), float(found.cost) * unit**2, converged, at_edge

    def polish(self, fit: Solution) -> Solution:
        """Idle parameters back at their start, then Gauss–Newton steps while they help.

        The trust region creeps where some combination of parameters has no influence.
        """
        if self.loss != "linear" or fit.at_edge:
            return fit
        scale = self.scales(fit.start)

        def cost(values):
            found = np.sum((self.residual(values) / fit.noise) ** 2)
            found += np.sum(self.beside(values)[0] ** 2)
            return found if np.isfinite(found) else np.inf

        values, lowest = fit.values, cost(fit.values)
        for step in range(_POLISH + 1):
            rows, slopes = self.beside(values)
            columns = self.jacobian(values) / fit.noise[:, None] * scale
            columns = np.concatenate([columns, slopes * scale])
            if step == 0:
                idle = ~np.any(columns, axis=0)
                trial = np.where(idle, fit.start, values)
            else:
                right = -np.concatenate([self.residual(values) / fit.noise, rows])
                size = np.sqrt(np.sum(columns**2, axis=0))
                size = np.where(size > 0, size, 1.0)
                move = np.linalg.lstsq(columns / size, right, rcond=1e-7)[0] / size
                trial = values + scale * move
            inside = np.all((trial >= self.low) & (trial <= self.high))
            if not inside or cost(trial) > lowest * (1 + 1e-14):
                if step == 0:
                    continue
                break
            values, lowest = trial, min(lowest, cost(trial))
        return fit._replace(values=values)


def _of_the_data(loss: Loss, count: int, prior) -> Loss | Callable:
    """A loss of the first `count` residuals alone; the rows of a prior are Gaussian."""
    if prior is None or loss == "linear":
        return loss

    def both(z):
        first, second = LOSSES[loss]
        rho = np.stack([z, np.ones_like(z), np.zeros_like(z)])
        own = z[:count]
        value = 2 * (np.sqrt(1 + own) - 1) if loss == "soft_l1" else np.log1p(own)
        rho[:, :count] = value, first(own), second(own)
        return rho

    return both


def _falls(found) -> bool:
    """Whether the cost still falls at a stop, by a linear step."""
    step = np.linalg.lstsq(found.jac, -found.fun, rcond=1e-10)[0]
    return bool(-found.grad @ step > 1e-6 * max(found.cost, np.finfo(float).tiny))
