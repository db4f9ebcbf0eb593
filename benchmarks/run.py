"""The suite: `python -m benchmarks.run` writes benchmarks/results/suite-<machine>.json.

The file is written after every part, and `--only squid circuits` keeps the rows of the others. A
part whose peer is not installed is skipped, and the file says why.
"""

import argparse
import importlib
import json
import time

import jax

from benchmarks.environment import RESULTS, machine, write

PARTS = (
    "squid", "extended", "circuits", "circuits_in_time", "kapitza", "nonequilibrium", "usadel",
    "wire",
)  # fmt: skip


def run(parts: list[str]) -> dict:
    """Rows by part, reasons for what was skipped, and seconds that each part took."""
    found, skipped, taken = {}, {}, {}
    for part in parts:
        began = time.perf_counter()
        found[part] = []
        try:
            for row in importlib.import_module(f"benchmarks.{part}").rows():
                found[part].append(row)
                print(summary(row), flush=True)
        except ModuleNotFoundError as error:
            skipped[part] = str(error)
            print(f"{part}: {error}", flush=True)
        taken[part] = round(time.perf_counter() - began, 1)
    return {"seconds": taken, "skipped": skipped, "rows": found}


def summary(row: dict) -> str:
    against = f", {row['ratio']:.3g} times {row['peer']}" if "ratio" in row else ""
    error = "" if row["error"] is None else f", error {row['error']:.1e}"
    return f"{row['task']}: {row['us']:.4g} us{error}{against}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parts = parser.parse_args().only
    jax.config.update("jax_enable_x64", True)
    path = RESULTS / f"suite-{machine()}.json"
    for part in parts:  # what is interrupted keeps what it has
        figures = run([part])
        if path.exists():
            figures = merged(json.loads(path.read_text()), figures)
        write("suite", figures)


def merged(kept: dict, new: dict) -> dict:
    """Parts that were run replace those of the file; others stay, in the order of the suite."""
    found = {}
    for name in ("seconds", "skipped", "rows"):
        both = {k: v for k, v in kept[name].items() if k not in new["rows"]} | new[name]
        found[name] = {part: both[part] for part in PARTS if part in both}
    return found


if __name__ == "__main__":
    main()
