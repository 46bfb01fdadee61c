"""The server that a command starts for itself; that it works is what every test of the command line shows."""

import os
from pathlib import Path

import pytest

from components.errors import HomeUnusable
from flows.own_server import ATTEMPTS, OwnServer


def test_a_server_that_does_not_start_is_tried_again_and_then_told_in_one_line(tmp_path: Path) -> None:
    """In place of uvicorn, a program that finds its port taken."""
    (tmp_path / "uvicorn.py").write_text(f"open({str(tmp_path / 'log')!r}, 'a').write('tried\\n'); raise SystemExit(3)")
    server = OwnServer({**os.environ, "PYTHONPATH": str(tmp_path)})
    with pytest.raises(HomeUnusable, match=rf"did not start .*{ATTEMPTS} attempts, exit code 3") as told:
        server.wait()
    assert "\n" not in str(told.value)
    assert (tmp_path / "log").read_text() == "tried\n" * ATTEMPTS
