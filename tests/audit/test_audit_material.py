"""Posts of known levels: the shipped file is sound, and a user's own is refused with what is wrong in it."""

from pathlib import Path

import numpy as np
import pytest

from components.audit.material import load_material, manipulations
from components.audit.plan import CLEAN, DOSES, injected, mean, padded, plan_audit
from components.chat.offline.appeals import without_appeals
from components.errors import UserError
from components.judgments import load_rubric
from components.prompts.escaping import clean
from components.prompts.platforms import known_platforms, load_platform
from components.specs import JudgeSpec

POST = "{id: a, platform: x, text: A boat left., levels: {relevance_clarity: 8}"


def test_the_shipped_posts_span_the_scale_and_keep_to_their_platforms() -> None:
    posts = load_material().posts
    assert len(posts) + sum(len(post.broken) for post in posts) >= 40
    overall = [mean(post.levels) for post in posts]
    assert min(overall) <= 2.1 and max(overall) == 9
    assert np.histogram(overall, bins=[1, 3, 5, 7, 9.1])[0].min() >= 3
    assert {post.platform for post in posts} == {*known_platforms()}
    assert len({post.scene for post in posts}) >= 20
    for post in posts:
        platform = load_platform(post.platform)
        for text in (post.text, post.short, *(one.text for one in post.broken)):
            assert platform.fits(text), (post.id, platform.violations(text))
            assert without_appeals(text) == text.strip(), post.id
        assert len(post.short.split()) < 0.9 * len(post.text.split()), post.id
    aspects = load_rubric("mpwl").aspects
    assert all(post.levels.keys() == {aspect.name for aspect in aspects} for post in posts)


def test_a_broken_twin_is_spoiled_in_one_aspect_and_hardly_in_the_others() -> None:
    broken = [(post, one) for post in load_material().posts for one in post.broken]
    assert {aspect: [one.aspect for _, one in broken].count(aspect) for aspect in load_material().posts[0].levels} == {
        "relevance_clarity": 7, "creativity_originality": 7, "coherence_structure": 7, "emotional_engagement": 7,
    }  # fmt: skip
    for post, one in broken:
        falls = {aspect: post.levels[aspect] - level for aspect, level in one.levels.items()}
        assert falls.pop(one.aspect) >= 4, (post.id, one.aspect)
        assert max(falls.values()) <= 3 and min(falls.values()) >= 0, (post.id, one.aspect)


def test_a_manipulation_differs_from_its_twin_in_one_thing() -> None:
    rubric = load_rubric("mpwl")
    plan = plan_audit(load_material(), rubric, JudgeSpec().batch_context, 2)
    by_arm = {(q.base, q.arm): q for q in plan.questions}
    texts = {post.id: post.text for post in load_material().posts}
    for (base, arm), question in by_arm.items():
        if arm.startswith(("padded", "styled", "plain")):
            assert texts[base] in question.text
        if arm == "styled":
            twin = by_arm[base, "plain"]
            assert abs(question.added - twin.added) <= 3, base
    longest = [q.added for q in plan.questions if q.arm == f"padded:{DOSES[-1]}"]
    assert set(longest) == {48} and len(longest) >= 12
    for kind in manipulations().injections:
        text = injected("A boat left.", kind, rubric)
        assert text != "A boat left." and "{" + "scores}" not in text
        assert (clean(text) == "A boat left.") == (kind.name == "hidden")
    assert plan_audit(load_material(), rubric, 0, 2).of("moved") == {}
    assert plan.of(CLEAN).keys() == texts.keys()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file"),
        ("name: mine\nposts: [}", "not YAML"),
        ("name: mine\nposts: []", "posts: Tuple should have at least 1 item"),
        ("name: mine\nposts: [{id: a, platform: myspace, text: Hi.}]", "there is no platform 'myspace'"),
        ("name: mine\nposts: [{id: a, platform: x, text: '  '}]", "the text is blank"),
        (f"name: mine\nposts: [{POST}}}, {POST}}}]", "two posts have the same id: 'a'"),
        ("name: mine\nposts: [{id: a, platform: x, text: Hi., levels: {wit: 11}}]", "the level wit: 11 is outside"),
        (f"name: mine\nposts: [{POST}, broken: [{{aspect: wit, text: N., levels: {{}}}}]}}]", "broken wit needs"),
        ("name: mine\nposts: [{id: a, platform: x, text: Hi., level: 3}]", "Extra inputs are not permitted"),
    ],
)  # fmt: skip
def test_a_file_of_posts_says_what_is_wrong_in_it(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(UserError) as refused:
        load_material(str(path))
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_a_missing_or_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"posts '/nowhere\.yaml': no such file"):
        load_material("/nowhere.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9")
    with pytest.raises(UserError, match="cannot be read"):
        load_material(str(tmp_path / "latin.yaml"))


def test_padding_says_nothing() -> None:
    assert padded("A boat left.", 1).startswith("A boat left. ")
    assert len(padded("A boat left.", 9).split()) > len(padded("A boat left.", 8).split())
