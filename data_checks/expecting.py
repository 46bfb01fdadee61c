"""Runs declared expectations over a frame by Great Expectations; the only file of the project that imports it.

Its import takes 3 to 9 s, so it happens on the first call. What `Batch.validate` works out again each time it is asked,
which metrics a suite needs and in which order, takes 0.15 s, twenty times what a chunk's metrics take; it depends on
the suite alone. So it is worked out once per suite, and each frame meets expectations, metrics and engine of Great
Expectations without it. A test holds the results beside those of `Batch.validate`.
"""

import functools
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from data_checks.suite import Expectation

Details = Literal["BASIC", "COMPLETE"]
"""How much a result says: of rows that fail a few examples, or each with its position."""

FRAME = "frame"
"""The id under which the engine knows the frame, and plans ask for it."""

_planning = threading.Lock()


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one expectation: `result` as Great Expectations has it, or why there is none."""

    success: bool
    result: dict[str, Any]
    broken: str | None = None


@dataclass(frozen=True, slots=True)
class _Plan:
    expectations: tuple[Any, ...]
    dependencies: tuple[Any, ...]
    edges: tuple[Any, ...]


def outcomes(frame: pd.DataFrame, expectations: Sequence[Expectation], details: Details = "BASIC") -> list[Outcome]:
    """One per expectation, in their order. Threads may ask at once: each frame has an engine of its own, and plans are
    only read."""
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.validator.validation_graph import ValidationGraph

    with _planning:
        plan = _planned(_Key(tuple(expectations)), details)
    engine = PandasExecutionEngine()
    engine.load_batch_data(FRAME, frame)
    metrics, aborted = ValidationGraph(engine, list(plan.edges)).resolve(
        {"result_format": {"result_format": details}}, show_progress_bars=False
    )
    found = [
        _outcome(expectation, needs, metrics, aborted, engine)
        for expectation, needs in zip(plan.expectations, plan.dependencies, strict=True)
    ]
    engine.batch_manager.batch_data_cache.clear()  # an engine is a cycle, and would keep the frame
    return found


def _outcome(expectation: Any, needs: Any, metrics: dict[Any, Any], aborted: dict[Any, Any], engine: Any) -> Outcome:
    asked = needs.metric_configurations
    for metric in asked.values():
        if metric.id not in metrics:
            return Outcome(False, {}, _why(metric, aborted))
    given = {name: metrics[metric.id] for name, metric in asked.items()}
    try:
        found = expectation._validate(given, {"result_format": dict(needs.result_format)}, engine)
    except Exception as error:  # whatever it is, the check could not be made, which is said, and stops
        logging.getLogger("postwright").debug("%s", expectation, exc_info=True)
        return Outcome(False, {}, f"{type(error).__name__}: {error}")
    return Outcome(bool(found["success"]), found.get("result") or {})


def _why(metric: Any, aborted: dict[Any, Any]) -> str:
    """There is no metric: its own failure, or that of one it needs."""
    if metric.id in aborted:
        return str(aborted[metric.id]["exception_info"]["exception_message"])
    needed = (_why(other, aborted) for other in metric.metric_dependencies.values())
    return next((why for why in needed if why), "")


class _Key:
    """Of a suite's expectations: these very objects, which stay as they are."""

    def __init__(self, expectations: tuple[Expectation, ...]) -> None:
        self.expectations = expectations
        self._ids = tuple(map(id, expectations))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._ids == other._ids

    def __hash__(self) -> int:
        return hash(self._ids)


@functools.lru_cache(maxsize=256)
def _planned(key: _Key, details: Details) -> _Plan:
    import great_expectations as gx
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.validator.metrics_calculator import MetricsCalculator

    engine = PandasExecutionEngine()
    asked = {"result_format": {"result_format": details}}
    declared = tuple(
        getattr(gx.expectations, expectation.type)(**expectation.kwargs, batch_id=FRAME)
        for expectation in key.expectations
    )
    needs = tuple(expectation.get_validation_dependencies(engine, asked) for expectation in declared)
    calculator = MetricsCalculator(execution_engine=engine, show_progress_bars=False)
    edges: dict[Any, Any] = {}
    for need in needs:
        graph = calculator.build_metric_dependency_graph(
            metric_configurations=need.get_metric_configurations(), runtime_configuration=asked
        )
        edges |= {edge.id: edge for edge in graph.edges}
    return _Plan(declared, needs, tuple(edges.values()))
