"""What is looked for in pictures and texts."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from components.specs.base import Spec
from components.specs.chat import TellingSpec


class FeatureSpec(Spec):
    """What is looked for in pictures and texts, and by which models."""

    step: ClassVar[str] = "extract_features"
    version: ClassVar[int] = 2
    may_be_paths: ClassVar[frozenset[str]] = frozenset({"models"})
    does_not_matter: ClassVar[frozenset[str]] = frozenset({"batch_size", "device", "dtype", "told"})
    models: str = Field(
        default="starter", title="Models", description="starter, pretrained, or the path of a model-set file."
    )
    captions: int = Field(default=4, ge=1, le=16, title="Captions", description="Sampled per picture, ranked by CLIP.")
    temperature: float = Field(
        default=1.0,
        gt=0,
        le=2,
        title="Temperature of caption sampling",
        description="Higher: captions that differ more.",
    )
    top_p: float = Field(
        default=0.9,
        gt=0,
        le=1,
        title="Nucleus of caption sampling",
        description="The smallest set of words with this probability is drawn from.",
    )
    decoding: Literal["sample", "beam", "both"] = Field(
        default="sample", title="Decoding of captions", description="both: half of the candidates from a beam."
    )
    crops: Literal["none", "saliency", "detector"] = Field(
        default="none",
        title="Parts of the picture",
        description="Also caption and classify what stands out, or what the model set's detector finds.",
    )
    crops_kept: int = Field(
        default=2, ge=1, le=8, title="Most parts per picture", description="The most striking ones first."
    )
    keyword_method: Literal["leave_one_out", "yake"] = Field(
        default="leave_one_out",
        title="How keywords are ranked",
        description="leave_one_out: by how far the text's embedding moves without it; yake: by statistics of the text.",
    )
    keywords: int = Field(default=6, ge=0, le=32, title="Keywords", description="Kept per item, most telling first.")
    told: TellingSpec | None = Field(
        default=None, title="A language model that sees the pictures", description="empty: nothing is bought."
    )
    seed: int = Field(default=0, title="Seed", description="Of caption sampling: the same seed, the same rows.")
    batch_size: int | None = Field(
        default=None, ge=1, title="Batch size", description="Changes speed, not rows; empty: as measured here."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", title="Device", description="auto: cuda where there is one."
    )
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        title="Number format of the weights",
        description="auto is float32. bfloat16 is faster where the machine has it, and gives rows of another spec.",
    )

    def resolved(self) -> dict[str, Any]:
        """float32 rows are the same however they are computed; bfloat16 moves them. Of `told`, limits and key names do
        not count."""
        dtype = {"dtype": self.dtype} if self.dtype == "bfloat16" else {}
        return super().resolved() | dtype | ({"told": self._told(self.told)} if self.told else {})

    def _told(self, told: TellingSpec) -> dict[str, Any]:
        """With its version from the second on, so that the ids of the first stand."""
        return told.resolved() | ({"version": told.version} if told.version > 1 else {})

    def contents(self) -> Mapping[str, Any]:
        from components.features import model_set_fingerprint

        found: dict[str, Any] = {"model_set": model_set_fingerprint(self.models)}
        if self.keyword_method == "yake":
            from components.features.keyword_ranking import ranked_by

            found["yake"] = ranked_by("yake", "")
        return found
