"""The forest plot: each judge's mean of each aspect over the posts that stand for their prompts, with its interval."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from components.report.charts import Interval, interval
from components.report.queries import Findings
from components.report.readings import OVERALL


@dataclass(frozen=True, slots=True)
class Rows:
    """`label`: the judge."""

    label: str
    rows: tuple[Interval, ...]


def forest_of(findings: Findings, titles: Mapping[str, str], scale: tuple[float, float]) -> list[Rows]:
    """This run's judge first; a judge that read none of the posts is left out."""
    readings = findings.readings
    standing = {post["post_id"] for post in findings.posts}
    kept = np.array([post_id in standing for post_id in readings.posts], dtype=bool)
    found = []
    for judge in readings.judges:
        own = readings.scores[judge.spec_id]
        rows = []
        for name in [OVERALL, *titles, *sorted(set(own) - set(titles) - {OVERALL})]:
            values = readings.means(judge, name)[kept] if name in own else np.zeros(0)
            values = values[~np.isnan(values)]
            if len(values):
                title = "Overall" if name == OVERALL else titles.get(name) or name.replace("_", " ")
                rows.append(interval(title, values.tolist(), *scale))
        found += [Rows(judge.label, tuple(rows))] if rows else []
    return found
