"""What people said, counted: agreement of people, of judges with people, and who did how much."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from components.people.calibration import Calibration, calibrate, people_agree
from components.people.opinions import by_text, read_opinions
from components.records import Evaluation, content_id
from components.statistics.calibration import LEAST
from components.warehouse.store import Store
from flows.publish import chunk_id, publish

SUBJECT, SPLIT = "people", "audit"


def read(store: Store) -> dict[str, Any]:
    """Plain values for a page, a table, or JSON."""
    said, judged, raters = read_opinions(store)
    return {
        "least": LEAST,
        "raters": [asdict(rater) for rater in raters],
        "agreements": [asdict(one) | {"by": by_text(one.rubric, one.rubric_id)} for one in people_agree(said)],
        "calibrations": [asdict(one) | {"by": by_text(one.rubric, one.rubric_id)} for one in calibrate(said, judged)],
    }


def store_calibrations(store: Store) -> list[Calibration]:
    """Keep the figures and maps as they are now; the view `calibrated_scores` reads the newest. Those that were kept
    from the same ratings before are not kept twice."""
    said, judged, _ = read_opinions(store)
    found = calibrate(said, judged)
    labels = f"ratings {content_id(sorted(map(str, [*said, *judged])))[:8]}"
    rows = [row for one in found if one.map is not None for row in evaluations(one, labels)]
    if rows:
        chunk = chunk_id("calibration", [row.evaluation_id for row in rows])
        publish(store, "evaluations", rows, [], chunk=chunk, run_id="people", dataset="people")
    return found


def evaluations(one: Calibration, labels: str) -> list[Evaluation]:
    assert one.map is not None
    curve = {
        "judge": one.map.scores, "people": one.map.ratings, "mae_after": one.map.mae_after, "rubric": one.rubric,
        "rubric_id": one.rubric_id,
    }  # fmt: skip
    values = {"bias": one.bias, "mae": one.mae, "weighted_kappa": one.kappa}
    return [
        _row(one, labels, "isotonic", None, None, None, json.dumps(curve)),
        *(_row(one, labels, metric, e.value, e.low, e.high, "{}") for metric, e in values.items()),
    ]


def _row(
    one: Calibration, labels: str, metric: str, value: float | None, low: float | None, high: float | None, detail: str
) -> Evaluation:
    where = (one.judge_spec_id, SUBJECT, one.judge, labels, SPLIT, one.aspect, metric)
    return Evaluation(
        evaluation_id=Evaluation.make_id(*where),
        spec_id=one.judge_spec_id,
        subject=SUBJECT,
        model=one.judge,
        dataset=labels,
        split=SPLIT,
        task=one.aspect,
        metric=metric,
        value=value,
        low=low,
        high=high,
        n=one.n,
        detail=detail,
        created_at=datetime.now(UTC),
    )
