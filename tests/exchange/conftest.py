"""The exchange in a folder, and in a bucket of an S3-compatible server on a socket."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from components.exchange import Place


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of a server that has the bucket `exchange`."""
    server = pytest.importorskip("moto.server", reason="moto, an S3-compatible server, is not installed")
    import boto3

    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    url = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "somebody", "aws_secret_access_key": "something", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=url, **keys).create_bucket(Bucket="exchange")
    yield url
    running.stop()


@pytest.fixture
def bucket(s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An empty prefix in the bucket; keys and address are the environment's, as on every host."""
    for name, value in {
        "AWS_ENDPOINT_URL": s3, "AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "something",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return f"s3://exchange/{tmp_path.name}"


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place((tmp_path / "exchange").as_uri() if request.param == "folder" else request.getfixturevalue("bucket"))
