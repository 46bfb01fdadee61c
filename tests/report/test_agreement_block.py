"""The report says how far its judge can be believed, and marks what is less than its noise."""

import html as escaping
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.judgments import rubric_id, rubric_text
from components.people.order import lot
from components.report import render
from components.report.agreement import block_of
from components.report.agreement_lines import told
from components.report.candidates import why
from components.report.disagreements import extremes, most_different
from components.report.readings import Judge, Readings, read_posts
from components.specs import JudgeSpec
from components.statistics import kendall_w, krippendorff_alpha, noise_floor, within_one
from components.warehouse.store import Store

_spec = importlib.util.spec_from_file_location("planted_readings", Path(__file__).parent / "readings.py")
assert _spec and _spec.loader
planted = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(planted)

TWICE = JudgeSpec(model="openai/gpt-4o", repeats=2)
WORTH = np.random.default_rng(3).normal(6.5, 1.2, 30)


def plain(page: str, section: str = "agreement") -> str:
    body = page[page.index(f'<section id="{section}"') :]
    return " ".join(escaping.unescape(re.sub(r"<[^>]+>", " ", body[: body.index("</section>")])).split())


@pytest.fixture
def judged(empty_home: Callable[..., Any]) -> tuple[Any, list[Any]]:
    """Thirty posts, each read twice on every aspect by a judge with noise."""
    home = empty_home()
    home.specs = (*home.specs[:3], TWICE)
    posts = planted.posts(home, 30)
    planted.read(home, posts, WORTH, noise=0.7, repeats=2)
    return home, posts


def readings(home: Any, aspect: str | None = None) -> np.ndarray:
    """(repeats, posts) of an aspect, or of their means, straight from the judgments."""
    sql = """SELECT post_id, repeat, avg(score) AS score FROM judgments WHERE $aspect IS NULL OR aspect = $aspect
        GROUP BY post_id, repeat ORDER BY repeat, post_id"""
    rows = home.store.query(sql, {"aspect": aspect})
    return np.array([[row["score"] for row in rows if row["repeat"] == repeat] for repeat in (0, 1)])


def test_one_reading_each_says_that_nothing_is_known(home: Any) -> None:
    said = plain(render(home.store, "run-1"))
    assert "One reading each: nothing is known about this judge's noise; set judge.repeats: 2." in said
    assert "No other judge has read these posts on the same aspects." in said
    assert "Nobody has rated these posts" in said
    assert "With itself" not in said
    assert "≈" not in render(home.store, "run-1").replace("marked ≈ on this page", "")


def test_repeats_give_the_noise_of_each_aspect_and_the_page_is_the_same_twice(judged: Any) -> None:
    home, _ = judged
    home.run()
    page = render(home.store, "run-1")
    assert page == render(Store(home.store.path), "run-1")
    table = readings(home, "coherence_structure")
    noise, alpha = noise_floor(table), krippendorff_alpha(table)
    said = plain(page)
    assert f"Coherence and structure 30 posts, 2 readings {noise.sd.value:.2f}" in said
    assert f"{alpha:.2f}" in said and f"{100 * within_one(table):.0f} %" in said
    assert f"{noise.of_posts(2):.2f}" in said
    assert re.search(r"Overall 30 posts, 2 readings 0\.\d\d 0\.\d\d to 0\.\d\d", said)
    assert "Where its readings differ most" in said and "reading 1" in said and "reading 2" in said


def test_a_failed_reading_is_no_score_and_no_agreement(judged: Any) -> None:
    home, posts = judged
    for row in home.batches["judgments"]:
        if row.post_id == posts[0].post_id and row.repeat == 1:
            object.__setattr__(row, "score", None)
            object.__setattr__(row, "error", "unparsable")
    home.run()
    assert "Overall 29 posts, 2 readings" in plain(render(home.store, "run-1"))


def test_a_steady_judge_is_called_steady_and_not_right(judged: Any) -> None:
    home, posts = judged
    home.batches["judgments"].clear()
    planted.read(home, posts, WORTH, noise=0.0, repeats=2)
    home.run()
    said = plain(render(home.store, "run-1"))
    assert "Read 2 times, every post got the same scores again" in said and "steady, not right" in said


