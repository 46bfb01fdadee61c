"""The forest plot: each judge's mean of each aspect over the posts that stand for their prompts, with its interval."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from components.report.charts import Interval, interval
from components.report.queries import Findings
from components.report.readings import OVERALL, Judge
from components.statistics import Mean, mean_with_interval


@dataclass(frozen=True, slots=True)
class Forest:
    """(judge, rows) with this run's judge first; drawn from `low` to `high`, the part of the scale that is needed."""

    low: int
    high: int
    judges: tuple[tuple[str, tuple[Interval, ...]], ...]


def forest_of(findings: Findings, titles: Mapping[str, str]) -> Forest | None:
    """A judge that read none of the posts is left out; None where that are all."""
    judges = [(judge.label, rows) for judge, rows in _means(findings, titles) if rows]
    ends = [e for _, rows in judges for _, m in rows for e in (m["mean"], m["low"], m["high"]) if e is not None]
    if not ends:
        return None
    low, high = floor(min(ends)), max(ceil(max(ends)), floor(min(ends)) + 1)
    drawn = [(label, tuple(interval(title, mean, low, high) for title, mean in rows)) for label, rows in judges]
    return Forest(low, high, tuple(drawn))


def _means(findings: Findings, titles: Mapping[str, str]) -> list[tuple[Judge, list[tuple[str, Mean]]]]:
    """Per judge (title, the mean), overall first, then in the rubric's order."""
    readings = findings.readings
    kept = findings.candidates.written["stands"].to_numpy(dtype=bool)
    found = []
    for judge in readings.judges:
        own = readings.scores[judge.spec_id]
        rows = []
        for name in [OVERALL, *titles, *sorted(set(own) - set(titles) - {OVERALL})]:
            values = readings.means(judge, name)[kept] if name in own else np.zeros(0)
            values = values[~np.isnan(values)]
            if len(values):
                title = "Overall" if name == OVERALL else titles.get(name) or name.replace("_", " ")
                rows.append((title, mean_with_interval(values)))
        found.append((judge, rows))
    return found
