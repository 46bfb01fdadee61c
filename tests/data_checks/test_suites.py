"""Each suite accepts a good frame, and rejects every single planted defect of it, and an empty frame."""

import math
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from components.chat import Status
from components.records import LEARNING, TABLES, CheckResult, content_id
from components.records import Record as Rows
from data_checks.suite import STATE, Suite
from data_checks.validate import SUITES, CheckRow, Verdict, validate

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ASPECTS = ["relevance_clarity", "creativity_originality", "coherence_structure", "emotional_engagement"]
Frame = pd.DataFrame


def frame_of(table: str, rows: list[dict[str, Any]]) -> Frame:
    """As flows make it: one column per field of the record."""
    record: type[Rows] = TABLES[table]
    return pd.DataFrame([record(**row).row() for row in rows], columns=[f.name for f in fields(record)])


def items() -> Frame:
    common = {"dataset": "d", "spec_id": content_id("s"), "ingested_at": NOW}
    picture = {"image_path": "/a.jpg", "sha256": "a" * 64, "width": 768, "height": 512}
    return frame_of("items", [
        {**common, **picture, "item_id": content_id(1), "source_uri": "/a.jpg", "published_at": NOW, "likes": 0},
        {**common, **picture, "item_id": content_id(2), "source_uri": "/b.jpg", "text": "And a text.", "views": 10**9},
        {**common, "item_id": content_id(3), "source_uri": "/c.csv#3", "text": "A text alone.", "replies": 1},
        {**common, "item_id": content_id(4), "source_uri": "/c.csv#4", "text": "Again.", "reposts": 3,
         "published_at": datetime(2009, 1, 1, tzinfo=UTC)},
    ])  # fmt: skip


def features() -> Frame:
    rows: list[dict[str, Any]] = []

    def add(item: str, name: str, rank: int = 0, **more: Any) -> None:
        ids = {"feature_id": content_id(item, name, rank), "item_id": item, "spec_id": content_id("s")}
        rows.append({**ids, "name": name, "rank": rank, "model": "m@1", **more})

    for n in range(9):
        item = content_id(n)
        for rank, score in enumerate((0.31, 0.3, -0.02)):
            add(item, "caption", rank, text=f"thing {n} in light {rank}", score=score)
        for task in ("topic", "sentiment", "scene"):
            for rank, score in enumerate((0.7, 0.2, 0.1000004)):
                add(item, task, rank, text=f"label {rank}", score=score)
        for rank in range(2):
            add(item, "keyword", rank, text=f"word{rank}", score=0.2 - rank / 10)
        for name in ("clip_image", "text"):
            add(item, name, vector=[0.1, -0.5, 0.0, 1.0])
    return frame_of("features", rows)


def prompts() -> Frame:
    user = "Write a post.\n<caption>None of us left</caption>\n<text>{{ braces }} are {% ours %}, None</text>"
    return frame_of("prompts", [
        {"prompt_id": content_id("p", n), "item_id": content_id(n), "spec_id": content_id("s"), "platform": "x",
         "template": "mpwl" if n else "plain", "system": "You write posts. None of it is real.", "user": user,
         "words": [content_id("w", n, k) for k in range(3)] if n else []}
        for n in range(4)
    ])  # fmt: skip


