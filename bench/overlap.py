"""Steps at once and steps in turn, in one run: wall time beside the slowest resource's own time.

Text-only items, whose features are computed by the starter models on one core (as a GPU would, it leaves the others
alone), and a writer and a judge at `tests/fake_provider`, in a process of its own, so slow that the endpoint needs
about as long as the models. Own times are measured in the run whose steps go in turn: the models' is that of features,
the endpoint's that of writing and judging; `ideal` is calls x latency / calls in flight. `windows` is a backfill by
weeks, two windows at a time, whose steps go in turn: there one window buys while the next one computes.

    python bench/overlap.py [--items 2000] [--in-flight 64]
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from _texts import own_prefect, write_texts

ROOT = Path(__file__).parents[1]
LIMIT = 1.15
ARMS = ("in turn", "at once", "windows")
ROWS = (
    "SELECT feature_id FROM features ORDER BY ALL",
    "SELECT prompt_id FROM prompts ORDER BY ALL",
    "SELECT post_id, call_key, text FROM posts ORDER BY ALL",
    "SELECT judgment_id, call_key, score FROM judgments ORDER BY ALL",
)


def started(latency: float) -> tuple["subprocess.Popen[bytes]", str]:
    """A fake provider of its own, and its address."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    words = ["-m", "tests.fake_provider", "--port", str(port), "--latency", str(latency)]
    process = subprocess.Popen([sys.executable, *words], cwd=ROOT, stdout=subprocess.DEVNULL)
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/stats", timeout=1).read()
            return process, f"http://127.0.0.1:{port}/v1"
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the fake provider did not start")


def feature_seconds(path: Path, n: int) -> float:
    """What the features of one item take, by `n` of them."""
    from components.features import extract
    from components.items import list_entries, read_entries
    from components.specs import DatasetSpec, FeatureSpec

    spec = DatasetSpec(source="jsonl", path=path)
    items, _ = read_entries(list(islice(list_entries(spec), n + 16)), spec)
    extract(items[n:], FeatureSpec(), None)
    begun = time.perf_counter()
    extract(items[:n], FeatureSpec(), None)
    return (time.perf_counter() - begun) / n


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--items", type=int, default=2000)
    words.add_argument("--in-flight", type=int, default=64)
    words.add_argument("--latency", type=float, help="seconds; default: so that the endpoint takes as long as models")
    words.add_argument("--only", choices=ARMS)
    given = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_texts(place / "texts.jsonl", given.items)
        with own_prefect(place / "warm"):
            latency = given.latency or feature_seconds(place / "texts.jsonl", 256) * given.in_flight / 2
            provider, address = started(latency)
            try:
                compare(place, given, latency, address)
            finally:
                provider.terminate()
                provider.wait()


def compare(place: Path, given: argparse.Namespace, latency: float, address: str) -> None:
    from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings

    from components.specs import Campaign
    from flows import stages
    from flows.pipeline import pipeline
    from flows.settings import Settings

    chat = {"endpoint": address, "max_concurrency": given.in_flight}
    campaign = Campaign.model_validate(
        {
            "name": "bench",
            "dataset": {"source": "jsonl", "path": place / "texts.jsonl"},
            "generation": {"model": "openai/writer", **chat},
            "judge": {"model": "openai/judge", **chat},
            "budget": {"allow_unpriced": True},
        }
    )
    pipeline(campaign, limit=8)  # imports
    long, rows, took = stages.LONG, {}, dict[str, float]()
    own: dict[str, float] = {}
    for name in ARMS if given.only is None else (given.only,):
        os.environ["POSTWRIGHT_HOME"] = str(place / name)
        stages.LONG = long if name == "at once" else 10**9
        settings = Settings.from_environment()
        with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: settings.results}):  # else the second finds the first's
            begun = time.perf_counter()
            summaries = in_windows(campaign, given.items) if name == "windows" else [pipeline(campaign)]
            took[name] = time.perf_counter() - begun
        rows[name] = [settings.store().query(sql) for sql in ROWS]
        seconds: dict[str, float] = {}
        for step in (step for summary in summaries for step in summary.steps):
            seconds[step.step] = seconds.get(step.step, 0.0) + step.seconds
        told = ", ".join(f"{step} {spent:.1f}" for step, spent in seconds.items())
        print(f"{name}: {took[name]:.1f} s wall; seconds per step, without waiting: {told}", flush=True)
        if name == "in turn":
            buying = seconds["generate_posts"] + seconds["judge_posts"]
            own = {"models": seconds["extract_features"], "endpoint": buying}
    ideal = 2 * given.items * latency / given.in_flight
    print(f"endpoint, ideal: {ideal:.1f} s ({latency:.3f} s of latency, {given.in_flight} in flight)")
    if given.only is not None:
        return
    assert rows["in turn"] == rows["at once"], "the rows differ"
    assert rows["in turn"][:3] == rows["windows"][:3], "the posts differ"
    slowest = max(own, key=lambda name: own[name])
    print(f"own times, in turn: models {own['models']:.1f} s, endpoint {own['endpoint']:.1f} s")
    for name, note in (("at once", f"  (limit {LIMIT})"), ("in turn", ""), ("windows", "")):
        print(f"{name} / slowest ({slowest})   {took[name] / own[slowest]:5.2f}{note}")
    print(f"at once / slowest, ideal endpoint   {took['at once'] / max(own['models'], ideal):5.2f}")
    print("the rows of the first two are the same, ids, calls and texts; the posts of all three are")


def in_windows(campaign: Any, items: int) -> list[Any]:
    from flows.backfill import backfill

    start = datetime(2026, 1, 1, tzinfo=UTC)
    windows = backfill(campaign, start, start + timedelta(hours=items), by="week", parallel=2)
    return [window.summary for window in windows]


if __name__ == "__main__":
    main()
