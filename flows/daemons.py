"""Processes that outlive the command that started them, and how later commands know them again. Imports no Prefect.

A pid alone says little: after a reboot, or a day, it may be another program's. So each process is started with a mark
of its own in its environment, the pid file holds both, and only a process with this pid and this mark is the one.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARK = "POSTWRIGHT_SERVICE"
RUN_ID = "PREFECT__FLOW_RUN_ID"
"""Prefect's name, in the environment of a flow run's process, for the run's id."""
LARGEST_LOG = 10_000_000
"""In bytes; a larger one is set aside, and the one before it goes."""


@dataclass(frozen=True)
class Daemon:
    """One such process of a home: `NAME.json` says which it is, `NAME.log` is what it prints."""

    name: str
    folder: Path

    @property
    def pid_file(self) -> Path:
        return self.folder / f"{self.name}.json"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def start(self, command: Sequence[str], environment: Mapping[str, str], **known: Any) -> int:
        """Start it in a session of its own, deaf to this terminal; its pid. `known` is kept beside the pid."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.bound_log()
        mark = secrets.token_hex(8)
        with self.log.open("ab") as log, _hearing_interrupts():
            process = subprocess.Popen(
                command, env={**environment, MARK: mark}, cwd=self.folder, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self._keep({"pid": process.pid, "mark": mark, **known})
        return process.pid

    def bound_log(self) -> None:
        """Set a log that has grown too large aside. It is copied and emptied, as its process, which only appends, has
        it open; lines of that very moment may be lost. Where the disk has no room it stays as it is."""
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            with suppress(OSError):
                shutil.copyfile(self.log, self.log.with_suffix(".log.1"))
                os.truncate(self.log, 0)

    def running(self) -> dict[str, Any] | None:
        """What the pid file says, where that very process is alive."""
        try:
            kept: dict[str, Any] = json.loads(self.pid_file.read_text(encoding="utf-8"))
            return kept if self._process(kept) is not None else None
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):  # cut short by a full disk, or somebody else's
            return None

    def stop(self, wait_s: float) -> str:
        """SIGTERM, then after `wait_s` SIGKILL. Returns how it ended: `not running`, `stopped` or `killed`."""
        import psutil

        kept = self.running()
        process = None if kept is None else self._process(kept)
        ended = "not running"
        if process is not None:
            try:
                process.terminate()
                process.wait(wait_s)
                ended = "stopped"
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(wait_s)
                ended = "killed"
            except psutil.NoSuchProcess:
                ended = "stopped"
        self.pid_file.unlink(missing_ok=True)
        return ended

    def last_lines(self, n: int = 3) -> str:
        """The end of its log, for errors."""
        if not self.log.exists():
            return "(no log)"
        lines = [line.strip() for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines()]
        return " | ".join([line for line in lines if line][-n:]) or "(an empty log)"

    def _keep(self, what: Mapping[str, Any]) -> None:
        """Whole or not at all: the next command must not read half a pid."""
        half = self.pid_file.with_suffix(".json.new")
        half.write_text(json.dumps(what), encoding="utf-8")
        half.replace(self.pid_file)

    def _process(self, kept: Mapping[str, Any]) -> Any:
        import psutil

        try:
            process = psutil.Process(kept["pid"])
            return process if process.environ().get(MARK) == kept["mark"] else None
        except (psutil.Error, OSError):  # gone, a zombie, or somebody else's
            return None


@contextmanager
def _hearing_interrupts() -> Iterator[None]:
    """What is started in the block hears SIGINT. A shell makes what it starts in the background deaf to it, children
    inherit that, and Prefect's worker ends only by a SIGINT, which it sends itself when it is told to terminate."""
    is_deaf = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    if not is_deaf or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def living_runs(home: Path) -> dict[str, Any]:
    """Run id -> its process (psutil's), for all flow runs that workers of this home have started."""
    import psutil

    found: dict[str, list[Any]] = {}
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.Error, OSError):  # another user's, or gone
            continue
        if environment.get(RUN_ID) and environment.get("POSTWRIGHT_HOME") == str(home):
            found.setdefault(environment[RUN_ID], []).append(process)
    return {run_id: eldest(processes) for run_id, processes in found.items()}


def eldest(processes: list[Any]) -> Any:
    """The one whose parent is none of them: the others are its children, with its environment."""
    pids = {process.pid for process in processes}
    return next((process for process in processes if process.ppid() not in pids), processes[0])
