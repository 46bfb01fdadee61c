"""The loaders on the hub's file formats, old and new: one code, same results, no network, no random weights."""

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from components.errors import UserError
from components.features import load_models
from components.features.captions import Captioner
from components.features.clip import Clip
from components.features.encoders import PictureEncoder, TextEncoder
from tests.features.tiny_models import Tiny, make_clip, write_set

CPU = torch.device("cpu")
SENTENCES = ["golden sunset over the beach", "a", "people walking with friends along the quiet shore " * 3]


def pictures(n: int = 3) -> list[Image.Image]:
    return [
        Image.radial_gradient("L").resize((50 + i, 40)).convert("RGB").point(lambda v, i=i: v * (i + 1) % 256)
        for i in range(n)
    ]


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a loader asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_network")
def test_a_set_on_disk_is_loaded_without_network(tiny: Tiny) -> None:
    models = load_models(tiny.spec())
    assert models is load_models(tiny.spec(batch_size=3)), "loaded once per process"
    assert (models.device.type, models.dtype) == ("cpu", torch.float32)


def test_pretrained_that_is_not_here_is_one_line_with_the_command(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run: postwright models fetch pretrained") as caught:
        load_models(tiny.spec(models="pretrained"), tmp_path)
    assert "\n" not in str(caught.value)


def test_cuda_where_there_is_none_is_refused(tiny: Tiny) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(UserError, match=r"features\.device: cuda"):
        load_models(tiny.spec(device="cuda"))


def test_the_picture_encoder_is_the_saved_model(tiny: Tiny) -> None:
    from transformers import ViTModel

    encoder = PictureEncoder(tiny.folder / "picture_encoder", CPU, torch.float32)
    pixels = torch.stack([encoder.prepare(picture) for picture in pictures()])
    assert pixels.shape == (3, 3, 32, 32) and -1 <= float(pixels.min()) <= float(pixels.max()) <= 1
    direct = ViTModel.from_pretrained(tiny.folder / "picture_encoder").eval()
    with torch.no_grad():
        assert torch.allclose(encoder(pixels), direct(pixels).last_hidden_state[:, 0], atol=1e-6)


def test_the_text_encoder_averages_real_tokens_only(tiny: Tiny, tmp_path: Path) -> None:
    encoder = TextEncoder(tiny.folder / "text_encoder", CPU, torch.float32)
    together = encoder(SENTENCES)
    assert torch.allclose(together, torch.cat([encoder([s]) for s in SENTENCES]), atol=1e-5)
    assert encoder([]).shape == (0, 32)

    # sentence-transformers ships its tokenizer with padding to 128 and truncation switched on.
    padded = shutil.copytree(tiny.folder / "text_encoder", tmp_path / "padded")
    tokenizer = json.loads((padded / "tokenizer.json").read_text())
    tokenizer["truncation"] = {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0}
    tokenizer["padding"] = {
        "strategy": {"Fixed": 16}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0,
        "pad_token": "[PAD]",
    }  # fmt: skip
    (padded / "tokenizer.json").write_text(json.dumps(tokenizer))
    assert torch.allclose(TextEncoder(padded, CPU, torch.float32)(SENTENCES), together, atol=1e-5)


def captions_of(folder: Path) -> list[list[str]]:
    captioner = Captioner(folder, CPU, torch.float32)
    pixels = torch.stack([captioner.prepare(picture) for picture in pictures()])
    return captioner(pixels, ["a", "b", "c"], candidates=4, temperature=1.0, top_p=0.9, seed=0)


def test_the_captioner_reads_the_files_of_2022(tiny: Tiny, tmp_path: Path) -> None:
    """nlpconnect's repository: pytorch_model.bin with GPT-2's old buffers and an untied head, vocab.json and
    merges.txt, no generation_config.json, a config with the generation settings of that time."""
    old = tmp_path / "old"
    old.mkdir()
    new = tiny.folder / "captioner"
    weights = load_file(new / "model.safetensors")
    for layer in range(2):
        for block in ("attn", "crossattention"):
            weights[f"decoder.transformer.h.{layer}.{block}.bias"] = torch.ones(1, 1, 64, 64, dtype=torch.uint8)
            weights[f"decoder.transformer.h.{layer}.{block}.masked_bias"] = torch.tensor(-1e4)
    weights["decoder.lm_head.weight"] = weights["decoder.transformer.wte.weight"].clone()
    torch.save(weights, old / "pytorch_model.bin")
    config = json.loads((new / "config.json").read_text())
    settings = {"max_length": 20, "min_length": 0, "num_beams": 1, "top_k": 50, "do_sample": False, "torch_dtype": None}
    for part in ("encoder", "decoder"):
        config[part] |= settings | {
            "_name_or_path": "",
            "return_dict": True,
            "pruned_heads": {},
            "task_specific_params": None,
        }
    config |= {"torch_dtype": "float32", "transformers_version": None}
    del config["dtype"], config["tie_word_embeddings"]
    (old / "config.json").write_text(json.dumps(config))
    shutil.copy(new / "preprocessor_config.json", old)
    model = json.loads((new / "tokenizer.json").read_text())["model"]
    (old / "vocab.json").write_text(json.dumps(model["vocab"]))
    merges = "\n".join(m if isinstance(m, str) else " ".join(m) for m in model["merges"])
    (old / "merges.txt").write_text(f"#version: 0.2\n{merges}\n")
    end = "<|endoftext|>"
    marks = {"bos_token": end, "eos_token": end, "unk_token": end}
    (old / "tokenizer_config.json").write_text(
        json.dumps(marks | {"tokenizer_class": "GPT2Tokenizer", "model_max_length": 1024})
    )
    (old / "special_tokens_map.json").write_text(json.dumps(marks | {"pad_token": end}))
    assert captions_of(old) == captions_of(new)


def test_the_captioner_is_the_saved_model(tiny: Tiny) -> None:
    """transformers' own greedy search equals ours at a temperature near 0: nothing was filled with random numbers."""
    from transformers import AutoTokenizer, VisionEncoderDecoderModel

    captioner = Captioner(tiny.folder / "captioner", CPU, torch.float32)
    pixels = torch.stack([captioner.prepare(picture) for picture in pictures()])
    direct = VisionEncoderDecoderModel.from_pretrained(tiny.folder / "captioner").eval()
    tokens = direct.generate(pixels, do_sample=False, max_new_tokens=32, min_new_tokens=2)
    wanted = AutoTokenizer.from_pretrained(tiny.folder / "captioner").batch_decode(tokens, skip_special_tokens=True)
    [ours] = zip(*captioner(pixels, ["a", "b", "c"], 1, temperature=0.001, top_p=0.9, seed=0), strict=True)
    plain = [" ".join("".join(c if c.isprintable() and c != "\ufffd" else " " for c in t).split()) for t in wanted]
    assert list(ours) == plain


def test_clip_reads_both_weight_formats(tmp_path: Path) -> None:
    make_clip(tmp_path / "new")
    make_clip(tmp_path / "old", "open_clip_pytorch_model.bin")
    new, old = (Clip(tmp_path / name, CPU, torch.float32) for name in ("new", "old"))
    pixels = torch.stack([new.prepare(picture) for picture in pictures()])
    assert torch.equal(new.pictures(pixels), old.pictures(pixels))
    assert torch.equal(new.texts(SENTENCES), old.texts(SENTENCES))
    assert torch.allclose(new.pictures(pixels).norm(dim=-1), torch.ones(3))
    assert new.texts([]).shape == (0, 32)


def test_clip_uses_a_tokenizer_of_its_own_where_the_config_names_one(tiny: Tiny, tmp_path: Path) -> None:
    make_clip(tmp_path / "clip")
    file = tmp_path / "clip/open_clip_config.json"
    config = json.loads(file.read_text())
    config["model_cfg"]["text_cfg"]["hf_tokenizer_name"] = "local"
    file.write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tiny.folder / "captioner" / name, tmp_path / "clip")
    assert Clip(tmp_path / "clip", CPU, torch.float32).texts(SENTENCES).shape == (3, 32)


@pytest.mark.parametrize(
    ("part", "weights"),
    [
        ("captioner", "model.safetensors"),
        ("clip", "open_clip_model.safetensors"),
        ("picture_encoder", "model.safetensors"),
        ("text_encoder", "model.safetensors"),
        ("network", "model.safetensors"),
    ],
)
@pytest.mark.parametrize("damage", ["missing", "cut", "incomplete"])
def test_weights_that_are_not_whole_are_refused(
    tiny: Tiny, tmp_path: Path, part: str, weights: str, damage: str
) -> None:
    """transformers and open_clip would go on with random numbers."""
    from safetensors.torch import save_file

    folder = shutil.copytree(tiny.folder, tmp_path / "set")
    file = folder / part / weights
    if damage == "missing":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:-500])
    else:
        state = load_file(file)
        state.pop(next(key for key in sorted(state) if "pooler" not in key and state[key].ndim > 1))
        save_file(state, file, metadata={"format": "pt"})
    with pytest.raises(UserError) as caught:
        load_models(write_set(folder).spec())
    assert part in str(caught.value) and "\n" not in str(caught.value)
