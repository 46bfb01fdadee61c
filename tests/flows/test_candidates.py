"""Several candidates per prompt on a real Prefect server: what is bought, judged, chosen, counted and said."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from flows.pipeline import Summary, pipeline
from flows.progress import listening
from flows.settings import Settings
from flows.show import show_summary
from tests.fake_provider import FakeProvider
from tests.flows.test_pipeline import campaign_of

pytestmark = [pytest.mark.slow]
N = 7
"""Prompts of the shared pictures: six with a picture, one a text alone."""


@pytest.fixture
def run(home: Settings, pictures: Path) -> Callable[..., Summary]:
    def start(limit: int | None = None, **sections: Any) -> Summary:
        return pipeline(campaign_of(pictures, **sections), limit=limit)

    return start


def bought(summary: Summary) -> tuple[int, int]:
    calls = {step.step: step.bought for step in summary.steps}
    return calls["generate_posts"], calls["judge_posts"]


def scripted(body: dict[str, Any]) -> str:
    """A writer whose candidate 1 repeats candidate 0 in other signs and whose candidate 2 is good, and a judge that
    knows a good one."""
    text = str(body["messages"][-1]["content"])
    schema = (body.get("response_format") or {}).get("json_schema", {}).get("schema")
    if schema:
        score = 8 if "lighthouse" in text.partition("<post>")[2].partition("</post>")[0] else 4
        return json.dumps({name: {"reasoning": "read", "score": score} for name in schema["properties"]})
    words = " ".join(sorted(set(re.findall(r"[a-z]{4,}", text)))[:12])
    return {0: f"Now: {words}.", 1: f"now {words}!", 2: f"Like a lighthouse at noon: {words[::-1]}."}[body["seed"]]


def test_the_planted_better_candidate_is_chosen_and_a_copy_is_not_judged(
    run: Callable[..., Summary], home: Settings
) -> None:
    with FakeProvider(reply=scripted) as server:
        chat = {"model": "openai/fake", "endpoint": server.url}
        sections = {"judge": chat | {"allow_own_model": True}, "budget": {"allow_unpriced": True}}
        generation = {**chat, "candidates": 3, "seed": 0, "choose": "judge", "temperatures": [0.1, 0.5, 0.9]}
        summary = run(generation=generation, **sections)
        assert bought(summary) == (3 * N, 2 * N) and summary.steps[3].duplicates == N
        again = run(generation=generation, **sections)
        assert bought(again) == (0, 0) and {step.rows for step in again.steps} == {0}
    best = home.store().query("SELECT * FROM best_posts")
    assert [(row["candidate"], row["chosen_by"], row["margin"], row["overall"]) for row in best] == [
        (2, "judge", 4, 8)
    ] * N
    assert {(row["temperature"], row["seed"], row["candidates"], row["distinct_candidates"]) for row in best} == {
        (0.9, 2, 3, 2)
    }
    posts = home.store().query("SELECT * FROM posts ORDER BY prompt_id, candidate")
    ids = {row["post_id"]: row for row in posts}
    for row in posts:
        original = ids.get(row["duplicate_of"])
        assert (row["candidate"] == 1) == (original is not None)
        assert original is None or (original["prompt_id"], original["candidate"]) == (row["prompt_id"], 0)
    for scores in (summary.scores, again.scores):
        assert (scores["posts"], scores["judged"], scores["overall"]["mean"]) == (N, N, 8)
        choice = scores["choice"]
        assert (choice["candidates"], choice["distinct"], choice["duplicates"], choice["failed"]) == (
            3 * N,
            2 * N,
            N,
            0,
        )
        assert choice["gain"]["mean"] == 2


def test_clip_chooses_what_is_judged_and_texts_alone_fall_back_to_the_first(
    run: Callable[..., Summary], home: Settings
) -> None:
    generation = {"candidates": 4, "choose": "clip"}
    summary = run(generation=generation)
    assert bought(summary) == (4 * N, N)
    rows = home.store().query("SELECT * FROM judged_posts ORDER BY prompt_id, candidate")
    assert sum(row["overall"] is not None for row in rows) == sum(row["chosen"] for row in rows) == N
    for row in rows:
        assert (row["clip_score"] is not None) == (row["image_path"] is not None)
        assert row["chosen"] == (row["overall"] is not None)
        mine = [other["clip_score"] for other in rows if other["prompt_id"] == row["prompt_id"] and row["chosen"]]
        assert not row["chosen"] or row["clip_score"] is None or row["clip_score"] == max(mine)
    by = home.store().query("SELECT chosen_by, count(*) AS n FROM best_posts GROUP BY ALL ORDER BY ALL")
    assert {row["chosen_by"]: row["n"] for row in by} == {"clip": 6, "first": 1}
    again = run(generation=generation)
    assert bought(again) == (0, 0) and [step.passes for step in again.steps] == [0] * 5
    assert summary.scores["choice"]["gain"]["mean"] > 0


def test_candidates_that_all_say_the_same_are_kept_judged_once_and_told(
    run: Callable[..., Summary], home: Settings
) -> None:
    console = Console(width=300, record=True, quiet=False)
    with listening(console, machine=False):
        summary = run(generation={"candidates": 3, "temperature": 0.0, "choose": "judge"})
    assert bought(summary) == (3 * N, N), "nothing is bought in their place"
    assert home.store().query("SELECT count(*) AS n FROM posts WHERE duplicate_of IS NOT NULL") == [{"n": 2 * N}]
    show_summary(summary, home, console)
    said = console.export_text()
    assert f"{N} distinct of {3 * N} candidates: {2 * N} say the same as an earlier one and are not judged" in said
    assert f"{N} posts, {N} judged" in said and f"{N} distinct of {3 * N} candidates ({2 * N} duplicates)" in said
    assert {row["chosen_by"] for row in home.store().query("SELECT chosen_by FROM best_posts")} == {"only"}
    html = Path(summary.report or "").read_text(encoding="utf-8")
    assert html.count("<article") == N and html.count("says the same as candidate 1") == 2 * N


def test_choosing_does_not_make_it_worse_than_the_first_candidate(run: Callable[..., Summary], home: Settings) -> None:
    run(generation={"candidates": 4, "choose": "judge"})
    pairs = home.store().query(
        """SELECT b.overall AS best, f.overall AS first, b.rules AS kept, f.rules AS broken FROM best_posts b
        JOIN judged_posts f ON f.prompt_id = b.prompt_id AND f.candidate = 0"""
    )
    assert len(pairs) == N and all(pair["best"] >= pair["first"] for pair in pairs if not pair["broken"])
    assert sum(pair["best"] for pair in pairs) > sum(pair["first"] for pair in pairs)
    everyone = home.store().query("SELECT text FROM posts")
    assert len({row["text"] for row in everyone}) == 4 * N, "the offline writer has another text for each seed"


def test_a_candidate_that_failed_is_asked_again_and_changes_no_row(run: Callable[..., Summary], home: Settings) -> None:
    with FakeProvider(faults=["500"], reply=lambda body: scripted(body)) as server:
        chat = {"model": "openai/fake", "endpoint": server.url}
        generation = {**chat, "candidates": 2, "seed": 0, "choose": "judge", "max_attempts": 1, "max_concurrency": 1}
        sections = {
            "generation": generation,
            "judge": chat | {"allow_own_model": True},
            "budget": {"allow_unpriced": True},
            "limit": 1,
        }
        first = run(**sections)
        assert first.steps[3].failed == {"server_error": 1} and bought(first) == (2, 1)
        assert first.scores["choice"]["failed"] == 1 and first.scores["without_text"] == 0
        second = run(**sections)
        assert bought(second) == (1, 0), "it says the same as the one that is judged"
    rows = home.store().query(
        "SELECT candidate, error, duplicate_of, post_id FROM posts ORDER BY candidate, created_at"
    )
    failed, copy, original = rows
    assert (failed["error"], copy["duplicate_of"], original["duplicate_of"]) == (
        "server_error",
        original["post_id"],
        None,
    )
    [best] = home.store().query("SELECT candidate, chosen_by, candidates, failed FROM best_posts")
    assert best == {"candidate": 1, "chosen_by": "only", "candidates": 2, "failed": 0}
