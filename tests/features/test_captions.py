"""Sampling: the nucleus as defined, the distribution as asked, one stream per candidate."""

import numpy as np
import torch

from components.features.captions import Nucleus, random_stream


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
