"""Suites that are planned once say what Great Expectations itself says of the same frame."""

from typing import Any

import great_expectations as gx
import numpy as np
import pytest
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)

from data_checks.expecting import Details, outcomes
from data_checks.suite import Expectation
from data_checks.validate import SUITES
from tests.data_checks import planted_features, planted_items, planted_judgments, planted_posts
from tests.data_checks.planting import Frame

PLANTED = {"items": planted_items, "features": planted_features, "judgments": planted_judgments, "posts": planted_posts}


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


@pytest.mark.parametrize("details", ["BASIC", "COMPLETE"])
@pytest.mark.parametrize("table", PLANTED)
def test_outcomes_are_those_of_batch_validate(definition: Any, table: str, details: Details) -> None:
    suite = SUITES[table]
    changes = [lambda frame: frame, *(change for _, change in PLANTED[table].DEFECTS[::6])]
    for change in changes:
        frame = change(PLANTED[table].good()).reset_index(drop=True)
        frame = frame.assign(**{name: derive(frame) for name, derive in suite.derived.items()})
        theirs = by_batch(definition, frame, suite.expectations, details)
        for expectation, his, ours in zip(
            suite.expectations, theirs, outcomes(frame, suite.expectations, details), strict=True
        ):
            assert ours.broken is None, expectation.what
            assert ours.success == his.success, expectation.what
            np.testing.assert_equal(ours.result, his.result, expectation.what)


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
