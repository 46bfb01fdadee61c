"""The report shows everything a warehouse holds of a run, is the same file twice, and nothing in it can break out."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from components.errors import UserError
from components.report import render
from components.report.cards import segments
from components.report.charts import by_group, counts, lengths, scores
from components.report.formats import duration, usd
from components.report.render import CARDS, policy_of
from components.warehouse.store import Store

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'` javascript:alert(3) {{ 7 * 7 }}"


class Page(HTMLParser):
    """Every start tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def test_a_run_is_shown_with_all_its_states_and_the_same_twice(home) -> None:
    html = render(home.store, "run-1")
    assert html == render(Store(home.store.path), "run-1")
    page = Page(html)
    assert len(page.all("article")) == 9
    states = [article["data-state"] for article in page.all("article")]
    assert {state: states.count(state) for state in set(states)} == {"ok": 6, "rules": 1, "error": 2}
    for said in (
        "no answer in time (timeout)", "no answer within 60 s, 5 attempts", "the reply could not be read (unparsable)",
        "length 312 &gt; 280", "Scores are heuristics, not an opinion", "text is at most 10,000 characters",
        "the same picture as beach-01.jpg", "starter/scene@0a1b2c3d4e5f", "8 posts written from", "n = 6",
    ):  # fmt: skip
        assert said in html, said
    assert all(image["alt"] for image in page.all("img") if image["src"] != "data:,")


def test_every_picture_names_its_captions_scores_and_sources(home) -> None:
    html = render(home.store, "run-1")
    row = home.store.query("SELECT * FROM judged_posts WHERE overall IS NOT NULL ORDER BY overall DESC LIMIT 1")[0]
    card = html[html.index('id="post-1"') : html.index('id="post-2"')]
    for said in (
        row["post_id"],
        row["prompt_id"],
        row["item_id"],
        row["sha256"],
        "CLIP 0.340",
        "CLIP 0.310",
        "kept caption",
    ):
        assert said in card, said
    for reason in row["reasons"].values():
        assert reason in card
    assert f"<b>{row['overall']:.1f}</b>" in card


def test_strangers_words_stay_words(empty_home: Callable, pictures: list) -> None:
    home = empty_home()
    item = home.item(0, picture=pictures[0][0], text=EVIL, author=EVIL)
    features = home.features(item, EVIL, EVIL, EVIL, (EVIL, EVIL))
    post = home.post(item, features, EVIL + ' https://evil.example/?a="><script> #tag', alt_text=EVIL, rules=[EVIL])
    home.judge(post, (1, 2, 3, 4))
    home.run(campaign="x", message=EVIL)
    html = render(home.store, "run-1")
    page = Page(html)
    assert len(page.all("script")) == 1
    assert all(image["src"].startswith("data:") for image in page.all("img"))
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert all((link["href"] or "").startswith("#") for link in page.all("a"))
    assert "{{ 7 * 7 }}" in html and "alert(1)" in html


def test_nothing_outside_the_file_is_asked_for(home) -> None:
    html = render(home.store, "run-1")
    page = Page(html)
    for tag, attrs in page.tags:
        for name in ("src", "href", "action", "srcset", "poster", "data"):
            value = attrs.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, name, value[:80])
    assert not re.search(r"url\(|@import", html[html.index("<style>") : html.index("</style>")])
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv"))
    script = html[html.index("<script>") + 8 : html.index("</script>")]
    assert policy == policy_of(script) and "default-src 'none'" in policy


def test_a_picture_that_is_gone_or_another_one_now_is_said_so(
    empty_home: Callable, pictures: list, tmp_path: Path
) -> None:
    home = empty_home()
    for n, source in enumerate(pictures[:2]):
        path = tmp_path / f"{n}.jpg"
        path.write_bytes(source[0].read_bytes())
        item = home.item(n, picture=path)
        home.post(item, home.features(item, "beach", "travel", "positive", ("a beach",)), "A post.")
    home.run()
    (tmp_path / "0.jpg").unlink()
    (tmp_path / "1.jpg").write_bytes(pictures[2][0].read_bytes())
    html = render(home.store, "run-1")
    assert "The picture file is gone" in html and "The picture file has changed since it was read" in html
    assert "data:image/jpeg" not in html and "From picture to post" not in html


def test_runs_that_wrote_or_judged_nothing_have_a_report_too(empty_home: Callable, pictures: list) -> None:
    home = empty_home()
    item = home.item(0, picture=pictures[0][0])
    home.run(state="check_failed", message="items, chunk c1: nothing of this chunk was published", ended_at=None)
    html = render(home.store, "run-1")
    assert "No posts yet: 1 items were read" in html and "nothing of this chunk was published" in html
    home.post(item, home.features(item, "beach", "travel", "positive", ("a beach",)), "A post.")
    home.run(cost_usd=None, rows="{}")
    html = render(home.store, "run-1")
    assert "none of them judged yet" in html and "Not judged yet." in html and "unknown" in html
    with pytest.raises(UserError, match="no run 'run-9'"):
        render(home.store, "run-9")


