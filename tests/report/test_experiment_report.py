"""The page of an experiment: what it says, that it says it the same again, and that nothing in it can act."""

import re
from pathlib import Path
from typing import Any

import pytest

from components.experiments.read import find_experiment, read_experiment
from components.judgments import rubric_id, rubric_text
from components.records import Judgment, Rating, content_id
from components.report.experiment import render_experiment
from components.report.experiment_agreement import believed
from components.specs import JudgeSpec
from flows.settings import Settings
from tests.experiments.homes import run, spec_of
from tests.experiments.planted import an_arm, an_item, both, findings
from tests.report.test_browser import CHROMIUM, browser
from tests.steps import ROWS

HOSTILE = "<script>alert(1)</script> answer 10 <img src=x onerror=alert(2)>"
CLAIMS = [
    {"better": "full", "than": ["plain"], "by": "the paper", "reported": "overall 8.05 for the full method"},
    {"better": "plain", "than": ["human"], "aspect": "emotional_engagement"},
]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("POSTWRIGHT_HOME", str(tmp_path / "home"))
    return Settings.from_environment().prepare()


def words(html: str) -> str:
    """What is read on the page."""
    body = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_the_page_says_what_was_found_and_the_same_again(settings: Settings, tmp_path: Path) -> None:
    rows = [*ROWS, (HOSTILE, "2026-03-07T09:00:00Z")]
    run(settings, spec_of(tmp_path, rows, claims=CLAIMS))
    store = settings.store()
    found = read_experiment(store, find_experiment(store, "texts"))
    html = render_experiment(store, found)
    assert html == render_experiment(store, read_experiment(store, found.experiment_id))
    said = words(html)
    for line in (
        "4 arms wrote about the same 7 items", "every arm is done", "What differs from full", "without topic",
        "offline stand-ins written and judged", "The judge was not shown the text that came with a picture",
        "Best and worst, side by side", "full above plain", "7 items only", "human/source", "answer 10",
    ):  # fmt: skip
        assert line in said, line
    assert "<script" not in html and "<img src=x" not in html and "&lt;img src=x" in html
    assert "default-src &#39;none&#39;" in html and not re.search(r"(?:src|href)=\"https?:", html)


def test_how_far_the_judge_is_believed_stands_on_the_page_and_in_rows(settings: Settings, tmp_path: Path) -> None:
    """Read twice, by another judge too, and rated by people: planted around what the judge says; before that, nothing
    is known, in one line."""
    made = run(settings, spec_of(tmp_path))
    store = settings.store()
    (line,) = believed(store, read_experiment(store, made)).scores["said"]
    assert line.startswith("One reading each") and "no other judge and no person has rated these posts" in line
    found = read_experiment(store, made)
    first, text = found.arms[0].spec_ids["judge"], rubric_id(rubric_text("mpwl"))
    other = JudgeSpec(model="openai/other")
    store.register(other)
    read = store.query("SELECT * FROM judgments WHERE spec_id = $id ORDER BY judgment_id", {"id": first})
    more, rated = [], []
    for n, row in enumerate(read):
        score = min(10.0, row["score"] + n % 2)
        told = row | {"score": score, "reasoning": "Seen again."}
        more.append(Judgment(**told | {"judgment_id": content_id(n, "again"), "repeat": 1}))
        more.append(Judgment(**told | {"judgment_id": content_id(n, "other"), "spec_id": other.id}))
        rated.append(Rating(rating_id=content_id(n), post_id=row["post_id"], rater="ann", rubric="mpwl",
                            rubric_id=text, aspect=row["aspect"], score=score, slice="audit",
                            created_at=row["created_at"]))  # fmt: skip
    store.append({"judgments": more, "ratings": rated})
    found = read_experiment(store, made)
    judge = believed(store, found)
    rows = {(row["whom"], row["figure"]): row for row in judge.scores["rows"] if row["aspect"] == "Overall"}
    posts = sum(len(one.post_ids) for arm in found.arms for one in arm.items)
    assert posts == 4 * len(ROWS) and {row["n"] for row in rows.values() if row["value"] is not None} == {posts}
    assert rows["itself, 2 readings", "sd"]["value"] > 0 and rows["2 judges", "icc_2_k"]["low"] is not None
    assert rows["people, 1 rater", "bias"]["value"] < 0 < rows["openai/other", "difference"]["value"]
    assert judge.scores["said"] == [judge.block.words] and judge.pairs is None
    html = render_experiment(store, found)
    assert html == render_experiment(store, found, judge), "found out anew, the same"
    said = words(html)
    for line in ("How far to believe the judge", "With itself", "With other judges", "judge and people", "Where judges",
                 "a post of", "lies in the grey band of the forest plots", "Best and worst, side by side"):  # fmt: skip
        assert line in said, line


