"""Posts of known levels: a YAML file, the shipped one or the user's own.

Read: `components/audit/probes/posts.yaml` (what its fields mean stands there) and `manipulations.yaml` beside it. A
user's own file needs `id`, `platform` and `text` of each post; what is missing is not measured.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from components.errors import UserError
from components.prompts import load_platform

PROBES = Path(__file__).parent / "probes"
SHIPPED = "shipped"
Levels = Mapping[str, float]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Broken(_Part):
    """The same post with one aspect spoiled; `levels` of all aspects of the post it was made from."""

    aspect: str
    text: str = Field(min_length=1)
    levels: Levels


class Known(_Part):
    """A post with what a judge is shown of its item; `levels`: aspect -> the level it deserves, from 1 to 10."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    platform: str
    text: str = Field(min_length=1)
    short: str = ""
    caption: str = ""
    scene: str = ""
    topic: str = ""
    sentiment: str = ""
    keywords: tuple[str, ...] = ()
    source_text: str = ""
    levels: Levels = {}
    broken: tuple[Broken, ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        try:
            load_platform(self.platform)
        except UserError as error:
            raise ValueError(str(error).replace("prompt.platform", "platform")) from None
        if not self.text.strip():
            raise ValueError(f"{self.id}: the text is blank")
        for levels in (self.levels, *(one.levels for one in self.broken)):
            if wrong := [f"{aspect}: {level:g}" for aspect, level in levels.items() if not 1 <= level <= 10]:
                raise ValueError(f"{self.id}: the level {wrong[0]} is outside 1 to 10")
        for one in self.broken:
            if one.levels.keys() != self.levels.keys() or one.aspect not in self.levels:
                raise ValueError(
                    f"{self.id}: broken {one.aspect} needs levels of {', '.join(self.levels) or 'the post'}"
                )
        return self

    @property
    def words(self) -> dict[str, list[str]]:
        """As the judge is given them: name -> texts."""
        named = {
            name: [getattr(self, name)] for name in ("caption", "topic", "sentiment", "scene") if getattr(self, name)
        }
        return {**named, **({"keywords": list(self.keywords)} if self.keywords else {})}


class Material(_Part):
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    posts: tuple[Known, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for what in ("id", "text"):
            values = [getattr(post, what) for post in self.posts]
            if twice := sorted({value for value in values if values.count(value) > 1}):
                raise ValueError(f"two posts have the same {what}: {twice[0][:60]!r}")
        return self


class Style(_Part):
    before: str = ""
    after: str = ""

    def on(self, text: str) -> str:
        return " ".join(part for part in (self.before, text, self.after) if part)


class StylePair(_Part):
    styled: Style
    plain: Style


class Injection(_Part):
    name: str
    before: str = ""
    after: str = ""
    hidden: str = ""


class Manipulations(_Part):
    filler: tuple[str, ...]
    house_style: tuple[StylePair, ...]
    style_marks: tuple[str, ...]
    injections: tuple[Injection, ...]


def material_path(name: str) -> Path:
    """`shipped`, or the path of a file that ends in .yaml or .yml."""
    if name == SHIPPED:
        return PROBES / "posts.yaml"
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} and path.is_file():
        return path
    raise UserError(
        f"posts {name!r}: no such file; give {SHIPPED}, or the path of a .yaml file such as {PROBES}/posts.yaml"
    )


def material_text(name: str) -> str:
    """The file as it stands, for a spec's id."""
    try:
        return material_path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise UserError(f"posts {name!r}: cannot be read ({problem}); give a readable UTF-8 file") from problem


def load_material(name: str = SHIPPED) -> Material:
    """The posts of that name or path; UserError with the first thing that is wrong in the file."""
    return _parsed(name, material_text(name))


@cache
def _parsed(name: str, text: str) -> Material:
    try:
        return Material.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as problem:
        raise UserError(f"posts {name!r}: not YAML ({' '.join(str(problem).split())})") from problem
    except ValidationError as problem:
        first: Any = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        said = first["msg"].removeprefix("Value error, ")
        raise UserError(f"posts {name!r}: {where}: {said}; see components/audit/probes/posts.yaml") from problem


@cache
def manipulations() -> Manipulations:
    return Manipulations.model_validate(yaml.safe_load(manipulations_text()))


def manipulations_text() -> str:
    return (PROBES / "manipulations.yaml").read_text(encoding="utf-8")
