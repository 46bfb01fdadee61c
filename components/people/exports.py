"""What reviewed posts become outside: lists for schedulers, and examples for tuning.

`posts`: CSV or JSON. Layouts of CSV: `postwright` (every column), `buffer` and `hootsuite` (the columns of their bulk
uploads; pictures only by address, and Hootsuite wants a time for each). `sft`: OpenAI's chat fine-tuning lines.
`preferences`: TRL's conversational lines (prompt, chosen, rejected), or OpenAI's with `layout: openai`.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, model_validator

from components.people.preferences import Pair
from components.spreadsheets import guarded

Row = Mapping[str, Any]
COLUMNS = (
    "post_id", "platform", "text", "alt_text", "picture", "picture_sha256", "publish_at", "state", "decided_by",
    "decided_at", "reasons", "original", "dataset", "item_id", "source_uri",
)  # fmt: skip
FORMATS = {"posts": ("csv", "json"), "sft": ("jsonl",), "preferences": ("jsonl",)}
LAYOUTS = {"posts": ("postwright", "buffer", "hootsuite"), "sft": ("openai",), "preferences": ("trl", "openai")}


class ExportSpec(BaseModel):
    """What is exported, and how; also the form in the Prefect UI."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    what: Literal["posts", "sft", "preferences"] = Field(
        default="posts",
        title="What",
        description="posts: approved ones for schedulers; sft and preferences: examples for tuning a writer.",
    )
    out: Path = Field(title="File", description="Written whole or not at all.")
    format: Literal["csv", "json", "jsonl"] | None = Field(
        default=None, title="Format", description="Empty: by `what`."
    )
    layout: Literal["postwright", "buffer", "hootsuite", "trl", "openai"] | None = Field(
        default=None, title="Layout", description="Columns of a CSV for a scheduler, or the form of preferences."
    )
    campaign: str | None = Field(default=None, title="Campaign", description="Only its posts.")
    run_id: str | None = Field(default=None, title="Run", description="Only its posts.")
    start: datetime | None = Field(
        default=None,
        title="First time of publication",
        description="The others follow at equal distances; empty: no times are written.",
    )
    every_hours: float = Field(default=24, gt=0, title="Hours between two posts", description="From the first on.")
    pictures_url: str | None = Field(
        default=None, title="Address of the pictures", description="Where you put them; their names are added."
    )
    holdout_datasets: tuple[str, ...] = Field(
        default=(),
        title="Datasets that something is measured on",
        description="Their items, and near-duplicates of them, are left out of examples.",
    )
    holdout_share: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        title="Share that is held out for measuring",
        description="Of items, drawn by a hash: always the same ones.",
    )
    rating_margin: float = Field(
        default=1.0, gt=0, title="Points between two rated posts", description="Less is no preference."
    )
    judge_margin: float | None = Field(
        default=1.0,
        gt=0,
        title="Points between two judged posts; empty: no such pairs",
        description="Less is no preference, since it may be the judge's noise.",
    )

    @model_validator(mode="after")
    def _fits(self) -> "ExportSpec":
        for name, known in (("format", FORMATS), ("layout", LAYOUTS)):
            value = getattr(self, name)
            if value is not None and value not in known[self.what]:
                raise ValueError(f"{name} {value!r} is not for {self.what}: choose {' or '.join(known[self.what])}")
        if self.shape == "json" and self.layout in ("buffer", "hootsuite"):
            raise ValueError(f"layout {self.layout!r} is a CSV: leave the format out, or choose csv")
        if self.layout == "hootsuite" and self.start is None:
            raise ValueError("Hootsuite wants a time for each post: give the first one (--start)")
        if self.campaign and self.run_id:
            raise ValueError("give a campaign or a run, not both")
        return self

    @property
    def shape(self) -> str:
        return self.format or FORMATS[self.what][0]

    @property
    def arrangement(self) -> str:
        return self.layout or LAYOUTS[self.what][0]


def times(spec: ExportSpec, n: int) -> list[datetime | None]:
    """When each of n posts would be published."""
    step = timedelta(hours=spec.every_hours)
    return [None if spec.start is None else spec.start + step * k for k in range(n)]


def posts_file(rows: Sequence[Row], spec: ExportSpec) -> str:
    """`rows` have COLUMNS; publish_at and decided_at are times, decided_by and reasons lists."""
    if spec.shape == "json":
        return json.dumps([_plain(row) for row in rows], ensure_ascii=False, indent=2) + "\n"
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    if spec.arrangement == "buffer":
        writer.writerow(("Text", "Image URL", "Tags", "Posting Time"))
        writer.writerows((row["text"], address(row, spec), "", _at(row, "%Y-%m-%d %H:%M")) for row in rows)
    elif spec.arrangement == "hootsuite":
        writer.writerows((_at(row, "%m/%d/%Y %H:%M"), row["text"], address(row, spec)) for row in rows)
    else:
        writer.writerow(COLUMNS)
        writer.writerows([_cell(name, _plain(row)[name]) for name in COLUMNS] for row in rows)
    return out.getvalue()


def address(row: Row, spec: ExportSpec) -> str:
    """Where the picture can be fetched, if the user has put the pictures somewhere."""
    if not spec.pictures_url or not row["picture"]:
        return ""
    return f"{spec.pictures_url.rstrip('/')}/{quote(Path(str(row['picture'])).name)}"


def _at(row: Row, form: str) -> str:
    return row["publish_at"].strftime(form) if row["publish_at"] else ""


def _plain(row: Row) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value := row[name], datetime) else value for name in COLUMNS}


def _cell(column: str, value: Any) -> str:
    """Texts of posts as they are, since they are published so; what people say of them never as a formula."""
    text = "; ".join(map(str, value)) if isinstance(value, list | tuple) else "" if value is None else str(value)
    return guarded(text) if column in ("decided_by", "reasons") else text


def messages(row: Row) -> list[dict[str, str]]:
    """What the writer was asked. `row`: system and user of the prompt."""
    asked = [{"role": "system", "content": row["system"]}] if row["system"].strip() else []
    return [*asked, {"role": "user", "content": row["user"]}]


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def sft_line(prompt: Row, text: str) -> str:
    return json.dumps({"messages": [*messages(prompt), assistant(text)]}, ensure_ascii=False)


def preference_line(prompt: Row, pair: Pair, arrangement: str) -> str:
    chosen, rejected = [assistant(pair.chosen)], [assistant(pair.rejected)]
    if arrangement == "openai":
        line: dict[str, Any] = {
            "input": {"messages": messages(prompt), "tools": [], "parallel_tool_calls": True},
            "preferred_output": chosen,
            "non_preferred_output": rejected,
        }
    else:
        line = {"prompt": messages(prompt), "chosen": chosen, "rejected": rejected}
        line |= {"source": pair.source, "margin": pair.margin}
    return json.dumps(line, ensure_ascii=False)
