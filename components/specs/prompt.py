"""Which prompt words there are, and how they become a prompt."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from components.specs.base import Spec

Word = Literal["caption", "topic", "sentiment", "scene", "keywords", "details"]
WORDS: tuple[Word, ...] = ("caption", "topic", "sentiment", "scene", "keywords", "details")


class PromptSpec(Spec):
    """How prompt words become a prompt."""

    step: ClassVar[str] = "build_prompts"
    may_be_paths: ClassVar[frozenset[str]] = frozenset({"template"})
    template: str = Field(
        default="mpwl",
        title="Template",
        description="mpwl, plain, another of components/prompts/templates, or the path of a .j2 file.",
        examples=["mpwl", "plain", "zero_shot"],
    )
    platform: str = Field(default="x", title="Platform", description="A file in components/prompts/platforms.")
    language: str = Field(default="en", title="Language of the post", description="A BCP 47 tag.")
    words: tuple[Word, ...] = Field(default=WORDS, title="Prompt words", description="Leave some out to ablate.")
    abstain: bool = Field(
        default=True,
        title="Leave out uncertain words",
        description="Topic, sentiment, scene and details below their threshold are not told to the writer.",
    )
    shuffle: int | None = Field(
        default=None,
        title="Shuffle the words by this seed",
        description="Each item's in an order of its own; for templates that say the words in `order`.",
    )

    def resolved(self) -> dict[str, Any]:
        return {name: value for name, value in super().resolved().items() if name != "shuffle" or value is not None}

    def contents(self) -> Mapping[str, Any]:
        from components.prompts import platform_text, template_text

        return {"template_text": template_text(self.template), "platform_text": platform_text(self.platform)}
