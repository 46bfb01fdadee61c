"""Label maps: the shipped ones fit our labels, and a wrong file is told with its line and key."""

from pathlib import Path

import pytest

from components.drawings.vocabulary import SCENES, SENTIMENTS, TOPICS
from components.errors import UserError
from components.items.values import BadValue
from components.learning.label_maps import label_map_text, load_label_map, parse_label_map, shipped_maps

OURS = {"topic": set(TOPICS), "sentiment": set(SENTIMENTS), "scene": set(SCENES)}


def bounds(text: str) -> str:
    return f"source: ours\nnote: n\ntasks:\n  s:\n    bounds: {text}\n"


def labels(text: str, more: str = "") -> str:
    return f"source: ours\nnote: n\ntasks:\n  s:\n    labels: {text}\n{more}"


@pytest.mark.parametrize("name", shipped_maps())
def test_shipped_maps_give_only_labels_of_ours_and_say_whose_they_are(name: str) -> None:
    label_map = load_label_map(name)
    assert label_map.source == "ours" and len(label_map.note) > 30
    checked = 0
    for task, task_map in label_map.tasks.items():
        given = {bound.label for bound in task_map.bounds} | {label for label in task_map.labels.values() if label}
        if task in OURS:
            assert given <= OURS[task]
            checked += 1
    assert checked


def test_all_maps_are_shipped() -> None:
    assert set(shipped_maps()) >= {
        "mvsa", "fi", "scene15", "places", "tweeteval_sentiment", "tweeteval_emotion", "tweettopic",
        "twexportly_stars", "gpt_percent",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "label"),
    [
        ("gpt_percent", 0.0, "negative"),
        ("gpt_percent", "39.9", "negative"),
        ("gpt_percent", 40.0, "neutral"),
        ("gpt_percent", 60.0, "neutral"),
        ("gpt_percent", 65.0, "positive"),
        ("gpt_percent", 100.0, "positive"),
        ("twexportly_stars", "-1", "negative"),
        ("twexportly_stars", -0.25, "neutral"),
        ("twexportly_stars", "0.25", "positive"),
        ("twexportly_stars", 1.0, "positive"),
        ("tweeteval_sentiment", 2.0, "positive"),
        ("tweeteval_sentiment", "0", "negative"),
        ("tweeteval_emotion", "OPTIMISM", "positive"),
    ],
)
def test_values_become_labels_with_every_edge_on_one_side(name: str, value: str | float, label: str) -> None:
    assert load_label_map(name).tasks["sentiment"].translate(value) == label


def test_values_outside_the_bounds_and_words_are_refused() -> None:
    stars = load_label_map("twexportly_stars").tasks["sentiment"]
    with pytest.raises(BadValue, match="sentiment is 4") as caught:
        stars.translate(4.0)
    assert caught.value.reason == "unknown_label" and "outside -1 to 1" in caught.value.detail
    with pytest.raises(BadValue, match="not a number"):
        stars.translate("good")


def test_a_gap_between_bounds_is_unknown_and_not_wrong() -> None:
    task = parse_label_map(bounds("{low: [0, 4], high: [6, 10]}"), "m").tasks["s"]
    assert [task.translate(value) for value in (0.0, 3.99, 4.0, 5.0, 6.0, 10.0)] == [
        "low", "low", None, None, "high", "high",
    ]  # fmt: skip


def test_scene15_reads_original_plain_and_numbered_folders_alike() -> None:
    scene = load_label_map("scene15").tasks["scene"]
    for original, plain, number in (
        ("MITcoast", "coast", "05"),
        ("MITopencountry", "open country", "10"),
        ("MITtallbuilding", "tall building", "12"),
        ("CALsuburb", "suburb", "01"),
    ):
        assert scene.translate(original) == scene.translate(plain) == scene.translate(number)
    assert scene.translate("store") is None
    with pytest.raises(BadValue, match="'15', which the label map does not list"):
        scene.translate("15")


def test_several_labels_of_a_row_are_one_where_they_become_the_same() -> None:
    topic = load_label_map("tweettopic").tasks["topic"]
    assert topic.translate(("sports", "fitness_&_health", "family")) == "sport"
    assert topic.translate(("family", "gaming")) is None
    with pytest.raises(BadValue, match="music and sport at once") as caught:
        topic.translate(("sports", "music"))
    assert caught.value.reason == "several_labels"


def test_places_leaves_the_other_classes_unknown() -> None:
    scene = load_label_map("places").tasks["scene"]
    assert scene.translate("desert/sand") == "desert" and scene.translate("airfield") is None


def test_words_of_yaml_stay_words() -> None:
    task = parse_label_map(labels("{no: off, 0: zero, 0.5: half, on: null}"), "m").tasks["s"]
    assert [task.translate(v) for v in ("No", "0", 0.0, 0.5, "on")] == ["off", "zero", "zero", "half", None]


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("", "", "is empty"),
        ("source: [", "line 1", "expected the node content"),
        ("- a", "line 1", "the file is no mapping"),
        ("source: ours\ntasks: {}\n", "line 1", "note is missing"),
        ("source: theirs\nnote: n\ntasks: {}\n", "line 1", "write paper or ours"),
        ("source: ours\nnote: n\ntasks: {}\n", "line 3", "tasks is empty"),
        ("source: ours\nnote: n\nlabels: {}\ntasks: {}\n", "line 3", "'labels', which is none of"),
        (labels("{a: b, A: c}"), "line 5", "'A' twice"),
        (labels("{a: b, a: c}"), "line 5", "'a' twice"),
        (labels("{a: [b]}"), "line 5", "s.labels.a is no text"),
        (labels("{a: null}"), "line 5", "gives none of ours"),
        (labels("{a: b}", "    unlisted: maybe\n"), "line 6", "write refuse or unknown"),
        (labels("{a: b}", "    bounds: {a: [0, 1]}\n"), "line 5", "either labels or bounds"),
        (labels("{a: b}", "    form: x\n"), "line 6", "'form', which is none of from"),
        (bounds("{a: [0, 5], b: [4, 9]}"), "line 5", "a and b overlap at 4"),
        (bounds("{a: [5, 0]}"), "line 5", "must rise"),
        (bounds("{a: [0, high]}"), "line 5", "no pair of numbers"),
        (bounds("{a: [0, .inf]}"), "line 5", "no pair of numbers"),
        (bounds("{a: 3}"), "line 5", "no pair of numbers"),
    ],
)
def test_a_wrong_file_is_told_in_one_line(text: str, line: str, told: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_label_map(text, "mine.yaml")
    message = str(caught.value)
    assert "mine.yaml" in message and line in message and told in message and "\n" not in message


def test_maps_are_named_or_are_files(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(labels("{a: b}"), encoding="utf-8")
    assert load_label_map(str(own)).tasks["s"].translate("a") == "b"
    assert label_map_text(str(own)) == own.read_text(encoding="utf-8")
    with pytest.raises(UserError, match=r"shipped are .*mvsa"):
        label_map_text("mvsa_single")
    with pytest.raises(UserError, match="No such file"):
        label_map_text(str(tmp_path / "gone.yaml"))
    own.write_bytes(b"note: caf\xe9")
    with pytest.raises(UserError, match="not UTF-8"):
        load_label_map(str(own))
