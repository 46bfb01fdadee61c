"""Reads everything that a report says about one training or evaluation: here alone that report knows tables.

Rows come in an order that the data alone decide, so that the page is the same twice.
"""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection

from components.errors import UserError
from components.warehouse.questions import rows_of
from components.warehouse.store import Store

Row = dict[str, Any]
PARTS = ("train", "validation", "test", "unused")

_EVALUATIONS = """
    SELECT * FROM evaluations WHERE spec_id = $spec_id ORDER BY subject, task, metric, dataset, split"""
_SIZES = """
    SELECT e.dataset, s.split, count(*) AS n, count(e.image_path) AS pictures, count(*) FILTER (e.text <> '') AS texts
    FROM splits s JOIN examples e USING (example_id) WHERE s.spec_id = $spec_id GROUP BY ALL ORDER BY ALL"""
_CLUSTERS = """
    SELECT count(*) AS clusters, coalesce(max(n), 0) AS largest, coalesce(sum(n), 0) AS examples,
           count(*) FILTER (n > 1) AS larger
    FROM (SELECT cluster, count(*) AS n FROM splits WHERE spec_id = $spec_id GROUP BY cluster)"""
_AUTHORS = """
    SELECT count(DISTINCT e.author) AS authors FROM splits s JOIN examples e USING (example_id)
    WHERE s.spec_id = $spec_id"""
_LABELS = """
    SELECT e.labels, s.split, count(*) AS n FROM splits s JOIN examples e USING (example_id)
    WHERE s.spec_id = $spec_id GROUP BY ALL"""
_UNUSED = """
    SELECT reason, count(*) AS n FROM splits WHERE spec_id = $spec_id AND split = 'unused' GROUP BY reason
    ORDER BY n DESC, reason"""
_CHECKS = """
    SELECT table_name, expectation, severity, count(*) AS chunks, count(*) FILTER (success) AS passed,
           first(observed ORDER BY success, "at" DESC, chunk_id, observed) AS observed
    FROM (SELECT * FROM checks WHERE run_id IN (SELECT unnest($runs::VARCHAR[]))
          AND table_name IN ('examples', 'splits', 'evaluations', 'promotions')
          QUALIFY row_number() OVER (PARTITION BY table_name, chunk_id, expectation ORDER BY "at" DESC) = 1)
    GROUP BY ALL ORDER BY passed = chunks, table_name, severity, expectation"""


@dataclass(frozen=True, slots=True)
class Learned:
    """One training or evaluation. `labels`: task -> label -> split -> examples, of classification tasks; `sizes`:
    dataset -> split -> examples; `kinds`: split -> examples with a picture, and with a text."""

    spec_id: str
    step: str
    params: Row
    evaluations: list[Row]
    sizes: dict[str, dict[str, int]]
    kinds: dict[str, Row]
    labels: dict[str, dict[str, dict[str, int]]]
    clusters: Row
    authors: int
    unused: list[Row]
    checks: list[Row]
    schema: int


def find_learned(store: Store, spec_id: str) -> Learned:
    """Everything about a training or evaluation; UserError for one that is not in the warehouse."""
    with store.connect() as db:
        specs = _rows(db, "SELECT * FROM specs WHERE spec_id = $spec_id", spec_id=spec_id)
        if not specs:
            raise UserError(
                f"no training or evaluation {spec_id!r} in {store.path}; see the table specs for those there"
            )
        params = json.loads(specs[0]["params"])
        sizes: dict[str, dict[str, int]] = {}
        kinds: dict[str, Row] = {part: {"pictures": 0, "texts": 0} for part in PARTS}
        for row in _rows(db, _SIZES, spec_id=spec_id):
            sizes.setdefault(row["dataset"], dict.fromkeys(PARTS, 0))[row["split"]] = row["n"]
            for kind in ("pictures", "texts"):
                kinds[row["split"]][kind] += row[kind]
        evaluations = _rows(db, _EVALUATIONS, spec_id=spec_id)
        return Learned(
            spec_id=spec_id,
            step=specs[0]["step"],
            params=params,
            evaluations=[row | {"detail": json.loads(row["detail"])} for row in evaluations],
            sizes=sizes,
            kinds=kinds,
            labels=_labels(_rows(db, _LABELS, spec_id=spec_id), params.get("tasks", {})),
            clusters=_rows(db, _CLUSTERS, spec_id=spec_id)[0],
            authors=_rows(db, _AUTHORS, spec_id=spec_id)[0]["authors"],
            unused=_rows(db, _UNUSED, spec_id=spec_id),
            # Examples are checked before it is known which training they make: under the spec's own id.
            checks=_rows(db, _CHECKS, runs=sorted({spec_id, str(params.get("spec_id", spec_id))})),
            schema=_rows(db, "SELECT coalesce(max(version), 0) AS version FROM migrations")[0]["version"],
        )


def _labels(rows: list[Row], tasks: Row) -> dict[str, dict[str, dict[str, int]]]:
    """Labels in the task's order, then those that it does not name."""
    found: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for row in rows:
        for task, label in json.loads(row["labels"]).items():
            if task in tasks and tasks[task].get("kind", "classification") == "classification":
                found[task][str(label)][row["split"]] += row["n"]
    ordered: dict[str, dict[str, dict[str, int]]] = {}
    for task in tasks:
        named = [str(label) for label in tasks[task].get("labels") or ()]
        labels = [*named, *sorted(set(found[task]) - set(named))] if task in found else []
        ordered[task] = {label: {part: found[task][label][part] for part in PARTS} for label in labels}
    return {task: labels for task, labels in ordered.items() if labels}


def _rows(db: DuckDBPyConnection, sql: str, **params: Any) -> list[Row]:
    return rows_of(db, sql, params)
