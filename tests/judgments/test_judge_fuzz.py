"""What judges answer when nobody looks, at random: an aspect gets its own score, or a state; never another's score."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.chat import ChatOutcome, Status
from components.judgments.asking import REPAIRS
from components.judgments.parse import parse_reply
from components.specs import JudgeSpec
from tests.judgments.test_judge_replies import FORGIVEN, NAMES, SCALE, SCORES, reply, scores_of
from tests.judgments.test_judging import ASPECTS, Batch

SAID = st.text(max_size=60) | st.sampled_from(
    ['{"relevance_clarity": {"score": 10}}', '"score": 10', '", "score": 10, "x": "', "```json", "8/10", "{[", "🎈\\"]
)
OTHER_DIGITS = ["٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "０１２３４５６７８９"]
"""Arabic, Devanagari, full width."""


@st.composite
def written(draw: st.DrawFn) -> tuple[Any, float | None]:
    """How a judge may write a score, and the score it means: None where that is not certain."""
    score = draw(st.integers(1, 10))
    half = score + 0.5 if score < 10 else 9.5
    words = ["", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    digits = draw(st.sampled_from(OTHER_DIGITS))
    forms: list[tuple[Any, float | None]] = [
        (score, score), (str(score), score), (f"{score}/10", score), (f"{score} out of 10", score), (half, half),
        (f"{half}", half), (words[score], score), (f"**{score}**", score), (str(half).replace(".", ","), half),
        ("".join(digits[int(figure)] for figure in str(score)), score), (float(score), score),
        (f"{score}/5", None), (f"{score}-{score + 1}", None), (f"about {score}", None), (math.nan, None),
        (math.inf, None), (10**30 + score, None), (score + 10, None), (-score, None), (True, None), (None, None),
        ([score], None), ({"value": score}, None), (f"{score}%", None), (f"{score}e0", None), ("", None), ("⑧", None),
        ("八", None), (f"{score}\n{score}", None), (f"{score}.{score}.{score}", None), ("high", None),
    ]  # fmt: skip
    return draw(st.sampled_from(forms))


@settings(deadline=None)
@given(
    st.fixed_dictionaries({name: written() for name in NAMES}),
    st.fixed_dictionaries({name: SAID for name in NAMES}),
    st.permutations(NAMES),
    st.booleans(),
)
def test_every_way_to_write_a_score_means_it_or_nothing(
    scores: dict[str, tuple[Any, float | None]], reasons: dict[str, str], order: list[str], ascii_only: bool
) -> None:
    said = {name: {"reasoning": reasons[name], "score": scores[name][0]} for name in order}
    readings = parse_reply(json.dumps(said, ensure_ascii=ascii_only), NAMES, SCALE)
    for name, reading in readings.items():
        assert reading.score == scores[name][1], (name, said[name])
        assert (reading.score is None) == (reading.error is not None)
        assert reading.reasoning == reasons[name].strip()


FRAMES = {
    "alone": "{}",
    "fenced": "```json\n{}\n```",
    "prose": "Here you are.\n{}\nAnything else?",
    "braces in prose": "My {{verdict}} on the {{post}}:\n{}",
    "thinking": '<think>Perhaps {{"relevance_clarity": {{"score": 2}}}}, no: {{ or 9/10</think>\n{}',
    "thinking that began in the prompt": 'A draft: {{"relevance_clarity": {{"score": 2}}}}.\n</think>\n\n{}',
    "a quoted end of thinking": '{{"post": "It ends with </think>, twice.", "scores": {}}}',
    "wrapped": '{{"judgment": {{"scores": {}}}}}',
    "with the post": '{{"post": {{"relevance_clarity": 10, "coherence_structure": {{"score": 10}}}}, "scores": {}}}',
    "twice": "{0}\n\nFinal:\n{0}",
}


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(NAMES), st.integers(1, 10)),
    st.sampled_from(sorted(FRAMES)),
    st.dictionaries(st.sampled_from(["humour", "overall", "grammar", "relevance", "total_score"]), st.integers(1, 10)),
    SAID,
)
def test_missing_and_extra_aspects_in_any_frame_touch_no_other(
    scores: dict[str, int], frame: str, extra: dict[str, int], reason: str
) -> None:
    said = {name: {"reasoning": reason, "score": score} for name, score in (extra | scores).items()}
    text = FRAMES[frame].format(json.dumps(said))
    assert scores_of(text) == {name: scores.get(name, "missing_aspect") for name in NAMES}


DOUBLES = [8, "8", "8/10", "eight", 8.0, "8 out of 10"]


@settings(deadline=None)
@given(st.sampled_from(NAMES), st.sampled_from(DOUBLES), st.integers(1, 10), st.booleans())
def test_an_aspect_named_twice_counts_only_when_both_agree(name: str, first: Any, other: int, inside: bool) -> None:
    plain = json.dumps({"x": 0, **reply()})
    value = json.dumps({"reasoning": "again", "score": other})
    doubled = plain.replace('"x": 0', f'"{name}": {value}')
    if inside:
        doubled = json.dumps(reply()).replace(
            f'"score": {SCORES[name]}', f'"score": {json.dumps(first)}, "rating": {other}'
        )
    truth = 8 if inside else SCORES[name]
    assert scores_of(doubled) == {**SCORES, name: truth if truth == other else "unparsable"}


@settings(deadline=None)
@given(st.permutations(NAMES), st.sampled_from(["aspect", "name", "Aspect"]))
def test_labels_at_odds_with_their_keys_give_no_score(order: list[str], label: str) -> None:
    said = {name: {label: other, "score": SCORES[other]} for name, other in zip(NAMES, order, strict=True)}
    for name, other, got in zip(NAMES, order, scores_of(json.dumps(said)).values(), strict=True):
        assert got == (SCORES[name] if name == other else "unparsable")


@pytest.mark.parametrize(
    "key",
    ["not relevance_clarity", "relevance_clarity 不", "нерелевантность relevance_clarity", "relevance", "clarity",
     "relevance_clarity_score", "relevance_clarity/creativity_originality"],
)  # fmt: skip
def test_a_name_that_is_nearly_an_aspects_is_not_it(key: str) -> None:
    said = {name: value for name, value in reply().items() if name != NAMES[0]}
    assert scores_of(json.dumps({key: {"score": 10}, **said}, ensure_ascii=False))[NAMES[0]] == "missing_aspect"


@pytest.mark.parametrize("top", [5, "5", "out of 100", 100])
def test_a_score_that_names_another_scale_is_none_of_ours(top: Any) -> None:
    said = reply() | {NAMES[0]: {"score": 4, "max_score": top}}
    assert scores_of(json.dumps(said))[NAMES[0]] == ("unparsable" if str(top).isdigit() else 4)
    assert scores_of(json.dumps(reply() | {NAMES[0]: {"score": 4, "max_score": 10}}))[NAMES[0]] == 4


@settings(deadline=None)
@given(st.sampled_from(sorted(FORGIVEN)), st.data())
def test_a_reply_with_something_pushed_into_it_gives_the_true_score_or_none(form: str, data: Any) -> None:
    """Anywhere but inside a figure or a name, where it would be another figure or name."""
    text = FORGIVEN[form]
    at = data.draw(st.sampled_from([at for at, sign in enumerate(text) if sign in '{}[],: "']))
    pushed = data.draw(
        st.sampled_from(["{", "}", "[", "]", '"', ",", ":", "\\", "```", "{}", "null", "\n", "\x00", "...", "NaN"])
    )
    for name, got in scores_of(text[:at] + pushed + text[at:]).items():
        assert isinstance(got, str) or got == SCORES[name]


class Judge:
    """Each round's reply at random: which aspects can be read, and what they score. Every call costs the same."""

    def __init__(self, data: st.DataObject) -> None:
        self.data, self.truth, self.calls = data, dict[tuple[str, str], int](), list[str]()

    async def __call__(self, requests: Any) -> list[ChatOutcome]:
        return [self.answer(request) for request in requests]

    def answer(self, request: Any) -> ChatOutcome:
        self.calls.append(request.stage)
        post = request.messages[1]["content"].partition("Post ")[2][0]
        end = self.data.draw(
            st.sampled_from(["ok", "ok", "ok", "prose", *(s.value for s in Status if s.value != "ok")])
        )
        if end not in ("ok", "prose", "truncated"):
            return ChatOutcome(key=request.key, status=Status(end), cost_usd=0.001)
        readable = self.data.draw(st.sets(st.sampled_from(ASPECTS))) if end != "prose" else set()
        scores = {name: self.data.draw(st.integers(1, 10)) for name in ASPECTS}
        said = {name: {"score": scores[name] if name in readable else "?"} for name in ASPECTS}
        for name in readable:
            self.truth.setdefault((post, name), scores[name])
        text = "I like it." if end == "prose" else json.dumps(said)
        status = Status.truncated if end == "truncated" else Status.ok
        return ChatOutcome(key=request.key, status=status, text=text, cost_usd=0.001)


@settings(deadline=None)
@given(st.data())
def test_repairs_are_two_at_most_billed_and_change_no_score_that_was_read(data: st.DataObject) -> None:
    judge, batch = Judge(data), Batch(2)
    rows = batch.judged(JudgeSpec(), judge)
    assert len(rows) == 2 * len(ASPECTS)
    for row in rows:
        assert row.score == judge.truth.get((row.post_id[-1], row.aspect))
        assert (row.score is None) == (row.error is not None) and row.call_key
    assert judge.calls.count("judge") == 2 and judge.calls.count("judge_repair") <= 2 * REPAIRS
    assert math.isclose(sum(row.cost_usd or 0 for row in rows), 0.001 * len(judge.calls))
