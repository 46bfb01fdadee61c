"""What says the same is marked, what says something else is not, and what was written earlier stays the original."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.posts import mark_duplicates
from components.posts.duplicates import SAME, common, likeness, words_of
from components.records import Post

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BOATS = "Two boats left the harbour before breakfast, and nobody waved. #Harbour #Morning"


def post(candidate: int, text: str | None, prompt: str = "p", **more: object) -> Post:
    made = Post(
        post_id=f"{prompt}{candidate}", prompt_id=prompt, spec_id="g", candidate=candidate, platform="x", text=text,
        error=None if text else "timeout", created_at=NOW,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def marks(*posts: Post, known: tuple[Post, ...] = ()) -> dict[str, str | None]:
    return {p.post_id: p.duplicate_of for p in mark_duplicates(posts, {p.post_id: p for p in known})}


@pytest.mark.parametrize(
    "other",
    [
        BOATS,
        "two boats left the harbour before breakfast and nobody waved #harbour #morning",
        "Two boats left   the harbour before breakfast,\n\nand nobody waved! 🚤 #Morning #Harbour",
        "Two boats left the harbour before breakfast — and nobody waved… #Harbour #Morning",
        "Ｔwo boats left the harbour before breakfast, and nobody waved. #Harbour #Morning",  # a full-width T
        "Two boats left the harbour before breakfast, and no-one waved. #Harbour #Morning".replace("no-one", "nobody "),
        "Two boats left the harbour before breakfast, and nobody waves. #Harbour #Morning",  # one word of eleven
    ],
)
def test_what_says_the_same_is_marked_as_a_duplicate_of_the_first(other: str) -> None:
    assert marks(post(0, BOATS), post(1, other)) == {"p0": None, "p1": "p0"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (BOATS, "Two trains left the station after breakfast, and nobody waved. #Station #Morning"),
        (BOATS, "Two boats left the harbour before breakfast. #Harbour #Morning"),
        (BOATS, "Nobody waved, and before breakfast the harbour left two boats. #Harbour #Morning"),  # another order
        ("Read it: https://a.example/one", "Read it: https://a.example/two"),
        ("🚤🚤", "🌊🌊"),
        ("港に二隻の船がいた。静かな朝。", "駅に三本の電車が来た。静かな夜。"),
        ("हिन्दी में लिखा", "हन्दा मा लखा"),  # vowel signs are letters' other half
    ],
)
def test_what_says_something_else_is_not(one: str, other: str) -> None:
    assert marks(post(0, one), post(1, other)) == {"p0": None, "p1": None}


def test_scripts_that_do_not_part_their_words_are_read_by_the_character() -> None:
    assert marks(post(0, "港に二隻の船がいた。静かな朝。"), post(1, "港に二隻の船がいた、静かな朝！"))["p1"] == "p0"
    assert len(words_of("静かな朝 today")) == 5


def test_an_original_is_never_a_duplicate_and_failures_are_neither() -> None:
    near = BOATS.replace("nobody", "nobody at all")
    found = marks(post(0, None), post(1, BOATS), post(2, near), post(3, BOATS), post(4, None))
    assert found == {"p0": None, "p1": None, "p2": "p1", "p3": "p1", "p4": None}


def test_candidates_of_other_prompts_may_say_the_same() -> None:
    assert marks(post(0, BOATS), post(0, BOATS, prompt="q")) == {"p0": None, "q0": None}


def test_rows_of_the_warehouse_stay_and_come_first() -> None:
    """Candidate 0 failed at first; candidate 1 was judged meanwhile, and must not become its duplicate now."""
    known = post(1, BOATS, clip_score=0.3)
    found = mark_duplicates([post(0, BOATS), post(1, BOATS)], {"p1": known})
    assert [(p.post_id, p.duplicate_of) for p in found] == [("p0", "p1"), ("p1", None)]
    assert found[1] is known
    old = post(1, "something else", duplicate_of="p9")
    assert mark_duplicates([post(0, BOATS), post(1, BOATS)], {"p1": old}) == [post(0, BOATS), old]


texts = st.lists(st.sampled_from("abcd"), max_size=12)


def longest(one: list[str], other: list[str]) -> int:
    """By the textbook's table."""
    rows = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            rows[i + 1][j + 1] = rows[i][j] + 1 if a == b else max(rows[i][j + 1], rows[i + 1][j])
    return rows[-1][-1]


@given(texts, texts)
def test_the_common_subsequence_is_the_textbooks(one: list[str], other: list[str]) -> None:
    assert common(one, other) == longest(one, other) == common(other, one)
    assert 0 <= likeness(one, other) <= 1
    assert (likeness(one, other) == 1) == (one == other)


def test_the_threshold_is_one_word_of_ten() -> None:
    ten = [f"w{n}" for n in range(10)]
    assert likeness(ten, [*ten[:9], "x"]) == SAME
    assert likeness(ten, [*ten[:8], "x", "y"]) < SAME
