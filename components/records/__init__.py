"""The rows that travel: item -> feature -> prompt -> post -> judgment, and what is written beside them.

Every id is a hash of the inputs' ids and of the spec that made the row, so a row is written once and never changes;
two runs that do the same work write the same rows.
"""

from components.records.anchors import AnchorReading
from components.records.base import Record, content_id, storable
from components.records.books import Backfill, CheckResult, Quarantine, Run
from components.records.comparisons import Comparison
from components.records.experiments import Arm
from components.records.learning import Evaluation, Example, Split
from components.records.measures import Measure
from components.records.nouns import Feature, Item, Judgment, Post, Prompt
from components.records.people import Rating, Review

__all__ = [
    "LEARNING",
    "OPINIONS",
    "TABLES",
    "AnchorReading",
    "Arm",
    "Backfill",
    "CheckResult",
    "Comparison",
    "Evaluation",
    "Example",
    "Feature",
    "Item",
    "Judgment",
    "Measure",
    "Post",
    "Prompt",
    "Quarantine",
    "Rating",
    "Record",
    "Review",
    "Run",
    "Split",
    "content_id",
    "storable",
]

TABLES: dict[str, type[Record]] = {
    "items": Item,
    "features": Feature,
    "prompts": Prompt,
    "posts": Post,
    "judgments": Judgment,
}
"""The five nouns; each has a suite in data_checks and a flow."""

LEARNING: dict[str, type[Record]] = {"examples": Example, "splits": Split, "evaluations": Evaluation}
"""What training and evaluating write; each has a suite in data_checks too."""

OPINIONS: dict[str, type[Record]] = {
    "anchor_readings": AnchorReading,
    "comparisons": Comparison,
    "measures": Measure,
    "ratings": Rating,
    "reviews": Review,
    "arms": Arm,
}
"""What is said about posts beside judgments: by other judges, by people, by measures. Each has a suite too."""
