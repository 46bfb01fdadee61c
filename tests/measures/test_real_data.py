"""Real tweets as posts: their dirt breaks nothing, and what is found in them is found for a reason."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from components.features.models import Models
from components.measures import Measuring
from components.records import Post
from components.specs import FeatureSpec, MeasureSpec
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
    insult = a_post(len(posts), "You are a fucking idiot and everybody hates you.")
    posts.append(insult)
    rows = Measuring(a_batch(posts), MeasureSpec(references=10), FeatureSpec())(posts, NOW)
    verdict = validate("measures", pd.DataFrame([row.row() for row in rows]), chunk_id="c", run_id="r", now=NOW)
    assert not verdict.stop, [row for row in verdict.results if not row.success and row.severity == "stop"]
    assert {row.error for row in rows if row.name == "clip"} == {"no_picture"}
    assert sum(row.value is None for row in rows if row.name == "reading_ease") < 0.1 * len(posts)


def test_few_tweets_of_companies_and_the_famous_are_rude_or_give_an_address_away() -> None:
    """Measured: of 5,255 ten hold personal data, all rightly (an e-mail address, a phone number, a street), and 23 are
    called toxic, of which most are rude and some only swear."""
    posts = tweets(10**6)
    rows = Measuring(a_batch(posts), MeasureSpec(families=("safety",)), FeatureSpec())(posts, NOW)
    values = {name: [row.value or 0 for row in rows if row.name == name] for name in ("pii", "toxicity")}
    assert 5 <= sum(value > 0 for value in values["pii"]) <= 20
    assert 10 <= sum(value >= 0.8 for value in values["toxicity"]) <= 60
