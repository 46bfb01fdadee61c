"""What the texts of posts come to, read text by text: all of them would fill the memory.

Read: the table posts and, beside it, `these` (post_id, place): the posts that are asked about.
"""

from collections.abc import Iterator

import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from components.errors import UserError
from components.prompts import Platform, load_platform
from components.report.posts import Posts
from components.warehouse.questions import streamed

_TEXTS = "SELECT these.place, po.text FROM these JOIN posts po USING (post_id) WHERE po.text <> ''"


def texts_of(db: DuckDBPyConnection) -> Iterator[tuple[int, str]]:
    """(place, text) of those that have one, in any order."""
    yield from ((place, text) for place, text in streamed(db, _TEXTS))


def lengths_of(db: DuckDBPyConnection, posts: Posts) -> NDArray[np.int64]:
    """(posts,) characters as each one's platform counts them; 0 without a text, or without such a platform."""
    counted = np.zeros(len(posts), dtype=np.int64)
    keys = posts["platform"].cat
    platforms, codes = [platform_of(key) for key in keys.categories], keys.codes.to_numpy()
    for place, text in texts_of(db):
        platform = platforms[codes[place]]
        counted[place] = platform.length(text) if platform else 0
    return counted


def platform_of(key: str) -> Platform | None:
    """The platform's rules; None for one that was taken out since."""
    try:
        return load_platform(key)
    except UserError:
        return None
