"""Tiny models of the real architectures, in the file layouts of the hub repositories that `pretrained` names.

They are made at test time with random weights: what is tested is loading, shapes, batches and ids, not quality.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml
from PIL import Image, ImageDraw

from components.records import Item
from components.specs import FeatureSpec

SIDE = 32
WORDS = [
    "a",
    "the",
    "golden",
    "sunset",
    "over",
    "quiet",
    "beach",
    "people",
    "walking",
    "along",
    "shore",
    "snow",
    "mountain",
    "hiking",
    "with",
    "friends",
    "cat",
    "dog",
    "sleeping",
    "on",
    "red",
    "sofa",
    "concert",
    "crowd",
    "went",
    "wild",
    "last",
    "night",
    "croissant",
    "at",
    "cafe",
    "photo",
    "about",
    "travel",
    "food",
    "happy",
    "sad",
    "picture",
    "of",
    ".",
]


@dataclass(frozen=True)
class Tiny:
    """A model set on disk and its parts' folders."""

    file: Path
    folder: Path

    def spec(self, **changes: object) -> FeatureSpec:
        return FeatureSpec.model_validate({"models": str(self.file), "device": "cpu", **changes})


def make_set(folder: Path) -> Tiny:
    """All five parts and the set's file."""
    make_captioner(folder / "captioner")
    make_clip(folder / "clip")
    make_picture_encoder(folder / "picture_encoder")
    make_text_encoder(folder / "text_encoder")
    make_network(folder / "network")
    return write_set(folder)


def write_set(folder: Path, **parts: object) -> Tiny:
    """A set file over the parts in `folder`, with `parts` in place of some of them."""
    named = {name: {"path": name} for name in ("captioner", "clip", "picture_encoder", "text_encoder", "network")}
    file = folder / "tiny.yaml"
    file.write_text(yaml.safe_dump(named | parts))
    return Tiny(file, folder)


def vit_config(**changes: object) -> object:
    from transformers import ViTConfig

    small = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
    return ViTConfig(**{**small, "image_size": SIDE, "patch_size": 8, **changes})


def byte_tokenizer() -> object:
    """GPT-2's kind: bytes with merges, `<|endoftext|>` for begin, end and padding."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GPT2TokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator([" ".join(WORDS)], trainer)
    end = "<|endoftext|>"
    return GPT2TokenizerFast(tokenizer_object=tokenizer, bos_token=end, eos_token=end, unk_token=end, pad_token=end)


def make_captioner(folder: Path) -> None:
    """As nlpconnect/vit-gpt2-image-captioning: one config, a GPT-2 tokenizer, a feature extractor's file."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, VisionEncoderDecoderModel, ViTModel

    torch.manual_seed(0)
    tokenizer = byte_tokenizer()
    end = tokenizer.eos_token_id  # type: ignore[attr-defined]
    config = GPT2Config(
        vocab_size=len(tokenizer), n_positions=64, n_embd=32, n_layer=2, n_head=2, add_cross_attention=True,  # type: ignore[arg-type]
        bos_token_id=end, eos_token_id=end,
    )  # fmt: skip
    model = VisionEncoderDecoderModel(encoder=ViTModel(vit_config()), decoder=GPT2LMHeadModel(config))  # type: ignore[arg-type]
    for name, parameter in model.named_parameters():  # random enough that pictures differ in what is said of them
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.25, generator=torch.Generator().manual_seed(len(name)))
    model.config.decoder_start_token_id = model.config.pad_token_id = model.config.eos_token_id = end
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)  # type: ignore[attr-defined]
    write_preprocessor(folder, feature_extractor_type="ViTFeatureExtractor", size=SIDE)


def write_preprocessor(folder: Path, **kind: object) -> None:
    """The older form of the file that the hub's ViT repositories still have."""
    half = [0.5, 0.5, 0.5]
    (folder / "preprocessor_config.json").write_text(
        json.dumps(
            {"do_normalize": True, "do_resize": True, "image_mean": half, "image_std": half, "resample": 2, **kind}
        )
    )


