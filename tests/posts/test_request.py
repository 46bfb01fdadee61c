"""Prompts become chat requests: order, candidates, seeds, and the picture where it is asked for."""

import base64
import io
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from components.posts import ask, unsent_posts
from components.records import Item, Prompt
from components.specs import GenerationSpec

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def prompt(number: int, system: str = "Be kind.") -> Prompt:
    return Prompt(
        prompt_id=f"p{number}", item_id=f"i{number}", spec_id="s", platform="x", template="mpwl", system=system,
        user=f"Write about {number}.",
    )  # fmt: skip


def item(number: int, picture: Path | None = None) -> Item:
    return Item(
        item_id=f"i{number}", dataset="d", spec_id="s", source_uri=f"u{number}", ingested_at=NOW,
        image_path=str(picture) if picture else None,
        sha256=sha256(picture.read_bytes()).hexdigest() if picture else None,
    )  # fmt: skip


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    Image.new("RGB", (1600, 900), "teal").save(path, exif=exif)
    return path


def test_requests_are_prompt_major_with_one_key_per_candidate() -> None:
    spec = GenerationSpec(model="openai/gpt-4o-mini", candidates=3, temperature=0.5)
    asked = ask([prompt(1), prompt(2)], {"i1": item(1), "i2": item(2)}, spec).requests
    assert [request.candidate for request in asked] == [0, 1, 2, 0, 1, 2]
    assert [request.messages[-1]["content"] for request in asked] == ["Write about 1."] * 3 + ["Write about 2."] * 3
    assert len({request.key for request in asked}) == 6
    assert all(request.stage == "generate" and request.seed is None for request in asked)
    assert asked[0].messages[0] == {"role": "system", "content": "Be kind."}


def test_requests_name_the_interface_and_the_effort_of_the_spec() -> None:
    spec = GenerationSpec(model="openai/m", api="responses", reasoning_effort="low", temperature=None)
    (asked,) = ask([prompt(1)], {"i1": item(1)}, spec).requests
    assert (asked.api, asked.reasoning_effort, asked.temperature) == ("responses", "low", None)


def test_a_seed_differs_per_candidate_and_is_only_sent_where_it_was_asked_for() -> None:
    items = {"i1": item(1)}
    seeded = ask([prompt(1)], items, GenerationSpec(model="openai/m", candidates=2, seed=7)).requests
    assert [request.seed for request in seeded] == [7, 8]
    offline = ask([prompt(1)], items, GenerationSpec(candidates=3)).requests
    assert [request.seed for request in offline] == [None, 1, 2]


def test_no_empty_system_message() -> None:
    [request] = ask([prompt(1, system="")], {"i1": item(1)}, GenerationSpec()).requests
    assert [message["role"] for message in request.messages] == ["user"]


def test_the_picture_goes_small_and_without_metadata(picture: Path) -> None:
    [request] = ask([prompt(1)], {"i1": item(1, picture)}, GenerationSpec(picture=True)).requests
    text, image = request.messages[-1]["content"]
    assert text == {"type": "text", "text": "Write about 1."}
    head, data = image["image_url"]["url"].split(",")
    sent = Image.open(io.BytesIO(base64.b64decode(data)))
    assert head == "data:image/jpeg;base64" and max(sent.size) <= 768 and not sent.getexif()
    assert b"SecretCamera" not in base64.b64decode(data)


def test_without_a_picture_or_the_wish_only_text_is_sent(picture: Path) -> None:
    wanted = ask([prompt(1)], {"i1": item(1)}, GenerationSpec(picture=True)).requests
    unwanted = ask([prompt(1)], {"i1": item(1, picture)}, GenerationSpec()).requests
    assert wanted[0].messages[-1]["content"] == unwanted[0].messages[-1]["content"] == "Write about 1."


def test_a_picture_that_changed_since_fails_its_own_post_and_no_other(picture: Path) -> None:
    spec = GenerationSpec(picture=True, candidates=2)
    ingested = item(1, picture)
    Image.new("RGB", (10, 10), "red").save(picture)
    asked = ask([prompt(1), prompt(2)], {"i1": ingested, "i2": item(2)}, spec)
    assert [sent.prompt_id for sent in asked.prompts] == [prompt(2).prompt_id] and len(asked.requests) == 2
    failed = unsent_posts(asked, spec, datetime(2026, 3, 2, tzinfo=UTC))
    assert [(post.prompt_id, post.candidate, post.error, post.text) for post in failed] == [
        (prompt(1).prompt_id, 0, "picture", None),
        (prompt(1).prompt_id, 1, "picture", None),
    ]
    assert "restore it" in (failed[0].error_detail or "")


def test_each_candidate_has_its_own_temperature_where_the_spec_gives_them() -> None:
    items, temperatures = {"i1": item(1)}, (0.0, 0.7, 1.3)
    own = GenerationSpec(model="openai/m", candidates=3, temperatures=temperatures, seed=7)
    asked = ask([prompt(1)], items, own).requests
    assert [(request.temperature, request.seed) for request in asked] == [(0.0, 7), (0.7, 8), (1.3, 9)]
    one = ask([prompt(1)], items, GenerationSpec(model="openai/m", candidates=3, temperature=0.7, seed=7)).requests
    assert asked[1].key == one[1].key, "what was bought at one temperature for all is not bought again"
    with pytest.raises(ValueError, match="2 temperatures for 3 candidates"):
        GenerationSpec(candidates=3, temperatures=(0.1, 0.2))


def test_a_spec_without_the_new_fields_keeps_its_id() -> None:
    assert GenerationSpec().id == GenerationSpec(choose="all", temperatures=()).id
    assert len({GenerationSpec(candidates=2, choose=how).id for how in ("all", "judge", "clip")}) == 3
    assert "choose" not in GenerationSpec().resolved() and "temperatures" not in GenerationSpec().resolved()
