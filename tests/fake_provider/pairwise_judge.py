"""A judge of pairs, and of whole lists, with a planted bias for what stands first.

    with FakeProvider(reply=BiasedJudge(quality, first=0.3)) as server: ...

`quality` says of a post's text how good it is; the higher wins where the judge looks. With probability `first` it does
not look, and names what stands first. `noise` is the scale of what it adds to each quality it sees (Gumbel, so that it
errs as Bradley-Terry and Luce say). Closer than `margin` is a tie. The same question gets the same answer.
"""

import json
import math
import random
import re
from collections.abc import Callable
from html import unescape
from typing import Any

_POST = re.compile(r"<post_([a-z]{2})>(.*?)</post_\1>", re.DOTALL)
_LISTED = re.compile(r"<text index=\"(\d+)\">(.*?)</text>", re.DOTALL)
_MARKED = re.compile(r"quality (-?\d+(?:\.\d+)?)")


def marked_quality(text: str) -> float:
    """Of a text that says its own: "... quality 1.5 ..."."""
    found = _MARKED.search(text)
    return float(found[1]) if found else 0.0


class BiasedJudge:
    def __init__(
        self,
        quality: Callable[[str], float] = marked_quality,
        *,
        first: float = 0.0,
        noise: float = 0.0,
        margin: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.quality, self.first, self.noise, self.margin, self.seed = quality, first, noise, margin, seed

    def __call__(self, body: dict[str, Any]) -> str:
        text = _text(body["messages"][1]["content"])
        dice = random.Random(f"{self.seed} {body.get('seed')} {text}")
        listed = [unescape(found[1]) for found in _LISTED.findall(text)]
        if listed:
            return str(self.choose(listed, dice))
        posts = [(label.upper(), unescape(content)) for label, content in _POST.findall(text)]
        names = body["response_format"]["json_schema"]["schema"]["properties"]
        return json.dumps({name: {"reasoning": "As planted.", "winner": self._winner(posts, dice)} for name in names})

    def _winner(self, posts: list[tuple[str, str]], dice: random.Random) -> str:
        (one, _), (other, _) = posts
        texts = [text for _, text in posts]
        if abs(self.quality(texts[0]) - self.quality(texts[1])) < self.margin:
            return "tie"
        return (one, other)[self.choose(texts, dice)]

    def choose(self, texts: list[str], dice: random.Random) -> int:
        """The place of the winner."""
        if dice.random() < self.first:
            return 0
        seen = [self.quality(text) + self.noise * gumbel(dice) for text in texts]
        return seen.index(max(seen))


def gumbel(dice: random.Random) -> float:
    return -math.log(-math.log(dice.random() or 1e-300))


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content)
