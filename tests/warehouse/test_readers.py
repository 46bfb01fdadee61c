"""Who reads and who writes: a copy that nobody waits for, and turns, with names, where they do meet."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from components.errors import HomeUnusable, UserError
from components.records import Item, Run
from components.specs import Selection
from components.warehouse import read_copy
from components.warehouse.store import Store
from components.warehouse.turns import holder

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)


def items(n: int, first: int = 0) -> list[Item]:
    return [
        Item(item_id=f"i{k}", dataset="d", spec_id="D", source_uri=f"u{k}", ingested_at=T0)
        for k in range(first, first + n)
    ]


def a_run(ended: bool) -> Run:
    return Run(run_id="r", campaign="c", dataset="d", state="done", started_at=T0, ended_at=T0 if ended else None)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "warehouse.duckdb")
    made.prepare()
    made.append({"items": items(3)})
    return made


def counted(path: Path) -> int:
    with duckdb.connect(path, read_only=True) as db:
        return db.execute("SELECT count(*) FROM current_items").fetchone()[0]


@pytest.fixture
def notebook(request: pytest.FixtureRequest, store: Store) -> Iterator["subprocess.Popen[str]"]:
    """A process that reads a file and keeps it open; closing its input ends it."""
    path = store.copy_for_readers if request.param == "copy" else store.path
    if request.param == "copy":
        store.copy(path)
    code = """import duckdb, sys
db = duckdb.connect(sys.argv[1], read_only=True)
count = lambda: print(db.execute("SELECT count(*) FROM items").fetchone()[0], flush=True)
count()
for line in sys.stdin: count()"""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdout.readline() == "3\n"
        yield process
        process.kill()


@pytest.mark.parametrize("notebook", ["copy"], indirect=True)
def test_who_reads_the_copy_blocks_no_writer_and_goes_on_while_it_is_replaced(
    store: Store, notebook: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_copy, "EVERY_S", 0.0)
    monkeypatch.setattr(read_copy, "SHARE", 1e9)
    store.wait_s = 0.0
    assert store.append({"items": items(2, first=10)}) == {"items": 2}
    assert counted(store.copy_for_readers) == 5, "who opens it anew sees what is new"
    assert notebook.stdin and notebook.stdout
    notebook.stdin.write("again\n")
    notebook.stdin.flush()
    assert notebook.stdout.readline() == "3\n", "who has it open sees what it was"
    assert sorted(path.name for path in store.path.parent.iterdir()) == [
        "warehouse-read.duckdb", "warehouse.duckdb", "warehouse.duckdb.turn",
    ]  # fmt: skip


def test_a_copy_is_renewed_where_it_is_there_seldom_while_writing_and_at_the_end(store: Store) -> None:
    copy = store.copy_for_readers
    store.append({"items": items(1, first=10)})
    assert not copy.exists(), "nobody asked for it"
    store.copy(copy)
    store.append({"items": items(1, first=20)})
    assert counted(copy) == 4, "it is young"
    old = time.time() - read_copy.EVERY_S - 1
    os.utime(copy, (old, old))
    read_copy._made.clear()  # as in another process
    store.append({"items": items(1, first=30)})
    assert counted(copy) == 6
    read_copy._made.clear()
    store.append({"items": items(1, first=40)})
    store.record_run(a_run(ended=False))
    assert counted(copy) == 6
    store.record_run(a_run(ended=True))
    assert counted(copy) == 7
    copy.unlink()
    store.record_run(a_run(ended=True))
    assert not copy.exists()


def test_a_copy_is_whole_while_threads_read_and_write(store: Store, tmp_path: Path) -> None:
    """Each append writes items and runs together; a copy has all of an append or nothing."""
    stop, failed = threading.Event(), []

    def write() -> None:
        for k in range(100, 100_000, 100):
            if stop.is_set():
                return
            store.append({"items": items(100, first=k)})

    def read() -> None:
        with store.connect() as db:  # held open all the time, in the middle of a result
            cursor = db.execute("SELECT * FROM items, range(1000)")
            while not stop.is_set():
                if cursor.fetchone() is None:
                    cursor = db.execute("SELECT * FROM items, range(1000)")

    def guarded(work) -> None:  # type: ignore[no-untyped-def]
        try:
            work()
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in (write, read)]
    for thread in threads:
        thread.start()
    counts = [counted(store.copy(tmp_path / f"copy{n}.duckdb")) for n in range(8)]
    stop.set()
    for thread in threads:
        thread.join(30)
    assert not failed
    assert counts == sorted(counts) and counts[-1] > 3
    assert all(n % 100 == 3 for n in counts)


def test_a_copy_that_cannot_be_renewed_is_told_and_stops_no_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    store.tell = told.append
    copy = store.copy_for_readers
    copy.mkdir()  # a file cannot take its place
    os.utime(copy, (0, 0))
    assert store.append({"items": items(1, first=50)}) == {"items": 1}
    assert len(told) == 1 and str(copy) in told[0] and "was not renewed" in told[0]
    assert not list(store.path.parent.glob("*.tmp"))


def test_a_copy_waits_a_moment_for_who_reads_in_a_transaction_and_stops_no_run(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was replaced, as the row of a run is, cannot be written to the file while another thread reads what was."""
    told: list[str] = []
    store.tell = told.append
    store.record_run(a_run(ended=False))
    store.copy(store.copy_for_readers)
    reading, read_enough = threading.Event(), threading.Event()

    def read() -> None:
        with store.selecting(Selection(dataset="d")):
            reading.set()
            read_enough.wait(30)

    reader = threading.Thread(target=read)
    reader.start()
    reading.wait(30)
    with monkeypatch.context() as patch:
        patch.setattr(read_copy, "TRANSACTIONS_S", 0.1)
        read_copy._made.clear()
        store.record_run(a_run(ended=True))
        assert len(told) == 1 and "was not renewed: a transaction" in told[0]
        with pytest.raises(HomeUnusable, match="a transaction of this process"):
            store.copy(store.copy_for_readers)
    threading.Timer(0.3, read_enough.set).start()
    read_copy._made.clear()
    store.record_run(a_run(ended=True))
    reader.join()
    assert len(told) == 1
    with duckdb.connect(store.copy_for_readers, read_only=True) as db:
        assert db.execute("SELECT state, ended_at IS NOT NULL FROM runs").fetchall() == [("done", True)]


