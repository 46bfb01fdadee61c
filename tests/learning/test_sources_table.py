"""Tables with labels, the user's own and the real exports of tweets: rows in, examples and reasons out, none lost."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from components.errors import UserError
from components.items.readers import read_table
from components.learning.examples import list_examples, read_examples, settle
from components.learning.spec import LabelledSource, Task
from components.records import Example, Quarantine

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SENTIMENT = {"sentiment": Task(labels=("positive", "neutral", "negative"))}
REAL = Path(__file__).parents[2].parent / "shared" / "data" / "real"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real tweets are not on this machine")
EXPORTS = ("openai", "deepseek_ai", "mkbhd", "mrbeast", "yale", "dunemovie", "elonmusk")


def read(source: LabelledSource, tasks: Mapping[str, Task]) -> tuple[list[Example], list[Quarantine]]:
    entries = list_examples(source)
    examples, refused = read_examples(entries, source, tasks, NOW)
    assert len(examples) + len(refused) == len(entries)
    return examples, refused


def table(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding)
    return path


def test_columns_say_what_is_what(tmp_path: Path) -> None:
    Image.new("RGB", (32, 24), "red").save(tmp_path / "a.jpg")
    path = table(
        tmp_path / "t.csv",
        "body,photo,who,sent,mood,readability\n"
        "Ann &amp; Bob,a.jpg,ann,2024-05-01 12:00,Happy,61.5\n"
        "no picture,,bob,2024-05-01 12:00,sad,\n"
        "gone,b.jpg,bob,,happy,3\n"
        "far,https://x/c.jpg,bob,,happy,3\n"
        ",,bob,,happy,3\n"
        "when?,,bob,02/03/2024,happy,3\n"
        "odd,,bob,,furious,\n"
        "odd but readable,,bob,,furious,12\n"
        "worded number,,bob,,,many\n"
        "nothing,,bob,,,\n",
    )
    columns = {
        "text": "body", "image": "photo", "author": "who", "published_at": "sent",
        "label.mood": "mood", "label.readability": "readability",
    }  # fmt: skip
    source = LabelledSource(source="table", path=path, columns=columns, timezone="Europe/Berlin")
    tasks = {"mood": Task(labels=("happy", "sad")), "readability": Task(kind="regression")}
    examples, refused = read(source, tasks)
    assert [json.loads(example.labels) for example in examples] == [
        {"mood": "happy", "readability": 61.5},
        {"mood": "sad"},
        {"readability": 12.0},
    ]
    first = examples[0]
    assert (first.text, first.author, first.dataset) == ("Ann &amp; Bob", "ann", "t")
    assert first.published_at == datetime(2024, 5, 1, 10, 0, tzinfo=UTC)
    assert first.sha256 and first.image_path == str(tmp_path / "a.jpg") and examples[1].sha256 is None
    assert [row.reason for row in refused] == [
        "picture_missing", "picture_missing", "empty", "bad_time", "unknown_label", "bad_number", "no_label",
    ]  # fmt: skip
    assert "'furious'" in refused[4].detail and refused[4].source_uri == f"{path}#7"
    examples, refused = read(source.model_copy(update={"columns": columns | {"image": ""}}), tasks)
    assert all(example.sha256 is None for example in examples) and len(examples) == 5


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_the_same_rows_in_any_kind_of_table_give_the_same_labels(tmp_path: Path, kind: str) -> None:
    rows = [
        {"id": 7, "text": "good", "label": 2},
        {"id": 8, "text": "bad", "label": 0},
        {"id": 9, "text": "hm", "label": None},
    ]
    path = tmp_path / f"t.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        path.write_text("id,text,label\n7,good,2\n8,bad,0\n9,hm,\n", encoding="utf-8")
    source = LabelledSource(source="table", path=path, name="t", task="sentiment", label_map="tweeteval_sentiment")
    examples, refused = read(source, SENTIMENT)
    assert [(example.text, example.labels) for example in examples] == [
        ("good", '{"sentiment": "positive"}'),
        ("bad", '{"sentiment": "negative"}'),
    ]
    assert [example.source_uri for example in examples] == [f"{path}#id=7", f"{path}#id=8"]
    assert [row.reason for row in refused] == ["no_label"]


def test_labels_can_be_found_by_their_columns_names(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", "text,label.mood,label.tone\na,happy,dry\n")
    assert json.loads(
        read(LabelledSource(source="table", path=path), {"mood": Task(), "tone": Task()})[0][0].labels
    ) == {
        "mood": "happy",
        "tone": "dry",
    }


def test_a_folder_of_tables_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    table(tmp_path / "b.csv", "text,mood\nb,x\n")
    table(tmp_path / "a.tsv", "text\tmood\na\tx\n")
    table(tmp_path / "readme.md", "no table")
    source = LabelledSource(source="table", path=tmp_path, task="mood", limit=2)
    assert [example.text for example in read(source, {"mood": Task()})[0]] == ["a", "b"]


def test_old_encodings_are_read(tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", "text,mood\ncafé – “déjà vu”,x\n", "cp1252")
    assert (
        read(LabelledSource(source="table", path=path, task="mood"), {"mood": Task()})[0][0].text == "café – “déjà vu”"
    )


def test_nested_labels_and_broken_rows_are_refused_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(
        '{"text": "a", "mood": {"x": 1}}\n{"text": "b", "mood": ["x", "y"]}\n{oops\n{"text": "c", "mood": true}\n'
    )
    examples, refused = read(LabelledSource(source="table", path=path, task="mood"), {"mood": Task()})
    assert [example.labels for example in examples] == ['{"mood": "true"}']
    assert [row.reason for row in refused] == ["bad_row", "several_labels", "bad_row"]


@pytest.mark.parametrize(
    ("text", "columns", "told"),
    [
        ("", {}, "is empty"),
        ("text,mood\n", {"label.mood": "mood"}, "has no rows"),
        ("text,mood\na,b\n", {}, "which column holds labels"),
        ("text,mood\na,b\n", {"label.mood": "tone"}, "'tone', but .* has text, mood"),
        ("text,mood\na,b\n", {"text": "body", "label.mood": "mood"}, "'body'"),
        ("text,mood\na,b\n", {"caption": "text", "label.mood": "mood"}, "'caption' is none of image, text"),
        ("a,mood\na,b\n", {"label.mood": "mood"}, "no text and no picture column"),
        ('text,mood\n"a,b\n', {"label.mood": "mood"}, "breaks the CSV rules"),
    ],
)
def test_a_table_that_cannot_be_read_is_the_users_error(
    tmp_path: Path, text: str, columns: dict[str, str], told: str
) -> None:
    path = table(tmp_path / "t.csv", text)
    with pytest.raises(UserError, match=told):
        list_examples(LabelledSource(source="table", path=path, columns=columns))


def test_no_table_at_all_is_the_users_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone.csv"):
        with pytest.raises(UserError, match="is no table"):
            list_examples(LabelledSource(source="table", path=path))
    (tmp_path / "t.parquet").write_bytes(b"PAR1 not")
    with pytest.raises(UserError, match="parquet"):
        list_examples(LabelledSource(source="table", path=tmp_path / "t.parquet"))


@needs_real
def test_real_star_scores_of_three_accounts() -> None:
    path = REAL / "sentiment" / "tweets_TwExportly_sentiments__dev.csv"
    source = LabelledSource(
        source="table", path=path, columns={"label.sentiment": "sentiment"}, label_map="twexportly_stars",
        timezone="America/New_York",
    )  # fmt: skip
    examples, refused = read(source, SENTIMENT)
    assert len(examples) + len(refused) == len(read_table(path).rows) == 2371
    assert Counter(row.reason for row in refused) == {"empty": 31}
    assert {example.author for example in examples} == {"elonmusk", "mkbhd", "mrbeast"}
    assert all(example.published_at for example in examples) and not any(
        "&amp;" in example.text for example in examples
    )
    assert Counter(example.labels for example in examples) == {
        '{"sentiment": "positive"}': 933, '{"sentiment": "neutral"}': 832, '{"sentiment": "negative"}': 575,
    }  # fmt: skip


@needs_real
def test_real_percent_scores_with_one_tweet_scored_twice() -> None:
    path = REAL / "sentiment" / "lec_04_tweets_sentiment.csv"
    source = LabelledSource(
        source="table", path=path, columns={"label.sentiment": "sentiment"}, label_map="gpt_percent", author="yale"
    )
    examples, refused = read(source, SENTIMENT)
    assert (len(examples), len(refused)) == (980, 0) and {example.author for example in examples} == {"yale"}
    twice = [example for example in examples if example.source_uri.endswith("(2)")]
    assert len(twice) == 1
    kept, out = settle(examples, NOW)
    assert len(kept) + len(out) == 980 and twice[0].labels == '{"sentiment": "positive"}'
    assert twice[0].source_uri in {row.source_uri for row in out if row.reason == "duplicate"}
    numbers, _ = read(source.model_copy(update={"label_map": ""}), {"sentiment": Task(kind="regression")})
    _, out = settle(numbers, NOW)
    clash = [row for row in out if row.source_uri.removesuffix("(2)") == twice[0].source_uri.removesuffix("(2)")]
    assert [row.reason for row in clash] == ["conflicting_labels"] * 2
    assert {"80.0", "75.0"} <= set(clash[0].detail.replace("'", "").split())


@needs_real
@pytest.mark.parametrize("account", EXPORTS)
def test_real_exports_of_tweets_lose_no_row(account: str) -> None:
    path = next((REAL / "tweets").glob(f"TwExportly_{account}_tweets_*.csv"))
    source = LabelledSource(source="table", path=path, columns={"label.likes": "favorite_count"})
    examples, refused = read(source, {"likes": Task(kind="regression")})
    assert len(examples) + len(refused) == len(read_table(path).rows)
    assert {row.reason for row in refused} <= {"empty", "deleted", "retweet"} and len(examples) > len(refused)
    assert {example.author for example in examples} == {account}
    assert len({example.source_uri for example in examples} | {row.source_uri for row in refused}) == len(
        examples
    ) + len(refused)
    kept, out = settle(examples, NOW)
    assert len(kept) + len(out) == len(examples)
