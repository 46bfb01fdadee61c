"""Posts: a prompt becomes calls to the writer, the writer's replies become posts."""

from components.posts.alt_text import alt_text_from
from components.posts.clip_scores import with_clip_scores
from components.posts.duplicates import mark_duplicates
from components.posts.human import human_posts
from components.posts.read import clean_reply, read_posts, unsent_posts
from components.posts.request import Asked, ask

__all__ = [
    "Asked", "alt_text_from", "ask", "clean_reply", "human_posts", "mark_duplicates", "read_posts", "unsent_posts",
    "with_clip_scores",
]  # fmt: skip
