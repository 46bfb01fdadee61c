"""Source instagram: pictures named <media id>_<owner id>[_<place in the carousel>], as downloaders name them.

The time of a post is in its media id: (id >> 23) milliseconds after 2011-08-24 21:07:01.721 UTC (Instagram Engineering,
"Sharding & IDs at Instagram"). A table of descriptions and sidecars are read as in a folder of pictures.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import PureWindowsPath

from components.items.entries import Entry, Met
from components.items.folder import list_folder
from components.specs import DatasetSpec

EPOCH_MS = 1_314_220_021_721
_NAME = re.compile(r"(?P<media>\d{15,20})_(?P<owner>\d{1,20})(?:_(?P<place>\d{1,3}))?(?:_[a-z]+)?", re.ASCII)


def list_instagram(spec: DatasetSpec, met: Met) -> Iterator[Entry]:
    return map(_named, list_folder(spec, met))


def posted_at(media_id: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=(media_id >> 23) + EPOCH_MS)


def _named(entry: Entry) -> Entry:
    """The entry with what its picture's name says. The id keeps the owner and the place: the pictures of a carousel
    share a media id, and each is an input of its own; a suffix such as _small makes no other picture."""
    if entry.problem is not None or entry.image_named is None:
        return entry
    name = PureWindowsPath(entry.image_path or entry.image_named).stem
    match = _NAME.fullmatch(name)
    if match is None or posted_at(int(match["media"])) > datetime.now(UTC) + timedelta(days=1):
        return replace(entry, problem=("bad_name", f"{name!r} is not <media id>_<owner id>[_<place>] of Instagram"))
    media, owner, place = match.group("media", "owner", "place")
    return replace(
        entry,
        source_id="_".join(filter(None, (media, owner, place))),
        author=entry.author or owner,
        published_at=posted_at(int(media)),
    )
