"""csv, jsonl and parquet: names of columns, encodings, broken rows, pictures beside the table."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import UserError
from components.items import list_entries, read_entries
from components.items.entries import LONGEST_TEXT, Entry
from components.records import Item, Quarantine
from components.specs import DatasetSpec
from tests.items.listing import listed

Save = Callable[..., Path]


def ingest(path: Path, source: str = "csv", **options: object) -> tuple[list[Entry], list[Item], list[Quarantine]]:
    spec = DatasetSpec(source=source, path=path, **options)  # type: ignore[arg-type]
    entries = listed(spec)
    items, refused = read_entries(entries, spec)
    assert len(items) + len(refused) == len(entries)
    assert len({entry.source_uri for entry in entries}) == len(entries)
    return entries, items, refused


def written(path: Path, data: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


ROW = {"text": "Hello", "author": "ann", "language": "en", "published_at": "2024-02-09T12:00:00Z", "likes": 12,
       "replies": 3, "reposts": 4, "views": 1500}  # fmt: skip


def check(item: Item) -> None:
    assert (item.text, item.author, item.language) == ("Hello", "ann", "en")
    assert item.published_at == datetime(2024, 2, 9, 12, tzinfo=UTC)
    assert (item.likes, item.replies, item.reposts, item.views) == (12, 3, 4, 1500)
    assert item.image_path is None and item.sha256 is None and item.dataset == "t"


@pytest.mark.parametrize("source", ["csv", "jsonl", "parquet"])
def test_a_text_as_long_as_a_book_is_set_aside(tmp_path: Path, source: str) -> None:
    """It would take the taggers of later steps minutes and gigabytes, or end them."""
    texts = ["word " * (LONGEST_TEXT // 5), "word " * (LONGEST_TEXT // 5) + "more", "A boat."]
    path = tmp_path / f"t.{source}"
    if source == "parquet":
        pq.write_table(pa.table({"text": texts}), path)
    else:
        lines = [json.dumps({"text": text}) if source == "jsonl" else text for text in texts]
        written(path, "\n".join((["text"] if source == "csv" else []) + lines) + "\n")
    _, items, refused = ingest(path, source)
    assert [len(item.text) for item in items] == [LONGEST_TEXT - 1, 7]
    assert [(row.reason, row.detail.rpartition(": ")[2]) for row in refused] == [
        ("too_large", "its text has 100,004 characters; at most 100,000 are read")
    ]


def test_the_same_row_from_each_kind(tmp_path: Path) -> None:
    rows = [ROW, ROW | {"text": "Bye", "likes": None}]
    csv_text = (
        ",".join(ROW) + "\nHello,ann,en,2024-02-09T12:00:00Z,12,3,4,1.5K\nBye,ann,en,2024-02-09T12:00:00Z,,3,4,1500\n"
    )
    jsonl = "".join(json.dumps(row) + "\n" for row in rows)
    table = pa.Table.from_pylist([row | {"published_at": datetime(2024, 2, 9, 12, tzinfo=UTC)} for row in rows])
    pq.write_table(table, tmp_path / "t.parquet")
    for source, path in {
        "csv": written(tmp_path / "t.csv", csv_text), "jsonl": written(tmp_path / "t.jsonl", jsonl),
        "parquet": tmp_path / "t.parquet",
    }.items():  # fmt: skip
        _, items, refused = ingest(path, source)
        assert refused == []
        check(items[0])
        assert items[1].likes is None and items[1].text == "Bye"
        assert [item.source_uri for item in items] == [f"{path}#1", f"{path}#2"]


def test_synonyms_any_case_and_the_first_of_them(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "ID,Full Text,Screen_Name,Lang,Created At,Like Count,Comments,Shares,Impressions"
                   "\n5,Hello,ann,en,2024-02-09T12:00:00Z,12,3,4,1500\n")  # fmt: skip
    _, items, _ = ingest(path)
    check(items[0])
    assert items[0].source_id == "5" and items[0].source_uri == f"{path}#id=5"


def test_columns_of_the_campaign_win(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "text,body,likes\nwrong,right,many\n")
    _, items, _ = ingest(path, columns={"text": "body", "likes": ""})
    assert (items[0].text, items[0].likes) == ("right", None)


@pytest.mark.parametrize(
    ("content", "columns", "line"),
    [
        ("text\nx\n", {"text": "body"}, r"dataset.columns: text is to come from 'body', but .*t\.csv has text"),
        ("text\nx\n", {"headline": "text"}, "'headline' is no field of an item; the fields are image, text"),
        ("a,b\n1,2\n", {}, r"no text and no picture column among a, b; say which with dataset\.columns"),
        ("text\n", {}, "has no rows"), ("", {}, "is empty"),
        ('text\n"never closed\nx\n', {}, "line 3 breaks the CSV rules"), (b"text\n\x81\xff\n", {}, "save it as UTF-8"),
    ],
)  # fmt: skip
def test_one_clear_line_for_what_the_user_can_mend(
    tmp_path: Path, content: str, columns: dict[str, str], line: str
) -> None:
    with pytest.raises(UserError, match=line) as caught:
        ingest(written(tmp_path / "t.csv", content), columns=columns)
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value) + str(tmp_path) * (
        "headline" in columns
    )


def test_paths_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.csv does not exist"):
        ingest(tmp_path / "nowhere.csv")
    with pytest.raises(UserError, match=r"has no \.csv or \.tsv file"):
        ingest(tmp_path)
    with pytest.raises(UserError, match="no time zone 'Mars/Olympus'"):
        ingest(written(tmp_path / "t.csv", "text\nx\n"), timezone="Mars/Olympus")
    with pytest.raises(UserError, match="cannot be read as parquet"):
        ingest(written(tmp_path / "t.parquet", "text\nx\n"), "parquet")
    with pytest.raises(UserError, match="no line of it is a JSON object"):
        ingest(written(tmp_path / "t.jsonl", "text\nx\n"), "jsonl")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_encodings(tmp_path: Path, encoding: str, caplog: pytest.LogCaptureFixture) -> None:
    path = written(tmp_path / "t.csv", "text\n“Café” … it’s €5\n".encode(encoding))
    with caplog.at_level(logging.WARNING):
        _, items, _ = ingest(path)
    assert items[0].text == "“Café” … it’s €5"
    assert ("Windows-1252" in caplog.text) == (encoding == "cp1252")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_and_fields_with_line_breaks(tmp_path: Path, delimiter: str) -> None:
    path = written(
        tmp_path / "t.csv", delimiter.join(["text", "likes"]) + '\r\n"one\n""two"", three"' + delimiter + "5\r\n\r\n"
    )
    _, items, _ = ingest(path)
    assert [(item.text, item.likes) for item in items] == [('one\n"two", three', 5)]


def test_rows_that_are_wrong_are_quarantined_each_with_its_reason(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "text,likes,published_at\nfine,1,\nshort,1\nlong,1,,x\nspare,1,,\n"
                   "odd,many,\nlate,1,soon\n,1,\n@ann https://a.b,1,\nlast,2,2024-01-01\n")  # fmt: skip
    _, items, refused = ingest(path)
    assert [item.text for item in items] == ["fine", "spare", "last"]
    assert [(row.source_uri.split("#")[1], row.reason) for row in refused] == [
        ("2", "bad_row"), ("3", "bad_row"), ("5", "bad_number"), ("6", "bad_time"), ("7", "empty"), ("8", "empty"),
    ]  # fmt: skip
    assert refused[2].detail == "row 5: likes is 'many', not a count" and "'soon'" in refused[3].detail


def test_jsonl_lines_that_are_wrong(tmp_path: Path) -> None:
    lines = ['{"text": "ok"}', "{broken", "[1]", "", '{"text": {"de": "x"}}', '{"text": "\\ud83d cut"}', '{"other": 1}']
    _, items, refused = ingest(written(tmp_path / "t.jsonl", "\n".join(lines)), "jsonl")
    assert [item.text for item in items] == ["ok", "\ufffd cut"]
    assert [row.reason for row in refused] == ["bad_row", "bad_row", "bad_row", "empty"]


def test_a_row_keeps_its_name_and_stamp_when_others_are_put_above_it(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "id,text\n7,seven\n8,eight\n8,eight again\n")
    before, _, _ = ingest(path)
    assert [entry.source_uri.split("#")[1] for entry in before] == ["id=7", "id=8", "id=8(2)"]
    written(path, "id,text\n9,nine\n7,seven\n8,changed\n")
    after, _, _ = ingest(path)
    assert (after[1].source_uri, after[1].stamp) == (before[0].source_uri, before[0].stamp)
    assert after[2].source_uri == before[1].source_uri and after[2].stamp != before[1].stamp


def test_what_is_mended_is_read_again(tmp_path: Path) -> None:
    """A new stamp wherever reading could give something else now: the row, the spec, the picture, its rights."""
    path = written(tmp_path / "t.csv", "text,likes,image\nx,many,a.png\n")
    stamps = [ingest(path)[0][0].stamp, ingest(path, columns={"likes": ""})[0][0].stamp]
    stamps += [ingest(path, timezone="Europe/Berlin")[0][0].stamp, ingest(path, max_pixels=5)[0][0].stamp]
    written(tmp_path / "a.png", b"x")
    stamps.append(ingest(path)[0][0].stamp)
    assert len(set(stamps)) == len(stamps)
    assert ingest(path)[0][0].stamp == stamps[-1]


def test_pictures_beside_the_table(tmp_path: Path, save: Save) -> None:
    save("pictures/one.png")
    save("two.png")
    path = written(tmp_path / "t.csv", "image,text\npictures/one.png,first\npictures\\one.png,second\n"
                   "C:\\old\\two.png,third\ngone.png,carried by its text\ngone.png,\n"
                   "https://x.org/a.png,web\n,only text\n")  # fmt: skip
    _, items, refused = ingest(path)
    assert [(item.text, Path(item.image_path).name if item.image_path else None) for item in items] == [
        ("first", "one.png"), ("second", "one.png"), ("third", "two.png"), ("carried by its text", None), ("web", None),
        ("only text", None),
    ]  # fmt: skip
    assert [(row.reason, row.detail) for row in refused] == [
        ("picture_missing", "row 5: names 'gone.png', which is not there, and it has no text")
    ]


def test_a_folder_of_tables(tmp_path: Path) -> None:
    written(tmp_path / "in/b.csv", "text\nb\n")
    written(tmp_path / "in/a/a.csv", "text\na\n")
    written(tmp_path / "in/.hidden.csv", "text\nx\n")
    written(tmp_path / "in/notes.txt", "no table")
    _, items, _ = ingest(tmp_path / "in")
    assert [item.text for item in items] == ["a", "b"]


def test_parquet_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "text": pa.array(["a", "b", None]),
            "likes": pa.array([1.0, None, float("nan")]),
            "published_at": pa.array([datetime(2024, 1, 1), None, None], pa.timestamp("ns")),
            "image": pa.array([None, b"bytes", None], pa.binary()),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    _, items, refused = ingest(tmp_path / "t.parquet", "parquet", timezone="Europe/Berlin")
    assert [(item.text, item.likes, item.published_at) for item in items] == [
        ("a", 1, datetime(2023, 12, 31, 23, tzinfo=UTC))
    ]
    assert [row.reason for row in refused] == ["bad_row", "empty"]


def test_what_is_wrong_with_any_file_of_a_folder_is_raised_before_the_first_entry(tmp_path: Path) -> None:
    written(tmp_path / "in/a.csv", "text\nHello\n")
    written(tmp_path / "in/b.csv", 'text\n"never closed\n')
    with pytest.raises(UserError, match=r"b\.csv: line \d breaks the CSV rules"):
        list_entries(DatasetSpec(source="csv", path=tmp_path / "in"))
    written(tmp_path / "in/b.csv", "nothing,of,use\n1,2,3\n")
    with pytest.raises(UserError, match=r"b\.csv: no text and no picture column"):
        list_entries(DatasetSpec(source="csv", path=tmp_path / "in"))


@pytest.mark.parametrize(
    ("source", "then", "said"),
    [
        ("csv", b'text\n"never closed\n', "breaks the CSV rules"),
        ("jsonl", b'{"text": "caf\xe9"}\n', "was changed while it was read"),
        ("parquet", b"PAR1 no more", "cannot be read as parquet"),
        ("parquet", None, "cannot be read"),
        ("jsonl", None, "cannot be read"),
    ],
)
def test_a_table_that_breaks_while_it_is_read_is_an_error_of_the_user(
    source: str, then: bytes | None, said: str, tmp_path: Path
) -> None:
    path = tmp_path / f"t.{source}"
    if source == "parquet":
        pq.write_table(pa.Table.from_pylist([{"text": "Hello"}]), path)
    else:
        written(path, "text\nHello\n" if source == "csv" else '{"text": "Hello"}\n')
    entries = list_entries(DatasetSpec(source=source, path=path))  # type: ignore[arg-type]
    if then is None:
        path.unlink()
    else:
        path.write_bytes(then)
    with pytest.raises(UserError, match=said) as raised:
        list(entries)
    assert str(path) in str(raised.value)


def test_a_parquet_file_with_two_columns_of_one_name_is_refused(tmp_path: Path) -> None:
    pq.write_table(
        pa.table([pa.array(["first"]), pa.array(["second"])], names=["text", "text"]), tmp_path / "t.parquet"
    )
    with pytest.raises(UserError, match="two columns named 'text'"):
        list_entries(DatasetSpec(source="parquet", path=tmp_path / "t.parquet"))


def test_a_damaged_page_of_parquet_is_an_error_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"text": [f"post {n} about boats" for n in range(5000)]}), path, compression="none")
    data = bytearray(path.read_bytes())
    data[10:3000] = b"\xff" * 2990
    path.write_bytes(data)
    entries = list_entries(DatasetSpec(source="parquet", path=path))
    with pytest.raises(UserError, match="cannot be read") as raised:
        list(entries)
    assert "\n" not in str(raised.value) and str(path) in str(raised.value)
