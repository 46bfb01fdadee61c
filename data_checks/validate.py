"""Runs a table's suite over a frame: what holds, what stops the chunk, which rows are set aside.

Frames are copied before columns are derived.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd

from data_checks import (
    anchor_readings,
    arms,
    comparisons,
    evaluations,
    examples,
    features,
    items,
    judgments,
    measures,
    posts,
    promotions,
    prompts,
    ratings,
    reviews,
    splits,
)
from data_checks.expecting import Details, Outcome, outcomes
from data_checks.suite import Expectation, Suite

_MODULES = (
    items,
    features,
    prompts,
    posts,
    judgments,
    anchor_readings,
    comparisons,
    measures,
    ratings,
    reviews,
    arms,
    examples,
    splits,
    evaluations,
    promotions,
)
SUITES: dict[str, Suite] = {module.SUITE.table: module.SUITE for module in _MODULES}
SHOWN = 3  # unexpected values in `observed`


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """One expectation on one chunk; the fields of the table `checks`."""

    run_id: str
    table_name: str
    chunk_id: str
    expectation: str
    severity: str
    success: bool
    observed: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """`stop`: publish nothing. `quarantined`: index of the frame -> what is wrong with that row."""

    results: list[CheckRow]
    stop: bool
    quarantined: dict[Hashable, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Finding:
    expectation: Expectation
    success: bool
    observed: str
    rows: Sequence[int] = ()  # positions in the frame; empty where the check is not about rows


def validate(table: str, frame: pd.DataFrame, chunk_id: str, run_id: str, now: datetime) -> Verdict:
    """All expectations of the table's suite on `frame`, whose columns are the record's fields. KeyError: no such suite.

    An expectation that cannot be computed counts as failed, and stops.
    """
    suite = SUITES[table]
    findings = _inspect(suite, frame)
    quarantined: dict[Hashable, str] = {}
    for finding in findings:
        if finding.expectation.severity == "quarantine":
            for row in finding.rows:
                index = frame.index[row]
                reasons = [quarantined[index]] if index in quarantined else []
                quarantined[index] = "; ".join([*reasons, f"fails: {finding.expectation.what}"])
    results = [
        CheckRow(
            run_id=run_id,
            table_name=table,
            chunk_id=chunk_id,
            expectation=finding.expectation.what,
            severity=finding.expectation.severity,
            success=finding.success,
            observed=finding.observed,
            at=now,
        )
        for finding in findings
    ]
    stop = any(not row.success and row.severity == "stop" for row in results)
    return Verdict(results, stop, quarantined)


def _inspect(suite: Suite, frame: pd.DataFrame) -> list[_Finding]:
    """Row count and columns first: without them nothing else can be computed."""
    if missing := [column for column in suite.columns if column not in frame.columns]:
        columns = Expectation("the columns are there", "ExpectColumnToExist", {}, "stop")
        return [_Finding(columns, False, f"missing: {', '.join(missing)}")]
    if frame.empty:
        return _run(frame, suite.expectations[:1])
    derived = frame.reset_index(drop=True)
    derived = derived.assign(**{name: derive(derived) for name, derive in suite.derived.items()})
    findings = {finding.expectation.what: finding for finding in _run(derived, suite.expectations)}
    failed = [e for e in suite.expectations if e.severity == "quarantine" and not findings[e.what].success]
    if failed:  # asking for the rows of every expectation would take twice the time
        findings |= {finding.expectation.what: finding for finding in _run(derived, failed, "COMPLETE")}
    return list(findings.values())


def _run(frame: pd.DataFrame, expectations: Sequence[Expectation], details: Details = "BASIC") -> list[_Finding]:
    found = outcomes(frame, expectations, details)
    return [_finding(expectation, one, len(frame)) for expectation, one in zip(expectations, found, strict=True)]


def _finding(expectation: Expectation, outcome: Outcome, rows: int) -> _Finding:
    if outcome.broken is not None:
        broken = Expectation(expectation.what, expectation.type, expectation.kwargs, "stop", expectation.why)
        return _Finding(broken, False, f"could not be computed: {outcome.broken}")
    details = outcome.result
    if "observed_value" in details:
        value = details["observed_value"]
        return _Finding(expectation, outcome.success, f"{value:.4g}" if isinstance(value, float) else str(value))
    positions = [int(row) for row in details.get("unexpected_index_list") or []]
    observed = f"{details['unexpected_count']} of {rows} rows{_examples(expectation, details)}"
    return _Finding(expectation, outcome.success, observed, positions)


def _examples(expectation: Expectation, details: dict[str, Any]) -> str:
    unexpected = details.get("partial_unexpected_list") or []
    values = list(dict.fromkeys(f"{v:g}" if isinstance(v, float) else str(v)[:60] for v in unexpected))
    told = expectation.kwargs.get("value_set") != [True] and any(value != "None" for value in values)
    return f", such as {', '.join(values[:SHOWN])}" if told else ""