CHAT = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}assistant: "


def make_writer(folder: Path) -> None:
    """A causal language model with a chat template, as `transformers serve` serves it: 46,000 parameters of noise that
    ends after 4 to 30 tokens."""
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(5)
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = CHAT  # type: ignore[attr-defined]
    end = tokenizer.eos_token_id  # type: ignore[attr-defined]
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,  # type: ignore[arg-type]
        num_key_value_heads=2, max_position_embeddings=8192, bos_token_id=end, eos_token_id=end, pad_token_id=end,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(
        do_sample=True, eos_token_id=end, pad_token_id=end, min_new_tokens=4, sequence_bias=[[[end], 3.5]]
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)  # type: ignore[attr-defined]


def make_picture_encoder(folder: Path) -> None:
    """As google/vit-base-patch16-224-in21k."""
    import torch
    from transformers import ViTModel

    torch.manual_seed(1)
    ViTModel(vit_config()).save_pretrained(folder)  # type: ignore[arg-type]
    write_preprocessor(folder, image_processor_type="ViTImageProcessor", size={"height": SIDE, "width": SIDE})


def make_text_encoder(folder: Path) -> None:
    """As google-bert/bert-base-uncased or a MiniLM of sentence-transformers."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    torch.manual_seed(2)
    folder.mkdir()
    letters = [chr(c) for c in range(33, 127)]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *letters, *(f"##{c}" for c in letters)]
    words = list(dict.fromkeys(vocabulary))
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    BertTokenizerFast(vocab={word: i for i, word in enumerate(words)}, model_max_length=64).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)


def make_clip(folder: Path, weights: str = "open_clip_model.safetensors") -> None:
    """As laion's repositories: open_clip_config.json, open_clip's own tokenizer, weights in either format."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(3)
    folder.mkdir()
    config = {
        "model_cfg": {
            "embed_dim": 32,
            "vision_cfg": {"image_size": SIDE, "layers": 2, "width": 32, "head_width": 16, "patch_size": 8},
            "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
        },
        "preprocess_cfg": {"mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28]},
    }
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    state = open_clip.create_model(f"local-dir:{folder}").state_dict()
    if weights.endswith(".bin"):
        torch.save(state, folder / weights)
    else:
        save_file({k: v.contiguous() for k, v in state.items()}, folder / weights)


def make_network(folder: Path) -> None:
    import torch

    from components.features.network import NetworkConfig, PromptWordsNetwork

    torch.manual_seed(4)
    tasks = {
        "topic": ("travel", "nature", "food", "sport", "music", "animals"),
        "sentiment": ("positive", "neutral", "negative"),
        "scene": ("beach", "mountains", "cafe"),
    }
    PromptWordsNetwork(NetworkConfig(tasks=tasks, picture_dim=32, text_dim=32)).save(folder)


TEXTS = (
    "Golden sunset over the quiet beach, people walking along the shore",
    "",
    "Best concert ever! The crowd went wild #GoodVibes https://t.co/x",
    "hiking in the snow with friends",
)


def make_item(folder: Path, i: int) -> Item:
    """The i-th of a row of different items: most with a picture, three of four with a text, some with a text only."""
    text, path, sha256 = TEXTS[i % len(TEXTS)], None, None
    if i % 5 != 4 or not text:
        path = folder / f"{i}.png"
        image = Image.new("RGB", (60 + 7 * i, 80), (40 * i % 255, 90, 255 - 30 * i % 255))
        ImageDraw.Draw(image).ellipse((5, 5 + i, 40 + 3 * i, 60), fill=(250, 20 * i % 255, 10))
        image.save(path)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Item(
        item_id=Item.make_id("test", sha256, f"{text} {i}"), dataset="test", spec_id="s", source_uri=f"/test/{i}",
        image_path=str(path) if path else None, sha256=sha256, text=text,
        ingested_at=datetime(2026, 11, 20, tzinfo=UTC),
    )  # fmt: skip
