"""Rows on their way between hosts: `chunks/<key>/<name>.parquet`, one folder per chunk.

The key says what is computed (version of the rows, spec, chunk), and what is computed says its rows; so a result that
an earlier run has left is the result, and a chunk that two workers compute is the same object written twice.
"""

import io
from collections.abc import Sequence
from dataclasses import fields
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from components.exchange.place import Place
from components.records import Record

R = TypeVar("R", bound=Record)


class Parcels:
    """The folder of one chunk."""

    def __init__(self, place: Place, key: str) -> None:
        self.place, self.key = place, key

    def put(self, name: str, rows: Sequence[Record]) -> None:
        """All rows or none are there."""
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist([row.row() for row in rows]), buffer, compression="zstd")
        self.place.write(self._named(name), buffer.getvalue())

    def get(self, name: str, kind: type[R]) -> list[R]:
        """FileNotFoundError where nobody has put them."""
        table = pq.read_table(io.BytesIO(self.place.read(self._named(name))))
        known = [field.name for field in fields(kind) if field.name in table.column_names]
        return [kind(**row) for row in table.select(known).to_pylist()]

    def has(self, name: str) -> bool:
        return self.place.age_s(self._named(name)) is not None

    def remove(self, *names: str) -> None:
        self.place.remove(*map(self._named, names))

    def _named(self, name: str) -> str:
        return f"chunks/{self.key}/{name}.parquet"
