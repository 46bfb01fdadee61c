"""Self-preference on posts of the warehouse: what a judge gives its own family's posts beyond what others give them.

A judge may be right that its kin writes better. So not its scores are compared but how far they lie above those of
other judges, and of people, for the same posts: of its own family's posts against those of other writers.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

import numpy as np

from components.audit.effects import RULES, Effect, not_measured
from components.judgments.families import family_of

FEWEST = 10
"""Posts of either kind below which nothing is said."""

SQL = """WITH read AS (
        SELECT s.post_id, s.overall, j.params->>'$.model' AS judge FROM post_scores s
        JOIN specs j ON j.spec_id = s.judge_spec_id WHERE s.overall IS NOT NULL
    ),
    mine AS (SELECT post_id, avg(overall) AS overall FROM read WHERE judge = $judge GROUP BY ALL),
    opinions AS (
        SELECT post_id, judge AS who, avg(overall) AS overall FROM read WHERE judge <> $judge GROUP BY ALL
        UNION ALL
        SELECT post_id, 'rater ' || rater, avg(score) FROM blind_ratings GROUP BY ALL
    ),
    others AS (SELECT post_id, avg(overall) AS overall, count(*) AS n FROM opinions GROUP BY ALL)
    SELECT mine.post_id, w.params->>'$.model' AS writer, round(mine.overall, 6) AS mine,
           round(others.overall, 6) AS others
    FROM mine JOIN others USING (post_id) JOIN posts po USING (post_id) JOIN specs w ON w.spec_id = po.spec_id
    ORDER BY mine.post_id"""
"""Posts that the judge and somebody else, a judge or a person, have read: `mine` and `others` are overall scores."""


def own_family(rows: Sequence[Mapping[str, Any]], judge: str) -> Effect:
    """`rows` as SQL gives them. The difference of two means with its 95 % interval by Welch's t."""
    family, kin, rest = family_of(judge), list[float](), list[float]()
    for row in rows:
        (kin if family_of(row["writer"]) == family else rest).append(row["mine"] - row["others"])
    if min(len(kin), len(rest)) < FEWEST:
        return not_measured(
            "own_family",
            f"it takes {FEWEST} posts of its family ({family}) and {FEWEST} of others, judged by somebody else too; "
            f"this home has {len(kin)} and {len(rest)}",
        )
    own, other = np.array(kin), np.array(rest)
    parts = own.var(ddof=1) / len(own), other.var(ddof=1) / len(other)
    value, error = float(own.mean() - other.mean()), sqrt(sum(parts))
    detail = {"family": family, "own": len(own), "other": len(other)}
    if error < 1e-9:
        return Effect("own_family", value, value, value, len(rows), 1.0 if abs(value) < 1e-9 else 0.0, detail=detail)
    from scipy.special import stdtr, stdtrit

    free = sum(parts) ** 2 / (parts[0] ** 2 / (len(own) - 1) + parts[1] ** 2 / (len(other) - 1))
    reach = float(stdtrit(free, 0.975)) * error
    p = 2 * float(stdtr(free, -abs(value - RULES["own_family"].fair) / error))
    return Effect("own_family", value, value - reach, value + reach, len(rows), p, detail=detail)
