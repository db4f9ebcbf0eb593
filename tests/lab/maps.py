"""Simulated maps whose edges are known by formula; nothing here is read from the package."""

import numpy as np
import xarray


def dataset(current, voltage, dims=("I",), *, units=("uA", "uV"), name="V", **coords):
    """V(I) with the bias as the last dimension."""
    made = {"I": ("I", current, {"units": units[0]}), **coords}
    return xarray.Dataset({name: (dims, voltage, {"units": units[1]})}, made)


def overdamped(current, plus, minus):
    """√(I² − I±²): resistively shunted, without capacitance and heat, R = 1."""
    limit = np.where(current > 0, np.asarray(plus)[..., None], np.asarray(minus)[..., None])
    return np.sign(current) * np.sqrt(np.maximum(current**2 - limit**2, 0))


def latching(current, plus, minus, back_plus, back_minus):
    """V = I in the normal state: (up, down) along a first axis."""
    plus, minus, back_plus, back_minus = (
        np.asarray(x)[..., None] for x in (plus, minus, back_plus, back_minus)
    )
    up = (current > plus) | (current < -back_minus)
    down = (current > back_plus) | (current < -minus)
    return np.array([up * current, down * current])


def noisy(values, noise, seed=0):
    return values + noise * np.random.default_rng(seed).normal(size=values.shape)


def scores(value, error, truth):
    """(bias in mean errors, share of truths within one error)."""
    off = value - truth
    assert np.isfinite(off).all()
    bias, share = np.mean(off) / np.mean(error), np.mean(np.abs(off) < error)
    print(f"\nbias {bias:+.3f} errors, {share:.1%} of {off.size} within one")
    return bias, share
