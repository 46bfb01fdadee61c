"""Suites that are planned once say what Great Expectations itself says of the same frame."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import great_expectations as gx
import numpy as np
import pytest
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)

from data_checks.expecting import Details, Outcome, _planned, outcomes
from data_checks.suite import Expectation
from data_checks.validate import SUITES
from tests.data_checks import learning_frames, planted_features, planted_items, planted_judgments, planted_posts
from tests.data_checks import planted_prompts as prompts
from tests.data_checks.planting import Frame

PLANTED = {"items": planted_items, "features": planted_features, "judgments": planted_judgments, "posts": planted_posts}
GOOD = {table: planted.good for table, planted in PLANTED.items()} | {"prompts": prompts.good} | learning_frames.GOOD


def with_derived(table: str, frame: Frame) -> Frame:
    frame = frame.reset_index(drop=True)
    return frame.assign(**{name: derive(frame) for name, derive in SUITES[table].derived.items()})


@pytest.fixture(scope="module")
def definition() -> Any:
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )
    context = gx.get_context(mode="ephemeral", project_config=config)
    return (
        context.data_sources.add_pandas("frames").add_dataframe_asset("frame").add_batch_definition_whole_dataframe("w")
    )


def by_batch(definition: Any, frame: Frame, expectations: tuple[Expectation, ...], details: Details) -> list[Any]:
    suite = gx.ExpectationSuite(
        name="suite",
        expectations=[getattr(gx.expectations, e.type)(**e.kwargs, meta={"n": n}) for n, e in enumerate(expectations)],
    )
    batch = definition.get_batch(batch_parameters={"dataframe": frame})
    found = batch.validate(suite, result_format={"result_format": details}).results
    return sorted(found, key=lambda result: result.expectation_config.meta["n"])


@pytest.mark.parametrize(
    ("table", "details"), [*((table, "BASIC") for table in GOOD), *((table, "COMPLETE") for table in PLANTED)]
)
def test_outcomes_are_those_of_batch_validate(definition: Any, table: str, details: Details) -> None:
    suite = SUITES[table]
    defects = PLANTED[table].DEFECTS[::6] if table in PLANTED else ()
    for change in [lambda frame: frame, *(change for _, change in defects)]:
        frame = with_derived(table, change(GOOD[table]()))
        theirs = by_batch(definition, frame, suite.expectations, details)
        for expectation, his, ours in zip(
            suite.expectations, theirs, outcomes(frame, suite.expectations, details), strict=True
        ):
            assert ours.broken is None, expectation.what
            assert ours.success == his.success, expectation.what
            np.testing.assert_equal(ours.result, his.result, expectation.what)


def test_threads_that_ask_at_once_are_told_what_one_is() -> None:
    """Planning, too: nobody has asked before."""
    frames = [(table, with_derived(table, good())) for table, good in GOOD.items()]
    spoilt = [(t, with_derived(t, change(GOOD[t]()))) for t in PLANTED for _, change in PLANTED[t].DEFECTS[::20]]
    asked = [*frames, *spoilt] * 2

    def ask(one: tuple[str, Frame]) -> list[Outcome]:
        return outcomes(one[1], SUITES[one[0]].expectations)

    _planned.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(ask, asked))
    alone = [ask(one) for one in asked[: len(asked) // 2]]
    for found, expected in zip(together, alone * 2, strict=True):
        np.testing.assert_equal(list(map(asdict, found)), list(map(asdict, expected)))


def test_what_cannot_be_computed_is_said_by_both(definition: Any) -> None:
    frame = planted_posts.good().assign(odd=[{}] * len(planted_posts.good()))
    asked = (
        Expectation("numbers", "ExpectColumnMeanToBeBetween", {"column": "odd", "min_value": 0}, "stop"),
        Expectation("a column", "ExpectColumnValuesToNotBeNull", {"column": "nowhere"}, "stop"),
        Expectation("texts", "ExpectColumnValuesToNotBeNull", {"column": "post_id"}, "stop"),
    )
    theirs = by_batch(definition, frame, asked, "BASIC")
    ours = outcomes(frame, asked)
    assert [one.broken is not None for one in ours] == [True, True, False]
    assert [one.success for one in ours] == [one.success for one in theirs] == [False, False, True]
    assert "nowhere" in (ours[1].broken or "")


def test_a_frame_is_let_go_when_its_results_are_there() -> None:
    """An engine is part of a cycle, which may stay for long: frames of large tables would pile up."""
    frame = with_derived("items", GOOD["items"]())
    seen = weakref.ref(frame)
    gc.disable()
    try:
        assert outcomes(frame, SUITES["items"].expectations)
        del frame
        assert seen() is None
    finally:
        gc.enable()
