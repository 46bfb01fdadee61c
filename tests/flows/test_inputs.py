"""What a run has met of a source, and what is fresh, however much it is."""

import hashlib
import pickle
import resource
import tracemalloc
from pathlib import Path

import pytest

from components.errors import HomeUnusable
from components.items import Entry, list_entries
from components.items.names import Names, halves
from components.specs import DatasetSpec
from flows import inputs
from flows.inputs import InputsMet, kept_in


@pytest.mark.parametrize("in_memory", [1, 2**20])
def test_fresh_entries_come_back_as_they_were_from_memory_and_from_disk(
    in_memory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inputs, "IN_MEMORY", in_memory)
    entries = [
        Entry(f"u{n}", f"s{n}", text=f"Straße {n}", likes=n, problem=None if n % 2 else ("r", "d")) for n in range(7)
    ]
    with kept_in(tmp_path) as fresh:
        for entry in entries:
            fresh.add(entry)
        assert len(fresh) == 7
        assert list(fresh.chunks(3)) == [entries[:3], entries[3:6], entries[6:]]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("room", [100, 9_000])
def test_no_room_for_the_fresh_entries_is_an_error_of_the_home(
    room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it shows when one is written, or when the last ones leave their buffer of 8 kB."""
    entries = 12_000 // len(pickle.dumps(Entry("u10", "s"), pickle.HIGHEST_PROTOCOL))
    monkeypatch.setattr(inputs, "IN_MEMORY", 1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(HomeUnusable, match="the list of new inputs cannot be kept"), kept_in(tmp_path) as fresh:
            for n in range(entries):
                fresh.add(Entry(f"u{n}", "s"))
            list(fresh.chunks(10))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_an_input_was_met_by_its_name_and_its_stamp_together() -> None:
    met = InputsMet(Names(*halves([hashlib.md5(b"f\xc3\xbcr a").digest()])))
    assert ("für", "a") in met
    assert ("für", "b") not in met and ("a", "für") not in met and ("", "") not in met


def test_listing_a_long_table_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    def peak(n: int) -> int:
        path = tmp_path / f"{n}.jsonl"
        path.write_text("".join(f'{{"id": "{k}", "text": "post {k} {"x" * 200}"}}\n' for k in range(n)))
        tracemalloc.start()
        listed = list_entries(DatasetSpec(source="jsonl", path=path))
        assert sum(1 for _ in listed) == n
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    bytes_per_row = (peak(20_000) - peak(1_000)) / 19_000
    assert bytes_per_row < 200, "a row is more than 300; what stays are the ids, one of which may come twice"
