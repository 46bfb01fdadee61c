"""By which specs posts were written: what a judge must know to read posts whose writer nobody configures any more."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pyarrow as pa

from components.judgments.beside import Begin
from components.specs import Selection
from components.warehouse.questions import IN_PART, PROMPTED, asked_for, beside, parts_of, streamed
from components.warehouse.selected import parameters, selected
from components.warehouse.store import Store

_BEGINS = f"""SELECT s.position, po.prompt_id, po.candidate, po.text, po.created_at
    FROM candidates po JOIN prompts p USING (prompt_id) JOIN selected s USING (item_id)
    WHERE p.spec_id = $prompt_spec_id AND p.feature_spec_id = $feature_spec_id AND po.spec_id = $generation
      AND po.error IS NULL AND {IN_PART}"""
_LAST = """SELECT coalesce(max(position), 0) FROM (
    SELECT DISTINCT s.position FROM posts po JOIN prompts p USING (prompt_id) JOIN selected s USING (item_id)
    WHERE p.spec_id = $prompt_spec_id AND p.feature_spec_id = $feature_spec_id AND po.spec_id = $generation
      AND po.error IS NULL AND trim(po.text, ' \t\n\r') <> '' AND s.position < $start ORDER BY position LIMIT $head)"""
_FIRST = "SELECT min(position) FROM prompts p SEMI JOIN these USING (prompt_id) JOIN selected USING (item_id)"


@dataclass(frozen=True, slots=True)
class Written:
    """The ids of the specs of prompts, features and generation."""

    prompts: str
    features: str
    generation: str

    @property
    def ids(self) -> tuple[str, str, str]:
        return self.prompts, self.features, self.generation


@dataclass(frozen=True, slots=True)
class Origin:
    """Some posts by one origin; `writer` is the model, None where nobody knows it."""

    written: Written
    writer: str | None
    posts: int


def origins(store: Store, selection: Selection) -> list[Origin]:
    """By whatever specs the selection's posts that are worth judging were written, some of them long ago."""
    sql = f"""{selected(selection)} SELECT p.spec_id AS prompts, p.feature_spec_id AS features,
            po.spec_id AS generation, any_value(sg.params->>'$.model') AS writer, count(*) AS posts
        FROM candidates po JOIN prompts p USING (prompt_id) SEMI JOIN selected USING (item_id)
        LEFT JOIN specs sg ON sg.spec_id = po.spec_id
        WHERE po.to_judge AND po.error IS NULL GROUP BY ALL ORDER BY ALL"""
    rows = store.query(sql, parameters(selection))
    return [
        Origin(Written(row["prompts"], row["features"], row["generation"]), row["writer"], row["posts"]) for row in rows
    ]


def begins(store: Store, selection: Selection, written: Written, start: int = 0, head: int = 0) -> list[Begin]:
    """How the posts with a text begin, judged or not, duplicates too: those of items from position `start` on, and of
    the first `head` items before it. By what there is now: who asks what there was earlier needs all."""
    given: dict[str, Any] = {
        "prompt_spec_id": written.prompts,
        "feature_spec_id": written.features,
        "generation": written.generation,
    }
    with store.selecting(selection) as db:
        if start:
            (given["last"],) = db.execute(_LAST, given | {"start": start, "head": head}).fetchall()[0]
            given["start"] = start
        parts = parts_of(db, PROMPTED, given)
        sql = f"{_BEGINS} AND (s.position <= $last OR s.position >= $start)" if start else _BEGINS
        rows = chain.from_iterable(streamed(db, sql, asked_for(sql, {**given, **part})) for part in parts)
        found = [Begin.of(*row) for row in rows if (row[3] or "").strip()]
    return sorted(found, key=lambda begin: (begin.place, begin.candidate))  # each is put behind those before it


def first_place(store: Store, selection: Selection, prompt_ids: Iterable[str]) -> int:
    """The first position of the items that prompts are about."""
    prompts = pa.table({"prompt_id": pa.array(sorted(set(prompt_ids)), pa.string())})
    with store.selecting(selection) as db, beside(db, "these", prompts):
        (first,) = db.execute(_FIRST).fetchall()[0]
    return first or 0
