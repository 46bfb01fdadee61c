"""The fused network: every fusion does without a picture or a text, old files answer as ever, numbers have a unit."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from components.errors import UserError
from components.features.network import FUSIONS, NetworkConfig, PromptWordsNetwork

SHIPPED = Path(__file__).parents[2] / "components/features/starter/network"
TASKS = {"topic": ("a", "b", "c"), "scene": ("x", "y")}


def network(**changes: object) -> PromptWordsNetwork:
    torch.manual_seed(0)
    made = PromptWordsNetwork(
        NetworkConfig(**{"tasks": TASKS, "picture_dim": 6, "text_dim": 5, "hidden_dim": 16} | changes)
    )  # type: ignore[arg-type]
    made.module.eval()
    return made


def vectors(n: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(n, 6, generator=generator), torch.randn(n, 5, generator=generator)


def test_the_shipped_network_answers_as_it_did_before_there_were_more_fields() -> None:
    """Measured with the module as it was when the weights were shipped."""
    assert set(json.loads((SHIPPED / "config.json").read_text())) & {"numbers", "reads", "thresholds"} == set()
    shipped = PromptWordsNetwork.load(SHIPPED)
    torch.manual_seed(0)
    p, t = torch.randn(50, 160), torch.randn(50, 128)
    has_picture, has_text = torch.rand(50) > 0.3, torch.rand(50) > 0.3
    for given, expected in (
        ((p, t, has_picture, has_text), [0.121396, 0.875633, 0.002972]),
        ((p, None), [0.121396, 0.875633, 0.002972]),
        ((None, t), [0.344436, 0.564535, 0.091028]),
        ((p, t), [0.068945, 0.919721, 0.011334]),
    ):
        np.testing.assert_allclose(shipped.probabilities(*given)["sentiment"][0].tolist(), expected, atol=2e-6)
    assert shipped.threshold("topic") is None
    assert shipped.answers(p, t)[1] == {}


@pytest.mark.parametrize("fusion", FUSIONS)
def test_what_a_row_lacks_cannot_matter(fusion: str) -> None:
    made, (picture, text) = network(fusion=fusion), vectors()
    has = torch.tensor([True, False, True, False])
    noisy = torch.where(has[:, None], picture, torch.full_like(picture, 1e6))
    with_noise = made.probabilities(noisy, text, has, None)
    for task, expected in made.probabilities(picture, text, has, None).items():
        torch.testing.assert_close(with_noise[task], expected)
        assert torch.isfinite(expected).all()
    alone = made.probabilities(None, text[1:2])
    both_masked = made.probabilities(picture, text, has, None)
    for task in TASKS:
        torch.testing.assert_close(alone[task][0], both_masked[task][1])
    picture_only = made.probabilities(picture, None)
    torch.testing.assert_close(
        picture_only["topic"], made.probabilities(picture, text, None, torch.zeros(4, dtype=torch.bool))["topic"]
    )


@pytest.mark.parametrize("fusion", FUSIONS)
def test_rows_do_not_depend_on_their_company(fusion: str) -> None:
    made, (picture, text) = network(fusion=fusion), vectors(9)
    together = made.probabilities(picture, text)["scene"]
    single = torch.cat([made.probabilities(picture[i : i + 1], text[i : i + 1])["scene"] for i in range(9)])
    torch.testing.assert_close(together, single)


def test_attention_reads_the_picture_in_the_light_of_the_text() -> None:
    """The picture's part of the fusion changes with the text; with concatenation it could not."""
    made, (picture, text) = network(fusion="attention"), vectors()
    inner, h = made.module, 16
    with torch.inference_mode():
        p, t = inner.picture(picture), inner.text(text)
        moved = (inner.meeting(p, t)[:, :h] - inner.meeting(p, t.flip(0))[:, :h]).abs().max()
    assert moved > 1e-3


def test_numbers_come_in_their_own_unit_and_have_no_probabilities() -> None:
    made, (picture, text) = network(numbers={"likes": {"mean": 100.0, "scale": 20.0}}), vectors()
    chances, numbers = made.answers(picture, text)
    assert set(chances) == set(TASKS) == set(made.probabilities(picture, text))
    raw = made(picture, text)["likes"]
    assert raw.shape == (4,)
    torch.testing.assert_close(numbers["likes"], raw * 20 + 100)


def test_a_task_sees_only_what_its_labels_came_with() -> None:
    made, (picture, text) = network(reads={"scene": ("picture",)}), vectors()
    other = text.flip(0)
    one, two = made.probabilities(picture, text), made.probabilities(picture, other)
    torch.testing.assert_close(one["scene"], two["scene"])
    assert (one["topic"] - two["topic"]).abs().max() > 1e-4
    assert torch.isfinite(made.probabilities(None, text)["scene"]).all()


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    made = network(
        fusion="attention", numbers={"likes": {"mean": 3.0, "scale": 2.0}}, reads={"scene": ("picture",)},
        thresholds={"topic": 0.625}, temperatures={"topic": {"both": 2.0, "picture": 1.5, "text": 3.0}},
    )  # fmt: skip
    made.save(tmp_path, half=False)
    again = PromptWordsNetwork.load(tmp_path)
    assert again.config == made.config
    assert again.threshold("topic") == 0.625
    picture, text = vectors()
    for one, two in zip(made.answers(picture, text), again.answers(picture, text), strict=True):
        for task in one:
            assert torch.equal(one[task], two[task])


def test_task_names_that_torch_would_refuse(tmp_path: Path) -> None:
    made = network(tasks={"type": ("a", "b"), "v1.2": ("c", "d"), "keys": ("e", "f")})
    made.save(tmp_path)
    assert set(PromptWordsNetwork.load(tmp_path).probabilities(*vectors())) == {"type", "v1.2", "keys"}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"fusion": "sum"}, "fusion is 'sum'; use one of gate, concat, attention"),
        ({"tasks": {}}, "a network predicts at least one"),
        ({"numbers": {"topic": {}}}, "topic has labels and is a number"),
    ],
)
def test_a_config_that_makes_no_sense_is_told_in_one_line(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(UserError, match=told):
        network(**wrong)


def test_neither_picture_nor_text_is_an_error() -> None:
    with pytest.raises(UserError, match="neither a picture nor a text"):
        network().probabilities(None, None)
