"""The shipped classifier on texts that differ in manners, and a classifier of transformers from a directory."""

import json
from pathlib import Path

import pytest

from components.errors import UserError
from components.measures.sources import fingerprint
from components.measures.toxicity import Shipped, load_classifier, toxicity
from components.specs import MeasureSpec
from tests.measures.posts import a_batch, a_post


def a_classifier(folder: Path, labels: tuple[str, ...], **changes: object) -> Path:
    """A tiny BERT with random weights and a head."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    from tests.features.tiny_models import make_text_encoder

    make_text_encoder(folder)  # for its tokenizer
    torch.manual_seed(0)
    known = json.loads((folder / "config.json").read_text())
    config = BertConfig(
        vocab_size=known["vocab_size"], hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, id2label=dict(enumerate(labels)), label2id={name: at for at, name in enumerate(labels)},
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_the_shipped_classifier_tells_manners_apart() -> None:
    rude = Shipped()(["you are a stupid idiot", "fuck this shit", "shut up you ugly moron"])
    kind = Shipped()(
        ["I love the beach today", "Two red boats leave the harbour.", "What a lovely morning, thank you."]
    )
    assert rude.min() > 0.8 and kind.max() < 0.2
    assert Shipped()([]).shape == (0,)


def test_a_post_without_words_has_no_tone() -> None:
    posts = [a_post(0, "#stupid #idiot 🎉"), a_post(1, "Have a good day, you idiot.")]
    found = {one.post_id: one for one in toxicity(posts, a_batch(posts), Shipped())}
    assert (found[posts[0].post_id].value, found[posts[0].post_id].error) == (None, "wordless")
    assert found[posts[1].post_id].value is not None
    assert found[posts[1].post_id].model.startswith("alt-profanity-check ")


def test_a_classifier_of_transformers_gives_the_chance_of_harmful_labels(tmp_path: Path) -> None:
    """Labels that exclude each other are added, others the highest counts."""
    texts = ["the cat on the sofa", "red"] * 40
    binary = load_classifier(str(a_classifier(tmp_path / "binary", ("non-toxic", "toxic"))), None)
    several = load_classifier(str(a_classifier(tmp_path / "several", ("toxic", "insult", "threat"))), None)
    for classifier in (binary, several):
        chances = classifier(texts)
        assert chances.shape == (80,) and ((chances > 0) & (chances < 1)).all()
        assert chances[0] == pytest.approx(chances[2], abs=1e-6)
    assert binary.model == str(tmp_path / "binary")


def test_changed_weights_are_another_spec(tmp_path: Path) -> None:
    folder = a_classifier(tmp_path / "c", ("non-toxic", "toxic"))
    before = MeasureSpec(toxicity=str(folder)).id
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes() + b" ")
    assert MeasureSpec(toxicity=str(folder)).id != before
    assert set(fingerprint(MeasureSpec(families=("wording",)))) == set()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("unitary/toxic-bert", "not owner/name@commit"),
        ("unitary/toxic-bert@" + "0" * 40, "hf download unitary/toxic-bert --revision " + "0" * 40),
        ("nowhere", "is no directory here"),
    ],
)
def test_a_classifier_that_is_not_here_is_refused_in_one_line(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"measures\.toxicity") as caught:
        load_classifier(name, tmp_path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_directory_that_is_no_classifier_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"no config\.json"):
        load_classifier(str(tmp_path / "empty"), None)
    from tests.features.tiny_models import make_text_encoder

    make_text_encoder(tmp_path / "encoder")  # without a head: transformers would draw one at random
    with pytest.raises(UserError, match=r"cannot be loaded .*missing"):
        load_classifier(str(tmp_path / "encoder"), None)
    broken = a_classifier(tmp_path / "broken", ("ok", "toxic"))
    (broken / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(UserError, match="cannot be loaded"):
        load_classifier(str(broken), None)
    harmless = a_classifier(tmp_path / "harmless", ("neutral", "safe"))
    with pytest.raises(UserError, match="none of which is harmful"):
        load_classifier(str(harmless), None)
