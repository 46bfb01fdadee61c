"""Any table or view -> a file: parquet, CSV or JSON lines, streamed by DuckDB from a copy of the warehouse."""

import secrets
from dataclasses import dataclass
from pathlib import Path

import duckdb

from components.errors import HomeUnusable, UserError
from components.spreadsheets import FORMULA
from components.warehouse.connecting import DISK, reason
from components.warehouse.store import Store

FORMATS = {".parquet": "FORMAT parquet, COMPRESSION zstd", ".csv": "FORMAT csv, HEADER", ".jsonl": "FORMAT json"}


@dataclass(frozen=True)
class Table:
    """What was written."""

    file: str
    table: str
    rows: int


def export_table(store: Store, table: str, out: Path, where: str | None = None) -> Table:
    """Write the rows of a table or view for which `where` (SQL) holds, all at once or none. Nobody waits meanwhile: the
    warehouse is held only while its file is copied. Vectors are lists of floats in parquet and JSON; in CSV what is
    nested is JSON, and no cell is a formula. UserError for an unknown table, a wrong condition or another ending."""
    if out.suffix not in FORMATS:
        raise UserError(f"--out {out}: the ending says the format; choose {', '.join(FORMATS)}")
    copy = store.path.with_name(f".export-{secrets.token_hex(4)}.duckdb")
    part = out.with_name(f"{out.name}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror}; choose another: --out FILE") from error
    try:
        copied = Store(store.copy(copy), memory=store.memory)
        with copied.connect() as db:
            columns = _columns(db, table)
            chosen = ", ".join(_cell(name, kind) for name, kind in columns.items()) if out.suffix == ".csv" else "*"
            condition = f"WHERE ({where}\n)" if where else ""
            sql = f'COPY (SELECT {chosen} FROM "{table}" {condition}) TO $file ({FORMATS[out.suffix]})'
            row = db.execute(sql, {"file": str(part)}).fetchone()
        part.replace(out)
    except DISK as error:
        raise HomeUnusable(f"cannot write {out}: {reason(error)}; choose another: --out FILE") from error
    except duckdb.Error as error:
        raise UserError(f"--where {where!r} is no condition on {table}: {reason(error)}") from error
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror}; choose another: --out FILE") from error
    finally:
        part.unlink(missing_ok=True)
        for left in (copy, Path(f"{copy}.wal"), Path(f"{copy}.turn")):
            left.unlink(missing_ok=True)
    return Table(str(out), table, row[0] if row else 0)


def _columns(db: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    sql = """SELECT table_name, column_name, data_type FROM duckdb_columns()
        WHERE database_name = current_database() AND NOT internal ORDER BY table_name, column_index"""
    tables: dict[str, dict[str, str]] = {}
    for name, column, kind in db.execute(sql).fetchall():
        tables.setdefault(name, {})[column] = kind
    if table not in tables:
        raise UserError(f"there is no table or view {table!r}; there are {', '.join(tables)}")
    return tables[table]


def _cell(name: str, kind: str) -> str:
    column = '"' + name.replace('"', '""') + '"'
    if kind.endswith("]") or kind.startswith(("MAP", "STRUCT")):
        return f"to_json({column})::VARCHAR AS {column}"
    if kind != "VARCHAR":
        return column
    formula = " OR ".join(f"starts_with(ltrim({column}, ''''), chr({ord(sign)}))" for sign in FORMULA)
    return f"CASE WHEN {formula} THEN '''' || {column} ELSE {column} END AS {column}"
