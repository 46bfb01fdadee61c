"""One look at all windows says of each what its own plan says, and leaves out exactly those that would do nothing. The
rows are real: the same components, by the offline writer and judge, only without Prefect."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from components.records import Item, Post, Prompt
from components.specs import Selection
from flows.buying import TRIED_AGAIN, journal_of
from flows.left import read_left
from flows.plan_backfill import plan_backfill
from flows.plan_run import plan_run
from flows.settings import Settings
from flows.show_backfill import show_backfill_plan
from flows.windows import windows
from tests.steps import ROWS, Steps, campaign_of

FROM, TO = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC)
MORE = [*ROWS, ("Second post of the day, and a better one than the first.", "2026-03-04T18:00:00Z"), ("No date.", "")]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("POSTWRIGHT_HOME", str(tmp_path / "home"))
    return Settings.from_environment().prepare()


def same_as_one_by_one(run: Steps, by: str = "day", timezone: str = "UTC") -> list[str]:
    """The states of the windows, whose figures are those of as many plans, one each."""
    plan = plan_backfill(run.c, run.settings, FROM, TO, by, timezone)
    for planned, window in zip(plan.windows, windows(FROM, TO, by, timezone), strict=True):
        alone = plan_run(run.c, run.settings, window.start, window.end, None)
        steps = {step.step: step for step in alone.steps}
        assert planned.calls == sum(stage.calls for stage in alone.stages), planned.name
        assert planned.cached == sum(stage.cached for stage in alone.stages), planned.name
        assert planned.items == steps["extract_features"].todo + steps["extract_features"].there
        assert planned.posts == steps["generate_posts"].todo
        assert (planned.usd_low, planned.usd_high) == (0, 0), "the offline models cost nothing"
        assert (planned.state in ("done", "empty")) == (
            not any(s.todo for s in alone.steps if s.step != "ingest_items")
        )
    assert sum(w.calls for w in plan.windows) == sum(stage.calls for stage in plan.stages)
    assert plan.note is not None and "1 of 8 items" in plan.note and "--on ingested_at" in plan.note
    return [window.state for window in plan.windows]


TODO = ["to do"] * 6 + ["empty"] * 2


def test_each_window_is_planned_as_by_itself_at_every_stage(settings: Settings, tmp_path: Path) -> None:
    run = Steps(settings, campaign_of(tmp_path, MORE))
    assert same_as_one_by_one(run) == TODO
    run.ingest()
    assert same_as_one_by_one(run) == TODO
    run.describe()
    assert same_as_one_by_one(run, "week") == ["to do", "empty"]
    run.build()
    run.write(3, publish=False)  # answered and journaled, then killed
    assert same_as_one_by_one(run) == TODO
    run.write(4)
    run.judge(2, publish=False)
    run.judge(1)
    assert same_as_one_by_one(run) == ["done", *TODO[1:]]
    run.write()
    run.judge()
    assert same_as_one_by_one(run) == ["done"] * 6 + ["empty"] * 2
    other = run.c.model_copy(update={"judge": run.c.judge.model_copy(update={"repeats": 2})})
    assert same_as_one_by_one(Steps(settings, other)) == TODO, "another judge has read nothing yet"


def test_what_is_left_of_a_range_is_what_is_left_of_its_windows(settings: Settings, tmp_path: Path) -> None:
    """The question that decides which windows of a backfill are run, against those that their steps would ask."""
    run = Steps(settings, campaign_of(tmp_path, MORE, measures={}, panel=[{"rubric": "persuasion"}]))
    c, store, whole = run.c, run.store, Selection.within(run.c.dataset.name, "published_at", FROM, TO)
    run.ingest()

    def left() -> list[int]:
        """Which windows, by the day of the month."""
        items = {item.item_id: item for item in store.items(whole)}
        together = read_left(store, c, whole).items()
        found = []
        for window in windows(FROM, TO, "day"):
            selection = Selection.within(c.dataset.name, "published_at", window.start, window.end)
            own = read_left(store, c, selection).items()
            assert own == {i for i in together if inside(items[i], window.start, window.end)}
            found += [window.start.day] if own else []
        return found

    assert left() == [1, 2, 3, 4, 5, 6]
    for step in (run.describe, run.build, run.write, run.judge):
        step()
        assert left() == [1, 2, 3, 4, 5, 6], "the panel has not read them, and nothing is measured"
    run.measure()
    panel = c.model_copy(update={"judge": c.panel[0], "panel": ()})
    Steps(settings, panel).judge(3)
    assert left() == [4, 5, 6]
    Steps(settings, panel).judge()
    assert left() == []
    c = c.model_copy(update={"generation": c.generation.model_copy(update={"temperature": 0.1})})
    assert left() == [1, 2, 3, 4, 5, 6], "another writer has no posts"
    for n, prompt in enumerate(store.prompts(whole, c.prompt.id, c.features.id)):
        error = TRIED_AGAIN[0] if n < 2 else "content_filter"
        store.append({"posts": [failed(prompt, c.generation.id, error)]})
    assert left() == [1, 2], "what failed for good is done"


def failed(prompt: Prompt, spec_id: str, error: str) -> Post:
    return Post(
        post_id=f"failed {prompt.prompt_id}", prompt_id=prompt.prompt_id, spec_id=spec_id, candidate=0, platform="x",
        text=None, alt_text=None, rules=[], error=error, created_at=FROM,
    )  # fmt: skip


def inside(item: Item, start: datetime, end: datetime) -> bool:
    assert item.published_at is not None
    return start <= item.published_at < end


def test_windows_of_when_items_were_read_in_take_those_without_a_date(settings: Settings, tmp_path: Path) -> None:
    run = Steps(settings, campaign_of(tmp_path, MORE))
    now = datetime.now(UTC)
    start, end = now - timedelta(hours=2), now + timedelta(hours=2)
    planned = plan_backfill(run.c, settings, start, end, "1h", on="ingested_at")
    assert [window.items for window in planned.windows] == [0, 0, 8, 0] and planned.note is None
    run.all()
    planned = plan_backfill(run.c, settings, start, end, "1h", on="ingested_at")
    assert [window.state for window in planned.windows] == ["empty", "empty", "done", "empty"]
    ingested = Selection.within(run.c.dataset.name, "ingested_at", start, end)
    assert len(run.store.items(ingested)) == 8
    assert run.store.items(Selection.within(run.c.dataset.name, "ingested_at", None, start)) == []


def test_dollars_of_windows_and_of_all_of_them(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The windows' ranges hold their share; that of all is no wider than their sum. A call is counted once."""
    (settings.home / "prices.yaml").write_text(
        "date: 2026-11-01\nmodels:\n  openai/dear: {input: 2.0, output: 8.0}\n", encoding="utf-8"
    )
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    twice = [*ROWS, (ROWS[0][0], "2026-03-08T09:00:00Z")]
    run = Steps(settings, campaign_of(tmp_path, twice, generation={"model": "openai/dear", "picture": False}))
    plan = plan_backfill(run.c, settings, FROM, TO)
    [writing] = [stage for stage in plan.stages if stage.stage == "generate"]
    assert writing.usd_low and writing.usd_high and writing.usd_low < writing.usd_high
    low, high = ([getattr(w, name) or 0 for w in plan.windows] for name in ("usd_low", "usd_high"))
    assert sum(low) == pytest.approx(writing.usd_low) and sum(high) == pytest.approx(writing.usd_high)
    assert sum(w.calls for w in plan.windows) == sum(s.calls for s in plan.stages)


def test_the_plan_fits_80_columns_and_folds_what_is_of_no_interest(settings: Settings, tmp_path: Path) -> None:
    run = Steps(settings, campaign_of(tmp_path, MORE))
    console = Console(width=80, record=True, quiet=False, file=(tmp_path / "out").open("w"))
    show_backfill_plan(plan_backfill(run.c, settings, FROM, FROM + timedelta(days=365)), console)
    text = console.export_text()
    assert "2026-03-07 to 2027-02-28" in text and "empty (359)" in text and "365 windows" in text
    assert all(len(line) <= 80 for line in text.splitlines())
    assert journal_of(settings).lookup_many([]) == {}
