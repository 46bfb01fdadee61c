"""The warehouse: one DuckDB file of append-only tables, and the anti-joins that say what is left to do.

Opened late, closed early. While one process has the file open for writing no other can open it, even to read, so who
opens it waits its turn (turns.py); within a process DuckDB shares one instance and writers take turns on a lock. Who
wants to read for longer than a moment reads a copy (read_copy.py).
"""

import hashlib
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from components import turns
from components.errors import HomeUnusable, UserError
from components.opening import is_attached, opened
from components.read_copy import copy_for_readers, is_due, make_copy
from components.records import Backfill, Feature, Item, Post, Prompt, Record, Run
from components.spec import On, Selection, Slice, Spec

MIGRATIONS = Path(__file__).parent / "migrations"
FINAL = "(error IS NULL OR NOT list_contains($retryable, error))"
"""A row that will not be tried again: done, or failed for good."""

SETTINGS = "SET TimeZone = 'UTC'; SET disabled_optimizers = 'common_subplan'"
"""Merging equal parts of a query, which views that are joined have, gives wrong rows with DuckDB 1.5 to 2.0 (duckdb
issue 25819)."""

STANDING = "SELECT * FROM standing_by($judge_posts)"
"""How the candidates of each prompt compare by one judge; those it has not read, as if nobody had (see views.sql)."""

LEFT = {
    "items_without_features": """SELECT s.* FROM selected s
        ANTI JOIN (SELECT item_id FROM features WHERE spec_id = $spec_id) f USING (item_id)""",
    "items_without_prompts": """SELECT s.* FROM selected s
        SEMI JOIN (SELECT item_id FROM features WHERE spec_id = $feature_spec_id) f USING (item_id)
        ANTI JOIN (SELECT item_id FROM prompts WHERE spec_id = $spec_id AND feature_spec_id = $feature_spec_id) p
        USING (item_id)""",
    "prompts_without_posts": f"""SELECT p.*, position FROM prompts p JOIN selected s USING (item_id)
        LEFT JOIN (SELECT prompt_id, count(DISTINCT candidate) AS n FROM posts
                   WHERE spec_id = $spec_id AND {FINAL}
                     AND prompt_id IN (SELECT prompt_id FROM prompts SEMI JOIN selected USING (item_id))
                   GROUP BY prompt_id) done USING (prompt_id)
        WHERE p.spec_id = $prompt_spec_id AND p.feature_spec_id = $feature_spec_id
          AND coalesce(done.n, 0) < $candidates""",
    "posts_without_judgments": f"""SELECT po.*, s.item_id, position FROM candidates po JOIN prompts p USING (prompt_id)
        JOIN selected s USING (item_id)
        LEFT JOIN (SELECT post_id, count(*) AS n FROM (
                       SELECT post_id, repeat FROM judgments WHERE spec_id = $spec_id AND post_id IN (
                           SELECT post_id FROM posts SEMI JOIN (
                               SELECT prompt_id FROM prompts SEMI JOIN selected USING (item_id)) USING (prompt_id))
                       GROUP BY post_id, repeat
                       HAVING count(DISTINCT aspect) FILTER ({FINAL}) = count(DISTINCT aspect))
                   GROUP BY post_id) done USING (post_id)
        WHERE p.spec_id = $prompt_spec_id AND p.feature_spec_id = $feature_spec_id AND po.to_judge
          AND po.spec_id = $generation_spec_id AND coalesce(done.n, 0) < $repeats""",
}
"""What is left to do, of what `selected` selects: inputs with no output under a spec. What is counted is counted of the
selected alone, so that a slice of a large warehouse costs little."""
ORDER = {Item: "position", Prompt: "position, prompt_id", Post: "position, prompt_id, candidate"}

