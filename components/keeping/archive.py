"""Where a backup is: one file (`.tar.zst`, or a plain `.tar`), or a folder; written and read as a stream of files.

Either holds `manifest.json`, written last: without it nothing was finished.
"""

import hashlib
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Protocol

MANIFEST = "manifest.json"
SUFFIXES = (".tar.zst", ".tar")
_SAFE = re.compile(r"(?!\.{1,2}(/|$))[^/\0]+(/(?!\.{1,2}(/|$))[^/\0]+)*")
_BLOCK = 2**20
_ZSTD = b"\x28\xb5\x2f\xfd"


class Hashed:
    """A file's first `size` bytes, and their hash once they are read."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._left = file, size
        self._hash = hashlib.sha256()

    def read(self, n: int = -1) -> bytes:
        data = self._file.read(self._left if n < 0 else min(n, self._left))
        self._left -= len(data)
        self._hash.update(data)
        return data

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


class Target(Protocol):
    def add(self, name: str, file: IO[bytes], size: int) -> str:
        """Writes the first `size` bytes; returns their SHA-256."""
        ...


class TarTarget:
    """A tar file, compressed by its name's ending."""

    def __init__(self, path: Path, closing: ExitStack) -> None:
        out: Any = closing.enter_context(path.open("wb"))
        if path.name.endswith(".zst.part"):
            import pyarrow as pa

            out = closing.enter_context(pa.CompressedOutputStream(pa.PythonFile(out, mode="w"), "zstd"))
        tar = tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - `closing` closes it
        self._tar = closing.enter_context(tar)

    def add(self, name: str, file: IO[bytes], size: int) -> str:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, 0o600
        source = Hashed(file, size)
        self._tar.addfile(entry, source)
        return source.hexdigest()


class FolderTarget:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True)

    def add(self, name: str, file: IO[bytes], size: int) -> str:
        return store(self._folder / name, file, size)


def store(path: Path, file: IO[bytes], size: int) -> str:
    """Writes a file, forced to disk; returns its SHA-256. OSError where `file` ends before `size`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    source = Hashed(file, size)
    with path.open("xb") as out:
        path.chmod(0o600)
        while data := source.read(_BLOCK):
            out.write(data)
        out.flush()
        os.fsync(out.fileno())
        if out.tell() != size:
            raise OSError(f"{path.name} ends after {out.tell():,} of {size:,} bytes")
    return source.hexdigest()


def files_in(place: Path) -> Iterator[tuple[str, IO[bytes], int]]:
    """Name, contents and size of each file of a backup; the contents must be read before the next one. Raises OSError,
    EOFError or tarfile.TarError where it is damaged."""
    if place.is_dir():
        for path in sorted(place.rglob("*")):
            if path.is_file():
                with path.open("rb") as file:
                    yield path.relative_to(place).as_posix(), file, path.stat().st_size
        return
    with ExitStack() as closing:
        source: Any = closing.enter_context(place.open("rb"))
        is_compressed = source.read(4) == _ZSTD
        source.seek(0)
        if is_compressed:
            import pyarrow as pa

            source = closing.enter_context(pa.CompressedInputStream(pa.PythonFile(source, mode="r"), "zstd"))
        with tarfile.open(fileobj=source, mode="r|") as tar:
            for entry in tar:
                contents = tar.extractfile(entry)
                if contents is None or not _SAFE.fullmatch(entry.name):
                    raise tarfile.TarError(f"{entry.name!r} is no file that a backup has")
                yield entry.name, contents, entry.size


def digest(file: IO[bytes], size: int) -> str:
    source = Hashed(file, size)
    while source.read(_BLOCK):
        pass
    return source.hexdigest()
