"""The block of measures: per measure its distribution, its mean, what is missing, and how it goes with the judge.

Reads rows of the table `measures` of one run's posts, asked for as `Measured` says; knows no other table.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.measures.about import About, about
from components.measures.confusion import Confusion, confusions
from components.measures.control import LEXICON, NAMES
from components.measures.correlation import MOST, Correlation, spearman
from components.measures.readers import INDEPENDENCE
from components.measures.wording import distinct
from components.posts.duplicates import words_of
from components.report.training_charts import Heat, heat
from components.statistics import mean_with_interval

Row = dict[str, Any]
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
_VALUES = """
    SELECT name, list(post_id ORDER BY post_id) AS posts, list(value ORDER BY post_id) AS "values",
           list(error ORDER BY post_id) AS errors, first(model ORDER BY post_id) AS model
    FROM measures WHERE spec_id = $measure_posts AND post_id IN (SELECT unnest($posts::VARCHAR[]))
    GROUP BY name ORDER BY name"""
_CONTROL = """
    SELECT post_id, name, model, error, detail FROM measures
    WHERE spec_id = $measure_posts AND post_id IN (SELECT unnest($posts::VARCHAR[]))
      AND name IN (SELECT unnest($names::VARCHAR[])) ORDER BY post_id, name"""
_ALARM = """
    SELECT post_id, value, detail FROM measures WHERE name = 'contradiction' AND spec_id = $measure_posts
      AND post_id IN (SELECT unnest($posts::VARCHAR[])) AND json_extract_string(detail, '$.n') IS NOT NULL
    ORDER BY created_at DESC, post_id LIMIT 1"""
OF_POSTS = """
    SELECT post_id, name, value, label, detail, error FROM measures
    WHERE spec_id = $measure_posts AND post_id IN (SELECT unnest($posts::VARCHAR[])) ORDER BY post_id, name"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the block is made of. `values`: per measure the posts, their values and why there are none; `control` rows
    of control; `alarm` how the alarm of contradictions was calibrated."""

    values: tuple[Row, ...] = ()
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


def measured(ask: Callable[..., list[Row]], posts: Sequence[Row]) -> Measured:
    """Read by `ask(sql, **parameters)`, which knows the run's measure spec."""
    ids = [post["post_id"] for post in posts]
    alarm = ask(_ALARM, posts=ids)
    return Measured(
        tuple(ask(_VALUES, posts=ids)),
        tuple(ask(_CONTROL, posts=ids, names=[*NAMES, LEXICON])),
        json.loads(alarm[0]["detail"]) if alarm else {},
    )


def measures_of(found: Measured, posts: Sequence[Row]) -> Block | None:
    """None where nothing was measured."""
    if not found.values:
        return None
    known = about()
    scores = {post["post_id"]: post["overall"] for post in posts if post["overall"] is not None}
    lines = {row["name"]: line_of(row, known[row["name"]], scores) for row in found.values if row["name"] in known}
    families = [
        (title, tuple(lines[name] for name, one in known.items() if one.family == family and name in lines))
        for family, title in FAMILIES.items()
    ]
    words = [words_of(post["text"]) for post in posts if post["text"]]
    feed = {"posts": len(words), "words": sum(map(len, words))} | {f"distinct_{n}": distinct(words, n) for n in (1, 2)}
    matrices = [(one, heat_of(one)) for one in confusions(found.control) if one.n or any(one.unsure)]
    sampled = MOST if len(scores) > MOST else None
    return Block(tuple((t, ls) for t, ls in families if ls), tuple(matrices), found.alarm, feed, sampled)


def line_of(row: Row, one: About, scores: Mapping[str, float]) -> Line:
    pairs = [(post, value) for post, value in zip(row["posts"], row["values"], strict=True) if value is not None]
    values = [value for _, value in pairs]
    mean = mean_with_interval(values)
    judged = [(value, scores[post]) for post, value in pairs if post in scores]
    apart = Counter(error for error in row["errors"] if error is not None)
    bins, ends = histogram(values, one.unit == "0 or 1")
    return Line(
        one, row["model"], mean["n"], mean["mean"], mean["low"], mean["high"], bins, ends,
        tuple((WITHOUT.get(e, e.replace("_", " ")), n) for e, n in sorted(apart.items(), key=lambda p: (-p[1], p[0]))),
        spearman([x for x, _ in judged], [y for _, y in judged]),
    )  # fmt: skip


def histogram(values: Sequence[float], two: bool = False) -> tuple[tuple[float, ...], tuple[float, float] | None]:
    """Heights in per cent of the highest column, and the ends of the scale; two columns for yes or no."""
    if not values:
        return (), None
    low, high = (0.0, 1.0) if two else (min(values), max(values))
    if low == high:
        return (100.0,), (low, high)
    slots = 2 if two else BINS
    counts = Counter(min(slots - 1, int((value - low) / (high - low) * slots)) for value in values)
    most = max(counts.values())
    return tuple(100 * counts[slot] / most for slot in range(slots)), (low, high)


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
