"""Packing the journal: killed anywhere it loses and doubles nothing; readers, writers and the view never notice."""

import base64
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from components.chat import Journal
from components.chat.compaction import at_work, compact
from components.chat.packed import Packed, list_packed
from components.chat.segments import encode
from components.errors import UserError
from tests.chat.conftest import record, rows, segment
from tests.processes import Python

ROOT = Path(__file__).parents[2]


def written(folder: Path, segments: int = 3, each: int = 4) -> list[str]:
    """Ended segments, a failed call in each, one damaged line and one torn tail; returns the keys that have answers."""
    for number in range(segments):
        journal = Journal(folder)
        for row in range(each):
            journal.append(record(f"{number * each + row:032x}", "timeout" if row == 1 else "ok", run_id=f"r{number}"))
        if number == 1:
            os.write(journal._file, b'{"call_key":"dd","status":"ok","text":\n')
            os.write(journal._file, encode(record("ee" * 16))[:90])
        journal.close()
    return [f"{n:032x}" for n in range(segments * each) if n % each != 1]


def seen(folder: Path) -> dict[str, Any]:
    """Everything that readers can see."""
    journal = Journal(folder)
    keys = [f"{n:032x}" for n in range(20)]
    return {
        "rows": sorted(rows(folder), key=lambda row: (row["created_at"], row["call_key"], row["status"])),
        "many": journal.lookup_many(keys),
        "single": {key: Journal(folder).lookup(key) for key in keys},
        "records": sorted(one["call_key"] for one in journal.records()),
        "backwards": sorted(one["call_key"] for one in journal.records(newest_first=True)),
        "spent": (round(journal.spent_usd(), 9), round(journal.spent_usd({"r1", "r2"}), 9)),
    }


def test_nothing_changes_for_readers(tmp_path: Path) -> None:
    keys = written(tmp_path)
    running = Journal(tmp_path)
    assert running.lookup(keys[0]) is not None
    before = seen(tmp_path)
    done = compact(tmp_path)
    assert (done.segments, done.calls, done.damaged, done.in_use) == (3, 12, 2, 0)
    assert not list(tmp_path.glob("*.jsonl")) and len(done.files) == 1
    assert seen(tmp_path) == before
    assert list(before["many"]) == keys == list(running.lookup_many(keys))
    assert all(running.lookup(key) for key in keys)
    again = compact(tmp_path)
    assert (again.segments, again.calls) == (0, 0) and seen(tmp_path) == before


def test_records_come_back_with_every_field_even_odd_ones(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    odd = {
        "attempts": "three",
        "cost_usd": [1],
        "created_at": "yesterday",
        "segment": 4,
        "rest": {"x": 1},
        "later": [2],
    }
    journal.append(record("aa", **odd))
    journal.append(record("bb", value={"a": [1.5, None]}, sent_without=["seed"], cached_tokens=2**62))
    before = list(journal.records())
    journal.close()
    compact(tmp_path)
    after = list(Journal(tmp_path).records())
    for old, new in zip(before, after, strict=True):
        assert {name: new[name] for name in old} == old
        assert all(new[name] is None for name in set(new) - set(old))
    assert [one["call_key"] for one in Journal(tmp_path).records(newest_first=True)] == ["bb", "aa"]


def test_damaged_lines_are_counted_kept_and_said(tmp_path: Path) -> None:
    written(tmp_path)
    done = compact(tmp_path)
    (name,) = done.damaged_files
    aside = [json.loads(line) for line in (tmp_path / "packed" / name).read_text().splitlines()]
    kept = [base64.b64decode(one["base64"]) for one in aside]
    assert kept == [b'{"call_key":"dd","status":"ok","text":\n', encode(record("ee" * 16))[:90]]
    assert {one["segment"] for one in aside} <= set(Packed(list_packed(tmp_path)[0]).segments)


def test_cut_at_every_byte_of_the_last_record_packing_loses_at_most_that_record(tmp_path: Path) -> None:
    whole, last = encode(record("aa" * 16)), encode(record("bb" * 16))
    for cut in range(len(last) + 1):
        (tmp_path / f"{cut:06}.jsonl").write_bytes(whole + last[:cut])
    done = compact(tmp_path, quiet_s=-1)
    # Without its line break the record is whole; cut to nothing there is none to lose.
    assert (done.calls, done.damaged) == (len(last) + 3, len(last) - 2)
    assert len(rows(tmp_path)) == done.calls
    assert set(Journal(tmp_path).lookup_many(["aa" * 16, "bb" * 16])) == {"aa" * 16, "bb" * 16}


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from components.chat.compaction import Compaction

    def die(): os.kill(os.getpid(), signal.SIGKILL)

    def killed(step, nth, late):
        count = 0
        class Killed(Compaction):
            pass
        def method(self, *args):
            nonlocal count
            count += 1
            if count == nth and not late: die()
            result = getattr(Compaction, step)(self, *args)
            if count == nth: die()
            return result
        def halfway(self, *args):
            for part in Compaction._groups(self, *args):
                yield part
                die()
        setattr(Killed, step, halfway if step == "_groups" else method)
        return Killed

    folder, cases = Path(sys.argv[1]), [case.split(":") for case in sys.argv[2:]]
    for number, (step, nth, late) in enumerate(cases):
        child = os.fork()
        if not child:
            killed(step, int(nth), late == "after")(folder / str(number), lambda n: None, 0).run(False)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else "survived")
