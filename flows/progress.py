"""How a run tells people where it is: bars on a terminal, plain lines elsewhere, silence for machines.

Flows call `progress(label, total)`; who listens is decided once, by the command line. A worker keeps to the log.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

log = logging.getLogger("postwright")
LINE_EVERY_S = 10.0
"""Plain lines are for logs that people scroll through: one at the start, one at the end, and a sign of life between."""


class Advance(Protocol):
    """Call it with the number of parts done since, and how many more (or fewer) there are than was thought."""

    def __call__(self, n: int, more: int = 0, /) -> None: ...


class Listener(Protocol):
    def start(self, label: str, total: int) -> Advance: ...

    def say(self, line: str) -> None: ...


def run_log(line: str) -> None:
    """Into the log of the flow run, where people look for it in the UI; outside of a run into the program's."""
    from prefect.exceptions import MissingContextError
    from prefect.logging import get_run_logger

    try:
        logger: logging.Logger | logging.LoggerAdapter[Any] = get_run_logger()
    except MissingContextError:
        logger = log
    logger.info("%s", line)


class LogLines:
    """Plain lines to `emit`."""

    def __init__(self, emit: Callable[[str], None] = run_log) -> None:
        self.say = emit

    def start(self, label: str, total: int) -> Advance:
        done, begun, spoken = 0, time.monotonic(), time.monotonic()
        self.say(f"{label}: 0/{total}")

        def advance(n: int, more: int = 0) -> None:
            nonlocal done, spoken, total
            done, total = done + n, total + more
            now = time.monotonic()
            if done >= total or now - spoken > LINE_EVERY_S:
                spoken = now
                self.say(f"{label}: {done}/{total} in {now - begun:.1f} s")

        return advance


class Bars:
    """A bar per step on a terminal."""

    def __init__(self, console: Console) -> None:
        self.bars = Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description:<18}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )

    def start(self, label: str, total: int) -> Advance:
        task = self.bars.add_task(label, total=total)

        def advance(n: int, more: int = 0) -> None:
            nonlocal total
            total += more
            self.bars.update(task, advance=n, total=total)

        return advance

    def say(self, line: str) -> None:
        self.bars.console.print(line, highlight=False)


class Silence:
    def start(self, label: str, total: int) -> Advance:
        return lambda n, more=0: None

    def say(self, line: str) -> None:
        pass


_listener: Listener = LogLines()


@contextmanager
def listening(console: Console, machine: bool) -> Iterator[None]:
    """Show progress on `console` for the time of the block; nothing at all for machines."""
    global _listener
    before = _listener
    try:
        if machine:
            _listener = Silence()
            yield
        elif console.is_terminal:
            bars = Bars(console)
            _listener = bars
            with bars.bars:
                yield
        else:
            _listener = LogLines(lambda line: console.print(line, highlight=False, markup=False, soft_wrap=True))
            yield
    finally:
        _listener = before


def progress(label: str, total: int) -> Advance:
    """Begin a step of `total` parts; call what it returns with the number of parts done since."""
    return _listener.start(label, total) if total else lambda n, more=0: None


def say(line: str) -> None:
    """One line for people."""
    _listener.say(line)
