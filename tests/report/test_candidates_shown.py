"""Of several candidates the report shows the chosen one, the others folded below it, and counts each once."""

import html as escaping
import re
from collections.abc import Callable
from typing import Any

import pytest

from components.report import render
from components.specs import GenerationSpec

TEXTS = ("A red bus waits.", "A blue boat leaves.", "A blue boat leaves!", "Far too long, all of it.", None)


@pytest.fixture
def shown(empty_home: Callable[..., Any], pictures: list[Any]) -> Callable[..., str]:
    """A prompt with five candidates: worse, better, the better one again, one over the limit, a failure; and a prompt
    with one."""

    def make(choose: str) -> str:
        home = empty_home()
        home.specs = (*home.specs[:2], GenerationSpec(candidates=5, choose=choose), home.specs[3])
        item = home.item(0, picture=pictures[0][0])
        features = home.features(item, "beach", "travel", "positive", ("a beach",))
        written = []
        for n, text in enumerate(TEXTS):
            more: dict[str, Any] = {
                "candidate": n,
                "temperature": 0.1 * n,
                "seed": 70 + n,
                "rules": ["length 312 > 280"] if n == 3 else [],
            }
            more |= {"clip_score": 0.3 - 0.01 * n} if text else {"error": "refusal"}
            more |= {"duplicate_of": written[1].post_id} if n == 2 else {}
            written.append(home.post(item, features, text, **more))
        home.batches["prompts"] = home.batches["prompts"][:1]
        if choose != "clip":
            home.judge(written[1], (7.0, 8.0, 6.0, 7.0))
            home.judge(written[3], (9.0, 9.0, 9.0, 9.0))
        home.judge(written[0], (7.5, 5.0, 6.0, 5.5))
        home.run()
        return render(home.store, "run-1")

    return make


def plain(page: str) -> str:
    body = re.sub(r"<[^>]+>", " ", page[page.index("<main>") :])
    return " ".join(escaping.unescape(body).split())


def test_the_judges_choice_stands_and_the_others_say_how_they_differ(shown: Callable[..., str]) -> None:
    page = shown("judge")
    said = plain(page)
    assert page.count("<article") == 1 and "1 of 1 posts" not in said
    assert "4 other candidates best judged of 5 candidates, 1.00 ahead" in said
    assert "This is candidate 2 temperature 0.1, seed 71, CLIP 0.2900" in said
    assert "Candidate 1 6.00 temperature 0, seed 70, CLIP 0.3000 A red bus waits." in said
    assert (
        "beside the chosen one: relevance and clarity +0.5, creativity and originality −3.0, emotional engagement −1.5"
        in said
    )
    assert "Candidate 3 temperature 0.2, seed 72, CLIP 0.2800 says the same as candidate 2" in said
    assert "Candidate 4 9.00 temperature 0.3, seed 73, CLIP 0.2700 breaks a rule: length 312 > 280" in said
    assert "Candidate 5 temperature 0.4, seed 74 not written: refusal" in said
    assert "of 5 candidates, 3 distinct" in said and "3 distinct of 5 candidates (1 duplicate, 1 failed)" in said
    assert "Scores that chose flatter what they chose" in said
    assert "1 post written from 1 picture, all of them judged: on average 7.0 of 10." in said
    assert "Failures 1 refusal 1" in said, "what failed behind a chosen post is counted too"


def test_where_clip_chooses_the_others_are_not_judged(shown: Callable[..., str]) -> None:
    said = plain(shown("clip"))
    assert "nearest its picture of 5 candidates, 0.0100 ahead in cosine" in said
    assert "Candidate 2 temperature 0.1, seed 71, CLIP 0.2900 not judged A blue boat leaves." in said
    assert "on average 6.0 of 10" in said and "Scores that chose flatter" not in said


def test_where_all_are_kept_only_a_duplicate_is_folded(shown: Callable[..., str]) -> None:
    page = shown("all")
    said = plain(page)
    assert page.count("<article") == 4
    assert "1 other candidate one of 5 candidates, all kept" in said and "says the same as candidate 2" in said
    assert "on average 7.3 of 10" in said, "over the three that are distinct and judged"


def test_one_candidate_has_nothing_folded(home: Any) -> None:
    page = render(home.store, "run-1")
    assert "other candidate" not in page and "distinct" not in plain(page)
