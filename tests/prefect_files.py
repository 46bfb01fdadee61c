"""Prefect's files for a test: a database whose hundred migrations were made once, by whoever of the workers came first.

A new one costs a server 7 s of CPU. The command line of a home that has none is tested in tests/test_cli.py, and
`postwright up` in one in bench/drill.py.
"""

import fcntl
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

import pytest


def with_database(folder: Path, factory: pytest.TempPathFactory) -> Path:
    """`folder`, as PREFECT_HOME, with the database in it."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_made(factory), folder / "prefect.db")
    return folder


def _made(factory: pytest.TempPathFactory) -> Path:
    from flows.own_server import OwnServer

    here = factory.getbasetemp()
    shared = here.parent if "PYTEST_XDIST_WORKER" in os.environ else here
    made = shared / "prefect.db"
    with (shared / "prefect.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            place = Path(tempfile.mkdtemp(dir=here))
            environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
            server = OwnServer(environment | {"PREFECT_HOME": str(place), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"})
            server.wait()
            server.stop()
            with sqlite3.connect(place / "prefect.db") as database:  # what lies in its log, too
                database.execute("VACUUM INTO ?", [str(made)])
            database.close()
    return made