def test_other_judges_are_compared_on_the_posts_that_both_read(judged: Any) -> None:
    home, posts = judged
    planted.read(home, posts[:20], WORTH[:20], spec=JudgeSpec(model="openai/lenient"), noise=0.5, shift=1.5, seed=1)
    home.run()
    page = render(home.store, "run-1")
    said = plain(page)
    assert "Overall 20 posts, 2 judges" in said
    assert (found := re.search(r"openai/lenient 20 posts \+(\d\.\d\d) \+\d\.\d\d to", said)) and (
        1.1 < float(found[1]) < 1.7
    )
    assert "Where judges differ most" in said
    assert re.search(r"points apart overall , most on .* openai/lenient .* openai/gpt-4o", said)
    assert "by judge; the first is this run's" in plain(page, "charts")


def test_three_judges_are_also_compared_by_their_ranks(judged: Any) -> None:
    home, posts = judged
    planted.read(home, posts, WORTH, spec=JudgeSpec(model="openai/second"), noise=0.5, seed=1)
    home.run()
    ids = sorted(post.post_id for post in posts)
    two = told(block_of(read_posts(home.store, ids, TWICE.id), {}))
    assert "kendall_w" not in {row["figure"] for row in two["rows"]}
    planted.read(home, posts[:20], WORTH[:20], spec=JudgeSpec(model="openai/third"), noise=0.5, shift=-2, seed=2)
    home.run()
    found = read_posts(home.store, ids, TWICE.id)
    rows = {row["whom"]: row for row in told(block_of(found, {}))["rows"]
            if (row["figure"], row["aspect"]) == ("kendall_w", "Overall")}  # fmt: skip
    expected = kendall_w(np.stack([found.means(judge, "overall") for judge in found.judges]))
    assert rows["3 judges"]["value"] == pytest.approx(expected) and rows["3 judges"]["n"] == 20
    assert rows["3 judges"]["low"] < expected < rows["3 judges"]["high"]
    said = plain(render(home.store, "run-1"))
    assert "Kendall’s W" in said and f"{expected:.2f} {rows['3 judges']['low']:.2f} to" in said


def test_two_judges_of_one_model_are_told_apart(judged: Any) -> None:
    home, posts = judged
    other = JudgeSpec(model="openai/gpt-4o", temperature=0.9)
    planted.read(home, posts, WORTH, spec=other, noise=0.7, seed=4)
    home.run()
    said = plain(render(home.store, "run-1"))
    assert f"openai/gpt-4o by mpwl {other.id[:6]} 30 posts" in said


def test_differences_below_the_noise_are_marked(judged: Any) -> None:
    """Scenes alternate over posts of random worth: their means differ by less than re-reading gives, or are not."""
    home, _ = judged
    home.run()
    page = render(home.store, "run-1")
    charts = plain(page, "charts")
    scores = {row["post_id"]: row["overall"] for row in home.store.query("SELECT * FROM post_scores")}
    floor = noise_floor(readings(home)).of_posts(2)
    best = sorted(scores.values(), reverse=True)[:5]
    assert f"less than the judge's noise ({floor:.2f})" in charts
    marked = charts[charts.index("The best 5") : charts.index("The worst 5")].count("within the judge's noise")
    assert marked == sum(best[0] - score <= floor for score in best[1:]) > 0


def test_a_choice_within_the_noise_says_so(judged: Any) -> None:
    post = {"candidates": 4, "choose": "judge", "chosen_by": "judge", "margin": 0.05}
    readings = Readings(
        ["a", "b", "c"], ["1", "2", "3"], [Judge("j", "judge", 2)],
        {"j": {"overall": np.array([[5.0, 6, 7], [6, 5, 8]])}},
    )  # fmt: skip
    floors = block_of(readings, {}).floors
    assert f"0.05 ahead, less than the judge's noise ({floors.posts():.2f})" in (why(post, "X", floors) or "")
    assert (why(post | {"margin": 9.0}, "X", floors) or "").endswith("9.00 ahead")
    assert (why(post, "X") or "").endswith("0.05 ahead")


def test_best_and_worst_never_share_a_post() -> None:
    posts = [{"post_id": str(n), "overall": float(n), "text": "x"} for n in range(7)] + [
        {"post_id": "failed", "overall": None, "text": None}
    ]
    best, worst = extremes(posts, {}, 1.0)
    assert [row.post["overall"] for row in best] == [6, 5, 4]
    assert [row.post["overall"] for row in worst] == [0, 1, 2]
    assert [row.level for row in best] == [False, True, False]
    assert extremes(posts[:1], {}, None) == ([], [])


