"""What is measured of posts without a judge."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from components.specs.base import Spec

Family = Literal["fit", "control", "wording", "variety", "safety", "rules"]
FAMILIES: tuple[Family, ...] = ("fit", "control", "wording", "variety", "safety", "rules")


class MeasureSpec(Spec):
    """What is measured of posts without a judge; components/measures/about.yaml says what each measure is."""

    step: ClassVar[str] = "measure_posts"
    may_be_paths: ClassVar[frozenset[str]] = frozenset({"toxicity"})
    families: tuple[Family, ...] = Field(
        default=FAMILIES, min_length=1, title="Kinds of measures", description="Leave some out to save their models."
    )
    negatives: int = Field(
        default=8, ge=1, le=100, title="Pictures to compare with", description="The likest others of the batch."
    )
    false_alarms: float = Field(
        default=0.05,
        gt=0,
        lt=0.5,
        title="False alarms of contradictions",
        description="At most this share of posts that belong to their picture; the margin is calibrated on the batch.",
    )
    margin: float | None = Field(
        default=None,
        ge=0,
        le=2,
        title="Margin of contradictions, in cosine",
        description="By which another picture must fit better; empty: calibrated on the batch.",
    )
    reader: Literal["sentence", "clip", "network"] = Field(
        default="sentence",
        title="Who reads topic, sentiment and scene in the post",
        description="The text encoder, CLIP's text tower, or the network that labels, which is not independent.",
    )
    last: int = Field(
        default=50,
        ge=1,
        le=1000,
        title="Earlier posts to compare with",
        description="The latest before each post, for likeness and near-duplicates.",
    )
    references: int = Field(
        default=50, ge=1, le=500, title="References of self-BLEU", description="Other posts, drawn by the seed."
    )
    phone_region: str = Field(
        default="US",
        pattern=r"^[A-Z]{2}$",
        title="Region of phone numbers",
        description="How numbers without a country code are read: two letters, as of ISO 3166.",
    )
    toxicity: str = Field(
        default="shipped",
        title="Classifier of toxicity",
        description="shipped, owner/name@commit of a text classifier in the hub's cache, or the path of one.",
    )
    seed: int = Field(default=0, title="Seed", description="Of the samples of references and pictures.")

    def contents(self) -> Mapping[str, Any]:
        from components.measures.sources import fingerprint

        return {"sources": fingerprint(self)}
