"""Plants readings in a warehouse: a judge with known noise, other judges, people. The truth is in the arguments."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from components.judgments import rubric_id, rubric_text
from components.records import Judgment, Post, Rating
from components.specs import JudgeSpec

ASPECTS = ("relevance_clarity", "creativity_originality", "coherence_structure", "emotional_engagement")


def read(
    home: Any, posts: Sequence[Post], worth: Sequence[float], *, spec: JudgeSpec | None = None, noise: float = 0.0,
    repeats: int = 1, shift: float = 0.0, seed: int = 0,
) -> None:  # fmt: skip
    """Each post is read `repeats` times on each aspect: its worth, a shift and normal noise, on whole points."""
    rng = np.random.default_rng(seed)
    spec = spec or home.specs[3]
    home.store.register(spec)
    for post, value in zip(posts, worth, strict=True):
        for repeat in range(repeats):
            for aspect in ASPECTS:
                score = float(np.clip(np.round(value + shift + rng.normal(0, noise)), 1, 10))
                home.add(
                    "judgments",
                    Judgment(
                        judgment_id=Judgment.make_id(post.post_id, spec.id, repeat, aspect, None), post_id=post.post_id,
                        spec_id=spec.id, repeat=repeat, aspect=aspect, score=score,
                        reasoning=f"{aspect} in reading {repeat + 1} by {spec.model}: {score:.0f}",
                        cost_usd=0.0, created_at=post.created_at + timedelta(minutes=repeat),
                    ),
                )  # fmt: skip


def posts(home: Any, n: int, pictures: Sequence[Any] = ()) -> list[Post]:
    """`n` posts about as many items, in two scenes by turns."""
    made = []
    for at in range(n):
        picture = pictures[at % len(pictures)][0] if pictures else None
        item = home.item(at, picture=picture, text=f"text {at}")
        features = home.features(item, ("beach", "forest")[at % 2], "travel", "positive", ("a day out",))
        made.append(home.post(item, features, f"Post number {at} says something of its own. #day{at}"))
    return made


def store_ratings(
    home: Any, rows: Sequence[tuple[Any, ...]], slice: str = "audit", saw_judge: bool = False,
    text: str | None = rubric_id(rubric_text("mpwl")),
) -> None:  # fmt: skip
    """(rating_id, post_id, rater, aspect, score, n) as people's ratings; `text`: by which text of the rubric."""
    made = [
        Rating(
            rating_id=rating_id, post_id=post_id, rater=rater, rubric="mpwl", aspect=aspect, score=score, slice=slice,
            saw_judge=saw_judge, created_at=datetime.now(UTC), rubric_id=text,
        )
        for rating_id, post_id, rater, aspect, score, _ in rows
    ]  # fmt: skip
    home.store.append({"ratings": made})
