"""How many points of a sweep are computed and kept at once, from the memory there is."""

import os
from pathlib import Path
from typing import Any

from ...core.continuation import SweepFunction
from .grid import Grid
from .program import Program, devices_and_threads

CHUNK = 8192  # points
_CHUNKS = 4096  # a file or more each: not too many of them
_LANES, _BLOCKS = 256, 8  # on the CPU, where more lanes than that gain nothing
_FEWEST, _FEWEST_ROWS = 16, 4  # lanes that are worth a block of their own
_MOST = 2**16  # lanes of an accelerator, which is busy then


def fitted(function: SweepFunction, grid: Grid, chunk: int | None) -> tuple[Program, int]:
    """A compiled program whose blocks fit into memory, and the points of a chunk.

    Where no chunk is given it is 8192 points, or more so that the grid has at most 4096 chunks, or
    fewer so that its outputs take at most a 32nd of the host's memory; on an accelerator as many
    as half of its memory holds, up to 65536.
    """
    devices, threads = devices_and_threads()
    wanted = grid.whole_rows(min(CHUNK if chunk is None else chunk, grid.size)) // grid.row
    on_host = devices[0].platform == "cpu"
    fewest = _FEWEST if grid.along is None else _FEWEST_ROWS
    lanes = lanes_of(wanted, fewest) if on_host else wanted
    program = Program(function, grid, lanes)
    room = device_memory(devices[0]) // (2 * max(threads // len(devices), 1))
    taken, outputs = program.memory()
    fits = lanes * room // max(taken, 1)
    if fits < lanes:
        program.resize(_power_of_two(fits))
    elif not on_host and chunk is None and grid.size > 8 * grid.row * lanes * len(devices):
        most = max(_MOST // _power_of_two(grid.row), 1)
        program.resize(max(lanes, min(_power_of_two(fits), most)))
    if chunk is None:
        most = host_memory() // 32 // max(outputs // (lanes * grid.row), 1)
        chunk = max(min(max(CHUNK, -(-grid.size // _CHUNKS)), most), program.lanes * grid.row)
    return program, min(grid.whole_rows(chunk), grid.size)


def lanes_of(points: int, fewest: int = _FEWEST) -> int:
    """Lanes of a block on the CPU, of so many points that are computed together."""
    blocks = max(-(-points // _LANES), min(_BLOCKS, -(-points // fewest)))
    return -(-points // blocks)


def device_memory(device: Any) -> int:
    """Bytes that programs on a JAX device may take."""
    told = device.memory_stats() or {}
    if "bytes_limit" in told:
        return max(told["bytes_limit"] - told.get("bytes_in_use", 0), 1)
    return host_memory()


def host_memory() -> int:
    """Bytes that this process may take: the machine's, or what its control groups leave of it."""
    most = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    root = Path("/sys/fs/cgroup")
    try:
        own = Path("/proc/self/cgroup").read_text().split("0::/", 1)[1].split("\n")[0]
    except (OSError, IndexError):  # no such group, or not Linux
        return most[0]
    for group in (root / own, *(root / own).parents):
        file = group / "memory.max"
        if group.is_relative_to(root) and file.is_file():
            told = file.read_text().strip()
            most += [int(told)] if told.isdigit() else []
    return min(most)


def _power_of_two(number: int) -> int:
    """The largest that is not above."""
    return 1 << max(number.bit_length() - 1, 0)