INSERT_NEW = 'INSERT INTO "{table}" BY NAME SELECT * FROM incoming ON CONFLICT DO NOTHING'
INSERT = {
    "checks": "INSERT INTO checks BY NAME SELECT * FROM incoming",
    # Two runs may read one input at once; the second one finds the item there and takes itself for a duplicate.
    "quarantine": """INSERT INTO quarantine BY NAME SELECT q.* FROM incoming q LEFT JOIN (
            SELECT dataset, source_uri, arg_max(stamp, "at") AS stamp, true AS met FROM inputs GROUP BY ALL
        ) known USING (dataset, source_uri, stamp)
        WHERE q.step <> 'ingest_items' OR met IS NULL ON CONFLICT DO NOTHING""",
}

DISK = (duckdb.IOException, duckdb.FatalException)
INTERRUPTED = "Query interrupted"
"""What DuckDB's client raises, as a RuntimeError, in place of what a signal's handler raised within a query."""
DISK_WHEN_COMMITTING = re.compile("Failed to commit: (IO Error|Could not|Cannot)")
LONGEST_PAUSE_S = 0.05

_writers = threading.RLock()

log = logging.getLogger("postwright")


class Store:
    """The tables of one home. `calls_sql` is the statement that makes the view `calls` over the journal; `wait_s`: how
    long another process is waited for; `tell`: takes a line for people who wait."""

    def __init__(
        self,
        path: Path,
        calls_sql: str | None = None,
        wait_s: float = 60,
        tell: Callable[[str], None] = log.warning,
    ) -> None:
        self.path, self.calls_sql, self.wait_s, self.tell = path, calls_sql, wait_s, tell

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The open file, for as short as possible; raises UserError when it cannot be had within `wait_s` seconds, and
        HomeUnusable when the disk fails."""
        with ExitStack() as closing:
            connection = self._open(closing)
            try:
                connection.execute(SETTINGS)
                yield connection
            except duckdb.Error as error:
                if isinstance(error, DISK) or DISK_WHEN_COMMITTING.search(str(error)):
                    raise HomeUnusable(
                        f"the warehouse {self.path} cannot be read or written ({reason(error)}): what was written "
                        "before is kept; free some space or unlock it, and run the same command again to resume"
                    ) from error
                raise
            except RuntimeError as error:
                if str(error) == INTERRUPTED:
                    raise KeyboardInterrupt from error
                raise

    def _open(self, closing: ExitStack) -> duckdb.DuckDBPyConnection:
        begun = time.monotonic()
        deadline, pause, is_told = begun + self.wait_s, 0.002, False
        with ExitStack() as queue:
            if not is_attached(self.path):  # else other processes wait for this one anyway
                queue.enter_context(turns.turn(self.path, deadline, self._waiting))
            while True:
                try:
                    return closing.enter_context(opened(self.path))
                except duckdb.IOException as error:
                    if not turns.HELD.search(str(error)):
                        raise UserError(f"cannot open the warehouse {self.path}: {reason(error)}") from error
                    who, now = turns.holder(str(error)), time.monotonic()
                    if now > deadline:
                        raise UserError(
                            f"cannot open the warehouse {self.path}: held by another process for {self.wait_s:.0f} s, "
                            f"{who}; close it there and run the same command again (postwright snapshot makes a copy "
                            "to read beside runs)"
                        ) from error
                    if not is_told and now - begun > turns.TOLD_AFTER_S:
                        self._waiting(f"{who} has it open")
                        is_told = True
                time.sleep(pause)
                pause = min(pause * 1.5, LONGEST_PAUSE_S)

    def _waiting(self, why: str) -> None:
        self.tell(f"waiting for the warehouse, up to {self.wait_s:.0f} s: {why}")

    def prepare(self) -> None:
        """Bring the tables to the newest version and make the views; cheap when nothing is to be done."""
        with _writers, self.connect() as db:
            db.execute(
                "CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT, applied_at TIMESTAMPTZ)"
            )
            done = {row[0] for row in db.execute("SELECT version FROM migrations").fetchall()}
            files = migration_files()
            if done - {int(file.name[:4]) for file in files}:
                raise UserError(
                    f"{self.path} was written by a newer postwright (schema {max(done)}); update postwright"
                )
            for file in files:
                if int(file.name[:4]) in done:
                    continue
                db.begin()
                db.execute(file.read_text(encoding="utf-8"))
                db.execute("INSERT INTO migrations VALUES (?, ?, now())", [int(file.name[:4]), file.stem])
                db.commit()
            views = [file.read_text(encoding="utf-8") for file in sorted(MIGRATIONS.glob("views*.sql"))]
            make_views(db, [*views, self.calls_sql or ""])

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
                incoming = pa.Table.from_pylist([record.row() for record in records], schema=schema)
                db.register("incoming", incoming)
                row = db.execute(INSERT.get(table, INSERT_NEW.format(table=table))).fetchone()
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

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Rows as dicts; maps and lists as Python's."""
        with self.connect() as db:
            cursor = db.execute(sql, dict(params or {}))
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def frame(self, sql: str, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Rows as a data frame, without a Python object for each value on the way."""
        with self.connect() as db:
            return db.execute(sql, dict(params or {})).df()

    # What is there, and what is left to do

    def items(self, selection: Selection) -> list[Item]:
        return self._records(Item, f"{selected(selection)} SELECT * FROM selected ORDER BY position", selection)

    def left(self, what: str, selection: Selection, **params: Any) -> list[tuple[int, str]]:
        """The positions and ids of the items that `what`, one of LEFT, is about, in the order of the feed."""
        sql = f"{selected(selection)} SELECT DISTINCT position, item_id FROM ({LEFT[what]}) ORDER BY position"
        return [(row["position"], row["item_id"]) for row in self.query(sql, parameters(selection) | params)]

    def times(self, selection: Selection, on: On) -> dict[str, datetime]:
        """Item id -> its time, of the items that a selection takes and that have one."""
        sql = f"{selected(selection)} SELECT item_id, {on} AS moment FROM selected WHERE {on} IS NOT NULL"
        return {row["item_id"]: row["moment"] for row in self.query(sql, parameters(selection))}

    def items_without_features(self, selection: Selection, spec_id: str) -> list[Item]:
        return self._left(Item, "items_without_features", selection, spec_id=spec_id)

    def items_without_prompts(self, selection: Selection, spec_id: str, feature_spec_id: str) -> list[Item]:
        """Items that have features under `feature_spec_id` and no prompt under `spec_id` from them."""
        ids = {"spec_id": spec_id, "feature_spec_id": feature_spec_id}
        return self._left(Item, "items_without_prompts", selection, **ids)

    def undated(self, dataset: str) -> tuple[int, int]:
        """How many of a dataset's items have no time of publication, and how many there are."""
        sql = (
            "SELECT count(*) - count(published_at) AS n, count(*) AS items FROM current_items WHERE dataset = $dataset"
        )
        (row,) = self.query(sql, {"dataset": dataset})
        return row["n"], row["items"]

    def prompts(self, selection: Selection, spec_id: str, feature_spec_id: str) -> list[Prompt]:
        sql = f"""{selected(selection)} SELECT p.* FROM prompts p JOIN selected s USING (item_id)
            WHERE p.spec_id = $spec_id AND p.feature_spec_id = $feature_spec_id ORDER BY position, prompt_id"""
        return self._records(Prompt, sql, selection, spec_id=spec_id, feature_spec_id=feature_spec_id)

    def prompts_without_posts(
        self,
        selection: Selection,
        prompt_spec_id: str,
        feature_spec_id: str,
        spec_id: str,
        candidates: int,
        retryable: Sequence[str],
    ) -> list[Prompt]:
        return self._left(
            Prompt,
            "prompts_without_posts",
            selection,
            prompt_spec_id=prompt_spec_id,
            feature_spec_id=feature_spec_id,
            spec_id=spec_id,
            candidates=candidates,
            retryable=list(retryable),
        )

    def posts_without_judgments(
        self,
        selection: Selection,
        prompt_spec_id: str,
        feature_spec_id: str,
        generation_spec_id: str,
        spec_id: str,
        repeats: int,
        retryable: Sequence[str],
    ) -> list[Post]:
        """What is worth judging (see the view `candidates`) and lacks a reading. A reading counts once each of its
        aspects is final: a rubric may ask for them one call each."""
        return self._left(
            Post,
            "posts_without_judgments",
            selection,
            prompt_spec_id=prompt_spec_id,
            feature_spec_id=feature_spec_id,
            generation_spec_id=generation_spec_id,
            spec_id=spec_id,
            repeats=repeats,
            retryable=list(retryable),
        )

    def posts_without_measures(
        self, selection: Selection, prompt_spec_id: str, feature_spec_id: str, generation_spec_id: str, spec_id: str
    ) -> list[Post]:
        """What is worth judging and has not been measured. A post's measures are written together or not at all."""
        which = "to_judge AND po.post_id NOT IN (SELECT post_id FROM measures WHERE spec_id = $spec_id)"
        return self._posts(which, selection, prompt_spec_id, feature_spec_id, generation_spec_id, spec_id=spec_id)

    def posts_written(
        self, selection: Selection, prompt_spec_id: str, feature_spec_id: str, generation_spec_id: str
    ) -> list[Post]:
        """All posts with a text, judged or not; duplicates too."""
        return self._posts("error IS NULL", selection, prompt_spec_id, feature_spec_id, generation_spec_id)

    def posts_to_judge(
        self, selection: Selection, prompt_spec_id: str, feature_spec_id: str, generation_spec_id: str
    ) -> list[Post]:
        """What is worth judging, judged or not."""
        return self._posts("to_judge", selection, prompt_spec_id, feature_spec_id, generation_spec_id)

    def _posts(
        self,
        which: str,
        selection: Selection,
        prompt_spec_id: str,
        feature_spec_id: str,
        generation_spec_id: str,
        **more: str,
    ) -> list[Post]:
        sql = f"""{selected(selection)} SELECT po.* FROM candidates po JOIN prompts p USING (prompt_id)
            JOIN selected s USING (item_id)
            WHERE p.spec_id = $prompt_spec_id AND p.feature_spec_id = $feature_spec_id
              AND po.spec_id = $generation_spec_id AND po.{which} ORDER BY position, prompt_id, candidate"""
        return self._records(
            Post,
            sql,
            selection,
            prompt_spec_id=prompt_spec_id,
            feature_spec_id=feature_spec_id,
            generation_spec_id=generation_spec_id,
            **more,
        )

    def features(self, item_ids: Sequence[str], spec_id: str) -> dict[str, list[Feature]]:
        """The text features (no vectors) of each item, best rank first."""
        sql = """SELECT * REPLACE (NULL::FLOAT[] AS vector) FROM features
            WHERE spec_id = $spec_id AND item_id IN (SELECT unnest($item_ids)) ORDER BY item_id, name, rank"""
        found: dict[str, list[Feature]] = {item_id: [] for item_id in item_ids}
        for row in self.query(sql, {"spec_id": spec_id, "item_ids": list(item_ids)}):
            found[row["item_id"]].append(Feature(**row))
        return found

    def by_ids(self, kind: type[Record], table: str, key: str, ids: Sequence[str]) -> dict[str, Any]:
        """Records of `table` by their id, for joining in code."""
        rows = self.query(f'SELECT * FROM "{table}" WHERE {key} IN (SELECT unnest($ids))', {"ids": sorted(set(ids))})
        return dict(zip((row[key] for row in rows), self._located([kind(**row) for row in rows]), strict=True))

    def _left(self, kind: type[Record], what: str, selection: Selection, **params: Any) -> list[Any]:
        which, more = self.narrowed(selection) if kind is Post else ("", {})
        sql = f"{selected(selection)} {LEFT[what]} {which} ORDER BY {ORDER[kind]}"
        return self._records(kind, sql, selection, **params, **more)

    def narrowed(self, selection: Selection) -> tuple[str, dict[str, Any]]:
        """One more condition on the view `candidates` (as `po`), which is otherwise worked out for all posts before
        those of a slice are taken out; only a list goes past its windows."""
        if not isinstance(selection, Slice):
            return "", {}
        sql = f"{selected(selection)} SELECT prompt_id FROM prompts SEMI JOIN selected USING (item_id)"
        prompts = [row["prompt_id"] for row in self.query(sql, parameters(selection))]
        return "AND list_contains($these, po.prompt_id)", {"these": prompts}

    def _records(self, kind: type[Record], sql: str, selection: Selection, **params: Any) -> list[Any]:
        params |= parameters(selection)
        names = {field.name for field in fields(kind)}
        records = [kind(**{k: v for k, v in row.items() if k in names}) for row in self.query(sql, params)]
        return self._located(records)

    def _located(self, records: list[Any]) -> list[Any]:
        """Items with their pictures' present places: a moved picture was met again, as a duplicate elsewhere."""
        gone = {
            record.item_id: ""
            for record in records
            if isinstance(record, Item) and record.image_path and not Path(record.image_path).exists()
        }
        if not gone:
            return records
        sql = """SELECT item_id, image_path FROM quarantine WHERE reason = 'duplicate' AND image_path IS NOT NULL
            AND item_id IN (SELECT unnest($ids)) ORDER BY "at" DESC"""
        for row in self.query(sql, {"ids": list(gone)}):
            if not gone[row["item_id"]] and Path(row["image_path"]).exists():
                gone[row["item_id"]] = row["image_path"]
        return [
            replace(record, image_path=gone[record.item_id]) if gone.get(getattr(record, "item_id", "")) else record
            for record in records
        ]


def migration_files() -> list[Path]:
    return sorted(MIGRATIONS.glob("[0-9]*.sql"))


def newest_schema() -> int:
    """The number of the last migration that this code knows."""
    return int(migration_files()[-1].name[:4])


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


def selected(selection: Selection) -> str:
    """The CTE `selected`: a selection's items and their position in time; its parameters are the selection's fields.

    Only what inputs stand for now is selected, not what they were before they were edited. A sample is the items whose
    ids, hashed with the seed, come first: which those are depends on no other item.
    """
    if isinstance(selection, Slice):
        return """WITH selected AS (
        SELECT i.*, s.position FROM items i
        JOIN (SELECT unnest($items) AS item_id, unnest($positions) AS position) s USING (item_id))"""
    where = ["dataset = $dataset"]
    if selection.published_from is not None:
        where.append("published_at >= $published_from")
    if selection.published_to is not None:
        where.append("published_at < $published_to")
    if selection.ingested_from is not None:
        where.append("ingested_at >= $ingested_from")
    if selection.ingested_to is not None:
        where.append("ingested_at < $ingested_to")
    limit = "LIMIT $limit" if selection.limit is not None else ""
    of = f"current_items WHERE {' AND '.join(where)}"
    if selection.sample is not None:
        of = f"(SELECT * FROM {of} ORDER BY md5($seed::VARCHAR || ' ' || item_id) LIMIT $sample)"
    return f"""WITH selected AS (
        SELECT *, row_number() OVER (ORDER BY published_at NULLS LAST, source_uri, item_id) AS position
        FROM {of} ORDER BY position {limit})"""


def parameters(selection: Selection) -> dict[str, Any]:
    """What `selected` asks for."""
    if isinstance(selection, Slice):
        return {"items": list(selection.items), "positions": list(selection.positions)}
    given = selection.model_dump(exclude_none=True)
    return given if selection.sample is not None else {name: given[name] for name in given if name != "seed"}


def reason(error: duckdb.Error) -> str:
    """DuckDB's message without its kind and its further lines."""
    return str(error).splitlines()[0].removeprefix("IO Error: ")
