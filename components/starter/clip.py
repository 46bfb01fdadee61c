"""Trains the CLIP that ranks captions: open_clip's own classes and files, with a small configuration.

The picture tower starts from the picture encoder's weights; both towers then learn from pairs. Captions that say the
same are all right answers, so that equal captions in one batch are not taught to be different.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from components.starter.data import Drawn
from components.starter.pictures import HEADS, LAYERS, MLP, PATCH, WIDTH
from components.starter.tokenizers import CAPTION_TOKENS, caption_tokenizer, encode
from components.starter.training import SIDE, Track, Trainer, augmented, batches, half_precision, steps_of

DIM, TEXT_WIDTH, TEXT_LAYERS, TEXT_HEADS = 128, 128, 2, 4


def clip_config(vocabulary: int) -> dict[str, Any]:
    """The content of open_clip_config.json."""
    grey = [0.5, 0.5, 0.5]
    return {
        "model_cfg": {
            "embed_dim": DIM,
            "vision_cfg": {
                "image_size": SIDE, "layers": LAYERS, "width": WIDTH, "head_width": WIDTH // HEADS, "patch_size": PATCH,
                "mlp_ratio": MLP / WIDTH, "no_ln_pre": True,
            },
            "text_cfg": {
                "context_length": CAPTION_TOKENS, "vocab_size": vocabulary, "width": TEXT_WIDTH, "heads": TEXT_HEADS,
                "layers": TEXT_LAYERS, "mlp_ratio": 3.0, "hf_tokenizer_name": "local",
            },
        },
        "preprocess_cfg": {"mean": grey, "std": grey, "interpolation": "bilinear", "resize_mode": "squash"},
    }  # fmt: skip


def train_clip(
    train: Drawn, encoders: Path, folder: Path, epochs: float, seed: int, track: Track, batch: int = 192
) -> None:
    """Writes configuration, weights and tokenizer."""
    import open_clip
    import torch
    from torch.nn import functional as F
    from transformers import AutoModel

    torch.manual_seed(seed)
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.safetensors"):
        old.unlink()
    tokenizer = caption_tokenizer([c for options in train.captions for c in options])
    tokenizer.save_pretrained(folder)
    config = json.dumps(clip_config(len(tokenizer)), indent=2)
    (folder / "open_clip_config.json").write_text(config + "\n", encoding="utf-8")
    model = open_clip.create_model(f"local-dir:{folder}")
    start_from(model.visual, AutoModel.from_pretrained(encoders / "picture_encoder", dtype=torch.float32))
    model.train()
    ids = [encode(tokenizer, options, CAPTION_TOKENS) for options in train.captions]
    same = _numbered(train)
    steps = steps_of(len(train), batch, epochs)
    rest = torch.nn.ModuleList([model.transformer, model.token_embedding, model.ln_final])
    trainer = Trainer([(model.visual, 4e-4), (rest, 1e-3), (_Loose(model), 1e-3)], steps)
    for step, rows in enumerate(batches(len(train), batch, epochs, rng)):
        texts = torch.stack([ids[r][int(rng.integers(len(ids[r])))] for r in rows])
        with half_precision():
            of_picture = model.encode_image(augmented(train.pictures[rows], generator)).float()
            of_text = model.encode_text(texts).float()
        logits = (
            model.logit_scale.exp().clamp(max=100) * F.normalize(of_picture, dim=-1) @ F.normalize(of_text, dim=-1).T
        )
        right = torch.from_numpy(same[rows][:, None] == same[rows][None, :]).float()
        right = right / right.sum(1, keepdim=True)
        loss = (F.cross_entropy(logits, right) + F.cross_entropy(logits.T, right)) / 2
        trainer.step(loss)
        if step % 20 == 0:
            track(step, steps, f"loss {float(loss):.3f}")
    save_clip(model, folder)


def save_clip(model: Any, folder: Path) -> None:
    from safetensors.torch import save_file

    weights = {k: v.half().contiguous() for k, v in model.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors", metadata={"format": "pt"})


def _numbered(drawn: Drawn) -> Any:
    """One number per drawing; drawings whose captions say the same share it."""
    numbers: dict[tuple[str, ...], int] = {}
    return np.array([numbers.setdefault(tuple(sorted(options)), len(numbers)) for options in drawn.captions])


def _Loose(model: Any) -> Any:
    """The parameters that CLIP keeps outside its submodules, as a module."""
    import torch

    loose = torch.nn.Module()
    for name in ("positional_embedding", "text_projection", "logit_scale"):
        loose.register_parameter(name, getattr(model, name))
    return loose


def start_from(visual: Any, vit: Any) -> None:
    """Copies a transformers ViT into open_clip's picture tower of the same shape.

    open_clip's patches have no bias: it is added to the positions instead, which is the same sum.
    """
    import torch

    old = vit.state_dict()
    with torch.no_grad():
        visual.conv1.weight.copy_(old["embeddings.patch_embeddings.projection.weight"])
        visual.class_embedding.copy_(old["embeddings.cls_token"][0, 0])
        positions = old["embeddings.position_embeddings"][0].clone()
        positions[1:] += old["embeddings.patch_embeddings.projection.bias"]
        visual.positional_embedding.copy_(positions)
        for block, theirs in zip(visual.transformer.resblocks, _layers(old), strict=True):
            for name, parameter in block.named_parameters():
                parameter.copy_(theirs[name])
        visual.ln_post.weight.copy_(old["layernorm.weight"])
        visual.ln_post.bias.copy_(old["layernorm.bias"])


def _layers(old: dict[str, Any]) -> list[dict[str, Any]]:
    """A ViT's layers under open_clip's names."""
    import torch

    names = {
        "ln_1": "layernorm_before", "ln_2": "layernorm_after", "attn.out_proj": "attention.o_proj",
        "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2",
    }  # fmt: skip
    layers = []
    for i in range(LAYERS):
        at = f"layers.{i}."
        layer = {}
        for kind in ("weight", "bias"):
            parts = [old[f"{at}attention.{p}_proj.{kind}"] for p in "qkv"]
            layer[f"attn.in_proj_{kind}"] = torch.cat(parts)
            layer |= {f"{new}.{kind}": old[f"{at}{theirs}.{kind}"] for new, theirs in names.items()}
        layers.append(layer)
    return layers
