"""Entries become examples in their order, one each; what is said twice of the same content is settled."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from components.drawings.vocabulary import SCENES, SENTIMENTS, TOPICS
from components.errors import UserError
from components.learning.examples import LabelledEntry, list_examples, read_examples, settle
from components.learning.spec import LabelledSource, Task, load_training
from components.records import Example, content_id
from components.specs.campaign_file import load_campaign

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CAMPAIGNS = Path(__file__).parents[2] / "campaigns"
MOOD = {"mood": Task(labels=("happy", "sad"))}
SOURCE = LabelledSource(source="table", path=Path("t.csv"))


def entry(name: str, labels: dict[str, str | float | tuple[str, ...]], **more: object) -> LabelledEntry:
    return LabelledEntry(source_uri=name, stamp=name, text=f"text {name}", labels=labels, **more)  # type: ignore[arg-type]


def example(name: str, content: str, **labels: str | float) -> Example:
    text = json.dumps(labels, sort_keys=True)
    key = content_id("e", content, text)
    return Example(example_id=key, dataset="d", source_uri=name, sha256=content, labels=text)


def test_order_is_the_order_of_the_entries_and_reading_in_chunks_changes_nothing() -> None:
    entries = [entry(str(n), {"mood": ("happy", "odd", "Sad")[n % 3]}) for n in range(30)]
    examples, refused = read_examples(entries, SOURCE, MOOD, NOW)
    assert [e.source_uri for e in examples] == [str(n) for n in range(30) if n % 3 != 1]
    assert [q.source_uri for q in refused] == [str(n) for n in range(30) if n % 3 == 1]
    halves = [read_examples(part, SOURCE, MOOD, NOW) for part in (entries[:13], entries[13:])]
    assert [e for part in halves for e in part[0]] == examples and [q for part in halves for q in part[1]] == refused
    assert examples[1].labels == '{"mood": "sad"}', "the task's own spelling"


def test_a_refused_entry_names_the_value_and_what_to_do() -> None:
    _, refused = read_examples([entry("1", {"mood": "furious"})], SOURCE, MOOD, NOW)
    row = refused[0]
    assert (row.step, row.reason, row.dataset, row.at) == ("train_prompt_words", "unknown_label", "t", NOW)
    assert "'furious'" in row.detail and "tasks.mood.labels (happy, sad)" in row.detail and "\n" not in row.detail
    _, refused = read_examples([entry("1", {"tone": "dry"})], SOURCE, MOOD, NOW)
    assert refused[0].reason == "no_label" and "has no mood; the source gives tone 'dry'" in refused[0].detail


def test_an_unknown_label_masks_its_task_where_another_is_labelled_and_the_log_tells(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tasks = MOOD | {"score": Task(kind="regression")}
    entries = [entry(str(n), {"mood": "furious", "score": n}) for n in range(3)]
    with caplog.at_level(logging.WARNING):
        examples, refused = read_examples(entries, SOURCE, tasks, NOW)
    assert [json.loads(e.labels) for e in examples] == [{"score": 0.0}, {"score": 1.0}, {"score": 2.0}] and not refused
    assert "mood (unknown_label) left unknown in 3 examples" in caplog.text


def test_numbers_are_no_classes_and_words_no_numbers() -> None:
    _, refused = read_examples([entry("1", {"mood": 0.38}), entry("2", {"mood": "0.4"})], SOURCE, {"mood": Task()}, NOW)
    assert [q.reason for q in refused] == ["unknown_label"] * 2 and "bounds" in refused[0].detail
    entries = [
        entry(str(n), {"mood": value}) for n, value in enumerate(("1e3", " -2 ", "1,5", "nan", "inf", float("inf")))
    ]
    examples, refused = read_examples(entries, SOURCE, {"mood": Task(kind="regression")}, NOW)
    assert [json.loads(e.labels)["mood"] for e in examples] == [1000.0, -2.0]
    assert [q.reason for q in refused] == ["bad_number"] * 4


def test_labels_that_occur_are_the_labels_where_a_task_names_none() -> None:
    examples, _ = read_examples(
        [entry("1", {"mood": "  Very   odd "}), entry("2", {"mood": 3.0})], SOURCE, {"mood": Task()}, NOW
    )
    assert [json.loads(e.labels)["mood"] for e in examples] == ["Very   odd", "3"]


def test_a_label_map_cannot_make_labels_of_a_regression() -> None:
    source = SOURCE.model_copy(update={"label_map": "gpt_percent"})
    with pytest.raises(UserError, match=r"tasks\.sentiment: is a regression"):
        read_examples([], source, {"sentiment": Task(kind="regression")}, NOW)


def test_broken_pictures_are_refused_for_what_they_are(tmp_path: Path) -> None:
    whole = tmp_path / "whole.jpg"
    Image.effect_noise((64, 64), 60).convert("RGB").save(whole)
    contents = {"cut": whole.read_bytes()[:-500], "empty": b"", "page": b"<html>", "tiny": None, "gone": None}
    for name, content in contents.items():
        if content is not None:
            (tmp_path / f"{name}.jpg").write_bytes(content)
    Image.new("RGB", (1, 1)).save(tmp_path / "tiny.jpg")
    names = ["whole", *contents]
    entries = [
        LabelledEntry(source_uri=n, stamp=n, image_path=str(tmp_path / f"{n}.jpg"), labels={"mood": "sad"})
        for n in names
    ]
    examples, refused = read_examples(entries, SOURCE, MOOD, NOW)
    assert [e.source_uri for e in examples] == ["whole"]
    assert [q.reason for q in refused] == ["truncated", "empty", "not_a_picture", "too_small", "picture_missing"]


def test_the_stamp_changes_with_whatever_changes_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("text,mood\na,sad\nb,sad\n", encoding="utf-8")
    source = LabelledSource(source="table", path=path, task="mood")
    before = [e.stamp for e in list_examples(source)]
    assert [e.stamp for e in list_examples(source)] == before and len(set(before)) == 2
    path.write_text("text,mood\na,happy\nb,sad\n", encoding="utf-8")
    after = [e.stamp for e in list_examples(source)]
    assert after[0] != before[0] and after[1] == before[1]
    own = tmp_path / "map.yaml"
    own.write_text("source: ours\nnote: n\ntasks: {mood: {labels: {sad: sad, happy: happy}}}\n", encoding="utf-8")
    mapped = source.model_copy(update={"label_map": str(own)})
    first = [e.stamp for e in list_examples(mapped)]
    own.write_text("source: ours\nnote: n\ntasks: {mood: {labels: {sad: sad, happy: sad}}}\n", encoding="utf-8")
    assert all(a != b for a, b in zip(first, [e.stamp for e in list_examples(mapped)], strict=True))


def test_settling() -> None:
    examples = [
        example("a1", "a", mood="sad"),
        example("b1", "b", mood="sad"),
        example("a2", "a", mood="sad"),
        example("b2", "b", mood="happy"),
        example("b3", "b", mood="sad"),
        example("b4", "b", topic="food"),
        example("c1", "c", mood="sad"),
        example("c2", "c", mood="sad", topic="food"),
        example("d1", "d", mood="sad"),
        example("d2", "d", topic="food"),
        example("e1", "e", score=80.0),
        example("e2", "e", score=75.0),
    ]
    kept, refused = settle(examples, NOW)
    assert [e.source_uri for e in kept] == ["a1", "b4", "c2", "d1", "d2"]
    assert [(q.source_uri, q.reason) for q in refused] == [
        ("b1", "conflicting_labels"),
        ("a2", "duplicate"),
        ("b2", "conflicting_labels"),
        ("b3", "conflicting_labels"),
        ("c1", "duplicate"),
        ("e1", "conflicting_labels"),
        ("e2", "conflicting_labels"),
    ]
    details = {q.source_uri: q.detail for q in refused}
    assert "mood is 'sad' here and 'happy' at b2" in details["b1"] and "at c2" not in details["b1"]
    assert "content as c2" in details["c1"]
    assert settle(kept, NOW) == (kept, [])


def test_settling_a_placeholder_that_stands_for_thousands_is_quick() -> None:
    examples = [example(str(n), "same", mood=f"m{n % 8}", score=n) for n in range(20_000)]
    begun = datetime.now(UTC)
    kept, refused = settle(examples, NOW)
    assert not kept and len(refused) == 20_000 and (datetime.now(UTC) - begun).total_seconds() < 5


def test_texts_alone_are_content_too_and_datasets_do_not_hide_it() -> None:
    one = Example(example_id="1", dataset="x", source_uri="1", text="so nice", labels='{"mood": "sad"}')
    other = Example(example_id="2", dataset="y", source_uri="2", text="so nice", labels='{"mood": "happy"}')
    assert [q.reason for q in settle([one, other], NOW)[1]] == ["conflicting_labels"] * 2


def test_the_shipped_training_file_asks_for_what_drawings_carry() -> None:
    spec = load_training(CAMPAIGNS / "train-drawings.yaml")
    assert {name: task.labels for name, task in spec.tasks.items()} == {
        "topic": TOPICS, "sentiment": SENTIMENTS, "scene": SCENES,
    }  # fmt: skip
    first, last = spec.datasets[0].seeds
    assert last - first == 1_500 and first >= 9_500_000, "none that a shipped model was trained or measured on"
    with pytest.raises(UserError):
        load_campaign(CAMPAIGNS / "train-drawings.yaml")
