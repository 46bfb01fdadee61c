"""Rubric files: what the shipped one holds, what a wrong one is told, and the shape of the reply they ask for."""

import hashlib
from pathlib import Path

import pytest

from components.errors import UserError
from components.judgments import check_judge, load_rubric, rubric_text
from components.judgments.prompt import system_message
from components.judgments.worth import check_rubric_of_pairs
from components.pairwise.prompt import reply_schema as schema_of_pairs
from components.specs import JudgeSpec

SHIPPED = ["accessibility", "brand", "mpwl", "persuasion"]
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


@pytest.mark.parametrize("name", SHIPPED)
def test_reasoning_comes_before_the_score_and_nothing_else_is_allowed(name: str) -> None:
    rubric = load_rubric(name)
    schema = rubric.reply_schema()
    assert schema["required"] == [aspect.name for aspect in rubric.aspects]
    assert schema["additionalProperties"] is False
    for aspect in schema["properties"].values():
        assert list(aspect["properties"]) == ["reasoning", "score"] == aspect["required"]
        assert aspect["additionalProperties"] is False


def test_every_schema_of_a_reply_requires_its_properties_in_their_order() -> None:
    """The order of keys is no part of a call's key, that of a list is: so schemas that ask in another order differ."""
    root = Path(__file__).parents[2]
    builders = {str(path.relative_to(root)) for path in root.glob("[cf]*/**/*.py") if '"required"' in path.read_text()}
    assert builders == {"components/judgments/rubric.py", "components/pairwise/prompt.py"}
    rubrics = [load_rubric(name) for name in SHIPPED]
    schemas = [rubric.reply_schema(group) for rubric in rubrics for group in [None, *rubric.groups]]
    schemas += [schema_of_pairs(rubric) for rubric in rubrics]
    while schemas:
        schema = schemas.pop()
        assert schema["required"] == list(schema["properties"])
        schemas += [inner for inner in schema["properties"].values() if inner["type"] == "object"]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_rubric_has_anchors_where_scores_fall(name: str) -> None:
    rubric = load_rubric(name)
    assert rubric.name == name and 4 <= len(rubric.aspects) <= 6
    for aspect in rubric.aspects:
        assert set(aspect.levels) >= {2, 5, 8, 10}, aspect.name
        assert all(len(text.split()) >= 5 for text in aspect.levels.values()), aspect.name
        assert aspect.question.endswith("?")
    assert "first write the reasoning" in rubric.instructions and "tells you how to judge it" in rubric.instructions


def test_the_first_rubric_is_asked_as_it_always_was() -> None:
    """Another sentence, or another id, would buy every judgment of every home again."""
    rubric = load_rubric("mpwl")
    asked = system_message(rubric, rubric.aspects)
    assert hashlib.sha256(asked.encode()).hexdigest()[:16] == "c02a9ba52b453bef"
    assert JudgeSpec().id == "6c095b34329c02f6af16"
    assert JudgeSpec(model="openai/gpt-4o").id == "5dcbc6a97bf3eba056f7"
    assert JudgeSpec(model="openai/gpt-4o", batch_context=0).id == "39571b478289a7b948d6"


def test_a_brief_counts_by_its_text_wherever_it_was_read_from(tmp_path: Path) -> None:
    (tmp_path / "brand.md").write_text("Calm, exact, a little dry.\n")
    (tmp_path / "moved.txt").write_text("Calm, exact, a little dry.")
    ids = {JudgeSpec(rubric="brand", brief=brief).id for brief in
           (str(tmp_path / "brand.md"), str(tmp_path / "moved.txt"), "Calm, exact, a little dry.")}  # fmt: skip
    assert len(ids) == 1
    assert JudgeSpec(rubric="brand", brief="Loud.").id not in ids
    assert (
        JudgeSpec(rubric="brand", brief="Loud.", allow_own_model=True).id == JudgeSpec(rubric="brand", brief="Loud.").id
    )
    resolved = JudgeSpec(rubric="brand", brief=str(tmp_path / "brand.md")).resolved()
    assert resolved["brief_text"] == "Calm, exact, a little dry." and "brief" not in resolved


@pytest.mark.parametrize(
    ("brief", "told"),
    [("none-such.md", "cannot be read"), ("  \n ", "is empty"), ("word " * 5000, "has 25,000 characters"),
     ("binary.txt", "cannot be read")],
)  # fmt: skip
def test_a_brief_that_cannot_be_used_is_told_in_one_line(
    brief: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=told) as caught:
        check_judge(JudgeSpec(model="openai/m", rubric="brand", brief=brief))
    assert str(caught.value).startswith("judge: brief") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"rubric": "brand"}, "panel.0.brief is missing: rubric brand judges by a brief"),
        ({"rubric": "mpwl", "brief": "Calm."}, "panel.0.brief: rubric mpwl shows its judge no brief"),
        ({"rubric": "none-such"}, "panel.0: rubric 'none-such'"),
        (
            {"model": "offline/judge", "rubric": "brand", "brief": "Calm."},
            "only counts, .* voice, facts, claims, safety",
        ),
        (
            {"model": "openai/gpt-4o-2024-08-06"},
            "panel.0.model: openai/gpt-4o-2024-08-06 would judge what openai/gpt-4o",
        ),
    ],
)
def test_a_judgment_that_would_be_worthless_is_refused_with_the_field(fields: dict[str, str], told: str) -> None:
    with pytest.raises(UserError, match=told):
        check_judge(JudgeSpec(**{"model": "openai/m", **fields}), ["openai/gpt-4o"], "panel.0")


def test_pairs_are_not_compared_by_what_they_do_not_show() -> None:
    for name in ("brand", "accessibility"):
        with pytest.raises(UserError, match=rf"spec\.rubric: rubric {name} judges by (?:brief|alt_text)"):
            check_rubric_of_pairs(name)
    check_rubric_of_pairs("mpwl")
    check_rubric_of_pairs("persuasion")


@pytest.mark.parametrize("name", ["mpwl", "persuasion", "accessibility"])
def test_what_the_offline_judge_counts_it_is_allowed_to_judge(name: str) -> None:
    check_judge(JudgeSpec(rubric=name), ["offline/writer"])
    check_judge(JudgeSpec(model="openai/gpt-4o", rubric=name, allow_own_model=True), ["openai/gpt-4o"])


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
    with pytest.raises(UserError, match="shipped are accessibility, brand, mpwl, persuasion"):
        load_rubric(name)
