"""A trained network on disk: loads as it was, its card says what people ask, its set works like any other."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from components.errors import UserError
from components.features.model_set import model_set_fingerprint, read_model_set, revision_of
from components.features.network import PromptWordsNetwork
from components.learning.calibration import predictions
from components.learning.comparisons import ArmResult, arms, compare, train_arm
from components.learning.encoded import Encoded
from components.learning.model_folder import read_card, save_model, training_facts, write_model_set
from components.learning.spec import TrainingSpec
from tests.learning.planted import QUADRANTS, quadrants, spec

LABELS = {"topic": QUADRANTS}
MAP = "source: ours\ntopic: {N: north west}\n"


@pytest.fixture(scope="module")
def made() -> tuple[TrainingSpec, dict[str, Encoded], list[ArmResult]]:
    asked = spec(epochs=4, compare={"fusions": ["concat"]})
    data = {split: quadrants(n, s) for s, (split, n) in enumerate((("train", 300), ("validation", 120), ("test", 100)))}
    return asked, data, [train_arm(arm, data, asked, LABELS) for arm in arms(asked, ["planted"])]


def written(folder: Path, made: tuple[TrainingSpec, dict[str, Encoded], list[ArmResult]], **run: object) -> Path:
    asked, data, (main, *others) = made
    assert main.trained is not None
    facts = training_facts(asked, data, LABELS, main.trained.network)
    save_model(
        folder, main.trained.network, facts, main.measured, compared=compare(main, others, asked),
        label_maps={"quarters": MAP}, of_this_run=run,
    )  # fmt: skip
    return folder


def test_the_network_comes_back_as_it_was_measured(tmp_path: Path, made) -> None:  # type: ignore[no-untyped-def]
    again = PromptWordsNetwork.load(written(tmp_path / "network", made))
    network, test = made[2][0].trained.network, made[1]["test"]
    assert again.config == network.config and again.config.thresholds
    assert np.array_equal(predictions(again, test)["topic"], predictions(network, test)["topic"])
    assert (tmp_path / "network/label_map_quarters.yaml").read_text() == MAP


def test_the_card_says_what_people_ask(tmp_path: Path, made) -> None:  # type: ignore[no-untyped-def]
    folder = written(tmp_path, made, trained="2026-11-20, 4 s")
    text, card = (folder / "CARD.md").read_text(), read_card(folder)
    figures = {row["metric"]: row for row in card["figures"]}
    for must in (
        "| train | 300 | planted 300 | 300 |", "| test | 100 |", "seed 0", "## Limits", "quarters", "north west",
        "trained: 2026-11-20, 4 s.", "fusion concat", "macro-F1", f"{figures['macro_f1']['low']:.3f} to",
        "80 % of the", "learned numbers",
    ):  # fmt: skip
        assert must in text, must
    assert "nan" not in text.lower().split() and "None" not in text
    assert card["facts"]["labelled"]["topic"]["train"] == dict(
        zip(QUADRANTS, np.bincount(made[1]["train"].targets["topic"], minlength=4).tolist(), strict=True)
    )
    assert card["facts"]["spec"]["learning_rate"] == 1e-3
    assert {row["subject"] for row in card["compared"]} == {"fusion concat"}
    assert str(tmp_path) not in (folder / "card.json").read_text()
    assert max(len(line) for line in text.splitlines() if not line.startswith("|")) < 200


def test_when_it_was_trained_does_not_change_what_it_is(tmp_path: Path, made) -> None:  # type: ignore[no-untyped-def]
    one, two = (written(tmp_path / name, made, on=name) for name in ("monday", "tuesday"))
    sets = [write_model_set(tmp_path / f"{folder.name}.yaml", "starter", folder) for folder in (one, two)]
    prints = [model_set_fingerprint(str(file)) for file in sets]
    assert prints[0]["network"] == prints[1]["network"] != model_set_fingerprint("starter")["network"]
    assert (one / "CARD.md").read_text() != (two / "CARD.md").read_text()


def test_the_set_has_the_base_sets_other_parts_and_can_be_moved(tmp_path: Path, made) -> None:  # type: ignore[no-untyped-def]
    home = tmp_path / "home"
    written(home / "mine/network", made)
    file = write_model_set(home / "mine/mine.yaml", "starter", home / "mine/network")
    assert yaml.safe_load(file.read_text())["network"] == {"path": "network"}
    chosen, base = read_model_set(str(file)), read_model_set("starter")
    assert chosen.name == "mine"
    for name, part in chosen.parts():
        if name != "network":
            assert revision_of(chosen, part) == revision_of(base, getattr(base, name)), name
    home.rename(tmp_path / "elsewhere")
    assert model_set_fingerprint(str(tmp_path / "elsewhere/mine/mine.yaml"))["network"].startswith("sha256:")


def test_a_set_on_the_hub_keeps_its_commits(tmp_path: Path, made) -> None:  # type: ignore[no-untyped-def]
    written(tmp_path / "network", made)
    encoder = tmp_path / "picture_encoder"
    encoder.mkdir()
    (encoder / "config.json").write_text("{}")
    file = write_model_set(tmp_path / "two.yaml", "pretrained", tmp_path / "network", {"picture_encoder": encoder})
    chosen, base = read_model_set(str(file)), read_model_set("pretrained")
    assert chosen.clip == base.clip and chosen.text_encoder == base.text_encoder and chosen.captioner == base.captioner
    assert yaml.safe_load(file.read_text())["picture_encoder"] == {"path": "picture_encoder"}
    again = write_model_set(tmp_path / "sub/three.yaml", str(file), tmp_path / "network")
    assert yaml.safe_load(again.read_text())["picture_encoder"] == {"path": str(encoder.resolve())}


def test_only_encoders_can_be_exchanged(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="captioner is no encoder"):
        write_model_set(tmp_path / "x.yaml", "starter", tmp_path, {"captioner": tmp_path})


def test_a_network_of_numbers_has_a_card_too(tmp_path: Path) -> None:
    from dataclasses import replace

    asked = spec(tasks={"likes": {"kind": "regression"}}, epochs=2)
    data = {
        split: replace(quadrants(60, i), targets={"likes": np.arange(60.0)})
        for i, split in enumerate(("train", "validation", "test"))
    }
    main = train_arm(arms(asked, ["a"])[0], data, asked, {})
    assert main.trained is not None
    save_model(tmp_path, main.trained.network, training_facts(asked, data, {}, main.trained.network), main.measured)
    text = (tmp_path / "CARD.md").read_text()
    assert "**likes**, a number" in text and "rank correlation" in text and "Against networks" not in text
    assert json.loads((tmp_path / "config.json").read_text())["numbers"]["likes"]["mean"] == 29.5
