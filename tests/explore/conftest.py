"""A server of `jaxdiode explore`, and a browser: once for all tests."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.explore.visits import Visit

ROOT = Path(__file__).resolve().parents[2]

DEVICES = '''"""Devices of a user."""

import time

import jax
import jax.numpy as jnp

import jaxdiode as jd


class Two(jd.AbstractPhaseBiased):
    first: jax.Array = jd.parameter(at_least=0.0, unit="current", label="first")
    second: jax.Array = jd.parameter(unit="current", label="second")
    delta: jax.Array = jd.parameter(unit="rad", label="phase")

    def __init__(self, first, second, delta):
        self.first = self.checked("first", first)
        self.second = self.checked("second", second)
        self.delta = self.checked("delta", delta)

    def current(self, phase):
        return self.first * jnp.sin(phase) + self.second * jnp.sin(2 * phase + self.delta)


class Late(Two):
    """It takes its time to compile."""

    def current(self, phase):
        time.sleep(1.5)
        return super().current(phase)
'''


class Server(NamedTuple):
    address: str
    process: int
    modules: Path  # where DEVICES are


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def started(tmp_path_factory):
    """A server, which may have gone before the end."""
    pytest.importorskip("panel", reason="Panel is not installed")
    port = free_port()
    log = tmp_path_factory.mktemp("explore") / "log"
    environment = {k: v for k, v in os.environ.items() if k != "JAX_PLATFORMS"}
    folder = tmp_path_factory.mktemp("modules")
    (folder / "users_devices.py").write_text(DEVICES)
    environment["PYTHONPATH"] = os.pathsep.join([str(folder), *filter(None, sys.path)])
    with log.open("w") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "jaxdiode", "explore", "--port", str(port), "--no-show"],
            cwd=ROOT, stdout=out, stderr=out, env=environment, start_new_session=True,
        )  # fmt: skip
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, log.read_text()
            time.sleep(0.2)
        yield Server(f"http://127.0.0.1:{port}/", server.pid, folder)
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with started(tmp_path_factory) as made:
        yield made


@pytest.fixture(scope="session")
def address(server):
    return server.address


@pytest.fixture
def visit(browser, address):
    made = Visit(browser, address)
    yield made
    assert not made.errors
    assert not made.elsewhere
    made.page.close()
