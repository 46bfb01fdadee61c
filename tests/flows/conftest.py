"""Flow tests run on a real Prefect server, once per session, in a home of their own each."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.settings import NOBODY, Settings
from tests.prefect_files import with_database


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A server with a database of its own, as a command starts one; takes seconds, so one for all tests."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    from flows.own_server import OwnServer

    place = with_database(tmp_path_factory.mktemp("prefect"), tmp_path_factory)
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    server = OwnServer(environment | {"PREFECT_HOME": str(place)})
    from prefect.settings import PREFECT_API_SSL_CERT_FILE, PREFECT_API_URL, PREFECT_HOME, temporary_settings

    with temporary_settings({
        PREFECT_API_URL: server.wait(), PREFECT_HOME: place, PREFECT_API_SSL_CERT_FILE: str(NOBODY)
    }):  # fmt: skip
        yield
    server.stop()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefect_server: None) -> Iterator[Settings]:
    """An empty home; Prefect's results lie in it, so nothing is cached from another test."""
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, PREFECT_LOCAL_STORAGE_PATH, temporary_settings

    monkeypatch.setenv("POSTWRIGHT_HOME", str(tmp_path / "home"))
    settings = Settings.from_environment()
    # Without heartbeats, as on the command line: waiting for their thread to stop costs a second per flow.
    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: settings.results, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield settings.prepare()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six drawn pictures with texts, one without, and a text without a picture: small, but through the same door."""
    from components.drawings.drawing import draw

    folder = tmp_path_factory.mktemp("pictures")
    lines = ["image,text,author,published_at,likes"]
    for n, scene in enumerate(["beach", "forest", "snow", "cafe", "concert", "kitchen"]):
        drawing = draw(9_500_000 + n, size=192, scene=scene)
        drawing.image.save(folder / f"{scene}.jpg", quality=85)
        text = drawing.text.replace('"', "'") if n else ""
        lines.append(f'{scene}.jpg,"{text}",ann,2026-03-0{n + 1}T10:00:00Z,{n * 7}')
    lines.append(',"The ferry was late again and nobody told us why. #travel",bob,2026-03-09T10:00:00Z,3')
    (folder / "posts.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
