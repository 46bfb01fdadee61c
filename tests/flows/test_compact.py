"""`postwright compact`: says what it would do, does it, and leaves the warehouse's view right."""

import json
import os
from pathlib import Path

import pytest

from components.chat import Journal
from flows.cli import main
from flows.settings import Settings
from tests.chat.conftest import record


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """With two ended segments, one of them torn, and one of a living writer (this test)."""
    settings = Settings(tmp_path).prepare()
    for number in range(3):
        journal = Journal(settings.calls)
        for row in range(5):
            journal.append(record(f"{number * 5 + row:032x}"))
        if number == 1:
            os.write(journal._file, b'{"call_key":"dd","sta')
        if number < 2:
            journal.close()
        else:
            ALIVE.append(journal)
    return tmp_path


ALIVE: list[Journal] = []


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["compact", *words]) == 0
    return capsys.readouterr().out


def test_it_says_what_it_would_do_and_does_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planned = told(capsys, "--home", str(home), "--dry-run")
    assert "would pack 2 segments, 10 calls" in planned and "1 damaged line" in planned
    assert len(list((home / "calls").glob("*.jsonl"))) == 3
    done = told(capsys, "--home", str(home))
    assert "packed 2 segments, 10 calls" in done and "may be alive: 1 segment" in done
    assert f"{home}/calls/packed/" in done.replace("\n", "") and ".damaged" in done
    assert len(list((home / "calls").glob("*.jsonl"))) == 1
    assert Settings(home).store().query("SELECT count(*) AS n FROM calls") == [{"n": 15}]
    assert "nothing to pack" in told(capsys, "--home", str(home))


def test_machines_get_numbers(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = json.loads(told(capsys, "--home", str(home), "--json"))
    assert (done["segments"], done["calls"], done["damaged"], done["in_use"], done["dry_run"]) == (2, 10, 1, 1, False)
    assert done["bytes_before"] > 0 < done["bytes_after"] and len(done["files"]) == 1


def test_a_home_without_runs_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compact", "--home", str(tmp_path)]) == 2
    assert "no runs in" in capsys.readouterr().err
