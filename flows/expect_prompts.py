"""For a plan: the prompts that a run would build, before any model has looked at the items."""

from collections.abc import Sequence

from components.prompts import build
from components.records import Feature, Item, Prompt
from components.specs import Campaign
from flows.judge_posts import HasFeatures

PLACEHOLDERS = {
    "caption": ["two red sailboats on a calm beach in the morning"],
    "topic": ["travel"],
    "sentiment": ["positive"],
    "scene": ["beach"],
    "keyword": ["sailboat", "beach", "morning", "weekend", "harbour", "summer"],
}
"""As long as what the starter and the pretrained captioner say on average (8 to 12 words)."""


def expected_prompts(
    unseen: Sequence[Item], unprompted: Sequence[Item], store: HasFeatures, campaign: Campaign
) -> list[Prompt]:
    """Prompts from the features that are there, and from placeholders where none are."""
    spec_id = campaign.features.id
    features = store.features([item.item_id for item in unprompted], spec_id)
    for item in unseen:
        names = (
            PLACEHOLDERS
            if item.image_path
            else {k: v for k, v in PLACEHOLDERS.items() if k not in ("caption", "scene")}
        )
        features[item.item_id] = [
            Feature(
                feature_id=f"{item.item_id} {name} {rank}",
                item_id=item.item_id,
                spec_id=spec_id,
                name=name,
                rank=rank,
                text=text,
                score=0.9,
                model="",
            )
            for name, texts in names.items()
            for rank, text in enumerate(texts)
        ]
    prompts, _ = build([*unprompted, *unseen], features, campaign.prompt)
    return prompts
