"""Reading labels without training: planted geometry, matched shares, wrong files, rows that depend on no other."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor

from components.errors import UserError
from components.features import extract
from components.features.clip import Clip
from components.features.labels import TASKS, ZeroShotLabeller
from components.features.labels_file import DescribedTask, parse_labels, read_labels, with_values
from components.features.model_set import SHIPPED
from components.features.zero_shot import ZeroShot, centres, estimated_shares, fixed_offsets, match_shares, shifted
from components.records import Item
from tests.features.tiny_models import Tiny, write_set

LABELS = SHIPPED / "pretrained_labels.yaml"


class Geometry:
    """An encoder whose texts lie where a test puts them; it stands for a model at the edge, as a file's hash would."""

    logit_scale = 10.0

    def __init__(self, places: Mapping[str, Sequence[float]]) -> None:
        self.places = places

    def texts(self, texts: Sequence[str]) -> Tensor:
        return torch.nn.functional.normalize(torch.tensor([self.places[text] for text in texts]), dim=-1)

    __call__ = texts


def task(**changes: Any) -> DescribedTask:
    plain = {"prompts": ["{}"], "text_prompts": ["{}"], "classes": {"jaguar": [], "crane": []}}
    return DescribedTask.model_validate(plain | changes)


PLACES = {
    # The names lie where cars and machines are; what the animals look like lies elsewhere.
    "jaguar": [1.0, 0.2, 0.0, 0.0], "crane": [0.2, 1.0, 0.0, 0.0],
    "a big spotted cat": [0.0, 0.3, 1.0, 0.0], "a cat with rosettes": [0.0, 0.3, 1.0, 0.2],
    "a tall grey bird": [0.3, 0.0, 0.0, 1.0], "a bird with long legs": [0.3, 0.0, 0.2, 1.0],
}  # fmt: skip
SENTENCES = {
    "jaguar": ["a big spotted cat", "a cat with rosettes"],
    "crane": ["a tall grey bird", "a bird with long legs"],
}


def pictures(n: int = 200) -> tuple[Tensor, Tensor]:
    """Spotted cats (0) and grey birds (1), with noise, and a slight leaning to the wrong name."""
    dice = np.random.default_rng(0)
    truth = dice.integers(2, size=n)
    middle = np.array([[0.0, 0.35, 1.0, 0.1], [0.35, 0.0, 0.1, 1.0]])[truth]
    rows = torch.tensor(middle + dice.normal(0, 0.15, (n, 4)), dtype=torch.float32)
    return torch.nn.functional.normalize(rows, dim=-1), torch.tensor(truth)


def right(described: DescribedTask) -> float:
    rows, truth = pictures()
    zero_shot = ZeroShot({"animal": described}, cast(Clip, Geometry(PLACES)))
    return float((zero_shot.probabilities("animal", "clip_image", rows).argmax(1) == truth).float().mean())


def test_descriptions_tell_classes_apart_whose_names_mislead() -> None:
    assert right(task()) < 0.3
    assert right(task(sentences=SENTENCES)) > 0.9
    assert right(task(sentences=SENTENCES, text_sentences=SENTENCES, use="sentences")) > 0.95
    assert right(task(sentences=SENTENCES, use="templates")) < 0.3


def test_a_class_is_the_normalised_mean_of_its_texts() -> None:
    described, geometry = task(sentences=SENTENCES), Geometry(PLACES)
    found = centres(described.texts("clip_image"), geometry)
    wanted = [geometry.texts([label, *SENTENCES[label]]).mean(0) for label in ("jaguar", "crane")]
    assert torch.allclose(found, torch.nn.functional.normalize(torch.stack(wanted), dim=-1), atol=1e-6)
    assert torch.allclose(found.norm(dim=-1), torch.ones(2))


def test_templates_meet_every_description_and_the_name_stands_in_for_none() -> None:
    described = task(prompts=["a photo of {}.", "{}"], classes={"sea": ["the sea", "waves"], "wood": []})
    assert described.texts("clip_image") == [
        ["a photo of the sea.", "a photo of waves.", "the sea", "waves"],
        ["a photo of wood.", "wood"],
    ]


