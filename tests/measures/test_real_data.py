"""Real tweets as posts: their dirt breaks nothing, and what is found in them is found for a reason."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from components.features.models import Models
from components.measures import Measuring
from components.records import Post
from components.spec import FeatureSpec, MeasureSpec
from data_checks.validate import validate
from tests.measures.posts import a_batch, a_post

TWEETS = Path(__file__).parents[3] / "shared/data/real/tweets"
NOW = datetime(2026, 11, 20, tzinfo=UTC)
EACH = 40


def tweets(each: int) -> list[Post]:
    if not TWEETS.is_dir():
        pytest.skip(f"no real data in {TWEETS}")
    csv.field_size_limit(10**7)
    texts = []
    for file in sorted(TWEETS.glob("*.csv")):
        with file.open(encoding="utf-8-sig", newline="") as lines:
            texts += [row["text"] for row in csv.DictReader(lines) if row["text"].strip()][:each]
    return [a_post(n, text) for n, text in enumerate(texts)]


def test_tweets_are_measured_and_pass_the_suite(models: Models) -> None:
    posts = tweets(EACH)
    rows = Measuring(a_batch(posts), MeasureSpec(references=10), FeatureSpec())(posts, NOW)
    verdict = validate("measures", pd.DataFrame([row.row() for row in rows]), chunk_id="c", run_id="r", now=NOW)
    assert not verdict.stop, [row for row in verdict.results if not row.success and row.severity == "stop"]
    texts = {post.post_id: post.text or "" for post in posts}
    of = {name: [row for row in rows if row.name == name] for name in ("toxicity", "pii", "reading_ease", "clip")}
    assert {row.error for row in of["clip"]} == {"no_picture"}
    assert sum(row.value is None for row in of["reading_ease"]) < 0.1 * len(posts)
    assert sum((row.value or 0) > 0 for row in of["pii"]) <= 0.02 * len(posts), "accounts of companies and the famous"
    worst = max(of["toxicity"], key=lambda row: row.value or 0)
    assert (worst.value or 0) > 0.8 and texts[worst.post_id]