@pytest.mark.parametrize("notebook", ["warehouse"], indirect=True)
def test_a_writer_tells_for_whom_it_waits_and_goes_on_when_the_file_is_free(
    store: Store, notebook: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    store.tell = told.append
    monkeypatch.setattr("components.warehouse.turns.TOLD_AFTER_S", 0.2)
    threading.Timer(0.6, notebook.kill).start()
    begun = time.monotonic()
    assert store.append({"items": items(1, first=50)}) == {"items": 1}
    assert 0.3 < time.monotonic() - begun < 5
    assert told == [
        f"waiting for the warehouse, up to 60 s: process {notebook.pid} ({Path(sys.executable).name}) has it open"
    ]


@pytest.mark.parametrize("notebook", ["warehouse"], indirect=True)
def test_who_stands_behind_another_in_the_queue_is_told_too_and_both_get_it(
    store: Store, notebook: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr("components.warehouse.turns.TOLD_AFTER_S", 0.2)
    stores = [Store(store.path, tell=told.append) for _ in range(2)]
    threads = [threading.Thread(target=one.query, args=("SELECT 1",)) for one in stores]
    for thread in threads:
        thread.start()
    time.sleep(0.8)
    notebook.kill()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert sorted("others wait for it, too" in line for line in told) == [False, True]


@pytest.mark.parametrize("notebook", ["warehouse"], indirect=True)
def test_a_writer_that_waits_in_vain_names_the_process_and_what_to_do(
    store: Store, notebook: "subprocess.Popen[str]"
) -> None:
    store.wait_s = 0.2
    with pytest.raises(UserError) as caught:
        store.append({"items": items(1, first=50)})
    assert f"process {notebook.pid}" in str(caught.value) and "postwright snapshot" in str(caught.value)
    notebook.kill()
    notebook.wait()
    assert store.append({"items": items(1, first=50)}) == {"items": 1}, "nothing of it was written before"


HAMMER = """
import sys, time
from pathlib import Path
from components.warehouse.store import Store
store, end, waits = Store(Path(sys.argv[1])), time.monotonic() + float(sys.argv[2]), []
print("begin", flush=True)
while time.monotonic() < end:
    at = time.monotonic()
    store.query("SELECT count(*) AS n FROM items")
    waits.append(time.monotonic() - at)
print(len(waits), max(waits))
"""


def test_a_writer_among_readers_that_never_rest_gets_its_turn(store: Store) -> None:
    from tests.processes import Python

    readers = [Python(HAMMER, str(store.path), "1.5") for _ in range(4)]
    for reader in readers:
        assert reader.stdout.readline() == "begin\n"
    waits, end = [], time.monotonic() + 1
    while time.monotonic() < end:
        at = time.monotonic()
        store.append({"items": items(1, first=1000 + len(waits))})
        waits.append(time.monotonic() - at)
    told = [reader.communicate(60) for reader in readers]
    assert [reader.returncode for reader in readers] == [0] * 4, told
    assert len(waits) > 3 and max(waits) < 1.5, waits
    assert all(int(out.split()[0]) > 3 and float(out.split()[1]) < 1.5 for out, _ in told), told


def test_of_who_holds_a_file_only_the_programs_name_is_told() -> None:
    code = "import sys; print('begin', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "--token", "sk-secret"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdout.readline()
        said = f"Conflicting lock is held in /usr/bin/python3.11 (PID {process.pid}). See also https://duckdb.org"
        assert holder(said) == f"process {process.pid} ({Path(sys.executable).name})"
        process.kill()
    assert holder("Conflicting lock is held in /usr/bin/jupyter-lab (PID 4194999).") == "process 4194999 (jupyter-lab)"
    assert holder("something else") == "another process"


def test_queries_hold_no_more_memory_than_is_allowed_and_say_what_to_do_where_it_is_too_little(store: Store) -> None:
    lists = "SELECT list(md5(n::VARCHAR)) AS found FROM range(2_000_000) t(n)"  # which no disk helps with
    given = Store(store.path, memory="2GiB")
    assert len(given.frame(f"SELECT len(found) FROM ({lists})")) == 1
    tight = Store(store.path, memory="40MiB")
    with pytest.raises(HomeUnusable, match="POSTWRIGHT_WAREHOUSE_MEMORY") as raised:
        tight.query(f"SELECT len(found) FROM ({lists})")
    assert "\n" not in str(raised.value)
    assert len(tight.query("SELECT md5(n::VARCHAR) AS word FROM range(400_000) t(n) ORDER BY word LIMIT 3")) == 3
    assert len(tight.query("SELECT * FROM items")) == 3
