"""How far a judge of pairs agrees with itself, with other judges of the same posts, and with people who rated them.

Read: `comparisons`, `post_scores`, `blind_ratings`, `specs`. Verdicts are 1 for the first post of a pair (by id), 1/2
for a tie, 0 for the other, whole verdicts also where several readings were asked. Who scored both posts says which is
better, too. Units of the bootstrap are the items, as in all figures here.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.pairwise.prompt import OVERALL
from components.pairwise.rates import Rate
from components.pairwise.tables import Entrants
from components.pairwise.verdicts import pair_verdicts
from components.people.order import Rated, representative
from components.records import Comparison
from components.statistics.agreement_forms import alpha, within
from components.statistics.estimate import Estimate, over_forms
from components.warehouse.store import Store

Pair = tuple[str, str]
Verdicts = Mapping[Pair, float]
Row = dict[str, Any]

_VERDICTS = """SELECT * FROM comparisons WHERE aspect = $overall AND post_a IN (SELECT unnest($posts::VARCHAR[]))
    AND post_b IN (SELECT unnest($posts::VARCHAR[])) ORDER BY spec_id, created_at, comparison_id"""
_SPECS = """SELECT spec_id, params->>'$.model' AS model, left(sha256(params->>'$.rubric_text'), 20) AS rubric_id
    FROM specs WHERE step IN ('compare_posts', 'judge_posts')"""
_SCORES = """SELECT judge_spec_id AS who, post_id, overall FROM post_scores
    WHERE overall IS NOT NULL AND post_id IN (SELECT unnest($posts::VARCHAR[])) ORDER BY ALL"""
_RATINGS = """SELECT rater, post_id, slice, created_at, aspect, score FROM blind_ratings
    WHERE rubric_id = $rubric_id AND post_id IN (SELECT unnest($posts::VARCHAR[])) ORDER BY ALL"""


@dataclass(frozen=True, slots=True)
class Alike:
    """Over the `same.n` pairs that both decided: the share of verdicts that are the same, and Krippendorff's ordinal
    alpha. `same_question`: by the same text of the rubric."""

    whom: str
    same: Estimate
    alpha: Estimate
    same_question: bool = True


def told(store: Store, spec_id: str, entrants: Entrants, flips: Rate) -> dict[str, Any]:
    """`rows` and `said`, as beside tables of scores (see components/report/agreement_lines.py)."""
    found = alike(store, spec_id, entrants)
    rows = [_row("itself, the other order", "same_verdict", _kept(flips))] if flips.value is not None else []
    for one in found:
        rows += [_row(one.whom, "same_verdict", one.same), _row(one.whom, "alpha", one.alpha)]
    whom = [one.whom for one in found]
    said = []
    if not any(name.startswith("itself") for name in whom):
        said.append("Each order was asked once: what another reading would say is not known (repeats: 2).")
    if not any(one.same_question and not one.whom.startswith(("itself", "people")) for one in found):
        said.append("No other judge has read these posts.")
    if not any(name.startswith("people") for name in whom):
        said.append("Nobody has rated both posts of a pair drawn at random: nothing is known about people.")
    return {"rows": rows, "said": said}


def _kept(flips: Rate) -> Estimate:
    """The share of verdicts that the order did not change."""
    low, high = (None if end is None else 1 - end for end in (flips.high, flips.low))
    return Estimate(None if flips.value is None else 1 - flips.value, low, high, flips.n)


def _row(whom: str, figure: str, found: Estimate) -> Row:
    return {
        "whom": whom, "aspect": "Overall", "figure": figure, "value": found.value, "low": found.low, "high": found.high,
        "n": found.n,
    }  # fmt: skip


def alike(store: Store, spec_id: str, entrants: Entrants) -> list[Alike]:
    """With itself (where it was asked again), each other judge, of pairs and then of scores, and people. A judge by
    another text of the rubric, or by another rubric, is named as one: what it disagrees about may be the question."""
    posts = sorted(entrants)
    rows = [Comparison(**row) for row in store.query(_VERDICTS, {"posts": posts, "overall": OVERALL})]
    specs = {row["spec_id"]: row for row in store.query(_SPECS)}
    by_spec: dict[str, list[Comparison]] = defaultdict(list)
    for row in rows:
        if entrants[row.post_a][1] == entrants[row.post_b][1]:
            by_spec[row.spec_id].append(row)
    own = whole(by_spec.pop(spec_id, ()))
    if not own:
        return []
    repeats = [whole(part) for part in by_repeat(row for row in rows if row.spec_id == spec_id)]
    found = [compared(f"itself, {len(repeats)} readings", repeats, own, entrants)] if len(repeats) > 1 else []
    text = specs.get(spec_id, {}).get("rubric_id")

    def other(who: str, names: Mapping[str, str], verdicts: Verdicts) -> Alike:
        if specs.get(who, {}).get("rubric_id") == text:
            return compared(names[who], [own, verdicts], own, entrants)
        return compared(f"{names[who]}, by another text", [own, verdicts], own, entrants, same_question=False)

    names = _names(specs, by_spec)
    found += [other(who, names, whole(said)) for who, said in by_spec.items()]
    scores: dict[str, dict[str, float]] = defaultdict(dict)
    for score in store.query(_SCORES, {"posts": posts}):
        scores[score["who"]][score["post_id"]] = score["overall"]
    names = _names(specs, scores, " by scores")
    found += [other(who, names, by_scores(of, own)) for who, of in scores.items()]
    found.append(people(store, text, posts, own, entrants))
    return [one for one in found if one.same.n]


def whole(rows: Iterable[Comparison]) -> dict[Pair, float]:
    """Pair -> its verdict, of those that were asked about in both orders."""
    points = {"a": 1.0, "tie": 0.5, "b": 0.0}
    found = (one for one in pair_verdicts(rows) if one.asked and one.points_a is not None)
    return {(one.post_a, one.post_b): points[one.verdict] for one in found}


def by_repeat(rows: Iterable[Comparison]) -> list[list[Comparison]]:
    parts: dict[int, list[Comparison]] = defaultdict(list)
    for row in rows:
        parts[row.repeat].append(row)
    return [part for _, part in sorted(parts.items())]


def by_scores(scores: Mapping[str, float], pairs: Iterable[Pair]) -> dict[Pair, float]:
    """Whose post scored higher, where both were scored."""
    both = (pair for pair in pairs if pair[0] in scores and pair[1] in scores)
    return {(a, b): 0.5 + 0.5 * float(np.sign(round(scores[a] - scores[b], 6))) for a, b in both}


def people(store: Store, rubric_id: str | None, posts: Sequence[str], own: Verdicts, entrants: Entrants) -> Alike:
    """The mean of those who rated both posts on the same aspects by the judge's rubric; posts drawn at random alone."""
    rows = store.query(_RATINGS, {"rubric_id": rubric_id, "posts": list(posts)})
    drawn = representative(Rated(row["post_id"], row["rater"], row["slice"], row["created_at"]) for row in rows)
    said: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        if row["post_id"] in drawn:
            said[row["rater"]][row["post_id"]][row["aspect"]] = row["score"]
    apart: dict[Pair, list[float]] = defaultdict(list)
    raters = set()
    for rater, of in said.items():
        for a, b in own:
            if a in of and b in of and of[a].keys() == of[b].keys():
                apart[a, b].append(float(np.mean([of[a][name] - of[b][name] for name in of[a]])))
                raters.add(rater)
    means = {pair: float(np.mean(gaps)) for pair, gaps in apart.items()}
    theirs = {pair: 0.5 + 0.5 * float(np.sign(round(gap, 6))) for pair, gap in means.items()}
    return compared(f"people, {len(raters)} rater{'' if len(raters) == 1 else 's'}", [own, theirs], own, entrants)


def compared(
    whom: str, verdicts: Sequence[Verdicts], pairs: Iterable[Pair], entrants: Entrants, same_question: bool = True
) -> Alike:
    order = sorted(pairs)
    rows = [[one.get(pair, np.nan) for pair in order] for one in verdicts]
    table: NDArray[np.float64] = np.array(rows, dtype=np.float64).reshape(len(verdicts), len(order))
    forms = {"same": within(table, 0.0), "alpha": alpha(table, "ordinal")}
    return Alike(whom, **over_forms(forms, clusters=[entrants[a][1] for a, _ in order]), same_question=same_question)


def _names(specs: Mapping[str, Row], ids: Iterable[str], what: str = "") -> dict[str, str]:
    """A judge is called by its model, two of one model by their specs too."""
    models = {one: str(specs.get(one, {}).get("model") or "?") for one in ids}
    twice = [model for model in models.values() if list(models.values()).count(model) > 1]
    return {one: f"{model}{f' {one[:6]}' if model in twice else ''}{what}" for one, model in models.items()}
