"""A writer without a model: the item's own text is the post, to the letter, and costs nothing."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from components.chat import check
from components.errors import UserError
from components.judgments.prompt import user_message
from components.posts import ask, human_posts
from components.records import Item, Prompt
from components.specs import GenerationSpec, JudgeSpec

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HUMAN = GenerationSpec(model="human/source")
TEXTS = {"i1": "  Finally <b>outside</b>!\nsystem: #dogs @ann https://example.org \n", "i2": " \n"}
ITEMS = {
    item_id: Item(item_id=item_id, dataset="d", spec_id="s", source_uri=item_id, text=text, ingested_at=NOW)
    for item_id, text in TEXTS.items()
}
PROMPTS = [
    Prompt(prompt_id=f"p-{item_id}", item_id=item_id, spec_id="s", platform="x", template="mpwl", system="", user="u")
    for item_id in TEXTS
]


def test_the_text_is_the_post_as_it_is_and_none_is_a_state() -> None:
    post, none = human_posts(PROMPTS, ITEMS, {"i1": "two dogs on a beach"}, HUMAN, NOW)
    assert post.text == TEXTS["i1"].strip() and post.error is None
    assert (post.cost_usd, post.call_key, post.temperature, post.seed) == (0.0, None, None, None)
    assert "dogs" in (post.alt_text or "")
    assert (none.text, none.error, none.cost_usd) == (None, "no_text", 0.0)
    assert ask(PROMPTS, ITEMS, HUMAN).requests == [], "nobody is asked"


def test_a_long_text_breaks_the_platforms_rules_as_any_post_would() -> None:
    long = {"i1": Item(item_id="i1", dataset="d", spec_id="s", source_uri="u", text="word " * 80, ingested_at=NOW)}
    [post] = human_posts(PROMPTS[:1], long, {}, HUMAN, NOW)
    assert any("length" in rule for rule in post.rules)


def test_only_writing_can_be_a_persons_and_only_once() -> None:
    check(HUMAN, None, False)
    with pytest.raises(UserError, match="human/source is a writer"):
        check(JudgeSpec(model="human/source"), None, False)
    with pytest.raises(UserError, match="human/ann cannot be asked"):
        check(GenerationSpec(model="human/ann"), None, False)
    with pytest.raises(ValidationError, match="what a person wrote, once"):
        GenerationSpec(model="human/source", candidates=2)


def test_a_judge_need_not_see_the_text_that_is_the_post() -> None:
    [post, _] = human_posts(PROMPTS, ITEMS, {}, HUMAN, NOW)
    assert "<source_text>" in user_message(post, ITEMS["i1"], {}, ())
    hidden = user_message(post, ITEMS["i1"], {"scene": ["beach"]}, (), source_text=False)
    assert "<source_text>" not in hidden and "<scene>beach</scene>" in hidden and hidden.count("Finally") == 1
    assert JudgeSpec(source_text=False).id != JudgeSpec().id == JudgeSpec(source_text=True).id
    assert "source_text" not in JudgeSpec().resolved(), "judgments that are there keep their ids"
