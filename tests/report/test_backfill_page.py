"""The page and the picture of a backfill: a year by hand, with every state, in the page, the picture and a browser."""

import json
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from components.chat.journal import calls_view_sql
from components.errors import UserError
from components.records import Backfill, Item, Post, Prompt, Run
from components.report.backfill import draw_backfill, render_backfill
from components.report.backfills import BackfillState, read_backfill
from components.report.calendar import calendar_of
from components.specs.windows import edges_of
from components.warehouse.store import Store
from tests.chromium import CHROMIUM, browser

START = datetime(2025, 1, 1, tzinfo=UTC)
SPECS = {"extract_features": "f", "build_prompts": "p", "generate_posts": "w", "judge_posts": "j"}
STOP = 'the budget of 5.00 USD is spent: <b>raise</b> budget.usd, then "the same command"'


def year(folder: Path, by: str = "day", timezone: str = "Europe/Berlin", days: int = 365) -> Store:
    """A backfill that its budget has stopped: days off, a day that waits, one that runs, the rest not started."""
    (folder / "calls").mkdir(parents=True)
    store, dice = Store(folder / "warehouse.duckdb"), random.Random(3)
    store.prepare()
    edges = edges_of(datetime(2025, 1, 1), datetime(2025, 1, 1) + timedelta(days=days), by, timezone)
    store.record_backfill(
        Backfill(
            backfill_id="backfill-1", campaign="spring-harbour", dataset="garden", window_on="published_at",
            window_by=by, timezone=timezone, edges=edges, spec_ids=json.dumps(SPECS), state="budget_exceeded",
            started_at=START, ended_at=START + timedelta(hours=1), message=STOP,
        )
    )  # fmt: skip
    items, prompts, posts, runs, calls = list[Item](), list[Prompt](), list[Post](), list[Run](), list[str]()
    last = len(edges) * 3 // 4
    for n, (start, end) in enumerate(pairwise(edges)):
        full = dice.choice((0, 1, 3, 7, 12)) if n % 7 not in (5, 6) else 0
        state = "not started" if n > last else "empty" if not full else "done"
        stops = {40: "waiting", 41: "check_failed", last - 1: "budget_exceeded", last: "running"}
        if n in stops:
            full, state = 3, stops[n]
        for k in range(full):
            name = f"{n}-{k}"
            at = start + (end - start) * (k + 0.5) / full
            items.append(
                Item(
                    item_id=name, dataset="garden", spec_id="d", source_uri=name, stamp=name, text="A day out.",
                    published_at=at, ingested_at=START,
                )
            )  # fmt: skip
            if state == "done":
                prompts.append(
                    Prompt(
                        prompt_id=name, item_id=name, spec_id="p", feature_spec_id="f", platform="x", template="mpwl",
                        system="", user="", words=[],
                    )
                )  # fmt: skip
                posts.append(
                    Post(post_id=name, prompt_id=name, spec_id="w", platform="x", text="Boats.", created_at=START)
                )
                calls.append(
                    json.dumps(
                        {
                            "call_key": name, "model": "openai/gpt-5", "endpoint": "x", "stage": "generate",
                            "attempts": 1, "run_id": f"r{n}", "status": "ok", "input_tokens": 9, "output_tokens": 9,
                            "cost_usd": 0.0021,
                            "latency_ms": 9, "created_at": START.isoformat(),
                        }
                    )
                )  # fmt: skip
        if state != "not started":
            runs.append(
                Run(
                    run_id=f"r{n}", campaign="spring-harbour", dataset="garden", window_from=start, window_to=end,
                    window_on="published_at", state=state, started_at=START, purse="backfill-1",
                    ended_at=None if state == "running" else START + timedelta(seconds=3 + n),
                    message={"budget_exceeded": STOP, "waiting": "1 call waits for batch b-1"}.get(state),
                )
            )  # fmt: skip
    store.append({"items": items, "prompts": prompts, "posts": posts})
    store.record_run(*runs)
    (folder / "calls" / "1.jsonl").write_text("\n".join(calls) + "\n", encoding="utf-8")
    with store.connect() as db:
        db.execute(calls_view_sql(folder / "calls"))
    return store


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> BackfillState:
    return read_backfill(year(tmp_path_factory.mktemp("year")))


