"""Parts of one whole that run beside each other out of one purse: the windows of a backfill, the arms of an experiment.

A part that stops does not stop the others, unless no other could do better (`last`). By batches, all parts are handed
in before one is waited for, and each further step of all of them before it is waited for.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Protocol, TypeVar

from components.errors import BatchPending, PostwrightError
from components.specs import Campaign, ChatSpec
from flows.batching import in_vain, waiting_for
from flows.stopping import stoppable


class Part(Protocol):
    """How its run ended; neither a summary nor an error: it was not started."""

    summary: Any
    error: PostwrightError | None


P = TypeVar("P", bound=Part)
T = TypeVar("T")
S = TypeVar("S", bound=ChatSpec)


def nothing(part: Any) -> None:
    """For whom the end of a part changes nothing."""


def run_parts(
    parts: Sequence[P],
    go: Callable[[P, bool], Any],
    parallel: int,
    last: tuple[type[PostwrightError], ...],
    ended: Callable[[P], None] = nothing,
) -> None:
    """`go(part, False)` gives a part's summary: its batches are handed in and left. After an error of the kinds in
    `last` no further part is started. `ended` is told of each part that was. Raises only defects."""
    run_all(parts, lambda part: _run(part, go, False, parts, last, ended), parallel)


def wait_for_parts(
    parts: Sequence[P],
    go: Callable[[P, bool], Any],
    parallel: int,
    last: tuple[type[PostwrightError], ...],
    ended: Callable[[P], None] = nothing,
) -> None:
    """`go(part, True)` on the parts that wait for batches, until none does or waiting was in vain."""
    tired = threading.Event()

    def run(part: P) -> None:
        before = part.error
        _run(part, go, not tired.is_set(), parts, last, ended)
        if isinstance(before, BatchPending) and isinstance(part.error, BatchPending) and in_vain(before, part.error):
            tired.set()

    while not tired.is_set() and not _ended(parts, last):
        before = pending_of(parts)
        if not before:
            break
        known = frozenset().union(*(names for _, names in before))
        with waiting_for(known):
            run_all([part for part, _ in before], run, parallel)
        after = pending_of(parts)
        if len(after) == len(before) and all(names <= known for _, names in after):
            break


def _run(
    part: P,
    go: Callable[[P, bool], Any],
    wait: bool,
    parts: Sequence[P],
    last: tuple[type[PostwrightError], ...],
    ended: Callable[[P], None],
) -> None:
    if _ended(parts, last):
        return
    part.error = None
    try:
        part.summary = go(part, wait)
    except PostwrightError as error:
        part.error = error
    ended(part)


def _ended(parts: Sequence[P], last: tuple[type[PostwrightError], ...]) -> bool:
    return any(isinstance(part.error, last) for part in parts)


def pending_of(parts: Sequence[P]) -> list[tuple[P, frozenset[str]]]:
    """The parts that wait, each with the batches it waits for."""
    return [(part, part.error.batches) for part in parts if isinstance(part.error, BatchPending)]


def unwaiting(campaign: Campaign) -> Campaign:
    """The same, but its batches are handed in and left; equal to `campaign` where nothing would wait."""
    c = campaign
    hasty = {"generation": without_waiting(c.generation), "judge": without_waiting(c.judge)}
    return c.model_copy(update={**hasty, "panel": tuple(map(without_waiting, c.panel))})


def without_waiting(spec: S) -> S:
    return spec.model_copy(update={"batch_wait_h": 0.0}) if spec.mode == "batch" else spec


def run_all(found: Sequence[T], run: Callable[[T], None], parallel: int) -> None:
    """`run` on each, `parallel` at a time."""
    with stoppable() as stop:
        if parallel == 1:
            for one in found:
                run(one)
        else:
            pool = ThreadPoolExecutor(parallel)
            try:
                begun = [pool.submit(copy_context().run, run, one) for one in found]
                for future in begun:
                    future.result()
            except BaseException as error:  # raised again; a stop, no Exception, must reach the others first
                if not isinstance(error, Exception):
                    stop.ask()
                raise
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def raise_first_stop(parts: Sequence[P], kind: str, name: Callable[[P], str]) -> None:
    """One error for all parts that stopped, of the first one's kind."""
    first = next((part for part in parts if part.error), None)
    if first is None:
        return
    stopped = sum(part.error is not None for part in parts)
    waiting = sum(part.error is None and part.summary is None for part in parts)
    not_started = f" and {waiting} not started" if waiting else ""
    raise type(first.error)(  # type: ignore[misc]
        f"{stopped} of {len(parts)} {kind} stopped{not_started}, first {name(first)}: {first.error}"
    )
