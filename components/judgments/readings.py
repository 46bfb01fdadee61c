"""What was read of a selection of posts, by which judges, whoever wrote them; and which of them can be compared.

Reads `post_scores` and `specs`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from components.errors import UserError
from components.specs import JudgeSpec, Selection
from components.warehouse.selected import parameters, selected
from components.warehouse.store import Store

OVERALL = "overall"
Scores = dict[str, dict[str, dict[str, float | None]]]
"""judge's spec id -> post_id -> aspect, or `overall` -> mean of its readings."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A judge; `scale` and `aspects` are its rubric's, `last` when it read last; `beside`: how many other posts it is
    shown beside each."""

    spec_id: str
    model: str
    rubric: str
    rubric_text: str
    brief: str | None
    scale: tuple[float, float]
    aspects: tuple[str, ...]
    last: str = ""
    beside: int = 0


@dataclass(frozen=True, slots=True)
class Readings:
    """What was read of a selection: by whom, of which items, with which scores."""

    readers: dict[str, Reader]
    items: dict[str, str]
    scores: Scores


def readings_of(store: Store, selection: Selection) -> Readings:
    """All that any judge has read of the selection's posts, whoever wrote them."""
    rows = store.query(
        f"""{selected(selection)} SELECT p.item_id, s.post_id, s.judge_spec_id, s.aspects, s.overall
        FROM post_scores s JOIN posts USING (post_id) JOIN prompts p USING (prompt_id)
        SEMI JOIN selected USING (item_id)
        ORDER BY p.item_id, s.post_id, s.judge_spec_id""",
        parameters(selection),
    )
    scores: Scores = {}
    for row in rows:
        scores.setdefault(row["judge_spec_id"], {})[row["post_id"]] = {**row["aspects"], OVERALL: row["overall"]}
    specs = store.query(
        """SELECT spec_id, params, (SELECT max(created_at) FROM judgments j WHERE j.spec_id = specs.spec_id) AS last
        FROM specs WHERE spec_id IN (SELECT unnest($ids::VARCHAR[]))""",
        {"ids": list(scores)},
    )
    readers = {
        row["spec_id"]: _reader(row["spec_id"], json.loads(row["params"]), row["last"].isoformat()) for row in specs
    }
    return Readings(readers, {row["post_id"]: row["item_id"] for row in rows}, scores)


def reader_of(spec: JudgeSpec) -> Reader:
    """A judge that may not have read anything yet."""
    return _reader(spec.id, spec.resolved())


def _reader(spec_id: str, params: Mapping[str, Any], last: str = "") -> Reader:
    text = params.get("rubric_text") or "{}"
    rubric = yaml.safe_load(text)
    scale = rubric.get("scale", {})
    return Reader(
        spec_id=spec_id,
        model=params["model"],
        rubric=str(params.get("rubric", "")).rpartition("/")[2],
        rubric_text=text,
        brief=params.get("brief_text"),
        scale=(float(scale.get("min", 1)), float(scale.get("max", 10))),
        aspects=tuple(aspect["name"] for aspect in rubric.get("aspects", ())),
        last=last,
        beside=int(params.get("batch_context", 0)),
    )


def earlier_judge(found: Readings, mine: Reader, asked: str = "") -> str | None:
    """The spec id of the judge to compare `mine` with: `asked` (a spec id, its beginning, or a model), or the one that
    has read most of what `mine` has too, of those the latest; None where no other has read by these aspects."""
    others = [one for one in found.readers.values() if one.spec_id != mine.spec_id]
    if asked:
        return _named(others, mine, asked)
    read = found.scores.get(mine.spec_id, {}).keys()

    def rank(one: Reader) -> tuple[int, str, str]:
        return len(found.scores[one.spec_id].keys() & read), one.last, one.spec_id

    ranked = sorted((one for one in others if comparable(one, mine)), key=rank)
    return ranked[-1].spec_id if ranked else None


def _named(others: Sequence[Reader], mine: Reader, asked: str) -> str:
    named = [one for one in others if one.spec_id.startswith(asked) or one.model == asked]
    if len(named) != 1:
        known = ", ".join(f"{one.spec_id} ({one.model}, {one.rubric})" for one in others) or "none"
        what = "names several judges" if named else "has read none of these posts"
        raise UserError(f"against: {asked!r} {what}; others that have read some: {known}")
    if not comparable(named[0], mine):
        raise UserError(
            f"against: {asked} judged by {named[0].rubric}, on another scale or by other aspects than {mine.rubric}"
        )
    return named[0].spec_id


def comparable(old: Reader, new: Reader) -> list[str]:
    """The aspects that both have, on one scale; `overall` too where they have the same ones."""
    if old.scale != new.scale:
        return []
    common = [name for name in new.aspects if name in old.aspects]
    return [*common, OVERALL] if common and set(old.aspects) == set(new.aspects) else common
