"""What was decided and scored, post by post, for exports; read from the warehouse."""

from collections.abc import Collection
from typing import Any

import yaml

from components.people.leaks import as_example
from components.people.preferences import Candidate
from components.records import Example, Item, content_id
from components.warehouse.store import Store

_REVIEWED = """
    SELECT r.*, p.item_id, i.dataset FROM reviewed_posts r JOIN prompts p USING (prompt_id) JOIN items i USING (item_id)
    ORDER BY i.published_at NULLS LAST, r.platform, r.post_id"""
_CANDIDATES = """
    WITH people AS (
        SELECT post_id, map_from_entries(list((who, mean) ORDER BY who)) AS people FROM (
            SELECT post_id, round(avg(score), 6) AS mean,
                   concat_ws(' by ', rater, rubric, rubric_id, string_agg(aspect, ', ' ORDER BY aspect)) AS who
            FROM latest_ratings GROUP BY post_id, rater, rubric, rubric_id) GROUP BY post_id
    ),
    judges AS (
        SELECT post_id, map_from_entries(list((judge_spec_id, overall) ORDER BY judge_spec_id)) AS judges
        FROM post_scores WHERE overall IS NOT NULL GROUP BY post_id
    )
    SELECT c.post_id, c.prompt_id, p.item_id, c.text AS original, coalesce(r.text, c.text) AS text, r.state,
           people.people, judges.judges
    FROM candidates c JOIN prompts p USING (prompt_id) LEFT JOIN reviewed_posts r ON r.post_id = c.post_id
    LEFT JOIN people ON people.post_id = c.post_id LEFT JOIN judges ON judges.post_id = c.post_id
    WHERE c.is_distinct ORDER BY c.prompt_id, c.post_id"""
_TESTED = """SELECT e.* FROM examples e WHERE example_id IN (SELECT example_id FROM splits WHERE split = 'test')
    ORDER BY example_id"""
_COMPARED = """SELECT * FROM items WHERE item_id IN (SELECT DISTINCT unnest(items) FROM arms) ORDER BY item_id"""
_ANCHORS = """SELECT DISTINCT params->>'$.posts_text' AS text FROM specs WHERE step = 'read_anchors' ORDER BY text"""
_SAYING = """SELECT DISTINCT i.* FROM posts po JOIN prompts p USING (prompt_id) JOIN items i USING (item_id)
    WHERE po.text IN (SELECT unnest($texts::VARCHAR[])) ORDER BY item_id"""


def reviewed(store: Store, chosen: Collection[str] | None) -> list[dict[str, Any]]:
    """Posts that somebody decided on, by time; of `chosen` only where it is given."""
    return [row for row in store.query(_REVIEWED) if chosen is None or row["post_id"] in chosen]


def candidates_of(store: Store, chosen: Collection[str] | None) -> list[Candidate]:
    """Every distinct post with what people and judges said of it."""
    return [
        Candidate(**row | {"people": row["people"] or {}, "judges": row["judges"] or {}})
        for row in store.query(_CANDIDATES)
        if chosen is None or row["post_id"] in chosen
    ]


def measured_examples(store: Store) -> list[Example]:
    """What something in this home is measured on, each once: test examples of trainings, the items that experiments
    compare their arms over, and anchors with the items that they are posts about."""
    tested = [Example(**row) for row in store.query(_TESTED)]
    compared = [as_example(Item(**row)) for row in store.query(_COMPARED)]
    anchors = anchor_examples(store)
    texts = [example.text for example in anchors]
    behind = [as_example(Item(**row)) for row in store.query(_SAYING, {"texts": texts})] if texts else []
    return list({example.example_id: example for example in (*tested, *compared, *anchors, *behind)}.values())


def anchor_examples(store: Store) -> list[Example]:
    """The frozen posts of this home's campaigns, from the text that their specs keep, and the texts that they are
    about. A file of anchors names no pictures: those of an item are held out with it."""
    found = []
    for row in store.query(_ANCHORS):
        material = yaml.safe_load(row["text"] or "{}") or {}
        for post in material.get("posts", ()):
            for what in ("text", "source_text"):
                if said := str(post.get(what) or "").strip():
                    example_id = content_id("anchor example", material["name"], post["id"], what, said)
                    found.append(
                        Example(
                            example_id=example_id, dataset=material["name"], source_uri=f"{post['id']}#{what}",
                            text=said, labels="{}",
                        )
                    )  # fmt: skip
    return found
