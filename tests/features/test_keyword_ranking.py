"""How keywords are ranked: leave-one-out in one batch, YAKE, and both in one unit."""

from collections.abc import Sequence

import pytest
import torch

from components.features import forward_passes
from components.features.keyword_ranking import WINDOW, rank, rank_by_yake, rank_keywords, ranked_by, without
from components.features.keywords import Candidate, candidates, clean
from tests.features.tiny_models import Tiny


def count_vector(texts: Sequence[str]) -> torch.Tensor:
    """An embedding whose shifts are known: beach weighs 3, dog 2, all else 1."""
    weights = {"beach": 3.0, "dog": 2.0}
    return torch.tensor(
        [[1.0] + [weights.get(w, 1.0) * (w in t.split()) for w in ("beach", "dog", "sky")] for t in texts]
    )


def test_keywords_are_ranked_by_the_shift_of_the_sentence() -> None:
    made = [Candidate(w, w, frozenset({w})) for w in ("sky", "dog", "beach")]
    [found, none] = rank([("beach dog sky", made), ("", [])], "leave_one_out", count_vector, 2)
    assert [word for word, _ in found] == ["beach", "dog"]
    full, left = torch.tensor([1.0, 3, 2, 1]), torch.tensor([1.0, 0, 2, 1])
    assert found[0][1] == pytest.approx(1 - float(torch.cosine_similarity(full, left, dim=0)), abs=1e-6)
    assert none == []


def test_all_sentences_are_embedded_in_one_call_each_once() -> None:
    asked: list[list[str]] = []

    def embed(texts: Sequence[str]) -> torch.Tensor:
        asked.append(list(texts))
        return count_vector(texts)

    made = [Candidate(w, w, frozenset({w})) for w in ("dog", "beach")]
    rank_keywords([("beach dog", made), ("beach dog", made), ("nothing", [])], embed)
    assert asked == [["beach dog", "beach", "dog"]]
    asked.clear()
    assert rank([("beach dog", made)], "leave_one_out", embed, 0) == [[]] and asked == []


def test_leave_one_out_takes_one_pass_of_the_encoder_per_batch_of_texts_not_per_word(tiny: Tiny) -> None:
    from components.features import load_models

    encoder = load_models(tiny.spec()).text_encoder
    texts = [
        f"a {a} beach with {b} dogs and an old boat near the harbour" for a in ("wide", "empty") for b in ("two", "big")
    ]
    asked = [(text, candidates(text, "", "en")) for text in texts]
    words = sum(len(found) for _, found in asked)
    before = forward_passes()
    rank(asked, "leave_one_out", encoder, 5)
    used = (forward_passes() - before)["text_encoder"]
    assert words > 16 and used <= 3


def test_a_word_is_left_out_in_all_its_forms_as_a_whole_word_and_with_its_genitive() -> None:
    dog = Candidate("dog", "dog", frozenset({"dog", "dogs"}))
    assert without("The dog barks. Dogs are loud, hotdog-dogs", dog) == "The barks. are loud, hotdog-dogs"
    assert without("The dog’s bowl", dog) == "The bowl"
    assert without("现在API升级", Candidate("API", "api", frozenset({"api"}))) == "现在 升级"
    assert without("les photos d'amour", Candidate("amour", "amour", frozenset({"amour"}))) == "les photos d'"


def test_words_far_back_in_a_long_text_count_too() -> None:
    text = "The harbour was calm and grey all day long. " * 60 + "Then a whale jumped."
    asked: list[str] = []

    def embed(texts: Sequence[str]) -> torch.Tensor:
        asked.extend(texts)
        cut = [text[: WINDOW + 10] for text in texts]  # as an encoder cuts
        return torch.tensor([[1.0, 5.0 * ("whale" in t), 1.0 * ("harbour" in t)] for t in cut])

    [found] = rank([(text, candidates(text, "", "en"))], "leave_one_out", embed, 3)
    assert found[0][0] == "whale" and max(map(len, asked)) <= WINDOW


def test_yake_ranks_the_same_candidates_higher_is_better() -> None:
    text = clean("Tokyo Tower at night. The tower shines over Tokyo, and we walked home through quiet streets #Tokyo")
    words = candidates(text, "", "en")
    found = rank_by_yake(text, words)
    assert found[0][0] == "Tokyo"
    assert {word for word, _ in found} <= {c.shown for c in words}
    assert [s for _, s in found] == sorted((s for _, s in found), reverse=True) and all(0 < s <= 1 for _, s in found)
    [kept, none] = rank([(text, words), ("", [])], "yake", lambda _: pytest.fail("yake needs no encoder"), 2)
    assert kept == found[:2] and none == []


def test_yake_says_its_version() -> None:
    assert ranked_by("yake", "tiny/text_encoder@1").startswith("yake@0.")
    assert ranked_by("leave_one_out", "tiny/text_encoder@1") == "tiny/text_encoder@1"
