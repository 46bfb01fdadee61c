"""Journals of several hosts in one store: what one has bought the others find, and nothing counts twice."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from components.chat import Journal, Ledger
from components.chat.compaction import compact
from components.chat.packed import list_packed
from components.chat.pruning import prune_file
from components.chat.segments import encode, list_segments
from components.chat.shipping import Shipping
from components.errors import UserError
from components.exchange import Place


def record(n: int, **more: Any) -> dict[str, Any]:
    return {"call_key": f"{n:064x}", "status": "ok", "text": f"answer {n}", "run_id": "r", "cost_usd": 0.01, **more}


class Host:
    """A home with a journal of its own, and the store."""

    def __init__(self, folder: Path, place: Place) -> None:
        self.calls = folder / "calls"
        self.journal, self.shipping = Journal(self.calls), Shipping(self.calls, place)

    def buy(self, *numbers: int) -> None:
        for n in numbers:
            self.journal.append(record(n))

    def knows(self, *numbers: int) -> bool:
        self.journal.refresh()
        return len(self.journal.lookup_many([f"{n:064x}" for n in numbers])) == len(numbers)


@pytest.fixture
def hosts(tmp_path: Path) -> tuple[Host, Host, Host]:
    url = (tmp_path / "exchange").as_uri()
    one, two, publisher = (Host(tmp_path / name, Place(url)) for name in ("one", "two", "publisher"))
    return one, two, publisher


def test_what_a_host_has_shipped_the_others_know(hosts: tuple[Host, Host, Host]) -> None:
    one, two, publisher = hosts
    one.buy(1, 2)
    assert one.shipping.ship() == 1
    assert one.shipping.ship() == 0
    one.buy(3)
    two.buy(4)
    assert one.shipping.ship() == two.shipping.ship() == 1
    for host in hosts:
        host.shipping.pull()
        assert host.knows(1, 2, 3, 4)
        assert host.shipping.pull() == 0
        assert host.shipping.ship() == 0  # nobody ships what others have bought
    assert publisher.journal.spent_usd() == pytest.approx(0.04)


def test_a_line_that_is_being_written_is_shipped_when_it_is_whole(hosts: tuple[Host, Host, Host]) -> None:
    one, two, _ = hosts
    one.buy(1)
    segment = one.journal.ready()
    line = encode(record(2)).rstrip()
    with segment.open("ab") as file:
        file.write(line[:50])
        file.flush()
        one.shipping.ship()
        two.shipping.pull()
        assert two.knows(1)
        file.write(line[50:] + b"\n")
    one.shipping.ship()
    two.shipping.pull()
    assert two.knows(1, 2)
    parts = [path.read_bytes() for path, _ in list_segments(two.calls)]
    assert b"".join(parts) == segment.read_bytes()


def test_what_a_dead_worker_left_is_shipped_by_the_next_one_in_its_home(
    hosts: tuple[Host, Host, Host], tmp_path: Path
) -> None:
    one, two, _ = hosts
    one.buy(1)
    one.shipping.ship()
    one.buy(2)
    one.journal.close()
    next_one = Host(tmp_path / "one", one.shipping.place)
    assert next_one.shipping.ship() == 1
    two.shipping.pull()
    assert two.knows(1, 2)
    assert len(list_segments(two.calls)) == 2


def test_calls_are_shipped_while_they_are_bought_and_whatever_ends_it(hosts: tuple[Host, Host, Host]) -> None:
    one, two, _ = hosts
    two.buy(9)
    two.shipping.ship()
    with pytest.raises(ZeroDivisionError), one.shipping.under_way(every_s=0.05):
        assert one.knows(9)
        one.buy(1)
        end = time.monotonic() + 10
        while not two.knows(1) and time.monotonic() < end:
            two.shipping.pull()
            time.sleep(0.02)
        assert two.knows(1)
        one.buy(2)
        raise ZeroDivisionError
    two.shipping.pull()
    assert two.knows(1, 2)


def test_the_publisher_packs_pulled_parts_and_counts_each_call_once(hosts: tuple[Host, Host, Host]) -> None:
    one, two, publisher = hosts
    publisher.buy(7)
    one.buy(1, 2)
    one.shipping.ship()
    publisher.shipping.pull()
    for path, _ in list_segments(publisher.calls):
        os.utime(path, (0, 0))  # long enough without news
    publisher.journal.close()
    assert compact(publisher.calls).calls == 3
    publisher.shipping.pull()
    publisher.shipping.ship(everything=True)
    publisher.shipping.pull()
    assert list_segments(publisher.calls) == []
    assert publisher.journal.spent_usd() == pytest.approx(0.03)
    two.shipping.pull(packed=True)  # a worker looks up what was packed before it came
    assert two.knows(1, 2, 7)
    for host in (publisher, two):
        for path in list_packed(host.calls):
            prune_file(path)
        parts = [path for path, _ in list_segments(host.calls)]
        host.shipping.pull(packed=host is two)
        assert not list_packed(host.calls) and [path for path, _ in list_segments(host.calls)] == parts
    assert publisher.journal.spent_usd() == pytest.approx(0.03), "what is pruned does not come back from the exchange"
    assert not publisher.knows(1)


def test_an_exchange_that_fails_is_told_at_the_end(tmp_path: Path) -> None:
    place = Place((tmp_path / "exchange").as_uri())
    host = Host(tmp_path / "one", place)
    (tmp_path / "exchange").mkdir()
    with pytest.raises(UserError, match="in the exchange"), host.shipping.under_way(every_s=0.01):
        host.buy(1)
        (tmp_path / "exchange" / "calls").write_text("in the way")
    assert host.knows(1)


def test_what_is_lent_is_reserved_until_it_is_settled() -> None:
    ledger = Ledger(1.0)
    first, second = ledger.lend(0.7), ledger.lend(0.7)
    assert first is not None and second is None
    assert ledger.room_usd == pytest.approx(0.3)
    first.settle(0.2, 0.1)
    assert (ledger.spent_usd, ledger.held_usd) == (pytest.approx(0.2), pytest.approx(0.1))
    assert ledger.room_usd == pytest.approx(0.7)
    assert ledger.lend(0.0) is not None
