"""The tables of one home, append-only: written in transactions, read by questions."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from components.errors import HomeUnusable
from components.records import Arm, Backfill, Record, Run
from components.specs import Spec
from components.warehouse.connecting import log
from components.warehouse.questions import Questions
from components.warehouse.read_copy import copy_for_readers, is_due, make_copy
from components.warehouse.schema import migrate

ID = {
    "items": "item_id",
    "features": "feature_id",
    "prompts": "prompt_id",
    "posts": "post_id",
    "judgments": "judgment_id",
    "measures": "measure_id",
    "quarantine": "quarantine_id",
}
"""The large tables, which have no index (migration 14), and what their rows are told apart by."""
NOT_THERE = "{id} NOT IN (SELECT {id} FROM {table} SEMI JOIN incoming USING ({id}))"
"""Looks through the ids of a whole table, 0.03 s a million rows; in memory are those of `incoming`."""
INSERT = {
    "checks": "INSERT INTO checks BY NAME SELECT * FROM incoming",
    # Two runs may read one input at once; the second one finds the item there and takes itself for a duplicate.
    "quarantine": f"""INSERT INTO quarantine BY NAME SELECT q.* FROM incoming q LEFT JOIN (
            SELECT dataset, source_uri, arg_max(stamp, "at") AS stamp, true AS met
            FROM inputs SEMI JOIN incoming USING (dataset, source_uri) GROUP BY ALL
        ) known USING (dataset, source_uri, stamp)
        WHERE (q.step <> 'ingest_items' OR met IS NULL)
            AND {NOT_THERE.format(table="quarantine", id="quarantine_id")}""",
}
INSERT_NEW = 'INSERT INTO "{table}" BY NAME SELECT * FROM incoming ON CONFLICT DO NOTHING'


def insert(table: str) -> str:
    """How rows of the table `incoming` get into `table`, but those that are there."""
    if table in INSERT:
        return INSERT[table]
    if table in ID:
        return f"INSERT INTO {table} BY NAME SELECT * FROM incoming WHERE {NOT_THERE.format(table=table, id=ID[table])}"
    return INSERT_NEW.format(table=table)


def incoming_rows(table: str, records: Sequence[Record]) -> list[dict[str, Any]]:
    """Those of one id once, the first."""
    rows = [record.row() for record in records]
    if table not in ID:
        return rows
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        found.setdefault(row[ID[table]], row)
    return list(found.values())


_writers = threading.RLock()
"""Within a process writers take turns."""


class Store(Questions):
    """The tables of one home. `calls_sql` is the statement that makes the view `calls` over the journal; `wait_s`: how
    long another process is waited for; `tell`: takes a line for people who wait; `memory`: see Connecting."""

    def __init__(
        self,
        path: Path,
        calls_sql: str | None = None,
        wait_s: float = 60,
        tell: Callable[[str], None] = log.warning,
        memory: str = "",
    ) -> None:
        super().__init__(path, wait_s, tell, memory)
        self.calls_sql = calls_sql

    def prepare(self) -> None:
        """Bring the tables to the newest version and make the views; cheap when nothing is to be done."""
        with _writers, self.connect() as db:
            migrate(db, self.path, self.calls_sql or "")

    def append(self, batches: Mapping[str, Sequence[Record]]) -> dict[str, int]:
        """Write all batches in one transaction; rows already there stay as they are. Returns new rows per table."""
        with _writers, self.connect() as db:
            db.begin()
            written = {}
            for table, records in batches.items():
                if not records:
                    written[table] = 0
                    continue
                schema = db.sql(f'SELECT * FROM "{table}" LIMIT 0').to_arrow_table().schema
                incoming = pa.Table.from_pylist(incoming_rows(table, records), schema=schema)
                db.register("incoming", incoming)
                row = db.execute(insert(table)).fetchone()
                db.unregister("incoming")
                written[table] = row[0] if row else 0
            db.commit()
            self._renew_copy(db)
        return written

    def register(self, *specs: Spec) -> None:
        """Keep what each spec id stands for."""
        with _writers, self.connect() as db:
            for spec in specs:
                params = json.dumps(spec.resolved(), ensure_ascii=False, default=str)
                db.execute("INSERT INTO specs VALUES (?, ?, ?) ON CONFLICT DO NOTHING", [spec.id, spec.step, params])

    def register_as(self, spec_id: str, spec: Spec, met: Mapping[str, Any]) -> None:
        """Keep what `spec_id` stands for where it is a spec and what it met, such as the examples of a training."""
        params = json.dumps(spec.resolved() | dict(met), ensure_ascii=False, default=str)
        with _writers, self.connect() as db:
            db.execute("INSERT INTO specs VALUES (?, ?, ?) ON CONFLICT DO NOTHING", [spec_id, spec.step, params])

    def record_run(self, *runs: Run) -> None:
        """Insert the runs, or overwrite their own earlier states."""
        self._record("runs", runs)

    def record_backfill(self, backfill: Backfill) -> None:
        """Insert the backfill, or overwrite its own earlier state."""
        self._record("backfills", [backfill])

    def record_arms(self, *arms: Arm) -> None:
        """Insert the arms, or overwrite their own earlier states."""
        self._record("arms", arms)

    def _record(self, table: str, records: Sequence[Record]) -> None:
        if not records:
            return
        rows = [record.row() for record in records]
        names = ", ".join(f'"{name}"' for name in rows[0])
        marks = ", ".join("?" for _ in rows[0])
        with _writers, self.connect() as db:
            db.begin()
            db.executemany(
                f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", [list(row.values()) for row in rows]
            )
            db.commit()
            self._renew_copy(db, at_end=any(getattr(record, "ended_at", None) for record in records))

    def copy(self, to: Path) -> Path:
        """Make `to` a copy of the warehouse as it is now; raises HomeUnusable where it cannot be made."""
        with _writers, self.connect() as db:
            try:
                make_copy(db, self.path, to)
            except OSError as error:
                raise HomeUnusable(f"cannot copy the warehouse to {to}: {error.strerror or error}") from error
        return to

    @property
    def copy_for_readers(self) -> Path:
        """Where it is, if it is kept: runs renew it where it is there."""
        return copy_for_readers(self.path)

    def _renew_copy(self, db: duckdb.DuckDBPyConnection, at_end: bool = False) -> None:
        """Who reads an older copy knows how old it is, so that no run fails for it."""
        copy = self.copy_for_readers
        if is_due(copy, at_end):
            try:
                make_copy(db, self.path, copy)
            except OSError as error:
                self.tell(f"the copy for readers {copy} was not renewed: {error.strerror or error}")
