"""Replies become posts: wrapping comes off, failures keep their class, platform rules are measured."""

from datetime import UTC, datetime

import pytest

from components.chat import ChatOutcome, Status
from components.posts import clean_reply, read_posts
from components.records import Post, Prompt
from components.specs import GenerationSpec

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def read(
    *outcomes: ChatOutcome, platform: str = "x", caption: str | None = "two dogs on a beach",
    details: dict[str, list[str]] | None = None,
) -> list[Post]:  # fmt: skip
    prompt = Prompt(
        prompt_id="p1", item_id="i1", spec_id="s", platform=platform, template="mpwl", system="", user="Write."
    )
    captions = {"i1": caption} if caption else {}
    return read_posts([prompt], outcomes, captions, GenerationSpec(candidates=len(outcomes)), NOW, details)


def ok(text: str, **more: object) -> ChatOutcome:
    return ChatOutcome(key="k", status=Status.ok, text=text, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reply", "post"),
    [
        ("Two dogs, one beach.", "Two dogs, one beach."),
        ('Here is your post:\n\n"Two dogs, one beach."', "Two dogs, one beach."),
        ("Sure! Here's a LinkedIn post for you:\n\n**Post:** Two dogs.", "Two dogs."),
        ("Sure, here's a tweet: Two dogs.", "Two dogs."),
        ("Okay:\nTwo dogs.", "Two dogs."),
        ("```text\nTwo dogs.\n```", "Two dogs."),
        ("“Two dogs, one beach.”", "Two dogs, one beach."),
        ("<post>Two dogs &amp; one beach</post>", "Two dogs & one beach"),
        ("<think>Dogs again</think>\nTwo dogs.", "Two dogs."),
        ("Dogs again. Perhaps:\n\nThree dogs!\n</think>\n\nTwo dogs.", "Two dogs."),
        ("<think>Dogs</think>Write </think> to end a thought.", "Write </think> to end a thought."),
        ("Two dogs.\n\n(117 characters)", "Two dogs."),
        ("Two dogs.\n\nLet me know if you'd like a different tone!", "Two dogs."),
        ("Two dogs.  \n\n\n\n#Dogs", "Two dogs.\n\n#Dogs"),
        ("Two\u200b dogs.", "Two dogs."),
    ],
)
def test_what_a_model_wraps_around_a_post_comes_off(reply: str, post: str) -> None:
    assert clean_reply(reply) == post


@pytest.mark.parametrize(
    "post",
    [
        "Here is a thought: posts matter.",
        "Here is the post office: closed.",
        "Great! Sun is out.",
        '"Sit," she said. He did not "sit".',
        "“A” and “B”",
        "Let me know where you walk your dogs.",
        "Tail wag count: 123",
        "Sure thing, said the sea.",
    ],
)
def test_what_belongs_to_a_post_stays(post: str) -> None:
    assert clean_reply(post) == post


def test_a_good_reply_is_a_post_with_alt_text_key_and_cost() -> None:
    [post] = read(ok("Two dogs.", cost_usd=0.002))
    assert (post.text, post.error, post.rules, post.call_key, post.cost_usd) == ("Two dogs.", None, [], "k", 0.002)
    assert post.alt_text == "Two dogs on a beach." and post.platform == "x" and post.created_at == NOW


def test_an_unknown_price_stays_unknown_and_each_candidate_has_its_own() -> None:
    posts = read(ok("One.", cost_usd=0.1), ok("Two."), ok("Three.", cost_usd=0.3))
    assert [post.cost_usd for post in posts] == [0.1, None, 0.3]
    assert [post.candidate for post in posts] == [0, 1, 2]
    assert len({post.post_id for post in posts}) == 3


@pytest.mark.parametrize("reply", ["", "  \n", '""', "```\n```", "Here is your post:\n"])
def test_nothing_is_the_error_empty(reply: str) -> None:
    [post] = read(ok(reply))
    assert (post.text, post.alt_text, post.error) == (None, None, "empty")
    assert post.error_detail


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.ok])
def test_a_failed_call_keeps_its_class(status: Status) -> None:
    [post] = read(ChatOutcome(key="k", status=status, text="half a po", detail="why", cost_usd=0.001))
    assert (post.text, post.error, post.error_detail, post.cost_usd) == (None, status.value, "why", 0.001)


def test_a_later_success_stands_beside_the_failure() -> None:
    [failed], [written] = read(ChatOutcome(key="k", status=Status.timeout)), read(ok("Two dogs."))
    assert failed.post_id != written.post_id


def test_broken_platform_rules_are_listed_and_no_error() -> None:
    [post] = read(ok("a" * 312))
    assert (post.error, post.rules) == (None, ["length 312 > 280"])


def test_outcomes_must_fit_the_prompts() -> None:
    with pytest.raises(ValueError, match="1 outcomes do not fit 0 prompts"):
        read_posts([], [ok("Two dogs.")], {}, GenerationSpec(), NOW)


def test_details_of_the_picture_stand_in_its_alt_text() -> None:
    [post] = read(ok("Two dogs."), details={"i1": ["a red ball"], "other": ["a bus"]})
    assert post.alt_text == "Two dogs on a beach. Details: a red ball."


def test_what_was_asked_for_is_recorded_of_successes_and_failures() -> None:
    prompt = Prompt(prompt_id="p", item_id="i", spec_id="s", platform="x", template="mpwl", system="", user="u")
    spec = GenerationSpec(model="openai/m", candidates=2, temperatures=(0.2, 0.9), seed=5)
    posts = read_posts([prompt], [ok("One."), ChatOutcome(key="k", status=Status.timeout)], {}, spec, NOW)
    assert [(post.temperature, post.seed) for post in posts] == [(0.2, 5), (0.9, 6)]
    [unsent] = read_posts([prompt], [ok("One.")], {}, GenerationSpec(model="openai/m", temperature=None), NOW)
    assert (unsent.temperature, unsent.seed) == (None, None)


def thought(reply: str) -> Post:
    prompt = Prompt(
        prompt_id="p1", item_id="i1", spec_id="s", platform="x", template="chain_of_thought", system="",
        user="Think. Put the post between <post> and </post>.",
    )  # fmt: skip
    [post] = read_posts([prompt], [ok(reply)], {}, GenerationSpec(), NOW)
    return post


@pytest.mark.parametrize(
    "reply",
    [
        "1. Dogs.\n2. Joy.\n<post>Two dogs.</post>",
        "I put it in <post> tags, as asked.\n\n<post>\nTwo dogs.\n</post>\nShall I change it?",
        "<think>Maybe <post>a cat</post>?</think><POST>Two dogs.</POST>",
        "Dogs.\n</think>\n<post>Two dogs.</post>",
        "1. Dogs.\n<post>Two dogs.",
    ],
)
def test_of_thoughts_and_a_post_only_the_post_is_kept(reply: str) -> None:
    post = thought(reply)
    assert (post.text, post.error) == ("Two dogs.", None)


def test_thoughts_without_a_post_are_a_state_and_no_post() -> None:
    post = thought("1. Dogs.\n2. Joy.\nTwo dogs, one beach.")
    assert (post.text, post.error) == (None, "no_post") and "no <post>" in (post.error_detail or "")
    assert thought("1. Dogs. <post> </post>").error == "empty"
    assert thought("Maybe <post>a cat</post>?\n</think>\n\nTwo dogs.").error == "no_post"
    assert read(ok("1. Dogs.\nTwo dogs."))[0].text == "1. Dogs.\nTwo dogs.", "who was not asked for tags has none"
