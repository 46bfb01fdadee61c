"""What each measure is: the one table that rows, report and documents go by."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from components.specs.measures import Family


class About(BaseModel):
    """`better`: which direction is; `digits`: how many a reader wants to see."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    family: Family
    title: str
    says: str
    unit: str
    better: Literal["higher", "lower", "none"]
    digits: int
    source: str


@cache
def about() -> dict[str, About]:
    """By name, in the order of the report."""
    data = yaml.safe_load((Path(__file__).parent / "about.yaml").read_text("utf-8"))
    return {name: About(name=name, **fields) for name, fields in data.items()}


def names_of(families: Sequence[Family]) -> tuple[str, ...]:
    """The measures that a spec with these families takes of every post."""
    return tuple(name for name, one in about().items() if one.family in families)


def as_markdown() -> str:
    """The table of docs/measures.md."""
    lines = ["| measure | says | unit | better | source |", "|---|---|---|---|---|"]
    lines += [
        f"| `{one.name}` | **{one.title}.** {one.says} | {one.unit} | {one.better} | {one.source} |"
        for one in about().values()
    ]
    return "\n".join(lines) + "\n"
