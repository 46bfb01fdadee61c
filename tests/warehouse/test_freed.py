"""What queries have freed goes back to the system, and their limit stays what it was."""

import subprocess
import sys
from pathlib import Path

import pytest

from components.warehouse import freed
from components.warehouse.store import Store

HEAVY = """CREATE TEMP TABLE heavy AS
    SELECT md5(i::VARCHAR) AS name, list(j) AS numbers FROM range(300000) t(i), range(4) u(j) GROUP BY name"""
MEASURED = f"""
import resource
import sys
from pathlib import Path
from components.warehouse import freed
from components.warehouse.store import Store

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 2**20

freed.EVERY_S = float(sys.argv[2])
store = Store(Path(sys.argv[1]))
store.prepare()
before = resident()
with store.connect() as db:
    db.execute('''{HEAVY}''')
    db.execute("DROP TABLE heavy")
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_a_heavy_query_took_is_given_back(tmp_path: Path) -> None:
    def kept(every_s: float) -> int:
        command = [sys.executable, "-c", MEASURED, str(tmp_path / f"{every_s}.duckdb"), str(every_s)]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert kept(0) < 40 < kept(1e9), "MiB"


@pytest.mark.parametrize("memory", ["", "123MB"])
def test_the_limit_of_queries_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: str) -> None:
    monkeypatch.setattr(freed, "EVERY_S", 0)
    store = Store(tmp_path / "warehouse.duckdb", memory=memory)
    for _ in range(3):
        (row,) = store.query("SELECT current_setting('memory_limit') AS most")
        assert (row["most"] == "117.3 MiB") == bool(memory)
        with store.connect() as db:
            freed.give_back(db)
            assert db.execute("SELECT current_setting('memory_limit')").fetchall() == [(row["most"],)]


def test_what_others_were_given_counts_and_what_is_under_way_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freed, "EVERY_S", 0)
    with Store(tmp_path / "warehouse.duckdb").connect() as db:
        db.begin()
        db.execute("CREATE TABLE many AS SELECT * FROM range(10000)")
        db.execute("SELECT * FROM many")
        assert len(db.fetchmany(10)) == 10
        with Store(tmp_path / "warehouse.duckdb", memory="123MB").connect():
            freed.give_back(db)
        assert len(db.fetchall()) == 9990
        db.execute("SELECT current_setting('memory_limit')")
        assert db.fetchall() == [("117.3 MiB",)]
        db.rollback()
