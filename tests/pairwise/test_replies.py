"""A reply names a winner, or it is a state: never the other post."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.pairwise.parse import parse_verdicts

LABELS = ("KQ", "DM")
GOOD = {"overall": {"reasoning": "seen", "winner": "KQ"}}


def winner(text: str, names: tuple[str, ...] = ("overall",)) -> Any:
    verdict = parse_verdicts(text, names, LABELS)["overall"]
    assert (verdict.winner is None) == (verdict.error is not None)
    return verdict.winner or verdict.error


FORGIVEN = {
    "alone": json.dumps(GOOD),
    "fenced": f"```json\n{json.dumps(GOOD)}\n```",
    "prose": f"Here you are.\n{json.dumps(GOOD)}\nGlad to help.",
    "thinking": f'<think>{{"overall": {{"winner": "DM"}}}}</think>{json.dumps(GOOD)}',
    "thinking that began in the prompt": f'{{"overall": {{"winner": "DM"}}}}\n</think>\n\n{json.dumps(GOOD)}',
    "trailing comma": '{"overall": {"reasoning": "seen", "winner": "KQ",},}',
    "no last brace": '{"overall": {"reasoning": "seen", "winner": "KQ"}',
    "without the wrapper": '{"reasoning": "seen", "winner": "KQ"}',
    "bare": '{"overall": "KQ"}',
    "wrapped": json.dumps({"comparison": GOOD}),
    "twice the same": f"{json.dumps(GOOD)} {json.dumps(GOOD)}",
    "quoted posts": json.dumps({"post": {"overall": {"winner": "DM"}}, **GOOD}),
    "capital": json.dumps({"Overall": {"Reasoning": "seen", "Winner": "kq"}}),
    "verdict": json.dumps({"overall": {"reasoning": "seen", "verdict": "KQ"}}),
    "an extra": json.dumps({**GOOD, "confidence": 0.8, "humour": {"winner": "DM"}}),
}


@pytest.mark.parametrize("form", FORGIVEN)
def test_the_form_is_forgiven(form: str) -> None:
    assert winner(FORGIVEN[form]) == "KQ"


NAMED = ["KQ", "kq", "**KQ**", "<post_kq>", "post_kq", "Post KQ", "the post KQ", "label KQ", "`KQ`", "KQ."]
TIES = ["tie", "Tie", "a tie", "draw", "tied", "TIE."]
NOBODY = [
    "A", "B", "1", "2", "first", "the first one", "KQ and DM", "KQ/DM", "KQ or DM", "KD", "QK", "KQDM", "XX", "", " ",
    "neither", "both", "none", "not KQ", "KQ?", "KQ, narrowly", "К", "КQ", None, True, 1, ["KQ"], {"label": "KQ"},
    "equal",
]  # fmt: skip


@pytest.mark.parametrize("value", [*NAMED, *TIES, *NOBODY], ids=repr)
def test_a_winner_is_a_label_or_a_tie_or_a_state(value: Any) -> None:
    expected = "KQ" if value in NAMED else "tie" if value in TIES else "unparsable"
    assert winner(json.dumps({"overall": {"reasoning": "seen", "winner": value}})) == expected


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        ("", "unparsable"), ("KQ", "unparsable"), ("[]", "unparsable"), ("{}", "missing_aspect"),
        ('{"winner": {"overall": "KQ"}}', "KQ"), ('{"overall": {"reasoning": "KQ is better"}}', "missing_aspect"),
        ('{"overall": {"winner": "KQ"}} {"overall": {"winner": "DM"}}', "unparsable"),
        ('{"overall": {"winner": "KQ", "winner": "DM"}}', "unparsable"),
        ('{"overall": {"winner": "KQ", "verdict": "DM"}}', "unparsable"),
        ('{"overall": {"aspect": "wit", "winner": "KQ"}}', "unparsable"),
        ('{"overall": {"winner": "KQ"', "KQ"), ('{"overall": {"winner": "K', "unparsable"),
        ('{"reasoning": "seen", "winner": "KQ"} {"winner": "DM"}', "unparsable"),
        ('{"wit": {"winner": "KQ"}}', "missing_aspect"), ("{" * 10_000, "unparsable"), ("x" * 60_000, "unparsable"),
    ],
)  # fmt: skip
def test_what_would_need_a_guess_is_a_state(reply: str, state: str) -> None:
    assert winner(reply) == state


def test_one_verdict_without_its_name_is_not_guessed_to_be_the_overall_one() -> None:
    reply = '{"reasoning": "seen", "winner": "KQ"}'
    found = parse_verdicts(reply, ("wit", "overall"), LABELS)
    assert {verdict.error for verdict in found.values()} == {"missing_aspect"}


@settings(deadline=None)
@given(st.sampled_from(sorted(FORGIVEN)), st.data())
def test_a_reply_with_something_pushed_into_it_names_the_true_winner_or_none(form: str, data: Any) -> None:
    text = FORGIVEN[form]
    at = data.draw(st.sampled_from([at for at, sign in enumerate(text) if sign in '{}[],: "']))
    pushed = data.draw(
        st.sampled_from(["{", "}", "[", "]", '"', ",", ":", "\\", "```", "{}", "null", "\n", "\x00", "tie", "KQ"])
    )
    assert winner(text[:at] + pushed + text[at:]) in ("KQ", "unparsable", "missing_aspect")


@settings(deadline=None)
@given(st.fixed_dictionaries({name: st.sampled_from([*LABELS, "tie", "?"]) for name in ("warmth", "wit", "overall")}))
def test_every_aspect_has_its_own_winner(said: dict[str, str]) -> None:
    reply = json.dumps({name: {"reasoning": f"{name}: DM", "winner": won} for name, won in said.items()})
    found = parse_verdicts(reply, tuple(said), LABELS)
    assert {name: verdict.winner or "?" for name, verdict in found.items()} == said