"""
CASES = [
    "sweep:1:before", "sweep:1:after", "write:1:before", "_groups:1:after", "write:1:after", "check:1:after",
    "rename:1:before", "rename:1:after", "rename:2:before", "rename:2:after", "delete:1:before", "delete:1:after",
    "delete:2:after", "delete:3:after",
]  # fmt: skip


def test_killed_at_any_step_it_loses_and_doubles_nothing_and_the_next_one_ends_it(tmp_path: Path) -> None:
    before = {}
    for number in range(len(CASES)):
        written(tmp_path / str(number))
        before[number] = seen(tmp_path / str(number))
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path), *CASES]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == [str(int(signal.SIGKILL))] * len(CASES), done.stderr
    left = []
    for number, case in enumerate(CASES):
        folder = tmp_path / str(number)
        left.append(len(list(folder.glob("*.jsonl"))))
        assert seen(folder) == before[number], case
        compact(folder)
        assert seen(folder) == before[number], case
        assert not list(folder.glob("*.jsonl")) and not list((folder / "packed").glob("*.tmp")), case
        assert len(list_packed(folder)) == 1 == len(list((folder / "packed").glob("*.damaged"))), case
    assert left == [3] * 11 + [2, 1, 0], "each was killed where it should be"


WRITER = """
    import sys
    from pathlib import Path
    from components.chat import Journal
    journal = Journal(Path(sys.argv[1]))
    for number in range(400):
        key = f"{sys.argv[2]}{number:031x}"
        journal.append({"call_key": key, "status": "ok", "text": key, "cost_usd": 0.5, "created_at": "2026-11-01T10:00:00+00:00"})
        if number % 25 == 24:
            journal.close()
