"""Real servers on loopback: started by the test run, stopped by it, and skipped where `make servers` has not run."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.chat.conftest import Shop

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv-peers"
LITELLM = PEERS / "litellm-proxy" / "bin" / "litellm"
SERVING = PEERS / "serving"
READY_IN_S = 120


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def running(command: Sequence[str | Path], ready: str, log: Path, env: Mapping[str, str]) -> Iterator[None]:
    """The server for the time of the block; fails with the end of its log when it does not answer at `ready`."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(part) for part in command], stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, **env}, cwd=log.parent,
        )  # fmt: skip
    try:
        end = time.monotonic() + READY_IN_S
        while not answers(ready):
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.2)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)
