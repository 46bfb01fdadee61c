"""A model set of the sizes that `pretrained` has, with random weights, in the hub's layout; and pictures like phones'.

Written to a folder of the caller's. Sizes matter to a benchmark of speed, values do not; only the captioner's end token
is given a chance of 1 in 12 per step, so that captions are as long as those of the real one.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

WORDS = ("red", "blue", "old", "small", "bright", "quiet", "dog", "cat", "boat", "beach", "man", "tree", "on", "with")
END = 50256
SHARE_OF_ENDS = 1 / 12


def make_set(folder: Path) -> Path:
    """The file of the set; about 1.9 GB, made in half a minute, and kept for the next call."""
    file = folder / "real_size.yaml"
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _clip(folder / "clip")
        _picture_encoder(folder / "picture_encoder")
        _captioner(folder / "captioner")
        _text_encoder(folder / "text_encoder")
        _labels(folder / "labels.yaml")
        parts: dict[str, Any] = {
            part: {"path": part} for part in ("clip", "picture_encoder", "captioner", "text_encoder")
        }
        file.write_text(yaml.safe_dump(parts | {"network": {"zero_shot": "clip", "labels": "labels.yaml"}}))
    return file


def _clip(folder: Path) -> None:
    """As laion/CLIP-ViT-B-32-laion2B-s34B-b79K."""
    import open_clip
    from safetensors.torch import save_file

    folder.mkdir(exist_ok=True)
    config = {
        "model_cfg": {
            "embed_dim": 512,
            "vision_cfg": {"image_size": 224, "layers": 12, "width": 768, "patch_size": 32},
            "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 512, "heads": 8, "layers": 12},
        },
        "preprocess_cfg": {
            "mean": [0.48145466, 0.4578275, 0.40821073],
            "std": [0.26862954, 0.26130258, 0.27577711],
        },
    }
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    state = open_clip.create_model(f"local-dir:{folder}").state_dict()
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, folder / "open_clip_model.safetensors")


def _picture_encoder(folder: Path) -> None:
    """As google/vit-base-patch16-224-in21k."""
    from transformers import ViTConfig, ViTModel

    ViTModel(ViTConfig()).save_pretrained(folder)
    _preprocessor(folder, image_processor_type="ViTImageProcessor", size={"height": 224, "width": 224})


def _captioner(folder: Path) -> None:
    """As nlpconnect/vit-gpt2-image-captioning: ViT-B/16 and GPT-2 small with cross-attention."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import (
        GPT2Config,
        GPT2LMHeadModel,
        GPT2TokenizerFast,
        VisionEncoderDecoderModel,
        ViTConfig,
        ViTModel,
    )  # fmt: skip

    config = GPT2Config(add_cross_attention=True, bos_token_id=END, eos_token_id=END)
    model = VisionEncoderDecoderModel(encoder=ViTModel(ViTConfig()), decoder=GPT2LMHeadModel(config))
    with torch.no_grad():  # one number of the last state is the same for all; only the end token listens to it
        decoder = model.decoder.transformer
        decoder.ln_f.weight[0], decoder.wte.weight[:, 0], decoder.wte.weight[END, 0] = 0, 0, 1
        decoder.ln_f.bias[0] = math.log((config.vocab_size - 1) * SHARE_OF_ENDS / (1 - SHARE_OF_ENDS))
    model.config.decoder_start_token_id = model.config.pad_token_id = model.config.eos_token_id = END
    model.save_pretrained(folder)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: i for i, letter in enumerate(letters)}
    vocabulary |= {f"\u0120{WORDS[i % len(WORDS)]}{i}": i for i in range(len(letters), END)} | {"<|endoftext|>": END}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    end = "<|endoftext|>"
    GPT2TokenizerFast(
        tokenizer_object=tokenizer, bos_token=end, eos_token=end, unk_token=end, pad_token=end
    ).save_pretrained(folder)
    _preprocessor(folder, feature_extractor_type="ViTFeatureExtractor", size=224)


def _text_encoder(folder: Path) -> None:
    """As sentence-transformers/all-MiniLM-L6-v2."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(exist_ok=True)
    letters = [chr(code) for code in range(33, 127)]
    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *letters, *(f"##{letter}" for letter in letters)]
    words = list(dict.fromkeys(known))
    words += [f"[unused{i}]" for i in range(len(words), 30522)]
    BertTokenizerFast(vocab={word: i for i, word in enumerate(words)}, model_max_length=256).save_pretrained(folder)
    BertModel(
        BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)
    ).save_pretrained(folder)


def _preprocessor(folder: Path, **kind: object) -> None:
    half = [0.5, 0.5, 0.5]
    settings = {"do_normalize": True, "do_resize": True, "image_mean": half, "image_std": half, "resample": 2, **kind}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))


def _labels(file: Path) -> None:
    task = {
        "prompts": ["a photo of {}."], "text_prompts": ["{}"],
        "classes": {name: [] for name in ("travel", "food", "sport")},
    }  # fmt: skip
    file.write_text(yaml.safe_dump({name: task for name in ("topic", "sentiment", "scene")}))


def draw_pictures(folder: Path, count: int, size: tuple[int, int] = (1080, 1350)) -> list[Path]:
    """JPEGs of about 300 kB: large shapes, soft shades and the grain of a camera; drawn once per folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return list(_drawn(folder, count, size))


def _drawn(folder: Path, count: int, size: tuple[int, int]) -> Iterator[Path]:
    import numpy as np
    from PIL import Image, ImageDraw

    for number in range(count):
        file = folder / f"{number:05}.jpg"
        if not file.is_file():
            chance = np.random.default_rng(number)
            shades = Image.fromarray(chance.integers(0, 255, (9, 7, 3), dtype=np.uint8)).resize(size, Image.BICUBIC)
            draw = ImageDraw.Draw(shades)
            for _ in range(12):
                x, y, reach = (int(v) for v in chance.integers(0, size[0], 3))
                colour = tuple(int(v) for v in chance.integers(0, 255, 3))
                draw.ellipse((x, y, x + reach // 3, y + reach // 4), fill=colour)
            grain = chance.normal(0, 6, (size[1], size[0], 1))
            pixels = np.clip(np.asarray(shades, dtype=np.float32) + grain, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(file, "JPEG", quality=85)
        yield file
