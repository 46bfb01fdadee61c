"""Trains the network that fuses the two encoders' vectors into topic, sentiment and scene, and calibrates it.

The encoders stay as they are: their vectors are computed once. Some rows lose their picture or their text, so that the
network learns to do without; some texts are of a kind that nothing can be read from, so that it learns to say so.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from components.features.network import NetworkConfig, PromptWordsNetwork
from components.learning.calibration import fit_temperature
from components.starter.data import Drawn
from components.starter.pictures import picture_vectors
from components.starter.sentences import sentence, strange
from components.starter.text import SENTENCES, TASKS, load_encoders, plan_targets, sentence_targets, text_vectors
from components.starter.training import Track, Trainer, batches, steps_of

VALIDATION_SENTENCES = range(9_000_000, 9_001_500)


def train_network(
    train: Drawn,
    validation: Drawn,
    encoders: Path,
    folder: Path,
    epochs: float,
    seed: int,
    track: Track,
    batch: int = 256,
    sentences: int = SENTENCES,
) -> None:
    """Writes the network. A fifth of the rows lose their picture, a fifth their text; some are sentences, text only."""
    import torch
    from torch.nn import functional as F

    picture_model, text_model, tokenizer = load_encoders(encoders)
    torch.manual_seed(seed)
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    everyday = [*(sentence(i) for i in range(sentences)), *(strange(i) for i in range(sentences // 2))]
    views = [
        picture_vectors(picture_model, train),
        *(picture_vectors(picture_model, train, generator) for _ in range(2)),
    ]
    of_text = text_vectors(text_model, tokenizer, train.texts)
    of_post = text_vectors(text_model, tokenizer, [s.text for s in everyday])
    told = has_words(train.texts)
    targets, post_targets = plan_targets(train), sentence_targets(everyday)
    network = PromptWordsNetwork(NetworkConfig(
        tasks=TASKS, picture_dim=views[0].shape[1], text_dim=of_text.shape[1],
        encoders={"picture": "picture_encoder, class token", "text": "text_encoder, mean of tokens"},
    ))  # fmt: skip
    network.module.train()
    steps = steps_of(len(train), batch, epochs)
    trainer = Trainer([(network.module, 1e-3)], steps)
    for step, rows in enumerate(batches(len(train), batch, epochs, rng)):
        some = rng.integers(0, len(everyday), batch // 2)
        pictures = torch.cat([views[step % len(views)][rows], torch.zeros(len(some), views[0].shape[1])])
        texts = torch.cat([of_text[rows], of_post[some]])
        chance = torch.rand(len(rows), generator=generator)
        has_picture = torch.cat([(chance > 0.2) | ~told[rows], torch.zeros(len(some), dtype=torch.bool)])
        has_text = torch.cat([(chance < 0.8) & told[rows], torch.ones(len(some), dtype=torch.bool)])
        logits = network(pictures, texts, has_picture, has_text)
        loss = sum(
            (F.cross_entropy(logits[t], torch.cat([targets[t][rows], post_targets[t][some]])) for t in TASKS),
            torch.zeros(()),
        )
        trainer.step(loss)
        if step % 50 == 0:
            track(step, steps, f"loss {float(loss):.3f}")
    network.module.eval()
    network.config = replace(
        network.config, temperatures=calibrate(network, validation, picture_model, text_model, tokenizer, sentences)
    )
    network.save(folder)


def has_words(texts: list[str]) -> Any:
    """Where a text says anything at all, (n,) of bool: an empty one counts as none."""
    import torch

    return torch.tensor([bool(text.strip()) for text in texts])


def calibrate(
    network: PromptWordsNetwork,
    validation: Drawn,
    picture_model: Any,
    text_model: Any,
    tokenizer: Any,
    sentences: int = SENTENCES,
) -> dict[str, dict[str, float]]:
    """The temperature of each task and presence with the least log loss on validation drawings (and sentences)."""
    import torch

    picture = picture_vectors(picture_model, validation)
    text = text_vectors(text_model, tokenizer, validation.texts)
    everyday = [sentence(i) for i in VALIDATION_SENTENCES[:sentences]]
    post = text_vectors(text_model, tokenizer, [s.text for s in everyday])
    temperatures: dict[str, dict[str, float]] = {}
    with torch.inference_mode():
        seen = {"both": network(picture, text), "picture": network(picture, None), "text": network(None, text)}
        read = network(None, post)
    told = has_words(validation.texts)
    for task, labels in TASKS.items():
        answers = torch.from_numpy(validation.labels(task, labels))
        known = [i for i, s in enumerate(everyday) if getattr(s, task) is not None]
        more = torch.tensor([labels.index(getattr(everyday[i], task)) for i in known])
        temperatures[task] = {}
        for presence, logits in seen.items():
            values, right = logits[task], answers
            if presence != "picture":
                values, right = values[told], right[told]
            if presence == "text":
                values, right = torch.cat([values, read[task][known]]), torch.cat([right, more])
            # Never below 1: sharper would fit drawings better, and make strangers' pictures and posts look certain.
            temperatures[task][presence] = round(fit_temperature(values.numpy(), right.numpy(), floor=1, ceiling=4), 3)
    return temperatures
