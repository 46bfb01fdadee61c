"""Who compares posts, by which rubric, how often, and which pairs.

Which pairs are asked is a choice among questions, as a Selection is, and changes no answer: `design`, `pairs` and
`rounds` are no part of the id. So a tournament that is made larger, or played by another design, goes on from the
verdicts that are there.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from components.specs.chat import ChatSpec

OFFLINE = "offline/pairwise"


class PairwiseSpec(ChatSpec):
    """Who says which of two posts is better. Each pair is asked in both orders, always: an order by itself says as much
    about the judge as about the posts."""

    step: ClassVar[str] = "compare_posts"
    may_be_paths: ClassVar[frozenset[str]] = frozenset({"rubric"})
    does_not_matter: ClassVar[frozenset[str]] = ChatSpec.does_not_matter | {
        "design", "pairs", "rounds", "allow_own_model",
    }  # fmt: skip
    model: Annotated[str, Field(pattern=r"^[a-z0-9_]+/.+$")] = Field(
        default=OFFLINE,
        title="Model",
        description="provider/name: offline/pairwise, or openai/NAME at any compatible endpoint.",
    )
    temperature: float | None = Field(default=0.0, ge=0, le=2, title="Temperature", description="null: not sent.")
    max_output_tokens: int = Field(
        default=800,
        ge=1,
        title="Longest reply, in tokens",
        description="A longer one is cut, which is a state of its own and no post or score.",
    )
    rubric: str = Field(default="mpwl", title="Rubric", description="The yardstick: a rubric's name, or its file.")
    repeats: int = Field(default=1, ge=1, le=20, title="Readings per pair", description="Each in both orders.")
    matters_when_set: ClassVar[frozenset[str]] = ChatSpec.matters_when_set | {"source_text", "words_from"}
    source_text: bool = Field(
        default=True,
        title="Show the text that came with the picture",
        description="false: also where one of the posts is that text.",
    )
    words_from: str = Field(
        default="",
        title="Features whose words are shown (an id)",
        description="Empty: of each pair the words that both were written from; experiments show the baseline's.",
    )
    design: Literal["all", "swiss", "uncertain"] = Field(
        default="all",
        title="Which pairs",
        description="all: every pair; swiss: rounds between neighbours; uncertain: what Bradley-Terry knows least.",
    )
    pairs: int | None = Field(
        default=None, ge=1, title="At most so many pairs", description="Two calls each and repeat; empty: no cap."
    )
    rounds: int | None = Field(
        default=None, ge=1, le=1000, title="Rounds", description="Of swiss and uncertain; empty: as many as usual."
    )

    allow_own_model: bool = Field(
        default=False,
        title="Allow a writer's own model",
        description="A model tends to prefer what it wrote itself, so this is refused unless it is asked for.",
    )

    def contents(self) -> Mapping[str, Any]:
        from components.judgments import rubric_text

        return {**super().contents(), "rubric_text": rubric_text(self.rubric)}
