"""How a run tells people where it is: bars on a terminal, plain lines elsewhere, silence for machines.

Flows call `progress(label, total)`; who listens is decided once, by the command line. A worker keeps to the log. Within
a run each step is counted too (flows/meter.py), and what is said goes into the run's log.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from flows.meter import METER
from flows.watching import tell

log = logging.getLogger("postwright")
LINE_EVERY_S = 10.0
"""Plain lines are for logs that people scroll through: one at the start, one at the end, and a sign of life between."""


@dataclass(frozen=True)
class Part:
    """One of many parts of a whole that has a bar of its own, such as a window of a backfill; `said`: what any of them
    has said, which the others need not say again."""

    name: str
    said: set[str] = field(default_factory=set)


class Advance(Protocol):
    """Call it with the number of parts done since, and how many more (or fewer) there are than was thought."""

    def __call__(self, n: int, more: int = 0, /) -> None: ...


class Listener(Protocol):
    def start(self, label: str, total: int, part: Part | None = None) -> Advance: ...

    def say(self, line: str) -> None: ...

    def note(self, line: str) -> None:
        """What a bar shows anyway."""


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
        self.say = self.note = emit

    def start(self, label: str, total: int, part: Part | None = None) -> Advance:
        done, begun, spoken = 0, time.monotonic(), time.monotonic()
        if part is None:
            self.say(f"{label}: 0/{total}")
        else:
            label = f"{part.name}, {label}"

        def advance(n: int, more: int = 0) -> None:
            nonlocal done, spoken, total
            done, total = done + n, total + more
            now = time.monotonic()
            if (done >= total and part is None) or now - spoken > LINE_EVERY_S:
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

    def start(self, label: str, total: int, part: Part | None = None) -> Advance:
        """A part's bar goes when it is full, or a year of days would leave thousands."""
        task = self.bars.add_task(label if part is None else f"{part.name} {label}", total=total)
        done, shown = 0, True

        def advance(n: int, more: int = 0) -> None:
            nonlocal done, total, shown
            done, total = done + n, total + more
            if shown:
                self.bars.update(task, completed=done, total=total)
            if shown and part is not None and done >= total:
                self.bars.remove_task(task)
                shown = False

        return advance

    def say(self, line: str) -> None:
        self.bars.console.print(line, highlight=False)

    def note(self, line: str) -> None:
        pass


class Silence:
    def start(self, label: str, total: int, part: Part | None = None) -> Advance:
        return lambda n, more=0: None

    def say(self, line: str) -> None:
        pass

    note = say


_listener: Listener = LogLines()


@contextmanager
def listening(console: Console, machine: bool) -> Iterator[None]:
    """Show progress on `console` for the time of the block; nothing at all for machines, which get a result at the end
    or, by POSTWRIGHT_LOG, lines of JSON meanwhile."""
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


_part: ContextVar[Part | None] = ContextVar("part", default=None)


@contextmanager
def in_part(part: Part) -> Iterator[None]:
    """What is told in the block is told of one part of many."""
    token = _part.set(part)
    try:
        yield
    finally:
        _part.reset(token)


@contextmanager
def speaking(console: Console, machine: bool) -> Iterator[None]:
    """For the command line: what is said outside of any run stands on `console`, too."""
    global _listener
    before = _listener
    _listener = Silence() if machine else LogLines(lambda line: console.print(line, markup=False, soft_wrap=True))
    try:
        yield
    finally:
        _listener = before


def progress(label: str, total: int) -> Advance:
    """Begin a step of `total` parts; call what it returns with the number of parts done since."""
    if not total:
        return lambda n, more=0: None
    show, count = _listener.start(label, total, _part.get()), METER.begin(label, total)
    tell(f"{label}: {total} to do", parts=total)
    if count is None:
        return show

    def advance(n: int, more: int = 0) -> None:
        show(n, more)
        count(n, more)

    return advance


def say(line: str) -> None:
    """One line for people."""
    part = _part.get()
    if part is not None:
        if line in part.said:
            return
        part.said.add(line)
    _listener.say(line)
    tell(line)


def note(line: str) -> None:
    """One line for people who see no bars."""
    _listener.note(line)
    tell(line)
