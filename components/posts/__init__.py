"""Posts: a prompt becomes calls to the writer, the writer's replies become posts."""

from components.posts.read import clean_reply, read_posts, unsent_posts
from components.posts.request import Asked, ask

__all__ = ["Asked", "ask", "clean_reply", "read_posts", "unsent_posts"]
