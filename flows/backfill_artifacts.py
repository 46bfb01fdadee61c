"""What a backfill leaves: its page among the reports, and in the Prefect UI a calendar of its windows, kept up to date
while it runs, and their table."""

import base64
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import UUID

from prefect.artifacts import ImageArtifact, create_markdown_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactUpdate

from components.report.backfill import draw_backfill, said_of
from components.report.backfills import BackfillState, read_backfill
from components.store import Store
from flows.artifacts import plain
from flows.progress import say
from flows.settings import Settings
from flows.show import money
from flows.write_report import write_backfill_report

EVERY_S = 15.0
SHARE = 20
"""Drawing takes at most one part in so many of the time."""
ROWS = 400
"""Of the table in the UI; the page has all."""


class HeatMap:
    """A picture in the UI that changes with the windows' states; made inside a flow run."""

    def __init__(self, store: Store, backfill_id: str) -> None:
        self._store, self._backfill_id, self._lock = store, backfill_id, threading.Lock()
        made: Any = ImageArtifact(image_url=self._drawn(), key="calendar", description="How the windows stand").create()
        self._id: UUID = made.id
        self._next, self._changed = time.monotonic() + EVERY_S, False

    def _drawn(self) -> str:
        return picture_of(read_backfill(self._store, self._backfill_id))

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drawn a last time. After a stop, what fails here is only told."""
        try:
            if self._changed:
                self.update(now=True)
        except Exception as failed:
            if error is None:
                raise
            say(f"the calendar in the UI is not up to date: {failed}")

    def update(self, now: bool = False) -> None:
        """Draw it again, unless that was done a moment ago."""
        with self._lock:
            begun, self._changed = time.monotonic(), True
            if not now and begun < self._next:
                return
            with get_client(sync_client=True) as client:
                client.update_artifact(self._id, ArtifactUpdate(data=self._drawn()))
            took = time.monotonic() - begun
            self._next = time.monotonic() + max(EVERY_S, SHARE * took)


def picture_of(found: BackfillState) -> str:
    """As a data URL: the page needs nothing from this machine's disk."""
    return "data:image/svg+xml;base64," + base64.b64encode(draw_backfill(found).encode("utf-8")).decode("ascii")


def leave_backfill(settings: Settings, backfill_id: str) -> Path:
    """The page and the table of a backfill that has ended; called inside a flow run."""
    found = read_backfill(settings.store(), backfill_id)
    path = write_backfill_report(settings, found)
    create_markdown_artifact(markdown=markdown(found, path), key="windows", description=f"The windows of {backfill_id}")
    return path


def markdown(found: BackfillState, report: Path) -> str:
    """What stopped first, then every window that is not empty."""
    lines = [f"# {plain(found.campaign)}: {found.state.replace('_', ' ')}", "", f"{said_of(found)}.", ""]
    if found.message:
        lines += [f"> {plain(found.message)}", ""]
    lines += ["| window | state | items | posts | calls | cost | why |", "|---|---|---:|---:|---:|---:|---|"]
    shown = sorted(
        (window for window in found.windows if window.kind != "empty"),
        key=lambda window: window.kind not in ("failed", "waiting"),
    )
    for window in shown[:ROWS]:
        why = plain(window.message or "").replace("\n", " ") if window.kind in ("failed", "waiting") else ""
        cells = (window.name, window.state.replace("_", " "), window.items, window.posts, window.calls)
        lines.append(f"| {' | '.join(map(str, cells))} | {money(window.cost_usd)} | {why} |")
    if len(shown) > ROWS:
        lines.append(f"\n{len(shown) - ROWS} more are on the page.")
    return "\n".join([*lines, "", f"Report: `{report}`"])
