"""The page of an experiment: what it says, that it says it the same again, and that nothing in it can act."""

import re
from pathlib import Path
from typing import Any

import pytest

from components.experiments.read import find_experiment, read_experiment
from components.report.experiment import render_experiment
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