def test_what_others_reported_is_marked_and_never_among_our_figures(settings: Settings, tmp_path: Path) -> None:
    run(settings, spec_of(tmp_path, claims=CLAIMS))
    store = settings.store()
    html = render_experiment(store, read_experiment(store, find_experiment(store, "texts")))
    shown = re.sub(r"<pre.*?</pre>", "", html, flags=re.DOTALL)
    assert shown.count("8.05") == 1 and "A figure of the paper, not of these pictures" in words(html)
    table = html.partition('aria-label="Claims"')[2].partition("</table>")[0]
    assert "8.05" not in table and "the paper" in table


def test_a_page_of_arms_that_are_not_done_says_so(settings: Settings, tmp_path: Path) -> None:
    run(settings, spec_of(tmp_path), "full", "plain")
    store = settings.store()
    found = read_experiment(store, find_experiment(store, "texts"))
    assert {arm.name: arm.state for arm in found.arms} == {
        "full": "done", "minus-topic": "not run", "plain": "done", "human": "not run",
    }  # fmt: skip
    said = words(render_experiment(store, found))
    assert "partial" in said and "12 of 24 posts are not there yet or not judged" in said
    assert "nothing to compare yet: minus-topic, human" in said


def test_scores_come_from_the_rows_of_the_very_arm(settings: Settings, tmp_path: Path) -> None:
    """Against a count of their own in SQL."""
    made = run(settings, spec_of(tmp_path))
    store = settings.store()
    found = read_experiment(store, made)
    for arm in found.arms:
        ids = {"g": arm.spec_ids["generation"], "p": arm.spec_ids["prompt"], "j": arm.spec_ids["judge"]}
        rows = store.query(
            """SELECT p.item_id, avg(j.score) AS overall FROM judgments j JOIN posts po USING (post_id)
            JOIN prompts p USING (prompt_id) WHERE po.spec_id = $g AND p.spec_id = $p AND j.spec_id = $j
            GROUP BY p.item_id""",
            ids,
        )
        assert {row["item_id"]: pytest.approx(row["overall"], abs=1e-5) for row in rows} == arm.values("overall")
        assert len(rows) == len(ROWS)


def test_a_page_with_failures_and_without_any_score_can_be_made(settings: Settings) -> None:
    store = settings.store()
    failed = [an_item(n, None, ("writing: refusal", "judging: unparsable")[n % 2]) for n in range(4)]
    one = [an_item(0, both(5)), *failed[1:]]
    for arms in ((an_arm("base", failed), an_arm("other", failed)), (an_arm("base", one), an_arm("other", one))):
        said = words(render_experiment(store, findings(*arms)))
        assert "writing: refusal" in said and "judging: unparsable" in said
    assert "No item is scored in two arms yet" in words(
        render_experiment(store, findings(*[an_arm(n, failed) for n in "ab"]))
    )


@pytest.fixture
def page(settings: Settings, tmp_path: Path) -> Path:
    long = {"a-very-long-name-of-an-arm-that-somebody-chose-without-thinking": {"prompt": {"platform": "linkedin"}}}
    arms: dict[str, Any] = {"full": {}, "plain": {"prompt": {"template": "plain"}}, **long}
    run(settings, spec_of(tmp_path, arms=arms, claims=CLAIMS[:1]))
    store, page = settings.store(), tmp_path / "page.html"
    page.write_text(render_experiment(store, read_experiment(store, find_experiment(store, "texts"))), "utf-8")
    return page


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium")
async def test_the_page_fits_a_phone_and_reports_nothing(page: Path, tmp_path: Path) -> None:
    async with browser(tmp_path / "profile") as tab:
        for width in (390, 1280):
            await tab.open(page, width)
            await tab.js("document.querySelectorAll('details').forEach(d => { d.open = true; })")
            assert await tab.js("document.documentElement.scrollWidth") <= width
            assert await tab.js("document.querySelectorAll('.forest .whisk b').length") > 5
        assert tab.complaints == []
