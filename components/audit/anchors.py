"""Anchors: frozen posts that a judge reads again in every period, by the very questions that it is asked about posts.

The period is part of each call's key, so that a day's answer never comes from the journal of another day, and within
the day it is bought once. Neighbours are those of the whole file, so that fewer or more anchors ask nothing anew. How
they begin is shown, so it is part of an anchor's id: where a neighbour is edited, another question is asked from then
on, which must not go on as the old one's series and accuse the judge.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from components.audit.asking import as_stage
from components.audit.material import Known, Material
from components.audit.plan import mean, shown
from components.judgments.asking import Buy
from components.judgments.beside import beside_in, openings_beside
from components.judgments.judge import judge
from components.records import AnchorReading, content_id
from components.specs import AnchorSpec, JudgeSpec

FORMS = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}


def period_of(time: datetime, every: str) -> str:
    """`time` in UTC."""
    return time.strftime(FORMS[every])


def anchor_id(anchor: Known, beside: Sequence[str] = ()) -> str:
    """By what the judge is shown of it and `beside` it; its levels are for audits."""
    return content_id("anchor", anchor.platform, anchor.text, anchor.words, anchor.source_text, *beside)


def anchors_of(material: Material, count: int) -> list[Known]:
    """`count` posts that are spread evenly over the levels of the file, the lowest first; all where it has no more."""
    ordered = sorted(material.posts, key=lambda post: (mean(post.levels), post.id))
    if count >= len(ordered):
        return ordered
    return [ordered[round(n * (len(ordered) - 1) / (count - 1))] for n in range(count)]


async def read_anchors(
    material: Material, spec: AnchorSpec, judge_spec: JudgeSpec, buy: Buy, *,
    period: str, run_id: str, now: datetime, without: Collection[str] = (),
) -> list[AnchorReading]:  # fmt: skip
    """One row per anchor, repeat and aspect. `without`: ids of anchors that the period has already."""
    ids = ids_of(material, spec, judge_spec)
    chosen = [anchor for anchor in anchors_of(material, spec.count) if ids[anchor.id] not in without]
    made = shown(material, [(anchor.id, anchor.text) for anchor in chosen])
    live = judge_spec.model_copy(update={"repeats": spec.repeats, "mode": "live"})
    beside = beside_in(made.batch, live.batch_context).of(made.prompts)
    rows = await judge(
        made.posts, made.prompts, made.items, made.words, live, as_stage(buy, "anchors", period), now, beside=beside
    )
    anchor_of = {post.post_id: anchor for post, anchor in zip(made.posts, chosen, strict=True)}
    spec_id, found = judge_spec.id, []
    for row in rows:
        anchor = anchor_of[row.post_id]
        found.append(
            AnchorReading(
                reading_id=AnchorReading.make_id(ids[anchor.id], spec_id, period, row.repeat, row.aspect, row.error),
                anchor_id=ids[anchor.id],
                name=anchor.id,
                spec_id=spec_id,
                period=period,
                repeat=row.repeat,
                aspect=row.aspect,
                score=row.score,
                reasoning=row.reasoning,
                run_id=run_id,
                call_key=row.call_key,
                cost_usd=row.cost_usd,
                error=row.error,
                error_detail=row.error_detail,
                created_at=now,
            )
        )
    return found


def ids_of(material: Material, spec: AnchorSpec, judge_spec: JudgeSpec) -> Mapping[str, str]:
    """Name of each anchor -> its id for that judge: how many neighbours are shown is the judge's."""
    chosen = anchors_of(material, spec.count)
    made = shown(material, [(anchor.id, anchor.text) for anchor in chosen])
    beside = openings_beside(made.posts, made.batch, judge_spec.batch_context)
    return {anchor.id: anchor_id(anchor, beside[post.post_id]) for anchor, post in zip(chosen, made.posts, strict=True)}
