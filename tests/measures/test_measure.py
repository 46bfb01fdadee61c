"""Rows of whole batches: every measure of every post, however the posts are cut; no model where none is asked for."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from components.features.models import Models, _load
from components.measures import Measuring, names_of, read_batch
from components.measures.variety import Variety
from components.measures.vectors import TextVectors
from components.records import Measure
from components.specs import FeatureSpec, MeasureSpec
from components.specs.measures import FAMILIES
from data_checks.validate import validate
from flows.settings import Settings
from tests.measures.conftest import Drawn
from tests.measures.posts import a_batch, a_post, values_of
from tests.steps import Steps, campaign_of

NOW = datetime(2026, 11, 20, tzinfo=UTC)
PLAIN = ("wording", "safety", "rules")


def test_the_same_rows_however_the_posts_are_cut(models: Models, drawn: Drawn) -> None:
    posts, spec = drawn.batch.posts, MeasureSpec(references=5)
    whole = Measuring(drawn.batch, spec, FeatureSpec())(posts, NOW)
    assert len(whole) == len(posts) * len(names_of(FAMILIES))
    measuring = Measuring(drawn.batch, spec, FeatureSpec())
    parts = [posts[50:], posts[:7], posts[7:50]]
    cut = {row.measure_id: row for part in parts for row in measuring(part, NOW)}
    assert {row.measure_id: row for row in whole} == cut
    verdict = validate("measures", frame(whole), chunk_id="c", run_id="r", now=NOW)
    assert not verdict.stop, [row for row in verdict.results if not row.success]


def frame(rows: list[Measure]) -> pd.DataFrame:
    return pd.DataFrame([row.row() for row in rows])


def test_a_copied_post_is_the_likest_and_its_self_bleu_is_1(models: Models) -> None:
    texts = [
        "Two boats leave the harbour at noon.", "A black dog on the beach, all wet.",
        "Two boats leave the harbour at noon.",
    ]  # fmt: skip
    posts = [a_post(n, text) for n, text in enumerate(texts)]
    variety = Variety(a_batch(posts), TextVectors(models), MeasureSpec())
    first, dog, copy = (values_of(variety([post])) for post in posts)
    assert first["similar_before"] == "too_few"
    assert 0 < dog["similar_before"] < 0.9 and copy["similar_before"] == pytest.approx(1, abs=1e-4)
    assert copy["self_bleu"] == first["self_bleu"] == pytest.approx(1) and dog["self_bleu"] < 0.3
    assert (copy["opening_reused"], copy["near_duplicates"], dog["opening_reused"]) == (1, 1, 0)
    found = {one.name: one for one in variety([posts[2]])}
    assert found["similar_before"].detail == {"to": posts[0].post_id, "of": 2}
    latest = Variety(a_batch(posts), TextVectors(models), MeasureSpec(last=1))
    (near,) = (one for one in latest([posts[2]]) if one.name == "similar_before")
    assert near.detail == {"to": posts[1].post_id, "of": 1}, "only the last post before it"
    alone = values_of(Variety(a_batch(posts[:1]), TextVectors(models), MeasureSpec())(posts[:1]))
    assert (alone["self_bleu"], alone["similar_before"]) == ("too_few", "too_few")


def test_references_of_self_bleu_are_drawn_by_the_seed(models: Models, drawn: Drawn) -> None:
    def bleu(seed: int) -> list[float | None]:
        variety = Variety(drawn.batch, TextVectors(models), MeasureSpec(references=5, seed=seed))
        return [one.value for one in variety(drawn.batch.posts[:12]) if one.name == "self_bleu"]

    assert bleu(0) == bleu(0)
    assert bleu(0) != bleu(1)


def test_families_without_models_load_none(drawn: Drawn) -> None:
    before = _load.cache_info()
    rows = Measuring(drawn.batch, MeasureSpec(families=PLAIN), FeatureSpec(models="pretrained"))(drawn.batch.posts, NOW)
    assert {row.name for row in rows} == set(names_of(PLAIN))
    assert _load.cache_info() == before


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("POSTWRIGHT_HOME", str(tmp_path / "home"))
    return Settings.from_environment().prepare()


def test_posts_of_texts_alone_are_planned_measured_and_read_back(settings: Settings, tmp_path: Path) -> None:
    """From and into a warehouse: what was asked for is found in the prompts, and what is done is not done again."""
    run = Steps(settings, campaign_of(tmp_path, measures={"families": PLAIN}))
    spec, c = run.c.measures, run.c
    assert spec is not None
    before = run.plan().steps[-1]
    assert (before.step, before.todo, before.there) == ("measure_posts", 6, 0)
    run.all()
    ids = (c.prompt.id, c.features.id, c.generation.id)
    todo = run.store.posts_without_measures(run.selection, *ids, spec.id)
    batch = read_batch(run.store, todo, c.features.id, "en")
    assert all(asked == {"sentiment": "positive", "topic": "travel"} for asked in batch.asked.values()) and batch.asked
    assert batch.pictures.ids == ()
    run.measure(4)
    assert [post.post_id for post in run.store.posts_without_measures(run.selection, *ids, spec.id)] == [
        post.post_id for post in todo[4:]
    ]
    after = run.plan().steps[-1]
    assert (after.todo, after.there) == (2, 4)
    run.store.prepare()
    found = run.store.query("SELECT * FROM measured_posts ORDER BY post_id")
    assert len(found) == 4 and set(found[0]["measured"]) == set(names_of(PLAIN))
    assert found[0]["missing"] == {} and found[0]["text"]
