"""Replies of judges as they come: forms that are forgiven, doubts that become states, and fuzz for the rest."""

import json
import random
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from components.judgments.parse import parse_reply, read_score
from components.judgments.rubric import Scale
from components.judgments.tolerant_json import LONGEST_REPLY

NAMES = ["relevance_clarity", "creativity_originality", "coherence_structure", "emotional_engagement"]
SCALE = Scale(min=1, max=10)
SCORES = dict(zip(NAMES, [8, 3.5, 9, 6], strict=True))


def reply(scores: dict[str, Any] = SCORES) -> dict[str, Any]:
    return {name: {"reasoning": f"because of {name}", "score": score} for name, score in scores.items()}


def scores_of(text: str) -> dict[str, float | str | None]:
    return {name: reading.score or reading.error for name, reading in parse_reply(text, NAMES, SCALE).items()}


PLAIN = json.dumps(reply())
FORGIVEN = {
    "plain": PLAIN,
    "indented": json.dumps(reply(), indent=2),
    "fenced": f"```json\n{PLAIN}\n```",
    "prose around": f"Sure! Here is {{my}} judgment:\n{PLAIN}\nI hope {{this}} helps.",
    "trailing commas": PLAIN.replace("}", ",}"),
    "missing last brace": PLAIN[:-1],
    "wrapped": json.dumps({"result": {"scores": reply()}}),
    "out of ten": json.dumps(reply({name: f"{score}/10" for name, score in SCORES.items()})),
    "bare out of ten": PLAIN.replace('"score": 8}', '"score": 8/10}').replace("9}", "9 out of 10 }"),
    "words": json.dumps(reply(dict(zip(NAMES, ["eight", "three and a half", "Nine", "six out of ten"], strict=True)))),
    "strings": json.dumps(reply({name: str(score) for name, score in SCORES.items()})),
    "titles": PLAIN.replace(NAMES[0] + '":', 'Relevance & Clarity":').replace(NAMES[2] + '":', 'Coherence/Structure":'),
    "an extra aspect": json.dumps({"humour": {"reasoning": "none", "score": 1}, **reply(), "overall": 7}),
    "a list": json.dumps({"aspects": [{"aspect": name, **value} for name, value in reply().items()]}),
    "bare scores": json.dumps(SCORES),
    "score first": json.dumps({name: {"score": score, "reasoning": "x"} for name, score in SCORES.items()}),
    "another order": json.dumps(dict(reversed(reply().items()))),
    "said twice alike": f"{PLAIN}\n\nFinal:\n{PLAIN}",
    "line breaks in a string": PLAIN.replace("because of", "because\n\tof"),
    "a post quoted inside a string": PLAIN.replace("because of", 'says {\\"relevance_clarity\\": 10} and }{ in'),
}  # fmt: skip


@pytest.mark.parametrize("form", FORGIVEN)
def test_forms_that_are_forgiven(form: str) -> None:
    assert scores_of(FORGIVEN[form]) == SCORES


DOUBTFUL = {
    "empty": ("", "unparsable"),
    "prose": ("A lovely post, eight out of ten for relevance_clarity.", "unparsable"),
    "a list of numbers": ("[8, 3, 9, 6]", "unparsable"),
    "an empty object": ("{}", "missing_aspect"),
    "other names": ('{"relevance": 8, "clarity": 8, "creativity": 3}', "missing_aspect"),
    "a reason alone": ('{"relevance_clarity": {"reasoning": "good"}}', "missing_aspect"),
    "null": (json.dumps(reply(dict.fromkeys(NAMES))), "unparsable"),
    "true": (json.dumps(reply(dict.fromkeys(NAMES, True))), "unparsable"),
    "a list as score": (json.dumps(reply({name: [8, 9] for name in NAMES})), "unparsable"),
    "a range": (json.dumps(reply(dict.fromkeys(NAMES, "7-8"))), "unparsable"),
    "of another scale": (json.dumps(reply(dict.fromkeys(NAMES, "4/5"))), "unparsable"),
    "percent": (json.dumps(reply(dict.fromkeys(NAMES, "80%"))), "unparsable"),
    "not a number": (json.dumps(reply(dict.fromkeys(NAMES, float("nan")))), "unparsable"),
    "eleven": (json.dumps(reply(dict.fromkeys(NAMES, 11))), "out_of_range"),
    "zero": (json.dumps(reply(dict.fromkeys(NAMES, 0))), "out_of_range"),
    "below": (json.dumps(reply(dict.fromkeys(NAMES, "-3"))), "out_of_range"),
    "eighty": (json.dumps(reply(dict.fromkeys(NAMES, 80))), "out_of_range"),
    "two objects at odds": (PLAIN + json.dumps(reply(dict.fromkeys(NAMES, 10))), "unparsable"),
    "two scores in one aspect": (PLAIN.replace('"score"', '"score": 10, "score"'), "unparsable"),
    "unescaped quotes": (PLAIN.replace("because of", 'says "wow" about'), "unparsable"),
    "unescaped scores in a reason": (PLAIN.replace("because of", 'says {"relevance_clarity": 10} about'), "unparsable"),
    "a score planted by a broken quote": (PLAIN.replace("because of", 'says ", "score": 10, "x": "'), "unparsable"),
    "too long": (PLAIN + " " * LONGEST_REPLY, "unparsable"),
    "too deep": ('{"a":' * 500, "unparsable"),
}


