"""The block of measures: per measure its distribution, its mean, what is missing, and how it goes with the judge.

Reads rows of the table `measures` of one run's posts, the table `these` beside it; knows no other table.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from components.measures.about import About, about
from components.measures.confusion import Confusion, confusions
from components.measures.control import LEXICON, NAMES
from components.measures.correlation import MOST, Correlation, spearman
from components.measures.readers import INDEPENDENCE
from components.measures.wording import Distinct
from components.posts.duplicates import words_of
from components.report.training_charts import Heat, heat
from components.statistics import mean_with_interval
from components.warehouse.questions import columns_of, rows_of

Row = dict[str, Any]
Floats = NDArray[np.float64]
BINS = 12
WITHOUT = {
    "no_picture": "no picture",
    "wordless": "no words",
    "too_few": "nothing to compare with",
    "not_asked": "not asked for",
    "no_class": "no such class",
    "unsure": "the reader could not tell",
    "language": "another language",
}
FAMILIES = {
    "fit": "Fit to the picture",
    "control": "Was it what was asked for?",
    "wording": "Wording",
    "variety": "Variety of the feed",
    "safety": "What should not be there",
    "rules": "Rules of the platform",
}
_NAMES = """
    SELECT name, first(model ORDER BY post_id) AS model FROM measures SEMI JOIN these USING (post_id)
    WHERE spec_id = $measure_posts GROUP BY name ORDER BY name"""
_VALUES = """
    SELECT value, error, overall FROM measures JOIN these USING (post_id)
    WHERE spec_id = $measure_posts AND name = $name ORDER BY post_id"""
_CONTROL = """
    SELECT name, model, error, detail, count(*) AS n FROM (
        SELECT * REPLACE (json_merge_patch(detail, '{"probability": null}')::VARCHAR AS detail)
        FROM measures SEMI JOIN these USING (post_id)
        WHERE spec_id = $measure_posts AND name IN (SELECT unnest($names::VARCHAR[]))
    ) GROUP BY ALL ORDER BY min(post_id), name"""
"""Without what differs from post to post few different rows are left."""
_ALARM = """
    SELECT post_id, value, detail FROM measures SEMI JOIN these USING (post_id)
    WHERE name = 'contradiction' AND spec_id = $measure_posts AND json_extract_string(detail, '$.n') IS NOT NULL
    ORDER BY created_at DESC, post_id LIMIT 1"""
OF_POSTS = """
    SELECT post_id, name, value, label, detail, error FROM measures
    WHERE spec_id = $measure_posts AND post_id IN (SELECT unnest($posts::VARCHAR[])) ORDER BY post_id, name"""


@dataclass(frozen=True, slots=True)
class Values:
    """Of one measure; `table` has columns value, error and overall."""

    name: str
    model: str
    table: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Measured:
    """What the block is made of. `values`: per measure, by columns, the value of each post, why there is none, and the
    judge's overall score; `feed`: what the texts have in common; `control` counted rows of control; `alarm` how the
    alarm of contradictions was calibrated."""

    values: tuple[Values, ...] = ()
    feed: Mapping[str, float] = field(default_factory=dict)
    control: tuple[Row, ...] = ()
    alarm: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One measure. `bins` are heights in per cent between `low_end` and `high_end`; for yes or no, `share` of yes."""

    about: About
    model: str
    n: int
    mean: float | None
    low: float | None
    high: float | None
    bins: tuple[float, ...]
    ends: tuple[float, float] | None
    apart: tuple[tuple[str, int], ...]
    judge: Correlation


@dataclass(frozen=True, slots=True)
class Block:
    families: tuple[tuple[str, tuple[Line, ...]], ...]
    confusions: tuple[tuple[Confusion, Heat], ...]
    alarm: Mapping[str, Any]
    feed: Mapping[str, float]
    sampled: int | None


def measured(db: DuckDBPyConnection, spec_id: str, texts: Iterable[str]) -> Measured:
    """By the measures' spec; `these` has the posts, with their `overall`, and `texts` are theirs."""
    asked = {"measure_posts": spec_id}
    names = rows_of(db, _NAMES, asked)
    if not names:
        return Measured()
    alarm = rows_of(db, _ALARM, asked)
    return Measured(
        tuple(
            Values(row["name"], row["model"], columns_of(db, _VALUES, asked | {"name": row["name"]})) for row in names
        ),
        feed_of(texts),
        tuple(rows_of(db, _CONTROL, asked | {"names": [*NAMES, LEXICON]})),
        json.loads(alarm[0]["detail"]) if alarm else {},
    )


