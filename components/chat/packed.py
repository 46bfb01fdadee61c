"""Packed calls: `<calls>/packed/<name>.parquet`, each made of finished segments by compaction.py.

Rows stand in the order they were written in, not sorted by key: keys are hashes, so the calls of one chunk would be
scattered over every row group, while in this order they lie in a few, compress against their neighbours, and are packed
without holding them in memory. Rows are found by an index in memory (call_index.py), and only the columns and row
groups that are asked for are read. Files are never changed.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import ArrayLike

from components.chat.call_index import Numbers, heads_of
from components.chat.calls_view import COLUMNS
from components.chat.outcome import FINAL
from components.chat.segments import dump

FIELDS = COLUMNS | {
    "text": "VARCHAR",
    "input_estimate": "BIGINT",
    "request": "JSON",
    "response": "JSON",
    "rest": "JSON",
    "segment": "VARCHAR",
}
"""Columns of a packed file. `rest` holds fields of a record that have no column, or not its type; `segment` is the file
a row came from."""

ROW_GROUP = 4096
SEGMENTS = b"postwright.segments"
"""Key in the footer: JSON, name of each packed segment -> its bytes."""

SERVED = ["call_key", "status", "text", "value", "detail", "input_tokens", "output_tokens", "cost_usd", "latency_ms",
          "attempts"]  # fmt: skip
_ARROW = {
    "VARCHAR": pa.string(),
    "JSON": pa.string(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"),
    "VARCHAR[]": pa.list_(pa.string()),
}
SCHEMA = pa.schema([(name, _ARROW[kind]) for name, kind in FIELDS.items()])


def list_packed(folder: Path) -> list[Path]:
    """Oldest first."""
    return sorted((folder / "packed").glob("*.parquet"))


def list_pruned(folder: Path) -> list[Path]:
    """Files of calls without their texts (pruning.py), oldest first. Each stands for the packed file of its name."""
    return sorted((folder / "pruned").glob("*.parquet"))


class Packed:
    """One packed file, opened for reading; nothing but the footer is read before it is asked."""

    def __init__(self, path: Path) -> None:
        from pyarrow import parquet

        self.path = path
        self._footer = parquet.read_metadata(path)
        self.calls: int = self._footer.num_rows
        self.metadata: dict[bytes, bytes] = {SEGMENTS: self._footer.metadata[SEGMENTS]}
        self.segments: dict[str, int] = json.loads(self.metadata[SEGMENTS])
        self.groups: int = self._footer.num_row_groups
        rows = [self._footer.row_group(number).num_rows for number in range(self.groups)]
        self._ends = np.cumsum(rows, dtype=np.int64)

    def read(self, rows: ArrayLike, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """These columns of these rows, in the files' order; JSON is parsed."""
        asked = np.unique(np.asarray(rows, np.int64))
        groups = np.searchsorted(self._ends, asked, side="right")
        for group in np.unique(groups).tolist():
            first = int(self._ends[group - 1]) if group else 0
            yield from _records(self.group(group, columns).take(asked[groups == group] - first))

    def records(
        self, newest_first: bool = False, segment: str | None = None, columns: Sequence[str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """All rows, or those of one segment, as the records they were; fields that a record did not have are None.
        With `columns` only these fields."""
        for group in reversed(range(self.groups)) if newest_first else range(self.groups):
            rows = list(_records(self.group(group, columns)))
            for record in reversed(rows) if newest_first else rows:
                if record.pop("segment", segment) == segment or segment is None:
                    yield record | (record.pop("rest", None) or {})

    def group(self, number: int, columns: Sequence[str] | None = None) -> pa.Table:
        return self._open().read_row_group(number, columns=columns and list(columns), use_threads=False)

    def _open(self) -> Any:
        from pyarrow import parquet

        return parquet.ParquetFile(self.path, metadata=self._footer)

    def index(self) -> tuple[Numbers, Numbers]:
        """Heads of the keys that have a final record, sorted, and the row of the latest one."""
        heads, rows, start = [], [], 0
        for group in range(self.groups):
            table = self.group(group, ["call_key", "status"])
            final = np.flatnonzero(np.isin(np.asarray(table["status"].to_pylist()), [str(status) for status in FINAL]))
            heads.append(heads_of(table["call_key"].to_pylist())[final])
            rows.append(final.astype(np.uint64) + np.uint64(start))
            start += len(table)
        head, row = np.concatenate([np.empty(0, np.uint64), *heads]), np.concatenate([np.empty(0, np.uint64), *rows])
        order = np.argsort(head, kind="stable")
        head, row = head[order], row[order]
        last = head != np.roll(head, -1)
        last[-1:] = True
        return head[last], row[last]


def row_of_record(record: dict[str, Any], segment: str) -> dict[str, Any]:
    """The record as a row of SCHEMA, from which `Packed.records` makes it again."""
    row: dict[str, Any] = {"segment": segment}
    rest = {name: value for name, value in record.items() if name not in _STORED}
    for name, stored in _STORED.items():
        value = record.get(name)
        if value is None:
            row[name] = None
            continue
        row[name] = stored(value)
        if row[name] is None or (name == "created_at" and row[name].isoformat() != value):
            rest[name] = value
    row["rest"] = dump(rest).decode() if rest else None
    return row


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None


_STORES: dict[str, Callable[[Any], Any]] = {  # None: the column does not take it
    "VARCHAR": lambda value: value if isinstance(value, str) else None,
    "JSON": lambda value: dump(value).decode(),
    "BIGINT": lambda value: value if type(value) is int and -(2**63) <= value < 2**63 else None,
    "DOUBLE": lambda value: float(value) if type(value) in (int, float) else None,
    "TIMESTAMPTZ": _moment,
    "VARCHAR[]": lambda value: value if isinstance(value, list) and all(isinstance(v, str) for v in value) else None,
}
_STORED = {name: _STORES[kind] for name, kind in FIELDS.items() if name not in ("rest", "segment")}


def _records(table: pa.Table) -> Iterator[dict[str, Any]]:
    json_columns = [name for name in table.column_names if FIELDS[name] == "JSON"]
    for row in table.to_pylist():
        for name in json_columns:
            if row[name] is not None:
                row[name] = orjson.loads(row[name])
        if row.get("created_at") is not None:
            row["created_at"] = row["created_at"].isoformat()
        yield row
