"""What is asked range by range of prompts is what is asked of all at once."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from components.judgments import Beside
from components.judgments.origins import Written, begins, first_place
from components.records import Item, Judgment, Post, Prompt, content_id
from components.report.posts import posts_of
from components.specs import GenerationSpec, Selection
from components.specs.selection import Slice
from components.warehouse import questions
from components.warehouse.questions import PROMPTED, STANDING, STANDING_IN_PART, parts_of
from components.warehouse.store import Store

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ALL = Selection(dataset="d")
WRITER = GenerationSpec(candidates=3, choose="judge")
RUN = {
    "dataset": "d", "window_from": None, "window_to": None, "window_on": None, "item_limit": None, "item_sample": None,
    "item_seed": 0,
    "spec_ids": json.dumps(
        {"extract_features": "F", "build_prompts": "P", "generate_posts": WRITER.id, "judge_posts": "J"}
    ),
}  # fmt: skip

OF_ITEMS = (
    "SELECT post_id FROM posts JOIN prompts USING (prompt_id) WHERE item_id IN (SELECT unnest($items::VARCHAR[]))"
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Forty prompts with up to three candidates, some of them failed, read by one judge, both or neither."""
    made, dice = Store(tmp_path / "warehouse.duckdb"), random.Random(3)
    made.prepare()
    made.register(WRITER)
    rows: dict[str, list[Any]] = {"items": [], "prompts": [], "posts": [], "judgments": []}
    for n in range(40):
        item_id, prompt_id = content_id("item", n), content_id("prompt", n)
        rows["items"].append(
            Item(
                item_id=item_id, dataset="d", spec_id="D", source_uri=f"u{n}", ingested_at=NOW,
                published_at=NOW - timedelta(hours=n * 7 % 40),
            )
        )  # fmt: skip
        rows["prompts"].append(
            Prompt(
                prompt_id=prompt_id, item_id=item_id, spec_id="P", feature_spec_id="F", platform="x", template="t",
                system="", user="",
            )
        )  # fmt: skip
        for candidate in range(dice.randint(0, 3)):
            post = Post(
                post_id=content_id(prompt_id, candidate), prompt_id=prompt_id, spec_id=WRITER.id, candidate=candidate,
                platform="x", text=f"text {n} {candidate}", created_at=NOW, error=dice.choice([None, None, "timeout"]),
            )  # fmt: skip
            rows["posts"].append(post)
            for judge in dice.choice(["", "J", "K", "JK"]):
                for aspect in "ab":
                    score = dice.choice([None, 4.0, 5.0, 6.0, 7.0])
                    rows["judgments"].append(
                        Judgment(
                            judgment_id=content_id(post.post_id, judge, aspect), post_id=post.post_id, spec_id=judge,
                            aspect=aspect, score=score, error=None if score else "unparsable", created_at=NOW,
                        )
                    )  # fmt: skip
    made.append(rows)
    return made


def asked(store: Store) -> dict[str, Any]:
    ids = {"prompt_spec_id": "P", "feature_spec_id": "F", "retryable": ["timeout", "unparsable"]}
    unread = {"generation_spec_id": WRITER.id, "spec_id": "J", "repeats": 1}
    with store.connect() as db:
        posts = posts_of(db, RUN).table
    left = store.left("posts_without_judgments", ALL, **ids, **unread)
    return {
        "left": left.to_dict("records"),
        "unwritten": store.left("prompts_without_posts", ALL, **ids, spec_id=WRITER.id, candidates=3)[
            "item_id"
        ].tolist(),
        "unread": store.posts_without_judgments(ALL, "P", "F", WRITER.id, "J", 1, ["timeout", "unparsable"]),
        "posts": posts.astype(object).where(posts.notna(), None).to_dict("records"),
    }


