"""What an experiment has found, from the warehouse alone: its tables, its report, and what `--json` prints."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from components.experiments.read import read_experiment
from components.experiments.scores import Findings
from components.experiments.tables import tables_of
from components.records import Arm
from components.report.experiment_agreement import believed
from components.warehouse.store import Store
from flows.progress import say
from flows.settings import Settings
from flows.write_report import write_experiment_report


@dataclass
class ExperimentResult:
    """The closing words of the command line, and its JSON. `partial`: why the tables are not all they will be;
    `agreement`: how far the judge can be believed, `pairs` has that of the judge of pairs."""

    name: str
    experiment_id: str
    partial: str | None = None
    notes: list[str] = field(default_factory=list)
    items: int = 0
    bought: int = 0
    calls: int | None = 0
    cost_usd: float | None = 0.0
    offline: list[str] = field(default_factory=list)
    aspect_titles: dict[str, str] = field(default_factory=dict)
    arms: list[dict[str, Any]] = field(default_factory=list)
    overall: list[dict[str, Any]] = field(default_factory=list)
    aspects: list[dict[str, Any]] = field(default_factory=list)
    claims: list[dict[str, Any]] = field(default_factory=list)
    pairs: dict[str, Any] | None = None
    second: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    agreement: dict[str, Any] | None = None
    scores: list[dict[str, Any]] = field(default_factory=list)
    report: str | None = None
    seconds: float = 0.0


def finish_experiment(experiment_id: str, settings: Settings) -> ExperimentResult:
    """The tables, and the report beside them."""
    store = settings.store()
    store.prepare()  # the view `calls` may have been made before the first call
    found = read_experiment(store, experiment_id)
    keep_figures(store, found)
    judge = believed(store, found)
    result = result_of(found)
    result.agreement = dict(judge.scores)
    if result.pairs is not None:
        result.pairs["agreement"] = judge.pairs
    result.report = str(write_experiment_report(settings, found, judge))
    say(f"report: {Path(result.report).as_uri()}")
    return result


def keep_figures(store: Store, found: Findings) -> None:
    """What only the journal tells, for when it is not there any more."""
    if not found.is_journaled:
        return
    sql = "SELECT * FROM arms WHERE spec_id = $id ORDER BY place, arm"
    rows = [Arm(**row) for row in store.query(sql, {"id": found.experiment_id})]
    now = [
        replace(
            row,
            latency_ms=arm.latency_ms(),
            judge_latency_ms=arm.latency_ms("judge_latency_ms"),
            calls=found.calls,
            spent_usd=found.spent_usd,
        )
        for row, arm in zip(rows, found.arms, strict=True)
    ]
    if now != rows:
        store.record_arms(*now)


def result_of(found: Findings) -> ExperimentResult:
    tables = tables_of(found)
    return ExperimentResult(
        name=found.name,
        experiment_id=found.experiment_id,
        partial=found.partial,
        notes=list(found.params.get("notes", [])),
        items=found.items,
        calls=found.calls,
        cost_usd=found.spent_usd,
        offline=found.offline,
        aspect_titles=dict(found.aspects),
        arms=[asdict(line) for line in tables.arms],
        overall=[asdict(line) for line in tables.overall],
        aspects=[asdict(line) for line in tables.aspects],
        claims=[asdict(line) for line in tables.claims],
        pairs=asdict(found.pairs) | {"left_out": dict(found.left_out)} if found.pairs else None,
        second={judge: [asdict(line) for line in lines] for judge, lines in tables.second.items()},
        scores=[
            {"arm": arm.name, "item_id": one.item_id, "post_id": one.post_id, "failure": one.failure, **one.scores}
            for arm in found.arms
            for one in arm.items
        ],
    )
