"""Pictures that were sent, once each: `<calls>/pictures/<sha256>.<ext>`; the records of calls name their hashes.

A picture is written before the first call with it is sent, so that no record names a picture that is not there, and a
full disk stops a run before the money is spent. Written under another name and renamed: never half a picture.
"""

import base64
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from components.chat.request import ChatRequest
from components.chat.segments import cannot_write

EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/gif": "gif"}


class PictureStore:
    """Of one journal; thread-safe, and so are several of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._there: set[bytes] = set()

    def keep(self, request: ChatRequest) -> None:
        """Writes the request's pictures that are not there yet; HomeUnusable names the path of one that cannot be."""
        for sha256, extension, data in _pictures(request):
            digest = bytes.fromhex(sha256)
            if digest in self._there:
                continue
            path = self.folder / f"{sha256}.{extension}"
            if not path.exists():
                self._write(path, base64.b64decode(data))
            self._there.add(digest)

    def _write(self, path: Path, data: bytes) -> None:
        made = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                made.write_bytes(data)
                made.replace(path)
            except OSError:
                made.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise cannot_write(path, error) from error


def _pictures(request: ChatRequest) -> Iterator[tuple[str, str, str]]:
    """Hash, extension and base64 of each picture that is sent as a data URL."""
    for message, hashed in zip(request.messages, request.messages_without_pictures, strict=True):
        content = message.get("content")
        if not isinstance(content, list | tuple):
            continue
        for part, named in zip(content, hashed["content"], strict=True):
            if part.get("type") == "image_url":
                kind, found, sha256 = str(named["image_url"]["url"]).partition(";sha256:")
                if found and len(sha256) == 64:
                    yield sha256, EXTENSIONS.get(kind, "bin"), str(part["image_url"]["url"]).partition(",")[2]
