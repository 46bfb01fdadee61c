"""Real posts and pictures, with all their dirt: every input is an item or a quarantine row, and posts come out."""

import csv
from pathlib import Path

import pytest

from components.specs import Campaign
from flows.pipeline import pipeline
from flows.settings import Settings

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "real"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not REAL.is_dir(), reason=f"the real posts are not at {REAL}"),
]


def inputs(path: Path) -> int:
    """What an independent reader counts: files of a folder of pictures, records of csv files."""
    files = sorted(path.glob("*")) if path.is_dir() else [path]
    if any(file.suffix in (".jpeg", ".jpg") for file in files):
        return len(files)
    total = 0
    for file in files:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            total += sum(1 for _ in csv.DictReader(lines))
    return total


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("instagram", "images/image_compressed_taylorswift"),
        ("folder", "images/officialcaptainamerica"),
        ("x_export", "tweets/TwExportly_deepseek_ai_tweets_2025_01_30.csv"),
    ],
)
def test_every_real_input_is_accounted_for_and_posts_are_judged(home: Settings, source: str, place: str) -> None:
    campaign = Campaign.model_validate(
        {"name": "real", "dataset": {"source": source, "path": REAL / place, "name": "real"}}
    )
    summary = pipeline(campaign, limit=6)
    store = home.store()
    (items,) = store.query("SELECT count(*) AS n FROM items")
    (refused,) = store.query("SELECT count(*) AS n FROM quarantine WHERE step = 'ingest_items'")
    assert items["n"] + refused["n"] == inputs(REAL / place)
    assert (summary.state, summary.scores["posts"], summary.scores["judged"]) == ("done", 6, 6)
    assert all(row["reason"] and row["detail"] for row in store.query("SELECT reason, detail FROM quarantine"))
