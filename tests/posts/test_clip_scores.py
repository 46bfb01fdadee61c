"""A candidate's nearness to its picture, by the starter set's CLIP: the caption's own picture wins."""

from datetime import UTC, datetime

import pytest

from components.drawings.drawing import draw
from components.features import load_models
from components.features.models import Models, passes
from components.posts import with_clip_scores
from components.posts.clip_scores import BATCH, readable
from components.records import Post
from components.specs import FeatureSpec

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def models() -> Models:
    return load_models(FeatureSpec())


@pytest.fixture(scope="module")
def pictures(models: Models) -> dict[str, list[float]]:
    """prompt_id -> the vector of a drawn scene, rounded as the warehouse has it."""
    import torch

    scenes = ("beach", "forest", "kitchen", "concert")
    seen = [models.prepare(draw(9_600_000 + n, size=192, scene=s).image)["clip"] for n, s in enumerate(scenes)]
    vectors = models.clip.pictures(torch.stack(seen))
    return {s: [round(float(x), 6) for x in row] for s, row in zip(scenes, vectors, strict=True)}


def post(prompt: str, candidate: int, text: str | None) -> Post:
    return Post(
        post_id=f"{prompt}{candidate}", prompt_id=prompt, spec_id="g", candidate=candidate, platform="x", text=text,
        created_at=NOW,
    )  # fmt: skip


def test_a_pictures_own_caption_is_nearest(models: Models, pictures: dict[str, list[float]]) -> None:
    said = {scene: draw(9_600_000 + n, size=192, scene=scene).captions[0] for n, scene in enumerate(pictures)}
    posts = [post(scene, n, text) for scene in pictures for n, text in enumerate(said.values())]
    found = with_clip_scores(posts, pictures, models)
    assert all(row.clip_score is not None and -1 <= row.clip_score <= 1 for row in found)
    for at, scene in enumerate(pictures):
        of_scene = [row.clip_score or 0 for row in found if row.prompt_id == scene]
        assert of_scene.index(max(of_scene)) == at, (scene, of_scene)


def test_without_picture_or_words_there_is_no_score(models: Models, pictures: dict[str, list[float]]) -> None:
    posts = [post("beach", 0, None), post("beach", 1, "#sun #sea https://a.example"), post("text only", 0, "A boat.")]
    before = sum(passes.values())
    assert [row.clip_score for row in with_clip_scores(posts, pictures, models)] == [None, None, None]
    assert sum(passes.values()) == before


def test_hashtags_links_and_what_follows_77_tokens_change_nothing(
    models: Models, pictures: dict[str, list[float]]
) -> None:
    words = "a calm sea and a yellow beach " * 20
    texts = ["A calm sea.", "A calm sea. #one #two https://a.example/x", words, words + "a kitchen with a red table"]
    found = [
        row.clip_score for row in with_clip_scores([post("beach", n, t) for n, t in enumerate(texts)], pictures, models)
    ]
    assert found[0] == found[1] and found[2] == found[3] and found[0] != found[2]
    assert readable("See #Kyiv  now: https://a.example/x") == "See now:"


def test_what_is_scored_stays_and_batches_do_not_matter(models: Models, pictures: dict[str, list[float]]) -> None:
    many = [post("beach", n, f"A calm sea with {n} boats.") for n in range(BATCH + 3)]
    scored = with_clip_scores(many, pictures, models)
    [alone] = with_clip_scores(many[-1:], pictures, models)
    assert alone.clip_score == pytest.approx(scored[-1].clip_score, abs=2e-5)
    before = sum(passes.values())
    assert with_clip_scores(scored, pictures, models) == scored and sum(passes.values()) == before
