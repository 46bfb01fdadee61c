"""Labels: the network through the masks it was made for, CLIP without training, equal answers in any batch."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from components.errors import UserError
from components.features import extract, load_models
from components.features.labels import ranked
from components.features.labels_file import read_labels
from components.features.model_set import SHIPPED
from components.records import Item
from tests.features.tiny_models import Tiny, write_set

LABELS = SHIPPED / "pretrained_labels.yaml"


def test_labels_are_ranked_by_probability_and_ties_stay() -> None:
    [first, second] = ranked({"t": (("a", "b", "c"), torch.tensor([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]]))}, 2)
    assert [label for label, _ in first["t"]] == ["b", "c", "a"]
    assert [label for label, _ in second["t"]] == ["a", "c", "b"]


@pytest.fixture(scope="module")
def zero_shot(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    folder = tmp_path_factory.mktemp("zero")
    for part in tiny.folder.iterdir():
        (folder / part.name).symlink_to(part)
    (folder / "tiny.yaml").unlink()
    return write_set(folder, network={"zero_shot": "clip", "labels": str(LABELS)})


def test_zero_shot_is_the_softmax_of_cosines_with_averaged_prompts(zero_shot: Tiny) -> None:
    models = load_models(zero_shot.spec())
    clip = models.clip
    picture = torch.nn.functional.normalize(torch.randn(1, 32, generator=torch.Generator().manual_seed(0)), dim=-1)
    nothing, yes, no = torch.zeros(1, 32), torch.tensor([True]), torch.tensor([False])
    [found] = models.labeller({"clip_image": picture, "clip_text": nothing}, yes, no)
    task = yaml.safe_load(LABELS.read_text())["sentiment"]
    centres = [
        torch.nn.functional.normalize(clip.texts([p.format(d) for p in task["prompts"] for d in words]).mean(0), dim=0)
        for words in task["classes"].values()
    ]
    wanted = (clip.logit_scale * picture @ torch.stack(centres).T).softmax(-1)[0]
    assert {k: v for k, v in found["sentiment"]} == pytest.approx(
        dict(zip(task["classes"], wanted.tolist(), strict=True)), abs=1e-5
    )
    assert sum(p for _, p in found["scene"]) == pytest.approx(1, abs=1e-4)


def test_zero_shot_mixes_picture_and_text_evenly(zero_shot: Tiny) -> None:
    labeller = load_models(zero_shot.spec()).labeller
    picture, text = torch.nn.functional.normalize(
        torch.randn(2, 1, 32, generator=torch.Generator().manual_seed(1)), dim=-1
    )
    both, yes, no = {"clip_image": picture, "clip_text": text}, torch.tensor([True]), torch.tensor([False])
    only = [dict(labeller(both, *there)[0]["topic"]) for there in ((yes, no), (no, yes))]
    mixed = dict(labeller(both, yes, yes)[0]["topic"])
    assert mixed == pytest.approx({label: (only[0][label] + only[1][label]) / 2 for label in mixed}, abs=2e-6)


def test_zero_shot_rows_name_the_labels_file(zero_shot: Tiny, items: Callable[[int], list[Item]]) -> None:
    features, refused = extract(items(5), zero_shot.spec())
    assert not refused
    rows = [f for f in features if f.name == "scene" and f.rank == 0]
    assert len(rows) == 4 and rows[0].model.startswith("tiny/network@")
    assert {f.text for f in features if f.name == "topic"} <= set(
        yaml.safe_load(LABELS.read_text())["topic"]["classes"]
    )


@pytest.mark.parametrize(
    "text", ["topic: {}", "[]", "topic: {prompts: [a], text_prompts: [a], classes: {a: [b], c: []}}", "{"]
)
def test_a_broken_labels_file_is_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "labels.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=r"labels\.yaml") as caught:
        read_labels(file)
    assert "\n" not in str(caught.value)
