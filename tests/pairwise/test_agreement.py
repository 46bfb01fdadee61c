"""How far a judge of pairs is believed: planted readings, other judges, scores and people, and nothing at all."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.judgments import rubric_id, rubric_text
from components.pairwise import PairwiseSpec, figures
from components.pairwise.agreement import alike, told
from components.pairwise.rates import clustered_rate
from components.records import Comparison, Judgment, Post, Rating, content_id
from components.specs import JudgeSpec
from components.statistics import krippendorff_alpha
from components.warehouse.store import Store

NOW = datetime(2026, 11, 30, tzinfo=UTC)
MINE, OTHER, SCORES = PairwiseSpec(model="openai/a"), PairwiseSpec(model="openai/b"), JudgeSpec(model="openai/c")
N = 20
PAIRS = [tuple(sorted((content_id("one", n), content_id("two", n)))) for n in range(N)]
ENTRANTS = {post: (f"arm {at}", f"item {n}") for n, pair in enumerate(PAIRS) for at, post in enumerate(pair)}


def says(spec: PairwiseSpec, n: int, verdict: str, repeat: int = 0, other_order: str | None = None) -> list[Comparison]:
    a, b = PAIRS[n]
    return [
        Comparison(
            comparison_id=content_id(spec.id, n, repeat, order), post_a=a, post_b=b, spec_id=spec.id, shown_first=order,
            repeat=repeat, aspect="overall", verdict=said, reasoning="r", call_key=content_id(n, order), created_at=NOW,
        )
        for order, said in (("a", verdict), ("b", other_order or verdict))
    ]  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "w.duckdb")
    made.prepare()
    made.register(MINE, OTHER, SCORES)
    posts = [
        Post(post_id=post, prompt_id=content_id("of", post), spec_id="g", platform="x", text=post, created_at=NOW)
        for post in ENTRANTS
    ]
    made.append({"posts": posts})
    return made


def test_each_witness_is_counted_over_the_pairs_that_both_decided(store: Store) -> None:
    truth = ["a" if n % 3 else "b" for n in range(N)]
    mine = [row for n in range(N) for row in says(MINE, n, truth[n])]
    again = [row for n in range(N) for row in says(MINE, n, "tie" if n < 4 else truth[n], 1)]
    theirs = [row for n in range(10) for row in says(OTHER, n, "a")]
    scored, rated = [], []
    text = rubric_id(rubric_text("mpwl"))
    for n, (a, b) in enumerate(PAIRS):
        for post, score in ((a, 8.0 if truth[n] == "a" else 5.0), (b, 8.0 if truth[n] == "b" else 5.0)):
            key = content_id(post)
            scored.append(Judgment(judgment_id=key, post_id=post, spec_id=SCORES.id, aspect="x", score=score,
                                   created_at=NOW))  # fmt: skip
            for by, of in ((text, score if n < 12 else 13 - score), (rubric_id("another text"), 13 - score)):
                rated.append(
                    Rating(rating_id=content_id(post, by), post_id=post, rater="ann", rubric="mpwl", rubric_id=by,
                           aspect="x", score=of, slice="audit", created_at=NOW)
                )  # fmt: skip
    store.append({"comparisons": [*mine, *again, *theirs], "judgments": scored, "ratings": rated})
    found = {one.whom: one for one in alike(store, MINE.id, ENTRANTS)}
    assert list(found) == ["itself, 2 readings", "openai/b", "openai/c by scores", "people, 1 rater"]
    assert {name: (one.same.n, one.same.value) for name, one in found.items()} == {
        "itself, 2 readings": (20, 0.8), "openai/b": (10, sum(t == "a" for t in truth[:10]) / 10),
        "openai/c by scores": (20, 1.0), "people, 1 rater": (20, 0.6),
    }  # fmt: skip
    first = [1.0 if t == "a" else 0.0 for t in truth]
    second = [0.5 if n < 4 else one for n, one in enumerate(first)]
    expected = krippendorff_alpha([first, second], level="ordinal")
    assert found["itself, 2 readings"].alpha.value == pytest.approx(expected, abs=1e-12)
    low, high = found["people, 1 rater"].same.low, found["people, 1 rater"].same.high
    assert low is not None and high is not None and low < 0.6 < high


def test_a_judge_by_another_text_is_named_as_one_and_is_no_other_judge(store: Store, tmp_path: Path) -> None:
    edited = tmp_path / "edited.yaml"
    edited.write_text(rubric_text("mpwl") + "# edited\n", encoding="utf-8")
    pairs = PairwiseSpec(model="openai/b", rubric=str(edited))
    scores = JudgeSpec(model="openai/c", rubric=str(edited))
    store.register(pairs, scores)
    rows = [row for n in range(N) for spec in (MINE, pairs) for row in says(spec, n, "a" if n % 3 else "b")]
    scored = [
        Judgment(judgment_id=content_id(post), post_id=post, spec_id=scores.id, aspect="x", score=5 + at,
                 created_at=NOW)
        for pair in PAIRS for at, post in enumerate(pair)
    ]  # fmt: skip
    store.append({"comparisons": rows, "judgments": scored})
    assert [(one.whom, one.same_question) for one in alike(store, MINE.id, ENTRANTS)] == [
        ("openai/b, by another text", False), ("openai/c by scores, by another text", False),
    ]  # fmt: skip
    assert "No other judge has read these posts." in told(store, MINE.id, ENTRANTS, clustered_rate([]))["said"]
    store.append({"comparisons": [row for n in range(N) for row in says(OTHER, n, "a")]})
    assert "No other judge has read these posts." not in told(store, MINE.id, ENTRANTS, clustered_rate([]))["said"]


def test_where_nothing_is_known_it_is_said_and_the_order_is_still_counted(store: Store) -> None:
    rows = [row for n in range(N) for row in says(MINE, n, "a", other_order="b" if n < 5 else None)]
    store.append({"comparisons": rows})
    found = told(store, MINE.id, ENTRANTS, figures(rows, ENTRANTS, ["arm 0", "arm 1"]).flips)
    assert [(row["whom"], row["figure"], row["value"], row["n"]) for row in found["rows"]] == [
        ("itself, the other order", "same_verdict", 0.75, 20)
    ]
    assert found["rows"][0]["low"] < 0.75 < found["rows"][0]["high"]
    assert [line.split(":")[0] for line in found["said"]] == [
        "Each order was asked once", "No other judge has read these posts.",
        "Nobody has rated both posts of a pair drawn at random",
    ]  # fmt: skip
    assert alike(store, "nobody", ENTRANTS) == []
    assert told(store, "nobody", ENTRANTS, clustered_rate([]))["rows"] == []
