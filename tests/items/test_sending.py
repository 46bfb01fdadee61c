"""Pictures as they are sent: one encoding for all who send them, as large and as detailed as asked, encoded once."""

import base64
import hashlib
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from components.features.told_captions import alt_text_requests, caption_requests
from components.items import sending
from components.items.pictures import PictureError
from components.items.sending import picture_part, seen_differently
from components.judgments.prompt import messages_for
from components.posts import ask
from components.records import Item, Prompt
from components.specs import ChatSpec, GenerationSpec, JudgeSpec, TellingSpec
from tests.chat.conftest import request

NOW = datetime(2026, 11, 20, tzinfo=UTC)
MODEL: Any = {"model": "openai/m", "endpoint": "http://127.0.0.1:1/v1", "picture": True}


@pytest.fixture(autouse=True)
def urls(monkeypatch: pytest.MonkeyPatch) -> sending._Urls:
    """An empty store of encoded pictures; small, so that a test can fill it."""
    urls = sending._Urls(400_000)
    monkeypatch.setattr(sending, "_urls", urls)
    return urls


@pytest.fixture
def item(tmp_path: Path) -> Callable[..., Item]:
    def make(name: str = "a.jpg", size: tuple[int, int] = (1600, 1200), orientation: int = 1) -> Item:
        path, exif = tmp_path / name, Image.Exif()
        exif[0x0112], exif[0x010E] = orientation, "SECRET description"
        exif.get_ifd(0x8825)[0x1D] = "SECRET:gps"
        noise = Image.effect_noise(size, 40)
        picture = Image.merge("RGB", (Image.linear_gradient("L").resize(size), noise, noise))
        xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a>SECRET xmp</a></x:xmpmeta>'
        picture.save(path, exif=exif, xmp=xmp, comment=b"SECRET comment")
        assert path.read_bytes().count(b"SECRET") == 4
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        return Item(
            item_id=Item.make_id("d", sha256, name), dataset="d", spec_id="s", source_uri=f"/{name}",
            image_path=str(path), sha256=sha256, text="", ingested_at=NOW,
        )  # fmt: skip

    return make


def prompt_for(item: Item) -> Prompt:
    fields = {"spec_id": "s", "platform": "x", "template": "mpwl", "system": "Write.", "user": "A gradient."}
    return Prompt(prompt_id=f"p {item.item_id}", item_id=item.item_id, **fields)


def jpeg_of(part: Any) -> bytes:
    return base64.b64decode(part["image_url"]["url"].removeprefix("data:image/jpeg;base64,"))


def sent_by_all(item: Item, **policy: Any) -> list[Any]:
    """The picture's content part as writer, judge, caption teller and alt-text teller send it."""
    writer, judge = GenerationSpec(**MODEL, **policy), JudgeSpec(**MODEL, **policy)
    teller = TellingSpec(**MODEL, **policy)
    asked = ask([prompt_for(item)], {item.item_id: item}, writer)
    messages = [
        asked.requests[0].messages,
        messages_for("Judge.", "<post>", picture_part(item, judge)),
        caption_requests([item], teller).requests[0].messages,
        alt_text_requests([item], {}, writer, 400).requests[0].messages,
    ]
    return [one[-1]["content"][1] for one in messages]


@pytest.mark.parametrize("policy", [{}, {"picture_px": 300}, {"picture_px": 1024, "picture_detail": "low"}])
def test_all_who_send_a_picture_send_the_same_bytes(item: Callable[..., Item], policy: dict[str, Any]) -> None:
    first, *others = sent_by_all(item(), **policy)
    assert all(other == first for other in others)
    image = Image.open(io.BytesIO(jpeg_of(first)))
    assert max(image.size) == policy.get("picture_px", 768)
    assert first["image_url"].get("detail") == policy.get("picture_detail"), "only sent when it was chosen"


def test_what_a_camera_noted_is_not_sent(item: Callable[..., Item]) -> None:
    for part in sent_by_all(item(orientation=6)):
        data = jpeg_of(part)
        assert not [mark for mark in (b"SECRET", b"Exif", b"xmp", b"adobe", b"ICC_PROFILE") if mark in data]
        assert Image.open(io.BytesIO(data)).size == (576, 768), "turned as people see it"


@pytest.mark.parametrize("px", [64, 768, 2048])
def test_a_small_picture_is_never_enlarged(item: Callable[..., Item], px: int) -> None:
    part = picture_part(item(size=(60, 40)), JudgeSpec(**MODEL, picture_px=px))
    assert Image.open(io.BytesIO(jpeg_of(part))).size == (60, 40)


def test_a_picture_is_encoded_once_for_all_who_ask(item: Callable[..., Item], urls: sending._Urls) -> None:
    one, writer = item(), GenerationSpec(**MODEL, candidates=4)
    requests = ask([prompt_for(one)] * 3, {one.item_id: one}, writer).requests
    for _ in range(5):
        sent_by_all(one)
    assert (len(requests), urls.encoded) == (12, 1)
    assert len({id(request.messages[-1]["content"][1]["image_url"]["url"]) for request in requests}) == 1, "one string"
    sent_by_all(one, picture_px=512)
    assert urls.encoded == 2


def test_memory_for_encoded_pictures_is_bounded(item: Callable[..., Item], urls: sending._Urls) -> None:
    spec = JudgeSpec(**MODEL, picture_px=256)
    items = [item(f"{n}.jpg", (640, 480)) for n in range(40)]
    sizes = [len(json.dumps(picture_part(one, spec))) for one in items]
    assert sum(sizes) > 2 * urls.bound >= 2 * urls.size > 0
    before = urls.encoded
    picture_part(items[-1], spec)
    assert urls.encoded == before, "the latest are kept"
    picture_part(items[0], spec)
    assert urls.encoded == before + 1, "the oldest are not"


def test_a_picture_that_changed_or_went_is_not_sent_from_memory(item: Callable[..., Item]) -> None:
    one, spec = item(), JudgeSpec(**MODEL)
    picture_part(one, spec)
    path = Path(str(one.image_path))
    Image.new("RGB", (50, 50)).save(path)
    with pytest.raises(PictureError, match="changed"):
        picture_part(one, spec)
    path.unlink()
    with pytest.raises(PictureError, match="picture_missing"):
        picture_part(one, spec)


def test_the_policy_is_part_of_a_calls_key_where_it_was_chosen(item: Callable[..., Item]) -> None:
    one = item()

    def key(**policy: Any) -> str:
        content = [{"type": "text", "text": "?"}, picture_part(one, JudgeSpec(**MODEL, **policy))]
        return request(messages=({"role": "user", "content": content},)).key

    assert key() == key(picture_px=768) == key(picture_detail="auto")
    assert len({key(), key(picture_px=512), key(picture_detail="low"), key(picture_detail="high")}) == 4


def test_different_views_of_writer_and_judge_are_told() -> None:
    writer, judge = GenerationSpec(**MODEL), JudgeSpec(**MODEL)
    blind: ChatSpec = JudgeSpec(**{**MODEL, "picture": False}, picture_px=512)
    assert seen_differently(writer, judge) is None and seen_differently(writer, blind) is None
    said = seen_differently(writer, JudgeSpec(**MODEL, picture_px=512, picture_detail="low"))
    assert said is not None and "picture_px 768 and 512; picture_detail auto and low" in said
