"""All benchmarks: `python -m benchmarks.run`."""

import jax

from benchmarks import (
    circuits,
    design_squid,
    extended,
    folds,
    kapitza,
    long_junctions,
    nonequilibrium,
    sweep_squid,
    usadel,
)

if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    sweep_squid.main()
    design_squid.main()
    kapitza.main()
    folds.main()
    nonequilibrium.main()
    extended.main()
    long_junctions.main()
    usadel.main()
    circuits.main()
