"""The inputs of a source, as a run sees them: those met before, and those that are fresh. Neither is in memory as a
whole: a source may have millions."""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, cast

import numpy as np

from components.errors import HomeUnusable
from components.items import Entry
from components.items.names import Names, digest
from components.warehouse.store import Store
from flows.stopping import raise_if_stopped

IN_MEMORY = 64 * 2**20
"""Bytes of fresh entries; more go to a file without a name in the home."""


class InputsMet:
    """Holds (source_uri, stamp) of inputs."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, named: object) -> bool:
        return digest(*cast(tuple[str, str], named)) in self._names


def inputs_met(store: Store, dataset: str) -> InputsMet:
    """(source_uri, stamp) of every input when it was last read, whether it became an item or was refused."""
    sql = """SELECT ('0x' || digest[1:16])::UBIGINT AS high, ('0x' || digest[17:32])::UBIGINT AS low FROM (
        SELECT md5(source_uri || ' ' || arg_max(stamp, "at")) AS digest FROM inputs WHERE dataset = $dataset
        GROUP BY source_uri)"""

    with store.connect() as db:
        found = db.execute(sql, {"dataset": dataset}).fetchnumpy()
    return InputsMet(Names(np.asarray(found["high"]), np.asarray(found["low"])))


def newest_reading(store: Store, dataset: str) -> datetime | None:
    found = store.query('SELECT max("at") AS newest FROM inputs WHERE dataset = $dataset', {"dataset": dataset})
    newest: datetime | None = found[0]["newest"]
    return newest


class Fresh:
    """Entries in their order, to be gone through once when all are there."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._n = file, 0

    def __len__(self) -> int:
        return self._n

    def add(self, entry: Entry) -> None:
        with _room():
            pickle.dump(entry, self._file, pickle.HIGHEST_PROTOCOL)
        self._n += 1

    def chunks(self, size: int) -> Iterator[list[Entry]]:
        with _room():
            self._file.seek(0)  # writes what is still on its way to the disk
        entries = (pickle.load(self._file) for _ in range(self._n))
        while part := list(islice(entries, size)):
            raise_if_stopped()
            yield part


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HomeUnusable(f"the list of new inputs cannot be kept: {error.strerror or error}") from error


@contextmanager
def kept_in(home: Path) -> Iterator[Fresh]:
    """For entries that are kept until the end of the block; raises HomeUnusable where the disk has no room for them."""
    file = SpooledTemporaryFile(IN_MEMORY, dir=str(home))  # noqa: SIM115 - closing it may fail once more, and is closed
    try:
        yield Fresh(file)
    finally:
        with suppress(OSError):
            file.close()
