"""Context learned from a few examples: better than names alone on planted and drawn pictures, same seed same answer."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from components.errors import UserError
from components.features import load_models
from components.features.clip import Clip
from components.learning.few_shot import choose_shots, learn_context
from components.specs import FeatureSpec
from tests.features.tiny_models import make_clip

NAMES = ["beach", "cafe", "forest", "city by night"]


@pytest.fixture(scope="module")
def clip() -> Clip:
    return load_models(FeatureSpec(models="starter", device="cpu")).clip


def planted(clip: Clip, template: str, n: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Pictures that lie, with noise, where the tower puts `template` about each name: what a context can say."""
    dice = np.random.default_rng(seed)
    middles = clip.texts([template.format(name) for name in NAMES]).numpy()
    # Only what tells the classes apart, and something that all share and that leads away from the names alone.
    away = clip.texts(["a red bus and two yellow taxis in thick fog"]).numpy()
    targets = np.tile(np.arange(len(NAMES)), n)
    rows = middles[targets] + 2 * away + dice.normal(0, 0.1, (len(targets), middles.shape[1]))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), targets


def test_without_a_step_it_is_clip_without_training(clip: Clip) -> None:
    rows, targets = planted(clip, "{}", 2, 0)
    learned = learn_context(clip, NAMES, rows, targets, steps=0)
    assert learned.centres == pytest.approx(clip.texts([f"a photo of a {name}" for name in NAMES]).numpy(), abs=1e-5)
    assert learned.losses == ()


def test_a_context_improves_on_names_alone(clip: Clip) -> None:
    seen, targets = planted(clip, "two {} under an umbrella at sunset", 8, 1)
    asked, wanted = planted(clip, "two {} under an umbrella at sunset", 200, 2)
    right = [
        float((learn_context(clip, NAMES, seen, targets, steps=steps).probabilities(asked).argmax(1) == wanted).mean())
        for steps in (0, 60)
    ]
    assert right[0] < 0.6 and right[1] > 0.95


def test_the_tower_stays_as_it_was_and_the_answer_is_the_same_again(clip: Clip) -> None:
    rows, targets = planted(clip, "a {}", 3, 3)
    before = clip.texts(NAMES)
    first = learn_context(clip, NAMES, rows, targets, steps=10)
    again = learn_context(clip, NAMES, rows, targets, steps=10)
    assert (first.context == again.context).all() and first.losses == again.losses
    assert torch.equal(clip.texts(NAMES), before)
    model, _ = clip.text_tower
    assert all(parameter.grad is None for parameter in model.parameters())
    assert first.losses[-1] < first.losses[0]


def test_an_open_clip_of_the_hubs_layout_learns_too(tmp_path: Path) -> None:
    make_clip(tmp_path / "clip")
    other = Clip(tmp_path / "clip", torch.device("cpu"), torch.float32)
    dice = np.random.default_rng(0)
    rows = dice.normal(size=(8, 32)).astype(np.float32)
    targets = np.tile([0, 1], 4)
    names = ["a dog!", "an extremely long name " * 9]
    zero = learn_context(other, names, rows, targets, steps=0)
    # The second is cut where the tower ends, its closing sign is kept: as the tokenizer itself cuts.
    assert zero.centres == pytest.approx(other.texts([f"a photo of a {name}" for name in names]).numpy(), abs=1e-5)
    learned = learn_context(other, names, rows, targets, steps=30)
    assert learned.losses[-1] < learned.losses[0]


def test_a_tower_of_another_kind_is_refused_in_words(clip: Clip) -> None:
    class Other:
        text_tower = (type("Model", (), {"text": object()})(), None)

    other: Any = Other()
    with pytest.raises(UserError, match="few_shot: this CLIP's text tower is not open_clip's own transformer"):
        learn_context(other, NAMES, np.zeros((1, 4), np.float32), np.zeros(1, np.int64))
    with pytest.raises(UserError, match="too few for"):
        learn_context(clip, NAMES, np.zeros((1, 128), np.float32), np.zeros(1, np.int64), start="snow " * 60)


def test_shots_are_drawn_per_class_by_the_seed() -> None:
    targets = np.array([0] * 50 + [1] * 2 + [-1] * 20 + [2] * 9)
    chosen = choose_shots(targets, 4, seed=0)
    assert np.bincount(targets[chosen]).tolist() == [4, 2, 4] and (targets[chosen] >= 0).all()
    assert chosen.tolist() == choose_shots(targets, 4, seed=0).tolist() != choose_shots(targets, 4, seed=1).tolist()


@pytest.mark.slow
def test_sixteen_shots_beat_clip_without_training_on_drawn_scenes(clip: Clip) -> None:
    from PIL import Image

    from components.drawings.drawing import draw

    drawings = [draw(seed, 160) for seed in range(20_000_000, 20_000_400)]
    scenes = sorted({drawing.plan.scene for drawing in drawings})
    targets = np.array([scenes.index(drawing.plan.scene) for drawing in drawings])
    images: list[Image.Image] = [drawing.image.convert("RGB") for drawing in drawings]
    rows = np.concatenate(
        [clip.pictures(torch.stack([clip.prepare(i) for i in images[s : s + 32]])).numpy() for s in range(0, 400, 32)]
    )
    train, test = np.arange(250), np.arange(250, 400)

    def right(shots: int, steps: int, seed: int) -> float:
        chosen = train[choose_shots(targets[train], shots, seed)]
        learned = learn_context(clip, scenes, rows[chosen], targets[chosen], steps=steps)
        return float((learned.probabilities(rows[test]).argmax(1) == targets[test]).mean())

    before = right(1, 0, 0)
    after = [right(16, 100, seed) for seed in (0, 1)]
    assert before > 0.5 and min(after) > before + 0.1, (before, after)
