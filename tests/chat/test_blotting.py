"""No form of a key stays in what is kept of a server's words; everything else stays as it was."""

import base64
import json
from urllib.parse import quote, quote_plus

from hypothesis import given
from hypothesis import strategies as st

from components.chat.blotting import BLOT, blotted, blotted_cut, blotted_json, forms

KEYS = st.text(alphabet=[chr(code) for code in range(0x21, 0x7F)], min_size=12, max_size=60)
AROUND = st.text(alphabet="abc {}:\n\"'é🎈", max_size=12)


def wrapped(key: str, before: str) -> list[str]:
    code = base64.b64encode(f"{before}{key}".encode())
    return [
        key, quote(key), quote(key, safe=""), quote_plus(key), json.dumps(key)[1:-1], code.decode(),
        base64.urlsafe_b64encode(f"{before}{key}".encode()).decode(),
    ]  # fmt: skip


@given(KEYS, AROUND, st.integers(8, 60), st.sampled_from(["", "..."]))
def test_a_text_that_is_cut_within_the_key_keeps_no_part_of_it(key: str, before: str, left: int, dots: str) -> None:
    assert blotted_cut(before + key[:left] + dots, key) == before + BLOT + dots


@given(KEYS, AROUND, AROUND)
def test_no_form_of_a_key_stays(key: str, before: str, after: str) -> None:
    for form in wrapped(key, before):
        text = f"{before}{form}{after}"
        clean = blotted(text, key)
        line = blotted_json(json.dumps({"text": text}, ensure_ascii=False).encode(), key)
        again = json.loads(line)["text"]
        assert BLOT in clean and BLOT in again
        assert not [one for one in forms(key) if one in clean.replace(BLOT, "") or one in again.replace(BLOT, "")]


@given(st.text(max_size=80))
def test_what_holds_no_key_is_left_alone(text: str) -> None:
    assert blotted(text, "sk-marked-0123456789") == text
    assert blotted(text, None) == blotted(text, "none") == text


def test_a_short_or_missing_key_has_no_forms() -> None:
    assert forms(None) == forms("") == forms("test") == ()
