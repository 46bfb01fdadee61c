"""What the starter text models make of texts that nobody drew."""

import numpy as np
import pytest

from components.features.network import PromptWordsNetwork
from components.starter.evaluate import SHIPPED
from components.starter.text import load_encoders, text_vectors

GLAD = (
    "What a wonderful day, I love this place!",
    "so happy and grateful for my friends 😍",
    "Best coffee ever, thank you!",
)
SAD = (
    "Terrible service, the food was awful.",
    "so sad and tired of this, worst week ever 😭",
    "My flight got cancelled again.",
)
TWEETS = (
    "RT @someone: I will be interviewed on the news tonight at 9:00 P.M. Enjoy! https://t.co/abc123",
    "¿Dónde está la biblioteca? #viajes",
    "日本語のツイート 🗾",
    "!!!!!",
    "word " * 200,
)


@pytest.fixture(scope="module")
def read():  # type: ignore[no-untyped-def]
    _, model, tokenizer = load_encoders(SHIPPED)
    return lambda texts: text_vectors(model, tokenizer, list(texts))


def sentiment(read, texts):  # type: ignore[no-untyped-def]
    network = PromptWordsNetwork.load(SHIPPED / "network")
    labels = network.config.tasks["sentiment"]
    return [
        dict(zip(labels, row.tolist(), strict=True)) for row in network.probabilities(None, read(texts))["sentiment"]
    ]


def test_plain_moods_are_read(read) -> None:  # type: ignore[no-untyped-def]
    assert all(p["positive"] > p["negative"] for p in sentiment(read, GLAD))
    assert all(p["negative"] > p["positive"] for p in sentiment(read, SAD))


def test_any_text_has_a_vector_of_its_own(read) -> None:  # type: ignore[no-untyped-def]
    vectors = read((*TWEETS, *GLAD, *SAD)).numpy()
    assert np.isfinite(vectors).all()
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, 0)
    assert cosines.max() < 0.999


def test_letters_without_meaning_leave_it_unsure(read) -> None:  # type: ignore[no-untyped-def]
    assert all(max(p.values()) < 0.75 for p in sentiment(read, ("qxv zzkt pwoe rrl", "lorem ipsum dolor sit amet")))


def test_leaving_out_a_word_that_matters_moves_the_vector_most(read) -> None:  # type: ignore[no-untyped-def]
    text = "the guitar was wonderful at the concert by the lake"
    words = text.split()
    vectors = read([text, *(" ".join(words[:i] + words[i + 1 :]) for i in range(len(words)))])
    unit = vectors / vectors.norm(dim=1, keepdim=True)
    shift = {word: float(1 - unit[0] @ unit[i + 1]) for i, word in enumerate(words)}
    first = sorted(shift, key=lambda word: -shift[word])[:4]
    assert len({"guitar", "wonderful", "concert", "lake"} & set(first)) >= 3, shift
