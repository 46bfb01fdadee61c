"""Steps of a run that run at once: each goes on with what the step before it has published.

What is left to do is an anti-join, so the warehouse itself is the queue. A `Line` holds which items have work left, in
the order of the feed, and how far each step has come; nothing else goes from step to step. A step takes a slice of the
items below what the step before it has settled (published, refused, or with nothing to do), asks the warehouse what is
left to do of them, and does it. So the rows are those of steps that run one after the other.

The first error of a step lets the others end the slice they are at, and no further one begins. A stop from outside
(flows/stopping.py) reaches all of them.
"""

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, copy_context

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from components.specs import Selection, Slice
from flows.progress import Advance, progress
from flows.publish import StepResult
from flows.stopping import STOPS, raise_if_stopped, stoppable

Positions = NDArray[np.int64]

ROUNDS = 16
"""About so many slices of all items, or fewer. The first one is waited for, so a few more would save a little time; but
each costs a validation (0.1 to 0.2 s) and looks through whole tables, which a number of slices that grew with the items
would make grow with their square."""
SMALLEST, LARGEST = 128, 2048
"""Items of one slice: a chunk of the models at least; and so that the next step has something to do soon."""
LONG = 128
"""With work on more items than these, steps run at once."""
END = float("inf")
LOOK_S = 0.2
"""How often a waiting step looks whether the run was stopped."""


def slice_of(items: int) -> int:
    """How many of so many items go from step to step at a time."""
    return min(LARGEST, max(SMALLEST, -(-items // ROUNDS // SMALLEST) * SMALLEST))


class Line:
    """`left`: per step the items that it has work on as things stand, by columns position and item_id; `before`: the
    step that each waits for. As arrays: a run may have millions."""

    def __init__(self, left: Sequence[pd.DataFrame], before: Sequence[int | None]) -> None:
        items = pd.concat(left, ignore_index=True).drop_duplicates("position").sort_values("position")
        self.positions, self.ids = items["position"].to_numpy(dtype=np.int64), items["item_id"].array
        self.mine: list[Positions] = []
        for its, earlier in zip(left, before, strict=True):  # what a step makes is work for the next one
            own = its["position"].to_numpy(dtype=np.int64)
            self.mine.append(np.unique(own) if earlier is None else np.union1d(own, self.mine[earlier]))
        self.before = before
        self.settled: list[float] = [0] * len(left)
        self.size = slice_of(len(self.ids))
        self.error: BaseException | None = None
        self._changed = threading.Condition()

    @property
    def is_long(self) -> bool:
        """Whether the steps can be at different items at all."""
        return len(self.ids) > LONG

    def ids_at(self, positions: Positions) -> list[str]:
        return [str(item_id) for item_id in self.ids[np.searchsorted(self.positions, positions)]]

    def slices(self, step: int, size: int) -> Iterator[tuple[Positions, Positions]]:
        """The positions of at most `size` (or the line's own size) items at a time that `step` may have work on, and of
        those that may come later. Ends early where another step has failed."""
        mine, at, size = self.mine[step], 0, max(size, self.size)
        while (found := self._reached(step, at)) is not None:
            end = min(at + size, found)
            yield mine[at:end], mine[end:]
            at = end

    def _reached(self, step: int, at: int) -> int | None:
        """Waits until there is work beyond `mine[at]`; how much of `mine` there is then, None at the end."""
        mine, earlier = self.mine[step], self.before[step]
        with self._changed:
            while self.error is None:
                raise_if_stopped()
                reach = END if earlier is None else self.settled[earlier]
                self.settled[step] = min(reach, mine[at]) if at < len(mine) else reach
                self._changed.notify_all()
                if (found := bisect_left(mine, reach)) > at:
                    return found
                if reach == END:
                    return None
                self._changed.wait(LOOK_S)
        return None

    def end(self, step: int) -> None:
        """The step is through."""
        with self._changed:
            self.settled[step] = END
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """The first reason counts."""
        with self._changed:
            self.error = self.error or error
            self._changed.notify_all()


_place: ContextVar[tuple[Line, int] | None] = ContextVar("place", default=None)


class Stage:
    """A step's share of the run: the whole selection at once or, in a line, slice by slice.

    Say by `found` how many things there are to do before they are done, and by `advance` how many are done. `seconds`
    is the time between slices taken and done, without waiting. `coming`: the positions of items that are not there yet.
    """

    def __init__(self, selection: Selection, label: str) -> None:
        self.selection, self.label = selection, label
        self.seconds = 0.0
        self.coming: Sequence[int] | Positions = ()
        self._line = _place.get()
        self._taken = 0
        self._bar: Advance | None = None

    @property
    def is_in_line(self) -> bool:
        return self._line is not None

    @property
    def size(self) -> int:
        """Items of a slice of the line; 0 where the whole selection is given at once."""
        return 0 if self._line is None else self._line[0].size

    def slices(self, size: int) -> Iterator[Selection]:
        if self._line is None:
            with self._timed():
                yield self.selection
            return
        line, step = self._line
        self._bar = progress(self.label, len(line.mine[step]))
        for positions, self.coming in line.slices(step, size):
            self._taken = len(positions)
            items, places = tuple(line.ids_at(positions)), tuple(positions.tolist())
            with self._timed():
                yield Slice(**dict(self.selection), items=items, positions=places)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds += time.monotonic() - begun

    def found(self, n: int) -> None:
        if self._bar is None:
            self._bar = progress(self.label, n)
        elif n != self._taken:
            self._bar(0, n - self._taken)

    def advance(self, n: int) -> None:
        if self._bar is not None:
            self._bar(n)


def run_at_once(steps: Sequence[Callable[[], StepResult]], line: Line, results: list[StepResult]) -> None:
    """Each step in a thread, the first in the caller's: it computes, and only the main thread is interrupted within.
    What each has done goes to `results`, in their order; then the first error is raised, if any."""
    done: dict[int, StepResult] = {}

    with stoppable() as stop:

        def run(at: int) -> None:
            _place.set((line, at))
            try:
                done[at] = steps[at]()
                line.end(at)
            except BaseException as error:  # noqa: BLE001 - it is raised below, in the caller's thread
                line.fail(error)
                if isinstance(error, STOPS):
                    stop.ask()

        threads = [
            threading.Thread(target=copy_context().run, args=(run, at), name=f"step {at}", daemon=True)
            for at in range(1, len(steps))
        ]
        for thread in threads:
            thread.start()
        try:
            copy_context().run(run, 0)
            for thread in threads:
                thread.join()
        except STOPS as error:
            line.fail(error)
            stop.ask()
            for thread in threads:
                thread.join()
    results += [done[at] for at in sorted(done)]
    if line.error is not None:
        raise line.error
