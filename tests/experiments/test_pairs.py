"""Who competes in an experiment's pairs: the same posts when they are asked about and when the tables are made."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.errors import UserError
from components.experiments.read import read_experiment
from components.records import Arm as ArmRow
from components.records import Comparison, Item, Judgment, Post, Prompt
from components.specs import GenerationSpec, Selection
from components.warehouse.store import Store
from flows.contests import Arm, between_arms, contest_of
from flows.settings import Settings

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ALL = Selection(dataset="d")
SPECS = {how: GenerationSpec(candidates=3, choose=how) for how in ("all", "judge")}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Settings(tmp_path).prepare().store()
    made.register(*SPECS.values())
    return made


def arm_of(name: str, prompt: str, how: str = "all", judge: str = "J") -> Arm:
    return Arm(name=name, feature_spec_id="F", prompt_spec_id=prompt, generation_spec_id=SPECS[how].id,
               judge_spec_id=judge)  # fmt: skip


def fill(store: Store, arms: list[Arm], scores: list[float | None]) -> None:
    """An item on which each arm has a post per score; without a score the judge failed. The experiment `e` has them."""
    posts: dict[str, Post] = {}
    prompts: dict[str, Prompt] = {}
    judgments = []
    for arm in arms:
        key = f"{arm.prompt_spec_id}-{arm.generation_spec_id}"
        prompts[arm.prompt_spec_id] = Prompt(
            prompt_id=arm.prompt_spec_id, item_id="i", spec_id=arm.prompt_spec_id, feature_spec_id="F", platform="x",
            template="t", system="", user="",
        )  # fmt: skip
        for n, score in enumerate(scores):
            posts[f"{key}-{n}"] = Post(
                post_id=f"{key}-{n}", prompt_id=arm.prompt_spec_id, spec_id=arm.generation_spec_id, candidate=n,
                platform="x", text=f"{key} says {n}", created_at=NOW,
            )  # fmt: skip
            judgments.append(
                Judgment(judgment_id=f"{key}-{n}-{arm.judge_spec_id}", post_id=f"{key}-{n}", aspect="a",
                         spec_id=arm.judge_spec_id, score=score, error=None if score else "unparsable", created_at=NOW)
            )  # fmt: skip
    rows = [
        ArmRow(arm_id=arm.name, spec_id="e", experiment="e", arm=arm.name, place=place, baseline=arms[0].name,
               dataset="d", overrides="{}", feature_spec_id="F", prompt_spec_id=arm.prompt_spec_id,
               generation_spec_id=arm.generation_spec_id, judge_spec_ids=[arm.judge_spec_id], items=["i"],
               purse="purse", created_at=NOW)
        for place, arm in enumerate(arms)
    ]  # fmt: skip
    item = Item(item_id="i", dataset="d", spec_id="D", source_uri="u", ingested_at=NOW)
    store.append({
        "items": [item], "prompts": [*prompts.values()], "posts": [*posts.values()], "judgments": judgments,
        "arms": rows,
    })  # fmt: skip


def compare_all(store: Store, entrants: list[str]) -> None:
    """The judge of pairs `W` prefers the smaller id of these two posts, in both orders."""
    one, other = sorted(entrants)
    store.append({
        "comparisons": [
            Comparison(comparison_id=f"{one}{other}{order}", post_a=one, post_b=other, spec_id="W", shown_first=order,
                       aspect="overall", verdict="a", call_key=order, created_at=NOW)
            for order in "ab"
        ]
    })  # fmt: skip


def compared_by_w(store: Store) -> None:
    with store.connect() as db:
        params = '{"claims": [], "notes": [], "compared_by": "W"}'
        db.execute("INSERT INTO specs VALUES ('e', 'run_experiment', ?)", [params])


@pytest.mark.parametrize(
    ("how", "scores", "stands"),
    [("all", [4.0, 9.0, 8.0], 0), ("all", [None, 9.0, 8.0], 0), ("judge", [4.0, 9.0, 8.0], 1)],
)
def test_the_post_that_is_compared_is_the_one_that_the_tables_look_for(
    store: Store, how: str, scores: list[float | None], stands: int
) -> None:
    arms = [arm_of("full", "P1", how), arm_of("plain", "P2", how)]
    fill(store, arms, scores)
    entrants = between_arms(store, arms, ALL).entrants()
    assert sorted(entrants) == [f"{arm.prompt_spec_id}-{SPECS[how].id}-{stands}" for arm in arms]
    compared_by_w(store)
    compare_all(store, list(entrants))
    found = read_experiment(store, "e")
    assert found.pairs is not None and (found.pairs.pairs, found.pairs.complete) == (1, 1)
    assert [(one.name, one.wins) for one in found.pairs.standings] == [("full", 1), ("plain", 0)]


def test_an_arm_with_the_posts_of_another_takes_no_duels_from_it(store: Store) -> None:
    arms = [arm_of("full", "P1"), arm_of("plain", "P2"), arm_of("other judge", "P1", judge="K"), arm_of("again", "P2")]
    fill(store, arms, [4.0])
    contest = contest_of(store, arms, ALL)
    assert {name for name, _ in contest.entrants().values()} == {"full", "plain"}
    assert contest.names == ["full", "plain"] and contest.left_out == {"other judge": "full", "again": "plain"}
    compared_by_w(store)
    compare_all(store, list(contest.entrants()))
    found = read_experiment(store, "e")
    assert found.pairs is not None and [(one.name, one.wins) for one in found.pairs.standings] == [
        ("full", 1), ("plain", 0),
    ]  # fmt: skip
    assert found.left_out == contest.left_out
    assert (found.calls, found.spent_usd) == (0, 0.0), "no post here was bought by a call"
    with pytest.raises(UserError, match="full, other judge have the same posts"):
        contest_of(store, [arms[0], arms[2]], ALL)


def test_what_a_journal_that_is_gone_would_tell_is_unknown_and_not_nothing(store: Store) -> None:
    fill(store, [arm_of("full", "P1"), arm_of("plain", "P2")], [4.0, None])
    with store.connect() as db:
        db.execute("UPDATE judgments SET call_key = 'gone' WHERE score IS NULL")
    assert read_experiment(store, "e").calls == 0, "a failure need not be in the journal"
    with store.connect() as db:
        db.execute("UPDATE judgments SET call_key = 'gone' WHERE score IS NOT NULL")
    found = read_experiment(store, "e")
    assert (found.calls, found.spent_usd) == (None, None)


def test_a_judge_whom_the_baseline_has_not_is_compared_with_nothing(store: Store) -> None:
    arms = [arm_of("full", "P1"), arm_of("plain", "P2"), arm_of("other", "P3")]
    fill(store, arms, [4.0])
    with store.connect() as db:
        db.execute("UPDATE arms SET judge_spec_ids = ['J', 'K'] WHERE arm <> 'full'")
        assert read_experiment(store, "e").further == {}, "plain is no baseline"
        db.execute("UPDATE arms SET judge_spec_ids = CASE arm WHEN 'plain' THEN ['J'] ELSE ['J', 'K'] END")
    (found,) = read_experiment(store, "e").further.values()
    assert [arm.name for arm in found] == ["full", "other"]