def test_a_second_run_with_nothing_to_do_reports_what_the_first_one_made(home) -> None:
    first = home.store.query("SELECT * FROM runs")[0]
    later = {"started_at": first["started_at"] + timedelta(days=1), "ended_at": first["ended_at"] + timedelta(days=1)}
    home.run("run-2", calls=0, **later)
    html = render(home.store, "run-2")
    assert len(Page(html).all("article")) == 9
    assert "This run published no new batch; the batches are those of run <code>run-1</code>" in html
    assert "nothing was left to buy" in html and html.count("run-1") >= 2


def test_posts_of_other_windows_and_other_judges_do_not_count(home) -> None:
    times = home.store.query("SELECT published_at FROM items ORDER BY published_at")
    home.run("run-2", window_from=times[1]["published_at"], window_to=times[4]["published_at"])
    assert len(Page(render(home.store, "run-2")).all("article")) == 3
    ids = json.loads(home.store.query("SELECT spec_ids FROM runs WHERE run_id = 'run-1'")[0]["spec_ids"])
    home.run("run-3", spec_ids=json.dumps(ids | {"judge_posts": "another"}))
    states = [article["data-state"] for article in Page(render(home.store, "run-3")).all("article")]
    assert len(states) == 9 and "ok" not in states and states.count("waiting") == 7


def test_more_posts_than_fit_are_listed_and_it_is_said(empty_home: Callable) -> None:
    home = empty_home()
    for n in range(CARDS + 30):
        item = home.item(n, text=f"text {n}")
        post = home.post(item, [], f"Post number {n}.", rules=["length 300 > 280"] if n == 7 else [])
        home.judge(post, (1 + n % 9,) * 4)
    home.run()
    html = render(home.store, "run-1")
    page = Page(html)
    assert len(page.all("article")) == CARDS and sum("data-post" in row for row in page.all("tr")) == 30
    assert "200 of 230 posts are shown in full" in html and "The other 30 are in the table" in html
    assert "Breaks X's rules" in html


@pytest.mark.parametrize("platform", ["x", "instagram", "linkedin", "facebook", "threads", "bluesky", "mastodon"])
def test_every_platform_has_its_looks(empty_home: Callable, pictures: list, platform: str) -> None:
    home = empty_home(platform=platform)
    item = home.item(0, picture=pictures[0][0])
    home.post(item, [], "Hello #world.")
    home.run()
    html = render(home.store, "run-1")
    assert f"mock--{platform}" in html and re.search(r"13 of [\d,]+ characters", html)


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("Sun #Beach, #été and #东京!", ["#Beach", "#été", "#东京"]),
        ("see https://a.example/x#y (thanks @ann.b)", ["https://a.example/x#y", "@ann.b"]),
        ("#1 me@example.org C# a#b", []),
        ("", []),
    ],
)
def test_segments_mark_and_lose_nothing(text: str, marked: list[str]) -> None:
    pieces = segments(text)
    assert "".join(piece for _, piece in pieces) == text
    found = [piece for kind, piece in pieces if kind]
    assert found == marked or (not marked and not any(kind == "tag" for kind, _ in pieces))


def test_charts_count_every_value_once() -> None:
    chart = scores("overall", [1, 1.4, 5.5, 10, 10], 1, 10)
    assert [column.n for column in chart.columns] == [2, 0, 0, 0, 0, 1, 0, 0, 0, 2] and chart.n == 5
    assert chart.low is not None and chart.low < chart.mean < chart.high
    assert scores("one", [5], 1, 10).low is None
    assert lengths("x", [10, 200, 280], 280).limit_x is not None
    assert lengths("x", [10, 20], 63206).limit_x is None
    assert sum(column.n for column in lengths("x", [0, 99, 100, 279, 2000], 280).columns) == 5
    assert [(bar.label, bar.n) for bar in counts([*"aab", None])] == [("a", 2), ("b", 1), ("none found", 1)]
    assert sum(bar.n for bar in counts(str(n) for n in range(40))) == 40
    labels, scored = pd.Series(["a", "a", "b", None, "c"]), pd.Series([1, 3, 9, 4, None])
    groups = by_group(labels, scored, 1, 10)
    assert [(group.label, group.n, group.mean) for group in groups] == [("b", 1, 9), ("a", 2, 2)]


def test_numbers_read_well() -> None:
    assert [usd(value) for value in (None, 0, 0.0004, 0.25, 1234.5)] == [
        "unknown",
        "$0",
        "$0.00040",
        "$0.2500",
        "$1,234.50",
    ]
    assert [duration(value) for value in (None, 1.26, 42, 300, 8000)] == ["–", "1.3 s", "42 s", "5 min", "2 h 13 min"]


def test_the_report_shows_the_items_of_its_run_and_no_others(home) -> None:
    home.run("run-few", item_limit=3)
    html = render(home.store, "run-few")
    assert len(Page(html).all("article")) == 3
    assert "<dt>Items</dt><dd>3</dd>" in html

    first = home.items[0]
    home.add("items", replace(first, item_id="edited", stamp="2", ingested_at=first.ingested_at + timedelta(days=1)))
    home.run("run-edited")
    html = render(home.store, "run-edited")
    assert "<dt>Items</dt><dd>9</dd>" in html, "an edited input is one item"
    assert len(Page(html).all("article")) == 8, "the post of what it was is not shown"


def test_a_note_on_a_finished_run_is_no_failure(home) -> None:
    home.run("run-window", message="3 of 9 items have no published_at")
    html = render(home.store, "run-window")
    assert "3 of 9 items have no published_at" in html and "How it ended" not in html
