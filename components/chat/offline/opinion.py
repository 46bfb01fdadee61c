"""What the offline judge reads of one request, and what it thinks of one aspect: shared by its modules of aspects."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.chat.offline import measures
from components.chat.offline.appeals import without_appeals
from components.chat.offline.measures import Text
from components.prompts.escaping import unescape

_TAGGED = re.compile(r"<([a-z][a-z0-9_]*)>(.*?)</\1>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Material:
    """What stands between the tags of the user's message."""

    post: Text
    tags: Mapping[str, list[str]]
    left_out: int = 0  # characters of the post that were addressed to the judge

    def joined(self, tag: str) -> str:
        return " ".join(self.tags.get(tag, []))


@dataclass(frozen=True, slots=True)
class Opinion:
    """`worth` from 0 to 1 (cut there), and why."""

    worth: float
    why: str


def read_material(messages: Sequence[Mapping[str, Any]]) -> Material:
    """The first user message with a post in it; later ones ask for a repair of the reply."""
    for message in messages:
        if message.get("role") == "user":
            tags: dict[str, list[str]] = {}
            for tag, content in _TAGGED.findall(text_of(message.get("content"))):
                tags.setdefault(tag, []).append(unescape(content).strip())
            if tags.get("post"):
                post = tags["post"][0]
                kept = without_appeals(post)
                return Material(measures.take_apart(kept), tags, len(post) - len(kept))
    return Material(measures.take_apart(""), {})


def text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content or [] if part.get("type") == "text")


def bounded(value: float) -> float:
    return min(1.0, max(0.0, value))
