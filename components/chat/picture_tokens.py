"""How many prompt tokens a picture is, by OpenAI's published rules, and the most that it can be.

Source: https://developers.openai.com/api/docs/guides/images-vision ("Calculating costs", "Model sizing behavior"), as
copied by public repositories in 2026. Users measure smaller figures now and then (gpt-5-mini: 1.2 a patch where the
page says 1.62; community.openai.com/t/1344040). So the rule gives the estimate, which a plan corrects by what the
journal saw, and a reservation takes the most that the rule allows for any size and detail.
"""

import base64
import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UNKNOWN = 1_500
"""The most for models without a rule here, up to 768 x 768 px; larger ones by patches of 28 px, as Qwen-VL counts."""

HEAD = 64 * 1024
"""Base64 characters in which a picture's size is looked for."""


@dataclass(frozen=True, slots=True)
class Tiles:
    """Scaled into 2048 x 2048, then to a shorter side of 768, then cut into squares of 512; `detail: low` is `base`."""

    base: int
    tile: int

    def tokens(self, width: int, height: int, detail: str) -> int:
        if detail == "low":
            return self.base
        shrink = min(1.0, 2048 / max(width, height))
        shrink *= min(1.0, 768 / (min(width, height) * shrink))
        wide, high = (math.ceil(round(side * shrink, 6) / 512) for side in (width, height))
        return self.base + self.tile * wide * high

    def most(self, width: int, height: int) -> int:
        """2048 x 768 is 4 x 2 squares."""
        return self.base + 8 * self.tile


@dataclass(frozen=True, slots=True)
class Patches:
    """Squares of 32 px, at most `budget` of them after scaling and no side above `side`, times `factor`. `budget` is
    for detail high; `auto` is that of `auto` where it is another (None: unlimited), and `low` is a picture of
    512 x 512."""

    factor: float = 1.0
    budget: int = 1536
    side: int = 2048
    auto: int | None = 0

    def tokens(self, width: int, height: int, detail: str) -> int:
        if detail == "low":
            return self._count(*_within(width, height, 512), self.budget)
        if detail == "high" or self.auto == 0:
            return self._count(*_within(width, height, self.side), self.budget)
        if self.auto is None:
            return self._count(width, height, None)
        return self._count(*_within(width, height, 6000), self.auto)

    def most(self, width: int, height: int) -> int:
        if self.auto is None:
            return max(self.tokens(width, height, "auto"), math.ceil(self.budget * self.factor))
        return math.ceil(max(self.budget, self.auto) * self.factor)

    def _count(self, width: float, height: float, budget: int | None) -> int:
        patches = math.ceil(width / 32) * math.ceil(height / 32)
        if budget is not None and patches > budget:
            shrink = math.sqrt(32 * 32 * budget / (width * height))
            shrink *= min(math.floor(side * shrink / 32) / (side * shrink / 32) for side in (width, height))
            width, height = int(width * shrink + 1e-6), int(height * shrink + 1e-6)
            patches = min(budget, math.ceil(width / 32) * math.ceil(height / 32))
        return math.ceil(patches * self.factor)


RULES: dict[str, Tiles | Patches] = {
    "gpt-5.6": Patches(budget=2500, auto=None),
    "gpt-5.5": Patches(budget=2500, auto=10_000),
    "gpt-5.4": Patches(budget=2500),
    "gpt-5.4-mini": Patches(1.62),
    "gpt-5.4-nano": Patches(2.46),
    "gpt-5.2": Patches(),
    "gpt-5": Tiles(70, 140),
    "gpt-5-chat-latest": Tiles(70, 140),
    "gpt-5-mini": Patches(1.62),
    "gpt-5-nano": Patches(2.46),
    "gpt-4.1": Tiles(85, 170),
    "gpt-4.1-mini": Patches(1.62),
    "gpt-4.1-nano": Patches(2.46),
    "gpt-4o": Tiles(85, 170),
    "gpt-4o-mini": Tiles(2833, 5667),
    "gpt-4-turbo": Tiles(85, 170),
    "o1": Tiles(75, 150),
    "o1-pro": Tiles(75, 150),
    "o3": Tiles(75, 150),
    "o4-mini": Patches(1.72),
}


def rule_of(model: str) -> Tiles | Patches | None:
    """By the model's name without its provider; a dated name, and the variants of gpt-5.6, are the plain one's."""
    name = re.sub(r"-\d{4}-\d{2}-\d{2}$", "", model)
    return RULES.get("gpt-5.6" if name.startswith("gpt-5.6-") else name)


def expected_picture(model: str, width: int, height: int, detail: str = "auto") -> int:
    """Tokens of a picture of that many pixels under the model's rule; `auto` is high where no rule says otherwise."""
    rule = rule_of(model)
    return _unknown(width, height) if rule is None else rule.tokens(width, height, detail)


def most_picture(model: str, width: int, height: int) -> int:
    """At any detail."""
    rule = rule_of(model)
    return _unknown(width, height) if rule is None else rule.most(width, height)


def size_of(part: Mapping[str, Any]) -> tuple[int, int, str]:
    """(width, height, detail) of a content part of type image_url; 2048 x 2048 where its size cannot be read."""
    picture = part.get("image_url")
    url, detail = (picture.get("url"), picture.get("detail")) if isinstance(picture, Mapping) else (picture, None)
    width, height = _pixels(str(url)) or (2048, 2048)
    return width, height, str(detail or "auto")


def _unknown(width: int, height: int) -> int:
    return max(UNKNOWN, math.ceil(width / 28) * math.ceil(height / 28))


def _within(width: float, height: float, side: int) -> tuple[float, float]:
    shrink = min(1.0, side / max(width, height))
    return width * shrink, height * shrink


def _pixels(url: str) -> tuple[int, int] | None:
    """From the first bytes of a JPEG or PNG in a data URL."""
    head, comma, data = url[: HEAD + 100].partition(",")
    if not comma or not head.endswith(";base64"):
        return None
    try:
        start = base64.b64decode(data[: 4 * (min(len(data), HEAD) // 4)])
        if start.startswith(b"\x89PNG"):
            return struct.unpack(">II", start[16:24])
        return _jpeg_pixels(start)
    except (ValueError, struct.error):
        return None


def _jpeg_pixels(data: bytes) -> tuple[int, int] | None:
    """Walks the segments to the frame header (SOF0 to SOF15, without DHT, JPG and DAC)."""
    at = 2
    while data.startswith(b"\xff\xd8") and at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None
