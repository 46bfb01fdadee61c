"""Measuring on a real Prefect server: every post once, without a picture too, and nothing when nothing is new."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.features.models import _load
from components.measures import names_of
from components.specs import MeasureSpec, Selection
from components.specs.measures import FAMILIES
from flows.measure_posts import measure_posts
from flows.pipeline import Summary, pipeline
from flows.settings import Settings
from flows.write_report import write_report
from tests.flows.test_pipeline import campaign_of, new_rows

pytestmark = [pytest.mark.slow]
EACH = len(names_of(FAMILIES))


@pytest.fixture
def run(home: Settings, pictures: Path) -> Callable[..., Summary]:
    def start(limit: int | None = None, **sections: Any) -> Summary:
        return pipeline(campaign_of(pictures, **sections), limit=limit)

    return start


def test_every_post_is_measured_once(run: Callable[..., Summary], home: Settings, pictures: Path) -> None:
    """First three posts, then the others; then nothing, without a forward pass; then again under another spec, for
    which nothing else has to be done."""
    assert new_rows(run(limit=3, measures={}))["measure_posts"] == 3 * EACH
    assert new_rows(run(measures={}))["measure_posts"] == 4 * EACH
    loaded = _load.cache_info()
    again = run(measures={})
    assert {step.rows for step in again.steps} == {0} and again.steps[-1].passes == 0
    assert _load.cache_info() == loaded, "no model was asked for"
    c = campaign_of(pictures, measures={})
    plain = MeasureSpec(families=("rules",))
    selection = Selection(dataset=c.dataset.name)
    assert measure_posts(plain, c.generation, c.prompt, c.features, selection).rows == 7

    store = home.store()
    (bare,) = store.query("SELECT post_id FROM judged_posts WHERE image_path IS NULL")
    of_bare = {row["name"]: row for row in store.query("SELECT * FROM measures WHERE post_id = $post_id", bare)}
    assert (of_bare["clip"]["value"], of_bare["clip"]["error"]) == (None, "no_picture")
    assert of_bare["scene_control"]["error"] == "not_asked"
    assert of_bare["similar_before"]["value"] is not None and of_bare["words"]["value"] > 3
    pictured = store.query("SELECT value, model FROM measures WHERE name = 'clip' AND post_id <> $post_id", bare)
    assert len(pictured) == 6 and all(row["value"] is not None for row in pictured)
    assert {row["model"].split("@")[0] for row in pictured} == {"starter/clip"}
    assert {row["error"] for row in store.query("SELECT error FROM measures WHERE name = 'contradiction'")} == {
        "too_few", "no_picture",
    }  # fmt: skip
    checked = store.query("SELECT DISTINCT chunk_id = 'table' AS whole FROM checks WHERE table_name = 'measures'")
    assert {row["whole"] for row in checked} == {True, False}, "checked chunk by chunk and as a table"
    rows = store.query("SELECT measured, missing FROM measured_posts WHERE post_id = $post_id", bare)
    (measured,) = (row for row in rows if row["missing"])
    assert measured["missing"]["clip"] == "no_picture" and "clip" not in measured["measured"]

    page = write_report(home, again.run_id).read_text("utf-8")
    assert 'id="measures"' in page and "6 nothing to compare with" in page and "1 no picture" in page
