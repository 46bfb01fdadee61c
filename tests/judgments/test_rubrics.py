"""Rubric files: what the shipped one holds, what a wrong one is told, and the shape of the reply they ask for."""

from pathlib import Path

import pytest

from components.errors import UserError
from components.judgments import load_rubric, rubric_text
from components.spec import JudgeSpec

ASPECTS = ["relevance_clarity", "creativity_originality", "coherence_structure", "emotional_engagement"]

SMALL = """
name: small
title: One thing
scale: {min: 1, max: 5}
calls: per_aspect
instructions: Look.
aspects:
  - {name: warmth, title: Warmth, question: How warm is it, levels: {1: cold, 5: warm}}
  - {name: wit, title: Wit, question: How witty is it, levels: {1: flat, 5: sharp}}
"""


def test_the_papers_four_aspects_are_anchored() -> None:
    rubric = load_rubric("mpwl")
    assert [aspect.name for aspect in rubric.aspects] == ASPECTS
    assert (rubric.scale.min, rubric.scale.max) == (1, 10)
    assert all(set(aspect.levels) >= {2, 5, 8, 10} for aspect in rubric.aspects)


def test_reasoning_comes_before_the_score_and_nothing_else_is_allowed() -> None:
    schema = load_rubric("mpwl").reply_schema()
    assert schema["required"] == ASPECTS and schema["additionalProperties"] is False
    for aspect in schema["properties"].values():
        assert list(aspect["properties"]) == ["reasoning", "score"] == aspect["required"]
        assert aspect["additionalProperties"] is False


def test_a_file_of_the_users_own_with_one_call_per_aspect(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    rubric = load_rubric(str(path))
    assert [[aspect.name for aspect in group] for group in rubric.groups] == [["warmth"], ["wit"]]
    assert list(rubric.reply_schema(rubric.groups[1])["properties"]) == ["wit"]
    assert "1 to 5" in str(rubric.reply_schema())


def test_a_changed_rubric_is_another_judge(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    before = JudgeSpec(rubric=str(path)).id
    assert JudgeSpec(rubric=str(path), max_concurrency=1).id == before
    path.write_text(SMALL.replace("How warm is it", "How warm is it really"))
    assert JudgeSpec(rubric=str(path)).id != before
    assert rubric_text(str(path)) == path.read_text()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("name: wit", "name: warmth"), "aspect named twice: warmth"),
        (("5: warm", "7: warm"), "level 7 is outside 1 to 5"),
        (("{min: 1, max: 5}", "{min: 5, max: 5}"), "is not below"),
        (("title: One thing", "titel: One thing"), "title"),
        (("name: warmth", "name: Warmth!"), "aspects.0.name"),
        (("calls: per_aspect", "calls: sometimes"), "calls"),
        (("scale: {", "scale: {{"), "not YAML"),
    ],
)
def test_a_wrong_file_is_told_in_one_line(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(SMALL.replace(*change))
    with pytest.raises(UserError) as caught:
        load_rubric(str(path))
    assert told in str(caught.value) and "\n" not in str(caught.value) and "wrong.yaml" in str(caught.value)


@pytest.mark.parametrize("name", ["nope", "nope.yaml", "", "../rubric.py"])
def test_an_unknown_rubric_names_the_known(name: str) -> None:
    with pytest.raises(UserError, match="shipped are mpwl"):
        load_rubric(name)
