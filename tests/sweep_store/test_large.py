"""Ten million SQUIDs: memory is that of a chunk, not that of the grid."""

import subprocess
import sys

import numpy as np
import pytest

import jaxdiode as jd

SCRIPT = """
import resource, sys, time
import jax
jax.config.update("jax_enable_x64", True)
import numpy as np, jaxdiode as jd

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # GiB

squid = jd.Squid.from_pairs([(420, 80), (380, 90), (80, 90)], flux=(0.4, 0.4))
gates, flux = np.linspace(60, 100, 10), np.linspace(0, 1, int(sys.argv[1]))
axes = {"branches.2.first": gates, "flux.0": flux, "flux.1": flux}
began = time.perf_counter()
data = jd.sweep(jd.critical_currents, squid, axes, store="map.zarr")
seconds, size = time.perf_counter() - began, data["status"].size
print(f"{size} points, {peak():.3f} GiB, {seconds:.0f} s, {seconds / size * 1e6:.1f} µs a point")
print(peak())
"""


def swept(folder, points):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(points)], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    assert done.returncode == 0
    print(done.stdout)
    return float(done.stdout.split()[-1])


@pytest.mark.slow
def test_ten_million_squids(tmp_path):
    assert swept(tmp_path, 1000) < 1.5
    data = jd.load(tmp_path / "map.zarr")
    assert "finished" not in data
    assert data["status"].size == 10**7
    assert float((data["status"] != 0).mean()) < 1e-3
    at = data.isel({"branches.2.first": 3, "flux.0": 417, "flux.1": 55})
    flux = (float(at["flux.0"]), float(at["flux.1"]))
    third = float(at["branches.2.first"])
    one = jd.critical_currents(jd.Squid.from_pairs([(420, 80), (380, 90), (third, 90)], flux))
    assert np.allclose(float(at["efficiency"]), float(one.efficiency), rtol=0, atol=1e-10)
