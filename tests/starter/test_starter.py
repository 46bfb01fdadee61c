"""The shipped starter models, measured again on drawings with seeds nobody trained on."""

from pathlib import Path

import pytest

from components.starter.card import PARTS, TARGETS, megabytes, read_card
from components.starter.evaluate import SHIPPED, Figure, evaluate, scene_named

MARGIN = 0.01
"""How far a figure on a thousand drawings may lie under its target: a standard error of a share of 0.9."""


@pytest.fixture(scope="module")
def some() -> dict[str, Figure]:
    return evaluate(SHIPPED, 200, start=200_000)  # beyond the seeds of the card


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TARGETS))
def test_the_card_holds_on_fresh_drawings(some: dict[str, Figure], name: str) -> None:
    card = read_card(SHIPPED)["figures"][name]
    assert some[name]["high"] >= card["low"] and some[name]["low"] <= card["high"]


@pytest.fixture(scope="module")
def figures() -> dict[str, Figure]:
    return evaluate(SHIPPED, 1000, start=201_000)


@pytest.mark.drill
@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_thousand_fresh_drawings_reach_the_targets_and_the_card_holds(figures: dict[str, Figure], name: str) -> None:
    card = read_card(SHIPPED)["figures"][name]
    assert figures[name]["value"] >= TARGETS[name] - MARGIN
    assert figures[name]["high"] >= card["low"] and figures[name]["low"] <= card["high"]


@pytest.mark.drill
def test_clip_keeps_a_caption_at_least_as_good_as_the_first(figures: dict[str, Figure]) -> None:
    assert figures["kept_caption_scene"]["value"] >= figures["first_caption_scene"]["value"] - 0.02


def test_the_models_ship_in_under_twelve_megabytes() -> None:
    sizes = megabytes(SHIPPED)
    assert sum(sizes.values()) < 12
    assert all(sizes[part] > 0 for part in PARTS)


def test_the_card_states_what_is_shipped() -> None:
    card = read_card(SHIPPED)
    assert card["megabytes"] == megabytes(SHIPPED)
    text = (SHIPPED / "CARD.md").read_text(encoding="utf-8")
    for must in ("drawn pictures only", "MIT", card["facts"]["train_seeds"], f"{sum(card['megabytes'].values()):.2f}"):
        assert must in text, must
    for name, target in TARGETS.items():
        assert card["figures"][name]["value"] >= target, name
        assert card["figures"][name]["n"] >= 1000, name


def test_weights_are_half_precision_on_disk_and_full_in_memory() -> None:
    import torch
    from safetensors import safe_open
    from transformers import AutoModel

    with safe_open(Path(SHIPPED) / "picture_encoder" / "model.safetensors", "pt") as weights:
        assert {weights.get_slice(key).get_dtype() for key in weights.keys()} == {"F16"}  # noqa: SIM118
    model, report = AutoModel.from_pretrained(SHIPPED / "picture_encoder", output_loading_info=True)
    assert model.dtype == torch.float32
    assert not report["missing_keys"] and not report["mismatched_keys"]


def test_every_caption_of_a_drawing_names_its_scene() -> None:
    import numpy as np

    from components.drawings.captions import captions
    from components.drawings.plan import plan

    for seed in range(8_900_000, 8_900_600):
        made = plan(seed)
        for caption in captions(made, np.random.default_rng(seed)):
            assert scene_named(caption) == made.scene, caption
