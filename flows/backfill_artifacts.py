"""What a backfill leaves in the Prefect UI: a calendar of its windows and their table, up to date while it runs."""

import base64
import threading
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.artifacts import MarkdownArtifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactUpdate

from components.report.backfill import draw_backfill, said_of
from components.report.backfills import BackfillState, read_backfill
from components.warehouse.store import Store
from flows.artifacts import plain
from flows.observing import only_shown
from flows.show import money

EVERY_S = 15.0
SHARE = 20
"""Drawing takes at most one part in so many of the time."""
ROWS, CELLS = 400, 2_000
"""Of the table and of the calendar in the UI, whose database holds them; the page has all."""


class LiveCalendar:
    """One artifact that changes with the windows' states; made inside a flow run. Where Prefect's server does not
    answer, or the drawing fails, that is told, and the next one tries again."""

    def __init__(self, store: Store, backfill_id: str) -> None:
        self._store, self._backfill_id, self._lock = store, backfill_id, threading.Lock()
        self._id: UUID | None = None
        self._show()
        self._next = time.monotonic() + EVERY_S

    def update(self) -> None:
        """Draw it again, unless that was done a moment ago."""
        with self._lock:
            begun = time.monotonic()
            if begun >= self._next:
                self._show()
                now = time.monotonic()
                self._next = now + max(EVERY_S, SHARE * (now - begun))

    def finish(self, report: Path) -> None:
        """Draw it a last time, with the place of the page."""
        with self._lock:
            self._show(report)

    def _show(self, report: Path | None = None) -> None:
        only_shown("the calendar of the windows", lambda: self._draw(report))

    def _draw(self, report: Path | None) -> None:
        drawn = markdown(read_backfill(self._store, self._backfill_id), report)
        if self._id is None:
            description = f"The windows of {self._backfill_id}"
            made: Any = MarkdownArtifact(markdown=drawn, key="windows", description=description).create()
            self._id = made.id
        else:
            with get_client(sync_client=True) as client:
                client.update_artifact(self._id, ArtifactUpdate(data=drawn))


def markdown(found: BackfillState, report: Path | None = None) -> str:
    """The calendar as a data URL, so that the page needs nothing from this machine's disk; then what stopped first, and
    every other window that is not empty."""
    lines = [f"# {plain(found.campaign)}: {found.state.replace('_', ' ')}", "", f"{said_of(found)}.", ""]
    if found.message:
        lines += [f"> {plain(found.message)}", ""]
    if len(found.windows) <= CELLS:
        picture = base64.b64encode(draw_backfill(found).encode("utf-8")).decode("ascii")
        lines += [f"![Calendar of the windows](data:image/svg+xml;base64,{picture})", ""]
    lines += ["| window | state | items | posts | calls | cost | why |", "|---|---|---:|---:|---:|---:|---|"]
    shown = sorted(
        (window for window in found.windows if window.kind not in ("empty", "not started")),
        key=lambda window: window.kind not in ("failed", "waiting"),
    )
    for window in shown[:ROWS]:
        why = plain(window.message or "").replace("\n", " ") if window.kind in ("failed", "waiting") else ""
        cells = (window.name, window.state.replace("_", " "), window.items, window.posts, window.calls)
        lines.append(f"| {' | '.join(map(str, cells))} | {money(window.cost_usd)} | {why} |")
    if len(shown) > ROWS:
        lines += ["", f"{len(shown) - ROWS} more are on the page."]
    return "\n".join([*lines, *(["", f"Report: `{report}`"] if report else [])])