"""  # noqa: E501


def test_two_write_and_one_reads_while_a_third_packs(tmp_path: Path) -> None:
    writers = [Python(WRITER, str(tmp_path), prefix) for prefix in "ab"]
    reader, found, packed = Journal(tmp_path), 0, 0
    keys = [f"{prefix}{number:031x}" for prefix in "ab" for number in range(400)]
    while any(process.poll() is None for process in writers):
        packed += compact(tmp_path).calls
        now = len(reader.lookup_many(keys))
        records = [one["call_key"] for one in reader.records()]
        assert now >= found and len(records) == len(set(records)) >= found
        found = now
    assert [process.wait() for process in writers] == [0, 0]
    assert packed + compact(tmp_path).calls == 800
    assert all(outcome.text == key for key, outcome in reader.lookup_many(keys).items())
    assert len(reader.lookup_many(keys)) == len(rows(tmp_path)) == len(list(reader.records())) == 800
    assert Journal(tmp_path).spent_usd() == 400.0


def test_a_reader_whose_segment_vanishes_finds_its_calls_packed(tmp_path: Path) -> None:
    keys = written(tmp_path)
    reader = Journal(tmp_path)
    assert len(reader.lookup_many(keys)) == len(keys)
    halfway = reader.records()
    first = next(halfway)
    compact(tmp_path)
    reader._lookups._next_refresh = time.monotonic() + 1000  # nothing but the missing file sends it there
    assert [reader.lookup(key) is not None for key in keys] == [True] * len(keys)
    assert sorted(one["call_key"] for one in [first, *halfway]) == sorted(f"{n:032x}" for n in range(12))


def test_a_segment_in_use_stays_as_it_is(tmp_path: Path) -> None:
    written(tmp_path)
    alive = Journal(tmp_path)
    alive.append(record("ff" * 16))
    done = compact(tmp_path)
    assert (done.segments, done.in_use) == (3, 1)
    alive.append(record("fe" * 16))
    assert len(Journal(tmp_path).lookup_many(["ff" * 16, "fe" * 16])) == 2
    assert len(rows(tmp_path)) == 14 and segment(tmp_path).stat().st_size > 0


def test_a_view_made_before_stays_right(tmp_path: Path) -> None:
    from components.chat import calls_view_sql

    count = "SELECT count(*), count(DISTINCT call_key) FROM calls"
    with duckdb.connect() as db:
        db.execute(calls_view_sql(tmp_path))
        assert db.execute(count).fetchone() == (0, 0)
        written(tmp_path)
        assert db.execute(count).fetchone() == (12, 12)
        compact(tmp_path)
        assert db.execute(count).fetchone() == (12, 12)
        Journal(tmp_path).append(record("ab" * 16))
        assert db.execute(count).fetchone() == (13, 13)


def test_segments_without_a_call_leave_nothing(tmp_path: Path) -> None:
    Journal(tmp_path).ready()
    done = compact(tmp_path)
    assert (done.segments, done.calls, done.files) == (1, 0, ())
    assert not list(tmp_path.glob("*.jsonl")) and not list_packed(tmp_path)


def test_a_file_that_takes_the_name_of_a_packed_one_is_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_bytes(encode(record("aa")))
    assert compact(tmp_path, quiet_s=-1).calls == 1
    (tmp_path / "mine.jsonl").write_bytes(encode(record("bb")) * 2)
    with pytest.raises(UserError, match=r"mine.jsonl has the name of a segment that was packed.*rename it"):
        compact(tmp_path, quiet_s=-1)
    assert (tmp_path / "mine.jsonl").rename(tmp_path / "other.jsonl").exists()
    assert compact(tmp_path, quiet_s=-1).calls == 2 and len(rows(tmp_path)) == 3


def test_a_dry_run_says_the_same_and_changes_nothing(tmp_path: Path) -> None:
    written(tmp_path)
    files = sorted(tmp_path.rglob("*"))
    told: list[int] = []
    planned = compact(tmp_path, dry_run=True, advance=told.append)
    assert sorted(tmp_path.rglob("*")) == files
    done = compact(tmp_path)
    assert (planned.segments, planned.calls, planned.damaged) == (done.segments, done.calls, done.damaged)
    assert planned.bytes_before == done.bytes_before == sum(told) and planned.bytes_after is None
    assert compact(tmp_path / "nothing here").segments == 0


def test_one_compaction_at_a_time(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "packed").mkdir()
    with at_work(tmp_path), pytest.raises(UserError, match=r"another compaction .* is at work"):
        compact(tmp_path)
    assert compact(tmp_path).segments == 3


def test_a_disk_without_room_keeps_the_segments_and_is_named(small_disk: Path) -> None:
    calls = small_disk / "calls"
    journal = Journal(calls)
    for number in range(85):
        journal.append(record(f"{number:032x}", text=os.urandom(5000).hex()))
    journal.close()
    before = len(Journal(calls).lookup_many(f"{number:032x}" for number in range(85)))
    with pytest.raises(UserError, match=f"cannot write {calls}/packed"):
        compact(calls)
    assert before == 85 == len(rows(calls)) == len(Journal(calls).lookup_many(f"{n:032x}" for n in range(85)))
    assert not list((calls / "packed").glob("*.tmp")) and not list_packed(calls)
