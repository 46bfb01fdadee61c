"""How far a judge is from people, aspect by aspect, and the map from its scores to theirs.

Only blind ratings count, and only of posts that were drawn at random: what the queue chose, it chose because judges
disagree there, so judges would look worse, and their map steeper or flatter, than they are. Under a stated number of
rated posts nothing is said at all. Raw scores stay as they are; the map is laid over them at read time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import ArrayLike

from components.errors import UserError
from components.people.opinions import Judged, Question, Said, by_question, standing_for_all
from components.statistics.agreement import krippendorff_alpha, weighted_kappa, within_one
from components.statistics.calibration import LEAST, Isotonic, isotonic
from components.statistics.estimate import Estimate, over_units

NOTHING = Estimate(None, None, None, 0)
UNKNOWN = "no map: by which text of the rubric people rated is not known"


@dataclass(frozen=True, slots=True)
class Calibration:
    """One judge on one aspect against people. `bias`: judge minus people; `mae`: mean absolute error; `kappa`: weighted
    by squares. `n`: posts drawn at random and rated; `left_out`: rated posts that the queue chose. `rubric_id`: the
    text that people rated by; None: not known, so it may be another than the judge's, and no map is made of it.
    `refused` says why there are no figures, or no map."""

    judge_spec_id: str
    judge: str
    rubric: str
    aspect: str
    n: int
    left_out: int
    raters: int
    bias: Estimate = NOTHING
    mae: Estimate = NOTHING
    kappa: Estimate = NOTHING
    map: Isotonic | None = None
    refused: str | None = None
    rubric_id: str | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """People with each other on one aspect, over the `n` posts that two or more of them rated blind."""

    rubric: str
    aspect: str
    raters: int
    n: int
    alpha: Estimate
    within_one: Estimate
    rubric_id: str | None = None


def calibrate(said: Sequence[Said], judged: Sequence[Judged], least: int = LEAST) -> list[Calibration]:
    """Every judge on every aspect of its rubric that people rated, by the very text or by one that is not known, apart;
    ordered by judge, rubric, text, aspect. Ratings by another text of that name answer another question."""
    drawn, everything = by_question(standing_for_all(said)), by_question(said)
    found = []
    for spec_id, rows in groupby(sorted(judged, key=lambda j: (j.model, j.judge_spec_id)), lambda j: j.judge_spec_id):
        scores = list(rows)
        for question in everything:
            rubric, text, aspect = question
            if rubric != scores[0].rubric or text not in (None, scores[0].rubric_id):
                continue
            by_post = {one.post_id: one.aspects.get(aspect) for one in scores}
            ratings = [one for one in drawn.get(question, []) if by_post.get(one.post_id) is not None]
            all_posts = {one.post_id for one in everything[question] if by_post.get(one.post_id) is not None}
            if all_posts:
                found.append(_calibrated(spec_id, scores[0], question, by_post, ratings, all_posts, least))
    return found


def _calibrated(
    spec_id: str,
    judge: Judged,
    question: Question,
    scores: Mapping[str, float | None],
    ratings: Sequence[Said],
    all_posts: set[str],
    least: int,
) -> Calibration:
    people: dict[str, list[float]] = {}
    for one in ratings:
        people.setdefault(one.post_id, []).append(one.score)
    clusters = {one.post_id: one.item_id or one.post_id for one in ratings}
    posts = sorted(people)
    rubric, text, aspect = question
    known = Calibration(
        judge_spec_id=spec_id,
        judge=judge.model,
        rubric=rubric,
        rubric_id=text,
        aspect=aspect,
        n=len(posts),
        left_out=len(all_posts) - len(posts),
        raters=len({one.rater for one in ratings}),
    )
    if len(posts) < least:
        return replace(known, refused=f"{len(posts)} of {least} posts drawn at random are rated")
    table = np.array([[scores[post] for post in posts], [np.mean(people[post]) for post in posts]], dtype=np.float64)
    groups = [clusters[post] for post in posts]
    line: Isotonic | None = None
    refused: str | None = None
    try:
        if text == judge.rubric_id:
            line = isotonic(table[0], table[1], least, groups)
        else:
            refused = UNKNOWN
    except UserError as error:
        refused = str(error)
    return replace(
        known,
        bias=over_units(_bias, table, clusters=groups),
        mae=over_units(_mae, table, clusters=groups),
        kappa=over_units(weighted_kappa, table, clusters=groups),
        map=line,
        refused=refused,
    )


def _bias(table: ArrayLike) -> float | None:
    one, other = np.asarray(table)
    return float((one - other).mean()) if len(one) else None


def _mae(table: ArrayLike) -> float | None:
    one, other = np.asarray(table)
    return float(np.abs(one - other).mean()) if len(one) else None


def people_agree(said: Sequence[Said]) -> list[Agreement]:
    """People with each other, on posts drawn at random; an aspect that only one of them rated is not there."""
    found = []
    for (rubric, text, aspect), ratings in by_question(standing_for_all(said)).items():
        raters, posts = sorted({one.rater for one in ratings}), sorted({one.post_id for one in ratings})
        row_of, column_of = ({name: at for at, name in enumerate(names)} for names in (raters, posts))
        table = np.full((len(raters), len(posts)), np.nan)
        for one in ratings:
            table[row_of[one.rater], column_of[one.post_id]] = one.score
        both = (~np.isnan(table)).sum(axis=0) > 1
        if not both.any():
            continue
        items = {one.post_id: one.item_id or one.post_id for one in ratings}
        clusters = [items[post] for post, kept in zip(posts, both, strict=True) if kept]
        table = table[:, both]
        found.append(
            Agreement(
                rubric=rubric,
                rubric_id=text,
                aspect=aspect,
                raters=int((~np.isnan(table)).any(axis=1).sum()),
                n=int(both.sum()),
                alpha=over_units(krippendorff_alpha, table, clusters=clusters),
                within_one=over_units(within_one, table, clusters=clusters),
            )
        )
    return found
