"""Every method behind one function: lexicon, guesses, a straight line, and models, on answers that are known."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from numpy.typing import NDArray

from components.errors import UserError
from components.features import load_models
from components.learning import baselines
from components.learning.methods import LEARNING_KINDS, NEEDS, Inputs, fits, predict
from components.learning.spec import EvaluationSpec, Method, load_evaluation
from components.specs import FeatureSpec

SENTIMENTS = ("positive", "neutral", "negative")


def inputs(
    texts: Sequence[str],
    targets: Sequence[int] | NDArray[Any] | None = None,
    has_picture: bool = False,
    **vectors: NDArray[Any],
) -> Inputs:
    n = len(texts)
    return Inputs(
        texts,
        {kind: rows.astype(np.float32) for kind, rows in vectors.items()},
        np.full(n, has_picture),
        np.array([bool(text) for text in texts]),
        None if targets is None else np.asarray(targets, dtype=np.int64),
    )


def ask(kind: str, test: Inputs, labels: Sequence[str] = SENTIMENTS, **given: Any) -> NDArray[Any]:
    method = Method.model_validate({"kind": kind, **given.pop("method", {})})
    return predict(method, given.pop("task", "sentiment"), labels, test, **given)


# --- lexicon and guesses ----------------------------------------------------------------------------------------------

PUBLISHED = [
    ("VADER is smart, handsome, and funny.", "positive"),
    ("VADER is VERY SMART, handsome, and FUNNY!!!", "positive"),
    ("VADER is not smart, handsome, nor funny.", "negative"),
    ("The book was good.", "positive"),
    ("At least it isn't a horrible book.", "positive"),
    ("The plot was good, but the characters are uncompelling and the dialog is not great.", "negative"),
    ("Today SUX!", "negative"),
    ("Today only kinda sux! But I'll get by, lol", "positive"),
    ("Make sure you :) or :D today!", "positive"),
    ("Not bad at all", "positive"),
]
"""Examples of the README of vaderSentiment, with the signs of the scores that it gives."""


def test_vader_answers_the_published_examples_as_published() -> None:
    found = ask("vader", inputs([*(text for text, _ in PUBLISHED), "The table is in the room."]))
    assert [SENTIMENTS[i] for i in found] == [*(label for _, label in PUBLISHED), "neutral"]


def test_vader_answers_in_the_order_of_the_labels_and_not_without_a_text() -> None:
    labels = ("negative", "mixed", "positive", "neutral")
    found = ask("vader", inputs(["I love it!", "", "I hate it."]), labels)
    assert found.tolist() == [2, -1, 0]


def test_vader_knows_sentiments_only() -> None:
    method = Method(kind="vader")
    assert fits(method, SENTIMENTS) and not fits(method, ("beach", "cafe")) and fits(Method(kind="prior"), ("a", "b"))
    with pytest.raises(UserError, match="vader: it answers positive, neutral, negative, but scene has"):
        ask("vader", inputs(["x"]), ("beach", "cafe"), task="scene")


def test_majority_and_prior_know_the_shares_of_what_they_were_taught() -> None:
    train = inputs(["t"] * 100, [0] * 60 + [1] * 30 + [-1] * 10)
    test = inputs(["", *["x"] * 2999])
    shares = ask("majority", test, train=train)
    assert shares.shape == (3000, 3) and shares[0].tolist() == pytest.approx([2 / 3, 1 / 3, 0])
    drawn = ask("prior", test, train=train, seed=1)
    assert np.bincount(drawn, minlength=3) / 3000 == pytest.approx([2 / 3, 1 / 3, 0], abs=0.03)
    assert (ask("prior", test, train=train, seed=1) == drawn).all()
    assert (ask("prior", test, train=train, seed=2) != drawn).any()


@pytest.mark.parametrize("kind", LEARNING_KINDS)
def test_what_learns_says_that_it_needs_labels(kind: str) -> None:
    rows = np.ones((2, 3))
    test = inputs(["a", "b"], has_picture=True, text=rows, picture=rows, clip_image=rows)
    with pytest.raises(UserError, match=f"method {kind} learns from labelled rows"):
        ask(kind, test)
    unlabelled = inputs(["a", "b"], [-1, -1], True, text=rows, picture=rows, clip_image=rows)
    with pytest.raises(UserError, match=f"method {kind} can learn nothing of sentiment"):
        ask(kind, test, train=unlabelled)


# --- a straight line --------------------------------------------------------------------------------------------------


def two_sides(n: int, seed: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Labels of three classes; the first differs in the text, the other two in the picture."""
    dice = np.random.default_rng(seed)
    truth = dice.integers(3, size=n)
    text = dice.normal(0, 1, (n, 8))
    picture = dice.normal(0, 1, (n, 6)) * 100
    text[:, 0] += 4 * (truth == 0)
    picture[:, 1] += 400 * (truth == 1)
    return truth, text, picture


