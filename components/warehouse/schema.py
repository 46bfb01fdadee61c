"""The tables as numbered files make them, and the views over them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import duckdb

from components.errors import UserError

MIGRATIONS = Path(__file__).parent / "migrations"


def migration_files() -> list[Path]:
    return sorted(MIGRATIONS.glob("[0-9]*.sql"))


def newest_schema() -> int:
    """The number of the last migration that this code knows."""
    return int(migration_files()[-1].name[:4])


def migrate(db: duckdb.DuckDBPyConnection, path: Path, calls_sql: str) -> None:
    """Bring the tables to the newest version and make the views, `calls_sql` the last of them; raises UserError where
    the file at `path` is of a newer version."""
    db.execute("CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT, applied_at TIMESTAMPTZ)")
    done = {row[0] for row in db.execute("SELECT version FROM migrations").fetchall()}
    files = migration_files()
    if done - {int(file.name[:4]) for file in files}:
        raise UserError(f"{path} was written by a newer postwright (schema {max(done)}); update postwright")
    for file in files:
        if int(file.name[:4]) in done:
            continue
        db.begin()
        db.execute(file.read_text(encoding="utf-8"))
        db.execute("INSERT INTO migrations VALUES (?, ?, now())", [int(file.name[:4]), file.stem])
        db.commit()
    views = [file.read_text(encoding="utf-8") for file in sorted(MIGRATIONS.glob("views*.sql"))]
    make_views(db, [*views, calls_sql])


def make_views(db: duckdb.DuckDBPyConnection, statements: Sequence[str]) -> None:
    """Unless they are there as these statements make them: what they were made by stands in a comment on one of them,
    which goes with it when another version makes it otherwise."""
    made_by = hashlib.sha256("\n".join(statements).encode()).hexdigest()
    found = "SELECT comment FROM duckdb_views() WHERE database_name = current_database() AND view_name = 'inputs'"
    if db.execute(found).fetchone() == (made_by,):
        return
    for statement in statements:
        db.execute(statement)
    if db.execute(found).fetchone():
        db.execute(f"COMMENT ON VIEW inputs IS '{made_by}'")
