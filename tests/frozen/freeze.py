"""Write the frozen numbers: `python -m tests.frozen.freeze [CASE …]`, all without a name."""

import json
import sys
import time
from pathlib import Path

import jax
import numpy as np

PATH = Path(__file__).with_name("numbers.json")


def main(names):
    jax.config.update("jax_enable_x64", True)
    from tests.frozen.cases import CASES

    known = json.loads(PATH.read_text()) if PATH.exists() else {}
    for name in names or CASES:
        began = time.perf_counter()
        found = CASES[name]()
        known[name] = {key: _exact(value) for key, value in found.items()}
        print(f"{name}: {time.perf_counter() - began:.1f} s", flush=True)
        PATH.write_text(json.dumps(known, indent=0) + "\n")


def _exact(value):
    array = np.asarray(value, float)
    return {"shape": list(array.shape), "hex": [float(x).hex() for x in array.ravel()]}


if __name__ == "__main__":
    main(sys.argv[1:])
