"""What is kept of a call: pictures once, new fields, or no texts at all; and what happens where nothing can be kept."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from components.chat import ChatRequest, Journal, Status, buy
from components.chat.compaction import compact
from components.chat.kept import outcome_of
from components.errors import UserError
from flows.settings import Settings
from tests.chat.conftest import Shop, record, request, rows
from tests.fake_provider import FakeProvider

ROOT = Path(__file__).parents[2]
SCHEMA = {"title": "post", "type": "object", "properties": {"post": {"type": "string"}}}


def picture(number: int, kind: str = "jpeg", size: int = 300) -> bytes:
    return f"{kind} {number} ".encode() * size


def with_picture(data: bytes, server: FakeProvider, kind: str = "jpeg", **changed: Any) -> ChatRequest:
    url = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    content = [{"type": "text", "text": "MARKED question"}, {"type": "image_url", "image_url": {"url": url}}]
    return request(0, server.url, messages=({"role": "user", "content": content},), **changed)


async def test_a_picture_is_kept_once_under_the_hash_that_its_records_name(shop: Shop) -> None:
    data, png = picture(1), picture(2, "png")
    with FakeProvider() as server:
        asked = [with_picture(data, server, candidate=candidate) for candidate in range(5)]
        await shop.buy(server, [*asked, with_picture(png, server, "png")])
    names = {hashlib.sha256(data).hexdigest() + ".jpg": data, hashlib.sha256(png).hexdigest() + ".png": png}
    assert {path.name: path.read_bytes() for path in (shop.folder / "calls" / "pictures").iterdir()} == names
    text = "".join(path.read_text() for path in (shop.folder / "calls").glob("*.jsonl"))
    assert text.count(f"image/jpeg;sha256:{hashlib.sha256(data).hexdigest()}") == 5
    assert base64.b64encode(data)[:40].decode() not in text


async def test_a_picture_that_is_there_is_not_written_again(shop: Shop) -> None:
    with FakeProvider() as server:
        await shop.buy(server, [with_picture(picture(1), server)])
        (path,) = (shop.folder / "calls" / "pictures").iterdir()
        before = path.stat()
        await shop.buy(server, [with_picture(picture(1), server, seed=1)], journal=Journal(shop.folder / "calls"))
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


async def test_records_say_what_was_asked_for_and_how_it_was_paid(shop: Shop) -> None:
    with FakeProvider(without=["json_schema"]) as server:
        outcomes = await shop.buy(server, [request(0, server.url, schema=SCHEMA), request(1, server.url)])
    with_schema, plain = sorted(rows(shop.folder / "calls"), key=lambda row: row["value"] is None)
    assert with_schema["value"] is not None and "post" in json.loads(with_schema["value"])
    assert json.loads(outcomes[0].text or "") == json.loads(with_schema["value"])
    assert (with_schema["sent_without"], plain["sent_without"], plain["value"]) == (["json_schema"], [], None)
    assert (plain["mode"], plain["api"], plain["batch_id"], plain["held_usd"]) == ("live", "chat", None, 0.0)
    assert (plain["cached_tokens"], plain["reasoning_tokens"]) == (0, 0)


async def test_the_step_that_asked_is_recorded(shop: Shop) -> None:
    with FakeProvider() as server:
        spec = shop.spec(server)
        one = [request(0, server.url)]
        more = {"api_key": None, "journal": shop.journal, "ledger": shop.ledger, "run_id": "run"}
        await buy(one, spec=spec, spec_id=spec.id, **more)
    assert [row["spec_id"] for row in rows(shop.folder / "calls")] == [spec.id]


MARKED = {
    "text": "MARKED reply",
    "detail": "HTTP 400: MARKED words of a server",
    "request": {"messages": [{"role": "user", "content": "MARKED question"}], "schema": {"title": "MARKED"}},
    "response": {"choices": [{"message": {"content": "MARKED reply", "reasoning": "MARKED thoughts"}}]},
    "something_new": "MARKED, as later versions may add fields",
}


@pytest.mark.parametrize("packed", [False, True])
def test_values_only_keeps_no_text_but_serves_what_was_bought(tmp_path: Path, packed: bool) -> None:
    journal = Journal(tmp_path, keep="values")
    whole = Journal(tmp_path / "whole")
    for key, status in enumerate(Status):
        journal.append(record(f"{key:032x}", status, **MARKED, value={"score": 7}))
        whole.append(record(f"{key:032x}", status, **MARKED, value={"score": 7}))
    journal.append(record("ab" * 16, text="a reply in words", value=None))
    journal.close()
    if packed:
        compact(tmp_path)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and "whole" not in path.parts)
    assert b"MARKED" not in kept
    if packed:  # which is compressed: look at what it unpacks to
        assert "MARKED" not in json.dumps(list(Journal(tmp_path).records())) + json.dumps(rows(tmp_path), default=str)
    found = Journal(tmp_path).lookup("0" * 32)
    assert found is not None and json.loads(found.text or "") == {"score": 7}
    assert (found.cost_usd, found.input_tokens, found.output_tokens, found.attempts) == (0.25, 10, 5, 1)
    words = Journal(tmp_path).lookup("ab" * 16)
    assert words is not None and words.text == "a reply in words"
    refused = Journal(tmp_path).lookup(f"{list(Status).index(Status.bad_request):032x}")
    assert refused is not None and (refused.text, refused.detail) == (None, "HTTP 400")
    assert set(Journal(tmp_path).lookup_many(f"{n:032x}" for n in range(12))) == set(
        Journal(tmp_path / "whole").lookup_many(f"{n:032x}" for n in range(12))
    )


async def test_a_purchase_with_values_only_leaves_no_text_in_the_home(shop: Shop) -> None:
    journal = Journal(shop.folder / "calls", keep="values")
    marked = ({"role": "user", "content": "MARKED question"},)
    with FakeProvider(faults=["refusal", "filter_400", "400", "ok", "ok"]) as server:
        asked = [request(0, server.url, messages=marked, seed=seed, schema=SCHEMA) for seed in range(4)]
        asked.append(with_picture(picture(1), server, schema=SCHEMA))
        first = await shop.buy(server, asked, journal=journal, max_concurrency=1)
        journal.close()
        again = await shop.buy(server, asked, journal=Journal(shop.folder / "calls", keep="values"))
        assert server.stats["requests"] == 5
    assert [one.status for one in again] == [one.status for one in first]
    assert [json.loads(one.text) for one in again if one.text] == [json.loads(one.text) for one in first if one.text]
    files = [path for path in (shop.folder / "calls").rglob("*") if path.is_file()]
    kept = b"".join(path.read_bytes() for path in files)
    assert all(word not in kept for word in (b"MARKED", b"jpeg 1", b"can't help", b"content policy", b"post_format"))
    assert not (shop.folder / "calls" / "pictures").exists() and kept.count(b"\n") == 5


def test_an_answer_kept_as_its_value_is_the_same_answer(tmp_path: Path) -> None:
    for value in ({"a": "é\U0001f6a2"}, [1, 2.5], "text", 7, False):
        found = outcome_of(record("aa", text=None, value=value))
        assert found.text is not None and json.loads(found.text) == value
    assert outcome_of(record("aa", text=None, value=None)).text is None


def test_the_home_says_what_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("POSTWRIGHT_HOME", str(tmp_path))
    monkeypatch.delenv("POSTWRIGHT_KEEP", raising=False)
    assert Settings.from_environment().keep == "everything"
    monkeypatch.setenv("POSTWRIGHT_KEEP", "values")
    assert Settings.from_environment().keep == "values"
    monkeypatch.setenv("POSTWRIGHT_KEEP", "some")
    with pytest.raises(UserError, match="POSTWRIGHT_KEEP is 'some': set it to everything or values"):
        Settings.from_environment()


async def test_a_full_disk_stops_before_a_call_with_a_picture_is_sent(small_disk: Path) -> None:
    shop = Shop(small_disk)
    shop.journal.ready()
    (small_disk / "ballast").write_bytes(b"x" * (1024 * 1024 - 64 * 1024))
    with FakeProvider() as server, pytest.raises(UserError, match=f"cannot write {small_disk}/calls/pictures/"):
        await shop.buy(server, [with_picture(os.urandom(200_000), server)])
    assert server.stats["requests"] == 0
    assert not list((small_disk / "calls" / "pictures").iterdir())


async def test_a_disk_that_fills_up_stops_the_purchase_and_what_was_kept_is_served(small_disk: Path) -> None:
    shop = Shop(small_disk)
    with FakeProvider(reply=lambda _: "word " * 2000, latency=0.01) as server:
        with pytest.raises(UserError, match=f"cannot write {small_disk}/calls/.*jsonl"):
            await shop.buy(server, 500, max_concurrency=4)
        kept = len(rows(small_disk / "calls"))
        assert 10 < kept <= server.stats["requests"] <= kept + 4
        subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
        outcomes = await shop.buy(server, 100, journal=Journal(small_disk / "calls"))
        assert sum(not outcome.bought for outcome in outcomes) == min(kept, 100)


LIMITED = """
    import asyncio, resource, signal, sys
    from pathlib import Path
    from components.chat.picture_store import PictureStore
    from components.errors import UserError
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        PictureStore(Path(sys.argv[1]))._write(Path(sys.argv[1]) / "abc.jpg", b"x" * 5000)
    except UserError as error:
        print(error)
"""


def test_a_picture_that_may_not_grow_is_named_and_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(LIMITED), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert f"cannot write {tmp_path}/abc.jpg" in done.stdout
    assert not list(tmp_path.iterdir())
