"""`snapshot`, `backup`, `restore`, `prune` and `export --table`, as a user types them."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from components.errors import UserError
from components.records import Feature, Item
from components.warehouse.store import Store
from flows.cli import main
from flows.export_table import export_table
from flows.settings import Settings

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    settings = Settings(tmp_path / "home").prepare()
    texts = ["plain", "=1+1", "'-5", 'two\nlines, "quoted"']
    items = [
        Item(item_id=f"i{n}", dataset="d", spec_id="D", source_uri=f"u{n}", ingested_at=T0, text=text, likes=n)
        for n, text in enumerate(texts)
    ]
    vectors = [
        Feature(feature_id=f"f{n}", item_id=f"i{n}", spec_id="F", name="clip_image", vector=[0.25, -1.5, n], model="m")
        for n in range(4)
    ]
    settings.store().append({"items": items, "features": vectors})
    return settings.home


def told(capsys: pytest.CaptureFixture[str], home: Path, *words: str, code: int = 0) -> str:
    assert main([*words, "--home", str(home)]) == code
    done = capsys.readouterr()
    return done.out if code == 0 else done.err


def test_snapshot(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "runs renew it" in told(capsys, home, "snapshot")
    with duckdb.connect(home / "warehouse-read.duckdb", read_only=True) as db:
        assert db.execute("SELECT count(*) FROM current_items").fetchone() == (4,)
    assert "there already" in told(capsys, home, "snapshot", "--out", str(home / "warehouse-read.duckdb"), code=2)
    assert json.loads(told(capsys, home, "snapshot", "--json", "--out", str(tmp_path / "f.duckdb")))["bytes"] > 10_000
    assert "runs no longer make it" in told(capsys, home, "snapshot", "--off")
    assert not (home / "warehouse-read.duckdb").exists()


def test_backup_and_restore(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "monday.tar.zst"
    out = told(capsys, home, "backup", str(file))
    assert "warehouse.duckdb" in out and "left out: reports/" in out and "every file is as it was" in out
    assert "is there already" in told(capsys, home, "backup", str(file), code=2)
    out = told(capsys, tmp_path / "new", "restore", str(file))
    assert str(tmp_path / "new") in out.replace("\n", "")
    assert Settings(tmp_path / "new").store().query("SELECT count(*) AS n FROM items") == [{"n": 4}]
    assert "has something in it" in told(capsys, home, "restore", str(file), code=2)
    assert "no runs in" in told(capsys, tmp_path / "nothing", "backup", code=2)


def test_prune(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, home, "prune")
    assert "nothing was changed: --yes does it" in out and "calls" not in out
    found = json.loads(told(capsys, home, "prune", "--what", "calls", "pictures", "--yes", "--json"))["pruned"]
    assert [(one["kind"], one["files"], one["dry_run"]) for one in found] == [
        ("calls", 0, False), ("pictures", 0, False),
    ]  # fmt: skip
    for wrong in ("90", "0d", "d", "1h"):
        with pytest.raises(SystemExit):
            main(["prune", "--older-than", wrong])


@pytest.mark.parametrize("ending", ["parquet", "jsonl", "csv"])
def test_export_of_a_table(home: Path, tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    items, vectors = tmp_path / f"items.{ending}", tmp_path / f"vectors.{ending}"
    out = told(capsys, home, "export", "--table", "items", "--where", "likes > 0", "--out", str(items))
    assert "3 rows of items" in out
    told(capsys, home, "export", "--table", "features", "--out", str(vectors))
    rows = sorted(read(items), key=lambda row: int(row["likes"]))
    found = sorted(read(vectors), key=lambda row: str(row["feature_id"]))
    assert [str(row["likes"]) for row in rows] == ["1", "2", "3"]
    guarded = {"=1+1": "'=1+1", "'-5": "''-5"} if ending == "csv" else {}
    expected = ["=1+1", "'-5", 'two\nlines, "quoted"']
    assert [row["text"] for row in rows] == [guarded.get(text, text) for text in expected]
    parsed = [json.loads(row["vector"]) if ending == "csv" else row["vector"] for row in found]
    assert parsed == [[0.25, -1.5, n] for n in range(4)]
    if ending == "parquet":
        import pyarrow as pa
        from pyarrow import parquet

        assert parquet.read_schema(vectors).field("vector").type.value_type == pa.float32()
        assert str(parquet.read_schema(items).field("ingested_at").type) == "timestamp[us, tz=UTC]"


def read(file: Path) -> list[dict[str, Any]]:
    if file.suffix == ".csv":
        with file.open(newline="") as lines:
            return list(csv.DictReader(lines))
    if file.suffix == ".jsonl":
        return [json.loads(line) for line in file.read_text().splitlines()]
    from pyarrow import parquet

    return parquet.read_table(file).to_pylist()


def test_an_export_that_cannot_be_is_one_line_and_leaves_nothing(home: Path, tmp_path: Path) -> None:
    store = Store(home / "warehouse.duckdb")
    out = tmp_path / "out" / "x.parquet"
    for table, where, match in (
        ("itemz", None, "no table or view 'itemz'; there are .*items"),
        ("items", "nope = 1", "no condition on items: .*nope"),
        ("items", "1 = 1) TO 'x' --", "no condition on items"),
    ):
        with pytest.raises(UserError, match=match):
            export_table(store, table, out, where)
    with pytest.raises(UserError, match="the ending says the format"):
        export_table(store, "items", tmp_path / "x.xlsx")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        export_table(store, "items", tmp_path / "file" / "x.parquet")
    assert list((tmp_path / "out").iterdir()) == [] and not list(home.glob(".export-*"))
