"""What happened in a run, as lines of JSON with its ids: `HOME/logs/RUN_ID.jsonl`.

Each line has `at`, `level`, `logger`, `message`, the run's ids, the `step`, and the event's own fields (`chunk_id`,
`spec_id`, counts). A log is bounded: at LARGEST bytes it begins anew, and what was there stays once, as `.jsonl.1`.
No line holds a key that this process was given: each is looked for in every form and blotted out.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from flows.settings import without_keys
from flows.watching import EVENTS, Watched, step_now, watched

LARGEST = 16_000_000
LOGGERS = (EVENTS.name, "postwright", "components", "flows", "data_checks")
"""What is logged anywhere below them: events, and the warnings of all parts."""

log = logging.getLogger("postwright")


class JsonLines(logging.Formatter):
    """One record, one line."""

    def format(self, record: logging.LogRecord) -> str:
        run = watched()
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **({} if run is None else run.ids()),
            "step": step_now(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        whole = {name: value for name, value in line.items() if value is not None}
        return without_keys(json.dumps(whole, ensure_ascii=False, default=str))


class RunLog(RotatingFileHandler):
    """The log of one run. One that cannot be written stops no run: it is told once, and then nothing is kept."""

    def __init__(self, folder: Path, run_id: str) -> None:
        folder.mkdir(exist_ok=True)
        super().__init__(folder / f"{run_id}.jsonl", maxBytes=LARGEST, backupCount=1, encoding="utf-8", delay=True)
        self.setFormatter(JsonLines())
        self.run_id, self.broken = run_id, False

    def filter(self, record: logging.LogRecord) -> bool:
        run = watched()
        return not self.broken and run is not None and run.run_id == self.run_id

    def handleError(self, record: logging.LogRecord) -> None:
        self.broken = True
        log.warning("the log of run %s cannot be written (%s); the run goes on", self.run_id, sys.exc_info()[1])


@contextmanager
def logged(folder: Path, run: Watched) -> Iterator[None]:
    """Keep what is told of the run in the block."""
    try:
        handler: logging.Handler = RunLog(folder, run.run_id)
    except OSError as error:
        log.warning("the log of run %s cannot be kept in %s (%s); the run goes on", run.run_id, folder, error.strerror)
        handler = logging.NullHandler()
    _add(handler)
    try:
        yield
    finally:
        _remove(handler)
        handler.close()


def log_json_to_stderr() -> None:
    """From now on what is told in this process goes to standard error, as lines of JSON and in no other form."""
    if _stderr not in EVENTS.handlers:
        _stderr.setFormatter(JsonLines())
        _add(_stderr)
        for name in LOGGERS:
            logging.getLogger(name).propagate = False


_stderr = logging.StreamHandler()


def _add(handler: logging.Handler) -> None:
    for name in LOGGERS:
        logging.getLogger(name).addHandler(handler)


def _remove(handler: logging.Handler) -> None:
    for name in LOGGERS:
        logging.getLogger(name).removeHandler(handler)
