"""What a server quotes of the key in the lines of a batch stays nowhere, as with live calls."""

import logging
from collections import deque
from pathlib import Path

import pytest

from components.errors import ProviderStopped
from tests.chat.batches import BatchShop
from tests.fake_provider import FakeProvider
from tests.flows.test_secrets import KEY, leaks


async def test_a_key_that_a_line_quotes_is_blotted_out_of_all_that_is_kept_or_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "components")
    shop = BatchShop(tmp_path)
    with FakeProvider(key=KEY) as server:
        server.batches.line_faults = deque(["echo_key", "refused_key", "echo_400", "503"])
        outcomes = await shop.buy_batch(server, 6, key=KEY)
        assert sum(outcome.text == "You sent Bearer [key]." for outcome in outcomes) == 1
        learned = (tmp_path / "calls" / "abilities.json").read_text()
        assert "[key]" in learned and "[key]" in caplog.text
        server.batches.line_faults = deque(["401"])
        with pytest.raises(ProviderStopped, match=r"Incorrect API key provided: \[key\]") as stopped:
            await shop.buy_batch(server, 8, key=KEY)
        server.batches.faults["POST /batches"] = deque(["echo_400"])
        with pytest.raises(ProviderStopped, match=r"You sent \[key\]") as refused:
            await shop.buy_batch(server, 9, key=KEY)
    said = [str(error.value) for error in (stopped, refused)] + [f"{one.text} {one.detail}" for one in outcomes]
    assert leaks(tmp_path, *said, *shop.said, *(str(outcome) for outcome in shop.told), caplog.text) == []


async def test_a_key_in_the_reasons_of_a_failed_batch_is_blotted_out(tmp_path: Path) -> None:
    shop = BatchShop(tmp_path)
    with FakeProvider(key=KEY) as server:
        server.batches.why_invalid = f"This key may not: {KEY}"
        with pytest.raises(ProviderStopped, match=r"This key may not: \[key\]") as stopped:
            await shop.buy_batch(server, 2, key=KEY)
    assert leaks(tmp_path, str(stopped.value)) == []