def test_widest_disagreements_come_first_and_agreement_is_none() -> None:
    table = np.array([[5.0, 5, 9, 3], [5, 7, 4, np.nan]])
    readings = Readings(["a", "b", "c", "d"], ["1", "2", "3", "4"], [Judge("j", "judge")], {"j": {"overall": table}})
    assert most_different(readings) == [("c", 5.0, "readings"), ("b", 2.0, "readings")]
    assert most_different(Readings()) == []


def test_an_empty_run_has_a_block_too(empty_home: Callable[..., Any]) -> None:
    home = empty_home()
    home.item(0)
    home.run(state="check_failed")
    assert "Nothing has been judged yet" in plain(render(home.store, "run-1"))


def rate(home: Any, posts: list[Any], worth: Any, raters: dict[str, float], **more: Any) -> None:
    """Each rater gives each post its worth, less a shift, with noise of a point, on every aspect."""
    rng = np.random.default_rng(8)
    rows = []
    for at, (post, value) in enumerate(zip(posts, worth, strict=True)):
        for rater, shift in raters.items():
            for aspect in planted.ASPECTS:
                score = float(np.clip(np.round(value - shift + rng.normal(0, 0.8)), 1, 10))
                rows.append((f"{post.post_id}{rater}{aspect}{more}", post.post_id, rater, aspect, score, at))
    planted.store_ratings(home, rows, **more)


def test_people_are_beside_the_judge_blind_and_at_random_only(judged: Any) -> None:
    home, posts = judged
    drawn = sorted(range(30), key=lambda at: lot(posts[at].post_id))  # as the review page draws them
    parts = [([posts[at] for at in part], WORTH[part]) for part in (drawn[:20], drawn[20:25], drawn[25:])]
    rate(home, *parts[0], {"ann": 1.0, "bo": 1.0})
    rate(home, *parts[1], {"ann": -3.0}, slice="queue")
    rate(home, *parts[2], {"ann": -3.0}, saw_judge=True)
    home.run()
    page = render(home.store, "run-1")
    assert page == render(Store(home.store.path), "run-1")
    said = plain(page)
    assert "Overall 20 posts, 2 raters" in said
    assert (found := re.search(r"Overall 20 posts, 2 raters \+(\d\.\d\d)", said)) and 0.7 < float(found[1]) < 1.3
    assert "5 further rated posts came up because judges differ there" in said
    assert "a map to people's scale takes 30" in said and "<polyline" not in page


def test_with_enough_ratings_the_plot_has_the_map(judged: Any) -> None:
    home, posts = judged
    rate(home, posts, WORTH, {"ann": 1.0})
    home.run()
    page = render(home.store, "run-1")
    assert page.count('<polyline class="map"') == 5
    assert "what a score means to people (isotonic; mean error 1." in plain(page)


def test_another_text_of_the_rubric_is_another_question(judged: Any, tmp_path: Path) -> None:
    """A judge by an edited rubric is no second opinion on the same; who rated by it, or by an unknown text, is told."""
    home, posts = judged
    path = tmp_path / "mpwl.yaml"
    path.write_text(rubric_text("mpwl") + "# edited\n", encoding="utf-8")
    planted.read(home, posts, WORTH, spec=JudgeSpec(model="openai/after", rubric=str(path)), noise=0.5, seed=1)
    rate(home, posts[:12], WORTH[:12], {"ann": 1.0}, text=rubric_id(path.read_text("utf-8")))
    rate(home, posts[12:15], WORTH[12:15], {"ann": 1.0}, text=None)
    home.run()
    said = plain(render(home.store, "run-1"))
    assert "No other judge has read these posts on the same aspects." in said
    assert "openai/after, by another text 30 posts" in said and "Where its readings differ most" in said
    assert "15 posts were rated by another text of the rubric, or by one that is not known" in said
    rate(home, posts[20:], WORTH[20:], {"ann": 1.0})
    said = plain(render(home.store, "run-1"))
    assert "Overall 10 posts, 1 rater" in said
    assert "15 further rated posts went by another text of the rubric, or by one that is not known: left out." in said
