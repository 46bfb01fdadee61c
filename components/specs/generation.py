"""Who writes the posts."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from components.specs.chat import ChatSpec, ModelName


class GenerationSpec(ChatSpec):
    """Who writes. `human/source` is nobody: the text that came with the item is the post, as a person wrote it."""

    step: ClassVar[str] = "generate_posts"
    model: ModelName = Field(
        default="offline/writer",
        title="Model",
        description="provider/name: offline/writer, openai/NAME at any compatible endpoint, or human/source.",
    )
    matters_when_set: ClassVar[frozenset[str]] = ChatSpec.matters_when_set | {"temperatures", "choose"}
    candidates: int = Field(default=1, ge=1, le=16, title="Candidates", description="Posts per prompt.")
    temperatures: tuple[Annotated[float, Field(ge=0, le=2)], ...] = Field(
        default=(),
        title="Temperature of each candidate",
        description="As many as candidates; empty: `temperature` for all.",
        examples=[[0.3, 0.7, 1.1]],
    )
    choose: Literal["all", "judge", "clip"] = Field(
        default="all",
        title="Best of the candidates",
        description="judge: all are judged, the best is chosen; clip: only the one nearest its picture is judged.",
    )
    alt_text: Literal["captions", "model"] = Field(
        default="captions",
        title="Alternative texts",
        description="Of the kept captions, or by the model, which then sees the picture: one more call each.",
    )

    @property
    def is_human(self) -> bool:
        return self.model.startswith("human/")

    @model_validator(mode="after")
    def _people_write_once(self) -> "GenerationSpec":
        if self.is_human and (self.candidates > 1 or self.mode == "batch"):
            raise ValueError(f"{self.model} is what a person wrote, once: leave out candidates and mode")
        return self

    @model_validator(mode="after")
    def _sees_pictures(self) -> "GenerationSpec":
        if self.alt_text == "model" and self.model.startswith(("offline/", "human/")):
            raise ValueError(f"{self.model} sees no pictures; use alt_text: captions, or a model that does")
        return self

    @model_validator(mode="after")
    def _temperatures_fit(self) -> "GenerationSpec":
        if self.temperatures and len(self.temperatures) != self.candidates:
            raise ValueError(
                f"{len(self.temperatures)} temperatures for {self.candidates} candidates; "
                f"give as many temperatures as candidates, or set candidates to {len(self.temperatures)}"
            )
        return self

    def resolved(self) -> dict[str, Any]:
        """One candidate is the best however it would be chosen."""
        return {name: value for name, value in super().resolved().items() if self.candidates > 1 or name != "choose"}

    def contents(self) -> Mapping[str, Any]:
        if self.alt_text == "captions":
            return super().contents()
        from components.features.told_captions import wording

        return {**super().contents(), "wording": wording()}
