"""How near each candidate is to its picture: the cosine of CLIP's vectors of the two.

Read: the pictures' vectors, which stand among the features; so no picture is opened again, and only CLIP's text tower
runs. CLIP reads 77 tokens at most, start and end among them: a post is read without its hashtags and links (they say
little of a picture, and would push out what does), and what is longer is cut there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from components.prompts.counting import without_hashtags, without_links
from components.records import Post

if TYPE_CHECKING:
    from components.features.models import Models

BATCH = 256
"""Texts at a time: bounded memory for any number of candidates."""


def with_clip_scores(posts: Sequence[Post], pictures: Mapping[str, Sequence[float]], models: "Models") -> list[Post]:
    """`posts` with their `clip_score`; None where there is no picture, no text, or no word beside hashtags and links.

    `pictures`: prompt_id -> the `clip_image` vector of its item, found by the same model set.
    """
    texts = {
        post.post_id: text
        for post in posts
        if post.clip_score is None and post.prompt_id in pictures and (text := readable(post.text or ""))
    }
    prompts = {post.post_id: post.prompt_id for post in posts}
    found = cosines(list(texts.values()), [pictures[prompts[post_id]] for post_id in texts], models)
    scores = dict(zip(texts, found, strict=True))
    return [replace(post, clip_score=scores.get(post.post_id, post.clip_score)) for post in posts]


def readable(text: str) -> str:
    """What CLIP is asked to read of a post."""
    return " ".join(without_hashtags(without_links(text)).split())


def cosines(texts: Sequence[str], pictures: Sequence[Sequence[float]], models: "Models") -> list[float]:
    """Of each text with its own picture's vector."""
    import torch

    found: list[float] = []
    for start in range(0, len(texts), BATCH):
        part = slice(start, start + BATCH)
        with models.lock:
            read = models.clip.texts(texts[part])
        seen = torch.nn.functional.normalize(torch.tensor([list(vector) for vector in pictures[part]]).float(), dim=-1)
        found += [round(float(cosine), 6) for cosine in (read * seen).sum(-1)]
    return found
