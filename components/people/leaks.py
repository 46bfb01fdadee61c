"""Which items must not be trained on: those that something is measured on, and whatever is nearly the same.

A writer that was tuned on an item, or on its near-duplicate, looks better on it than it is. What counts as nearly the
same is said in components/learning/near_duplicates.py: pictures by their hashes, texts by their shingles.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from components.errors import UserError
from components.learning.near_duplicates import Hashes, near_duplicate_clusters, perceptual_hashes, text_key
from components.learning.spec import SplitRule
from components.records import Example, Item

MEASURED, NEAR, SHARE, SAYS = "evaluation_item", "near_an_evaluation_item", "held_out_share", "says_an_evaluation_text"


@dataclass(frozen=True, slots=True)
class HeldOut:
    """`reasons`: item -> why it is left out. `texts`: texts of evaluation items, as they are compared."""

    reasons: Mapping[str, str]
    texts: Collection[str] = field(default_factory=frozenset)

    def why(self, item_id: str, output: str) -> str | None:
        """Why a training row with this output cannot be; None where it can."""
        if item_id in self.reasons:
            return self.reasons[item_id]
        return SAYS if text_key(output, with_picture=True) in self.texts else None


def hold_out(items: Sequence[Item], measured: Sequence[Example], share: float = 0.0) -> HeldOut:
    """`items`: those that would be trained on. `measured`: what something is measured on, whose ids are item ids where
    they are items. `share`: of all clusters of near-duplicates, this share is left out too, always the same ones."""
    known = {example.example_id for example in measured}
    examples = [*measured, *(as_example(item) for item in items if item.item_id not in known)]
    clusters = near_duplicate_clusters(examples, hashes_of(examples), [], SplitRule()) if examples else []
    of = {example.example_id: cluster for example, cluster in zip(examples, clusters, strict=True)}
    taken = {of[example_id] for example_id in known}
    reasons: dict[str, str] = {}
    for item in items:
        if item.item_id in known:
            reasons[item.item_id] = MEASURED
        elif of[item.item_id] in taken:
            reasons[item.item_id] = NEAR
        elif _lot(of[item.item_id]) < share:
            reasons[item.item_id] = SHARE
    texts = {key for example in measured if (key := text_key(example.text, with_picture=True)) is not None}
    return HeldOut(reasons, texts)


def as_example(item: Item) -> Example:
    return Example(
        example_id=item.item_id, dataset=item.dataset, source_uri=item.source_uri, image_path=item.image_path,
        sha256=item.sha256, text=item.text, author=item.author, labels="{}",
    )  # fmt: skip


def hashes_of(examples: Sequence[Example]) -> dict[str, Hashes]:
    """Of all pictures that can be opened. One that is gone or changed is told by its bytes' hash and its text alone."""
    there = [example for example in examples if example.image_path and Path(example.image_path).is_file()]
    try:
        return perceptual_hashes(there)
    except UserError:
        found: dict[str, Hashes] = {}
        for example in there:
            try:
                found |= perceptual_hashes([example])
            except UserError:
                continue
        return found


def _lot(cluster: str) -> float:
    return int.from_bytes(hashlib.sha256(f"held out {cluster}".encode()).digest()[:6], "big") / 2**48
