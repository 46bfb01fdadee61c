"""A folder in any store that fsspec knows (file:///..., s3://bucket/prefix, gs://, az://), and the few things we ask.

Objects are written whole or not at all, so that who finds one has all of it; nothing is listed from a cache, because
other hosts write here too. Keys and endpoints are the store's own affair: its library reads them from the environment
of each host (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL, ...), so that no secret travels with a chunk.
"""

import posixpath
import secrets
import time
from collections.abc import Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

EXTRAS = {"s3": "s3", "s3a": "s3"}
"""Protocol -> the extra of this package that brings its library."""


class Place:
    """Cheap to make; paths are relative to `url`. Usable from several threads."""

    def __init__(self, url: str) -> None:
        import fsspec

        self.url = url.rstrip("/")
        protocol = url.partition("://")[0]
        try:
            # No shared instance: a listing that another part of this process has cached would hide other hosts' files.
            made = fsspec.url_to_fs(self.url, use_listings_cache=False, skip_instance_cache=True)
        except (ImportError, ValueError) as error:
            extra = f": pip install 'postwright[{EXTRAS[protocol]}]'" if protocol in EXTRAS else ""
            raise UserError(f"POSTWRIGHT_EXCHANGE is {url}, which cannot be opened here ({error}){extra}") from error
        self.fs: Any = made[0]
        self.root: str = made[1].rstrip("/")

    @property
    def is_local(self) -> bool:
        """A folder of this machine, or one that is mounted: written under another name and renamed."""
        protocol = self.fs.protocol
        return "file" in ((protocol,) if isinstance(protocol, str) else protocol)

    def path(self, name: str) -> str:
        return posixpath.join(self.root, name)

    def check(self) -> None:
        """Raises UserError unless something can be written here and read again."""
        name, said = f"probe/{secrets.token_hex(8)}", datetime.now(UTC).isoformat().encode()
        self.write(name, said)
        if self.read(name) != said:
            raise UserError(f"the exchange {self.url} gives back something else than was written")
        self.remove(name)

    def write(self, name: str, data: bytes) -> None:
        """The whole object, or nothing."""
        path = self.path(name)
        with self._told(name, "written"):
            if not self.is_local:
                self.fs.pipe_file(path, data)
                return
            made = Path(f"{path}.{secrets.token_hex(4)}.tmp")
            made.parent.mkdir(parents=True, exist_ok=True)
            try:
                made.write_bytes(data)
                made.replace(path)
            except OSError:
                made.unlink(missing_ok=True)
                raise

    def read(self, name: str) -> bytes:
        """FileNotFoundError where it is not there."""
        with self._told(name, "read"):
            return bytes(self.fs.cat_file(self.path(name)))

    def age_s(self, name: str) -> float | None:
        """Seconds since it was written, by the store's clock and ours; None where it is not there."""
        with self._told(name, "read"):
            try:
                return _age_s(self.fs.info(self.path(name)))
            except FileNotFoundError:
                return None

    def names(self, folder: str) -> dict[str, int]:
        """Name -> size of everything under `folder`."""
        return {name: int(found["size"] or 0) for name, found in self._found(folder).items()}

    def remove(self, *names: str) -> None:
        """What is not there is no error."""
        paths = [self.path(name) for name in names]
        with self._told(", ".join(names[:3]), "removed"):
            for path in paths:
                try:
                    self.fs.rm_file(path)
                except FileNotFoundError:
                    continue

    def prune(self, folder: str, older_than_s: float) -> int:
        """Removes what was written earlier; returns how many objects."""
        old = [name for name, found in self._found(folder).items() if (_age_s(found) or 0.0) > older_than_s]
        self.remove(*old)
        return len(old)

    def _found(self, folder: str) -> Mapping[str, Mapping[str, Any]]:
        with self._told(folder, "listed"):
            try:
                found = self.fs.find(self.path(folder), detail=True)
            except FileNotFoundError:
                return {}
        return {path[len(self.root) + 1 :]: facts for path, facts in found.items() if not path.endswith(".tmp")}

    @contextmanager
    def _told(self, name: str, verb: str) -> "Iterator[None]":
        """Errors of the store in one line; an object that is not there keeps its own."""
        try:
            yield
        except Exception as error:  # each store's library has kinds of its own; what is none of theirs goes on
            missing = isinstance(error, FileNotFoundError) and verb != "written"
            if missing or not (isinstance(error, OSError) or type(error).__module__.partition(".")[0] in LIBRARIES):
                raise
            raise UserError(
                f"{name} cannot be {verb} in the exchange {self.url} ({type(error).__name__}: {error}): check "
                "POSTWRIGHT_EXCHANGE, that the bucket exists, and the store's keys on this host; what was done is kept"
            ) from error


LIBRARIES = frozenset({"botocore", "aiobotocore", "aiohttp", "gcsfs", "google", "azure", "s3fs"})
"""Whose exceptions mean that the store refused or was not there."""


def _age_s(facts: Mapping[str, Any]) -> float | None:
    at = facts.get("LastModified") or facts.get("last_modified") or facts.get("updated") or facts.get("mtime")
    if isinstance(at, datetime):
        at = at.timestamp()
    return None if at is None else time.time() - float(at)
