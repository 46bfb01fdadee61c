"""Runtimes: no row depends on its company, float32 ones agree, and what was measured is remembered."""

import json
import logging
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from components.features import extract, load_models, runtime_choice
from components.features.clip import Clip, cut_lengths, read_cut
from components.features.encoders import PictureEncoder, TextEncoder
from components.features.runtime import OpenVinoRuntime, TorchRuntime, as_module, by_length, in_batches
from components.features.runtime_choice import AGREE, Measurements, choose
from components.records import Item
from tests.features.tiny_models import WORDS, Tiny

CPU = torch.device("cpu")
needs_openvino = pytest.mark.skipif(
    find_spec("openvino") is None, reason="openvino is not installed (the extra `openvino`)"
)


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    return torch.randn(64, 3, 32, 32, generator=torch.Generator().manual_seed(5))


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Of 1 to 60 words."""
    return [" ".join(WORDS[(i * k) % len(WORDS)] for k in range(1, 2 + i % 60)) for i in range(64)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("runtime", ["torch", pytest.param("openvino", marks=needs_openvino)])
def test_a_picture_has_the_same_vector_alone_and_among_64(
    tiny: Tiny, pixels: torch.Tensor, runtime: str, dtype: torch.dtype
) -> None:
    encoder = PictureEncoder(tiny.folder / "picture_encoder", CPU, dtype)
    clip = Clip(tiny.folder / "clip", CPU, dtype)
    if runtime == "openvino":
        encoder.runtime = OpenVinoRuntime("picture_encoder", encoder.module, (pixels[:1],), dtype, 16)
        clip.runtime = OpenVinoRuntime("clip_image", clip.module, (pixels[:1],), dtype, 16)
    for read in (encoder, clip.pictures):
        together = read(pixels)
        assert together.dtype == torch.float32 and together.shape == (64, 32)
        alone = torch.cat([read(row[None]) for row in pixels])
        assert torch.allclose(alone, together, atol=1e-4, rtol=0)
        assert torch.allclose(read(pixels.flip(0)).flip(0), together, atol=1e-4, rtol=0), "order and company"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_text_has_the_same_vector_alone_and_among_64(tiny: Tiny, texts: list[str], dtype: torch.dtype) -> None:
    encoder = TextEncoder(tiny.folder / "text_encoder", CPU, dtype)
    clip = Clip(tiny.folder / "clip", CPU, dtype)
    for read in (encoder, clip.texts):
        together = read(texts)
        alone = torch.cat([read([text]) for text in texts])
        assert torch.allclose(alone, together, atol=1e-4, rtol=0)
        assert (together[1:] - together[:-1]).abs().max() > 1e-2, "different texts have different vectors"


@needs_openvino
def test_openvino_gives_torchs_float32_vectors(tiny: Tiny, pixels: torch.Tensor, texts: list[str]) -> None:
    encoder = PictureEncoder(tiny.folder / "picture_encoder", CPU, torch.float32)
    exact = encoder(pixels)
    encoder.runtime = OpenVinoRuntime("picture_encoder", encoder.module, (pixels[:1],), torch.float32, 8)
    assert torch.allclose(encoder(pixels), exact, atol=AGREE, rtol=0)
    reader = TextEncoder(tiny.folder / "text_encoder", CPU, torch.float32)
    exact, ids = reader(texts), torch.arange(1, 33).view(1, -1)
    reader.runtime = OpenVinoRuntime("text_encoder", reader.module, (ids, torch.ones_like(ids)), torch.float32, 8)
    assert torch.allclose(reader(texts), exact, atol=AGREE, rtol=0)


@needs_openvino
def test_openvino_in_bfloat16_is_near_torchs_float32(tiny: Tiny, pixels: torch.Tensor) -> None:
    exact = PictureEncoder(tiny.folder / "picture_encoder", CPU, torch.float32)(pixels)
    rough = PictureEncoder(tiny.folder / "picture_encoder", CPU, torch.bfloat16)
    rough.runtime = OpenVinoRuntime("picture_encoder", rough.module, (pixels[:1],), torch.bfloat16, 8)
    found = rough(pixels)
    assert not torch.equal(found, exact)
    one, other = exact - exact.mean(0), found - exact.mean(0)
    assert torch.cosine_similarity(one, other).mean() > 0.99


def test_the_last_rows_are_filled_up_to_one_shape_and_cut_off_again() -> None:
    shapes = []

    def run(rows: torch.Tensor) -> torch.Tensor:
        shapes.append(tuple(rows.shape))
        return rows * 2

    given = torch.arange(14.0).view(7, 2)
    assert torch.equal(in_batches(run, [given], 3, one_shape=True), given * 2)
    assert shapes == [(3, 2)] * 3
    shapes.clear()
    assert torch.equal(in_batches(run, [given], 3, one_shape=False), given * 2)
    assert shapes == [(3, 2), (3, 2), (1, 2)]


def test_texts_are_cut_to_steps_of_length_in_their_order() -> None:
    seen = []

    class Summed(TorchRuntime):
        def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
            seen.append(inputs[0].shape)
            return inputs[0].sum(1, keepdim=True).float()

    tokens = torch.zeros(5, 40, dtype=torch.long)
    lengths = torch.tensor([3, 40, 16, 17, 1])
    for row, length in enumerate(lengths.tolist()):
        tokens[row, :length] = 1
    found = by_length(Summed(torch.nn.Identity(), CPU, torch.float32), (tokens,), lengths, longest=40)
    assert found[:, 0].tolist() == lengths.tolist()
    assert seen == [(3, 16), (1, 32), (1, 40)], "the last step is the model's longest text"


def test_clip_reads_a_cut_text_as_open_clip_reads_the_whole(tiny: Tiny, texts: list[str]) -> None:
    clip = Clip(tiny.folder / "clip", CPU, torch.float32)
    model, tokenizer = clip.text_tower
    assert cut_lengths(model) is not None
    with torch.no_grad():
        whole = torch.nn.functional.normalize(model.encode_text(tokenizer(texts)), dim=-1)
        assert torch.allclose(clip.texts(texts), whole, atol=1e-5)
        assert read_cut(model, tokenizer(["a"])[:, :3]).shape == (1, 32)
        model.attn_mask = None  # every token then sees all others, and what stands behind the end counts
    assert cut_lengths(model) is None


def large(width: int = 4608) -> torch.nn.Module:
    """Enough weights to be worth measuring, few enough to be quick."""
    torch.manual_seed(0)
    return as_module(torch.nn.Linear(width, width), lambda model, rows: model(rows)).eval()


def test_what_was_measured_is_said_and_remembered(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file, example, module = tmp_path / "models/runtimes.json", torch.randn(1, 4608), large()
    with caplog.at_level(logging.INFO):
        first = choose("part", module, (example,), CPU, torch.float32, Measurements(file))
    [line] = [record.message for record in caplog.records if record.message.startswith("part: ")]
    assert line.startswith(f"part: {first.name}, batch {first.batch}, ")
    [(key, found)] = json.loads(file.read_text()).items()
    assert (found["runtime"], found["batch"]) == (first.name, first.batch)
    assert found["speeds"][first.name] == max(found["speeds"].values()) > 0

    file.write_text(json.dumps({key: {"runtime": "torch float32", "batch": 5, "speeds": {"torch float32": 1.0}}}))
    again = choose("part", module, (example,), CPU, torch.float32, Measurements(file))
    assert (again.name, again.batch) == ("torch float32", 5), "believed, not measured again"
    other = choose("part", module.bfloat16(), (example,), CPU, torch.bfloat16, Measurements(file))
    assert other.name.endswith("bfloat16") and len(json.loads(file.read_text())) == 2


def test_a_broken_file_of_measurements_is_made_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "runtimes.json"
    file.write_text("{")
    assert Measurements(file).known == {} and "measured again" in caplog.text


def test_a_small_part_is_not_measured(tiny: Tiny, tmp_path: Path) -> None:
    encoder = PictureEncoder(tiny.folder / "picture_encoder", CPU, torch.float32)
    measured = Measurements(tmp_path / "runtimes.json")
    assert isinstance(
        choose("picture_encoder", encoder.module, (torch.randn(1, 3, 32, 32),), CPU, torch.float32, measured),
        TorchRuntime,
    )
    assert not list(tmp_path.iterdir())


@needs_openvino
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_all_features_by_openvino(
    tiny: Tiny, items: Callable[[int], list[Item]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, dtype: str
) -> None:
    """The rows do not tell who computed them, captions included; in bfloat16 only the batch may not show."""
    spec = tiny.spec(dtype=dtype, batch_size=3)
    by_torch, _ = extract(items(6), spec)
    monkeypatch.setattr(runtime_choice, "SMALL", 0)
    monkeypatch.setattr(runtime_choice, "speed_of", lambda runtime, *_: float(runtime.name.startswith("openvino")))
    models = load_models(spec, tmp_path)
    runtimes = (models.clip.runtime, models.clip.text_runtime, models.picture_encoder.runtime)
    assert all(isinstance(runtime, OpenVinoRuntime) for runtime in (*runtimes, models.text_encoder.runtime))
    found, _ = extract(items(6), spec, tmp_path)
    alone, _ = extract(items(6), tiny.spec(dtype=dtype, batch_size=1), tmp_path)
    for rows in (alone, by_torch) if dtype == "float32" else (alone,):
        assert [(f.feature_id, f.text) for f in rows] == [(f.feature_id, f.text) for f in found]
        for one, other in zip(rows, found, strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-4)
            assert one.vector is None or list(one.vector) == pytest.approx(list(other.vector or ()), abs=1e-4)


@needs_openvino
def test_a_float32_runtime_that_disagrees_is_not_taken(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its traced form forgets that the sign of the sum decides: a branch that a trace cannot hold."""

    def branching(model: torch.nn.Linear, rows: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = model(rows)
        return found if found.abs().sum() > 1e9 or rows.shape[0] > 1 else -found

    module = as_module(torch.nn.Linear(4608, 4608), branching).eval()
    chosen = choose("odd", module, (torch.randn(1, 4608),), CPU, torch.float32, Measurements())
    assert chosen.name == "torch float32" and "odd: not by openvino" in caplog.text
