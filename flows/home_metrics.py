"""A home's figures in Prometheus' form, from its warehouse and journal: what is true while nothing runs, too.

How old the last good run of each campaign is, how the last one ended, what was spent: what an alert needs. All of it is
counted anew each time, so whoever writes it last is right.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from components.chat.batch import Register
from components.records import TABLES
from flows.settings import Settings

RUNS = "SELECT campaign, state, count(*) AS n FROM runs GROUP BY ALL ORDER BY ALL"
OWN = "FROM runs ANTI JOIN backfills ON runs.purse = backfills.backfill_id"
"""Not those of a backfill: how its last window ended says nothing of it, and repeated, it would pass for what a
schedule did. It has figures of its own."""
LAST = f"""SELECT *, epoch(coalesce(ended_at, started_at)) AS "at", epoch(ended_at - started_at) AS seconds {OWN}
    WHERE state <> 'empty'
    QUALIFY row_number() OVER (PARTITION BY campaign ORDER BY started_at DESC, run_id DESC) = 1 ORDER BY campaign"""
GOOD = f"""SELECT campaign, max(epoch(ended_at)) AS "at" {OWN} WHERE state = 'done' GROUP BY ALL ORDER BY ALL"""
BACKFILLS = """SELECT campaign, state, epoch(coalesce(ended_at, started_at)) AS "at" FROM backfills
    QUALIFY row_number() OVER (PARTITION BY campaign ORDER BY started_at DESC, backfill_id) = 1 ORDER BY campaign"""
CALLS = """SELECT stage, coalesce(model, '') AS model, coalesce(mode, 'live') AS mode, status,
        count(*) FILTER (stage <> 'lost') AS n, coalesce(sum(input_tokens), 0) AS input_tokens,
        coalesce(sum(cached_tokens), 0) AS cached_input_tokens, coalesce(sum(output_tokens), 0) AS output_tokens,
        coalesce(sum(reasoning_tokens), 0) AS reasoning_tokens, coalesce(sum(cost_usd), 0) AS cost_usd,
        coalesce(sum(held_usd), 0) AS held_usd,
        count(*) FILTER (cost_usd IS NULL AND stage <> 'lost') AS unpriced_calls,
        coalesce(sum(coalesce(cost_usd, 0) + coalesce(held_usd, 0))
            FILTER (strftime(created_at AT TIME ZONE 'UTC', '%Y-%m') = $month), 0) AS month_usd
    FROM calls GROUP BY ALL ORDER BY ALL"""
QUARANTINE = "SELECT dataset, step, reason, count(*) AS n FROM quarantine GROUP BY ALL ORDER BY ALL"
CHECKS = """SELECT table_name, severity, count(*) AS n FROM checks WHERE NOT success GROUP BY ALL ORDER BY ALL"""
ROWS = " UNION ALL ".join(f'SELECT \'{table}\' AS "table", count(*) AS n FROM "{table}"' for table in TABLES)
OF_CALLS = ("stage", "model", "mode")
SUMS = {
    "input_tokens": "Tokens sent, as the endpoint counted them.",
    "cached_input_tokens": "Tokens sent that the endpoint had cached: part of input_tokens.",
    "output_tokens": "Tokens answered, with those of reasoning.",
    "reasoning_tokens": "Tokens of reasoning: part of output_tokens.",
    "cost_usd": "US dollars of calls whose price is known.",
    "held_usd": "US dollars that may have been billed for answers that were lost.",
    "unpriced_calls": "Calls whose price is not known; they are in no sum of dollars.",
}
Rows = Sequence[dict[str, Any]]


class HomeMetrics(Collector):
    """Reads the warehouse whenever it is asked."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def collect(self) -> Iterator[Metric]:
        store, now = self.settings.store(), datetime.now(UTC)
        asked = {"runs": RUNS, "last": LAST, "good": GOOD, "backfills": BACKFILLS}
        asked |= {"quarantine": QUARANTINE, "checks": CHECKS, "rows": ROWS}
        with store.connect() as db:  # one opening for all: opening costs more than most answers
            found = {name: _rows(db, sql) for name, sql in asked.items()}
            calls = _rows(db, CALLS, {"month": f"{now:%Y-%m}"})
        yield from _runs(found["runs"], found["last"], found["good"])
        yield from _backfills(found["backfills"])
        yield from _money(calls)
        yield _gauge("rows", "Rows of a table.", ("table",), found["rows"])
        yield _gauge(
            "quarantine_rows", "Inputs and outputs refused.", ("dataset", "step", "reason"), found["quarantine"]
        )
        checks = [row | {"table": row["table_name"]} for row in found["checks"]]
        yield _counter("failed_checks", "Expectations that did not hold, by chunk.", ("table", "severity"), checks)
        batches = len(Register(self.settings.batches).open_entries())
        yield _gauge("open_batches", "Batches handed in and not collected.", (), [{"n": batches}])
        yield _gauge("figures_timestamp_seconds", "When these figures were made.", (), [{"n": now.timestamp()}])


