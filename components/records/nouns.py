"""The five nouns, in the order in which they travel."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from components.records.base import Record, content_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Record):
    """Something to write about: a picture, a text, or both. Times in UTC; counts as the source gave them."""

    item_id: str
    dataset: str
    spec_id: str
    source_uri: str
    source_id: str | None = None
    stamp: str = ""
    image_path: str | None = None
    sha256: str | None = None
    width: int | None = None
    height: int | None = None
    text: str = ""
    author: str | None = None
    language: str | None = None
    published_at: datetime | None = None
    likes: int | None = None
    replies: int | None = None
    reposts: int | None = None
    views: int | None = None
    ingested_at: datetime

    @staticmethod
    def make_id(dataset: str, sha256: str | None, text: str) -> str:
        """By content: moving or renaming a picture changes nothing, one changed pixel makes another item."""
        return content_id("item", dataset, sha256, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature(Record):
    """One thing a model found in an item. `rank` 0 is the best of its name; `score` is in the unit of the name:
    cosine for captions, probability for topic, sentiment and scene, embedding shift (cosine distance) or YAKE's weight
    for keywords.

    `threshold`: below it a label is too uncertain to be a prompt word; None where nobody has measured one. `box`: the
    part of the picture it was read from, (left, top, right, bottom) as shares of the upright picture's width and
    height; None is all of it.
    """

    feature_id: str
    item_id: str
    spec_id: str
    name: str
    rank: int = 0
    text: str | None = None
    score: float | None = None
    threshold: float | None = None
    box: Sequence[float] | None = None
    vector: Sequence[float] | None = None
    model: str

    @staticmethod
    def make_id(item_id: str, spec_id: str, name: str, rank: int) -> str:
        return content_id("feature", item_id, spec_id, name, rank)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt(Record):
    """What the writer is asked. `words` are the feature ids that stand in the text; `feature_spec_id` says which
    features were read, so that new features make a new prompt even where no word of them is used."""

    prompt_id: str
    item_id: str
    spec_id: str
    feature_spec_id: str = ""
    platform: str
    template: str
    system: str
    user: str
    words: Sequence[str] = ()

    @staticmethod
    def make_id(item_id: str, spec_id: str, words: Sequence[str], feature_spec_id: str = "") -> str:
        return content_id("prompt", item_id, spec_id, feature_spec_id, list(words))


@dataclass(frozen=True, slots=True, kw_only=True)
class Post(Record):
    """A written post, or the stated reason why there is none. `cost_usd` is None where the price is unknown.

    `temperature` and `seed` are what was asked for, None where nothing was sent. `duplicate_of`: the post_id of the
    earlier candidate of the same prompt that says the same. `clip_score`: the cosine of CLIP's vectors of the text and
    the picture, where candidates are chosen by it.
    """

    post_id: str
    prompt_id: str
    spec_id: str
    candidate: int = 0
    platform: str
    text: str | None = None
    alt_text: str | None = None
    rules: Sequence[str] = ()
    call_key: str | None = None
    cost_usd: float | None = None
    error: str | None = None
    error_detail: str | None = None
    created_at: datetime
    temperature: float | None = None
    seed: int | None = None
    duplicate_of: str | None = None
    clip_score: float | None = None

    @staticmethod
    def make_id(prompt_id: str, spec_id: str, candidate: int, error: str | None) -> str:
        """The error is part of it: a later success stands beside the failure instead of replacing it."""
        return content_id("post", prompt_id, spec_id, candidate, error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgment(Record):
    """One aspect of one reading of one post; `score` is None exactly when `error` says why."""

    judgment_id: str
    post_id: str
    spec_id: str
    repeat: int = 0
    aspect: str
    score: float | None = None
    reasoning: str | None = None
    call_key: str | None = None
    cost_usd: float | None = None
    error: str | None = None
    error_detail: str | None = None
    created_at: datetime

    @staticmethod
    def make_id(post_id: str, spec_id: str, repeat: int, aspect: str, error: str | None) -> str:
        return content_id("judgment", post_id, spec_id, repeat, aspect, error)
