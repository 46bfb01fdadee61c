"""A campaign: the specs of the steps, and what they may spend together."""

from pydantic import BaseModel, ConfigDict, Field

from components.specs.anchors import AnchorSpec
from components.specs.dataset import DatasetSpec
from components.specs.features import FeatureSpec
from components.specs.generation import GenerationSpec
from components.specs.judge import JudgeSpec
from components.specs.measures import MeasureSpec
from components.specs.prompt import PromptSpec


class Budget(BaseModel):
    """What a run may spend."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    usd: float = Field(
        default=1.00,
        ge=0,
        title="Cap of a run, in USD",
        description="Reserved at the worst case before a call is sent, so it is never passed.",
    )
    usd_per_month: float | None = Field(
        default=None,
        ge=0,
        title="Cap of a calendar month, in USD",
        description="Of all that this home buys, in UTC; empty: no cap.",
    )
    allow_unpriced: bool = Field(
        default=False,
        title="Allow models whose price is unknown",
        description="Their cost reads unknown and is in no sum, so no cap can hold it.",
    )


class Campaign(BaseModel):
    """A campaign file: the five steps and the budget."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        title="Name",
        examples=["demo"],
        description="Reports, runs and tables know the campaign by it: letters, digits, dots, dashes.",
    )
    dataset: DatasetSpec = Field(title="Dataset", description="Where items come from.")
    features: FeatureSpec = Field(
        default=FeatureSpec(),
        title="Features",
        description="What is looked for in pictures and texts, and by which models.",
    )
    prompt: PromptSpec = Field(
        default=PromptSpec(),
        title="Prompt",
        description="How what was found becomes a prompt: template, platform, language, words.",
    )
    generation: GenerationSpec = Field(
        default=GenerationSpec(), title="Writer", description="Who writes the posts, how many per prompt, how fast."
    )
    judge: JudgeSpec = Field(
        default=JudgeSpec(), title="Judge", description="Who judges the posts, by which rubric, how often."
    )
    panel: tuple[JudgeSpec, ...] = Field(
        default=(),
        title="Panel",
        description="Further judges that read the same posts; `judge` alone chooses candidates.",
    )
    measures: MeasureSpec | None = Field(
        default=None, title="Measures beside the judge", description="empty: none are taken."
    )
    anchors: AnchorSpec | None = Field(
        default=None, title="Anchors", description="Frozen posts that show whether the judge drifts; empty: none."
    )
    budget: Budget = Field(
        default=Budget(),
        title="Budget",
        description="What a run may spend; it stops, resumably, before it would pass it.",
    )
