"""What a good batch of features says of parts of pictures: each has a box in the picture, and all its rows agree.

Of the same table as `features`, whose suite has these checks in it. A part's rows share its rank: `crop` says what
stands out and how much, the others what the part shows.
"""

import math
from collections.abc import Iterable

import pandas as pd

from data_checks.suite import holds

CROP = "crop"
TOLD = ("crop_caption", "crop_topic", "crop_scene")
CROPS = (CROP, *TOLD)


def _numbers(box: object) -> tuple[float, ...]:
    """Four finite numbers, or none: lists, arrays and whatever else a frame holds."""
    if not isinstance(box, Iterable) or isinstance(box, str | bytes):
        return ()
    numbers = tuple(float(x) if isinstance(x, int | float) or hasattr(x, "item") else math.nan for x in box)
    return numbers if len(numbers) == 4 and all(map(math.isfinite, numbers)) else ()


def _is_there(box: object) -> bool:
    """Anything that stands for a box, sound or not: None and NaN do not."""
    return box is not None and not (isinstance(box, float) and math.isnan(box)) and box is not pd.NA


def _box_is_there(frame: pd.DataFrame) -> pd.Series:
    """Exactly where the name is a part's."""
    return frame["box"].map(_is_there).astype(bool) == frame["name"].isin(CROPS)


def _box_is_sound(frame: pd.DataFrame) -> pd.Series:
    def sound(box: object) -> bool:
        if not _is_there(box):
            return True
        numbers = _numbers(box)
        if not numbers:
            return False
        left, top, right, bottom = numbers
        return 0 <= left < right <= 1 and 0 <= top < bottom <= 1

    return frame["box"].map(sound).astype(bool)


def _part_agrees(frame: pd.DataFrame) -> pd.Series:
    """What is said of a part has a `crop` of its rank and box beside it, and each `crop` has a caption."""
    rows = frame[frame["name"].isin(CROPS)]
    part = list(zip(rows["item_id"], rows["spec_id"], rows["rank"], rows["box"].map(_numbers), strict=True))
    crops = {key for key, name in zip(part, rows["name"], strict=True) if name == CROP}
    captioned = {key for key, name in zip(part, rows["name"], strict=True) if name == "crop_caption"}
    agrees = pd.Series([key in crops and key in captioned for key in part], index=rows.index, dtype=bool)
    return agrees.reindex(frame.index, fill_value=True)


DERIVED = {"box_is_there": _box_is_there, "box_is_sound": _box_is_sound, "part_agrees": _part_agrees}
EXPECTATIONS = (
    holds("boxes stand under the names of parts", "box_is_there"),
    holds("boxes lie in their picture", "box_is_sound", "quarantine", "nothing can have been read there"),
    holds("what is said of a part stands beside it", "part_agrees", why="a word would be traced to another place"),
)
