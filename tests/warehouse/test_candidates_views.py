"""The views that compare candidates: who stands for a prompt, why, by how much; and warehouses from before them."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.records import Item, Judgment, Post, Prompt, content_id
from components.specs import GenerationSpec, Selection
from components.warehouse import schema
from components.warehouse.questions import STANDING
from components.warehouse.store import Store

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ALL = Selection(dataset="d")
SPECS = {how: GenerationSpec(candidates=4, choose=how) for how in ("all", "judge", "clip")}
LONG = ["length 312 > 280"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "warehouse.duckdb")
    made.prepare()
    made.register(*SPECS.values())
    item = Item(item_id="i", dataset="d", spec_id="D", source_uri="u", ingested_at=NOW)
    prompt = Prompt(
        prompt_id="p", item_id="i", spec_id="P", feature_spec_id="F", platform="x", template="t", system="", user=""
    )
    made.append({"items": [item], "prompts": [prompt]})
    yield made


def post(how: str, candidate: int, **more: Any) -> Post:
    made = Post(
        post_id=f"{how}{candidate}{more.get('error', '')}", prompt_id="p", spec_id=SPECS[how].id, candidate=candidate,
        platform="x", text=f"text {candidate}", created_at=NOW,
    )  # fmt: skip
    return replace(made, **({"text": None} if more.get("error") else {}), **more)


def readings(post_id: str, scores: list[float | None], judge: str = "J") -> list[Judgment]:
    """One aspect per reading."""
    return [
        Judgment(
            judgment_id=content_id(post_id, judge, n), post_id=post_id, spec_id=judge, repeat=n, aspect="a",
            score=score, error=None if score else "unparsable", created_at=NOW,
        )
        for n, score in enumerate(scores)
    ]  # fmt: skip


def fill(store: Store, posts: list[Post], *judgments: list[Judgment]) -> dict[str, Any]:
    store.append({"posts": posts, "judgments": [row for rows in judgments for row in rows]})
    [best] = store.query("SELECT * FROM best_posts")
    return best


def unjudged(store: Store, how: str) -> list[str]:
    rows = store.posts_without_judgments(ALL, "P", "F", SPECS[how].id, "J", 1, [])
    assert {row.post_id for row in rows} <= {r.post_id for r in store.posts_to_judge(ALL, "P", "F", SPECS[how].id)}
    return [row.post_id for row in rows]


def said(best: dict[str, Any]) -> tuple[Any, ...]:
    return best["candidate"], best["chosen_by"], best["margin"]


def test_the_judge_chooses_the_best_and_of_equals_the_earliest(store: Store) -> None:
    posts = [post("judge", n) for n in range(4)]
    scores = [readings(f"judge{n}", [score]) for n, score in enumerate((5.0, 8.0, 8.0, 6.0))]
    best = fill(store, posts, *scores)
    assert said(best) == (1, "judge", 0.0)
    assert (best["overall"], best["candidates"], best["distinct_candidates"], best["failed"], best["judged"]) == (
        8,
        4,
        4,
        0,
        4,
    )
    chosen = store.query("SELECT post_id FROM judged_posts WHERE chosen")
    assert chosen == [{"post_id": "judge1"}]


def test_a_duplicate_is_neither_judged_nor_counted_nor_chosen(store: Store) -> None:
    posts = [post("judge", 0), post("judge", 1, duplicate_of="judge0"), post("judge", 2, error="refusal")]
    store.append({"posts": posts})
    assert unjudged(store, "judge") == ["judge0"]
    best = fill(store, [], readings("judge0", [4.0]), readings("judge1", [9.0]))
    assert said(best) == (0, "only", None)
    assert (best["candidates"], best["distinct_candidates"], best["failed"]) == (3, 1, 1)
    assert len(store.posts_written(ALL, "P", "F", SPECS["judge"].id)) == 2


def test_one_whose_original_is_in_quarantine_stands_for_itself(store: Store) -> None:
    store.append({"posts": [post("judge", 1, duplicate_of="judge0")]})
    assert unjudged(store, "judge") == ["judge1"]


def test_failed_readings_do_not_win_by_what_they_lack(store: Store) -> None:
    posts = [post("judge", n) for n in range(3)]
    best = fill(
        store, posts, readings("judge0", [None, None]), readings("judge1", [9.0, None]), readings("judge2", [5.0, 5.0])
    )
    assert said(best) == (2, "judge", None), "the other's mean lacks the reading that failed"


def test_a_candidate_whose_judging_failed_is_chosen_only_where_none_was_judged(store: Store) -> None:
    posts = [post("judge", n) for n in range(2)]
    store.append({"posts": posts, "judgments": readings("judge0", [None])})
    [best] = store.query("SELECT * FROM best_posts")
    assert said(best) == (0, "first", None) and best["overall"] is None and best["judged"] == 0
    best = fill(store, [], readings("judge1", [2.0]))
    assert said(best) == (1, "judge", None) and best["judged"] == 1


def test_a_candidate_within_the_rules_beats_one_that_breaks_them(store: Store) -> None:
    best = fill(
        store,
        [post("judge", 0, rules=LONG), post("judge", 1), post("judge", 2, rules=LONG)],
        *(readings(f"judge{n}", [score]) for n, score in enumerate((9.0, 3.0, 8.0))),
    )
    assert said(best) == (1, "rules", None)


def test_where_all_break_the_rules_the_best_of_them_is_chosen(store: Store) -> None:
    posts = [post("judge", n, rules=LONG) for n in range(2)]
    assert said(fill(store, posts, readings("judge0", [3.0]), readings("judge1", [3.5]))) == (1, "judge", 0.5)


def test_clip_chooses_the_nearest_within_the_rules_and_only_that_is_judged(store: Store) -> None:
    scores = [(0.2, []), (0.31, []), (0.3100004, []), (0.9, LONG)]
    posts = [post("clip", n, clip_score=score, rules=rules) for n, (score, rules) in enumerate(scores)]
    store.append({"posts": posts})
    assert unjudged(store, "clip") == ["clip1"], "the sixth digit is the machine's"
    best = fill(store, [], readings("clip1", [4.0]))
    assert said(best) == (1, "clip", 0.0) and best["overall"] == 4.0
    assert unjudged(store, "clip") == []


def test_without_scores_clip_falls_back_to_the_first_within_the_rules(store: Store) -> None:
    posts = [post("clip", 0, rules=LONG), post("clip", 1), post("clip", 2)]
    assert said(fill(store, posts)) == (1, "first", None)
    assert unjudged(store, "clip") == ["clip1"]


def test_of_choose_all_every_distinct_candidate_stands(store: Store) -> None:
    posts = [post("all", 0), post("all", 1, duplicate_of="all0"), post("all", 2), post("all", 3, error="timeout")]
    best = fill(store, posts, readings("all2", [6.0]), readings("all0", [5.0]))
    assert said(best) == (2, "judge", 1.0), "the best is known all the same"
    chosen = store.query("SELECT candidate FROM judged_posts WHERE chosen ORDER BY candidate")
    assert [row["candidate"] for row in chosen] == [0, 2, 3]
    assert unjudged(store, "all") == []


def test_a_prompt_without_a_text_is_there_with_its_failure(store: Store) -> None:
    best = fill(store, [post("judge", n, error="refusal") for n in range(2)])
    assert (best["candidate"], best["chosen_by"], best["error"], best["failed"]) == (0, None, "refusal", 2)


def test_the_views_are_right_with_all_of_duckdbs_optimizers_on(store: Store) -> None:
    """As a user's own DuckDB reads them; merged parts lost this row's id and the row."""
    fill(store, [post("judge", n, error="refusal") for n in range(2)])
    with store.connect() as db:
        db.execute("SET disabled_optimizers = ''")
        assert db.execute("SELECT post_id, failed FROM best_posts").fetchall() == [("judge0refusal", 2)]
        assert db.execute("SELECT post_id FROM standings WHERE stands").fetchall() == [("judge0refusal",)]
        chosen = "SELECT j.post_id, p.item_id FROM judged_posts j JOIN prompts p USING (prompt_id) WHERE j.chosen"
        assert db.execute(chosen).fetchall() == [("judge0refusal", "i")]


def test_a_success_after_a_failure_is_one_candidate(store: Store) -> None:
    best = fill(store, [post("judge", 0, error="timeout"), post("judge", 0), post("judge", 1)])
    assert (best["candidates"], best["distinct_candidates"], best["failed"]) == (2, 2, 0)


def test_each_judge_has_its_own_choice_and_one_that_read_nothing_none(store: Store) -> None:
    posts = [post("judge", n) for n in range(2)]
    store.append({"posts": posts})
    for judge, scores in (("J", (5.0, 6.0)), ("K", (7.0, 2.0))):
        store.append({"judgments": [row for n in range(2) for row in readings(f"judge{n}", [scores[n]], judge)]})
    best = store.query("SELECT judge_spec_id, candidate FROM best_posts ORDER BY judge_spec_id")
    assert [(row["judge_spec_id"], row["candidate"]) for row in best] == [("J", 1), ("K", 0)]
    for judge, expected in (("J", [("judge1", "judge")]), ("K", [("judge0", "judge")]), ("L", [("judge0", "first")])):
        rows = store.query(f"SELECT post_id, chosen_by FROM ({STANDING}) WHERE stands", {"judge_posts": judge})
        assert [(row["post_id"], row["chosen_by"]) for row in rows] == expected


def test_a_warehouse_from_before_candidates_keeps_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made by the first two migrations; `posts` has no temperature, no seed, no duplicate_of and no clip_score."""
    before = tmp_path / "before"
    before.mkdir()
    for file in sorted(schema.MIGRATIONS.glob("000[12]_*.sql")):
        shutil.copy(file, before)
    (before / "views.sql").write_text("SELECT 1;")
    old = Store(tmp_path / "warehouse.duckdb")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", before)
        old.prepare()
    row = post("all", 0).row()
    names = [name for name in row if name not in ("temperature", "seed", "duplicate_of", "clip_score")]
    marks = ", ".join("?" for _ in names)
    with old.connect() as db:
        db.execute(f"INSERT INTO posts ({', '.join(names)}) VALUES ({marks})", [row[name] for name in names])
    assert len(old.query("DESCRIBE posts")) == len(names)
    old.prepare()
    [kept] = old.by_ids(Post, "posts", "post_id", ["all0"]).values()
    assert kept == post("all", 0, rules=[])
    assert old.append({"posts": [post("all", 0), post("all", 1, temperature=0.7, seed=2**40, clip_score=0.3)]}) == {
        "posts": 1
    }
    assert [r["seed"] for r in old.query("SELECT seed FROM candidates ORDER BY candidate")] == [None, 2**40]
    versions = [int(file.name[:4]) for file in sorted(schema.MIGRATIONS.glob("[0-9]*.sql"))]
    assert [r["version"] for r in old.query("SELECT version FROM migrations ORDER BY version")] == versions
