"""Specs say what to do, a Selection says to which items; together they are a campaign.

`spec.id` covers everything that can change the output, the text of templates, rubrics and model cards included, and
nothing that cannot (limits, names of keys): two specs with one id give the same rows. The fields' titles and
descriptions are also the labels of the forms in the Prefect UI.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from components.base_spec import Spec
from components.chat_spec import ChatSpec, TellingSpec
from components.measure_spec import MeasureSpec
from components.selection import On, Selection, Slice

__all__ = [
    "WORDS", "Budget", "Campaign", "ChatSpec", "DatasetSpec", "FeatureSpec", "GenerationSpec", "JudgeSpec",
    "MeasureSpec",
    "On", "PromptSpec", "Selection", "Slice", "Spec", "TellingSpec", "Word",
]  # fmt: skip

Word = Literal["caption", "topic", "sentiment", "scene", "keywords", "details"]
WORDS: tuple[Word, ...] = ("caption", "topic", "sentiment", "scene", "keywords", "details")


class DatasetSpec(Spec):
    """Where items come from."""

    step: ClassVar[str] = "ingest_items"
    source: Literal["folder", "csv", "parquet", "jsonl", "x_export", "instagram"] = Field(
        title="Source", description="The kind of source; one module in components/items each."
    )
    path: Path = Field(title="Path", description="A file or folder; in a campaign file relative to that file.")
    name: str = Field(default="", title="Name", description="The dataset's name; by default the path's last part.")
    columns: dict[str, str] = Field(
        default_factory=dict,
        title="Columns",
        description="For tables whose columns have other names: item field -> column, e.g. {text: body, image: photo}.",
    )
    timezone: str = Field(
        default="UTC", title="Time zone", description="Of times that carry no offset.", examples=["America/New_York"]
    )
    max_pixels: int = Field(
        default=100_000_000, gt=0, title="Largest picture", description="Width x height; larger ones are quarantined."
    )

    @model_validator(mode="before")
    @classmethod
    def _name_from_path(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.get("name") and isinstance(data.get("path"), str | Path):
            data = {**data, "name": Path(data["path"]).stem}
        return data


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


class GenerationSpec(ChatSpec):
    """Who writes. `human/source` is nobody: the text that came with the item is the post, as a person wrote it."""

    step: ClassVar[str] = "generate_posts"
    model: Annotated[str, Field(pattern=r"^[a-z0-9_]+/.+$")] = Field(
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


class JudgeSpec(ChatSpec):
    """Who judges, by which rubric, how often."""

    step: ClassVar[str] = "judge_posts"
    version: ClassVar[int] = 2
    may_be_paths: ClassVar[frozenset[str]] = frozenset({"rubric"})
    does_not_matter: ClassVar[frozenset[str]] = ChatSpec.does_not_matter | {"allow_own_model"}
    matters_when_set: ClassVar[frozenset[str]] = ChatSpec.matters_when_set | {"source_text", "words_from"}
    model: Annotated[str, Field(pattern=r"^[a-z0-9_]+/.+$")] = Field(
        default="offline/judge",
        title="Model",
        description="provider/name: offline/judge, or openai/NAME at any compatible endpoint.",
    )
    temperature: float | None = Field(default=0.0, ge=0, le=2, title="Temperature", description="null: not sent.")
    max_output_tokens: int = Field(
        default=800,
        ge=1,
        title="Longest reply, in tokens",
        description="A longer one is cut, which is a state of its own and no post or score.",
    )
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
