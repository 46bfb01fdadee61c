"""How much of a change is the judge's: planted judges and periods, and what cannot be compared."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from components.errors import UserError
from components.judgments.origins import origins
from components.judgments.readings import Readings, earlier_judge, reader_of, readings_of
from components.judgments.shift import NEIGHBOURS, change, shift
from components.records import Item, Judgment, Post, Prompt
from components.specs import GenerationSpec, JudgeSpec, Selection
from components.warehouse.store import Store

ASPECTS = ["relevance_clarity", "creativity_originality", "coherence_structure", "emotional_engagement"]
SPRING, SUMMER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
OLD, NEW = JudgeSpec(model="openai/old"), JudgeSpec(model="openai/new")
Score = Callable[[int], float | None]


def plant(store: Store, begin: datetime, n: int, judges: Mapping[JudgeSpec, Score], candidates: int = 1) -> None:
    """`n` items from `begin` on, their posts, and what each judge says of the k-th: a score, or None: a failure."""
    rows: dict[str, list[object]] = {"items": [], "prompts": [], "posts": [], "judgments": []}
    for k in range(n):
        key = f"{begin:%m%d}-{k}"
        rows["items"].append(Item(item_id=f"i{key}", dataset="d", spec_id="s", source_uri=key, stamp=key,
                                  published_at=begin + timedelta(hours=k), ingested_at=begin))  # fmt: skip
        rows["prompts"].append(Prompt(prompt_id=f"p{key}", item_id=f"i{key}", spec_id="s", feature_spec_id="f",
                                      platform="x", template="mpwl", system="", user=""))  # fmt: skip
        for c in range(candidates):
            post = f"post{key}-{c}"
            rows["posts"].append(Post(post_id=post, prompt_id=f"p{key}", spec_id="g", candidate=c, platform="x",
                                      text=f"Text {post}.", created_at=begin))  # fmt: skip
            rows["judgments"] += [
                Judgment(judgment_id=f"{post} {judge.id} {aspect}", post_id=post, spec_id=judge.id, aspect=aspect,
                         score=said(k), error=None if said(k) is not None else "timeout", created_at=begin)
                for judge, said in judges.items() for aspect in ASPECTS
            ]  # fmt: skip
    store.register(*judges)
    store.append(rows)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "w.duckdb")
    made.prepare()
    return made


def period(begin: datetime) -> Selection:
    return Selection(dataset="d", published_from=begin, published_to=begin + timedelta(days=60))


def noise(seed: int, centre: float, spread: float = 0.8) -> Score:
    values = np.clip(np.random.default_rng(seed).normal(centre, spread, 500), 1, 10).round(2)
    return lambda k: float(values[k])


def test_the_same_posts_tell_the_judges_difference(store: Store) -> None:
    old = noise(1, 6.0)
    plant(store, SPRING, 60, {OLD: old, NEW: lambda k: (old(k) or 0) - 1.5 + 0.1 * (-1) ** k})
    found = shift(readings_of(store, period(SPRING)), OLD.id, NEW.id)
    assert [one.aspect for one in found.aspects] == [*ASPECTS, "overall"] and found.posts == 60
    for one in found.aspects:
        assert one.n == 60 and one.difference == pytest.approx(-1.5) and one.difference == pytest.approx(
            (one.new or 0) - (one.old or 0)
        )  # fmt: skip
        assert one.low is not None and one.high is not None and -1.6 < one.low < -1.5 < one.high < -1.4
    assert found.notes == [NEIGHBOURS] and found.only_old == found.failed_new == 0


def test_failures_are_left_out_and_counted(store: Store) -> None:
    plant(store, SPRING, 20, {OLD: lambda k: None if k == 0 else 6.0, NEW: lambda k: None if k in (1, 2) else 5.0})
    plant(store, SPRING + timedelta(days=10), 5, {OLD: lambda k: 9.0})
    found = shift(readings_of(store, period(SPRING)), OLD.id, NEW.id)
    assert (found.posts, found.failed_old, found.failed_new, found.only_old) == (17, 1, 2, 5)
    assert {(one.n, one.old, one.new, one.difference) for one in found.aspects} == {(17, 6.0, 5.0, -1.0)}


def test_candidates_of_an_item_are_one_witness(store: Store) -> None:
    old = noise(2, 6.0)
    plant(store, SPRING, 15, {OLD: old, NEW: lambda k: (old(k) or 0) + (k % 3)}, candidates=4)
    found = shift(readings_of(store, period(SPRING)), OLD.id, NEW.id)
    assert found.posts == 60 and {one.n for one in found.aspects} == {15}


def test_a_change_comes_apart_exactly(store: Store) -> None:
    """The posts grew better by 0.5, and the new judge is stricter by 1: as it was judged, they grew worse."""
    plant(store, SPRING, 80, {OLD: noise(3, 6.0), NEW: noise(4, 5.0)})
    plant(store, SUMMER, 80, {NEW: noise(5, 5.5)})
    here, there = readings_of(store, period(SPRING)), readings_of(store, period(SUMMER))
    for one in change(here, OLD.id, NEW.id, there, there_is_later=True):
        raw, same, judges = one.raw, one.one_judge, one.judges
        assert raw.value is not None and same.value is not None and judges.value is not None
        assert raw.value == pytest.approx(same.value + judges.value)
        assert raw.value == pytest.approx(-0.5, abs=0.35) and same.value == pytest.approx(0.5, abs=0.35)
        assert judges.value == pytest.approx(-1.0, abs=0.35)
        for part in (raw, same, judges):
            assert part.low is not None and part.high is not None and part.low < part.value < part.high  # type: ignore[operator]
        assert one.share is not None and one.share > 1, "more than all of it: by one judge they grew better"
        assert (one.n_earlier, one.n_later) == (80, 80)
    mirrored = change(here, OLD.id, NEW.id, there, there_is_later=False)
    assert [one.raw.value for one in mirrored] == pytest.approx(
        [-(one.raw.value or 0) for one in change(here, OLD.id, NEW.id, there, there_is_later=True)]
    )


def test_no_share_is_told_of_a_change_that_may_be_none(store: Store) -> None:
    plant(store, SPRING, 40, {OLD: noise(6, 6.0), NEW: noise(7, 6.0)})
    plant(store, SUMMER, 40, {NEW: noise(8, 6.0)})
    found = change(readings_of(store, period(SPRING)), OLD.id, NEW.id, readings_of(store, period(SUMMER)), True)
    assert all(one.share is None for one in found)
    assert found == change(readings_of(store, period(SPRING)), OLD.id, NEW.id, readings_of(store, period(SUMMER)), True)


def test_the_judge_to_compare_with_is_who_read_most_or_who_is_named(store: Store) -> None:
    third, twin = JudgeSpec(model="openai/third"), JudgeSpec(model="openai/third", repeats=2)
    plant(store, SPRING, 10, {OLD: lambda k: 5.0, NEW: lambda k: 6.0})
    plant(store, SPRING + timedelta(days=9), 3, {NEW: lambda k: 6.0, third: lambda k: 7.0, twin: lambda k: 7.0})
    found = readings_of(store, period(SPRING))
    assert earlier_judge(found, reader_of(NEW)) == OLD.id
    assert earlier_judge(found, reader_of(NEW), third.id[:8]) == third.id
    assert earlier_judge(found, reader_of(NEW), "openai/old") == OLD.id
    with pytest.raises(UserError, match="'openai/third' names several judges"):
        earlier_judge(found, reader_of(NEW), "openai/third")
    with pytest.raises(UserError, match="'openai/none' has read none of these posts; others"):
        earlier_judge(found, reader_of(NEW), "openai/none")
    assert earlier_judge(Readings({}, {}, {}), reader_of(NEW)) is None


def own_rubric(folder: Path, name: str, *changes: tuple[str, str]) -> JudgeSpec:
    text = Path("components/judgments/rubrics/mpwl.yaml").resolve().read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    (folder / f"{name}.yaml").write_text(text)
    return JudgeSpec(model="openai/own", rubric=str(folder / f"{name}.yaml"))


def test_other_words_are_told_and_other_scales_and_aspects_are_not_compared(store: Store, tmp_path: Path) -> None:
    worded = own_rubric(tmp_path, "worded", ("Judge the post as a reader", "Judge it as a reader"))
    scaled = own_rubric(tmp_path, "scaled", ("{min: 1, max: 10}", "{min: 1, max: 10.0}"), ("max: 10.0", "max: 9"),
                        ("      10:", "      9:"))  # fmt: skip
    other = own_rubric(tmp_path, "other", *((name, f"{name}_too") for name in ASPECTS[1:]))
    plant(store, SPRING, 4, {judge: lambda k: 5.0 for judge in (worded, scaled, other, NEW)})
    found = readings_of(store, period(SPRING))
    told = shift(found, worded.id, NEW.id)
    assert told.notes[:-1] == ["the rubrics differ too (worded.yaml, mpwl): the difference is of judge and rubric"]
    with pytest.raises(UserError, match=r"judged by scaled\.yaml, on another scale or by other aspects than mpwl"):
        earlier_judge(found, reader_of(NEW), scaled.id)
    some = shift(found, other.id, NEW.id)
    assert [one.aspect for one in some.aspects] == ASPECTS[:1], "`overall` is a mean of other things"


def test_judges_who_see_neighbours_may_have_seen_others(store: Store) -> None:
    alone = JudgeSpec(model="openai/old", batch_context=0), JudgeSpec(model="openai/new", batch_context=0)
    plant(store, SPRING, 4, {judge: lambda k: 5.0 for judge in (*alone, OLD, NEW)})
    found = readings_of(store, period(SPRING))
    assert shift(found, OLD.id, NEW.id).notes == shift(found, alone[0].id, NEW.id).notes == [NEIGHBOURS]
    assert shift(found, alone[0].id, alone[1].id).notes == [], "nothing else was shown"


def test_posts_have_an_origin_whether_or_not_anybody_knows_the_writer(store: Store) -> None:
    plant(store, SPRING, 2, {OLD: lambda k: 5.0})
    (one,) = origins(store, period(SPRING))
    assert (one.written.ids, one.writer, one.posts) == (("s", "f", "g"), None, 2)
    writer = GenerationSpec(model="openai/gone", temperature=0.1)
    store.register(writer)
    post = Post(post_id="x", prompt_id="p0101-0", spec_id=writer.id, platform="x", text="T.", created_at=SPRING)
    store.append({"posts": [post]})
    assert {(one.writer, one.posts) for one in origins(store, period(SPRING))} == {(None, 2), ("openai/gone", 1)}
    assert origins(store, period(SUMMER)) == []
