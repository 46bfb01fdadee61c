"""Planted problems: vectors in which it is known what lies where."""

from typing import Any

import numpy as np

from components.learning.encoded import Encoded
from components.learning.spec import TrainingSpec

WIDTH = 16
QUADRANTS = ("north west", "north east", "south west", "south east")


def spec(**changes: Any) -> TrainingSpec:
    """A small training on the CPU."""
    small: dict[str, Any] = {
        "name": "planted", "datasets": [{"source": "drawings"}], "tasks": {"topic": {}}, "device": "cpu",
        "network": {"hidden_dim": 32}, "epochs": 12, "patience": 4, "batch_size": 32, "resamples": 200,
    }  # fmt: skip
    return TrainingSpec.model_validate(small | changes)


def rows(n: int, targets: dict[str, Any], picture: Any = None, text: Any = None, **changes: Any) -> Encoded:
    """n rows with both modalities unless a mask says otherwise, each its own cluster."""
    given = {
        "has_picture": np.ones(n, dtype=bool), "has_text": np.ones(n, dtype=bool),
        "datasets": ["planted"] * n, "clusters": [f"c{i}" for i in range(n)],
    } | changes  # fmt: skip
    return Encoded(
        ids=[f"row{i}" for i in range(n)],
        picture=np.zeros((n, WIDTH), np.float32) if picture is None else picture,
        text=np.zeros((n, WIDTH), np.float32) if text is None else text,
        targets=targets,
        **given,
    )


def quadrants(n: int, seed: int = 0, **changes: Any) -> Encoded:
    """A topic of four that neither side knows: the picture tells north from south, the text east from west."""
    rng = np.random.default_rng(seed)
    place = rng.integers(0, 4, n)
    picture, text = (rng.normal(size=(n, WIDTH)).astype(np.float32) for _ in range(2))
    picture[:, 0] += 3.0 * (place // 2) - 1.5
    text[:, 0] += 3.0 * (place % 2) - 1.5
    return rows(n, {"topic": place.astype(np.int64)} | changes.pop("targets", {}), picture, text, **changes)
