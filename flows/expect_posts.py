"""For a plan: the posts that a run would write and have judged, before they are written.

Reads the journal; where it has no answer, a post of typical length stands in, so that tokens and money can be told.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from components.chat import ChatOutcome, Journal, Status
from components.posts import Asked, human_posts, mark_duplicates, read_posts
from components.prompts import load_platform
from components.records import Item, Post, Prompt
from components.specs import Campaign, GenerationSpec


def expected_posts(asked: Asked, campaign: Campaign, journal: Journal, known: Mapping[str, Post]) -> list[Post]:
    """The posts beside `known` that a run would write, read from the answers that the journal has; one of typical
    length where it has none. Duplicates among the answers are left out."""
    found = journal.lookup_many(request.key for request in asked.requests)
    filled = [found.get(request.key) or typical(request.key, campaign) for request in asked.requests]
    posts = read_posts(asked.prompts, filled, {}, campaign.generation, datetime.now(UTC))
    answered = [post for post, request in zip(posts, asked.requests, strict=True) if request.key in found]
    settled = {post.post_id for post in mark_duplicates(answered, known) if post.duplicate_of is not None} | set(known)
    return [post for post in posts if post.error is None and post.post_id not in settled]


def by_people(prompts: Sequence[Prompt], items: Mapping[str, Item], campaign: Campaign) -> list[Post]:
    """The posts that people wrote, which nobody has to buy."""
    found = human_posts(prompts, items, {}, campaign.generation, datetime.now(UTC))
    return [post for post in found if post.error is None]


def worth_judging(coming: Sequence[Post], spec: GenerationSpec) -> list[Post]:
    """Those of `coming` that a run would have judged. Where CLIP chooses, one of each prompt: which one only the models
    can tell, so it is the first within the platform's rules."""
    if spec.choose != "clip":
        return list(coming)
    first: dict[str, Post] = {}
    for post in sorted(coming, key=lambda post: bool(post.rules)):
        first.setdefault(post.prompt_id, post)
    return [post for post in coming if first[post.prompt_id] is post]


def unknown_candidates(asked: Asked, campaign: Campaign, journal: Journal) -> str | None:
    """What cannot be known of candidates before they are written."""
    spec = campaign.generation
    if spec.candidates == 1 or all(journal.lookup(request.key) for request in asked.requests):
        return None
    if spec.choose == "clip":
        return "one candidate of each prompt is judged, the one nearest its picture"
    return "judging is counted at its most: candidates that say the same are not judged, and show only when written"


def typical(key: str, campaign: Campaign) -> ChatOutcome:
    """A post of typical length: most of a short platform's limit, a paragraph or two on a long one. Each is another
    text, or the judge's questions about a prompt's candidates would be one and count once."""
    limit = load_platform(campaign.prompt.platform).limit
    return ChatOutcome(key=key, status=Status.ok, text=key[:10] + " word" * (min(int(limit * 0.7), 600) // 5 - 2))
