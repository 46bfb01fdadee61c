"""Who judges the posts."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from components.specs.chat import ChatSpec, ModelName, longest_reply_of, temperature_of


class JudgeSpec(ChatSpec):
    """Who judges, by which rubric, how often."""

    step: ClassVar[str] = "judge_posts"
    version: ClassVar[int] = 2
    may_be_paths: ClassVar[frozenset[str]] = frozenset({"rubric"})
    does_not_matter: ClassVar[frozenset[str]] = ChatSpec.does_not_matter | {"allow_own_model"}
    matters_when_set: ClassVar[frozenset[str]] = ChatSpec.matters_when_set | {"source_text", "words_from"}
    model: ModelName = Field(
        default="offline/judge",
        title="Model",
        description="provider/name: offline/judge, or openai/NAME at any compatible endpoint.",
    )
    temperature: float | None = temperature_of(0.0)
    max_output_tokens: int = longest_reply_of(800)
    rubric: str = Field(
        default="mpwl",
        title="Rubric",
        description="mpwl, brand, persuasion, accessibility, or the path of a rubric file.",
    )
    brief: str | None = Field(
        default=None,
        title="Brief",
        description="For a rubric that judges by one (brand): a text, or the path of a .md or .txt file.",
    )
    repeats: int = Field(
        default=1,
        ge=1,
        le=20,
        title="Readings per post",
        description="From 2 on the report says how far the judge agrees with itself.",
    )
    batch_context: int = Field(
        default=5,
        ge=0,
        le=20,
        title="Posts shown beside",
        description="How the posts that come next in the feed begin, for variety.",
    )
    source_text: bool = Field(
        default=True,
        title="Show the text that came with the picture",
        description="false: also where a person's own text is judged, which would stand beside itself.",
    )
    words_from: str = Field(
        default="",
        title="Features whose words are shown (an id)",
        description="Empty: those the post was written from; experiments give all arms the same.",
    )
    allow_own_model: bool = Field(
        default=False,
        title="Allow the writer's own model",
        description="A model tends to prefer what it wrote itself, so this is refused unless it is asked for.",
    )

    def resolved(self) -> dict[str, Any]:
        """Of a brief its text counts, wherever it was read from; without one nothing does."""
        return {name: value for name, value in super().resolved().items() if name != "brief"}

    def contents(self) -> Mapping[str, Any]:
        from components.judgments import brief_text, rubric_text

        found = {**super().contents(), "rubric_text": rubric_text(self.rubric)}
        if self.batch_context:
            found["beside"] = "the next of the feed"  # which posts those are; a judge that is shown none keeps its id
        return found if self.brief is None else {**found, "brief_text": brief_text(self.brief)}
