"""Drawn pictures with posts whose topic, scene and sentiment are known, seen by the starter models; once for all."""

from dataclasses import dataclass, replace

import pytest

from components.features.models import Models, load_models
from components.measures.batch import Batch
from components.records import Post
from components.specs import FeatureSpec
from tests.measures.posts import a_batch, a_post

SEED = 9_700_000
"""Of pictures that no starter model was trained or measured on."""
SCENES = (
    "beach", "mountains", "forest", "snow", "desert", "field", "lake", "harbour", "city by day", "city by night",
    "stadium", "kitchen", "cafe", "concert",
)  # fmt: skip
EACH = 6


@pytest.fixture(scope="session")
def models() -> Models:
    return load_models(FeatureSpec())


@dataclass(frozen=True)
class Drawn:
    """A post per picture, made of the picture's own caption and text; `asked` are the picture's true labels."""

    batch: Batch

    def under_other_pictures(self) -> Batch:
        """Each post under the picture of the next scene."""
        posts = list(self.batch.posts)
        moved = {post.prompt_id: posts[(at + EACH) % len(posts)].prompt_id for at, post in enumerate(posts)}
        return replace(self.batch, item_of=moved)


@pytest.fixture(scope="session")
def drawn(models: Models) -> Drawn:
    import torch

    from components.drawings.drawing import draw

    drawings = [draw(SEED + 100 * n + k, size=160, scene=scene) for n, scene in enumerate(SCENES) for k in range(EACH)]
    posts: list[Post] = []
    asked = {}
    for n, one in enumerate(drawings):
        posts.append(a_post(n, f"{one.text} {one.captions[0].capitalize()}."))
        asked[posts[-1].prompt_id] = {"topic": one.plan.topic, "scene": one.plan.scene, "sentiment": one.plan.sentiment}
    seen = torch.stack([models.clip.prepare(one.image) for one in drawings])
    vectors = torch.cat([models.clip.pictures(part) for part in seen.split(32)]).tolist()
    pictures = [(post.prompt_id, post.prompt_id, vector) for post, vector in zip(posts, vectors, strict=True)]
    return Drawn(a_batch(posts, asked, pictures))
