"""How far the judges of an experiment can be believed: the block, and posts to look at, over the posts of all arms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.experiments.scores import Findings
from components.pairwise.agreement import told as told_of_pairs
from components.report.agreement import Block, block_of
from components.report.agreement_lines import told
from components.report.disagreements import Disagreement, explain, most_different
from components.report.readings import read_posts, reasons
from components.warehouse.store import Store


@dataclass(frozen=True, slots=True)
class Believed:
    """`scores` and `pairs`: rows and sentences, as in CSV files and on the terminal (see agreement_lines.py); `pairs`
    is None where no pairs were compared."""

    block: Block
    differences: Sequence[Disagreement]
    scores: Mapping[str, Any] = field(default_factory=dict)
    pairs: Mapping[str, Any] | None = None


def believed(store: Store, found: Findings) -> Believed:
    """Of the baseline's judge, with all that read or rated the arms' posts."""
    arms = {post_id: arm.name for arm in reversed(found.arms) for one in arm.items for post_id in one.post_ids}
    readings = read_posts(store, arms, found.arms[0].spec_ids.get("judge", ""))
    block = block_of(readings, found.aspects)
    wide = most_different(readings)
    ids = [post_id for post_id, *_ in wide]
    sql = "SELECT post_id, text FROM posts WHERE post_id IN (SELECT unnest($ids::VARCHAR[]))"
    posts = {row["post_id"]: row | {"arm": arms[row["post_id"]]} for row in store.query(sql, {"ids": ids})}
    why = reasons(lambda sql, **params: store.query(sql, params), ids)
    return Believed(
        block=block,
        differences=explain(wide, why, readings, posts, found.aspects, {}),
        scores=told(block),
        pairs=_of_pairs(store, found),
    )


def _of_pairs(store: Store, found: Findings) -> dict[str, Any] | None:
    compared_by = found.params.get("compared_by")
    if found.pairs is None or compared_by is None:
        return None
    arms = [arm for arm in found.arms if arm.name not in found.left_out]
    entrants = {one.entrant_id: (arm.name, one.item_id) for arm in arms for one in arm.items if one.entrant_id}
    return told_of_pairs(store, compared_by, entrants, found.pairs.flips)
