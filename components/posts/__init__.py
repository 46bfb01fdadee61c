"""Posts: a prompt becomes calls to the writer, the writer's replies become posts."""

from components.posts.read import clean_reply, read_posts
from components.posts.request import requests

__all__ = ["clean_reply", "read_posts", "requests"]
