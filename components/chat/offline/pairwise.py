"""The offline judge of pairs: says which of two posts counts for more by the measures of the offline judge.

It sees the messages of one chat-completions request, as a model would, and answers in the schema asked for. What each
post is worth depends on that post alone, so the order in which they are shown, and their labels, change nothing. A
difference below MARGIN is a tie. English only; yardsticks to try postwright out, as components/chat/offline/judge.py.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from components.chat.offline import judge, measures
from components.chat.offline.appeals import without_appeals
from components.chat.offline.judge import MARK, MPWL
from components.chat.offline.opinion import Material, Opinion, bounded, text_of
from components.prompts.escaping import unescape

VERSION = f"1.{judge.VERSION}"  # bump the 1 when it would answer differently; it counts as the judge does
MARGIN = 0.02
"""Of worth in 0 to 1; on the judge's scale from 1 to 10 about a sixth of a point."""
OVERALL, TIE = "overall", "tie"

_TAGGED = re.compile(r"<([a-z][a-z0-9_]*)>(.*?)</\1>", re.DOTALL)


def complete(body: Mapping[str, Any]) -> str:
    """The reply to one chat-completions request: JSON, reasoning before winner for each name of its schema."""
    posts = read_posts(body["messages"])
    opinions = {label: _opinions(material) for label, material in posts.items()}
    return json.dumps({name: _verdict(name, opinions) for name in _asked(body)}, ensure_ascii=False)


def _asked(body: Mapping[str, Any]) -> list[str]:
    form = body.get("response_format") or {}
    properties = (form.get("json_schema") or {}).get("schema", {}).get("properties", {})
    return list(properties) or [OVERALL]


def read_posts(messages: Sequence[Mapping[str, Any]]) -> dict[str, Material]:
    """label -> its post and what stands beside it, from the first user message with two posts in it."""
    for message in messages:
        if message.get("role") != "user":
            continue
        tags: dict[str, list[str]] = {}
        for tag, content in _TAGGED.findall(text_of(message.get("content"))):
            tags.setdefault(tag, []).append(unescape(content).strip())
        labels = [tag.removeprefix("post_") for tag in tags if tag.startswith("post_")]
        if len(labels) == 2:
            return {label.upper(): _material(label, labels, tags) for label in labels}
    return {}


def _material(label: str, labels: Sequence[str], tags: Mapping[str, list[str]]) -> Material:
    """One post with its own length and with what both share."""
    shared = {tag: texts for tag, texts in tags.items() if not tag.endswith(tuple(f"_{other}" for other in labels))}
    own = {name: tags[f"{name}_{label}"] for name in ("platform", "length") if f"{name}_{label}" in tags}
    post = tags[f"post_{label}"][0]
    kept = without_appeals(post)
    return Material(measures.take_apart(kept), {**shared, **own}, len(post) - len(kept))


def _opinions(material: Material) -> dict[str, Opinion]:
    return {name: opinion_of(material) for name, opinion_of in MPWL.items()}


def _verdict(name: str, opinions: Mapping[str, Mapping[str, Opinion]]) -> dict[str, str]:
    """For a name that is not measured, overall too: by the mean of all aspects."""
    if len(opinions) != 2:
        return {"reasoning": f"{MARK}: two posts under labels were not found.", "winner": TIE}
    worth, said = {}, []
    for label, of_aspect in sorted(opinions.items()):  # by label, so not by place
        shares = {aspect: bounded(opinion.worth) for aspect, opinion in of_aspect.items()}
        worth[label] = shares.get(name, sum(shares.values()) / len(shares))
        shown = of_aspect[name].why if name in of_aspect else f"mean of {', '.join(shares)}"
        said.append(f"{label} {worth[label]:.3f} ({shown.rstrip('.')})")
    best, other = sorted(worth, key=lambda label: -worth[label])
    winner = best if worth[best] - worth[other] >= MARGIN else TIE
    return {"reasoning": f"{MARK}: worth of {'; '.join(said)}.", "winner": winner}
