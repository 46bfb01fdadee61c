"""Encoders that learn: the ones asked for change, what they write is a model set's part, and it helps."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from components.errors import UserError
from components.features.models import load_models
from components.learning.calibration import predictions
from components.learning.encoded import Encoded
from components.learning.fine_tuning import FineTuned, fine_tune
from components.learning.model_folder import write_model_set
from components.learning.spec import TrainingSpec
from components.learning.trainer import network_config, train
from components.learning.vectors import vectors
from components.records import Example
from tests.features.tiny_models import Tiny, make_set
from tests.learning.planted import spec

LABELS = {"sentiment": ("glad", "sad")}
WORDS = (("golden sunset with friends", "happy dog at the cafe"), ("sad cat", "quiet night over the snow"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return make_set(tmp_path_factory.mktemp("tiny"))


def striped(folder: Path, n: int) -> list[Example]:
    """Pictures alone: glad ones are stripes that lie, sad ones stripes that stand, in any colours."""
    rng, made = np.random.default_rng(0), []
    for i in range(n):
        sad = int(rng.integers(0, 2))
        image = np.zeros((32, 32, 3), np.uint8) + rng.integers(0, 256, 3, dtype=np.uint8)
        for at in range(0, 32, 8):
            where = (slice(None), slice(at, at + 4)) if sad else (slice(at, at + 4), slice(None))
            image[where] = rng.integers(0, 256, 3)
        path = folder / f"{i}.png"
        Image.fromarray(image).save(path)
        labels = f'{{"sentiment": "{LABELS["sentiment"][sad]}"}}'
        made.append(Example(example_id=f"e{i}", dataset="s", source_uri=str(i), image_path=str(path), labels=labels))
    return made


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Example]:
    """Most with a text as well; every seventh has no picture."""
    found = {}
    for i, example in enumerate(striped(tmp_path_factory.mktemp("pictures"), 96)):
        words = WORDS["sad" in example.labels][i % 2]
        path = None if i % 7 == 0 else example.image_path
        found[example.example_id] = replace(example, text="" if i % 5 == 0 and path else words, image_path=path)
    return found


def splits(examples: dict[str, Example], tiny: Tiny) -> dict[str, Encoded]:
    """Two thirds to learn from, a sixth each to validate and test on."""
    read, refused = vectors(list(examples.values()), str(tiny.file), None, ("picture", "text"), "train_prompt_words")
    assert not refused
    truth, n = np.array([int("sad" in e.labels) for e in examples.values()]), len(read.ids)
    whole = Encoded(
        read.ids, read.kinds["picture"], read.kinds["text"], read.has_picture, read.has_text, {"sentiment": truth},
        ["s"] * n, list(read.ids),
    )  # fmt: skip
    cuts = np.split(np.arange(n), [n * 4 // 6, n * 5 // 6])
    return {split: whole.rows(part) for split, part in zip(("train", "validation", "test"), cuts, strict=True)}


def asked(tiny: Tiny, **changes: Any) -> TrainingSpec:
    return spec(**{
        "tasks": {"sentiment": {}}, "models": str(tiny.file), "encoder_learning_rate": 1e-3, "epochs": 3,
        "batch_size": 16, "train_encoders": "both",
    } | changes)  # fmt: skip


def tuned(
    tmp_path: Path, tiny: Tiny, examples: dict[str, Example], **changes: Any
) -> tuple[FineTuned, dict[str, Encoded]]:
    data = splits(examples, tiny)
    return fine_tune(examples, data, LABELS, asked(tiny, **changes), None, tmp_path), data


def test_both_encoders_learn_and_load_as_parts_of_a_set(
    tmp_path: Path, tiny: Tiny, examples: dict[str, Example]
) -> None:
    told: list[tuple[int, int, str]] = []
    data = splits(examples, tiny)
    found = fine_tune(examples, data, LABELS, asked(tiny), None, tmp_path, lambda *step: told.append(step))
    assert len(told) == len(found.history) == 3
    assert {part: folder.name for part, folder in found.folders.items()} == {
        "picture_encoder": "picture_encoder", "text_encoder": "text_encoder"
    }  # fmt: skip
    for side in ("picture", "text"):
        moved = np.abs(getattr(found.data["test"], side) - getattr(data["test"], side)).max(1)
        there = getattr(data["test"], f"has_{side}")
        assert (moved[there] > 1e-3).all() and (moved[~there] == 0).all(), side
    file = write_model_set(tmp_path / "mine.yaml", str(tiny.file), tiny.folder / "network", found.folders)
    again, refused = vectors([examples[i] for i in data["test"].ids], str(file), None, ("picture", "text"), "train")
    assert not refused
    for side in ("picture", "text"):  # a run will meet what the network was trained on
        np.testing.assert_allclose(again.kinds[side], getattr(found.data["test"], side), atol=1e-4)
    for part in found.folders.values():
        for text in part.glob("*.json"):
            assert str(tiny.folder) not in text.read_text() and str(tmp_path) not in text.read_text(), text


@pytest.mark.parametrize(("which", "other"), [("picture", "text"), ("text", "picture")])
def test_only_the_encoder_that_was_asked_for_learns(
    tmp_path: Path, tiny: Tiny, examples: dict[str, Example], which: str, other: str
) -> None:
    found, data = tuned(tmp_path, tiny, examples, train_encoders=which, epochs=1)
    assert set(found.folders) == {f"{which}_encoder"}
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{which}_encoder"]
    assert np.array_equal(getattr(found.data["test"], other), getattr(data["test"], other))
    assert not np.allclose(getattr(found.data["test"], which), getattr(data["test"], which), atol=1e-3)


def test_the_same_seed_gives_the_same_encoders(tmp_path: Path, tiny: Tiny, examples: dict[str, Example]) -> None:
    one, two = (tuned(tmp_path / name, tiny, examples, epochs=1)[0] for name in ("one", "two"))
    for part in one.folders:
        weights = [(run.folders[part] / "model.safetensors").read_bytes() for run in (one, two)]
        assert weights[0] == weights[1]


def test_a_learning_encoder_reads_what_a_frozen_one_cannot(tmp_path: Path, tiny: Tiny) -> None:
    """The network on top has the same budget on both."""
    stripes = {example.example_id: example for example in striped(tmp_path, 160)}
    found, data = tuned(tmp_path / "out", tiny, stripes, train_encoders="picture", epochs=15, patience=15)
    budget = asked(tiny, epochs=20, patience=20)
    scores = []
    for rows in (data, found.data):
        network = train(rows["train"], rows["validation"], network_config(budget, LABELS, 32, 32), budget).network
        scores.append(
            (predictions(network, rows["test"])["sentiment"].argmax(1) == rows["test"].targets["sentiment"]).mean()
        )
    assert scores[1] > max(0.9, scores[0] + 0.05), scores


def test_a_picture_that_is_gone_is_named(tmp_path: Path, tiny: Tiny, examples: dict[str, Example]) -> None:
    data = splits(examples, tiny)
    gone = {
        i: replace(e, image_path=None if e.image_path is None else f"{e.image_path}.gone") for i, e in examples.items()
    }
    with pytest.raises(UserError, match=r"\.png\.gone: .*read the examples again"):
        fine_tune(gone, data, LABELS, asked(tiny, epochs=1), None, tmp_path)


def test_without_an_encoder_to_learn_it_says_so(tmp_path: Path, tiny: Tiny, examples: dict[str, Example]) -> None:
    with pytest.raises(UserError, match="train_encoders: none"):
        tuned(tmp_path, tiny, examples, train_encoders="none")


def test_a_set_of_tuned_parts_runs_like_any_other(tmp_path: Path, tiny: Tiny, examples: dict[str, Example]) -> None:
    found, _ = tuned(tmp_path, tiny, examples, epochs=1)
    file = write_model_set(tmp_path / "mine.yaml", str(tiny.file), tiny.folder / "network", found.folders)
    loaded = load_models(Tiny(file, tmp_path).spec())
    assert loaded.name == "mine" and loaded.picture_encoder.width == 32
