"""`human/source`: a writer without a model. The text that came with an item is its post, as a person wrote it.

Reads prompts, which say of which item and for which platform a post is due, and the items; asks nobody and costs
nothing. The text stays as it is, links and mentions too; an item without one ends as the error `no_text`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from components.posts.alt_text import alt_text
from components.prompts import load_platform
from components.records import Item, Post, Prompt
from components.specs import GenerationSpec

NO_TEXT = "no_text"


def human_posts(
    prompts: Sequence[Prompt],
    items: Mapping[str, Item],
    captions: Mapping[str, str],
    spec: GenerationSpec,
    now: datetime,
) -> list[Post]:
    """One Post per prompt, in order; `captions`: item id -> its kept caption, of which the alternative text is made."""
    spec_id = spec.id
    posts = []
    for prompt in prompts:
        item, platform = items[prompt.item_id], load_platform(prompt.platform)
        text = item.text.strip() or None
        error = None if text else NO_TEXT
        posts.append(
            Post(
                post_id=Post.make_id(prompt.prompt_id, spec_id, 0, error),
                prompt_id=prompt.prompt_id,
                spec_id=spec_id,
                platform=prompt.platform,
                text=text,
                alt_text=alt_text(captions.get(item.item_id), platform, ()) if text else None,
                rules=platform.violations(text) if text else [],
                cost_usd=0.0,
                error=error,
                error_detail=None if text else "no text came with this item, so there is no post by a person",
                created_at=now,
            )
        )
    return posts
