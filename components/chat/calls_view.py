"""The view `calls`: one row per record of the journal, over segments and packed files alike, failed calls too.

The statement does not depend on what lies in the folder: DuckDB lists the files whenever the view is asked, so it stays
right while processes append and while segments are packed. Segments that a packed file names are left out, so that a
compaction between its rename and its last deletion counts nothing twice; so are packed calls that a pruned file stands
for. The segments are listed first: one that is packed and deleted a moment later then fails the query loudly instead of
missing from it.
"""

import re
from pathlib import Path

COLUMNS = {
    "call_key": "VARCHAR",
    "model": "VARCHAR",
    "endpoint": "VARCHAR",
    "stage": "VARCHAR",
    "run_id": "VARCHAR",
    "spec_id": "VARCHAR",
    "status": "VARCHAR",
    "mode": "VARCHAR",
    "batch_id": "VARCHAR",
    "api": "VARCHAR",
    "attempts": "BIGINT",
    "input_tokens": "BIGINT",
    "cached_tokens": "BIGINT",
    "output_tokens": "BIGINT",
    "reasoning_tokens": "BIGINT",
    "cost_usd": "DOUBLE",
    "held_usd": "DOUBLE",
    "price_date": "VARCHAR",
    "latency_ms": "BIGINT",
    "created_at": "TIMESTAMPTZ",
    "sent_without": "VARCHAR[]",
    "detail": "VARCHAR",
    "value": "JSON",
}
"""The view's; there, `value` is JSON as text. A field that a record does not have is NULL."""


def calls_view_sql(folder: Path) -> str:
    """SQL that makes the view `calls` over the journal in `folder`, which need not exist yet."""
    # DuckDB has no escape in patterns but a class of one character.
    place = re.sub(r"([*?\[])", r"[\1]", str(folder.resolve())).replace("'", "''")
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
    # Where no file is, the readers have no columns at all: a row set of none lends them theirs.
    none = ", ".join(f"NULL::{kind} AS {name}" for name, kind in COLUMNS.items())
    names = ", ".join(COLUMNS).replace("value", "value::VARCHAR AS value")
    # DuckDB takes twice the largest object as a buffer, two of them for each thread, and reads objects of that size. A
    # record has the question and, up to three times, an answer of 2 MiB at most; bytes that are no UTF-8 become three.
    return f"""CREATE OR REPLACE VIEW calls AS
        WITH appended AS (
            SELECT {none}, NULL::VARCHAR AS filename WHERE false UNION ALL BY NAME
            SELECT * FROM read_json('{place}/*.jsonl', allow_empty = true,
                filename = true, format = 'newline_delimited', ignore_errors = true, maximum_object_size = 16777216,
                columns = {{{columns}}})
        ), packed AS (
            SELECT {none}, NULL::VARCHAR AS segment WHERE false UNION ALL BY NAME
            SELECT * FROM read_parquet('{place}/packed/*.parquet', allow_empty = true, union_by_name = true)
        ), pruned AS (
            SELECT {none}, NULL::VARCHAR AS segment WHERE false UNION ALL BY NAME
            SELECT * FROM read_parquet('{place}/pruned/*.parquet', allow_empty = true, union_by_name = true)
        ), spoken_for AS (
            SELECT DISTINCT segment FROM packed UNION SELECT DISTINCT segment FROM pruned
        )
        SELECT {names} FROM appended WHERE call_key IS NOT NULL
            AND parse_filename(filename) NOT IN (SELECT segment FROM spoken_for WHERE segment IS NOT NULL)
        UNION ALL SELECT {names} FROM packed
            WHERE segment IS NULL OR segment NOT IN (SELECT segment FROM pruned WHERE segment IS NOT NULL)
        UNION ALL SELECT {names} FROM pruned"""