def peaked(n: int, shares: Sequence[float], seed: int, sharpness: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities: labels drawn by `shares`, and Bayes' answer to a noisy sight of each, under them."""
    dice = np.random.default_rng(seed)
    truth = dice.choice(len(shares), size=n, p=shares)
    sight = np.eye(len(shares))[truth] * sharpness + dice.normal(0, 1, (n, len(shares)))
    logits = sharpness * sight + np.log(shares)
    found = np.exp(logits - logits.max(1, keepdims=True))
    return found / found.sum(1, keepdims=True), truth


def test_matching_recovers_a_planted_shift() -> None:
    shares = [0.6, 0.3, 0.1]
    fair, truth = peaked(4000, shares, seed=1, sharpness=1.2)
    planted = np.array([-2.0, 0.5, 1.5])
    misled = shifted(fair, planted)
    assert np.abs(misled.mean(0) - shares).max() > 0.1
    matched = shifted(misled, match_shares(misled, shares))
    assert matched.mean(0) == pytest.approx(shares, abs=1e-5)
    assert match_shares(misled, shares) == pytest.approx(-(planted - planted.mean()), abs=0.12)
    accuracy = [(each.argmax(1) == truth).mean() for each in (fair, misled, matched)]
    assert accuracy[1] < accuracy[0] - 0.1 and abs(accuracy[2] - accuracy[0]) < 0.01


def test_a_prior_that_matches_already_changes_nothing() -> None:
    found, _ = peaked(500, [0.5, 0.3, 0.2], seed=2, sharpness=1.0)
    offsets = match_shares(found, found.mean(0))
    assert offsets == pytest.approx([0, 0, 0], abs=1e-6)
    assert shifted(found, offsets) == pytest.approx(found, abs=1e-6)


def test_matching_holds_with_the_sharp_answers_of_clip() -> None:
    found, _ = peaked(2000, [0.25] * 4, seed=3, sharpness=6.0)
    shares = [0.7, 0.2, 0.07, 0.03]
    assert shifted(found, match_shares(found, shares)).mean(0) == pytest.approx(shares, abs=1e-4)


@pytest.mark.parametrize("shares", [[0.5, 0.5, 0.0], [0.5, 0.5], [0.5, 0.6, 0.1]])
def test_shares_that_are_none_are_refused(shares: list[float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        match_shares(np.full((4, 3), 1 / 3), shares)


def test_shares_are_estimated_from_calibrated_answers() -> None:
    trained_on, now = [1 / 3] * 3, [0.7, 0.2, 0.1]
    dice = np.random.default_rng(4)
    truth = dice.choice(3, size=8000, p=now)
    logits = 1.5 * (1.5 * np.eye(3)[truth] + dice.normal(0, 1, (8000, 3)))
    found = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.abs(found.mean(0) - now).max() > 0.1
    assert estimated_shares(found, trained_on) == pytest.approx(now, abs=0.03)


# --- the pipeline's labeller ------------------------------------------------------------------------------------------


def labels_with(tmp_path: Path, **changes: Any) -> Path:
    file = tmp_path / "labels.yaml"
    file.write_text(with_values(LABELS.read_text(encoding="utf-8"), "labels.yaml", {"sentiment": changes}))
    return file


def rows(n: int, seed: int = 0) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    vectors = {name: torch.randn(n, 32, generator=generator) for name in ("clip_image", "clip_text", "text", "picture")}
    has_picture = torch.arange(n) % 3 != 0
    has_text = (torch.arange(n) % 3 == 0) | (torch.arange(n) % 2 == 0)
    return vectors, has_picture, has_text


@pytest.fixture(scope="module")
def parts(tiny: Tiny) -> Any:
    from components.features import load_models

    return load_models(tiny.spec())


def labeller(parts: Any, file: Path) -> ZeroShotLabeller:
    return ZeroShotLabeller(parts.clip, file, parts.text_encoder)


ALL = {
    "text_model": "both",
    "temperature": {"text": 0.3},
    "offsets": {"text": {"positive": 1.0, "neutral": 0.0, "negative": -1.0}},
}


@pytest.mark.parametrize("changes", [{}, ALL], ids=["shipped", "all of it"])
def test_a_row_depends_on_no_other(parts: Any, tmp_path: Path, changes: dict[str, Any]) -> None:
    reads = labeller(parts, labels_with(tmp_path, **changes))
    vectors, has_picture, has_text = rows(64)
    together = reads(vectors, has_picture, has_text)
    for i in range(64):
        one = {name: values[i : i + 1] for name, values in vectors.items()}
        [alone] = reads(one, has_picture[i : i + 1], has_text[i : i + 1])
        for name in TASKS:
            assert dict(alone[name]) == pytest.approx(dict(together[i][name]), abs=1e-5)


def test_offsets_temperature_and_threshold_come_from_the_file(parts: Any, tmp_path: Path) -> None:
    vectors, yes, no = rows(8)[0], torch.ones(8, dtype=torch.bool), torch.zeros(8, dtype=torch.bool)
    offsets = {"positive": 2.0, "neutral": 0.0, "negative": -2.0}
    plain = labeller(parts, LABELS)
    changed = labeller(
        parts, labels_with(tmp_path, temperature=2.0, offsets={"clip_image": offsets}, threshold=0.4)
    )  # fmt: skip
    names, before = plain.answers(vectors, yes, no)["sentiment"]
    _, after = changed.answers(vectors, yes, no)["sentiment"]
    wanted = (before.log() / 2 + torch.tensor([offsets[name] for name in names])).softmax(-1)
    assert torch.allclose(after, wanted, atol=1e-5)
    assert dict(plain.thresholds) == dict.fromkeys(TASKS)
    assert changed.thresholds["sentiment"] == 0.4 and changed.thresholds["topic"] is None


@pytest.mark.parametrize("before", [{}, {"clip_image": {"positive": 1.5, "neutral": 0.0, "negative": 0.0}}])
def test_stored_offsets_do_to_a_row_what_matching_did_to_the_batch(
    parts: Any, tmp_path: Path, before: dict[str, Any]
) -> None:
    vectors, has_picture, has_text = rows(200)
    shares = {"positive": 5, "neutral": 3, "negative": 2}
    start = read_labels(labels_with(tmp_path, offsets=before))
    zero_shot = ZeroShot(start, parts.clip, parts.text_encoder)
    offsets = fixed_offsets(zero_shot, "sentiment", vectors, has_picture, has_text, shares)
    assert set(offsets) == {"clip_image", "clip_text"}
    fixed = labeller(parts, labels_with(tmp_path, offsets=offsets))
    yes, no = torch.tensor([True]), torch.tensor([False])
    for side, there, only in (("clip_image", has_picture, (yes, no)), ("clip_text", has_text, (no, yes))):
        places = there.nonzero().flatten()
        alone = [{name: values[i : i + 1] for name, values in vectors.items()} for i in places.tolist()]
        names = fixed.answers(alone[0], *only)["sentiment"][0]
        found = torch.cat([fixed.answers(row, *only)["sentiment"][1] for row in alone]).mean(0)
        assert found.tolist() == pytest.approx([shares[name] / 10 for name in names], abs=1e-3), side


@pytest.mark.parametrize("shares", [{"positive": 1}, {"positive": 1, "neutral": 1, "negative": 0}])
def test_shares_of_a_file_are_of_all_its_classes(parts: Any, shares: dict[str, float]) -> None:
    zero_shot = ZeroShot(read_labels(LABELS), parts.clip)
    with pytest.raises(UserError, match="shares of sentiment: give one number above 0 for each of positive, neutral"):
        fixed_offsets(zero_shot, "sentiment", *rows(4), shares)


def test_texts_can_be_read_by_sentence_vectors(parts: Any, tmp_path: Path) -> None:
    vectors, _, _ = rows(6)
    yes, no = torch.ones(6, dtype=torch.bool), torch.zeros(6, dtype=torch.bool)
    by = {model: labeller(parts, labels_with(tmp_path, text_model=model)).answers(vectors, no, yes)["sentiment"][1]
          for model in ("clip", "text_encoder", "both")}  # fmt: skip
    assert not torch.allclose(by["clip"], by["text_encoder"], atol=1e-3)
    assert torch.allclose(by["both"], (by["clip"] + by["text_encoder"]) / 2, atol=1e-6)


def test_a_model_set_reads_texts_as_its_labels_file_says(
    tiny: Tiny, tmp_path: Path, items: Callable[[int], list[Item]]
) -> None:
    for part in tiny.folder.iterdir():
        if part.is_dir():
            (tmp_path / part.name).symlink_to(part)
    texts = [item for item in items(5) if item.image_path is None]
    found = {}
    for model in ("clip", "text_encoder"):
        file = labels_with(tmp_path, text_model=model, threshold=0.9)
        made = write_set(tmp_path, network={"zero_shot": "clip", "labels": str(file)})
        features, refused = extract(texts, made.spec())
        assert texts and not refused
        rows = [feature for feature in features if feature.name == "sentiment"]
        assert {row.threshold for row in rows} == {0.9}
        found[model] = {row.text: row.score for row in rows}
    assert found["clip"] != found["text_encoder"]


def test_a_file_that_wants_a_text_encoder_says_so(parts: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"sentiment\.text_model"):
        ZeroShotLabeller(parts.clip, labels_with(tmp_path, text_model="text_encoder")).answers(*rows(2))


# --- files that are wrong ---------------------------------------------------------------------------------------------

GOOD = {"prompts": ["a {}"], "text_prompts": ["{}"], "classes": {"a": ["one"], "b": []}}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"prompts": []}, "scene.prompts"),
        ({"prompts": ["a photo"]}, "needs one {}"),
        ({"prompts": ["{} {x}"]}, "no other brace"),
        ({"classes": {"a": []}}, "scene.classes"),
        ({"classes": {True: [], "b": []}}, "scene.classes"),
        ({"sentences": {"c": ["no such class"]}}, "'c' is no class"),
        ({"use": "sentences", "sentences": {"a": ["x"]}}, "sentences: none for 'b'"),
        ({"offsets": {"clip_image": {"a": 1.0}}}, "no offset for 'b'"),
        ({"offsets": {"picture": {"a": 1.0, "b": 1.0}}}, "scene.offsets.picture"),
        ({"offsets": {"text": {"a": float("inf"), "b": 1.0}}}, "scene.offsets.text.a"),
        ({"temperature": 0}, "scene.temperature"),
        ({"threshold": -0.1}, "scene.threshold"),
        ({"text_model": "bert"}, "scene.text_model"),
        ({"tone": "warm"}, "scene.tone"),
    ],
)
def test_a_wrong_key_is_named_in_one_line(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_labels(yaml.safe_dump({"scene": GOOD | changes}), "mine.yaml")
    assert "mine.yaml" in str(caught.value) and says in str(caught.value) and "\n" not in str(caught.value)


def test_missing_tasks_and_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no topic and no sentiment; it needs topic, sentiment, scene"):
        parse_labels(yaml.safe_dump({"scene": GOOD}), "mine.yaml", TASKS)
    assert list(parse_labels(yaml.safe_dump({"scene": GOOD}), "mine.yaml", ["scene"])) == ["scene"]
    with pytest.raises(UserError, match=r"none\.yaml: No such file"):
        read_labels(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"caf\xe9: {}")
    with pytest.raises(UserError, match="not UTF-8"):
        read_labels(tmp_path / "latin.yaml")


def test_values_that_would_break_a_file_are_not_written() -> None:
    text = yaml.safe_dump({"scene": GOOD})
    with pytest.raises(UserError, match="no weather"):
        with_values(text, "mine.yaml", {"weather": {"threshold": 0.5}})
    with pytest.raises(UserError, match="no offset for 'b'"):
        with_values(text, "mine.yaml", {"scene": {"offsets": {"text": {"a": 1.0}}}})
    assert (
        parse_labels(with_values(text, "mine.yaml", {"scene": {"threshold": 0.5}}, "by me"), "x")["scene"].threshold
        == 0.5
    )