def test_what_is_there_and_what_it_cost(found: BackfillState) -> None:
    assert list(found.kinds) == ["done", "empty", "running", "waiting", "failed", "not started"]
    assert sum(found.kinds.values()) == len(found.windows) == 365
    done = [window for window in found.windows if window.kind == "done"]
    assert all(w.items == w.posts == w.calls > 0 and w.cost_usd == pytest.approx(0.0021 * w.calls) for w in done)
    assert found.total("posts") == found.total("calls") < found.total("items")
    assert found.cost_usd == pytest.approx(0.0021 * found.total("calls"))


def test_a_backfill_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no backfill 'nope' in .*; the latest is backfill-1"):
        read_backfill(year(tmp_path / "home", "month"), "nope")


def test_the_page_says_all_of_it_and_escapes_what_others_wrote(found: BackfillState) -> None:
    page = render_backfill(found)
    assert "<script" not in page and "<b>raise</b>" not in page and "&lt;b&gt;raise" in page
    assert page.count('<th scope="row">') == 365 - found.kinds["empty"]
    assert "January 2025" in page and "December 2025" in page and "Europe/Berlin" in page
    assert f"{found.kinds['not started']} not started of 365 windows" in page


def test_the_picture_is_sound_xml_and_has_a_cell_per_window(found: BackfillState) -> None:
    drawn = draw_backfill(found)
    root = ElementTree.fromstring(drawn)
    groups = [g.get("class", "") for g in root.iter("{http://www.w3.org/2000/svg}g")]
    for kind, n in found.kinds.items():
        name = kind.replace(" ", "-")
        assert sum(one.split()[:1] == [name] for one in groups) == n + 1, "and one in the legend"
    assert len(drawn) < 150_000, "an artifact lives in Prefect's database"


@pytest.mark.parametrize(
    ("by", "timezone", "days", "blocks"),
    [
        ("day", "Europe/Berlin", 365, 12), ("month", "UTC", 800, 3), ("week", "UTC", 365, 1), ("P3D", "UTC", 60, 1),
        ("6h", "Europe/Berlin", 95, 4), ("1h", "America/Havana", 10, 1), ("18h", "UTC", 9, 1),
    ],
)  # fmt: skip
def test_no_two_cells_lie_over_each_other(tmp_path: Path, by: str, timezone: str, days: int, blocks: int) -> None:
    found = read_backfill(year(tmp_path / "home", by, timezone, days))
    made = calendar_of(found)
    assert len(made.blocks) == blocks and sum(len(block.cells) for block in made.blocks) == len(found.windows)
    for block in made.blocks:
        places = {(cell.x, cell.y) for cell in block.cells}
        assert len(places) == len(block.cells)
        assert min(x for x, _ in places) >= 0 and block.x + block.width <= max(made.width, 830)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium")
async def test_it_fits_a_phone_and_the_picture_is_drawn(found: BackfillState, tmp_path: Path) -> None:
    page, sheet = tmp_path / "backfill.html", tmp_path / "calendar.svg"
    page.write_text(render_backfill(found), encoding="utf-8")
    sheet.write_text(draw_backfill(found), encoding="utf-8")
    async with browser(tmp_path / "profile") as tab:
        for width in (320, 390, 1280):
            await tab.open(page, width)
            assert await tab.js("document.documentElement.scrollWidth") <= width
        assert tab.complaints == []
        (tmp_path / "artifact.html").write_text(f'<img src="{sheet.as_uri()}">', encoding="utf-8")
        await tab.open(tmp_path / "artifact.html", 1280)
        assert await tab.until("document.images[0].complete && document.images[0].naturalWidth") > 500
