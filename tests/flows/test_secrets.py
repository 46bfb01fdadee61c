"""A marked key goes through whole runs, is echoed by the server in replies and errors, and is then looked for: in every
byte of the home, Prefect's database and results, journal, warehouse, reports, the user's folder, and in what was
printed, in plain and in every usual encoding. A scan that finds nothing must be able to find: that is tested first.
"""

import base64
import gzip
import json
import os
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import duckdb
import pytest

from tests.fake_provider import FakeProvider
from tests.prefect_files import with_database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

ROOT = Path(__file__).parents[2]
KEY = 'sk-marked/5f1e+"not"\\to=be%found'
"""Every sign in it that some encoding changes."""
CAMPAIGN = """\
name: marked
dataset: {{source: csv, path: texts.csv}}
generation: {{model: openai/fake, endpoint: "{url}", api_key_env: MARKED_KEY, max_concurrency: 1, max_attempts: 2}}
judge: {{model: openai/fake-judge, endpoint: "{url}", api_key_env: MARKED_KEY, max_concurrency: 1, max_attempts: 2}}
budget: {{allow_unpriced: true}}
"""
TEXTS = [
    "Two boats left before breakfast.",
    "Fresh bread, warm butter.",
    "Rain on the tent all night.",
    "Snow on the pass.",
]


def forms(key: str) -> set[bytes]:
    """Base64 is looked for by the part that does not depend on what stands before the key."""
    found = {
        key,
        json.dumps(key)[1:-1],
        json.dumps(json.dumps(key)[1:-1])[1:-1],
        quote(key),
        quote(key, safe=""),
        quote_plus(key),
    }
    for before in range(3):
        code = base64.b64encode(b"x" * before + key.encode()).decode()[4:-4]
        found |= {code, code.replace("+", "-").replace("/", "_")}
    return {form.encode() for form in found} | {key.encode("utf-16-le"), key.encode()[::-1]}


def contents(path: Path) -> Iterator[bytes]:
    """A file's bytes, and what stands behind its compression, its pages and its line breaks."""
    data = path.read_bytes()
    yield data
    yield data.replace(b"\n", b"").replace(b"\\n", b"")
    if data[:2] == b"\x1f\x8b":
        yield gzip.decompress(data)
    elif data[:1] == b"\x78":
        yield from decompressed(data)
    if data.startswith(b"SQLite format 3"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            yield "\n".join(database.iterdump()).encode("utf-8", "replace")
    if path.suffix == ".parquet":
        yield str(duckdb.sql(f"SELECT * FROM read_parquet('{path}')").fetchall()).encode("utf-8", "replace")
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as warehouse:
            for (table,) in warehouse.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                yield json.dumps(warehouse.execute(f"SELECT * FROM {table}").fetchall(), default=str).encode()


def decompressed(data: bytes) -> Iterator[bytes]:
    try:
        yield zlib.decompress(data)
    except zlib.error:
        return


def leaks(folder: Path, *printed: str) -> list[str]:
    wanted = forms(KEY)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    found = [str(path) for path in files if any(form in data for data in contents(path) for form in wanted)]
    found += [f"a name: {path}" for path in folder.rglob("*") if any(form in str(path).encode() for form in wanted)]
    return found + [f"printed: {text[:80]}" for text in printed if any(form in text.encode() for form in wanted)]


def test_the_scan_finds_what_is_there(tmp_path: Path) -> None:
    code = base64.b64encode(f"user:{KEY}".encode())
    hidden = {
        "plain": KEY.encode(), "json": json.dumps({"a": KEY}).encode(), "url": quote(KEY).encode(), "base64": code,
        "broken base64": base64.encodebytes(b"Bearer " + KEY.encode() * 3), "gz": gzip.compress(KEY.encode()),
        "zlib": zlib.compress(KEY.encode()),
    }  # fmt: skip
    for name, data in hidden.items():
        (tmp_path / name).write_bytes(data)
    with sqlite3.connect(tmp_path / "wal.db") as database:
        database.executescript("PRAGMA journal_mode = WAL; CREATE TABLE a (b TEXT)")
        database.execute("INSERT INTO a VALUES (?)", ["x" * 4080 + KEY])
    with duckdb.connect(str(tmp_path / "w.duckdb")) as warehouse:
        warehouse.execute("CREATE TABLE t AS SELECT ? || i AS b FROM range(5000) r(i)", [KEY])
        warehouse.execute(f"COPY t TO '{tmp_path / 'p.parquet'}' (FORMAT parquet, COMPRESSION zstd)")
    found = {Path(path).name for path in leaks(tmp_path)}
    assert found >= {*hidden, "wal.db", "w.duckdb", "p.parquet"}
    assert leaks(tmp_path / "nowhere", f"it says {KEY}") == [f"printed: it says {KEY}"]
    assert leaks(tmp_path / "nowhere", "it says nothing") == []


def test_no_run_leaves_its_key_anywhere(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    user, place = tmp_path / "user", tmp_path / "campaign"
    for folder in (user, place):
        folder.mkdir()
    (place / "texts.csv").write_text("text\n" + "".join(f'"{text}"\n' for text in TEXTS))
    with_database(tmp_path / "home" / "prefect", tmp_path_factory)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "POSTWRIGHT_", "OPENAI_", "XDG_"))}
    env = clean | {"MARKED_KEY": KEY, "PYTHONPATH": str(ROOT), "HOME": str(user), "TMPDIR": str(tmp_path)}

    def postwright(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "flows.cli", *words, "--home", str(tmp_path / "home")],
            cwd=place, env=env, capture_output=True, text=True, timeout=500,
        )  # fmt: skip

    with FakeProvider(key=KEY) as server:
        (place / "mine.yaml").write_text(CAMPAIGN.format(url=server.url))
        server.faults.extend(["echo_key", "echo_400", "503", "ok", "ok", "echo_key", "ok", "echo_400"])
        good = postwright("run", "mine.yaml", "--verbose")
        assert good.returncode == 0, good.stderr[-3000:]
        server.key = "another key"  # every further call is a 401 that repeats ours
        failing = postwright("run", "mine.yaml", "--verbose", "--set", "generation.temperature=0.9")
        assert failing.returncode == 5, failing.stderr[-3000:]
        assert (
            server.stats["by_end"]["401"]
            and server.stats["by_end"]["echo_key"]
            and server.stats["by_end"]["echo_400"] >= 2
        )
    reports = postwright("report")
    spied = [KEY.encode() in path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if readable(path)]
    assert not any(spied), "no command line shows it"
    kept = tmp_path / "home"
    assert (
        (kept / "warehouse.duckdb").exists()
        and list((kept / "prefect").glob("*.db"))
        and list((kept / "calls").iterdir())
    )
    journal = b"".join(path.read_bytes() for path in (kept / "calls").rglob("*") if path.is_file())
    assert journal.count(b"[key]") >= 5, "the server did echo it, and it was blotted"
    printed = [text for done in (good, failing, reports) for text in (done.stdout, done.stderr)]
    assert len("".join(printed)) > 500
    assert leaks(tmp_path, *printed) == []


def readable(path: Path) -> bool:
    try:
        path.read_bytes()
    except OSError:
        return False
    return True
