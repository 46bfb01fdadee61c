"""Prices of batches, pictures and lists of one's own, and how many tokens a prompt may be."""

import base64
import io
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from components.chat import tokens
from components.chat.picture_tokens import RULES, expected_picture, most_picture, size_of
from components.chat.prices import Usage, price_of
from components.chat.tokens import count, exact_tokens, expected_tokens, most_tokens
from components.errors import UserError
from tests.chat.conftest import request

OWN = """date: 2027-03-04
models:
  openai/gpt-4o-mini: {input: 0.10, output: 0.40, batch_output: 0.1}
  openai/gpt-4.1: {input: 1.0, output: 2.0, batch: null}
  openai/llama@http://127.0.0.1:8000/v1: {input: 1.0, output: 2.0}
"""


def test_a_batch_costs_half_of_everything() -> None:
    price = price_of("openai/gpt-5.6-luna")
    assert price is not None and price.batch is not None
    for used in (Usage(input=900, output=70, cached=300, written=100), Usage(input=0, output=5, reasoning=5)):
        assert price.batch.cost(used) == pytest.approx(price.cost(used) / 2)
    assert price.batch.most(10, 10) == pytest.approx(price.most(10, 10) / 2)
    assert price.batch.date == price.date and price.batch.batch is None


def test_the_users_own_list_goes_before_the_shipped_one(tmp_path: Path) -> None:
    own = tmp_path / "prices.yaml"
    assert price_of("openai/gpt-4o-mini", None, own) == price_of("openai/gpt-4o-mini"), "it need not exist"
    own.write_text(OWN)
    price = price_of("openai/gpt-4o-mini-2024-07-18", None, own)
    assert price is not None and (price.input, price.date) == (0.10, "2027-03-04")
    assert price.batch is not None and (price.batch.input, price.batch.output) == (0.05, 0.1)
    assert price_of("openai/gpt-5", None, own) == price_of("openai/gpt-5"), "the others are as shipped, with their date"
    without, server = price_of("openai/gpt-4.1", None, own), price_of("openai/llama", "http://127.0.0.1:8000/v1", own)
    assert without and server and (without.batch, server.batch) == (None, None), "not known to have batches"
    own.write_text(OWN.replace("0.10", "0.30"))
    os.utime(own, ns=(1, 1))
    edited = price_of("openai/gpt-4o-mini", None, own)
    assert edited is not None and edited.input == 0.30, "a long process reads what was edited"


@pytest.mark.parametrize("broken", ["input: -1, output: 2", "input: '1', output: 2", "input: .nan, output: 1"])
def test_a_price_is_a_number_that_is_not_negative(tmp_path: Path, broken: str) -> None:
    own = tmp_path / "prices.yaml"
    own.write_text(f"date: 2027-01-01\nmodels: {{openai/m: {{{broken}}}}}")
    with pytest.raises(UserError, match=r"prices\.yaml is no price list: openai/m: a price is a number"):
        price_of("openai/m", None, own)


@pytest.mark.parametrize(
    ("model", "width", "height", "detail", "found"),
    [  # the examples of OpenAI's own page, and of the announcements of each family
        ("gpt-4o", 1024, 1024, "high", 765),
        ("gpt-4o", 2048, 4096, "high", 1105),
        ("gpt-4o", 4096, 8192, "low", 85),
        ("gpt-4o", 512, 512, "auto", 255),
        ("gpt-4o-mini", 1024, 1024, "high", 25_501),
        ("gpt-4o-mini", 100, 100, "low", 2833),
        ("gpt-5", 1024, 1024, "high", 630),
        ("o3", 1024, 1024, "high", 675),
        ("gpt-5.2", 1024, 1024, "high", 1024),
        ("gpt-5.2", 1800, 2400, "high", 1452),
        ("gpt-4.1-mini", 1024, 1024, "high", 1659),
        ("gpt-4.1-nano-2025-04-14", 1800, 2400, "auto", 3572),
        ("o4-mini", 1024, 1024, "low", 441),
        ("gpt-5.4", 2048, 1536, "high", 57 * 43),
        ("gpt-5.6-luna", 2048, 2048, "auto", 4096),
        ("somebody/elses", 768, 768, "auto", 1500),
    ],
)
def test_pictures_are_counted_as_published(model: str, width: int, height: int, detail: str, found: int) -> None:
    assert expected_picture(model, width, height, detail) == found


