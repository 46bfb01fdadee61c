"""Trains the picture encoder: a ViT that learns everything a plan says about its picture.

The side tasks (light, weather, subject, colour, count) make its vector hold more than the three labels the network
predicts; their heads are dropped. Its weights also start the captioner's encoder and CLIP's picture tower.
"""

from pathlib import Path
from typing import Any

import numpy as np

from components.drawings.vocabulary import LIGHTS, SCENES, SENTIMENTS, SUBJECTS, TOPICS, WEATHERS
from components.starter.data import Drawn
from components.starter.training import (
    SIDE,
    Track,
    Trainer,
    augmented,
    batches,
    half_precision,
    resized,
    save_half,
    save_processor,
    steps_of,
)

WIDTH, LAYERS, HEADS, MLP, PATCH = 160, 4, 5, 480, 14
_ALL_SUBJECTS = tuple(sorted({s.name for group in SUBJECTS.values() for s in group}))
_ALL_COLOURS = tuple(sorted({c for group in SUBJECTS.values() for s in group for c in s.colours}))
_ALL_COUNTS = tuple(sorted({c for group in SUBJECTS.values() for s in group for c in s.counts}))
TASKS: dict[str, tuple[Any, ...]] = {
    "scene": SCENES, "topic": TOPICS, "sentiment": SENTIMENTS, "light": LIGHTS, "weather": WEATHERS,
    "subject": _ALL_SUBJECTS, "colour": _ALL_COLOURS, "count": _ALL_COUNTS,
}  # fmt: skip
_WEIGHTS = {
    "scene": 1.0,
    "topic": 0.5,
    "sentiment": 0.3,
    "light": 0.5,
    "weather": 0.5,
    "subject": 1.5,
    "colour": 1.0,
    "count": 0.5,
}


def vit_config() -> Any:
    from transformers import ViTConfig

    return ViTConfig(
        hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS, intermediate_size=MLP, image_size=SIDE,
        patch_size=PATCH, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, layer_norm_eps=1e-5,
    )  # fmt: skip


def train_picture_encoder(
    train: Drawn, validation: Drawn, folder: Path, epochs: float, seed: int, track: Track, batch: int = 96
) -> dict[str, float]:
    """Writes the encoder; returns the accuracy of each task on the validation pictures."""
    import torch
    from torch import nn
    from torch.nn import functional as F
    from transformers import ViTModel

    torch.manual_seed(seed)
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    model = ViTModel(vit_config())
    heads = nn.ModuleDict({name: nn.Linear(WIDTH, len(labels)) for name, labels in TASKS.items()})
    answers = {name: torch.from_numpy(train.labels(name, labels)) for name, labels in TASKS.items()}
    steps = steps_of(len(train), batch, epochs)
    trainer = Trainer([(model, 1.5e-3), (heads, 1.5e-3)], steps)
    for step, rows in enumerate(batches(len(train), batch, epochs, rng)):
        with half_precision():
            vectors = model(pixel_values=augmented(train.pictures[rows], generator)).last_hidden_state[:, 0].float()
        losses = {
            name: F.cross_entropy(head(vectors), answers[name][rows], label_smoothing=0.05)
            for name, head in heads.items()
        }
        trainer.step(sum((_WEIGHTS[name] * loss for name, loss in losses.items()), torch.zeros(())))
        if step % 20 == 0:
            track(
                step, steps, " ".join(f"{k} {v:.2f}" for k, v in losses.items() if k in ("scene", "subject", "colour"))
            )
    model.eval()
    heads.eval()
    vectors = picture_vectors(model, validation)
    figures = {
        name: float((head(vectors).argmax(-1).numpy() == validation.labels(name, TASKS[name])).mean())
        for name, head in heads.items()
    }
    save_half(model, folder)
    save_processor(folder)
    return figures


def picture_vectors(model: Any, drawn: Drawn, generator: Any = None, batch: int = 256) -> Any:
    """The encoder's vectors (n, width): the class token of the last layer. With a generator, of augmented views."""
    import torch

    vectors = []
    with torch.inference_mode(), half_precision(generator is not None):
        for at in range(0, len(drawn), batch):
            pixels = drawn.pictures[at : at + batch]
            x = resized(pixels) if generator is None else augmented(pixels, generator)
            vectors.append(model(pixel_values=x).last_hidden_state[:, 0].float())
    return torch.cat(vectors).clone()
