"""Prefect's own data in PostgreSQL: a real one, on a socket of this machine, where it is installed."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.own_server import free_port
from tests.flows.service import Service, wait_until

POSTGRES = shutil.which("postgres")
USER = next((entry.pw_name for entry in pwd.getpwall() if entry.pw_name in ("postgres", "nobody")), None)
PASSWORD = "not/for@anybody"

pytestmark = [
    pytest.mark.drill,
    pytest.mark.server,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(POSTGRES is None, reason="no `postgres` on this machine: apt-get install postgresql"),
    pytest.mark.skipif(os.geteuid() == 0 and USER is None, reason="PostgreSQL runs as no root, and no user is there"),
]


@pytest.fixture
def database() -> Iterator[str]:
    """The address of an empty database, with its password."""
    as_user = {"user": USER} if os.geteuid() == 0 else {}
    programs = Path(str(POSTGRES)).resolve().parent
    with tempfile.TemporaryDirectory() as folder:
        place, secret = Path(folder) / "data", Path(folder) / "password"
        secret.write_text(PASSWORD)
        for path in (Path(folder), secret):
            shutil.chown(path, **as_user) if as_user else None
        subprocess.run(
            [programs / "initdb", "-D", place, "-U", "prefect", "-A", "scram-sha-256", "--pwfile", secret],
            check=True, capture_output=True, cwd=folder, **as_user,
        )  # fmt: skip
        port = free_port()
        quick = ["-c", "fsync=off", "-c", f"unix_socket_directories={folder}", "-c", "listen_addresses=127.0.0.1"]
        server = subprocess.Popen(
            [programs / "postgres", "-D", place, "-p", str(port), *quick],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **as_user,
        )  # fmt: skip
        ask = [programs / "psql", "-h", "127.0.0.1", "-p", str(port), "-U", "prefect", "postgres", "-c"]
        env = {**os.environ, "PGPASSWORD": PASSWORD}
        try:
            wait_until(
                lambda: subprocess.run([*ask, "CREATE DATABASE p"], env=env, capture_output=True).returncode == 0, 60
            )
            yield f"postgresql+asyncpg://prefect:{PASSWORD.replace('/', '%2F').replace('@', '%40')}@127.0.0.1:{port}/p"
        finally:
            server.terminate()
            server.wait(30)


def test_prefect_keeps_its_data_in_postgresql_and_its_password_nowhere(database: str, tmp_path: Path) -> None:
    named = Service(tmp_path / "home", PREFECT_API_DATABASE_CONNECTION_URL=database)
    try:
        assert named.up("--port", "0")["did"] == ["server", "deployments", "worker"]
        run = named.start("pipeline/demo", limit=2)
        assert named.ended(run)["state_type"] == "COMPLETED", named.told(run)
        status = named.postwright("status")
        assert status["server"]["database"].startswith("postgresql+asyncpg://127.0.0.1:")
        assert [one["state"] for one in status["runs"]] == ["Completed"]
        assert not (named.home / "service/prefect/prefect.db").exists()
        worker = next(one for one in named.processes() if "worker" in one.cmdline())
        assert not [name for name, value in worker.environ().items() if "DATABASE" in name or "not%2F" in value]
        files = [path for path in named.home.rglob("*") if path.is_file()]
        assert not [path for path in files if database.split("@")[0].encode() in path.read_bytes()]
        assert named.postwright("down")["server"] == "stopped"

        forgetful = Service(named.home)
        error = forgetful.postwright("up", code=2)["error"]
        assert "Prefect's data of this home are in postgresql+asyncpg://127.0.0.1:" in error and "%2F" not in error
        assert named.up()["did"] == ["server", "worker"]
        assert [one["run_id"] for one in named.postwright("status")["runs"]] == [run]
    finally:
        named.close()
