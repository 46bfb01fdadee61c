"""Rubrics: YAML files that say what a judge looks at, on which scale, and what the levels look like.

Read: `components/judgments/rubrics/<name>.yaml`, or a file of the user's own. To add one, add a file there.
The reply's schema puts each aspect's reasoning before its score: a model that scores first argues for it afterwards.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from components.errors import UserError

RUBRICS = Path(__file__).parent / "rubrics"
LONGEST_BRIEF = 20_000
"""Characters: a brief is sent with every post."""

Material = Literal["alt_text", "brief"]
"""What a rubric may ask for beside what every judge is shown."""


class Scale(BaseModel):
    """The lowest and the highest score, both included; within 1 to 10, as checks and reports take scores to be."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    min: float = Field(ge=1)
    max: float = Field(le=10)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.min < self.max:
            raise ValueError(f"min {self.min:g} is not below max {self.max:g}")
        return self


class Aspect(BaseModel):
    """One question to the post, with what some of the levels look like."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    question: str
    levels: Mapping[float, str] = Field(min_length=2)


class Rubric(BaseModel):
    """What a judge is asked. `calls` says whether one call answers all aspects or each gets its own; `compare`, whether
    a comparison of two posts names the better one overall alone, or by each aspect too; `material`, what a judge is
    shown beside the post, its words, source text and platform."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    title: str
    scale: Scale
    calls: Literal["together", "per_aspect"] = "together"
    material: tuple[Material, ...] = ()
    compare: Literal["overall", "aspects"] = "overall"
    instructions: str
    aspects: tuple[Aspect, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        names = [aspect.name for aspect in self.aspects]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"aspect named twice: {', '.join(twice)}")
        if len({name.replace("_and_", "_") for name in names}) < len(names):  # replies say & where names say and
            raise ValueError(f"two aspects are told apart by an `and` only: {', '.join(sorted(names))}")
        for aspect in self.aspects:
            if outside := [level for level in aspect.levels if not self.scale.min <= level <= self.scale.max]:
                raise ValueError(f"{aspect.name}: level {outside[0]:g} is outside {self.span}")
        return self

    @property
    def span(self) -> str:
        return f"{self.scale.min:g} to {self.scale.max:g}"

    @property
    def groups(self) -> list[tuple[Aspect, ...]]:
        """The aspects of each call."""
        return [self.aspects] if self.calls == "together" else [(aspect,) for aspect in self.aspects]

    def reply_schema(self, aspects: tuple[Aspect, ...] | None = None) -> dict[str, Any]:
        """Strict JSON schema of a reply. The range stands in the description only: not every endpoint takes `minimum`
        in strict mode, and the parser checks it anyway."""
        asked = self.aspects if aspects is None else aspects
        return _strict_object({aspect.name: self._aspect_schema(aspect) for aspect in asked})

    def _aspect_schema(self, aspect: Aspect) -> dict[str, Any]:
        return _strict_object(
            {
                "reasoning": {"type": "string", "description": f"{aspect.title}: what you saw, before the score."},
                "score": {"type": "number", "description": f"A number from {self.span}."},
            }
        )


def _strict_object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def rubric_path(name: str) -> Path:
    """A shipped rubric's name, or the path of a file that ends in .yaml or .yml."""
    shipped = sorted(path.stem for path in RUBRICS.glob("*.yaml"))
    if name in shipped:
        return RUBRICS / f"{name}.yaml"
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} and path.is_file():
        return path
    known = ", ".join(shipped)
    raise UserError(f"rubric {name!r}: no such rubric or file; shipped are {known}, or give the path of a .yaml file")


def rubric_text(name: str) -> str:
    """The file as it stands; part of the judge spec's id, so that a changed rubric judges again."""
    try:
        return rubric_path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise UserError(f"rubric {name!r}: cannot be read ({problem}); give a readable UTF-8 file") from problem


def rubric_id(text: str) -> str:
    """A rubric by its text: two texts under one name are two rubrics. 20 hex digits of its SHA-256, so that views find
    it from the text of a judge's spec, too."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:20]


def brief_text(brief: str) -> str:
    """The brief itself, or what stands in the .md or .txt file that it names; UserError where that cannot be read, is
    empty or too long."""
    text, path = brief, Path(brief)
    if path.suffix in {".md", ".txt"} and "\n" not in brief:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise UserError(
                f"brief {brief!r}: cannot be read ({problem}); give a text, or a readable UTF-8 .md or .txt file"
            ) from problem
    if not text.strip():
        raise UserError(f"brief {brief[:80]!r} is empty; say what the rubric is to judge by")
    if len(text) > LONGEST_BRIEF:
        raise UserError(f"brief {brief[:80]!r} has {len(text):,} characters; keep it below {LONGEST_BRIEF:,}")
    return text.strip()


def load_rubric(name: str) -> Rubric:
    """The rubric of that name or path; UserError with the first thing that is wrong in it."""
    try:
        return Rubric.model_validate(yaml.safe_load(rubric_text(name)))
    except yaml.YAMLError as problem:
        raise UserError(f"rubric {name!r}: not YAML ({' '.join(str(problem).split())})") from problem
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        example = "see components/judgments/rubrics/mpwl.yaml"
        raise UserError(f"rubric {name!r}: {where}: {first['msg']}; {example}") from problem
