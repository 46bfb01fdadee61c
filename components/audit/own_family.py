"""Self-preference on posts of the warehouse: what a judge gives its own family's posts beyond what others give them.

A judge may be right that its kin writes better. So not its scores are compared but how far they lie above those of
other judges, and of people, for the same posts: of its own family's posts against those of other writers.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from statistics import fmean
from typing import Any

import numpy as np

from components.audit.effects import RULES, Effect, not_measured
from components.judgments.families import family_of
from components.judgments.rubric import brief_text, load_rubric, rubric_text
from components.specs import JudgeSpec

FEWEST = 10
"""Items with posts of either kind below which nothing is said."""

SQL = """WITH read AS (
        SELECT s.post_id, s.overall, j.params->>'$.model' AS judge FROM post_scores s
        JOIN specs j ON j.spec_id = s.judge_spec_id
        WHERE s.overall IS NOT NULL AND j.params->>'$.rubric_text' = $rubric_text
          AND j.params->>'$.brief_text' IS NOT DISTINCT FROM $brief
    ),
    mine AS (SELECT post_id, avg(overall) AS overall FROM read WHERE judge = $judge GROUP BY ALL),
    opinions AS (
        SELECT post_id, judge AS who, avg(overall) AS overall FROM read WHERE judge <> $judge GROUP BY ALL
        UNION ALL
        SELECT post_id, 'rater ' || rater, avg(score) FROM blind_ratings
        WHERE rubric_id = left(sha256($rubric_text), 20) AND list_contains($aspects::VARCHAR[], aspect)
        GROUP BY ALL HAVING count(DISTINCT aspect) = len($aspects::VARCHAR[])
    ),
    others AS (SELECT post_id, avg(overall) AS overall FROM opinions GROUP BY ALL)
    SELECT mine.post_id, p.item_id, w.params->>'$.model' AS writer, round(mine.overall, 6) AS mine,
           round(others.overall, 6) AS others
    FROM mine JOIN others USING (post_id) JOIN posts po USING (post_id) JOIN prompts p USING (prompt_id)
    JOIN specs w ON w.spec_id = po.spec_id
    ORDER BY mine.post_id"""
"""Posts that the judge and somebody else, a judge or a person, have read by the audited rubric and brief: `mine` and
`others` are overall scores. Who rated some aspects alone has no overall score."""


def asked_of(spec: JudgeSpec) -> dict[str, Any]:
    """What SQL takes: who judges, and by what."""
    rubric = load_rubric(spec.rubric)
    return {
        "judge": spec.model,
        "rubric_text": rubric_text(spec.rubric),
        "brief": None if spec.brief is None else brief_text(spec.brief),
        "aspects": [aspect.name for aspect in rubric.aspects],
    }


def own_family(rows: Sequence[Mapping[str, Any]], judge: str) -> Effect:
    """`rows` as SQL gives them. The difference of two means with its 95 % interval by Welch's t. The unit is the item,
    the mean of its posts of a kind: candidates of one item are no independent witnesses."""
    family = family_of(judge)
    kin = _by_item(row for row in rows if family_of(row["writer"]) == family)
    rest = _by_item(row for row in rows if family_of(row["writer"]) != family)
    if min(len(kin), len(rest)) < FEWEST:
        return not_measured(
            "own_family",
            f"it takes {FEWEST} items with posts of its family ({family}) and {FEWEST} with posts of others, judged by "
            f"somebody else too, by the same rubric; this home has {len(kin)} and {len(rest)}",
        )
    own, other, units = np.array(kin), np.array(rest), len(kin) + len(rest)
    parts = own.var(ddof=1) / len(own), other.var(ddof=1) / len(other)
    value, error = float(own.mean() - other.mean()), sqrt(sum(parts))
    detail = {"family": family, "own": len(own), "other": len(other)}
    if error < 1e-9:
        return Effect("own_family", value, value, value, units, 1.0 if abs(value) < 1e-9 else 0.0, detail=detail)
    from scipy.special import stdtr, stdtrit

    free = sum(parts) ** 2 / (parts[0] ** 2 / (len(own) - 1) + parts[1] ** 2 / (len(other) - 1))
    reach = float(stdtrit(free, 0.975)) * error
    p = 2 * float(stdtr(free, -abs(value - RULES["own_family"].fair) / error))
    return Effect("own_family", value, value - reach, value + reach, units, p, detail=detail)


def _by_item(rows: Iterable[Mapping[str, Any]]) -> list[float]:
    found: dict[str, list[float]] = {}
    for row in rows:
        found.setdefault(row["item_id"], []).append(row["mine"] - row["others"])
    return [fmean(values) for values in found.values()]
