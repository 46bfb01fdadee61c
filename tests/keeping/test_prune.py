"""What is old goes when it may; money, and what a run needs, stay."""

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from components.chat import Journal
from components.chat.compaction import compact
from components.chat.packed import list_packed, list_pruned
from components.chat.recorded import recorded
from components.errors import UserError
from components.keeping import Pruned, prune
from flows.settings import Settings
from tests.chat.conftest import record
from tests.processes import Python

DAYS = timedelta(days=90)
OLD = datetime.now(UTC) - timedelta(days=100)
COUNTS = {"results": 1, "reports": 1, "logs": 2, "calls": 1, "pictures": 3}
KEYS = {"old": "01" * 16, "failed": "02" * 16, "young": "03" * 16, "loose": "04" * 16}


def picture(home: Path, content: bytes, days: int = 100) -> str:
    sha256 = hashlib.sha256(content).hexdigest()
    path = home / "calls" / "pictures" / f"{sha256}.jpg"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    aged(path, days)
    return sha256


def aged(path: Path, days: int) -> None:
    at = time.time() - days * 86_400
    os.utime(path, (at, at))


def asking(sha256: str) -> dict[str, Any]:
    url = {"url": f"image/jpeg;sha256:{sha256}"}
    return {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": url}]}]}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Old packed calls, young packed calls, calls that are not packed, with a picture each; reports and results."""
    place = Settings(tmp_path / "home").prepare().home
    shown = {name: picture(place, name.encode()) for name in (*KEYS, "unnamed")}
    picture(place, b"young and unnamed", days=1)

    def append(name: str, at: datetime, status: str = "ok") -> None:
        # Two records under one key: prices differ, and so must the sums.
        journal.append(record(KEYS[name], status, created_at=at.isoformat(), request=asking(shown[name]),
                              cost_usd=0.1 + len(name) / 3, held_usd=0.01, run_id=f"run {name}"))  # fmt: skip

    journal = Journal(place / "calls")
    append("old", OLD)
    append("failed", OLD, "refusal")
    journal.close()
    compact(place / "calls")
    append("young", datetime.now(UTC))
    journal.close()
    compact(place / "calls")
    append("loose", OLD)
    journal.close()
    for name, days in {"old.html": 100, "newest.html": 99, "latest.html": 100}.items():
        (place / "reports" / name).write_text("<html>" * 10)
        aged(place / "reports" / name, days)
    for name, days in {"old": 100, "young": 1}.items():
        for file in (f"results/task/{name}", f"logs/{name}.jsonl", f"calls/shared/backfill-{name}.running"):
            path = place / file
            path.parent.mkdir(exist_ok=True)
            path.write_text("result")
            aged(path, days)
    return place


def everything(home: Path) -> dict[str, bytes]:
    files = [path for path in sorted(home.rglob("*")) if path.is_file() and path.suffix != ".lock"]
    return {str(path.relative_to(home)): path.read_bytes() for path in files}


def money(home: Path) -> Any:
    store, journal = Settings(home).store(), Journal(home / "calls")
    store.prepare()
    by = ("stage", "model", "run", "day", "month")
    views = [
        [{key: round(v, 9) if isinstance(v, float) else v for key, v in row.items()} for row in found]
        for found in (store.query(f"SELECT * FROM spend_by_{name} ORDER BY ALL") for name in by)
    ]
    runs = [f"run {name}" for name in KEYS]
    months = {f"{at:%Y-%m}" for at in (OLD, datetime.now(UTC))}
    sums = {month: recorded(journal, runs, month) for month in sorted(months)}
    counted = {month: [[round(usd, 9) for usd in part.but()] for part in found] for month, found in sums.items()}
    return views, round(journal.spent_usd(), 9), counted


def by_kind(done: list[Pruned]) -> dict[str, Pruned]:
    return {one.kind: one for one in done}


def left(home: Path) -> set[str]:
    known = {hashlib.sha256(name.encode()).hexdigest(): name for name in (*KEYS, "unnamed", "young and unnamed")}
    return {known[path.stem] for path in (home / "calls" / "pictures").iterdir()}


def test_a_dry_run_counts_and_changes_nothing(home: Path) -> None:
    before = everything(home)
    found = by_kind(prune(home, DAYS))
    assert everything(home) == before
    assert {kind: one.files for kind, one in found.items()} == COUNTS
    assert found["reports"].bytes == 60 and found["pictures"].bytes == len("unnamed" + "old" + "failed")
    assert all(one.dry_run for one in found.values())
    assert found["calls"].oldest == OLD, "its calls' age, not the file's"


def test_what_is_old_goes_and_the_money_stays(home: Path) -> None:
    before, served = money(home), Journal(home / "calls")
    assert all(served.lookup(key) for key in KEYS.values())
    rows = Settings(home).store().query("SELECT * EXCLUDE (value, detail) FROM calls ORDER BY ALL")
    done = by_kind(prune(home, DAYS, dry_run=False))
    assert {kind: one.files for kind, one in done.items()} == COUNTS
    assert money(home) == before
    assert Settings(home).store().query("SELECT * EXCLUDE (value, detail) FROM calls ORDER BY ALL") == rows
    journal = Journal(home / "calls")
    assert {name for name, key in KEYS.items() if journal.lookup(key)} == {"young", "loose"}
    assert set(journal.lookup_many(KEYS.values())) == {KEYS["young"], KEYS["loose"]}
    assert left(home) == {"young", "loose", "young and unnamed"}
    assert b"text of" not in b"".join(path.read_bytes() for path in list_pruned(home / "calls"))
    assert sorted(path.name for path in (home / "reports").iterdir()) == ["latest.html", "newest.html"]
    assert [path.name for path in (home / "results" / "task").iterdir()] == ["young"]
    assert [path.name for path in (home / "logs").iterdir()] == ["young.jsonl"]
    assert [path.name for path in (home / "calls" / "shared").glob("*.running")] == ["backfill-young.running"]
    again = prune(home, DAYS, dry_run=False)
    assert [one.files for one in again] == [0, 0, 0, 0, 0]
    compact(home / "calls")
    assert money(home) == before


def test_only_what_is_named_goes(home: Path) -> None:
    (done,) = prune(home, DAYS, ["pictures"], dry_run=False)
    assert done.files == 1, "pictures of calls that are kept are kept"
    assert left(home) == {*KEYS, "young and unnamed"}
    assert all(Journal(home / "calls").lookup(key) for key in KEYS.values())


def test_a_pruning_that_was_killed_counts_nothing_twice_and_the_next_one_ends_it(home: Path, tmp_path: Path) -> None:
    before, packed = money(home), list_packed(home / "calls")
    shutil.copytree(home / "calls" / "packed", tmp_path / "kept")
    prune(home, DAYS, ["calls"], dry_run=False)
    shutil.copy(tmp_path / "kept" / packed[0].name, packed[0])  # as it is between the renaming and the deletion
    assert money(home) == before
    (home / "calls" / "pruned" / "x.parquet.tmp").write_text("cut")
    assert money(home) == before
    prune(home, DAYS, ["calls"], dry_run=False)
    assert packed[0] not in list_packed(home / "calls")
    assert not list((home / "calls" / "pruned").glob("*.tmp"))
    assert money(home) == before


def test_pictures_stay_while_batches_are_under_way(home: Path) -> None:
    (done,) = prune(home, DAYS, ["pictures"], dry_run=False, open_batches=lambda: 2)
    assert done.files == 0 and done.kept and "2 batches" in done.kept
    assert "unnamed" in left(home)


@pytest.fixture
def at_work(home: Path) -> Callable[[], Python]:
    code = """
    import sys, time
    from pathlib import Path
    from flows.settings import Settings
    Settings(Path(sys.argv[1])).prepare()
    print("at work", flush=True)
    time.sleep(60)
    """

    def begin() -> Python:
        process = Python(code, str(home))
        assert process.stdout.readline() == "at work\n"
        return process

    return begin


def test_nothing_is_deleted_while_another_process_is_at_work(home: Path, at_work: Callable[[], Python]) -> None:
    processes = [at_work(), at_work()]  # any number of them
    before = everything(home)
    with pytest.raises(UserError, match="a process is at work"):
        prune(home, DAYS, dry_run=False)
    assert [one.files for one in prune(home, DAYS)] == list(COUNTS.values()), "a dry run may look"
    assert everything(home) == before
    for process in processes:
        process.kill()
        process.wait()
    assert sum(one.files for one in prune(home, DAYS, dry_run=False)) == sum(COUNTS.values())


def test_who_stays_and_works_there_no_longer_hinders_nobody(home: Path) -> None:
    code = """
    import sys, time
    from pathlib import Path
    from components.keeping import leave
    from flows.settings import Settings
    home = Path(sys.argv[1])
    Settings(home).prepare()
    leave(home)
    leave(home)
    print("stays", flush=True)
    time.sleep(60)
    """
    process = Python(code, str(home))
    try:
        assert process.stdout.readline() == "stays\n"
        assert sum(one.files for one in prune(home, DAYS, dry_run=False)) == sum(COUNTS.values())
    finally:
        process.kill()
        process.wait()
