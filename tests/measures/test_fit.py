"""Posts and pictures that belong together, and the same posts under other pictures, by the starter CLIP."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from components.features.models import Models
from components.measures.batch import Found, Pictures
from components.measures.fit import NAMES, Fit
from components.measures.vectors import TextVectors, sentences
from components.specs import MeasureSpec
from tests.measures.conftest import Drawn
from tests.measures.posts import a_batch, a_post


def values(found: list[Found], name: str) -> list[Any]:
    return [one.value if one.error is None else one.error for one in found if one.name == name]


@pytest.fixture(scope="module")
def right(models: Models, drawn: Drawn) -> tuple[Fit, list[Found]]:
    fit = Fit(drawn.batch, TextVectors(models), MeasureSpec())
    return fit, list(fit(drawn.batch.posts))


def test_swapped_pictures_raise_the_alarm_and_right_ones_hardly_do(
    models: Models, drawn: Drawn, right: tuple[Fit, list[Found]]
) -> None:
    """Measured: 1 of 84 right posts (1.2 %), all 84 swapped ones; told of posts without their picture: 98 %."""
    fit, found = right
    alarm = fit.alarm()
    assert alarm.margin is not None and alarm.false_alarms is not None and alarm.hits is not None
    assert np.mean(values(found, "contradiction")) == pytest.approx(alarm.false_alarms, abs=1e-4)
    assert alarm.false_alarms <= 0.05 and alarm.hits >= 0.9
    swapped = Fit(drawn.under_other_pictures(), TextVectors(models), MeasureSpec(margin=alarm.margin))
    wrong = list(swapped(drawn.batch.posts))
    assert np.mean(values(wrong, "contradiction")) >= 0.95
    told = next(one for one in wrong if one.name == "contradiction" and one.value)
    own = drawn.batch.posts[0].prompt_id
    assert told.detail["other"] == own and told.detail["by"] > alarm.margin  # type: ignore[operator]


def test_a_batch_that_is_swapped_in_part_shows_only_swapped_ones(models: Models, drawn: Drawn) -> None:
    """Its own posts calibrate the alarm: the 4 swapped ones of 84 are found, since they are fewer than the cap."""
    other = drawn.under_other_pictures().item_of
    some = {post.prompt_id for post in drawn.batch.posts[::21]}
    mixed = replace(drawn.batch, item_of={p: other[p] if p in some else i for p, i in drawn.batch.item_of.items()})
    found = list(Fit(mixed, TextVectors(models), MeasureSpec())(mixed.posts))
    raised = {one.post_id for one in found if one.name == "contradiction" and one.value}
    assert raised == {post.post_id for post in drawn.batch.posts[::21]}


def test_the_own_picture_comes_first_among_those_that_look_like_it(right: tuple[Fit, list[Found]]) -> None:
    _, found = right
    assert np.mean(np.array(values(found, "clip_rank")) == 1) >= 0.95
    assert np.mean(values(found, "clip_best")) > np.mean(values(found, "clip")), "a caption is read better by itself"
    ranks = [one.detail["of"] for one in found if one.name == "clip_rank"]
    assert set(ranks) == {9}


def test_what_cannot_be_compared_has_a_reason_and_is_no_0(models: Models, drawn: Drawn) -> None:
    bare, wordless, first = a_post(900, "A post about nothing."), a_post(901, "#tags #only 🎉"), drawn.batch.posts[0]
    first_picture = drawn.batch.pictures.vectors[drawn.batch.pictures.place[first.prompt_id]].tolist()
    pictures = [(wordless.prompt_id, "x", first_picture), (first.prompt_id, "x", first_picture)]
    batch = a_batch([first, bare, wordless], pictures=pictures)
    found = list(Fit(batch, TextVectors(models), MeasureSpec())(batch.posts))
    of = {post_id: {one.name: one for one in found if one.post_id == post_id} for post_id in batch.position}
    assert {one.error for one in of[bare.post_id].values()} == {"no_picture"}
    assert {one.error for one in of[wordless.post_id].values()} == {"wordless"}
    assert of[first.post_id]["clip"].error is None
    assert {of[first.post_id][name].error for name in NAMES[2:]} == {"too_few"}, "the same bytes are no other picture"
    assert all(one.value is None for one in found if one.error)


def test_few_pictures_calibrate_no_alarm_unless_a_margin_is_given(models: Models, drawn: Drawn) -> None:
    few = drawn.batch.posts[:5]
    rows = [
        (p.prompt_id, p.prompt_id, drawn.batch.pictures.vectors[drawn.batch.pictures.place[p.prompt_id]]) for p in few
    ]
    batch = a_batch(few, pictures=rows)  # type: ignore[arg-type]
    assert values(list(Fit(batch, TextVectors(models), MeasureSpec())(few)), "contradiction") == ["too_few"] * 5
    given = list(Fit(batch, TextVectors(models), MeasureSpec(margin=0.05))(few))
    assert set(values(given, "contradiction")) <= {0.0, 1.0}


def test_pictures_with_the_same_bytes_are_one() -> None:
    found = Pictures.of([("a", "1", [3.0, 4.0]), ("b", "1", [3.0, 4.0]), ("c", "2", [0.0, 2.0])])
    assert (found.ids, dict(found.place)) == (("a", "c"), {"a": 0, "b": 0, "c": 1})
    assert found.vectors.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0.0, 1.0]]


def test_sentences_are_parts_that_say_something() -> None:
    assert sentences("Wow! Two boats leave the harbour. Look: nobody on the pier waves") == [
        "Two boats leave the harbour.", "nobody on the pier waves",
    ]  # fmt: skip
    assert sentences("Wow!") == ["Wow!"]
    assert sentences("海边有两艘红色的船。天空很蓝！") == ["海边有两艘红色的船。", "天空很蓝！"]
