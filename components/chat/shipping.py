"""The journals of many hosts in one store: what a host has bought is shipped in parts, and pulled by the others.

    <exchange>/calls/<day>/<segment>.<first byte>.jsonl     a part of a segment: whole lines, written once
    <exchange>/calls/packed/<name>.parquet                  a packed file of a host that had a journal before
    <exchange>/calls/pictures/<sha256>.<ext>                what was sent with calls

No store appends, so a segment grows on its own host's disk, where a record is durable the moment its call is answered,
and is shipped as it has grown. A part is sealed: who has its name has its contents. A pulled part is a segment like any
other, so look-ups, views, sums and compaction need not know where it was written.

What a host has bought and not shipped when it dies is not lost, but unknown elsewhere until a worker starts in the same
home again: at most what `every_s` brings is bought twice.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from components.chat.packed import Packed, list_packed, list_pruned
from components.chat.segments import cannot_write, list_segments
from components.errors import UserError

if TYPE_CHECKING:
    from components.exchange import Place

log = logging.getLogger(__name__)

EVERY_S = 5.0
"""How often what was bought is shipped while a chunk is under way."""

KEPT_S = 30 * 86_400.0
"""Parts are removed after this: a month in which every home that takes part has pulled them."""

PART_BYTES = 64 * 2**20
"""At most, so that a part is held in memory on the way."""


class Shipping:
    """Between the journal in `folder` and `place`; one per process and home. Thread-safe."""

    def __init__(self, folder: Path, place: "Place") -> None:
        self.folder, self.place = folder, place
        self._lock = threading.Lock()
        self._shipped: dict[str, int] = {}
        """Segment -> up to which byte it is in the store."""
        self._sent: set[str] = set()
        """Packed files and pictures that are there."""
        self._listed = False

    def ship(self, everything: bool = False) -> int:
        """What this home's journal has that the store has not; returns how many parts. `everything`: packed files,
        too, which a home has that bought alone before."""
        with self._lock:
            self._list()
            parts = 0
            known = self._pulled()
            for path, size in list_segments(self.folder):
                if path.name not in known and size > self._shipped.get(path.name, 0):
                    parts += self._ship_segment(path)
            for path in list_packed(self.folder) if everything else ():
                self._ship_file(f"calls/packed/{path.name}", path)
            for path in sorted((self.folder / "pictures").glob("*.*")):
                if path.suffix != ".tmp":
                    self._ship_file(f"calls/pictures/{path.name}", path)
            return parts

    def pull(self, packed: bool = False, pictures: bool = False) -> int:
        """What others have shipped, and this home has not; returns how many files. A worker pulls `packed` files, too,
        which may hold parts that it has: it only looks calls up. The publisher, who keeps the books, must not have a
        record twice: it pulls parts, and the `pictures` of calls."""
        with self._lock:
            there = self._here()
            pulled = 0
            for name in self._there():
                _, kind, file = name.split("/")
                if kind == "pictures":
                    pulled += pictures and self._pull_file(name, self.folder / "pictures" / file)
                elif kind == "packed":
                    is_wanted = packed and not (self.folder / "pruned" / file).exists()
                    pulled += is_wanted and self._pull_file(name, self.folder / "packed" / file)
                elif file not in there and _segment_of(file) not in there:
                    pulled += self._pull_file(name, self.folder / file)
            return pulled

    @contextmanager
    def under_way(self, every_s: float = EVERY_S) -> Iterator[None]:
        """Pulls before the block; ships every few seconds within it, and at its end whatever ends it."""
        self.pull(packed=True)
        ended = threading.Event()

        def keep_shipping() -> None:
            while not ended.wait(every_s):
                try:
                    self.ship()
                except UserError as error:  # what is bought is on disk; the last try raises what it meets
                    log.warning("not shipped yet: %s", error)

        thread = threading.Thread(target=keep_shipping, name="shipping", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            self.ship()

    def _list(self) -> None:
        """What is in the store already, once: a process that died here may have shipped some of its segment."""
        if self._listed:
            return
        for name, size in self._there().items():
            _, kind, file = name.split("/")
            if kind in ("pictures", "packed"):
                self._sent.add(name)
            else:
                segment = _segment_of(file)
                self._shipped[segment] = max(self._shipped.get(segment, 0), _first_byte(file) + size)
        self._listed = True

    def _ship_segment(self, path: Path) -> int:
        parts, start = 0, self._shipped.get(path.name, 0)
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return 0  # packed since it was listed
        with file:
            file.seek(start)
            while data := _whole_lines(file.read(PART_BYTES)):
                self.place.write(f"calls/{datetime.now(UTC):%Y%m%d}/{path.stem}.{start:012d}.jsonl", data)
                start += len(data)
                self._shipped[path.name] = start
                parts += 1
                file.seek(start)
        return parts

    def _ship_file(self, name: str, path: Path) -> None:
        if name not in self._sent:
            self.place.write(name, path.read_bytes())
            self._sent.add(name)

    def _pull_file(self, name: str, path: Path) -> bool:
        if path.exists():
            return False
        try:
            data = self.place.read(name)
        except FileNotFoundError:
            return False  # pruned since it was listed
        made = path.with_name(f"{path.name}.{threading.get_ident()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.write_bytes(data)
            made.replace(path)
        except OSError as error:
            made.unlink(missing_ok=True)
            raise cannot_write(path, error) from error
        self._sent.add(name)
        return True

    def _there(self) -> dict[str, int]:
        """Name -> size of what is in the store: calls/<day, packed or pictures>/<file>."""
        return {name: size for name, size in self.place.names("calls").items() if name.count("/") == 2}

    def _here(self) -> set[str]:
        """Names of the segments and parts of this home, also of those that are packed, and pruned since."""
        found = {path.name for path, _ in list_segments(self.folder)}
        files = (*list_packed(self.folder), *list_pruned(self.folder))
        return found.union(*(Packed(path).segments for path in files))

    def _pulled(self) -> set[str]:
        """Parts among the segments here: their own hosts have shipped them."""
        return {path.name for path, _ in list_segments(self.folder) if _segment_of(path.name) != path.name}


def _segment_of(file: str) -> str:
    """The segment that a part's name tells of: `<stem>.<first byte>.jsonl`."""
    stem, _, start = file.removesuffix(".jsonl").rpartition(".")
    return f"{stem}.jsonl" if stem and start.isdigit() else file


def _first_byte(file: str) -> int:
    start = file.removesuffix(".jsonl").rpartition(".")[2]
    return int(start) if start.isdigit() else 0


def _whole_lines(data: bytes) -> bytes:
    """A line that is still being written is shipped with what follows it."""
    return data[: data.rfind(b"\n") + 1]