def test_the_probe_learns_from_picture_and_text() -> None:
    (truth, text, picture), (wanted, text2, picture2) = two_sides(300, 0), two_sides(200, 1)
    both = inputs(["t"] * 300, truth, True, text=text, picture=picture)
    found = ask("linear_probe", inputs(["t"] * 200, None, True, text=text2, picture=picture2), train=both)
    assert found.sum(1) == pytest.approx(np.ones(200)) and (found.argmax(1) == wanted).mean() > 0.9
    texts_only = inputs(["t"] * 300, truth, False, text=text, picture=np.zeros_like(picture))
    found = ask("linear_probe", inputs(["t"] * 200, None, True, text=text2, picture=picture2), train=texts_only)
    assert 0.5 < (found.argmax(1) == wanted).mean() < 0.8


def test_the_probe_gives_no_chance_to_a_class_it_never_saw() -> None:
    truth, text, picture = two_sides(60, 0)
    train = inputs(["t"] * 60, np.where(truth == 2, 0, truth), True, text=text, picture=picture)
    found = ask("linear_probe", train, train=train)
    assert (found[:, 2] == 0).all() and found.sum(1) == pytest.approx(np.ones(60))
    one = inputs(["t"] * 60, np.zeros(60), True, text=text, picture=picture)
    assert ask("linear_probe", one, train=one)[0].tolist() == [1, 0, 0]


def test_the_probe_survives_classes_of_one_row() -> None:
    truth, text, picture = two_sides(30, 3)
    truth = np.array([*([0] * 14), *([1] * 15), 2])
    train = inputs(["t"] * 30, truth, True, text=text, picture=picture)
    assert np.isfinite(ask("linear_probe", train, train=train)).all()


def test_shares_are_smoothed_so_that_none_is_nought() -> None:
    assert baselines.smoothed_shares(np.array([0, 0, 1, -1]), 3).tolist() == pytest.approx([3 / 6, 2 / 6, 1 / 6])


# --- models -----------------------------------------------------------------------------------------------------------

TEXTS = ["I had a lovely day at the harbour!", "", "The order was wrong and cold.", "Quiet waves at the beach."]


@pytest.fixture(scope="module")
def models() -> Any:
    return load_models(FeatureSpec(models="starter", device="cpu"))


