"""Processes that have imported already what takes a second: forks of a server that did so once.

Processes of their own in every other way: a pid, signals that end them, pipes.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
from multiprocessing.connection import Connection
from typing import IO

PRELOADED = ["tests.chat.conftest", "tests.chat.batches", "tests.fake_provider"]


class Python:
    """Runs `code` as `python -c code *arguments` would; speaks as subprocess.Popen does, with text in its pipes."""

    def __init__(self, code: str, *arguments: str) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        (stdout, out), (stderr, errors) = context.Pipe(duplex=False), context.Pipe(duplex=False)
        self._process = context.Process(
            target=_run, args=(textwrap.dedent(code), arguments, out, errors), daemon=True
        )  # fmt: skip
        self._process.start()
        out.close(), errors.close()
        self.stdout, self.stderr = _reader(stdout), _reader(stderr)

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        found: dict[int, str] = {}
        readers = [
            threading.Thread(target=lambda n=n, pipe=pipe: found.update({n: pipe.read()}), daemon=True)
            for n, pipe in enumerate((self.stdout, self.stderr))
        ]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join()
        return found[0], found[1]

    def __enter__(self) -> "Python":
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()
        self.stdout.close(), self.stderr.close()


def _reader(connection: Connection) -> IO[str]:
    with connection:
        return os.fdopen(os.dup(connection.fileno()), "r", encoding="utf-8")


def _run(code: str, arguments: tuple[str, ...], out: Connection, errors: Connection) -> None:
    for number, pipe in ((1, out), (2, errors)):
        os.dup2(pipe.fileno(), number)
        pipe.close()
    sys.argv = ["-c", *arguments]
    exec(compile(code, "<process>", "exec"), {"__name__": "__main__"})
