"""A home whose disk fails: one line that names the path, nothing lost, and the run goes on once it is put right."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from components.errors import HomeUnusable, UserError
from components.records import Item
from components.warehouse.store import Store

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)


def items(n: int, first: int = 0) -> list[Item]:
    """Texts that do not compress, 3 kB each."""
    return [
        Item(item_id=f"i{k}", dataset="d", spec_id="D", source_uri=f"u{k}", ingested_at=T0, text=os.urandom(1500).hex())
        for k in range(first, first + n)
    ]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    place = tmp_path / "small"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True, text=True
    )
    if done.returncode != 0:
        pytest.skip(f"no small file system here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_told_with_its_path_and_the_warehouse_goes_on_once_there_is_space(small_disk: Path) -> None:
    store = Store(small_disk / "warehouse.duckdb")
    store.prepare()
    assert store.append({"items": items(50)}) == {"items": 50}
    with pytest.raises(HomeUnusable, match=re.escape(str(store.path))) as caught:
        store.append({"items": items(4000, first=1000)})
    assert "\n" not in str(caught.value) and "run the same command again" in str(caught.value)
    assert caught.value.exit_code == 2
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    assert store.query("SELECT count(*) AS n FROM items") == [{"n": 50}], "all of a batch or nothing"
    assert store.append({"items": items(4000, first=1000)}) == {"items": 4000}


def test_a_file_that_may_not_grow_is_told_with_its_path(tmp_path: Path) -> None:
    """Like a full disk, without root: a limit on the size of files, in a process of its own."""
    code = """
import resource, signal, sys
from pathlib import Path
from components.errors import HomeUnusable
from components.warehouse.store import Store
from tests.test_home_failures import items
store = Store(Path(sys.argv[1]))
store.prepare()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
try:
    store.append({"items": items(4000)})
except HomeUnusable as error:
    print(error)
"""
    path = tmp_path / "warehouse.duckdb"
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=root, capture_output=True, text=True, timeout=60)
    assert str(path) in done.stdout, done.stderr
    assert Store(path).query("SELECT count(*) AS n FROM items") == [{"n": 0}]


def test_only_a_lock_is_waited_for_not_a_path_that_is_called_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "blocks" / "clock.duckdb", wait_s=30)
    store.path.parent.mkdir()
    store.path.write_bytes(b"this is no database, but long enough to be read as one" * 100)
    with pytest.raises(UserError, match="cannot open the warehouse") as caught:
        store.query("SELECT 1")
    assert "held by another process" not in str(caught.value)


def test_a_lock_of_another_process_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    code = "import duckdb, sys; db = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "open\n"
        with pytest.raises(UserError, match="held by another process for 0 s"):
            Store(path, wait_s=0.1).query("SELECT 1")
        assert holder.stdin is not None
        holder.stdin.close()
    assert Store(path, wait_s=5).query("SELECT 1 AS n") == [{"n": 1}]


def test_a_wrong_statement_stays_a_defect(tmp_path: Path) -> None:
    with pytest.raises(duckdb.BinderException):
        Store(tmp_path / "warehouse.duckdb").query("SELECT nothing")


def test_threads_open_and_close_the_file_in_any_order(tmp_path: Path) -> None:
    """As parallel windows do. Without care one of some twenty openings fails in DuckDB."""
    store = Store(tmp_path / "warehouse.duckdb")
    store.prepare()

    def use(k: int) -> int:
        if k % 3:
            return int(store.query("SELECT count(*) AS n FROM items WHERE item_id = 'i0'")[0]["n"])
        return store.append({"items": items(20, first=1000 * k)})["items"]

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(use, range(1, 400))) == {0, 20}
