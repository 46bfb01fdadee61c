"""What steps ask the warehouse: what is there, and, by anti-joins, what is left to do."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from duckdb import DuckDBPyConnection

from components.records import Feature, Item, Post, Prompt, Record
from components.specs.selection import On, Selection
from components.warehouse.connecting import Connecting
from components.warehouse.freed import give_back
from components.warehouse.selected import parameters, selected

FINAL = "(error IS NULL OR NOT list_contains($retryable, error))"
"""A row that will not be tried again: done, or failed for good."""

AT_ONCE = 5_000
"""Rows of a long answer that are in memory together."""

PROMPTED = """SELECT prompt_id FROM prompts SEMI JOIN selected USING (item_id)
    WHERE spec_id = $prompt_spec_id AND feature_spec_id = $feature_spec_id"""
"""The prompts of what is selected, by their specs."""

FEW_PROMPTS = 5_000
"""So many are named one by one: what is asked of a large warehouse about a slice, or a window, takes a moment then."""

PROMPTS_AT_ONCE = 100_000
"""Of whose posts DuckDB works out at a time how they compare and what was read of them: 2 kB each while it lasts. Each
time looks through whole tables, 0.1 s a million rows."""

STANDING = "SELECT * FROM standing_by($judge_posts)"
"""How the candidates of each prompt compare by one judge; those it has not read, as if nobody had (see views.sql)."""
STANDING_IN_PART = "SELECT * FROM standing_by($judge_posts, low := $low, high := $high, these := $these)"
IN_PART = """po.prompt_id >= $low AND ($high IS NULL OR po.prompt_id < $high)
    AND ($these IS NULL OR list_contains($these::VARCHAR[], po.prompt_id))"""
"""Of posts, which are called `po`, those of a part (see `parts_of`)."""

LEFT = {
    "items_without_features": """SELECT s.item_id, position FROM selected s
        ANTI JOIN (SELECT item_id FROM features WHERE spec_id = $spec_id) f USING (item_id)""",
    "items_without_prompts": """SELECT s.item_id, position FROM selected s
        SEMI JOIN (SELECT item_id FROM features WHERE spec_id = $feature_spec_id) f USING (item_id)
        ANTI JOIN (SELECT item_id FROM prompts WHERE spec_id = $spec_id AND feature_spec_id = $feature_spec_id) p
        USING (item_id)""",
    "prompts_without_posts": f"""SELECT prompt_id, p.item_id, position FROM prompts p JOIN selected s USING (item_id)
        LEFT JOIN (SELECT prompt_id, count(DISTINCT candidate) AS n FROM posts
                   WHERE spec_id = $spec_id AND {FINAL}
                     AND prompt_id IN (SELECT prompt_id FROM prompts SEMI JOIN selected USING (item_id))
                   GROUP BY prompt_id) done USING (prompt_id)
        WHERE p.spec_id = $prompt_spec_id AND p.feature_spec_id = $feature_spec_id
          AND coalesce(done.n, 0) < $candidates""",
    "posts_without_judgments": f"""SELECT po.post_id, s.item_id, position FROM candidates po
        JOIN prompts p USING (prompt_id)
        JOIN selected s USING (item_id)
        LEFT JOIN (SELECT post_id, count(*) AS n FROM (
                       SELECT post_id, repeat FROM judgments WHERE spec_id = $spec_id AND post_id IN (
                           SELECT post_id FROM posts po SEMI JOIN (
                               SELECT prompt_id FROM prompts SEMI JOIN selected USING (item_id)) USING (prompt_id)
                           WHERE {IN_PART})
                       GROUP BY post_id, repeat
                       HAVING count(DISTINCT aspect) FILTER ({FINAL}) = count(DISTINCT aspect))
                   GROUP BY post_id) done USING (post_id)
        WHERE p.spec_id = $prompt_spec_id AND p.feature_spec_id = $feature_spec_id AND po.to_judge
          AND po.spec_id = $generation_spec_id AND coalesce(done.n, 0) < $repeats AND {IN_PART}""",
}
"""What is left to do, of what `selected` selects: inputs with no output under a spec. What is counted is counted of the
selected alone, so that a slice of a large warehouse costs little; texts are joined when it is known of which. Those
with IN_PART are asked part by part."""
WHOLE = {
    Item: "SELECT t.* FROM items t JOIN found USING (item_id) ORDER BY position",
    Prompt: "SELECT t.* FROM prompts t JOIN found USING (prompt_id) ORDER BY position, prompt_id",
    Post: "SELECT t.* FROM posts t JOIN found USING (post_id) ORDER BY position, prompt_id, candidate",
}


def asked_for(sql: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `params` that `sql` names: DuckDB refuses others."""
    return {name: value for name, value in params.items() if f"${name}" in sql}