@pytest.mark.parametrize("form", DOUBTFUL)
def test_doubts_are_states_not_scores(form: str) -> None:
    text, state = DOUBTFUL[form]
    assert scores_of(text) == dict.fromkeys(NAMES, state)
    assert all(reading.detail for reading in parse_reply(text, NAMES, SCALE).values())


@pytest.mark.parametrize("missing", NAMES)
def test_one_missing_aspect_costs_no_other(missing: str) -> None:
    rest = {name: value for name, value in reply().items() if name != missing}
    assert scores_of(json.dumps(rest)) == {**SCORES, missing: "missing_aspect"}


def test_reasons_stay_with_their_aspect() -> None:
    readings = parse_reply(json.dumps(dict(reversed(reply().items()))), NAMES, SCALE)
    assert list(readings) == NAMES
    assert all(reading.reasoning == f"because of {name}" for name, reading in readings.items())


@pytest.mark.parametrize(
    ("text", "score"),
    [("8", 8), (" 8.5 ", 8.5), ("8,5", 8.5), ("8/10", 8), ("8 / 10", 8), ("8 out of 10", 8), ("eight", 8), ("**7**", 7),
     ("Seven point five", 7.5), ("ten out of ten", 10), ("8.333333333333334", 8.333333333333334), ("8/10.0", 8),
     ("4/5", None), ("8-9", None), ("about 8", None), ("8 or 9", None), ("eighty", None), ("8 10", None), ("", None),
     ("1e1", None), ("0x8", None), ("8 out of eleven", None), ("8,50", None), ("٨", 8), ("half", None)],
)  # fmt: skip
def test_one_score(text: str, score: float | None) -> None:
    assert read_score(text, 10) == score


@given(st.text(max_size=400) | st.text(alphabet='{}[]",:\\ \n0123456789score', max_size=400))
@example("{" * 3000)
@example('{"a":[' * 300)
@example('{"relevance_clarity": {"score": "\\ud800"}}')
def test_no_text_breaks_the_parser_or_leaves_the_scale(text: str) -> None:
    for reading in parse_reply(text, NAMES, SCALE).values():
        assert (reading.score is None) != (reading.error is None)
        assert reading.score is None or 1 <= reading.score <= 10


@given(
    st.fixed_dictionaries({name: st.integers(1, 10) for name in NAMES}),
    st.fixed_dictionaries({name: st.text(max_size=60) for name in NAMES}),
    st.permutations(NAMES),
    st.sampled_from(["", "```json\n", "Here it is: ", "{} "]),
    st.booleans(),
)
def test_whatever_stands_in_the_reasons_scores_stay_where_they_belong(
    scores: dict[str, int], reasons: dict[str, str], order: list[str], before: str, ascii_only: bool
) -> None:
    said = {name: {"reasoning": reasons[name], "score": scores[name]} for name in order}
    assert scores_of(before + json.dumps(said, ensure_ascii=ascii_only)) == scores


@given(st.fixed_dictionaries({name: st.integers(1, 10) for name in NAMES}), st.integers(0, 2**32), st.integers(1, 4))
def test_a_damaged_reply_gives_the_true_score_or_none(scores: dict[str, int], seed: int, cuts: int) -> None:
    """Cut out characters that are no part of a figure or a name; what is read is what was written, or nothing."""
    text, chance = json.dumps(reply(scores)), random.Random(seed)
    for _ in range(cuts):
        at = chance.choice([at for at, character in enumerate(text) if character in '{}[]",: '])
        text = text[:at] + text[at + 1 :]
    for name, got in scores_of(text).items():
        assert got == scores[name] or isinstance(got, str)


@given(st.fixed_dictionaries({name: st.integers(1, 10) for name in NAMES}), st.data())
def test_a_reply_cut_anywhere_gives_the_true_score_or_none(scores: dict[str, int], data: st.DataObject) -> None:
    text = json.dumps(reply(scores))
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    for name, got in scores_of(cut).items():
        assert got == scores[name] or isinstance(got, str)
