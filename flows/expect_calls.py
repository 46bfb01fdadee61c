"""For a plan: what language models would be asked about pictures, in captions, their fusions and alternative texts."""

from collections.abc import Mapping, Sequence, Set

from components.chat import ChatRequest
from components.features.told_captions import alt_text_requests, caption_requests, fusion_requests
from components.prompts import language_name, load_platform
from components.records import Item, Prompt
from components.specs import Campaign, ChatSpec, FeatureSpec
from components.warehouse.store import Store
from flows.expect_prompts import PLACEHOLDERS
from flows.generate_posts import materials


def telling_requests(
    unseen: Sequence[Item], features: FeatureSpec
) -> list[tuple[str, ChatSpec, Sequence[ChatRequest]]]:
    """What a language model would be asked about the pictures; fusions are counted with captions of typical length."""
    told, found = features.told, list[tuple[str, ChatSpec, Sequence[ChatRequest]]]()
    if told is None:
        return found
    pictured = [item for item in unseen if item.image_path]
    if told.caption:
        found.append(("caption", told, caption_requests(pictured, told).requests))
    if told.fuse:
        one, other = PLACEHOLDERS["caption"][0], PLACEHOLDERS["caption"][0][::-1]
        pairs = [(item.item_id, f"{one} {n}", other) for n, item in enumerate(pictured)]
        found.append(("fuse_captions", told, fusion_requests(pairs, told)))
    return found


def alt_text_stage(
    prompts: Sequence[Prompt], items: Mapping[str, Item], unseen: Set[str], campaign: Campaign, store: Store
) -> list[tuple[str, ChatSpec, Sequence[ChatRequest]]]:
    """What the writer would be asked about pictures: with their captions, or one of typical length where none can be
    known yet (`unseen`: item ids)."""
    spec = campaign.generation
    if spec.alt_text != "model" or not prompts:
        return []
    shown = {prompt.item_id: items[prompt.item_id] for prompt in prompts}
    _, captions, _ = materials(store, prompts)
    captions |= dict.fromkeys(shown.keys() & unseen, PLACEHOLDERS["caption"][0])
    limit = load_platform(campaign.prompt.platform).alt_text.limit
    language = language_name(campaign.prompt.language)
    return [("alt_text", spec, alt_text_requests(list(shown.values()), captions, spec, limit, language).requests)]