@pytest.fixture(scope="module")
def seen(models: Any) -> Inputs:
    """Four rows: text, picture, text, both."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.rand(2, 3, 112, 112, generator=generator)
    has_picture, has_text = np.array([False, True, False, True]), np.array([True, False, True, True])
    vectors = {
        kind: np.zeros((4, width), dtype=np.float32)
        for kind, width in (("picture", models.picture_encoder.width), ("text", models.text_encoder.width),
                            ("clip_image", models.clip.width), ("clip_text", models.clip.width))
    }  # fmt: skip
    texts = [text for text in TEXTS if text]
    vectors["text"][has_text] = models.text_encoder(texts).numpy()
    vectors["clip_text"][has_text] = models.clip.texts(texts).numpy()
    vectors["picture"][has_picture] = models.picture_encoder(pixels).numpy()
    vectors["clip_image"][has_picture] = models.clip.pictures(pixels).numpy()
    return Inputs(TEXTS, vectors, has_picture, has_text)


def test_a_model_set_answers_as_in_the_pipeline(models: Any, seen: Inputs) -> None:
    labels = ("negative", "positive", "neutral")
    found = ask("model_set", seen, labels, models=models)
    tensors = {kind: torch.from_numpy(rows) for kind, rows in seen.vectors.items()}
    rows = models.labeller(tensors, torch.from_numpy(seen.has_picture), torch.from_numpy(seen.has_text))
    for row, probabilities in zip(rows, found, strict=True):
        assert dict(row["sentiment"]) == pytest.approx(dict(zip(labels, probabilities, strict=True)), abs=2e-6)
    beside = ask("model_set", seen, ("positive", "mixed", "negative"), models=models)
    assert (beside[:, 1] == 0).all() and beside.sum(1) == pytest.approx(np.ones(4))


def test_labels_and_tasks_that_a_set_does_not_know_are_named(models: Any, seen: Inputs) -> None:
    with pytest.raises(UserError, match="knows none of the labels joy, fear of sentiment"):
        ask("model_set", seen, ("joy", "fear"), models=models)
    with pytest.raises(UserError, match="starter knows no task humour; it knows topic, sentiment, scene"):
        ask("model_set", seen, ("joy", "fear"), task="humour", models=models)


def test_zero_shot_restricts_to_the_labels_that_are_asked(models: Any, seen: Inputs) -> None:
    every = tuple(yaml.safe_load(described())["scene"]["classes"])
    whole = ask("zero_shot", seen, every, task="scene", models=models)
    some = ask("zero_shot", seen, ("cafe", "beach"), task="scene", models=models)
    only_text = 0
    ratio = whole[only_text, [every.index("cafe"), every.index("beach")]]
    assert some[only_text] == pytest.approx(ratio / ratio.sum(), rel=1e-4)
    with pytest.raises(UserError, match="scene does not describe 'volcano'"):
        ask("zero_shot", seen, ("cafe", "volcano"), task="scene", models=models)


def described() -> str:
    from components.features.model_set import SHIPPED

    return (SHIPPED / "pretrained_labels.yaml").read_text(encoding="utf-8")


def test_rows_that_cannot_be_read_have_no_answer(models: Any, seen: Inputs) -> None:
    found = ask("text_zero_shot", seen, models=models)
    assert np.isnan(found).all(1).tolist() == [False, True, False, False]
    assert (found.argmax(1)[[0, 2]] == [0, 2]).all()
    train = Inputs(TEXTS, seen.vectors, seen.has_picture, seen.has_text, np.array([0, 1, 2, 2]))
    found = ask("few_shot", seen, train=train, models=models, method={"shots": 1})
    assert np.isnan(found).all(1).tolist() == [True, False, True, False]


def test_shares_are_those_of_the_rows_to_learn_from_or_equal(models: Any, seen: Inputs) -> None:
    train = Inputs(TEXTS, seen.vectors, seen.has_picture, seen.has_text, np.array([2, 2, 2, 0]))
    matched = {"prior_matching": True}
    found = ask("text_zero_shot", seen, models=models, train=train, method=matched)
    assert np.nanmean(found, 0) == pytest.approx([2 / 7, 1 / 7, 4 / 7], abs=1e-4)
    found = ask("text_zero_shot", seen, models=models, method=matched)
    assert np.nanmean(found, 0) == pytest.approx([1 / 3] * 3, abs=1e-4)


def test_no_answer_depends_on_the_other_rows_unless_shares_are_matched(models: Any, seen: Inputs) -> None:
    for kind in ("model_set", "zero_shot", "text_zero_shot"):
        whole = ask(kind, seen, models=models)
        alone = np.concatenate([ask(kind, seen.rows(np.array([i])), models=models) for i in range(4)])
        assert alone == pytest.approx(whole, abs=1e-5, nan_ok=True), kind


def test_every_kind_says_which_vectors_it_needs(models: Any, seen: Inputs) -> None:
    kinds = Method.model_json_schema()["properties"]["kind"]["enum"]
    assert set(NEEDS) == set(kinds)
    train = Inputs(TEXTS, seen.vectors, seen.has_picture, seen.has_text, np.array([0, 1, 2, 2]))
    for kind, needed in NEEDS.items():
        few = {name: seen.vectors[name] for name in needed}
        asked, teaching = (Inputs(TEXTS, few, seen.has_picture, seen.has_text, t) for t in (None, train.targets))
        found = ask(kind, asked, train=teaching, models=models if needed else None)
        assert len(found) == 4 and found.shape in ((4,), (4, 3))


EVALUATIONS = sorted((Path(__file__).parents[2] / "campaigns").glob("evaluate-*.yaml"))


@pytest.mark.parametrize("file", EVALUATIONS, ids=lambda path: path.name)
def test_shipped_evaluations_can_be_loaded(file: Path) -> None:
    spec = load_evaluation(file)
    assert isinstance(spec, EvaluationSpec) and len({m.name or m.kind for m in spec.methods}) == len(spec.methods)
    labels = [Path(method.labels) for method in spec.methods if method.labels]
    assert all(path.is_file() for path in labels)


def test_an_evaluation_of_drawings_compares_all_kinds() -> None:
    [file] = [path for path in EVALUATIONS if path.name == "evaluate-drawings.yaml"]
    assert {method.kind for method in load_evaluation(file).methods} == set(NEEDS)