SIDES = st.integers(16, 8000)


@given(st.sampled_from([*RULES, "unknown"]), SIDES, SIDES, st.sampled_from(["low", "high", "auto"]))
def test_no_picture_is_more_than_its_most(model: str, width: int, height: int, detail: str) -> None:
    assert 0 < expected_picture(model, width, height, detail) <= most_picture(model, width, height)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_size_of_a_picture_is_read_from_its_first_bytes(kind: str) -> None:
    buffer = io.BytesIO()
    Image.effect_noise((640, 427), 80).convert("RGB").save(buffer, kind)
    data = base64.b64encode(buffer.getvalue()).decode()
    part = {"type": "image_url", "image_url": {"url": f"data:image/{kind.lower()};base64,{data}", "detail": "low"}}
    assert size_of(part) == (640, 427, "low")
    assert size_of({"image_url": {"url": "data:image/jpeg;base64,AAAA"}}) == (2048, 2048, "auto")
    assert size_of({"image_url": "https://example.org/a.jpg"}) == (2048, 2048, "auto")
    shown = request(
        messages=({"role": "user", "content": [{"type": "text", "text": "Look."}, part]},), model="openai/gpt-4o"
    )
    assert expected_tokens(shown, None) < 85 + 40 and most_tokens(shown, None) > 85 + 8 * 170


TEXTS = st.text(max_size=400) | st.text(alphabet=st.characters(codec="ascii"), max_size=400)


@settings(deadline=None)  # the first one loads a table
@given(TEXTS, st.integers(1, 3), st.booleans(), st.sampled_from(["gpt-4o-mini", "gpt-5.6-luna", "gpt-4-turbo", "m"]))
def test_the_most_is_never_less_than_what_is_counted(text: str, messages: int, schema: bool, model: str) -> None:
    asked = request(
        model=f"openai/{model}",
        messages=tuple({"role": "user", "content": text} for _ in range(messages)),
        schema={"type": "object", "title": text[:20]} if schema else None,
    )
    found = count(asked, None)
    assert found.expected <= found.most
    if table := tokens.table_of(model):
        assert found.most >= messages * (exact_tokens(table, text) + 4) + 3, (
            "OpenAI: 3 a message, 1 a role, 3 at the end"
        )


@settings(deadline=None)
@given(TEXTS)
def test_no_exact_count_is_above_the_bytes(text: str) -> None:
    pytest.importorskip("quicktok", reason="the extra tokens is not installed")
    for table in tokens.TABLES:
        assert exact_tokens(table, text) <= len(text.encode("utf-8", "surrogatepass"))


def test_counts_that_are_known_from_the_encoders_makers() -> None:
    """OpenAI's cookbook, "How to count tokens with tiktoken"."""
    pytest.importorskip("quicktok", reason="the extra tokens is not installed")
    for text, cl100k, o200k in [
        ("tiktoken is great!", 6, 6),
        ("antidisestablishmentarianism", 6, 6),
        ("2 + 2 = 4", 7, 7),
        ("お誕生日おめでとう", 9, 8),
    ]:
        assert (exact_tokens("cl100k_base", text), exact_tokens("o200k_base", text)) == (cl100k, o200k)


def test_without_the_table_the_documented_bounds_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "table_of", lambda model: None)
    asked = request(model="openai/gpt-4o", messages=({"role": "user", "content": "a" * 400},))
    assert count(asked, None) == (100 + 16, 400 + 16)
