"""`postwright up --foreground`, as systemd and containers start it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.service import ROOT, Service, wait_until
from tests.prefect_files import with_database

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def service(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with_database(tmp_path / "home" / "service" / "prefect", tmp_path_factory)
    made = Service(tmp_path / "home", PREFECT_WORKER_QUERY_SECONDS="1")
    try:
        yield made
    finally:
        made.close()


def test_it_looks_after_the_service_and_lets_others_prune_until_it_is_told_to_end(service: Service) -> None:
    command = [sys.executable, "-m", "flows.cli", "up", "--foreground", "--port", "0", "--home", str(service.home)]
    log = service.home / "foreground.log"
    with log.open("w") as told:
        stays = subprocess.Popen(command, env=service.env, cwd=ROOT, stdout=told, stderr=told)

    def is_up() -> bool:
        return bool(json.loads(service.process("status", "--json").stdout)["state"] == "up")

    try:
        wait_until(lambda: "worker.log" in log.read_text(), 120, log.read_text)
        assert service.postwright("prune", "--older-than", "30d", "--yes")["pruned"]
        service.kill("worker")
        wait_until(lambda: "starting again" in log.read_text(), 60, log.read_text)
        wait_until(is_up, 60, log.read_text)
        stays.send_signal(signal.SIGTERM)
        assert stays.wait(60) == 0, log.read_text()
        assert service.processes() == []
    finally:
        stays.kill()
        stays.wait()
