"""The server that a command starts for itself; that it works is what every test of the command line shows."""

import os
import ssl
import sys
import time
from pathlib import Path

import pytest

from components.errors import HomeUnusable
from flows.own_server import ATTEMPTS, OwnServer
from flows.settings import Settings, quiet_prefect
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


def test_only_clients_of_servers_that_we_start_trust_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("POSTWRIGHT_HOME", str(tmp_path / "home"))
    settings = Settings.from_environment()
    monkeypatch.setattr(os, "environ", dict(os.environ) | {"PREFECT_API_URL": "https://prefect.example.com/api"})
    assert quiet_prefect(settings, verbose=False) is None and "PREFECT_API_SSL_CERT_FILE" not in os.environ
    monkeypatch.setattr(os, "environ", {n: v for n, v in os.environ.items() if n != "PREFECT_API_URL"})
    environment = quiet_prefect(settings, verbose=False)
    assert environment is not None
    context = ssl.create_default_context(cafile=environment["PREFECT_API_SSL_CERT_FILE"])
    assert [dict(part[0] for part in one["subject"]) for one in context.get_ca_certs()] == [{"commonName": "nobody"}]
