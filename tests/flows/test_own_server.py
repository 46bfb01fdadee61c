"""The server that a command starts for itself; that it works is what every test of the command line shows."""

import os
import sys
import time
from pathlib import Path

import pytest

from components.errors import HomeUnusable
from flows.own_server import ATTEMPTS, OwnServer
from tests.processes import Python


def test_a_server_that_does_not_start_is_tried_again_and_then_told_in_one_line(tmp_path: Path) -> None:
    """In place of uvicorn, a program that finds its port taken."""
    (tmp_path / "uvicorn.py").write_text(f"open({str(tmp_path / 'log')!r}, 'a').write('tried\\n'); raise SystemExit(3)")
    server = OwnServer({**os.environ, "PYTHONPATH": str(tmp_path)})
    with pytest.raises(HomeUnusable, match=rf"did not start .*{ATTEMPTS} attempts, exit code 3") as told:
        server.wait()
    assert "\n" not in str(told.value)
    assert (tmp_path / "log").read_text() == "tried\n" * ATTEMPTS


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_server_ends_with_a_command_that_is_killed(tmp_path: Path) -> None:
    """In place of uvicorn, a program that goes on for ever."""
    (tmp_path / "uvicorn.py").write_text(f"import time; open({str(tmp_path / 'up')!r}, 'w').close(); time.sleep(600)")
    code = """
    import os, sys, time
    from flows.own_server import OwnServer
    server = OwnServer({**os.environ, "PYTHONPATH": sys.argv[1]})
    print(server._process.pid, flush=True)
    time.sleep(600)
    """
    command = Python(code, str(tmp_path))
    pid, deadline = int(command.stdout.readline()), time.monotonic() + 20
    while not (tmp_path / "up").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    command.kill()
    while gone(pid) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert gone(pid), "it outlived its command"


def gone(pid: int) -> str | None:
    """Why there is no such process; None where there is one."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except FileNotFoundError:
        return "ended"
    return "a zombie" if state == "Z" else None
