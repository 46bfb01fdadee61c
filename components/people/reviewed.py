"""What was decided and scored, post by post, for exports; read from the warehouse."""

from collections.abc import Collection
from typing import Any

from components.people.leaks import as_example
from components.people.preferences import Candidate
from components.records import Example, Item
from components.store import Store

_REVIEWED = """
    SELECT r.*, p.item_id, i.dataset FROM reviewed_posts r JOIN prompts p USING (prompt_id) JOIN items i USING (item_id)
    ORDER BY i.published_at NULLS LAST, r.platform, r.post_id"""
_CANDIDATES = """
    WITH people AS (
        SELECT post_id, map_from_entries(list((rater, mean) ORDER BY rater)) AS people FROM (
            SELECT post_id, rater, rubric, round(avg(score), 6) AS mean FROM latest_ratings
            GROUP BY post_id, rater, rubric
            QUALIFY rank() OVER (PARTITION BY post_id, rater ORDER BY count(*) DESC, rubric) = 1) GROUP BY post_id
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
    """What something in this home is measured on: test examples of trainings, and the items that experiments compare
    their arms over."""
    tested = [Example(**row) for row in store.query(_TESTED)]
    return tested + [as_example(Item(**row)) for row in store.query(_COMPARED)]
