"""A Selection says to which items: all of a dataset, those of a window of time, a sample, the earliest few."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

On = Literal["published_at", "ingested_at"]
"""By which time of an item a window takes it: its source's, which some items do not have, or when it was read in."""


class Selection(BaseModel):
    """Which items: all of a dataset, those published (or read in) in a window [from, to), a random sample of them, the
    first N by time. A larger sample by the same seed holds the smaller one."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    dataset: str = Field(title="Dataset", description="Its name, as `dataset.name` of the campaign gave it.")
    published_from: datetime | None = Field(default=None, title="Published from", description="Included.")
    published_to: datetime | None = Field(default=None, title="Published before", description="Excluded.")
    ingested_from: datetime | None = Field(default=None, title="Read in from", description="Included.")
    ingested_to: datetime | None = Field(default=None, title="Read in before", description="Excluded.")
    limit: int | None = Field(default=None, ge=1, title="At most so many items", description="The earliest first.")
    sample: int | None = Field(default=None, ge=1, title="Random sample", description="So many items, by the seed.")
    seed: int = Field(
        default=0, title="Seed of the sample", description="A larger sample by the same seed holds the smaller one."
    )

    @model_validator(mode="after")
    def _one_kind(self) -> "Selection":
        if (self.published_from or self.published_to) and (self.ingested_from or self.ingested_to):
            raise ValueError("a window is of published_from and published_to or of ingested_from and ingested_to")
        return self

    @classmethod
    def within(
        cls, dataset: str, on: On, start: datetime | None, end: datetime | None, limit: int | None = None
    ) -> "Selection":
        """The items of a dataset whose time `on` lies in [start, end)."""
        if on == "ingested_at":
            return cls(dataset=dataset, ingested_from=start, ingested_to=end, limit=limit)
        return cls(dataset=dataset, published_from=start, published_to=end, limit=limit)

    @classmethod
    def of_run(cls, run: Mapping[str, Any]) -> "Selection":
        """What a row of `runs` was about."""
        on: On = "ingested_at" if run["window_on"] == "ingested_at" else "published_at"
        chosen = cls.within(run["dataset"], on, run["window_from"], run["window_to"], run["item_limit"])
        return chosen.model_copy(update={"sample": run["item_sample"], "seed": run["item_seed"]})

    @property
    def on(self) -> On | None:
        """The time that its window is of; None where it has no window."""
        if self.ingested_from or self.ingested_to:
            return "ingested_at"
        return "published_at" if self.published_from or self.published_to else None

    @property
    def window(self) -> tuple[datetime | None, datetime | None]:
        """[from, to), of whichever time."""
        return self.published_from or self.ingested_from, self.published_to or self.ingested_to


class Slice(Selection):
    """Some items of a selection, and where they stand in it: what a step is given at a time."""

    items: tuple[str, ...]
    positions: tuple[int, ...]
