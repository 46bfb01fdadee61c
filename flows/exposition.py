"""Where metrics can be read: files for a textfile collector, and a port on loopback while runs go on.

`HOME/metrics/run-HOST-PID.prom` is this process's, written anew every few seconds and gone when its last run has ended;
`HOME/metrics/home.prom` is the home's, written at the end of each run. Both are replaced in one step, so a reader sees
a whole file. No process writes another one's file; what a killed one left is removed by the next once it is old.
"""

import os
import platform
import threading
import time
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server, write_to_textfile

from flows.home_metrics import HomeMetrics
from flows.meter import METER
from flows.metrics import LiveMetrics
from flows.settings import Settings
from flows.watching import Watched, tell

EVERY_S = 5.0
OLD_S = 300.0
"""A file that nobody has written for so long is of a process that is gone."""
HOME_EVERY_S = 10.0
HOST = "127.0.0.1"

_lock = threading.Lock()
_open: dict[Path, "Exposition"] = {}


class Exposition:
    """One per process and home, while it has runs."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.live = LiveMetrics(settings)
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self.live)
        self.file = settings.metrics / f"run-{platform.node()}-{os.getpid()}.prom"
        self.address: str | None = None
        self._server: object = None
        self._written = 0.0
        self._broken = False

    def write(self, at_once: bool = False) -> None:
        """This process's file, unless it was written a moment ago. One that cannot be written stops no run."""
        with _lock:
            if self._broken or (not at_once and time.monotonic() - self._written < EVERY_S):
                return
            self._written = time.monotonic()
            try:
                self.settings.metrics.mkdir(exist_ok=True)
                write_to_textfile(str(self.file), self.registry)
            except OSError as error:
                self._broken = True
                tell(f"metrics cannot be written to {self.settings.metrics} ({error.strerror}); the run goes on")

    def serve(self) -> None:
        """On loopback, where the settings name a port. One that another run has taken stops no run."""
        if self.settings.metrics_port is None or self._server is not None:
            return
        try:
            self._server, _ = start_http_server(self.settings.metrics_port, HOST, self.registry)
        except OSError as error:
            where = f"port {self.settings.metrics_port} ({error.strerror})"
            tell(f"no metrics at {where}: another run may have it; they are written to {self.file}")
            return
        self.address = f"http://{HOST}:{self._server.server_port}/metrics"
        tell(f"metrics at {self.address}", address=self.address)

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()  # type: ignore[attr-defined]
            self._server.server_close()  # type: ignore[attr-defined]
        self.file.unlink(missing_ok=True)


def open_exposition(settings: Settings, run: Watched) -> Exposition:
    """The process's, now with this run."""
    METER.begin_run(run)
    with _lock:
        found = _open.get(settings.home)
        if found is None:
            found = _open[settings.home] = Exposition(settings)
            sweep(settings.metrics)
        found.live.runs[run.run_id] = run
        found.serve()
    return found


def close_exposition(found: Exposition, run: Watched, at_once: bool = True) -> None:
    """The run has ended: the home's figures are written (where many end, not for each), and after the last one this
    process's file goes."""
    METER.end_run(run)
    with _lock:
        found.live.runs.pop(run.run_id, None)
        is_last = not found.live.runs
        if is_last:
            del _open[found.settings.home]
    if is_last:
        found.close()
    refresh_home(found.settings, 0.0 if at_once else HOME_EVERY_S)


def refresh_home(settings: Settings, older_s: float = 0.0) -> None:
    """Write the home's figures where these are older. What cannot be written stops no run."""
    file = settings.metrics / "home.prom"
    try:
        if not file.exists() or time.time() - file.stat().st_mtime >= older_s:
            write_home(settings)
    except OSError as error:
        tell(f"metrics cannot be written to {settings.metrics} ({error.strerror})")


def write_home(settings: Settings, file: Path | None = None) -> Path:
    """The home's figures, by default where the collector looks; returns the file."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(HomeMetrics(settings))
    path = file or settings.metrics / "home.prom"
    path.parent.mkdir(exist_ok=True, parents=True)
    write_to_textfile(str(path), registry)
    return path


def sweep(folder: Path) -> None:
    """Remove what killed processes left."""
    for file in folder.glob("run-*.prom*"):
        try:
            if time.time() - file.stat().st_mtime > OLD_S:
                file.unlink()
        except FileNotFoundError:  # another one was faster
            continue
