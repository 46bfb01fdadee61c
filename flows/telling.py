"""Captions that a language model tells: bought by chunk, and merged with those of the captioner by what CLIP thinks.

A model that declines or answers something that is no caption leaves the captioner's: that is kept in `quarantine`. One
that cannot be reached (for now) leaves the item without features, so that the next run asks again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from prefect import task
from prefect.cache_policies import NO_CACHE

from components.features import load_models
from components.features.caption_merging import merge_captions
from components.features.told_captions import (
    Told,
    alt_text_requests,
    caption_requests,
    fusion_pairs,
    fusion_requests,
    read_alt_texts,
    read_captions,
    read_fusions,
)
from components.prompts import language_name, load_platform
from components.records import Feature, Item, Prompt, Quarantine
from components.specs import Budget, FeatureSpec, GenerationSpec
from flows.buying import TRIED_AGAIN, Buyer
from flows.caching import frozen
from flows.progress import say
from flows.settings import Settings
from flows.stopping import run_async


@dataclass
class Tellings:
    """A chunk's rows with what was told, without those of items that are to be asked about again."""

    features: list[Feature]
    quarantine: list[Quarantine] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    bought: int = 0
    reused: int = 0


@task(task_run_name="tell {chunk}", cache_policy=NO_CACHE)
def tell_chunk(
    spec: FeatureSpec,
    spec_id: str,
    chunk: str,
    items: Sequence[Item],
    features: Sequence[Feature],
    budget: Budget,
    run_id: str,
    purse: str,
) -> Tellings:
    """Buy the captions of one chunk and merge them. No retries here: the engine of calls has the only retry layer."""
    if spec.told is None:
        return Tellings(list(features))
    settings = Settings.from_environment()
    buyer, found = Buyer(settings, spec.told, budget, run_id, purse), Tellings(list(features))
    with frozen(spec, spec_id):
        if spec.told.caption:
            seen = {row.item_id for row in features}
            asked = caption_requests([item for item in items if item.item_id in seen], spec.told)
            outcomes = run_async(lambda: buyer(asked.requests))
            merge(found, read_captions(asked.items, outcomes), spec, items, settings)
            unsent = [
                Told(item_id=item.item_id, state=error.reason, detail=error.detail) for item, error in asked.unsent
            ]
            merge(found, unsent, spec, items, settings)
        if spec.told.fuse:
            pairs = fusion_pairs(found.features)
            fusions = fusion_requests(pairs, spec.told)
            outcomes = run_async(lambda: buyer(fusions))
            merge(found, read_fusions(pairs, outcomes), spec, items, settings)
    found.bought, found.reused = buyer.bought, buyer.reused
    return found


def merge(found: Tellings, told: Sequence[Told], spec: FeatureSpec, items: Sequence[Item], settings: Settings) -> None:
    """Into `found`: captions join the others, refusals are told, items that could not be asked about wait."""
    by_id = {item.item_id: item for item in items}
    model = f"told/{spec.told.model if spec.told else ''}"
    texts = {one.item_id: (one.text, model) for one in told if one.text}
    found.features = merge_captions(found.features, texts, spec, load_models(spec, settings.models), by_id)
    for one in told:
        if one.text:
            continue
        found.failed[one.state] += 1
        if one.state in TRIED_AGAIN:
            found.features = [row for row in found.features if row.item_id != one.item_id]
        else:
            found.quarantine.append(refused(by_id[one.item_id], one, spec))


def tell_alt_texts(
    spec: GenerationSpec,
    prompts: Sequence[Prompt],
    items: Mapping[str, Item],
    captions: Mapping[str, str],
    buyer: Buyer,
) -> dict[str, str]:
    """Item -> what the writer says of its picture, in the posts' language and within the platform's limit. Where it
    declines or cannot be reached the captions' alternative text is used, and that is said."""
    sql = "SELECT params->>'$.language' AS language FROM specs WHERE spec_id = $id"
    found = buyer.settings.store().query(sql, {"id": prompts[0].spec_id})
    language = language_name(found[0]["language"] if found else "en")
    limit = load_platform(prompts[0].platform).alt_text.limit
    asked = alt_text_requests(list(items.values()), captions, spec, limit, language)
    outcomes = run_async(lambda: buyer(asked.requests))
    told = read_alt_texts(asked.items, outcomes, limit)
    if missing := Counter(one.state for one in told if not one.text) + Counter(e.reason for _, e in asked.unsent):
        states = ", ".join(f"{n} x {state}" for state, n in sorted(missing.items()))
        say(f"alternative texts from captions instead: {states}")
    return {one.item_id: one.text for one in told if one.text}


def refused(item: Item, told: Told, spec: FeatureSpec) -> Quarantine:
    """An answer that is no caption; the item goes on with those of the captioner."""
    return Quarantine(
        quarantine_id=Quarantine.make_id(spec.step, item.dataset, item.source_uri, spec.id, f"caption {told.state}"),
        step=spec.step,
        dataset=item.dataset,
        source_uri=item.source_uri,
        stamp=item.stamp,
        image_path=item.image_path,
        item_id=item.item_id,
        reason=f"caption_{told.state}",
        detail=told.detail or "the reply is no caption; those of the captioner are used",
        at=datetime.now(UTC),
    )
