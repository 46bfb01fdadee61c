"""A labelled entry is one input of a labelled source before any picture is opened; every adapter makes these.

Labels keep the source's words here; a label map turns them into ours when the entry is read. What is already known to
be wrong with an entry travels in `problem`, what is wrong with one of its labels only in `withheld`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from components.items.entries import make_entry, zone_of
from components.items.files import FileState, printable
from components.items.values import clean_text, shown
from components.learning.spec import LabelledSource
from components.records import content_id
from components.specs import DatasetSpec

Label = str | float | tuple[str, ...]
"""A word, a number, or several words where a source gives more than one label."""

Problem = tuple[str, str]
"""A quarantine's reason and detail."""


@dataclass(frozen=True, slots=True)
class LabelledEntry:
    """One input. `labels`: what the source labels -> its label there; `withheld`: what it labels in a way that cannot
    be used -> why. `image_named` is the picture as the source calls it, `image_path` the file found by that name."""

    source_uri: str
    stamp: str
    image_path: str | None = None
    image_named: str | None = None
    text: str = ""
    author: str | None = None
    language: str | None = None
    published_at: datetime | None = None
    labels: Mapping[str, Label] = field(default_factory=dict)
    withheld: Mapping[str, Problem] = field(default_factory=dict)
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the entries of one source."""

    spec: DatasetSpec
    zone: ZoneInfo

    @classmethod
    def of(cls, source: LabelledSource, columns: Mapping[str, str] | None = None) -> "Maker":
        spec = DatasetSpec(
            source="csv", path=source.path, name=source.name, columns=dict(columns or {}), timezone=source.timezone
        )
        return cls(spec, zone_of(spec))

    def entry(
        self,
        source_uri: str,
        labels: Mapping[str, object],
        values: Mapping[str, object],
        *,
        picture: tuple[str, FileState] | None = None,
        withheld: Mapping[str, Problem] | None = None,
        problem: Problem | None = None,
        where: str = "",
    ) -> LabelledEntry:
        """`values`: text, image, author, language, published_at as the source has them; `labels` likewise, where
        nothing, blank and NaN are no label."""
        read: dict[str, Label] = {}
        for name, value in labels.items():
            try:
                label = read_label(value)
            except ValueError:
                problem = problem or ("bad_row", f"label {name} is {shown(value)}, neither a word nor a number")
                continue
            if label is not None:
                read[name] = label
        if problem is None and picture is None and (named := clean_text(values.get("image"))):
            hint = "fetch it, or take no pictures with columns: {image: ''}" if "://" in named else "put it there"
            problem = (
                "picture_missing",
                f"{where + ': ' if where else ''}names {shown(named)}, which is not there; {hint}",
            )
            where = ""
        made = make_entry(
            values, spec=self.spec, source_uri=source_uri, zone=self.zone, where=where, picture=picture, problem=problem
        )
        return LabelledEntry(
            source_uri=made.source_uri,
            stamp=content_id(made.stamp, sorted(read.items()), sorted((withheld or {}).items())),
            image_path=made.image_path,
            image_named=made.image_named,
            text=made.text,
            author=made.author,
            language=made.language,
            published_at=made.published_at,
            labels=read,
            withheld=withheld or {},
            problem=made.problem,
        )

    def stray(self, uri: str, problem: Problem) -> LabelledEntry:
        """Something found in the source that is no input."""
        return LabelledEntry(source_uri=printable(uri), stamp=content_id("stray", uri, problem), problem=problem)


def read_label(value: object) -> Label | None:
    """A source's label; None where it gives none. ValueError for a value that can be none (a mapping, bytes)."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return None if value != value else float(value)
    if isinstance(value, str):
        text = clean_text(value)
        return None if text.casefold() in ("", "nan") else text
    if isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value):
        return tuple(clean_text(part) for part in value) or None
    raise ValueError(value)