def _runs(runs: Rows, last: Rows, good: Rows) -> Iterator[Metric]:
    one = ("campaign",)
    yield _counter("runs", "Runs, by how they ended.", ("campaign", "state"), runs)
    yield _gauge("last_success_timestamp_seconds", "When a run last ended as done.", one, good, "at")
    yield _gauge("last_run_timestamp_seconds", "When the last run ended, or began if it has not.", one, last, "at")
    states = [row | {"n": 1} for row in last]
    yield _gauge("last_run_state", "1 for the state of the last run.", ("campaign", "state"), states)
    yield _gauge("last_run_seconds", "How long the last run took.", one, last, "seconds")
    yield _gauge("last_run_cost_usd", "US dollars; none where a price is unknown.", one, last, "cost_usd")
    scored = [row | _scores(row) for row in last]
    for name, text in (
        ("posts", "Posts of the last run's items and settings."),
        ("judged", "Those of them that are judged."),
        ("overall_mean", "Their mean overall score, on the rubric's scale."),
        ("overall_low", "Lower end of its 95 % interval."),
        ("overall_high", "Upper end of its 95 % interval."),
    ):
        yield _gauge(f"last_run_{name}", text, one, scored, name)


def _backfills(last: Rows) -> Iterator[Metric]:
    text = "When the last backfill ended, or began if it has not."
    yield _gauge("last_backfill_timestamp_seconds", text, ("campaign",), last, "at")
    states = [row | {"n": 1} for row in last]
    yield _gauge("last_backfill_state", "1 for the state of the last backfill.", ("campaign", "state"), states)


def _scores(run: dict[str, Any]) -> dict[str, Any]:
    scores = json.loads(run["scores"] or "{}")
    overall = {f"overall_{name}": value for name, value in (scores.get("overall") or {}).items()}
    return {"posts": scores.get("posts"), "judged": scores.get("judged"), **overall}


def _money(calls: Rows) -> Iterator[Metric]:
    told = [row for row in calls if row["n"]]
    yield _counter("calls", "Calls in the journal, by how they ended.", (*OF_CALLS, "status"), told)
    by_model: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in calls:
        sums = by_model.setdefault(tuple(row[name] for name in OF_CALLS), dict.fromkeys(SUMS, 0))
        sums.update({name: row[name] for name in OF_CALLS} | {name: sums[name] + row[name] for name in SUMS})
    for name, text in SUMS.items():
        yield _counter(name, text, OF_CALLS, list(by_model.values()), name)
    month = sum(row["month_usd"] for row in calls)
    yield _gauge("month_usd", "US dollars spent and held in this calendar month (UTC).", (), [{"n": month}])


def _gauge(name: str, text: str, labels: Sequence[str], rows: Rows, value: str = "n") -> Metric:
    return _filled(GaugeMetricFamily(f"postwright_home_{name}", text, labels=labels), labels, rows, value)


def _counter(name: str, text: str, labels: Sequence[str], rows: Rows, value: str = "n") -> Metric:
    return _filled(CounterMetricFamily(f"postwright_home_{name}", text, labels=labels), labels, rows, value)


def _filled(family: Any, labels: Sequence[str], rows: Rows, value: str) -> Metric:
    """What is not known has no sample: it is not 0."""
    for row in rows:
        if row.get(value) is not None:
            family.add_metric([str(row[label]) for label in labels], float(row[value]))
    made: Metric = family
    return made


def _rows(db: Any, sql: str, params: dict[str, Any] | None = None) -> Rows:
    cursor = db.execute(sql, params or {})
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
