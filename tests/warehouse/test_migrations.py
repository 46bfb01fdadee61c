"""Every schema that was ever released opens with the code of today: its rows live, and its tables are those of a new
warehouse, wherever a migration was killed."""

import hashlib
import json
import shutil
import signal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from components.warehouse.schema import migration_files
from components.warehouse.store import Store
from tests.processes import Python

RELEASED = {
    "0001_tables.sql": "74949765bb84b18a",
    "0002_learning.sql": "ec08c49354069200",
    "0003_candidates.sql": "643e9e914a7e3968",
    "0004_comparisons.sql": "1ba500c5f33b8914",
    "0005_anchors.sql": "d7e366291b274b4e",
    "0006_measures.sql": "d125750ae77dd41b",
    "0007_people.sql": "212b3cac6a030c50",
    "0008_experiments.sql": "6b223c69e220378a",
    "0009_windows.sql": "68e6a24250546f87",
    "0011_observability.sql": "43f0aea7eaacb260",
    "0012_rubric_texts.sql": "2875c796ed66275d",
}
"""With a release its migrations come here, and are frozen: warehouses that people have were made by them."""

JSON = ("params", "detail", "rows", "spec_ids", "overrides", "labels", "diff", "scores")
VALUES = {
    "VARCHAR": "t", "INTEGER": 7, "BIGINT": 2**40, "DOUBLE": 0.5, "BOOLEAN": True,
    "TIMESTAMP WITH TIME ZONE": "2026-03-02T09:00:00+00:00", "VARCHAR[]": ["a", "b"], "FLOAT[]": [0.25, -1.0],
    "TIMESTAMP WITH TIME ZONE[]": ["2026-03-02T09:00:00+00:00"],
}  # fmt: skip


NUMBERS = [int(file.name[:4]) for file in migration_files()]


def made_at(path: Path, schema: int) -> None:
    """A warehouse as the code with that many migrations left it, two rows in each table. On purpose not by Store."""
    with duckdb.connect(path) as db:
        db.execute("CREATE TABLE migrations (version INTEGER PRIMARY KEY, name TEXT, applied_at TIMESTAMPTZ)")
        for file in migration_files()[:schema]:
            db.execute(file.read_text(encoding="utf-8"))
            db.execute("INSERT INTO migrations VALUES (?, ?, now())", [int(file.name[:4]), file.stem])
        for table, columns in tables(db).items():
            for n in (1, 2):
                row = [value(name, kind, n) for name, kind in columns.items()]
                db.execute(f'INSERT INTO "{table}" VALUES ({", ".join("?" for _ in row)})', row)


def value(name: str, kind: str, n: int) -> Any:
    if kind == "VARCHAR":
        return "{}" if name in JSON else f"{name} {n}"
    return VALUES[kind]


def tables(db: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    sql = """SELECT c.table_name, c.column_name, c.data_type FROM duckdb_columns() c JOIN duckdb_tables() t
        USING (database_name, table_oid) WHERE database_name = current_database() AND c.table_name <> 'migrations'
        ORDER BY table_name, column_index"""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in db.execute(sql).fetchall():
        found.setdefault(table, {})[column] = kind
    return found


def rows(db: duckdb.DuckDBPyConnection, columns: dict[str, dict[str, str]]) -> dict[str, list[Any]]:
    return {
        table: db.execute(
            f'SELECT {", ".join(f"{chr(34)}{name}{chr(34)}" for name in names)} FROM "{table}" ORDER BY ALL'
        ).fetchall()
        for table, names in columns.items()
    }


def shape(store: Store) -> tuple[list[Any], list[Any], list[Any]]:
    """Columns in any order (later ones are added at the end), keys, and views."""
    with store.connect() as db:
        columns = db.execute("""SELECT c.table_name, c.column_name, c.data_type, c.is_nullable, c.column_default
            FROM duckdb_columns() c JOIN duckdb_tables() USING (database_name, table_oid)
            WHERE database_name = current_database() ORDER BY ALL""").fetchall()
        keys = db.execute("""SELECT table_name, constraint_type, constraint_column_names FROM duckdb_constraints()
            WHERE database_name = current_database() ORDER BY ALL""").fetchall()
        views = db.execute("""SELECT view_name, sql FROM duckdb_views() WHERE database_name = current_database()
            AND NOT internal ORDER BY ALL""").fetchall()
    return columns, keys, views


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("fresh") / "warehouse.duckdb")
    store.prepare()
    return store


def test_released_migrations_are_frozen() -> None:
    files = migration_files()
    assert len({file.name[:4] for file in files}) == len(files)
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:16] for file in files}
    assert {name: found.get(name) for name in RELEASED} == RELEASED, "write another migration instead"


@pytest.mark.parametrize("schema", range(1, len(migration_files()) + 1))
def test_each_schema_opens_with_its_rows_and_becomes_the_newest(tmp_path: Path, fresh: Store, schema: int) -> None:
    path = tmp_path / "warehouse.duckdb"
    made_at(path, schema)
    with duckdb.connect(path, read_only=True) as db:
        columns = tables(db)
        before = rows(db, columns)
    assert len(columns) >= 9 and all(len(found) == 2 for found in before.values())
    store = Store(path)
    store.prepare()
    with store.connect() as db:
        assert rows(db, columns) == before
        for (view,) in db.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall():
            db.execute(f'SELECT count(*) FROM "{view}"')
    assert shape(store) == shape(fresh)


MIGRATE = """
import os, signal, sys, time
from pathlib import Path
from components.warehouse.store import Store

def migrate(path, after=None):
    child = os.fork()  # nothing has used DuckDB here yet
    if child == 0:
        Store(Path(path)).prepare()
        os._exit(0)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]

first, *others = sys.argv[1:]
begun = time.monotonic()
assert migrate(first) == 0
takes = time.monotonic() - begun
print([migrate(path, takes * n / len(others)) for n, path in enumerate(others)])
"""


def test_a_migration_that_is_killed_leaves_the_old_schema_or_the_new_one(tmp_path: Path, fresh: Store) -> None:
    old, copies = tmp_path / "old.duckdb", [tmp_path / f"{n}.duckdb" for n in range(11)]
    made_at(old, 1)
    with duckdb.connect(old, read_only=True) as db:
        columns = tables(db)
        before = rows(db, columns)
    for path in copies:
        shutil.copy(old, path)
    process = Python(MIGRATE, *map(str, copies))
    out, errors = process.communicate(100)
    assert process.returncode == 0, errors
    assert json.loads(out)[0] == signal.SIGKILL
    left = []
    for path in copies[1:]:
        with duckdb.connect(path) as db:
            done = [row[0] for row in db.execute("SELECT version FROM migrations ORDER BY version").fetchall()]
            assert rows(db, columns) == before
        assert done == NUMBERS[: len(done)]
        left.append(len(done))
        store = Store(path)
        store.prepare()
        assert shape(store) == shape(fresh), f"killed after {done}"
    assert min(left) < len(NUMBERS), "the first was killed before its end"
