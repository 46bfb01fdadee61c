"""Approved posts leave the home with their edits, as schedulers and platforms take them."""

import csv
import io
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from components.errors import UserError
from components.people.exports import COLUMNS, ExportSpec, posts_file
from components.people.queries import posts_of
from components.specs import Selection
from tests.people.exporting import reviewed_home, say
from tests.people.test_opinions import a_review


def test_approved_posts_leave_with_their_edits_and_the_rest_is_counted(posts, export) -> None:
    settings, made = reviewed_home(posts)
    done, text = export(settings)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["post_id"] for row in rows] == made[:2]
    assert rows[1]["text"] == 'Second, "edited"\nin two lines 🌊' and rows[1]["alt_text"] == "Waves."
    assert rows[1]["original"] == "Second" and rows[1]["reasons"] == "it was dull" and rows[1]["state"] == "edited"
    assert Path(rows[0]["picture"]).is_file() and len(rows[0]["picture_sha256"]) == 64
    assert done.left_out == {"rejected": 1, "contested": 1, "breaks_the_platforms_rules": 1}
    _, again = export(settings, format="json")
    found = json.loads(again)
    assert [row["post_id"] for row in found] == made[:2]
    assert found[0]["alt_text"] == "What is seen." and found[0]["picture"] == rows[0]["picture"]
    assert found[1]["decided_by"] == ["ann"]


def test_an_alternative_text_that_the_platform_refuses_keeps_its_post_here(posts, export) -> None:
    home = posts()
    made = [home.post(f"Post {n}.", with_picture=n < 2).post_id for n in range(3)]
    settings, long = home.done(), "A wave. " * 126
    say(settings.store(), *(a_review(made[n], "edit", alt_text=long[n:1000], reason="more") for n in (0, 2)))
    say(settings.store(), a_review(made[1], "edit", alt_text=long, reason="more"))
    done, text = export(settings)
    assert [row["post_id"] for row in csv.DictReader(io.StringIO(text, newline=""))] == [made[0], made[2]]
    assert done.left_out == {"alternative_text_too_long": 1}


def test_reasons_are_no_formulas_and_texts_are_as_they_will_be_published() -> None:
    row = dict.fromkeys(COLUMNS, "") | {
        "publish_at": None,
        "text": "=1+1",
        "reasons": ["=1+1", "no"],
        "decided_by": ["@a"],
    }
    (line,) = csv.DictReader(io.StringIO(posts_file([row], ExportSpec(out=Path("x"))), newline=""))
    assert (line["text"], line["reasons"], line["decided_by"]) == ("=1+1", "'=1+1; no", "'@a")


def test_bulk_uploads_get_their_columns(posts, export) -> None:
    settings, _ = reviewed_home(posts)
    start = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
    url = "https://example.org/pictures/"
    _, text = export(settings, layout="buffer", pictures_url=url, start=start, every_hours=12)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == ["Text", "Image URL", "Tags", "Posting Time"]
    assert [row[3] for row in rows[1:]] == ["2026-12-01 09:30", "2026-12-01 21:30"]
    assert rows[1][:2] == ["First, @ann #one", "https://example.org/pictures/beach.jpg"]
    _, text = export(settings, layout="hootsuite", start=start)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == ["12/01/2026 09:30", "First, @ann #one", ""]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"layout": "hootsuite"}, "wants a time"),
        ({"what": "sft", "format": "csv"}, "is not for sft: choose jsonl"),
        ({"layout": "trl"}, "is not for posts"),
        ({"layout": "buffer", "format": "json"}, "is a CSV"),
        ({"campaign": "a", "run_id": "b"}, "not both"),
        ({"holdout_share": 1.0}, "less than 1"),
        ({"every_hours": 0}, "greater than 0"),
    ],
)
def test_what_does_not_go_together_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        ExportSpec(out=Path("x"), **wrong)


def test_a_picture_that_is_gone_is_told_and_the_post_leaves_without_it(posts, export, drawn, tmp_path: Path) -> None:
    home = posts()
    path = tmp_path / "gone.jpg"
    shutil.copy(drawn[0], path)
    post = home.post(picture=path)
    settings = home.done()
    say(settings.store(), a_review(post.post_id, "approve"))
    path.unlink()
    done, text = export(settings, format="json")
    assert json.loads(text)[0]["picture"] is None
    assert done.left_out == {"picture_missing (exported without it)": 1}


def test_nothing_approved_writes_no_file(posts, export, tmp_path: Path) -> None:
    home = posts()
    post = home.post()
    settings = home.done()
    with pytest.raises(UserError, match="nothing is approved yet"):
        export(settings)
    say(settings.store(), a_review(post.post_id, "reject", reason="no"))
    with pytest.raises(UserError, match=r"nothing to export \(rejected 1\)"):
        export(settings)
    with pytest.raises(UserError, match=r"nothing to export \(rejected 1\): there is nothing to learn from yet"):
        export(settings, what="sft")
    with pytest.raises(UserError, match="no campaign 'other' in this home; campaigns that ran here: garden-demo"):
        export(settings, campaign="other")
    assert not (tmp_path / "out").exists()


def test_a_campaign_or_a_run_is_exported_alone(posts, export) -> None:
    settings, made = reviewed_home(posts)
    for chosen in ({"campaign": "garden-demo"}, {"run_id": "run-1"}):
        _, text = export(settings, format="json", **chosen)
        assert [row["post_id"] for row in json.loads(text)] == made[:2]


def test_a_run_over_a_sample_is_its_sample_alone(posts) -> None:
    home = posts()
    for _ in range(6):
        home.post(with_picture=False)
    store = home.done().store()
    home.home.run("run-2", campaign="sampled", item_sample=2, item_seed=7)
    sampled = store.items(Selection(dataset="garden", sample=2, seed=7))
    found = posts_of(store, None, "run-2")
    assert len(found) == 2 and found == posts_of(store, "sampled", None) < posts_of(store, None, "run-1")
    of = store.query(
        "SELECT item_id FROM posts JOIN prompts USING (prompt_id) WHERE list_contains($p, post_id)",
        {"p": sorted(found)},
    )
    assert {row["item_id"] for row in of} == {item.item_id for item in sampled}
