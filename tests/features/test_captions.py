"""Sampling: the nucleus as defined, the distribution as asked, one stream per candidate. Beams: without chance."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from components.features import extract, load_models
from components.features.captions import Captioner, Decoding, Nucleus, different, random_stream
from components.items.pictures import open_picture
from components.records import Item
from tests.features.tiny_models import Tiny


class Always:
    """A stream that gives the same number."""

    def __init__(self, value: float) -> None:
        self.value = value

    def random(self) -> float:
        return self.value


def chosen(logits: list[list[float]], draws: list[float], temperature: float = 1.0, top_p: float = 1.0) -> list[int]:
    scores = torch.tensor(logits)
    result = Nucleus([Always(d) for d in draws], temperature, top_p)(torch.zeros(len(draws), 1), scores)
    assert (result.isfinite().sum(-1) == 1).all()
    return result.argmax(-1).tolist()


def test_a_token_is_where_the_cumulated_probabilities_pass_the_draw() -> None:
    logits = np.log([0.2, 0.5, 0.3]).tolist()
    assert chosen([logits] * 5, [0.0, 0.19, 0.21, 0.69, 0.999999]) == [0, 0, 1, 1, 2]


def test_the_nucleus_is_the_fewest_tokens_that_reach_top_p() -> None:
    logits = np.log([0.1, 0.5, 0.3, 0.1]).tolist()
    draws = [i / 100 for i in range(100)]
    assert set(chosen([logits] * 100, draws, top_p=0.75)) == {1, 2}
    assert set(chosen([logits] * 100, draws, top_p=0.45)) == {1}
    assert set(chosen([logits] * 100, draws, top_p=1.0)) == {0, 1, 2, 3}
    shares = np.bincount(chosen([logits] * 100, draws, top_p=0.75)) / 100
    assert np.allclose(shares[1:3], [5 / 8, 3 / 8], atol=0.011)


def test_temperature_sharpens_before_the_nucleus() -> None:
    logits = np.log([0.4, 0.6]).tolist()
    draws = [i / 1000 for i in range(1000)]
    cold = np.mean(np.array(chosen([logits] * 1000, draws, temperature=0.5)) == 1)
    assert abs(cold - 0.36 / (0.36 + 0.16)) < 0.01


def test_forbidden_tokens_stay_forbidden() -> None:
    assert set(chosen([[float("-inf"), 0.0, 0.0]] * 50, [i / 50 for i in range(50)])) == {1, 2}


def test_streams_differ_by_picture_candidate_and_seed_and_repeat() -> None:
    def first(sha: str, candidate: int, seed: int) -> float:
        return float(random_stream(sha, candidate, seed).random())

    keys = [("a", 0, 0), ("b", 0, 0), ("a", 1, 0), ("a", 0, 1)]
    assert len({first(*key) for key in keys}) == 4
    assert first("a", 0, 0) == first("a", 0, 0)
    # The captions in people's warehouses hang on this number: if it changes, FeatureSpec.version must change, too.
    assert abs(first("a", 0, 0) - 0.8569957791030746) < 1e-12


def test_texts_that_say_the_same_come_after_those_that_do_not() -> None:
    texts = ["a dog on a beach", "the dog on the beach", "", "a cat", "a dog on a beach", "there is a cat."]
    assert different(texts, 2) == ["a dog on a beach", "a cat"]
    assert different(texts, 3) == ["a dog on a beach", "the dog on the beach", "a cat"]
    assert different(texts, 9) == ["a dog on a beach", "the dog on the beach", "a cat", "there is a cat."]


@pytest.fixture
def seen(tiny: Tiny, items: Callable[[int], list[Item]]) -> tuple[Captioner, torch.Tensor, list[str]]:
    captioner = load_models(tiny.spec()).captioner
    pictures = [item for item in items(12) if item.image_path][:5]
    with_pixels = [captioner.prepare(open_picture(str(item.image_path), max_side=64)) for item in pictures]
    return captioner, torch.stack(with_pixels), [str(item.sha256) for item in pictures]


def test_a_beam_takes_the_likelier_captions_and_no_chance(seen: tuple[Captioner, torch.Tensor, list[str]]) -> None:
    captioner, pixels, hashes = seen
    found = captioner(pixels, hashes, 4, 1.0, 0.9, 0, "beam")
    assert found == captioner(pixels, hashes[::-1], 4, 0.3, 0.5, 7, "beam")
    assert all(1 <= len(texts) == len(set(texts)) <= 4 for texts in found)
    assert found != captioner(pixels, hashes, 4, 1.0, 0.9, 0)


@pytest.mark.parametrize("decoding", ["sample", "beam", "both"])
def test_a_picture_gets_the_same_captions_alone(
    seen: tuple[Captioner, torch.Tensor, list[str]], decoding: Decoding
) -> None:
    captioner, pixels, hashes = seen
    together = captioner(pixels, hashes, 4, 1.0, 0.9, 0, decoding)
    alone = [captioner(pixels[i : i + 1], hashes[i : i + 1], 4, 1.0, 0.9, 0, decoding)[0] for i in range(len(hashes))]
    assert together == alone


def test_half_and_half_is_sampled_first_and_then_from_the_beam(
    seen: tuple[Captioner, torch.Tensor, list[str]],
) -> None:
    captioner, pixels, hashes = seen
    sampled = captioner(pixels, hashes, 5, 1.0, 0.9, 0)
    both = captioner(pixels, hashes, 5, 1.0, 0.9, 0, "both")
    beam = captioner(pixels, hashes, 2, 1.0, 0.9, 0, "beam")
    for texts, ours, theirs in zip(both, sampled, beam, strict=True):
        assert texts[:3] == ours[:3] and 3 <= len(texts) <= 5
        assert set(texts[3:]) & set(theirs) or set(theirs) <= set(ours[:3])
        assert not set(texts[3:]) & set(texts[:3])


def test_what_is_kept_of_a_beam_is_ranked_by_clip(tiny: Tiny, items: Callable[[int], list[Item]]) -> None:
    features, _ = extract(items(2), tiny.spec(decoding="beam"))
    for item in items(2):
        scores = [f.score or 0 for f in features if f.name == "caption" and f.item_id == item.item_id]
        assert scores and scores == sorted(scores, reverse=True)
    assert tiny.spec(decoding="beam").id != tiny.spec().id