def feed_of(texts: Iterable[str]) -> dict[str, float]:
    """How many posts and words there are, and the shares of different words and pairs of words."""
    n, feed = 0, Distinct((1, 2))
    for text in texts:
        feed.add(words_of(text))
        n += 1
    return {"posts": n, "words": feed.words} | {f"distinct_{size}": feed.share(size) for size in (1, 2)}


def measures_of(found: Measured, judged: int) -> Block | None:
    """None where nothing was measured; `judged`: how many posts have a score."""
    if not found.values:
        return None
    known = about()
    lines = {one.name: line_of(one, known[one.name]) for one in found.values if one.name in known}
    families = [
        (title, tuple(lines[name] for name, one in known.items() if one.family == family and name in lines))
        for family, title in FAMILIES.items()
    ]
    matrices = [(one, heat_of(one)) for one in confusions(found.control) if one.n or any(one.unsure)]
    sampled = MOST if judged > MOST else None
    return Block(tuple((t, ls) for t, ls in families if ls), tuple(matrices), found.alarm, found.feed, sampled)


def line_of(found: Values, one: About) -> Line:
    there = found.table[found.table["value"].notna()]
    values, judged = there["value"].to_numpy(dtype=np.float64), there[there["overall"].notna()]
    mean = mean_with_interval(values)
    apart = Counter(found.table["error"].dropna())
    bins, ends = histogram(values, one.unit == "0 or 1")
    return Line(
        one, found.model, mean["n"], mean["mean"], mean["low"], mean["high"], bins, ends,
        tuple((WITHOUT.get(e, e.replace("_", " ")), n) for e, n in sorted(apart.items(), key=lambda p: (-p[1], p[0]))),
        spearman(judged["value"].to_numpy(), judged["overall"].to_numpy()),
    )  # fmt: skip


def histogram(values: Floats, two: bool = False) -> tuple[tuple[float, ...], tuple[float, float] | None]:
    """Heights in per cent of the highest column, and the ends of the scale; two columns for yes or no."""
    if not len(values):
        return (), None
    low, high = (0.0, 1.0) if two else (float(values.min()), float(values.max()))
    if low == high:
        return (100.0,), (low, high)
    slots = 2 if two else BINS
    places = np.minimum(slots - 1, ((values - low) / (high - low) * slots).astype(np.int64))
    counts = np.bincount(places, minlength=slots)
    return tuple((100 * counts / counts.max()).tolist()), (low, high)


def heat_of(one: Confusion) -> Heat:
    return heat({"labels": one.labels, "matrix": one.matrix, "unanswered": list(one.unsure)})


def independence(one: Confusion) -> str:
    return INDEPENDENCE.get(one.independence, "")


@dataclass(frozen=True, slots=True)
class OnCard:
    """Of one card: (title, value or why there is none, label) per measure, and what a person should see at once."""

    values: tuple[tuple[str, str, str], ...]
    alarms: tuple[str, ...]


def on_card(rows: Sequence[Row]) -> OnCard:
    known, found = about(), {row["name"]: row for row in rows}
    values = [
        (one.title, said(found[name], one), found[name]["label"] or "") for name, one in known.items() if name in found
    ]
    return OnCard(tuple(values), tuple(alarms_of(found)))


def said(row: Row, one: About) -> str:
    if row["value"] is None:
        return WITHOUT.get(row["error"], str(row["error"]).replace("_", " "))
    if one.unit == "0 or 1":
        return "yes" if row["value"] else "no"
    digits = 0 if one.unit in ("words", "posts", "places", "rules", "place") else one.digits
    return f"{row['value']:,.{digits}f}"


def alarms_of(found: Mapping[str, Row]) -> list[str]:
    alarms = []
    if (row := found.get("contradiction")) and row["value"]:
        detail = json.loads(row["detail"])
        alarms.append(f"Another picture fits better by {detail['by']:.3f} (margin {detail['margin']:.3f}).")
    if (row := found.get("toxicity")) and (row["value"] or 0) >= TOXIC:
        alarms.append(f"Reads as offensive: probability {row['value']:.2f}.")
    if (row := found.get("pii")) and row["value"]:
        alarms.append(f"Holds personal data: {row['label']}.")
    if (row := found.get("near_duplicates")) and row["value"]:
        alarms.append(f"{row['value']:.0f} other posts say nearly the same.")
    return alarms


TOXIC = 0.8
"""As in data_checks/measures.py."""
