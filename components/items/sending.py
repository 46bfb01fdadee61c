"""A picture as it is sent to a model: one content part of a chat message, the same for writer, judge and teller.

Reads the item's picture; writes nothing. Needs the step's `picture_px` and `picture_detail`. One function for all who
send pictures, because two encoders would some day send two versions of one picture, and a judge would judge what the
writer never saw. Encoded pictures are kept in memory up to a bound: candidates, repeats, repairs and the next step
share one string instead of encoding it again (an upright photo of 12 megapixels takes about a tenth of a second).
"""

import base64
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from components.items.pictures import PictureError, jpeg_for_model
from components.records import Item
from components.specs import ChatSpec

MAX_KEPT = 128 * 1024 * 1024
"""Characters of data URLs kept per process: about 1,000 photos at 768 pixels."""

_Key = tuple[str, str | None, int, int, int]


class _Urls:
    """Data URLs by file and size, the least recently used dropped first; threads of parallel windows share it."""

    def __init__(self, bound: int) -> None:
        self.bound, self.size = bound, 0
        self.encoded = 0
        self._urls: OrderedDict[_Key, str] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: str, sha256: str | None, px: int) -> str:
        """Raises PictureError as `jpeg_for_model` does; a file that was touched since is read again."""
        try:
            stamp = Path(path).stat()
        except OSError as error:
            raise PictureError("picture_missing", f"{path}: {error.strerror or error}") from error
        key = (path, sha256, px, stamp.st_mtime_ns, stamp.st_size)
        with self._lock:
            if key in self._urls:
                self._urls.move_to_end(key)
                return self._urls[key]
        jpeg = jpeg_for_model(path, sha256=sha256, max_side=px)
        url = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
        with self._lock:
            self.encoded += 1
            self.size += len(url) - len(self._urls.pop(key, ""))
            self._urls[key] = url
            while self.size > self.bound:
                self.size -= len(self._urls.popitem(last=False)[1])
        return url


_urls = _Urls(MAX_KEPT)


def picture_or_problem(item: Item, spec: ChatSpec) -> dict[str, Any] | PictureError | None:
    """As `picture_part`, but what makes it impossible is returned, for who turns it into a state of its rows."""
    try:
        return picture_part(item, spec)
    except PictureError as problem:
        return problem


def picture_part(item: Item, spec: ChatSpec) -> dict[str, Any] | None:
    """{"type": "image_url", ...} with a JPEG of at most `picture_px` a side, made of pixels alone; None for an item
    without a picture. `detail` is there only when it was chosen, so that the key of every other call stays as it was.

    Raises PictureError when the picture is gone, or no longer the one that was ingested.
    """
    if item.image_path is None:
        return None
    picture = {"url": _urls.get(item.image_path, item.sha256, spec.picture_px)}
    if spec.picture_detail != "auto":
        picture["detail"] = spec.picture_detail
    return {"type": "image_url", "image_url": picture}


def seen_differently(writer: ChatSpec, judge: ChatSpec) -> str | None:
    """What to tell a user whose writer and judge both see the picture, but not the same one; else None."""
    if not (writer.picture and judge.picture):
        return None
    names = ("picture_px", "picture_detail")
    apart = [
        f"{name} {getattr(writer, name)} and {getattr(judge, name)}"
        for name in names
        if getattr(writer, name) != getattr(judge, name)
    ]
    if not apart:
        return None
    return f"writer and judge see different versions of the pictures ({'; '.join(apart)}): the judge may miss details"