def posts() -> Frame:
    rows: list[dict[str, Any]] = [
        {"post_id": content_id("post", n), "prompt_id": content_id(n // 2), "spec_id": content_id("s"), "platform": "x",
         "candidate": n % 2, "text": f"Number {n} of the boats leaves at noon [sic].", "cost_usd": 0.0,
         "created_at": NOW}
        for n in range(20)
    ]  # fmt: skip
    rows[3] |= {"text": None, "error": "content_filter", "error_detail": "Refused: for reasons!", "cost_usd": None}
    return frame_of("posts", rows)


def judgments() -> Frame:
    rows = []
    for n in range(12):
        for repeat in range(2):
            for k, aspect in enumerate(ASPECTS):
                ids = {
                    "judgment_id": content_id(n, repeat, aspect),
                    "post_id": content_id(n),
                    "spec_id": content_id("s"),
                }
                row = {**ids, "repeat": repeat, "aspect": aspect, "score": 1 + (n * 7 + k) % 10, "reasoning": "Seen."}
                if (n, repeat, k) == (5, 1, 2):
                    row |= {"score": None, "reasoning": None, "error": "unparsable", "error_detail": "No object."}
                rows.append({**row, "cost_usd": 0.001, "created_at": NOW})
    return frame_of("judgments", rows)


GOOD: dict[str, Callable[[], Frame]] = {
    "items": items, "features": features, "prompts": prompts, "posts": posts, "judgments": judgments,
}  # fmt: skip

Change = Callable[[Frame], Frame]


def put(column: str, value: Any, row: int = 0, where: Callable[[Frame], pd.Series] | None = None) -> Change:
    """Sets one cell: of the first row, or of the first row where a condition holds."""

    def change(frame: Frame) -> Frame:
        at = frame.index[where(frame)][0] if where else row
        frame[column] = frame[column].astype(object)
        frame.at[at, column] = value
        return frame

    return change


def fill(column: str, value: Any, where: Callable[[Frame], pd.Series] = lambda frame: frame.index >= 0) -> Change:
    def change(frame: Frame) -> Frame:
        frame[column] = frame[column].astype(object)
        frame.loc[where(frame), column] = value
        return frame

    return change


def named(name: str, rank: int = 0) -> Callable[[Frame], pd.Series]:
    return lambda frame: (frame["name"] == name) & (frame["rank"] == rank)


def of_item(n: int, column: str = "item_id") -> Callable[[Frame], pd.Series]:
    return lambda frame: frame[column] == content_id(n)


def failing(n: int, error: str, column: str) -> Change:
    """The first n rows have an error instead of what stands in `column`."""

    def first(frame: Frame) -> pd.Series:
        return frame.index < n

    return lambda frame: fill("error", error, first)(fill(column, None, first)(frame))


def without(where: Callable[[Frame], pd.Series]) -> Change:
    """Without the first row where the condition holds."""
    return lambda frame: frame.drop(frame.index[where(frame)][0])


def and_row(**change: Any) -> Change:
    """With a copy of the last row, changed."""
    return lambda frame: pd.concat([frame, frame.iloc[[-1]].assign(**change)])


def ids(column: str) -> list[tuple[str, Change]]:
    return [
        (f"{column} is given", put(column, None)),
        (f"{column} is 20 hex digits", put(column, "ABC")),
        (f"{column} is 20 hex digits", put(column, "0" * 21)),
    ]


NEGATIVE_COUNTS = [(f"{count} are not negative", put(count, -1)) for count in ("likes", "replies", "reposts", "views")]
DEFECTS: dict[str, list[tuple[str, Change]]] = {
    "items": [
        *ids("item_id"),
        *NEGATIVE_COUNTS,
        ("item_id is unique", put("item_id", content_id(2))),
        ("dataset is given", put("dataset", None)),
        ("dataset has a name", put("dataset", " ")),
        ("source_uri is given", put("source_uri", None)),
        ("source_uri says where it comes from", put("source_uri", "")),
        ("ingested_at is given", put("ingested_at", None)),
        ("there is a picture or a text", put("text", "  ", row=2)),
        ("a picture has path, hash, width and height", put("sha256", None)),
        ("a picture has path, hash, width and height", put("width", None)),
        ("a picture has path, hash, width and height", put("image_path", None, row=1)),
        ("sha256 is 64 hex digits", put("sha256", "A" * 64)),
        ("width is 16 pixels or more", put("width", 15)),
        ("height is 16 pixels or more", put("height", 1)),
        ("published between 2000 and now", put("published_at", NOW + timedelta(days=2))),
        ("published between 2000 and now", put("published_at", datetime(1970, 1, 1, tzinfo=UTC))),
        ("published between 2000 and now", put("published_at", "yesterday")),
    ],
    "features": [
        *ids("feature_id"),
        *ids("item_id"),
        ("feature_id is unique", put("feature_id", content_id(content_id(0), "caption", 1))),
        ("name is given", put("name", None)),
        ("name is known", put("name", "mood")),
        ("model is given", put("model", None)),
        ("the model is named", put("model", "")),
        ("ranks run from 0 without a gap", without(named("caption", 1))),
        ("ranks run from 0 without a gap", without(named("topic", 0))),
        ("ranks run from 0 without a gap", put("rank", 0, row=1)),
        ("ranks run from 0 without a gap", put("rank", -1)),
        ("the best comes first", put("score", 0.9, row=1)),
        ("the best comes first", put("score", 0.75, where=named("scene", 1))),
        ("captions, labels and keywords have text", put("text", "")),
        ("captions, labels and keywords have text", put("text", None, where=named("keyword", 1))),
        ("captions, labels and keywords have a score", put("score", None)),
        ("captions, labels and keywords have a score", put("score", math.nan, where=named("topic"))),
        ("captions, labels and keywords have a score", put("score", math.inf)),
        ("caption scores are cosines", put("score", 1.2)),
        ("caption scores are cosines", put("score", -1.2, row=2)),
        ("label scores are probabilities", put("score", -0.1, where=named("topic", 2))),
        ("label scores are probabilities", put("score", 1.1, where=named("topic"))),
        ("an item's probabilities sum to 1 at most", put("score", 0.8, where=named("topic"))),
        ("keyword scores are cosine distances", put("score", 2.5, where=named("keyword"))),
        ("keyword scores are cosine distances", put("score", -0.5, where=named("keyword", 1))),
        ("vectors stand under the names of vectors", put("vector", None, where=named("clip_image"))),
        ("vectors stand under the names of vectors", put("vector", [], where=named("clip_image"))),
        ("vectors stand under the names of vectors", put("vector", [1.0])),
        ("vectors are finite and not zero", put("vector", [0.1, math.nan, 0.0, 1.0], where=named("text"))),
        ("vectors are finite and not zero", put("vector", [0.1, math.inf, 0.0, 1.0], where=named("text"))),
        ("vectors are finite and not zero", put("vector", [0.0] * 4, where=named("text"))),
        ("vectors of a name and model have one length", put("vector", [0.1, 0.2], where=named("text"))),
        ("every item has a vector", lambda frame: frame[frame["vector"].isna() | ~of_item(0)(frame)]),
        ("every item has words", lambda frame: frame[frame["name"].isin(["text"]) | ~of_item(0)(frame)]),
        ("best captions differ", fill("text", "a thing", where=named("caption"))),
    ],
    "prompts": [
        *ids("prompt_id"),
        *ids("item_id"),
        ("prompt_id is unique", put("prompt_id", content_id("p", 1))),
        ("platform is given", put("platform", None)),
        ("the platform is named", put("platform", "")),
        ("template is given", put("template", None)),
        ("the template is named", put("template", " ")),
        ("there is a user's message", put("user", "\n")),
        ("there is a user's message", put("user", None)),
        ("there is a system message", put("system", "")),
        *(
            ("nothing of the template is left over", put("user", f"Write a post about this: {leftover}. Thanks."))
            for leftover in ("{{ caption }}", "{% if x %}", "None", "nan", "{# note #}", "<Undefined object at 0x7f>")
        ),
        *(
            ("no word is empty", put("user", f"Write a post about this: {nothing}. Thanks."))
            for nothing in ("<caption>None</caption>", "<topic></topic>", "<keywords>[]</keywords>")
        ),
        ("nothing of the template is left over", put("system", "You write for {{ platform.name }}.")),
        ("20 to 20,000 characters", put("user", "Write.")),
        ("20 to 20,000 characters", put("user", "Write. " * 5000)),
        ("words are feature ids, each once", put("words", [content_id("w"), content_id("w")])),
        ("words are feature ids, each once", put("words", ["beach"])),
        ("words are feature ids, each once", put("words", None)),
        ("a template for prompt words has some", put("words", [], row=1)),
    ],
    "posts": [
        *ids("post_id"),
        *ids("prompt_id"),
        ("post_id is unique", put("post_id", content_id("post", 1))),
        ("created_at is given", put("created_at", None)),
        ("candidates count from 0", put("candidate", -1)),
        ("there is a text or an error, not both", put("error", "timeout")),
        ("there is a text or an error, not both", put("text", None)),
        ("there is a text or an error, not both", put("text", "  ")),
        ("there is a text or an error, not both", put("error", None, row=3)),
        ("an error is a state", put("error", "The server said: no", row=3)),
        ("a cost is not negative", put("cost_usd", -0.01)),
        *(
            ("nothing of a template is left over", put("text", f"Hello {leftover} at noon."))
            for leftover in ("{{ caption }}", "{% endif %}", "[insert hashtag]", "[Your name]", "</post>")
        ),
        ("the platform's rules are kept", put("rules", ["length 312 > 280"])),
        ("at most 10 % have an error", failing(5, "timeout", "text")),
        ("openings differ", fill("text", "What a day it was, said boat one.", lambda frame: frame.index < 6)),
        ("openings differ", lambda frame: frame.assign(text=[f"What A day it  was, {n}." for n in range(20)])),
        ("no text stands twice", put("text", "Number 1 of the boats leaves at noon [sic].")),
    ],
    "judgments": [
        *ids("judgment_id"),
        *ids("post_id"),
        ("judgment_id is unique", put("judgment_id", content_id(0, 0, ASPECTS[1]))),
        ("created_at is given", put("created_at", None)),
        ("aspect is given", put("aspect", None)),
        ("the aspect is named", put("aspect", "Relevance & clarity")),
        ("scores lie in 1 to 10", put("score", 11)),
        ("scores lie in 1 to 10", put("score", 0)),
        ("there is a score or an error, not both", put("error", "timeout")),
        ("there is a score or an error, not both", put("score", None)),
        ("there is a score or an error, not both", put("score", 0.0, where=lambda frame: frame["error"].notna())),
        ("an error is a state", put("error", "no JSON, sorry", where=lambda frame: frame["error"].notna())),
        ("a cost is not negative", put("cost_usd", -0.01)),
        ("every reading has every aspect", without(lambda frame: frame["aspect"] == ASPECTS[2])),
        ("every reading has every aspect", put("aspect", ASPECTS[1])),
        ("no aspect is scored twice in a reading", and_row(judgment_id=content_id("again"), score=2.0)),
        ("repeats count from 0 without a gap", fill("repeat", 2, lambda frame: frame["repeat"] == 1)),
        ("repeats count from 0 without a gap", fill("repeat", 3, of_item(1, "post_id"))),
        ("a score says why", put("reasoning", "")),
        ("scores differ between posts", fill("score", 8.0, lambda frame: frame["aspect"] == ASPECTS[0])),
        ("at most 10 % have an error", failing(16, "timeout", "score")),
        ("at most 5 % of replies cannot be read", failing(8, "unparsable", "score")),
    ],
}  # fmt: skip


def check(table: str, frame: Frame) -> Verdict:
    return validate(table, frame, chunk_id="c1", run_id="r1", now=NOW)


def failed(verdict: Verdict) -> set[str]:
    return {row.expectation for row in verdict.results if not row.success}


@pytest.mark.parametrize("table", TABLES)
def test_a_good_frame_is_accepted(table: str) -> None:
    frame = GOOD[table]()
    verdict = check(table, frame)
    assert failed(verdict) == set()
    assert not verdict.stop and verdict.quarantined == {}
    assert [row.expectation for row in verdict.results] == [e.what for e in SUITES[table].expectations]
    assert all(
        (row.run_id, row.table_name, row.chunk_id, row.at) == ("r1", table, "c1", NOW) for row in verdict.results
    )
    assert list(frame.columns) == [f.name for f in fields(TABLES[table])]  # nothing was added to the caller's frame


@pytest.mark.parametrize(
    ("table", "what", "defect"),
    [
        pytest.param(table, what, defect, id=f"{table}-{n}-{what}")
        for table, defects in DEFECTS.items()
        for n, (what, defect) in enumerate(defects)
    ],
)
def test_every_single_defect_is_rejected(table: str, what: str, defect: Change) -> None:
    verdict = check(table, defect(GOOD[table]()))
    assert what in failed(verdict)
    (row,) = [row for row in verdict.results if row.expectation == what]
    (declared,) = [e for e in SUITES[table].expectations if e.what == what]
    assert row.severity == declared.severity
    assert not row.observed.startswith("could not be computed"), row.observed
    if row.severity == "stop":
        assert verdict.stop
    elif row.severity == "quarantine":
        assert len(verdict.quarantined) >= 1 and any(what in reason for reason in verdict.quarantined.values())


@pytest.mark.parametrize("table", TABLES)
def test_every_expectation_has_a_planted_defect(table: str) -> None:
    declared = {e.what for e in SUITES[table].expectations}
    assert declared - {what for what, _ in DEFECTS[table]} == {"there are rows"}


@pytest.mark.parametrize("table", TABLES)
def test_an_empty_frame_is_rejected(table: str) -> None:
    for empty in (GOOD[table]().iloc[:0], frame_of(table, [])):
        verdict = check(table, empty)
        assert verdict.stop and failed(verdict) == {"there are rows"}


@pytest.mark.parametrize("table", TABLES)
def test_a_frame_without_a_column_is_rejected(table: str) -> None:
    last = SUITES[table].columns[-1]
    verdict = check(table, GOOD[table]().drop(columns=last))
    assert verdict.stop and [row.observed for row in verdict.results] == [f"missing: {last}"]
    assert check(table, pd.DataFrame()).stop


@pytest.mark.parametrize("table", TABLES)
def test_suites_name_columns_that_records_have(table: str) -> None:
    suite: Suite = SUITES[table]
    known = {f.name for f in fields(TABLES[table])}
    assert set(suite.columns) <= known
    assert not set(suite.derived) & known
    names = [e.what for e in suite.expectations]
    assert len(names) == len(set(names)) and names[0] == "there are rows"


def test_every_table_has_a_suite_and_no_other() -> None:
    assert set(SUITES) == {*TABLES, *LEARNING, "promotions"}


def test_check_rows_fit_the_table_of_checks() -> None:
    assert [f.name for f in fields(CheckRow)] == [f.name for f in fields(CheckResult)]


def test_every_state_of_a_call_is_a_state_to_the_checks() -> None:
    states = [*Status, "unparsable", "missing_aspect", "out_of_range", "empty", "budget", "picture"]
    assert pd.Series([str(state) for state in states]).str.match(STATE).all()


def test_quarantine_names_rows_by_the_frames_own_index_and_all_reasons() -> None:
    frame = items()
    frame.index = pd.Index([10, 20, 30, 40])
    frame.loc[20, ["width", "height"]] = [3, 4]
    frame.loc[40, "likes"] = -5
    verdict = check("items", frame)
    assert not verdict.stop
    assert verdict.quarantined == {
        20: "fails: width is 16 pixels or more; fails: height is 16 pixels or more",
        40: "fails: likes are not negative",
    }
    (row,) = [row for row in verdict.results if row.expectation == "likes are not negative"]
    assert row.observed == "1 of 4 rows, such as -5"


def test_small_batches_are_not_called_monotonous() -> None:
    few = posts().head(4).assign(text="The same text.", error=None)
    assert failed(check("posts", few)) <= {"post_id is unique"}
    some = judgments().head(7 * 8).assign(score=8.0, error=None, reasoning="Seen.")
    assert "scores differ between posts" not in failed(check("judgments", some))


def test_nothing_is_printed_and_nothing_is_sent(capfd: pytest.CaptureFixture[str]) -> None:
    from data_checks.validate import _batches

    check("items", items())
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    context = _batches().data_asset.datasource.data_context
    assert context.variables.analytics_enabled is False
    assert context.variables.progress_bars.globally is False