@pytest.mark.parametrize("at_once", [1, 7, 39])
def test_parts_make_up_the_whole(store: Store, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    whole = asked(store)
    assert len(whole["posts"]) > 40 and len(whole["unread"]) > 10 and len(whole["left"]) > 10
    assert len({row["post_id"] for row in whole["posts"]}) == len(whole["posts"])
    in_parts_of(monkeypatch, at_once)
    assert asked(store) == whole


@pytest.mark.parametrize("wanted", [0, 1, 4, 60])
@pytest.mark.parametrize("at_once", [7, 40])
def test_those_that_stand_beside_posts_are_read_from_the_first_that_is_asked_about(
    store: Store, monkeypatch: pytest.MonkeyPatch, wanted: int, at_once: int
) -> None:
    in_parts_of(monkeypatch, at_once)
    written = Written("P", "F", WRITER.id)
    whole, place = Beside(wanted, begins(store, ALL, written)), {}
    for post in store.posts_written(ALL, "P", "F", WRITER.id):
        place[post.prompt_id] = first_place(store, ALL, [post.prompt_id])
    assert len(place) == len(whole.now) > 15
    for prompt_id, start in place.items():
        some = Beside(wanted, begins(store, ALL, written, start, whole.now.head))
        later = [key for key, at in place.items() if at >= start]
        assert some.of(later) == whole.of(later)
        assert len(some.now) == min(len(whole.now), len(later) + min(whole.now.head, len(place) - len(later)))
        assert first_place(store, ALL, later) == start == place[prompt_id]


def in_parts_of(monkeypatch: pytest.MonkeyPatch, prompts: int) -> None:
    monkeypatch.setattr(questions, "FEW_PROMPTS", 0)
    monkeypatch.setattr(questions, "PROMPTS_AT_ONCE", prompts)


@pytest.mark.parametrize("few", [0, 9, 10])
def test_a_slice_is_a_part_of_the_whole(store: Store, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    """Where its prompts are few they are named, and nothing else is looked at."""
    items = store.items(ALL)[10:20]
    some = Slice(dataset="d", items=tuple(item.item_id for item in items), positions=tuple(range(11, 21)))

    def unread(of: Selection) -> list[str]:
        posts = store.posts_without_judgments(of, "P", "F", WRITER.id, "J", 1, ["timeout", "unparsable"])
        return [post.post_id for post in posts]

    of_slice = {row["post_id"] for row in store.query(OF_ITEMS, {"items": list(some.items)})}
    whole = [post_id for post_id in unread(ALL) if post_id in of_slice]
    assert whole
    monkeypatch.setattr(questions, "FEW_PROMPTS", few)
    monkeypatch.setattr(questions, "PROMPTS_AT_ONCE", 7)
    assert unread(some) == whole
    with store.selecting(some) as db:
        assert len(parts_of(db, PROMPTED, {"prompt_spec_id": "P", "feature_spec_id": "F"})) == (1 if few == 10 else 6)


def test_a_slice_without_prompts_has_nothing_to_do(store: Store) -> None:
    some = Slice(dataset="d", items=("nobody",), positions=(1,))
    assert store.posts_without_judgments(some, "P", "F", WRITER.id, "J", 1, []) == []


@pytest.mark.parametrize("at_once", [1, 7, 39, 40])
def test_every_prompt_is_in_one_range(store: Store, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    in_parts_of(monkeypatch, at_once)
    with store.connect() as db:
        parts = parts_of(db, "prompts", {})
    assert len(parts) == -(-40 // at_once)
    of_judge = {"judge_posts": "J"}
    whole = store.query(STANDING, of_judge)
    found = [row for part in parts for row in store.query(STANDING_IN_PART, {**of_judge, **part})]
    assert sorted(found, key=lambda row: row["post_id"]) == sorted(whole, key=lambda row: row["post_id"])


def test_ids_that_are_no_hashes_are_in_the_first_or_last_range(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    in_parts_of(monkeypatch, 10)
    with store.connect() as db:
        parts = parts_of(db, "prompts", {})
    for odd in ("", " ", "0", "zz", "\u00e9", "\U0010ffff"):
        assert sum(p["low"] <= odd and (p["high"] is None or odd < p["high"]) for p in parts) == 1
