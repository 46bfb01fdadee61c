"""Trains the text encoder, a small BERT.

It learns at once: masked words, all words of a text from its vector, which text belongs to which caption,
and topic, sentiment and scene of drawn texts and of everyday sentences. So its mean-pooled vector moves when a word
that matters is left out, which is how keywords are ranked.
"""

from pathlib import Path
from typing import Any

import numpy as np

from components.drawings.vocabulary import SCENES, SENTIMENTS, TOPICS
from components.starter.data import Drawn
from components.starter.sentences import Sentence, sentence
from components.starter.tokenizers import TEXT_TOKENS, encode, text_tokenizer
from components.starter.training import Track, Trainer, batches, half_precision, save_half, steps_of

WIDTH, LAYERS, HEADS, MLP = 128, 2, 4, 384
TASKS: dict[str, tuple[str, ...]] = {"topic": TOPICS, "sentiment": SENTIMENTS, "scene": SCENES}
SENTENCES = 12_000
TEST_SENTENCES = range(9_500_000, 9_502_000)


def train_text_encoder(
    train: Drawn, folder: Path, epochs: float, seed: int, track: Track, batch: int = 128, sentences: int = SENTENCES
) -> None:
    """Writes encoder and tokenizer."""
    import torch
    from torch import nn
    from torch.nn import functional as F
    from transformers import BertConfig, BertModel

    torch.manual_seed(seed)
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    everyday = [sentence(i) for i in range(sentences)]
    captions = [options[0] for options in train.captions]
    drawn_words = [*train.texts, *(c for options in train.captions for c in options)]
    tokenizer = text_tokenizer([*drawn_words, *(s.text for s in everyday)])
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
        intermediate_size=MLP, max_position_embeddings=TEXT_TOKENS, pad_token_id=tokenizer.pad_token_id,
        type_vocab_size=1, hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    model = BertModel(config)
    heads = nn.ModuleDict({name: nn.Linear(WIDTH, len(labels)) for name, labels in TASKS.items()})
    match, words, bag = nn.Linear(WIDTH, 64), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
    texts = encode(tokenizer, train.texts, TEXT_TOKENS)
    others = encode(tokenizer, captions, TEXT_TOKENS)
    posts = encode(tokenizer, [s.text for s in everyday], TEXT_TOKENS)
    rarity = (
        torch.bincount(torch.cat([texts, others, posts]).flatten(), minlength=len(tokenizer)).float().clamp(min=1)
        ** -0.5
    )
    rarity[:5] = 0  # special tokens say nothing
    targets, post_targets = plan_targets(train), sentence_targets(everyday)
    steps = steps_of(len(train), batch, epochs)
    trainer = Trainer([(model, 1e-3), (heads, 1e-3), (match, 1e-3), (words, 1e-3), (bag, 1e-3)], steps)
    for step, rows in enumerate(batches(len(train), batch, epochs, rng)):
        some = rng.integers(0, len(everyday), batch)
        ids = torch.cat([texts[rows], others[rows], posts[some]])
        ids = ids[:, : int((ids != 0).sum(1).max())]
        shown, hidden = mask_words(ids, tokenizer, generator)
        # Texts are short; starting some of them further on teaches the positions that only long ones reach.
        shift = torch.randint(0, TEXT_TOKENS - ids.shape[1] + 1, (len(ids), 1), generator=generator)
        shift = shift * (torch.rand(len(ids), 1, generator=generator) < 0.5)
        places = torch.arange(ids.shape[1]) + shift
        with half_precision():
            states = model(
                input_ids=shown, attention_mask=(ids != 0).long(), position_ids=places
            ).last_hidden_state.float()
        vectors = mean_pooled(states, ids)
        of_text, of_caption, of_post = vectors.split(batch)
        loss = torch.zeros(())
        for name, head in heads.items():
            of_drawn = F.cross_entropy(head(of_text), targets[name][rows])
            loss = loss + of_drawn + F.cross_entropy(head(of_post), post_targets[name][some])
            if name != "sentiment":  # captions only say what is there
                loss = loss + 0.5 * F.cross_entropy(head(of_caption), targets[name][rows])
        near = F.normalize(match(of_text), dim=-1) @ F.normalize(match(of_caption), dim=-1).T / 0.1
        same = torch.arange(batch)
        loss = loss + 0.2 * (F.cross_entropy(near, same) + F.cross_entropy(near.T, same))
        guesses = words(states[hidden]) @ model.embeddings.word_embeddings.weight.T
        masked = F.cross_entropy(guesses, ids[hidden])
        held = rarity[ids]  # the vector is to hold every word of its text, rare ones first
        recalled = bag(vectors) @ model.embeddings.word_embeddings.weight.T
        kept = (
            -(recalled.log_softmax(-1).gather(1, ids) * held / held.sum(1, keepdim=True).clamp(min=1e-6)).sum(1).mean()
        )
        trainer.step(loss + 0.3 * masked + 0.5 * kept)
        if step % 20 == 0:
            track(step, steps, f"labels {float(loss):.2f} masked {float(masked):.2f} kept {float(kept):.2f}")
    model.eval()
    save_half(model, folder)
    tokenizer.save_pretrained(folder)


