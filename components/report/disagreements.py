"""Posts to look at: where judges, or one judge's readings, differ most; and the best and worst ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.report.readings import OVERALL, Floats, Readings

Row = dict[str, Any]
SHOWN = 5
_EQUAL = 1e-9


@dataclass(frozen=True, slots=True)
class View:
    """One reading of one aspect: who, which score, and why."""

    who: str
    score: float
    reasoning: str | None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """`gap`: points between the highest and the lowest overall; `between`: what it is between; the two views are of
    the aspect on which they differ most."""

    post: Row
    number: int | None
    gap: float
    between: str
    aspect: str
    high: View
    low: View


@dataclass(frozen=True, slots=True)
class Extreme:
    """`level`: no further from the first of its list than the judge's noise."""

    post: Row
    number: int | None
    level: bool


def most_different(readings: Readings) -> list[tuple[str, float, str]]:
    """(post_id, gap, between what) of the posts with the widest gap overall, widest first; those without one are left
    out. Several judges' means count before one judge's readings: a noisy judge differs from everybody."""
    judges = [j for j in readings.same_question if OVERALL in readings.scores[j.spec_id]]
    same = [j for j in judges if set(readings.scores[j.spec_id]) == set(readings.scores[judges[0].spec_id])]
    gaps = []
    if len(same) > 1:
        gaps.append((_gaps(np.stack([readings.means(j, OVERALL) for j in same])), "judges"))
    if judges and judges[0] == readings.judges[0]:
        gaps.append((_gaps(readings.scores[judges[0].spec_id][OVERALL]), "readings"))
    found: dict[str, tuple[str, float, str]] = {}
    for gap, between in gaps:
        wide = sorted(
            np.flatnonzero(gap > _EQUAL).tolist(), key=lambda at: (-round(float(gap[at]), 6), readings.posts[at])
        )
        for at in wide[:SHOWN]:
            found.setdefault(readings.posts[at], (readings.posts[at], float(gap[at]), between))
        if found:
            break
    return list(found.values())


def _gaps(table: Floats) -> Floats:
    """(posts,) highest less lowest of those that are there; 0 where fewer than two are."""
    known = ~np.isnan(table)
    high, low = np.where(known, table, -np.inf), np.where(known, table, np.inf)
    spread = np.zeros(table.shape[1])
    several = known.sum(0) > 1
    spread[several] = high.max(0)[several] - low.min(0)[several]
    return spread


def explain(
    wide: Sequence[tuple[str, float, str]],
    reasons: Mapping[str, Sequence[Row]],
    readings: Readings,
    posts: Mapping[str, Row],
    titles: Mapping[str, str],
    numbers: Mapping[str, int],
) -> list[Disagreement]:
    """With the words of those that differ. `numbers`: post_id -> number of its card, where it has one."""
    found, asked_alike = [], {judge.spec_id for judge in readings.same_question}
    for post_id, gap, between in wide:
        rows = [row for row in reasons.get(post_id, ()) if row["spec_id"] in asked_alike]
        if between == "readings":
            rows = [row for row in rows if row["spec_id"] == readings.judges[0].spec_id]
        if pair := _furthest(rows, between):
            (high, low), aspect = pair, pair[0]["aspect"]
            title = titles.get(aspect) or aspect.replace("_", " ")
            views = tuple(View(_who(row, readings, between), row["score"], row["reasoning"]) for row in (high, low))
            found.append(Disagreement(posts[post_id], numbers.get(post_id), gap, between, title, views[0], views[1]))
    return found


def _furthest(rows: Sequence[Row], between: str) -> tuple[Row, Row] | None:
    """The highest and the lowest reading of the aspect with the widest gap, of two judges where it is between them."""
    best: tuple[float, Row, Row] | None = None
    for high in rows:
        for low in rows:
            apart = high["spec_id"] != low["spec_id"] if between == "judges" else high["repeat"] != low["repeat"]
            if high["aspect"] == low["aspect"] and apart:
                gap = high["score"] - low["score"]
                if best is None or gap > best[0] + _EQUAL:
                    best = (gap, high, low)
    return best and best[1:]


def _who(row: Row, readings: Readings, between: str) -> str:
    if between == "readings":
        return f"reading {row['repeat'] + 1}"
    return next(judge.label for judge in readings.judges if judge.spec_id == row["spec_id"])


def extremes(
    posts: Sequence[Row], numbers: Mapping[str, int], floor: float | None
) -> tuple[list[Extreme], list[Extreme]]:
    """The best and the worst, at most SHOWN each and never one in both."""
    scored = sorted((p for p in posts if p["overall"] is not None), key=lambda p: (-p["overall"], p["post_id"]))
    n = min(SHOWN, len(scored) // 2)

    def told(rows: Sequence[Row]) -> list[Extreme]:
        first = rows[0]["overall"] if rows else 0.0
        return [
            Extreme(
                post,
                numbers.get(post["post_id"]),
                at > 0 and floor is not None and abs(post["overall"] - first) <= floor,
            )
            for at, post in enumerate(rows)
        ]

    return told(scored[:n]), told(scored[::-1][:n])
