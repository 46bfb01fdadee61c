"""Which windows of a backfill are run: those with something left, until none could do better."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.errors import BudgetExceeded, CheckFailed, HomeUnusable, PostwrightError, ProviderStopped
from components.records import Item
from components.specs import Selection
from components.warehouse.store import Store
from flows.backfill import book_of
from flows.settings import Settings
from flows.side_by_side import run_parts
from flows.unfinished import unfinished
from flows.windows import HOPELESS, Window, windows
from tests.steps import NOW, ROWS, Steps, campaign_of

FROM, TO = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "started"),
    [(HomeUnusable("full"), 2), (BudgetExceeded("spent"), 2), (ProviderStopped("gone"), 2), (CheckFailed("one"), 4)],
)
def test_no_window_is_begun_where_none_could_do_better(error: PostwrightError, started: int) -> None:
    found, begun = list(windows(FROM, TO, "day")), []

    def go(window: Window, wait: bool) -> str:
        begun.append(window.name)
        if len(begun) == 2:
            raise error
        return "done"

    run_parts(found, go, 1, HOPELESS)
    assert begun == ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"][:started]
    assert [window.error for window in found] == [None, error, None, None]


class Busy(Store):
    """Another process reads an item in, between the first look and the second."""

    def times(self, *asked: Any) -> dict[str, datetime]:
        found = super().times(*asked)
        late = Item(item_id="late", dataset=asked[0].dataset, spec_id="D", source_uri="u", ingested_at=NOW,
                    published_at=datetime(2026, 3, 4, 12, tzinfo=UTC), text="A late arrival.")  # fmt: skip
        self.append({"items": [late]})
        return found


def test_an_item_that_is_read_in_meanwhile_is_for_the_next_run(tmp_path: Path) -> None:
    settings, campaign = Settings(tmp_path / "home").prepare(), campaign_of(tmp_path, ROWS[:2])
    Steps(settings, campaign).ingest()
    whole = Selection(dataset=campaign.dataset.name, published_from=FROM, published_to=TO)
    found = list(windows(FROM, TO, "day"))
    book = book_of(campaign, found, "day", "published_at", "UTC")

    def names(store: Store) -> list[str]:
        return [window.name for window in unfinished(campaign, found, book, whole, store)]

    assert names(Busy(settings.warehouse)) == ["2026-03-01", "2026-03-02"]
    assert names(settings.store()) == ["2026-03-01", "2026-03-02", "2026-03-04"]
