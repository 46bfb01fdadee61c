"""Platforms are data: one YAML file each in `platforms/`, read here into what a prompt says and what a post must obey.

A file's `limit`s are what the platform refuses; `typical` ranges and advice are manners, told to the writer but never a
violation.
To add a platform, add a file; a new way to count is one function in counting.py.
"""

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

from components.errors import UserError
from components.prompts import counting

FOLDER = Path(__file__).parent / "platforms"
_NOT_TEXT = frozenset("\ufffe\uffff\ufeff")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Typical(_Part):
    """A custom (`typical`, from and to) and, where the platform has one, a limit."""

    typical: tuple[int, int] = (0, 0)
    limit: int | None = None
    place: str = ""
    advice: str = ""


class AltText(_Part):
    limit: int = Field(gt=0, description="Of the description of a picture, in characters.")


class Platform(_Part):
    """One platform's rules. `limit` is in the unit of `counting`."""

    key: str
    name: str
    limit: int = Field(gt=0)
    counting: str
    max_bytes: int | None = None
    hashtags: Typical
    mentions: Typical
    links: Typical
    emoji: Typical
    text_length: Typical
    tone: str
    alt_text: AltText
    source: tuple[str, ...] = Field(min_length=1, description="Where the platform documents this.")

    @field_validator("counting")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in counting.COUNTERS:
            raise ValueError(f"counting is one of {', '.join(counting.COUNTERS)}, not {value!r}")
        return value

    def length(self, text: str) -> int:
        return counting.COUNTERS[self.counting](text)

    def violations(self, text: str) -> list[str]:
        """What the platform would refuse `text` for, e.g. ["length 312 > 280", "hashtags 31 > 30"]; [] when nothing."""
        if not text.strip():
            return ["empty"]
        found = [f"character U+{ord(char):04X}" for char in sorted(_NOT_TEXT & set(text))]
        measured = {
            "length": (self.length(text), self.limit),
            "bytes": (len(text.encode("utf-8", "surrogatepass")), self.max_bytes),
            "hashtags": (len(counting.hashtags(text)), self.hashtags.limit),
            "mentions": (len(counting.mentions(text)), self.mentions.limit),
            "links": (len(counting.links(text)), self.links.limit),
            "emoji": (len(counting.EMOJI.findall(text)), self.emoji.limit),
        }
        found += [f"{what} {n} > {limit}" for what, (n, limit) in measured.items() if limit is not None and n > limit]
        return found

    def alt_text_violations(self, text: str) -> list[str]:
        """As `violations`, of a picture's alternative text: ["alternative text 1001 > 1000"]."""
        return [f"alternative text {len(text)} > {self.alt_text.limit}"] if len(text) > self.alt_text.limit else []

    def fits(self, text: str) -> bool:
        return not self.violations(text)


def known_platforms() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def platform_text(name: str) -> str:
    """The platform's file as it stands: part of a prompt spec's id. UserError for an unknown name."""
    if name not in known_platforms():
        raise UserError(f"prompt.platform: there is no platform {name!r}; known are {', '.join(known_platforms())}")
    return (FOLDER / f"{name}.yaml").read_text("utf-8")


@cache
def load_platform(name: str) -> Platform:
    return Platform(key=name, **yaml.safe_load(platform_text(name)))
