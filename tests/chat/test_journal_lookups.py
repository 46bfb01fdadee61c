"""Many calls are found at once and in little memory; writers hold their segments; odd texts come back as they went."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.chat import Journal
from components.chat.call_index import NOWHERE, RECENT, CallIndex, head_of, heads_of
from components.chat.compaction import compact
from components.chat.segments import encode, hold, is_held, parse
from tests.chat.conftest import record, rows, segment

ROOT = Path(__file__).parents[2]
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
"""Halves of surrogate pairs, NUL, private and unassigned characters too."""


def test_many_are_found_at_once_where_one_by_one_finds_them(tmp_path: Path) -> None:
    journals = [Journal(tmp_path) for _ in range(3)]
    for number in range(300):
        journals[number % 3].append(record(f"{number:032x}", "timeout" if number % 7 == 0 else "ok"))
    for journal in journals[:2]:
        journal.close()
    compact(tmp_path)
    for number in range(300, 400):
        journals[2].append(record(f"{number:032x}"))
    reader, keys = Journal(tmp_path), [f"{number:032x}" for number in range(500)]
    found = reader.lookup_many(iter(keys * 2))
    assert found == {key: outcome for key in keys if (outcome := Journal(tmp_path).lookup(key))}
    assert set(found) == {f"{number:032x}" for number in range(400) if number % 7 or number >= 300}
    assert reader.lookup_many([]) == {}


def test_a_damaged_line_is_not_among_many_either(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for key in ("aa", "bb", "cc"):
        journal.append(record(key))
    data = segment(tmp_path).read_bytes()
    at = data.index(b"text of bb")
    segment(tmp_path).write_bytes(data[:at] + b'"' + data[at + 1 :])
    assert set(Journal(tmp_path).lookup_many(["aa", "bb", "cc"])) == {"aa", "cc"}


def test_ten_thousand_are_found_in_less_than_a_second(tmp_path: Path) -> None:
    line = json.dumps(record("KEY", text="x" * 2500), separators=(",", ":"))
    (tmp_path / "old.jsonl").write_text("".join(line.replace("KEY", f"{n:032x}", 1) + "\n" for n in range(10_000)))
    began = time.process_time()
    assert len(Journal(tmp_path).lookup_many(f"{n:032x}" for n in range(10_000))) == 10_000
    assert time.process_time() - began < 1.0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 2**60)), max_size=200), st.data())
def test_the_index_is_a_dictionary(puts: list[tuple[int, int]], data: st.DataObject) -> None:
    index, truth = CallIndex(), {}
    for number, (small, place) in enumerate(puts):
        head = head_of(f"{small:x}" * 8)
        index.put(head, place)
        truth[head] = place
        if data.draw(st.booleans()) and number % 5 == 0:
            index._sort_in()
    assert all(index.find(head) == place for head, place in truth.items())
    assert index.find(head_of("f" * 31)) is None
    asked = np.array([*truth, 12345], np.uint64)
    assert index.find_many(asked).tolist() == [*truth.values(), NOWHERE]


def test_the_index_needs_sixteen_bytes_per_call() -> None:
    index = CallIndex()
    dice = np.random.default_rng(1)
    heads = dice.integers(0, 2**64, 8 * RECENT, dtype=np.uint64)
    for place, head in enumerate(heads.tolist()):
        index.put(head, place)
    assert sum(run.nbytes for pair in index._runs for run in pair) == 16 * len(heads)
    assert len(index._runs) <= 4
    assert index.find_many(heads).tolist() == list(range(len(heads)))


def test_heads_of_many_and_of_single_keys_agree() -> None:
    keys = [os.urandom(16).hex() for _ in range(100)] + ["0" * 32, "f" * 32]
    assert heads_of(keys).tolist() == [head_of(key) for key in keys]
    assert len({*heads_of([letter * 32 for letter in "0123456789abcdef"]).tolist()}) == 16
    assert heads_of(["aa", "0bb"]).tolist() == [0xAA, 0xBB] and heads_of([]).tolist() == []


@settings(max_examples=60, deadline=None)
@given(st.lists(ANY_TEXT, min_size=1, max_size=8), st.sampled_from([0, 300_000]))
def test_odd_texts_come_back_from_lines_packed_files_and_the_view(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], more: int
) -> None:
    folder = tmp_path_factory.mktemp("odd")
    texts = [*texts[:-1], texts[-1] + "é\U0001f6a2" * more]
    journal = Journal(folder)
    for number, text in enumerate(texts):
        more_fields = {"response": {"choices": [text, 2**80, float("nan")]}, "value": {"post": text}}
        journal.append(record(f"{number:032x}", text=text, detail=text, **more_fields))
    journal.close()
    stored = [text.encode("utf-8", "replace").decode() for text in texts]
    seen = []
    for _ in range(2):
        found = Journal(folder).lookup_many(f"{number:032x}" for number in range(len(texts)))
        assert [outcome.text for outcome in found.values()] == stored
        assert [outcome.detail for outcome in found.values()] == stored
        kept = rows(folder)
        assert [row["detail"] for row in kept] == stored
        assert [json.loads(row["value"]) for row in kept] == [{"post": text} for text in stored]
        assert [one["response"]["choices"][0] for one in Journal(folder).records()] == stored
        seen.append([{**row, "value": json.loads(row["value"])} for row in kept])
        compact(folder)
    assert seen[0] == seen[1]
    assert not list(folder.glob("*.jsonl"))


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
)


@settings(max_examples=200, deadline=None)
@given(ANY_JSON)
def test_whatever_a_server_sent_becomes_one_readable_line(response: object) -> None:
    line = encode(record("aa", response=response))
    assert line.startswith(b'{"call_key":"aa","status":"ok",') and line.count(b"\n") == 1
    kept = parse(line)
    assert kept is not None and kept["text"] == "text of aa"


def test_nesting_that_no_parser_follows_costs_the_response_not_the_call() -> None:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    kept = parse(encode(record("aa", response=deep)))
    assert kept is not None and (kept["text"], kept["cost_usd"], kept["response"]) == ("text of aa", 0.25, None)


def test_a_writer_holds_its_segment_until_it_ends_or_closes(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(record("aa"))
    child = os.fork()
    if not child:
        os._exit(0)  # takes its copy of the lock with it
    os.waitpid(child, 0)
    assert is_held(segment(tmp_path)) and hold(segment(tmp_path)) is None
    journal.close()
    assert not is_held(segment(tmp_path))
    held = hold(segment(tmp_path))
    assert held is not None
    os.close(held)


def test_a_killed_writer_lets_go_and_counts_as_no_elder(tmp_path: Path) -> None:
    code = """
        import sys, time
        from pathlib import Path
        from components.chat import Journal
        journal = Journal(Path(sys.argv[1]))
        journal.append({"call_key": "aa", "status": "ok"})
        print("written", flush=True)
        time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None and process.stdout.readline() == "written\n"
        journal = Journal(tmp_path)
        assert journal.elders() == 1
        assert hold(next(tmp_path.glob("*.jsonl"))) is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert journal.elders() == 0
    assert compact(tmp_path).segments == 1, "the dead one's, not our own"


def test_a_segment_of_which_no_lock_tells_is_finished_after_a_time(tmp_path: Path) -> None:
    for name in ("old.jsonl", "20261101T100000000000-elsewhere-7-0123abcd.jsonl"):
        file = tmp_path / name
        file.write_bytes(encode(record("aa")))
        assert hold(file) is None
        os.utime(file, (time.time() - 3600, time.time() - 3600))
        held = hold(file)
        assert held is not None
        os.close(held)
