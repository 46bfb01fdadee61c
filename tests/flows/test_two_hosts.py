"""A publisher and a worker that share an object store, and no file: the rows of one machine, each call bought once."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from components.chat.segments import list_segments
from components.specs import Campaign
from flows.pipeline import pipeline
from flows.settings import Settings
from tests.flows.test_workers import rows
from tests.flows.two_hosts import ADDRESS, TwoHosts, why_not

pytestmark = [pytest.mark.drill, pytest.mark.timeout(420)]
DASK = [sys.executable, "-m", "dask"]
BUCKET = "import boto3; boto3.client('s3').create_bucket(Bucket='exchange')"


def test_two_hosts_that_share_only_a_store_give_the_rows_of_one(home: Settings, pictures: Path, tmp_path: Path) -> None:
    pytest.importorskip("prefect_dask", reason="the extra dask is not installed")
    pytest.importorskip("moto", reason="moto, an S3-compatible server, is not installed")
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    dataset = {"source": "folder", "path": str(pictures)}
    sections: dict[str, Any] = {"name": "test", "dataset": dataset}
    campaign = tmp_path / "campaign.yaml"
    campaign.write_text(json.dumps(sections), encoding="utf-8")
    publisher, worker = Settings(tmp_path / "publisher"), Settings(tmp_path / "worker")
    publisher.home.mkdir()
    python, cli = sys.executable, [sys.executable, "-m", "flows.cli"]
    address = ADDRESS["publisher"]
    with TwoHosts(tmp_path, [publisher.home, pictures]) as hosts:
        hosts.start("store", tmp_path / "store", python, "-m", "moto.server", "-H", ADDRESS["store"], "-p", "5000")
        server = ["prefect.server.api.server:create_app", "--factory", "--host", address, "--port", "4200"]
        hosts.start("publisher", publisher.home, python, "-m", "uvicorn", *server, "--log-level", "error")
        scheduler = ["scheduler", "--host", address, "--port", "8786", "--no-dashboard"]
        hosts.start("publisher", publisher.home, *DASK, *scheduler)
        hosts.start("worker", worker.home, *DASK, "worker", f"{address}:8786", "--nthreads", "1", "--no-dashboard")
        hosts.wait_for("worker", f"http://{ADDRESS['store']}:5000/moto-api/")
        assert hosts.run("publisher", publisher.home, python, "-c", BUCKET).returncode == 0
        hidden = hosts.run("worker", worker.home, "ls", str(pictures), str(publisher.home))
        assert ".jpg" not in hidden.stdout
        hosts.wait_for("worker", f"http://{address}:4200/api/health", 120)
        run = [*cli, "run", str(campaign), "--runner", f"dask://{address}:8786", "--json"]
        first = hosts.run("publisher", publisher.home, *run)
        assert first.returncode == 0, first.stderr + hosts.logs()
        listed = "import fsspec; print(fsspec.url_to_fs('s3://exchange')[0].find('exchange'))"
        left = hosts.run("publisher", publisher.home, python, "-c", listed).stdout
    pipeline(Campaign.model_validate(sections))
    assert rows(publisher) == rows(home)
    summary = json.loads(first.stdout)
    assert summary["steps"][1]["passes"] > 0
    assert [step["bought"] for step in summary["steps"][3:]] == [7, 7]
    calls = publisher.store().query("SELECT call_key, count(*) AS n FROM calls GROUP BY ALL")
    assert len(calls) == 14 and all(row["n"] == 1 for row in calls)
    assert b"".join(path.read_bytes() for path, _ in list_segments(worker.calls)).count(b"\n") == 14
    assert not worker.warehouse.exists()
    assert "/chunks/" not in left and "/calls/" in left and "/pictures/" in left
