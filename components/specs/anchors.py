"""How a judge's drift is watched."""

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar, Literal

from pydantic import Field

from components.specs.base import Spec


class AnchorSpec(Spec):
    """Frozen posts that every judge of a campaign reads again in each period, to see whether it still judges as it did.

    How readings are looked at is no part of the id: they are the same whenever an alarm would be raised.
    """

    step: ClassVar[str] = "read_anchors"
    may_be_paths: ClassVar[frozenset[str]] = frozenset({"posts"})
    does_not_matter: ClassVar[frozenset[str]] = frozenset({"baseline", "smallest", "threshold", "since", "stop"})
    posts: str = Field(default="shipped", title="Posts", description="shipped, or the path of a file of yours.")
    count: int = Field(default=12, ge=4, le=200, title="Anchors", description="Spread over the levels of the posts.")
    every: Literal["day", "week", "month"] = Field(
        default="day", title="Once per", description="In UTC; a second run of the same period buys nothing."
    )
    repeats: int = Field(
        default=1,
        ge=1,
        le=10,
        title="Readings of each per period",
        description="More tell a drift from the judge's own noise sooner, and cost as much more.",
    )
    baseline: int = Field(
        default=8, ge=4, le=60, title="Periods of the baseline", description="The first ones; before them no alarm."
    )
    smallest: float = Field(
        default=0.3, gt=0, le=5, title="Smallest shift that matters, in points", description="Half of it is let pass."
    )
    threshold: float = Field(
        default=5.0, gt=0, title="Threshold of the CUSUM", description="In standard deviations of a period's mean."
    )
    since: date | None = Field(
        default=None, title="Begin anew on", description="Earlier readings are left out: a new baseline after a drift."
    )
    stop: bool = Field(default=False, title="Stop the run at an alarm", description="Else it only warns.")

    def contents(self) -> Mapping[str, Any]:
        from components.audit.material import material_text

        return {"posts_text": material_text(self.posts)}