def rows_of(db: DuckDBPyConnection, sql: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows as dicts, where several questions share one opening of the file."""
    cursor = db.execute(sql, dict(params))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def columns_of(db: DuckDBPyConnection, sql: str, params: Mapping[str, Any]) -> pd.DataFrame:
    """Rows as columns without a Python object for each value: text as Arrow has it, some 20 bytes an id."""
    table: pa.Table = db.sql(sql, params=dict(params)).to_arrow_table()
    frame: pd.DataFrame = table.to_pandas(split_blocks=True, self_destruct=True)
    return frame


@contextmanager
def beside(db: DuckDBPyConnection, name: str, table: pd.DataFrame | pa.Table) -> Iterator[None]:
    """Columns of ours as a table of this connection, for queries to join: a list of ids as a parameter takes ten times
    their memory."""
    is_arrow = isinstance(table, pa.Table)
    db.register(name, table if is_arrow else pa.Table.from_pandas(table, preserve_index=False))
    try:
        yield
    finally:
        db.unregister(name)


def placed(
    db: DuckDBPyConnection, name: str, post_ids: "pd.Series[str] | pa.ChunkedArray"
) -> AbstractContextManager[None]:
    """As `beside`, of posts in an order: columns post_id and place."""
    return beside(db, name, pa.table({"post_id": post_ids, "place": np.arange(len(post_ids))}))


def streamed(db: DuckDBPyConnection, sql: str, params: Mapping[str, Any] | None = None) -> Iterator[tuple[Any, ...]]:
    """Row by row, with some thousand in memory; the connection answers nothing else until the last one."""
    found = db.execute(sql, dict(params or {}))
    while rows := found.fetchmany(AT_ONCE):
        yield from rows


def parts_of(db: DuckDBPyConnection, prompts: str, params: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """How to ask about the posts of some prompts, of whose ids `prompts` is the SQL (`params`: what it asks for, and
    more): `these`, where they are few; else all prompts that there are from `low` to before `high`, PROMPTS_AT_ONCE,
    about, as their ids are hashes."""
    sql = f"SELECT prompt_id FROM ({prompts}) LIMIT {FEW_PROMPTS + 1}"
    few = db.execute(sql, asked_for(sql, params)).fetchall()
    if len(few) <= FEW_PROMPTS:
        return [{"low": "", "high": None, "these": [prompt_id for (prompt_id,) in few]}]
    (there,) = db.execute("SELECT count(*) FROM prompts").fetchall()[0]
    parts = max(1, -(-there // PROMPTS_AT_ONCE))
    bounds = ["", *(f"{at * 16**5 // parts:05x}" for at in range(1, parts)), None]
    return [{"low": low, "high": high, "these": None} for low, high in pairwise(bounds)]


@contextmanager
def passing(db: DuckDBPyConnection) -> Iterator[None]:
    """What `make` makes within is gone afterwards."""
    db.begin()
    try:
        yield
    finally:
        db.rollback()


def make(
    db: DuckDBPyConnection, name: str, sql: str, params: Mapping[str, Any], parts: Sequence[Mapping[str, Any]] = ({},)
) -> None:
    """A table of this connection with the answers to `sql` for all `parts`, one after the other; `params`: what it asks
    for besides, and more."""
    given = asked_for(sql, params)
    for at, some in enumerate(parts):
        db.execute(
            f"{'INSERT INTO' if at else 'CREATE TEMP TABLE'} {name} {'' if at else 'AS'} {sql}", {**given, **some}
        )
        give_back(db)


class Questions(Connecting):
    """Reads the tables: by any query, and by those of the steps."""

    def query(self, sql: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Rows as dicts; maps and lists as Python's."""
        with self.connect() as db:
            return rows_of(db, sql, params or {})

    def frame(self, sql: str, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Rows as a data frame, without a Python object for each value on the way."""
        with self.connect() as db:
            return db.execute(sql, dict(params or {})).df()

    def items(self, selection: Selection) -> list[Item]:
        return self._records(Item, f"{selected(selection)} SELECT * FROM selected ORDER BY position", selection)

    def left(self, what: str, selection: Selection, **params: Any) -> pd.DataFrame:
        """The items that `what`, one of LEFT, is about: their position in the order of the feed, and item_id."""
        with self.selecting(selection) as db:
            _find(db, LEFT[what], params)
            return columns_of(db, "SELECT DISTINCT position, item_id FROM found ORDER BY position", {})

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
        sql = f"""SELECT po.post_id, position FROM candidates po JOIN prompts p USING (prompt_id)
            JOIN selected s USING (item_id)
            WHERE p.spec_id = $prompt_spec_id AND p.feature_spec_id = $feature_spec_id
              AND po.spec_id = $generation_spec_id AND po.{which} AND {IN_PART}"""
        ids = {
            "prompt_spec_id": prompt_spec_id,
            "feature_spec_id": feature_spec_id,
            "generation_spec_id": generation_spec_id,
        }
        return self._all_of(Post, sql, selection, ids | more)

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

    @contextmanager
    def selecting(self, selection: Selection) -> Iterator[DuckDBPyConnection]:
        """The open file, with the table `selected`: item_id and position of what is selected."""
        with self.connect() as db, passing(db):
            make(db, "selected", f"{selected(selection)} SELECT item_id, position FROM selected", parameters(selection))
            yield db

    def _left(self, kind: type[Record], what: str, selection: Selection, **params: Any) -> list[Any]:
        return self._all_of(kind, LEFT[what], selection, params)

    def _all_of(self, kind: type[Record], sql: str, selection: Selection, params: Mapping[str, Any]) -> list[Any]:
        with self.selecting(selection) as db:
            _find(db, sql, params)
            rows = rows_of(db, WHOLE[kind], {})
        return self._located(_made(kind, rows))

    def _records(self, kind: type[Record], sql: str, selection: Selection, **params: Any) -> list[Any]:
        return self._located(_made(kind, self.query(sql, params | parameters(selection))))

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


def _find(db: DuckDBPyConnection, sql: str, params: Mapping[str, Any]) -> None:
    """The table `found` of this connection: the answer to `sql`, part by part where it says so."""
    make(db, "found", sql, params, parts_of(db, PROMPTED, params) if IN_PART in sql else [{}])


def _made(kind: type[Record], rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    names = {field.name for field in fields(kind)}
    return [kind(**{k: v for k, v in row.items() if k in names}) for row in rows]
