"""Trains the captioner: transformers' VisionEncoderDecoder, a ViT and a GPT-2 with cross attention.

The encoder starts from the picture encoder's weights and keeps learning at a lower rate; the decoder starts from
nothing.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from components.starter.data import Drawn
from components.starter.tokenizers import CAPTION_TOKENS, caption_tokenizer, encode
from components.starter.training import (
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

WIDTH, LAYERS, HEADS, MLP = 128, 2, 4, 384


def build_captioner(encoder: Any, tokenizer: Any) -> Any:
    """The model, with the ids that generation needs in its configs."""
    from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel, VisionEncoderDecoderModel

    config = GPT2Config(
        vocab_size=len(tokenizer), n_positions=CAPTION_TOKENS, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS, n_inner=MLP,
        add_cross_attention=True, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
    )  # fmt: skip
    model = VisionEncoderDecoderModel(encoder=encoder, decoder=GPT2LMHeadModel(config))
    ids = {
        "decoder_start_token_id": tokenizer.bos_token_id, "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip
    for key, value in ids.items():
        setattr(model.config, key, value)
    model.generation_config = GenerationConfig(**ids, max_length=CAPTION_TOKENS)
    return model


def train_captioner(
    train: Drawn,
    validation: Drawn,
    encoders: Path,
    folder: Path,
    epochs: float,
    seed: int,
    track: Track,
    batch: int = 96,
) -> dict[str, float]:
    """Writes the captioner; returns the loss per token on validation pictures."""
    import torch
    from transformers import AutoModel

    torch.manual_seed(seed)
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    tokenizer = caption_tokenizer([c for options in train.captions for c in options])
    encoder = AutoModel.from_pretrained(encoders / "picture_encoder", dtype=torch.float32)
    model = build_captioner(encoder, tokenizer)
    model.train()
    labels = _labels(tokenizer, train.captions)
    steps = steps_of(len(train), batch, epochs)
    rest = torch.nn.ModuleList([model.decoder, model.enc_to_dec_proj])
    trainer = Trainer([(model.encoder, 3e-4), (rest, 1.5e-3)], steps)
    for step, rows in enumerate(batches(len(train), batch, epochs, rng)):
        wanted = torch.stack([labels[r][int(rng.integers(len(labels[r])))] for r in rows])
        with half_precision():
            loss = model(pixel_values=augmented(train.pictures[rows], generator), labels=wanted).loss
        trainer.step(loss)
        if step % 20 == 0:
            track(step, steps, f"loss {float(loss):.3f}")
    model.eval()
    figures = {"loss_per_token": _loss(model, validation.first(512), _labels(tokenizer, validation.captions))}
    folder.mkdir(parents=True, exist_ok=True)
    save_half(model, folder)
    tokenizer.save_pretrained(folder)
    save_processor(folder)
    return figures


def _labels(tokenizer: Any, captions: list[list[str]]) -> list[Any]:
    """Per picture (captions, tokens): what follows the start token, -100 where there is nothing to learn."""
    flat = encode(tokenizer, [c for options in captions for c in options], CAPTION_TOKENS)[:, 1:]
    flat = flat[:, : int((flat != tokenizer.pad_token_id).sum(1).max())]
    flat = flat.masked_fill(flat == tokenizer.pad_token_id, -100)
    return list(flat.split([len(options) for options in captions]))


def _loss(model: Any, drawn: Drawn, labels: list[Any]) -> float:
    import torch

    losses = []
    with torch.inference_mode():
        for at in range(0, len(drawn), 128):
            wanted = torch.stack([options[0] for options in labels[at : at + 128]])
            losses.append(float(model(pixel_values=resized(drawn.pictures[at : at + 128]), labels=wanted).loss))
    return float(np.mean(losses))


def sampled_captions(
    folder: Path,
    pictures: Any,
    count: int = 4,
    seed: int = 0,
    temperature: float = 1.0,
    top_p: float = 0.9,
    batch: int = 32,
) -> list[list[str]]:
    """`count` captions by nucleus sampling for each picture (a list of PIL pictures), through the standard loaders."""
    import torch
    from transformers import AutoImageProcessor, AutoTokenizer, VisionEncoderDecoderModel

    model = VisionEncoderDecoderModel.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer, processor = AutoTokenizer.from_pretrained(folder), AutoImageProcessor.from_pretrained(folder)
    torch.manual_seed(seed)
    captions: list[list[str]] = []
    for at in range(0, len(pictures), batch):
        pixels = processor(pictures[at : at + batch], return_tensors="pt").pixel_values
        with torch.inference_mode():
            ids = model.generate(
                pixel_values=pixels,
                do_sample=True,
                top_p=top_p,
                top_k=0,
                temperature=temperature,
                num_return_sequences=count,
            )
        texts = [t.strip() for t in tokenizer.batch_decode(ids, skip_special_tokens=True)]
        captions += [texts[i : i + count] for i in range(0, len(texts), count)]
    return captions


def describe(folder: Path) -> dict[str, Any]:
    """What the card says about the shipped captioner."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return {"vocabulary": config["decoder"]["vocab_size"], "decoder_layers": config["decoder"]["n_layer"]}
