"""The journal: what is written stays readable, whatever cuts, kills or shares it."""

import json
import os
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.chat import Journal, Status, chat_completions
from components.chat.kept import said
from components.chat.replies import MOST_BYTES
from components.errors import HomeUnusable
from tests.chat.conftest import record, request, rows, segment
from tests.processes import Python

ROOT = Path(__file__).parents[2]


def test_an_answer_is_found_again_by_this_and_by_the_next_process(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(record("aa"))
    for reader in (journal, Journal(tmp_path)):
        found = reader.lookup("aa")
        assert found is not None
        assert (found.status, found.text, found.cost_usd, found.bought) == (Status.ok, "text of aa", 0.25, False)
        assert reader.lookup("bb") is None


@pytest.mark.parametrize("status", list(Status))
def test_only_final_outcomes_are_served(tmp_path: Path, status: Status) -> None:
    journal = Journal(tmp_path)
    journal.append(record("aa", status))
    served = {"ok", "truncated", "content_filter", "refusal", "bad_request"}
    assert (journal.lookup("aa") is not None) == (status in served) == (Journal(tmp_path).lookup("aa") is not None)
    assert [row["status"] for row in rows(tmp_path)] == [status]


def test_a_success_stands_after_a_failure_and_no_failure_hides_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for status in ("timeout", "ok", "timeout"):
        journal.append(record("aa", status))
    for reader in (journal, Journal(tmp_path)):
        found = reader.lookup("aa")
        assert found is not None and found.status is Status.ok


def test_cut_at_every_byte_of_the_last_record_it_loses_at_most_that_record(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    journal = Journal(whole)
    for key in ("aa", "bb", "cc"):
        journal.append(record(key))
    data = segment(whole).read_bytes()
    last = data.rindex(b"\n", 0, -1) + 1
    cut_folder = tmp_path / "cut"
    cut_folder.mkdir()
    for cut in range(last, len(data) + 1):
        (cut_folder / "torn.jsonl").write_bytes(data[:cut])
        torn = Journal(cut_folder)
        assert torn.lookup("aa") is not None and torn.lookup("bb") is not None
        found = torn.lookup("cc")
        assert found is None if cut < len(data) - 1 else found is not None
        if cut % 16 and len(data) - cut > 3:
            continue
        torn.append(record("dd"))
        assert torn.lookup("dd") is not None
        assert {row["call_key"] for row in rows(cut_folder)} >= {"aa", "bb", "dd"}
        torn.close()
        for path in cut_folder.glob("*-*.jsonl"):
            path.unlink()


def test_a_damaged_line_is_no_answer(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(record("aa"))
    data = segment(tmp_path).read_bytes()
    segment(tmp_path).write_bytes(data[:60] + b"\x00\xff" + data[62:])
    assert Journal(tmp_path).lookup("aa") is None
    assert journal.lookup("aa") is None


def test_two_open_journals_see_each_other_grow(tmp_path: Path) -> None:
    one, other = Journal(tmp_path), Journal(tmp_path)
    for number in range(5):
        one.append(record(f"a{number}"))
        other.append(record(f"b{number}"))
        one.refresh()
        other.refresh()
        assert one.lookup(f"b{number}") is not None
        assert other.lookup(f"a{number}") is not None
    assert len(list(tmp_path.glob("*.jsonl"))) == 2
    assert len(rows(tmp_path)) == 10


def test_a_line_that_another_process_is_still_writing_is_read_when_it_is_whole(tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    line = json.dumps(record("aa"), separators=(",", ":")).encode() + b"\n"
    other.write_bytes(line[:50])
    journal = Journal(tmp_path)
    assert journal.lookup("aa") is None
    other.write_bytes(line)
    journal.refresh()
    assert journal.lookup("aa") is not None


WRITER = """
    from pathlib import Path
    from components.chat import Journal
    journal = Journal(Path({folder!r}))
    for number in range(10**9 if {forever} else 200):
        journal.append({{"call_key": f"{prefix}{{number:06x}}", "status": "ok", "text": "x" * 3000}})
        if number % 50 == 0:
            print(number, flush=True)
"""


def writer(folder: Path, prefix: str, forever: bool = False) -> Python:
    return Python(WRITER.format(folder=str(folder), prefix=prefix, forever=forever))


def test_processes_that_share_a_folder_lose_nothing(tmp_path: Path) -> None:
    writers = [writer(tmp_path, prefix) for prefix in ("a", "b", "c")]
    assert [process.wait(120) for process in writers] == [0, 0, 0]
    journal = Journal(tmp_path)
    assert all(journal.lookup(f"{prefix}{number:06x}") for prefix in "abc" for number in range(200))
    assert len(rows(tmp_path)) == 600


def test_kill_9_loses_nothing_that_was_appended(tmp_path: Path) -> None:
    with writer(tmp_path, "a", forever=True) as process:
        while int(process.stdout.readline()) < 200:
            time.sleep(0.001)
        process.kill()
    journal = Journal(tmp_path)
    assert all(journal.lookup(f"a{number:06x}") for number in range(200))
    whole = sum(line.endswith(b"}") for line in segment(tmp_path).read_bytes().split(b"\n"))
    assert len(rows(tmp_path)) == whole


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(HomeUnusable, match=r"cannot write .*file/calls") as error:
        Journal(tmp_path / "file" / "calls").ready()
    assert error.value.exit_code == 2


FULL_DISK = """
    import resource, signal, sys
    from pathlib import Path
    sys.path.insert(0, {root!r})
    from components.chat import Journal
    from components.errors import HomeUnusable
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    journal = Journal(Path({folder!r}))
    journal.append({{"call_key": "aa", "status": "ok", "text": "x"}})
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, resource.RLIM_INFINITY))
    for attempt in range(2):
        try:
            journal.append({{"call_key": "bb", "status": "ok", "text": "x" * 500}})
        except HomeUnusable as error:
            print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    journal.append({{"call_key": "cc", "status": "ok", "text": "x"}})
    assert journal.lookup("aa") and not journal.lookup("bb") and journal.lookup("cc").text == "x"
"""


def test_a_full_disk_is_named_and_what_comes_after_it_is_readable(tmp_path: Path) -> None:
    code = textwrap.dedent(FULL_DISK.format(root=str(ROOT), folder=str(tmp_path)))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.count(f"cannot write {tmp_path}") == 2
    again = Journal(tmp_path)
    assert again.lookup("aa") and again.lookup("cc") and not again.lookup("bb")
    assert [row["call_key"] for row in rows(tmp_path)] == ["aa", "cc"]


def test_a_forked_process_gets_a_segment_of_its_own(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(record("aa"))
    child = os.fork()
    if not child:
        try:
            journal.append(record("bb"))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    journal.append(record("cc"))
    assert len(list(tmp_path.glob("*.jsonl"))) == 2
    assert all(Journal(tmp_path).lookup(key) for key in ("aa", "bb", "cc"))


def test_the_account_key_is_blotted_out(tmp_path: Path) -> None:
    secret = 'sk-"quoted"-\\secret'
    Journal(tmp_path).append(record("aa", text=f"You sent {secret}", response={"deep": [secret]}), redact=secret)
    kept = segment(tmp_path).read_text()
    assert "secret" not in kept
    assert kept.count("[key]") == 2


def test_a_dummy_key_is_left_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(record("aa", text="an EMPTY beach"), redact="EMPTY")
    found = journal.lookup("aa")
    assert found is not None and found.text == "an EMPTY beach"


def test_the_view_has_a_row_per_record_with_its_types(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(record("aa"))
    journal.append(record("bb", "timeout", cost_usd=None, input_tokens=None, created_at="2026-11-01T10:00:01+00:00"))
    first, second = rows(tmp_path)
    assert (first["cost_usd"], first["attempts"], first["latency_ms"]) == (0.25, 1, 12)
    assert first["created_at"].isoformat().startswith("2026-11-01T10:00:00.5") or first["created_at"].tzinfo
    assert (second["status"], second["cost_usd"], second["input_tokens"]) == ("timeout", None, None)
    assert set(first) == {
        "call_key", "model", "endpoint", "stage", "run_id", "spec_id", "status", "mode", "batch_id", "api", "attempts",
        "input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens", "cost_usd", "held_usd", "price_date",
        "latency_ms", "created_at", "sent_without", "detail", "value",
    }  # fmt: skip
    assert (first["spec_id"], first["value"], first["sent_without"], first["held_usd"]) == (None, None, None, 0.0)


def test_the_view_reads_the_longest_record_that_an_answer_can_make(tmp_path: Path) -> None:
    """Each byte that is no UTF-8 is kept as three, and what answers by a schema is kept three times."""
    head, tail = b'{"choices": [{"message": {"content": "{\\"text\\": \\"', b'\\"}"}}]}'
    body = head + b"\xff" * (MOST_BYTES - len(head) - len(tail)) + tail
    reply = chat_completions.read(200, {}, body)
    assert reply.status is Status.ok
    asked = request(schema={"type": "object", "properties": {"text": {"type": "string"}}})
    journal = Journal(tmp_path)
    journal.append(record("k1") | said(reply, asked, datetime.now(UTC)))
    journal.append(record("k2"))
    assert segment(tmp_path).stat().st_size > 9 * MOST_BYTES - 1000
    found = {row["call_key"]: (row["value"] or "").count("\ufffd") for row in rows(tmp_path)}
    assert found == {"k1": body.count(b"\xff"), "k2": 0}


def test_the_view_is_valid_before_the_first_call(tmp_path: Path) -> None:
    assert rows(tmp_path / "not there") == []
    journal = Journal(tmp_path)
    journal.ready()
    assert rows(tmp_path) == []
    journal.append(record("aa"))
    assert len(rows(tmp_path)) == 1


@pytest.mark.parametrize("name", ["it's here", "a [b] c", "what*?"])
def test_the_view_copes_with_odd_folder_names(tmp_path: Path, name: str) -> None:
    Journal(tmp_path / name).append(record("aa"))
    assert len(rows(tmp_path / name)) == 1


def test_money_spent_is_summed_by_run(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(record("aa"))
    journal.append(record("bb", "timeout", cost_usd=None, held_usd=0.5, run_id="other"))
    assert journal.spent_usd() == pytest.approx(0.75)
    assert journal.spent_usd("r") == pytest.approx(0.25)


def test_opening_a_large_journal_is_quick(tmp_path: Path) -> None:
    line = json.dumps(record("KEY", text="x" * 4000), separators=(",", ":"))
    (tmp_path / "old.jsonl").write_text("".join(line.replace("KEY", f"{n:032x}", 1) + "\n" for n in range(10_000)))
    began = time.process_time()
    journal = Journal(tmp_path)
    assert all(journal.lookup(f"{number:032x}") for number in range(0, 10_000, 100))
    assert time.process_time() - began < 1.0


def test_a_call_counts_whatever_its_server_wrote(tmp_path: Path) -> None:
    odd = "half \ud83d pair, \x00 and é"
    journal = Journal(tmp_path)
    journal.append(record("aa", text=odd, detail=odd, response={"choices": [odd]}))
    assert [(row["call_key"], row["cost_usd"]) for row in rows(tmp_path)] == [("aa", 0.25)]
    found = Journal(tmp_path).lookup("aa")
    assert found is not None and found.text == "half ? pair, \x00 and é"
