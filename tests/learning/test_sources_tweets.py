"""MVSA, TweetEval and TweetTopic, each in a small set of its exact form on disk, with the dirt it is known for."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from components.errors import UserError
from components.learning.examples import list_examples, read_examples
from components.learning.sources.mvsa import joint, majority
from components.learning.spec import LabelledSource, Task
from components.records import Example, Quarantine

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SENTIMENT = Task(labels=("positive", "neutral", "negative"))
Read = tuple[list[Example], list[Quarantine]]


def read(source: LabelledSource, tasks: Mapping[str, Task]) -> Read:
    entries = list_examples(source)
    examples, refused = read_examples(entries, source, tasks, NOW)
    assert len(examples) + len(refused) == len(entries)
    return examples, refused


def labels(examples: Sequence[Example]) -> list[dict[str, str | float]]:
    return [json.loads(example.labels) for example in examples]


def reasons(refused: Sequence[Quarantine]) -> list[str]:
    return [row.reason for row in refused]


def write_mvsa(folder: Path, header: str, rows: Mapping[str, str], texts: Mapping[str, bytes]) -> LabelledSource:
    (folder / "data").mkdir()
    for number, (name, text) in enumerate(texts.items()):
        (folder / "data" / f"{name}.txt").write_bytes(text)
        Image.new("RGB", (40, 30), (number * 20, 90, 120)).save(folder / "data" / f"{name}.jpg")
    lines = [header, *(f"{name.split('+')[0]}\t{cells}" for name, cells in rows.items())]
    (folder / "labelResultAll.txt").write_bytes(("\r\n".join(lines) + "\r\n").encode())
    return LabelledSource(source="mvsa", path=folder, name="mvsa")


@pytest.fixture
def single(tmp_path: Path) -> LabelledSource:
    texts = {
        "1": b"How I feel today #legday #gym \n",
        "2": "RT @a: it’s déjà vu… http://t.co/x".encode("cp1252"),
        "3": "grins 😀 &amp; bears".encode(),
        "4": b"broken \x81 byte \x92",
        "5": b"contradicts itself",
        "6": b"no label",
        "7": b"picture is cut off",
        "8": b"no picture",
        "9": b"odd label",
    }
    rows = {
        "1": "positive,positive", "2": "neutral,negative", "3": "positive,neutral", "4": "neutral,neutral",
        "5": "positive,negative", "7": "positive,positive", "8": "negative,negative", "9": "positive",
        "10": "positive,positive",
    }  # fmt: skip
    source = write_mvsa(tmp_path, "ID\ttext,image", rows, texts)
    cut = tmp_path / "data" / "7.jpg"
    cut.write_bytes(cut.read_bytes()[:-20])
    (tmp_path / "data" / "8.jpg").unlink()
    return source


def test_mvsa_single(single: LabelledSource) -> None:
    examples, refused = read(single, {"sentiment": SENTIMENT})
    assert [example.source_uri.rsplit("#", 1)[1] for example in examples] == ["id=1", "id=2", "id=3", "id=4"]
    assert [found["sentiment"] for found in labels(examples)] == ["positive", "negative", "positive", "neutral"]
    assert [example.text for example in examples] == [
        "How I feel today #legday #gym",
        "RT @a: it’s déjà vu… http://t.co/x",
        "grins 😀 &amp; bears",
        "broken  byte ’",
    ]
    assert all(example.sha256 and example.image_path for example in examples)
    by_uri = {row.source_uri.rsplit("#id=", 1)[-1].rsplit("/", 1)[-1]: row for row in refused}
    assert {name: row.reason for name, row in by_uri.items()} == {
        "5": "conflicting_labels",
        "7": "truncated",
        "8": "picture_missing",
        "9": "bad_row",
        "10": "text_missing",
        "6.jpg": "no_label",
    }
    assert "text positive, picture negative" in by_uri["5"].detail


def test_mvsa_keeps_what_was_said_of_text_and_picture_apart(single: LabelledSource) -> None:
    tasks = {name: SENTIMENT for name in ("sentiment", "text_sentiment", "image_sentiment")}
    examples, refused = read(single.model_copy(update={"label_map": "mvsa"}), tasks)
    found = dict(zip((example.source_uri.rsplit("=", 1)[1] for example in examples), labels(examples), strict=True))
    assert found["2"] == {"sentiment": "negative", "text_sentiment": "neutral", "image_sentiment": "negative"}
    assert found["5"] == {"text_sentiment": "positive", "image_sentiment": "negative"}
    assert "conflicting_labels" not in reasons(refused)


def test_mvsa_multiple_takes_what_most_of_three_say(tmp_path: Path) -> None:
    pos, neu, neg = "positive", "neutral", "negative"
    rows = {
        "1": f"{pos},{neu}\t{pos},{pos}\t{neg},{neu}",  # positive + neutral
        "2": f"{pos},{pos}\t{neu},{pos}\t{neg},{pos}",  # nobody agrees on the text
        "3": f"{neg},{pos}\t{neg},{pos}\t{neg},{neg}",  # negative + positive
        "4": f"{neu},{neu}\t{neu},{neu}\t{pos},{neg}",
        "5": f"{pos},{pos}\t{pos},{pos}",  # one annotator's cell is missing
    }
    texts = {str(number): b"text %d" % number for number in range(1, 6)}
    source = write_mvsa(tmp_path, "ID\ttext,image\ttext,image\ttext,image", rows, texts)
    tasks = {"sentiment": SENTIMENT, "image_sentiment": SENTIMENT}
    examples, refused = read(source, tasks)
    assert labels(examples) == [
        {"sentiment": "positive", "image_sentiment": "neutral"},
        {"image_sentiment": "positive"},
        {"image_sentiment": "positive"},
        {"sentiment": "neutral", "image_sentiment": "neutral"},
    ]
    assert reasons(refused) == ["bad_row"]
    _, refused = read(source, {"sentiment": SENTIMENT})
    assert reasons(refused) == ["no_majority", "conflicting_labels", "bad_row"]


def test_mvsa_rows_that_come_twice_keep_names_of_their_own(tmp_path: Path) -> None:
    rows = {"1": "positive,positive", "1+": "positive,positive"}
    source = write_mvsa(tmp_path, "ID\ttext,image", rows, {"1": b"a"})
    uris = [entry.source_uri.rsplit("#", 1)[1] for entry in list_examples(source)]
    assert uris == ["id=1", "id=1(2)"]


def test_mvsa_rules() -> None:
    assert [joint(a, b) for a, b in (("positive", "neutral"), ("neutral", "negative"), ("positive", "negative"))] == [
        "positive", "negative", None,
    ]  # fmt: skip
    assert majority(["a", "a", "b"]) == "a" and majority(["a", "b", "c"]) is None and majority(["a"]) == "a"


@pytest.mark.parametrize("content", [b"", b"ID,text\n1,positive\n", b"ID\ttext,image\n"])
def test_mvsa_without_a_proper_label_file_is_the_users_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "labelResultAll.txt").write_bytes(content)
    with pytest.raises(UserError, match="labelResultAll"):
        list_examples(LabelledSource(source="mvsa", path=tmp_path))


def write_tweeteval(folder: Path, sets: Mapping[str, Sequence[tuple[str, str]]], mapping: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mapping.txt").write_text(mapping, encoding="utf-8", newline="")
    for name, pairs in sets.items():
        for kind, place in (("text", 0), ("labels", 1)):
            body = "".join(f"{pair[place]}{' ' if kind == 'text' else ''}\n" for pair in pairs)
            (folder / f"{name}_{kind}.txt").write_bytes(body.encode())


DIRT = [
    (r'"QT @user I\u2019m \""so\"" glad\u002c really"', "2"),
    ("tea &amp; rain\u2028all day \x85 :(", "0"),
    (r"in life\n\n#BeyondTheSphere", "1"),
    ("", "1"),
]


def test_tweeteval_with_what_exports_left_in_its_texts(tmp_path: Path) -> None:
    folder = tmp_path / "sentiment"
    write_tweeteval(folder, {"train": DIRT, "val": [("ok", "1")]}, "0\tnegative\n1\tneutral\n2\tpositive\n")
    (folder / "test_text.txt").write_bytes(b"kept secret \nto the end \n")
    source = LabelledSource(source="tweeteval", path=folder, label_map="tweeteval_sentiment")
    examples, refused = read(source, {"sentiment": SENTIMENT})
    assert [example.text for example in examples] == [
        '"QT @user I’m "so" glad, really"',
        "tea & rain\nall day … :(",
        "in life\n\n#BeyondTheSphere",
        "ok",
    ]
    assert [found["sentiment"] for found in labels(examples)] == ["positive", "negative", "neutral", "neutral"]
    assert reasons(refused) == ["empty", "no_label", "no_label"]
    assert examples[3].source_uri.endswith("val_text.txt#1") and examples[0].language == "en"


def test_tweeteval_stance_has_its_mapping_above_and_emotion_none_at_its_end(tmp_path: Path) -> None:
    write_tweeteval(tmp_path / "stance" / "climate", {"train": [("melt", "2"), ("freeze", "7")]}, "")
    (tmp_path / "stance" / "climate" / "mapping.txt").unlink()
    (tmp_path / "stance" / "mapping.txt").write_text("0\tnone\n1\tagainst\n2\tfavor", encoding="utf-8")
    source = LabelledSource(source="tweeteval", path=tmp_path / "stance" / "climate", task="stance")
    examples, refused = read(source, {"stance": Task()})
    assert labels(examples) == [{"stance": "favor"}] and reasons(refused) == ["unknown_label"]
    write_tweeteval(
        tmp_path / "emotion", {"train": [("grr", "0"), ("hope", "2")]}, "0\tanger\n1\tjoy\n2\toptimism\n3\tsadness"
    )
    source = LabelledSource(source="tweeteval", path=tmp_path / "emotion", label_map="tweeteval_emotion")
    examples, _ = read(source, {"sentiment": SENTIMENT, "emotion": Task()})
    assert labels(examples) == [
        {"sentiment": "negative", "emotion": "anger"},
        {"sentiment": "positive", "emotion": "optimism"},
    ]


def test_tweeteval_that_lost_a_line_is_not_guessed_at(tmp_path: Path) -> None:
    write_tweeteval(tmp_path, {"train": [("a", "0"), ("b", "1")]}, "0\tx\n1\ty\n")
    (tmp_path / "train_labels.txt").write_text("0\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"has 2 lines and train_labels\.txt 1"):
        list_examples(LabelledSource(source="tweeteval", path=tmp_path))
    with pytest.raises(UserError, match=r"has no train_text\.txt"):
        list_examples(LabelledSource(source="tweeteval", path=tmp_path / "nothing"))


SINGLE = {
    "text": "Game day for {{USERNAME}} U18\u2019s via {@Cardiff Met@} {{URL}}",
    "date": "2019-09-08",
    "label": 4,
    "id": "1170606779568463874",
    "label_name": "sports_&_gaming",
}
MULTI = {
    "date": "2021-03-07",
    "text": "The latest The Movie theater Daily! {{URL}} Thanks to {{USERNAME}} #amc1000",
    "id": "1368464923370676231",
    "label": [0] * 6 + [1] + [0] * 12,
    "label_name": ["film_tv_&_video"],
}
TOPIC = Task(labels=("travel", "nature", "food", "sport", "music", "city life", "animals"))


def lines(*rows: object) -> bytes:
    return b"".join((row if isinstance(row, str) else json.dumps(row)).encode() + b"\n" for row in rows)


def test_tweettopic_single(tmp_path: Path) -> None:
    path = tmp_path / "train_2020.single.json"
    path.write_bytes(lines(SINGLE, SINGLE | {"id": "2", "label_name": "daily_life"}, "{not json", "[1]"))
    source = LabelledSource(source="tweettopic", path=path, label_map="tweettopic")
    examples, refused = read(source, {"topic": TOPIC})
    assert labels(examples) == [{"topic": "sport"}]
    assert examples[0].text == "Game day for @user U18’s via Cardiff Met http"
    assert examples[0].published_at == datetime(2019, 9, 8, tzinfo=UTC)
    assert examples[0].source_uri.endswith("#id=1170606779568463874")
    assert reasons(refused) == ["no_label", "bad_row", "bad_row"]


def test_tweettopic_multi(tmp_path: Path) -> None:
    folder = tmp_path / "split_temporal"
    folder.mkdir()
    names = (
        ["film_tv_&_video"],
        ["music", "celebrity_&_pop_culture"],
        ["sports", "fitness_&_health"],
        ["music", "sports"],
        [],
    )
    rows = [MULTI | {"id": str(n), "text": f"text {n}", "label_name": name} for n, name in enumerate(names)]
    (folder / "train_2020.multi.json").write_bytes(lines(*rows))
    (folder / "label.multi.json").write_text('{"music": 11}', encoding="utf-8")
    source = LabelledSource(source="tweettopic", path=folder, label_map="tweettopic")
    examples, refused = read(source, {"topic": TOPIC})
    assert labels(examples) == [{"topic": "music"}, {"topic": "sport"}]
    assert reasons(refused) == ["no_label", "several_labels", "no_label"]
    (folder / "train_2020.single.json").write_bytes(lines(SINGLE))
    with pytest.raises(UserError, match="both single and multi"):
        list_examples(source)


def test_tweettopic_in_parquet_as_the_hub_converts_it(tmp_path: Path) -> None:
    path = tmp_path / "train_2020-00000-of-00001.parquet"
    pq.write_table(pa.Table.from_pylist([MULTI | {"label_name": ["music"]}]), path)
    source = LabelledSource(source="tweettopic", path=path, label_map="tweettopic")
    assert labels(read(source, {"topic": TOPIC})[0]) == [{"topic": "music"}]


def test_other_json_is_not_taken_for_tweettopic(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(lines({"text": "a", "topic": "b"}))
    with pytest.raises(UserError, match="TweetTopic"):
        list_examples(LabelledSource(source="tweettopic", path=path))
