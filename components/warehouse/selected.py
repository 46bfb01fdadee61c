"""The items that a selection takes, in SQL."""

from typing import Any

from components.specs.selection import Selection, Slice


def selected(selection: Selection) -> str:
    """The CTE `selected`: a selection's items and their position in time; its parameters are the selection's fields.

    Only what inputs stand for now is selected, not what they were before they were edited. A sample is the items whose
    ids, hashed with the seed, come first: which those are depends on no other item.
    """
    if isinstance(selection, Slice):
        return """WITH selected AS (
        SELECT i.*, s.position FROM items i
        JOIN (SELECT unnest($items) AS item_id, unnest($positions) AS position) s USING (item_id))"""
    where = ["dataset = $dataset"]
    if selection.published_from is not None:
        where.append("published_at >= $published_from")
    if selection.published_to is not None:
        where.append("published_at < $published_to")
    if selection.ingested_from is not None:
        where.append("ingested_at >= $ingested_from")
    if selection.ingested_to is not None:
        where.append("ingested_at < $ingested_to")
    limit = "LIMIT $limit" if selection.limit is not None else ""
    of = f"current_items WHERE {' AND '.join(where)}"
    if selection.sample is not None:
        of = f"(SELECT * FROM {of} ORDER BY md5($seed::VARCHAR || ' ' || item_id) LIMIT $sample)"
    return f"""WITH selected AS (
        SELECT *, row_number() OVER (ORDER BY published_at NULLS LAST, source_uri, item_id) AS position
        FROM {of} ORDER BY position {limit})"""


def parameters(selection: Selection) -> dict[str, Any]:
    """What `selected` asks for."""
    if isinstance(selection, Slice):
        return {"items": list(selection.items), "positions": list(selection.positions)}
    given = selection.model_dump(exclude_none=True)
    return given if selection.sample is not None else {name: given[name] for name in given if name != "seed"}
