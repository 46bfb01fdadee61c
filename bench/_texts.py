"""Texts for benchmarks, and a Prefect server of the benchmark's own, as the command line starts one."""

import json
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

NOUNS = (
    "harbour",
    "ferry",
    "market",
    "garden",
    "bicycle",
    "concert",
    "stadium",
    "kitchen",
    "mountain",
    "lake",
    "bridge",
)
VERBS = ("opened", "closed", "started", "ended", "moved", "changed", "arrived", "waited", "returned", "improved")


def write_texts(path: Path, n: int) -> None:
    """n different short texts from 2026 on, an hour apart; more than 5,000 a minute apart from 2020 on, as a post from
    the future is refused."""
    dice, start, apart = random.Random(7), datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1)
    if n > 5_000:
        start, apart = datetime(2020, 1, 1, tzinfo=UTC), timedelta(minutes=1)
    with path.open("w", encoding="utf-8") as file:
        for k in range(n):
            what, where, did = dice.choice(NOUNS), dice.choice(NOUNS), dice.choice(VERBS)
            text = f"The {what} by the {where} {did} again, for the {k}th time. #travel"
            row = {
                "text": text,
                "author": "ann",
                "published_at": (start + k * apart).isoformat(),
                "id": str(k),
            }
            file.write(json.dumps(row) + "\n")


@contextmanager
def own_prefect(home: Path) -> Iterator[None]:
    """Makes `home` the home, and gives its flows a server, as `postwright run` does."""
    os.environ["POSTWRIGHT_HOME"] = str(home)
    from flows.own_server import OwnServer
    from flows.settings import Settings, quiet_prefect

    environment = quiet_prefect(Settings.from_environment().prepare(), verbose=False)
    server = None if environment is None else OwnServer(environment)
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    address = {} if server is None else {PREFECT_API_URL: server.wait()}
    try:
        with temporary_settings(updates={PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None} | address):
            yield
    finally:
        if server is not None:
            from prefect.events.worker import EventsWorker

            EventsWorker.drain_all(timeout=60)  # else each event that is left is tried for 7 s at the end
            server.stop()
