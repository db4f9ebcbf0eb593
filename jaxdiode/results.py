"""Devices, designs and fits on disk, as JSON. (Sweeps write netCDF themselves.)"""

import json
from dataclasses import Field, asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from .core.critical import CriticalCurrents
from .core.device import AbstractDevice
from .core.paths import elements_of
from .design import DesignResult
from .files import atomic_write
from .fit import FitResult


def record(result: Any) -> Any:
    """A result as plain dicts, lists and numbers, ready for JSON (NaN becomes null)."""
    if isinstance(result, CriticalCurrents):
        return record(result.as_dict())
    if isinstance(result, AbstractDevice):
        leaves = jax.tree.leaves(result)
        values = {
            name: float(np.ravel(leaves[leaf])[i])
            for name, (leaf, i) in elements_of(result).items()
        }
        options = {f.name: getattr(result, f.name) for f in fields(result) if _is_static(f)}
        return {"type": type(result).__name__, **values, **record(options)}
    if isinstance(result, DesignResult):
        return record(
            {
                "objective": result.value,
                "parameters": result.parameters,
                "at_bound": list(result.at_bound),
                "evaluations": result.evaluations,
                "scores": result.scores,
                "device": result.device,
            }
        )
    if isinstance(result, FitResult):
        table = zip(result.names, result.values, result.errors, result.robust_errors, strict=True)
        return record(
            {
                "parameters": {
                    name: {"value": value, "error": error, "robust_error": robust}
                    for name, value, error, robust in table
                },
                "covariance": result.covariance,
                "robust_covariance": result.robust_covariance,
                "lag": result.lag,
                "sigma": float(np.median(result.sigma)),
                "sigma_known": result.sigma_known,
                "rms": result.rms,
                "successive_noise": result.successive_noise,
                "explained": result.explained,
                "correlation": result.correlation,
                "chance": result.chance,
                "halves": dict(zip(result.names, result.halves, strict=True)),
                "chi_squared_per_degree": result.chi_squared,
                "outliers": result.outliers,
                "degrees_of_freedom": result.degrees_of_freedom,
                "converged": result.converged,
                "at_bound": list(result.at_bound),
                "unseen": list(result.unseen),
                "indistinct": list(result.indistinct),
                "no_slope": list(result.no_slope),
                "stopped_at_edge": result.stopped_at_edge,
                "residuals": result.residuals,
                "unmoved": list(result.unmoved),
                "warnings": list(result.warnings),
                "starts": result.starts,
                "invalid_starts": result.invalid_starts,
                "device": result.device,
            }
        )
    if is_dataclass(result) and not isinstance(result, type | eqx.Module):
        return record({"type": type(result).__name__, **asdict(result)})
    if isinstance(result, tuple) and hasattr(result, "_asdict"):
        return record(result._asdict())  # pyright: ignore[reportAttributeAccessIssue]
    if isinstance(result, eqx.Module):
        return record({f.name: getattr(result, f.name) for f in fields(result)})
    if isinstance(result, dict):
        return {str(k): record(v) for k, v in result.items()}
    if isinstance(result, list | tuple):
        return [record(v) for v in result]
    if isinstance(result, str | bool | int) or result is None:
        return result
    array = np.asarray(result)
    if np.iscomplexobj(array):
        return {"real": record(np.real(array)), "imag": record(np.imag(array))}
    if array.ndim:
        return [record(v) for v in array]
    number = array.item()
    return None if isinstance(number, float) and not np.isfinite(number) else number


def _is_static(field: Field) -> bool:
    return field.metadata.get("static", False)


def write_json(path: str | Path, result: Any) -> None:
    """Write `record(result)` to a file, whole or not at all."""
    text = json.dumps(record(result), indent=2, ensure_ascii=False) + "\n"
    atomic_write(Path(path), lambda p: p.write_text(text, encoding="utf-8"))


def read_json(path: str | Path) -> Any:
    """Read back what `write_json` wrote.

    Raises:
        ValueError: no such file, or not JSON.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"path must be a file of results, got {str(path)!r}")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"path must be a JSON file, {str(path)!r} is none: {error}") from error
