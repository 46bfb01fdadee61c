"""Prefect's server for one command, of a user who has none running.

It is the one that Prefect would start by itself at its first call, but Prefect imports the whole server into the
command for that, and begins when all else is imported. Here both take their seconds at the same time.
"""

import atexit
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from components.errors import HomeUnusable

ATTEMPTS = 3
"""Another process may take the port between its choice and its use."""

READY_IN_S = 180
"""Its first start makes its database."""

KEEP_ALIVE_S = 60
"""Longer than Prefect's clients keep a connection (25 s): one that its server has closed meanwhile, after 5 s by
default, costs a failed request and two seconds of waiting, in each step."""


_own: set[str] = set()
"""Addresses of the servers that this process has begun."""

ENDING_WITH_PARENT = """import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG, which stays through exec
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


def is_own(api_url: str | None) -> bool:
    """Whether it ends with this process, and has no pages to look at."""
    return api_url is None or api_url in _own


def ending_with_us(command: Sequence[str]) -> list[str]:
    """The Python command, to be ended by Linux when the thread that starts it is gone: nothing else would end the
    server of a command that is killed, and it would stay with its 260 MB until the machine is restarted."""
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-c", ENDING_WITH_PARENT, str(os.getpid()), *command[1:]]


class OwnServer:
    """Begun at once; `wait` until it answers. It ends with this process, however that ends; begin it in the main
    thread."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        # What Prefect sets for the server that it starts itself: no pages, and no services that only deployments need.
        quiet = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}
        self._environment = {**environment, **quiet}
        self._begin()
        atexit.register(self.stop)

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def wait(self) -> str:
        """The address of its API; raises HomeUnusable when it does not come to answer."""
        end, attempts = time.monotonic() + READY_IN_S, 1
        while not answers(self.port):
            if self._process.poll() is not None and attempts < ATTEMPTS:
                attempts += 1
                self._begin()
            elif self._process.poll() is not None or time.monotonic() > end:
                raise HomeUnusable(
                    f"Prefect's server did not start within {READY_IN_S} s ({attempts} attempts, exit code "
                    f"{self._process.poll()}); --verbose shows its log, PREFECT_API_URL takes another server"
                )
            time.sleep(0.05)
        return self.api_url

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _begin(self) -> None:
        """Deaf to Ctrl-C, as a terminal interrupts all processes of a command: a server that ended first would leave
        the run asking it for minutes. So it inherits a blocked signal."""
        self.port = free_port()
        _own.add(self.api_url)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process = subprocess.Popen(ending_with_us(server_command(self.port)), env=self._environment)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def server_command(port: int) -> list[str]:
    """What starts Prefect's server for this machine alone."""
    found = find_spec("prefect")
    assert found is not None and found.origin is not None, "prefect is one of the package's requirements"
    return [
        sys.executable, "-m", "uvicorn", "--app-dir", str(Path(found.origin).parent), "--factory",
        "prefect.server.api.server:create_app", "--host", "127.0.0.1", "--port", str(port),
        "--log-level", "error", "--lifespan", "on", "--timeout-keep-alive", str(KEEP_ALIVE_S),
    ]  # fmt: skip


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def answers(port: int) -> bool:
    """Whether a server of Prefect's does, at this port of this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/api/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
