"""Settles what examples say of the same content, once all are read: chunks are read apart and know only themselves."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from components.items.values import shown
from components.learning.spec import TrainingSpec
from components.records import Example, Quarantine


def settle(examples: Iterable[Example], now: datetime) -> tuple[list[Example], list[Quarantine]]:
    """The examples to learn from, in their order, and a row for each that is kept out.

    Same content (picture bytes and text, whatever the dataset) with labels that contradict each other: all of these are
    kept out (`conflicting_labels`), as nobody knows which is right. With labels that another has too: the first is kept
    (`duplicate`). With labels of other tasks: both are kept, each teaches its own.
    """
    listed = list(examples)
    groups: dict[tuple[str | None, str], list[int]] = defaultdict(list)
    for place, example in enumerate(listed):
        groups[example.sha256, example.text].append(place)
    out: dict[int, tuple[str, str]] = {}
    for places in groups.values():
        if len(places) > 1:
            out |= _settle_group(listed, places)
    kept = [example for place, example in enumerate(listed) if place not in out]
    refused = [_keep_out(listed[place], *out[place], now) for place in sorted(out)]
    return kept, refused


def _settle_group(listed: Sequence[Example], places: Sequence[int]) -> dict[int, tuple[str, str]]:
    labels = {place: json.loads(listed[place].labels) for place in places}
    out: dict[int, tuple[str, str]] = {}
    for task in sorted({task for found in labels.values() for task in found}):
        # The first place of each value: a placeholder picture may stand for thousands of examples.
        first: dict[str | float, int] = {}
        for place in places:
            if task in labels[place]:
                first.setdefault(labels[place][task], place)
        if len(first) < 2:
            continue
        (one, here), (two, there) = list(first.items())[:2]
        for place in (place for place in places if task in labels[place]):
            mine = labels[place][task]
            theirs, where = (two, there) if mine == one else (one, here)
            detail = (
                f"{task} is {shown(mine)} here and {shown(theirs)} at {listed[where].source_uri} of the same content"
            )
            out.setdefault(place, ("conflicting_labels", f"{detail}; correct one or delete the other"))
    kept: list[int] = []
    for place in sorted(
        (place for place in places if place not in out), key=lambda place: (-len(labels[place]), place)
    ):
        same = next((first for first in kept if labels[place].items() <= labels[first].items()), None)
        if same is None:
            kept.append(place)
        else:
            out[place] = "duplicate", f"the same content as {listed[same].source_uri}, labelled alike; nothing to do"
    return out


def _keep_out(example: Example, reason: str, detail: str, at: datetime) -> Quarantine:
    """The example's id stands for a stamp: what is kept out is this content with these labels."""
    step = TrainingSpec.step
    return Quarantine(
        quarantine_id=Quarantine.make_id(step, example.dataset, example.source_uri, example.example_id, reason),
        step=step,
        dataset=example.dataset,
        source_uri=example.source_uri,
        stamp=example.example_id,
        image_path=example.image_path,
        reason=reason,
        detail=detail,
        at=at,
    )