def mask_words(ids: Any, tokenizer: Any, generator: Any, share: float = 0.12) -> tuple[Any, Any]:
    """Token ids with some replaced by [MASK], and where. Special tokens (the five lowest ids) are never hidden."""
    import torch

    hidden = (torch.rand(ids.shape, generator=generator) < share) & (ids > 4)
    hidden[0, 1] = True  # never an empty choice
    return ids.masked_fill(hidden, tokenizer.mask_token_id), hidden


def mean_pooled(states: Any, ids: Any) -> Any:
    """The mean over all tokens that are not padding, (n, width)."""
    there = (ids != 0).float()[:, :, None]
    return (states * there).sum(1) / there.sum(1)


def plan_targets(drawn: Drawn) -> dict[str, Any]:
    """Per task the target distribution of each drawing, (n, labels): all on one label, but for 2 %."""
    import torch
    from torch.nn import functional as F

    return {
        name: F.one_hot(torch.from_numpy(drawn.labels(name, labels)), len(labels)).float() * 0.98 + 0.02 / len(labels)
        for name, labels in TASKS.items()
    }


def sentence_targets(sentences: list[Sentence]) -> dict[str, Any]:
    """Per task the target distribution of each sentence: even where its words give nothing away."""
    import torch

    targets = {}
    for name, labels in TASKS.items():
        even = torch.full((len(sentences), len(labels)), 1 / len(labels))
        for row, s in enumerate(sentences):
            if (label := getattr(s, name)) is not None:
                even[row] = 0.04 / len(labels)
                even[row, labels.index(label)] += 0.96
        targets[name] = even
    return targets


def text_vectors(model: Any, tokenizer: Any, texts: list[str], batch: int = 256) -> Any:
    """Mean-pooled vectors (n, width)."""
    import torch

    vectors = []
    with torch.inference_mode():
        for at in range(0, len(texts), batch):
            ids = encode(tokenizer, texts[at : at + batch], TEXT_TOKENS)
            ids = ids[:, : int((ids != 0).sum(1).max())]
            states = model(input_ids=ids, attention_mask=(ids != 0).long()).last_hidden_state
            vectors.append(mean_pooled(states, ids))
    return torch.cat(vectors).clone()


def load_encoders(folder: Path) -> tuple[Any, Any, Any]:
    """Picture encoder, text encoder and its tokenizer, as the standard loaders give them."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    picture = AutoModel.from_pretrained(folder / "picture_encoder", dtype=torch.float32).eval()
    text = AutoModel.from_pretrained(folder / "text_encoder", dtype=torch.float32).eval()
    return picture, text, AutoTokenizer.from_pretrained(folder / "text_encoder")
